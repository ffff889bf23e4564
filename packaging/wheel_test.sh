#!/bin/sh
# A wheel where nothing else is installed: wheel_test.sh ROOTS WHEEL [SUITE...]. In a bare Debian of each suite (bookworm, trixie): a clean environment, tools,
# a first detection on a video of 10 s within 10 s, the module. TAL_WHEEL_TORCH=1: with the extra `torch` too (2.5 GB are fetched), networks.
# `wheel_test.sh --inside` is the part that runs there.
set -eu
if [ "$1" = --inside ]; then
  # shellcheck source=packaging/try_light.sh
  . /share/try_light.sh
  apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv >/dev/null 2>&1
  mkdir -p /try && cd /try
  started=$(now)
  python3 -m venv v
  v/bin/pip install -q --no-index /share/tal_toolchain-*.whl
  made=$(since "$started")
  # The environment is not active: the tools stand for themselves, and no Python is on PATH but the system's.
  v/bin/tal-synth videos -n 1 --duration 10 --seed 1 --out-dir . -q >video.jsonl
  started=$(now)
  v/bin/tal-detect --format csv ./*.avi >found.csv 2>detect.txt || fail "tal-detect: $(cat detect.txt)"
  seconds=$(since "$started")
  [ "$(wc -l <found.csv)" -gt 1 ] || fail "tal-detect found nothing in a video with actions"
  awk "BEGIN { exit !($seconds < 10) }" || fail "the first detection took $seconds s"
  (PATH=/try/v/bin:$PATH && try_light)
  try_missing "LibTorch" v/bin/tal-train --model rpn --out x.safetensors
  try_missing "no package torch" v/bin/tal-train --model rpn --out x.safetensors
  v/bin/tal-synth videos -n 1 --duration 4 --container mp4 --out-dir mp4 -q | v/bin/tal-extract --inline -q | grep -q '"hog-hof"' || fail "MPEG-4"
  [ ! -e /share/video.mp4 ] || v/bin/tal-detect --format csv /share/video.mp4 | grep -q '^video,' || fail "tal-detect on H.264"
  if [ -e /share/features.h5 ]; then v/bin/tal-convert --from features --fps 30 --stride 5 --inline /share/features.h5 -q | grep -q '"rows"' || fail "HDF5"; fi
  for file in share/man/man1/tal-nms.1 share/bash-completion/completions/tal-nms share/tal/tal-record.schema.json lib/tal/libtal-nn.so lib/tal/libtal_cuda.so; do
    [ -e "v/$file" ] || fail "no $file"
  done
  v/bin/python - <<'END'
import tal
records = list(tal.run("tal-synth", "annotations", "-n", "2", "--proposals", "9", "--seed", "1"))
assert len(list(tal.run("tal-nms", "--preset", "etp", records=records))) == 2 and tal.tool("tal-nms").startswith("/try/v/bin/") and tal.__version__
END
  echo "ok: $(cat /etc/debian_version): environment and wheel $made s, first detection $seconds s"
  [ "${1:-}${TORCH:-}" = --inside1 ] || exit 0
  started=$(now)
  v/bin/pip install -q "$(ls /share/tal_toolchain-*.whl)[torch]"
  echo "ok: torch fetched and installed in $(since "$started") s"
  v/bin/tal-train --version -v | grep -q "LibTorch .*torch of /try/v/bin/python3" || fail "LibTorch: $(v/bin/tal-train --version -v)"
  v/bin/tal-synth annotations -n 8 --seed 1 | v/bin/tal-synth features --seed 2 --out-dir features >train.jsonl
  started=$(now)
  v/bin/tal-train --model rpn --set width=16 --set hidden=8 --set rows=32 --epochs 1 -q --out rpn.safetensors -i train.jsonl >train.json || fail "tal-train"
  v/bin/tal-propose -m rpn.safetensors -i train.jsonl -q | grep -q '"score"' || fail "tal-propose"
  echo "ok: a network trained and used in $(since "$started") s"
  exit 0
fi
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
roots=$1 wheel=$2
shift 2
[ -e "$wheel" ] || { echo "wheel_test: no wheel; ./run wheel makes it" >&2; exit 1; }
[ $# -gt 0 ] || set -- bookworm trixie
SHARE=$(mktemp -d)
export SHARE
trap 'rm -rf "$SHARE"' EXIT
cp "$wheel" "$here/try_light.sh" "$here/wheel_test.sh" "$SHARE/"
data=${TAL_DATA_DIR:-$here/../../shared/data}
[ ! -e "$data/videos/v_GGSY1Qvo990.mp4" ] || cp "$data/videos/v_GGSY1Qvo990.mp4" "$SHARE/video.mp4"
[ ! -e "$data/features/tsp/thumos14_r2plus1d_34-max_gvf.h5" ] || cp "$data/features/tsp/thumos14_r2plus1d_34-max_gvf.h5" "$SHARE/features.h5"
for suite; do sh "$here/bare_root.sh" "$roots/$suite" "$suite" "TORCH=${TAL_WHEEL_TORCH:-} sh /share/wheel_test.sh --inside"; done
