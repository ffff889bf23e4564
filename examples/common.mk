# What the examples of the systems share: data, training, evaluation, tables. Include it after the settings of the example.
#
#   DATA=/folder    holds train.jsonl and val.jsonl: records with features and annotations, as tal-convert makes them. It is only read.
#   DATA=synth      tal-synth makes both below OUT, two streams of SYNTH_VIDEOS videos each. Small networks, a few minutes; no number is comparable with a paper's.
#   OUT SEED THREADS EPOCHS    results (default out/NAME), seed of training, threads, epochs (default: the model's own; synth: few)
#
# A Makefile names its models and runs, and the tables made of them:
#   MODEL_x FLAGS_x            what tal-train trains as OUT/x.safetensors, and its options
#   NEEDS_r PIPE_r             a run: its models (and other files below OUT), and the pipe from records to suppressed proposals
#   EVAL_r LABEL_r             options of tal-eval for the run (default: EVAL), its name in tables (default: r)
#   $(eval $(call table,t,TITLE,r1 r2 ...,OPTIONS))      make t prints the table; OPTIONS of table.py

comma := ,
EXAMPLES := $(dir $(lastword $(MAKEFILE_LIST)))
BIN ?= $(abspath $(EXAMPLES)/../build/bin)
OUT ?= out/$(notdir $(DATA:/=))
SEED ?= 0
THREADS ?= 2
EVAL ?= --protocol activitynet-proposal

SHELL := bash
.SHELLFLAGS := -e -o pipefail -c
.DELETE_ON_ERROR:
.SECONDARY:
.SECONDEXPANSION:
.PHONY: clean

TRAIN_OPTIONS = --seed $(SEED) --threads $(THREADS) --quiet $(if $(EPOCHS),--epochs $(EPOCHS))

ifeq ($(DATA),synth)
SYNTH_VIDEOS ?= 24
SYNTH_SNR ?= 2
EPOCHS ?= 8
TRAIN := $(OUT)/train.jsonl
VAL := $(OUT)/val.jsonl
DATA_NAME := synthetic features of tal-synth, $(SYNTH_VIDEOS) videos to train on and as many to test on, seed $(SEED); not comparable with the paper
# One seed of the features: the classes look alike in both parts, the noise differs from video to video.
$(OUT)/train.jsonl $(OUT)/val.jsonl: $(OUT)/%.jsonl:
	mkdir -p $(OUT)
	$(BIN)/tal-synth --seed $(if $(filter train,$*),1,2) annotations -n $(SYNTH_VIDEOS) --classes 3 --subset $* --prefix $*_ --min-duration 40 --max-duration 120 \
	  --min-length 3 --max-length 20 \
	| $(BIN)/tal-synth --seed 3 features --stream rgb --dim 16 --snr $(SYNTH_SNR) --out-dir $(abspath $(OUT))/features \
	| $(BIN)/tal-synth --seed 4 features --stream flow --dim 16 --snr $(SYNTH_SNR) --out-dir $(abspath $(OUT))/features -o $@
else
TRAIN := $(DATA)/train.jsonl
VAL := $(DATA)/val.jsonl
DATA_NAME := $(DATA), seed $(SEED)
$(TRAIN) $(VAL):
	@echo "no $@: say DATA=/folder with train.jsonl and val.jsonl (records with features and annotations; tal-convert --from features --merge makes them), or DATA=synth" >&2; exit 1
endif

$(OUT)/%.safetensors: $(TRAIN)
	@mkdir -p $(@D)
	$(BIN)/tal-train --model $(or $(MODEL_$*),$(error no model $*)) $(TRAIN_OPTIONS) $(FLAGS_$*) --resume -i $(TRAIN) --out $@ > $@.json

$(OUT)/%.proposals.jsonl: $(VAL) $$(addprefix $$(OUT)/,$$(NEEDS_$$*))
	{ $(PIPE_$*); } < $(VAL) > $@

$(OUT)/%.result.json: $(OUT)/%.proposals.jsonl
	$(BIN)/tal-eval $(or $(EVAL_$*),$(EVAL)) --format json -i $< > $@

# table(target, title, runs, options of table.py)
define table
.PHONY: $(1)
$(1): $(OUT)/$(1).md
	@cat $$<
$(OUT)/$(1).md: $(3:%=$(OUT)/%.result.json)
	python3 $(EXAMPLES)table.py --title "$(2)" --data "$$(DATA_NAME)" $(4) $$(foreach r,$(3),--row "$$(or $$(LABEL_$$(r)),$$(r))" $(OUT)/$$(r).result.json) > $$@
endef

clean:
	rm -rf out
