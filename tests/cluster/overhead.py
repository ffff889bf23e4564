#!/usr/bin/env python3
"""What an engine costs beside one process that does the same on the same cores: wall seconds, its start included, for TAL_RECORDS (1000) records of 2 MB. Measures
TAL_ENGINES (blocks, shards, slurm, spark, spark-shards; those that are installed); under 20 % is promised, on a machine that does nothing else."""
import filecmp
import os
import shutil
import subprocess
import time

from engine import OUT, check, finish, make, need

PYTHON = os.environ.get("TAL_SPARK_PYTHON", "python3")
has_spark = shutil.which("java") and shutil.which(PYTHON) and subprocess.run([PYTHON, "-c", "import pyspark"], capture_output=True).returncode == 0
THERE = [name for name, there in (("blocks", shutil.which("parallel")), ("shards", shutil.which("parallel")), ("slurm", shutil.which("slurmctld")), ("spark", has_spark), ("spark-shards", has_spark)) if there]
engines = [name for name in os.environ.get("TAL_ENGINES", "blocks slurm spark spark-shards").split() if name in THERE]
if not engines:
    need("parallel", why="no engine is installed")
settings = {"RECORDS": os.environ.get("TAL_RECORDS", "1000"), "PROPOSALS": "20000", "PYTHON": PYTHON}
check(make(f"{OUT}/list.jsonl", limit=3600, **settings).returncode == 0, "the records")


def seconds(target):
    began = time.time()
    done = make(target, limit=7200, CHECK="no", **settings)
    check(done.returncode == 0, f"{target}: {done.stdout[-800:]}")
    return time.time() - began


one = seconds(f"{OUT}/one.jsonl")
print(f"measured: one process: {one:.1f} s for {settings['RECORDS']} records, {os.path.getsize(OUT / 'list.jsonl') / 1e6:.0f} MB; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
for name in engines:
    took = seconds(name)
    check(filecmp.cmp(OUT / "one.jsonl", OUT / f"{name}.jsonl", shallow=False), f"{name}: the bytes of one process")
    print(f"measured: {name}: {took:.1f} s, {100 * (took / one - 1):+.0f} %; load {os.getloadavg()[0]:.1f}")
    check(took < 1.2 * one, f"{name} costs {100 * (took / one - 1):.0f} % beside one process")
finish()
