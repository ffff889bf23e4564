"""Figures 6 and 7: samples.py NAME=FILE... < annotated.jsonl: for each ground truth the nearest of each file's proposals, labelled NAME, for tal-plot timeline.

A file holds the suppressed proposals of the same videos. What NAME finds is drawn in its own row below the ground truth.
"""
import json
import sys


def tiou(a, b):
    inter = min(a[1], b[1]) - max(a[0], b[0])
    return inter / (a[1] - a[0] + b[1] - b[0] - inter) if inter > 0 else 0


proposals = {}
for argument in sys.argv[1:]:
    name, path = argument.split("=", 1)
    with open(path, encoding="utf-8") as file:
        proposals[name] = {record["video"]: record["proposals"] for record in map(json.loads, file)}
for record in map(json.loads, sys.stdin):
    truths = [annotation["segment"] for annotation in record["annotations"] if annotation.get("label") != "Ambiguous"]
    found = []
    for name, of_video in proposals.items():
        for truth in truths:
            near = max(of_video[record["video"]], key=lambda p: tiou(p["segment"], truth), default=None)
            if near and tiou(near["segment"], truth) > 0:
                found.append({"segment": near["segment"], "score": tiou(near["segment"], truth), "label": name})
    print(json.dumps({"video": record["video"], "duration": record["duration"],
                      "annotations": [{"segment": truth, "label": "ground truth"} for truth in truths], "proposals": found}))
