# Tables in which a column or line may be taken for what it is not: labels that would be features, headers that would be classes, whole lines that would be labels, times from elsewhere, second columns, numbered recordings, copies of files.
# label: cli
import json
import os
import tempfile

from harness import check, finish, tool, write

os.chdir(tempfile.mkdtemp())


def records(*arguments, says=(), silent=False):
    done = tool("tal-convert", *arguments, "--no-history")
    for part in says:
        check(part in done.stderr, f"{arguments}: '{part}' is not in: {done.stderr}")
    if silent:
        check(done.stderr == "", f"{arguments}: says {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def refused(*arguments, says, status=1, name="tal-convert"):
    done = tool(name, *arguments, status=status)
    check(done.stdout == "" or name != "tal-convert", f"{name} {arguments}: writes {done.stdout}")
    for part in says:
        check(part in done.stderr, f"{name} {arguments}: '{part}' is not in: {done.stderr}")


# A label a frame: a table with a column that counts the frames is read, quotes are taken off, anything else is no label.
def frames(text, *arguments, **more):
    return [(a["segment"], a["label"]) for a in records("--from", "frame-labels", "--fps", "1", write("v.txt", text), *arguments, **more)[0]["annotations"]]


def no_frames(text, *arguments, says):
    refused("--from", "frame-labels", "--fps", "1", write("v.txt", text), *arguments, says=("v.txt:", *says))


AAB = [([0, 2], "a"), ([2, 3], "b")]
check(frames("a\na\nb\n", silent=True) == AAB, "plain labels")
for table in ("frame,label\n0,a\n1,a\n2,b\n", "0,a\n1,a\n2,b\n", "0;a\n1;a\n2;b\n", "1\ta\n2\ta\n3\tb\n", "a|0\na|1\nb|2\n", "label;frame\na;1\na;2\nb;3\n", ",0\n0,a\n1,a\n2,b\n", '"frame","label"\n"0","a"\n"1","a"\n"2","b"\n'):
    check(frames(table, says=("1 video has a table of which the column of labels is read: v",)) == AAB, f"{table!r}: {frames(table)}")
check(frames("label\na\na\nb\n", says=("column of labels",)) == AAB, "a header alone")
check(frames('"a"\n"a"\n"b"\n', silent=True) == AAB, "in quotes")
check(frames('"a"\n"a b"\n"c,d"\n"say ""x"""\n', silent=True) == [([0, 1], "a"), ([1, 2], "a b"), ([2, 3], "c,d"), ([3, 4], 'say "x"')], "quotes say that it is one label")
for table, line in (("a,b\na,b\n", 1), ("x\na;b\n", 2), ("0,a\n2,a\n3,b\n", 1), ("0,a,x\n1,a,x\n", 1), ("frame,label\n10,a\n11,a\n", 1), ("x|y\n", 1), ("0,a\n", 1), ("0,a\n1,b\n", 1), ("id,name\n0,a\n1,b\n", 1)):
    no_frames(table, says=(f"v.txt:{line}:", "columns, or a label with a separator?", "--from sample-labels", "--classes"))
no_frames("0 a\n1 b\n", says=("v.txt:1:", "'0 a' has several words"))
check(frames("frame,label\n0,a\n1,b\n", says=("column of labels",)) == [([0, 1], "a"), ([1, 2], "b")], "each label once, by the header's name no list of classes")
no_frames("### Frame level recognition: ###\na,a,b\n", says=("v.txt:2:", "columns, or a label"))
for header in ("action", "Activity", "class", "gesture_id", "0"):
    no_frames(f"{header}\nrun\nrun\nwalk\n", says=("v.txt:1:", "the name of the column, or the label of the first frame?"))
check(frames("action\naction\nb\n", silent=True) == [([0, 2], "action"), ([2, 3], "b")], "a label that is called as a column is")
check(frames("0\n0\n1\n", silent=True) == [([0, 2], "0"), ([2, 3], "1")], "labels that are numbers")
CLASSES = write("commas.json", '["a,b", "action", "run", "0 x"]')
check(frames("a,b\na,b\nrun\n", "--classes", CLASSES, silent=True) == [([0, 2], "a,b"), ([2, 3], "run")], "labels with commas, by --classes")
check(frames("action\nrun\n", "--classes", CLASSES, silent=True) == [([0, 1], "action"), ([1, 2], "run")], "a class that is called as a column is")
no_frames("0,run\n\n1,run\n", says=("v.txt:2:", "empty: each frame has a label"))
no_frames("frame,label\n0,run\n1,\n", says=("v.txt:3:", "empty: each frame has a label"))
write("r.jsonl", json.dumps({"video": "v", "fps": 1, "frames": 2, "duration": 2, "annotations": [{"segment": [0, 1], "label": "a,b"}, {"segment": [1, 2], "label": "run"}]}) + "\n")
done = tool("tal-convert", "--from", "tal", "--to", "frame-labels", "-o", "out/", "r.jsonl")
check("labels with blanks or separators, which --classes says are one label each: v" in done.stderr, f"written: {done.stderr}")

# A list of classes with a header: the header is no class, and where it may be one that is asked.
SEGMENT = write("n.csv", "video,start,end,label\nv,1,2,0\nv,2,3,1\n")


def classes(text, **more):
    return [a["label"] for a in records("--from", "segments-csv", "--classes", write("c.txt", text), SEGMENT, **more)[0]["annotations"]]


for header in ("class", "classes", "label", "Labels", "name", "names", "action", "actions", "Action name", "class_names", "category", "categories", "Behavior", "Behaviour", "behaviors", "activity", "verb", "verbs", "verb_class", "noun", "label_name", "className"):
    check(classes(f"{header}\nrun\njump\n") == ["run", "jump"], f"header {header!r}: {classes(f'{header}{chr(10)}run{chr(10)}jump{chr(10)}')}")
check(classes('"label"\n"run"\n"jump"\n') == ["run", "jump"], "a header where everything is in quotes")
check(classes('"label"\nrun\n') == ["label", "run"], "quotes around one line say that it is a class")
check(classes("run\nlabel\n") == ["run", "label"], "a class called label")
for header in ("gesture", "gestures", "event", "tag", "tags", "title", "description", "text", "value", "values", "state", "0", "1"):
    refused("--from", "segments-csv", "--classes", write("c.txt", f"{header}\nrun\njump\n"), SEGMENT, says=(f"c.txt:1: '{header}': the name of the column, or a class?", "put it into quotes"))
    check(header in ("0", "1") or classes(f'"{header}"\nrun\n') == [header, "run"], f"{header} in quotes")
for header in ("x", "V1", "event"):
    refused("--from", "segments-csv", "--classes", write("c.txt", f'"{header}"\n"run"\n"jump"\n'), SEGMENT, says=("c.txt:1:", "the name of the column, or a class?", "a JSON list"))
check(classes(",0\n0,run\n1,jump\n") == ["run", "jump"], "a series of pandas with its index")
check(classes("(0) run\n(1) jump\n") == ["run", "jump"], "numbers in brackets")
refused("--from", "segments-csv", "--classes", write("c.txt", "(0) run\njump\n"), SEGMENT, says=("c.txt:2:", "some lines are 'number name' and some are not"))
check(classes("(x) run\n(y) jump\n") == ["(x) run", "(y) jump"], "brackets around words")

# Numeric labels are no features, whatever they are called.
ROWS = "\n".join(f"0.{k},{k % 2}" for k in range(1, 6)) + "\n"
for label in ("activity", "Activity", "activityID", "annotation", "behavior", "state", "prediction", "y_pred", "action", "category", "gesture", "event", "event_id", "y", "true_label", "y_true", "type", "tag", "verb_class", "classes", "Ground Truth"):
    for form in (("signals", "--rate", "2", "--window", "2", "--stride", "2"), ("features", "--fps", "2", "--stride", "1")):
        refused("--from", *form, "--inline", write("f.csv", f"a,{label}\n{ROWS}"), says=("f.csv:1:", f"'{label}' is called like the label of the row"))
    got = records("--from", "features", "--fps", "2", "--stride", "1", "--inline", "--channels", f"a,{label}", "f.csv")
    check(got[0]["features"]["features"]["dim"] == 2, f"--channels takes {label}: {got}")
for header in ("x,y", "x,y,z", "a,events_per_s", "a,reaction", "a,class_a"):
    got = records("--from", "features", "--fps", "2", "--stride", "1", "--inline", write("f.csv", header + "\n" + "\n".join(",".join(["0.5"] * header.count(",") + ["1"]) for _ in range(4)).replace("0.5,1", "0.5,0.7") + "\n"))
    check(got[0]["features"]["features"]["dim"] == header.count(",") + 1, f"values called {header}: {got}")
refused("--from", "class-scores", write("s.csv", "video,run,walk,label\nv1,0.1,0.9,1\nv2,0.8,0.2,0\n"), says=("s.csv:", "'label' is called like the label of the row and holds whole numbers"))
for label in ("action", "labels", "class_name", "true label"):
    got = records("--from", "sample-labels", "--rate", "1", write("s.csv", f"acc,{label}\n1,run\n2,run\n"))
    check(got[0]["annotations"] == [{"segment": [0, 2], "label": "run"}], f"samples labelled by {label}: {got}")

# Points in time are no times of a recording.
for first, step, name in ((1700000000, 0.02, "timestamp"), (1700000000000, 20, "time"), (1700000000000, 20, "timestamp_ms"), (1700000000000000, 20000, "time"), (1700000000000000000, 20000000, "t")):
    text = f"{name},label\n" + "".join(f"{first + k * step if step >= 1 else format(first + k * step, '.2f')},run\n" for k in range(4))
    refused("--from", "sample-labels", write("e.csv", text), says=("e.csv:2:", f"'{name}' begins with", "points in time (since 1970)", "--rate"))
    got = records("--from", "sample-labels", "--rate", "50", "e.csv")
    check(got[0]["annotations"] == [{"segment": [0, 0.08], "label": "run"}], f"{name} with --rate: {got}")

# Rows lie where their column of times says, or that is asked.
FEATURES = ("--from", "features", "--fps", "25", "--stride", "16", "--inline")
for text, number in (("time,f\n10.0,0.1\n10.64,0.3\n11.28,0.5\n", 250), ("time,f\n10.0,0.1\n10.64,0.3\n", 250), ("time_ms,f\n10000,0.1\n10640,0.3\n", 250), ("start,end,f\n10.0,10.64,0.1\n10.64,11.28,0.3\n11.28,11.92,0.3\n", 250), ("t_start,t_end,f\n0.64,1.28,0.1\n1.28,1.92,0.3\n1.92,2.56,0.3\n", 16), ("timestamp,f\n00:00:10,0.1\n00:00:10.64,0.3\n", 250)):
    refused(*FEATURES, write("w.csv", text), says=("w.csv:2:", "begins with", "the first row would be at 0 s", f"--offset {number} puts it where the column says"))
    check(records(*FEATURES, "--offset", str(number), "w.csv")[0]["features"]["features"]["offset"] == number, f"--offset {number}")
for text in ("time,f\n0.32,0.1\n0.96,0.3\n1.6,0.5\n", "time,f\n0,0.1\n0.64,0.3\n", "start,end,f\n0,0.64,0.1\n0.64,1.28,0.3\n", "time,f\n1700000000.00,0.1\n1700000000.64,0.3\n1700000001.28,0.3\n", "start,end,f\n0,16,0.1\n16,32,0.3\n"):
    check("offset" not in records(*FEATURES, write("w.csv", text))[0]["features"]["features"], f"from the beginning: {text!r}")
refused(*FEATURES, write("w.csv", "time,f\n0,0.1\n5,0.3\n"), says=("w.csv:3:", "rises by 5 from row to row", "--fps over --stride is 1.5625"))
SIGNALS = ("--from", "signals", "--rate", "50", "--window", "2", "--stride", "2", "--inline")
LATE = write("late.csv", "time,acc,label\n" + "".join(f"{100 + k / 50:.2f},1,{'run' if k < 2 else 'walk'}\n" for k in range(4)))
SENSOR = write("sensor.csv", "time,acc\n" + "".join(f"{100 + k / 50:.2f},1\n" for k in range(4)))
says = ("'time' begins with 100", "the first sample would be at 0 s", "--offset 5000 puts it where the column says", "--offset 0 leaves it at 0")
refused(*SIGNALS, SENSOR, says=("sensor.csv:2:", *says))
refused("--from", "sample-labels", "--rate", "50", LATE, says=("late.csv:2:", *says))
for offset, begin in (("5000", 100), ("0", 0)):
    signal = records(*SIGNALS, "--offset", offset, SENSOR)[0]
    labels = records("--from", "sample-labels", "--rate", "50", "--offset", offset, LATE)[0]
    check(labels["annotations"][0]["segment"] == [begin, begin + 0.04] and signal["duration"] == labels["duration"] == begin + 0.08, f"--offset {offset}: {signal} and {labels}")
    check(signal["features"]["signals"].get("offset", 0) == float(offset), f"rows from {offset}: {signal}")
check(records("--from", "sample-labels", LATE)[0]["annotations"][0]["segment"] == [100, 100.04], "the column's own times")
refused("--from", "sample-labels", "--offset", "10", LATE, status=2, says=("--offset needs --rate",))
got = records(*SIGNALS, write("uptime.csv", "time,acc\n" + "".join(f"{1700000000 + k / 50:.2f},1\n" for k in range(4))))
check(got[0]["duration"] == 0.08, f"a point in time says nothing of the recording: {got}")

# Numbers of recordings, one row each, are several videos all the same.
for column in ("session", "trial", "recording", "clip", "take", "file_id", "game", "day", "match"):
    refused("--from", "segments-csv", write("s.csv", f"{column},start,end,label\n1,1,2,a\n2,1,2,b\n"), says=("s.csv:1:", "no column is known to be the video", f"'{column}' may"))
    check(len(records("--from", "segments-csv", "--columns", f"video={column}", "s.csv")) == 2, f"--columns video={column}")
    check(records("--from", "segments-csv", write("s.csv", f"{column},start,end,label\n1,1,2,a\n1,2,3,b\n"))[0]["video"] == "s", f"one {column}")
check(records("--from", "segments-csv", write("s.csv", "id,start,end,label\n1,1,2,a\n2,2,3,b\n"))[0]["video"] == "s", "an id of each row")
check(records("--from", "segments-csv", write("s.csv", "code,start,end,label\n1,1,2,a\n2,2,3,b\n"))[0]["video"] == "s", "numbers of nothing known")

# What pandas makes of a second column of one name.
for header, role in (("video,label,start,end,start.1,end.1", "start"), ("video,label,start,end,score,end.1", "end"), ("video,label,start,end,label.1,x", "label"), ("video,video.1,start,end,label,x", "video"), ("video,start,end,label,fps,fps.1", "fps")):
    row = ",".join({"video": "v", "video.1": "w", "label": "a", "start": "1", "end": "2", "start.1": "3", "end.1": "4", "label.1": "b"}.get(name, "7") for name in header.split(","))
    refused("--from", "segments-csv", write("d.csv", f"{header}\n{row}\n"), says=("d.csv:1:", f"two columns are called '{role}'", f"'{role}.1' is what pandas makes of the second one"))
refused("--from", "detections-csv", write("d.csv", "video,start,end,label,score,score.1\nv,1,2,a,0.5,0.6\n"), says=("two columns are called 'score'",))
refused("--from", "sample-labels", "--rate", "1", write("d.csv", "label,label.1\na,b\n"), says=("two columns are called 'label'",))
check(records("--from", "detections-csv", "--columns", "score=score.1", write("d.csv", "video,start,end,label,score,score.1\nv,1,2,a,0.5,0.6\n"))[0]["proposals"][0]["score"] == 0.6, "--columns says which")
check(records("--from", "segments-csv", write("d.csv", "video,start,end,label,run.1\nv,1,2,a,0.5\n"))[0]["video"] == "v", "a column with a point in its name")

# A duration that is end - start in every row is the segments', also where they begin at 0.
got = records("--from", "segments-csv", write("u.csv", "video,start,end,duration,label\nv1,0,10,10,a\nv2,0,12,12,b\n"), says=("'duration' is end - start in every row",))
check([r.get("duration") for r in got] == [None, None], f"lengths of segments from 0: {got}")
check([r["duration"] for r in records("--from", "segments-csv", "--columns", "duration=duration", "u.csv")] == [10, 12], "--columns says that it is the videos'")

# What --durations says: frames at a rate last so long; columns of unknown names are to be renamed there.
SHARES = write("shares.csv", "video,start,end,label\nv1,0.1,0.5,run\n")
for text in ("video,frames,fps\nv1,2500,25\n", '{"v1":{"frames":2500,"fps":25}}', '{"video":"v1","frames":2500,"fps":25}\n'):
    got = records("--from", "segments-csv", "--time", "relative", "--durations", write("d.txt", text), SHARES)
    check(got[0]["annotations"][0]["segment"] == [10, 50] and got[0]["duration"] == 100, f"{text!r}: {got}")
got = records("--from", "tal", "--durations", write("d.csv", "video,frames,fps\nv1,2500,25\n"), write("r.jsonl", '{"video":"v1","duration":99.5}\n'))
check(got[0]["duration"] == 99.5, f"what a record says itself stays: {got}")
refused("--from", "segments-csv", "--time", "relative", "--durations", write("d.csv", "vid,dur\nv1,100\n"), SHARES, says=("d.csv:1: no column is known to be the video; call it video in the first line", "--columns does not name columns of this file"))
refused("--from", "segments-csv", "--time", "relative", "--durations", write("d.csv", "video,dur\nv1,100\n"), SHARES, says=("d.csv:1: no column with duration", "--columns does not name columns of this file"))
for text in ("Some video name 100.5\nb 30\n", "v1 100.5\nv2 50.25\n"):
    tool("tal-convert", "--from", "segments-csv", "--durations", write("d.txt", text), SHARES)

# Copies of files: the same again is left out, another one is said, and none is a class.
for copy in ("v (1).txt", "v - Copy.txt", "v - Copy (2).txt", "v copy.txt", "v copy 2.txt", "Copy of v.txt"):
    os.makedirs("copies", exist_ok=True)
    write("copies/v.txt", "a\nb\n"), write("copies/" + copy, "a\nb\n")
    got = records("--from", "frame-labels", "--fps", "1", "copies", says=("left out, for they hold the same", copy))
    check([r["video"] for r in got] == ["v"], f"{copy}: {got}")
    write("copies/" + copy, "a\nc\n")
    got = records("--from", "frame-labels", "--fps", "1", "copies", says=("read as files of their own", copy))
    check(len(got) == 2, f"{copy} with another content: {got}")
    os.remove("copies/" + copy)
write("gt/Run_test.txt", "v1 1 2\n"), write("gt/Run_test (1).txt", "v1 1 2\n")
got = records("--from", "thumos14-gt", "gt", says=("left out, for they hold the same", "Run_test (1).txt"))
check(got[0]["annotations"] == [{"segment": [1, 2], "label": "Run"}], f"a second download: {got}")
write("gt/Run_test (1).txt", "v1 3 4\n")
refused("--from", "thumos14-gt", "gt", says=("Run_test (1).txt", "looks like a copy of 'Run_test'"))
for name in ("a (1).csv", "a.csv"):
    write("feat/" + name, "f\n0.5\n0.75\n")
got = records("--from", "features", "--fps", "1", "--stride", "1", "--inline", "feat", says=("left out, for they hold the same", "a (1).csv"))
check([r["video"] for r in got] == ["a"], f"features twice: {got}")

# Advice that names what is there.
write("subsets.jsonl", '{"video":"a"}\n')
check("no record is of subset 'nope', for none has a subset" in tool("tal-convert", "--from", "tal", "--subset", "nope", "subsets.jsonl").stderr, "no subset at all")
write("subsets.jsonl", '{"video":"a"}\n{"video":"b","subset":"val"}\n')
check("but of 'val', and some of none" in tool("tal-convert", "--from", "tal", "--subset", "nope", "subsets.jsonl").stderr, "some without a subset")
write("eval.jsonl", "".join(json.dumps({"video": v, "duration": 10, "annotations": [{"segment": [1, 2], "label": "a"}], "proposals": [{"segment": [1, 2], "score": 1, "label": "a"}]}) + "\n" for v in ("w", "v")))
check("did you mean 'v'?" in tool("tal-eval", "--exclude", write("list", "V\n"), "-i", "eval.jsonl").stderr, "case before other letters")
for value, said in (("1.5", "'1.5' is not a whole number"), ("1e3", "'1e3' is not a whole number in digits alone"), ("x", "'x' is not a number")):
    refused("--top-k", value, name="tal-nms", status=2, says=(f"--top-k: {said}",))

finish()
