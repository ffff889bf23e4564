#!/usr/bin/env python3
# label: cli bad-input
"""tal-eval's protocols of neighbouring fields as a user calls them: what they read and refuse, several in one call, the page."""
import html.parser
import json
import os
import re
import tempfile

from harness import check, finish, need, tool

need("tal-eval", why="tal-eval is not built")
folder = tempfile.TemporaryDirectory()
path = lambda name: os.path.join(folder.name, name)
lines = lambda records: "".join(json.dumps(r) + "\n" for r in records)


def save(name, records):
    with open(path(name), "w", encoding="utf-8") as out:
        out.write(lines(records))
    return path(name)


def run(protocol, records, *arguments, status=0):
    return tool("tal-eval", "--protocol", protocol, *arguments, data=lines(records), status=status)


def report(protocol, records, *arguments):
    return json.loads(run(protocol, records, "--format", "json", *arguments).stdout)


def refused(protocol, records, words, *arguments, status=1):
    done = run(protocol, records, *arguments, status=status)
    check(words in done.stderr and done.stdout == "", f"{protocol}: {words!r} is not in {done.stderr!r}")


# Ten frames a second: a, then b; found too late, and with a false c behind.
frames = [{"video": "v", "fps": 10, "duration": 3, "annotations": [{"segment": [0, 1], "label": "a"}, {"segment": [1, 2], "label": "b"}],
           "proposals": [{"segment": [0.2, 1], "label": "a"}, {"segment": [1, 2], "label": "b"}, {"segment": [2.5, 3], "label": "c"}]}]
scored = [dict(frames[0], proposals=[dict(p, score=0.9) for p in frames[0]["proposals"]])]
got = report("segmentation", frames)
check(got["score"] == {"name": "f1@50", "value": 80.0} and abs(got["scores"]["accuracy"] - 100 * 23 / 30) < 1e-9, f"segmentation: {got['scores']}")
check(got["source"] == "eval.py of yabufarha/ms-tcn" and got["parameters"]["overlaps"] == [0.1, 0.25, 0.5], "segmentation: source and settings")
check(report("segmentation", frames, "--background", "c")["scores"]["f1@50"] == 100, "--background names other labels")
check(report("segmentation", frames, "--rate", "20")["frames"] == 60, "--rate")
check(report("segmentation", frames, "--tiou", "0.9")["scores"]["f1@90"] == 40, "thresholds of the user's own")
rate_less = [{k: v for k, v in frames[0].items() if k != "fps"}]
refused("segmentation", rate_less, "stdin:1: video 'v': fps: missing")
refused("segmentation", [dict(rate_less[0], fps=10, duration=None)], "duration")
refused("segmentation", frames, "above 0", "--tiou", "0", status=2)
refused("activitynet-detection", frames, "stdin:1: video 'v': proposals[0].score: missing")

# Several protocols: one reading, one table, every number the one that the protocol has by itself.
together = report("segmentation,activitynet-detection,samples", scored)
check([r["protocol"] for r in together["protocols"]] == ["segmentation", "activitynet-detection", "samples"], "several protocols")
for single in together["protocols"]:
    check(report(single["protocol"], scored) == single, f"{single['protocol']} is the same in company")
text = run("segmentation,activitynet-detection,samples", scored).stdout
check(text.startswith("protocols\n") and text.count("\n\n") == 2, f"one table of numbers, one of what was counted, one of settings: {text}")
check(re.search(r"^  segmentation +accuracy +76\.6667$", text, re.M) and re.search(r"^  activitynet-detection +tIoU 0\.9 +", text, re.M), f"the numbers: {text}")
check(report("samples", scored, "--sample-score", "0.95")["scores"]["f1_without_null"] == 0, "an option of one of them")
refused("segmentation,soccernet", scored, "not in one call", status=2)
refused("samples,samples", scored, "twice", status=2)
refused("samples,segmentation", scored, "--fail-under takes one --protocol", "--fail-under", "1", status=2)
check(run("segmentation", frames, "--fail-under", "90", status=1).stderr.count("80 is under") == 1, "--fail-under is of the protocol's score")
boots = report("segmentation", frames, "--bootstrap", "20", "--compare", save("found.jsonl", frames))
check(boots["bootstrap"]["low"] == boots["bootstrap"]["high"] == 80 and boots["compare"][0]["difference"] == 0, "intervals of one video")

