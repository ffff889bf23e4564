#!/usr/bin/env python3
# label: cli
# cost: 60
"""What tal-convert writes, it reads again: every format, with odd ids of videos, odd labels, every member of a record and of a segment, and odd times. Each is exact, refused with its reason, or (but for ids) said on stderr."""
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


def back(to, records, *more_options):
    """The records as they are read again (more_options: of the reader), by id; what was said of each that was refused; and all that was said."""
    reader, _, _, many, options, more = FORMATS[to]
    shutil.rmtree("out", ignore_errors=True)
    os.mkdir("out")
    path = "out/" if many else "out/file"
    with open("in.jsonl", "w", encoding="utf-8") as file:
        file.writelines(json.dumps(record) + "\n" for record in records)
    with open("lasts.csv", "w", encoding="utf-8") as file:
        json.dump({name: {"duration": 10} for record in records for name in (record["video"], record["video"].replace("/", "_"))}, file)
    done = tool("tal-convert", "--from", "tal", "--to", to, *more, "--no-history", "--on-error", "skip", "-o", path, "in.jsonl", status=None)
    check(done.returncode in (0, 1), f"{to}: {done.stderr}")
    refused = {record["video"]: message for record in records for message in re.findall(rf"in.jsonl:\d+: video '{re.escape(record['video'])}': (.{{10,}})", done.stderr, re.S)}
    check((done.returncode == 1) == bool(refused), f"{to}: refused without place and reason: {done.stderr}")
    if len(refused) == len(records):
        return {}, refused, done.stderr
    read = tool("tal-convert", "--from", reader, *options, *more_options, "--no-history", path)
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
NAMED_BY_FILE = {"webvtt", "srt", "audacity", "textgrid", "raven", "frame-labels", "frame-results", "bsn-proposals"}
JOINED = {video.replace("/", "_"): video for video in IDS if "/" in video}
for to in FORMATS:
    label = "7" if to == "thumos14-results" else "" if to == "bsn-proposals" else "x"
    got, refused, said = back(to, [record_of(to, video, label) for video in IDS])
    check(not refused or to not in HOLD_ALL, f"{to}: ids are refused: {refused}")
    if to in NAMED_BY_FILE:  # folders in an id are part of the name, which is said
        check("as --id-folders makes it" in said, f"{to}: ids with folders: {said}")
        got = {JOINED.get(video, video): record for video, record in got.items()}
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
    # With --classes a line of frames is one label, whatever its words and separators (below).
    labels = [label for label in LABELS if not to.startswith("frame-") or not re.search("[ \t\u00a0,;|]", label)]
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

with open("classes.json", "w", encoding="utf-8") as file:
    json.dump(["BG", *(label for label in LABELS if label and re.search("[ \t\u00a0,;|]", label))], file)
with open("classes.json", encoding="utf-8") as file:
    listed = json.load(file)[1:]
for to in ("frame-labels", "frame-results"):
    got, refused, said = back(to, [record_of(to, f"v{k}", label) for k, label in enumerate(listed)], "--classes", "classes.json")
    for k, label in enumerate(listed):
        check((f"v{k}" in refused) != (f"v{k}" in got and label_of(to, got[f"v{k}"]) == [label]), f"{to}, by --classes: {label!r}: {refused.get(f'v{k}')} {got.get(f'v{k}')}")
    check(len(got) >= (10 if to == "frame-labels" else 5), f"{to}: only {len(got)} labels with blanks or separators come back: {refused}")

# Members of segments and of videos, one each in a video of its own: each comes back as it was, is refused, or is named in what is said of that video alone.
OF_SEGMENTS = [("tier", "t"), ("subject", "s"), ("id", "i"), ("low", 100), ("high", 200), ("channel", "2"), ("type", "SU"), ("confidence", 0.5), ("comment", 'c, "d"'), ("xy", [1, 2]), ("columns", {"Call": "k"}), ("modifiers", ["m"]), ("flag", True), ("scores", {"a": 0.5}),
               ("frame", 30), ("gameTime", "1 - 00:01"), ("gameTime", "1 - 09:59"), ("half", 1), ("position", "0"), ("confident", "no"), ("visibility", "visible"), ("score", 0.25), ("tier", 3), ("subject", 7.5), ("channel", 2), ("type", 4), ("tier", True), ("low", "deep"), ("none", None)]
OF_VIDEOS = [("duration", 12.5), ("subset", "NA"), ("subset", "Validation, 2"), ("media", None), ("path", None), ("path", "clips/other.mp4"), ("classification", [{"label": "k", "score": 1}]), ("classification", [{"label": "k", "score": 0.5}]), ("width", 640), ("foreign", {"a": [1]}), ("none", None),
             ("time_origin", 2.5), ("fps", [30000, 1001]), ("fps", 12.5), ("frames", 60), ("annotations", [{"segment": [1, 2], "label": "k"}]), ("proposals", [{"segment": [1, 2], "score": 0.5, "label": "k"}])]
