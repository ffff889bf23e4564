#!/usr/bin/env python3
# label: cli
"""tal-convert --to: nothing is lost. Values that a stage changed, in every format; windows and videos that come twice; subtitles and ELAN."""
import csv
import io
import json
import os
import re
import struct
import tempfile
import xml.dom.minidom

from harness import check, finish, tool

folder = tempfile.TemporaryDirectory()
os.chdir(folder.name)


def convert(to, records, *arguments, status=0):
    text = records if isinstance(records, str) else "".join(json.dumps(r) + "\n" for r in records)
    return tool("tal-convert", "--from", "tal", "--to", to, *arguments, data=text, status=status)


def same(got, wanted, what):
    return check(got == wanted, f"{what}: {got!r}, not {wanted!r}")


# What a stage changed is what every format writes: greedy reorders, gaussian lowers the second score by exp(-tIoU^2 / 0.5)
source = {"video": "v", "duration": 40.25, "subset": "val, \"x\"", "proposals": [
    {"segment": [2, 6.5], "score": 0.25, "label": "b, c"}, {"segment": [0.1, 4.123456789], "score": 0.875, "label": "a \"q\""}, {"segment": [30, 31], "score": 0.5, "label": "a \"q\""}]}
piped = tool("tal-nms", "--method", "gaussian", "--class-agnostic", "--min-score", "0", "--no-history", data=json.dumps(source) + "\n").stdout
changed = json.loads(piped)["proposals"]
wanted = [(p["segment"][0], p["segment"][1], p["label"], p["score"]) for p in changed]
check(changed[0]["score"] == 0.875 and changed[2]["score"] < 0.25, f"the stage changed nothing: {piped}")
same(json.loads(convert("activitynet-results", piped).stdout)["results"]["v"], changed, "activitynet-results")
for to, separator in (("csv", ","), ("tsv", "\t")):
    table = list(csv.DictReader(io.StringIO(convert(to, piped).stdout), delimiter=separator))
    same([(float(r["start"]), float(r["end"]), r["label"], float(r["score"])) for r in table], wanted, to)
    same({(r["video"], r["duration"], r["subset"]) for r in table}, {("v", "40.25", 'val, "x"')}, to)
    with open("back." + to, "w") as file:
        file.write(convert(to, piped).stdout)
    back = tool("tal-convert", "--from", "detections-csv", "--no-history", "back." + to)
    same({**json.loads(back.stdout)}, {"video": "v", "duration": 40.25, "subset": 'val, "x"', "proposals": changed}, f"{to} and back")
with open("classes.txt", "w") as file:
    file.write('3,"a ""q"""\n4,"b, c"\n')
for offset in (0, 2):
    lines = convert("thumos14-results", piped, "--classes", "classes.txt", *(("--class-offset", str(offset)) if offset else ())).stdout.splitlines()
    same([line.split() for line in lines], [["v", repr(s).removesuffix(".0"), repr(e).removesuffix(".0"), str((3 if "q" in label else 4) - offset), repr(score)] for s, e, label, score in wanted],
         "thumos14-results")
numbered = [{**source, "proposals": [{"segment": [0, 1], "score": 1, "label": "7"}]}]
same(convert("thumos14-results", numbered).stdout, "v 0 1 7 1\n", "a class number")
same(convert("thumos14-results", numbered, "--class-offset", "2").stdout, "v 0 1 5 1\n", "a class number with --class-offset")
for label in ("7m", "-7", "", "high jump"):
    check(f"proposals[0].label: '{label}' has no number; give --classes FILE" in
          convert("thumos14-results", [{"video": "v", "proposals": [{"segment": [0, 1], "score": 1, "label": label}]}], status=1).stderr, f"label '{label}' without --classes")
