#!/bin/sh
# The light tools in one archive that is unpacked anywhere: static.sh BUILD OUT. BUILD was configured with TAL_STATIC_RUNTIME=ON, TAL_SIMDJSON, TAL_PACKAGE=ON,
# TAL_TORCH=OFF and TAL_VIDEO=OFF: simdjson, pugixml, zlib and the C++ runtime are in libtal.so, and a glibc (with libgcc_s) is all that is needed.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
version=$(sed -n 's/^project(tal VERSION \([0-9.]*\).*/\1/p' "$root/CMakeLists.txt")
name=tal-light-$version-linux-$(uname -m)
mkdir -p "$2"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 022
cmake --install "$1" --prefix "$work/$name" --component tal --strip >"$work/log" || { cat "$work/log" >&2; exit 1; }
# Tools that are nothing without videos or networks.
rm -f "$work/$name"/bin/tal-extract "$work/$name"/bin/tal-train "$work/$name"/bin/tal-detect
cp "$root/LICENSE" "$root/CHANGELOG.md" "$work/$name/"
for file in "$work/$name"/bin/tal-* "$work/$name"/lib/libtal.so.*.*.*; do
  if [ -L "$file" ] || ! head -c 4 "$file" | grep -q ELF; then continue; fi
  other=$(readelf -dW "$file" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -vE '^(lib(c|m|dl|rt|pthread|gcc_s)\.so\.[0-9]+|ld-linux.*|libtal\.so\..*)$' || true)
  [ -z "$other" ] || { echo "static: $file needs $other" >&2; exit 1; }
done
glibc=$(find "$work/$name" -type f -exec objdump -T {} + 2>/dev/null | grep -oE 'GLIBC_[0-9.]+' | sort -uV | tail -1)
: "${SOURCE_DATE_EPOCH:=$(git -C "$root" log -1 --format=%ct)}"
tar -C "$work" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner -cf - "$name" | gzip -9n >"$2/$name.tar.gz"
echo "$2/$name.tar.gz $(stat -c %s "$2/$name.tar.gz") bytes, needs $glibc"
