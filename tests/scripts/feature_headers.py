#!/usr/bin/env python3
# label: cli
"""The header that tal-extract writes beside its rows, against records that say another thing of them, and as what tal-convert knows of a folder of features; rows against the duration."""
import hashlib
import json
import os
import pathlib
import struct
import tempfile

from harness import check, finish, tool

folder = tempfile.TemporaryDirectory()
os.chdir(folder.name)


def npy(path, rows, dim):
    values = [float((r * 7 + c) % 5) + 1 for r in range(rows) for c in range(dim)]
    head = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {dim}), }}"
    head += " " * (-(10 + len(head) + 1) % 64) + "\n"
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    pathlib.Path(path).write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + struct.pack(f"<{len(values)}f", *values))


def feature(flow="block", rows=60, **other):
    settings = f"hog-hof/3 side=60 flow={flow}"
    return {"path": "f/v.hog-hof.npy", "dtype": "float32", "rows": rows, "dim": 2, "stride": 8, "window": 16, "fps": 25.0, "offset": 0, "frames": 500, "resample": "none", "tail": "drop", "encoder": "hog-hof",
            "hash": "sha256:" + hashlib.sha256(settings.encode()).hexdigest(), "settings": settings, "classes": ["a", "b"], **other}


def extracted(said, path="f/v.hog-hof", video="v"):
    """As tal-extract leaves it."""
    npy(path + ".npy", said["rows"], said["dim"])
    pathlib.Path(path + ".json").write_text(json.dumps({"video": video, "feature": said, "settings": "s", "content": "sha256:" + "0" * 64, "video_facts": {"duration": 20.0, "fps": 25.0, "frames": 500}}))


def record(said, **other):
    return json.dumps({"video": "v", **other, "features": {"hog-hof": said}}) + "\n"


STAGES = (["tal-propose", "--method", "grouping", "--curve", "a"], ["tal-propose", "--method", "shots", "--curve", "b"], ["tal-plot", "heatmap"])

# A record of an earlier extraction with other settings, times or weights.
extracted(feature())
for words in STAGES:
    check(tool(*words, data=record(feature(), duration=20)).stderr == "", f"{words}: what belongs together")
    for said, differs in ((feature("dis"), "settings: 'f/v.hog-hof.json': the record says flow=dis, the header beside the rows flow=block"), (feature(fps=30), "fps: 'f/v.hog-hof.json': the record says 30, the header beside the rows 25"),
                          (feature(stride=4), "stride: 'f/v.hog-hof.json': the record says 4, the header beside the rows 8"), (feature(window=32), "window: "), (feature(offset=8), "offset: "), (feature(resample="pts"), "resample: "),
                          ({k: v for k, v in feature("dis").items() if k != "settings"}, "hash: ")):
        got = tool(*words, data=record(said), status=1)
        check(f"stdin:1: video 'v': features.hog-hof.{differs}" in got.stderr and got.stderr.count("\n") == 1, f"{words}: {differs}: {got.stderr}")
# What is not said is no contradiction, nor are other ways to compute the same.
pathlib.Path("f/v.hog-hof.json").write_text(pathlib.Path("f/v.hog-hof.json").read_text().replace('"offset": 0', '"offset": 0, "weights": "sha256:' + "1" * 64 + '"'))
for said in (feature(), feature(hash="sha256:" + "2" * 64), {k: v for k, v in feature("dis").items() if k not in ("settings", "hash")}, {k: v for k, v in feature().items() if k != "settings"}):
    check(tool(*STAGES[0], data=record(said)).stderr == "", said)
check("features.hog-hof.weights: " in tool(*STAGES[0], data=record(feature(weights="sha256:" + "3" * 64)), status=1).stderr, "other weights")
# Another file of that name, or none.
for text in ("{}", "[1]", "no JSON", '{"feature":{"rows":3}}', '{"feature":3}'):
    pathlib.Path("f/v.hog-hof.json").write_text(text)
    check(tool(*STAGES[0], data=record(feature("dis"))).stderr == "", text)
os.remove("f/v.hog-hof.json")
check(tool(*STAGES[0], data=record(feature("dis"))).stderr == "", "no header")
# Of several records the others go on.
extracted(feature("dis"))
npy("f/w.hog-hof.npy", 60, 2)
got = tool(*STAGES[0], "--on-error", "skip", data=record(feature("block")) + record(feature("block", path="f/w.hog-hof.npy")).replace('"v"', '"w"'), status=1)
check([json.loads(line)["video"] for line in got.stdout.splitlines()] == ["w"], got)

# tal-convert takes from the header what it says, and the names too.
extracted(feature())
extracted(feature(rows=121, stride=4), "f/v.tsn.v2", "v")
extracted(feature(), "f/a.b.hog-hof", "a.b")
npy("f/w.hog-hof.npy", 60, 2)


def features(*words, status=0):
    return tool("tal-convert", "--no-history", "--from", "features", *words, status=status)


