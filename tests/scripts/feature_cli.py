#!/usr/bin/env python3
# label: cli bad-input
"""tal-convert --from features and --from signals: names, time contract, where rows go, labels, and what is refused."""
import base64
import gzip
import json
import os
import struct
import subprocess
import tempfile
import zipfile

tool = os.path.join(os.environ["TAL_BIN"], "tal-convert")
folder = tempfile.TemporaryDirectory()
os.chdir(folder.name)


def run(*arguments, status=0):
    done = subprocess.run([tool, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def write(path, content):
    if os.path.dirname(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    return path


def npy(values, shape, code="f", descr="<f4", fortran=False):
    header = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {tuple(shape)}, }}\n".encode()
    order = ">" if descr[0] == ">" else "<"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + struct.pack(f"{order}{len(values)}{code}", *values)


def rows(stream):
    """The rows of a stream as lists, from its file or its inline data."""
    if "path" in stream:
        with open(stream["path"], "rb") as file:
            raw = file.read()
        raw, code = raw[10 + struct.unpack("<H", raw[8:10])[0]:], "e" if b"<f2" in raw else "f"
    else:
        raw, code = base64.b64decode(stream["data"]), "e" if stream.get("dtype") == "float16" else "f"
    values = struct.unpack(f"<{stream['rows'] * stream['dim']}{code}", raw)
    return [list(values[i:i + stream["dim"]]) for i in range(0, len(values), stream["dim"])]


def features(*arguments, **kwargs):
    return run("--from", "features", "--no-history", *arguments, **kwargs)


SIX = [1.0, 2.0, 3.0, 4.0, 5.0, 6.5]
TABLE = [[1, 2], [3, 4], [5, 6.5]]
write("npy/v_10_rgb.npy", npy(SIX, (3, 2)))
write("npy/v_2_rgb.npy", npy(SIX, (3, 2), "d", "<f8"))
write("npy/v_2_flow.npy", npy(SIX, (3, 2)))
write("npy/notes.md", "no features")

# Where they are: paths, rows, dim; ids from the names; natural order
records, err = features("npy")
assert [r["video"] for r in records] == ["v_2_flow", "v_2_rgb", "v_10_rgb"], records
assert records[0]["features"] == {"features": {"path": "npy/v_2_flow.npy", "rows": 3, "dim": 2}}, records[0]
named = ("--pattern", r"(.*)_(rgb|flow)\.npy", "--stream", "i3d_$2")
records, err = features("npy", *named)
assert [(r["video"], sorted(r["features"])) for r in records] == [("v_2", ["i3d_flow", "i3d_rgb"]), ("v_10", ["i3d_rgb"])], records
records, err = features("npy", "--pattern", "rgb", "--id", "$&", status=1)
assert "video 'rgb'" in err and "there are two" in err, err
assert "nothing matches" in features("npy", "--pattern", "x{9}", status=1)[1]

# The time contract
records, _ = features("npy", *named, "--fps", "25", "--stride", "8", "--window", "16", "--offset", "4")
assert records[1]["features"]["i3d_rgb"] == {"path": "npy/v_10_rgb.npy", "rows": 3, "dim": 2, "stride": 8, "window": 16, "fps": 25, "offset": 4}
assert "duration" not in records[1]
records, _ = features("npy", *named, "--fps", "25", "--stride", "8", "--window", "16", "--offset", "4", "--duration-from-rows")
assert records[1]["duration"] == (4 + 2 * 8 + 16) / 25  # the last of 3 rows ends there
assert features("npy", *named, "--fps", "25", "--stride", "8")[0][0]["features"]["i3d_rgb"]["window"] == 8
write("meta.csv", "video,duration,fps,subset\nv_2,10,30,train\n")
records, err = features("npy", *named, "--stride", "8", "--durations", "meta.csv", "--on-error", "skip", status=1)
assert len(records) == 1 and records[0]["features"]["i3d_flow"]["fps"] == 30 and records[0]["duration"] == 10, records
assert "video 'v_10': features.i3d_rgb: a stride in frames needs the frame rate" in err, err
assert "--stride" in features("npy", *named, "--fps", "25", status=2)[1]

# Rows elsewhere
for options in (("--inline",), ("--out-dir", "out"), ("--inline", "--half"), ("--out-dir", "out2", "--half")):
    for stream in features("npy", *named, *options)[0][0]["features"].values():
        assert rows(stream) == TABLE, (options, stream)
assert sorted(os.listdir("out")) == ["v_10.i3d_rgb.npy", "v_2.i3d_flow.npy", "v_2.i3d_rgb.npy"]
write("csv/a.csv", "f0,f1\n1,2\n3,4\n5,6.5\n")
write("csv/b.csv.gz", gzip.compress(b"1 2\n3 4\n5 6.5\n"))
write("csv/c.txt", "1\t2\n3\t4\n5\t6.5")
assert "--out-dir" in features("csv", status=2)[1]
records, _ = features("csv", "--inline")
assert [r["video"] for r in records] == ["a", "b", "c"]
assert all(rows(r["features"]["features"]) == TABLE for r in records)
assert rows(features("csv/a.csv", "--inline", "--transpose")[0][0]["features"]["features"]) == [[1, 3, 5], [2, 4, 6.5]]

# Shapes and layouts of arrays
for content in (npy(SIX, (1, 3, 2)), npy(SIX, (3, 2, 1, 1)), npy([1, 3, 5, 2, 4, 6.5], (3, 2), "f", "<f4", True), npy(SIX, (3, 2), "f", ">f4"),
                npy(SIX, (3, 2), "e", "<f2")):
    write("x.npy", content)
    assert rows(features("x.npy", "--inline")[0][0]["features"]["features"]) == TABLE
for content in (npy(SIX, (3, 1, 2)), npy(SIX, (1, 3, 1, 1, 2, 1)), npy([1, 3, 5, 2, 4, 6.5], (3, 1, 2), "f", "<f4", True), npy(SIX, (3, 2)).replace(b"'", b'"'),
                npy(SIX, (3, 2)).replace(b"(3, 2), ", b"(3L,2L),")):
    write("x.npy", content)
    assert rows(features("x.npy", "--inline")[0][0]["features"]["features"]) == TABLE, content
try:
    import numpy
except ImportError:
    numpy = None
if numpy:  # numpy's own writer
    for array in (numpy.array(TABLE, ">f8"), numpy.asfortranarray(numpy.array(TABLE, "f4")), numpy.array(TABLE, "f2"), numpy.array(TABLE).reshape(3, 1, 2)):
        numpy.save("x.npy", array)
        assert rows(features("x.npy", "--inline")[0][0]["features"]["features"]) == TABLE
    numpy.save("x.npy", {"rgb": numpy.array(TABLE)}, allow_pickle=True)
    err = features("x.npy", "--inline", status=1)[1]
    assert "x.npy" in err and "pickled Python objects (a dict of 'rgb')" in err and "numpy.savez" in err, err
write("x.npy", npy(SIX, (6,)))
assert features("x.npy")[0][0]["features"]["features"] == {"path": "x.npy", "rows": 6, "dim": 1}
assert rows(features("x.npy", "--vectors", "rows", "--inline")[0][0]["features"]["features"]) == [SIX]
assert "--out-dir" in features("x.npy", "--vectors", "rows", status=2)[1]
# Where no array has one dimension the option changes nothing, which is told.
write("y.npy", npy(SIX, (3, 2)))
for way in ("rows", "columns"):
    assert "--vectors has no effect: no array has one dimension" in features("y.npy", "--vectors", way)[1]
    assert "--vectors has no effect" not in features("x.npy", "--vectors", way, "--inline")[1]


def npz(path, arrays, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in arrays.items():
            archive.writestr(name + ".npy", content)
    return path


two = {"v_2": npy(SIX, (3, 2)), "v_10": npy(SIX, (3, 2), "d", "<f8")}
# Streams before videos, and streams at the ends of names, are no videos unseen.
for names, says in ((("rgb/v1", "rgb/v2", "flow/v1", "flow/v2"), "is named like a stream"), (("v1_rgb", "v1_flow", "v2_rgb", "v2_flow"), "are two streams of 'v1' by their names")):
    npz("streams.npz", {name: npy(SIX, (3, 2)) for name in names})
    assert says in features("streams.npz", "--fps", "25", "--stride", "8", status=1)[1], names
records, _ = features("streams.npz", "--pattern", "([^/]+)[_.-]([^_.-]+)$", "--stream", "$2", "--fps", "25", "--stride", "8", "--inline")
assert [(r["video"], sorted(r["features"])) for r in records] == [("v1", ["flow", "rgb"]), ("v2", ["flow", "rgb"])], records
npz("streams.npz", {name: npy(SIX, (3, 2)) for name in ("rgb/v1", "flow/v1")})
records, _ = features("streams.npz", "--pattern", "([^/]+)/([^/]+)$", "--id", "$2", "--stream", "$1", "--fps", "25", "--stride", "8", "--inline")
assert [(r["video"], sorted(r["features"])) for r in records] == [("v1", ["flow", "rgb"])], records

for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED):
    records, _ = features(npz("all.npz", two, method), "--inline")
    assert [(r["video"], rows(r["features"]["features"])) for r in records] == [("v_2", TABLE), ("v_10", TABLE)]
records, _ = features("all.npz", "--per", "file", "--inline")
assert [r["video"] for r in records] == ["all"] and sorted(records[0]["features"]) == ["v_10", "v_2"]
os.mkdir("npz")
npz("npz/a.npz", {"rgb": npy(SIX, (3, 2))})
npz("npz/b.npz", {"rgb": npy(SIX, (3, 2))})
assert [(r["video"], list(r["features"])) for r in features("npz", "--inline")[0]] == [("a", ["features"]), ("b", ["features"])]

# Scalars and texts beside the streams of a video's archive (A2Net's layout): left out and said, whatever the number of videos
text = npy([118, 49], (), "I", "<U2")
beside = {"rgb": npy(SIX, (3, 2)), "flow": npy([9] * 6, (3, 2)), "fps": npy([25], ()), "begin_frame": npy([0, 16, 32], (3,), "q", "<i8"), "vid": text,
          "info": npy([], (), "f", "|O") + b"\x80\x04N."}
for count in (2, 1):
    os.makedirs(f"a2net{count}")
    for i in range(count):
        npz(f"a2net{count}/v{i}.npz", beside)
    records, err = features(f"a2net{count}", "--per", "file", "--inline")
    assert [(r["video"], sorted(r["features"])) for r in records] == [(f"v{i}", ["flow", "rgb"]) for i in range(count)], records
    assert rows(records[0]["features"]["rgb"]) == TABLE and rows(records[0]["features"]["flow"]) == [[9, 9]] * 3
    for part in ("fps (one value)", "vid (text)", "begin_frame (a vector)", "info (pickled Python objects)"):
        assert part in err, err
assert features("a2net2", "--inline") == features("a2net2", "--per", "file", "--inline")
for path in ("a2net1", "a2net1/v0.npz"):
    err = features(path, "--inline", status=1)[1]
    assert "v0.npz" in err and "holds 3 arrays" in err and "--per array" in err and "--per file" in err, err
npz("alone.npz", {"rgb": npy(SIX, (3, 2)), "fps": npy([25], ())})
records, err = features("alone.npz", "--inline")
assert list(records[0]["features"]) == ["features"] and "fps (one value)" in err and "its one array 'rgb'" in err, (records, err)
assert "'fps' holds one value" in features(npz("none.npz", {"fps": npy([25], ())}), "--inline", status=1)[1]
npz("vectors.npz", {"a": npy([1, 2], (2,)), "b": npy([3, 4], (2,))})  # where there is no matrix, vectors are rows
assert [rows(r["features"]["features"]) for r in features("vectors.npz", "--inline")[0]] == [[[1], [2]], [[3], [4]]]

# Numbers beside the rows that say their time; with a stride among them they are what the file says of itself.
facts = {"rgb": npy(SIX, (3, 2)), "fps": npy([25], (1, 1)), "stride": npy([6], ()), "window": npy([12], (1,))}
records, err = features(npz("facts.npz", facts), "--inline")
stream = records[0]["features"]["features"]
assert [r["video"] for r in records] == ["facts"] and (stream["fps"], stream["stride"], stream["window"]) == (25, 6, 12) and "left out" not in err, (records, err)
assert features("facts.npz", "--inline", "--fps", "50")[0][0]["features"]["features"]["fps"] == 50
records, err = features(npz("more.npz", {"rgb": npy(SIX, (3, 2)), "length": npy([25], (1, 1))}), "--inline")
assert [r["video"] for r in records] == ["more"] and "length (one value)" in err, (records, err)

# What a file states of its rows' time is used as it is, or refused with its place; what is given goes before.
def stated(**facts):
    return npz("stated.npz", {"feats": npy(SIX, (3, 2)), "fps": npy([25], (), "d", "<f8"), "stride": npy([8], (), "d", "<f8"), **facts})


NAN = float("nan")
for name, value, says in (("stride", npy([0], (), "d", "<f8"), "'stride' is 0, and must be positive: give --stride"), ("stride", npy([NAN], (1,), "d", "<f8"), "'stride' is NaN, and must be positive: give --stride"),
                          ("stride", npy([-8], (1, 1), "d", "<f8"), "'stride' is -8"), ("window", npy([0], (), "q", "<i8"), "'window' is 0"), ("window", npy([-1], (), "q", "<i8"), "'window' is -1"),
                          ("fps", npy([0], (), "q", "<i8"), "'fps' is 0, and must be positive: give --fps"), ("fps", npy([-25], ()), "'fps' is -25"), ("fps", npy([NAN], ()), "'fps' is NaN"),
                          ("fps", npy([51, 48], (), "I", "<U2"), "'fps' holds text, not a number: give --fps"), ("fps", npy([25] * 4, (4,)), "'fps' holds 4 values, not a number"), ("fps", npy([25, 0], (2,)), "'fps' holds 2 values"),
                          ("stride", npy([8, 8], (2,)), "'stride' holds 2 values"), ("offset", npy([NAN], ()), "'offset' is NaN, and must be a number: give --offset"), ("offset", npy([0, 8, 16], (3,)), "'offset' holds 3 values")):
    err = features(stated(**{name: value}), "--inline", status=1)[1]
    assert f"stated.npz: video 'stated': features.features: {says}" in err, (name, err)
    given = {"stride": "8", "window": "8", "fps": "25", "offset": "0"}[name]
    stream = features("stated.npz", "--inline", "--" + name, given)[0][0]["features"]["features"]
    assert (stream["fps"], stream["stride"], stream["window"], stream.get("offset", 0)) == (25, 8, 8, 0), (name, stream)
for value in (npy([30000, 1001], (2,), "q", "<i8"), npy([30000, 1001], (1, 2), "q", "<i8")):
    assert features(stated(fps=value), "--inline")[0][0]["features"]["features"]["fps"] == [30000, 1001]
assert features(stated(fps=npy([16777217], (), "q", "<i8")), "--inline")[0][0]["features"]["features"]["fps"] == 16777217
# A frame rate in the file that --stride makes use of is not left out.
npz("rate.npz", {"feats": npy(SIX, (3, 2)), "fps": npy([30], ()), "feat_stride": npy([8], ())})
records, err = features("rate.npz", "--inline", "--stride", "8")
assert records[0]["features"]["features"]["fps"] == 30 and "feat_stride (one value)" in err and ": fps" not in err and ", fps" not in err, err
assert "fps (one value)" in features("rate.npz", "--inline")[1]

# Arrays side by side are videos where nothing speaks against it, of whatever kind the archive is.
VIDEO = npy(SIX, (3, 2))
for name, arrays, says in (("names", {"rgb": VIDEO, "flow": VIDEO}, "holds 2 arrays, 'flow' and others, and 'flow' is a name as of a stream: are they videos (--per array)"), ("unnamed", {"arr_0": VIDEO, "arr_1": VIDEO}, "'arr_0' is a name as of a stream"),
                           ("times", {"v1": VIDEO, "timestamps": npy([1, 2, 3], (3,))}, "matrices and vectors"), ("pool", {"v1": VIDEO, "v2": npy(SIX, (6,))}, "matrices and vectors"),
                           ("columns", {"v1": VIDEO, "v2": npy(SIX, (2, 3))}, "with different numbers of columns"), ("rgb_features", {"v1": VIDEO, "i3d_rgb_feat": VIDEO}, "'i3d_rgb_feat' is a name as of a stream"),
                           ("change", {"v1": VIDEO, "change_points": VIDEO}, "'change_points' is a name as of a stream")):
    npz("either.npz", arrays)
    err = features("either.npz", "--inline", status=1)[1]
    assert "either.npz: holds 2 arrays" in err and says in err and "--per file" in err, (name, err)
    assert len(features("either.npz", "--inline", "--per", "array")[0]) == 2, name
    assert len(features("either.npz", "--inline", "--per", "file")[0]) == 1, name
records, err = features(npz("tvsum.npz", {"features": VIDEO, "change_points": npy([0, 1, 2, 3], (2, 2), "q", "<i8"), "user_summary": VIDEO, "n_frames": npy([60], ())}), "--per", "file", "--inline")
assert list(records[0]["features"]) == ["features"] and "change_points (an annotation, by its name)" in err and "user_summary" in err, err

# Other programs' files, and files of two arrays, are named as what they are.
with zipfile.ZipFile("t.pt", "w") as archive:
    archive.writestr("t/data.pkl", b"\x80\x02.")
assert "t.pt: a PyTorch file (torch.save): load it in Python" in features("t.pt", "--inline", status=1)[1]
assert "old.pt: a pickle, or a PyTorch file of before 1.6" in features(write("old.pt", b"\x80\x02\x8a\x0a"), "--inline", status=1)[1]
assert "w.safetensors: a safetensors file" in features(write("w.safetensors", b"\x02\0\0\0\0\0\0\0{}" + b"\0" * 9), "--inline", status=1)[1]
assert "cat.npy: " in (err := features(write("cat.npy", VIDEO + VIDEO), "--inline", status=1)[1]) and "a second array follows the first" in err, err
assert len(features(write("padded.npy", VIDEO + b"\0\0"), "--inline")[0]) == 1
err = features(write("wide.npy", npy([1e300, 1], (1, 2), "d", "<f8")), "--inline", status=1)[1]
assert "row 0, column 0 is not finite, or beyond the 3.4e38 that float32 holds" in err, err

# What a file is, its first bytes say: endings in capitals, none, and packed by gzip.
for name, content in (("CAPS.NPY", npy(SIX, (3, 2))), ("rows.dat", npy(SIX, (3, 2))), ("plain", npy(SIX, (3, 2))), ("rows.npy.gz", gzip.compress(npy(SIX, (3, 2))))):
    with open(name, "wb") as file:
        file.write(content)
    assert rows(features(name, "--inline")[0][0]["features"]["features"]) == TABLE, name
npz("CAPS.NPZ", {"rgb": npy(SIX, (3, 2))})
assert rows(features("CAPS.NPZ", "--inline")[0][0]["features"]["features"]) == TABLE
os.mkdir("packed")
with open("packed/v.npy.gz", "wb") as file:
    file.write(gzip.compress(npy(SIX, (3, 2))))
assert [r["video"] for r in features("packed", "--inline")[0]] == ["v"]
with open("noise.dat", "wb") as file:
    file.write(b"\0\1\2" * 50)
assert "neither an array file" in features("noise.dat", "--inline", status=1)[1]


def mat5(*arrays):
    """A MATLAB file of level 5: (name, class, flags, extents, values) each; values as doubles."""
    def element(kind, data):
        return struct.pack("<II", kind, len(data)) + data + b"\0" * (-len(data) % 8)

    out = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x100) + b"IM"
    for name, kind, flags, extents, parts in arrays:
        body = element(6, struct.pack("<II", kind | flags, 0)) + element(5, struct.pack(f"<{len(extents)}i", *extents)) + element(1, name)
        out += element(14, body + b"".join(element(9, struct.pack(f"<{len(part)}d", *part)) for part in parts))
    return out


