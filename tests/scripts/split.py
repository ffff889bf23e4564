#!/usr/bin/env python3
# label: cli
"""The bytes do not depend on how the work is split: -j, or parts of the input one by one (GNU parallel, Slurm arrays, Hadoop or
Spark pipe: `split -n l/K`, a process for each part, concatenation)."""
import os
import subprocess
import sys
import tempfile

BINARIES = os.environ["TAL_BIN"]
os.environ["PATH"] = BINARIES + ":" + os.environ["PATH"]


def run(command, stdin):
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], input=stdin, capture_output=True, timeout=300)
    if done.returncode != 0 or done.stderr:
        sys.exit("%s: status %d, %s" % (command, done.returncode, done.stderr.decode()))
    return done.stdout


def parts_of(data, count):
    """As coreutils cut it, so that it is the cut that people use."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "records")
        with open(path, "wb") as file:
            file.write(data)
        subprocess.run(["split", "-n", "l/%d" % count, path, path + "."], check=True)
        names = sorted(name for name in os.listdir(folder) if name != "records")
        parts = []
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                parts.append(file.read())
        assert b"".join(parts) == data and len(parts) == count
        return parts


# Enough for several batches of each of three jobs: the parallel path cuts its work at 128 KiB.
proposals = run("tal-synth annotations -n 1500 --seed 11 --proposals 40 --labelled --label-accuracy 0.8", b"")
features = run("tal-synth annotations -n 400 --seed 12 | tal-synth features --kind scores --class class_00 --class class_01 --inline --seed 13", b"")
assert len(proposals) > 1 << 22 and len(features) > 1 << 20, (len(proposals), len(features))

failed = 0
for command, data in (("tal-nms --method greedy --threshold 0.4", proposals),
                      ("tal-nms --preset bsn", proposals),
                      ("tal-nms --method gaussian --voting 0.75 --top-k 20", proposals),
                      ("tal-propose --method grouping", features),
                      ("tal-propose --method grouping --curve mean --threshold 0.4,0.5 --keep-growing --max 60", features),
                      ("tal-synth features --inline --dim 4 --seed 3 --stream again", features),
                      ("tal-propose --method grouping | tal-nms --method greedy", features)):
    whole = run(command, data)
    if whole.count(b"\n") != data.count(b"\n"):
        failed += 1
        print("FAILED %s: %d records in, %d out" % (command, data.count(b"\n"), whole.count(b"\n")))
    for jobs in (1, 2, 3, 7):
        if run(command + " -j %d" % jobs, data) != whole:
            failed += 1
            print("FAILED %s: other bytes with -j %d" % (command, jobs))
    for count in (2, 3):
        if b"".join(run(command, part) for part in parts_of(data, count)) != whole:
            failed += 1
            print("FAILED %s: other bytes from %d parts" % (command, count))
    print("%s: %d records, the same bytes with -j 1, 2, 3, 7 and from 2 and 3 parts" % (command, data.count(b"\n")))
sys.exit(1 if failed else 0)
