#!/usr/bin/env python3
"""Spark: rdd.pipe on two executors, which are processes of their own; a task that fails is tried again."""
import os
import pathlib
import subprocess
import sys

from engine import OUT, SOURCE, check, finish, make, need, read

PYTHON = os.environ.get("TAL_SPARK_PYTHON", sys.executable)
need("java", why="Java is not installed")
if subprocess.run([PYTHON, "-c", "import pyspark"], capture_output=True).returncode != 0:
    print("SKIPPED: " + PYTHON + " has no package pyspark")
    sys.exit(77)
done = make("spark", RECORDS=60, PROPOSALS=200, PYTHON=PYTHON)
check(done.returncode == 0 and "spark.jsonl: the bytes of one process" in done.stdout, "rdd.pipe gives the bytes of one process")

# The first try of every task dies: each is tried again.
flaky = OUT / "flaky"
flaky.write_text(f"""#!/bin/bash
marker={OUT}/tried-$(cat | tee {OUT}/in-$$ | md5sum | cut -c1-32)
if mkdir "$marker" 2>/dev/null; then kill -9 $$; fi
exec {SOURCE}/examples/cluster/run-pipe < {OUT}/in-$$
""")
flaky.chmod(0o755)
environment = {**os.environ, "PATH": os.environ["TAL_BIN"] + ":" + os.environ["PATH"], "PIPE": "tal-nms --method gaussian --top-k 500 | tal-nms --method linear --threshold 0.3 --top-k 100"}
got = subprocess.run([PYTHON, str(SOURCE / "examples/cluster/spark.py"), "--master", "local-cluster[2,1,2048]", "--shards", "4", str(flaky), str(OUT / "list.jsonl"), str(OUT / "flaky-out")],
                     env=environment, capture_output=True, text=True, timeout=600)
check(got.returncode == 0, f"tries again: {got.stderr[-800:]}")
check(b"".join(p.read_bytes() for p in sorted(pathlib.Path(OUT / "flaky-out").glob("part-*"))) == read("one.jsonl"), "after tries that died: the bytes of one process")
check(len(list(OUT.glob("tried-*"))) >= 4, "every task died once")
finish()
