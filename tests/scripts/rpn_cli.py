#!/usr/bin/env python3
# label: cli
"""tal-refine and tal-score on what an RPN leaves in a record, against section 3.7 of its paper written out here; --beta-sweep."""
import base64
import json
import math
import os
import random
import struct
import subprocess

from harness import BIN, check, finish



def run(tool, arguments, text):
    done = subprocess.run([os.path.join(BIN, tool), *arguments], input=text, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def single(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def make_record(rng, name, anchors=40, rows=12, alpha=True, duration=100.0):
    segments, scores, proposals = [], [], []
    for n in range(anchors):
        length = rng.choice([4.0, 10.0, 25.0])
        centre = rng.uniform(0, duration)
        segments.append([centre - length / 2, centre + length / 2])
        scores += [single(rng.random()) for _ in range(3 * rows)]
    for n in rng.sample(range(anchors), anchors - 5):  # some anchors have lost their proposal
        members = {"segment": rng.random(), "ds": rng.gauss(0, 0.1), "de": rng.gauss(0, 0.1)}
        if alpha:
            members.update(alpha_s=rng.gauss(-3, 1), alpha_e=rng.gauss(-3, 1))
        members["anchor"] = n
        proposals.append({"segment": [max(0.0, segments[n][0]), min(duration, segments[n][1])], "score": 0.5, "note": "kept", "scores": members})
    data = base64.b64encode(struct.pack("<%df" % len(scores), *scores)).decode()
    return {"video": name, "duration": duration, "maps": {"other": {"x": [1.50, 2]}, "rpn": {"shape": [anchors, 3, rows], "dtype": "float32", "data": data, "anchors": segments}},
            "annotations": [{"segment": [10, 30], "label": "a"}, {"segment": [50, 58], "label": "b"}], "proposals": proposals}, scores


def peaks(row):
    return [i for i, v in enumerate(row) if v >= 0.5 and (i == 0 or v > row[i - 1]) and (i + 1 == len(row) or v > row[i + 1])]


def overlap(a, b):
    inter = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    return inter / (a[1] - a[0] + b[1] - b[0] - inter)


def density(x, mu, sigma):
    return math.exp(-0.5 * ((x - mu) / sigma) ** 2) / (sigma * math.sqrt(2 * math.pi))


def unit_level(record, scores, proposal, kl):
    _, _, rows = record["maps"]["rpn"]["shape"]
    members = proposal["scores"]
    n = members["anchor"]
    start, end, act = (scores[(3 * n + k) * rows:(3 * n + k + 1) * rows] for k in range(3))
    s, e = record["maps"]["rpn"]["anchors"][n]
    length = e - s
    v0, row = s - length / 2, 2 * length / rows
    segment = (s - members["ds"] * length, e - members["de"] * length)
    best = None
    for a in peaks(start):
        for b in peaks(end):
            if b < a:
                continue
            inside = act[a:b + 1]
            outside = act[:a] + act[b + 1:]
            value = overlap((a, b + 1), (rows / 4, 3 * rows / 4)) * sum(inside) / len(inside)
            value *= sum(1 - x for x in outside) / len(outside) if outside else 1
            if kl:
                # In anchor lengths.
                value *= density(2 * (a + 0.5) / rows, (segment[0] - v0) / length, math.exp(members["alpha_s"] / 2))
                value *= density(2 * (b + 0.5) / rows, (segment[1] - v0) / length, math.exp(members["alpha_e"] / 2))
            if best is None or value > best[0]:
                best = (value, v0 + (a + 0.5) * row, v0 + (b + 0.5) * row)
    fused = segment
    if best:
        clamp = lambda x, centre: min(max(x, centre - row), centre + row)
        fused = (clamp(segment[0], best[1]), clamp(segment[1], best[2]))
    if not fused[0] < fused[1]:
        fused = segment
    if not fused[0] < fused[1]:
        fused = (s, e)
    clipped = (max(0.0, fused[0]), min(record["duration"], fused[1]))
    return (best[0] if best else 0.0), (clipped if clipped[0] < clipped[1] else proposal["segment"])


def close(a, b):
    return abs(a - b) <= 1e-9 * (1 + abs(b))


rng = random.Random(20221129)
pairs = [make_record(rng, "v%d" % k) for k in range(6)]
text = "".join(json.dumps(r) + "\n" for r, _ in pairs)

for kl in (False, True):
    flag = ["--kl-ev"] if kl else []
    status, refined, errors = run("tal-refine", ["--method", "rpn", *flag], text)
    check(status == 0, "tal-refine: " + errors)
    status, scored, errors = run("tal-score", ["--fuse", "rpn", "--beta", "0.3", *flag], refined)
    check(status == 0, "tal-score: " + errors)
    units = 0
    for (record, scores), line in zip(pairs, scored.splitlines()):
        out = json.loads(line)
        check(out["maps"]["other"] == {"x": [1.5, 2]} and out["annotations"] == record["annotations"], "other fields are kept")
        for before, after in zip(record["proposals"], out["proposals"]):
            unit, location = unit_level(record, scores, before, kl)
            units += unit > 0
            check(after["note"] == "kept" and after["scores"]["anchor"] == before["scores"]["anchor"], "other members are kept")
            check(close(after["segment"][0], location[0]) and close(after["segment"][1], location[1]), "fused location %r, not %r" % (after["segment"], location))
            check(close(after["scores"]["unit"], unit), "unit score %r, not %r" % (after["scores"]["unit"], unit))
            check(close(after["score"], 0.3 * before["scores"]["segment"] + 0.7 * unit), "Eq. (9)")
    check(units > 50, "cases with a unit candidate")
    # The product instead of Eq. (9).
    status, product, errors = run("tal-score", ["--fusion", "product", *flag], refined)
    check(status == 0, "tal-score --fusion product: " + errors)
    for one, other in zip(product.splitlines(), scored.splitlines()):
        for p, q in zip(json.loads(one)["proposals"], json.loads(other)["proposals"]):
            check(p["scores"] == q["scores"] and close(p["score"], p["scores"]["segment"] * p["scores"]["unit"]), "p p'")
    # The order of the two stages does not matter, nor does -j.
    _, other, _ = run("tal-score", ["--beta", "0.3", "--keep-maps", *flag], text)
    _, other, _ = run("tal-refine", [*flag, "-j", "2"], other)
    strip = lambda lines: [json.loads(line)["proposals"] for line in lines.splitlines()]
    check(strip(other) == strip(scored), "score | refine equals refine | score")
    # The unit scores leave the record with the stage that used them last; the other maps stay, as they stand.
    _, kept, _ = run("tal-score", ["--beta", "0.3", "--keep-maps", *flag], refined)
    check(strip(kept) == strip(scored) and all("rpn" in json.loads(line)["maps"] for line in kept.splitlines()), "--keep-maps")
    check(all('"maps":{"other":{"x": [1.50, 2]}}' in line for line in scored.splitlines()) or all(json.loads(line)["maps"] == {"other": {"x": [1.5, 2]}} for line in scored.splitlines()), "maps.rpn is dropped alone")
    status, _, errors = run("tal-score", ["--beta", "0.4", *flag], scored)
    check(status == 1 and "maps.rpn" in errors and "--keep-maps" in errors, errors)
    alone = "".join(json.dumps({**json.loads(line), "maps": {"rpn": json.loads(line)["maps"]["rpn"]}}) + "\n" for line in refined.splitlines())
    _, gone, _ = run("tal-score", ["--beta", "0.3", *flag], alone)
    check(strip(gone) == strip(scored) and '"maps"' not in gone, "an empty member goes too")

# The sweep equals the pipe at every beta.
status, table, errors = run("tal-score", ["--beta-sweep", "--sweep-format", "json", "--sweep-an", "20"], refined)
check(status == 0, "sweep: " + errors)
lines = [json.loads(line) for line in table.splitlines()]
check([round(line["beta"], 9) for line in lines] == [k / 10 for k in range(11)], "eleven values of beta")
for line in lines[::5]:
    _, scored, _ = run("tal-score", ["--beta", str(line["beta"])], refined)
    _, kept, _ = run("tal-nms", ["--preset", "rpn", "--low", "0.8"], scored)
    status, report, errors = run("tal-eval", ["--protocol", "activitynet-proposal", "--max-avg-proposals", "20", "--format", "json"], kept)
    check(status == 0, "tal-eval: " + errors)
    want = json.loads(report)
    check(abs(want["auc"] - line["auc"]) < 1e-9, "beta %g: AUC %r, not %r" % (line["beta"], line["auc"], want["auc"]))
# THUMOS14's protocol: its lower thresholds, tIoU up to 1; recalls as well.
for preset in ("rpn-thumos14", "rpn-thumos14-2"):
    status, table, errors = run("tal-score", ["--beta-sweep", "--sweep-format", "json", "--sweep-preset", preset, "--sweep-tiou", "0.5:0.05:1"], refined)
    check(status == 0, "sweep: " + errors)
    line = json.loads(table.splitlines()[3])
    _, scored, _ = run("tal-score", ["--beta", "0.3"], refined)
    _, kept, _ = run("tal-nms", ["--preset", preset], scored)
    _, report, errors = run("tal-eval", ["--protocol", "activitynet-proposal", "--tiou", "0.5:0.05:1", "--format", "json"], kept)
    want = json.loads(report)
    check(len(want["tiou"]) == 11 and abs(want["auc"] - line["auc"]) < 1e-9, "%s: AUC %r, not %r" % (preset, line["auc"], want["auc"]))
    check(all(abs(line["ar_at"][n] - want["ar_at"][n]) < 1e-12 for n in ("1", "10", "100")), "%s: recalls" % preset)
    status, low, _ = run("tal-score", ["--beta-sweep", "--sweep-format", "json", "--sweep-low", {"rpn-thumos14": "0.55", "rpn-thumos14-2": "0.65"}[preset], "--sweep-tiou", "0.5:0.05:1"], refined)
    check(low == table, "--sweep-low instead of the preset's")
status, table, _ = run("tal-score", ["--beta-sweep"], refined)
check(status == 0 and len(table.splitlines()) == 12 and table.startswith("beta"), "sweep as text")

# Faults name their place.
def fails(tool, arguments, change, *words):
    record = make_record(random.Random(1), "w", alpha=False)[0]
    change(record)
    status, _, errors = run(tool, arguments, json.dumps(record) + "\n")
    check(status == 1 and all(word in errors for word in words), "%s: status %d, %r does not name %r" % (tool, status, errors, words))


for tool in ("tal-refine", "tal-score"):
    fails(tool, [], lambda r: r["maps"].pop("rpn"), "stdin:1: video 'w': maps.rpn: missing; the RPN that proposed has no unit module (unit=false)")
fails("tal-refine", [], lambda r: (r.pop("maps"), [p.pop("scores") for p in r["proposals"]]), "maps.rpn: missing", "'w'")
fails("tal-refine", [], lambda r: r.pop("proposals"), "proposals")
fails("tal-refine", [], lambda r: r["maps"]["rpn"].update(shape=[40, 3, 11]), "maps.rpn.data")
fails("tal-refine", [], lambda r: r["maps"]["rpn"].update(shape=[40, 2, 18]), "maps.rpn.shape")
fails("tal-refine", [], lambda r: r["maps"]["rpn"].update(data="####"), "maps.rpn.data")
fails("tal-score", [], lambda r: r["maps"]["rpn"]["anchors"].pop(), "maps.rpn.anchors")
fails("tal-score", [], lambda r: r["proposals"][3]["scores"].pop("ds"), "proposals[3].scores.ds")
fails("tal-score", [], lambda r: r["proposals"][3]["scores"].update(anchor=40), "proposals[3].scores.anchor", "40 anchors")
fails("tal-score", ["--kl-ev"], lambda r: None, "KL")
fails("tal-score", ["--beta-sweep"], lambda r: r.pop("annotations"), "annotations")
check(run("tal-score", ["--beta-sweep", "--beta", "0.5"], text)[0] == 2, "--beta with --beta-sweep is a usage error")
check(run("tal-score", ["--beta-sweep", "--fusion", "product"], text)[0] == 2, "--fusion with --beta-sweep is a usage error")
check(run("tal-score", ["--beta", "0.5", "--fusion", "product"], text)[0] == 2, "--beta with --fusion product is a usage error")
check(run("tal-score", ["--sweep-preset", "rpn"], text)[0] == 2, "--sweep-preset without --beta-sweep is a usage error")
check(run("tal-score", ["--sweep-low", "0.5"], text)[0] == 2, "--sweep-low without --beta-sweep is a usage error")

finish()
