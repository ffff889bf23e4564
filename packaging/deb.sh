#!/bin/sh
# Debian packages of a build folder: deb.sh BUILD OUT. BUILD was configured with TAL_PACKAGE=ON, CMAKE_SKIP_RPATH=ON, TAL_SIMDJSON,
# CMAKE_INSTALL_LIBDIR=lib/TRIPLET, TAL_PLUGIN_DIR=lib/TRIPLET/tal, TAL_ZSH_FUNCTIONS=vendor-completions and, at configuration, the prefix /usr.
#   tal         the tools, man pages, completions, libtal.so: nothing but glibc, libstdc++ and zlib, of any distribution of the last five years
#   tal-video   libtal-video.so: Debian's OpenCV and FFmpeg
#   (tal also has libtal-text.so, which works where Pango is)
#   tal-nn      libtal-nn.so, libtal-encode.so, libtal_cuda.so: LibTorch is that of Python's package torch, which Debian does not have in this release
#   libtal-dev  headers, find_package(tal)
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
build=$(CDPATH='' cd -- "$1" && pwd)
mkdir -p "$2"
out=$(CDPATH='' cd -- "$2" && pwd)
version=$(sed -n 's/^project(tal VERSION \([0-9.]*\).*/\1/p' "$root/CMakeLists.txt")-1
architecture=$(dpkg --print-architecture) triplet=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
: "${SOURCE_DATE_EPOCH:=$(git -C "$root" log -1 --format=%ct)}"
export SOURCE_DATE_EPOCH
maintainer="${DEBFULLNAME:-the tal maintainers} <${DEBEMAIL:-tal@localhost.localdomain}>"  # of who builds packages for others; lintian knows that the default is nobody's
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
umask 022

