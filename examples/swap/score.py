#!/usr/bin/env python3
"""A stage of the pipe in plain Python, for tal-score --beta: the RPN's score fusion, Eq. (8) and (9) of the paper.

    tal-propose -m rpn.safetensors | tal-refine | score.py [BETA] | tal-nms --preset rpn

Reads a record a line and writes it with the proposals' new scores; every other field stays as it came. Nothing but the standard library:
`proposals` and `maps.rpn` are described in tal-jsonl(5).
"""
import base64
import json
import struct
import sys

beta = float(sys.argv[1]) if len(sys.argv) > 1 else 0.8


def peaks(x):
    """Rows of at least 0.5 that are above both neighbours; the first and the last row have one."""
    n = len(x)
    return [i for i in range(n) if x[i] >= 0.5 and (i == 0 or x[i] > x[i - 1]) and (i == n - 1 or x[i] > x[i + 1])]


def unit_score(start, end, action):
    """Eq. (8): the best pair of a start and an end row, by tIoU with the anchor, actionness inside and rest outside."""
    rows, best = len(action), 0.0
    low, high = rows / 4, 3 * rows / 4  # the anchor in the rows of its vicinity
    for s in peaks(start):
        for e in (e for e in peaks(end) if e >= s):
            inside, outside = action[s:e + 1], action[:s] + action[e + 1:]
            both = max(0.0, min(e + 1, high) - max(s, low))
            iou = both / (e + 1 - s + high - low - both)
            sof = sum(inside) / len(inside)
            sob = sum(1 - a for a in outside) / len(outside) if outside else 1.0
            best = max(best, iou * sof * sob)
    return best


for line in sys.stdin:
    record = json.loads(line)
    anchors, _, rows = record["maps"]["rpn"]["shape"]
    values = struct.unpack(f"<{anchors * 3 * rows}f", base64.b64decode(record["maps"]["rpn"]["data"]))
    for proposal in record["proposals"]:
        scores = proposal["scores"]
        first = 3 * rows * scores["anchor"]
        start, end, action = (values[first + k * rows:first + (k + 1) * rows] for k in range(3))
        scores["unit"] = unit_score(start, end, action)
        proposal["score"] = beta * scores["segment"] + (1 - beta) * scores["unit"]  # Eq. (9)
    print(json.dumps(record), flush=True)
