# Names and times in files as users bring them: files of one name in several folders, subsets, times that people and programs write, index columns, what shows nothing, columns that contradict each other, JSON that is none.
# label: cli
import json
import os
import shutil
import struct
import subprocess
import tempfile
import zipfile

from harness import check, finish, tool, write

os.chdir(tempfile.mkdtemp())


def convert(*arguments, says=(), **more):
    done = tool("tal-convert", *arguments, "--no-history", **more)
    for part in says:
        check(part in done.stderr, f"{arguments}: '{part}' is not in: {done.stderr}")
    return done


def records(*arguments, says=(), silent=False):
    done = convert(*arguments, says=says)
    if silent:
        check(done.stderr == "", f"{arguments}: says {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def refused(*arguments, says, status=1, name="tal-convert"):
    done = tool(name, *arguments, status=status)
    for part in says:
        check(part in done.stderr, f"{name} {arguments}: '{part}' is not in: {done.stderr}")


def segments(*arguments, **more):
    return records("--from", "segments-csv", *arguments, **more)


def npy(path, rows, value):
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, 1), }}".ljust(117) + "\n"
    return write(path, b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + struct.pack("<f", value) * rows)


# Files of one name in different folders are two videos, or refused with both places and the option.
TWO = write("two.csv", "video,start,end,label\na/v2.mp4,1,2,x\nb/v2.mp4,3,4,y\n")
BOTH = ("'b/v2.mp4' and 'a/v2.mp4' (", "--id-folders 1", "'b_v2'")
refused("--from", "segments-csv", TWO, says=("two.csv:3:", *BOTH))
refused("--from", "detections-csv", write("det.csv", "video,start,end,label,score\na/v2.mp4,1,2,x,1\nb/v2.mp4,3,4,y,1\n"), says=BOTH)
check([r["video"] for r in segments(TWO, "--id-folders", "1", silent=True)] == ["a_v2", "b_v2"], "folders kept")
check(len(segments(TWO, "--id-folders", "0")[0]["annotations"]) == 2, "folders dropped")
check(len(segments(write("one.csv", "video,start,end\nclips/v.mp4,1,2\n/data/clips/v.mp4,3,4\nv.mp4,5,6\n"))) == 1, "one file, named in several ways")
RECORD = write("v2.jsonl", '{"video":"v2"}\n')
refused("--from", "tal", RECORD, "--split", "train=" + write("both.txt", "a/v2.mp4\nb/v2.mp4\n"), says=("both.txt:2:", *BOTH))
refused("--from", "tal", RECORD, "--durations", write("same.csv", "video,duration\na/v2.mp4,10\nb/v2.mp4,10\n"), says=("same.csv:3:", *BOTH))
refused("--from", "tal", RECORD, "--durations", write("same.json", '{"a/v2.mp4":{"duration":10},"b/v2.mp4":{"duration":10}}'), says=("--id-folders",))
refused("--from", "class-scores", write("scores.csv", "video,run,jump\na/v2.mp4,0.1,0.2\nb/v2.mp4,0.3,0.4\n"), says=BOTH)
refused("--from", "class-scores", write("bare.csv", "0.5,0.25\n0.75,0.125\n"), "--videos", "both.txt", says=BOTH)
check([r["video"] for r in records("--from", "class-scores", "scores.csv", "--id-folders", "1")] == ["a_v2", "b_v2"], "class scores")
got = segments(TWO, "--id-folders", "1", "--split", "train=both.txt", "--durations", write("lengths.csv", "video,duration\na/v2.mp4,10\nb/v2.mp4,20\n"))
check([(r["duration"], r["subset"]) for r in got] == [(10, "train"), (20, "train")], f"lists with folders: {got}")
npy("f/a/v2.npy", 3, 1), npy("f/b/v2.npy", 4, 2)
refused("--from", "features", "f", says=("f/a/v2.npy", "f/b/v2.npy", "--pattern", "--id-folders"))
check([r["video"] for r in records("--from", "features", "f", "--id-folders", "1")] == ["a_v2", "b_v2"], "features")
check([r["video"] for r in records("--from", "features", "f/a/v2.npy", "f/b/v2.npy", "--id-folders", "1")] == ["a_v2", "b_v2"], "files of features")
SIGNALS = ("--from", "signals", "--rate", "4", "--window", "4", "--stride", "4", "--inline")
write("s/a/r.csv", "x,y\n" + "1,2\n" * 8), write("s/b/r.csv", "x,y\n" + "3,4\n" * 8)
refused(*SIGNALS, "s", says=("s/a/r.csv", "s/b/r.csv", "--id-folders"))
check([r["video"] for r in records(*SIGNALS, "s", "--id-folders", "1")] == ["a_r", "b_r"], "signals")
check(records(*SIGNALS, "s", "--id-folders", "0")[0]["features"]["signals"]["dim"] == 16, "signals side by side")
write("l/a/v.txt", "run\njump\n"), write("l/b/v.txt", "run\nrun\n")
refused("--from", "frame-labels", "--fps", "1", "l/a/v.txt", "l/b/v.txt", says=("--id-folders",))
PATHS = write("paths.jsonl", '{"video":"a/v2.mp4"}\n{"video":"b/v2.mp4"}\n')
refused("--from", "tal", PATHS, "--merge", write("m.jsonl", '{"video":"v2","duration":3}\n'), says=("'a/v2.mp4' and 'b/v2.mp4' are both 'v2' of m.jsonl",))
refused("--from", "tal", PATHS, "--durations", write("d.csv", "video,duration\nv2,3\n"), says=("are both 'v2' of --durations",))
refused("--from", "tal", PATHS, "--split", "a=" + write("l.txt", "v2\n"), says=("are both 'v2' of --split",))

