#!/usr/bin/env python3
# label: cli
# cost: 50
"""Every option of every light tool, set alone beside each way of using the tool: what is a usage error, and its words, stand in
tests/refusals.txt. An option that is accepted where it changes nothing, or refused where it has an effect, is a difference.

    TAL_BIN=build/bin python3 tests/scripts/refusals.py [--update]   # --update writes what came; review the difference
"""
import concurrent.futures
import difflib
import os
import re
import subprocess
import sys
import tempfile

from harness import BIN, works

TABLE = os.path.join(os.environ.get("TAL_SOURCE", "."), "tests", "refusals.txt")
# The ways of use. FILE stands for an empty file.
USES = [
    "tal-nms", *(f"tal-nms --method {m}" for m in ("greedy", "gaussian", "linear", "bsn", "rpn")), "tal-nms --preset rpn", "tal-nms --voting 0.5", "tal-nms --live",
    "tal-eval", *(f"tal-eval --protocol {p}" for p in ("activitynet-proposal", "thumos14-proposal", "thumos14-detection", "thumos14-official", "custom",
                                                             "multithumos", "ego4d-mq", "epic", "segmentation", "samples", "soccernet", "sound-events", "charades")),
    "tal-eval --diagnose", "tal-eval --sample-wise 50", "tal-eval --compare FILE", "tal-eval --against thumos14-official", "tal-eval --exclude FILE",
    "tal-anchors --length 8 --scales 1", "tal-anchors --length 8 --scales 1 --label", "tal-anchors --length 8 --scales 1 --ceiling",
    "tal-check", "tal-check --kind features", "tal-check --kind model", "tal-check --kind folder", "tal-check --stage cat", "tal-check --replay",
    "tal-check --compare-features FILE FILE", "tal-check --complete FILE",
    *(f"tal-convert --from {f} FILE" for f in ("activitynet-gt", "activitynet-results", "activitynet-classification", "thumos14-gt", "thumos14-results", "segments-csv",
                                               "detections-csv", "class-scores", "features", "signals", "elan", "label-studio", "cvat", "raven", "audacity", "srt")),
    *(f"tal-convert --from tal --to {t}" for t in ("tal", "activitynet-results", "activitynet-gt", "thumos14-results", "csv", "tsv", "webvtt", "srt", "elan",
                                                   "bsn-proposals", "label-studio", "dcase-weak")),
    "tal-convert --weights FILE",
    *(f"tal-plot {k}" for k in ("timeline", "curves", "heatmap", "anchors", "compare --with FILE", "view", "stats")),
    *(f"tal-synth {k}" for k in ("annotations", "features")),
    "tal-score --fuse rpn", "tal-score --classification FILE", "tal-score --beta-sweep", "tal-score --weights-from FILE --classification FILE", "tal-score -m FILE",
    "tal-refine", "tal-refine --method rpn", "tal-refine -m FILE",
    "tal-propose --method grouping", "tal-propose -m FILE", "tal-propose -m FILE -m FILE", "tal-propose --map-folder FILE",
]
# Those of every tool are tried beside one use.
COMMON = {"--rejects", "--max-errors", "--jobs", "--progress", "--no-history", "--stats"}
LEFT_OUT = {"--version", "--help", "--input", "--output", "--print-config", "--seed", "--config", "--quiet", "--verbose", "--on-error"}
ENVIRONMENT = {**{k: v for k, v in os.environ.items() if not k.startswith("TAL_") or k == "TAL_TORCH"}, "LC_ALL": "C.UTF-8"}


def run(words, folder):
    done = subprocess.run([os.path.join(BIN, words[0]), *words[1:]], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, cwd=folder, env=ENVIRONMENT)
    return done


