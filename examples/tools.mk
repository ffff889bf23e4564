# What the examples' Makefiles share. The tools: BIN (a build folder's bin, or empty for the ones on PATH).
BIN ?= $(abspath $(dir $(lastword $(MAKEFILE_LIST)))../build/bin)
OUT ?= out
SEED ?= 0
THREADS ?= 2
export PATH := $(BIN):$(PATH)

SHELL := bash
.SHELLFLAGS := -e -o pipefail -c
.DELETE_ON_ERROR:
.SECONDARY:
