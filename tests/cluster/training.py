#!/usr/bin/env python3
"""mpirun and torchrun themselves: two ranks give the same model; one is killed: the run ends, or starts again from the checkpoint, to the same bytes."""
import os
import shlex
import shutil
import signal
import subprocess
import time

from engine import OUT, SOURCE, check, finish, make, need, of_process, read, with_variable
from harness import free_port

need("tal-train", why="this build has no LibTorch, so no models")
TORCHRUN = os.environ.get("TAL_TORCHRUN", "torchrun")
STARTERS = [name for name, words in (("mpirun", "mpirun"), ("torchrun", TORCHRUN)) if shutil.which(shlex.split(words)[0])]
need(*(["mpirun"] if "torchrun" not in STARTERS else []), why="neither mpirun nor torchrun is installed")
EPOCHS = 30


def start(name, tag):
    words = ["make", "-s", "-C", str(SOURCE / "examples/cluster"), name, f"BIN={os.environ['TAL_BIN']}", f"OUT={OUT}", f"PORT={free_port()}", f"EPOCHS={EPOCHS}", f"TORCHRUN={TORCHRUN}"]
    return subprocess.Popen(words, env={**os.environ, "TAL_TEST_TAG": tag, "OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def ranks(tag):
    """The processes of tal-train of this test, by their rank."""
    found = {}
    for pid in with_variable("TAL_TEST_TAG", tag):
        words = of_process(pid, "cmdline").split(b"\0")
        environment = dict(item.split(b"=", 1) for item in of_process(pid, "environ").split(b"\0") if b"=" in item)
        rank = environment.get(b"RANK", environment.get(b"OMPI_COMM_WORLD_RANK"))
        if words[0].endswith(b"tal-train") and rank is not None:
            found[int(rank)] = pid
    return found


for name in STARTERS:
    process = start(name, "whole-" + name)
    text, _ = process.communicate(timeout=900)
    check(process.returncode == 0, f"{name}: {text[-1500:]}")
models = {name: read(name + ".safetensors") for name in STARTERS}
check(len(set(models.values())) == 1, "whoever starts them, two ranks give the same bytes")

for name in STARTERS:
    for file in OUT.glob(name + ".safetensors*"):
        file.unlink()
    process = start(name, "killed-" + name)
    checkpoint, deadline = OUT / (name + ".safetensors.checkpoint"), time.time() + 300
    while not (checkpoint.exists() and len(ranks("killed-" + name)) == 2) and process.poll() is None and time.time() < deadline:
        time.sleep(0.02)
    alive = ranks("killed-" + name)
    check(len(alive) == 2 and process.poll() is None, f"{name}: two ranks at work: {alive}")
    os.kill(alive[1], signal.SIGKILL)
    began = time.time()
    text, _ = process.communicate(timeout=900)
    if name == "torchrun":
        check(process.returncode == 0, f"torchrun starts the ranks again: {text[-1500:]}")
    else:
        check(process.returncode != 0 and time.time() - began < 60 and "signal 9" in text and not ranks("killed-" + name), f"mpirun ends with a clear line, and nobody is left: {text[-1500:]}")
        process = start(name, "again-" + name)
        text, _ = process.communicate(timeout=900)
        check(process.returncode == 0, f"the same command goes on: {text[-1500:]}")
    check(read(name + ".safetensors") == models[name], f"{name}: killed and resumed, the same bytes")
if "torchrun" not in STARTERS:
    print("SKIPPED in part: torchrun (of the package torch) is not installed; mpirun was tried")
finish()
