#!/usr/bin/env python3
# label: cli
"""What tal-convert writes, it reads again: every format, with odd ids of videos, odd labels, and what it does not hold. Each is exact, refused with its reason, or (labels) said on stderr."""
import json
import os
import re
import shutil
import tempfile

from harness import check, finish, tool

folder = tempfile.TemporaryDirectory()
os.chdir(folder.name)

SEGMENT = {"segment": [1, 2]}
POINT = {"at": 1}
# format -> reader, list of the record, item, folder of files, options of the reader, and options of the writer
FORMATS = {
    "tal": ("tal", "annotations", SEGMENT, False, (), ()),
    "activitynet-gt": ("activitynet-gt", "annotations", SEGMENT, False, (), ()),
    "activitynet-results": ("activitynet-results", "proposals", SEGMENT, False, (), ()),
    "thumos14-results": ("thumos14-results", "proposals", SEGMENT, False, (), ()),
    "csv": ("auto", "annotations", SEGMENT, False, (), ()),
    "tsv": ("auto", "proposals", SEGMENT, False, (), ()),
    "webvtt": ("webvtt", "annotations", SEGMENT, True, (), ()),
    "srt": ("srt", "annotations", SEGMENT, True, (), ()),
    "elan": ("elan", "annotations", SEGMENT, True, (), ()),
    "bsn-proposals": ("bsn-proposals", "proposals", SEGMENT, True, ("--time", "relative", "--durations", "lasts.csv"), ()),
    "label-studio": ("label-studio", "annotations", SEGMENT, False, ("--fps", "4"), ()),
    "audacity": ("audacity", "annotations", SEGMENT, True, (), ()),
    "textgrid": ("textgrid", "annotations", SEGMENT, True, (), ()),
    "via": ("via", "annotations", SEGMENT, False, (), ()),
    "via-csv": ("via", "annotations", SEGMENT, False, (), ()),
    "dcase": ("dcase", "annotations", SEGMENT, False, (), ()),
    "dcase-weak": ("dcase", "annotations", SEGMENT, False, (), ()),
    "raven": ("raven", "annotations", SEGMENT, True, (), ()),
    "rttm": ("rttm", "annotations", SEGMENT, False, (), ()),
    "frame-labels": ("frame-labels", "annotations", SEGMENT, True, ("--fps", "4", "--background", "BG"), ("--background", "BG")),
    "frame-results": ("frame-labels", "proposals", SEGMENT, True, ("--fps", "4", "--background", "BG"), ("--background", "BG")),
    "soccernet": ("soccernet", "annotations", POINT, True, (), ()),
    "spotting-json": ("spotting-json", "annotations", POINT, False, (), ()),
}
written = set(re.search(r"--to TEXT:\{([^}]*)\}", tool("tal-convert", "--help").stdout).group(1).split(","))
check(written == set(FORMATS), f"formats that this test does not know: {written ^ set(FORMATS)}")
# What these hold is JSON, or a table of our own: any id and any label.
HOLD_ALL = {"tal", "activitynet-gt", "activitynet-results", "csv", "tsv", "via", "via-csv", "label-studio", "spotting-json"}


def back(to, records):
    """The records as they are read again, by id; what was said of each that was refused; and all that was said."""
    reader, _, _, many, options, more = FORMATS[to]
    shutil.rmtree("out", ignore_errors=True)
    os.mkdir("out")
    path = "out/" if many else "out/file"
    with open("in.jsonl", "w", encoding="utf-8") as file:
        file.writelines(json.dumps(record) + "\n" for record in records)
    with open("lasts.csv", "w", encoding="utf-8") as file:
        json.dump({record["video"]: {"duration": 10} for record in records}, file)
    done = tool("tal-convert", "--from", "tal", "--to", to, *more, "--no-history", "--on-error", "skip", "-o", path, "in.jsonl", status=None)
    check(done.returncode in (0, 1), f"{to}: {done.stderr}")
    refused = {record["video"]: message for record in records for message in re.findall(rf"in.jsonl:\d+: video '{re.escape(record['video'])}': (.{{10,}})", done.stderr, re.S)}
    check((done.returncode == 1) == bool(refused), f"{to}: refused without place and reason: {done.stderr}")
    if len(refused) == len(records):
        return {}, refused, done.stderr
    read = tool("tal-convert", "--from", reader, *options, "--no-history", path)
    lines = [json.loads(line) for line in read.stdout.splitlines()]
    check(len(lines) == len(records) - len(refused), f"{to}: {len(records)} records, {len(refused)} refused, {len(lines)} come back: {read.stderr}")
    return {line["video"]: line for line in lines}, refused, done.stderr


