#!/usr/bin/env python3
# label: real-data
"""Files as annotation tools write them (annotators/ in TAL_DATA_DIR): each becomes records with what EXPECTED.json says is in it: numbers of segments and
points, by label and by tier, the first and the last, the largest end, the sum of durations. Formats with a writer go out and come back the same."""
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from harness import BIN, check, finish

DATA = pathlib.Path(os.environ.get("TAL_DATA_DIR", pathlib.Path(os.environ["TAL_SOURCE"]) / "../shared/data")) / "annotators"
if not (DATA / "EXPECTED.json").exists():
    print(f"SKIPPED: no data: {DATA} has no EXPECTED.json")
    sys.exit(77)
EXPECTED = json.loads((DATA / "EXPECTED.json").read_text(encoding="utf-8"))

# Folder (or file) -> format to read, further options, and the format that takes the records back ("": none).
FORMATS = {
    "elan": ("elan", [], "elan"),
    "boris": ("boris", [], ""),
    "label_studio": ("label-studio", ["--fps", "1"], "label-studio"),
    "audacity": ("audacity", [], "audacity"),
    "textgrid": ("textgrid", [], "textgrid"),
    "via3": ("via", [], "via"),
    "cvat": ("cvat", ["--fps", "1"], ""),
    "dcase/public.tsv": ("dcase", [], "dcase"),
    "dcase/weak.tsv": ("dcase", [], "dcase-weak"),
    "raven": ("raven", [], "raven"),
    "rttm": ("rttm", [], "rttm"),
    "datavyu": ("datavyu", [], ""),
    "behavior/forced_swim_labels.csv": ("segments-csv", ["--columns", "video=ID,start=from,end=to,label=type,tier=Experimenter"], ""),
}
SUBTITLES = {".vtt": "webvtt", ".srt": "srt", ".sbv": "sbv"}
# Ends before it starts: no record holds that, so that it is refused by its line, and the others are read with --on-error skip.
REVERSED = {"subtitles/sample.sbv": ("Caption text #5", 17.484, 16.543)}
# The tiers as EXPECTED.json names them, where it does not take them from what the tool calls so.
TIER = {"boris/events_tabular.csv": "subject", "boris/events_tabular.tsv": "subject"}
SINGLE_TIERS = {"via3/echo_3.csv"}  # named by the attribute's number there; the file says its name
TWICE = {"dcase/weak.tsv": {"Alarm_bell_ringing": 1, "Running_water": 2}}  # labels that a clip has twice: kept once
NO_TIERS = {"rttm/vcm.rttm"}  # the tier is the recording there: a record here


def convert(arguments, status=0):
    done = subprocess.run([os.path.join(BIN, "tal-convert"), *arguments], capture_output=True, text=True, timeout=240)
    check(done.returncode == status, f"tal-convert {' '.join(arguments)}: status {done.returncode}, not {status}: {done.stderr[-600:]}")
    return done


def records_of(text):
    return [json.loads(line) for line in text.splitlines()]


def events(records):
    """(start, end, tier, label, whether a point) of all annotations."""
    out = []
    for record in records:
        for item in record.get("annotations", []) + record.get("proposals", []):
            start, end = item["segment"] if "segment" in item else (item["at"], item["at"])
            out.append((start, end, item.get("tier", ""), item.get("label", ""), "at" in item, item))
    return out


def near(a, b, slack=2e-6):
    return abs(a - b) <= slack


