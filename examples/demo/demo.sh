#!/bin/sh
# The whole chain on videos whose truth is known: synth -> extract -> propose (grouping, no model) -> nms -> eval -> timeline.
# demo.sh BIN [OUT]
set -eu
PATH=$1:$PATH
out=${2:-demo-out}
mkdir -p "$out/videos" "$out/features"
say() { printf 'demo: %s\n' "$*"; }

say "drawing 6 videos with actions of known times into $out/videos"
tal-synth videos -n 6 --seed 7 --out-dir "$out/videos" -o "$out/truth.jsonl"

say "extracting hog-hof features into $out/features"
tal-extract -i "$out/truth.jsonl" --out-dir "$out/features" -j 0 -o "$out/features.jsonl"

say "proposing segments from the motion curve, and suppressing"
tal-propose --method grouping --threshold 0.1:0.1:0.7 --sigma 1 --keep-growing -i "$out/features.jsonl" |
  tal-nms --method gaussian --top-k 50 -o "$out/proposals.jsonl"

say "evaluating against the known truth"
tal-eval --protocol activitynet-proposal -i "$out/proposals.jsonl"

tal-plot timeline -i "$out/proposals.jsonl" -o "$out/timeline.html"
# The picture of the README (examples/demo/timeline.svg).
tal-plot timeline -q -i "$out/proposals.jsonl" --max-videos 2 --top-k 12 --width 900 --title "Proposals of the demo, without any model" -o "$out/timeline.svg"
say "the picture is $out/timeline.html; open it in a browser"