unlabelled = {**json.loads(piped), "proposals": [{k: v for k, v in p.items() if k != "label"} for p in changed]}
lines = list(csv.DictReader(io.StringIO(convert("bsn-proposals", [unlabelled]).stdout)))
same([(float(r["xmin"]) * 40.25, float(r["xmax"]) * 40.25, float(r["score"])) for r in lines],
     [(s / 40.25 * 40.25, e / 40.25 * 40.25, score) for s, e, _, score in wanted], "bsn-proposals")

# Subtitles and ELAN: times to the millisecond, rounded; scores of three digits
marks = sorted((round(s * 1000), round(e * 1000), label, score) for s, e, label, score in wanted)
clock = lambda ms, dot: f"{ms // 3600000:02}:{ms // 60000 % 60:02}:{ms // 1000 % 60:02}{dot}{ms % 1000:03}"
for to, dot in (("webvtt", "."), ("srt", ",")):
    cues = re.findall(r"(\S+) --> (\S+)\n(.*)\n", convert(to, piped).stdout)
    same(cues, [(clock(s, dot), clock(e, dot), f"{label} {float(f'{score:.3g}'):g}") for s, e, label, score in marks], to)


def elan(records, *arguments):
    document = xml.dom.minidom.parseString(convert("elan", records, *arguments).stdout)
    slots = {s.getAttribute("TIME_SLOT_ID"): int(s.getAttribute("TIME_VALUE")) for s in document.getElementsByTagName("TIME_SLOT")}
    tiers = []
    for tier in document.getElementsByTagName("TIER"):
        tiers.append([(slots[a.getAttribute("TIME_SLOT_REF1")], slots[a.getAttribute("TIME_SLOT_REF2")], a.getElementsByTagName("ANNOTATION_VALUE")[0].firstChild.data)
                      for a in tier.getElementsByTagName("ALIGNABLE_ANNOTATION")])
    return tiers


got = elan(piped)
same(sorted(sum(got, [])), [(s, e, f"{label} {score:.3g}") for s, e, label, score in marks], "elan")
for tier in got:
    check(all(a[1] <= b[0] for a, b in zip(tier, tier[1:])), f"annotations of one tier overlap: {tier}")
points = {"video": "v", "annotations": [{"segment": [1, 1], "label": "p"}, {"segment": [1, 1.0001], "label": "q"}, {"segment": [1.001, 2], "label": "r"}, {"segment": [2.9996, 3.0004], "label": "s"}]}
same(elan([points]), [[(1000, 1001, "p"), (1001, 2000, "r"), (3000, 3001, "s")], [(1000, 1001, "q")]], "elan of points")
odd = "a\ufffe\uffff\x01<&>\"'\nz --> y"
same(elan([{"video": "v", "path": "a\ufffe&.mp4", "annotations": [{"segment": [0, 1], "label": odd}]}]), [[(0, 1000, "a\ufffd\ufffd\ufffd<&>\"'\nz --> y")]], "elan's characters")
same(convert("webvtt", [{"video": "v", "annotations": [{"segment": [0, 1], "label": odd + "\r\n\0\t"}]}]).stdout.encode(),
     "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\na\ufffe\uffff &lt;&amp;&gt;\"'\nz --&gt; y    \n".encode(), "webvtt's characters")
same(convert("srt", [{"video": "v", "annotations": [{"segment": [0, 1], "label": odd}]}]).stdout, "1\n00:00:00,000 --> 00:00:01,000\na\ufffe\uffff (&)\"'\nz --) y\n\n", "srt's characters")
small = [{"video": "v", "proposals": [{"segment": [i, i + 1], "score": s, "label": "x"} for i, s in enumerate((0.123456789012345, 1e-9, 1234567.875, -3.14159, 1))]}]
same(re.findall("x (.*)\n", convert("webvtt", small).stdout), ["0.123", "1e-09", "1234568", "-3.14", "1"], "scores of subtitles")

