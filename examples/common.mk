# What the examples of the systems share: data, training, evaluation, tables. Include it after the settings of the example.
#
#   DATA=/folder    holds train.jsonl and val.jsonl: records with features and annotations, as tal-convert makes them. It is only read.
#   DATA=synth      tal-synth makes both below OUT, SYNTH_STREAMS (default: rgb and flow) of SYNTH_VIDEOS videos each. Small networks, a few minutes; no number is comparable with a paper's.
#   DATA=/hapt      a folder with RawData/ and segments.csv: the HAPT recordings (see examples/hapt), one stream, `signals`
#   VIDEOS ANNOTATIONS DURATIONS    instead of DATA, for models that see frames: THUMOS14's files of videos, its folder of annotation folders val/ and test/,
#                   seconds and frame rate of every video (CSV: video,duration,fps)
#   OUT SEED THREADS EPOCHS    results (default out/NAME), seed of training, threads, epochs (default: the model's own; synth: few)
#   SEEDS="0 1 2"   several seeds, each below OUT/seed-N: the tables show means and spreads
#
# A Makefile names its models and runs, and the tables made of them:
#   MODEL_x FLAGS_x INPUT_x    what tal-train trains as OUT/x.safetensors, its options, and on what (default: TRAIN); EPOCHS_x: its epochs, instead of EPOCHS
#   NEEDS_r PIPE_r             a run: its models (and other files below OUT), and the pipe from records to suppressed proposals
#   EVAL_r LABEL_r             options of tal-eval for the run (default: EVAL), its name in tables (default: r)
#   $(eval $(call table,t,TITLE,r1 r2 ...,OPTIONS))      make t prints the table; OPTIONS of table.py

comma := ,
ifneq ($(wildcard $(DATA)/segments.csv),)
ON_HAPT := yes
endif
EXAMPLES := $(dir $(lastword $(MAKEFILE_LIST)))
OUT ?= out/$(notdir $(DATA:/=))
EVAL ?= --protocol activitynet-proposal
SEEDS ?= $(SEED)
DATA_OUT ?= $(OUT)
include $(EXAMPLES)tools.mk
ifneq ($(words $(sort $(SEEDS))),$(words $(SEEDS)))
$(error SEEDS: $(SEEDS): a seed stands there twice)
endif
ifeq ($(strip $(SEEDS)),)
$(error SEEDS is empty: say one or several numbers)
endif
ifeq ($(words $(SEEDS)),1)
override SEED := $(strip $(SEEDS))
endif

.SECONDEXPANSION:
.PHONY: clean

TRAIN_OPTIONS = --seed $(SEED) --threads $(THREADS) --quiet --log $(@:.safetensors=.log) $(if $(or $(EPOCHS_$*),$(EPOCHS)),--epochs $(or $(EPOCHS_$*),$(EPOCHS)))
SEED_NAME = $(if $(filter 1,$(words $(SEEDS))),seed,seeds) $(SEEDS)

ifeq ($(DATA),synth)
SYNTH_VIDEOS ?= 24
SYNTH_SNR ?= 2
EPOCHS ?= 8
TRAIN := $(DATA_OUT)/train.jsonl
VAL := $(DATA_OUT)/val.jsonl
DATA_NAME := synthetic features of tal-synth, $(SYNTH_VIDEOS) videos to train on and as many to test on, $(SEED_NAME); not comparable with the paper
# One seed of the features of a stream: the classes look alike in all parts, the noise differs from video to video.
SYNTH_STREAMS ?= rgb flow
SYNTH_PARTS ?= train val
SYNTH_SEED_train := 1
SYNTH_SEED_val := 2
SYNTH_SEED_tune := 3
$(SYNTH_PARTS:%=$(DATA_OUT)/%.jsonl): $(DATA_OUT)/%.jsonl:
	mkdir -p $(DATA_OUT)
	$(BIN)/tal-synth --seed $(SYNTH_SEED_$*) annotations -n $(SYNTH_VIDEOS) --classes 3 --subset $* --prefix $*_ --min-duration 40 --max-duration 120 \
	  --min-length 3 --max-length 20 $(foreach k,$(shell seq $(words $(SYNTH_STREAMS))),| $(BIN)/tal-synth --seed $(shell expr $(k) + 2) features --stream $(word $(k),$(SYNTH_STREAMS)) --dim 16 \
	  --snr $(or $(SNR_$(word $(k),$(SYNTH_STREAMS))),$(SYNTH_SNR)) --out-dir "$(abspath $(DATA_OUT))/features") > $@
