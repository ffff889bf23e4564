# HAPT for the examples: OUT/hapt.jsonl and its two parts. Include it after tools.mk; HAPT is the folder with RawData/ and segments.csv. Nothing is downloaded.
HAPT ?= $(dir $(lastword $(MAKEFILE_LIST)))../../shared/data/hapt
HAPT_FILES ?= $(OUT)

$(HAPT_FILES)/hapt.jsonl: $(wildcard $(HAPT)/segments.csv)
	@test -f $(HAPT)/segments.csv || { echo "no $(HAPT)/segments.csv: say HAPT=/folder with RawData/ and segments.csv (see examples/hapt)" >&2; exit 1; }
	mkdir -p $(@D)
	tal-convert --from signals --pattern 'exp[0-9]+_user[0-9]+' --rate 50 --window 50 --stride 15 \
	  --signal-features mean,std,min,max --labels $(HAPT)/segments.csv \
	  --columns video=sequence,start=start_s,end=end_s,label=class_name,subset=split --out-dir $(abspath $(@D))/features $(HAPT)/RawData -o $@

$(HAPT_FILES)/hapt-train.jsonl $(HAPT_FILES)/hapt-test.jsonl: $(HAPT_FILES)/hapt-%.jsonl: $(HAPT_FILES)/hapt.jsonl
	tal-convert --from tal --subset $* $< -o $@
