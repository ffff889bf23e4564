#!/usr/bin/env python3
# label: cli
# limit: 900
"""bench/gpu.py, which ./run gpu starts: what it notices when numbers are wrong, what it refuses, and that its archive is small, whole and runs from an empty folder without the
build's environment."""
import base64
import importlib.util
import json
import math
import os
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile

import harness
from harness import BIN, check, finish, works

SOURCE = os.environ["TAL_SOURCE"]
SCRIPT = os.path.join(SOURCE, "bench", "gpu.py")
spec = importlib.util.spec_from_file_location("gpu", SCRIPT)
gpu = importlib.util.module_from_spec(spec)
sys.modules["gpu"] = gpu  # its dataclasses look themselves up there
spec.loader.exec_module(gpu)


def faulty(what, words, function, *arguments):
    try:
        function(*arguments)
    except gpu.Fault as fault:
        check(words in str(fault), f"{what}: '{fault}' does not say '{words}'")
    else:
        check(False, f"{what}: not noticed")


def proposal(start, end, score, label=None, **scores):
    made = {"segment": [start, end], "score": score}
    if label:
        made["label"] = label
    if scores:
        made["scores"] = scores
    return made


def record(proposals, **fields):
    return {"video": "a", "proposals": proposals, **fields}


def encoded(*numbers):
    return {"data": base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()}


# Proposals.
BASE = [proposal(0, 10, 0.9, "x", inner=2.0), proposal(20, 100, 0.5, "y", inner=-4.0), proposal(20, 90, 0.1, "x", inner=0.0)]
compare = gpu.compare_records
check(compare([record(BASE)], [record(BASE)], 1e-4, 0.99) == 0, "equal records differ")
near = [proposal(0, 10.005, 0.90004, "x", inner=2.0003), *BASE[1:]]
check(0 < compare([record(BASE)], [record(near)], 1e-4, 0.99) <= 1e-4, "a difference within the tolerance")
check(0 < compare([record(BASE)], [record([near[2], near[0], near[1]])], 1e-4, 0.99) <= 1e-4, "in another order")
for index, (what, changed) in enumerate([("a boundary", proposal(0, 10.02, 0.9, "x", inner=2.0)), ("a score", proposal(0, 10, 0.9002, "x", inner=2.0)),
                                         ("a label", proposal(0, 10, 0.9, "y", inner=2.0)), ("a number inside", proposal(0, 10, 0.9, "x", inner=2.001)),
                                         ("no number", proposal(0, 10, math.nan, "x", inner=2.0)), ("a null", proposal(0, 10, None, "x", inner=2.0)),
                                         ("a number less", proposal(0, 10, 0.9, "x"))]):
    faulty("proposals, " + what, "1 of 3 proposals have no counterpart", compare, [record(BASE)], [record([changed, *BASE[1:]])], 1e-4, 0.99)
faulty("a proposal less", "1 of 3", compare, [record(BASE)], [record(BASE[1:])], 1e-4, 0.99)
faulty("one twice", "1 of 4", compare, [record(BASE)], [record([*BASE, BASE[0]])], 1e-4, 0.99)
check(compare([record(BASE)], [record(BASE[1:])], 1e-4, 0.6) == 0, "a proposal less, where a share may be missing")
faulty("no proposals", "nothing to compare", compare, [record([])], [record([])], 1e-4, 0.99)
faulty("another video", "not the same videos", compare, [record(BASE)], [{**record(BASE), "video": "b"}], 1e-4, 0.99)
faulty("a video less", "not the same videos", compare, [record(BASE)], [], 1e-4, 0.99)

# Maps and curves: all of them are compared, also where proposals are not.
maps = [record([], maps={"0": {"start": [0.5, 1.0], "nested": [[0.25], [0.5]]}}, features={"curve": encoded(1.0, -8.0), "read": {"path": "a.npy"}})]