def options_of(use, folder):
    """Long name and a value for each option that --help lists; a flag has None."""
    words = use.split()
    command = words[:2] if words[0] in ("tal-plot", "tal-synth") else words[:1]
    out = []
    for line in run([*command, "--help"], folder).stdout.splitlines():
        found = re.match(r"  (?:-\w,)?(--[a-z][a-z0-9-]*)(?:,--[a-z-]+)*( \S.*)?", line)
        if not found or found[1] in LEFT_OUT or found[1] in COMMON and use != USES[0]:
            continue
        kind = (found[2] or "").split("  ")[0].strip() if not (found[2] or "").startswith("  ") else ""
        choices = re.search(r":\{([^}]*)\}", kind)
        standard = re.search(r"=(\S+)$", kind)
        if not kind:
            value = None
        elif choices:
            value = next((c for c in choices[1].split(",") if not standard or c != standard[1]), choices[1].split(",")[0])
        elif limits := re.search(r"in \[(\S+) - (\S+)\]", kind):
            value = "0.5" if float(limits[1]) <= 0.5 <= float(limits[2]) and ":FLOAT" in kind else "2" if float(limits[2]) >= 2 else limits[2]
        elif re.search(r"POSITIVE|NONNEGATIVE|NUMBER|^(N|X|T|HZ|FPS|SECONDS|ROWS)\b", kind):
            value = "2"
        elif re.search(r"^LIST|^LOW,HIGH|^W,W|^R,R", kind):
            value = {"--negative": "0.1,0.3", "--multi-scale": "8,16,32"}.get(found[1], "0.5")
        elif "=" in kind.split()[0]:
            value = "a=b"
        else:
            value = "FILE"
        out.append((found[1], value))
    return out


def refusals(use):
    """The block of this use, and the options on which a build without networks says nothing but that it has none."""
    with tempfile.TemporaryDirectory() as folder:
        lines, silent = [], []
        for name, value in options_of(use, folder):
            words = use.split()
            open(os.path.join(folder, "FILE"), "w").close()  # an option may have written it
            done = run([*words, name, *([] if value is None else [value] * (2 if name == "--compare-features" else 1))], folder)
            if done.returncode == 2:
                text = re.sub(r"^tal-\w+: error: ", "", done.stderr.splitlines()[0])
                lines.append(f"{name}{'' if value is None else ' ' + value}: {text}")
            elif done.returncode == 1 and "this build of tal has no networks" in done.stderr:
                silent.append(f"{name}{'' if value is None else ' ' + value}: ")
            elif done.returncode not in (0, 1):
                lines.append(f"{name}: ended with {done.returncode}: {done.stderr[:200]}")
        return f"## {use}\n" + "".join(line + "\n" for line in sorted(lines)), tuple(silent)


uses = [use for use in USES if works(use.split()[0])]
with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
    told = dict(zip(uses, pool.map(refusals, uses)))
got, silent = {use: block for use, (block, _) in told.items()}, {use: options for use, (_, options) in told.items()}
if "--update" in sys.argv:
    if any(silent.values()):
        sys.exit("a build without networks does not know all refusals")
    with open(TABLE, "w", encoding="utf-8") as file:
        file.write("\n".join(got[use] for use in USES))
    sys.exit()
with open(TABLE, encoding="utf-8") as file:
    wanted = {block.split("\n", 1)[0][3:]: block.rstrip("\n") + "\n" for block in file.read().split("\n\n")}
wanted = {use: "".join(line for line in block.splitlines(True) if not line.startswith(silent.get(use, ()))) for use, block in wanted.items()}
failed = [use for use in USES if use not in wanted or use in got and got[use] != wanted[use]]
for use in failed:
    print("FAILED", use)
    print("\n".join(difflib.unified_diff(wanted.get(use, "").splitlines(), got.get(use, "").splitlines(), "expected", "is now", n=0, lineterm="")))
print(f"{len(got)} uses, {sum(block.count(chr(10)) - 1 for block in got.values())} refusals, {len(failed)} failed")
sys.exit(1 if failed or not got else 0)
