#!/usr/bin/env python3
# label: cli
# cost: 50
"""--precision and train.precision: in bfloat16 every model's stage and loss near those of float32, and not the same; what is refused."""
import json
import math
import os
import tempfile

from harness import SMALL_MODELS, STAGES, check, finish, need, tool

need("tal-train", why="this build has no LibTorch, so no models")


def first_losses(path):
    """Losses of the first steps of each phase: later ones come from weights that have moved apart."""
    losses = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            entry = json.loads(line)
            if "step" in entry and "loss" in entry:
                losses.setdefault(entry["phase"], entry["loss"])
    return losses


def numbers(lines):
    """Per record: how many proposals, the best score, starts and ends of all, sorted."""
    for line in lines:
        proposals = json.loads(line).get("proposals", [])
        yield len(proposals), max((p["score"] for p in proposals), default=0), sorted(t for p in proposals for t in p["segment"])


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    records = tool("tal-synth", "--seed", "1", "annotations", "-n", "3", "--min-duration", "40", "--max-duration", "60", "--proposals", "30", "--tiou", "0.6").stdout
    tool("tal-synth", "--seed", "2", "features", "--dim", "16", "--snr", "2", "--out-dir", "features", "-o", "set.jsonl", data=records)
    with open("set.jsonl", encoding="utf-8") as file:
        few = file.read()
    for model, settings in SMALL_MODELS.items():
        common = ["--model", model, *(word for setting in settings for word in ("--set", setting)), "--epochs", "1", "--batch", "2", "--set", "train.samples-per-epoch=8", "--threads", "1", "-q"]
        tool("tal-train", *common, "--log", "full.log", "--out", model + ".safetensors", data=few)
        tool("tal-train", *common, "--precision", "bfloat16", "--log", "half.log", "--out", "half.safetensors", data=few)
        full, half = first_losses("full.log"), first_losses("half.log")
        check(full.keys() == half.keys() and full[1] != half[1], f"{model}: bfloat16 is used in training: {full} and {half}")
        check(abs(full[1] - half[1]) <= 0.03 * abs(full[1]) + 0.01, f"{model}: the first loss: {full[1]} and {half[1]}")
    proposed = tool("tal-propose", "--method", "grouping", "--normalize", "minmax", "--threshold", "0.3:0.2:0.7", "-i", "set.jsonl").stdout
    for stage, models in STAGES.items():
        for model in models:
            source = few if stage == "tal-propose" else proposed
            extra = ["--set", "write-curves=true", "--allow-empty"] if model == "etp-an" else []  # after an epoch no curve passes a threshold
            outputs = [tool(stage, "-m", model + ".safetensors", *extra, "--threads", "1", "--precision", precision, "--no-history", data=source).stdout.splitlines()
                       for precision in ("float32", "bfloat16")]
            check(len(outputs[0]) == 3 and outputs[0] != outputs[1], f"{stage} {model}: bfloat16 is used")
            for (count, best, times), (other_count, other_best, other_times) in zip(*map(numbers, outputs)):
                near = abs(best - other_best) <= 0.03 * best + 0.01 if best <= 1 else abs(math.log(best / other_best)) < 0.02 * math.log(best) + 0.1  # exp(completeness)
                check(near, f"{stage} {model}: the best scores: {best} and {other_best}")
                if model in ("rpn", "bsnpp", "bmn", "etp-rn", "segment-classifier"):  # others choose by scores that are nearly equal
                    check(count == other_count, f"{stage} {model}: {count} and {other_count} proposals")
                    worst = max((abs(a - b) for a, b in zip(times, other_times)), default=0)
                    check(worst <= 1, f"{stage} {model}: times differ by {worst} s")
    done = tool("tal-propose", "-m", "rpn.safetensors", "--precision", "float16", data=few, status=2)
    check("float16 is for CUDA" in done.stderr, done.stderr)
    done = tool("tal-propose", "-m", "rpn.safetensors", "--precision", "tf32", data=few, status=2)
    check("--precision tf32 is for CUDA" in done.stderr, done.stderr)
    # One setting of training by three names; what training or the processor has not, and what contradicts itself, is said before data are read.
    common = ["--model", "rpn", *(word for setting in SMALL_MODELS["rpn"] for word in ("--set", setting)), "--epochs", "1", "--set", "train.samples-per-epoch=8", "--threads", "1", "-q"]
    made = []
    for words in (("--precision", "bfloat16"), ("--set", "train.precision=bfloat16"), ("--set", "train.amp=true")):
        tool("tal-train", *common, *words, "--out", "same.safetensors", "--log", "same.log", data=few)
        made.append(first_losses("same.log"))
    check(made[0] == made[1] == made[2], f"three names: {made}")
    for words, says in ((("--precision", "tf32"), "--precision tf32 is for CUDA"), (("--precision", "float16"), "setting 'train.precision': 'float16' loses small gradients"),
                        (("--precision", "bfloat16", "--set", "train.amp=true"), "setting 'train.amp' has no effect"), (("--set", "train.precision=half"), "train.precision"),
                        (("--device", "cuda:99"), "--device cuda:99: ")):
        done = tool("tal-train", *common, *words, "--out", "none.safetensors", "-i", "nowhere.jsonl", status=2)
        check(says in done.stderr, done.stderr)
    # A device that cannot be had is a mistake of the command line, no record's.
    for name, words in (("tal-propose", ("-m", "rpn.safetensors")), ("tal-train", (*common, "--out", "none.safetensors"))):
        done = tool(name, *words, "--device", "cuda:99", data=few, status=2)
        check("--device cuda:99: " in done.stderr and "stdin" not in done.stderr and "video" not in done.stderr, done.stderr)
    done = tool("tal-propose", "--method", "grouping", "--precision", "bfloat16", data=few, status=2)
    check("--precision" in done.stderr, done.stderr)
finish()
