# The Python module (packaging/python/tal): a stage of three lines, tools with records in and out, views of features without copies, and faults.
# label: cli
import base64
import io
import itertools
import json
import os
import subprocess
import sys
import tempfile

from harness import BIN, check, finish

MODULE = os.path.join(os.environ["TAL_SOURCE"], "packaging", "python")
sys.path.insert(0, MODULE)
import tal  # noqa: E402


def fault(what, wanted, action, *arguments, **options):
    """The action must end in a tal.Error with all these words."""
    try:
        result = action(*arguments, **options)
        list(result) if hasattr(result, "__next__") else None
    except tal.Error as error:
        return check(all(word in str(error) for word in wanted), f"{what}: {error}")
    return check(False, f"{what}: no error")


def stage(code, data, status=0):
    done = subprocess.run([sys.executable, "-c", code], input=data, capture_output=True, env={**os.environ, "PYTHONPATH": MODULE, "LC_ALL": "C"})
    check(done.returncode == status, f"status {done.returncode}: {done.stderr.decode()[-500:]}")
    return done


line = '{"video":"café","unknown":{"kept":[1,2.5,1e+300,123456789012345678901]},"proposals":[{"segment":[0,4],"score":0.5},{"segment":[0,4],"score":0.875},{"segment":[5,6],"score":0.25}]}\n'
three = "import tal\nfor record in tal.records():\n    tal.write({**record, 'proposals': record['proposals'][:2]})\n"
assert len(three.splitlines()) == 3
done = stage(three, line.encode())
check(done.stdout.decode("utf-8") == line.replace(',{"segment":[5,6],"score":0.25}', ""), "a stage of three lines keeps everything else, byte for byte: " + done.stdout.decode("utf-8", "replace"))
done = stage(three, (line + '{"video":"w"\n').encode(), 1)
check(done.stdout.count(b"\n") == 1 and b"stdin:2" in done.stderr, "a record is out before the next is read, and a fault has its line")
check(subprocess.run([os.path.join(BIN, "tal-check"), "--stage", f"PYTHONPATH={MODULE} {sys.executable} -c 'import tal\nfor record in tal.records(): tal.write(record)'"],
                     capture_output=True).returncode == 0, "tal-check --stage: the module's stage keeps every promise")

# Tools.
records = list(tal.run("tal-synth", "annotations", "-n", "3", "--seed", "1", "--proposals", "20"))
check([r["video"] for r in records] == ["synth_00000", "synth_00001", "synth_00002"], "records of a tool that reads none")
kept = list(tal.run("tal-nms", "--method", "greedy", "--threshold", "0.3", "--no-history", records=records))
check(len(kept) == 3 and all(0 < len(k["proposals"]) < 20 for k in kept), "records through a tool")
chain = tal.run("tal-nms", "--preset", "etp", records=tal.run("tal-nms", "--method", "greedy", "--threshold", "0.9", records=iter(records)))
check(len(list(chain)) == 3, "a tool whose input is another's output")
score, = tal.run("tal-eval", "--protocol", "activitynet-proposal", "--format", "json", records=kept)
check(0 < score["auc"] <= 100, "the object of tal-eval --format json")
first = next(tal.run("tal-nms", "--no-history", records=({"video": f"v{i}", "proposals": []} for i in itertools.count())))
check(first["video"] == "v0", "the first result of an input without an end")
fault("a tool's words", ["tal-nms: error", "stdin:1", "video 'v'", "proposals"], tal.run, "tal-nms", records=[{"video": "v"}])
fault("usage", ["--no-such"], tal.run, "tal-nms", "--no-such", records=[])
fault("no such tool", ["tal-none", "TAL_BIN"], tal.run, "tal-none")
fault("a record that JSON cannot write", ["video 'v'", "JSON"], tal.run, "tal-nms", records=[{"video": "v", "proposals": [], "x": float("nan")}])


def failing():
    yield {"video": "v", "proposals": []}
    raise KeyError("of the caller")


