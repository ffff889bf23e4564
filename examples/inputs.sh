#!/bin/bash
# What a Makefile cannot know of the user's files, whose names may hold blanks: where they are, and whether they changed.
#
#   inputs.sh path PATH              # absolute; relative ones are sought where make was called, then where the Makefile lies
#   inputs.sh videos FOLDER ENDING...  # a line a video, sorted: path, bytes, time of its last change; endings in upper or lower case
#   inputs.sh named WORD...          # a line a file that is among the words, also behind NAME=: path and checksum
#   inputs.sh sums PATH              # a line a file of a folder, or one of a file: path and checksum
set -euo pipefail

absolute() {
  local path=$1
  [[ -n $path ]] || { echo "inputs.sh: no path" >&2; exit 2; }
  [[ $path == /* || ! -e ${CALLER:-.}/$path ]] || path=${CALLER:-.}/$path
  [[ -e $path ]] || { echo "'$1': No such file or directory" >&2; exit 2; }
  realpath -s -- "$path"
}

what=$1
shift
if [[ $what == named ]]; then
  for word; do
    for file in "$word" "${word#*=}"; do
      [[ $file == /* ]] || file=${CALLER:-.}/$file
      [[ ! -f $file ]] || cksum -- "$file"
    done
  done | sort -u
  exit
fi
path=$(absolute "$1")
shift
case $what in
  path) printf '%s\n' "$path" ;;
  videos)
    [[ -d $path ]] || { echo "'$path' is no folder of videos" >&2; exit 2; }
    endings=$(IFS='|'; echo "$*")
    videos=(-type f -regextype posix-extended -iregex ".*\.($endings)" ! -name '.*')
    found=$(find -L "$path" -mindepth 1 -maxdepth 1 "${videos[@]}" -printf '%p\t%s\t%T@\n' | LC_ALL=C sort)
    below=$(find -L "$path" -mindepth 2 "${videos[@]}" -printf 'x' | wc -c)
    apart=''
    [[ $below -eq 0 ]] || apart="; $below in folders below it are not taken (links to them in one folder, ln -s, put them together)"
    [[ -n $found ]] || { echo "no videos ($*) in '$path'$apart" >&2; exit 2; }
    [[ -z $apart ]] || echo "'$path': $(wc -l <<<"$found") videos$apart" >&2
    printf '%s\n' "$found" ;;
  sums) find -L "$path" -type f -print0 | LC_ALL=C sort -z | xargs -0r cksum -- ;;
  *) echo "inputs.sh: '$what' is none of path, videos, named and sums" >&2; exit 2 ;;
esac