# Which proposals: from a score on, and the highest ones, in the order of the input
five = {"video": "v", "proposals": [{"segment": [i, i + 1], "score": s, "label": str(i)} for i, s in enumerate((0.5, 0.9, 0.5, -1, 0.7))]}
for options, kept in (((), "01234"), (("--min-score", "0.5"), "0124"), (("--top-k", "2"), "14"), (("--top-k", "3"), "014"), (("--top-k", "2", "--min-score", "0.8"), "1"), (("--top-k", "0"), "01234")):
    for to, labels in (("webvtt", r"(\d) -?[\d.]+\n"), ("srt", r"\n(\d) -?[\d.]+\n"), ("elan", r"ANNOTATION_VALUE>(\d) "), ("csv", r"\d,\d,(\d),"), ("tsv", r"\d\t\d\t(\d)\t"),
                       ("thumos14-results", r"v \d \d (\d) ")):
        out = convert(to, [five], *options).stdout
        same("".join(sorted(re.findall(labels, out))), kept, f"{to} {options}")
without = {"video": "v", "proposals": [{"segment": [0, 1], "score": 1}, {"segment": [0, 1]}]}
check("v': proposals[1].score: missing" in convert("webvtt", [without], "--top-k", "1", status=1).stderr, "--top-k without a score")
for arguments in (("activitynet-results", "--top-k", "1"), ("csv", "--min-score", "0", "--segments", "annotations"), ("tal", "--min-score", "0"), ("webvtt", "--top-k", "-1")):
    convert(arguments[0], [five], *arguments[1:], status=2)

# A video comes once
twice = [{"video": "v", "duration": 9, "annotations": [{"segment": [0, 1], "label": "1"}], "proposals": [{"segment": [0, 1], "score": 0.5, "label": "1"}]}] * 2
for to in ("activitynet-results", "activitynet-gt", "thumos14-results", "csv", "tsv", "webvtt", "srt", "elan"):
    check("stdin:2: video 'v': video: the video stands in the stream twice" in convert(to, twice, status=1).stderr, f"{to}: a video twice")
check("twice" in convert("bsn-proposals", [{**twice[0], "proposals": [{"segment": [0, 1], "score": 0.5}]}] * 2, status=1).stderr, "bsn-proposals: a video twice")
os.mkdir("documents")
check("twice" in convert("webvtt", twice, "-o", "documents/", status=1).stderr, "a folder: a video twice")
for to in ("activitynet-results", "csv"):  # what is skipped leaves nothing behind
    out = convert(to, [{"video": "u", "proposals": [{"segment": [2, 1], "score": 1}]}] + twice[:1], "--on-error", "skip", status=1).stdout
    same(out, convert(to, twice[:1]).stdout, f"{to} after a bad record")

# Windows of a live stream are one video; as lines they follow each other
window = lambda k, video="v": {"video": video, "window": {"index": k, "start": 4.0 * k, "end": 4.0 * k + 4, "final": False},
                               "proposals": [{"segment": [4 * k, 4 * k + 1], "score": 0.5, "label": str(k)}] if k != 1 else []}
stream = [window(0), window(0, "w"), window(1), window(2)]
results = json.loads(convert("activitynet-results", stream).stdout, object_pairs_hook=lambda pairs: check(len(dict(pairs)) == len(pairs), f"a key twice: {pairs}") and dict(pairs))["results"]
same(results, {"v": window(0)["proposals"] + window(2)["proposals"], "w": window(0, "w")["proposals"]}, "windows in results")
same(len(convert("csv", stream).stdout.splitlines()), 4, "windows in csv")
same(convert("csv", stream).stderr, "", "all windows are there")
gaps = [window(0), window(2), window(3), window(1, "w"), window(0, "x")]
for to in ("activitynet-results", "csv"):
    said = convert(to, gaps).stderr
    check("2 videos have gaps between the windows, of which nothing is here: v (window 1 is missing) and others" in said, f"{to}: missing windows: {said}")
