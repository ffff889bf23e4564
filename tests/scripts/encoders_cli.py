#!/usr/bin/env python3
# label: cli
"""Network encoders of tal-extract: rows and headers, weights that are missing or do not fit, layers, batches, resume after a kill."""
import array
import json
import os
import pathlib
import random
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time

from harness import need, works

BIN = pathlib.Path(os.environ["TAL_BIN"])
need("tal-extract", why="this build has no tal-extract (no OpenCV)")


def run(*words, status=0):
    got = subprocess.run([str(BIN / words[0]), *map(str, words[1:])], capture_output=True, text=True, timeout=240)
    assert got.returncode == status, (words, got.returncode, got.stderr)
    return got


def resnet18(classes):
    """Names and shapes of torchvision's resnet18, written down independently of the library."""
    shapes = {}

    def conv_bn(conv, bn, out, into, kernel):
        shapes[conv + ".weight"] = [out, into, kernel, kernel]
        for part in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{bn}.{part}"] = [out]

    conv_bn("conv1", "bn1", 64, 3, 7)
    into = 64
    for stage, out in enumerate((64, 128, 256, 512), 1):
        for block in (0, 1):
            at = f"layer{stage}.{block}"
            conv_bn(at + ".conv1", at + ".bn1", out, into, 3)
            conv_bn(at + ".conv2", at + ".bn2", out, out, 3)
            if into != out:
                conv_bn(at + ".downsample.0", at + ".downsample.1", out, into, 1)
            into = out
    if classes:
        shapes["fc.weight"], shapes["fc.bias"] = [classes, 512], [classes]
    return shapes


def write_safetensors(path, shapes, seed=1):
    """Values from one short random block: quick, and never the same in two tensors."""
    rng = random.Random(seed)
    block = [rng.gauss(0, 1) for _ in range(5003)]
    header, at, data = {}, 0, []
    for name, shape in shapes.items():
        count = 1
        for extent in shape:
            count *= extent
        fan_in = count // shape[0]
        scale = (2 / fan_in) ** 0.5 if len(shape) > 1 else 0.1
        offset = rng.randrange(len(block))
        values = [scale * v for v in block[offset:] + block[:offset]]
        if name.endswith("running_var") or (len(shape) == 1 and name.endswith("weight")):
            values = [1 + 0.5 * abs(v) for v in values]
        floats = array.array("f", (values * (count // len(values) + 1))[:count])
        raw = floats.tobytes()
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + len(raw)]}
        at += len(raw)
        data.append(raw)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(data))


def rows_of(path):
    raw = path.read_bytes()
    return array.array("f", raw[10 + struct.unpack("<H", raw[8:10])[0]:])