os.remove("f/w.hog-hof.npy")
got = features("f")
records = {r["video"]: r for r in map(json.loads, got.stdout.splitlines())}
check(sorted(records) == ["a.b", "v"] and sorted(records["v"]["features"]) == ["hog-hof", "tsn.v2"] and got.stderr == "", f"{records} {got.stderr}")
stream = records["v"]["features"]["hog-hof"]
same = {key: value for key, value in feature().items() if key not in ("dtype", "frames", "tail", "encoder", "hash", "offset")}
check(stream == same, f"{stream}, not {same}")
check({key: records["v"][key] for key in ("duration", "fps", "frames")} == {"duration": 20, "fps": 25, "frames": 500}, records["v"])
check(records["v"]["features"]["tsn.v2"]["stride"] == 4, records)
for words in (["--fps", "25"], ["--stride", "8", "--window", "16", "--fps", "25", "--offset", "0"]):
    check(json.loads(features(*words, "f/v.hog-hof.npy").stdout)["features"]["hog-hof"] == same, words)
check(list(json.loads(features("--stream", "x", "f/v.hog-hof.npy").stdout)["features"]) == ["x"], "--stream")
inline = json.loads(features("--inline", "f/v.hog-hof.npy").stdout)["features"]["hog-hof"]
check(inline["settings"] == same["settings"] and inline["rows"] == 60 and "path" not in inline, inline)
named = json.loads(features("--pattern", "(.*)[.]hog-hof[.]npy$", "--id", "x_$1", "f/v.hog-hof.npy").stdout)
check(named["video"] == "x_v" and named["features"]["features"]["settings"] == same["settings"], named)
for words, says in ((["--fps", "30"], "--fps 30, but the header that tal-extract wrote beside the rows says 25"), (["--stride", "16"], "--stride 16, but the header"), (["--window", "8"], "--window 8, but"),
                    (["--offset", "4"], "--offset 4, but"), (["--transpose", "--inline"], "the array has 2 rows of 60, the header beside it 60 of 2")):
    check("video 'v': features.hog-hof: " in features(*words, "f/v.hog-hof.npy", status=1).stderr and says in features(*words, "f/v.hog-hof.npy", status=1).stderr, says)
pathlib.Path("durations.csv").write_text("video,duration,fps\nv,20.1,25\n")
check(json.loads(features("--durations", "durations.csv", "f/v.hog-hof.npy").stdout)["duration"] == 20.1, "the data set's own duration")
pathlib.Path("durations.csv").write_text("video,duration\nv,500\n")
check("duration: 20 here, but 500 in --durations" in features("--durations", "durations.csv", "f/v.hog-hof.npy", status=1).stderr, "another duration")
# The record that comes out belongs to its rows.
check(tool(*STAGES[0], data=got.stdout.splitlines()[0] and json.dumps(records["v"]) + "\n", status=1).stderr.count("several streams") == 1, "two streams")
check(tool(*STAGES[0], "--stream", "hog-hof", data=json.dumps(records["v"]) + "\n").stderr == "", "back in a stage")

# Rows and duration that are not of one video: what tal-check finds, the stages say once.
npy("g/v.npy", 60, 2)
plain = {"path": "g/v.npy", "rows": 60, "dim": 2, "stride": 8, "window": 16, "fps": 25, "classes": ["a", "b"]}
reach = "rows and duration are not of one video, or the frame rate or the stride is another"
for duration, bad in ((18.8, True), (18.89, False), (20.8, False), (22, True), (5, True), (500, True)):  # the last row begins at 18.88 s
    text = record(plain, duration=duration)
    found = tool("tal-check", "--no-videos", data=text, status=1 if bad else 0).stdout
    check(("rows-disagree" in found) == bad, f"{duration}: {found}")
    for words in (*STAGES, ["tal-anchors", "--stride", "1", "--length", "32"], ["tal-convert", "--from", "tal"]):
        said = tool(*words, data=text, status=None).stderr
        check((f"warning: video 'v': features.hog-hof: 60 rows reach 18.88 s of {duration} s: {reach}" in said) == bad, f"{words}, {duration}: {said}")
three = "".join(record(plain, duration=d).replace('"v"', f'"v{d}"', 1) for d in (5, 20, 6))
check(tool(*STAGES[0], data=three).stderr == f"tal-propose: warning: video 'v5': features.hog-hof: 60 rows reach 18.88 s of 5 s (and 1 more): {reach}\n", "counted")
# Rescaled features share the duration, and a window of a live stream ends before the video does.
check(tool(*STAGES[0], data=record({k: v for k, v in plain.items() if k not in ("fps", "stride", "window")}, duration=500)).stderr == "", "rescaled")
window = record(plain, duration=500, window={"index": 0, "start": 0, "end": 20, "final": False})
check(tool(*STAGES[0], data=window).stderr == "" and "rows-disagree" not in tool("tal-check", data=window, status=None).stdout, "a window")
# tal-convert, of features and of what --durations and --merge bring.
given = ("--fps", "25", "--stride", "8", "--window", "16", "g/v.npy")
for duration, bad in ((500, True), (20, False)):
    pathlib.Path("durations.csv").write_text(f"video,duration\nv,{duration}\n")
    pathlib.Path("merge.jsonl").write_text(json.dumps({"video": "v", "duration": duration}) + "\n")
    for words in (["--durations", "durations.csv"], ["--merge", "merge.jsonl"]):
        check((f"features.features: 60 rows reach 18.88 s of {duration} s" in features(*words, *given).stderr) == bad, f"{words} {duration}")
finish()
