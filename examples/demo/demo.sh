#!/bin/sh
# The whole chain on videos whose truth is known: synth -> extract -> propose -> nms -> eval -> timeline. First without any model (grouping),
# then with an RPN and a segment classifier that are trained here from scratch and tried on videos that they have not seen.
# demo.sh BIN [OUT]
set -eu
PATH=$1:$PATH
out=${2:-demo-out}
mkdir -p "$out/videos" "$out/features"
rm -f "$out/detections.jsonl"
say() { printf 'demo: %s\n' "$*"; }

# One line out of tal-eval's JSON: report NAME < JSON
report() {
  python3 -c 'import json, sys
r = json.load(sys.stdin)
if "auc" in r:
    print("  %-28s AR@1 %.3f  AR@10 %.3f  AR@100 %.3f  AUC %.1f" % (sys.argv[1], *(r["ar_at"][n] for n in ("1", "10", "100")), r["auc"]))
else:
    at = dict(zip(("%.2f" % t for t in r["tiou"]), r["map"]))
    print("  %-28s mAP@0.5 %.3f  mAP@0.75 %.3f  average 0.5:0.05:0.95 %.3f" % (sys.argv[1], at["0.50"], at["0.75"], r["average_map"]))' "$1"
}

say "drawing 32 videos with actions of known times into $out/videos; the last 8 are held back"
tal-synth videos -n 32 --seed 7 --out-dir "$out/videos" -o "$out/truth.jsonl"

say "extracting hog-hof features into $out/features"
tal-extract -i "$out/truth.jsonl" --out-dir "$out/features" -j 0 -o "$out/features.jsonl"
head -n 24 "$out/features.jsonl" > "$out/train.jsonl"
tail -n 8 "$out/features.jsonl" > "$out/test.jsonl"

say "proposing segments from the motion curve, without any model"
tal-propose --method grouping --threshold 0.1:0.1:0.7 --sigma 1 --keep-growing -i "$out/test.jsonl" |
  tal-nms --method gaussian --top-k 50 -o "$out/grouping.jsonl"
picture=$out/grouping.jsonl title="Proposals of the demo, without any model"

if tal-train --list-settings > /dev/null 2>&1; then
  say "training a small RPN on the 24 videos, then a classifier of segments"
  tal-train --model rpn --set width=64 --set hidden=32 --set rows=64 --set train.standardize=true --epochs 25 --batch 4 --seed 1 \
    --out "$out/rpn.safetensors" --log "$out/rpn.log.jsonl" -i "$out/train.jsonl" > "$out/rpn.json"
  tal-train --model segment-classifier --set train.standardize=true --epochs 20 --seed 1 \
    --out "$out/classes.safetensors" -i "$out/train.jsonl" > "$out/classes.json"

  say "proposing, refining, scoring and labelling on the 8 held-back videos"
  tal-propose -m "$out/rpn.safetensors" -i "$out/test.jsonl" | tal-refine | tal-score --beta 0.8 |
    tal-nms --preset rpn -o "$out/proposals.jsonl"
  tal-score -m "$out/classes.safetensors" -i "$out/proposals.jsonl" | tal-nms --preset actionformer -o "$out/detections.jsonl"
  tal-plot curves -q "$out/rpn.log.jsonl" --title "Training of the demo's RPN" -o "$out/training.html"
  picture=$out/detections.jsonl title="The demo: what a system of 24 videos' training finds in two others"
else
  say "no networks here (tal-train --version -v says why): what is learned is left out"
fi

say "evaluating against the known truth of the held-back videos"
tal-eval -q --protocol activitynet-proposal --format json -i "$out/grouping.jsonl" | report "grouping, no model"
if [ -e "$out/detections.jsonl" ]; then
  tal-eval -q --protocol activitynet-proposal --format json -i "$out/proposals.jsonl" | report "RPN"
  tal-eval -q --protocol activitynet-detection --format json -i "$out/detections.jsonl" | report "RPN + segment classifier"
fi

tal-plot timeline -i "$picture" -o "$out/timeline.html"
# The picture of the README (examples/demo/timeline.svg).
tal-plot timeline -q -i "$picture" --max-videos 2 --top-k 3 --min-score 0.01 --width 900 --title "$title" -o "$out/timeline.svg"
say "the picture is $out/timeline.html; open it in a browser"