columns = [value for column in zip(*TABLE) for value in column]
for name, content, wanted in (
        ("time.mat", mat5((b"x", 6, 0, (3, 2), [columns]), (b"fps", 6, 0, (1, 1), [[25]]), (b"stride", 6, 0, (1, 1), [[6]])), None),
        ("complex.mat", mat5((b"x", 6, 0x800, (3, 2), [columns, columns])), "'x' holds complex numbers"), ("sparse.mat", mat5((b"x", 5, 0, (3, 2), [])), "a sparse matrix: save full(x)"),
        ("struct.mat", mat5((b"x", 2, 0, (1, 1), [])), "a struct: save its fields"), ("four.mat", struct.pack("<5i", 0, 3, 2, 0, 2) + b"x\0" + struct.pack("<6d", *columns), "level 4")):
    with open(name, "wb") as file:
        file.write(content)
    if wanted:
        err = features(name, "--inline", status=1)[1]
        assert name in err and wanted in err, err
    else:
        stream = features(name, "--inline")[0][0]["features"]["features"]
        assert rows(stream) == TABLE and (stream["fps"], stream["stride"]) == (25, 6), stream

os.mkdir("names")
npz("names/v.npz", {"a.b": npy(SIX, (3, 2)), "c": npy(SIX, (3, 2))})
npz("names/v.a.npz", {"b": npy(SIX, (3, 2)), "c": npy(SIX, (3, 2))})
err = features("names", "--out-dir", "out4", status=1)[1]
assert "would both be written to v.a.b.npy" in err and not os.path.exists("out4/v.a.b.npy"), err
assert len(features("names", "--inline")[0]) == 2

