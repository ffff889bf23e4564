#!/bin/sh
# Libraries that packages bring along where Debian's own bring too much: build.sh PREFIX [simdjson]; with the word, that one alone. FFmpeg without encoders, filters, devices and the thirty
# libraries of Debian's (and so under the LGPL); the two modules of OpenCV that read and write files (CMakeLists.txt here); simdjson to be linked in, which has another SONAME in every release of every distribution.
# Sources are Debian's, of the release that the headers here belong to; what is needed only to build is unpacked beside them, not installed.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
mkdir -p "$1"
prefix=$(CDPATH='' cd -- "$1" && pwd)
work=$prefix/work
only=${2:-}
[ ! -e "$prefix/.complete" ] || exit 0
[ -z "$only" ] || [ ! -e "$prefix/lib/libsimdjson.a" ] || exit 0
say() { printf 'media: %s\n' "$*" >&2; }
run() { log=$1; shift; "$@" >"$work/$log.log" 2>&1 || { tail -20 "$work/$log.log" >&2; say "error: $log failed, see $work/$log.log"; exit 1; }; }
cc='gcc' launcher=''
if command -v ccache >/dev/null; then cc='ccache gcc' launcher=-DCMAKE_CXX_COMPILER_LAUNCHER=ccache; fi

say "fetching sources (once)"
mkdir -p "$work/apt/lists/partial" "$work/source" "$work/debs"
# The places of this machine's packages, asked for sources.
for list in /etc/apt/sources.list /etc/apt/sources.list.d/*; do [ ! -f "$list" ] || { cat "$list"; echo; }; done |
  sed -e 's/^Types: deb$/Types: deb deb-src/' -e '/^deb /{p;s/^deb /deb-src /;}' >"$work/apt/all"
# Two ways of writing them, by the names of the files.
awk -v folder="$work/apt" '{ file = /^deb/ ? "one.list" : "two.sources"; print > (folder "/" file) }' "$work/apt/all"
mkdir -p "$work/apt/parts"
for list in one.list two.sources; do [ ! -e "$work/apt/$list" ] || mv "$work/apt/$list" "$work/apt/parts/"; done
cat >"$work/apt/conf" <<END
Dir::Etc::sourcelist "-";
Dir::Etc::sourceparts "$work/apt/parts";
Dir::State::lists "$work/apt/lists";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
APT::Sandbox::User "$(id -un)";
END
export APT_CONFIG="$work/apt/conf"
run update apt-get update
cd "$work/source"
sources=simdjson=libsimdjson-dev
[ -n "$only" ] || sources="$sources ffmpeg=libavcodec-dev opencv=libopencv-core-dev"
for source in $sources; do
  name=${source%=*}
  [ -d "$name" ] || {
    version=$(dpkg-query -W -f '${source:Version}' "${source#*=}") || { say "error: ${source#*=} is not installed"; exit 1; }
    run "fetch-$name" apt-get source --download-only "$name=$version"
    run "unpack-$name" dpkg-source --no-check -x "$name"_*.dsc "$name"
  }
done

say "building simdjson"
mkdir -p "$work/simdjson" "$prefix/lib"
# shellcheck disable=SC2086
run simdjson $cc -xc++ -std=c++17 -O3 -DNDEBUG -DSIMDJSON_THREADS_ENABLED=1 -fPIC "-ffile-prefix-map=$work=" -I "$work/source/simdjson/src" -I "$work/source/simdjson/include" \
  -c "$work/source/simdjson/src/simdjson.cpp" -o "$work/simdjson/simdjson.o"
rm -f "$prefix/lib/libsimdjson.a"
ar rcsD "$prefix/lib/libsimdjson.a" "$work/simdjson/simdjson.o"

[ -z "$only" ] || exit 0

cd "$work/debs"
run tools apt-get download nasm libdav1d-dev
for deb in ./*.deb; do dpkg -x "$deb" "$work/tools"; done
libraries=$(dirname "$(find /usr/lib -name libdav1d.so.6 | head -1)")
[ -e "$libraries/libdav1d.so.6" ] || { say "error: libdav1d6 is not installed"; exit 1; }
ln -sfn "$libraries/libdav1d.so.6" "$work/tools/$libraries/libdav1d.so"
sed "s|^prefix=.*|prefix=$work/tools/usr|" "$work/tools/$libraries/pkgconfig/dav1d.pc" >"$work/dav1d.pc"

say "building FFmpeg"
decoders=h264,hevc,vp8,vp9,libdav1d,mpeg4,mpeg1video,mpeg2video,mpegvideo,mjpeg,mjpegb,msmpeg4v1,msmpeg4v2,msmpeg4v3,h261,h263,h263i,h263p,flv,wmv1,wmv2,wmv3,vc1
decoders=$decoders,rv10,rv20,rv30,rv40,theora,vp3,vp5,vp6,vp6f,svq1,svq3,cinepak,indeo2,indeo3,indeo4,indeo5,msvideo1,msrle,dvvideo,prores,dnxhd,cfhd,ffv1,ffvhuff
decoders=$decoders,huffyuv,utvideo,magicyuv,lagarith,qtrle,rpza,smc,flashsv,flashsv2,fraps,hap,zmbv,tscc,cscd,snow,jpeg2000,jpegls,png,apng,gif,bmp,tiff,webp,pam,ppm
decoders=$decoders,pgm,targa,rawvideo,v210,v308,v408,v410,yuv4,y41p,r210,r10k
decoders=$decoders,aac,aac_latm,mp1,mp2,mp3,flac,vorbis,opus,alac,ac3,eac3,dca,wmav1,wmav2,wmapro,amrnb,amrwb,speex,wavpack,ape,tta,cook,sipr,nellymoser,gsm,gsm_ms
decoders=$decoders,pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,pcm_f64le,pcm_f64be,pcm_alaw,pcm_mulaw,pcm_s16le_planar
decoders=$decoders,pcm_bluray,pcm_dvd,adpcm_ms,adpcm_ima_wav,adpcm_ima_qt,adpcm_swf,adpcm_g722,adpcm_g726
mkdir -p "$work/ffmpeg" && cd "$work/ffmpeg"
PATH=$work/tools/usr/bin:$PATH && export PATH
PKG_CONFIG_PATH=$work run ffmpeg-configure ../source/ffmpeg/configure --prefix="$prefix" --cc="$cc" --disable-autodetect --disable-programs --disable-doc --disable-static \
  --enable-shared --disable-debug --disable-avdevice --disable-avfilter --disable-postproc --disable-filters --disable-hwaccels --enable-zlib --enable-libdav1d \
  --disable-encoders --enable-encoder=mpeg4,mjpeg,png,ffv1,rawvideo --disable-decoders --enable-decoder="$decoders" \
  --disable-muxers --enable-muxer=avi,mp4,mov,matroska,webm,mjpeg,mpegts,image2,rawvideo
# Its libraries tell their configuration, and so where they were built.
sed -i "s|^#define FFMPEG_CONFIGURATION .*|#define FFMPEG_CONFIGURATION \"for tal: packaging/media/build.sh\"|; s|^#define FFMPEG_DATADIR .*|#define FFMPEG_DATADIR \"/usr/share/ffmpeg\"|; s|^#define AVCONV_DATADIR .*|#define AVCONV_DATADIR \"/usr/share/ffmpeg\"|" config.h
run ffmpeg make -j"$(nproc)"
run ffmpeg-install make install

say "building OpenCV's modules for pictures and video files"
PKG_CONFIG_PATH=$prefix/lib/pkgconfig run opencv-configure cmake -S "$here" -B "$work/opencv" -G Ninja -DSOURCE="$work/source/opencv" -DCMAKE_BUILD_TYPE=None $launcher \
  -DCMAKE_INSTALL_PREFIX="$prefix"
run opencv ninja -C "$work/opencv"
run opencv-install cmake --install "$work/opencv" --strip
touch "$prefix/.complete"