# Points in time.
points = [{"video": "v", "annotations": [{"at": 10, "label": "Goal"}, {"at": 100, "label": "Goal", "visibility": "not shown"}],
           "proposals": [{"at": 10.2, "label": "Goal", "score": 0.9}, {"at": 130, "label": "Goal", "score": 0.8}, {"at": 5, "label": "Corner", "score": 0.7}]}]
got = report("soccernet", points)
check(abs(got["scores"]["at1_map"] * 17 - 6 / 11) < 1e-12 and got["scores"]["at1_map_visible"] * 17 == 1, f"soccernet: {got['scores']}")
with open(path("classes.txt"), "w", encoding="utf-8") as out:
    out.write("Goal\nCorner\n")
got = report("soccernet", points, "--classes", path("classes.txt"))
check(abs(got["scores"]["at1_map"] * 2 - 6 / 11) < 1e-12 and got["parameters"]["unshown_factor"] == 1, f"other classes: {got['scores']}")
refused("activitynet-detection", points, "annotations[0].at: a point in time has no length")
refused("soccernet", [dict(points[0], annotations=[{"segment": [1, 2], "label": "Goal"}])], "annotations[0].at: missing")
refused("soccernet", [dict(points[0], annotations=[{"at": "1", "label": "Goal"}])], "annotations[0].at: '\"1\"' is not a finite number")
refused("soccernet", [dict(points[0], annotations=[{"at": 1, "label": "goal"}])], "stdin:1: video 'v': annotations[0].label: 'goal' is none")
refused("soccernet", points, "no effect", "--tiou", "0.5", status=2)

sounds = [{"video": "v", "duration": 10, "annotations": [{"segment": [0, 1], "label": "dog"}, {"segment": [5, 9], "label": "rain"}],
           "proposals": [{"segment": [0.1, 1.1], "label": "dog", "score": 0.9}, {"segment": [5, 6], "label": "rain", "score": 0.2}]}]
got = report("sound-events", sounds)
check(got["scores"]["event_f1_macro"] == 0.5 and set(got["scores"]) >= {"psds1", "psds2", "segment_f1_micro"}, f"sound-events: {got['scores']}")
check(len(got["psds"][0]["operating_points"]) == 50, "50 thresholds")
check(report("sound-events", sounds, "--onset-only")["scores"]["event_f1_macro"] == 1, "--onset-only")
other = save("at0.9.jsonl", [dict(sounds[0], proposals=sounds[0]["proposals"][:1])])
got = report("sound-events", sounds, "--operating-point", other, "--psds", "0.5,0.5,0.3,0,0,100")["psds"]
check(len(got) == 1 and [p["source"] for p in got[0]["operating_points"]] == ["the stream", other] and got[0]["classes"] == ["dog", "rain"], f"--operating-point: {got}")
names = [p["source"] for p in report("sound-events", sounds)["psds"][0]["operating_points"]]
check(names[:4] == ["score > 0.01", "score > 0.03", "score > 0.05", "score > 0.07"] and max(map(len, names)) == 12, f"thresholds are told as they are meant: {names}")
# One threshold is one operating point: above it 1 of 2 dogs and 1 of 1 cat are found, whose mean less standard deviation is 0.75 - 0.25. Below all scores, everything is found.
heard = [{"video": v, "duration": 10, "annotations": [{"segment": s, "label": c} for s, _ in found], "proposals": [{"segment": s, "label": c, "score": p} for s, p in found]}
         for v, c, found in (("a", "dog", (([1, 2], 0.5), ([5, 6], 0.01))), ("b", "cat", (([5, 6], 0.5),)))]
for thresholds, want in (("0.05", 0.5), ("0.05,0.005", 1)):
    got = report("sound-events", heard, "--score-thresholds", thresholds)
    check(got["scores"]["psds1"] == want and got["psds"][0]["f1_macro"] == 1, f"--score-thresholds {thresholds}: {got['scores']}; F1 is that of the stream")
