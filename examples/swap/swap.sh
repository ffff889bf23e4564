#!/bin/sh
# Stages replaced by foreign programs in the middle of a pipe: tal-score by score.py, and tal-propose by propose.py.
# swap.sh BIN [OUT]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
PATH=$1:$PATH
out=${2:-swap-out}
mkdir -p "$out"
say() { printf 'swap: %s\n' "$*"; }
results() { tal-eval -q --protocol activitynet-proposal --format json -i "$1" |
  python3 -c 'import json, sys; r = json.load(sys.stdin); print("  %-34s AR@10 %.4f  AR@100 %.4f  AUC %.2f" % (sys.argv[1], r["ar_at"]["10"], r["ar_at"]["100"], r["auc"]))' "$2"; }

say "synthetic features, and a small RPN trained on them"
tal-synth annotations -n 30 --seed 1 | tal-synth features --seed 2 --snr 2 --out-dir "$out/features" -o "$out/train.jsonl"
tal-synth annotations -n 8 --seed 3 --prefix held_ | tal-synth features --seed 2 --snr 2 --out-dir "$out/features" -o "$out/test.jsonl"
tal-train -q --model rpn --set width=32 --set hidden=16 --set rows=64 --epochs 4 --seed 1 --out "$out/rpn.safetensors" -i "$out/train.jsonl" > "$out/rpn.json"

say "the same pipe twice: tal-score, and a Python script in its place"
tal-propose -m "$out/rpn.safetensors" -i "$out/test.jsonl" | tal-refine -o "$out/refined.jsonl"
tal-score --beta 0.8 -i "$out/refined.jsonl" | tal-nms --preset rpn -o "$out/ours.jsonl"
python3 "$here/score.py" 0.8 < "$out/refined.jsonl" | tal-nms --preset rpn -o "$out/python.jsonl"
results "$out/ours.jsonl" "... | tal-score | tal-nms"
results "$out/python.jsonl" "... | score.py | tal-nms"

say "another proposer in front: windows that stand out of their surroundings, from a program that knows nothing of tal"
python3 "$here/propose.py" < "$out/test.jsonl" | tal-nms --preset etp -o "$out/foreign.jsonl"
results "$out/foreign.jsonl" "propose.py | tal-nms"
