#!/usr/bin/env python3
# label: cli
"""Networks from elsewhere: onnx:FILE with its description, class scores into detections, flow clips and the cache of flow."""
import json
import math
import pathlib
import struct
import sys
import tempfile

from harness import finish, need, tool, works
from media import mp4
from onnx_file import onnx

need("tal-extract", why="this build has no OpenCV")


def run(name, *words, **how):
    return tool(name, *map(str, words), **how)


def records(text):
    return [json.loads(line) for line in text.splitlines()]


def raw_video(path, count, width, height, pixel):
    """Uncompressed RGB; pixel(k, x, y) -> (r, g, b)."""
    frames = [b"".join(bytes(pixel(k, x, y)) for y in range(height) for x in range(width)) for k in range(count)]
    path.write_bytes(mp4(frames, width, height, codec=b"raw "))


def describe(model, **settings):
    pathlib.Path(f"{model}.json").write_text(json.dumps(settings))


def rows_of(path, dim):
    raw = pathlib.Path(path).read_bytes()
    values = struct.unpack(f"<{(len(raw) - 128) // 4}f", raw[128:])
    return [values[i:i + dim] for i in range(0, len(values), dim)]


with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    flat = folder / "flat.mov"
    raw_video(flat, 24, 32, 32, lambda k, x, y: (10 * k, 50, 200))
    net = folder / "mix.onnx"
    weight = [[1.0, 0.5, -0.25], [0.0, 2.0, 1.0]]
    net.write_bytes(onnx([1, 3, 32, 32], weight))

    # What is missing or wrong is said.
    words = ["tal-extract", "--no-history", "--window", 8, "--stride", 8, "--encoder", f"onnx:{net}", "--videos", flat, "--out-dir", folder / "f"]
    got = run(*words, status=1)
    if "no DNN module" in got.stderr:
        print("skipped: this build's OpenCV has no DNN module")
        sys.exit(77)
    assert f"'{net}.json' is missing" in got.stderr, got.stderr
    good = dict(name="mix", input="frames", height=32, crop=32, filter="opencv", divisor=255, mean=[-0.5, -0.25, 0.125], deviation=[0.5, 1, 2], classes=["run", "jump"])
    for change, says in (({"crop": 33}, "inside the resized picture"), ({"heigth": 3}, "did you mean 'height'"), ({"input": "frame"}, "none of frames"),
                         ({"mean": [1, 2]}, "need 1 or 3 numbers, not 2"), ({"deviation": [0]}, "above 0"), ({"classes": ["a"]}, "scores 2 classes, and 1 are named"),
                         ({"name": "a/b"}, "must have no '/'")):
        describe(net, **{**good, **change})
        got = run(*words, status=1)
        assert says in got.stderr, (change, got.stderr)
    describe(net, **good)
    for options, says in ((["--encoder", "onnx"], "which file?"), (["--encoder", f"onnx:{net}", "--device", "cuda"], "runs on the processor"),
                          (["--encoder", f"onnx@nowhere:{net}"], "no such node"), *([(["--encoder", f"torchscript@x:{net}"], "one output")] if works("tal-train") else []),
                          (["--encoder", "torchscript"], "which file?")):
        got = run("tal-extract", *options, "--videos", flat, status=2)
        assert says in got.stderr, (options, got.stderr)
    junk = folder / "junk.onnx"
    junk.write_bytes(b"no network")
    describe(junk, **good)
    got = run("tal-extract", "--encoder", f"onnx:{junk}", "--videos", flat, status=1)
    assert "cannot read this network" in got.stderr, got.stderr

    # Rows are means over the frames of the window of W ((v / 255 - mean) / deviation).
    record = records(run(*words).stdout)[0]
    stream = record["features"]["mix"]
    assert (stream["rows"], stream["dim"], stream["classes"], stream["frames"]) == (3, 2, ["run", "jump"], 24), stream
    want = []
    for g in range(3):
        colour = (10 * (8 * g + 3.5), 50, 200)
        x = [(c / 255 - m) / d for c, m, d in zip(colour, good["mean"], good["deviation"])]
        want.append([sum(w * v for w, v in zip(row, x)) for row in weight])
    got = rows_of(stream["path"], 2)
    assert all(abs(a - b) < 1e-4 for p, q in zip(got, want) for a, b in zip(p, q)), (got, want)
    assert f"weights={stream['weights']}" in json.loads((folder / "f" / "flat.mix.json").read_text())["settings"]
    named = rows_of(records(run(*[w if w != f"onnx:{net}" else f"onnx@mix:{net}" for w in words]).stdout)[0]["features"]["mix-mix"]["path"], 2)
    assert named == got

    # Two stages without a foreign file: the stream's classes become the detections' labels.
    record["proposals"] = [{"segment": [0.1, 0.5], "score": 0.5}]

    def detections(*options, status=0):
        return run("tal-score", "--no-history", *options, status=status, data=json.dumps(record) + "\n")

    mean = [sum(row[c] for row in got) / 3 for c in range(2)]
    best = [max(row[c] for row in got) for c in range(2)]
    for options, scores in (([], mean), (["--class-rows", 1], best)):
        out = records(detections("--classification", "stream:mix", *options).stdout)[0]["proposals"]
        scored = {p["label"]: p["score"] for p in out}
        assert all(abs(scored[label] - 0.5 * score) < 1e-6 for label, score in zip(("run", "jump"), scores)), (scored, scores)
    out = records(detections("--classification", "stream:mix", "--temperature", 1).stdout)[0]["proposals"]
    soft = [math.exp(v) for v in mean]
    assert all(abs(p["score"] - 0.5 * soft[("run", "jump").index(p["label"])] / sum(soft)) < 1e-6 for p in out), out
    assert "no stream 'x'" in detections("--classification", "stream:x", status=1).stderr
    del record["features"]["mix"]["classes"]
    assert "names no classes" in detections("--classification", "stream:mix", status=1).stderr
    assert "--class-rows has no effect" in detections("--top-classes", 1, "--class-rows", 3, status=2).stderr

    # Flow clips: a texture that moves 2 pixels a frame to the right; (v / 20) is what the network sees. Rows describe the same time as those of the frames.
    moving = folder / "moving.mov"
    raw_video(moving, 20, 64, 48, lambda k, x, y: (int(127 + 60 * math.sin((x - 2 * k) / 5) + 50 * math.cos(y / 4)),) * 3)
    flow = folder / "flow.onnx"
    flow.write_bytes(onnx([1, 2, 8, 48, 48], [[1.0, 0.0], [0.0, 1.0]]))
    describe(flow, input="flow-clips", height=48, crop=48, filter="opencv", divisor=255, mean=[0.5], deviation=[0.5], clip=8)
    rgb = folder / "rgb.onnx"
    rgb.write_bytes(onnx([1, 3, 8, 48, 48], [[1.0, 0.0, 0.0]]))
    describe(rgb, input="clips", height=48, crop=48, filter="opencv", mean=[0], deviation=[1], clip=8)
    words = ["tal-extract", "--no-history", "--window", 8, "--stride", 4, "--flow", "farneback", "--encoder", f"onnx:{flow}", "--encoder", f"onnx:{rgb}", "--videos", moving]
    record = records(run(*words, "--out-dir", folder / "plain").stdout)[0]
    a, b = record["features"]["flow"], record["features"]["rgb"]
    assert all(a[key] == b[key] for key in ("rows", "stride", "window", "fps", "offset", "frames")) and a["rows"] == 4, (a, b)
    for u, v in rows_of(a["path"], 2):
        assert abs(u - 0.1) < 0.03 and abs(v) < 0.02, (u, v)
    got = run("tal-extract", "--encoder", f"onnx:{flow}", "--window", 7, "--flow", "dis", "--videos", moving, status=2)
    assert "takes clips of 8 frames" in got.stderr, got.stderr
    got = run("tal-extract", "--encoder", f"onnx:{flow}", "--window", 8, "--videos", moving, status=2)
    assert "needs --flow" in got.stderr, got.stderr

    # The cache holds every field once, changes no byte, is used, and mends what is damaged.
    cache = folder / "cache"

    def cached(name):
        return rows_of(records(run(*words, "--flow-cache", cache, "--out-dir", folder / name).stdout)[0]["features"]["flow"]["path"], 2)

    plain = rows_of(a["path"], 2)
    assert cached("cold") == plain
    images = sorted(cache.glob("moving-*/farneback-64x48/flow_*.png"))
    assert len(images) == 2 * 19 and images[0].name == "flow_x_00001.png", images[:3]
    before = {p: p.stat().st_mtime_ns for p in images}
    assert cached("warm") == plain and all(p.stat().st_mtime_ns == at for p, at in before.items())
    images[3].write_bytes(images[3].read_bytes()[:20])
    images[5].unlink()
    assert cached("mended") == plain and all(p.stat().st_size > 60 for p in images)
    images[2].write_bytes(images[20].read_bytes())  # another field: what is read is what is used
    assert cached("read") != plain
    got = run("tal-extract", "--flow-cache", cache, "--videos", moving, status=2)
    assert "--flow-cache has no effect" in got.stderr, got.stderr
    names = folder / "names.txt"
    names.write_text("run\njump\n")
    got = run("tal-extract", "--classes", names, "--videos", moving, status=2)
    assert "no encoder gives class scores" in got.stderr, got.stderr
finish()