else ifeq ($(ON_HAPT),yes)
HAPT := $(DATA)
HAPT_FILES := $(DATA_OUT)
include $(EXAMPLES)hapt.mk
TRAIN := $(DATA_OUT)/hapt-train.jsonl
VAL := $(DATA_OUT)/hapt-test.jsonl
DATA_NAME := HAPT$(comma) 42 recordings of sensors to train on and 19 to test on, $(SEED_NAME); not the paper's data
else ifneq ($(VIDEOS),)
TRAIN := $(DATA_OUT)/thumos14-val.jsonl
VAL := $(DATA_OUT)/thumos14-test.jsonl
DATA_NAME := THUMOS14, $(SEED_NAME)
$(TRAIN) $(VAL): $(DATA_OUT)/thumos14-%.jsonl:
	mkdir -p $(@D)
	$(BIN)/tal-convert --from thumos14-gt --durations $(or $(DURATIONS),$(error DURATIONS is not set: seconds and frame rate of every video (CSV: video$(comma)duration$(comma)fps))) \
	  $(or $(ANNOTATIONS),$(error ANNOTATIONS is not set: a folder with annotation folders val/ and test/))/$* \
	| python3 $(EXAMPLES)sptad/with_path.py $(VIDEOS) $* > $@
else
TRAIN := $(DATA)/train.jsonl
VAL := $(DATA)/val.jsonl
DATA_NAME := $(DATA), $(SEED_NAME)
$(TRAIN) $(VAL):
	@echo "no $@: say DATA=/folder with train.jsonl and val.jsonl (records with features and annotations; tal-convert --from features --merge makes them), or DATA=synth" >&2; exit 1
endif

# What a model, a run and a result were made with.
$(OUT)/%.trained-with: every-time
	$(call kept,$(MODEL_$*) --seed $(SEED) $(or $(EPOCHS_$*),$(EPOCHS)) $(FLAGS_$*))
$(OUT)/%.run-with: every-time
	$(call kept,$(PIPE_$*))
$(OUT)/%.judged-with: every-time
	$(call kept,$(or $(EVAL_$*),$(EVAL)))

$(OUT)/%.safetensors: $$(or $$(INPUT_$$*),$(TRAIN)) $(OUT)/%.trained-with
	@mkdir -p $(@D)
	$(BIN)/tal-train --model $(or $(MODEL_$*),$(error no model $*)) $(TRAIN_OPTIONS) $(FLAGS_$*) --resume -i $< --out $@ > $@.json

$(OUT)/%.proposals.jsonl: $(VAL) $$(addprefix $$(OUT)/,$$(NEEDS_$$*)) $(OUT)/%.run-with
	{ $(PIPE_$*); } < $(VAL) > $@

$(OUT)/%.result.json: $(OUT)/%.proposals.jsonl $(OUT)/%.judged-with
	$(BIN)/tal-eval $(or $(EVAL_$*),$(EVAL)) --format json -i $< > $@

# A file of a run or model below OUT, one a seed. Several seeds: each is a make of its own below OUT, on the same data.
ifeq ($(words $(SEEDS)),1)
each = $(OUT)/$(1)
else
each = $(SEEDS:%=$(OUT)/seed-%/$(1))
of_seed = $(MAKE) --no-print-directory DATA_OUT=$(DATA_OUT) OUT=$(OUT)/seed-$(1) SEED=$(1) SEEDS=$(1) $(2:%=$(OUT)/seed-$(1)/%.result.json)
endif

# table(target, title, runs, options of table.py). SAME_r: a run that shows another one's result.
define table
$(if $(strip $(3)),,$(error $(1): no rows))
$(foreach r,$(3),$(if $(value PIPE_$(r))$(SAME_$(r)),,$(error $(1): no run $(r))))
.PHONY: $(1)
$(1): $(OUT)/$(1).md
	@cat $$<
$(OUT)/$(1).md: every-time $(if $(of_seed),$(TRAIN) $(VAL),$(3:%=$(OUT)/%.result.json))
	$(if $(of_seed),+$(foreach s,$(SEEDS),$$(call of_seed,$(s),$(3)) &&) :)
	python3 $(EXAMPLES)table.py --title "$(2)" --data "$$(DATA_NAME)" --seeds $(words $(SEEDS)) $(TABLE) $(4) \
	  $$(foreach r,$(3),--row "$$(or $$(LABEL_$$(r)),$$(r))" $$(call each,$$(r).result.json)) > $$@
endef

clean:
	rm -rf out