with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    run("tal-synth", "videos", "-n", 2, "--duration", 1.2, "--width", 64, "--height", 48, "--actions", 0, "--prefix", "v", "--out-dir", folder, "-o", folder / "t.jsonl")
    videos = sorted(folder.glob("*.avi"))
    assert len(videos) == 2

    # Never random weights; a misspelt name is caught; options that would do nothing are refused.
    weights = folder / "w.safetensors"
    if not works("tal-train"):
        got = run("tal-extract", "--encoder", "resnet18:w.safetensors", "--videos", videos[0], status=1)
        assert "has no networks" in got.stderr, got.stderr
        print("ok (without LibTorch)")
        sys.exit(0)
    for options, text in ((["--encoder", "resnet18"], "needs its weights"), (["--encoder", "resnet19:w"], "did you mean 'resnet18'"),
                          (["--batch", "4"], "--batch has no effect with --encoder hog-hof: it has no network")):
        got = run("tal-extract", *options, "--videos", videos[0], status=2)
        assert text in got.stderr and not got.stdout, got.stderr
    got = run("tal-extract", "--encoder", f"resnet18:{weights}", "--videos", videos[0], status=1)
    assert str(weights) in got.stderr, got.stderr

    # Weights that do not fit: all that is wrong is listed, from both sides.
    shapes = resnet18(7)
    wrong = dict(shapes)
    del wrong["layer1.0.bn1.weight"]
    wrong["conv1.weight"] = [64, 1, 7, 7]
    wrong["module.extra"] = [3]
    write_safetensors(weights, wrong)
    got = run("tal-extract", "--encoder", f"resnet18:{weights}", "--videos", videos[0], status=1)
    for text in ("1 tensors are missing: layer1.0.bn1.weight [64]", "conv1.weight [64, 1, 7, 7] where the network has [64, 3, 7, 7]",
                 "1 belong to nothing in the network: module.extra [3]"):
        assert text in got.stderr, got.stderr

    write_safetensors(weights, shapes)
    got = run("tal-extract", "--encoder", f"resnet18@layer9:{weights}", "--videos", videos[0], status=2)
    assert "layer1, layer2, layer3, layer4, pool, logits, scores" in got.stderr, got.stderr

    # Rows, header, layers.
    common = ["--no-history", "--window", 8, "--stride", 8]
    encoders = ["--encoder", f"resnet18:{weights}", "--encoder", f"resnet18@scores:{weights}"]
    out = folder / "f"
    record = json.loads(run("tal-extract", *common, *encoders, "--videos", videos[0], "--out-dir", out).stdout)
    pool, scores = record["features"]["resnet18"], record["features"]["resnet18-scores"]
    assert (pool["rows"], pool["dim"], pool["frames"], pool["fps"]) == (3, 512, 30, 25), pool
    assert (scores["rows"], scores["dim"]) == (3, 7), scores
    digest = "sha256:" + __import__("hashlib").sha256(weights.read_bytes()).hexdigest()
    assert pool["weights"] == digest and pool["hash"] != scores["hash"]
    values = rows_of(pathlib.Path(scores["path"]))
    assert all(abs(sum(values[7 * g:7 * g + 7]) - 1) < 1e-5 for g in range(3)), values
    features = rows_of(pathlib.Path(pool["path"]))
    assert max(features) > 0 and features[:512] != features[512:1024]
    settings = json.loads((out / f"{videos[0].stem}.resnet18.json").read_text())["settings"]
    for text in (digest, "layer=pool", "resize short side 256 (pillow), crop 224, RGB, / 255"):
        assert text in settings, settings

    # How many frames go through the network at once changes rounding alone.
    one = folder / "one"
    run("tal-extract", *common, "--batch", 1, "--encoder", f"resnet18:{weights}", "--videos", videos[0], "--out-dir", one)
    alone = rows_of(one / f"{videos[0].stem}.resnet18.npy")
    largest = max(map(abs, features))
    assert max(abs(a - b) for a, b in zip(features, alone)) <= 1e-5 * largest

    # bfloat16: near, not the same, and said by the header.
    rough = folder / "rough"
    run("tal-extract", *common, "--precision", "bfloat16", "--encoder", f"resnet18:{weights}", "--videos", videos[0], "--out-dir", rough)
    worst = max(abs(a - b) for a, b in zip(rows_of(rough / f"{videos[0].stem}.resnet18.npy"), features))
    assert 0 < worst < 0.05 * max(features), worst
    assert "precision=BFloat16" in json.loads((rough / f"{videos[0].stem}.resnet18.json").read_text())["settings"]

    # Killed in the middle: the next run does the rest, and the bytes are those of an undisturbed run, with two jobs too.
    whole = folder / "whole"
    run("tal-extract", *common, "-j", 2, "--encoder", f"resnet18:{weights}", "--videos", *videos, "--out-dir", whole)
    killed = folder / "killed"
    words = ["tal-extract", *common, "--resume", "--encoder", f"resnet18:{weights}", "--videos", *videos, "--out-dir", killed]
    process = subprocess.Popen([str(BIN / words[0]), *map(str, words[1:])], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    first = killed / f"{videos[0].stem}.resnet18.json"
    while process.poll() is None and not first.exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = first.stat().st_mtime_ns
    run(*words)
    assert first.stat().st_mtime_ns == before
    for video in videos:
        name = f"{video.stem}.resnet18.npy"
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), name

# --list-encoders names what --help does, and nothing is extracted beside it.
listed = run("tal-extract", "--list-encoders").stdout.splitlines()
known = re.search(r"\(known: ([^)]*)\)", " ".join(run("tal-extract", "--help").stdout.split()))[1].split(", ")
# A preset of log-mel has a line of its own.
assert list(dict.fromkeys(line.split()[0].split("@")[0] for line in listed[1:])) == known, known
assert any(line.split()[:2] == ["videomae-b", "768"] for line in listed)
assert "--list-encoders" in run("tal-extract", "--list-encoders", "--fps", "5", status=2).stderr
print("ok")
