#!/usr/bin/env python3
# label: cli
"""tal-check: reports and their bounds, repairs, kinds of input, feature headers, foreign stages, replay, memory."""
import hashlib
import json
import math
import os
import pathlib
import resource
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zipfile

BIN = pathlib.Path(os.environ["TAL_BIN"])
os.environ.pop("PYTHONUNBUFFERED", None)  # the stages below are to buffer as Python does
folder = pathlib.Path(tempfile.mkdtemp())


def run(*words, text="", status=0):
    got = subprocess.run([str(BIN / "tal-check"), *map(str, words)], input=text, capture_output=True, text=True, timeout=60, cwd=folder)
    assert got.returncode == status, (words, got.returncode, got.stdout[-800:], got.stderr[-800:])
    return got


def kinds(*words, status=1, text=""):
    """(class, field) of every fault, from the JSON report."""
    report = json.loads(run(*words, "--format", "json", status=status, text=text).stdout)
    assert sum(report["counts"].values()) == len(report["faults"]) + sum(report["unlisted"].values()), report
    return [(f["class"], f["field"]) for f in report["faults"]]


def npy(path, shape, values):
    head = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape!r}, }}"
    head += " " * (-(10 + len(head) + 1) % 64) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + struct.pack(f"<{len(values)}f", *values))


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def header(path, rows, dim, settings="s", **other):
    feature = {"rows": rows, "dim": dim, "hash": digest(settings.encode())}
    text = {"video": path.name.split(".")[0], "feature": feature, "settings": settings, "content": digest(path.read_bytes())}
    path.with_suffix(".json").write_text(json.dumps({**text, **other}))


