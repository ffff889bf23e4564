#!/usr/bin/env python3
# label: cli bad-input
"""tal-anchors as scripts use it: numbers of anchors and their times, labels, the ceiling, a whole pipe, faults and their places."""
import json
import os
import subprocess
import tempfile
from fractions import Fraction

from harness import BIN, check, finish, need

TOOL = os.path.join(BIN, "tal-anchors")
need("tal-anchors", why="tal-anchors is not built")


def lines(records):
    return "".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in records)


def run(arguments, records, status=0, tool=TOOL):
    done = subprocess.run([tool] + arguments, input=lines(records), capture_output=True, text=True)
    check(done.returncode == status, "%s: status %d instead of %d: %s" % (arguments, done.returncode, status, done.stderr))
    return done


def proposals(arguments, record):
    return json.loads(run(arguments, [record]).stdout)["proposals"]


def near(got, want):
    return all(abs(a - b) <= 1e-9 for a, b in zip(got, want)) and len(got) == len(want)


def tiou(a, b):
    inter = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    return inter / (a[1] - a[0] + b[1] - b[0] - inter)


video = {"video": "v", "duration": 50.0, "mine": [1, 2.50], "annotations": [
    {"segment": [1, 2], "label": "Ambiguous"}, {"segment": [10, 20], "label": "a"}, {"segment": [30, 34], "label": "b"}]}

# The 900 anchors of ActivityNet: row t is half a second here.
scales = [Fraction(s) for s in "1 3/4 1/2 1/4 1/8 1/16 1/32 1/50 1/100".split()]
made = json.loads(run([], [video]).stdout)
check(len(made["proposals"]) == 900 and all(p["score"] == 1 for p in made["proposals"]), "900 anchors with score 1")
check(made["mine"] == [1, 2.5] and made["annotations"] == video["annotations"], "other fields stay")
check(made["history"][0]["tool"] == "tal-anchors", "history")
for i, p in enumerate(made["proposals"]):
    t, q = divmod(i, 9)
    centre, half = (t + 0.5) / 2, float(scales[q]) * 25
    check(near(p["segment"], [centre - half, centre + half]), "anchor %d, %d" % (t, q))

# Labels against a plain computation.
labelled = proposals(["--label", "--vicinity"], video)
truths = {1: [10, 20], 2: [30, 34]}
best_of = {g: max(range(900), key=lambda i: (tiou(labelled[i]["segment"], truths[g]), -i)) for g in truths}
for i, p in enumerate(labelled):
    overlaps = {g: tiou(p["segment"], truths[g]) for g in truths}
    best = max(overlaps, key=lambda g: (overlaps[g], -g))
    s, e = p["segment"]
    check(near([p["tiou"]], [overlaps[best]]) and p["annotation"] == (best if overlaps[best] > 0 else None), "label of %d: %s" % (i, p))
    check(near(p["vicinity"], [s - (e - s) / 2, e + (e - s) / 2]), "vicinity of %d" % i)
    role = "positive" if overlaps[best] >= 0.7 or i in best_of.values() else "hard-negative" if 0.1 <= overlaps[best] <= 0.3 else None
    check(p["role"] == role, "role of %d: %s" % (i, p))
check({p["role"] for p in labelled} == {"positive", "hard-negative", None}, "all roles occur")
strict = proposals(["--label", "--positive", "0.99", "--negative", "0.2,0.25"], video)
check(sum(p["role"] == "positive" for p in strict) == 2, "only the best anchors are left")
check(all(0.2 <= p["tiou"] <= 0.25 for p in strict if p["role"] == "hard-negative"), "other bounds")
check([p["score"] for p in proposals(["--label", "--score", "tiou"], video)] == [p["tiou"] for p in labelled], "score of an oracle")

# Windows: rows of 16 frames at 32 per second, 300 rows: windows at 0 and 128, 384 rows with the padding.
stream = {"path": "x.npy", "rows": 300, "dim": 4, "stride": 16, "window": 16, "fps": 32, "offset": 0}
long = {"video": "w", "duration": 150.0, "features": {"tsn": stream}, "annotations": []}
thumos = proposals(["--preset", "rpn-thumos14"], long)
check(len(thumos) == 384 * 11, "anchors of two windows, shared ones once: %d" % len(thumos))
check(near(thumos[0]["segment"], [0.25 - 32, 0.25 + 32]), "row 0 is [0, 0.5] s, the first anchor 128 rows")
check(near(thumos[-1]["segment"], [383.5 / 2 - 0.5, 383.5 / 2 + 0.5]), "the last anchor is two rows at the end of the padding")
plain = {"video": "w", "duration": 150.0}
check(proposals(["--preset", "rpn-thumos14", "--row-seconds", "1/2"], plain) == thumos, "the same rows without features")
check(len(proposals(["--preset", "rpn-thumos14", "--length", "128", "--stride", "64"], long)) == (192 + 128) * 11, "flags win over the preset")
clipped = proposals(["--preset", "rpn-thumos14", "--clip"], long)
check(len(clipped) < len(thumos) and all(0 <= p["segment"][0] < p["segment"][1] <= 150 for p in clipped), "clipped to the video")
padded = dict(long, features={"a": dict(stream, rows=40), "b": stream})
check(near(proposals(["--stream", "a"], padded)[0]["segment"], [0.25 - 25, 0.25 + 25]), "fewer rows than the window keep their time")
check(near(proposals(["--stream", "b"], padded)[0]["segment"], [0.75 - 75, 0.75 + 75]), "more rows are pooled: 3 a row")
check(len(proposals(["--preset", "custom", "--length", "6", "--scales", "1/2,1/3"], plain)) == 12, "custom")

