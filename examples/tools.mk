# What the examples' Makefiles share. The tools: BIN (a build folder's bin, or empty for the ones on PATH).
BIN ?= $(abspath $(dir $(lastword $(MAKEFILE_LIST)))../build/bin)
OUT ?= out
SEED ?= 0
THREADS ?= 2
export PATH := $(BIN):$(PATH)
# one_word(NAME): the variable holds one path that make can handle.
one_word = $(if $(filter 1,$(words $($(1)))),,$(error $(1)='$($(1))': make cannot handle blanks in the names of what it makes))
$(call one_word,OUT)

SHELL := bash
.SHELLFLAGS := -e -o pipefail -c
.DELETE_ON_ERROR:
.SECONDARY:

# kept(words): the recipe of a file with what something was made with (prerequisite: every-time). It changes when the words do, so that nothing of other settings is shown.
.PHONY: every-time
kept = @mkdir -p $(@D); printf '%s\n' '$(subst ','"'"',$(1))' | cmp -s - $@ || printf '%s\n' '$(subst ','"'"',$(1))' > $@
# made(command): the recipe of a file that the command prints. Where it prints what is there already, the file is left alone, and nothing is made of it again.
made = mkdir -p $(@D); { $(1); } > $@.new; if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi
# trained(options): the recipe of a model. A training that was stopped goes on, unless what it learns from has changed since.
trained = state=$@.checkpoint; for made in $^; do [ ! -e $$state ] || [ $$state -nt $$made ] || rm $$state; done; \
  tal-train $(1) --seed $(SEED) --threads $(THREADS) --resume --log $(@:.safetensors=.log.jsonl) -i $< --out $@ > $@.json
# What a table shows besides its files: without it, a table of other seeds or models would count as made.
%.shown-with: every-time
	$(call kept,$(SEEDS) $(MODELS))
