#!/usr/bin/env python3
# label: cli
"""What COMPATIBILITY.md promises, on examples that a version froze (tests/compat/VERSION): its records are read, its command lines accepted, its
defaults and choices are still there, and every member that its JSON had is there with its value. Frozen examples are added, never changed.

    TAL_BIN=build/bin TAL_SOURCE=$PWD python3 tests/scripts/compatibility.py [--freeze VERSION]   # a new version's; refuses one that is there
"""
import json
import math
import os
import pathlib
import re
import subprocess
import sys

from harness import BIN, check, finish, works

FOLDER = pathlib.Path(os.environ["TAL_SOURCE"]) / "tests/compat"
ENVIRONMENT = {**{k: v for k, v in os.environ.items() if not k.startswith("TAL_") or k == "TAL_TORCH"}, "LC_ALL": "C.UTF-8"}
# Ways of use whose --help lists different options.
USES = ["tal-nms", "tal-eval", "tal-anchors", "tal-check", "tal-convert", "tal-score", "tal-refine", "tal-propose", "tal-extract", "tal-train",
        *(f"tal-plot {k}" for k in ("timeline", "curves", "heatmap", "anchors", "compare")), *(f"tal-synth {k}" for k in ("annotations", "features", "videos"))]
# Name -> a command whose standard input is records.jsonl (or what follows "<"), and whose output is JSON or JSON lines.
EXAMPLES = {
    "check": "tal-check --format json < faulty.jsonl",
    "nms-greedy": "tal-nms --method greedy --threshold 0.5",
    "nms-bsn": "tal-nms --preset bsn",
    "nms-rpn": "tal-nms --preset rpn",
    "nms-windows": "tal-nms --method greedy < windows.jsonl",
    "nms-voting": "tal-nms --method gaussian --voting 0.75 --top-k 5",
    "eval-proposal": "tal-eval --protocol activitynet-proposal --format json",
    "eval-thumos-proposal": "tal-eval --protocol thumos14-proposal --format json",
    "eval-detection": "tal-eval --protocol activitynet-detection --gt truth.jsonl --format json --per-class < detections.jsonl",
    "eval-thumos-detection": "tal-eval --protocol thumos14-detection --gt truth.jsonl --format json < detections.jsonl",
    "eval-diagnose": "tal-eval --gt truth.jsonl --diagnose --oracle all --format json < detections.jsonl",
    "eval-bootstrap": "tal-eval --gt truth.jsonl --bootstrap 20 --seed 1 --format json < detections.jsonl",
    "anchors": "tal-anchors --length 20 --scales 5,10 --stride 5 --stream x",
    "anchors-labels": "tal-anchors --length 20 --scales 5,10 --stride 5 --stream x --label",
    "grouping": "tal-propose --method grouping --threshold 0.3:0.2:0.7 < curve.jsonl",
    "results": "tal-convert --from tal --to activitynet-results < detections.jsonl",
    "truth": "tal-convert --from tal --to activitynet-gt < truth.jsonl",
    "synth": "tal-synth annotations -n 2 --seed 1 --proposals 3 --no-history",
}


def options_of(use):
    """Long name -> what --help says of it: short name, choices, default."""
    done = subprocess.run([os.path.join(BIN, use.split()[0]), *use.split()[1:], "--help"], capture_output=True, text=True, env=ENVIRONMENT)
    check(done.returncode == 0, f"{use} --help: status {done.returncode}")
    found = {}
    for line in done.stdout.splitlines():
        row = re.match(r"  (?:(-\w),)?(--[a-z][a-z0-9-]*)(?:,--[a-z-]+)*( \S.*)?$", line)
        if not row:
            continue
        kind = "" if (row[3] or "").startswith("  ") else (row[3] or "").strip().split("  ")[0]
        choices, default = re.search(r"\{([^}]*)\}", kind), re.search(r"=([^\]\s]\S*)$", kind)
        found[row[2]] = {"short": row[1], "choices": choices[1].split(",") if choices else None, "default": default[1] if default else None}
    return found


def run_example(command, folder):
    words, _, source = command.partition(" < ")
    words = words.split()
    with open(folder / (source or "records.jsonl"), encoding="utf-8") as file:
        return subprocess.run([os.path.join(BIN, words[0]), *words[1:]], stdin=file, capture_output=True, text=True, cwd=folder, env=ENVIRONMENT)


def parsed(text):
    """One JSON document, or one a line."""
    try:
        return json.loads(text)
    except ValueError:
        return [json.loads(line) for line in text.splitlines()]


