#!/usr/bin/env python3
# label: docs
"""The shells' completions know the values of options: bash is asked as a user asks it; zsh and fish read their files where they are installed."""
import os
import pathlib
import shutil
import subprocess
import tempfile

from harness import BIN, check, finish, need, works

need("bash", why="no bash")
SOURCE = pathlib.Path(os.environ["TAL_SOURCE"])
PATH = {"PATH": f"{BIN}:{os.environ['PATH']}"}


def complete(*words):
    """What bash offers for the last word."""
    name = words[0]
    # As readline splits the line: '=' and ':' are words of their own.
    script = f"""source '{SOURCE}/completions/bash/{name}'
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
$(complete -p {name} | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
printf '%s\\n' "${{COMPREPLY[@]}}\""""
    done = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True, env={**os.environ, **PATH}, timeout=60)
    check(done.returncode == 0 and not done.stderr, f"{words}: {done.stderr}")
    return [word for word in done.stdout.splitlines() if word]


def offers(words, *expected):
    got = complete(*words)
    check(set(expected) <= set(got), f"{words}: {expected} are not all among {got}")
    return got


offers(["tal-train", "--model", ""], "bmn", "rpn", "points", "segment-classifier")
check(complete("tal-train", "--model", "seg") == ["segment-classifier"], "the beginning of a word chooses")
check(complete("tal-train", "--model", "=", "seg") == ["segment-classifier"], "--model=seg")
offers(["tal-extract", "--encoder", "i3d"], "i3d", "i3d-flow")
offers(["tal-extract", "--flow", ""], "block", "tvl1")
offers(["tal-convert", "--from", "d"], "dcase", "datavyu", "detections-csv")
offers(["tal-convert", "--to", "via"], "via", "via-csv")
offers(["tal-convert", "--map", "bmn"], "bmn-mmaction2")
offers(["tal-nms", "--preset", ""], "bsn", "rpn", "actionformer")
offers(["tal-eval", "--protocol", "thumos14-"], "thumos14-proposal", "thumos14-official")
check(complete("tal-eval", "--protocol", "samples,sound") == ["samples,sound-events"], "behind a comma of a list")
offers(["tal-propose", "-m", str(SOURCE / "READ")], str(SOURCE / "README.md"))  # files
offers(["tal-propose", "--device", ""], "cpu", "cuda")
offers(["tal-detect", "--format", ""], "srt", "html")
offers(["tal-detect", "--e"], "--encoder-weights")
if works("tal-train"):
    presets = offers(["tal-train", "--model", "rpn", "--preset", ""], "table4-attention", "table3-A-0.2")
    check("late-fusion" not in presets, "presets of another model")
    check(complete("tal-train", "--model", "=", "etp-ln", "--preset", "early") == ["early-fusion"], "of the model behind =")
    offers(["tal-train", "--preset", ""], "table4-attention", "late-fusion", "actionformer-thumos14")
else:
    print("presets are not asked for: no tal-train with LibTorch")
for shell, files in (("zsh", "zsh/_*"), ("fish", "fish/*.fish")):
    if not shutil.which(shell):
        print(f"{shell}: not installed, its files are not read")
        continue
    for file in sorted((SOURCE / "completions").glob(files)):
        done = subprocess.run([shell, "-n", str(file)], capture_output=True, text=True, timeout=60)
        check(done.returncode == 0, f"{shell} -n {file}: {done.stderr}")
if shutil.which("fish"):
    with tempfile.TemporaryDirectory() as home:
        for line, expected in (("tal-eval --protocol samples,sound", "sound-events"), ("tal-train --model seg", "segment-classifier"), ("tal-convert --to via", "via-csv")):
            file = SOURCE / "completions/fish" / (line.split()[0] + ".fish")
            done = subprocess.run(["fish", "-c", f"source '{file}'; complete -C '{line}'"], capture_output=True, text=True, timeout=60, env={**os.environ, **PATH, "HOME": home})
            check(expected in done.stdout, f"fish: {line}: {done.stdout} {done.stderr}")
finish()
