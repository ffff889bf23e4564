#!/bin/sh
# The Debian packages in a bare Debian 12: deb_test.sh ROOTS FOLDER. `tal` alone (what works without videos and networks), then with tal-video, tal-nn and
# libtal-dev: a detection on a video, a program that uses the library; lintian without errors; all removed without a trace. TAL_LIGHT_SUITES: other
# releases on which `tal` alone is tried.  `deb_test.sh --inside light|all` is the part that runs there.
set -eu
if [ "$1" = --inside ]; then
  # shellcheck source=packaging/try_light.sh
  . /share/try_light.sh
  install() { apt-get install -y -qq --no-install-recommends "$@" >/tmp/apt.log 2>&1 || fail "installing $*: $(tail -5 /tmp/apt.log)"; }
  apt-get update -qq
  mkdir -p /try && cd /try
  started=$(now)
  install /share/tal_*.deb
  echo "ok: tal on $(cat /etc/debian_version), installed in $(since "$started") s, $(du -sck /usr/bin/tal-* /usr/lib/*/libtal.so.* | tail -1 | cut -f1) kB; $(tal-nms --version | head -1)"
  try_light
  try_missing "libtal-video.so" tal-extract --inline --videos /share/try_light.sh
  try_missing "LibTorch" tal-train --model rpn --out x.safetensors
  [ "$2" = all ] || exit 0
  install /share/*.deb
  tal-synth videos -n 1 --duration 10 --seed 1 --out-dir . -q >video.jsonl
  started=$(now)
  tal-detect --format csv ./*.avi >found.csv || fail "tal-detect"
  [ "$(wc -l <found.csv)" -gt 1 ] || fail "tal-detect found nothing in a video with actions"
  echo "ok: tal-video, first detection $(since "$started") s"
  try_missing "python3" tal-train --model rpn --out x.safetensors  # and so no torch
  install cmake make
  cp -r /share/library library
  { cmake -S library -B library/out && cmake --build library/out; } >cmake.txt 2>&1 || fail "a program with find_package(tal): $(tail -5 cmake.txt)"
  printf '%s\n' "$one" | library/out/longest | grep -q '"segment":\[0' || fail "that program"
  echo "ok: libtal-dev"
  install lintian
  ignored=
  if dpkg-deb -f /share/tal_*.deb Maintainer | grep -q 'localhost'; then  # no DEBEMAIL was said: these stand for "nobody's address", which is so
    ignored="--suppress-tags bogus-mail-host,bogus-mail-host-in-debian-changelog"
    echo "note: built without DEBEMAIL, so the maintainer's address is a placeholder"
  fi
  # shellcheck disable=SC2086
  lintian --allow-root $ignored --fail-on error /share/*.deb >lintian.txt 2>&1 || fail "lintian: $(grep '^E' lintian.txt)"
  echo "ok: lintian, no errors, $(grep -c '^W' lintian.txt || true) warnings"
  apt-get purge -y -qq tal tal-video tal-nn libtal-dev >/dev/null 2>&1
  left=$(find /usr -name '*tal-nms*' -o -name 'libtal*')
  [ -z "$left" ] || fail "left behind: $left"
  echo "ok: removed"
  exit 0
fi
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
SHARE=$(mktemp -d)
export SHARE
trap 'rm -rf "$SHARE"' EXIT
cp "$2"/tal_*.deb "$2"/tal-video_*.deb "$2"/tal-nn_*.deb "$2"/libtal-dev_*.deb "$here/try_light.sh" "$here/deb_test.sh" "$SHARE/" || { echo "deb_test: ./run deb makes the packages" >&2; exit 1; }
cp -r "$here/../examples/library" "$SHARE/library"
sh "$here/bare_root.sh" "$1/bookworm" bookworm "sh /share/deb_test.sh --inside all"
for suite in ${TAL_LIGHT_SUITES-trixie}; do sh "$here/bare_root.sh" "$1/$suite" "$suite" "sh /share/deb_test.sh --inside light"; done