stage() { DESTDIR=$work/$1 cmake --install "$build" --prefix /usr --component "$2" --strip >"$work/$1.log" || { cat "$work/$1.log" >&2; exit 1; }; }
stage tal tal
stage tal text
stage tal-video video
stage tal-nn nn
stage libtal-dev dev
strip --strip-unneeded --remove-section=.comment --remove-section=.note "$work"/*/usr/lib/"$triplet"/*.so.*.* "$work"/*/usr/lib/"$triplet"/tal/*.so
# The libraries' files have the modes of libraries.
find "$work" -name '*.so*' -type f -exec chmod 644 {} +

# What dpkg-shlibdeps needs: a control file, and what libtal.so.0.1 is part of.
mkdir -p "$work/debian"
soname=$(cd "$work/tal/usr/lib/$triplet" && find . -type l -name 'libtal.so.*' -printf '%f')
printf 'Source: tal\nMaintainer: %s\n\nPackage: tal\nArchitecture: any\n' "$maintainer" >"$work/debian/control"
printf 'libtal %s tal (= %s)\n' "${soname#libtal.so.}" "$version" >"$work/debian/shlibs.local"
dependencies() { # dependencies KIND FILE...: "Depends: ..." of what dpkg-shlibdeps finds
  kind=$1
  shift
  (cd "$work" && dpkg-shlibdeps -O --ignore-missing-info -d"$kind" --warnings=0 -l"$work/tal/usr/lib/$triplet" -l"$work/tal-video/usr/lib/$triplet/tal" \
    -l"$work/tal-nn/usr/lib/$triplet/tal" ${TORCH_LIB:+-l"$TORCH_LIB"} "$@" 2>"$work/shlibdeps.log") | sed -n -e 's/^shlibs:[A-Za-z]*=//' -e 's/\(, \)\{0,1\}tal (= [^)]*)//' -e 's/^, //' -e p || { cat "$work/shlibdeps.log" >&2; exit 1; }
}

# package NAME DEPENDS RECOMMENDS SUGGESTS SECTION SUMMARY < long description
package() {
  folder=$work/$1
  doc=$folder/usr/share/doc/$1
  mkdir -p "$doc" "$folder/DEBIAN"
  { printf 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: tal\nUpstream-Contact: %s\n\nFiles: *\nCopyright: %s\nLicense: Expat\n' \
      "$maintainer" "$(sed -n 's/^Copyright (c) //p' "$root/LICENSE")"
    sed -e '1,/^Copyright/d' -e 's/^$/./' -e 's/^/ /' "$root/LICENSE" | sed '1{/^ \.$/d}'
  } >"$doc/copyright"
  { printf 'tal (%s) unstable; urgency=medium\n\n  * See CHANGELOG.md of the sources.\n\n -- %s  %s\n' "$version" "$maintainer" "$(date -u -R -d "@$SOURCE_DATE_EPOCH")"; } |
    gzip -9n >"$doc/changelog.Debian.gz"
  gzip -9nc "$root/CHANGELOG.md" >"$doc/changelog.gz"
  find "$folder/usr/share/man" -type f -exec gzip -9n {} + 2>/dev/null || true
  { printf 'Package: %s\nSource: tal\nVersion: %s\nArchitecture: %s\nMaintainer: %s\nInstalled-Size: %s\n' "$1" "$version" "$architecture" "$maintainer" \
      "$(du -k -s --apparent-size --exclude=DEBIAN "$folder" | cut -f1)"
    [ -z "$2" ] || printf 'Depends: %s\n' "$2"
    [ -z "$3" ] || printf 'Recommends: %s\n' "$3"
    [ -z "$4" ] || printf 'Suggests: %s\n' "$4"
    printf 'Section: %s\nPriority: optional\nDescription: %s\n' "$5" "$6"
    sed -e 's/^$/./' -e 's/^/ /'
  } >"$folder/DEBIAN/control"
  find "$folder" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
  (cd "$folder" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$folder/DEBIAN/md5sums"
  dpkg-deb --root-owner-group -Zxz --build "$folder" "$out/$1_${version}_$architecture.deb" >/dev/null
}

lib=usr/lib/$triplet
mkdir -p "$work/tal/DEBIAN"
printf 'activate-noawait ldconfig\n' >"$work/tal/DEBIAN/triggers"
printf 'libtal %s tal (>= %s)\n' "${soname#libtal.so.}" "${version%-*}" >"$work/tal/DEBIAN/shlibs"
elf=$(find "$work/tal/usr/bin" -type f -exec sh -c 'head -c 4 "$1" | grep -q ELF && printf "%s " "$1"' sh {} \;)
# shellcheck disable=SC2086
light=$(dependencies Depends $elf "$work/tal/$lib/$soname")
text=$(dependencies Recommends "$work/tal/$lib/tal/libtal-text.so")
video=$(dependencies Depends "$work/tal-video/$lib/tal/libtal-video.so")
nn=$(dependencies Depends "$work/tal-nn/$lib/tal/libtal-nn.so" "$work/tal-nn/$lib/tal/libtal_cuda.so")
package tal "$light" "libhdf5-103-1, $text" "tal-video, tal-nn, libtal-dev" science "Unix toolchain for temporal action localization" <<'END'
Given long untrimmed video, or any long signal, find when each action starts
and ends and which it is. Small programs exchange JSON lines: conversion of
the field's formats, proposals by grouping, suppression, scoring, evaluation
by the official protocols, checks, pictures and synthetic data.

Reading videos needs the package tal-video, models and their training need
tal-nn.
END
package tal-video "tal (= $version), $video" "" "" science "Unix toolchain for temporal action localization: videos" <<'END'
What the tools of the package tal open to read and write videos: decoding,
optical flow, motion histograms, networks in ONNX.
END
package tal-nn "tal (= $version), $nn" "tal-video, python3" "python3-pip, python3-venv" science "Unix toolchain for temporal action localization: models" <<'END'
What the tools of the package tal open to train and run models: RPN, BSN++,
BMN, CMSN, ETP, SP-TAD, the points family, and networks as encoders.

LibTorch is not in this package: it is found in the package torch of the
active Python (pip install torch in a virtual environment), and with it CUDA.
END
package libtal-dev "tal (= $version), g++" "cmake" "tal-video (= $version), tal-nn (= $version), libopencv-dev" libdevel "Unix toolchain for temporal action localization: C++ library" <<'END'
Headers and find_package(tal COMPONENTS core video nn): records, suppression,
formats and evaluation for programs of yours; the components video and nn also
need the packages tal-video and tal-nn.
END
for deb in "$out"/*"_${version}_$architecture.deb"; do echo "$deb $(stat -c %s "$deb") bytes"; done
