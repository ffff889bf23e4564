#!/usr/bin/env python3
"""Slurm: a job array over shards on two slurmd, one of which is killed in the middle with all that runs on it; its tasks are queued again."""
import os
import signal
import subprocess
import time

from engine import BIN, OUT, SLOW, SOURCE, check, finish, make, need, of_process, send, with_variable

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
        """What node2 runs of this test, and the keepers of its steps; all of it stopped, so that it is still there when it is killed."""
        running = [pid for pid in with_variable("SLURMD_NODENAME", "node2") if str(OUT).encode() in of_process(pid, "environ")]
        keepers = {int(stat.rpartition(b")")[2].split()[1]) for stat in (of_process(pid, "stat") for pid in running) if stat}
        keepers = {pid for pid in keepers if b"slurmstepd" in of_process(pid, "cmdline")}
        send([*keepers, *running], signal.SIGSTOP)
        if all(of_process(pid, "cmdline") for pid in [*keepers, *running]):  # empty for what has ended, a zombie's too
            return running, keepers
        send([*running, *keepers], signal.SIGCONT)
        return [], set()

    victims, keepers = [], set()
    while not (victims and keepers) and time.time() < deadline:
        time.sleep(0.1)
        if list((OUT / "shards").glob("*.killed")):
            victims, keepers = on_node2()
    before = len(list((OUT / "shards").glob("*.killed")))
    # The node is gone: its daemon, the keepers of its steps, and what they run.
    send([int(open(f"{folder}/node2.pid").read()), *keepers, *victims])
    check(victims and keepers and before < len(shards), f"killed in the middle: {before} of {len(shards)} shards, processes {victims}, keepers {keepers}")
    subprocess.run([script, "wait", folder], env=environment, check=True, timeout=300)
    nodes = subprocess.run(["sinfo", "-h", "-N", "-o", "%N %t"], env={**environment, "SLURM_CONF": folder + "/slurm.conf"}, capture_output=True, text=True).stdout
    check("node2 down" in nodes, f"the node is down: {nodes}")
finally:
    subprocess.run([script, "stop", folder], env=environment)
check("requeue" in open(f"{folder}/slurmctld.log").read().lower(), "the tasks of the dead node are queued again")
check(b"".join(shard.with_suffix(".killed").read_bytes() for shard in shards) == whole, "a node died: the bytes of one process")
finish()
