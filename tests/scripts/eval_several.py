#!/usr/bin/env python3
# label: cli
"""tal-eval with several protocols in one call: each has the options that it takes alone, and shows what it shows alone."""
import json
import os
import re
import tempfile

from harness import check, finish, need, tool

need("tal-eval", why="tal-eval is not built")
folder = tempfile.TemporaryDirectory()
path = lambda name: os.path.join(folder.name, name)


def save(name, content):
    with open(path(name), "w", encoding="utf-8") as out:
        out.write(content if isinstance(content, str) else "".join(json.dumps(r) + "\n" for r in content))
    return path(name)


def call(protocols, arguments, stream, status=0):
    return tool("tal-eval", "--protocol", protocols, "-j", "1", *arguments, data=stream, status=status)


known = {}  # protocol and options -> those that it takes


def alone(protocol, options, fmt, stream):
    """The call of one protocol without the options that it refuses, and which it keeps."""
    asked = protocol, repr(options)
    kept = known.get(asked, list(options))
    while True:
        done = call(protocol, [word for option in kept for word in option] + ["--format", fmt], stream, status=None)
        if done.returncode == 0:
            known[asked] = kept
            return done, kept
        useless = re.match(r"tal-eval: error: (--[a-z-]+)( \w+)? has no effect", done.stderr)
        if not check(done.returncode == 2 and useless and any(option[0] == useless[1] for option in kept), f"{protocol} {kept}: {done.stderr}"):
            return done, []
        kept = [option for option in kept if option[0] != useless[1]]


# Two classes, a tie, a duplicate, a detection behind the end; what the other files hold is a little worse.
def records(labels, points=False):
    time = lambda start, end: {"at": start} if points else {"segment": [start, end]}
    out = []
    for i in range(4):
        truths = [dict(time(2 + i, 5 + i), label=labels[0]), dict(time(9, 11), label=labels[1]), dict(time(14, 15 + i), label=labels[i % 2])]
        found = [dict(time(2.3 + i, 5 + i / 2 + 1), label=labels[0], score=0.9 - i / 10), dict(time(9.4, 11), label=labels[1], score=0.6),
                 dict(time(14, 15.5), label=labels[0], score=0.6), dict(time(14, 15.5), label=labels[0], score=0.6), dict(time(19, 19.9), label=labels[1], score=0.05)]
        out.append({"video": f"v{i}", "duration": 20, "fps": 5, "subset": "x" if i else "y", "annotations": truths, "proposals": found})
    return out


worse = lambda stream: [dict(r, proposals=[dict(p, score=p["score"] / 2) for p in r["proposals"][1:]]) for r in stream]
text_of = lambda stream: "".join(json.dumps(r) + "\n" for r in stream)
plain, kitchen, spots = records(["a", "background"]), records(["0,2", "1,2"]), records(["Goal", "Corner"], points=True)
other, names, left = save("other.jsonl", worse(plain)), save("names.txt", "a\nb\n"), save("left.txt", "v1\n")
two = save("two.txt", "Goal\nCorner\n")
SEGMENTS = ["activitynet-detection", "activitynet-proposal", "thumos14-proposal", "thumos14-detection", "thumos14-official", "activitynet-detad", "thumos14-detad", "multithumos",
            "ego4d-mq", "segmentation", "samples", "sound-events", "custom"]
LENGTHS, DIAGNOSE = ["--length-bins", "1,2"], ["--diagnose"]
for protocols, stream, sets in (
        (SEGMENTS, plain, [
            [["--tiou", "0.4,0.6"]], [["--class-agnostic"]], [["--ties", "input"]], [["--ties", "video"]], [["--ties-range"]], [["--max-avg-proposals", "3"]], [["--videos-from-gt"]],
            [["--no-ambiguous"]], [["--recall-at", "1,7"]], [["--recall-at", "1"], ["--recall-tiou", "0.5"]], [["--recall-tiou", "0.5"]], [["--per-class"]], [["--bootstrap", "5"]],
            [["--compare", other], ["--bootstrap", "9"], ["--per-class"]], [DIAGNOSE], [DIAGNOSE, LENGTHS, ["--coverage-bins", "0.1,0.2"], ["--instance-bins", "1,2"]], [LENGTHS],
            [["--sample-wise", "2"]], [["--sample-wise", "2"], ["--sample-score", "0.1"], ["--sample-overlap", "lowest"], ["--sample-undefined", "1"], ["--sample-classes", names]],
            [["--sample-score", "0.1"], ["--rate", "4"]], [["--background", "a"], ["--count-background"]], [["--collar", "0.5"], ["--onset-only"]], [["--offset-share", "0.5"]],
            [["--segment-length", "2"]], [["--psds", "0.3,0.3,0.3,0.7,0,800"]], [["--psds-version", "0.5.3"]], [["--operating-point", other]], [["--score-thresholds", "0.3,0.5"]],
            [["--oracle", "all"]], [["--oracle", "labels"]], [["--oracle", "labels"], ["--class-agnostic"]], [["--against", "thumos14-official"], ["--explain"]], [["--score-above", "0.3"]],
            [["--exclude", left]], [["--exclude", left], ["--excluded", "count"]], [["--subset", "x"]], [["--require-complete"]]]),
        (["epic", "activitynet-detection", "samples"], kitchen, [[["--tiou", "0.4,0.6"]], [["--ties", "video"]], [["--per-class"], ["--recall-at", "2"]]]),
        (["soccernet", "charades"], spots, [[["--classes", two]], [["--classes", two], ["--per-class"], ["--bootstrap", "4"]]])):
    data = text_of(stream)
    # charades takes points at 25 places of the video alone.
    data = re.sub(r'"at": [0-9.]+', lambda m: '"at": ' + repr(round(float(m[0][6:]) / 0.8) * 0.8), data)
    for options in sets:
        words = [word for option in options for word in option]
        single = {p: json.loads(alone(p, options, "json", data)[0].stdout) for p in protocols}
        together = json.loads(call(",".join(protocols), words + ["--format", "json"], data).stdout or '{"protocols":[]}')["protocols"]
        check([r["protocol"] for r in together] == protocols, f"{words}: {[r['protocol'] for r in together]}")
        for r in together:
            want = single[r["protocol"]]
            check(r["parameters"] == want["parameters"] and r["parameters_hash"] == want["parameters_hash"], f"{r['protocol']} {words}: settings in company {r['parameters']}, alone {want['parameters']}")
            check(r == want, f"{r['protocol']} {words}: in company it is another report: {[k for k in {**r, **want} if r.get(k) != want.get(k)]}")

