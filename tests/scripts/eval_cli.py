#!/usr/bin/env python3
# label: cli bad-input
"""tal-eval as scripts use it: the JSON object, every option's effect, places of faults, exit statuses."""
import csv
import json
import os
import subprocess
import tempfile

from harness import BIN, check, finish, need

TOOL = os.path.join(BIN, "tal-eval")
need("tal-eval", why="tal-eval is not built")


def run(arguments, stream, status=0):
    done = subprocess.run([TOOL] + arguments, input="".join(json.dumps(r) + "\n" if not isinstance(r, str) else r + "\n" for r in stream),
                          capture_output=True, text=True)
    check(done.returncode == status, f"{arguments}: status {done.returncode} instead of {status}: {done.stderr}")
    return done


folder = tempfile.TemporaryDirectory()
path = lambda name: os.path.join(folder.name, name)


def save(name, records):
    with open(path(name), "w") as out:
        out.writelines(json.dumps(r) + "\n" for r in records)
    return path(name)


truth = [{"video": "v%d" % i, "duration": 100, "fps": 10, "subset": "validation" if i < 8 else "training",
          "annotations": [{"segment": [10 + i, 30 + i], "label": "a"}, {"segment": [50, 60], "label": "b"}]} for i in range(10)]
stream = [{"video": r["video"], "proposals": [
    {"segment": [11 + k, 29 + k], "score": 0.5 + 0.01 * ((i * 7 + k) % 13), "label": "a"} for k in range(3)] +
    [{"segment": [50, 60 - i], "score": 0.9, "label": "b"}]} for i, r in enumerate(truth)]
gt = save("gt.jsonl", truth)

full = run(["--gt", gt, "--subset", "validation", "--format", "json"], stream)
report = json.loads(full.stdout)
check(report["protocol"] == "activitynet-detection" and report["subset"] == "validation", "protocol and subset")
check(report["videos"] == 8 and report["instances"] == 16 and report["predictions"] == 40, "counts")
check(report["unknown"]["videos"] == 2, "predictions of the other subset are unknown videos")
check(report["tiou"] == [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95] == report["parameters"]["tiou"] and len(report["map"]) == 10, "thresholds are told as they are meant")
check("99999" not in full.stdout.split('"map"')[0], f"nor are settings: {full.stdout[:900]}")
# What decides is numpy's double: this overlap is 0.8999999999999999, which is below 0.9.
edge = [{"video": "v", "duration": 9, "annotations": [{"segment": [1.6, 2.6], "label": "a"}], "proposals": [{"segment": [1.6, 2.5], "score": 1, "label": "a"}]}]
check(json.loads(run(["--format", "json"], edge).stdout)["map"][8] == 1 and json.loads(run(["--tiou", "0.9", "--format", "json"], edge).stdout)["map"] == [0], "thresholds are generated")
check(abs(report["average_map"] - sum(report["map"]) / 10) < 1e-12, "mean of the thresholds")
check(report["ties"]["predictions"] > 0, "tied predictions are counted")
for jobs in "1", "3":
    check(run(["--gt", gt, "--subset", "validation", "--format", "json", "-j", jobs], stream).stdout == full.stdout, "same bytes with -j " + jobs)
other = json.loads(run(["--gt", gt, "--subset", "validation", "--format", "json", "--tiou", "0.3,0.5"], stream).stdout)
check(other["parameters_hash"] != report["parameters_hash"] and other["tiou"] == [0.3, 0.5], "other parameters, other hash")
ranged = json.loads(run(["--gt", gt, "--format", "json", "--subset", "validation", "--ties-range"], stream).stdout)
check(ranged["ties_range"]["lowest"] <= report["average_map"] <= ranged["ties_range"]["highest"], "range of ties")

joined = [dict(t, proposals=s["proposals"]) for t, s in zip(truth, stream)]
inline = json.loads(run(["--subset", "validation", "--format", "json"], joined).stdout)
check(inline["average_map"] == report["average_map"], "annotations of the stream itself")

