"""The boundary generator's passes compared, from records with maps (tal-propose --maps inline, one window a video).

  boundaries.py ap < records                 average precision of the start and end rows, as JSON: a row is positive when it holds a boundary
  boundaries.py backward FORWARD BOTH        records of BOTH (Eq. 1) with the proposals of the backward pass alone: H = HH / H of FORWARD
  boundaries.py table --title T --data D --row LABEL RUN...     the files RUN.boundary.json and RUN.result.json, one a seed, as a Markdown table
"""
import json
import math
import statistics
import sys


def average_precision(rows):
    """rows: (score, positive). Sum of the precisions at the positives / their number; equal scores count against."""
    found, total = 0, 0.0
    for rank, (_, positive) in enumerate(sorted(rows, key=lambda row: (-row[0], row[1])), 1):
        if positive:
            found += 1
            total += found / rank
    return total / found if found else 0.0


def ap(lines):
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
    json.dump({side: average_precision(rows) for side, rows in sides.items()}, sys.stdout)


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


def table(arguments):
    title, data, rows = arguments[1], arguments[3], []
    for word in arguments[4:]:
        if word == "--row":
            rows.append([])
        else:
            rows[-1].append(word)
    seeds = len(rows[0]) - 1
    print(f"{title}\n\nData: {data}. Per cent{', mean (spread) of the seeds' if seeds > 1 else ''}.\n\n| | start AP | end AP | AR@100 | AUC |\n|---|---|---|---|---|")
    for label, *runs in rows:
        values = []
        for run in runs:
            with open(f"{run}.boundary.json", encoding="utf-8") as boundary, open(f"{run}.result.json", encoding="utf-8") as result:
                heat, curve = json.load(boundary), json.load(result)
            values.append((100 * heat["start"], 100 * heat["end"], 100 * curve["ar_at"]["100"], curve["auc"]))
        cells = [f"{statistics.mean(v):.1f}" + (f" ({max(v) - min(v):.1f})" if seeds > 1 else "") for v in zip(*values)]
        print(f"| {label} | {' | '.join(cells)} |")


if sys.argv[1] == "ap":
    ap(sys.stdin)
elif sys.argv[1] == "backward":
    backward(*sys.argv[2:])
else:
    table(sys.argv[2:])
