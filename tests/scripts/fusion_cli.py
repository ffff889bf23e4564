#!/usr/bin/env python3
# label: cli
"""tal-score --fuse classes: factors, class scores of files and records, several classifiers, merging; faults with their places."""
import json
import math
import os
import subprocess
import tempfile

from harness import BIN, check, finish, write

tool = os.path.join(BIN, "tal-score")
folder = tempfile.TemporaryDirectory()
os.chdir(folder.name)


def run(records, *arguments, status=0):
    text = records if isinstance(records, str) else "".join(json.dumps(r) + "\n" for r in records)
    done = subprocess.run([tool, "--no-history", *arguments], input=text, capture_output=True, text=True, timeout=60)
    check(done.returncode == status, f"{arguments}: status {done.returncode}, not {status}: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def save(name, records):
    with open(name, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(r) + "\n" for r in records)
    return name


def classes(**scores):
    return [{"label": label, "score": score} for label, score in scores.items()]


proposals = [{"segment": [1, 4], "score": 0.5, "scores": {"boundary": 0.5, "cls": 0.81, "reg": 0.25}}, {"segment": [2, 9], "score": 0.25, "scores": {"boundary": 0.25, "cls": 1, "reg": 1}}]
records = [{"video": v, "duration": 20, "proposals": proposals, "classification": classes(own=0.5, other=0.25, third=0.125)} for v in ("v", "w")]
cls = save("cls.jsonl", [{"video": v, "classification": classes(dive=0.2, jump=0.8, run=0.4)} for v in ("x", "w", "v")])

out, _ = run(records, "--classification", cls, "--top-classes", "2")
check([[p["label"], p["score"]] for p in out[0]["proposals"]] == [["jump", 0.4], ["run", 0.2], ["jump", 0.2], ["run", 0.1]], "score times class score, best classes first")
check(out[0]["proposals"][0]["scores"] == proposals[0]["scores"] and out[0]["classification"] == records[0]["classification"], "other members stay")
check(run(records, "--classification", cls)[0] == out, "two classes when nothing is said")
parallel, _ = run(records, "--classification", cls, "-j", "2")
check(parallel == out, "the same with -j")
out, _ = run(records, "--top-classes", "1")
check([[p["label"], p["score"]] for p in out[1]["proposals"]] == [["own", 0.25], ["own", 0.125]], "the record's own classes")
check(run(records, "--fuse", "classes", "--top-classes", "1")[0] == out, "--fuse classes said or implied")
out, _ = run(records, "--combine", "geometric")
check([p["score"] for p in out[0]["proposals"]] == [0.5 * math.sqrt(0.81) * math.sqrt(0.25), 0.25] and "label" not in out[0]["proposals"][0], "Eq. (8), no labels")
out, _ = run(records, "--combine", "weighted:cls=2", "--top-classes", "1")
check(abs(out[0]["proposals"][0]["score"] - 0.81**2 * 0.5) < 1e-15, "factors, then classes")

a = save("a.jsonl", [{"video": v, "classification": classes(x=2, y=0)} for v in ("v", "w")])
b = save("b.jsonl", [{"video": v, "classification": classes(y=-4, x=0)} for v in ("v", "w")])
out, _ = run(records, "--classification", a, "--classification", b, "--class-weights", "3,1", "--temperature", "0.5", "--top-classes", "5")
logits = [(3 * 2 + 0) / 4, (0 - 4) / 4]
soft = 1 / (1 + math.exp((logits[1] - logits[0]) / 0.5))
check([p["label"] for p in out[0]["proposals"]] == ["x", "y", "x", "y"] and abs(out[0]["proposals"][0]["score"] - 0.5 * soft) < 1e-15
      and abs(out[0]["proposals"][1]["score"] - 0.5 * (1 - soft)) < 1e-15, "softmax of the weighted mean of logits")

# Weights chosen on records with proposals and annotations: the average mAP that tal-eval gives, each classifier's share or the best of a grid.
truths = [{"video": v, "duration": 30, "annotations": [{"segment": [2, 9], "label": first}, {"segment": [15, 25], "label": first}],
           "proposals": [{"segment": [2, 9.5], "score": 0.9}, {"segment": [15, 24], "score": 0.8}, {"segment": [4, 20], "score": 0.3}]} for v, first in (("v", "x"), ("w", "y"), ("u", "x"))]
val = save("val.jsonl", truths)
good = save("good.jsonl", [{"video": v, "classification": classes(x=x, y=1 - x)} for v, x in (("v", 0.9), ("w", 0.2), ("u", 0.6))])
poor = save("poor.jsonl", [{"video": v, "classification": classes(x=x, y=1 - x)} for v, x in (("v", 0.45), ("w", 0.7), ("u", 0.9))])


def average_map(*arguments):
    found, _ = run(truths, "--top-classes", "2", *arguments)
    text = "".join(json.dumps(r) + "\n" for r in found)
    for command in (["tal-nms", "--no-history", "--preset", "bsn"], ["tal-eval", "--protocol", "activitynet-detection", "--format", "json"]):
        text = subprocess.run([os.path.join(BIN, command[0]), *command[1:]], input=text, capture_output=True, text=True, timeout=60, check=True).stdout
    return 100 * json.loads(text)["average_map"]


both = ["--classification", good, "--classification", poor]
alone = [average_map("--classification", good), average_map("--classification", poor)]
check(alone[0] > alone[1] > 0, f"one classifier is better: {alone}")
shares = [value / sum(alone) for value in alone]
chosen, told = run(truths, *both, "--weights-from", val, "--weights-out", "weights.json")
with open("weights.json", encoding="utf-8") as file:
    kept = json.load(file)
check(all(abs(p - q) < 1e-9 for p, q in zip(kept["weights"] + kept["alone"], shares + alone)), f"each classifier's share: {kept}, {alone}")
check(kept["members"] == [good, poor] and kept["measure"] == "average mAP" and "'good.jsonl' alone has average mAP" in told, f"what was chosen is told: {kept}, {told}")
check(run(truths, *both, "--class-weights", "weights.json")[0] == chosen, "the kept weights are used again")
check(abs(kept["score"] - average_map(*both, "--class-weights", "weights.json")) < 1e-9 and abs(kept["equal"] - average_map(*both)) < 1e-9, "scores of the ensembles")
run(truths, *both, "--weights-from", val, "--grid", "4", "--weights-out", "grid.json")
with open("grid.json", encoding="utf-8") as file:
    grid = json.load(file)
tried = {k / 4: average_map(*both, "--class-weights", f"{k / 4},{1 - k / 4}") for k in range(5)}
check(abs(grid["score"] - max(tried.values())) < 1e-9 and abs(tried[grid["weights"][0]] - grid["score"]) < 1e-9, f"the best of {tried}: {grid}")
unlabelled = [dict(r, annotations=[{"segment": [2, 9]}]) for r in truths]
for arguments, words, status in (
    (["--classification", good, "--weights-from", val], ["--weights-from", "single member"], 2),
    ([*both, "--weights-from", val, "--class-weights", "1,1"], ["--class-weights has no effect", "--weights-from"], 2),
    ([*both, "--grid", "3"], ["--grid", "--weights-from"], 2),
    ([*both, "--weights-from", save("bare.jsonl", records)], ["bare.jsonl:1", "'v'", "annotations", "missing"], 1),
    ([*both, "--weights-from", save("unlabelled.jsonl", unlabelled)], ["unlabelled.jsonl:1", "'v'", "annotations", "label"], 1),
    ([*both, "--weights-from", save("without-proposals.jsonl", [dict((k, r[k]) for k in r if k != "proposals") for r in truths])], ["without-proposals.jsonl:1", "proposals"], 1),
    ([*both, "--weights-from", save("more.jsonl", truths + [dict(truths[0], video="z")])], ["more.jsonl:4", "'z'", "good.jsonl", "no line of this video"], 1),
):
    _, errors = run(truths, *arguments, status=status)
    check(all(word in errors for word in words), f"{arguments}: {errors!r} names {words}")

other = save("bmn.jsonl", [{"video": "w", "proposals": [{"segment": [0, 3], "score": 0.125, "label": "jump", "from": "bmn"}]}] + [{"video": f"x{k}", "proposals": []} for k in range(3)])
table, segments = write("classes.csv", "video,A,B\nv,0.9,0.1\n"), write("segments.csv", "video,start,end\nv,1,2\n")
out, _ = run(records, "--classification", cls, "--top-classes", "1", "--merge", other)
check(len(out[0]["proposals"]) == 2 and len(out[1]["proposals"]) == 3 and out[1]["proposals"][2] == {"segment": [0, 3], "score": 0.125, "label": "jump", "from": "bmn"},
      "another system's detections behind these, byte for byte")

for score, words in (({"score": -0.5}, "-0.5 is negative; the product with class scores"), ({}, "missing")):
    _, errors = run([{"video": "v", "proposals": [proposals[0], {"segment": [2, 9], **score}], "classification": classes(a=0.5)}], "--top-classes", "1", status=1)
    check("stdin:1: video 'v': proposals[1].score: " + words in errors, f"{score}: {errors}")
out, _ = run([{"video": "v", "proposals": [{k: v for k, v in proposals[0].items() if k != "score"}], "classification": classes(a=0.5)}], "--combine", "product", "--top-classes", "1")
check(out[0]["proposals"][0]["score"] == 0.5 * 0.81 * 0.25 * 0.5, f"a score made of factors: {out}")

for arguments, words in (
    (["--merge", other], ["'w'", "have labels, these do not"]),
    (["--classification", table], ["classes.csv:1", "tal-convert --from class-scores makes them of a table with a column a class"]),
    (["--classification", segments], ["segments.csv:1", "tal-convert --from segments-csv"]),
    (["--classification", save("few.jsonl", [{"video": "v", "classification": classes(x=1)}])], ["'w'", "few.jsonl", "no line of this video"]),
    (["--classification", save("twice.jsonl", [{"video": "v", "classification": []}] * 2)], ["twice.jsonl:2", "two lines"]),
    (["--classification", save("none.jsonl", [{"video": "v"}])], ["none.jsonl:1", "classification", "missing"]),
    (["--classification", a, "--classification", cls], ["'v'", "classification", "scores 'dive'"]),
    (["--classification", b], ["classification", "'y' is negative", "--temperature"]),
    (["--merge", save("doubled.jsonl", [{"video": "v", "proposals": []}] * 2)], ["doubled.jsonl:2", "two lines"]),
    (["--merge", save("without.jsonl", [{"video": "v"}])], ["without.jsonl:1", "proposals"]),
    (["--combine", "weighted:unit=1"], ["'v'", "proposals[0].scores.unit"]),
    (["--classification", "nowhere.jsonl"], ["nowhere.jsonl"]),
):
    _, errors = run(records, *arguments, status=1)
    check(all(word in errors for word in words), f"{arguments}: {errors!r} names {words}")
_, errors = run([{"video": "v", "proposals": proposals}], "--top-classes", "1", status=1)
check("classification" in errors and "missing" in errors, "no classes anywhere")
_, errors = run([{"video": "v", "classification": classes(x=1)}], "--top-classes", "1", status=1)
check("proposals" in errors, "no proposals")
_, errors = run([{"video": "v", "proposals": [{"segment": [1, 2], "score": 1, "label": "x"}], "classification": classes(x=1)}], "--top-classes", "1", status=1)
check("proposals[0].label" in errors, "labelled already")
for arguments in (["--combine", "mean"], ["--class-weights", "1,2", "--classification", cls], ["--temperature", "1", "--combine", "product"], ["--beta", "0.5", "--top-classes", "1"],
                  ["--fuse", "rpn", "--top-classes", "1"], ["--top-classes", "0"], ["--temperature", "0", "--top-classes", "1"], ["--classification", a, "--classification", b, "--class-weights", "1"]):
    run(records, *arguments, status=2)
# Class scores of no class leave no detections: said, once, with the videos' number.
bare = [{"video": v, "duration": 10, "classification": c, "proposals": [{"segment": [1, 2], "score": 0.5}]} for v, c in (("w", []), ("u", []), ("z", [{"label": "a", "score": 0.5}]))]
done, said = run(bare, "--fuse", "classes")
check([len(r["proposals"]) for r in done] == [0, 0, 1] and "warning: 2 videos have proposals, but class scores of no class, and so no detections, such as 'u'" in said, said)
check("no class" not in run(bare[2:], "--fuse", "classes")[1], "nothing is said where there are classes")
finish()
