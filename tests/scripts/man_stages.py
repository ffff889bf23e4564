#!/usr/bin/env python3
# label: cli docs
"""The stages in Python and jq that the manual pages show keep the promises of tal-jsonl(5): each as it stands there, through tal-check --stage."""
import json
import os
import re
import shutil

from harness import check, finish, tool

source = os.environ["TAL_SOURCE"]


def commands(page):
    """The examples of a page that are programs of these languages."""
    text = open(os.path.join(source, "man", page), encoding="utf-8").read()
    for block in re.findall(r"^\.nf\n\.RS\n(.*?)^\.RE\n\.fi\n", text, re.MULTILINE | re.DOTALL):
        command = block.replace("\\-", "-").replace("\\e", "\\").rstrip("\n")
        if command.startswith(("python3 -c", "jq ")):
            yield command


found = {"python3": 0, "jq": 0}
for page in sorted(os.listdir(os.path.join(source, "man"))):
    if not re.search(r"\.[157]$", page):
        continue
    for command in commands(page):
        if "jsonschema" in command:  # no stage: it reads a file
            continue
        program = command.split()[0]
        found[program] += 1
        if not shutil.which(program):
            print("not there:", program)
            continue
        promises = json.loads(tool("tal-check", "--format", "json", "--timeout", "20", "--stage", command).stdout)
        broken = [p for p in promises if p["required"] and not p["kept"]]
        check(len(promises) >= 13 and not broken, f"{page}: {command}: {broken}")
check(all(found.values()), f"the manual shows a stage of each kind: {found}")
finish()
