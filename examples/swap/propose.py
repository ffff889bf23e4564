#!/usr/bin/env python3
"""A foreign proposer in the place of tal-propose: windows of several lengths, scored by how much their rows stand out of what surrounds them.

    tal-extract ... | propose.py | tal-nms --preset etp | tal-eval --protocol activitynet-proposal

How far a row is from the video's usual one (the median of every column) is all that it looks at. Nothing but the standard library.
"""
import array
import json
import statistics
import struct
import sys


def read_npy(path):
    """The rows of a float32 .npy file of two dimensions."""
    with open(path, "rb") as file:
        assert file.read(6) == b"\x93NUMPY", f"{path} is not an .npy file"
        major = file.read(2)[0]
        size, = struct.unpack("<H" if major == 1 else "<I", file.read(2 if major == 1 else 4))
        header = eval(file.read(size), {"__builtins__": {}})  # a literal, by the format's definition
        assert header["descr"] == "<f4" and not header["fortran_order"], f"{path}: {header}"
        values = array.array("f", file.read())
    rows, dim = header["shape"]
    return [values[r * dim:(r + 1) * dim] for r in range(rows)]


for line in sys.stdin:
    record = json.loads(line)
    stream = next(iter(record["features"].values()))
    matrix = read_npy(stream["path"])
    usual = [statistics.median(column) for column in zip(*matrix)]
    curve = [sum((x - u) ** 2 for x, u in zip(row, usual)) ** 0.5 for row in matrix]
    total = [0.0]
    for value in curve:
        total.append(total[-1] + value)
    mean = lambda a, b: (total[b] - total[a]) / (b - a) if b > a else 0.0
    top = max(curve) or 1.0
    # Row g is about the time (g stride + window / 2) / fps, tal-jsonl(5).
    seconds = lambda g: min(max((g * stream["stride"] + stream["window"] / 2 + stream.get("offset", 0)) / stream["fps"], 0), record["duration"])
    proposals = []
    for length in (2, 3, 4, 6, 8, 11, 16, 22, 32):
        for s in range(0, len(curve) - length + 1, max(1, length // 4)):
            e = s + length
            around = max(mean(max(0, s - length // 2), s), mean(e, min(len(curve), e + length // 2)))
            contrast = (mean(s, e) - around) / top
            if contrast > 0 and seconds(e) > seconds(s):
                proposals.append({"segment": [seconds(s), seconds(e)], "score": min(contrast, 1.0)})
    record["proposals"] = proposals
    print(json.dumps(record), flush=True)
