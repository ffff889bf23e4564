#!/usr/bin/env python3
# label: cli
"""ETP from the command line: a run without a proposal, networks without examples, labels that are missing, models for other stages, settings that make no sense."""
import json
import os
import tempfile

from harness import check, finish, need, tool

need("tal-train", why="this build has no LibTorch, so no models")


def refused(*arguments, data=None, status=1, says=()):
    """The tool fails with this status and one line on stderr that says all of `says`."""
    done = tool(*arguments, data=data, status=status)
    lines = [line for line in done.stderr.splitlines() if "error" in line]
    check(len(lines) == 1 and "Exception" not in done.stderr and "frame #" not in done.stderr, f"{arguments}: one line: {done.stderr[-800:]}")
    for text in says:
        check(text in done.stderr, f"{arguments}: says '{text}': {done.stderr[-400:]}")
    return done


def lines_of(text):
    return [json.loads(line) for line in text.splitlines()]


def jsonl(records):
    return "".join(json.dumps(record) + "\n" for record in records)


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    made = tool("tal-synth", "--seed", "1", "annotations", "-n", "4", "--classes", "2", "--min-duration", "40", "--max-duration", "60", "--proposals", "30", "--tiou", "0.6").stdout
    features = ("--seed", "2", "features", "--dim", "8", "--snr", "2", "--out-dir")
    proposed = tool("tal-synth", *features, "features", data=made).stdout
    bare = jsonl({key: value for key, value in record.items() if key != "proposals"} for record in lines_of(proposed))
    common = ("--epochs", "1", "--batch", "4", "--set", "train.samples-per-epoch=16", "--threads", "1", "-q", "--out")

    # A run without a proposal, of a network and without one.
    tool("tal-train", "--model", "etp-an", "--set", "hidden=8", *common, "an.safetensors", data=bare)
    propose = ("tal-propose", "-m", "an.safetensors", "--threads", "1", "--set", "threshold=0.999")
    done = refused(*propose, data=bare, says=("no proposal in any of 4 records", "the threshold 0.999", "--allow-empty"))
    check(len(done.stdout.splitlines()) == 4, "the records are written all the same")
    refused(*propose, data=bare.splitlines()[0] + "\n", says=("no proposal in the only record",))
    tool(*propose, data="")
    done = tool(*propose, "--allow-empty", data=bare)
    check(all(record["proposals"] == [] for record in lines_of(done.stdout)), "--allow-empty accepts that")
    scores = tool("tal-synth", "--seed", "3", "features", "--kind", "scores", "--out-dir", "scores", data=made).stdout
    grouping = ("tal-propose", "--method", "grouping")
    refused(*grouping, "--threshold", "99", data=scores, says=("no proposal in any of 4 records: the highest score is", "the threshold 99"))
    refused(*grouping, "--threshold", "99", "-j", "2", data=scores, says=("no proposal in any of 4 records",))
    tool(*grouping, "--threshold", "99", "--allow-empty", data=scores)
    # One suppression over all curves leaves fewer than one for each label.
    count = {by: sum(len(r["proposals"]) for r in lines_of(tool(*grouping, "--threshold", "0.2", "--merge-nms", "0.3", "--merge-nms-by", by, data=scores).stdout)) for by in ("all", "label")}
    check(0 < count["all"] < count["label"], f"--merge-nms-by: {count}")

    # Nothing to learn from.
    for model in ("etp-rn", "etp-ln"):
        refused("tal-train", "--model", model, *common, "x.safetensors", data=bare, says=(f"{model} learns from the proposals of another stage", "no record has any"))
        refused("tal-train", "--model", model, *(("--set", "draw=truths") if model == "etp-rn" else ()), "--set", "made=1", *common, "x.safetensors", data=proposed, status=2, says=("made",))
    tool("tal-train", "--model", "etp-rn", "--set", "hidden=4", *common, "rn.safetensors", data=proposed)
    tool("tal-train", "--model", "etp-ln", "--preset", "small", *common, "ln.safetensors", data=proposed)
    chain = tool("tal-score", "-m", "ln.safetensors", "--threads", "1", data=tool("tal-refine", "-m", "rn.safetensors", "--threads", "1", data=proposed).stdout).stdout
    check([len(r["proposals"]) for r in lines_of(chain)] == [60] * 4, "a detection for each of both classes")

    # The localization network at the paper's rate: it learns, and only because gradients are clipped.
    wide = tool("tal-synth", "--seed", "2", "features", "--dim", "64", "--snr", "2", "--out-dir", "wide", data=made).stdout
    at_rate = ("tal-train", "--model", "etp-ln", "--epochs", "1", "--batch", "16", "--set", "train.samples-per-epoch=1600", "--threads", "1", "-q", "--log", "ln.log", "--out", "rate.safetensors")
    tool(*at_rate, data=wide)
    with open("ln.log", encoding="utf-8") as file:
        losses = [line["loss"] for line in map(json.loads, file) if "loss" in line]
    check(len(losses) == 100 and sum(losses[-10:]) < 0.2 * sum(losses[:10]) and max(losses) < 5, f"etp-ln at its own rate: {losses}")
    done = tool(*at_rate, "--set", "train.clip=0", data=wide, status=1)
    check("not finite" in done.stderr and "train.clip may help" in done.stderr, done.stderr)

    # Labels that are missing: all of them, some of them.
    unlabelled = lines_of(proposed)
    for record in unlabelled:
        for annotation in record["annotations"]:
            del annotation["label"]
    half = lines_of(proposed)
    missing = 0
    for record in half[:2]:
        for annotation in record["annotations"]:
            del annotation["label"]
            missing += 1
    total = sum(len(record["annotations"]) for record in half)
    with open("classes.txt", "w", encoding="utf-8") as file:
        file.write("nothing\n")
    for model in ("etp-an", "etp-ln", "segment-classifier"):
        train = ("tal-train", "--model", model, *common, "x.safetensors")
        refused(*train, data=jsonl(unlabelled), says=("needs classes: no annotation has a label",))
        refused(*train, "--classes", "classes.txt", data=proposed, says=("no annotation has a label that is in 'classes.txt'",))
        done = tool(*train, data=jsonl(half))
        check(f"{missing} of {total} annotations have no label; no class is learned from them" in done.stderr, f"{model}: {done.stderr}")
    done = tool("tal-train", "--model", "etp-rn", "--set", "hidden=4", *common, "x.safetensors", data=jsonl(unlabelled))
    check("label" not in done.stderr, "labels do not matter to the refinement network: " + done.stderr)

    # Models for other stages, and what is none.
    refused("tal-refine", "-m", "an.safetensors", data=proposed, says=("'an.safetensors': model 'etp-an' does not refine; it is for tal-propose",))
    refused("tal-refine", "-m", "ln.safetensors", data=proposed, says=("'ln.safetensors': model 'etp-ln' does not refine; it is for tal-score",))
    refused("tal-score", "-m", "rn.safetensors", data=proposed, says=("model 'etp-rn' does not score; it is for tal-refine",))
    refused("tal-refine", "-m", "classes.txt", data=proposed, says=("classes.txt",))
    refused("tal-refine", "-m", "nowhere.safetensors", data=proposed, says=("nowhere.safetensors",))
    refused("tal-refine", "-m", "rn.safetensors", data=bare, says=("proposals",))
finish()
