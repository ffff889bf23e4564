#!/usr/bin/env python3
"""Spark: rdd.pipe on two executors, which are processes of their own; one is killed in the middle, and a task fails: both are done again."""
import os
import subprocess
import sys
import time

from engine import BIN, OUT, SLOW, SOURCE, check, finish, make, need, of_process, read, send, with_variable

PYTHON = os.environ.get("TAL_SPARK_PYTHON", sys.executable)
need("java", why="Java is not installed")
if subprocess.run([PYTHON, "-c", "import pyspark"], capture_output=True).returncode != 0:
    print("SKIPPED: " + PYTHON + " has no package pyspark")
    sys.exit(77)
for name in ("spark", "spark-shards"):
    done = make(name, RECORDS=60, PROPOSALS=200, PYTHON=PYTHON)
    check(done.returncode == 0 and f"{name}.jsonl: the bytes of one process" in done.stdout, f"{name}: rdd.pipe gives the bytes of one process")

# An executor is killed in the middle, and the first try of one task fails: both are done again, on what is left and what the worker starts anew.
SPARK = str(SOURCE / "examples/cluster/spark.py")
flaky = OUT / "flaky"
flaky.write_text(f"""#!/bin/bash
if mkdir {OUT}/tried 2>/dev/null; then head -c 100000 > /dev/null; exit 3; fi
exec {SOURCE}/examples/cluster/run-pipe
""")
flaky.chmod(0o755)
# Names beyond ASCII, whatever the locale.
lines = [line.replace(b'"video":"', '"video":"vidéo\u2028'.encode()) for line in read("list.jsonl").splitlines(True)]
check(all("vidéo".encode() in line for line in lines), "names beyond ASCII")
(OUT / "names.jsonl").write_bytes(b"".join(lines))
environment = {**os.environ, "PATH": BIN + ":" + os.environ["PATH"], "PIPE": SLOW, "TAL_TEST_TAG": "spark", "LC_ALL": "C"}
whole = subprocess.run([str(SOURCE / "examples/cluster/run-pipe")], stdin=open(OUT / "names.jsonl", "rb"), stdout=subprocess.PIPE, env={**environment, "PIPE": SLOW.replace("time.sleep(0.15)", "0")}, check=True).stdout
process = subprocess.Popen([PYTHON, SPARK, "--master", "local-cluster[2,1,1024]", "--shards", "6", str(flaky), str(OUT / "names.jsonl"), str(OUT / "killed-out")],
                           env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def executors():
    """The processes of Spark that run tasks."""
    return {pid for pid in with_variable("TAL_TEST_TAG", "spark") if b"CoarseGrainedExecutorBackend" in of_process(pid, "cmdline")}


def done_tasks():
    return len(list((OUT / "killed-out").glob("_temporary/0/task_*")))


deadline = time.time() + 300
while not ((victims := executors()) and done_tasks()) and process.poll() is None and time.time() < deadline:
    time.sleep(0.1)
before = done_tasks()
send(sorted(victims)[:1])
check(len(victims) == 2 and 0 < before < 6, f"killed in the middle: {before} of 6 parts are done, executors {victims}")
text, _ = process.communicate(timeout=600)
check(process.returncode == 0, f"goes on: {text[-800:]}")
check((OUT / "tried").exists() and sorted(victims)[0] not in executors(), "a task failed and an executor died")
check(b"".join(p.read_bytes() for p in sorted((OUT / "killed-out").glob("part-*"))) == whole, "an executor died: the bytes of one process")
finish()