# One file on the machines of several annotators: the paths, the places and the option are named.
A, B = "/home/ann/clips/v1.mp4", "C:\\data\\v1.mp4"
EAF = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT FORMAT="3.0"><HEADER TIME_UNITS="milliseconds"><MEDIA_DESCRIPTOR MEDIA_URL="%s" MIME_TYPE="video/mp4"/></HEADER>
<TIME_ORDER><TIME_SLOT TIME_SLOT_ID="t1" TIME_VALUE="1000"/><TIME_SLOT TIME_SLOT_ID="t2" TIME_VALUE="2000"/></TIME_ORDER>
<TIER LINGUISTIC_TYPE_REF="d" TIER_ID="T"><ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a" TIME_SLOT_REF1="t1" TIME_SLOT_REF2="t2"><ANNOTATION_VALUE>x</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER>
</ANNOTATION_DOCUMENT>"""
BORIS = json.dumps({"project_format_version": "7.0", "behaviors_conf": {"0": {"code": "x", "type": "State event", "key": "x"}}, "subjects_conf": {},
                    "observations": {"o": {"file": {"1": ["%s"]}, "type": "MEDIA", "media_info": {}, "events": [[1, "", "x", "", ""], [2, "", "x", "", ""]]}}})
VIA = json.dumps({"project": {"pid": "p", "vid_list": ["1"]}, "config": {}, "attribute": {"1": {"aname": "a", "type": 1, "options": {}}}, "file": {"1": {"fid": "1", "fname": "%s", "type": 4, "loc": 1, "src": "%s"}},
                  "view": {"1": {"fid_list": ["1"]}}, "metadata": {"m": {"vid": "1", "flg": 0, "z": [1, 2], "xy": [], "av": {"1": "x"}}}})
CVAT = """<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version><meta><job><size>100</size><source>%s</source><labels/></job></meta><track id="0" label="x"><box frame="25" outside="0" xtl="1" ytl="1" xbr="2" ybr="2"/><box frame="50" outside="1" xtl="1" ytl="1" xbr="2" ybr="2"/></track></annotations>"""
DATAVYU = "file,name,onset,offset,ordinal\n%s,look,1000,2000,1\n"
RAVEN = "Selection\tView\tBegin Time (s)\tEnd Time (s)\tBegin File\tAnnotation\n1\tWaveform 1\t1\t2\t%s\tx\n"
DCASE = "filename\tonset\toffset\tevent_label\n%s\t1\t2\tx\n"
for source, ending, text, more in (("elan", "eaf", EAF, ()), ("boris", "boris", BORIS, ()), ("via", "json", VIA, ()), ("cvat", "xml", CVAT, ("--fps", "25")), ("raven", "txt", RAVEN, ()), ("dcase", "tsv", DCASE, ())):
    names = []
    for folder, media in (("one", A), ("two", B)):
        written = media.replace("\\", "\\\\") if text in (BORIS, VIA) else media
        names.append(write(f"{folder}.{ending}", text.replace("%s", written)))
    refused("--from", source, *more, *names, says=(f"two.{ending}:", f"'{B}' and '{A}' (one.{ending}", "as one file on several machines --id-folders 0 takes them for one video; --id-folders 1 keeps the folder in their ids ('data_v1')"))
    got = records("--from", source, *more, "--id-folders", "0", *names)
    check([(r["video"], len(r["annotations"])) for r in got] == [("v1", 2)], f"{source}: {got}")
    check([r["video"] for r in records("--from", source, *more, "--id-folders", "1", *names)] == ["clips_v1", "data_v1"], f"{source} with folders")

# Ids that differ in upper and lower case alone are two videos; where one is looked for, the other one is named.
CASE = write("case.csv", "video,start,end,label\nVideo1,1,2,x\nother,1,2,x\n")
LIKE = "; 'Video1' here seems to be 'video1' there: upper and lower case"
got = segments(CASE, "--durations", write("d.csv", "video,duration\nvideo1,10\nother,20\n"), says=("1 video is not in d.csv" + LIKE,))
check([r.get("duration") for r in got] == [None, 20], f"never matched: {got}")
segments(CASE, "--durations", write("d.csv", "video,duration\nvideo1,10\n"), says=("no video of the input is in d.csv: 'Video1' and others here, 'video1' and others there" + LIKE,))
for option in (("--time", "relative"), ("--time", "frames")):
    refused("--from", "segments-csv", *option, CASE, "--durations", write("d.csv", "video,duration,fps\nvideo1,10,25\n"), says=("case.csv:2: video 'Video1': start: ", "(--durations says none of this video" + LIKE + ")"))
got = segments(CASE, "--split", "train=" + write("l.txt", "video1\nother\n"), says=("1 video is in no --split list" + LIKE, "1 video is in a --split list, but in no record: video1"))
check([r.get("subset") for r in got] == [None, "train"], f"no subset of another video: {got}")
got = segments(CASE, "--merge", write("m.jsonl", '{"video":"video1","duration":3}\n{"video":"other","duration":4}\n'), says=("1 video is not in m.jsonl: Video1" + LIKE,))
check([r.get("duration") for r in got] == [None, 4], f"nothing merged: {got}")
check(len(segments(write("both.csv", "video,start,end\nVideo1,1,2\nvideo1,3,4\n"), says=("videos that differ in upper and lower case alone, and stay different: 'Video1' and 'video1'",))) == 2, "two videos")
refused("--from", "signals", "--rate", "4", "--window", "4", "--stride", "4", "--inline", "--labels", write("l.csv", "video,start,end,label\nREC,0,1,x\n"), write("rec.csv", "x,y\n" + "1,2\n" * 8), says=("names none of the recordings: 'REC' there, 'rec' here; 'rec' here seems to be 'REC' there: upper and lower case",))
SCORED = '{"video":"Video1","duration":9,"proposals":[{"segment":[1,2],"score":0.5}]}\n'
done = tool("tal-score", "--classification", write("c.jsonl", '{"video":"video1","classification":[{"label":"x","score":1}]}\n'), data=SCORED, status=1)
check("has no line of this video" + LIKE in done.stderr, f"class scores: {done.stderr}")
done = tool("tal-check", "--gt", write("k.jsonl", '{"video":"video1"}\n'), data=SCORED, status=1)
check("not among the known videos" + LIKE in done.stdout + done.stderr, f"tal-check: {done.stdout} {done.stderr}")
done = tool("tal-eval", "--protocol", "activitynet-proposal", "--gt", write("gt.jsonl", '{"video":"video1","duration":9,"annotations":[{"segment":[1,2],"label":"x"}]}\n'), data=SCORED)
check(LIKE in done.stderr, f"tal-eval: {done.stderr}")

# Subsets: in a column of whatever name that holds nothing else, or in a table of their own.
for name in ("split", "subset", "Set", "partition"):
    got = segments(write("sub.csv", f"video,start,end,label,{name}\nv1,1,2,x,train\nv2,3,4,y,val\n"))
    check([r["subset"] for r in got] == ["train", "val"], f"{name}: {got}")
check("subset" not in segments(write("set.csv", "video,start,end,set\nv1,1,2,3\n"))[0], "sets of a match are no subsets")
refused("--from", "segments-csv", write("torn.csv", "video,start,end,split\nv1,1,2,train\nv1,3,4,test\n"), says=("subset: 'test' here, but 'train' in torn.csv:2",))
PLAIN = write("plain.csv", "video,start,end,label\nv1,1,2,x\nv2,3,4,y\n")
SPLIT = write("split.csv", "video,split\nv1,train\nv2.mp4,val\n")
for option in (("--split", SPLIT), ("--durations", SPLIT), ("--split", "train=" + write("s1", "v1\n"), "--split", "val=" + write("s2", "v2\n"))):
    check([r["subset"] for r in segments(PLAIN, *option)] == ["train", "val"], f"{option}")
refused("--from", "segments-csv", PLAIN, "--split", "train=split.csv", says=("split.csv:3: video 'v2.mp4': subset: 'val', but --split says train", "--split FILE alone"))
refused("--from", "segments-csv", PLAIN, "--split", write("bare.csv", "v1,train\nv2,val\n"), says=("columns video and subset",))
got = segments("sub.csv", "--split", "test=s1", says=("1 video is of another subset by their own record; --split's counts: v1",))
check([r["subset"] for r in got] == ["test", "val"], str(got))

# Times that people and programs write.
for start, end, wanted in (("1:02:03,5", "1:02:04,5", [3723.5, 3724.5]), ("12s", "13.5 s", [12, 13.5]), ("1h2m3s", "1h2m4s", [3723, 3724]), ("900ms", "1200ms", [0.9, 1.2]),
                           ("PT1M2.5S", "PT1M5S", [62.5, 65]), ("0 days 00:00:01.500000", "0 days 00:00:02", [1.5, 2]), ("1.02:03:04", "1.02:03:05", [93784, 93785])):
    got = segments(write("t.csv", f'video,start,end,label\nv1,"{start}","{end}",x\n'))
    check(got[0]["annotations"][0]["segment"] == wanted, f"{start}: {got}")
CODE = write("code.csv", "video,start,end,label\nv1,00:01:02:12,00:01:03:00,x\n")
refused("--from", "segments-csv", CODE, says=("'00:01:02:12'", "--time frames and --fps"))
check(segments(CODE, "--time", "frames", "--fps", "25")[0]["annotations"][0]["segment"] == [62.48, 63], "time codes")
check(segments(write("code2.csv", "video,start,end,fps\nv1,00:01:02:12,00:01:03:00,25\n"))[0]["annotations"][0]["segment"] == [62.48, 63], "time codes of a column fps")
for start, end in (("2026-11-29T10:00:05.250Z", "2026-11-29T10:00:07Z"), ("2026-11-29 10:00:05", "2026-11-29 10:00:06"), ("29.11.2026 10:00", "29.11.2026 10:01"), ("11/29/2026 10:00", "11/29/2026 10:01")):
    refused("--from", "segments-csv", write("t.csv", f"video,start,end\nv1,{start},{end}\n"), says=(f"start: '{start}' is a date and time", "total_seconds"))
for start, end in (("1700000000.5", "1700000002"), ("1700000000500", "1700000002000")):
    refused("--from", "segments-csv", write("t.csv", f"video,start,end\nv1,{start},{end}\n"), says=("is it a point in time",))
for text, wanted in (("12s", 12), ("1h2m3s", 3723), ("PT1M", 60)):
    check(records("--from", "tal", RECORD, "--durations", write("d.csv", f"video,duration\nv2,{text}\n"))[0]["duration"] == wanted, text)
refused("--from", "tal", RECORD, "--durations", write("d.csv", "video,duration\nv2,2026-11-29T10:00:05Z\n"), says=("d.csv:2: duration: ", "is a date and time"))

# What names the video goes before "name", which may be a person's or the label's, however it is written.
for head in ("video_id", "Video ID", "video_name", "file", "Filename", "path"):
    check([r["video"] for r in segments(write("t.csv", f"{head},name,start,end,label\nv1,alice,1,2,run\nv2,alice,3,4,run\n"))] == ["v1", "v2"], f"{head} beside name")
made = segments(write("t.csv", "name,start,end,label\nv1,1,2,run\n"), says=("column 'name' is taken for the videos, as there is no other",))
check([r["video"] for r in made] == ["v1"], f"name alone: {made}")
made = records("--from", "tal", RECORD, "--durations", write("d.csv", "video_id,name,duration\nv2,alice,12\n"))
check(made[0]["duration"] == 12, f"--durations with a name beside: {made}")

# A unit for one of two times: the other one says nothing.
for head, open_one, role in (("start_ms,end", "end", "end"), ("start (ms),end", "end", "end"), ("start_us,stop", "stop", "end"), ("start_ms,length", "length", "length"),
                             ("start_ms,duration", "duration", "length"), ("start,end_ms", "start", "start")):
    table = write("t.csv", f"video,{head},label\nv1,1000,1500,run\n")
    refused("--from", "segments-csv", table, says=("t.csv:1: ", f"'{open_one}' does not say so", f"--columns {role}={open_one}"))
check(segments(write("t.csv", "video,start_ms,end,label\nv1,1000,1500,run\n"), "--columns", "end=end")[0]["annotations"][0]["segment"] == [1, 1500], "the end in seconds, as --columns says")
check(segments(write("t.csv", "video,start_ms,end,label\nv1,1000,0:01:30,run\n"))[0]["annotations"][0]["segment"] == [1, 90], "a time of the clock needs no unit")
check(segments(write("t.csv", "video,start_s,end,label\nv1,1000,1500,run\n"))[0]["annotations"][0]["segment"] == [1000, 1500], "seconds beside nothing")

# A unit in each row.
refused("--from", "segments-csv", write("t.csv", "video,start,end,unit,label\nv1,1,2,s,run\nv1,1000,2000,ms,run\n"), says=("t.csv:3: column 'unit' says 'ms'",))
check(segments(write("t.csv", "video,start,end,Unit,label\nv1,1,2,s,run\nv1,3,4,seconds,run\n"))[0]["annotations"][1]["segment"] == [3, 4], "a column of seconds")
refused("--from", "tal", RECORD, "--durations", write("d.csv", "video,duration,unit\nv2,1,min\n"), says=("d.csv:2: column 'unit' says 'min'",))


def signal(times, head="timestamp,x"):
    return write("s.csv", head + "\n" + "".join(f"{t},{(i * 7 % 5) / 4}\n" for i, t in enumerate(times)))


STAMPS = [f"2026-11-29T10:00:0{i // 4}.{25 * (i % 4):02d}0Z" for i in range(8)]
got = records(*SIGNALS, signal(STAMPS), says=("left out", "'timestamp'"))
check(got[0]["features"]["signals"]["dim"] == 4 and got[0]["duration"] == 2, "ISO time stamps of signals")
refused("--from", "signals", "--rate", "5", *SIGNALS[4:], signal(STAMPS), says=("'timestamp' rises by 0.25", "4 rows a second", "--rate is 5"))
refused(*SIGNALS, signal(STAMPS[:4] + [t.replace(":00:0", ":00:2") for t in STAMPS[4:]]), says=("goes from 2026-11-29 10:00:00.75 to 2026-11-29 10:00:21", "rows are missing"))
check(records(*SIGNALS, signal([t.replace("T", ",") for t in STAMPS], "date,time,x"))[0]["features"]["signals"]["dim"] == 4, "date and time in two columns")

# Segments and durations in different units.
for times, durations, says in (("1000,8000", "50", "are these times milliseconds"), ("25,1000", "50", "are these times frames"), ("1,40", "50000", "are the durations milliseconds"),
                               ("3,40", "1250", "are the durations numbers of frames")):
    segments(write("t.csv", f"video,start,end\nv1,{times}\n"), "--durations", write("d.csv", f"video,duration\nv1,{durations}\n"), says=(says, "'v1'"))
for times, durations in (("3,40", "50"), ("3,52", "50"), ("3,40", "125.5"), ("1,2", "100")):
    done = convert("--from", "segments-csv", write("t.csv", f"video,start,end\nv1,{times}\n"), "--durations", write("d.csv", f"video,duration\nv1,{durations}\n"))
    check("are these" not in done.stderr and "are the durations" not in done.stderr, f"{times} of {durations}: {done.stderr}")

# Columns of a row that contradict each other.
HEAD = "video,start,end,start_frame,end_frame,fps,label\n"
refused("--from", "segments-csv", write("t.csv", HEAD + "v1,1,3,25,75,25,x\nv1,1,3,25,100,25,x\n"), says=("t.csv:3: end: seconds and frames contradict each other in 1 row: 'end' is 3 s, 'end_frame' 4 s at 25 fps; --time seconds or --time frames says which count",))
segments(write("t.csv", HEAD + "v1,1,3,25,100,25,x\n"), "--time", "seconds", says=("in 1 row seconds and frames contradict each other, and 'end' counts: line 2: 'end' is 3 s, 'end_frame' 4 s at 25 fps",))
check(segments(write("t.csv", HEAD + "v1,1,3,25,75,25,x\nv1,1,3,26,74,25,y\n"), silent=True)[0]["fps"] == 25, "frames that agree")
segments("t.csv", "--time", "frames", silent=True)
for head, row, says in (("start,end,length", "1,3,5", "length: 5, but end - start is 2"), ("start,end", "5,3", "end 3 is before start 5"), ("start,end,start_ms,end_ms", "1,3,1000,4000", "'end' says 3 s, 'end_ms' 4 s")):
    refused("--from", "segments-csv", write("t.csv", f"video,{head}\nv1,{row}\n"), says=(says,))

# Several columns for one fact: they say the same but for rounding, or are refused with their names; --columns says which counts.
DURATION = "name the one that counts with --columns duration=NAME"
for head, row, options, wanted, says in (
        ("duration,duration_ms", "10,10000", (), {"duration": 10}, ()), ("duration,duration_ms", "10,10432", (), {"duration": 10.432}, ()), ("duration_ms,video_duration", "10432,10", (), {"duration": 10.432}, ()),
        ("duration,duration_ms", "10,NA", (), {"duration": 10}, ()), ("duration,duration_ms", "10,20000", ("--columns", "duration=duration_ms"), {"duration": 20}, ("milliseconds",)),
        ("video_duration,duration_ms", "10,1000", (), {"duration": 10}, ("'duration_ms' is end - start in every row",)), ("duration,duration_ms", "1,20000", (), {"duration": 20}, ("'duration' is end - start in every row",)),
        ("duration,duration_ms", "1,1000", (), {}, ("'duration' is end - start", "'duration_ms' is end - start")), ("length,length_ms", "1,1000", (), {}, ()),
        ("fps,frame_rate", "29.97,30", (), {"fps": 29.97}, ()), ("fps,frame_rate", "25,30", ("--columns", "fps=frame_rate"), {"fps": 30}, ()), ("frames,total_frames", "250,251", (), {"frames": 250}, ())):
    got = segments(write("t.csv", f"video,start,end,{head},label\nv1,1,2,{row},x\n"), *options, says=says)
    check(got == [{"video": "v1", **wanted, "annotations": [{"segment": [1, 2], "label": "x"}]}], f"{head} {row}: {got}")
for head, row, says in (("duration,duration_ms", "10,20000", f"t.csv:2: video 'v1': duration: 'duration' says 10 s, 'duration_ms' 20 s: {DURATION}"), ("duration_s,duration_min", "60,2", "'duration_s' says 60 s, 'duration_min' 120 s"),
                        ("video_duration,duration_ms", "10,20000", f"'video_duration' says 10 s, 'duration_ms' 20 s: {DURATION}"), ("media_duration,duration", "10,20", "'media_duration' says 10 s, 'duration' 20 s"),
                        ("length,length_ms", "1,5000", "length: 'length' says 1 s, 'length_ms' 5 s"), ("length,event_duration", "1,3", "length: 'length' says 1 s, 'event_duration' 3 s"), ("length,duration_ms,duration", "1,20000,30", "'duration' says 30 s, 'duration_ms' 20 s"),
                        ("fps,frame_rate", "25,30", "fps: 'fps' says 25, 'frame_rate' 30: name the one that counts with --columns fps=NAME"), ("frames,total_frames", "250,300", "frames: 'frames' says 250, 'total_frames' 300")):
    refused("--from", "segments-csv", write("t.csv", f"video,start,end,{head},label\nv1,1,2,{row},x\n"), says=(says,))
check(segments(write("t.csv", "video,start,duration,duration_ms\nv1,1,2,2000\n"))[0]["annotations"] == [{"segment": [1, 3]}], "two lengths that agree")
refused("--from", "segments-csv", write("t.csv", "video,start,duration,duration_ms\nv1,1,2,5000\n"), says=("t.csv:2: video 'v1': length: 'duration' says 2 s, 'duration_ms' 5 s: name one of them with --columns length=NAME",))
check(records("--from", "tal", RECORD, "--durations", write("d.csv", "video,duration,duration_ms\nv2,10,10000\n"))[0]["duration"] == 10, "two durations that agree")
refused("--from", "tal", RECORD, "--durations", write("d.csv", "video,duration,duration_ms\nv2,10,20000\n"), says=("d.csv:2: duration: 'duration' says 10 s, 'duration_ms' 20 s: leave one of these columns out",))
refused("--from", "tal", RECORD, "--durations", write("d.csv", "video,fps,frame_rate\nv2,25,30\n"), says=("d.csv:2: fps: 'fps' says 25, 'frame_rate' 30: leave",))
for source, more in (("segments-csv", ""), ("detections-csv", ",1")):
    for head in ("t_start,t_end", "start_time,end_time", "begin,stop", "onset,end_timestamp"):
        first, second = head.split(",")
        table = f"video,start,end,{head},label{',score' if more else ''}\nv1,1,2,%s,x{more}\n"
        done = convert("--from", source, write("t.csv", table % "1.001,2"), says=(f"t.csv: 'start' and 'end' are read, and '{first}', '{second}' compared with them (--columns start=NAME,end=NAME takes others alone)",))
        check('"segment":[1,2]' in done.stdout, f"{head} that agree: {done.stdout}")
        for row, says in (("5,6", f"t.csv:2: video 'v1': start: 'start' says 1 s, '{first}' 5 s: name one of them with --columns start=NAME"), ("1,6", f"end: 'end' says 2 s, '{second}' 6 s: name one of them with --columns end=NAME")):
            refused("--from", source, write("t.csv", table % row), says=(says,))
        done = convert("--from", source, "--columns", f"start={first},end={second}", write("t.csv", table % "5,6"))
        check('"segment":[5,6]' in done.stdout and done.stderr == "", f"{head} by --columns: {done}")
check(segments(write("t.csv", "video,start,end,start_time\nv1,1,2,2024-05-01 10:00:00\nv1,3,4,\n"))[0]["annotations"] == [{"segment": [1, 2]}, {"segment": [3, 4]}], "the date of the recording is no second start")
refused("--from", "segments-csv", "--time", "frames", "--fps", "25", write("t.csv", "video,start_frame,end_frame,f_init,f_end\nv1,25,50,75,100\n"), says=("start: 'start_frame' says 1 s, 'f_init' 3 s",))
check(segments("--time", "frames", "--fps", "25", write("t.csv", "video,start_frame,end_frame,f_init,f_end\nv1,25,50,26,50\n"))[0]["annotations"] == [{"segment": [1, 2]}], "frames from 0 and from 1")
refused("--from", "segments-csv", "--time", "frames", "--fps", "25", write("t.csv", "video,start,end,begin,stop\nv1,25,50,75,100\n"), says=("start: 'start' says 1 s, 'begin' 3 s",))

# Times of day beside a date are no times of the video; over midnight they are said to be such.
DAY = "(pandas: (t - t0).dt.total_seconds())"
for head, row, first in (("date,start,end", "2024-05-01,10:00:03,10:00:05", "'start' 10:00:03 is a time of day, as 'date' 2024-05-01 beside it"), ("start_date,start,end_date,end", "01.05.2024,23:59:58,02.05.2024,00:00:05", "'start' 23:59:58 is a time of day, as 'start_date' 01.05.2024"),
                         ("day,onset,duration", "5/1/2024,10:00:03.5,2", "'onset' 10:00:03.5 is a time of day")):
    refused("--from", "segments-csv", write("t.csv", f"video,{head},label\nv1,{row},x\n"), says=("t.csv:2: start: " + first, DAY, "--columns start="))
check(segments(write("t.csv", "video,date,start,end\nv1,2024-05-01,0:01:03,0:01:05\nv1,2024-05-01,1:01:03,1:01:05\n"))[0]["annotations"] == [{"segment": [63, 65]}, {"segment": [3663, 3665]}], "times of the video, and the day it was made")
check(segments("--columns", "start=start", write("t.csv", "video,date,start,end\nv1,2024-05-01,10:00:03,10:00:05\n"))[0]["annotations"] == [{"segment": [36003, 36005]}], "--columns says that they are the video's")
for head, day in (("start,end", ""), ("date,start,end", "2024-05-01,")):
    refused("--from", "segments-csv", write("t.csv", f"video,{head}\nv1,{day and day}00:01:00,00:02:00\nv1,{day}23:59:58,00:00:05\n"), says=("t.csv:3: video 'v1': segment: end 00:00:05 is before start 23:59:58: times of day on both sides of midnight?", DAY))
refused("--from", "segments-csv", write("t.csv", "video,start,end\nv1,00:10:00,00:05:00\n"), says=("segment: end 300 is before start 600",))
SAMPLES = "recording,date,time,activity\n" + "".join(f"r1,2024-05-01,10:00:0{i},walk\n" for i in range(6))
refused("--from", "sample-labels", write("t.csv", SAMPLES), says=("t.csv:2: video 'r1': time: times of day, as the column 'date' of dates says: --rate",))
check(records("--from", "sample-labels", "--rate", "1", "t.csv")[0]["annotations"] == [{"segment": [0, 6], "label": "walk"}], "samples that --rate counts")

# What R, pandas and spreadsheets write for a value that is missing is no label, video, subset or time.
for word in ("NA", "NaN", "nan", "None", "null", "NULL", "<NA>", "N/A", "#N/A", "NaT"):
    for source, head, more in (("segments-csv", "video,start,end,label", ""), ("detections-csv", "video,start,end,label,score", ",1")):
        refused("--from", source, write("t.csv", f"{head}\nv1,1,2,x{more}\nv1,1,2,{word}{more}\n"), says=(f"t.csv:3: video 'v1': label: '{word}' is what R and pandas write where a value is missing", "leave the field empty", "--classes"))
        refused("--from", source, write("t.csv", f"{head}\n{word},1,2,x{more}\n"), says=(f"t.csv:2: video: '{word}' is what R and pandas write",))
        refused("--from", source, write("t.csv", f"{head}\nv1,{word},2,x{more}\n"), says=(f"t.csv:2: video 'v1': start: '{word}' says that a value is missing",))
        refused("--from", source, write("t.csv", f"{head}\nv1,1,{word},x{more}\n"), says=(f"end: '{word}' says that a value is missing",))
    got = segments(write("t.csv", f"video,start,end,label,subset,duration,fps,tier\nv1,1,2,{word},{word},{word},{word},{word}\nv1,3,4,run,{word},{word},{word},A\n"), "--classes", write("names.txt", f'run\n"{word}"\n'))
    check(got == [{"video": "v1", "annotations": [{"segment": [1, 2], "label": word}, {"segment": [3, 4], "label": "run", "tier": "A"}]}], f"a class that is called {word}: {got}")
    check(segments("t.csv", "--classes", write("names.txt", f"3 {word}\n7 run\n")) == got, f"names of a numbered list with {word}")
    check(segments(write("t.csv", f"video,start,end,length\nv1,1,2,{word}\n"))[0]["annotations"] == [{"segment": [1, 2]}], f"no length: {word}")
    refused("--from", "tal", RECORD, "--durations", write("d.csv", f"video,duration\n{word},10\n"), says=(f"d.csv:2: video: '{word}' is what R",))
    refused("--from", "tal", RECORD, "--split", write("d.csv", f"video,subset\nv1,train\nv2,{word}\n"), says=(f"d.csv:3: subset: '{word}' is what R",))
    refused("--from", "sample-labels", "--rate", "1", write("t.csv", f"activity\nwalk\n{word}\n"), says=(f"t.csv:3: video 't': label: '{word}' is what R",))
    check(len(records("--from", "sample-labels", "--rate", "1", "--background", word, "t.csv")[0]["annotations"]) == 1, f"--background {word}")
    refused("--from", "kinetics", write("t.csv", f"label,youtube_id,time_start,time_end,split\n{word},abc,1,2,{word}\n"), says=("t.csv:2: video 'abc': label: ",))
    refused("--from", "dcase", write("t.tsv", f"filename\tonset\toffset\tevent_label\na.wav\t1\t2\t{word}\n"), says=("t.tsv:2: event_label: ",))
    check("annotations" in records("--from", "dcase", write("t.tsv", f"filename\tonset\toffset\tevent_label\na.wav\t{word}\t{word}\t{word}\n"))[0], f"a clip without an event: {word}")
check([r["subset"] for r in segments(write("t.csv", "video,start,end,split\nv1,1,2,train\nv1,3,4,NA\n"))] == ["train"], "a split that is missing in one row")
check(segments(write("t.csv", "video,start,end,label\nv1,1,2,none\nv1,3,4,Na\n"))[0]["annotations"][1]["label"] == "Na", "words that are like them are labels")

# Class scores: classes that come twice, or differ in what is easily overlooked.
SCORES = ("--from", "class-scores")
refused(*SCORES, write("c.csv", "video,run,run.1\nv1,0.1,0.2\n"), says=("pandas", "second column 'run'"))
refused(*SCORES, write("c.csv", "video,run,run\nv1,0.1,0.2\n"), says=("two columns are of class 'run'",))
records(*SCORES, write("c.csv", "video,Long Jump,long_jump\nv1,0.1,0.2\n"), says=("stay different: 'Long Jump' and 'long_jump'",))
refused(*SCORES, write("c.csv", "video,HighJump,run\nv1,0.1,0.2\n"), "--classes", write("cl.txt", "High Jump\nrun\n"), says=("(is it 'HighJump'?)",))

# Index columns are never values, and values that count are told.
def dim(head, *options, says=(), first=0):
    write("v.csv", head + "\n" + "".join(f"{i + first},{i * 7 % 5 / 4},{i * 3 % 7 / 4}\n" for i in range(6)))
    return records("--from", "features", "--inline", *options, "v.csv", says=says)[0]["features"]["features"]["dim"]


for name in ("", "Unnamed: 0", "index", "X", "...1", "id", "row.names", "no"):
    for first in (0, 1):
        check(dim(name + ",f1,f2", says=("left out", f"'{name}'" if name else "one without a name"), first=first) == 2, f"index '{name}'")
check(dim("f0,f1,f2", says=("read as values, though they count the rows", "'f0'")) == 3, "a feature that counts")
write("v.csv", "f1,index\n" + "".join(f"{i * 7 % 5},{i}\n" for i in range(6)))
check(records("--from", "features", "--inline", "v.csv", says=("left out", "'index'"))[0]["features"]["features"]["dim"] == 1, "an index behind")
check(dim("X,f1,f2", first=5) == 3, "X that does not count is a value")
for head in ("", "Unnamed: 0", "index"):
    got = records("--from", "tal", RECORD, "--durations", write("d.csv", f"{head},duration\nv2,10\n"), says=("is taken for the videos",))
    check(got[0]["duration"] == 10, f"names in an unnamed column: {got}")
    check(segments(write("t.csv", f"{head},start,end,label\nv1,1,2,x\n"))[0]["video"] == "v1", "the same of segments")
check([len(r["classification"]) for r in records(*SCORES, write("c.csv", "id,video,run,jump\n0,v1,0.1,0.2\n1,v2,0.3,0.4\n"), says=("'id'",))] == [2, 2], "an index before the videos")
check(records(*SIGNALS, write("s.csv", ",x\n" + "".join(f"{i},{i * 7 % 5 / 4}\n" for i in range(8))))[0]["features"]["signals"]["dim"] == 4, "an index states no rate")

# What shows nothing is no part of names and numbers at their ends, and told within them.
for blank in ("\u00a0", "\u200b", "\u3000", "\u00ad", "\ufeff", "\u202f", "\u200e"):
    got = segments(write("t.csv", f"video{blank},start,{blank}end,label\n{blank}v1{blank},{blank}1,2{blank},{blank}x\nv1,3,4,x{blank}\n"), silent=True)
    check(got == [{"video": "v1", "annotations": [{"segment": [1, 2], "label": "x"}, {"segment": [3, 4], "label": "x"}]}], f"{ascii(blank)}: {got}")
    done = convert("--from", "segments-csv", write("t.csv", f"video,start,end,label\nv1,1,2,Long{blank}Jump\nv1,3,4,Long Jump\n"))
    check(f"Long<U+{ord(blank):04X}>Jump" in done.stderr and "stay different" in done.stderr, f"{ascii(blank)} within: {done.stderr}")
    check(records("--from", "tal", RECORD, "--split", "a=" + write("l.txt", f"{blank}v2{blank}\n"))[0]["subset"] == "a", "lists")
    check(records("--from", "tal", RECORD, "--durations", write("d.csv", f"video,duration\nv2{blank},10{blank}\n"))[0]["duration"] == 10, "durations")
    check(dim(f"f0,f1{blank},f2", first=7) == 3, "names of columns")
segments(write("t.csv", "video,start,end\nv\u200b1,1,2\n"), says=("v<U+200B>1",))
check([r["video"] for r in records("--from", "tal", write("cat.jsonl", '\ufeff{"video":"v1"}\n\ufeff{"video":"v2"}\n'))] == ["v1", "v2"], "files behind each other, each with its mark")
check([r["video"] for r in segments(write("cat.csv", "\ufeffvideo,start,end\nv1,1,2\n\ufeffv2,3,4\n"))] == ["v1", "v2"], "the same of tables")

# Channels and what is made of them.
CHANNELS = write("s.csv", "ax,ay,az,gx\n" + "".join(f"{i * 7 % 5 / 4},{i * 3 % 7 / 4},{i * 5 % 11 / 4},{i * 2 % 9 / 4}\n" for i in range(8)))


def data(*options):
    return records(*SIGNALS, *options, "s.csv")[0]["features"]["signals"]["data"]


for same in (("1-3",), ("1:3",), ("ax-az",), ("ax, ay ,az",), ("1,ay,3",), ("ax", "--channels", "ay,az")):
    check(data("--channels", *same) == data("--channels", "ax,ay,az"), f"--channels {same}")
check(data("--signal-features", "mean, std") == data("--signal-features", "mean,std"), "blanks in a list")
write("names.txt", "ax\naz\n")
for channels, says in (("names.txt", "it is a file"), ("AX", "did you mean 'ax'?"), ("ax az", "commas between them"), ("7", "there are 4, 'ax'"), ("az-ax", "no column 'az-ax'"), ("ax,1", "asked for twice")):
    refused(*SIGNALS, "--channels", channels, "s.csv", says=(says,))
for made, says in (("mean std", "several have commas between them"), ("mean,mean", "stands there twice")):
    refused(*SIGNALS, "--signal-features", made, "s.csv", says=(says,), status=2)

# JSON that is none, and JSON that is no stream of records: what it is, and what makes it right.
for text, says in (('[{"video":"v1"},{"video":"v2"}]\n', "jq -c '.[]'"), ('[\n {"video":"v1"}\n]\n', "jq -c '.[]'"), ('{\n "video": "v1"\n}\n', "jq -c ."), ('{"video":"v1",}\n', "comma before it is one too many"),
                   ('{"video":"v1"},\n{"video":"v2"}\n', "comma behind"), ('{"video":"v1","duration":NaN}\n', "JSON has no infinite numbers and no NaN"), ("{'video': 'v1', 'x': None}\n", "json.dumps()"),
                   ('{"video":"v1","x":True}\n', "json.dumps()"), ('// c\n{"video":"v1"}\n', "comments are none"), ('# c\n{"video":"v1"}\n', "comments are none"), ('{"video":"v1" /* c */}\n', "no comments"),
                   ('{"video":"v1"}{"video":"v2"}\n', "several objects"), ('{video:"v1"}\n', "double quotes"), ('"{\\"video\\":\\"v1\\"}"\n', "jq -c fromjson"), ('\x1e{"video":"v1"}\n', "jq -c --seq"),
                   ("video,start\nv1,2\n", "--from segments-csv")):
    write("r.json", text)
    refused("--from", "tal", "r.json", says=("r.json:1", says))
    refused("-i", "r.json", says=(says,), name="tal-nms")
GT = json.dumps({"database": {"v1": {"duration": 10, "subset": "training", "annotations": [{"segment": [1, 2], "label": "x"}]}}})
for text, says in ((GT[:-1] + ",}", "comma before it is one too many"), (GT.replace("10", "NaN"), "no NaN"), (GT.replace('"', "'"), "json.dumps()"), ("// c\n" + GT, "no comments"), (GT + GT, "jq -s ."), (GT + "\n" + GT, "the video stands in g.json too"), (GT.replace('"', "\u201d"), "word processor")):
    write("g.json", text)
    for options in (("--from", "activitynet-gt"), ()):
        refused(*options, "g.json", says=("g.json:", says))
refused(write("list.json", '[{"video":"v1"}]'), says=("list.json", "jq -c '.[]'"))

# Rows of a table as JSON, in every form that pandas has: the command that is advised makes a table that is read.
ROWS = [{"video": "v1", "start": 1, "end": 2.5, "label": "run, fast"}, {"video": "v2", "start": 3, "end": 4, "label": 'say "x"'}]
NAMES = list(ROWS[0])
FORMS = {"records": ROWS, "split": {"columns": NAMES, "index": [0, 1], "data": [list(r.values()) for r in ROWS]}, "columns": {n: {str(i): r[n] for i, r in enumerate(ROWS)} for n in NAMES},
         "index": {str(i): r for i, r in enumerate(ROWS)}, "list": {n: [r[n] for r in ROWS] for n in NAMES}, "values": [list(r.values()) for r in ROWS],
         "table": {"schema": {"fields": [{"name": "index", "type": "integer"}] + [{"name": n, "type": "string"} for n in NAMES], "primaryKey": ["index"], "pandas_version": "1.4.0"}, "data": [{"index": i, **r} for i, r in enumerate(ROWS)]}}
WANTED = [{"video": "v1", "annotations": [{"segment": [1, 2.5], "label": "run, fast"}]}, {"video": "v2", "annotations": [{"segment": [3, 4], "label": 'say "x"'}]}]
TIMES = {"start": "t_start", "end": "t_end"}


def renamed(value):
    if isinstance(value, list):
        return [renamed(v) for v in value]
    if isinstance(value, dict):
        return {TIMES.get(k, k): renamed(v) for k, v in value.items()}
    return TIMES.get(value, value)


for form, content in FORMS.items():
    for value in (content, renamed(content)):
        for text in (json.dumps(value), json.dumps(value, indent=2), json.dumps(value, separators=(",", ":"))):
            write("rows.json", text + "\n")
            for options in ((), ("--from", "segments-csv"), ("--from", "tal")):
                done = tool("tal-convert", *options, "rows.json", status=1)
                if options == ("--from", "tal") and "\n" in text:
                    check("rows.json:1: " in done.stderr and "jq -c" in done.stderr, f"{form} over lines: {done.stderr}")
                    continue
                check("these are rows of a table: " in done.stderr and " makes one" in done.stderr, f"{form} {options}: {done.stderr}")
                command = done.stderr.partition("these are rows of a table: ")[2].partition(" makes one")[0]
                if shutil.which("jq"):
                    made = subprocess.run(["sh", "-c", command.replace("FILE", "rows.json")], capture_output=True, text=True, timeout=60)
                    check(made.returncode == 0, f"{command}: {made.stderr}")
                    check(segments(write("made.csv", made.stdout)) == WANTED, f"{form}: {command}: {made.stdout}")
write("rows.jsonl", "".join(json.dumps(r) + "\n" for r in ROWS))
for options in ((), ("--from", "segments-csv")):
    done = tool("tal-convert", *options, "rows.jsonl", status=1)
    command = done.stderr.partition("these are rows of a table: ")[2].partition(" makes one")[0]
    if shutil.which("jq") and check(command, f"rows a line: {done.stderr}"):
        check(segments(write("made.csv", subprocess.run(["sh", "-c", command.replace("FILE", "rows.jsonl")], capture_output=True, text=True, timeout=60).stdout)) == WANTED, f"lines: {command}")
for text in ('{"video":"v1","duration":9,"start_date":"x","clip_end":3}', '{"video":"v1","window":{"index":0,"start":1,"end":2}}', '{"video":"v1","duration":9,"features":{"f":{"path":"f.npy","offset":8,"begin":1}}}'):
    check(convert(write("r.jsonl", text + "\n")).stdout.strip() == text, f"a record is no row: {text}")

# An option whose words are joined by commas takes one word, and one that is repeated one each time: what is behind it is a file.
OUTSIDE = write("outside.jsonl", '{"video":"v1","duration":10,"annotations":[{"segment":[2,12],"label":"x"}]}\n')
for option in (("--fix", "clip"), ("--fix=clip",), ("--fix", "sort, clip"), ("--fix", "sort", "--fix", "clip")):
    done = tool("tal-check", *option, OUTSIDE)
    check('"segment":[2,10]' in done.stdout, f"{option}: {done.stdout}{done.stderr}")
twice = tool("tal-score", "--classification", "a.jsonl", "b.jsonl", status=2)
check("not expected here: b.jsonl" in twice.stderr, f"--classification takes one file: {twice.stderr}")

# Samples whose times contradict --rate, or leave some out; a sample that is doubled.
for rate, rows, says in (("25", "10,a\n10.04,a\n10.08,a\n30,b\n30.04,b\n30.08,b", ("s.csv:5: video 's': 'time' goes from 10.08 to 30", "rows are missing")), ("100", "0,a\n0.04,a\n0.08,b\n0.12,b", ("s.csv:3: video 's': 'time' rises by 0.04", "25 rows a second, but --rate is 100"))):
    refused("--from", "sample-labels", "--rate", rate, write("s.csv", "time,label\n" + rows + "\n"), says=says)
for rows, at in (("0,a\n0.04,a\n0.04,b\n0.08,b", "s.csv:4"), ("0,a\n0.08,a\n0.04,b\n0.12,b", "s.csv:4")):
    refused("--from", "sample-labels", write("s.csv", "time,label\n" + rows + "\n"), says=(at + ": video 's': time: '0.04' is not behind", "doubled"))
for rows in ("0,a\n0.04,a\n0.08,b\n0.12,b", "23:59:59.92,a\n23:59:59.96,a\n00:00:00,b\n00:00:00.04,b", "2024-05-01 23:59:59.92,a\n2024-05-01 23:59:59.96,a\n2024-05-02 00:00:00,b\n2024-05-02 00:00:00.04,b", "one,a\ntwo,a\nthree,b\nfour,b"):
    got = records("--from", "sample-labels", "--rate", "25", write("s.csv", "time,label\n" + rows + "\n"))
    check(got[0]["annotations"] == [{"segment": [0, 0.08], "label": "a"}, {"segment": [0.08, 0.16], "label": "b"}], f"{rows}: {got}")

# BORIS: two lengths or frame rates of one file, in one observation or in two, name both lines.
BORIS = "Observation id,Source,Total length,FPS,Subject,Behavior,Behavior type,Start (s),Stop (s)\n"
for first, second, says in (("o1,v1.mp4,60,25", "o1,v1.mp4,90,25", "duration: 90 here, but 60 in b.csv:2"), ("o1,v1.mp4,60,25", "o1,v1.mp4,60,30", "fps: 30 here, but 25 in b.csv:2"), ("o1,v1.mp4,60,25", "o2,v1.mp4,90,25", "duration: 90 here, but 60 in b.csv:2")):
    refused("--from", "boris", write("b.csv", f"{BORIS}{first},s,run,STATE,1,2\n{second},s,run,STATE,3,4\n"), says=("b.csv:3: video 'v1': " if first[:2] != second[:2] else "b.csv:3: ", says))
got = records("--from", "boris", write("b.csv", f"{BORIS}o1,v1.mp4,60,25,s,run,STATE,1,2\no2,v2.mp4,90,30,s,run,STATE,3,4\n"))
check([(r["video"], r["duration"], r["fps"]) for r in got] == [("v1", 60, 25), ("v2", 90, 30)], f"a length for each file: {got}")

# Raven: a selection in two views is one, whose times are the same in both.
RAVEN = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tAnnotation\n1\tWaveform 1\t1\t1\t2\tx\n1\tSpectrogram 1\t1\t"
check(records("--from", "raven", write("r.txt", RAVEN + "1.0\t2\tx\n"))[0]["annotations"] == [{"segment": [1, 2], "label": "x", "channel": "1"}], "one selection in two views")
refused("--from", "raven", write("r.txt", RAVEN + "1.5\t2\tx\n"), says=("r.txt:3: ", "selection 1 is from 1.5 to 2 s in this view, but from 1 to 2 s in r.txt:2"))

# Subtitles without blank lines between the cues.
got = records("--from", "srt", write("s.srt", "1\n00:00:01,000 --> 00:00:02,000\nrun\nfast\n2\n00:00:03,000 --> 00:00:04,000\n7\n3\n00:00:05,000 --> 00:00:06,000\njump\n"))
check(got[0]["annotations"] == [{"segment": [1, 2], "label": "run\nfast"}, {"segment": [3, 4], "label": "7"}, {"segment": [5, 6], "label": "jump"}], f"cues without blank lines: {got}")
for source, name, head, mark in (("srt", "s.srt", "1\n", ","), ("webvtt", "s.vtt", "WEBVTT\n\n", ".")):
    refused("--from", source, write(name, f"{head}00:00:01{mark}000 --> 00:00:02{mark}000\nrun\n00:00:03 --> 00:00:04\njump\n"), says=("not the times of a cue",))

# DCASE without a header: between tabs, labels have blanks; between blanks they are words.
for rows in ("1.5\t2.5\tpeople walking\n3\t4\tcar\n", "a b.wav\t1.5\t2.5\tpeople walking\na b.wav\t3\t4\tcar\n"):
    got = records("--from", "dcase", write("d.ann", rows))
    check([(r["video"], r["annotations"]) for r in got] == [("a b" if "wav" in rows else "d", [{"segment": [1.5, 2.5], "label": "people walking"}, {"segment": [3, 4], "label": "car"}])], f"{rows}: {got}")
check(records("--from", "dcase", write("d.ann", "v.wav 3\t4 car\n"))[0]["annotations"] == [{"segment": [3, 4], "label": "car"}], "blanks and a tab between words")

# Objects one behind the other: the command that is advised makes what is read.
for tail in ("", "\n"):
    for options in ((), ("--from", "tal")):
        refused(*options, write("many.json", '{"video":"v1"}{"video":"v2"}' + tail), says=("several objects", "jq -c . FILE makes a line of each"))
if shutil.which("jq"):
    write("lines.jsonl", subprocess.run(["jq", "-c", ".", "many.json"], capture_output=True, text=True, timeout=60).stdout)
    check([r["video"] for r in records("--from", "tal", "lines.jsonl")] == ["v1", "v2"], "records of jq -c")

# Two files or datasets that make one id: what is advised tells them apart.
npy("ending/v1.npy", 3, 1), npy("ending/v1.mp4.npy", 3, 2)
FEATURES = ("--from", "features", "--fps", "25", "--stride", "16")
refused(*FEATURES, "ending", says=("'ending/v1.mp4.npy'", "'ending/v1.npy'", "--pattern '(.+)[.]npy' takes"))
check(sorted(r["video"] for r in records(*FEATURES, "--pattern", "(.+)[.]npy", "ending")) == ["v1", "v1.mp4"], "names with what the ending was")
with zipfile.ZipFile("sets.npz", "w") as file:
    for name in ("v1", "v1.mp4"):
        with open(f"ending/{name}.npy", "rb") as array:
            file.writestr(name + ".npy", array.read())
SETS = (*FEATURES, "--per", "array", "--out-dir", "sets", "sets.npz")
refused(*SETS, says=("'v1' of 'sets.npz' and 'v1.mp4' of 'sets.npz'", "--pattern '.+' takes"))
check([r["video"] for r in records("--pattern", ".+", *SETS)] == ["v1", "v1.mp4"], "arrays with an ending")

# VIA: a value that is none of a select's options.
VIA = {"project": {"pname": "p"}, "attribute": {"1": {"aname": "act", "type": 4, "options": {"0": "run", "1": "jump"}}}, "file": {"1": {"fid": "1", "fname": "v1.mp4"}}, "view": {"1": {"fid_list": ["1"]}},
       "metadata": {"a": {"vid": "1", "z": [1, 2], "xy": [], "av": {"1": "1"}}}}
check(records("--from", "via", write("p.json", json.dumps(VIA)))[0]["annotations"][0]["label"] == "jump", "an option by its key")
for kind, value, says in ((4, "7", "'7'"), (3, "7", "'7'"), (2, "0,7", "'7'"), (1, "7", ""), (2, "0,1", ""), (4, "typed", "")):
    VIA["attribute"]["1"]["type"], VIA["metadata"]["a"]["av"]["1"] = kind, value
    write("p.json", json.dumps(VIA))
    if says:
        refused("--from", "via", "p.json", says=("p.json:1: ", "metadata.a.av", says + " is none of the options of the attribute 'act'"))
    else:
        check([a["label"] for a in records("--from", "via", "p.json")[0]["annotations"]] == {"0,1": ["run", "jump"]}.get(value, [value]), f"{kind} {value}")

finish()