boots = [run(["--gt", gt, "--subset", "validation", "--format", "json", "--bootstrap", "50", "--seed", s, "-j", j], stream).stdout
         for s, j in (("1", "1"), ("1", "2"), ("2", "1"))]
check(boots[0] == boots[1] and boots[0] != boots[2], "bootstrap depends on the seed alone")
interval = json.loads(boots[0])["bootstrap"]
check(interval["samples"] == 50 and interval["seed"] == 1, "bootstrap says its samples and seed")
check(interval["low"] <= report["average_map"] <= interval["high"], "interval holds the value")
save("stream.jsonl", stream)
worse = save("worse.jsonl", [dict(r, proposals=[dict(p, segment=[p["segment"][0] + 40, p["segment"][1] + 40]) for p in r["proposals"]]) for r in stream])
compared = json.loads(run(["--gt", gt, "--subset", "validation", "--format", "json", "--compare", worse, "--compare", path("stream.jsonl")], stream).stdout)["compare"]
same, compared = compared[1], compared[0]
done = run(["--gt", gt, "--compare", worse, "--compare", worse], stream, 2)
check(f"--compare names {worse} twice" in done.stderr, f"a file of --compare stands twice: {done.stderr}")
done = run(["--gt", gt, "--compare", gt, "--compare", save("silent.jsonl", [{"video": "v0", "proposals": []}])], stream)
check(f"warning: no proposals in the 10 records of {gt}: nothing to judge" in done.stderr and f"no proposals in the 1 record of {path('silent.jsonl')}" in done.stderr, f"files without proposals: {done.stderr}")
check(f"no record of predictions in {save('void.jsonl', [])}" in run(["--gt", gt, "--compare", path("void.jsonl")], stream).stderr, "an empty file")
check("1 of 2 records in" in run(["--gt", gt, "--compare", save("half.jsonl", [{"video": "v0", "proposals": stream[0]["proposals"]}, {"video": "v1"}])], stream).stderr, "some without")
check("proposals" not in run(["--gt", gt, "--compare", worse], stream).stderr, "nothing to warn of")
check(same["difference"] == 0 == same["low"] == same["high"] and same["p_value"] == 1, "the same predictions do not differ: %s" % same)
check([m["tiou"] for m in compared["map"]] == report["tiou"] and abs(sum(m["difference"] for m in compared["map"]) / 10 - compared["difference"]) < 1e-12, "differences by threshold: %s" % compared["map"])
check({c["label"] for c in compared["classes"]} == {"a", "b"} and all(c["low"] <= c["difference"] <= c["high"] for c in compared["classes"]), "differences by class: %s" % compared["classes"])
check(compared["difference"] > 0 and compared["p_value"] < 0.05 and compared["low"] > 0, "a clear difference is found: %s" % compared)

listing = path("kinds.jsonl")
diagnosed = json.loads(run(["--gt", gt, "--subset", "validation", "--format", "json", "--diagnose", "--diagnose-file", listing], stream).stdout)
kinds = [p["diagnosis"] for line in open(listing) for p in json.loads(line)["proposals"]]
check(len(kinds) == 40 and "true positive" in kinds and "double detection" in kinds, "kinds are written")
diagnosis = diagnosed["diagnosis"]
check(sum(b["instances"] for b in diagnosis["sensitivity"]["length"]["buckets"]) == 16, "every instance has a bucket")
check(diagnosis["sensitivity"]["coverage"]["unknown"] == 0, "every video has a duration")
check({k["kind"] for k in diagnosis["kinds"]} >= {"double detection", "wrong label", "localization", "confusion", "background"}, "DETAD's kinds")
check(all(k["gain"] >= -1e-12 for k in diagnosis["kinds"] if "gain" in k), "removing errors never costs")
check(any(b["average_map_n"] > 0 for b in diagnosis["sensitivity"]["length"]["buckets"]), "average mAP_N per bucket")
waterfall = json.loads(run(["--gt", gt, "--subset", "validation", "--format", "json", "--oracle", "all"], stream).stdout)["oracle"]["waterfall"]
check([row["step"] for row in waterfall] == ["as it is", "labels", "boundaries", "ranking"], "steps of the waterfall")
check(abs(sum(row["gain"] for row in waterfall) - (waterfall[-1]["score"] - report["average_map"])) < 1e-12, "its rows add up")
gains = {}
for step in "boundaries", "labels", "ranking", "all":
    gains[step] = json.loads(run(["--gt", gt, "--subset", "validation", "--format", "json", "--oracle", step], stream).stdout)["oracle"]["gain"]
