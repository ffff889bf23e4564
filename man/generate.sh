#!/bin/sh
# Writes man/*.1 and completions/ from the tools' own descriptions: generate.sh BIN [OUT]
set -eu
bin=$1
out=${2:-$(dirname "$0")/..}
mkdir -p "$out/man" "$out/completions/bash" "$out/completions/zsh" "$out/completions/fish"
for tool in "$bin"/tal-*; do
  name=$(basename "$tool")
  # tal-detect is a script: its page is tal(7) and its own --help.
  case $name in tal-bench | tal-detect) continue ;; esac
  "$tool" --generate man >"$out/man/$name.1"
  "$tool" --generate bash >"$out/completions/bash/$name"
  "$tool" --generate zsh >"$out/completions/zsh/_$name"
  "$tool" --generate fish >"$out/completions/fish/$name.fish"
done
