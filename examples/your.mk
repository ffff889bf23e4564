# What the examples for data of one's own share: labels in any form, what is learnt from them, and the bundle that tal-detect runs.
# A rule that makes less than before leaves its file alone (`made`), so that exactly what depends on a change is made again: of new videos, features and
# detections; of new labels, the models too; of another encoder or rate, everything.
#
# A Makefile gives OUT/features.jsonl, NAME.train.jsonl and NAME.test.jsonl, DETECTOR (options of tal-train), FUSION (stages behind tal-propose, one a word of
# its own line), and `extraction`, the bundle's first stage, or nothing where there is none.
YOUR := $(dir $(lastword $(MAKEFILE_LIST)))
# Where make was called: with -C that is another folder, which the user's relative paths mean.
CALLER := $(or $(PWD),$(CURDIR))
ifeq ($(origin OUT),command line)
ifeq ($(filter /%,$(OUT)),)
ifneq ($(CALLER),$(CURDIR))
override OUT := $(CALLER)/$(OUT)
endif
endif
endif
include $(YOUR)tools.mk
export CALLER VIDEOS LABELS FEATURES DURATIONS
inputs := bash $(YOUR)inputs.sh

LABELS ?=
# What tal-convert takes LABELS for, and its options (such as --time frames, --tier NAME).
FORMAT ?= auto
CONVERT ?=
EPOCHS_OF_CLASSES ?= 20

.PHONY: all clean
.DEFAULT_GOAL := all
# Without histories, which name all files of a run: records change when their own video or label does.
$(OUT)/labels.sums: every-time
	@test -n "$$LABELS" || { echo "LABELS is not set: a file or folder of annotations" >&2; exit 2; }
	@$(call made,$(inputs) sums "$$LABELS"; $(inputs) named $(CONVERT))
$(OUT)/labels.with: every-time ; $(call kept,$(FORMAT) $(CONVERT))
$(OUT)/labels.jsonl: $(OUT)/labels.sums $(OUT)/labels.with $(OUT)/features.jsonl
	labels=$$($(inputs) path "$$LABELS"); features=$$(realpath -s $(OUT)/features.jsonl); \
	  $(call made,(cd "$$CALLER" && tal-convert --from $(FORMAT) $(CONVERT) --no-history --durations "$$features" "$$labels"))
# Names videos that have labels and no features, and the other way round.
$(OUT)/joined.jsonl: $(OUT)/features.jsonl $(OUT)/labels.jsonl
	$(call made,tal-convert --from tal --no-history $< --merge $(OUT)/labels.jsonl)
$(OUT)/labelled.jsonl: $(OUT)/joined.jsonl
	$(call made,grep '"annotations":' $< || { echo "no video of LABELS='$$LABELS' has features" >&2; exit 2; })

# The rows behind records, which may change while they do not.
$(OUT)/%.rows: $(OUT)/%.jsonl every-time ; @$(call made,python3 $(YOUR)rows.py $<)

$(OUT)/detector.with: every-time ; $(call kept,$(DETECTOR) --seed $(SEED))
$(OUT)/classifier.with: every-time ; $(call kept,$(EPOCHS_OF_CLASSES) $(ACCEPT) --seed $(SEED))
$(OUT)/%.detector.safetensors: $(OUT)/%.train.jsonl $(OUT)/%.train.rows $(OUT)/detector.with
	$(call trained,--set train.standardize=true $(DETECTOR))
$(OUT)/%.classifier.safetensors: $(OUT)/%.train.jsonl $(OUT)/%.train.rows $(OUT)/classifier.with
	$(call trained,--model segment-classifier --set train.standardize=true --epochs $(EPOCHS_OF_CLASSES) $(ACCEPT))

# Detector, classifier and the pipe that they stand in as one file.
$(OUT)/pipeline: every-time $(extraction_inputs)
	@$(call made,{ $(extraction); printf '%s\n' 'tal-propose -m @/detector.safetensors $(ACCEPT)' $(FUSION) \
	  'tal-score -m @/classifier.safetensors $(ACCEPT)' 'tal-nms --preset actionformer'; })
$(OUT)/%.bundle.safetensors: $(OUT)/%.detector.safetensors $(OUT)/%.classifier.safetensors $(OUT)/pipeline
	rm -rf $(OUT)/$*.bundle; mkdir $(OUT)/$*.bundle; cp $(OUT)/pipeline $(OUT)/$*.bundle/
	ln -s ../$*.detector.safetensors $(OUT)/$*.bundle/detector.safetensors; ln -s ../$*.classifier.safetensors $(OUT)/$*.bundle/classifier.safetensors
	$(bundle_weights)
	tal-convert --bundle $(OUT)/$*.bundle -o $@
$(OUT)/%.detections.jsonl: $(OUT)/%.test.jsonl $(OUT)/%.test.rows $(OUT)/%.bundle.safetensors
	tal-detect -m $(OUT)/$*.bundle.safetensors -i $< -o $@

clean:
	rm -rf $(OUT)