def kept(old, new, place=""):
    """Where `new` breaks the promise of `old`: members may come, none goes, and values stay."""
    if isinstance(old, dict):
        if not isinstance(new, dict):
            return [f"{place}: no object any more"]
        return [fault for key, value in old.items() if key not in ("history", "version")
                for fault in (kept(value, new[key], f"{place}.{key}") if key in new else [f"{place}.{key} is gone"])]
    if isinstance(old, list):
        if not isinstance(new, list) or len(old) != len(new):
            return [f"{place}: {len(old)} entries became {len(new) if isinstance(new, list) else new!r}"]
        return [fault for i, value in enumerate(old) for fault in kept(value, new[i], f"{place}[{i}]")]
    if isinstance(old, (int, float)) and not isinstance(old, bool) and isinstance(new, (int, float)) and not isinstance(new, bool):
        return [] if math.isclose(old, new, rel_tol=1e-9, abs_tol=1e-12) else [f"{place}: {old} became {new}"]
    return [] if old == new else [f"{place}: {old!r} became {new!r}"]


def freeze(version):
    folder = FOLDER / version
    if (folder / "options.json").exists():
        sys.exit(f"{folder} is frozen: a promise is not changed afterwards")
    (folder / "options.json").write_text("{\n" + ",\n".join(f" {json.dumps(use)}: " + json.dumps(options_of(use)) for use in USES if works(use.split()[0])) + "\n}\n")
    (folder / "examples.json").write_text(json.dumps(EXAMPLES, indent=1) + "\n")
    for name, command in EXAMPLES.items():
        done = run_example(command, folder)
        assert done.stdout and done.returncode == (1 if name == "check" else 0), (name, done.returncode, done.stderr)
        (folder / f"{name}.out").write_text(done.stdout)


if sys.argv[1:2] == ["--freeze"]:
    freeze(sys.argv[2])
    finish()

versions = sorted(folder for folder in FOLDER.iterdir() if folder.is_dir())
check(versions, "no frozen version")
# The comparison itself notices what it is for.
sample = {"a": [1, {"b": "x"}], "c": 0.5}
assert not kept(sample, {"a": [1, {"b": "x", "new": 1}], "c": 0.5, "d": None})
assert all(kept(sample, other) for other in ({"a": [1, {"b": "x"}]}, {"a": [1, {"b": "y"}], "c": 0.5}, {"a": [1], "c": 0.5}, {"a": [1, {"b": "x"}], "c": 0.6}, []))
for folder in versions:
    for use, options in json.loads((folder / "options.json").read_text()).items():
        if not works(use.split()[0]) or use == "tal-synth videos" and not works("tal-extract"):
            print(f"left out: this build has no {use}")
            continue
        today = options_of(use)
        for name, old in options.items():
            new = today.get(name)
            if not check(new is not None, f"{folder.name}: {use} {name} is gone"):
                continue
            check(new["short"] == old["short"] or not old["short"], f"{folder.name}: {use} {name} was also {old['short']}")
            check(new["default"] == old["default"], f"{folder.name}: {use} {name}: the default {old['default']} became {new['default']}")
            lost = set(old["choices"] or []) - set(new["choices"] or old["choices"] or [])
            check(not lost, f"{folder.name}: {use} {name}: {', '.join(sorted(lost))} can no longer be chosen")
    for name, command in json.loads((folder / "examples.json").read_text()).items():
        done, expected = run_example(command, folder), parsed((folder / f"{name}.out").read_text())
        if not check(done.returncode == (1 if name == "check" else 0), f"{folder.name}: {command}: status {done.returncode}: {done.stderr[-400:]}"):
            continue
        for fault in kept(expected, parsed(done.stdout))[:5]:
            check(False, f"{folder.name}: {command}: {fault}")
    # Every member of the record that tal/1 names is in the frozen records, and tools that need none of it keep it all.
    lines = [line for name in ("records", "windows") for line in (folder / f"{name}.jsonl").read_text().splitlines()]
    schema = json.loads((pathlib.Path(os.environ["TAL_SOURCE"]) / "libtal/io/tal-record.schema.json").read_text())
    members = {key for line in lines for key in json.loads(line)}
    check(set(schema["properties"]) <= members, f"{folder.name}: its records lack {set(schema['properties']) - members}")
    through = subprocess.run([os.path.join(BIN, "tal-convert"), "--from", "tal", "--to", "tal", "--no-history", "-q"], input="\n".join(lines) + "\n", capture_output=True, text=True)
    check(through.stdout.splitlines() == lines, f"{folder.name}: its records come back with other bytes: {through.stderr[-300:]}")
finish()