check(gains["boundaries"] > 0 and gains["all"] >= max(gains.values()) - 1e-12, "oracles: %s" % gains)
against = json.loads(run(["--gt", gt, "--subset", "validation", "--format", "json", "--against", "thumos14-official", "--explain"], stream).stdout)
check(len(against["disagreements"]) == against["against"]["disagreements"], "disagreements are listed")
rules = against["against"]["rules"]
check([r["rule"] for r in rules] == ["threshold", "matching", "order of ties", "Ambiguous", "average precision"], "every differing rule is named")
check(abs(sum(r["change"] for r in rules) + against["against"]["difference"]) < 1e-12, "the rules' changes add up to the difference")
same = json.loads(run(["--gt", gt, "--subset", "validation", "--format", "json", "--against", "thumos14-detection"], stream).stdout)["against"]
check(same["rules"] == [] and same["difference"] == 0, "the two ActivityNet protocols have the same rules")

everything = ["--gt", gt, "--subset", "validation", "--per-class", "--ties-range", "--diagnose", "--oracle", "all", "--against", "thumos14-official", "--explain",
              "--recall-at", "1", "--bootstrap", "20"]
printed = run(everything + ["--format", "csv"], stream).stdout
table = list(csv.reader(printed.splitlines()))
check(table[0] == ["protocol", "table", "row", "column", "value"] and {len(row) for row in table} == {5}, "csv: a rectangle")
check({row[0] for row in table[1:]} == {"activitynet-detection"}, "csv: the protocol")
tables = {row[1] for row in table[1:]}
check({"summary", "map", "recall_at", "oracle", "rules", "disagreements", "best_f1", "kinds", "sensitivity.length", "ties", "data", "settings"} <= tables, "csv: %s" % tables)
value = {tuple(row[1:4]): row[4] for row in table[1:]}
check([float(value["map", "mean", "tIoU %g" % t]) for t in (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)] == report["map"], "csv: full precision, plain names")
check(float(value["summary", "average_map", "value"]) == report["average_map"] and value["data", "coverage.with_record", "value"] == "8", "csv: the summary, and coverage")
check("0.8999999999999999" not in printed and value["map", "a", "instances"] == "8", "csv: names and columns are frozen")
# Every value of the rectangle has a key of its own, whatever classes are called; other rows keep their names.
names = ["mean", "class mean", "class class mean", "null", "class", "mean without null", "classy", "micro"]
called = [{"video": "v", "duration": 100, "fps": 1, "annotations": [{"segment": [10 * k, 10 * k + 5], "label": name} for k, name in enumerate(names)],
           "proposals": [{"segment": [10 * k, 10 * k + 5 - k / 10], "score": 0.5, "label": name} for k, name in enumerate(names)]}]
for protocol in "activitynet-detection", "samples", "ego4d-mq", "sound-events", "segmentation":
    found = list(csv.reader(run(["--protocol", protocol, "--per-class", "--format", "csv", *(["--sample-wise", "1"] if protocol == "ego4d-mq" else [])], called).stdout.splitlines()))
    keys = [tuple(row[:4]) for row in found]
    check(len(keys) == len(set(keys)), f"{protocol}: keys that stand twice: {[k for k in keys if keys.count(k) > 1][:3]}")
    if protocol == "activitynet-detection":
        rows = {row[2] for row in found if row[1] == "map"}
        check(rows == {"mean", "class mean", "class class mean", "class class class mean", "null", "class", "mean without null", "classy", "micro"}, f"rows of classes: {rows}")
        mean = [float(row[4]) for row in found if row[1:4] == ["map", "mean", "tIoU 0.9"]]
        check(mean == [json.loads(run(["--format", "json"], called).stdout)["map"][8]] and mean[0] < 1, f"the mean's row is the mean: {mean}")
    if protocol == "samples":
        check({"mean", "class mean", "class null", "class micro", "classy"} <= {row[2] for row in found if row[1] == "samples"}, "rows of samples")
