#!/bin/sh
# The same source and compiler give the same bytes: reproducible.sh WORK SIMDJSON [OPTION...] builds the archive of the light tools (static.sh) twice, in folders of
# different names, depths and times, each from nothing (no ccache), and compares every byte. OPTION: for cmake; optimising less is quicker, and shows paths and times all the same.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
mkdir -p "$1"
work=$(CDPATH='' cd -- "$1" && pwd) simdjson=$2
shift 2
: "${SOURCE_DATE_EPOCH:=$(git -C "$root" log -1 --format=%ct)}"
CCACHE_DISABLE=1
export SOURCE_DATE_EPOCH CCACHE_DISABLE
build() { # build FOLDER OPTION...
  folder=$work/$1
  shift
  rm -rf "$folder" && mkdir -p "$folder"
  git -C "$root" ls-files -z | tar -C "$root" --null -T - -c | tar -C "$folder" -x
  { cmake -S "$folder" -B "$folder/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DTAL_UNITY=ON -DTAL_PACKAGE=ON -DTAL_STATIC_RUNTIME=ON -DTAL_TESTS=OFF -DTAL_BENCH=OFF -DTAL_TORCH=OFF -DTAL_TEXT=OFF \
    -DTAL_VIDEO=OFF -DTAL_SIMDJSON="$simdjson" -DCMAKE_INSTALL_LIBDIR=lib "$@" && ninja -C "$folder/build"; } >"$folder.log" 2>&1 ||
    { tail -30 "$folder.log" >&2; exit 1; }
  sh "$folder/packaging/static.sh" "$folder/build" "$folder/dist" >/dev/null
}
build one "$@"
(TZ=Asia/Tokyo && export TZ && umask 077 && build in/another-place "$@")
one=$(echo "$work"/one/dist/*.tar.gz) other=$(echo "$work"/in/another-place/dist/*.tar.gz)
if ! cmp -s "$one" "$other"; then
  for side in one in/another-place; do
    mkdir -p "$work/$side/unpacked"
    tar -C "$work/$side/unpacked" -xzf "$work/$side"/dist/*.tar.gz
  done
  echo "reproducible: two builds differ:" >&2
  diff -rq "$work/one/unpacked" "$work/in/another-place/unpacked" >&2 || true
  exit 1
fi
echo "$(basename "$one"): two builds, the same $(stat -c %s "$one") bytes, sha256 $(sha256sum <"$one" | cut -c1-16)"