same(convert("csv", [window(1), window(0), window(2)]).stderr, "", "windows in another order")
check("the window stands in the stream twice" in convert("activitynet-results", [window(0), window(0)], status=1).stderr, "a window twice")
check("whole and as windows" in convert("csv", [window(0), twice[0]], status=1).stderr, "a video whole and as windows")
check("window" in convert("csv", [{**window(0), "window": 3}], status=1).stderr, "a window that is none")
for to in ("activitynet-gt", "webvtt", "srt", "elan", "bsn-proposals"):
    check("one window of a live stream" in convert(to, [{**window(0), "annotations": []}], status=1).stderr, f"{to}: a window")
same(len(convert("tal", stream).stdout.splitlines()), 4, "windows in records")

# What the tables' reader knows of a video comes back.
for rate, text, back in ((25, "25", 25), ([30000, 1001], "30000/1001", 30000 / 1001)):
    facts = {"video": "v", "duration": 9, "fps": rate, "frames": 225, "subset": "test", "annotations": [{"segment": [0, 1], "label": "a"}]}
    for to in ("csv", "tsv"):
        done = convert(to, [facts])
        check(re.split("[,\t]", done.stdout.splitlines()[1])[7:9] == [text, "225"], f"{to}: the rate: {done.stdout}")
        same(json.loads(tool("tal-convert", "--from", "segments-csv", "--no-history", data=done.stdout).stdout), {**facts, "fps": back}, f"{to} with a rate and back")

# Characters that a format does not hold are counted; a carriage return is one that XML holds.
labelled = lambda label: [{"video": "v", "annotations": [{"segment": [0, 1], "label": label}]}]
check("a&#13;&#10;b" in convert("elan", labelled("a\r\nb")).stdout and convert("elan", labelled("a\r\nb\ufffd")).stderr == "", "elan: a carriage return")
for to, label, says in (("elan", "a\x01b", "1 video has labels with control characters, which XML forbids: U+FFFD stands in their place: v"), ("elan", "a\x85b", "1 video has labels with"), ("webvtt", "a\n\nb", "1 video has labels with blank lines or control characters, which are blanks in the cues: v"),
                        ("srt", "a\x7fb", "1 video has labels with blank lines")):
    check(says in convert(to, labelled(label)).stderr, f"{to}: {label!r} is counted")

# What a format cannot hold is said or refused
check("2 videos have no segment to write, and so no line: a, b" in convert("csv", [{"video": "a", "annotations": []}, {"video": "b"}, twice[0]]).stderr, "videos without a line")
check("annotations: missing" in convert("activitynet-gt", [{"video": "v", "proposals": []}], status=1).stderr, "ground truth without annotations")
check("proposals[1].score: missing" in convert("activitynet-results", [without], status=1).stderr, "results without a score")
check("proposals[1].score: missing" in convert("bsn-proposals", [{**without, "duration": 2}], status=1).stderr, "BSN's proposals, some without a score")
check("proposals[0].segment" in convert("webvtt", [{"video": "v", "proposals": [{"segment": [-1, 1]}]}], status=1).stderr, "a time before 0")
for to, absent in (("csv", "line"), ("webvtt", "cue"), ("srt", "cue"), ("elan", "tier")):
    check(f"1 video has no segment to write, and so no {absent}: v" in convert(to, [{"video": "v"}], "--segments", "proposals").stderr, f"{to}: a video without a segment")
    got = convert(to, [{"video": "v", "annotations": [{"segment": [0, 1], "label": "1"}]}], "--min-score", "0.5").stderr
    check("1 video has annotations and no proposals: --min-score and --top-k leave out none of them: v" in got, f"{to}: --min-score of annotations: {got}")
    check("--min-score" not in convert(to, twice[:1], "--min-score", "0.5").stderr, f"{to}: --min-score of proposals")
