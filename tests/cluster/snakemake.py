#!/usr/bin/env python3
"""Snakemake: examples/hapt as a workflow gives what make gives; killed in the middle of a training, it goes on from the checkpoint to the same bytes."""
import os
import subprocess
import time

from engine import BIN, OUT, SOURCE, check, finish, make, need, send, with_variable
from harness import recordings

SNAKEMAKE = os.environ.get("TAL_SNAKEMAKE", "snakemake")
need(SNAKEMAKE, why="Snakemake is not installed")
need("tal-train", why="this build has no LibTorch, so no models")
DATA, EPOCHS = OUT / "recordings", 6
RESULTS = ("proposals.jsonl", "detections.jsonl", "ar.json", "map.json")
recordings(DATA, 5)
settings = {"SNAKEMAKE": SNAKEMAKE, "HAPT": DATA, "THREADS": 1, "CONFIG": f"epochs={EPOCHS}"}


def results(folder):
    return {name: (folder / "hapt" / name).read_bytes() for name in RESULTS}


done = make("snakemake", OUT=OUT / "whole", **settings)
if check(done.returncode == 0, f"the workflow runs: {done.stdout[-2000:]}"):
    whole = results(OUT / "whole")
    again = make("snakemake", OUT=OUT / "whole", **settings)
    check(again.returncode == 0 and "Nothing to be done" in again.stdout, f"a finished workflow has nothing to do: {again.stdout[-600:]}")
    words = ["make", "-s", "-C", SOURCE / "examples" / "hapt", f"BIN={BIN}", f"DATA={DATA}", f"OUT={OUT}/make", f"EPOCHS={EPOCHS}", "THREADS=1"]
    made = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=900)
    check(made.returncode == 0, f"make -C examples/hapt: {made.stderr[-800:]}")
    for ours, theirs in (("ar.json", "ar-0.json"), ("map.json", "map-0.json")):
        check(whole[ours] == (OUT / "make" / theirs).read_bytes(), f"{ours} is what make -C examples/hapt gives")

    # Killed while the RPN learns: Snakemake, and all that it started.
    words = ["make", "-s", "-C", SOURCE / "examples" / "cluster", "snakemake", f"BIN={BIN}", f"OUT={OUT}/killed", *(f"{name}={value}" for name, value in settings.items())]
    process = subprocess.Popen([str(word) for word in words], env={**os.environ, "TAL_TEST_TAG": "snakemake"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    folder, deadline = OUT / "killed" / "hapt", time.time() + 600
    while not (folder / "rpn.safetensors.checkpoint").exists() and process.poll() is None and time.time() < deadline:
        time.sleep(0.02)
    victims = [*with_variable("TAL_TEST_TAG", "snakemake")]
    send(victims)
    text, _ = process.communicate(timeout=60)
    check(len(victims) > 2 and not (folder / "rpn.safetensors").exists(), f"killed in the middle: {len(victims)} processes: {text[-800:]}")
    done = make("snakemake", OUT=OUT / "killed", **settings)
    check(done.returncode == 0 and b"step" in (folder / "rpn.log").read_bytes(), f"goes on: {done.stdout[-2000:]}")
    check("resuming at" in done.stdout, f"the training goes on from its checkpoint: {done.stdout[-2000:]}")
    check(results(OUT / "killed") == whole, "killed and resumed: the same bytes")
finish()