# What none of the protocols takes, or what none has a use for, is refused as alone.
data = text_of(plain)
for protocols, options, says in (
        ("segmentation,samples", ["--recall-at", "1"], "--recall-at has no effect with --protocol segmentation,samples"), ("activitynet-detection,custom", ["--psds-version", "0.5.3"], "no effect"),
        ("activitynet-proposal,thumos14-proposal", ["--per-class"], "no effect"), ("activitynet-proposal,thumos14-proposal", ["--ties", "video"], "--ties video has no effect"),
        ("activitynet-proposal,thumos14-proposal", ["--oracle", "labels"], "--oracle labels has no effect"), ("custom,segmentation", ["--class-agnostic", "--oracle", "labels"], "--oracle labels has no effect"),
        ("activitynet-detection,segmentation", ["--explain"], "no effect"), ("activitynet-detection,segmentation", ["--tiou", "0"], "above 0")):
    check(says in call(protocols, options, data, status=2).stderr, f"{protocols} {options}: {says}")

# Text and Markdown: every table of details that the protocol shows alone, its summary, and what was counted.
SHOWN_IN_BRIEF = {"summary", "data", "settings", "average recall", "overlaps", "numbers", "mean average precision", "samples", "recall of all proposals by length of the instance"}


def blocks(report, markdown):
    """Title -> the lines of its table."""
    if markdown:
        parts = report.strip().split("\n\n")
        return {title.strip("*"): table.splitlines() for title, table in zip(parts[::2], parts[1::2])}
    return {part.splitlines()[0]: part.splitlines()[1:] for part in report.strip("\n").split("\n\n")}


cells = lambda line: [cell.strip() for cell in (line.strip("| ").split(" | ") if "|" in line else re.split(r"  +", line.strip()))]
EVERYTHING = [["--per-class"], DIAGNOSE, LENGTHS, ["--compare", other], ["--bootstrap", "8"], ["--recall-at", "1,2"], ["--ties-range"], ["--sample-wise", "2"], ["--oracle", "all"],
              ["--against", "thumos14-official"], ["--explain"]]
ASKED = {"--per-class": {"mean average precision", "samples", "event_classes"}, "--length-bins": {"recall of all proposals by length of the instance"}}
detailed = 0
for options in ([], [["--per-class"]], [DIAGNOSE], [["--compare", other], ["--compare", save("third.jsonl", plain)], ["--bootstrap", "6"]], [["--recall-at", "1,5"]], [LENGTHS], EVERYTHING):
    words = [word for option in options for word in option]
    for fmt in "text", "markdown":
        got = blocks(call(",".join(SEGMENTS), words + ["--format", fmt], data).stdout, fmt == "markdown")
        titles = list(got)
        check(titles[0] == "protocols" and titles[-2:] == ["data", "settings"], f"{words}: the summary first, counts and settings last: {titles}")
        order = [SEGMENTS.index(title.split(": ")[0]) for title in titles[1:-2]]
        check(order == sorted(order), f"{words}: one protocol after another: {titles}")
        numbers, counted = [cells(line) for line in got["protocols"]], [cells(line) for line in got["data"]]
        expected = set()
        for p in SEGMENTS:
            done, kept = alone(p, options, fmt, data)
            shown = blocks(done.stdout, fmt == "markdown")
            brief = SHOWN_IN_BRIEF - {title for option in kept for title in ASKED.get(option[0], ())}
            for title, lines in shown.items():
                if title not in brief:
                    expected.add(f"{p}: {title}")
                    check(got.get(f"{p}: {title}") == lines, f"{fmt} {words} {p}: {title}: {got.get(f'{p}: {title}')}, alone {lines}")
            for key, value in [cells(line) for line in shown["summary"][2 if fmt == "markdown" else 0:]][1:]:
                check([p, key, value] in numbers, f"{fmt} {words} {p}: {key} {value} in the summary")
            for key, value in [cells(line) for line in shown["data"][2 if fmt == "markdown" else 0:]]:
                check([p, key, value] in counted or ["all", key, value] in counted, f"{fmt} {words} {p}: {key} {value} among what was counted")
        check(set(titles[1:-2]) == expected, f"{fmt} {words}: nothing else: {set(titles[1:-2]) ^ expected}")
        detailed += len(expected)
        check(options or all("Recall@kx" in title for title in expected), f"no details without an option, but what a protocol has besides: {expected}")
check(detailed > 100, f"there was something to compare: {detailed}")
finish()