labelled = {"video": "v", "duration": 2, "proposals": [{"segment": [0, 1], "score": 1, "label": "a"}]}
check("1 video has labels, which this format does not hold: v" in convert("bsn-proposals", [labelled]).stderr, "BSN's proposals with labels")
check("proposals[0].label: '7' gets the number -1: --class-offset 8 is too high" in convert("thumos14-results", numbered, "--class-offset", "8", status=1).stderr, "a class below 0")
for to, key in (("activitynet-results", "results"), ("activitynet-gt", "database")):
    full = lambda beside: [{"video": "v", "annotations": [], "proposals": [], "activitynet": beside}]
    same(json.loads(convert(to, full({"video": 1, "x": [0.1, None]})).stdout), {key: json.loads(convert(to, full({})).stdout)[key], "video": 1, "x": [0.1, None]}, f"{to}: members beside the videos")
    same(json.loads(convert(to, full({})).stdout)["version"], "VERSION 1.3", f"{to}: nothing beside the videos")
    check(f"stdin:1: video 'v': activitynet: has a member '{key}'" in convert(to, full({key: {}}), status=1).stderr, f"{to}: the videos' key beside them")
    check("stdin:1: video 'v': activitynet: must be an object" in convert(to, full([1]), status=1).stderr, f"{to}: no object beside the videos")
beside = lambda taxonomy: json.dumps({"version": "X", "taxonomy": taxonomy, "database": {"v%d" % taxonomy: {"subset": "s%d" % taxonomy, "annotations": []}, "w%d" % taxonomy: {"subset": "t", "annotations": []}}})
for n in (1, 2):
    with open(f"gt{n}.json", "w") as file:
        file.write(beside(n))
back = json.loads(tool("tal-convert", "--from", "activitynet-gt", "--to", "activitynet-gt", "--subset", "t", "gt1.json").stdout)
same((back["version"], back["taxonomy"], list(back["database"])), ("X", 1, ["w1"]), "what stands beside the videos stays when the first one goes")
renamed = tool("tal-convert", "--from", "activitynet-gt", "--to", "activitynet-gt", "--dataset-version", "Y", "gt1.json").stdout
check(renamed.count('"version"') == 1 and json.loads(renamed)["version"] == "Y", f"one version: {renamed}")
check("activitynet: differs" in tool("tal-convert", "--from", "activitynet-gt", "--to", "activitynet-gt", "gt1.json", "gt2.json", status=1).stderr, "two files' own members")
same(json.loads(convert("activitynet-results", twice[:1], "--dataset-version", "Y").stdout)["version"], "Y", "--dataset-version")

# Our own tables: what a record says comes back, and nothing is guessed.
def tables_back(records, *options, reader="auto"):
    for to in ("csv", "tsv"):
        with open("own." + to, "wb") as file:
            file.write(convert(to, records).stdout.encode())
        yield to, [json.loads(line) for line in tool("tal-convert", "--from", reader, "--no-history", *options, "own." + to).stdout.splitlines()]


ends = {"video": "v", "duration": 10, "annotations": [{"segment": [1, 12], "label": "past"}, {"segment": [3, 4], "label": "null"}, {"segment": [3, 4], "label": "a", "tier": "NA", "subject": "x, y"}, {"segment": [3, 4], "label": "a", "subject": "None"}, {"segment": [0, 10]}]}
for to, got in tables_back([ends]):
    same(got, [ends], f"{to}: ends behind the duration, words for missing values, tier and subject")
lengths = {"video": "v", "duration": 4, "annotations": [{"segment": [0, 4], "label": "x"}, {"segment": [5, 9], "label": "y"}]}
for to, got in tables_back([lengths]):
    same(got, [lengths], f"{to}: a duration that is the length of every segment")
mixed = [{"video": "a", "annotations": [{"segment": [0, 1], "label": "x"}]}, {"video": "b", "proposals": [{"segment": [0, 1], "score": -0.5, "label": "x"}]}]
for to, got in tables_back(mixed):
    same(got, mixed, f"{to}: annotations and detections")
