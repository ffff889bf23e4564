#!/usr/bin/env python3
# label: cli docs
"""libtal/io/tal-record.schema.json: what every tool of a small pipe writes is valid; records broken in one place each are refused."""
import copy
import json
import os
import subprocess
import sys
import tempfile

try:
    import jsonschema
except ImportError:
    print("SKIPPED: python3-jsonschema is not installed")
    sys.exit(77)

source, binaries = os.environ["TAL_SOURCE"], os.environ["TAL_BIN"]
os.environ["PATH"] = os.path.abspath(binaries) + ":" + os.environ["PATH"]
with open(os.path.join(source, "libtal/io/tal-record.schema.json"), encoding="utf-8") as file:
    schema = json.load(file)
kind = jsonschema.validators.validator_for(schema)
assert kind is not jsonschema.Draft3Validator and "2020" in kind.META_SCHEMA["$schema"], kind
kind.check_schema(schema)
validator = kind(schema)
failures = 0


def fail(text):
    global failures
    failures += 1
    print("FAILED:", text)


def valid(record, what):
    for fault in validator.iter_errors(record):
        fail("%s: %s: %s" % (what, "/".join(map(str, fault.absolute_path)), fault.message))


# --- What the tools write -------------------------------------------------------------------------------------------------------
with tempfile.TemporaryDirectory() as folder:
    def pipe(command, text=""):
        done = subprocess.run(["bash", "-o", "pipefail", "-c", command], input=text, capture_output=True, text=True, cwd=folder, timeout=120)
        if done.returncode != 0 or not done.stdout:
            fail("%s: status %d, %s" % (command, done.returncode, done.stderr))
        records = [json.loads(line) for line in done.stdout.splitlines()]
        for record in records:
            valid(record, command)
        return done.stdout

    truth = pipe("tal-synth annotations -n 5 --seed 3 --subset validation")
    detections = pipe("tal-synth annotations -n 5 --seed 3 --proposals 8 --labelled")
    features = pipe("tal-synth features --kind scores --out-dir f --seed 4", truth)
    inline = pipe("tal-synth features --kind scores --inline --half --seed 4", truth)
    for stream in (features, inline):
        proposals = pipe("tal-propose --method grouping", stream)
        pipe("tal-nms --preset bsn", proposals)
    pipe("tal-nms --method gaussian --voting 0.7", detections)
    pipe("tal-check --fix clip,order", detections)
    pipe("tal-convert --from tal", detections)
    with open(os.path.join(folder, "gt.json"), "w") as file:
        json.dump({"version": "1", "database": {"a": {"duration": 9.5, "subset": "training", "annotations": [{"segment": [1, 2], "label": "x"}]}}}, file)
    pipe("tal-convert --from activitynet-gt gt.json")
    pipe("tal-convert --from thumos14-results", "v 1 2 7 0.5\nw 0 1 3 0.25\n")
    pipe("tal-convert --from segments-csv", "video,start,end,label,score\nv,1,2,jump,0.5\n")
    pipe("tal-eval --tiou 0.5 --diagnose-file kinds.jsonl > report.txt; cat kinds.jsonl", detections)
    if os.path.exists(os.path.join(binaries, "tal-anchors")):
        pipe("tal-anchors --preset rpn-activitynet", truth)

# --- Valid and broken by hand -----------------------------------------------------------------------------------------------------
whole = {
    "video": "v", "path": "v.mp4", "duration": 10.5, "fps": [30000, 1001], "frames": 314, "subset": "validation",
    "annotations": [{"segment": [1, 2.5], "label": "jump", "note": "mine"}, {"at": 3, "label": "pass"}],
    "features": {"i3d": {"path": "v.npy", "rows": 19, "dim": 1024, "stride": 16, "window": 16, "fps": 25, "offset": 0, "resample": "pts", "range": [-1, 1],
                         "weights": "sha256:0", "classes": ["a"]},
                 "inline": {"data": "AACAPw==", "dtype": "float32", "rows": 1, "dim": 1, "stride": 8, "fps": [25, 1], "last_start": 3},
                 "none": {"rows": 0, "dim": 3}},
    "window": {"index": 0, "start": 0, "end": 5, "final": False},
    "proposals": [{"segment": [0, 1], "score": -0.5, "label": "jump", "scores": {"unit": 0.5}}, {"segment": [3, 3]}, {"at": 4.5, "score": 0.5}],
    "classification": [{"label": "jump", "score": 1}], "maps": {"start": {}}, "history": [{"tool": "mine", "version": "2", "args": ["-x"], "model": {"a": 1}}],
    "anything": {"else": [None]}}
