#!/usr/bin/env python3
"""Slurm: a job array over shards on two slurmd, one of which is killed in the middle with all that runs on it; its tasks are queued again."""
import os
import signal
import subprocess
import time

from engine import BIN, OUT, SLOW, SOURCE, check, finish, make, need, read, with_variable

need("slurmctld", "slurmd", "sbatch", why="Slurm is not installed")
done = make("slurm", RECORDS=60, PROPOSALS=200)
check(done.returncode == 0 and "slurm.jsonl: the bytes of one process" in done.stdout, "a job array gives the bytes of one process")

script, folder, step = str(SOURCE / "examples/cluster/slurm.sh"), str(OUT / "killed"), str(SOURCE / "examples/cluster/run-pipe")
environment = {**os.environ, "PATH": BIN + ":" + os.environ["PATH"], "PIPE": SLOW}
environment.pop("SLURM_CONF", None)
whole = subprocess.run([step], stdin=open(OUT / "list.jsonl", "rb"), stdout=subprocess.PIPE, env={**environment, "PIPE": SLOW.replace("time.sleep(0.15)", "0")}, check=True).stdout
subprocess.run([script, "start", folder], env=environment, check=True, timeout=120)
try:
    shards = sorted((OUT / "shards").glob("*.jsonl"))
    subprocess.run([script, "submit", folder, step, str(OUT / "shards"), ".killed"], env=environment, check=True, timeout=60)
    deadline = time.time() + 120

    def on_node2():
        return [pid for pid in with_variable("SLURMD_NODENAME", "node2") if os.path.exists(f"/proc/{pid}") and f"{OUT}".encode() in open(f"/proc/{pid}/environ", "rb").read()]

    while not ((victims := on_node2()) and list((OUT / "shards").glob("*.killed"))) and time.time() < deadline:
        time.sleep(0.1)
    before = len(list((OUT / "shards").glob("*.killed")))
    # The node is gone: its daemon, the keepers of its steps, and what they run.
    keepers = {int(open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[1]) for pid in victims}
    keepers = {pid for pid in keepers if pid > 1 and b"slurmstepd" in open(f"/proc/{pid}/cmdline", "rb").read()}
    daemon = int(open(f"{folder}/node2.pid").read())
    for pid in [daemon, *keepers, *victims]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    check(victims and keepers and before < len(shards), f"killed in the middle: {before} of {len(shards)} shards, processes {victims}, keepers {keepers}")
    subprocess.run([script, "wait", folder], env=environment, check=True, timeout=300)
    nodes = subprocess.run(["sinfo", "-h", "-N", "-o", "%N %t"], env={**environment, "SLURM_CONF": folder + "/slurm.conf"}, capture_output=True, text=True).stdout
    check("node2 down" in nodes, f"the node is down: {nodes}")
finally:
    subprocess.run([script, "stop", folder], env=environment)
check("requeue" in open(f"{folder}/slurmctld.log").read().lower(), "the tasks of the dead node are queued again")
check(b"".join(shard.with_suffix(".killed").read_bytes() for shard in shards) == whole, "a node died: the bytes of one process")
finish()