# The ceiling.
report = json.loads(run(["--ceiling", "--format", "json"], [video]).stdout)
best = [max(tiou(p["segment"], g) for p in made["proposals"]) for g in truths.values()]
check(report["instances"] == 2 and report["ambiguous"] == 1 and report["anchors"] == 900, "counts")
check(report["recall"] == [sum(b >= t for b in best) / 2 for t in report["tiou"]], "recall of the best anchors")
check(report["ar_at"]["100"] == report["average_recall"] and report["ar_at"]["1"] < report["ar_at"]["5"], "average recall by number")
many = [dict(video, video="v%d" % i, annotations=[{"segment": [i % 7, i % 7 + 3 + i % 20], "label": "a"}]) for i in range(50)]
reports = {run(["--ceiling", "--format", "json", "-j", j], many).stdout for j in ("1", "3")}
check(len(reports) == 1, "the report does not depend on -j")
check("AR@AN" in run(["--ceiling"], many).stdout, "text")

# A pipe: an oracle's ranking of the anchors reaches, in the evaluation, no more than the ceiling and all of it with every anchor.
with tempfile.TemporaryDirectory() as folder:
    truth = os.path.join(folder, "truth.jsonl")
    open(truth, "w").write(lines(many))
    pipe = "tal-anchors --label --score tiou < %s | tal-nms --threshold 0.9 --top-k 100 | tal-eval --protocol activitynet-proposal --format json" % truth
    done = subprocess.run(["bash", "-o", "pipefail", "-c", pipe], env=dict(os.environ, PATH=BIN + ":" + os.environ["PATH"]), capture_output=True, text=True)
    check(done.returncode == 0, "the pipe: " + done.stderr)
    result, ceiling = json.loads(done.stdout), json.loads(reports.pop())
    check(result["predictions"] == 5000 and result["instances"] == 50, "predictions of the pipe")
    check(abs(result["ar_at"]["100"] - ceiling["average_recall"]) < 1e-9, "the ceiling is reached: %s, %s" % (result["ar_at"], ceiling["ar_at"]))
    # An oracle's first choice for the only annotation of a video is its best anchor.
    check(abs(result["ar_at"]["1"] - ceiling["ar_at"]["1"]) < 1e-9, "with one anchor too")

# Faults.
for arguments, record, place in (
        ([], {"video": "v"}, "duration"), ([], {"video": "v", "duration": -1}, "duration"),
        (["--preset", "rpn-thumos14"], plain, "features"), (["--stream", "c"], padded, "features"),
        (["--preset", "rpn-thumos14"], padded, "features"), (["--label"], plain, "annotations"), (["--ceiling"], plain, "annotations"),
        (["--stream", "a"], dict(long, features={"a": {k: v for k, v in stream.items() if k != "rows"}}), "features.a.rows"),
        (["--row-seconds", "1/1000000"], plain, "duration"), (["--ceiling"], dict(plain, annotations=[]), "annotations"),
        (["--label"], dict(plain, annotations=[{"segment": [4, 2], "label": "a"}]), "annotations[0].segment")):
    done = run(arguments, [record], 1)
    check(done.stderr.startswith("tal-anchors: error: ") and place in done.stderr, "%s: %s" % (place, done.stderr))
    check(done.stdout == "", "nothing is written for a fault: %s" % arguments)
mixed = run(["--on-error", "skip"], [plain, {"video": "x"}, dict(plain, video="y")], 1)
check(mixed.stdout.count("\n") == 2 and "stdin:2" in mixed.stderr, "skip goes on")
for bad in (["--preset", "custom"], ["--preset", "nonsense"], ["--scales", "0"], ["--scales", "a"], ["--length", "0"], ["--stride", "-1"],
            ["--row-seconds", "0"], ["--row-seconds", "1", "--stream", "a"], ["--positive", "0.5"], ["--score", "tiou"], ["--tiou", "0.5"],
            ["--an", "3"], ["--format", "json"], ["--ceiling", "--label"], ["--ceiling", "--vicinity"], ["--ceiling", "--tiou", "2"],
            ["--ceiling", "--an", "1.5"], ["--label", "--negative", "0.3,0.1"], ["--label", "--negative", "0.3"]):
    check(run(bad, [video], 2).stdout == "", "usage: %s" % bad)
finish()
