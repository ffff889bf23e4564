# The committed man pages and completions are what the tools print today.
# label: docs
import os
import re
import subprocess
import sys
import tempfile

source, binaries = os.environ["TAL_SOURCE"], os.environ["TAL_BIN"]
tools = sorted(t for t in os.listdir(binaries) if t.startswith("tal-") and t not in ("tal-bench", "tal-detect"))
bad = 0
if not tools:
    sys.exit("no tools in " + binaries)
with tempfile.TemporaryDirectory() as out:
    subprocess.run(["sh", os.path.join(source, "man/generate.sh"), binaries, out], check=True)
    for folder, _, files in os.walk(out):
        for name in files:
            path = os.path.relpath(os.path.join(folder, name), out)
            committed = os.path.join(source, path)
            new = open(os.path.join(out, path), encoding="utf-8").read()
            old = open(committed, encoding="utf-8").read() if os.path.exists(committed) else None
            if old != new:
                bad += 1
                print(path, "is missing" if old is None else "differs", "- run ./run docs and review the difference")
# tal-detect is a script; its completions are written by hand from its own --help.
if os.path.exists(os.path.join(binaries, "tal-detect")):
    described = subprocess.run([os.path.join(binaries, "tal-detect"), "--help"], capture_output=True, text=True, check=True).stdout
    options = re.findall(r"^  (?:-\w, )?--([a-z]+)", described, re.MULTILINE)
    for page in ("man/tal-detect.1", "completions/bash/tal-detect", "completions/zsh/_tal-detect", "completions/fish/tal-detect.fish"):
        text = open(os.path.join(source, page), encoding="utf-8").read().replace("\\-", "-")
        missing = [o for o in options if o not in re.findall(r"[a-z]+", text)]
        if missing or not options:
            bad += 1
            print(page, "lacks options of tal-detect --help:", missing)
# Nothing may describe a tool that is gone (a light build has fewer tools, so only names are compared when all are there).
known = {t for t in os.listdir(os.path.join(source, "tools")) if t.startswith("tal-")}
known = {os.path.splitext(t)[0] for t in known}
for page in os.listdir(os.path.join(source, "man")):
    if page.endswith(".1") and page[:-2] not in known:
        bad += 1
        print("man/" + page, "describes no tool")
sys.exit(1 if bad else 0)
