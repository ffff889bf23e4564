# HAPT for the examples: OUT/hapt.jsonl and its two parts. Include it after tools.mk; HAPT is the folder with RawData/ and segments.csv. Nothing is downloaded.
HAPT ?= $(dir $(lastword $(MAKEFILE_LIST)))../../shared/data/hapt
HAPT_FILES ?= $(OUT)
HAPT_STRIDE ?= 15  # samples of 1/50 s

$(HAPT_FILES)/hapt.jsonl: $(wildcard $(HAPT)/segments.csv)
	@test -f $(HAPT)/segments.csv || { echo "no $(HAPT)/segments.csv: say HAPT=/folder with RawData/ and segments.csv (see examples/hapt)" >&2; exit 1; }
	mkdir -p $(@D)
	tal-convert --from signals --pattern 'exp[0-9]+_user[0-9]+' --rate 50 --window 50 --stride $(strip $(HAPT_STRIDE)) \
	  --signal-features mean,std,min,max --labels $(HAPT)/segments.csv \
	  --columns video=sequence,start=start_s,end=end_s,label=class_name,subset=split --out-dir "$(abspath $(@D))/features" $(HAPT)/RawData -o $@

$(HAPT_FILES)/hapt-train.jsonl $(HAPT_FILES)/hapt-test.jsonl: $(HAPT_FILES)/hapt-%.jsonl: $(HAPT_FILES)/hapt.jsonl
	tal-convert --from tal --subset $* $< -o $@

# An RPN for these recordings. Windows of 60 s; anchors of 1.7 to 40 s. The loss of the offsets is small beside the others: the tasks' weights are learned, fast.
HAPT_RPN = --set train.standardize=true --set width=128 --set hidden=64 --set input=windows --set rows=200 --set stride=100 \
  --set scales=0.66,0.5,0.38,0.29,0.22,0.17,0.13,0.1,0.075,0.055,0.04,0.028 --set weighting=mtl --set weighting-lr=30 --set train.schedule=cosine --set inference.top-k=300 --batch 2

# SP-TAD for these recordings; the length of a window in rows (clip, train-stride, shift) is the user's. The learned segments begin evenly spread, which learns in fewer steps.
HAPT_SPTAD = --set inside=0.9 --set dim=64 --set heads=4 --set hidden=32 --set ffn=128 --set proposals=24 --set stages=3 --set roi-rows=16 --set initial-length=0.1 \
  --set stem-layers=2 --set stem-filters=64 --set train.standardize=true --set train.lr=1e-3 --set train.clip=1 --set train.batch=16 --set train.schedule=cosine
HAPT_SPTAD_NMS = --method gaussian --sigma 0.3 --voting 0.8
