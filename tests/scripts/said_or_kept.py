#!/usr/bin/env python3
# label: cli
"""What goes in comes out, is refused with its place, or is said: lists that are left out, names that look alike, misspelt members, records that no tool takes, files of other formats, and what --rejects keeps."""
import json
import os
import re
import struct
import tempfile
import unicodedata
import zipfile

from harness import check, finish, tool, write

folder = tempfile.TemporaryDirectory()
os.chdir(folder.name)


def convert(*words, data=None, status=0):
    return tool("tal-convert", *words, "--no-history", data=data, status=status)


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def record(video="v", **members):
    return {"video": video, "duration": 10, **members}


def stream(*records):
    return write("in.jsonl", "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in records))


# Of annotations and proposals --segments chooses one; where nothing is said the other one is told. What is empty is not.
both = record(annotations=[{"segment": [1, 2], "label": "a"}], proposals=[{"segment": [3, 4], "label": "b", "score": 0.5}])
for to in ("csv", "tsv", "via", "elan", "rttm", "dcase", "webvtt", "raven", "audacity", "textgrid"):
    said = convert("--from", "tal", "--to", to, stream(both)).stderr
    check("1 video has annotations beside proposals, which are left out (--segments annotations): v" in said, f"{to}: {said!r}")
    for chosen in ("annotations", "proposals"):
        said = convert("--from", "tal", "--to", to, "--segments", chosen, stream(both)).stderr
        check("left out" not in said, f"{to} --segments {chosen}: {said!r}")
check("left out" not in convert("--from", "tal", "--to", "csv", stream({**both, "annotations": []})).stderr, "no annotation is left out where there is none")
task = json.loads(convert("--from", "tal", "--to", "label-studio", stream({**both, "fps": 25})).stdout)[0]
check("annotations" in task and "predictions" in task, f"Label Studio has both lists: {task}")
said = convert("--from", "tal", "--to", "activitynet-results", stream(both)).stderr
check("members that this format does not hold (annotations, duration): v" in said, f"results: {said!r}")
said = convert("--from", "tal", "--to", "activitynet-gt", stream({**both, "features": {"a": {"path": "x.npy", "rows": 1, "dim": 1, "stride": 1, "window": 1}}, "history": []})).stderr
check("does not hold (proposals): v" in said, f"ground truth: {said!r}")
# Columns of tables that nothing reads.
TABLE = "video,start,end,label,camera,comment,fps,duration\nv,1,2,a,7,,25,10\n"
said = convert(write("t.csv", TABLE)).stderr
check("columns left out: 'camera'\n" in said, f"a column without a role; comment is empty: {said!r}")
said = convert("--from", "segments-csv", "t.csv", write("u.csv", TABLE.replace(",7,,", ",7,hm,").replace("v,", "w,"))).stderr
check("columns left out: 'camera' (2 files), 'comment'\n" in said, f"of two files: {said!r}")
for text in ("video,start,end,label\nv,1,2,a\n", "video,start,end,label,start_frame,end_frame,fps\nv,1,2,a,25,50,25\n", "video,t_start,t_end,label,score,subset,annotator,subject\nv,1,2,a,1,val,me,s1\n"):
    said = convert(write("t.csv", text)).stderr
    check("left out" not in said, f"nothing is left out of {text!r}: {said!r}")

# Where the media lies is no loss; a name of it that the id does not tell is one.
for path, lost in (("/data/v.mp4", False), ("clips/v.mkv", False), ("/data/other.mp4", True)):
    said = convert("--from", "tal", "--to", "csv", stream(record(path=path, annotations=both["annotations"]))).stderr
    check(("does not hold (path)" in said) == lost, f"{path}: {said!r}")

# Facts of videos in the files of annotation tools: as they were, and against --durations.
facts = {"duration": 12.5, "fps": 4, "frames": 50, "subset": "NA"}
for to, reader in (("via", "via"), ("via-csv", "via"), ("elan", "elan"), ("label-studio", "label-studio")):
    text = convert("--from", "tal", "--to", to, stream({"video": "v", **facts, "annotations": [{"segment": [1, 2], "label": "a"}]})).stdout
    got = lines(convert("--from", reader, write("v.out", text)).stdout)[0]
    check({name: got.get(name) for name in facts} == facts and got["video"] == "v", f"{to}: {got}")
    said = convert("--from", reader, "v.out", "--durations", write("d.csv", "video,duration\nv,99\n"), status=1).stderr
    check("duration: " in said and "12.5" in said and "99" in said, f"{to}: {said!r}")
    said = convert("--from", reader, write("bad.out", text.replace("12.5", "-3")), status=1).stderr
    check("tal_duration: must be positive, not -3" in said, f"{to}: {said!r}")

# A file of one video, under another name.
said = convert("--from", "tal", "--to", "srt", "-o", "other.srt", stream(record(annotations=[]))).stderr
check("'other.srt' is read as 'other', not 'v'" in said, said)
check("is read as" not in convert("--from", "tal", "--to", "srt", "-o", "v.srt", "in.jsonl").stderr, "the video's own name")
check(lines(convert("--from", "elan", write("other.eaf", convert("--from", "tal", "--to", "elan", "in.jsonl").stdout)).stdout)[0]["video"] == "v", "ELAN's file knows whose it is")

# Names of one look: decompositions of Unicode, letters of other scripts, ligatures, what shows nothing.
pairs = [(chr(code), unicodedata.normalize("NFD", chr(code))) for first, last in ((0xc0, 0x24f), (0x386, 0x3ce), (0x400, 0x481), (0x48a, 0x52f), (0x1e00, 0x1ef9), (0x304b, 0x30fe), (0xac00, 0xac80), (0xd780, 0xd7a3)) for code in range(first, last + 1)]
pairs = [(one, other) for one, other in pairs if one != other]
check(len(pairs) > 700, f"only {len(pairs)} characters are composed")
pairs += [("q\u0323\u0302", "q\u0302\u0323"), ("\ufb01nd", "find"), ("\ufb03", "ffi"), ("y\u0435s", "yes"), ("\uff21\uff22", "AB"), ("a\u00a0b", "a b"), ("a\u200bb", "ab"), ("\u2163", "IV"), ("it\u2019s", "it's"), ("a\u2026", "a..."), ("\u212b", "\u00c5"), ("\u26bd\ufe0f", "\u26bd"), ("a  b", "a b")]
labels = [f"{k} {name} {k}" for k, pair in enumerate(pairs) for name in pair] + ["blank ", "blank"]
pairs.append(("blank ", "blank"))
stream(record(annotations=[{"segment": [k / 1000, (k + 1) / 1000], "label": label} for k, label in enumerate(labels)]))
report = json.loads(tool("tal-check", "--format", "json", "--max-faults", "0", "in.jsonl", status=1).stdout)
fields = {fault["field"] for fault in report["faults"] if fault["class"] == "look-alike"}
missed = [pairs[k] for k in range(len(pairs)) if f"annotations[{2 * k + 1}].label" not in fields]
check(not missed and len(fields) == len(pairs), f"{len(fields)} of {len(pairs)} are found to look alike, not {missed[:5]}")
apart = ["a", "b", "A", "\u00e1", "\u043c\u0438\u0440", "\u043c\u0438\u0434", "\u3042", "\u304b", "\u304c", "\u306f", "\u3070", "\u3071", "\uac00", "\uac01", "run-1", "run_1", "run 1", "runs", "\u65e5", "\u65e5\u672c", "\u26bd", "\u26be"]
done = tool("tal-check", stream(record(annotations=[{"segment": [k / 10, k / 10 + 0.1], "label": label} for k, label in enumerate(apart)])))
check("look-alike" not in done.stdout, f"names that look otherwise: {done.stdout}")

ALIKE = "'yes' and 'y\u0435s' (U+0065 here, U+0435 there)"
two = [{"segment": [1, 2], "label": "yes"}, {"segment": [3, 4], "label": "y\u0435s"}]
for words in (("--from", "tal"), ("--from", "tal", "--to", "csv")):
    said = convert(*words, stream(record(annotations=two), record("w", classification=[{"label": "yes", "score": 1}]))).stderr
    check(f"labels look alike but have other characters, and stay different: {ALIKE}" in said, f"{words}: {said!r}")
table = write("t.csv", "video,start,end,label\nv,1,2,yes\n")
said = convert("--from", "segments-csv", table, "--classes", write("c.txt", "yes\ny\u0435s\n")).stderr
check(f"c.txt: classes look alike but have other characters, and stay different: {ALIKE}" in said, said)
said = convert("--from", "segments-csv", table, "--classes", write("c.txt", "no\ny\u0435s\n"), status=1).stderr
check("'yes' here seems to be 'y\u0435s' there: other characters that look alike" in said, said)
stream(record(annotations=two))
write("p.jsonl", json.dumps(record(proposals=[{"segment": [1, 2], "label": "yes", "score": 1}])) + "\n")
said = tool("tal-eval", "--gt", "in.jsonl", "-i", "p.jsonl").stderr
check(f"labels of the ground truth look alike but have other characters, and stay different: {ALIKE}" in said, said)
write("g.jsonl", json.dumps(record(annotations=two[1:])) + "\n")
said = tool("tal-check", "--gt", "g.jsonl", "p.jsonl", status=1).stdout
check("unknown-label: 'yes' is not among the known labels; 'yes' here seems to be 'y\u0435s' there" in said, said)
said = tool("tal-check", stream(record("v1"), record("\uff561")), status=1).stdout
check("in.jsonl:2: video '\uff561': video: look-alike: looks like 'v1', which is another name: U+FF56 here, U+0076 there" in said, said)

# Members whose names are nearly right: a warning, since foreign members pass.
done = tool("tal-check", stream(record(anotations=[]), record("w", annotations=[{"segment": [1, 2], "label": "a", "lable": "b"}], proposals=[{"segment": [1, 2], "scroe": 1}, {"segment": [1, 3], "scroe": 1}], Subset="x")))
for place, meant in (("in.jsonl:1: video 'v': anotations", "annotations"), ("in.jsonl:2: video 'w': annotations[0].lable", "label"), ("in.jsonl:2: video 'w': proposals[0].scroe", "score"), ("in.jsonl:2: video 'w': Subset", "subset")):
    check(f"warning: {place}: no member that tal knows; is it '{meant}'?" in done.stderr, f"{place}: {done.stderr!r}")
check("'score'? (2 of them)" in done.stderr and "0 faults" in done.stdout, done.stderr)
done = tool("tal-check", stream(record(annotations=[{"segment": [1, 2], "label": "a", "labels": ["b"], "title": "c", "id": 1, "note": "x", "tiers": 1, "tier": "t"}], comment="x", width=3, score=1, date="x", media="y", path="z", maps={}, url="u", text="t", tags=[])))
check("is it" not in done.stderr, f"members of other names: {done.stderr!r}")

# Broken JSON has its column, also inside a member that is parsed later.
for body, column in (('"annotations":[{"segment":[5,7],"label":"a"},{"segment":[5,7] "label":"a"}]', 91), ('"proposals":[{"segment":[5,7] "score":1}]', 58), ('"foreign":{"a":[1 2]}', 46)):
    text = '{"video":"v","duration":10,' + body + "}"
    at = text.index("] \"") + 3 if "] \"" in text else text.index("1 2") + 3
    for name, words in (("tal-check", ()), ("tal-convert", ("--from", "tal", "--to", "csv")), ("tal-convert", ("--from", "tal"))):
        done = tool(name, *words, write("in.jsonl", text + "\n"), status=1)
        check(f"(column {at})" in done.stdout + done.stderr, f"{name} {words} {body}: {done.stdout + done.stderr}")

# Records pass the same check as what other formats become.
for members, says in (({"annotations": [{"segment": [5, 2], "label": "a"}]}, "annotations[0].segment: end 2 is not after start 5"), ({"proposals": [{"segment": [5, 2], "score": 1}]}, "proposals[0].segment: end 2 is not after start 5"),
                      ({"proposals": [{"segment": [1, 2], "score": "high"}]}, "proposals[0].score: "), ({"fps": 0}, "fps: "), ({"subset": 3}, "subset: must be a string"), ({"annotations": [{"segment": [1, 2], "label": 3}]}, "annotations[0].label: ")):
    for to in ("tal", "csv"):
        said = convert("--from", "tal", "--to", to, stream(record(**members)), status=1).stderr
        check("in.jsonl:1: video 'v': " + says in said, f"{to} {members}: {said!r}")
done = convert("--from", "tal", stream(record(annotations=[{"segment": [15, 22], "label": "a"}, {"segment": [-1, 2], "label": "a"}]), record()))
for says in ("1 segment behind the video's end, the first is annotations[0].segment of video 'v'", "1 segment beginning before 0, the first is annotations[1].segment of video 'v'", "1 record is of a video that has one already, the first is 'v'"):
    check(says in done.stderr, f"{says}: {done.stderr!r}")
check(len(lines(done.stdout)) == 2 and "frames" not in done.stderr, f"{done.stdout!r} {done.stderr!r}")

# Files of other formats: one fault, and what makes records of them.
FOREIGN = {"activitynet-gt": '{\n "database": {"v": {"duration": 9, "annotations": [{"segment": [1, 2], "label": "a"}]}}}', "soccernet": '{"UrlLocal":"g/","annotations":[{"gameTime":"1 - 00:01","label":"a","position":"1000"}]}', "segments-csv": "video,start,end,label\nv,1,2,a\n",
           "spotting-json": '[{"video":"v","num_frames":100,"fps":25,"events":[{"frame":10,"label":"a"}]}]', "webvtt": "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\na\n", "rttm": "SPEAKER v 1 1 1 <NA> <NA> a <NA> <NA>\n"}
for name, text in FOREIGN.items():
    done = tool("tal-check", write("foreign.txt", text), status=1)
    check(f"foreign.txt: foreign-format: no records, but {name} by its looks" in done.stdout and f"tal-convert --from {name} makes records" in done.stdout and "1 faults" in done.stdout, f"{name}: {done.stdout}")
done = tool("tal-check", write("in.jsonl", '{"video":"v"\n{"video":"w"}\n'), status=1)
check("in.jsonl:1: " in done.stdout and "2 records, 1 faults" in done.stdout, done.stdout)

# What --rejects keeps of JSON is read again once it is mended, also several of them, with their lines.
for name, good, bad in (("activitynet-gt", '{"duration":9,"annotations":[{"segment":[1,2],"label":"a"}]}', '{"duration":9,"annotations":[{"segment":[7,2],"label":"a"}]}'), ("activitynet-results", '[{"segment":[1,2],"label":"a","score":1}]', '[{"segment":[7,2],"label":"a","score":1}]')):
    key = "database" if name.endswith("gt") else "results"
    text = "{\"%s\":{\"a\":%s,\n\"b\":%s,\n\"c\":%s,\"d\":%s}}" % (key, good, bad, good, bad)
    done = convert("--from", name, "--on-error", "skip", "--rejects", "rejects.json", write("in.json", text), status=1)
    with open("rejects.json") as file:
        rejects = file.read()
    check(len(lines(done.stdout)) == 2 and rejects.count("\n") == 2, f"{name}: {rejects}")
    said = convert("rejects.json", "--on-error", "skip", status=1).stderr
    check("rejects.json:1: video 'b': " in said and "rejects.json:2: video 'd': " in said, f"{name}: {said!r}")
    for words in ((), ("--from", name)):
        got = lines(convert(*words, write("rejects.json", rejects.replace("[7,2]", "[1,2]"))).stdout)
        check([each["video"] for each in got] == ["b", "d"], f"{name} {words}: {got}")
    said = convert("--from", name, write("rejects.json", rejects.replace("[7,2]", "[1,2]").replace('"label":"a"', '"label":', 1)), status=1).stderr
    check("rejects.json:1: " in said, f"{name}: {said!r}")
done = convert("--from", "spotting-json", "--on-error", "skip", "--rejects", "rejects.json", write("in.json", '[{"video":"a","fps":25,"events":[{"frame":1}]},{"video":"b","fps":25,"events":[{"frame":2}]}]'), status=1)
with open("rejects.json") as file:
    got = lines(convert("--from", "spotting-json", write("again.json", file.read().replace('"frame"', '"label":"x","frame"'))).stdout)
check([each["video"] for each in got] == ["a", "b"], f"spotting-json: {got}")

# Frames that a video has not, on the way in; the last half frame, on the way out.
done = convert("--from", "spotting-json", write("in.json", '[{"video":"v","num_frames":100,"fps":25,"events":[{"frame":99,"label":"a"},{"frame":100,"label":"a"},{"frame":-1,"label":"b"}]}]'))
check("2 events are at frames that the video has not" in done.stderr and "the first is events[1].frame of video 'v', 100 of 100" in done.stderr, done.stderr)
for at, frame, rounded in ((3.99, 99, True), (4, 99, True), (3.96, 99, False), (0, 0, False)):
    done = convert("--from", "tal", "--to", "spotting-json", stream({"video": "v", "fps": 25, "frames": 100, "annotations": [{"at": at, "label": "a"}]}))
    check(json.loads(done.stdout)[0]["events"][0]["frame"] == frame and ("rounded" in done.stderr) == rounded, f"{at}: {done.stdout} {done.stderr!r}")

# SoccerNet's gameTime says the time that the event has now, and keeps its own form where that is the same.
for at, clock, wanted in ((3417.3, "1 - 56:57", "1 - 56:57"), (10, "1 - 56:57", "1 - 00:10"), (61, "2 - 01:01", "1 - 01:01"), (417.34, "1 - 6:57", "1 - 6:57"), (5, "soon", "1 - 00:05")):
    text = convert("--from", "tal", "--to", "soccernet", stream(record("G/1", duration=4000, annotations=[{"at": at, "label": "goal", "gameTime": clock, "team": "home", "confidence": 0.5}]))).stdout
    event = json.loads(text)["annotations"][0]
    check(event["gameTime"] == wanted and event["team"] == "home" and event["confidence"] == 0.5, f"{at} {clock}: {event}")
    check(lines(convert("--from", "soccernet", write("Labels-v2.json", text)).stdout)[0]["annotations"][0]["at"] == at, f"{at} {clock}: is read again")
text = convert("--from", "tal", "--to", "soccernet", stream(record("G/1", proposals=[{"at": 1, "label": "goal", "score": 0.5, "confidence": 0.25, "position": "7"}])))
check([list(pair) for pair in json.loads(text.stdout, object_pairs_hook=list)[1][1][0]] == [["gameTime", "1 - 00:01"], ["label", "goal"], ["position", "1000"], ["half", "1"], ["confidence", "0.5"]], f"no member twice: {text.stdout}")
check("does not hold (confidence, position)" in text.stderr, text.stderr)
text = convert("--from", "tal", "--to", "spotting-json", stream({"video": "v", "fps": 25, "frames": 100, "annotations": [{"at": 1, "label": "a", "frame": 3}]}))
check(text.stdout.count('"frame"') == 1 and "does not hold (frame)" in text.stderr, text.stdout + text.stderr)

# Raven's columns that may be labels.
RAVEN = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tAnnotation\t%s\n1\tWaveform 1\t1\t1\t2\ta\t%s\n"
said = convert("--from", "raven", write("r.txt", RAVEN % ("Label", "b")), status=1).stderr
check("r.txt:2: label: 'Annotation' says 'a', 'Label' 'b': --columns label=NAME says which one counts" in said, said)
check(lines(convert("--from", "raven", "r.txt", "--columns", "label=Label").stdout)[0]["annotations"][0]["label"] == "b", "the column that counts")
check("says" not in convert("--from", "raven", write("r.txt", RAVEN % ("Label", "a"))).stderr, "columns that say the same")
said = convert("--from", "raven", write("r.txt", RAVEN % ("Species", "b"))).stderr
check("the labels are taken from column 'Annotation'; 'Species' says otherwise in 1 row" in said, said)
# ... and what it has columns of its own for is not written twice.
text = convert("--from", "tal", "--to", "raven", stream(record(annotations=[{"segment": [1, 2], "label": "a", "columns": {"Annotation": "z", "Begin File": "w.wav", "Call": "k"}}])))
check(text.stdout.splitlines()[0].count("Annotation") == 1 and "w.wav" not in text.stdout and "\tk" in text.stdout and "further columns that are left out" in text.stderr, text.stdout + text.stderr)

# Numbers in tables, and values that tables use for what is missing.
text = convert("--from", "tal", "--to", "csv", stream(record(subset="NA", annotations=[{"segment": [1, 2], "label": "a", "tier": 3, "subject": 7.5, "score": 0.5}])))
check(re.search(r"become some \(subject, tier\): v", text.stderr) and "does not hold (score): v" in text.stderr, text.stderr)
got = lines(convert("--from", "segments-csv", write("t.csv", text.stdout)).stdout)[0]
check(got["subset"] == "NA" and got["annotations"] == [{"segment": [1, 2], "label": "a", "tier": "3", "subject": "7.5"}], f"{got}")

# What annotation tools know besides label and times stays with the segment, and goes back.
elan = convert("--from", "tal", "--to", "elan", stream(record(annotations=[{"segment": [k, k + 2], "label": "a", "tier": "t & u", "subject": subject, "annotator": "B"} for k, subject in ((0, "A"), (1, "A"), (0, "C"))]))).stdout
check(elan.count('PARTICIPANT="A" ANNOTATOR="B"') == 2 and elan.count('PARTICIPANT="C"') == 1 and 'TIER_ID="t &amp; u 2"' in elan, elan)
got = lines(convert("--from", "elan", write("v.eaf", elan)).stdout)[0]["annotations"]
check(sorted((each["segment"][0], each["tier"], each["subject"], each["annotator"]) for each in got) == [(0, "t & u", "A", "B"), (0, "t & u", "C", "B"), (1, "t & u", "A", "B")], f"{got}")
rttm = convert("--from", "rttm", write("r.rttm", "LEXEME f 1 0.5 0.5 hello lex spk1 0.9 <NA>\nLEXEME f 2 0.5 0.5 hello lex <NA> <NA> <NA>\n")).stdout
check([(each["label"], each.get("orthography"), each.get("subtype")) for each in lines(rttm)[0]["annotations"]] == [("spk1", "hello", "lex"), ("hello", None, "lex")], rttm)
again = convert("--from", "tal", "--to", "rttm", write("in.jsonl", rttm)).stdout
check(again.splitlines()[0] == "LEXEME f 1 0.5 0.5 hello lex spk1 0.9 <NA>", again)
check(lines(convert("--from", "rttm", write("r.rttm", again)).stdout)[0]["annotations"][0] == lines(rttm)[0]["annotations"][0], "RTTM's words come back")
said = convert("--from", "dcase", write("d.tsv", "filename\tonset\toffset\tevent_label\tconfidence\tannotator\na.wav\t1\t2\tdog\t0.5\tme\n")).stderr
check("d.tsv: columns left out: 'confidence', 'annotator'" in said, said)
task = [{"data": {"video": "a.mp4"}, "annotations": [{"result": [{"from_name": "l", "to_name": "video", "type": "timelinelabels", "meta": {"text": ["a note", "b"]}, "value": {"ranges": [{"start": 1, "end": 25}], "timelinelabels": ["run"]}}]}]}]
text = convert("--from", "label-studio", "--fps", "25", write("l.json", json.dumps(task))).stdout
check(lines(text)[0]["annotations"][0]["comment"] == "a note\nb", text)
check(json.loads(convert("--from", "tal", "--to", "label-studio", write("in.jsonl", text)).stdout)[0]["annotations"][0]["result"][0]["meta"] == {"text": ["a note\nb"]}, "the comment goes back")

# Rows that end with a single CR: what --rejects keeps is read below their header, a CR within quotes too.
head = "video,start,end,label\r"
done = convert("--from", "segments-csv", "--on-error", "skip", "--rejects", "rejects.csv", write("cr.csv", head + 'v,1,2,a\rv,5,2,"b\rc"\rv,8,3,x\r'), status=1)
with open("rejects.csv", newline="") as file:
    rejects = file.read()
check(rejects == 'v,5,2,"b\rc"\nv,8,3,x\n', f"{rejects!r}")
got = lines(convert("--from", "segments-csv", write("again.csv", head + rejects.replace("5,2", "5,9").replace("8,3", "8,9"))).stdout)[0]["annotations"]
check([each["label"] for each in got] == ["b\rc", "x"], f"{got}")

# What a TextGrid, weak labels and a folder do not hold or take is said.
for items, says in (([{"segment": [1, 3], "label": "x"}], "no duration, so that the TextGrid lasts as long as the last segment"), ([], "no duration and no segment, so that the TextGrid lasts 1 s")):
    said = convert("--from", "tal", "--to", "textgrid", stream({"video": "v", "annotations": items})).stderr
    check(says in said, said)
check("no duration" not in convert("--from", "tal", "--to", "textgrid", stream(record(annotations=[]))).stderr, "a duration that is known")
stream({"video": "v", "classification": [{"label": "a", "score": 0.9}, {"label": "b", "score": 0.2}, {"label": "c", "score": 0.95}]})
for words, labels in ((("--min-score", "0.5"), "a,c"), (("--top-k", "1"), "c"), ((), "a,b,c")):
    done = convert("--from", "tal", "--to", "dcase-weak", *words, "in.jsonl")
    check(done.stdout == f"filename\tevent_labels\nv.wav\t{labels}\n", f"{words}: {done.stdout}")
    check("a classification with scores, of which this format holds the labels alone" in done.stderr and "(classification)" not in done.stderr, done.stderr)
os.mkdir("others")
check("nothing was checked" in tool("tal-check", "others").stderr, "an empty folder")
write("others/b.csv", "video,start,end,label\nv,1,2,x\n")
write("others/d.csv", "video,duration\nv,9\n")
done = tool("tal-check", "others", status=1)
check("others/b.csv: foreign-format: no records, but segments-csv" in done.stdout and "d.csv" not in done.stdout, done.stdout)
os.remove("others/b.csv")
write("others/r.json", '{"video":"v","duration":-1}\n')
write("others/header.json", '{"feature":{}}\n')
done = tool("tal-check", "others", status=1)
check("others/r.json:1: video 'v': duration: bad-duration" in done.stdout and "1 files" in done.stdout, done.stdout)

# Files of a folder that end otherwise, columns without a name, rates without a use, videos that --durations lacks, what --min-score does not choose from.
os.mkdir("classes")
write("classes/Run.txt", "v 1 2\n")
write("classes/v.mp4", "")
check(convert("--from", "multithumos", "classes").stderr == "", "a folder of nothing else")
write("classes/Jump.csv", "v 1 2\n")
write("classes/README", "x")
said = convert("--from", "multithumos", "classes").stderr
check("classes: 2 files are no .txt, and left out: 'classes/Jump.csv', 'classes/README'" in said, said)
said = convert("--from", "segments-csv", write("t.csv", ",video,start,end,label,\n0,v,1,2,a,\n1,v,3,4,b,more\n")).stderr
check("t.csv: column 6 has no name and is left out ('more' in line 3)" in said and "column 1" not in said, said)
said = convert("--from", "segments-csv", write("t.csv", "video,start,end,label,\nv,1,2,a,\n")).stderr
check(said == "", said)
for members, counted in (({}, 2), ({"duration": 9}, 1)):
    stream({"video": "known"}, {"video": "x1", **members}, {"video": "other"})
    said = convert("--from", "tal", "--durations", write("d.csv", "video,duration\nknown,9\n"), "in.jsonl").stderr
    check(f"{counted} video{'s are' if counted > 1 else ' is'} not in d.csv, and without a duration: " in said, said)
stream({"video": "known"}, {"video": "x1", "duration": 9})
check(convert("--from", "tal", "--durations", "d.csv", "in.jsonl").stderr == "", "a video that has a duration needs none of --durations")
stream({"video": "v", "duration": 9, "annotations": [{"segment": [1, 2], "label": "a"}]})
for to in ("dcase", "dcase-weak", "webvtt"):
    said = convert("--from", "tal", "--to", to, "--min-score", "0.5", "in.jsonl").stderr
    check("1 video has annotations and no proposals: --min-score and --top-k leave out none of them: v" in said, f"{to}: {said}")
    check("--min-score" not in convert("--from", "tal", "--to", to, "in.jsonl").stderr, to)
write("none.jsonl", "")
check("tal-eval: warning: no record of predictions in none.jsonl: nothing to judge" in tool("tal-eval", "--gt", "in.jsonl", "-i", "none.jsonl").stderr, "an empty stream")
check("no record of predictions" not in tool("tal-eval", "--gt", "in.jsonl", "-i", write("one.jsonl", '{"video":"v","proposals":[]}\n')).stderr, "a record without predictions")
header = "{'descr': '<f8', 'fortran_order': False, 'shape': %s, }"
def npy(values, shape):
    text = (header % shape).ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + struct.pack(f"<{len(values)}d", *values)
with zipfile.ZipFile("f.npz", "w") as archive:
    archive.writestr("feats.npy", npy([1, 2, 3, 4], "(2, 2)"))
    archive.writestr("fps.npy", npy([25], "()"))
said = convert("--from", "features", "--inline", "f.npz").stderr
check("25, is left out: without a stride the rows share the video's duration (--stride)" in said, said)
got = lines(convert("--from", "features", "--inline", "--stride", "8", "f.npz").stdout)[0]
check(got["features"]["features"]["fps"] == 25, f"{got}")

# Segments without length are counted, whichever reader they come from.
for form, name, text in (("rttm", "z.rttm", "SPEAKER f 1 3.0 0 <NA> <NA> a <NA> <NA>\n"), ("dcase", "z.tsv", "filename\tonset\toffset\tevent_label\nf.wav\t3\t3\ta\n"), ("datavyu", "z.csv", "onset,offset,code\n3000,3000,x\n"), ("segments-csv", "z.csv", "video,start,end,label\nf,3,3,a\n"), ("thumos14-gt", "Run_val.txt", "f 3 3\n")):
    said = convert("--from", form, write(name, text)).stderr
    check("1 segment without length" in said, f"{form}: {said}")

# Half of a character, sums beyond a double, and text of another encoding.
for text, says in (('{"video":"\\ud800"}', "video: half of a character"), ('{"video":"v","annotations":[{"segment":[1,2],"label":"a\\udc00"}]}', "annotations[0].label"), ('{"video":"v","proposals":[{"segment":[1,2],"score":1,"label":"\\ud83d"}]}', "proposals[0].label")):
    done = convert("--from", "tal", data=text + "\n", status=1)
    check("half of a character in a string" in done.stderr and "(column " in done.stderr and says.split(":")[0] in done.stderr, done.stderr)
    done = tool("tal-check", data=text + "\n", status=1)
    check("half of a character in a string" in done.stdout and "must be a string" not in done.stdout, done.stdout)
big = [{"segment": [0, 1], "score": 1e308}, {"segment": [0, 2], "score": 1e308}, {"segment": [0, 3], "score": 1e-300}]
small = [{**each, "score": each["score"] / 1e308} for each in big]
kept = [[each["segment"] for each in json.loads(tool("tal-nms", "--no-history", "--voting", "0.3", data=json.dumps({"video": "v", "duration": 9, "proposals": each})).stdout)["proposals"]] for each in (big, small)]
check(kept[0] == kept[1], f"votes of large scores: {kept}")
said = convert("--from", "webvtt", write("w.vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\ncaf\xe9\n".encode("latin-1")), status=1).stderr
check("w.vtt:4: not valid UTF-8: save it as UTF-8, or iconv -f ENCODING -t UTF-8" in said, said)

finish()