got = report("sound-events", [dict(record, proposals=[]) for record in heard])
check(got["scores"]["event_f1_macro"] is None and got["event_based_macro"]["f1"] is None, f"0/0 is null in the summary as in the table under it: {got['scores']}")
refused("sound-events", sounds, "six numbers", "--psds", "0.5,0.5", status=2)

# What psds_eval 0.5.3 itself gave for this, and 0.3.0.
heard = [{"video": "v", "duration": 900, "annotations": [{"segment": s, "label": c} for s, c in (([0, 10], "a"), ([20, 30], "a"), ([100, 130], "b"), ([200, 230], "c"))],
          "proposals": [{"segment": s, "label": c, "score": p} for s, c, p in (([0, 9], "a", 0.9), ([20, 29], "b", 0.8), ([105, 130], "b", 0.7), ([205, 230], "a", 0.6), ([206, 229], "c", 0.5), ([400, 410], "a", 0.4))]}]
psds = lambda version, records=heard, status=0: run("sound-events", records, "--format", "json", "--psds", "0.5,0.5,0.3,0.7,0.2,800", "--score-thresholds", "0.45,0.55,0.65,0.75", *(["--psds-version", version] if version else []), status=status)
by_version = {version: json.loads(psds(version).stdout) for version in (None, "0.3.0", "0.5.3")}
WANT = {"0.3.0": 0.7650419352417777, "0.5.3": 0.7553860685839188}
for version, want in WANT.items():
    check(abs(by_version[version]["scores"]["psds"] - want) < 1e-12, f"PSDS of {version}: {by_version[version]['scores']}, psds_eval: {want}")
    check(by_version[version]["source"] == f"sed_eval 0.2.1 and psds_eval {version}" and by_version[version]["parameters"]["psds_eval"] == version, "the version is named")
check(by_version[None] == by_version["0.3.0"] and by_version["0.3.0"]["parameters_hash"] != by_version["0.5.3"]["parameters_hash"], "0.3.0 is the default; the hash knows the other")
single = [dict(heard[0], annotations=heard[0]["annotations"][:2])]
done = psds("0.5.3", single)
check(json.loads(done.stdout)["scores"]["psds"] is None and "fewer than two classes" in done.stderr and json.loads(psds("0.3.0", single).stdout)["scores"]["psds"] > 0, f"one class: {done.stderr}")
crossing = [dict(heard[0], annotations=heard[0]["annotations"] + [{"segment": [5, 15], "label": "a"}, {"segment": [0, 10], "label": "a"}], proposals=heard[0]["proposals"] + [{"segment": [28, 40], "label": "b", "score": 1}])]
check("refuses events that overlap one of their class: 1 of the ground truth, 1 of the detections" in psds("0.5.3", crossing).stderr and psds("0.3.0", crossing).stderr == "", f"overlaps: {psds('0.5.3', crossing).stderr}")
check(psds("0.5.3").stderr == "", "nothing to warn of")
for fmt in "text", "markdown", "csv":
    check("psds_eval" in run("sound-events", heard, "--psds-version", "0.5.3", "--format", fmt).stdout, f"{fmt}: the settings")
run("sound-events", single, "--psds-version", "0.5.3", "--html", path("one.html"))
refused("segmentation", frames, "no effect", "--psds-version", "0.5.3", status=2)
refused("sound-events", sounds, "not between 0 and 1", "--psds", "0.5,2,0,0,0,100", status=2)
refused("sound-events", sounds, "no effect", "--operating-point", other, "--score-thresholds", "0.5", status=2)
refused("sound-events", [{k: v for k, v in sounds[0].items() if k != "duration"}], "duration: missing")

kitchen = [{"video": "v", "annotations": [{"segment": [0, 10], "label": "0,2"}], "proposals": [{"segment": [0, 9], "label": "0,3", "score": 0.5}]}]
check(report("epic", kitchen)["scores"] == {"verb_map": 1, "noun_map": 0, "action_map": 0}, "epic: the verb is right")
refused("epic", [dict(kitchen[0], proposals=[{"segment": [0, 9], "label": "take", "score": 0.5}])], "video 'v': proposals[0].label: 'take' is no action")
refused("epic", [dict(kitchen[0], proposals=[{"segment": [0, 9], "label": "take", "score": 0.5}])], "with --columns label=action makes them")
refused("epic", [dict(kitchen[0], proposals=[{"segment": [0, 9], "label": "14", "score": 0.5}])], "'14' is no action")