for bad in (["--tiou", "0.5,0.7,0.5"], ["--tiou", "0.5:0.05:0.95,0.9"], ["--recall-at", "1,2,1"], ["--recall-at", "1", "--recall-tiou", "0.3,0.3"]):
    check("stands twice in" in run(["--gt", gt, *bad], stream, 2).stderr, f"{bad}: a number stands twice")
check("stands twice" in run(["--protocol", "segmentation", "--tiou", "0.5,0.5"], called, 2).stderr, "segmentation's, too")
lines = run(everything + ["--format", "tsv"], stream).stdout.splitlines()
check([line.split("\t") for line in lines] == table, "tsv: the same rectangle")
markdown = run(everything + ["--format", "markdown"], stream).stdout
for block in markdown.strip().split("\n\n")[1::2]:
    lines = block.splitlines()
    check(set(lines[1]) <= set("| -") and len({line.count("|") - 2 * line.count("\\|") for line in lines}) == 1, "markdown: a regular table\n" + block[:300])
check("**mean average precision**" in markdown and "| mean |" in markdown, "markdown: the mean")
text = run(everything, stream).stdout
check("coverage.with_record" in text and "parameters_hash" in text and "to 10n" in text, "text: coverage, hash, profile")
partial = json.loads(run(["--gt", gt, "--subset", "validation", "--format", "json"], stream[:5]).stdout)
check({k: partial["coverage"][k] for k in ("videos", "with_record")} == {"videos": 8, "with_record": 5} and partial["videos"] == 8, "coverage: %s" % partial["coverage"])
curves = path("curves.csv")
run(["--gt", gt, "--protocol", "activitynet-proposal", "--curves", curves], stream)
check(len(open(curves).read().splitlines()) == 101 and ",recall@0.9,recall@0.95" in open(curves).readline(), "100 points, plain names")
proposal = json.loads(run(["--gt", gt, "--protocol", "activitynet-proposal", "--format", "json"], stream).stdout)
check(set(proposal["ar_at"]) == {"1", "5", "10", "100"} and 0 < proposal["auc"] < 100, "average recall")
one = save("one.jsonl", [{"video": "v", "duration": 1000, "annotations": [{"segment": [0, 9], "label": "a"}]}])
for place, wanted in ((1, [1, 1, 1, 1]), (2, [0, 1, 1, 1]), (5, [0, 1, 1, 1]), (6, [0, 0, 1, 1]), (10, [0, 0, 1, 1]), (11, [0, 0, 0, 1])):  # of a hundred, one finds it
    hundred = [{"video": "v", "proposals": [{"segment": [0, 9] if k == place else [500, 509 + k], "score": 1 / k} for k in range(1, 101)]}]
    got = json.loads(run(["--gt", one, "--protocol", "activitynet-proposal", "--format", "json"], hundred).stdout)["ar_at"]
    check(got == dict(zip(("1", "5", "10", "100"), wanted)), f"average recall at 1, 5, 10 and 100 with the hit at {place}: {got}")
# Two truths and five proposals, of which the first two find them: by hand, and with points that are half a proposal or two of them apart.
two = save("two.jsonl", [{"video": "v", "duration": 100, "annotations": [{"segment": [0, 1], "label": "a"}, {"segment": [2, 3], "label": "a"}]}])
five = [{"video": "v", "proposals": [{"segment": [2 * k, 2 * k + 1] if k < 2 else [50 + k, 60 + k], "score": 1 - k / 10} for k in range(5)]}]
for most, wanted in ((5, [0.5, 1, None, None]), (10, [0.5, 1, 1, None]), (200, [None, 1, 1, 1])):
    command = ["--gt", two, "--protocol", "activitynet-proposal", "--max-avg-proposals", str(most)]
    got = json.loads(run([*command, "--format", "json"], five).stdout)["ar_at"]
    check(got == dict(zip(("1", "5", "10", "100"), wanted)), f"average recall with at most {most} proposals a video: {got}")
    rows = [line.split() for line in run(command, five).stdout.splitlines() if line.split()[:1] in (["1"], ["5"], ["10"], ["100"])]
    check([row[1] for row in rows] == ["-" if value is None else "%.4f" % value for value in wanted], f"and in the table: {rows}")