def record_of(to, video, label):
    _, key, item, _, _, _ = FORMATS[to]
    scored = {"score": 0.5} if key == "proposals" and to != "frame-results" else {}
    return {"video": video, "duration": 10, "fps": 4, "frames": 40, key: [{**item, **scored, "label": label}]}


# The ids of one run must not be those that a reader would take from others of them.
IDS = ["v", "a b", "a,b", "a;b", 'a"b', '"a"', "é日本", "007", "1.5", "x" * 120, "x" * 400, "a|b", "a\tb", " a", "a ", "NA", "nan", "null", "None", "<NA>", "#a", "=1", '="007"', "-", "a.b", "v.csv", "a.txt", "f.eaf", "x.", "a'b", "a%20b",
       "c/b1", "/abs", "a\\b2", "C:\\w.mp4", "x1.mp4", "x2.MP4", "x3.wav", "a/b4.mp4", "file:///a/b5.mp4", "http://x/y?z=1", "g.Table.1.selections", "a.mp4;b.mp4", "a\nb", "..", "GAME/1", "GAME/2", "\ufeffa", "a\u00a0b", "v.gz"]
for to in FORMATS:
    label = "7" if to == "thumos14-results" else "" if to == "bsn-proposals" else "x"
    got, refused, said = back(to, [record_of(to, video, label) for video in IDS])
    check(not refused or to not in HOLD_ALL, f"{to}: ids are refused: {refused}")
    check(set(got) == set(IDS) - set(refused), f"{to}: {set(IDS) - set(refused) - set(got)} come back as {set(got) - set(IDS)}")
    if to != "dcase-weak":
        key, item = FORMATS[to][1:3]
        for video, record in got.items():
            check([{k: i[k] for k in item} for i in record.get(key, [])] == [item], f"{to}: {video!r}: {record}")
    check(len(got) >= (2 if to == "soccernet" else 24), f"{to}: only {len(got)} of {len(IDS)} ids are written")

LABELS = ["x", "", "segment", "NA", "nan", "null", "None", "<NA>", "#N/A", " a", "a ", "a  b", "a\tb", "a\nb", "a\n\nb", '"q"', 'a"b', "1", "-1", "1.5", "1,5", "=1", '="007"', "#x", "a;b", "a,b", "a|b", "<b>x</b>", "&lt;", "a & b", "a --> b",
          "x 0.5", "00:00:01", "\\", "-", "é日", "a\u00a0b", "BG2", "'", "[]", "null,", "NOTE x", "a\rb", "a\r\nb", "\u00a0", "video,start,end"]
def label_of(to, record):
    items = record.get("classification", []) if to == "dcase-weak" else record[FORMATS[to][1]]
    return [item.get("label", "") for item in items]