def changed(**fields):
    return [{**maps[0], **fields}]


check(compare(maps, maps, 1e-4, 0.99, False) == 0, "equal maps differ")
check(0 < compare(maps, changed(features={"curve": encoded(1.0007, -8.0)}), 1e-4, 0.99, False) <= 1e-4, "a curve within the tolerance of its largest")
faulty("a curve", "features.curve: differs by 1.", compare, maps, changed(features={"curve": encoded(1.001, -8.0)}), 1e-4, 0.99, False)
faulty("a curve that is no number", "features.curve: numbers that are not finite", compare, maps, changed(features={"curve": encoded(1.0, math.nan)}), 1e-4, 0.99, False)
faulty("a shorter curve", "1 numbers instead of 2", compare, maps, changed(features={"curve": encoded(1.0)}), 1e-4, 0.99, False)
faulty("no curve", "other maps or curves", compare, maps, changed(features={}), 1e-4, 0.99, False)
faulty("a map", "maps.0.nested: differs", compare, maps, changed(maps={"0": {"start": [0.5, 1.0], "nested": [[0.25], [0.4]]}}), 1e-4, 0.99, False)
faulty("a null in a map", "maps.0.start: numbers that are not finite", compare, maps, changed(maps={"0": {"start": [None, 1.0], "nested": [[0.25], [0.5]]}}), 1e-4, 0.99, False)

# Losses.
check(gpu.compare_losses([2.0, 1.0, 0.5], [2.001, 1.0, 0.5]) > 0, "first losses within the tolerance")
faulty("a second loss", "loss of step 2 is 1.01", gpu.compare_losses, [2.0, 1.0, 0.5], [2.0, 1.01, 0.5])
faulty("a loss that is no number", "loss of step 1 is nan", gpu.compare_losses, [2.0, 1.0, 0.5], [math.nan, 1.0, 0.5])
faulty("few losses", "fewer losses", gpu.compare_losses, [2.0], [2.0])
check(gpu.check_learning([4, 3, 2, 1], 4) == (4, 1), "falling losses")
faulty("losses that rise", "does not fall", gpu.check_learning, [1, 2, 3, 4], 4)
faulty("losses that stay", "does not fall", gpu.check_learning, [1, 1, 1, 1], 4)
faulty("infinite loss", "step 2 is not finite", gpu.check_learning, [4, math.inf, 2, 1], 4)
faulty("a step less", "3 steps instead of 4", gpu.check_learning, [3, 2, 1], 4)

# What decides on the exit status, and the table.
for agreed, good in (("", True), ("yes", True), ("skipped: no torch", True), ("no: differs", False), ("not run: no time", False)):
    check(gpu.passed(gpu.Row("x", agreed=agreed)) == good, f"a row that says '{agreed}'")
check(gpu.cell("a|b\nc") == "a\\|b c", "a cell's bars and lines")
check(len({step.name for step in gpu.ALL_STEPS}) == len(gpu.ALL_STEPS), "two steps of one name")


def script(*arguments, status, program=(sys.executable, SCRIPT), cwd=None, environment=None):
    done = subprocess.run([*program, *arguments], capture_output=True, text=True, timeout=600, check=False, cwd=cwd, env=environment)
    check(done.returncode == status, f"{' '.join(arguments)}: status {done.returncode}, not {status}: {done.stdout[-2000:]} {done.stderr[-2000:]}")
    return done


for arguments, words in ((["--only", "nosuch"], "no step matches"), (["--only", "("], "--only"), (["--device", "tpu"], "--device"), (["--budget", "0"], "--budget"),
                         (["--budget", "nan"], "--budget"), (["--nosuch"], "--nosuch"), (["again"], "again"), (["--pack", "--dry-run"], "--dry-run has no effect")):
    check(words in script(*arguments, status=2).stderr, f"{' '.join(arguments)}: not refused with '{words}'")