thumos = json.loads(run(["--gt", gt, "--protocol", "thumos14-proposal", "--format", "json"], stream).stdout)
check(set(thumos["ar_at"]) == {"50", "100", "200", "500", "1000"}, "thumos14-proposal")
recall = json.loads(run(["--gt", gt, "--protocol", "custom", "--tiou", "0.5", "--recall-at", "1,5", "--format", "json"], stream).stdout)["recall_at"]
check(recall["1"]["recall"][0] <= recall["5"]["recall"][0], "Recall@kx grows")
open(path("bad.txt"), "w").write("v0\n")
dropped = json.loads(run(["--gt", gt, "--exclude", path("bad.txt"), "--format", "json"], stream).stdout)
counted = json.loads(run(["--gt", gt, "--exclude", path("bad.txt"), "--excluded", "count", "--format", "json"], stream).stdout)
with open(path("bad_files.txt"), "w") as file, open(path("bad.txt")) as names:
    file.write("".join(f"/videos/{name.strip()}.MP4\n" for name in names if name.strip()))
by_file = run(["--gt", gt, "--exclude", path("bad_files.txt"), "--format", "json"], stream)
check(json.loads(by_file.stdout)["excluded"] == 1 and "1 name is of files and excludes its video" in by_file.stderr, "a list of files' names excludes their videos")
check(dropped["excluded"] == 1 and dropped["predictions"] == 36 and counted["predictions"] == 40, "excluded predictions")

check("v9" in run(["--gt", gt, "--require-complete"], stream[:9], 1).stderr, "a missing video is named")
run(["--gt", gt, "--fail-under", "0.99"], stream, 1)
run(["--gt", gt, "--fail-under", "0.01"], stream, 0)
run(["--gt", gt, "--subset", "validation", "--fail-under", repr(report["average_map"])], stream, 0)  # equal is not under
failed = run(["--gt", gt, "--protocol", "activitynet-proposal", "--fail-under", "99.5"], stream, 1)
check("--fail-under" in failed.stderr and "auc" in failed.stdout, "the report is printed all the same, the reason is on stderr")
run(["--gt", gt, "--require-complete"], stream, 0)
for wrong, place in (
        ('{"video":"v1","proposals":[{"segment":[3,1],"score":1,"label":"a"}]}', "stdin:2: video 'v1': proposals[0].segment"),
        ('{"video":"v1","proposals":[{"segment":[1,3],"score":NaN,"label":"a"}]}', "stdin:2: video 'v1': proposals[0].score"),
        ('{"video":"v1","proposals":[{"segment":[1,1e999],"score":1,"label":"a"}]}', "stdin:2: video 'v1': proposals[0].segment"),
        ('{"video":"v0","proposals":[]}', "stdin:2: video 'v0': "),
        ('{"video":"v1","proposals":[', "stdin:2: ")):
    done = run(["--gt", gt], [stream[0], wrong], 1)
    check(done.stderr.startswith("tal-eval: error: " + place), done.stderr)
    check(done.stdout == "", "no number after a fault")
# Detections that the ground truth does not know: all are warned of, with both sides and the likely reason; some are noted, unless -q.
def renamed(video=lambda name: name, label=lambda name: name, **members):
    return [{"video": video(r["video"]), **members, "proposals": [{**p, "label": label(p["label"])} for p in r["proposals"]]} for r in stream]