for to in FORMATS:
    if to in ("thumos14-results", "bsn-proposals"):
        continue  # hold numbers of classes, and none
    # With --classes a line of frames is one label, whatever its words.
    labels = [label for label in LABELS if to != "frame-labels" or not re.search("[ \t\u00a0]", label)]
    videos = [f"{k}/1" if to == "soccernet" else f"v{k}" for k in range(len(labels))]
    got, refused, _ = back(to, [record_of(to, video, label) for video, label in zip(videos, labels)])
    exact = 0
    for video, label in zip(videos, labels):
        if video in refused:
            check(to not in HOLD_ALL or label == "", f"{to}: label {label!r} is refused: {refused[video]}")
            continue
        wanted = [] if to == "dcase-weak" and label == "" else [label]
        if label_of(to, got[video]) == wanted:
            exact += 1
            continue
        _, _, said = back(to, [record_of(to, video, label)])
        check(to not in HOLD_ALL and f": {video}" in said, f"{to}: label {label!r} comes back as {label_of(to, got[video])}, and nothing was said: {said!r}")
    check(exact >= len(labels) // 2, f"{to}: only {exact} of {len(labels)} labels come back")

# Members of segments and of videos, one each in a video of its own: each comes back as it was, is refused, or is named in what is said.
OF_SEGMENTS = {"tier": "t", "subject": "s", "id": "i", "low": 100, "high": 200, "channel": "2", "type": "SU", "confidence": 0.5, "comment": "c, \"d\"", "xy": [1, 2], "columns": {"Call": "k"}, "modifiers": ["m"], "flag": True, "scores": {"a": 0.5},
               "frame": 30, "gameTime": "1 - 00:01", "half": 1, "position": "0", "confident": "no", "visibility": "visible", "score": 0.25, "low_and_high": None}
NUMBERS = {"tier": 3, "subject": 7.5, "channel": 2, "type": 4}
OF_VIDEOS = {"duration": 12.5, "subset": "NA", "media": "https://x.org/M.mp4", "path": "clips/M.mp4", "classification": [{"label": "k", "score": 1}], "unsure": [{"label": "k", "score": 0.5}], "width": 640, "foreign": {"a": [1]}, "nothing": None, "time_origin": 2.5, "fps": [30000, 1001], "frames": 60,
             "annotations": [{"segment": [1, 2], "label": "k"}], "proposals": [{"segment": [1, 2], "score": 0.5, "label": "k"}]}


def lost(to, record, of_item, name):
    """What of the record did not come back and is not said; None: nothing."""
    got, refused, said = back(to, [record])
    if refused:
        return None
    key = FORMATS[to][1]
    read = got[record["video"]]
    before, after = (record[key][0], (read.get(key) or [{}])[0]) if of_item else (record, read)
    kept = {member for member, value in before.items() if value is not None and after.get(member) == value or member in ("segment", "at", "label", "history", "video", "id")}
    if "path" in before and read.get("media") == before["path"]:
        kept.add("path")  # under another name
    if to == "label-studio" and name in ("annotations", "proposals"):
        kept |= {name} if read.get(name) else set()  # with ids of their own
    missing = {member for member, value in before.items() if value is not None} - kept - {key}
    told = said.split("does not hold", 1)[-1] + said.split("become some", 1)[-1]
    unsaid = {member for member in missing if not re.search(rf"\b{member}\b", told) and not (member == name and re.search(rf"\b{member}\b", said))}
    if of_item:
        unsaid -= {"score"} if "scores, " in said else set()
    return unsaid or None


for to in FORMATS:
    _, key, item, _, _, _ = FORMATS[to]
    base = record_of(to, "GAME/1" if to == "soccernet" else "M", "7" if to == "thumos14-results" else "" if to == "bsn-proposals" else "x")
    held = 0
    for members in (OF_SEGMENTS, NUMBERS):
        for name, value in members.items():
            extra = {"low": 100, "high": 200} if name == "low_and_high" else {name: value}
            record = {**base, key: [{**base[key][0], **({} if name == "score" and key == "proposals" else extra)}]}
            check(not (left := lost(to, record, True, name)), f"{to}: the segments' {name} = {value!r}: {left} neither come back nor are said")
    for name, value in OF_VIDEOS.items():
        name = "classification" if name == "unsure" else name
        if name == key or (to in ("frame-labels", "frame-results", "spotting-json", "label-studio") and name in ("fps", "frames")):
            continue  # what these count by
        record = {**base, name: value}
        if name in ("duration", "fps", "frames"):
            record = {"video": base["video"], key: base[key], **({"fps": 4} if to in ("frame-labels", "frame-results", "spotting-json", "label-studio") else {}), name: value}
        check(not (left := lost(to, record, False, name)), f"{to}: the video's {name} = {value!r}: {left} neither come back nor are said")

# Times: as they were, refused, or said.
for to in FORMATS:
    _, key, item, _, _, _ = FORMATS[to]
    for times in ({"segment": [1 / 3, 2 / 3]}, {"segment": [0, 0.0004]}, {"segment": [1, 1]}, {"at": 1}, {"at": 10}, {"at": 2.3456}, {"segment": [-1, 2]}, {"segment": [9, 10.5]}, {"segment": [12, 13]}, {"segment": [1e-7, 10]}):
        record = record_of(to, "GAME/1" if to == "soccernet" else "M", "7" if to == "thumos14-results" else "" if to == "bsn-proposals" else "x")
        record[key][0].pop("segment", None), record[key][0].pop("at", None)
        record[key][0].update(times)
        got, refused, said = back(to, [record])
        if refused or to == "dcase-weak":
            continue
        items = next(iter(got.values())).get(key) or [{}]
        back_times = {member: items[0][member] for member in ("segment", "at") if member in items[0]}
        close = back_times.keys() == times.keys() and all(abs(a - b) < 1e-9 for member in times for a, b in zip(*([x] if member == "at" else x for x in (back_times[member], times[member]))))
        check(close or re.search("rounded|points|whole ones", said), f"{to}: {times} come back as {items}, and nothing was said: {said!r}")
finish()