COUNT_FRAMES = {"frame-labels", "frame-results", "spotting-json", "label-studio"}  # formats
TIMES = [{"segment": [1 / 3, 2 / 3]}, {"segment": [0, 0.0004]}, {"segment": [1, 1]}, {"at": 1}, {"at": 10}, {"at": 2.3456}, {"segment": [-1, 2]}, {"segment": [9, 10.5]}, {"segment": [12, 13]}, {"segment": [1e-3, 10]}]
SAID_OF_TIMES = "rounded|rounds to|points|without a length in whole milliseconds|labels alone|out of the video"


def comes_back(value, read):
    if isinstance(value, dict) and isinstance(read, dict):
        return all(read.get(key) == entry for key, entry in value.items())
    return value == read or read == value[0] / value[1] if isinstance(value, list) and value[0] == 30000 else value == read


def kept(to, of_item, name, record, read):
    """Whether the member of a record, or of its first item, is there again."""
    key = FORMATS[to][1]
    before, after = (record[key][0], (read.get(key) or [{}])[0]) if of_item else (record, read)
    if before[name] is None or comes_back(before[name], after.get(name)):
        return True
    if name == "path":  # the folder that the media lies in is no loss, a name that the id does not tell is one
        return read.get("media") == before["path"] or os.path.basename(before["path"]) == record["video"] + ".mp4"
    # An id is a tool's own number; segments and classes are read with ids of their own.
    return name == "id" or (not of_item and name in ("annotations", "proposals") and len(read.get(name, [])) == 1 and to == "label-studio")


def times_kept(to, record, read):
    key = FORMATS[to][1]
    before, after = record[key][0], (read.get(key) or [{}])[0]
    for name in ("segment", "at"):
        if (name in before) != (name in after) or (name in before and not all(abs(x - y) < 1e-9 for x, y in zip(*([v] if name == "at" else v for v in (before[name], after[name]))))):
            return False
    return True


for to in FORMATS:
    key = FORMATS[to][1]
    label = "7" if to == "thumos14-results" else "" if to == "bsn-proposals" else "x"
    cases = []  # video, its record, whether it is kept in what is read, what else may be said, what it is

    def case(change, good, said, what):
        video = f"M{len(cases)}/1" if to == "soccernet" else f"M{len(cases)}"
        record = record_of(to, video, label)
        change(record)
        cases.append((record, lambda read: good(record, read), said, f"{to}: {what}"))

    for name, value in OF_SEGMENTS:
        if (name != "score" or key == "annotations") and (to, value) != ("soccernet", "1 - 09:59"):  # which says another time
            case(lambda record: record[key][0].update({name: value}), lambda record, read, name=name: kept(to, True, name, record, read), rf"\b{name}\b|labels alone|\b{name}s that", f"the segments' {name} = {value!r}")
    for name, value in OF_VIDEOS:
        if name == key or (to in COUNT_FRAMES and name in ("fps", "frames")) or (to == "bsn-proposals" and name == "duration"):
            continue  # what they count by
        def change(record, name=name, value=value):
            record[name] = (f"https://x.org/{record['video']}.mp4" if name == "media" else f"clips/{record['video']}.mp4") if name in ("media", "path") and value is None else value
            for other in ("duration", "fps", "frames"):
                if name in ("duration", "fps", "frames") and other != name and to not in COUNT_FRAMES and to != "bsn-proposals":
                    del record[other]  # they would contradict it
        case(change, lambda record, read, name=name: kept(to, False, name, record, read), rf"\b{name}\b", f"the video's {name} = {value!r}")
    for times in TIMES:
        if to == "bsn-proposals" and times.get("segment", [0, 1])[0] in (-1, 9, 12):
            continue  # is said, and refused by the reader: no share of the video
        def change(record, times=times):
            del record[key][0]["segment" if "segment" in record[key][0] else "at"]
            record[key][0].update(times)
        case(change, lambda record, read: times_kept(to, record, read), SAID_OF_TIMES, f"the times {times}")

    got, refused, said_of_all = back(to, [record for record, *_ in cases])
    kinds = [said_of for _, _, said_of, _ in cases]
    exact = 0
    for record, good, said_of, what in cases:
        video = record["video"]
        if video in refused or good(got.get(video, {})):
            exact += video not in refused
            continue
        # What is said of one kind of member alone says it; else who is meant shows in a run of its own.
        if kinds.count(said_of) == 1 and re.search(said_of, said_of_all):
            continue
        _, _, said = back(to, [record])
        check(re.search(said_of, said), f"{what}: comes back as {got.get(video)}, and nothing was said: {said!r}")
    check(exact >= 3, f"{to}: only {exact} of {len(cases)} members and times come back")
finish()
