#!/bin/sh
# A bare Debian or Ubuntu in a folder, for trying packages as a newcomer has them: bare_root.sh ROOT SUITE COMMAND makes it once (debootstrap's minbase with
# certificates and this machine's package settings) and runs COMMAND in a copy of it, with the folder SHARE of this machine as /share. Needs root.
set -eu
root=$1 suite=$2 command=$3
say() { printf 'bare_root: %s\n' "$*" >&2; }
[ "$(id -u)" = 0 ] || { say "error: needs root"; exit 1; }
if [ ! -e "$root/base/.complete" ]; then
  mkdir -p "$root/debs"
  if ! command -v debootstrap >/dev/null; then  # unpacked, not installed
    (cd "$root/debs" && apt-get download debootstrap >/dev/null 2>&1 && dpkg -x debootstrap_*.deb .) || { say "error: cannot fetch debootstrap"; exit 1; }
    DEBOOTSTRAP_DIR=$root/debs/usr/share/debootstrap
    PATH=$root/debs/usr/sbin:$PATH
    export DEBOOTSTRAP_DIR PATH
  fi
  say "making a bare $suite in $root (once)"
  rm -rf "$root/base"
  # The place of this machine's packages.
  # shellcheck disable=SC2016
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' 2>/dev/null | head -1)
  case $suite in
    # Ubuntu's, all of which one script of debootstrap makes. No package of Debian's has its keys: its signature is not checked, for a root to try things in.
    focal | jammy | noble) set -- --no-check-gpg --components=main "$suite" "$root/base" http://archive.ubuntu.com/ubuntu gutsy ;;
    *) set -- "$suite" "$root/base" ${mirror:+"$mirror"} ;;
  esac
  debootstrap --variant=minbase --include=ca-certificates "$@" >"$root/debootstrap.log" 2>&1 || { tail -5 "$root/debootstrap.log" >&2; exit 1; }
  touch "$root/base/.complete"
fi
rm -rf "$root/try"
cp -a --reflink=auto "$root/base" "$root/try"
cp /etc/ssl/certs/ca-certificates.crt "$root/try/etc/ssl/certs/ca-certificates.crt"
cp /etc/pip.conf /etc/resolv.conf /etc/hosts "$root/try/etc/" 2>/dev/null || true
mkdir -p "$root/try/share"
# Mounts that end with the command.
# shellcheck disable=SC2016
unshare --mount --propagation private sh -c '
  mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && mount --bind "$2" "$1/share" && shift 2 || exit 1
  exec env -i HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive PIP_CERT=/etc/ssl/certs/ca-certificates.crt PIP_DEFAULT_TIMEOUT=180 PIP_ROOT_USER_ACTION=ignore \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin chroot "$@"' sh "$root/try" "${SHARE:?}" "$root/try" /bin/sh -ec "$command"
