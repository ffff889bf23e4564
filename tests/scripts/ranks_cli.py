#!/usr/bin/env python3
# label: cli
# limit: 1200
"""tal-train in two processes on this machine, with dropout: stopped by a signal to one of them, or one killed, and resumed, the bytes of a run that never stopped;
steps with fewer samples than processes; what must be the same everywhere."""
import os
import pathlib
import signal
import struct
import sys
import tempfile
import time

from harness import BIN, check, finish, free_port, need, processes, tool

need("tal-train", why="this build has no LibTorch, so no models")
os.chdir(tempfile.mkdtemp())
annotations = tool("tal-synth", "--seed", "1", "annotations", "-n", "12", "--classes", "3").stdout
tool("tal-synth", "--seed", "2", "features", "--out-dir", "features", "--dim", "8", "--snr", "2", "-o", "train.jsonl", data=annotations)
PLAIN = [os.path.join(BIN, "tal-train"), "--model", "segment-classifier", "--set", "hidden=16", "--threads", "1", "--checkpoint-minutes", "0.0001", "-i", "train.jsonl"]
SHORT = [*PLAIN, "--epochs", "2"]
LONG = [*PLAIN, "--epochs", "20", "--set", "train.ema=0.9", "--set", "train.batch=8"]


def ended(pair):
    """What the processes say; their states."""
    texts = [process.communicate(timeout=200)[1].decode() for process in pair]
    return texts, [process.returncode for process in pair]


def train(words, out, *extra, port=None):
    texts, states = ended(processes([*words, "--out", out, *extra], port or free_port()))
    check(states == [0, 0], f"{out}: both processes end well: {states} {texts}")
    return pathlib.Path(out).read_bytes() if states == [0, 0] else b""


def until_checkpoint(pair, out):
    deadline = time.time() + 100
    while not os.path.exists(out + ".checkpoint") and pair[0].poll() is None and time.time() < deadline:
        time.sleep(0.005)
    check(os.path.exists(out + ".checkpoint"), f"{out}: no checkpoint after {time.time() - deadline + 100:.0f} s")


texts, states = ended(processes([*SHORT, "--out", "first.safetensors"], free_port()))
if "no Gloo headers" in texts[0]:
    print("SKIPPED: this build has no Gloo")
    sys.exit(77)
check(states == [0, 0] and pathlib.Path("first.safetensors").read_bytes() == train(SHORT, "again.safetensors"), f"the same bytes twice: {texts}")
check(pathlib.Path("first.safetensors").read_bytes() != train([*SHORT, "--set", "dropout=0"], "none.safetensors"), "dropout is on")

whole = train(LONG, "whole.safetensors")
# A signal to one: both stop after the same step, and say where to go on.
pair = processes([*LONG, "--out", "stopped.safetensors"], free_port())
until_checkpoint(pair, "stopped.safetensors")
pair[1].send_signal(signal.SIGTERM)
texts, states = ended(pair)
check(all("stopped; --resume goes on" in text and "may have died" not in text for text in texts) and "error" not in texts[0], f"both stop: {states} {texts}")
check(train(LONG, "stopped.safetensors", "--resume") == whole, "stopped and resumed, with dropout: the same bytes")
# One killed: the other says so in one line.
for victim in (1, 0):
    out = f"killed-{victim}.safetensors"
    pair = processes([*LONG, "--out", out], free_port())
    until_checkpoint(pair, out)
    pair[victim].kill()
    texts, states = ended(pair)
    errors = [line for line in texts[1 - victim].splitlines() if "error" in line]
    check(states[1 - victim] == 1 and len(errors) == 1 and "another process may have died" in errors[0], f"one line: {states} {texts[1 - victim]}")
    check(train(LONG, out, "--resume") == whole, f"process {victim} killed and resumed, with dropout: the same bytes")

# Steps of one sample for two processes: about the model of one process.
SINGLE = [*SHORT, "--batch", "1", "--set", "norm=none", "--set", "dropout=0", "--set", "train.optimizer=sgd", "--set", "train.lr=0.01"]
tool("tal-train", *SINGLE[1:], "--out", "one.safetensors")
two, one = train(SINGLE, "two.safetensors"), pathlib.Path("one.safetensors").read_bytes()
sizes = {struct.unpack("<Q", raw[:8])[0] if raw else 0 for raw in (one, two)}
check(len(sizes) == 1, f"the same tensors: {sizes}")
values = [struct.unpack(f"<{(len(raw) - min(sizes) - 8) // 4}f", raw[8 + min(sizes):]) for raw in (one, two) if raw]
check(len(values) == 2 and max(abs(a - b) for a, b in zip(*values)) < 1e-5, "steps of one sample: two processes against one")

# All begin at the same step, or none does.
pair = processes([*LONG, "--out", "torn.safetensors"], free_port())
until_checkpoint(pair, "torn.safetensors")
for process in pair:
    process.kill()
ended(pair)
texts, states = ended(processes(["bash", "-c", '[ "$RANK" = 1 ] || set -- "$@" --resume; exec "$@"', "bash", *LONG, "--out", "torn.safetensors"], free_port()))
check(states == [1, 1] and "'torn.safetensors.checkpoint': process 1 begins after 0 steps, the first process after" in texts[1], f"torn: {states} {texts}")
finish()