valid(whole, "the whole record")
valid({"video": "v"}, "the smallest record")

BROKEN = [  # path into the record, value (DELETE: the member is gone)
    (["video"], "DELETE"), (["video"], ""), (["video"], 7), (["video"], None), (["path"], 3), (["duration"], 0), (["duration"], -1),
    (["duration"], "10"), (["fps"], 0), (["fps"], [25, 0]), (["fps"], [25]), (["fps"], [25, 1, 1]), (["fps"], "25"), (["frames"], 1.5), (["frames"], -1),
    (["subset"], 1), (["annotations"], {}), (["annotations", 0], [1, 2]), (["annotations", 0, "segment"], "DELETE"), (["annotations", 0, "segment"], [1]),
    (["annotations", 0, "segment"], [1, 2, 3]), (["annotations", 0, "segment"], ["1", "2"]), (["annotations", 0, "segment"], {"start": 1, "end": 2}),
    (["annotations", 0, "label"], 4), (["annotations", 1, "at"], "DELETE"), (["annotations", 1, "at"], "3"), (["annotations", 1, "at"], [3]),
    (["annotations", 1, "segment"], [3, 4]), (["proposals", 2, "at"], None), (["proposals", 2, "segment"], [4, 5]), (["features"], []), (["features", "i3d"], "v.npy"), (["features", "i3d", "path"], "DELETE"), (["features", "i3d", "path"], ""),
    (["features", "i3d", "rows"], -1), (["features", "i3d", "rows"], 1.5), (["features", "i3d", "dim"], "1024"), (["features", "i3d", "stride"], 0),
    (["features", "i3d", "window"], -16), (["features", "i3d", "fps"], 0), (["features", "i3d", "offset"], "0"), (["features", "i3d", "classes"], "a"),
    (["features", "i3d", "classes"], [1]), (["features", "i3d", "range"], [1]), (["features", "inline", "data"], "%%%"), (["features", "inline", "dtype"], "int8"),
    (["features", "inline", "rows"], "DELETE"), (["features", "none", "rows"], 1), (["window"], 3), (["window", "index"], "DELETE"), (["window", "index"], -1),
    (["window", "start"], "0"), (["window", "final"], "no"), (["proposals"], None), (["proposals", 0], None), (["proposals", 0, "segment"], [0, None]),
    (["proposals", 1, "segment"], "DELETE"), (["proposals", 0, "score"], "high"), (["proposals", 0, "score"], None), (["proposals", 0, "label"], ["a"]),
    (["proposals", 0, "scores"], [0.5]), (["proposals", 0, "scores", "unit"], "x"), (["classification"], {}), (["classification", 0, "label"], "DELETE"),
    (["classification", 0, "score"], "DELETE"), (["maps"], "x"), (["maps", "start"], 3), (["maps", "other"], "f"), (["maps", "path"], 1), (["history"], {}), (["history", 0], "tal-nms"), (["history", 0, "tool"], "DELETE"),
    (["history", 0, "args"], "-x"), (["history", 0, "args"], [1])]
for path, value in BROKEN:
    record = copy.deepcopy(whole)
    holder = record
    for step in path[:-1]:
        holder = holder[step]
    if value == "DELETE":
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    if validator.is_valid(record):
        fail("accepted: %s = %r" % ("/".join(map(str, path)), value))
for record in ([], "v", 7, None):
    if validator.is_valid(record):
        fail("accepted: %r" % (record,))
print("%d broken records, %d failures" % (len(BROKEN) + 4, failures))
sys.exit(1 if failures else 0)
