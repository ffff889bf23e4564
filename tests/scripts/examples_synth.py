#!/usr/bin/env python3
# label: cli
"""examples/{bsnpp,rpn,cmsn,etp}: tables made end to end on synthetic features at tiny settings; every other target expands; missing data are said."""
import os
import re
import subprocess
import tempfile

from harness import BIN, check, finish, need

SOURCE = os.environ["TAL_SOURCE"]
need("tal-train", why="this build has no LibTorch, so no models")
need("make", why="no make")


def make(example, *arguments, status=0):
    done = subprocess.run(["make", "-C", os.path.join(SOURCE, "examples", example), "--no-print-directory", "BIN=" + BIN, *arguments], capture_output=True, text=True, timeout=900)
    check((done.returncode == 0) == (status == 0), f"make -C examples/{example} {' '.join(arguments)}: status {done.returncode}: {done.stderr[-800:]}")
    return done.stdout, done.stderr


TINY = ["DATA=synth", "SYNTH_VIDEOS=3", "EPOCHS=1", "THREADS=1"]
with tempfile.TemporaryDirectory() as folder:
    for example, arguments, rows in (
        ("bsnpp", ["ensembles", "table1"], ["rgb+flow+bmn", "+ (D) BMN's detections"]),
        ("rpn", ["table1", "table2", "TABLE1=B2-mtl-heads1"], ["table1-B2-mtl-heads1", "table1-B2-mtl-heads1-combined"]),
        ("cmsn", ["table4"], ["without PES", "soft NMS"]),
        ("etp", ["fig5", "UNITS=16"], ["without Refinement Network", "ETP"]),
    ):
        out, _ = make(example, *TINY, "OUT=" + os.path.join(folder, example), *arguments)
        check("Data: synthetic features of tal-synth, 3 videos" in out and "not comparable with the paper" in out, f"{example}: the table says on what data")
        for row in rows:
            found = re.search(r"^\| " + re.escape(row) + r" \|( [0-9.]+ \|)+$", out, re.MULTILINE)
            check(found is not None, f"{example}: row '{row}' in\n{out[-1500:]}")
        if found:
            check(all(0 <= float(x) <= 100 for x in re.findall(r" ([0-9.]+) \|", found.group(0))), f"{example}: per cent")
        plan, _ = make(example, *TINY, "OUT=" + os.path.join(folder, example), "-n", "all")
        check("tal-train" in plan and "table.py" in plan, f"{example}: every table expands")
        _, errors = make(example, "OUT=" + os.path.join(folder, "none"), "DATA=" + os.path.join(folder, "nowhere"), "all", status=2)
        check("nowhere/" in errors and "DATA=synth" in errors, f"{example}: missing data are said: {errors}")
    _, errors = make("bsnpp", "hapt", "HAPT=" + folder, "HAPT_OUT=" + os.path.join(folder, "hapt"), status=2)
    check("segments.csv" in errors and "HAPT=/folder" in errors, "missing HAPT is said: " + errors)
    with open(os.path.join(folder, "segments.csv"), "w", encoding="utf-8"):
        pass
    plan, _ = make("bsnpp", "-n", "hapt", "HAPT=" + folder, "HAPT_OUT=" + os.path.join(folder, "hapt"))
    check("--from signals" in plan and "--model bmn" in plan and "table.py" in plan, "the HAPT target expands: " + plan[-800:])
finish()