try:
    list(tal.run("tal-nms", records=failing()))
    check(False, "the caller's own exception was lost")
except KeyError:
    pass

# Records.
for text, words in [('{"video":""}', ["video"]), ('[1]', ["object"]), ('{"video":"v","video":"w"}', ["two members"]), ('{"video":"v","x":NaN}', ["NaN"]), ("{", ["JSON"])]:
    fault(text, ["here:2"] + words, tal.read, ['{"video":"a"}\n', text + "\n"], "here")
fault("bytes that are no UTF-8", ["here:1"], tal.read, [b'{"video":"\xff"}\n'], "here")
check([r["video"] for r in tal.read(["\ufeff" + '{"video":"a"}\n', "\n", '{"video":"b"}'])] == ["a", "b"], "a byte order mark, an empty line, no newline at the end")
out = io.StringIO()
tal.write({"video": "v", "x": 0.1}, out)
check(out.getvalue() == '{"video":"v","x":0.1}\n', "a text file in memory")
with tempfile.TemporaryDirectory() as folder:
    place = os.path.join(folder, "r.jsonl")
    with open(place, "w", encoding="ascii") as file:  # written as UTF-8 all the same
        for record in [{"video": "é"}, {"video": "b"}]:
            tal.write(record, file)
    check([r["video"] for r in tal.records(place)] == ["é", "b"], "a file by name")
    with open(place, "w") as file:
        file.write("{}\n")
    fault("a file's fault has its name", [place + ":1", "video"], tal.records, place)

# Features.
try:
    import numpy
except ImportError:
    print("SKIPPED in part: no numpy here, so tal.features() was not tried")
    finish()
with tempfile.TemporaryDirectory() as folder:
    made = list(tal.run("tal-synth", "features", "--seed", "2", "--out-dir", folder, records=records))
    stream = next(iter(made[0]["features"].values()))
    rows = tal.features(made[0])
    check(rows.shape == (stream["rows"], stream["dim"]) and isinstance(rows, numpy.memmap) and not rows.flags.owndata, "a file is mapped, not read")
    check(numpy.array_equal(rows, numpy.load(stream["path"])), "its values")
    name = os.path.basename(stream["path"])
    check(tal.features({"video": "v", "features": {"x": {**stream, "path": name}}}, "x", root=folder).shape == rows.shape, "a relative path from root")
    for kind in ("float32", "float16"):
        data = {"data": base64.b64encode(rows.astype(kind).tobytes()).decode(), "dtype": kind, "rows": rows.shape[0], "dim": rows.shape[1]}
        inline = tal.features({"video": "v", "features": {"x": data}})
        check(numpy.array_equal(inline, rows.astype(kind)) and not inline.flags.owndata and not inline.flags.writeable, f"inline {kind}")
    check(tal.features({"video": "v", "features": {"x": {"rows": 0, "dim": 4}}}).shape == (0, 4), "no rows")
    bad = {"video": "v", "features": {"x": stream}}
    fault("no such stream", ["video 'v'", "'y'", "x"], tal.features, bad, "y")
    fault("which stream", ["say which", "a, b"], tal.features, {"video": "v", "features": {"a": stream, "b": stream}})
    fault("no features", ["none"], tal.features, {"video": "v"})
    fault("no such file", ["features.x", "nowhere.npy"], tal.features, {"video": "v", "features": {"x": {"path": "nowhere.npy"}}})
    fault("other sizes", ["says 1 x"], tal.features, {"video": "v", "features": {"x": {**stream, "rows": 1}}})
    fault("data cut off", ["features.x"], tal.features, {"video": "v", "features": {"x": {**data, "data": data["data"][:8]}}})
    fault("no base64", ["features.x"], tal.features, {"video": "v", "features": {"x": {**data, "data": "?"}}})
    (open(os.path.join(folder, "bad.npy"), "wb")).write(b"no array")
    fault("no array", ["features.x"], tal.features, {"video": "v", "features": {"x": {"path": os.path.join(folder, "bad.npy")}}})
finish()