flat = save("flat.jsonl", [{k: v for k, v in r.items() if k != "subset"} for r in truth])
SIDES = "no video of the detections in stdin is in the ground truth: "
for rename, says in (
        ({"video": lambda name: "v_" + name}, SIDES + "'v_v0', 'v_v1', 'v_v2', ... here, 'v0', 'v1', 'v2', ... there; 'v_v0' here seems to be 'v0' there: the prefix v_ (tal-convert --ids)"),
        ({"video": lambda name: "clips/" + name + ".mp4"}, "'clips/v0.mp4' here seems to be 'v0' there: the name of a file"),
        ({"video": str.upper}, "'V0' here seems to be 'v0' there: upper and lower case"),
        ({"video": lambda name: "w" + name[1:] + "x"}, SIDES + "'w0x', 'w1x', 'w2x', ... here, 'v0', 'v1', 'v2', ... there\n"),
        ({"label": str.upper}, "no label of the detections in stdin is in the ground truth: 'A', 'B' here, 'a', 'b' there; 'A' here seems to be 'a' there: upper and lower case"),
        ({"label": lambda name: str(ord(name))}, "here, 'a', 'b' there; numbers of classes need their names (tal-convert --classes)")):
    for quiet in [], ["-q"]:
        done = run(["--gt", flat, *quiet], renamed(**rename))
        check("tal-eval: warning: " in done.stderr and says in done.stderr, f"'{says}' is not in: {done.stderr}")
    other = save("other.jsonl", renamed(**rename))
    done = run(["--gt", flat, "--compare", other], stream)
    check(says.replace("stdin", other) in done.stderr and "stdin" not in done.stderr, f"--compare: {done.stderr}")
part = renamed(video=lambda name: "v_9" if name == "v9" else name, label=lambda name: "c" if name == "b" else name)
done = run(["--gt", flat], part)
check("1 of 10 videos of the detections in stdin is not in the ground truth, such as 'v_9'; 'v_9' here" not in done.stderr and
      "1 of 10 videos of the detections in stdin is not in the ground truth, such as 'v_9'" in done.stderr and
      "1 of 2 labels of the detections in stdin is not in the ground truth, such as 'c'" in done.stderr and "warning" not in done.stderr, done.stderr)
check(run(["--gt", flat, "-q"], part).stderr == "" and run(["--gt", flat], stream).stderr == "", "-q, and nothing unknown")
check("label" not in run(["--gt", flat, "--protocol", "activitynet-proposal"], part).stderr, "labels do not count with proposals")

# The two sides' videos.
done = run(["--gt", flat, "-q"], renamed(duration=102, fps=25))
check("10 videos have another duration in stdin than in the ground truth (video 'v0': 102 s here, 100 s there)" in done.stderr and
      "10 videos have another frame rate in stdin than in the ground truth (video 'v0': 25 here, 10 there)" in done.stderr, done.stderr)
check(run(["--gt", flat], renamed(duration=100.9, fps=10.004)).stderr == "", "rounded facts agree")
done = run(["--gt", flat, "--compare", save("other.jsonl", renamed(duration=90)), "-q"], stream)
check("10 videos have another duration in " + path("other.jsonl") in done.stderr, done.stderr)
late = [{"video": "v1", "proposals": [{"segment": [100, 120], "score": 0.9, "label": "a"}, {"segment": [99, 120], "score": 0.8, "label": "a"}, {"segment": [250, 260], "score": 0.7, "label": "a"}]}]
done = run(["--gt", flat, "-q"], late)
check("2 detections in stdin lie wholly behind their videos' ends (video 'v1': 100 to 120 s of 100 s)" in done.stderr, done.stderr)

check("no video of subset 'testing' (there are 'training', 'validation')" in run(["--gt", gt, "--subset", "testing"], stream, 1).stderr, "the subsets that there are")
check("empty" in run(["--gt", gt, "--subset", "testing"], stream, 1).stderr, "empty ground truth")
for bad in (["--protocol", "activitynet-proposal", "--per-class"], ["--explain"], ["--excluded", "count"], ["--tiou", "2"], ["--protocol", "nonsense"],
            ["--max-avg-proposals", "5"], ["--class-agnostic"]):
    run(["--gt", gt] + bad, stream, 2)

