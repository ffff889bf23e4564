#!/bin/sh
# Writes man/*.1, man/tal-models.7 and completions/ from the tools' own descriptions: generate.sh BIN [OUT]
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

# tal-models(7): what tal-train --list-settings prints, as a page.
if ! settings=$("$bin/tal-train" --list-settings); then
  echo "tal-models(7) is left out: it needs a build with networks" >&2
else
  {
    printf '.TH TAL\\-MODELS 7 "" "tal %s" "tal manual"\n' "$("$bin/tal-train" --version | sed -n '1s/^[^ ]* \([^ ]*\).*/\1/p')"
    cat <<'END'
.SH NAME
tal\-models \- the models of tal\-train, their presets and settings
.SH DESCRIPTION
.B tal\-train \-\-model NAME \-\-preset PRESET \-\-set SETTING=VALUE
trains a model; each setting is listed here with its default, what it means, the values it may have, in brackets, and, in parentheses, when it has an effect.
A value that is out of range and a setting without effect are refused. Settings that begin with
.B inference.
are those of
.B tal\-propose, tal\-refine
and
.BR tal\-score ,
which take them by their names without it; those that begin with
.B train.
are the training's.
END
    printf '%s\n' "$settings" | sed -e 's/\\/\\e/g' -e 's/-/\\-/g' | awk '
      /^$/ { next }
      /^[a-z].* \\- / { at = index($0, " \\- "); printf ".SH %s\n%s.\n", toupper(substr($0, 1, at - 1)), substr($0, at + 4); next }
      /^[A-Z]/ { part = $1; sub(/:$/, ""); print ".SS " $0; next }
      /^      / { sub(/^ */, ""); print; next }
      part == "Presets" { name = $1; sub(/^ *[^ ]+ */, ""); printf ".TP\n.B %s\n%s\n", name, $0; next }
      { name = $1; sub(/^ *[^ ]+/, ""); printf ".TP\n\\fB%s\\fR%s\n", name, $0 }'
    printf '.SH SEE ALSO\n.BR tal\\-train (1),\n.BR tal\\-propose (1),\n.BR tal (7)\n'
  } >"$out/man/tal-models.7"
fi