# Groups of --pattern that are not there, or empty, and names that are too long to match
assert "'$2' names group 2, but the expression has 1" in features("npy", "--pattern", "(.*)_rgb", "--stream", "$2", status=2)[1]
assert "names group 1, but the expression has 0 of --pattern" in features("npy", "--stream", "$1", status=2)[1]
assert r"--id: '\1' holds \1: groups are written $1" in features("npy", "--pattern", "(.*)_rgb", "--id", r"\1", status=2)[1]
assert "gives no video" in features("npy", "--pattern", "(x?).*rgb", status=1)[1]
npz("long.npz", {"n" * 5000: npy(SIX, (3, 2)), "m": npy(SIX, (3, 2))})
assert "too long" in features("long.npz", "--inline", "--pattern", "(.*)", status=1)[1]

# MATLAB level 5: columns together, as save -v6 writes them
element = lambda kind, raw: struct.pack("<II", kind, len(raw)) + raw + b"\0" * (-len(raw) % 8)
matrix = element(6, struct.pack("<II", 6, 0)) + element(5, struct.pack("<ii", 3, 2)) + element(1, b"feat") + element(9, struct.pack("<6d", 1, 3, 5, 2, 4, 6.5))
write("v.mat", b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM" + element(14, matrix))
record = features("v.mat", "--inline")[0][0]
assert record["video"] == "v" and rows(record["features"]["features"]) == TABLE, record
write("bad.mat", b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM" + element(14, matrix)[:-9])
assert "bad.mat: the MATLAB file ends early" in features("bad.mat", "--inline", status=1)[1]

# Subsets and annotations from elsewhere
write("train.txt", "v_2.mp4\n")
write("test.txt", "v_10\n\n")
records, _ = features("npy", *named, "--split", "train=train.txt", "--split", "test=test.txt")
assert [r["subset"] for r in records] == ["train", "test"]
records, err = features("npy", *named, "--split", "train=train.txt")
assert "1 video is in no --split list" in err and "subset" not in records[1], err
assert "is in train and in test" in features("npy", *named, "--split", "train=train.txt", "--split", "test=train.txt", status=1)[1]
write("gt.jsonl", '{"video":"v_2","annotations":[{"segment":[1,2],"label":"x"}]}\n')
assert features("npy", *named, "--merge", "gt.jsonl")[0][0]["annotations"] == [{"segment": [1, 2], "label": "x"}]

# Bad files: each named, with its video
for name, content, message in (
        ("bad.npy", b"", "it is empty"), ("bad.npy", b"\x93NUMPY", "not an .npy"), ("bad.npy", npy(SIX, (3, 2))[:-1], "cut off"),
        ("bad.npy", npy(SIX, (2, 3, 1, 2)[:3] + (1,))[:60], "cut off"), ("bad.npy", npy(SIX * 4, (2, 3, 4)), "3 dimensions"), ("bad.npy", npy([], (0, 2)), "no rows"),
        ("bad.npy", npy(SIX, (-3, -2)), "not possible"), ("bad.npy", npy(SIX, (2**62, 2**62)), "not possible"),
        ("bad.npy", npy(SIX, (3, 2)).replace(b"<f4", b"|O8"), "pickled Python objects"), ("bad.npy", npy([1, float("nan")], (1, 2)), "row 0, column 1 is not finite"),
        ("bad.npy", npy([1, float("inf")], (2, 1)), "row 1, column 0 is not finite"),
        ("bad.csv", "", "no rows"), ("bad.csv", "a,b\n", "no rows"), ("bad.csv", "1,2\n3\n", "bad.csv:2"), ("bad.csv", "1,2\n3,x\n", "bad.csv:2"),
        ("bad.csv", "1,2\n3,nan\n", "bad.csv:2"), ("bad.csv", "1,2\n3,1e999\n", "not finite"), ("bad.csv", b"\x1f\x8b\x08\x00", "gzip"),
        ("bad.csv", b"\xff\xfe\x00\x01", "is UTF-16 text"),
        ("bad.npz", b"PK\x05\x06", "too short"), ("bad.npz", "nothing", "too short"), ("bad.npz", "nothing at all, really nothing", "not a zip archive"),
        ("bad.h5", "nothing", "it is text"), ("bad.h5", b"\x89HDF\r\n\x1a\n" + b"\0" * 90, "HDF5"), ("bad.mat", "MATLAB 5.0 MAT-file", "not a MATLAB level 5")):
    write(name, content)
    err = features(name, "--inline", status=1)[1]
    assert message in err and name in err, (name, content, err)
write("npy/v_3_rgb.npy", b"broken")
records, err = features("npy", *named, "--on-error", "skip", status=1)
assert [r["video"] for r in records] == ["v_2", "v_10"] and "npy/v_3_rgb.npy: video 'v_3'" in err, err
os.remove("npy/v_3_rgb.npy")
write("bad.npy", npy([1, float("nan")], (1, 2)))
records, err = features("bad.npy", "--non-finite", "zero", "--inline")
assert rows(records[0]["features"]["features"]) == [[1, 0]] and "1 values were not finite" in err, err
npz("bad.npz", {"../evil": npy(SIX, (3, 2)), "b": npy(SIX, (3, 2))})
err = features("bad.npz", "--out-dir", "out3", "--pattern", ".*", status=1)[1]
assert "cannot be part of a file name" in err and not os.path.exists("evil.features.npy"), err
assert "No such file" in features("missing.npy", status=1)[1]
os.mkdir("empty")
assert "no file of this format" in features("empty", status=1)[1]
for arguments in ((), ("x.npy", "--inline", "--out-dir", "o"), ("x.npy", "--half"), ("x.npy", "--id", "$1"), ("x.npy", "--pattern", "("),
                  ("x.npy", "--rate", "5"), ("x.npy", "--classes", "c"), ("x.npy", "--labels", "l"), ("x.npy", "--stride", "-1"), ("x.npy", "--window", "4")):
    features(*arguments, status=2)

# Signals: two files a recording, side by side; samples, windows, statistics
write("imu/acc_r1.txt", "1 10\n2 20\n3 30\n4 40\n6 50\n")
write("imu/gyro_r1.txt.gz", gzip.compress(b"-1\n-2\n-3\n-4\n-5\n"))
write("imu/acc_r2.csv", "x,y,what\n0,1,stand\n0,1,stand\n0,3,sit\n")
base = ("--rate", "2", "--window", "2", "--stride", "2", "--inline")


def signals(*arguments, **kwargs):
    return run("--from", "signals", "--no-history", *arguments, **kwargs)


r1 = ("--pattern", "(acc|gyro)_(r1)", "--id", "$2")
records, err = signals("imu", *r1, *base)
assert "1 files do not match" in err
record = records[0]
assert (record["video"], record["duration"], record["fps"], record["frames"]) == ("r1", 2.5, 2, 5), record
stream = record["features"]["signals"]
assert rows(stream) == [[1, 10, -1, 2, 20, -2], [3, 30, -3, 4, 40, -4]], rows(stream)
assert (stream["stride"], stream["window"], stream["fps"]) == (2, 2, 2)
stream = signals("imu", *r1, *base, "--tail", "pad", "--signal-features", "min,max")[0][0]["features"]["signals"]
assert rows(stream)[2] == [6, 50, -5, 6, 50, -5]
stream = signals("imu", *r1, *base, "--tail", "shift", "--signal-features", "mean,energy", "--stream", "imu")[0][0]["features"]["imu"]
assert rows(stream)[2] == [5, 45, -4.5, 26, 2050, 20.5] and stream["last_start"] == 3, stream
stream = signals("imu/acc_r2.csv", *base, "--channels", "y,1")[0][0]["features"]["signals"]
assert rows(stream) == [[1, 0, 1, 0]]
write("labels.csv", "rec,from,to,act,part\nr1,0,2,walk,train\nr1,2,4,sit,train\nr9,0,1,walk,test\n")
columns = ("--labels", "labels.csv", "--columns", "video=rec,start=from,end=to,label=act,subset=part")
records, err = signals("imu", *r1, *base, *columns, "--time", "frames")
assert records[0]["annotations"] == [{"segment": [0, 1], "label": "walk"}, {"segment": [1, 2], "label": "sit"}] and records[0]["subset"] == "train", records
assert "r9" in err, err
assert signals("imu", *r1, *base, *columns, "--where", "act=sit")[0][0]["annotations"] == [{"segment": [2, 4], "label": "sit"}]
records, _ = signals("imu", *r1, "--rate", "2", "--window", "2", "--stride", "2", "--out-dir", "rows")
assert rows(records[0]["features"]["signals"])[0][0] == 1 and os.listdir("rows") == ["r1.signals.npy"]

write("imu2/acc_r1.txt", "1 2\n3 4\n5 6\n")
write("imu2/gyro_r1.txt", "1 2\n3 4\n")
assert "imu2/gyro_r1.txt: video 'r1': 2 samples" in signals("imu2", *r1, *base, status=1)[1]
for content, message in (("1 2\n3 x\n", "s.txt:2"), ("", "no samples"), ("1 2\n", "no rows"), ("1 2\n3 inf\n", "not finite")):
    write("s.txt", content)
    err = signals("s.txt", *base, status=1)[1]
    assert message in err and "s.txt" in err, (content, err)
assert "no column 'z'" in signals("imu/acc_r2.csv", *base, "--channels", "z", status=1)[1]
write("labels.csv", "video,start,end\nr1,2,1\n")
assert "labels.csv:2" in signals("imu", *r1, *base, "--labels", "labels.csv", status=1)[1]
for arguments in (("--rate", "2", "--window", "2", "--inline"), ("--window", "2", "--stride", "2", "--inline"), ("--rate", "2", "--stride", "1", "--inline"),
                  ("--rate", "2", "--window", "2.5", "--stride", "1", "--inline"), ("--rate", "2", "--window", "2", "--stride", "1"),
                  (*base, "--columns", "video=x"), (*base, "--time", "frames"), (*base, "--tail", "none"), (*base, "--signal-features", "sum"),
                  (*base, "--transpose"), (*base, "--fps", "3")):
    signals("imu", *r1, *arguments, status=2)
# A column of times says the rate and that no sample is missing; one that contradicts --rate, or leaves samples out, is an error with its row.
def timed(header, values):
    return write("timed.csv", header + ",x\n" + "".join(f"{value},{i}\n" for i, value in enumerate(values)))


EVEN = [0.5 * i for i in range(8)]
for header, values in (("time", EVEN), ("Time (ms)", [500 * i for i in range(8)]), ("timestamp", [1700000001500 + 500 * i for i in range(8)]), ("ts", [5 * 10 ** 8 * i for i in range(8)]), ("elapsed", EVEN), ("seconds_elapsed", EVEN), ("epoch", EVEN), ("utc", EVEN), ("row", range(8)),
                       ("idx", range(8)), ("sample", [10 * i for i in range(8)]), ("frame #", range(8)), ("time", [0, 0.5, 1.3, 1.5, 2, 2.5, 3, 3.5]), ("t", [f"00:00:0{value}" for value in EVEN])):
    records, err = signals(timed(header, values), *base)
    assert rows(records[0]["features"]["signals"])[0] == [0, 1] and f"'{header}'" in err and "rises" not in err, (header, err)
for header, values, line, says in (("time", [0.02 * i for i in range(8)], 3, "'time' rises by 0.02 from row to row, which is 50 rows a second, but --rate is 2"), ("time_ms", EVEN, 3, "'time_ms' rises by 0.5 from row to row, which is 2000 rows a second"),
                                   ("ts", [0, 500, 1000, 2000, 2500, 3000], 5, "'ts' goes from 1000 to 2000, where a row is 500 behind the one before: rows are missing"), ("index", [0, 1, 2, 7, 8, 9], 5, "'index' goes from 2 to 7"), ("timestamp", [1500 + 500 * i for i in range(8)], 2, "'timestamp' begins with 1500, but the first sample would be at 0 s: --offset 3 puts it where the column says, --offset 0 leaves it at 0"), ("time", EVEN[:5] + [9], 7, "'time' goes from 2 to 9")):
    err = signals(timed(header, values), *base, status=1)[1]
    assert f"timed.csv:{line}: video 'timed': {says}" in err, (header, err)
err = signals(timed("time", [0.505 * i for i in range(8)]), *base)[1]
assert "timed.csv: 'time' rises by 0.505 from row to row, which is 1.9802 rows a second, but --rate is 2" in err, err
assert "but --fps over --stride is 2" in features(timed("time", [0.25 * i for i in range(8)]), "--fps", "16", "--stride", "8", "--inline", status=1)[1]
assert len(features(timed("time", EVEN), "--fps", "16", "--stride", "8", "--inline")[0]) == 1
print("ok")
