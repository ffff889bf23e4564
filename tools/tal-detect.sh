#!/bin/sh
# tal-detect: videos (or records with features) and a model bundle -> labelled segments, by running (or with --print, showing) a pipe of the other
# tools.
set -u
name=tal-detect

die() { printf '%s: error: %s\n' "$name" "$1" >&2; exit "${2:-1}"; }
usage() { printf '%s: error: %s\n' "$name" "$1" >&2; printf "Try '%s --help'.\n" "$name" >&2; exit 2; }

help() {
  cat <<'HELP'
Find actions in videos: one pipe of the tal tools
Usage: tal-detect [OPTIONS] VIDEO...
       tal-detect [OPTIONS] --input RECORDS

Options:
  -m, --model BUNDLE   Folder with the models and a file `pipeline`: one line a stage,
                       each a tool with its arguments; @/ stands for the bundle's folder.
                       Empty lines and lines that begin with # are skipped. The first
                       stage reads the videos (tal-extract, or tal-propose with a model
                       that sees frames), --videos is added to it.
                       Or the one file that `tal-convert --bundle` makes of such a folder.
                       A bundle for features needs no tal-extract, but --input.
                       Without -m: motion histograms, grouped into proposals (no model).
  --encoder-weights FILE  Weights that the encoder of a one-file bundle reads, which has
                       their SHA-256 only (repeatable)
  -i, --input RECORDS  Records with features instead of videos: the pipe without
                       tal-extract (-: stdin)
  --print              Print the pipe instead of running it
  --format FORMAT      tal (records), csv, srt, webvtt or html (a timeline)  [tal]
  -j, --jobs N         Videos at a time (0: all cores)  [1]
  -o, --output FILE    Write to FILE [stdout]; html needs one. srt and webvtt have one file a
                       video: of several videos they need a folder, DIR/
  -h, --help           Print this help and end
  --version            Print the version and end

Examples:
  # Segments of two videos, as a table
  tal-detect --format csv a.mp4 b.mp4 > actions.csv
  # Subtitles
  tal-detect --format srt -o subtitles/ *.mp4
  # Everything in one file, from videos or from features
  tal-detect -m mine.safetensors -o found.jsonl *.mp4
  tal-detect -m mine.safetensors -i features.jsonl > found.jsonl
  # See the pipe, to change a stage
  tal-detect --print -m bundles/thumos14 a.mp4
  # A timeline to look at
  tal-detect --format html -o timeline.html *.mp4

Exit status: 0 all good, 1 a stage failed, 2 usage.
HELP
}

# A word that sh reads back as it is.
quote() {
  case $1 in
    '' | *[!A-Za-z0-9_./:=,%@+-]*) printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")" ;;
    *) printf '%s' "$1" ;;
  esac
}

# The tools beside this script come first, so that a build folder works without installation.
here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd) || die "cannot tell where this script lies"
PATH=$here:$PATH
export PATH

bundle='' show=0 format=tal jobs='' output='' words='' count=0 input='' weights=''
value() { [ "$1" -ge 2 ] || usage "$2 needs a value"; }
set_jobs() {
  case $1 in '' | *[!0-9]*) usage "--jobs: '$1' is not a number" ;; esac
  jobs=$1
}
add() {
  # A name that begins with - would be taken for an option.
  case $1 in -*) set -- "./$1" ;; esac
  [ "$show" -eq 1 ] || [ -e "$1" ] || die "'$1': No such file or directory"
  words="$words $(quote "$1")"
  count=$((count + 1))
}
# --print is looked for first: it changes what is checked.
for argument; do
  [ "$argument" != -- ] || break
  [ "$argument" != --print ] || show=1
done
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) help; exit 0 ;;
    --version)
      # The tools know their version; this script is no older or newer than they are.
      text=$(tal-nms --version) || die "tal-nms, which knows the version, cannot be run"
      printf '%s%s\n' "$name" "${text#tal-nms}"
      exit 0 ;;
    -m | --model) value $# "$1"; bundle=$2; shift ;;
    --model=*) bundle=${1#*=} ;;
    --encoder-weights) value $# "$1"; weights="$weights --encoder-weights $(quote "$2")"; shift ;;
    --encoder-weights=*) weights="$weights --encoder-weights $(quote "${1#*=}")" ;;
    -i | --input) value $# "$1"; input=$2; shift ;;
    --input=*) input=${1#*=} ;;
    --print) ;;
    --format) value $# "$1"; format=$2; shift ;;
    --format=*) format=${1#*=} ;;
    -j | --jobs) value $# "$1"; set_jobs "$2"; shift ;;
    --jobs=*) set_jobs "${1#*=}" ;;
    -o | --output) value $# "$1"; output=$2; shift ;;
    --output=*) output=${1#*=} ;;
    --) shift; for video; do add "$video"; done; break ;;
    -?*) usage "unknown option $1" ;;
    *) add "$1" ;;
  esac
  shift