# The threshold of the best F1 by hand: four instances; 0.9 hits, 0.5 hits once and misses twice. At 0.9 F1 = 2 * 1 / (1 + 4), at 0.5
# 2 * 2 / (4 + 4); a threshold between the three of 0.5 is none, in whatever order they come.
four = save("four.jsonl", [{"video": v, "duration": 100, "annotations": [{"segment": [0, 10], "label": "a"}]} for v in "abcd"])
places = {"a": (0.9, [0, 10]), "b": (0.5, [0, 10]), "c": (0.5, [50, 60]), "d": (0.5, [50, 60])}
for order in "abcd", "cdba":
    found = [{"video": v, "proposals": [{"segment": places[v][1], "score": places[v][0], "label": "a"}]} for v in order]
    best = json.loads(run(["--gt", four, "--tiou", "0.5", "--diagnose", "--format", "json"], found).stdout)["diagnosis"]["best_f1"]
    check(best == {"score_threshold": [0.5], "f1": [0.5], "precision": [0.5], "recall": [0.5]}, f"best F1 of equal scores, {order}: {best}")

# An excused detection (0.8, on an Ambiguous segment) is in no curve: the second instance is the second of three, of two that hit.
ambiguous = save("ambiguous.jsonl", [{"video": "v", "duration": 100, "annotations": [
    {"segment": [0, 10], "label": "a"}, {"segment": [20, 30], "label": "Ambiguous"}, {"segment": [40, 50], "label": "a"}]}])
found = [{"video": "v", "proposals": [{"segment": s, "score": score, "label": "a"} for score, s in
                                      ((0.9, [0, 10]), (0.8, [21, 29]), (0.7, [60, 70]), (0.6, [40, 50]))]}]
run(["--gt", ambiguous, "--protocol", "thumos14-official", "--tiou", "0.5", "--curves", curves], found)
rows = [list(map(float, line.split(",")[1:])) for line in open(curves).read().splitlines()[1:]]
check(rows == [[0.5, 0.9, 0.5, 1], [0.5, 0.6, 1, 2 / 3]], f"curves: {rows}")

# Samples of a second by hand. Truth null null a a a a b b null null; above 0.3 the detections say null a a a a null b b b null, and everything a where nothing else
# does at 0.2.
sampled = save("sampled.jsonl", [{"video": "v", "duration": 10, "annotations": [{"segment": [2, 6], "label": "a"}, {"segment": [6, 8], "label": "b"}]}])
found = [{"video": "v", "proposals": [{"segment": s, "score": score, "label": label} for s, score, label in
                                      (([1, 5], 0.9, "a"), ([6, 9], 0.8, "b"), ([0, 10], 0.3, "a"))]}]


def samples(*arguments, stream=found, status=0):
    done = run(["--gt", sampled, "--sample-wise", "1", "--format", "json", *arguments], stream, status)
    return json.loads(done.stdout)["sample_wise"] if status == 0 else done.stderr


