# Files as users bring them, through the tools: tables of spreadsheets and pandas, class lists, lists of videos, JSON of other programs.
# label: cli
import json
import os
import re
import shutil
import subprocess
import tempfile

from harness import check, finish, tool, works

os.chdir(tempfile.mkdtemp())
EVENTS = [{"segment": [0.5, 2.5], "label": "Jump"}, {"segment": [3, 64], "label": "Run, fast"}]


def write(name, text, encoding="utf-8"):
    with open(name, "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode(encoding))
    return name


def convert(*arguments, **more):
    return tool("tal-convert", *arguments, "--no-history", **more)


def records(*arguments, says=(), **more):
    done = convert(*arguments, **more)
    for part in says:
        check(part in done.stderr, f"{arguments}: '{part}' is not in: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def refused(*arguments, says, name="tal-convert", **more):
    done = tool(name, *arguments, status=more.pop("status", 1), **more)
    for part in says:
        text = done.stdout if name == "tal-check" else done.stderr
        check(part in text, f"{name} {arguments}: '{part}' is not in: {text}")


# One table, as many programs write it. The header's names are those of each program.
TABLES = {
    "plain": "video,start,end,label\nv1,0.5,2.5,Jump\nv1,3,64,\"Run, fast\"\n",
    "blanks": "video, start, end, label\nv1, 0.5, 2.5, Jump\nv1, 3, 64, \"Run, fast\"\n",
    "semicolon, comma": "video;start;end;label\r\nv1;0,5;2,5;Jump\r\nv1;3;64;Run, fast\r\n",
    "excel": "sep=;\r\nVideo;Start;End;Label\r\nv1;0,5;2,5;Jump\r\nv1;3;64;Run, fast\r\n;;;\r\n",
    "mark": "\ufeffvideo,start,end,label\nv1,0.5,2.5,Jump\nv1,3,64,\"Run, fast\"",
    "tabs": "video\tstart\tend\tlabel\nv1\t0,5\t2,5\tJump\nv1\t3\t64\tRun, fast\n",
    "old line ends": "video,start,end,label\rv1,0.5,2.5,Jump\rv1,3,64,\"Run, fast\"\r",
    "pandas": ",video,start,end,label\n0,v1,0.5,2.5,Jump\n1,v1,3.0,64.0,\"Run, fast\"\n",
    "all quoted": '"video","start","end","label"\n"v1","0.5","2.5","Jump"\n"v1","3","64","Run, fast"\n',
    "separator at the end": "video,start,end,label,\nv1,0.5,2.5,Jump,\nv1,3,64,\"Run, fast\",\n",
    "clock": "video,start,end,label\nv1,00:00:00.500,00:00:02.5,Jump\nv1,0:03,1:04,\"Run, fast\"\n",
    "BORIS": "Media file path\tStart (s)\tStop (s)\tBehavior\nC:\\clips\\v1.MP4\t0.5\t2.5\tJump\nC:\\clips\\v1.MP4\t3\t64\tRun, fast\n",
    "onset and length": "video,onset,duration,label\nv1.m4v,0.5,2,Jump\nv1.m4v,3,61,\"Run, fast\"\n",
    "numbers": "video,start,end,label\nv1,5e-1,+2.5,Jump\nv1,3,6.4E1,\"Run, fast\"\n",
}
for name, text in TABLES.items():
    got = records("--from", "segments-csv", write("t.csv", text))
    check(got == [{"video": "v1", "annotations": EVENTS}], f"{name}: {got}")
    check(convert("--from", "segments-csv", data=text).stdout == convert("--from", "segments-csv", "t.csv").stdout, name + ": from stdin")
check(records("--from", "segments-csv", write("f.csv", "video,start,end\nv1,500,2500\n"), "--time", "frames", "--fps", "1000")[0]["annotations"] == [{"segment": [0.5, 2.5]}], "frames in columns start and end")
check(records("--from", "segments-csv", write("l.csv", "video;start;took\nv1;1,5;2\n"), "--columns", "length=took")[0]["annotations"] == [{"segment": [1.5, 3.5]}], "--columns length")
for columns, says in (("length=took,length=start", "--columns: length is named twice, 'took' and 'start'"), ("score=took", "--columns: score has no effect with --from segments-csv")):
    refused("--from", "segments-csv", "l.csv", "--columns", columns, says=(says,), status=2)
check(records("--from", "segments-csv", write("d.csv", "video\tstart\tend\nv1\t1,234\t2,345\n"), "--decimal", "comma")[0]["annotations"] == [{"segment": [1.234, 2.345]}], "--decimal")
check(records("--from", "segments-csv", write("e.csv", "video,start,end,fps,verb\nv1,1,2,,x\nv1,3,4,25,y\n"), says=("not used: 'verb'",))[0]["fps"] == 25, "an empty cell says nothing")

# The unit of times is in the names of their columns; a duration beside start and end may be the segment's or the video's.
ONE = [{"video": "v1", "annotations": [{"segment": [10, 15], "label": "a"}]}]
LONG = [{"video": "v1", "duration": 60, "annotations": ONE[0]["annotations"]}]
for header, row, options, wanted, says in (
        ("start_ms,end_ms", "10000,15000", (), ONE, ("t.csv: read as milliseconds, as the column's name says: 'start_ms', 'end_ms'",)), ("Start (ms),End (ms)", "10000,15000", (), ONE, ("milliseconds",)),
        ("startMs,endMs", "10000,15000", (), ONE, ("milliseconds",)), ("Begin Time - msec,End Time - msec", "10000,15000", (), ONE, ("milliseconds",)), ("Begin.Time...msec,End.Time...msec", "10000,15000", (), ONE, ("milliseconds",)),
        ("Start (min),End (min)", "0.16666666666666666,0.25", (), ONE, ("read as minutes",)), ("start_us,end_sec", "10000000,15", (), ONE, ("microseconds", "'start_us'")), ("t0_ms,t1_ms", "10000,15000", ("--columns", "start=t0_ms,end=t1_ms"), ONE, ("milliseconds",)),
        ("Begin Time - hh:mm:ss.ms,Begin Time - ss.msec,Begin Time - msec,End Time - hh:mm:ss.ms,End Time - ss.msec,End Time - msec,Duration - ss.msec", "00:00:10.000,10.0,10000,00:00:15.000,15.0,15000,5.0", (), ONE, ("the length of the segments",)),
        ("start,duration_ms", "10,5000", (), ONE, ("milliseconds",)), ("start_ms,duration_ms,video_duration_ms", "10000,5000,60000", (), LONG, ("milliseconds",)),
        ("start_frame,end_frame,start,end", "250,375,10,15", (), ONE, ()), ("start_frame,end_frame,start,end", "250,375,10,15", ("--time", "frames", "--fps", "25"), ONE, ()), ("frame_start,frameEnd", "250,375", ("--time", "frames", "--fps", "25"), ONE, ()),
        ("start_frame,end", "250,375", ("--time", "frames", "--fps", "25", "--columns", "end=end"), ONE, ()), ("start,end,start_s,end_s", "250,375,10,15", ("--columns", "start=start_s,end=end_s"), ONE, ()),
        ("start,end,duration", "10,15,5", (), ONE, ("column 'duration' is end - start in every row, and so the length of the segments",)), ("start,end,duration", "10,15,60", (), LONG, ()), ("start,end,duration (ms)", "10,15,5000", (), ONE, ("the length of the segments",)),
        ("start_frame,end_frame,duration", "250,375,125", ("--time", "frames", "--fps", "25"), ONE, ("the length of the segments",)), ("start,end,length", "10,15,5", (), ONE, ()), ("start,end,length", "10,15,60", ("--columns", "duration=length"), LONG, ()),
        ("start,end,duration", "10,15,5", ("--columns", "length=duration"), ONE, ()), ("start,end,fps", "10,15,30000/1001", (), [{"video": "v1", "fps": 30000 / 1001, "annotations": ONE[0]["annotations"]}], ())):
    got = records("--from", "segments-csv", *options, write("t.csv", f"video,{header},label\nv1,{row},a\n"), says=says)
    check(got == wanted, f"{header} {options}: {got}")
for header, row, options, says in (
        ("start,end,duration", "10,15,4", (), "t.csv:2: duration: 4 is before the segment's end, 15: is it the segment's length (--columns length=duration), or the video's (--columns duration=duration)?"),
        ("start,end,duration", "10,15,4", ("--columns", "length=duration"), "t.csv:2: video 'v1': length: 4, but end - start is 5"), ("start,end,length", "10,15,4", (), "t.csv:2: video 'v1': length: 4, but end - start is 5 (where 'length' is the video's: --columns duration=length)"),
        ("start_frame,end_time", "250,15", ("--time", "frames", "--fps", "25"), "t.csv:1: 'start_frame' counts frames, but 'end_time' does not say so"), ("start,end_frame", "10,375", (), "t.csv:1: 'end_frame' counts frames, but 'start' does not"),
        ("start_frame,end_frame", "250,375", ("--columns", "start=start_frame,end=end_frame"), "column 'start_frame' counts frames: give --time frames"), ("start_ms,end_ms", "1,2", ("--time", "frames", "--fps", "25"), "column 'start_ms' is in milliseconds: it is no column for --time frames"),
        ("start_min,start_sec,end_min,end_sec", "0.5,10,1,15", (), "start: 'start_sec' says 10 s, 'start_min' 30 s"), ("start,end,start_s,end_s", "250,375,10,15", (), "start: 'start_s' says 10 s, 'start' 250 s"), ("start_ms,startMs,end", "1,1,2", (), "two columns are called 'startMs'"),
        ("start,end,fps", "10,15,30/0", (), "fps: '30/0' is no rate")):
    refused("--from", "segments-csv", *options, write("t.csv", f"video,{header},label\nv1,{row},a\n"), says=(says,))
refused("--from", "segments-csv", write("t.csv", "video,start,end,duration\nv1,1,2,10\nv1,3,4,20\n"), says=("20 here, but 10 in t.csv:2 (if 'duration' is the length of the segments: --columns length=duration)",))

# --where compares numbers as such, and says when it leaves nothing.
for value, rows in (("3", 1), ("3.0", 1), ("4", 2)):
    check(len(records("--from", "segments-csv", write("t.csv", "video,start,end,kind\nv1,1,2,3.0\nv1,2,3,4.0\nv1,3,4,4\n" if value != "4" else "video,start,end,kind\nv1,1,2,4.0\nv1,2,3,4.0\n"), "--where", "kind=" + value)[0]["annotations"]) == rows, "--where " + value)
refused("--from", "segments-csv", "t.csv", "--where", "kind=b", says=("t.csv: --where: no row's 'kind' is 'b', but '4.0'",))
check("no record is of subset 'tets', but of 'test'" in convert("--from", "segments-csv", write("t.csv", "video,start,end,subset\nv1,1,2,test\n"), "--subset", "tets").stderr, "--subset that leaves nothing")
check(records("--from", "segments-csv", write("t.csv", '"video" "start" "end" "label"\n"1" "v1" 10 15 "a"\n')) == ONE, "R's row names")

for unit, text, wanted in (("frames", "video,start,end,fps\nv1,50,100,25\nv1,150,200,\n", [[2, 4], [6, 8]]), ("relative", "video,start,end,duration\nv1,0.25,0.5,80\nv1,0.5,0.75,\n", [[20, 40], [40, 60]])):
    got = records("--from", "segments-csv", "--time", unit, write("t.csv", text))
    check([a["segment"] for a in got[0]["annotations"]] == wanted, f"what a row before says of the video, {unit}: {got}")

for text, says in (("v1,1,2,J\n", ("a header line with the names of the columns is missing", "'v1', '1', '2', 'J'")),
                   ("video,start,end\nv1,0,5,2,5\n", ("t.csv:2:", "5 fields, but the header has 3 (a comma inside")),
                   ("video,start,start\nv1,1,2\n", ("t.csv:1: two columns are called 'start'",)),
                   ("video;start;end\nv1;0,5;2.5\n", ("t.csv:2: '2.5' has a decimal point, '0,5' in line 2 a comma",)),
                   ("video\tstart\tend\nv1\t1,234\t2,345\n", ("--decimal comma",)),
                   ("video,start,end\nv1,,2\n", ("t.csv:2: video 'v1': start: empty",)),
                   ("video,start,end\nv1,NaN,2\n", ("t.csv:2: video 'v1': start: 'NaN'",)),
                   ("video,start,end\nv1,1 234,2\n", ("start: '1 234' is not a finite number",)),
                   ("video,start,end\nv1,00:75:00,2\n", ("60 minutes in an hour",)),
                   ("video,start,end\nv1,00:00:01:12,2\n", ("frames behind the seconds",)),
                   ("video,startFrame,endFrame\nv1,1,2\n", ("counts frames: give --time frames",)),
                   ("video,start,till,duration\nv1,1,2,9\n", ("no column is known to be the end",)),
                   ("video,start,duration\nv1,1,-2\n", ("length: must not be negative",)),
                   ("video,start,end,duration\nv1,1,2,10\nv1,3,4,20\n", ("t.csv:3: video 'v1': duration: 20 here, but 10 in t.csv:2",)),
                   ("video,start,end,fps\nv1,1,2,25\nv1,3,4,30\n", ("fps: 30 here, but 25 in t.csv:2",)),
                   ("video,start,end,subset\nv1,1,2,training\nv1,3,4,validation\n", ("subset: 'validation' here, but 'training' in t.csv:2",)),
                   ("video,start,end\nv1,1,\"2\n", ("t.csv:2: a quoted field is not closed",)),
                   (b"\xff\xfev\0i\0d\0", ("UTF-16",)), (b"video,start,end,label\nv1,1,2,caf\xe9\n", ("t.csv:2: not valid UTF-8: save it as UTF-8", "SHIFT_JIS")),
                   (b"PK\x03\x04", ("ZIP archive",))):
    refused("--from", "segments-csv", write("t.csv", text), says=says)
refused("--from", "segments-csv", "--time", "frames", "--fps", "25", write("t.csv", "video,start,end\nv1,0:01,0:02\n"), says=("'0:01' is a time of the clock",))

check(len(records("--from", "segments-csv", write("t.csv", "video,start,end\na/v.mp4,1,2\nb/v.mp4,3,4\n"), "--id-folders", "0", says=("1 video has several names in the table, such as 'a/v.mp4' and 'b/v.mp4'",))) == 1, "two files of one name")

# What --durations says is held against segments whatever the format: records, results and tables alike.
FACTS = write("d.csv", "video,duration,fps,frames\nv1,10,25,1000\n")
for form, name, text in (("tal", "p.jsonl", '{"video":"v1","proposals":[{"segment":[1,20],"label":"A","score":0.5}]}\n'), ("tal", "a.jsonl", '{"video":"v1","annotations":[{"segment":[1,20],"label":"A"}]}\n'),
                         ("activitynet-results", "r.json", '{"results":{"v1":[{"label":"A","score":0.5,"segment":[1,20]}]}}'), ("detections-csv", "t.csv", "video,start,end,label,score\nv1,1,20,A,0.5\n")):
    records("--from", form, "--durations", FACTS, write(name, text), says=("1 video has a duration that contradicts frames and fps, the first is 'v1'", "1 segment ending behind the video's end"))

# Durations: by columns, by lines, by JSON; said twice.
RELATIVE = write("r.csv", "video,start,end\nmy video,0.1,0.2\n")
for text in ("my video.MP4\n1:40\n\nother\n3\n", "video;duration\nmy video;100,0\n", "video\tseconds\r/data/my video.avi\t00:01:40\r", '\ufeff{"my video":{"duration":"100"}}', '{"database":{"my video":{"duration_second":100,"fps":null}}}'):
    check(records("--from", "segments-csv", RELATIVE, "--time", "relative", "--durations", write("m", text))[0]["annotations"] == [{"segment": [10, 20]}], text)
for text, says in (("a\n1\nmy video\n2\nmy video\n3\n", "m:6: video 'my video': duration: 3 here, but 2 in m:4"), ("video,fps\nx,25\nx,30\n", "m:3: video 'x': fps: 30 here, but 25 in m:2"),
                   ('{"video":"x","subset":"a"}\n{"video":"x","subset":"b"}\n', "m:2: video 'x': subset: 'b' here, but 'a' in m:1"), ('{"x":{"duration":0}}', "duration: must be positive"),
                   ("v1,10,25\nv2,20,25\n", "a header line"), ("video,duration\nx,-1\n", "m:2: duration: must be positive"), ('["x"]', "must be one JSON object"), ("", "m: empty")):
    refused("--from", "segments-csv", RELATIVE, "--time", "relative", "--durations", write("m", text), says=(says,))
refused("--from", "segments-csv", write("t.csv", "video,start,end,duration\nx,1,2,10\n"), "--durations", write("m", "video,duration\nx,20\n"), says=("t.csv:2: video 'x': duration: 10 here, but 20 in --durations",))
for text, wanted, says in (('{"my video":100.5}', {"duration": 100.5}, ()), ('{"my video":100.0,"b":3}', {"duration": 100}, ()), ('{"my video":100}', {"frames": 100}, ("m: whole numbers alone are taken for numbers of frames",)),
                           ("video,duration_ms\nmy video,100500\n", {"duration": 100.5}, ("m: read as milliseconds, as the column's name says: 'duration_ms'",)), ('{"my video":{"fps":"30000/1001"},"other":{"annotations":[]}}', {"fps": 30000 / 1001}, ()),
                           ("video;duration\nmy video;100,5\n", {"duration": 100.5}, ()), ("v1 10\nmy video 100.5\n", {"duration": 100.5}, ("m: without a header, what stands before the last blank is read as the video",)), ("video,duration\nv9,10\nv10,10\n", {}, ("no video of the input is in m: 'my video' and others here, 'v10' and others there",))):
    got = records("--from", "segments-csv", RELATIVE, "--durations", write("m", text), says=says)
    check(got == [{"video": "my video", **wanted, "annotations": [{"segment": [0.1, 0.2]}]}], f"{text}: {got}")
for text, says in (('{"a":{"duration":3},"my video":{"length":10}}', "m:1: video 'my video': no duration, fps, frames or subset here, but 'length'"), ("v1\nmy dog 20\n", "m:2: duration: 'my dog 20' is not a finite number (without a header, names and seconds"),
                   ("v1;10,5;25\nv2;3,5;25\n", "m:1: a header line with the names of the columns is missing"), ('{"video":"x","length":3}\n', "m: states no duration"), ("video,duration\nx,\n", "m: states no duration"), ('{"a":-3}', "must not be negative"), ('{"a":"3"}', "must be an object")):
    refused("--from", "segments-csv", RELATIVE, "--durations", write("m", text), says=(says,))
refused("--from", "segments-csv", RELATIVE, "--time", "relative", "--durations", write("m", "video,duration\nx,10\n"), says=("(--durations says none of this video)",))
check(records("--from", "segments-csv", write("t.csv", "video,start,end,duration\nx,1,2,10\n"), "--durations", write("m", "video,duration\nx,10.02\n"))[0]["duration"] == 10.02, "--durations goes before, where it is about the same")

# Numbers of classes, and class lists (their forms: tests/unit/table.cpp).
got = records("--from", "detections-csv", write("t.csv", "video-id,t-start,t-end,label,score\nv1,1,2,3.0,0.5\nv1,1,2,,0.25\n"), "--classes", write("c", "id,key,n\n0,a,1\n3,\"d, e\",2\n"))
check([p.get("label") for p in got[0]["proposals"]] == ["d, e", None], str(got))
refused("--from", "segments-csv", write("t.csv", "video,start,end,label\nv1,1,2,2.5\n"), "--classes", "c", says=("label: '2.5' is no class number",))
refused("--from", "segments-csv", "t.csv", "--classes", write("c", "100 m sprint\n200 m sprint\n"), says=("c:1: '100 m sprint'", "part of its name"))

# Scores of whole videos: who a column and a row are of says the table, or an option that agrees with it.
SCORES = "Jump,Run,Swim\n0.5,0.25,0.125\n1,0.5,0.25\n"
ROWS = [{"Jump": 0.5, "Run": 0.25, "Swim": 0.125}, {"Jump": 1, "Run": 0.5, "Swim": 0.25}]
LISTED = ("--videos", write("listed", "v1\nv2\n"))
write("classes", "Run\nJump\nSwim\n")
for text, options in ((SCORES, LISTED), (SCORES, (*LISTED, "--classes", "classes")), ("video,Jump,Run,Swim\nv1,0.5,0.25,0.125\n/data/v2.MP4,1,0.5,0.25\n", ()),
                      ("video;Jump;Run;Swim\nv1;0,5;0,25;0,125\nv2;1;0,5;0,25\n", (*LISTED, "--classes", "classes")), (",Jump,Run,Swim\nv1,0.5,0.25,0.125\nv2,1,0.5,0.25\n", ()),
                      ("0,video,2,0,1\n0,v1,0.125,0.25,0.5\n1,v2,0.25,0.5,1\n".replace("0,video", ",video", 1), ("--classes", "classes")),
                      ("index,video,Jump,Run,Swim\n0,v1,0.5,0.25,0.125\n1,v2,1,0.5,0.25\n", ()),
                      ('"Jump" "Run" "Swim"\n"v1" 0.5 0.25 0.125\n"v2" 1 0.5 0.25\n', ()), ("v1,0.25,0.5,0.125\nv2,0.5,1,0.25\n", ("--classes", "classes"))):
    got = records("--from", "class-scores", write("s.csv", text), *options)
    check([(r["video"], {c["label"]: c["score"] for c in r["classification"]}) for r in got] == list(zip(("v1", "v2"), ROWS)), f"{text!r} {options}: {got}")
got = records("--from", "class-scores", write("s.csv", "time,no,video\n0.5,0.25,v1\n0.75,0.5,v2\n"))
check([c["label"] for c in got[0]["classification"]] == ["time", "no"], f"classes that are called as columns of times are: {got}")
for text, options, says in ((SCORES.replace("Swim", "Swin"), (*LISTED, "--classes", "classes"), ("class 'Swim' of --classes has no column: the header names 'Jump', 'Run', 'Swin'",)),
                            ("video,Jump\nv1,1\nv3,1\n", LISTED, ("s.csv:3: video 'v3': --videos names 'v2' for row 2",)), ("video,Jump\nv1,1\nv1,1\n", (), ("s.csv:3: video 'v1': stands in the table twice",)),
                            (SCORES, (*LISTED, "--class-offset", "1"), ("--class-offset has no effect",)), (SCORES.replace("Run", "Jump"), LISTED, ("two columns are of class 'Jump'",)),
                            ("0.5,-,1\n0.5,1,1\n", LISTED, ("s.csv:1: column 2: '-' is not a number",))):
    refused("--from", "class-scores", write("s.csv", text), *options, says=says)
refused("--from", "class-scores", write("s.csv", SCORES), status=2, says=("needs --videos FILE, or a column video",))

# One rule from a file's name to an id: tables, lists, feature files.
gt = records("--from", "segments-csv", write("t.csv", "video,start,end\nCLIP.MP4,1,2\nD:\\a\\my clip.wmv,1,2\nv_1.5fps,1,2\n"))
check([r["video"] for r in gt] == ["CLIP", "my clip", "v_1.5fps"], str(gt))
got = records("--from", "segments-csv", "t.csv", "--split", "test=" + write("s.txt", "\ufeff# held out\r\nC:\\x\\my clip.WMV\r\nCLIP\r\nnowhere\r\n"), says=("1 video is in a --split list, but in no record: nowhere", "1 video is in no --split list"))
check([r.get("subset") for r in got] == ["test", "test", None], str(got))
refused("--from", "segments-csv", "t.csv", "--split", "a=" + write("a.txt", "CLIP\n"), "--split", "b=" + write("b.txt", "x\nCLIP.mp4\n"), says=("b.txt:2: 'CLIP' is in a and in b (a.txt:1 and here)",))
refused("--from", "segments-csv", "t.csv", "--split", "a=" + write("a.txt", "CLIP,1\nx,2\n"), says=("a.txt:1: one video a line was expected",))
os.mkdir("rows")
write("rows/my clip.mp4.CSV", ",f0,f1\n0,0.5,1\n1,0.25,2\n")
got = records("--from", "features", "--fps", "25", "--stride", "16", "--inline", "rows")
check([(r["video"], r["features"]["features"]["rows"], r["features"]["features"]["dim"]) for r in got] == [("my clip", 2, 2)], str(got))
refused("--from", "features", "--fps", "25", "--stride", "16", "--inline", write("n.csv", "0,1\n0.3,0.7\n"), says=("n.csv:1: video 'n': the first line counts the columns", "--header yes"))
check([records("--from", "features", "--fps", "25", "--stride", "16", "--inline", "n.csv", "--header", word)[0]["features"]["features"]["rows"] for word in ("yes", "no")] == [1, 2], "--header")
check(records("--from", "features", "--fps", "25", "--stride", "16", "--inline", write("n.csv", "frame,a\n0,0.5\n16,0.25\n"), says=("columns left out, for they number, time or name the rows: 'frame'",))[0]["features"]["features"]["dim"] == 1, "a column of frames")
got = records("--from", "signals", "--rate", "1", "--window", "2", "--stride", "2", "--inline", write("n.csv", "time,a\n0,0.5\n1,0.25\n"), says=("left out", "'time'"))
check(got[0]["features"]["signals"]["dim"] == 2, str(got))
for index in ("", "Unnamed: 0", "Unnamed: 0.1,Unnamed: 0"):
    got = records("--from", "bsn-proposals", "--unit-duration", write("v 1.MP4.csv", index + ",xmin,xmax,score\n" + "0," * (index.count(",") + 1) + "0.1,0.2,1\n"))
    check(got == [{"video": "v 1", "duration": 1, "proposals": [{"segment": [0.1, 0.2], "score": 1, "scores": {"xmin": 0.1, "xmax": 0.2}}]}], f"an index is no score: {got}")
refused("--from", "thumos14-gt", write("Run_val.txt", "v 1 2\n"), write("Run_test.txt", "v 3 4\n"), says=("subset: 'test' here, but 'validation' in Run_val.txt:1",))

# JSON.
GT = '{"database":{"v":{"duration":10,"annotations":[{"segment":[1,2],"label":"a"}]}}}'
check(records("--from", "activitynet-gt", write("g.json", "\ufeff" + GT)) == [{"video": "v", "duration": 10, "annotations": [{"segment": [1, 2], "label": "a"}]}], "a byte-order mark")
for member, kept in (('"fps":"29.97"', {"fps": 29.97}), ('"fps":0', {}), ('"fps":null', {}), ('"subset":null', {}), ('"frames":48.0', {"frames": 48}), ('"duration_frame":"48"', {"frames": 48})):
    got = records("--from", "activitynet-gt", write("m.json", GT.replace('"duration":10', member)))
    check(got == [{"video": "v", **kept, "annotations": [{"segment": [1, 2], "label": "a"}]}], f"{member}: {got}")
for member, says in (('"duration":0', "duration: must be positive"), ('"duration":-1', "duration: must be positive"), ('"duration":"x"', "duration: 'x'"), ('"duration":[1]', "duration: must be a number"),
                     ('"fps":-1', "fps: must be positive"), ('"fps":"x"', "fps: 'x'"), ('"fps":true', "fps: must be a number"), ('"fps":[0,1]', "fps: must be a positive rate"), ('"frames":1.5', "frames: '1.5'"),
                     ('"frames":-1', "frames: '-1'"), ('"classification":"none"', "classification: must be a list"), ('"path":5', "path: must be a string"), ('"maps":[]', "maps: must be an object"),
                     ('"subset":1', "subset: must be a string"), ('"duration":10,"duration_second":11', "duration_second: the member states duration once more"), ('"duration":1,"duration":1', "database.v: the key 'duration' stands twice")):
    refused("--from", "activitynet-gt", write("m.json", GT.replace('"duration":10', member)), says=("m.json:1:", says))
for text, says in ((GT.encode("utf-16"), "UTF-16"), (GT.encode("utf-16-le"), "UTF-16"), (GT.replace('"a"', '"caf\xe9"').encode("latin-1"), "not valid UTF-8: save it as UTF-8"),
                   ('{"database":{},"database":{}}', "the key 'database' stands twice here (column 16)"), (GT.replace('"label"', '"segment":[1,2],"label"'), "database.v.annotations[0]: the key 'segment'"),
                   ('{"a":0,' + '"x":[1],' * 200 + '"v":{"annotations":[{"segment":[NaN,1]}]}}', "the key 'x' stands twice here (column 16)"),
                   ('{"v":{"annotations":[{"segment":[1,NaN]}]}}', "m.json:1: v.annotations[0].segment[1]: 'NaN' is not a value of JSON"), ('{"results":{}}', "--from activitynet-results"), ("[]", "must be one JSON object")):
    refused("--from", "activitynet-gt", write("m.json", text), says=(says,))
refused("--from", "activitynet-results", write("m.json", GT), says=("it is for --from activitynet-gt",))
RESULTS = '{"results":{"v":[{"segment":[1,2],"score":0.5,"label":"a"}]}}'
refused("--from", "activitynet-results", write("r1.json", RESULTS), write("r2.json", RESULTS), says=("r2.json:1: video 'v': the video stands in r1.json too",))
refused("--from", "activitynet-results", write("m.json", RESULTS.replace('"score"', '"score":1,"score"')), says=("results.v[0]: the key 'score' stands twice",))
refused("--from", "activitynet-results", write("m.json", RESULTS.replace('"score"', '"scores":{"a":"b"},"score"')), says=("proposals[0].scores.a: ", "m.json:1"))

# Records: members that stand twice, and JSON that is none.
TWICE = '{"video":"v","duration":9,"proposals":[{"segment":[1,2],"score":0.5,"score":0.25}],"annotations":[{"segment":[1,2],"label":"a"}]}\n'
for name, options in (("tal-nms", ("--threshold", "0.5")), ("tal-eval", ("--protocol", "activitynet-proposal")), ("tal-convert", ("--from", "tal", "--to", "csv")), ("tal-convert", ("--from", "tal"))):
    refused(*options, name=name, data=TWICE, says=("stdin:1: video 'v': proposals", "the key 'score' stands twice"))
    refused(*options, name=name, data=TWICE.replace('"score":0.25', '"mine":{"a":1,"a":2}'), says=("stdin:1: video 'v': proposals", "the key 'a' stands twice"))
    refused(*options, name=name, data=TWICE.replace(',"score":0.25', "").replace('"label"', '"label":"b","label"'), says=("annotations[0]: the key 'label' stands twice",))
    refused(*options, name=name, data=TWICE.replace(',"score":0.25', "").replace('"video"', '"mine":{"a":[{"b":1,"b":2}]},"video"'), says=("mine.a[0]: the key 'b' stands twice",))
PREDICTIONS = write("p.jsonl", '{"video":"v","proposals":[{"segment":[1,2],"score":0.5,"label":"a"}]}\n')
for text in (GT, GT.replace(":{", ":\n{"), json.dumps(json.loads(GT), indent=1)):
    refused("--gt", write("g.json", text), "-i", PREDICTIONS, name="tal-eval", says=("records are wanted, one a line; tal-convert --from activitynet-gt",))
refused("-i", write("m.json", RESULTS), name="tal-nms", says=("tal-convert --from activitynet-results",))
refused("-i", write("u.jsonl", TWICE.encode("utf-16")), name="tal-nms", says=("u.jsonl: is UTF-16 text",))
refused("--config", write("c.json", '{"threshold":0.5, // mine\n"threshold":0.6}'), name="tal-nms", status=2, says=("c.json:2:", "the key 'threshold' stands twice"))
check(tool("tal-nms", "--config", write("c.json", '\ufeff{"threshold":0.5 /* mine */}'), data=TWICE.replace(',"score":0.25', "")).stdout.count("segment") == 2, "comments and a mark in --config")

# What a format has no place for, and options that change nothing.
refused("--from", "activitynet-classification", write("c.json", '{"results":{"v1":[{"label":"a","score":1,"segment":[1,2]}]}}'),
        says=("c.json:1: video 'v1': results[0].segment: a class score is of the whole video: --from activitynet-results",))
refused("--from", "activitynet-gt", write("g.json", '{"database":{"v1":{"annotations":[],"activitynet":{"a":1}}},"version":"1"}'), says=("video 'v1': activitynet: this member has another meaning",))
refused("--from", "segments-csv", "--unit-duration", write("t.csv", TABLES["plain"]), status=2, says=("--unit-duration has no effect with --from segments-csv without --time",))
for source in ("segments-csv", "ssn-proposals", "bsn-proposals"):
    refused("--from", source, "--unit-duration", "--time", "frames", "--fps", "25", "t.csv", status=2, says=("--unit-duration has no effect with --time frames",))
refused("--from", "thumos14-results", "--class-offset", "-1", data="v1 1 2 3 0.5\n", status=2, says=("--class-offset has no effect with", "without --classes"))
for source, text in (("segments-csv", "video,start,end\n"), ("thumos14-results", "\n"), ("activitynet-results", '{"results":{}}'), ("ssn-proposals", "")):
    check(records("--from", source, write("none.txt", text), says=("no video in 'none.txt'",)) == [], f"{source}: a file without a video")
check(convert("--from", "tal", data="").stderr == "", "no records are no fault of a pipe")
check("no video" not in convert("--from", "activitynet-gt", "--subset", "none", write("g.json", '{"database":{"v1":{"annotations":[]}}}')).stderr, "a subset without a video is no file without one")

# --exclude.
TRUTH = "".join(f'{{"video":"{v}","annotations":[{{"segment":[1,2],"label":"a"}}],"proposals":[{{"segment":[1,2],"score":0.5,"label":"a"}}]}}\n' for v in ("v1", "my v2", "v3"))
for text, excluded in (("\ufeffv1\r\n# two\r\nmy v2\r\n", 2), ("v1\rmy v2\r", 2), ("id,video\n1,v1\n", 1), ('["my v2"]', 1), ("/a/v1.MP4\nC:\\b\\my v2.avi\n", 2)):
    done = tool("tal-eval", "--exclude", write("x.txt", text), "--format", "json", data=TRUTH)
    by_file = "names are of files and exclude their videos, such as '/a/v1.MP4' 'v1'" if ".MP4" in text else ""
    check(json.loads(done.stdout)["excluded"] == excluded and by_file in done.stderr and bool(by_file) == bool(done.stderr), f"{text!r}: {done.stderr}")
done = tool("tal-eval", "--exclude", write("x.txt", "v_1\nv3\n"), "--exclude-known-bad", "--format", "json", data=TRUTH)
check(json.loads(done.stdout)["excluded"] == 1 and "1 name is of no video of the ground truth or the stream, such as 'v_1' (did you mean 'v1'?)" in done.stderr, done.stderr)
refused("--exclude", write("x.txt", "\n"), name="tal-eval", data=TRUTH, says=("x.txt: names no video",))

# What tal-check faults in a record, tal-convert refuses or tells: of every format, with what people's files hold.
GT, RESULTS = '{"database":{"v1":{"duration":10,"subset":"training"%s,"annotations":[%s]}}}', '{"results":{"v1":[%s]}}'
for source, text, says in (
        ("activitynet-gt", GT % ("", '{"segment":[1,2],"label":"A","score":"x"}'), "t.txt:1: video 'v1': annotations[0].score: must be a number"),
        ("activitynet-gt", GT % ("", '{"segment":[1,2],"label":"A","scores":"x"}'), "annotations[0].scores: must be an object of numbers"),
        ("activitynet-gt", GT % ("", '{"segment":[1,2],"label":""}'), "annotations[0].label: empty"),
        ("activitynet-gt", GT % (',"window":3', '{"segment":[1,2],"label":"A"}'), "window: this member has another meaning in a record"),
        ("activitynet-results", RESULTS % '{"segment":[1,2],"label":"","score":0.5}', "results[0].label: empty"),
        ("activitynet-classification", RESULTS % '{"label":"A","score":0.5},{"label":"A","score":0.2}', "classification[1].label: the same as classification[0]"),
        ("bsn-annotations", '{"v1":{"duration_second":10,"annotations":[{"segment":[1,2],"label":"A","scores":{"a":"b"}}]}}', "annotations[0].scores.a: must be a number")):
    refused("--from", source, write("t.txt", text), says=(says,))
for source, text, says in (
        ("activitynet-gt", GT % ("", '{"segment":[1,1],"label":"A"},{"segment":[2,2],"label":"A"}'), "2 segments without length, the first is annotations[0].segment of video 'v1'"),
        ("activitynet-gt", GT % ("", '{"segment":[-1,1],"label":"A"}'), "1 segment beginning before 0"), ("activitynet-gt", GT % ("", '{"segment":[1,11],"label":"A"}'), "1 segment ending behind the video's end"),
        ("activitynet-gt", GT % ("", '{"segment":[11,12],"label":"A"}'), "1 segment behind the video's end"), ("activitynet-gt", GT % ("", '{"segment":[1,2]}'), "1 segment without a label"),
        ("segments-csv", "video,start,end,label\nv1,1,2,A\nv1,3,4,\n", "1 segment without a label, the first is annotations[1].label"),
        ("activitynet-gt", GT % (',"fps":25,"frames":1000', ""), "1 video has a duration that contradicts frames and fps, the first is 'v1': 1000 frames are 40 s, the duration is 10 s"),
        ("segments-csv", "video,start,end,label,duration,fps,frames\nv1,1,2,A,10,25,1000\n", "1000 frames are 40 s"),
        ("detections-csv", "video,start,end,label,score\nv1,1,2,A,0.5\nv1,1,2,A,0.25\n", "1 segment given twice, the first is proposals[1].segment"),
        ("thumos14-results", "v1 2 2 7 0.5\n", "1 segment without length, the first is proposals[0].segment"), ("thumos14-results", "v1 -2 2 7 0.5\n", "1 segment beginning before 0")):
    check(len(records("--from", source, write("t.txt", text), says=(says,))) == 1, f"{text}: {says}")
    quiet = convert("--from", source, "t.txt", "-q")
    check(says in quiet.stderr, f"-q keeps warnings: {quiet.stderr}")
# An option goes before the table: frames at --fps, whatever rate the rows state.
check(records("--from", "segments-csv", "--time", "frames", "--fps", "25", write("t.txt", "video,start,end,label,fps\nv1,250,375,A,50\n"), says=("--fps counts the frames of 1 video of which another frame rate is stated, 'v1' with 50",))[0]["annotations"][0]["segment"] == [10, 15], "--fps before the table's")
# Ids that --ids makes one; values that float16 cannot hold.
refused("--from", "tal", "--ids", "strip", data='{"video":"v_x"}\n{"video":"x"}\n', says=("video 'x': video: 'v_x' and 'x' become one with --ids strip",))
refused("--from", "features", "--inline", "--half", write("h.csv", "a,b\n1,70000\n2,3\n"), says=("video 'h': features.features: 70000 does not fit --half",))
# Numbers of classes that are counted from elsewhere.
write("names.txt", "Run\nJump\n")
for offset, label in (("0", "Jump"), ("-1", "Run")):
    check(records("--from", "thumos14-results", "--classes", "names.txt", "--class-offset", offset, data="v1 1 2 1 0.5\n")[0]["proposals"][0]["label"] == label, f"--class-offset {offset}")
# A number of a class without its name.
write("classes.txt", "3 Run\n")
check(records("--from", "activitynet-gt", "--classes", "classes.txt", write("t.txt", GT % ("", '{"segment":[1,2],"label_id":3}')))[0]["annotations"][0]["label"] == "Run", "label_id with --classes")
refused("--from", "activitynet-gt", "--classes", "classes.txt", write("t.txt", GT % ("", '{"segment":[1,2],"label_id":4}')), says=("annotations[0].label_id:",))
# Recordings that a table of labels names by their files.
write("s17.csv", "a,b\n" + "1,2\n" * 100)
signals = ("--from", "signals", "--rate", "10", "--window", "10", "--stride", "10", "--signal-features", "mean", "--inline")
for name in ("s17", "s17.csv", "recordings/s17.csv"):
    check(records(*signals, "--labels", write("l.csv", f"video,start,end,label\n{name},1,2,A\n"), "s17.csv")[0]["annotations"] == [{"segment": [1, 2], "label": "A"}], f"labels of {name}")
refused(*signals, "--labels", write("l.csv", "video,start,end,label\ns18,1,2,A\n"), "s17.csv", says=("l.csv: names none of the recordings: 's18' there, 's17' here",))

# Per cent of the duration are shares of it and no seconds; other signs behind a column's name may be a unit that is not known.
PER_CENT = "video,start (%),end (%),label,duration (s)\nv1,10,20,a,300\n"
check(records("--from", "segments-csv", "--time", "relative", write("t.csv", PER_CENT), says=("read as per cent", "'start (%)', 'end (%)'")) == [{"video": "v1", "duration": 300, "annotations": [{"segment": [30, 60], "label": "a"}]}], "per cent")
for header, says in (("start (%),end (%)", "t.csv:1: column 'start (%)' is in per cent of the video's duration: give --time relative"), ("start%,end%", "in per cent"), ("start_pct,end_pct", "in per cent"), ("start_percent,end_percent", "in per cent"),
                     ("start (%),end", "in per cent"), *((f"start{sign},end{sign}", "no column is known to be the start") for sign in (" #", " (#)", " (')", " *", "'", " (@)"))):
    refused("--from", "segments-csv", write("t.csv", f"video,{header},label\nv1,10,20,a\n"), says=(says,))
refused("--from", "segments-csv", "--time", "relative", write("t.csv", "video,start (%),end,label,duration\nv1,10,0.2,a,300\n"), says=("t.csv:1: 'start (%)' is in per cent, but 'end' does not say so",))
refused("--from", "segments-csv", "--time", "relative", write("t.csv", PER_CENT.replace("v1,10,20", "v1,10,120")), says=("t.csv:2: video 'v1': end: '1.2' is not a share",))
refused("--from", "thumos14-gt", "--durations", write("d.csv", "video,duration (%)\nv1,3\n"), write("Run_val.txt", "v1 1 2\n"), says=("d.csv:1: column 'duration (%)' is in per cent",))

# A duration without a unit is tried in the one of the starts too, and refused where it may be in either.
for unit, scale in (("ms", 1000), ("us", 10 ** 6), ("min", 1 / 60)):
    got = records("--from", "segments-csv", write("t.csv", f"video,start_{unit},end_{unit},label,duration\nv1,{10 * scale},{15 * scale},a,{5 * scale}\n"), says=("column 'duration' is end - start in every row",))
    check(got == ONE, f"length in {unit}: {got}")
    check(records("--from", "segments-csv", write("t.csv", f"video,start_{unit},end_{unit},label,duration\nv1,{10 * scale},{15 * scale},a,5\n"), says=("is end - start in every row",)) == ONE, f"length in seconds beside {unit}")
refused("--from", "segments-csv", write("t.csv", "video,start_ms,end_ms,label,duration\nv1,10000,15000,a,60000\n"), says=("t.csv:1: 'duration' may be in seconds or in milliseconds, as 'start_ms' is",))
for text, options in (("v1,10000,15000,a,60\n", ()), ("v1,10000,15000,a,60\n", ("--columns", "duration=duration"))):
    check(records("--from", "segments-csv", *options, write("t.csv", "video,start_ms,end_ms,label,duration\n" + text)) == LONG, f"a video's duration in seconds beside milliseconds {options}")

# Facts of videos under the names that programs give them, and what looks like one and is none.
for column in ("num_frames", "n_frames", "frame_count", "nframes", "total_frames", "numFrames", "frames (count)", "number of frames"):
    got = records("--from", "thumos14-gt", "--durations", write("d.csv", f"video,{column},duration\nv1,250,10\n"), write("Run_val.txt", "v1 1 2\n"))
    check(got[0].get("frames") == 250 and got[0]["duration"] == 10, f"{column}: {got}")
records("--from", "thumos14-gt", "--durations", write("d.csv", "video,duration,frame_height,sampled frame rate\nv1,10,3,4\n"), "Run_val.txt", says=("d.csv: not known to be a duration, frame rate or number of frames, and not used: 'frame_height', 'sampled frame rate'",))
BORIS = "Observation id,Media duration (s),FPS,Behavior,Start (s),Stop (s),Duration (s),Media file name\no1,%s,%s,walk,1.0,3.5,2.5,%s\n"
check(records("--from", "segments-csv", write("t.csv", BORIS % ("120.5", "25", "/home/x/v1.mp4"))) == [{"video": "v1", "duration": 120.5, "fps": 25, "annotations": [{"segment": [1, 3.5], "label": "walk"}]}], "BORIS's media duration")
check(records("--from", "segments-csv", write("t.csv", BORIS % ("NA", "NA", "/home/x/v1.mp4"))) == [{"video": "v1", "annotations": [{"segment": [1, 3.5], "label": "walk"}]}], "BORIS knows no duration")
for files in ("/home/x/v1.mp4;/home/x/v2.mp4", "a.avi|b.avi", '"v1.mp4, v2.mp4"'):
    refused("--from", "segments-csv", write("t.csv", BORIS % ("120.5", "25", files)), says=("t.csv:2: video: '", "names 2 files: a row must be of one video"))
    refused("--from", "tal", "--durations", write("d.csv", f"video,duration\n{files},3\n"), data='{"video":"v1"}\n', says=("d.csv:2: video: ", "names 2 files"))
check(records("--from", "segments-csv", write("t.csv", BORIS % ("120.5", "25", "a;b.mp4")))[0]["video"] == "a;b", "one file with a semicolon in its name")

# An id that ends like a file's name is known as it is written, else by the rule for files' names, in every list.
NAMED = '{"video":"v.mp4"}\n'
for text, name in (('{"database":{"v.mp4":{"duration":3,"annotations":[]}}}', "x.json"), ('{"v":{"duration":3}}', "x.json"), ("video,duration\nv.mp4,3\n", "x.csv"), ("video,duration\na/v.MP4,3\n", "x.csv"), ('{"video":"v.mp4","duration":3}\n', "x.jsonl")):
    for line, video in ((NAMED, "v.mp4"), ('{"video":"v"}\n', "v")):
        got = records("--from", "tal", "--durations", write(name, text), data=line)
        check(got == [{"video": video, "duration": 3}], f"{text} for {video}: {got}")
for video in ("v.mp4", "v"):
    for listed in ("v.mp4", "v", "clips/v.avi"):
        check(records("--from", "tal", "--split", "test=" + write("s.txt", listed + "\n"), data=f'{{"video":"{video}"}}\n') == [{"video": video, "subset": "test"}], f"{listed} in a list for {video}")
        check(records("--from", "tal", "--merge", write("m.jsonl", f'{{"video":"{listed}","fps":5}}\n'), data=f'{{"video":"{video}"}}\n') == [{"video": video, "fps": 5}], f"--merge of {listed} for {video}")
got = records("--from", "tal", "--merge", write("m.jsonl", '{"video":"v","fps":5}\n{"video":"v.mp4","fps":6}\n'), data='{"video":"v.mp4"}\n{"video":"v"}\n{"video":"v.avi"}\n')
check([r.get("fps") for r in got] == [6, 5, None], f"names as they are written, and one that may be either: {got}")

# Lists of classes: comments, and label maps of protocol buffers.
def label(classes, number, says=()):
    return records("--from", "thumos14-results", "--classes", write("names.txt", classes), data=f"v1 1 2 {number} 0.5\n", says=says)[0]["proposals"][0]["label"]


for classes, number, wanted, says in (("# classes of my set\nrun\njump\n", 0, "run", ("names.txt: left out 1 line that begins with #",)), ("run\n#\n# more\njump\n", 1, "jump", ("left out 2 lines",)),
                                      ("# id name\n0 run\n1 jump\n", 0, "run", ("left out 1 line",)), ("# mine\nid,name\n3,run\n4,jump\n", 3, "run", ("left out 1 line",)), ("#,name\n0,run\n1,jump\n", 0, "run", ()),
                                      ('"# run"\njump\n', 0, "# run", ()), ("#run\n#jump\n", 1, "#jump", ())):
    check(label(classes, number, says) == wanted, f"{classes!r}: {number}")
for classes in ('item {\n  id: 1\n  name: "run"\n}\nitem {\n  id: 2\n  name: "jump"\n}\n', 'label {\n  name: "run"\n  label_id: 1\n  label_type: PERSON_MOVEMENT\n}\n', "item{id:1 name:'run'}", '# TensorFlow\nitem {\n  id: 1\n  name: "run"\n}\n'):
    check(label(classes, 1) == "run", f"a label map: {classes!r}")
for classes, says in (('item {\n  id: 1\n}\n', "names.txt:1: a class without its name"), ('item {\n  name: "run"\n}\n', "without its number, id or label_id"), ('item {\n  id: 1\n  name: "run"\n', "a label map has item"),
                      ('item {\n  id: 1\n  name: "/m/1"\n  display_name: "run"\n}\n', "names.txt:4: two members may be the name"), ("// mine\nrun\n", "names.txt:1: '// mine': a comment or a class?"), ("% mine\nrun\n", "a comment or a class?")):
    refused("--from", "thumos14-results", "--classes", write("names.txt", classes), data="v1 1 2 1 0.5\n", says=(says,))

# --rejects: what was at fault, byte for byte, of every format; --on-error skip keeps the others.
def rejects_once(source, text, kept, wanted, *options):
    done = convert("--from", source, *options, write(*(("v1.csv" if source == "bsn-proposals" else "t.txt"), text)), "--on-error", "skip", "--rejects", "rej", status=1)
    with open("rej", encoding="utf-8", newline="") as file:
        got = file.read()
    check(got == wanted and len(done.stdout.splitlines()) == kept, f"{source}: {got!r}, not {wanted!r}: {done.stdout}")


# Lines of tables end as they came.
def rejects(source, text, kept, wanted, *options):
    rejects_once(source, text, kept, wanted, *options)
    if not text.startswith("{"):
        rejects_once(source, text.replace("\n", "\r\n"), kept, wanted.replace("\n", "\r\n"), *options)


for source, text, line in (("thumos14-results", "v 1 2 3 0.5\r\nv 1 x 3 0.5\r\n\r\nv 2 1 3 .5", 4), ("dcase", "a.wav 1 2 x\r\na.wav 2 1 y\r\n", 2), ("srt", "1\r\n00:00:03,000 --> 00:00:01,000\r\nx\r\n", 2), ("rttm", "SPEAKER v 1 x 1 <NA> <NA> a\r\n", 1)):
    done = convert("--from", source, write("t.txt", text), "--on-error", "skip", "--rejects", "rej", status=1)
    wrong = [text.splitlines(True)[int(place) - 1] for place in re.findall(r"t.txt:(\d+): ", done.stderr)]
    check(open("rej", newline="").read().rstrip("\n") == "".join(wrong).rstrip("\n") and f"t.txt:{line}: " in done.stderr, f"{source}: CRLF: {wrong}: {open('rej', newline='').read()!r}")
SEGMENTS = "video,start,end,label,score\n"
for source in ("segments-csv", "detections-csv"):
    rejects(source, SEGMENTS + 'a,1,2,x,1\nb,3,2,"y ""z""\nw",1\nc,x,2,z,1\nd,4,5,w,1\ne,1,2\n', 2, 'b,3,2,"y ""z""\nw",1\nc,x,2,z,1\ne,1,2\n')
rejects("bsn-proposals", "xmin,xmax,score\n0.5,0.2,0.9\n0.1,0.2,0.9\n", 1, "0.5,0.2,0.9\n", "--unit-duration")
rejects("ssn-proposals", "# 1\nv1\n10\n1\n0\n1\n3 0.9 x 0.1 0.2\n# 2\nv2\n10\n1\n0\n1\n3 0.9 0.8 0.1 0.2\n# 3\nv2\n10\n1\n0\n0\n", 1, "# 1\nv1\n10\n1\n0\n1\n3 0.9 x 0.1 0.2\n# 3\nv2\n10\n1\n0\n0\n")
rejects("activitynet-gt", '{"database":{"a":{"annotations":[{"segment":[3,1]}]},"b":{"annotations":[]}}}', 1, '{"a":{"annotations":[{"segment":[3,1]}]}}\n')
rejects("class-scores", "video,run,jump\nv1,.1,.2\nv2,nan,.3\nv3,.3,.4\nv4,.3\n", 2, "v2,nan,.3\nv4,.3\n")
rejects("class-scores", "run,jump\n.1,.2\nnan,.3\n.3,.4\n", 2, "nan,.3\n", "--videos", write("rows.txt", "v1\nv2\nv3\n"))
check([r["video"] for r in records("--from", "class-scores", "t.txt", "--videos", "rows.txt", "--on-error", "skip", status=1)] == ["v1", "v3"], "rows of --videos keep their places")
os.mkdir("bad-rows")
write("bad-rows/bad.csv", "a,b\n1,x\n"), write("bad-rows/good.csv", "a,b\n1.5,2\n")
done = convert("--from", "features", "bad-rows", "--inline", "--on-error", "skip", "--rejects", "rej", status=1)
check(open("rej").read() == "bad-rows/bad.csv\n" and len(done.stdout.splitlines()) == 1, "--rejects of feature files names the file")

# JSON: numbers beyond 64 bits keep their digits where they pass through, and count as times; what is too deep has a place.
BIG = "123456789012345678901234567890"
check(BIG + "," in convert("--from", "activitynet-gt", write("m.json", '{"database":{"a":{"duration":10,"id":%s,"list":[-%s,1.5e3],"annotations":[]}},"n":{"x":%s}}' % (BIG, BIG, BIG))).stdout, "a number that passes through")
check(convert("--from", "activitynet-gt", "--to", "activitynet-gt", "m.json").stdout.count(BIG) == 3, "and back")
check(records("--from", "activitynet-results", write("m.json", '{"results":{"a":[{"segment":[1,18446744073709551616],"score":%s,"label":"x"}]}}' % BIG))[0]["proposals"] == [{"segment": [1, 18446744073709551616], "score": 1.2345678901234568e29, "label": "x"}], "a big time")
check(records("--from", "tal", "--durations", write("d.json", '{"v":{"duration":3,"crc":%s}}' % BIG), data='{"video":"v"}\n')[0]["duration"] == 3, "a big number that nobody needs")
refused("--from", "activitynet-gt", write("m.json", '{"database":{"a":{"duration":10,"annotations":[{"segment":[1,2],"label":%s}]}}}' % BIG), says=("m.json:1: video 'a': annotations[0].label: must be a string",))
refused("--from", "activitynet-gt", write("m.json", '{"database":\n{"a":{"x":' + "[" * 2000 + "]" * 2000 + ',"annotations":[]}}}'), says=("m.json:2: database.a.x[0][0]", "lists and objects in each other, too many of them (column "))

# Whole files of ActivityNet's where records are wanted: every layout has the advice.
TRUTHS = {"database": {"a": {"annotations": [{"segment": [1, 2], "label": "x"}], "duration": 10, "subset": "val"}, "b": {"annotations": [], "duration": 20}}, "version": "1"}
LISTS = {"results": {"a": [{"segment": [1, 2], "score": 0.5, "label": "x"}], "b": []}}
for source, document in (("activitynet-gt", TRUTHS), ("activitynet-gt", TRUTHS["database"]), ("activitynet-results", LISTS), ("activitynet-results", LISTS["results"]),
                         ("activitynet-classification", {"results": {"a": [{"label": "x", "score": 0.5}]}})):
    line = json.dumps(document)
    layouts = [line, "\ufeff" + line, json.dumps(document, indent=0), json.dumps(document, indent=2), line.replace("}, ", "}\n,"), line.replace("}, ", "},\n")]
    for text in layouts + ([convert("--from", source, "--to", source, write("w.json", line)).stdout] if source != "activitynet-classification" and document in (TRUTHS, LISTS) else []):
        for name, options in (("tal-eval", ("--gt", write("g.json", text), "-i", PREDICTIONS)), ("tal-nms", ("-i", "g.json")), ("tal-convert", ("--from", "tal", "--merge", "g.json", PREDICTIONS))):
            refused(*options, name=name, says=("g.json:1: ", "records are wanted, one a line; tal-convert --from activitynet-", source if len(text.split("\n")[0]) > 20 else "(or -results)"))
refused("--classification", write("c.json", '{"results":{"v1":[{"label":"run","score":0.9}]}}'), name="tal-score", data='{"video":"v1","proposals":[]}\n', says=("tal-convert --from activitynet-classification",))
check("records are wanted" not in tool("tal-nms", data='{"video":"a","database":[}\n', status=1).stderr, "no advice for a record")
# What a file is instead, with advice that works as it is written.
write("pretty.json", json.dumps({"video": "v1", "annotations": [{"segment": [1, 2], "label": "a"}]}, indent=1).replace('{\n "video"', '{"video"'))
for name, arguments in (("tal-convert", ("--from", "tal", "pretty.json")), ("tal-nms", ("-i", "pretty.json")), ("tal-convert", ("pretty.json",)), ("tal-check", ("pretty.json",))):
    refused(*arguments, name=name, says=("jq -c . FILE makes",))
done = subprocess.run(["jq", "-c", ".", "pretty.json"], capture_output=True, text=True) if shutil.which("jq") else None
check(done is None or records("--from", "tal", write("one.jsonl", done.stdout))[0]["video"] == "v1", "and is a record then")
rows = [{"video": "v1", "start": 1, "end": 2, "label": "a"}, {"label": "b", "video": "v1", "start": 3, "end": 4, "score": 0.5}]
for text in ("".join(json.dumps(row) + "\n" for row in rows), json.dumps(rows), json.dumps(dict(enumerate(rows)))):
    done = tool("tal-convert", write("rows.json", text), status=1)
    command = re.search(r"(jq .*) makes one", done.stderr)
    check(command, f"{text}: {done.stderr}")
    if command and shutil.which("jq"):
        table = subprocess.run(command.group(1).replace("FILE", "rows.json"), shell=True, capture_output=True, text=True, check=True).stdout
        check(table == '"video","start","end","label","score"\n"v1",1,2,"a",\n"v1",3,4,"b",0.5\n', f"all columns of all rows: {command.group(1)}: {table}")
refused("--from", "label-studio", "--fps", "25", write("ls.csv", "annotation_id,video,videoLabels\n1,a.mp4,\"[]\"\n"), says=("ls.csv:1: is no JSON: of Label Studio's exports JSON",))

# A folder of a format of one level: what is in its folders is told.
os.makedirs("labels/sub")
for name in ("labels/v1.txt", "labels/sub/v9.txt"):
    write(name, "a\na\n")
check([r["video"] for r in records("--from", "frame-labels", "--fps", "1", "labels", says=("the folder in it is left out: 'labels/sub'",))] == ["v1"], "one level")

# Ids in addresses of YouTube.
for address, video in (("https://www.youtube.com/watch?v=x-_9&t=30s", "x-_9"), ("https://youtube.com/watch?list=PL1&v=abc#t=2", "abc"), ("https://youtu.be/abc?t=3", "abc"), ("https://m.youtube.com/shorts/abc", "abc"),
                       ("https://www.youtube-nocookie.com/embed/abc?start=1", "abc"), ("https://www.youtube.com/@channel", "@channel"), ("https://example.org/watch?v=abc", "watch?v=abc"), ("youtu.be/abc", "abc")):
    check(records("--from", "segments-csv", write("u.csv", f"video,start,end,label\n\"{address}\",1,2,a\n"))[0]["video"] == video, address)

# Lists of subsets as one JSON object.
write("two.csv", "video,start,end,label\nv1,1,2,a\nv2,1,2,b\n")
write("lists.json", '{"train":["v1"],"val":["v2"]}')
check([r["subset"] for r in records("--from", "segments-csv", "--split", "lists.json", "two.csv")] == ["train", "val"], "a list of each subset")
check([r.get("subset") for r in records("--from", "segments-csv", "--split", "train=lists.json", "two.csv")] == ["train", None], "the list of one subset")
refused("--from", "segments-csv", "--split", "test=lists.json", "two.csv", says=("lists.json: no list called 'test', but 'train', 'val'",))
refused("--from", "segments-csv", "--split", write("bad.json", '{"train":[1]}'), "two.csv", says=("bad.json: train: must be a list of names",))

# One file twice, and pictures, which are no videos.
npy = b"\x93NUMPY\x01\x00v\x00" + b"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }".ljust(117) + b"\n" + bytes(16)
refused("--from", "features", "--fps", "25", "--stride", "8", write("v1.npy", npy), "v1.npy", says=("'v1.npy' is given twice",))
if tool("tal-extract", "--version", status=None).returncode == 0:
    os.makedirs("frames")
    for i in range(3):
        write(f"frames/{i:05}.jpg", b"")
    if works("tal-extract"):
        refused("--videos", write("raw.yuv", bytes(3 * 16 * 16)), name="tal-extract", status=1, says=("holds pictures alone", "ffmpeg -f rawvideo"))
    for video in ("frames", "frames/00001.jpg", "frames/%05d.jpg"):
        refused("--videos", video, name="tal-extract", status=2, says=("ffmpeg -framerate RATE -pattern_type glob -i 'frames/*.jpg'",))
    for folder in ("a", "b"):
        os.makedirs(folder)
        for ending in ("mp4", "flv"):
            write(f"{folder}/x.{ending}", b"")
    refused("--videos", "a/x.mp4", "a/x.mp4", name="tal-extract", status=2, says=("'a/x.mp4' is given twice",))
    refused("--videos", "a/x.mp4", "a/x.flv", name="tal-extract", status=2, says=("two files give the video id 'x'", "records (-i) say ids of their own"))
    refused("--videos", "a/x.mp4", "b/x.mp4", name="tal-extract", status=2, says=("--id-folders keeps folders",))

# Points in time, where the next step needs segments: left out, or some length around each, inside the video.
mixed = [{"at": 0.1, "label": "a", "tier": "T"}, {"segment": [1, 2], "label": "b"}, {"at": 5, "label": "c"}]
write("mixed.jsonl", json.dumps({"video": "v", "duration": 5.1, "annotations": mixed, "proposals": [{"at": 3, "score": 0.5}]}) + "\n")
got = records("--from", "tal", "--points", "drop", "mixed.jsonl", says=("3 points in time left out",))[0]
check(got["annotations"] == mixed[1:2] and got["proposals"] == [], f"--points drop: {got}")
got = records("--from", "tal", "--points", "0.5", "mixed.jsonl", says=("3 points in time made segments of 0.5 s",))[0]
check(got["annotations"] == [{"segment": [0, 0.35], "label": "a", "tier": "T"}, mixed[1], {"segment": [4.75, 5.1], "label": "c"}] and got["proposals"] == [{"segment": [2.75, 3.25], "score": 0.5}], f"--points 0.5: {got}")
check(records("--from", "tal", "--points", "keep", "mixed.jsonl") == records("--from", "tal", "mixed.jsonl"), "--points keep")
for value in ("0", "-1", "some", "nan"):
    refused("--from", "tal", f"--points={value}", "mixed.jsonl", status=2, says=("neither keep nor drop, nor seconds above 0",))

# The rate that frames are counted by, where the file says another.
write("s.json", '[{"video":"v","fps":50,"num_frames":500,"events":[{"frame":100,"label":"a"}]}]')
got = records("--from", "spotting-json", "--fps", "25", "s.json", says=("--fps counts the frames of 1 video of which another frame rate is stated, 'v' with 50",))[0]
check(got["annotations"][0]["at"] == 4, f"--fps before the file's: {got}")
write("r.csv", "video,duration,fps\nf,10,50\n")
refused("--from", "frame-labels", "--fps", "25", "--durations", "r.csv", write("f.txt", "a\na\n"), says=("video 'f': fps: 25 here, but 50 in --durations",))

# A BORIS project: its times have the observation's offset (BORIS 8.27, write_event.py), pictures without a time are NaN, files of further players are told.
boris = {"behaviors_conf": {"0": {"code": "run", "type": "State event"}, "1": {"code": "hop", "type": "Point event"}},
         "observations": {"o": {"type": "MEDIA", "file": {"1": ["v.mp4"], "2": ["w.mp4"]}, "media_info": {"length": {"v.mp4": 10}, "fps": {"v.mp4": 25}}, "time offset": 1.5,
                                "events": [[3.5, "", "run", "", ""], [5.5, "", "run", "", ""]]},
                          "p": {"type": "IMAGES", "file": [], "directories_list": ["d"], "time offset": 7, "events": [[float("nan"), "", "hop", "", ""], [2, "", "hop", "", ""]]}}}
write("p.boris", json.dumps(boris))
for form in (("--from", "boris"), ()):
    got = records(*form, "p.boris", says=("1 event without a time left out", "1 file of a further player left out: 'w.mp4'"))
    check([r["annotations"] for r in got] == [[{"segment": [2, 4], "label": "run", "tier": "o"}], [{"at": 2, "label": "hop", "tier": "p"}]], f"BORIS {form}: {got}")
boris["observations"]["o"]["media_creation_date_as_offset"] = True
boris["observations"]["o"]["media_info"]["media_creation_time"] = {"v.mp4": 1600000000}
for event in boris["observations"]["o"]["events"]:
    event[0] += 1600000000
write("p.boris", json.dumps(boris))
check(records("--from", "boris", "p.boris")[0]["annotations"][0]["segment"] == [2, 4], "BORIS: the date that the medium was made at")
write("agg.tsv", "Observation id\tSource\tTime offset (s)\tMedia duration (s)\tFPS (frame/s)\tSubject\tBehavior\tBehavioral category\tBehavior type\tStart (s)\tStop (s)\n"
      "o\tplayer #1:v.mp4\t100\t10\t25\t\trun\t\tSTATE\t102\t104\np\td\t0\tNA\tNA\t\thop\t\tPOINT\tNA\tNA\n")
got = records("--from", "boris", "agg.tsv", says=("1 event without a time left out: agg.tsv:3",))
check([r["annotations"] for r in got] == [[{"segment": [2, 4], "label": "run", "tier": "o"}]], f"BORIS's table: {got}")

# Files of one name at several places are several: VIA's addresses, Raven's paths. What may be one is told.
via = {"project": {}, "config": {}, "attribute": {}, "view": {"1": {"fid_list": ["1"]}, "2": {"fid_list": ["2"]}}, "metadata": {"a": {"vid": "1", "z": [1, 2], "xy": [], "av": {}}, "b": {"vid": "2", "z": [3, 4], "xy": [], "av": {}}}}
via["file"] = {str(k): {"fid": k, "fname": "v.mp4", "type": 4, "loc": 2, "src": f"http://h/d{k}/v.mp4"} for k in (1, 2)}
refused("--from", "via", write("via.json", json.dumps(via)), says=("files of one name in different folders", "--id-folders 1"))
check([r["video"] for r in records("--from", "via", "--id-folders", "1", "via.json")] == ["d1_v", "d2_v"], "VIA's addresses")
for file in via["file"].values():
    file.update(loc=1, src="")
check(len(records("--from", "via", write("via.json", json.dumps(via)), says=("the files 1, 2 are all called 'v.mp4', and are taken for one video",))) == 1, "VIA's names alone")
head = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tBegin File\tBegin Path\tAnnotation\tSpecies\n"
rows = "1\tW\t1\t1\t2\t0\t9\ta.wav\tC:\\1\\a.wav\t\towl\n2\tW\t1\t3\t4\t0\t9\ta.wav\tC:\\2\\a.wav\t\tfox\n"
refused("--from", "raven", write("r.txt", head + rows), says=("files of one name in different folders",))
got = records("--from", "raven", "--id-folders", "1", "r.txt", says=("the labels are taken from column 'Species'",))
check([(r["video"], r["annotations"][0]["label"]) for r in got] == [("1_a", "owl"), ("2_a", "fox")], f"Raven's paths: {got}")
records("--from", "raven", write("r.txt", head + rows.replace("a.wav\tC:\\2\\a.wav", "b.wav\tC:\\2\\b.wav")), says=("no column File Offset (s)",))

# ELAN: what no record holds is counted.
eaf = ('<ANNOTATION_DOCUMENT><HEADER TIME_UNITS="milliseconds"><MEDIA_DESCRIPTOR MEDIA_URL="v.mp4" MIME_TYPE="video/mp4"/><MEDIA_DESCRIPTOR MEDIA_URL="w.mp4" MIME_TYPE="video/mp4"/></HEADER>'
       '<TIME_ORDER><TIME_SLOT TIME_SLOT_ID="a" TIME_VALUE="0"/><TIME_SLOT TIME_SLOT_ID="b" TIME_VALUE="900"/></TIME_ORDER><TIER TIER_ID="t" LINGUISTIC_TYPE_REF="l"><ANNOTATION><ALIGNABLE_ANNOTATION '
       'ANNOTATION_ID="1" TIME_SLOT_REF1="a" TIME_SLOT_REF2="b"><ANNOTATION_VALUE>run 0.5</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER>'
       '<TIER TIER_ID="u" PARENT_REF="t" LINGUISTIC_TYPE_REF="l"/><CONTROLLED_VOCABULARY CV_ID="cv"/></ANNOTATION_DOCUMENT>')
records("--from", "elan", write("m.eaf", eaf), says=("1 further medium left out: 'w.mp4'", "1 parent of a tier left out: that of 'u'", "1 controlled vocabulary left out: 'cv'"))

# Scores behind labels, both ways.
check(records("--from", "elan", "m.eaf")[0]["annotations"][0]["label"] == "run 0.5", "a label as it is")
write("s.jsonl", json.dumps({"video": "v", "duration": 9, "proposals": [{"segment": [0, 0.9], "score": 0.5, "label": "run fast"}, {"segment": [2, 3], "score": 0.25, "label": "sit"}]}) + "\n")
for to, name in (("elan", "x.eaf"), ("audacity", "x.txt"), ("textgrid", "x.TextGrid"), ("webvtt", "x.vtt"), ("srt", "x.srt")):
    write(name, convert("--from", "tal", "--to", to, "s.jsonl").stdout)
    got = [(p["segment"], p["label"], p["score"]) for p in records("--from", to, "--label-scores", "yes", name)[0]["proposals"]]
    check(got == [([0, 0.9], "run fast", 0.5), ([2, 3], "sit", 0.25)], f"--label-scores of {to}: {got}")
    done = convert("--from", "tal", "--to", to, "--label-scores", "no", "s.jsonl")
    check("scores, which this format does not hold" in done.stderr, f"{to} without scores: {done.stderr}")
    write(name, done.stdout)
    check([a["label"] for a in records("--from", to, name)[0]["annotations"]] == ["run fast", "sit"], f"{to} without scores")

# One remark does not stand for another.
write("ms.jsonl", json.dumps({"video": "v", "annotations": [{"segment": [1.0001, 2.0006], "label": "a"}, {"at": 3.3, "label": "b"}]}) + "\n")
for to in ("elan", "webvtt", "srt"):
    said = convert("--from", "tal", "--to", to, "ms.jsonl").stderr
    check("points, which last a millisecond" in said and "times between two milliseconds" in said, f"{to}: {said}")

# JSON-MIN writes a choice alone as a text, as it does members of the task's data.
write("min.json", json.dumps([{"video": "/d/v.mp4", "tl": [{"ranges": [{"start": 1, "end": 5}], "timelinelabels": ["A"]}], "clip": "noisy", "id": 3, "annotation_id": 4, "updated_at": "2026"}]))
records("--from", "label-studio", "--fps", "5", "min.json", says=("1 member of a task that may be a choice left out: [0].clip, 'noisy', of video 'v'",))

# tal-check takes out numbers that are none with what they stand in, and says when a whole record goes.
done = tool("tal-check", "--fix", "drop", data='{"video":"v1","duration":5,"annotations":[{"segment":[1,2],"label":"x"},{"segment":[3,NaN],"label":"x"}]}\n{"video":"v2" 1}\n{"video":"v3","duration":5,"duration":5}\n', status=None)
check(done.stdout == '{"video":"v1","duration":5,"annotations":[{"segment":[1,2],"label":"x"}]}\n' and done.stderr.count("the whole record is left out (fixed)") == 2, f"tal-check --fix drop: {done.stdout}{done.stderr}")
windows = [{"video": "v", "duration": d, "window": {"index": i, "start": 30 * i, "end": 30 * i + 30, "final": i == 1}} for i, d in enumerate((60, 61))]
done = tool("tal-check", data="".join(json.dumps(w) + "\n" for w in windows), status=None)
check("duration: bad-window: is 61, but 60 in the window on line 1" in done.stdout + done.stderr, f"windows of two lengths: {done.stdout}")

# Small things: a dash between number and name, markup in cues, links in a circle, no line 0.
write("dash.txt", "0 - a\n1 - b c\n")
write("n.csv", "video,start,end,label\nv,1,2,0\nv,2,3,1\n")
check([a["label"] for a in records("--from", "segments-csv", "--classes", "dash.txt", "n.csv")[0]["annotations"]] == ["a", "b c"], "number - name")
records("--from", "srt", write("m.srt", "1\n00:00:01,000 --> 00:00:02,000\n<i>a</i>\n\n2\n00:00:03,000 --> 00:00:04,000\n3 < 4 > 2\n"), says=("1 cue has markup, which stays in the label, such as '<i>a</i>'",))
os.symlink("loop2", "loop1"), os.symlink("loop1", "loop2")
refused("loop1", says=("tal-convert: error: 'loop1': ",))
refused("--from", "segments-csv", "--split", write("both.json", '{"train":["v"],"test":["v"]}'), "n.csv", says=("(both.json and here)",))

# A track of CVAT whose mutable attribute changes is several segments.
box = '<box frame="%d" outside="%d"><attribute name="action">%s</attribute></box>'
track = "".join(box % each for each in ((10, 0, "walk"), (20, 0, "walk"), (30, 0, "run"), (60, 1, "run"), (70, 0, "run"), (80, 1, "run")))
write("cvat.xml", f'<annotations><meta><task><id>1</id><source>c.mp4</source></task></meta><track id="0" label="person">{track}</track></annotations>')
got = [(a["segment"], a["attributes"]) for a in records("--from", "cvat", "--fps", "10", "cvat.xml")[0]["annotations"]]
check(got == [([1, 3], {"action": "walk"}), ([3, 6], {"action": "run"}), ([7, 8], {"action": "run"})], f"attributes that change: {got}")

# What has a tier and no label keeps it in VIA's files; a table of our own may hold points in time, others may not.
items = [{"segment": [1, 2], "label": "a", "tier": "A"}, {"segment": [2, 3], "tier": "B"}, {"segment": [3, 4], "label": "c", "tier": "C"}]
write("tiers.jsonl", json.dumps({"video": "v", "annotations": items}) + "\n")
for to in ("via", "via-csv"):
    write("via.out", convert("--from", "tal", "--to", to, "tiers.jsonl").stdout)
    got = [{name: a.get(name) for name in ("segment", "label", "tier")} for a in records("--from", "via", "via.out")[0]["annotations"]]
    check(got == [{"segment": a["segment"], "label": a.get("label"), "tier": a["tier"]} for a in items], f"{to}: {got}")
write("clock.jsonl", json.dumps({"video": "v", "annotations": [{"segment": [1602708145.25, 1602708375.5], "label": "a"}]}) + "\n")
write("clock.csv", convert("--from", "tal", "--to", "csv", "clock.jsonl").stdout)
check(records("--from", "segments-csv", "clock.csv")[0]["annotations"] == [{"segment": [1602708145.25, 1602708375.5], "label": "a"}], "a table of our own")
refused("--from", "segments-csv", write("other.csv", "video,start,end,label\nv,1602708145.25,1602708375.5,a\n"), says=("is it a point in time",))

# Frames have the label of the segment in which their middle lies, the segment's end not included.
write("middle.jsonl", json.dumps({"video": "v", "duration": 1, "fps": 10, "annotations": [{"segment": [0.25, 0.45], "label": "F"}]}) + "\n")
got = convert("--from", "tal", "--to", "frame-labels", "--background", "B", "middle.jsonl").stdout.split()
check(got == list("BBFFBBBBBB"), f"middles on the bounds: {got}")
write("found.jsonl", json.dumps({"video": "v", "duration": 1, "fps": 10, "proposals": [{"segment": [0.2, 0.4], "label": "F", "score": 1}]}) + "\n")
for protocol in ("segmentation", "samples"):
    report = json.loads(tool("tal-eval", "--protocol", protocol, "--format", "json", *(("--rate", "10") if protocol == "samples" else ()), "--gt", "middle.jsonl", "-i", "found.jsonl").stdout)
    check(all(abs(value - 1) < 1e-9 or abs(value - 100) < 1e-9 for value in report["scores"].values() if value is not None), f"{protocol}: {report['scores']}")

# The id stands in ELAN's file, whose name need not be it.
write("games.jsonl", "".join(json.dumps({"video": video, "annotations": [{"segment": [1, 2], "label": "a"}]}) + "\n" for video in ("game/1", "game/2")))
convert("--from", "tal", "--to", "elan", "-o", "eaf/", "games.jsonl")
check(sorted(os.listdir("eaf")) == ["game_1.eaf", "game_2.eaf"], f"{os.listdir('eaf')}")
check(sorted(r["video"] for r in records("--from", "elan", "eaf")) == ["game/1", "game/2"], "ids of ELAN's files")
write("twins.jsonl", "".join(json.dumps({"video": video, "annotations": []}) + "\n" for video in ("game/1", "game_1")))
refused("--from", "tal", "--to", "elan", "-o", "twins/", "twins.jsonl", says=("video 'game_1': video: 'game_1.eaf' is the file of video 'game/1'",))
# In formats whose files have it nowhere else, it is read as --id-folders makes it, which is said.
for to, ending in (("srt", "srt"), ("webvtt", "vtt"), ("audacity", "txt"), ("raven", "txt"), ("textgrid", "TextGrid")):
    shutil.rmtree("games", ignore_errors=True)
    said = convert("--from", "tal", "--to", to, "-o", "games/", "games.jsonl").stderr
    check("'game/1' is read as 'game_1', as --id-folders makes it, and so on, 2 ids with folders in all" in said, f"{to}: {said}")
    check(sorted(os.listdir("games")) == [f"game_1.{ending}", f"game_2.{ending}"], f"{to}: {os.listdir('games')}")
    check(sorted(r["video"] for r in records("--from", to, "games")) == ["game_1", "game_2"], f"{to}: ids")
refused("--from", "tal", "--to", "srt", "-o", "srt/", "twins.jsonl", says=("video 'game_1': video: 'game_1.srt' is the file of video 'game/1', too",))
refused("--from", "tal", "--to", "srt", "-o", "srt/", write("dots.jsonl", '{"video":"..","annotations":[]}\n'), says=("video '..': video: cannot be a file's name", "--prefix"))

# Columns of reports stand under each other whatever the letters.
write("wide.jsonl", json.dumps({"video": "v", "duration": 10, "annotations": [{"segment": [1, 2], "label": "Fußball"}, {"segment": [3, 4], "label": "足球"}, {"segment": [5, 6], "label": "run"}],
                                "proposals": [{"segment": [1, 2], "label": label, "score": 1} for label in ("Fußball", "足球", "run")]}) + "\n")
lines = [line for line in tool("tal-eval", "--per-class", "-i", "wide.jsonl").stdout.splitlines() if re.match(r"  (Fußball|足球|run) ", line)]
places = {len(line[: re.search(r"\d", line).start()]) + line.count("足") + line.count("球") for line in lines}
check(len(lines) >= 3 and len(places) == 1, f"columns: {lines}")

# One media on two clocks, and frames that a tool counts at a rate of its own.
EAF = """<ANNOTATION_DOCUMENT><HEADER TIME_UNITS="milliseconds"><MEDIA_DESCRIPTOR MEDIA_URL="file:///m.mp4" MIME_TYPE="video/mp4"%s/></HEADER>
<TIME_ORDER><TIME_SLOT TIME_SLOT_ID="s1" TIME_VALUE="1000"/><TIME_SLOT TIME_SLOT_ID="s2" TIME_VALUE="2000"/></TIME_ORDER>
<TIER TIER_ID="t"><ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="s1" TIME_SLOT_REF2="s2"><ANNOTATION_VALUE>x</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER></ANNOTATION_DOCUMENT>"""
for name, origin in (("a", ""), ("b", ' TIME_ORIGIN="1500"'), ("c", ' TIME_ORIGIN="1500"')):
    write(f"{name}.eaf", EAF % origin)
check(len(records("--from", "elan", "b.eaf", "c.eaf")[0]["annotations"]) == 2, "two files on one clock")
for order in (("a.eaf", "b.eaf"), ("b.eaf", "a.eaf")):
    refused("--from", "elan", *order, says=(f"{order[1]}:", "video 'm': TIME_ORIGIN: is ", f"in '{order[0]}': the times of one video would be of two clocks"))


def task(rate, name="v.mp4"):
    result = {"type": "timelinelabels", "value": {"ranges": [{"start": 26, "end": 50}], "timelinelabels": ["x"]}}
    return {"data": {"video": name, "framerate": rate}, "annotations": [{"result": [result]}]}


write("d.csv", "video,fps\nv,10\n")
for tasks, words, expected in (([task(25), task(50)], (), [[1, 2], [0.5, 1]]), ([task(50)], ("--durations", "d.csv"), [[0.5, 1]]), ([task(50)], ("--fps", "25"), [[1, 2]]), ([task(10.000001)], ("--durations", "d.csv"), [[2.5, 5]])):
    got = [a["segment"] for a in records("--from", "label-studio", *words, write("tasks.json", json.dumps(tasks)))[0]["annotations"]]
    check(got == expected, f"{tasks} {words}: {got}")

# Folders of tables.
os.makedirs("tables")
for i in (1, 2):
    write(f"tables/{i}.csv", f"video,start,end,label\nv{i},1,2,a\n")
for words in ((), ("--from", "segments-csv")):
    check([r["video"] for r in records(*words, "tables")] == ["v1", "v2"], f"a folder of tables {words}")

# Points in a table: --from auto takes a column that is called so, and says what else another may be.
check(records(write("at.csv", "video,at,label\nv,1.5,a\n"))[0]["annotations"] == [{"at": 1.5, "label": "a"}], "points")
refused(write("time.csv", "video,time,label\nv,1.5,a\n"), says=("--from segments-csv reads 'time' as the time of points", "--from sample-labels where each row is a sample"))
check(records("--from", "segments-csv", "time.csv", says=("column 'time' is taken for the time of points",))[0]["annotations"] == [{"at": 1.5, "label": "a"}], "points by another name")
check(records("--from", "detections-csv", write("scored.csv", "video,time,label,score\nv,1.5,a,0.5\n"))[0]["proposals"] == [{"at": 1.5, "score": 0.5, "label": "a"}], "points with scores")

# Folders: each table of poses, and where a format enters none, that is said.
POSE = "scorer,DLC_x,DLC_x\nbodyparts,nose,nose\ncoords,x,y\n0,1,2\n1,3,4\n"
os.makedirs("poses/below")
for name in ("v1DLC_x.csv", "v2DLC_x.csv"):
    write("poses/" + name, POSE)
write("poses/v1DLC_x.h5", "left out beside the .csv")
got = records("--fps", "10", "--inline", "poses", says=("'poses' is taken for pose", "1 file left out beside a .csv of the same name, such as 'poses/v1DLC_x.h5'"))
check([r["video"] for r in got] == ["v1", "v2"], f"a folder of poses: {got}")
write("poses/below/v1DLC_x.csv", POSE)
refused("--inline", "poses/v1DLC_x.csv", "poses/below/v1DLC_x.csv", says=("has poses of this video too: give one of them",))
os.makedirs("outer/inner")
write("outer/inner/a.eaf", EAF % "")
refused("outer", says=("'outer/inner/a.eaf' looks like elan, which does not enter the folders in a folder: name 'outer/inner'",))
os.makedirs("kinetics")
write("kinetics/val.csv", "label,youtube_id,time_start,time_end,split\na,x,1,2,val\n")
refused("kinetics", says=("'kinetics/val.csv' looks like kinetics, of which no folder is read: name the file",))

# Without a length in milliseconds a segment lasts one there, which is no rounding.
write("zero.jsonl", '{"video":"v","annotations":[{"segment":[0.5,0.5],"label":"a"}]}\n')
said = convert("--from", "tal", "--to", "elan", "-o", "zero.eaf", "zero.jsonl").stderr
check("1 video has segments without a length in whole milliseconds, which last one in the file: v" in said and "rounded" not in said, f"no length: {said}")
check(records(write("clip.ann", "0.5\t1.5\tspeech\n"))[0]["video"] == "clip", "a list that ends with .ann")

finish()
