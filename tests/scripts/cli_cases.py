#!/usr/bin/env python3
# label: cli
"""Runs tests/cases/NAME: `cmd` in bash, in a copy of the folder, input.jsonl (if any) as stdin; stdout, stderr and status must be
those of expected.out, expected.err and expected.status.

The first line of cmd may be a comment that asks for more:
  # stage   the last command of cmd is a stage: the same bytes with -j 1, with -j 3, and from the two halves of the input
  # jobs    the same bytes with -j 1 and -j 3 (the input cannot be cut, e.g. because messages count lines)
  # needs X skip (visibly) when the program X is missing

    TAL_BIN=build/bin python3 tests/scripts/cli_cases.py [--update] [NAME...]   # --update writes what came; review the difference
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

from harness import works

BINARIES = os.path.abspath(os.environ["TAL_BIN"])
CASES = os.path.join(os.environ.get("TAL_SOURCE", "."), "tests", "cases")


def normal(text):
    """What differs from build to build: versions, revisions, compilers, temporary names."""
    text = re.sub(r'("version":)"\d+\.\d+\.\d+[^"]*"', r'\1"VERSION"', text)
    # Of numbers to their last digit, which another machine's mathematics may write otherwise.
    text = re.sub(r'("(?:in|out)":)"[0-9a-f]{16}"', r'\1"DIGEST"', text)
    text = re.sub(r"^(tal-[a-z]+) \d+\.\d+\.\d+\S* \([^)]*\), .*$", r"\1 VERSION (REVISION), COMPILER", text, flags=re.M)
    return re.sub(r"\btal \d+\.\d+\.\d+\b", "tal VERSION", text)


def rounded(text):
    """Numbers to 12 digits: the last bits of exp() and friends differ between processors."""
    return re.sub(r"\d+\.\d{12,}(e-?\d+)?", lambda number: "%.12g" % float(number.group()), text)


def execute(folder, command, stdin):
    """In a fresh copy of the case, so that cases cannot see each other's files."""
    with tempfile.TemporaryDirectory() as scratch:
        for name in os.listdir(folder):
            if name != "cmd" and not name.startswith("expected."):
                source = os.path.join(folder, name)
                (shutil.copytree if os.path.isdir(source) else shutil.copy)(source, os.path.join(scratch, name))
        environment = {k: v for k, v in os.environ.items() if not k.startswith("TAL_") or k == "TAL_TORCH"}
        environment.update(PATH=BINARIES + ":" + os.environ["PATH"], LC_ALL="C.UTF-8")
        done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=scratch, env=environment, input=stdin, capture_output=True,
                              timeout=120)
        return normal(done.stdout.decode()), normal(done.stderr.decode()), done.returncode


def read(path, default=""):
    if not os.path.exists(path):
        return default
    with open(path, encoding="utf-8", newline="") as file:
        return file.read()


def with_jobs(command, jobs):
    return command.rstrip("\n") + " -j %d\n" % jobs


def run_case(name, update):
    """None, or what is wrong; a text that begins with SKIPPED is a skip."""
    folder = os.path.join(CASES, name)
    command = read(os.path.join(folder, "cmd"))
    first = command.split("\n", 1)[0].lstrip("# ").split() if command.startswith("#") else []
    if first[:1] == ["needs"] and not shutil.which(first[1]):
        return "SKIPPED: %s is not installed" % first[1]
    # A tool that this build leaves out (no OpenCV, no LibTorch) skips its cases.
    for tool in re.findall(r"(?:^|[|;&(\s])(tal-[a-z]+)\b", command):
        if not works(tool):
            return "SKIPPED: %s is not built" % tool
    stdin_path = os.path.join(folder, "input.jsonl")
    stdin = open(stdin_path, "rb").read() if os.path.exists(stdin_path) else b""
    got = execute(folder, command, stdin)
    expected_paths = [os.path.join(folder, "expected." + part) for part in ("out", "err", "status")]
    if update:
        for path, text in zip(expected_paths, (got[0], got[1], "%d\n" % got[2])):
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(text)
    else:
        if not os.path.exists(expected_paths[2]):
            return "no expected.status: run with --update and review"
        expected = (read(expected_paths[0]), read(expected_paths[1]), int(read(expected_paths[2])))
        for part, is_now, should_be in zip(("stdout", "stderr", "status"), got, expected):
            if is_now != should_be and (part == "status" or rounded(is_now) != rounded(should_be)):
                return "%s is\n%s\ninstead of\n%s" % (part, is_now, should_be)
    if first[:1] in (["stage"], ["jobs"]):
        for jobs in (1, 3):
            if execute(folder, with_jobs(command, jobs), stdin) != got:
                return "the output depends on -j %d" % jobs
    if first[:1] == ["stage"]:
        lines = stdin.splitlines(keepends=True)
        if len(lines) < 2 or got[2] != 0:
            return "a stage case needs two records and status 0"
        halves = [execute(folder, command, b"".join(part)) for part in (lines[: len(lines) // 2], lines[len(lines) // 2 :])]
        if "".join(half[0] for half in halves) != got[0] or any(half[2] for half in halves):
            return "the output depends on how the input is split"
    return None


def main():
    arguments = [a for a in sys.argv[1:] if a != "--update"]
    names = arguments or sorted(n for n in os.listdir(CASES) if os.path.exists(os.path.join(CASES, n, "cmd")))
    failed = skipped = 0
    for name in names:
        fault = run_case(name, "--update" in sys.argv)
        if fault and fault.startswith("SKIPPED"):
            skipped += 1
            print("%s: %s" % (name, fault))
        elif fault:
            failed += 1
            print("FAILED %s: %s" % (name, fault))
    print("%d cases, %d failed, %d skipped" % (len(names), failed, skipped))
    if not names:
        sys.exit("no cases in " + CASES)
    sys.exit(1 if failed else 77 if skipped == len(names) else 0)


if __name__ == "__main__":
    main()
