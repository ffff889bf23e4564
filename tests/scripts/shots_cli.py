#!/usr/bin/env python3
# label: cli
"""tal-propose --method shots on curves worked out by hand, and TransNet V2's rows: one for each frame, whatever the batch, the stride, the length of the video."""
import base64
import json
import os
import struct
import tempfile
import zlib

from harness import check, finish, need, tool

HERE = os.path.dirname(os.path.abspath(__file__))


def record(rows, classes):
    data = base64.b64encode(b"".join(struct.pack("<f", value) for row in rows for value in row)).decode()
    stream = {"data": data, "rows": len(rows), "dim": len(rows[0]), "fps": 10, "stride": 1, "window": 1, **({"classes": classes} if classes else {})}
    return json.dumps({"video": "film", "duration": 1.0, "features": {"cuts": stream}}) + "\n"


def values(stream):
    numbers = struct.unpack(f"<{stream['rows'] * stream['dim']}f", base64.b64decode(stream["data"]))
    return [numbers[k:k + stream["dim"]] for k in range(0, len(numbers), stream["dim"])]


def shots(*arguments, data):
    done = tool("tal-propose", "--method", "shots", *arguments, data=data)
    return [(*proposal["segment"], proposal["score"]) for line in done.stdout.splitlines() for proposal in json.loads(line)["proposals"]]


# A hard cut behind row 2, a fade over rows 5 to 7, ten rows a second.
CUT = [0.125, 0, 0.875, 0.125, 0.25, 0.625, 0.75, 0.6875, 0, 0.25]
two = record([[cut, 1 - cut] for cut in CUT], ["cut", "transition"])
want = [(0, 0.3, 0.875), (0.3, 0.6, 0.75), (0.8, 1, 0.75)]
check(shots(data=two) == want, shots(data=two))
check(shots(data=record([[cut] for cut in CUT], None)) == want, "the only column")
check(shots("--curve", "transition", data=record([[0.5, cut] for cut in CUT], ["cut", "transition"])) == want, "--curve")
check(shots("--threshold", "0.8", data=two) == [(0, 0.3, 0.875), (0.3, 1, 0.875)], "--threshold")
check(shots("--threshold", "0.9", data=two) == [(0, 1, 1)], "no cut at all")
done = tool("tal-propose", "--method", "shots", data=record([[0.5, 0.5]], ["a", "b"]), status=1)
check("no column 'cut'" in done.stderr and "film" in done.stderr and "--curve" in done.stderr, done.stderr)
done = tool("tal-propose", "--method", "shots", "--threshold", "0.3,0.5", data=two, status=2)
check("--threshold" in done.stderr, done.stderr)
for never in ("2", "-0.1"):
    done = tool("tal-propose", "--method", "shots", f"--threshold={never}", data=two, status=2)
    check(f"--threshold: cut probabilities lie between 0 and 1, not at {never}" in done.stderr, done.stderr)
done = tool("tal-propose", "--method", "shots", "--min", "3", data=two, status=2)
check("--min has no effect with --method shots" in done.stderr, done.stderr)

need("tal-extract", "tal-train", why="the build has no video or no networks")
import tensor_files  # noqa: E402
from media import mp4  # noqa: E402

folder = tempfile.TemporaryDirectory()
os.chdir(folder.name)
_, tensors = tensor_files.read(os.path.join(HERE, "..", "nn", "encoder_cases", "transnet-v2.safetensors"))
tensor_files.write("small.safetensors", {name[8:]: tensor for name, tensor in tensors.items() if name.startswith("weights.")})


def png(rows):
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))  # noqa: E731
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", len(rows[0]) // 3, len(rows), 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows))) + chunk(b"IEND", b"")


def film(name, frames):
    pictures = [png([bytes((5 * y + 11 * x + 3 * t + 97 * (t // 9) + 40 * c) % 256 for x in range(48) for c in range(3)) for y in range(27)]) for t in range(frames)]
    with open(name, "wb") as file:
        file.write(mp4(pictures, 48, 27, codec=b"png ", durations=[40] * frames))


def rows(*arguments, videos):
    done = tool("tal-extract", "--encoder", "transnetv2:small.safetensors", "--window", "1", "--inline", *arguments, "--videos", *videos)
    return [json.loads(line)["features"]["transnetv2"] for line in done.stdout.splitlines()]  # float32 in base64


LENGTHS = (1, 49, 50, 51, 76, 130)
for length in LENGTHS:
    film(f"film{length}.mov", length)
names = [f"film{length}.mov" for length in LENGTHS]
alone = [rows("--stride", "1", videos=[name])[0] for name in names]
for stream, length in zip(alone, LENGTHS):
    check(stream["rows"] == length and stream["classes"] == ["cut", "transition"], f"{length} frames: {stream['rows']} rows")
    check(all(0 < value < 1 for row in values(stream) for value in row), "probabilities")
long = values(alone[-1])
check(len({tuple(row) for row in long}) > 50, "the rows are all alike")
close = lambda a, b: len(a) == len(b) and all(abs(x - y) < 1e-6 for p, q in zip(a, b) for x, y in zip(p, q))  # noqa: E731
together = rows("--stride", "1", "-j", "2", videos=names)
check([stream["data"] for stream in together] == [stream["data"] for stream in alone], "several videos at a time")
for batch in ("1", "8", "64"):
    check(close(values(rows("--stride", "1", "--batch", batch, videos=names[-1:])[0]), long), f"--batch {batch}")
for stride in (7, 60):  # runs in which nobody asks for a row are left out
    check(close(values(rows("--stride", str(stride), videos=names[-1:])[0]), long[::stride]), f"--stride {stride}")
done = tool("tal-extract", "--encoder", "transnetv2:small.safetensors", "--window", "16", "--inline", "--videos", names[0], status=2)
check("--window 1" in done.stderr, done.stderr)
done = tool("tal-extract", "--encoder", "transnetv2@features:small.safetensors", "--window", "1", "--stride", "1", "--inline", "--videos", names[0])
stream = json.loads(done.stdout)["features"]["transnetv2-features"]
check(stream["dim"] == 8 and "classes" not in stream, "the layer before the classifiers")
# The pipe to the end: every frame is in a shot or in a transition.
done = tool("tal-extract", "--encoder", "transnetv2:small.safetensors", "--window", "1", "--stride", "1", "--inline", "--videos", names[-1])
middle = sorted(row[0] for row in long)[len(long) // 2]
found = shots("--threshold", str(middle), data=done.stdout)
check(len(found) > 1 and all(a[1] <= b[0] + 1e-9 for a, b in zip(found, found[1:])), found)
finish()