by_sample = samples()
check([c["label"] for c in by_sample["classes"]] == [None, "a", "b"], "null comes first, as JSON's null")
check(by_sample["confusion"] == [[2, 1, 1], [1, 3, 0], [0, 0, 2]], "confusion: %s" % by_sample["confusion"])
check(by_sample["accuracy"] == 0.7 and by_sample["detections"] == 2 and by_sample["samples"] == 10, "accuracy: %s" % by_sample)
check(abs(by_sample["mean"]["f1"] - (4 / 7 + 0.75 + 0.8) / 3) < 1e-12 and abs(by_sample["mean_without_null"]["recall"] - 0.875) < 1e-12, "means")
check(samples("--sample-score", "0.29")["confusion"] == [[0, 3, 1], [0, 4, 0], [0, 0, 2]], "a lower score counts, and the best one wins")
check(samples("--sample-score", "0", "--sample-overlap", "lowest")["confusion"] == [[0, 4, 0], [0, 4, 0], [0, 2, 0]], "the last of a sorted list overwrites")
check(samples("--score-above", "0.85", "--sample-score", "0")["detections"] == 1, "--score-above comes first")
open(path("classes.txt"), "w").write("b\nc\na\n")
listed = samples("--sample-classes", path("classes.txt"), "--sample-undefined", "1")
check([(c["label"], c["f1"]) for c in listed["classes"]][2] == ("c", 1) and [c["label"] for c in listed["classes"]] == [None, "b", "c", "a"], "listed classes: %s" % listed["classes"])
open(path("none.txt"), "w").close()
check("none.txt" in samples("--sample-classes", path("none.txt"), status=1), "an empty list of classes is named")
timeless = save("timeless.jsonl", [{"video": "u", "duration": 3, "annotations": []}, {"video": "v", "annotations": [{"segment": [2, 6], "label": "a"}]}])
done = run(["--gt", timeless, "--sample-wise", "1"], found, 1)
check(f"tal-eval: error: {timeless}:2: video 'v': duration: missing" in done.stderr and done.stdout == "", done.stderr)
contested = save("contested.jsonl", [{"video": "v", "duration": 10, "annotations": [{"segment": [0, 6], "label": "a"}, {"segment": [4, 8], "label": "b"}]}])
done = run(["--gt", contested, "--sample-wise", "1"], found)
check("2 samples lie under annotations of several classes" in done.stderr, done.stderr)
for fmt in "csv", "markdown", "text":
    shown = run(["--gt", sampled, "--sample-wise", "1", "--per-class", "--format", fmt], found).stdout
    check("mean without null" in shown and "sample_wise.accuracy" in shown, f"{fmt}: {shown[-400:]}")
for bad, why in ((["--sample-score", "0.5"], "--sample-wise"), (["--sample-wise", "0"], "--sample-wise"), (["--length-bins", "3"], "--diagnose"),
                 (["--diagnose", "--length-bins", "3,3"], "rise"), (["--diagnose", "--coverage-bins", "0.5,2"], "whole video"),
                 (["--diagnose", "--instance-bins", "1.5"], "whole number"), (["--protocol", "activitynet-proposal", "--sample-wise", "1"], "--protocol")):
    check(why in run(["--gt", sampled] + bad, found, 2).stderr, f"{bad} is refused")

# What is not above the score is in no number, of this result and of the other one; the rules say so.
whole = json.loads(run(["--gt", sampled, "--tiou", "0.3", "--format", "json"], found).stdout)
part = json.loads(run(["--gt", sampled, "--tiou", "0.3", "--score-above", "0.3", "--compare", save("found.jsonl", found), "--format", "json"], found).stdout)
check(part["predictions"] == 2 and part["score_filter"] == {"above": 0.3, "left_out": 1} and part["compare"][0]["difference"] == 0, "score filter: %s" % part)
check(part["parameters"]["score_above"] == 0.3 and part["parameters_hash"] != whole["parameters_hash"] and "score_above" not in whole["parameters"], "the hash knows it")
ranges = json.loads(run(["--gt", sampled, "--protocol", "activitynet-proposal", "--length-bins", "3", "--format", "json"], found).stdout)["ar_by_length"]
check([(b["bucket"], b["instances"]) for b in ranges] == [("0-3 s", 1), ("over 3 s", 1)], "recall by length: %s" % ranges)

# Labels are texts of any kind, also in the file of --curves.
odd = ['the "big" one', "a, b", 'x"', " c ", "two\nlines"]
labelled = [{"video": "v", "duration": 100, "annotations": [{"segment": [10 * k, 10 * k + 5], "label": label} for k, label in enumerate(odd)],
             "proposals": [{"segment": [10 * k, 10 * k + 5], "score": 0.5, "label": label} for k, label in enumerate(odd)]}]
run(["--tiou", "0.5", "--curves", curves], labelled)
with open(curves, newline="") as file:
    check(list(csv.reader(file))[1:] == [[label, "0.5", "0.5", "1", "1"] for label in odd], f"labels in curves: {open(curves).read()}")
finish()
