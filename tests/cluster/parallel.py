#!/usr/bin/env python3
"""GNU parallel: blocks of stdin, and shards with a log of jobs; killed in the middle and resumed; a shard that fails and is made up for."""
import os
import signal
import subprocess
import time

from engine import BIN, OUT, SLOW, SOURCE, check, finish, make, need, read

need("parallel", why="GNU parallel is not installed")
done = make("parallel", RECORDS=60, PROPOSALS=200)
check(done.returncode == 0 and done.stdout.count("the bytes of one process") == 2, "blocks and shards are the bytes of one process")

# Killed in the middle: what is complete stays, the rest is done by --resume-failed.
environment = {**os.environ, "PATH": BIN + ":" + os.environ["PATH"], "PIPE": SLOW}
shards = sorted((OUT / "shards").glob("*.jsonl"))
run = ["parallel", "-j", "2", "--joblog", str(OUT / "killed.log"), "--resume-failed", str(SOURCE / "examples/cluster/run-pipe"), "{}", "{.}.killed", ":::", *map(str, shards)]
whole = subprocess.run([str(SOURCE / "examples/cluster/run-pipe")], stdin=open(OUT / "list.jsonl", "rb"), stdout=subprocess.PIPE, env={**environment, "PIPE": SLOW.replace("time.sleep(0.15)", "0")}, check=True).stdout
process = subprocess.Popen(run, env=environment, start_new_session=True)
while len(list((OUT / "shards").glob("*.killed"))) < 2:
    time.sleep(0.05)
os.killpg(process.pid, signal.SIGKILL)
process.wait()
complete = sorted((OUT / "shards").glob("*.killed"))
check(2 <= len(complete) < len(shards), f"killed in the middle: {len(complete)} of {len(shards)} shards")
check(subprocess.run(run, env=environment, timeout=300).returncode == 0, "resumed")
check(b"".join(shard.with_suffix(".killed").read_bytes() for shard in shards) == whole, "killed and resumed: the bytes of one process")
log = (OUT / "killed.log").read_text().splitlines()
check(len(log) == 1 + len(shards), f"no shard is done twice: {log}")

# A bad record fails its shard and no other; tal-check says what is missing and why, and its list is the run that makes up for it.
records = read("list.jsonl").splitlines(True)
bad = records[:]
bad[31] = bad[31].replace(b'"proposals":[', b'"proposals":[{"segment":[3,2],"score":1},', 1)
(OUT / "bad.jsonl").write_bytes(b"".join(bad))
subprocess.run(f"split -n l/6 -d --additional-suffix=.in {OUT}/bad.jsonl {OUT}/bad-", shell=True, check=True)
environment["PIPE"] = "tal-nms --no-history"
parts = sorted(OUT.glob("bad-*.in"))
command = ["parallel", "-j", "2", "--joblog", str(OUT / "bad.log"), str(SOURCE / "examples/cluster/run-pipe") + " {} {.}.out 2> {.}.err", ":::", *map(str, parts)]
check(subprocess.run(command, env=environment, timeout=300).returncode == 1, "one job failed")
said = subprocess.run([os.path.join(BIN, "tal-check"), "--complete", str(OUT / "bad.jsonl"), "--logs", str(OUT / "bad.log"), "--missing", str(OUT / "rest.jsonl"), "-q",
                       *map(str, sorted(OUT.glob("bad-*.out")))], capture_output=True, text=True)
rest = (OUT / "rest.jsonl").read_bytes()
check(said.returncode == 1 and bad[31] in rest.splitlines(True) and 1 < len(rest.splitlines()) < 31, f"what the failed shard has left out: {said.stdout[-400:]}")
finish()
