#!/bin/sh
# tal-detect: videos and a model bundle -> labelled segments, by running (or with --print, showing) a pipe of the other tools.
set -u
name=tal-detect
version=0.1.0

die() { printf '%s: error: %s\n' "$name" "$1" >&2; exit "${2:-1}"; }
usage() { printf '%s: error: %s\n' "$name" "$1" >&2; printf "Try '%s --help'.\n" "$name" >&2; exit 2; }

help() {
  cat <<'HELP'
Find actions in videos: one pipe of the tal tools
Usage: tal-detect [OPTIONS] VIDEO...

Options:
  -m, --model BUNDLE   Folder with the models and a file `pipeline`: one line a stage,
                       each a tool with its arguments; @/ stands for the bundle's folder.
                       Empty lines and lines that begin with # are skipped. The first
                       stage reads the videos (tal-extract), --videos is added to it.
                       Without -m: motion histograms, grouped into proposals (no model).
  --print              Print the pipe instead of running it
  --format FORMAT      tal (records), csv, srt, webvtt or html (a timeline)  [tal]
  -j, --jobs N         Videos at a time (0: all cores)  [1]
  -o, --output FILE    Write to FILE; html needs one  [stdout]
  -h, --help           Print this help and end
  --version            Print the version and end

Examples:
  # Proposals of two videos, as subtitles
  tal-detect --format webvtt a.mp4 b.mp4 > actions.vtt
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

bundle= show=0 format=tal jobs=1 output= words= count=0
value() { [ "$1" -ge 2 ] || usage "$2 needs a value"; }
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
    --version) printf '%s %s\n' "$name" "$version"; exit 0 ;;
    -m | --model) value $# "$1"; bundle=$2; shift ;;
    --model=*) bundle=${1#*=} ;;
    --print) ;;
    --format) value $# "$1"; format=$2; shift ;;
    --format=*) format=${1#*=} ;;
    -j | --jobs) value $# "$1"; jobs=$2; shift ;;
    --jobs=*) jobs=${1#*=} ;;
    -o | --output) value $# "$1"; output=$2; shift ;;
    --output=*) output=${1#*=} ;;
    --) shift; for video; do add "$video"; done; break ;;
    -*) usage "unknown option $1" ;;
    *) add "$1" ;;
  esac
  shift
done
[ "$count" -gt 0 ] || usage "no videos"
case $jobs in '' | *[!0-9]*) usage "--jobs: '$jobs' is not a number" ;; esac
case $format in
  tal | csv | srt | webvtt | html) ;;
  *) usage "--format: '$format' is none of tal, csv, srt, webvtt, html" ;;
esac
[ "$format" != html ] || [ -n "$output" ] || usage "--format html needs --output FILE"

# The tools beside this script come first, so that a build folder works without installation.
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd) || die "cannot tell where this script lies"
PATH=$here:$PATH
export PATH

# One line a stage.
if [ -n "$bundle" ]; then
  [ -d "$bundle" ] || die "'$bundle': no such folder"
  [ -r "$bundle/pipeline" ] || die "'$bundle/pipeline': cannot be read; a bundle names its stages there"
  folder=$(quote "$bundle")
  escaped=$(printf '%s' "$folder" | sed 's/[&|\\]/\\&/g')
  stages=$(sed -e '/^[[:space:]]*#/d' -e '/^[[:space:]]*$/d' -e "s|@/|$escaped/|g" "$bundle/pipeline")
  [ -n "$stages" ] || die "'$bundle/pipeline': no stages"
  # Only our own tools: a bundle from elsewhere must not run anything else.
  bad=$(printf '%s\n' "$stages" | grep -nE -v '^[[:space:]]*tal-[a-z]+([[:space:]]|$)|[;&|`$<>()]' | head -n 1)
  [ -z "$bad" ] || die "'$bundle/pipeline': not a tal tool: $bad"
  bad=$(printf '%s\n' "$stages" | grep -nE '[;&|`$<>()\\]' | head -n 1)
  [ -z "$bad" ] || die "'$bundle/pipeline': shell syntax is not allowed: $bad"
else
  stages='tal-extract --encoder hog-hof --inline
tal-propose --method grouping
tal-nms --preset etp'
fi
to=
[ -z "$output" ] || to=" -o $(quote "$output")"
case $format in
  tal) last= ;;
  csv) last="tal-convert --from tal --to csv" ;;
  srt) last="tal-convert --from tal --to srt" ;;
  webvtt) last="tal-convert --from tal --to webvtt" ;;
  html) last="tal-plot timeline" ;;
esac
[ -z "$last" ] || stages="$stages
$last"

total=$(printf '%s\n' "$stages" | wc -l)
pipe= number=0
while IFS= read -r stage; do
  number=$((number + 1))
  [ "$number" -gt 1 ] || stage="$stage -j $jobs --videos$words"
  [ "$number" -lt "$total" ] || stage="$stage$to"
  pipe="$pipe${pipe:+ |
  }$stage"
done <<STAGES
$stages
STAGES

if [ "$show" -eq 1 ]; then
  printf '%s\n' "$pipe"
  exit 0
fi
# POSIX sh knows only the last stage's status; the others leave a mark.
marks=$(mktemp -d) || die "cannot make a temporary folder"
trap 'rm -rf "$marks"' EXIT
trap 'exit 1' HUP INT TERM
run= number=0
while IFS= read -r stage; do
  number=$((number + 1))
  [ "$number" -gt 1 ] || stage="$stage -j $jobs --videos$words"
  [ "$number" -lt "$total" ] || stage="$stage$to"
  run="$run${run:+ | }{ $stage || echo \$? > \"\$marks/$number\"; }"
done <<STAGES
$stages
STAGES
eval "$run"
status=0
for mark in "$marks"/*; do
  [ -e "$mark" ] || continue
  printf '%s: error: stage %s ended with status %s\n' "$name" "${mark##*/}" "$(cat "$mark")" >&2
  status=1
done
exit "$status"