for to, got in tables_back(mixed[:1]):
    same(got, mixed[:1], f"{to}: annotations are recognised")
for to, got in tables_back(mixed[1:], reader="segments-csv"):
    same(got[0]["annotations"], [{"segment": [0, 1], "label": "x"}], f"{to}: detections read as annotations, where that is asked for")
named = {"video": "a/b.mp4", "annotations": [{"segment": [0, 1], "label": "x"}]}
for to, got in tables_back([named]):
    same(got, [named], f"{to}: an id like a path")
for to, got in tables_back([named], "--id-folders", "1"):
    same(got[0]["video"], "a_b", f"{to}: an id that is said to be a path")
check("1 video has proposals without a score, which a reader of the table takes for annotations: v" in convert("csv", [{"video": "v", "proposals": [{"segment": [0, 1]}]}]).stderr, "proposals without a score")
old = "video,start,end,label,score,duration,subset,fps,frames\na/b,0,12,x,,10,,,\n"
same(json.loads(tool("tal-convert", "--no-history", data=old).stdout), {"video": "a/b", "duration": 10, "annotations": [{"segment": [0, 12], "label": "x"}]}, "a table of an earlier version")
# Without quotes, or under another header, it is what R and pandas write for a missing value, and the id a path.
for text, reader, video in (("video,start,end,label,score,duration,subset,fps,frames,tier,subject\na/v,0,1,NA,,,,,,,\n", "segments-csv", "a/v"), ('video,start,end,label\na/v,0,1,"NA"\n', "segments-csv", "v")):
    with open("missing.csv", "w") as file:
        file.write(text)
    check(f"missing.csv:2: video '{video}': label: 'NA' is what R and pandas write" in tool("tal-convert", "--from", reader, "missing.csv", status=1).stderr, f"a missing label: {text}")

# What a format does not hold is said once, with the videos.
members = {"video": "v", "fps": 4, "duration": 10, "annotations": [{"segment": [0, 1], "label": "x", "tier": "t", "subject": "s"}, {"segment": [2, 3], "label": "x", "tier": "t", "z": 1}]}
for to, absent in (("csv", "z"), ("tsv", "z"), ("webvtt", "subject, tier, z"), ("srt", "subject, tier, z"), ("elan", "z"), ("label-studio", "subject, z"), ("audacity", "subject, tier, z"), ("textgrid", "subject, z"), ("via", "subject, z"),
                   ("via-csv", "subject, z"), ("dcase", "subject, tier, z"), ("raven", "subject, tier, z"), ("rttm", "subject, tier, z"), ("frame-labels", "subject, tier, z")):
    got = convert(to, [members], *(("--background", "b") if to == "frame-labels" else ())).stderr
    check(got.count(f"1 video has members of segments that this format does not hold ({absent}): v") == 1, f"{to}: members: {got}")
check("does not hold" not in convert("csv", [{**members, "annotations": members["annotations"][:1]}]).stderr, "csv holds tier and subject")
scored = {"video": "v", "fps": 4, "duration": 10, "proposals": [{"segment": [0, 1], "score": 0.5, "label": "x"}]}
for to in ("via", "via-csv", "dcase"):
    check("1 video has scores, which this format does not hold: v" in convert(to, [scored]).stderr, f"{to}: scores")
for to in ("csv", "label-studio", "raven", "rttm", "audacity"):
    said = convert(to, [scored]).stderr
    check("scores, which this" not in said and ("three digits" in said) == (to == "audacity"), f"{to}: scores are held: {said!r}")
    holds_facts = to in ("csv", "label-studio")
    check(("1 video has members that this format does not hold (duration, fps): v" in said) != holds_facts, f"{to}: facts of the video: {said!r}")