check(script("--list", status=0).stdout.splitlines() == [step.name for step in gpu.ALL_STEPS], "--list")
check("nn-tests is not in" in script("--bin", tempfile.gettempdir(), "--pack", os.devnull, status=1).stderr.replace("tal-train", "nn-tests"), "--pack without programs")
check(script("--bin", tempfile.gettempdir(), "--only", "twins", "--dry-run", status=1).stdout.count("| no: ") == 2, "without programs")

if works("tal-train"):
    # Steps without time are named, and fail.
    late = script("--bin", BIN, "--dry-run", "--budget", "9", "--only", "^compare/rpn$", status=1).stdout
    check("| compare/rpn |  |  |  | not run: it would not fit into the budget of 9 s any more |" in late, "a step without time: " + late)

missing = [name for name in gpu.PROGRAMS if not os.path.exists(os.path.join(BIN, name))] + [name for name in ("readelf", "strip", "ldd", "cc") if not shutil.which(name)]
if missing or not works("tal-train"):
    print("SKIPPED: no archive without networks, or without", *missing)
    sys.exit(1 if harness.failures else 77)

with tempfile.TemporaryDirectory() as folder:
    archive, empty = os.path.join(folder, "gpu.tar.gz"), os.path.join(folder, "empty")
    os.mkdir(empty)
    script("--bin", BIN, "--pack", archive, status=0)
    check(0 < os.path.getsize(archive) <= 60e6, f"the archive has {os.path.getsize(archive)} bytes")
    check(sorted(os.listdir(folder)) == ["empty", "gpu.tar.gz"], "something else is left beside the archive")
    with tarfile.open(archive) as tar:
        check(all(member.name.split("/")[0] == "tal-gpu" and (member.isfile() or member.isdir()) for member in tar.getmembers()), "members outside of the folder, or links")
        tar.extractall(folder)
    root = os.path.join(folder, "tal-gpu")
    with open(os.path.join(root, "MANIFEST.json"), encoding="utf-8") as file:
        manifest = json.load(file)
    check(sorted(manifest["files"]) == [name for name in gpu.files_under(root) if name != "MANIFEST.json"], "the manifest names other files than there are")
    launcher, bare = (os.path.join(root, "gpu"),), {"PATH": os.environ.get("PATH", "/usr/bin:/bin")}
    rows = os.path.join(folder, "rows.json")
    done = script("--dry-run", "--only", "^(twins|compare/segment-classifier)$", "--json", rows, status=0, program=launcher, cwd=empty, environment=bare)
    check(os.listdir(empty) == [], "something is left in the working folder")
    with open(rows, encoding="utf-8") as file:
        result = json.load(file)
    found = {row["what"]: row["agreed"] for row in result["rows"]}
    check(result["passed"] and {"archive", "tal", "twins", "tal-score segment-classifier, float32", "tal-train segment-classifier, first losses"} <= found.keys(), f"rows: {found}")
    check(found.get("tal-score segment-classifier, tf32") == "skipped: cpu has no tf32", f"rows: {found}")
    check(len([line for line in done.stdout.splitlines() if line.startswith("|")]) == 2 + len(result["rows"]), "the table has other rows")
    # A device that is not there fails, and every step says why.
    if not os.path.exists("/dev/nvidia0"):
        gone = script("--only", "^twins$", "--device", "cuda", status=1, program=launcher, cwd=empty, environment=bare).stdout
        check("| twins |  |  |  | not run: tal-train: error: --device cuda" in gone, "no device: " + gone)
    script("--pack", status=2, program=launcher, environment=bare)
    # A file that was changed on the way is noticed.
    with open(os.path.join(root, "bin", "tal-detect"), "a", encoding="utf-8") as file:
        file.write("\n")
    check("bin/tal-detect is not as it was packed" in script("--dry-run", "--only", "^environment$", status=1, program=launcher, environment=bare).stdout, "a changed file")

finish()
