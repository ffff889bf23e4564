"""The boundary generator's passes compared, from records with maps (tal-propose --maps inline, one window a video).

  boundaries.py ap RESULT < records          tal-eval's result with the average precision of the start and end rows: a row is positive when it holds a boundary
  boundaries.py backward FORWARD BOTH        records of BOTH (Eq. 1) with the proposals of the backward pass alone: H = HH / H of FORWARD
"""
import json
import math
import sys


def average_precision(rows):
    """rows: (score, positive). Sum of the precisions at the positives / their number; equal scores count against."""
    found, total = 0, 0.0
    for rank, (_, positive) in enumerate(sorted(rows, key=lambda row: (-row[0], row[1])), 1):
        if positive:
            found += 1
            total += found / rank
    return total / found if found else 0.0


def ap(result_file, lines):
    sides = {"start": [], "end": []}
    for line in lines:
        record = json.loads(line)
        (only,) = record["maps"].values()
        rows, (begin, end) = only["rows"], only["segment"]
        for k, side in enumerate(sides):
            holds = set()
            for annotation in record["annotations"]:
                row = math.floor((annotation["segment"][k] - begin) / (end - begin) * rows)
                if 0 <= row <= rows:
                    holds.add(min(row, rows - 1))
            sides[side] += [(score, row in holds) for row, score in enumerate(only[side])]
    with open(result_file, encoding="utf-8") as file:
        result = json.load(file)
    json.dump({**result, "rows_ap": {side: average_precision(rows) for side, rows in sides.items()}}, sys.stdout)


def backward(forward_file, both_file):
    with open(forward_file, encoding="utf-8") as forwards, open(both_file, encoding="utf-8") as boths:
        for first, second in zip(forwards, boths):
            record, one = json.loads(second), json.loads(first)
            (maps,), (forward,) = record["maps"].values(), one["maps"].values()
            for side in ("start", "end"):
                maps[side] = [both * both / max(alone, 1e-30) for both, alone in zip(maps[side], forward[side])]
            rows, (begin, end) = maps["rows"], maps["segment"]
            step, proposals = (end - begin) / rows, []
            for j in range(len(maps["cls"])):
                for i in range(rows - j):
                    score = maps["start"][i] * maps["end"][i + j] * math.sqrt(maps["cls"][j][i] * maps["reg"][j][i])
                    proposals.append({"segment": [max(0, begin + i * step), min(record["duration"], begin + (i + j + 1) * step)], "score": score})
            record["proposals"] = [p for p in proposals if p["segment"][0] < p["segment"][1]]
            print(json.dumps(record))


if sys.argv[1] == "ap":
    ap(sys.argv[2], sys.stdin)
else:
    backward(*sys.argv[2:])