charades = [{"video": "v", "duration": 25, "annotations": [{"segment": [1, 2], "label": "c000"}], "proposals": [{"at": 1, "score": 0.9, "label": "c000"}, {"segment": [0, 3], "score": 0.5, "label": "c000"}]}]
got = report("charades", charades)
check(abs(got["scores"]["map"] - (1 + 2 / 3) / 2) < 1e-12, f"charades: {got['scores']}")
check(got["scores"]["map_as_written"] is None and len(got["classes"]) == 157, "charades: classes without positives")
refused("charades", [dict(charades[0], proposals=[{"at": 1.5, "score": 1, "label": "c000"}])], "none of the 25 points")
refused("charades", [dict(charades[0], annotations=[{"segment": [0, 1], "label": "x"}])], "annotations[0].label: 'x' is none")

twice = [{"video": "v", "duration": 100, "annotations": [{"segment": [0, 10], "label": "a"}] * 2 + [{"segment": [90, 110], "label": "a"}],
          "proposals": [{"segment": [0, 10], "label": "a", "score": s} for s in (0.9, 0.8)]}]
got = report("multithumos", twice)
check(got["instances"] == 2 and got["merged"] == 1 and got["recall_at"]["1"]["recall"][0] == 0.5, f"multithumos: {got['instances']}")
coverage = got["coverage"]
check([coverage[k] for k in ("duplicate_instances", "duplicate_predictions", "instances_outside", "predictions_outside")] == [1, 1, 1, 0], f"coverage: {coverage}")
got = report("ego4d-mq", twice)
check(got["recall_tiou"] == [0.3, 0.5, 0.7] and list(got["recall_at"]) == ["1", "2", "3", "4", "5"] and got["parameters"]["recall_rank"] == "order of the input, tIoU > threshold", "ego4d-mq: its recall")
check(report("ego4d-mq", twice, "--recall-at", "1", "--recall-tiou", "0.5")["recall_tiou"] == [0.5], "--recall-tiou")
check(report("thumos14-detad", twice)["score"]["name"] == "average_map_n", "DETAD's score has its name")


class Page(html.parser.HTMLParser):
    """Tags that are closed, nothing from elsewhere."""

    def __init__(self):
        super().__init__()
        self.open, self.outside, self.text = [], [], ""

    def handle_starttag(self, tag, attributes):
        if tag not in ("meta", "line", "polyline", "polygon", "rect"):
            self.open.append(tag)
        self.outside += [value for name, value in attributes if name in ("src", "href")]

    def handle_endtag(self, tag):
        if tag in self.open:
            check(self.open.pop() == tag, f"html: </{tag}> closes another tag")

    def handle_data(self, data):
        self.text += data


for protocol, records, words in (("activitynet-detection", [dict(scored[0], video="<v>")], ("Classes", "mAP by threshold", "Precision by recall", "Kinds of detections", "Coverage and counts", "equal scores in another order")),
                                 ("activitynet-proposal", scored, ("Average recall by average number",)), ("segmentation", frames, ("Settings", "f1@50")), ("samples", scored, ("Classes",)),
                                 ("sound-events", [dict(sounds[0], proposals=sounds[0]["proposals"] + [{"segment": [2, 3], "label": "dog"}])], ("PSD-ROC",)), ("soccernet", points, ("Classes",))):
    run(protocol, records, "--html", path("page.html"), "--bootstrap", "10")
    page = Page()
    with open(path("page.html"), encoding="utf-8") as file:
        content = file.read()
    page.feed(content)
    check(page.open == [] and page.outside == [] and "http" not in content and "<script" not in content, f"{protocol}: the page stands by itself: {page.open} {page.outside}")
    check("width=device-width" in content and "prefers-color-scheme:dark" in content, f"{protocol}: phones and dark")
    for word in words:
        check(word in page.text, f"{protocol}: the page lacks {word!r}")
    check("nan" not in content.lower().replace("nano", ""), f"{protocol}: numbers that are none")
refused("segmentation,samples", frames, "--html takes one --protocol", "--html", path("page.html"), status=2)
finish()