# Times that a format rounds are said, and no others.
for to, rate, coarse, fine in (("label-studio", 4, [0.25, 1.5], [0.3, 1.5]), ("frame-labels", 4, [0.25, 1.5], [0.25, 1.6]), ("label-studio", 29.97, [0, 100 / 29.97], [0, 3.34])):
    for segment, rounded in ((coarse, False), (fine, True)):
        got = convert(to, [{"video": "v", "fps": rate, "frames": 200, "annotations": [{"segment": segment, "label": "x"}]}], *(("--background", "b") if to == "frame-labels" else ())).stderr
        check(("1 video has times between two frames, which" in got) == rounded, f"{to} at {rate}: {segment}: {got}")
touching = [{"video": "v", "fps": 4, "frames": 8, "annotations": [{"segment": [0, 1], "label": "x"}, {"segment": [1, 2], "label": y}]} for y in ("x", "y")]
check("1 video has segments of one label that touch each other, and are one in these files: v" in convert("frame-labels", touching[:1]).stderr, "frame-labels: segments that touch")
check("touch" not in convert("frame-labels", touching[1:]).stderr, "frame-labels: labels change where they touch")
for label in ("b", " x"):
    check("stdin:1: video 'v': annotations[0].label: " in convert("frame-labels", [{"video": "v", "fps": 4, "frames": 8, "annotations": [{"segment": [0, 1], "label": label}]}], "--background", "b", status=1).stderr, f"frame-labels: {label!r}")
for to, game, rate, at, rounded in (("spotting-json", "v", 4, 0.25, False), ("spotting-json", "v", 4, 0.3, True), ("soccernet", "G/1", 4, 0.3, False), ("soccernet", "G/1", 4, 0.30002, True)):
    got = convert(to, [{"video": game, "fps": rate, "annotations": [{"at": at, "label": "x"}]}]).stderr
    check(("1 video has times between two" in got) == rounded, f"{to}: {at}: {got}")
one_label = lambda label: [{"video": "v", "annotations": [{"segment": [0, 1], "label": label}]}]
for to, label, says in (("srt", "<b>", "1 video has labels with < or >, which are ( and ): v"), ("srt", "", "segments without a label, which are called 'segment'"), ("webvtt", "", "segments without a label"), ("textgrid", " ", "segments without a label"),
                        ("rttm", "<NA>", "labels called <NA>, which is read as none: v"), ("raven", " x", "blanks at their ends"), ("dcase", "x ", "blanks at their ends")):
    check(says in convert(to, one_label(label)).stderr, f"{to}: {label!r} is counted")
for to, label in (("srt", "a & b"), ("webvtt", "<b>&amp;"), ("textgrid", "segment"), ("srt", "segment")):
    known = {"duration": 1} if to == "textgrid" else {}  # which it would make up, and say so
    same(convert(to, [{**one_label(label)[0], **known}]).stderr, "", f"{to}: {label!r} needs no word")
for label in ("NA", '"x"', '="7"'):
    check("stdin:1: video 'v': annotations[0].label: " in convert("dcase", one_label(label), status=1).stderr, f"dcase: {label}")

# Ids that the media do not give stand beside them; without a place for them they are refused.
path = {"video": "x_1", "path": "/data/y.mp4", "fps": 4, "annotations": [{"segment": [1, 2], "label": "a"}]}
for to, reader in (("via", "via"), ("via-csv", "via"), ("elan", "elan"), ("label-studio", "label-studio"), ("dcase", "dcase")):
    with open("beside." + to, "w") as file:
        file.write(convert(to, [path]).stdout)
    got = json.loads(tool("tal-convert", "--from", reader, "--no-history", *(("--fps", "4") if to == "label-studio" else ()), "beside." + to).stdout)
    same((got["video"], [i["segment"] for i in got["annotations"]]), ("x_1", [[1, 2]]), f"{to}: an id beside the media")
    check("tal_video" not in convert(to, [{**path, "video": "y"}]).stdout and "TAL_VIDEO" not in convert(to, [{**path, "video": "y"}]).stdout, f"{to}: an id that the media give needs no word")