try:
    # Every fault with its place, by class; a bound on what is listed never changes the counts.
    bad = "".join(json.dumps({"video": f"v{i}", "duration": 9, "proposals": [{"segment": [4, 2]}, {"segment": [8, 9.5]}]}) + "\n" for i in range(50))
    got = run(text=bad + "{oops\n", status=1)
    assert "stdin:1: video 'v0': proposals[0].segment: reversed: end 2 is before start 4" in got.stdout, got.stdout[:300]
    assert "stdin:51: broken-line" in got.stdout and "51 records, 101 faults" in got.stdout and "reversed: 50" in got.stdout
    got = run("--max-faults", 3, text=bad, status=1)
    assert got.stdout.count("reversed: end 2") == 3 and "reversed: 50 (47 not listed)" in got.stdout, got.stdout
    report = json.loads(run("--max-faults", 3, "--format", "json", text=bad, status=1).stdout)
    assert len(report["faults"]) == 6 and report["counts"] == {"past-end": 50, "reversed": 50} and report["unlisted"] == {"past-end": 47, "reversed": 47}
    assert report["checked"] == 50 and report["unit"] == "records"
    assert json.loads(run("--format", "json", text='{"video":"a"}\n').stdout) == {"faults": [], "counts": {}, "unlisted": {}, "checked": 1, "unit": "records"}

    # Relative paths are those of the records' folder where the working folder has none; the header beside a feature file knows the video.
    (folder / "sub").mkdir()
    npy(folder / "sub" / "s.npy", (10, 4), [1.0] * 40)
    header(folder / "sub" / "s.npy", 10, 4, video_facts={"duration": 4.0, "fps": 25.0, "frames": 100})
    (folder / "sub" / "r.jsonl").write_text(json.dumps({"video": "v", "duration": 10, "fps": 30, "frames": 300, "features": {"s": {"path": "s.npy", "rows": 10, "dim": 4}}}))
    assert kinds("-i", "sub/r.jsonl") == [("duration-disagrees", "duration"), ("fps-disagrees", "fps"), ("frames-disagree", "frames")]
    assert kinds("--features-root", "sub", text=(folder / "sub" / "r.jsonl").read_text()) == kinds("-i", "sub/r.jsonl")
    assert kinds(text=(folder / "sub" / "r.jsonl").read_text()) == [("bad-file", "features.s.path")]
    shutil.rmtree(folder / "sub")

    # Streams of one name that were made in different ways.
    two = [{"video": v, "features": {"f": {"data": "AACAPw==", "rows": 1, "dim": 1, "stride": 1, "window": 1, "fps": fps, "settings": s}}} for v, fps, s in (("a", 25, "e/1 flow=block"), ("b", 30, "e/1 flow=dis"))]
    got = run(text="".join(json.dumps(r) + "\n" for r in two), status=1).stdout
    assert "features.f.fps: contract-changes: 30; before: 25 (tal-extract --fps" in got and "features.f.settings: contract-changes: flow=dis; before: flow=block" in got, got

    # Repairs go to stdout, the report to stderr; only the numbers of the segments change.
    line = '{"video":"v","duration":1e1,"proposals":[{"score":0.50,"segment":[4,2],"z":1.0}, {"segment":[8,12]},{"segment":[8,12]}]}\n'
    got = run("--fix", "order,clip,dedup", text=line)
    assert got.stdout == '{"video":"v","duration":1e1,"proposals":[{"score":0.50,"segment":[2,4],"z":1.0},{"segment":[8,10]}]}\n', got.stdout
    assert "(fixed)" in got.stderr and "duplicated: 1 (1 fixed)" in got.stderr
    assert run("--fix", "order", text=line, status=1).stdout.count("[8,12]") == 2  # the others stay, and stay faults
    assert run("--fix", "order,clip,dedup", text=got.stdout).stdout == got.stdout

    # Two people who do the same at the same time are two instances; so are those of two tiers, annotators and channels.
    for member in ("tier", "subject", "annotator", "channel"):
        items = [{"segment": [1, 2], "label": "a", member: who} for who in ("x", "y", "x")] + [{"segment": [1.5, 3], "label": "a", member: "z"}]
        line = json.dumps({"video": "v", "duration": 9, "annotations": items})
        assert kinds(text=line) == [("duplicated", "annotations[2].segment")], member
        assert [i[member] for i in json.loads(run("--fix", "dedup", text=line).stdout)["annotations"]] == ["x", "y", "z"], member

    # What differs in another member is no repetition.
    items = [{"segment": [1, 2], "label": "grab", "modifiers": m} for m in ("left", "right", "left")] + [{"at": 3, "label": "song", "low": low} for low in (100, 200, 100)]
    line = json.dumps({"video": "v", "duration": 9, "annotations": items})
    assert kinds(text=line) == [("duplicated", "annotations[2].segment"), ("duplicated", "annotations[5].at"), ("overlapping", "annotations[1].segment")]
    assert json.loads(run("--fix", "dedup", text=line, status=1).stdout)["annotations"] == items[:2] + items[3:5]

    # A window that is not there.
    lines = "".join(json.dumps({"video": "v", "window": {"index": k, "start": k, "end": k + 1, "final": k == 2}}) + "\n" for k in (0, 2))
    assert kinds(text=lines) == [("missing-window", "window")]

    # What cannot be checked for want of a duration is said, once.
    lines = [{"video": "a", "annotations": [{"segment": [1, 2], "label": "x"}]}, {"video": "b", "proposals": [{"segment": [1, 2]}], "features": {"f": {"data": "AACAPw==", "rows": 1, "dim": 1, "stride": 1, "window": 1, "fps": 1}}},
             {"video": "c", "duration": 3, "annotations": [{"segment": [1, 2], "label": "x"}]}, {"video": "d", "annotations": []}]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    got = run(text=text).stdout
    assert got.endswith("4 records, 0 faults\nnot checked: ends of segments in 2 records without a duration (past-end, after-end); rows of features in 1 record without a duration or a frame rate (rows-disagree)\n"), got
    assert json.loads(run("--format", "json", text=text).stdout)["not_checked"] == {"past-end": 2, "after-end": 2, "rows-disagree": 1}
    assert "not checked" not in run(text=json.dumps(lines[2])).stdout and "not_checked" not in json.loads(run("--format", "json", text=json.dumps(lines[2])).stdout)
    got = run("--fix", "clip", text=text)
    assert got.stdout == text and "not checked: ends of segments in 2 records" in got.stderr, got
    (folder / "some").mkdir()
    for name in ("a", "b"):
        (folder / "some" / f"{name}.jsonl").write_text(text)
    assert "not checked: ends of segments in 4 records" in run("some").stdout
    # So are files that nothing here reads, by their endings; headers beside features and videos that were opened are read.
    npy(folder / "some" / "v.npy", (2, 2), [1.0] * 4)
    header(folder / "some" / "v.npy", 2, 2)
    for name in ("a.h5", "b.H5", "c.npz", "v.mp4", "LICENSE"):
        (folder / "some" / name).write_bytes(b"\x89HDF\r\n\x1a\n")
    assert run("some").stdout.endswith("; other files: 2 .h5, 1 .mp4, 1 .npz, 1 without an ending\n"), run("some").stdout
    assert json.loads(run("--format", "json", "some").stdout)["not_checked"]["files"] == {".h5": 2, ".mp4": 1, ".npz": 1, "without an ending": 1}
    (folder / "some" / "c.jsonl").write_text(json.dumps({"video": "v", "path": "v.mp4"}))
    assert "1 .mp4" in run("--no-videos", "some").stdout
    opened = subprocess.run([str(BIN / "tal-check"), "some"], capture_output=True, text=True, timeout=60, cwd=folder)
    assert "other files: 2 .h5, 1 .npz, 1 without an ending" in opened.stdout, opened
    shutil.rmtree(folder / "some")

    # Files that are no records: what they are, and who takes them.
    def zipped(name):
        with zipfile.ZipFile(folder / "made.zip", "w") as archive:
            archive.writestr(name, b"x")
        return (folder / "made.zip").read_bytes()

    others = (("v.mp4", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "is a video or sound (MP4 or MOV)", "tal-extract"), ("v.mkv", b"\x1aE\xdf\xa3\1\0\0\0", "is a video (Matroska or WebM)", "tal-extract"),
              ("v.avi", b"RIFF\x10\0\0\0AVI LIST", "is a video (AVI)", "tal-extract"), ("v.ts", (b"G@\0\x10\0" + b"\xff" * 183) * 4, "is a video (MPEG)", "tal-extract"), ("s.wav", b"RIFF\x10\0\0\0WAVEfmt ", "is a sound file", "tal-extract"),
              ("p.png", b"\x89PNG\r\n\x1a\n\0\0", "is a picture", "no tool reads one"), ("p.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF", "is a picture", "no tool reads one"), ("w.pth", zipped("archive/data.pkl"), "is a PyTorch file", "tal-convert --weights"),
              ("old.pth", b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.", "is a Python pickle", "tal-convert --weights"), ("t.xlsx", zipped("[Content_Types].xml"), "is a workbook", "CSV"), ("f.npz", zipped("a.npy"), "is an archive of NumPy arrays", "tal-convert --from features"),
              ("any.zip", zipped("readme.txt"), "is a ZIP archive", ""), ("f.h5", b"\x89HDF\r\n\x1a\n\0", "is an HDF5 file", "tal-convert --from features"), ("m.mat", b"MATLAB 5.0 MAT-file, made", "is a MATLAB file", "tal-convert --from features"),
              ("m.bin", struct.pack("<Q", 2) + b'{"__metadata__":{}}', "is a safetensors file", "--kind model"), ("f.bin", b"\x93NUMPY\1\0", "is a NumPy array", "tal-check of an .npy"), ("a.tar", b"x" + b"\0" * 256 + b"ustar\0" + b"\0" * 250, "is a tar archive", "unpack it"))
    for name, content, what, who in others:
        (folder / name).write_bytes(content)
        got = run(name, status=1)
        assert got.stderr.count("\n") == 1 and f"{name}: {what}" in got.stderr and who in got.stderr, (name, got)
    (folder / "a.eaf").write_text('<?xml version="1.0"?>\n<ANNOTATION_DOCUMENT/>\n')
    (folder / "a.vtt").write_text("WEBVTT\n\n00:01.000 --> 00:02.000\nx\n")
    assert "tal-convert --from elan" in run("a.eaf", status=1).stdout and "tal-convert --from webvtt" in run("a.vtt", status=1).stdout

    # JSON that is broken in two places: the first one, with its column, in words of ours.
    for line, place, what in (('{"video":"v","proposals":[{"segment":[1,2] "score":0.5}],"annotations":[{]}', "video 'v': proposals[0].segment", "an object goes on with ',' or '}' (column 44)"), ('{"video":"v" "proposals":[{]}', "", "an object goes on with ',' or '}' (column 14)"),
                              ('{"video":"v",,"a":[}', "", "a key of an object must be a string (column 14)"), ('{"video":"v","a" 1,"b"}', "", "':' is missing behind a key (column 18)"), ('{"video":"v","p":[{segment:[1,2]}],"a":[}', "video 'v': p[0]", "a key of an object must be a string (column 20)"),
                              ('{"database":{"a":{"annotations":[{"segment":[1,2,"label":"x"}]},"b":{"annotations":[}}}', "database.a.annotations[0].segment[2]", "a list goes on with ',' or ']' (column 57)")):
        got = run(text=line + "\n", status=1).stdout
        assert "not valid JSON: " + what in got and place in got and "The JSON document" not in got, (line, got)
        nms = subprocess.run([str(BIN / "tal-nms")], input=line + "\n", capture_output=True, text=True)
        assert nms.returncode == 1 and what in nms.stderr and "The JSON document" not in nms.stderr, nms

    # Ten times the input needs no more memory (a sanitizer keeps what is freed).
    peaks = []
    for count in () if os.environ.get("TAL_SANITIZED") else (20_000, 200_000):
        code = f"import sys\nfor i in range({count}): sys.stdout.write('{{\"video\":\"v\",\"annotations\":[{{\"segment\":[4,2],\"label\":\"a\"}}]}}\\n')"
        shell = f"{shlex.quote(sys.executable)} -c {shlex.quote(code)} | {shlex.quote(str(BIN / 'tal-check'))} --max-faults 5 >/dev/null"
        script = f"import resource, subprocess; subprocess.run({shell!r}, shell=True); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
        peaks.append(int(subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout))
    assert not peaks or peaks[1] < peaks[0] + 8192, peaks  # KiB

    # A feature file against the record, and against the header that was written with it.
    values = [float(i % 5 + 1) for i in range(40)]
    npy(folder / "f.npy", (10, 4), values)
    record = {"video": "v", "duration": 10, "features": {"f": {"path": "f.npy", "rows": 10, "dim": 4, "stride": 10, "window": 10, "fps": 10, "hash": digest(b"s")}}}
    assert kinds(status=0, text=json.dumps(record)) == []  # no header beside it: nothing to compare
    header(folder / "f.npy", 10, 4)
    assert kinds(status=0, text=json.dumps(record)) == []
    other = json.loads(json.dumps(record))
    other["features"]["f"].update(rows=9, dim=5, hash=digest(b"t"))
    assert kinds(text=json.dumps(other)) == [("rows-disagree", "features.f.path"), ("dim-disagrees", "features.f.path"), ("hash-disagrees", "features.f.path")]
    header(folder / "f.npy", 11, 3)
    assert kinds("--kind", "features", "-i", "f.npy") == [("rows-disagree", "feature.rows"), ("dim-disagrees", "feature.dim")]
    header(folder / "f.npy", 10, 4, settings="s", content=digest(b"other bytes"))
    assert kinds("--kind", "features", "-i", "f.npy") == [("hash-disagrees", "content")]
    header(folder / "f.npy", 10, 4, feature={"rows": 10, "dim": 4, "hash": "fnv1a64:00"})
    assert kinds("--kind", "features", "-i", "f.npy") == [("bad-hash", "feature.hash")]
    header(folder / "f.npy", 10, 4, feature={"rows": 10, "dim": 4, "hash": digest(b"changed by hand")})
    assert kinds("--kind", "features", "-i", "f.npy") == [("hash-disagrees", "feature.hash")]
    npy(folder / "g.npy", (3, 2), [1, float("nan"), 0, 0, 1, 2])
    assert kinds("--kind", "features", "-i", "g.npy") == [("not-finite", "row 0"), ("zero-rows", "row 1")]

    # What every reader takes is no fault: whole numbers, too; what float32 does not hold is one.
    (folder / "u.npy").write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", 60) + b"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2), }".ljust(59) + b"\n" + bytes([1, 2, 3, 4]))
    assert kinds("--kind", "features", "-i", "u.npy", status=0) == []
    (folder / "w.npy").write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", 60) + b"{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1), }".ljust(59) + b"\n" + struct.pack("<d", 1e300))
    assert kinds("--kind", "features", "-i", "w.npy") == [("not-finite", "row 0")]
    for name in ("u.npy", "w.npy"):
        (folder / name).unlink()

    # Models and folders.
    def model(path, tensors, data):
        head = json.dumps(tensors).encode()
        path.write_bytes(struct.pack("<Q", len(head)) + head + data)

    model(folder / "m.safetensors", {"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, struct.pack("<2f", 1, 2))
    assert kinds("--kind", "model", "-i", "m.safetensors", status=0) == []
    model(folder / "bad.safetensors", {"w": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}, "x": {"dtype": "F32", "shape": [1], "data_offsets": [8, 12]},
                                       "y": {"dtype": "F9", "shape": [1], "data_offsets": [12, 16]}}, struct.pack("<4f", 1, 2, float("inf"), 0))
    assert kinds("--kind", "model", "-i", "bad.safetensors")[:3] == [("bad-header", "w.shape"), ("not-finite", "x"), ("bad-header", "y.dtype")]
    (folder / "r.jsonl").write_text(bad)
    (folder / "readme.txt").write_text("not checked")
    (folder / "a.vtt").unlink()
    report = json.loads(run("--kind", "folder", "-i", ".", "--format", "json", status=1).stdout)
    assert report["checked"] == 6 and report["unit"] == "files", report["checked"]  # a.eaf is one, of another format
    assert report["counts"]["reversed"] == 50 and report["counts"]["not-finite"] == 2 and report["counts"]["hash-disagrees"] == 1, report["counts"]
    assert "needs --input" in run("--kind", "folder", status=2).stderr
    assert "no effect" in run("--kind", "model", "-i", "m.safetensors", "--fix", "clip", status=2).stderr

    # Two feature files.
    npy(folder / "a.npy", (2, 2), [1, 0, 0, 1])
    npy(folder / "b.npy", (2, 2), [1, 0, 0.5, 0])
    same = json.loads(run("--compare-features", "a.npy", "a.npy", "--format", "json").stdout)
    assert abs(same.pop("best_lag_cosine") - 1) < 1e-12
    assert same == {"rows": [2, 2], "dim": [2, 2], "same_shape": True, "max_abs": 0.0, "mean_abs": 0.0, "min_cosine": 1.0, "mean_cosine": 1.0, "best_lag": 0}, same
    far = json.loads(run("--compare-features", "a.npy", "b.npy", "--format", "json", status=1).stdout)
    assert far["max_abs"] == 1 and far["mean_abs"] == 0.375 and far["min_cosine"] == 0, far
    assert abs(far["mean_cosine"] - 0.5) < 1e-12, far
    # The same rows, of which one file begins three rows later, far from zero: the cosines say little, the lag is found.
    rows = [[100 + 5 * math.sin(1.7 * r * r), 100 + 5 * math.cos(0.9 * r * r)] for r in range(40)]
    npy(folder / "long.npy", (40, 2), sum(rows, []))
    npy(folder / "late.npy", (34, 2), sum(rows[3:37], []))
    for pair, lag in ((("late.npy", "long.npy"), 3), (("long.npy", "late.npy"), -3)):
        found = json.loads(run("--compare-features", *pair, "--format", "json", status=1).stdout)
        assert found["best_lag"] == lag and found["best_lag_cosine"] > 0.98 and found["min_cosine"] > 0.99, found
    npy(folder / "hole.npy", (2, 2), [1, 0, float("nan"), 1])  # no difference that can be measured is no equality
    assert json.loads(run("--compare-features", "a.npy", "hole.npy", "--format", "json", status=1).stdout)["max_abs"] is None
    npy(folder / "c.npy", (3, 1), [1, 2, 3])
    assert json.loads(run("--compare-features", "a.npy", "c.npy", "--format", "json", status=1).stdout)["same_shape"] is False
    assert "none.npy" in run("--compare-features", "a.npy", "none.npy", status=1).stderr

    # Foreign stages: one that keeps every promise, and the usual one-liner with what it breaks.
    good = """import json, sys
for line in sys.stdin.buffer:
    try:
        json.loads(line)
    except ValueError as error:
        sys.exit(f"bad record: {error}")
    sys.stdout.buffer.write(line.rstrip(b"\\n") + b"\\n")
    sys.stdout.buffer.flush()
"""
    report = json.loads(run("--format", "json", "--stage", f"{shlex.quote(sys.executable)} -c {shlex.quote(good)}").stdout)
    assert len(report) >= 12 and all(p["kept"] for p in report), [p for p in report if not p["kept"]]
    usual = "import json, sys\nfor line in sys.stdin: print(json.dumps(json.loads(line)))"
    report = json.loads(run("--format", "json", "--timeout", 1, "--stage", f"{shlex.quote(sys.executable)} -c {shlex.quote(usual)}", status=1).stdout)
    broken = [p["promise"] for p in report if not p["kept"]]
    # Without a flush the first record waits. json.dumps rewrites numbers and escapes, to the same values: no fault.
    assert [p["promise"] for p in report if p["required"] and not p["kept"]] == [p for p in broken if p.startswith("streaming")], broken
    assert any(p.startswith("streaming") for p in broken) and "unknown fields pass byte for byte" in broken, broken
    assert "no record lost or added" not in broken and "order kept" not in broken, broken
    if shutil.which("jq"):
        jq = json.loads(run("--format", "json", "--stage", "jq -c --unbuffered .").stdout)
        assert next(p for p in jq if p["promise"].startswith("streaming"))["kept"]
    ours = json.loads(run("--format", "json", "--stage", f"{shlex.quote(str(BIN / 'tal-nms'))} --preset etp").stdout)
    assert all(p["kept"] for p in ours), [p for p in ours if not p["kept"]]

    # What a stage says when it breaks is shown, once where it says the same again.
    got = run("--timeout", 1, "--stage", f"{shlex.quote(sys.executable)} -c 'import nope_such'", status=1).stdout
    assert got.count("nope_such") == 1 and "       stderr: Traceback" in got, got
    report = json.loads(run("--timeout", 1, "--format", "json", "--stage", "echo '\x1b[31moh' >&2; exit 3", status=1).stdout)
    assert {p["stderr"] for p in report if not p["kept"] and p["required"]} == {"?[31moh"} and {p["stderr"] for p in report if p["kept"]} <= {""}, report
    for command, why in (("no-such-program", "not found"), ("/etc/passwd", "ermission denied")):
        got = run("--timeout", 1, "--stage", command, status=1)
        assert got.stdout == "" and got.stderr.count("\n") == 1 and f"--stage: '{command}' cannot be started" in got.stderr and why in got.stderr, got

    # Output without end is not read to the end, and ends with the time that there is.
    def endless(*words):
        started = time.monotonic()
        limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
        got = subprocess.run([str(BIN / "tal-check"), *words], capture_output=True, text=True, timeout=120, preexec_fn=limit)
        assert got.returncode == 1 and time.monotonic() - started < 60, (words, got, time.monotonic() - started)
        return got.stdout

    if "asan" not in str(BIN):  # whose shadow memory needs more
        got = endless("--timeout", "0.5", "--stage", "yes")
        assert "more than 1 line came back" in got and "300 in, more out" in got and len(got) < 4000, got
        endless("--timeout", "0.5", "--stage", "cat /dev/zero")
    got = run("--timeout", 2, "--stage", "sed -u p", status=1).stdout
    assert "BREAKS no record lost or added: 300 in, more out" in got and "keeps  ends when its output is closed" in got, got

    # The pipe behind a record can be run again.
    synth = subprocess.run([str(BIN / "tal-synth"), "annotations", "-n", "3", "--proposals", "9", "--seed", "5"], capture_output=True, text=True, check=True).stdout
    done = subprocess.run([str(BIN / "tal-nms"), "--method", "greedy", "--threshold", "0.5"], input=synth, capture_output=True, text=True, check=True).stdout
    shown = run("--replay", text=done).stdout
    pipe, count = shown.rstrip("\n").rsplit("  # records: ", 1)
    assert count == "3" and pipe.startswith("tal-synth annotations ") and " | tal-nms " in pipe, shown
    again = subprocess.run(["sh", "-c", pipe], capture_output=True, text=True, env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"})
    assert again.returncode == 0 and again.stdout == done, again.stderr
    assert "history" in run("--replay", text='{"video":"v"}\n', status=1).stderr
finally:
    shutil.rmtree(folder)
print("ok")