def compare(name, records):
    want = EXPECTED[name]
    found = events(records)
    segments, points = [e for e in found if not e[4]], [e for e in found if e[4]]
    by_frame = want["unit"] == "frames" and name.startswith("label_studio/")  # from 1, both ends included: [start - 1, end)
    scale = 1e-3 if want.get("largest_end", 0) > 1e11 else 1  # milliseconds since 1970
    gone = [REVERSED[name]] if name in REVERSED else []

    def seconds(event):
        return event["start"] * scale - (1 if by_frame else 0), event["end"] * scale

    check(len(segments) + len(gone) == want["segments"], f"{name}: {len(segments)} segments, not {want['segments']}")
    labels = collections.Counter(e[3] for e in segments) + collections.Counter(g[0] for g in gone)
    check(labels == want["by_label"], f"{name}: labels {dict(labels)}, not {want['by_label']}")
    if "by_tier" in want and name not in NO_TIERS:
        tiers = collections.Counter(e[5].get(TIER.get(name, "tier"), "") for e in segments)
        if name in SINGLE_TIERS:
            check(list(tiers.values()) == list(want["by_tier"].values()), f"{name}: tiers {dict(tiers)}")
        else:
            check(tiers == want["by_tier"], f"{name}: tiers {dict(tiers)}, not {want['by_tier']}")
    if "points" in want:
        check(len(points) == want["points"], f"{name}: {len(points)} points, not {want['points']}")
        check(collections.Counter(e[3] for e in points) == want["points_by_label"], f"{name}: labels of points differ")
    ends = [("first", min, segments, "segments"), ("last", max, segments, "segments"), ("first_point", min, points, "points"), ("last_point", max, points, "points")]
    for key, choose, some, _ in ends:
        if key not in want or gone and key == "last":
            continue
        start, end, _, label = choose([e[:4] for e in some] or [(0, 0, "", "")])
        wanted = seconds(want[key])
        check(near(start, wanted[0]) and near(end, wanted[1]) and label == want[key]["label"], f"{name}: {key} is {start}, {end}, '{label}', not {want[key]}")
    if segments:
        largest = max([e[1] for e in segments] + [g[2] for g in gone])
        check(near(largest, want["largest_end"] * scale), f"{name}: the largest end is {largest}")
        total = sum(e[1] - e[0] for e in segments) + sum(end - start for _, start, end in gone)
        wanted = want["sum_of_durations"] * scale + (want["segments"] if by_frame else 0)
        check(near(total, wanted, 1e-5), f"{name}: durations sum to {total}, not {wanted}")


def weak(name, records):
    want = EXPECTED[name]
    check(len(records) == want["clips"], f"{name}: {len(records)} clips, not {want['clips']}")
    labels = collections.Counter(c["label"] for r in records for c in r["classification"])
    wanted = {label: count - TWICE.get(name, {}).get(label, 0) for label, count in want["by_label"].items()}
    check(labels == wanted, f"{name}: labels {dict(labels)}, not {wanted}")


def back(name, form, options, to, text, slack):
    """Records -> the tool's file -> records: the same times, labels, tiers and points."""
    with tempfile.TemporaryDirectory() as folder:
        records, out = os.path.join(folder, "r.jsonl"), os.path.join(folder, "out")
        pathlib.Path(records).write_text(text, encoding="utf-8")
        lists = to in ("via", "dcase", "dcase-weak", "rttm", "label-studio")
        convert(["--from", "tal", records, "--to", to, "-o", out + (".json" if lists else "/")])
        paths = [out + ".json"] if lists else sorted(str(p) for p in pathlib.Path(out).iterdir())
        again = records_of(convert(["--from", form, *options, *paths]).stdout)
    if to == "dcase-weak":
        return weak(name, again)
    one, two = (sorted(e[:5] for e in events(r)) for r in (records_of(text), again))
    check([r["video"] for r in records_of(text)] == [r["video"] for r in again], f"{name}: the videos differ behind {to}")
    check(len(one) == len(two), f"{name}: {len(one)} events become {len(two)} behind {to}")
    # Times that are rounded may change the order.
    one, two = (sorted(r, key=lambda e: (e[2], e[3], e[0])) for r in (one, two))
    bad = [(a, b) for a, b in zip(one, two) if not (near(a[0], b[0], slack) and near(a[1], b[1], slack) and a[3] == b[3] and (a[2] == b[2] or not a[2]))]
    check(not bad, f"{name}: {len(bad)} events differ behind {to}, the first: {bad[:1]}")
    return None


tried = 0
for name in EXPECTED:
    folder = name.split("/")[0]
    plan = FORMATS.get(name, FORMATS.get(folder))
    if folder == "subtitles":
        kind = SUBTITLES[pathlib.Path(name).suffix]
        plan = (kind, [], "" if kind == "sbv" else kind)
    if plan is None:
        continue  # of data sets: convert_data.py
    form, options, to = plan
    tried += 1
    skip = ["--on-error", "skip"] if name in REVERSED else []
    named = ["--from", form] if form == "segments-csv" else []  # the others tell their format themselves
    done = convert([*named, *options, *skip, str(DATA / name)], status=1 if skip else 0)
    check(named or f"is taken for {form}:" in done.stderr, f"{name}: the format is not known by its looks: {done.stderr}")
    check(not skip or "is before start" in done.stderr, f"{name}: what is wrong is not said: {done.stderr}")
    found = records_of(done.stdout)
    if "clips" in EXPECTED[name]:
        weak(name, found)
    else:
        compare(name, found)
    if to:
        back(name, form, options, to, done.stdout, 0.0021 if to in ("elan", "webvtt", "srt") else 1e-9)
print(tried, "files")
finish()