done
if [ -n "$input" ]; then
  [ "$count" -eq 0 ] || usage "--input RECORDS and videos: one of them"
  [ -z "$jobs" ] || usage "--jobs has no effect with --input: nothing is extracted"
else
  [ "$count" -gt 0 ] || usage "no videos"
fi
[ -n "$bundle" ] || [ -z "$weights" ] || usage "--encoder-weights has no effect without --model"
folder=0
case $output in -) output='' ;; */) folder=1 ;; *) [ ! -d "$output" ] || folder=1 ;; esac
last='tal-convert --from tal --to'
case $format in
  tal) last='' ;;
  csv) last="$last csv" ;;
  srt | webvtt)
    last="$last $format"
    [ "$count" -eq 1 ] || [ "$folder" -eq 1 ] || usage "--format $format has one file a video: give --output DIR/ for $([ "$count" -eq 0 ] && echo records || echo "$count videos")" ;;
  html)
    last='tal-plot timeline'
    case $output in *.html) ;; *) usage "--format html needs --output FILE.html" ;; esac ;;
  *) usage "--format: '$format' is none of tal, csv, srt, webvtt, html" ;;
esac
case $format in
  srt | webvtt) ;;
  *) [ "$folder" -eq 0 ] || usage "--format $format writes one file: --output '$output' is a folder" ;;
esac

# One line a stage.
if [ -n "$bundle" ]; then
  case $bundle in *'
'*) die "a bundle's name cannot hold a line break" ;; esac
  # It also refuses what a bundle from elsewhere must not run.
  stages=$(eval "tal-convert --bundle $(quote "$bundle")$weights --bundle-for $([ -n "$input" ] && echo records || echo videos)") || exit 1
else
  stages='tal-propose --method grouping --allow-empty
tal-nms --preset etp'
  [ -n "$input" ] || stages="tal-extract --encoder hog-hof --inline
$stages"
fi
[ -z "$last" ] || stages="$stages
$last"
# A model that sees frames works on one video at a time.
case $stages in
  'tal-propose '*) [ -z "$jobs" ] || usage "--jobs has no effect with '$bundle': its model reads the videos itself, one at a time" ;;
  *) jobs=" -j ${jobs:-1}" ;;
esac
total=$(printf '%s\n' "$stages" | wc -l)

# The pipe: $1 where the last stage writes ('': stdout); with $2 set, each stage that fails leaves a mark in that folder.
pipe() {
  number=0
  while IFS= read -r stage; do
    number=$((number + 1))
    if [ "$number" -gt 1 ]; then :; elif [ -n "$input" ]; then stage="$stage -i $(quote "$input")"; else stage="$stage$jobs --videos$words"; fi
    [ "$number" -lt "$total" ] || [ -z "$1" ] || stage="$stage -o $(quote "$1")"
    [ -z "$2" ] || stage="{ $stage || echo \$? > $(quote "$2/$number"); }"
    [ "$number" -eq 1 ] || printf ' |\n  '
    printf '%s' "$stage"
  done <<STAGES
$stages
STAGES
  printf '\n'
}

if [ "$show" -eq 1 ]; then
  pipe "$output" ''
  exit 0
fi
# POSIX sh knows only the last stage's status; the others leave a mark.
marks=$(mktemp -d) || die "cannot make a temporary folder"
trap 'rm -rf "$marks"' EXIT
trap 'exit 1' HUP INT TERM
# The last stage cannot know that one before it failed: a file gets its name when all have done their work.
target=$output
if [ -n "$output" ] && [ "$folder" -eq 0 ]; then
  parent=$(dirname -- "$output")
  target=$(mktemp -d "$parent/.tal-detect.XXXXXX") || die "cannot write into '$parent'"
  trap 'rm -rf "$marks" "$part"' EXIT
  part=$target
  target=$target/$(basename -- "$output")
fi
eval "$(pipe "$target" "$marks")"
status=0
for mark in "$marks"/*; do
  [ -e "$mark" ] || continue
  printf '%s: error: stage %s ended with status %s\n' "$name" "${mark##*/}" "$(cat "$mark")" >&2
  status=1
done
if [ "$target" != "$output" ] && [ -e "$target" ]; then
  # Stages that leave bad videos out end with status 1 too, and what they kept is wanted.
  case "$status$stages" in
    0* | *--on-error[\ =]skip*) mv -f -- "$target" "$output" || status=1 ;;
  esac
fi
exit "$status"
