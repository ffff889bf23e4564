#!/usr/bin/env python3
# label: cli
# cost: 40
"""A model and the features that it was trained on: other settings and rates are refused with both sides, in every tool that opens a model, and --accept-features takes them."""
import json
import os
import pathlib
import shutil
import tempfile

from harness import SMALL_MODELS, check, finish, need, tool

need("tal-train", "tal-extract", why="needs LibTorch and OpenCV")
folder = pathlib.Path(tempfile.mkdtemp())
os.chdir(folder)
try:
    videos = tool("tal-synth", "videos", "-n", "2", "--duration", "8", "--seed", "3", "--out-dir", "videos").stdout

    def features(name, *options):
        path = folder / (name + ".jsonl")
        path.write_text(tool("tal-extract", "--out-dir", name, "--stride", "4", "--window", "4", *options, data=videos).stdout)
        return path.read_text()

    block, dis = features("block", "--flow", "block"), features("dis", "--flow", "dis")
    slow = features("slow", "--flow", "block", "--fps", "10")
    stream = json.loads(block.splitlines()[0])["features"]["hog-hof"]
    check(stream["settings"].startswith("hog-hof/") and stream["settings"].endswith("flow=block"), stream)
    check(json.loads(tool("tal-extract", "--resume", "--out-dir", "block", "--stride", "4", "--window", "4", "--flow", "block", data=videos).stdout.splitlines()[0])["features"]["hog-hof"]["settings"] == stream["settings"], "--resume knows them")

    def train(model, out, *options, data=block, status=0):
        sets = [word for pair in SMALL_MODELS[model] for word in ("--set", pair)]
        return tool("tal-train", "--model", model, *sets, "--epochs", "1", "--batch", "2" if model == "rpn" else "64", "--threads", "1", "--out", out, *options, data=data, status=status)

    def strip(text):
        """The same streams as a tool wrote them that does not know settings."""
        records = [json.loads(line) for line in text.splitlines()]
        for record in records:
            del record["features"]["hog-hof"]["settings"]
        return "".join(json.dumps(record) + "\n" for record in records)

    train("rpn", "rpn.safetensors")
    head = (folder / "rpn.safetensors").read_bytes()[8:20000].decode("latin1")
    check("flow=block" in head and "settings_hash" in head, "the model file has the settings and their hash")
    ok = tool("tal-propose", "-m", "rpn.safetensors", data=block)
    check("settings" not in ok.stderr, ok.stderr)
    both = "the model was trained on flow=block, this stream has flow=dis (--accept-features takes it as it is)"
    refused = tool("tal-propose", "-m", "rpn.safetensors", data=dis, status=1)
    check("features.hog-hof.settings: " + both in refused.stderr and refused.stdout == "", refused.stderr)
    taken = tool("tal-propose", "-m", "rpn.safetensors", "--accept-features", data=dis)
    check(taken.stderr.count("warning") == 1 and "flow=dis; taken as it is" in taken.stderr and taken.stdout.count("\n") == 2, taken.stderr)
    check(tool("tal-propose", "-m", "rpn.safetensors", "--accept-features", "--no-history", data=block).stdout == tool("tal-propose", "-m", "rpn.safetensors", "--no-history", data=block).stdout, "nothing else changes")
    unknown = tool("tal-propose", "-m", "rpn.safetensors", data=strip(block))
    check(unknown.stderr.count("settings: the record does not say it; the model was trained on") == 1, unknown.stderr)
    check("does not say" not in tool("tal-propose", "-q", "-m", "rpn.safetensors", data=strip(block)).stderr, "-q: no note")
    # The other way round, and weights: what only one side says is said.
    train("rpn", "unsaid.safetensors", data=strip(block))
    unsaid = tool("tal-propose", "-m", "unsaid.safetensors", data=block)
    check(unsaid.stderr.count("; it is not known what the model was trained on") == 1 and "features.hog-hof.settings: this stream has " in unsaid.stderr, unsaid.stderr)
    weighed = "".join(json.dumps({**record, "features": {"hog-hof": {**record["features"]["hog-hof"], "weights": "sha256:aa"}}}) + "\n" for record in map(json.loads, block.splitlines()))
    check("features.hog-hof.weights: this stream has sha256:aa; it is not known" in tool("tal-propose", "-m", "rpn.safetensors", data=weighed).stderr, "weights that only the stream names")

    # The rate: one line that names the option.
    rate = tool("tal-propose", "-m", "rpn.safetensors", data=slow, status=1).stderr
    check("features.hog-hof.fps: the model was trained on 25, this stream has 10; tal-extract --fps 25" in rate, rate)
    mixed = block.splitlines(True)[0] + slow.splitlines(True)[1]
    rate = train("rpn", "x.safetensors", data=mixed, status=1).stderr
    check("features.hog-hof.fps: the first record has 25, this stream has 10; tal-extract --fps 25" in rate, rate)
    check("taken as it is" in train("rpn", "x.safetensors", "--accept-features", data=mixed).stderr, "--accept-features of tal-train")

    # Records of a first extraction, whose files a second one has written over.
    stale = features("again", "--flow", "block")
    features("again", "--flow", "dis")
    over = "the record says flow=block, the header beside the rows flow=dis: they have been extracted again since, or are of another record"
    for got in (tool("tal-propose", "-m", "rpn.safetensors", data=stale, status=1), train("rpn", "x.safetensors", data=stale, status=1)):
        check("features.hog-hof.settings: 'again/" in got.stderr and over + " (--accept-features takes them as they are)" in got.stderr and got.stdout == "", got.stderr)
    for got in (tool("tal-propose", "-m", "rpn.safetensors", "--accept-features", data=stale), train("rpn", "x.safetensors", "--accept-features", data=stale)):
        check(got.stderr.count("warning") == 1 and over + "; taken as they are" in got.stderr, got.stderr)
    check(over in tool("tal-propose", "--method", "grouping", data=stale, status=1).stderr, "without a model")
    # What tal-convert makes of the files says what a model asks for.
    for name, says in (("block", None), ("dis", both)):
        converted = tool("tal-convert", "--from", "features", name).stdout
        got = tool("tal-propose", "-m", "rpn.safetensors", data=converted, status=1 if says else 0)
        check(says in got.stderr if says else "settings" not in got.stderr, got.stderr)

    # Every other way to a model: refinement, scoring, another set, validation, pretraining, going on.
    proposals = [tool("tal-propose", "-m", "rpn.safetensors", "--accept-features", "-q", "--no-history", "--set", "top-k=10", data=text).stdout for text in (block, dis)]

    def with_near(text):
        """The segments of the annotations as proposals too, so that there is something to learn from."""
        records = [json.loads(line) for line in text.splitlines()]
        for r in records:
            r["proposals"] += [{"segment": a["segment"], "score": 0.5} for a in r["annotations"]]
        return "".join(json.dumps(r) + "\n" for r in records)

    proposals = [with_near(text) for text in proposals]
    for model, stage in (("segment-classifier", "tal-score"), ("etp-rn", "tal-refine")):
        train(model, model + ".safetensors", data=proposals[0])
        check(both in tool(stage, "-m", model + ".safetensors", data=proposals[1], status=1).stderr, stage)
        check("taken as it is" in tool(stage, "-m", model + ".safetensors", "--accept-features", data=proposals[1]).stderr, stage + " --accept-features")
    other = train("rpn", "x.safetensors", data=block.splitlines(True)[0] + dis.splitlines(True)[1], status=1).stderr
    check("the first record has flow=block, this stream has flow=dis" in other, other)
    check(both in train("rpn", "x.safetensors", "--val", "dis.jsonl", status=1).stderr, "--val")
    check(both in train("rpn", "x.safetensors", "--val", "dis.jsonl", "--set", "train.metric=loss", status=1).stderr, "--val by loss")
    initial = train("rpn", "x.safetensors", "--init-from", "rpn.safetensors", data=dis, status=1).stderr
    check("--init-from 'rpn.safetensors' was trained on flow=block, this stream has flow=dis" in initial, initial)
    train("rpn", "x.safetensors", "--init-from", "rpn.safetensors", "--accept-features", data=dis)
    train("rpn", "r.safetensors", "--checkpoint-dir", "checkpoint")
    going = train("rpn", "r.safetensors", "--checkpoint-dir", "checkpoint", "--resume", data=dis, status=1).stderr
    check("features.hog-hof was" in going and "flow=block" in going and "flow=dis" in going, going)

    # A model file whose settings were changed by hand.
    data = (folder / "rpn.safetensors").read_bytes()
    (folder / "bent.safetensors").write_bytes(data.replace(b"flow=block", b"flow=blokc"))
    bent = tool("tal-propose", "-m", "bent.safetensors", data=block, status=1).stderr
    check("'bent.safetensors'" in bent and "do not have their hash" in bent, bent)

    # Relative paths: from the working folder, from the records' folder, from --features-root.
    os.mkdir("elsewhere")
    os.chdir("elsewhere")
    check("No such file or directory (a relative path is taken from the working folder" in tool("tal-propose", "-m", "../rpn.safetensors", data=block, status=1).stderr, "a pipe has no folder")
    wanted = [json.loads(line)["proposals"] for line in ok.stdout.splitlines()]
    for options, text in ((["-i", "../block.jsonl"], None), (["--features-root", ".."], block)):
        got = tool("tal-propose", "-m", "../rpn.safetensors", *options, data=text).stdout
        check([json.loads(line)["proposals"] for line in got.splitlines()] == wanted, options)
    check("'nowhere/block/" in tool("tal-propose", "-m", "../rpn.safetensors", "--features-root", "nowhere", "-i", "../block.jsonl", status=1).stderr, "--features-root alone counts")
    shutil.copytree("../dis", "block")
    twice = tool("tal-propose", "-m", "../rpn.safetensors", "-i", "../block.jsonl", status=1).stderr
    check("which is meant?" in twice, twice)
finally:
    os.chdir("/")
    shutil.rmtree(folder)
finish()
