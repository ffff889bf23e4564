# Sourced by the tests of packages: what must work where nothing but the tools (on PATH) is installed, no videos and no networks.
fail() { printf 'FAILED: %s\n' "$*"; exit 1; }
one='{"video":"v","duration":9,"proposals":[{"segment":[0,4],"score":0.5},{"segment":[0,4],"score":0.9},{"segment":[5,6],"score":0.2}]}'
try_light() {
  for tool in anchors check convert eval nms plot propose refine score synth; do tal-$tool --version >/dev/null || fail "tal-$tool --version"; done
  [ "$(printf '%s\n' "$one" | tal-nms --no-history | grep -o segment | wc -l)" = 2 ] || fail "tal-nms"
  tal-synth annotations -n 5 --seed 1 --proposals 20 | tal-eval -q --protocol activitynet-proposal --format json | grep -q '"auc":' || fail "tal-eval"
  tal-synth annotations -n 2 --seed 1 --proposals 20 | tal-plot timeline -q -o timeline.html || fail "tal-plot"
  grep -q '</svg>' timeline.html || fail "the timeline"
  tal-synth annotations -n 2 --seed 1 | tal-convert --from tal --to activitynet-gt -q | grep -q '"database"' || fail "tal-convert"
}
# What needs a library that is not there says which, with status 1 or 2.
try_missing() { # try_missing WORD COMMAND...
  word=$1
  shift
  if "$@" >out.txt 2>err.txt </dev/null; then fail "$* ended well without $word"; fi
  grep -q "$word" err.txt || fail "$*: no word of $word: $(cat err.txt)"
}
now() { date +%s.%N; }
since() { echo "$1 $(now)" | awk '{ printf "%.2f", $2 - $1 }'; }
