#!/bin/sh
# The archive of the light tools where nothing else is installed: static_test.sh ROOTS ARCHIVE [SUITE...]. In a bare system of each suite (jammy: glibc 2.35; bookworm; trixie) it is
# unpacked in a folder, moved to another one, and tried there. `static_test.sh --inside` is the part that runs there.
set -eu
if [ "$1" = --inside ]; then
  # shellcheck source=packaging/try_light.sh
  . /share/try_light.sh
  mkdir -p /try/first && cd /try
  tar -C first -xzf /share/tal-light-*.tar.gz
  mv first/tal-light-* "moved here"
  linked=$(ldd "moved here"/bin/tal-* "moved here"/lib/libtal.so.*.*.* | sed -n 's/^\t\([^ ]*\) .*/\1/p' | sort -u)
  for library in $linked; do
    case $library in
      libtal.so.* | libc.so.6 | libm.so.6 | libdl.so.2 | librt.so.1 | libpthread.so.0 | libgcc_s.so.1 | linux-vdso.so.1 | /lib*/ld-linux*) ;;
      *) fail "a tool needs $library" ;;
    esac
  done
  case $(ldd "moved here"/bin/tal-nms) in *"/try/moved here/"*"/lib/libtal.so."*) ;; *) fail "libtal.so: $(ldd "moved here"/bin/tal-nms)" ;; esac
  (PATH="/try/moved here/bin:$PATH" && try_light)
  printf '%s\n' "$one" >one.jsonl
  try_missing "LibTorch" "moved here/bin/tal-propose" -m x.safetensors -i one.jsonl
  # shellcheck disable=SC2086
  echo "ok: $(sed -n 's/^PRETTY_NAME=//p' /etc/os-release), $(ldd --version | sed -n '1s/.* /glibc /p'): the tools need" $linked
  exit 0
fi
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
roots=$1 archive=$2
shift 2
[ -e "$archive" ] || { echo "static_test: no archive; ./run static makes it" >&2; exit 1; }
[ $# -gt 0 ] || set -- jammy bookworm trixie
SHARE=$(mktemp -d)
export SHARE
trap 'rm -rf "$SHARE"' EXIT
cp "$archive" "$here/try_light.sh" "$here/static_test.sh" "$SHARE/"
for suite; do sh "$here/bare_root.sh" "$roots/$suite" "$suite" "sh /share/static_test.sh --inside"; done