check("stdin:2: video 'x_2': media: is the media of video 'x_1' too" in convert("via-csv", [path, {**path, "video": "x_2"}], status=1).stderr, "via-csv: one media of two videos")
for to, video, read in (("rttm", "a/b", "b"), ("rttm", "x.mp4", "x"), ("thumos14-results", "a/b", "b")):
    record = {"video": video, "proposals": [{"segment": [0, 1], "score": 1, "label": "7"}]}
    check(f"it would be read as '{read}'" in convert(to, [record], status=1).stderr, f"{to}: {video}")
os.makedirs("names", exist_ok=True)
for to, video, read in (("raven", "x.mp4", "x"), ("raven", "g.Table.1.selections", "g"), ("srt", "a\\b", "b"), ("frame-labels", "x.mp4", "x")):
    record = {"video": video, "fps": 4, "frames": 8, "annotations": [{"segment": [0, 2], "label": "x"}]}
    check(f"would be read as '{read}'" in convert(to, [record], "-o", "names/", status=1).stderr, f"{to}: a file for {video}")
rows = {"video": "v", "annotations": [{"at": 1.5, "label": "up", "type": "IP", "channel": "2"}, {"segment": [2, 3], "label": "bob", "type": "SPEAKER", "channel": "1", "confidence": 0.5}]}
with open("marks.rttm", "w") as file:
    file.write(convert("rttm", [rows]).stdout)
same(json.loads(tool("tal-convert", "--from", "rttm", "--no-history", "marks.rttm").stdout), rows, "rttm: types, points, channels")

# Tables keep blanks and separators
label = " a;b\tc "
with open("blank.csv", "w") as file:
    file.write(convert("csv", [{"video": "v", "annotations": [{"segment": [0, 1], "label": label}]}]).stdout)
same(json.loads(tool("tal-convert", "--from", "segments-csv", "blank.csv").stdout)["annotations"], [{"segment": [0, 1], "label": label}], "blanks of a label")

# Class scores of videos as an array
header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n"
with open("scores.npy", "wb") as file:
    file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + struct.pack("<6f", 0.5, -1, 2, 0.25, 3, 0))
with open("videos.txt", "w") as file:
    file.write("d/video_test_1.mp4\nvideo_test_2\n\n")
scores = lambda *arguments, **kwargs: tool("tal-convert", "--from", "class-scores", "--no-history", "scores.npy", *arguments, **kwargs)
same([json.loads(line) for line in scores("--videos", "videos.txt").stdout.splitlines()],
     [{"video": "video_test_1", "classification": [{"label": "0", "score": 0.5}, {"label": "1", "score": -1}, {"label": "2", "score": 2}]},
      {"video": "video_test_2", "classification": [{"label": "0", "score": 0.25}, {"label": "1", "score": 3}, {"label": "2", "score": 0}]}], "class-scores")
with open("some.txt", "w") as file:
    file.write("1 Run\n3 High Jump\n")
got = scores("--videos", "videos.txt", "--classes", "some.txt", "--class-offset", "1")
same(json.loads(got.stdout.splitlines()[0])["classification"], [{"label": "Run", "score": 0.5}, {"label": "High Jump", "score": 2}], "classes from 1")
check("1 of 3 columns are no classes" in got.stderr, got.stderr)
check("class 3, 'High Jump', has no column" in scores("--videos", "videos.txt", "--classes", "some.txt", status=1).stderr, "classes from 0")
for text, message in (("a\n", "2 rows, --videos names 1"), ("a\na.mp4\n", "videos.txt:2: video 'a': stands in the list twice"), ("", "no videos")):
    with open("videos.txt", "w") as file:
        file.write(text)
    check(message in scores("--videos", "videos.txt", status=1).stderr, f"{text!r}: {message}")
check("needs --videos" in scores(status=2).stderr, "class-scores without a list")
tool("tal-convert", "--from", "tal", "--videos", "videos.txt", data="", status=2)
finish()
