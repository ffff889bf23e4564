# Files that could be read in two ways: parts of a time, columns that mean the same, titles and comments, separators at line ends, numbers as people write them, names that look alike, lists in one word.
# label: cli
import base64
import json
import os
import struct
import tempfile
import zipfile

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


def segments(text, *arguments, **more):
    return records("--from", "segments-csv", write("t.csv", text), *arguments, **more)


def detections(text, *arguments, **more):
    return records("--from", "detections-csv", write("t.csv", text), *arguments, **more)


def no_segments(text, *arguments, says, form="segments-csv"):
    refused("--from", form, write("t.csv", text), *arguments, says=says)


def npy(values, code="d", descr="<f8", shape=None):
    shape = shape or (len(values), 1)
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + struct.pack(f"<{len(values)}{code}", *values)


def rows(text, *arguments, name="f.csv", **more):
    stream = records("--from", "features", "--inline", write(name, text), *arguments, **more)[0]["features"]["features"]
    values = struct.unpack(f"<{stream['rows'] * stream['dim']}f", base64.b64decode(stream["data"]))
    return [list(values[r * stream["dim"]:(r + 1) * stream["dim"]]) for r in range(stream["rows"])]


def no_rows(text, *arguments, says, name="f.csv"):
    refused("--from", "features", "--inline", write(name, text), *arguments, says=says)


# Scores of classes are those of the file, to the last digit, beyond single precision's reach too.
SCORES = [0.1, 0.123456789012345, 1e-60, 3.5e38]
got = records("--from", "class-scores", write("s.csv", "video,a,b,c,d\nv1," + ",".join(map(repr, SCORES)) + "\n"))
check([c["score"] for c in got[0]["classification"]] == SCORES, f"scores of a text: {got}")
write("one.txt", "v1\n")
for fortran in (False, True):
    array = npy(SCORES, shape=(1, 4))
    got = records("--from", "class-scores", write("s.npy", array.replace(b"False", b"True ") if fortran else array), "--videos", "one.txt")
    check([c["score"] for c in got[0]["classification"]] == SCORES, f"scores of float64: {got}")
got = records("--from", "class-scores", write("s.npy", npy([0.1, 2.5], "f", "<f4", (1, 2))), "--videos", "one.txt")
check([c["score"] for c in got[0]["classification"]] == [struct.unpack("<f", struct.pack("<f", 0.1))[0], 2.5], f"scores of float32: {got}")
refused("--from", "class-scores", write("s.npy", npy([0.1, float("inf")], shape=(1, 2))), "--videos", "one.txt", says=("row 0, column 1 is not finite",))

# Minutes and seconds are parts of one time, one time in two units, or a question.
PARTS = "video,start_min,start_sec,end_min,end_sec,label\nv1,12,34,13,5.5,x\nv1,0,7,1,0,y\n"
want = [{"segment": [754, 785.5], "label": "x"}, {"segment": [7, 60], "label": "y"}]
check(segments(PARTS, says=("'start_min' and 'start_sec' are read as parts of one time",))[0]["annotations"] == want, "minutes and seconds")
for names in ("Start (min),Start (s),End (min),End (s)", "startMinutes,startSeconds,endMinutes,endSeconds", "start minute,start second,end minute,end second"):
    check(segments(PARTS.replace("start_min,start_sec,end_min,end_sec", names))[0]["annotations"] == want, names)
got = segments("video;start_h;start_min;start_sec;length_min;length_sec\nv1;1;2;3,5;0;59,5\nv1;0;1;0;2;0\n")
check([a["segment"] for a in got[0]["annotations"]] == [[3723.5, 3783], [60, 180]], f"hours, a length in parts, decimal commas: {got}")
got = segments("video,start_s,start_ms,end_s,end_ms\nv1,12,340,13,0\n")
check(got[0]["annotations"][0]["segment"] == [12.34, 13], f"seconds and their thousandths: {got}")
got = segments("video,start,end,video_duration_min,video_duration_sec\nv1,1,2,1,30\n")
check(got[0]["duration"] == 90, f"a duration in parts: {got}")
got = segments("video,start,end\nv1,1,2\n", "--durations", write("d.csv", "video,duration_min,duration_sec\nv1,2,30\n"))
check(got[0]["duration"] == 150, f"--durations in parts: {got}")
got = segments("video,start_min,start_sec,end_min,end_sec\nv1,1.5,90,2,120\n")
check(got[0]["annotations"][0]["segment"] == [90, 120], f"one time in two units: {got}")
no_segments("video,start_min,start_sec,end\nv1,12,34,800\nv1,2,120,130\n", says=("t.csv:3:", "'start_min' and 'start_sec': parts of one time, as 12 and 34 in line 2 look, or one time in two units, 2 and 120 in line 3?"))
no_segments("video,start_min,start_sec,end\nv1,1.5,34,800\n", says=("t.csv:2:", "'start_sec' says 34 s, 'start_min' 90 s", "--columns start=NAME", "parts of one time"))
no_segments("video,start_min,start_sec,end\nv1,12,34,800\nv1,,34,900\n", says=("t.csv:3:", "start: empty"))
check(segments("video,start_min,start_sec,end_sec\nv1,12,34,800\n", "--columns", "start=start_min")[0]["annotations"][0]["segment"] == [720, 800], "--columns says which one")

# Columns that mean the same: they agree, or one is named.
for role, one, other, own, said in (("subset", "subset", "split", "train", "test"), ("label", "label", "action", "x", "y"), ("label", "class", "activity", "x", "y"), ("video", "video", "filename", "v1", "v2.mp4"),
                                    ("video", "video_id", "path", "v1", "/data/v10.mp4")):
    table = {"video": "v1", "start": "1", "end": "2", one: own, other: said}
    text = ",".join(table) + "\n" + ",".join(table.values()) + "\n"
    if role != "label":
        text = text.replace("\n", ",label\n", 1)[:-1] + ",x\n"
    if role == "video" and one != "video":
        text = text.replace("video,", "", 1).replace("v1,", "", 1)
    no_segments(text, says=("t.csv:2:", f"'{one}' says '{own}', '{other}' '{said}'", f"--columns {role}=NAME"))
    got = segments(text, "--columns", f"{role}={other}")[0]
    read = {"subset": got.get("subset"), "label": got["annotations"][0].get("label"), "video": got["video"]}[role]
    check(read == said.replace("/data/", "").replace(".mp4", ""), f"{role}={other}: {got}")
    head, row = text.split("\n", 1)
    check(segments(head + "\n" + row.replace(said, own), silent=True)[0]["video"] == "v1", f"{one} and {other} agree")
check(segments("video,path,start,end,label,subset,split\nv1,C:\\x\\v1.mp4,1,2,x,validation,val\n", silent=True)[0]["subset"] == "validation", "the same in other words")
check(segments("video,start,end,subset,split\nv1,1,2,,test\n")[0]["subset"] == "test", "a subset that one column says alone")
check(segments("video,start,end,label,action\nv1,1,2,x,\n")[0]["annotations"][0]["label"] == "x", "an empty field says nothing")
no_segments("video,start,end,label,action\nv1,1,2,,y\n", says=("'label' says '', 'action' 'y'",))
got = segments("video,start,end,class,class_name\nv1,1,2,3,run\nv1,3,4,5,jump\n", says=("'class_name' is read, which 'class' numbers",))
check([a["label"] for a in got[0]["annotations"]] == ["run", "jump"], f"numbers beside names: {got}")
no_segments("video,start,end,class,class_name\nv1,1,2,3,run\nv1,3,4,3,jump\n", says=("'class' says '3', 'class_name' 'run'",))
segments("video,start,end,tier,observer\nv1,1,2,a,b\n", says=("'tier' is read as the tier, and 'observer' left out (--columns tier=NAME takes another)",))
SCORED = "video,start,end,label,score,confidence\nv1,1,2,x,0.5,%s\n"
no_segments(SCORED % "0.7", form="detections-csv", says=("t.csv:2:", "'score' says '0.5', 'confidence' '0.7'", "--columns score=NAME"))
check(detections(SCORED % "0.7", "--columns", "score=confidence")[0]["proposals"][0]["score"] == 0.7, "the confidence")
check(detections(SCORED % "5e-1", silent=True)[0]["proposals"][0]["score"] == 0.5, "scores that agree")
write("r.jsonl", '{"video":"v1"}\n')
for option, text in (("--durations", "video,duration,subset,split\nv1,10,train,test\n"), ("--durations", "video,filename,duration\nv1,v2.mp4,10\n"), ("--durations", "video,duration,num_frames,frame_count\nv1,10,250,300\n"),
                     ("--split", "video,subset,split\nv1,train,test\n"), ("--split", "video,filename,split\nv1,v2.mp4,test\n")):
    refused("--from", "tal", "r.jsonl", option, write("l.csv", text), says=("l.csv:2:", "leave one of these columns out"))
refused("--from", "sample-labels", "--rate", "2", write("m.csv", "subject,session,label\na,1,x\nb,1,y\n"), says=("m.csv:3:", "'session' '1' is of 'subject' 'a' and of 'b'", "--columns video=NAME"))
refused("--from", "sample-labels", "--rate", "2", write("m.csv", "label,activity\nx,x\nx,y\n"), says=("m.csv:3:", "'label' says 'x', 'activity' 'y'"))
refused("--from", "dcase", write("d.tsv", "filename\tonset\tevent_onset\toffset\tevent_label\na.wav\t1\t2\t3\tx\n"), says=("d.tsv:2:", "'onset' says '1', 'event_onset' '2'"))

# The same of members of JSON, and of arrays that say the frame rate.
GAME = '{"UrlLocal":"g","annotations":[{"gameTime":"1 - 06:57","label":"Goal","position":"%s"}]}'
check(records("--from", "soccernet", write("g.json", GAME % "417999"))[0]["annotations"][0]["at"] == 417.999, "gameTime has whole seconds")
refused("--from", "soccernet", write("g.json", GAME % "1000"), says=("g.json:1:", "annotations[0].position: 1 s, but gameTime says 417 s"))
COCO = {"videos": [{"id": 1, "file_name": "a.mp4", "duration": 9}], "categories": [{"id": 3, "name": "run"}], "annotations": [{"video_id": 1, "category_id": 3, "segment": [1, 2]}]}


def coco(videos=None, annotations=None):
    changed = json.loads(json.dumps(COCO))
    changed["videos"][0].update(videos or {})
    changed["annotations"][0].update(annotations or {})
    return write("c.json", json.dumps(changed))


for same, other, place in (({"fps": 25, "frame_rate": 25.0}, {"fps": 25, "frame_rate": 30}, "videos[0].frame_rate: 30, but 'fps' says 25"), ({"subset": "val", "split": "validation"}, {"subset": "val", "split": "test"}, "videos[0].split"),
                           ({"video_name": "a"}, {"video_name": "b"}, "videos[0].video_name")):
    check(records("--from", "coco-segments", coco(same))[0]["video"] == "a", f"{same}")
    refused("--from", "coco-segments", coco(other), says=("c.json:1:", place))
for same, other, place in (({"start": 1, "end": 2}, {"start": 1, "end": 5}, "annotations[0].segment: 2 is its end, but the member 'end' says 5"), ({"label": "run"}, {"label": "jump"}, "annotations[0].label: 'jump', but category_id 3 is 'run'"),
                           ({"video": "a.mp4"}, {"video": "b.mp4"}, "annotations[0].video")):
    check(records("--from", "coco-segments", coco(None, same))[0]["annotations"][0]["segment"] == [1, 2], f"{same}")
    refused("--from", "coco-segments", coco(None, other), says=("c.json:1:", place))
refused("--from", "activitynet-classification", write("k.json", '{"results":{"v1":[{"label":"a","class":"b","score":1}]}}'), says=("k.json:1:", "results[0].class: \"b\", but 'label' says \"a\""))


def npz(**facts):
    with zipfile.ZipFile("v1.npz", "w") as file:
        file.writestr("rgb.npy", npy([1.0] * 6, shape=(3, 2)))
        for name, value in facts.items():
            file.writestr(name + ".npy", npy([value], shape=()))
    return "v1.npz"


FEATURES = ("--from", "features", "--inline", "--stride", "8")
check(records(*FEATURES, npz(frame_rate=30.0))[0]["features"]["features"]["fps"] == 30, "frame_rate is fps")
check(records(*FEATURES, npz(frame_rate=30.0, fps=30.0))[0]["features"]["features"]["fps"] == 30, "both, alike")
refused(*FEATURES, npz(frame_rate=30.0, fps=25.0), says=("v1.npz: video 'v1'", "'fps' is 25", "'frame_rate' is 30", "--fps"))

# Comments above a table: one that has a name for each column is its header, any other one is none.
NUMBERS = [[0.5, 2], [1.5, 4], [1, 5]]
for sign in (" ", ",", "\t", ";"):
    body = "".join(sign.join(map(str, row)) + "\n" for row in NUMBERS)
    for above in ("# rgb\n", "# rgb features of v1, by us\n", "# made 2026\n#\n# rgb\n", f"# a{sign}b\n", f"#a{sign}b\n", "# rgb\n\n", f"# rgb\na{sign}b\n", f"# x{sign}y\na{sign}b\n", f"# 7{sign}8\n", ""):
        check(rows(above + body) == NUMBERS, f"{above!r} above columns that {sign!r} separates")
check(rows("# rgb\n1\n2\n") == [[1], [2]], "one column below a comment")
check(rows("#,rgb\n1,7\n2,8\n3,9\n", says=("'#'",)) == [[7], [8], [9]], "a column that is called #")
no_rows("# rgb\n0 2\n1 4\n2 5\n", name="f.txt", says=("f.txt:2:", "the first column counts the rows"))
no_rows("a,b\nx,1\n", says=("f.csv:2:", "'x' is not a number"))
no_rows("My features\n1,2\n3,4\n", says=("f.csv:2:", "1 column, the first line has 2: is that, 'My features', a title? Delete it"))

# Rows that are missing, however few there are; a stride that rounds is no gap.
for numbers in ((0, 1, 5), (0, 4, 5), (0, 1, 3, 4, 6, 7), (1, 2, 6, 7), (0, 5, 6, 11), (0, 1, 2, 6)):
    no_rows("index,a\n" + "".join(f"{n},1\n" for n in numbers), says=("'index' goes from", "rows are missing"))
no_rows("time,a\n0,1\n0.1,1\n0.9,1\n", says=("'time' goes from 0.1 to 0.9",))
for numbers in ((0, 8, 16, 20), (0, 2, 5, 7, 10)):
    check(len(rows("frame,a\n" + "".join(f"{n},1\n" for n in numbers))) == len(numbers), f"{numbers}")
no_rows("0,0.5\n1,1.5\n2,2.5\n6,3.5\n", says=("f.csv:1:", "the first column seems to count the rows, with gaps"))

# What numbers, times, bounds or names the rows, or tells of the video, is no value wherever it stands, and is said.
VALUES = [[0.5, 1], [0.75, 4], [0.25, 3]]


def beside(columns, place, sign=","):
    """A table of VALUES with columns, each {name: its fields}, at a place among theirs."""
    names, lines = ["a", "b"], [[str(v) for v in row] for row in VALUES]
    for name, fields in columns.items():
        names.insert(place, name)
        for line, field in zip(lines, fields):
            line.insert(place, str(field))
    return "".join(sign.join(line) + "\n" for line in [names] + lines)


PLACES = ({"time": (0, 0.04, 0.08)}, {"frame": (0, 16, 32)}, {"index": (3, 4, 5)}, {"id": (7, 8, 9)}, {"timestamp": (1, 2, 3)}, {"start_row": (0, 16, 32), "end_row": (16, 32, 48)}, {"startFrame": (0, 16, 32), "endFrame": (15, 31, 47)},
          {"start": (0, 1, 2), "end": (1, 2, 3)}, {"from": (0, 1, 2), "to": (1, 2, 3)}, {"t0": (0, 8, 16), "t1": (8, 16, 20)}, {"window_start (s)": (0, 1, 2), "window_end (s)": (1, 2, 2.5)}, {"first_frame": (1, 17, 33), "last_frame": (16, 32, 40)})
TOLD = ({"fps": (25, 25, "25.0")}, {"duration": (9, 9, 9)}, {"video": ("v1", "v1", "v1")}, {"subject_id": (3, 3, 3)}, {"sampling_rate": (50, 50, 50)}, {"split": ("train",) * 3})
for columns in PLACES + TOLD:
    for place in (0, 1, 2):
        for sign in (",", ";", "\t"):
            said = ("left out, for they tell of the video" if columns in TOLD else "left out, for they number, time or name the rows",) + tuple(f"'{name}'" for name in columns)
            check(rows(beside(columns, place, sign), says=said) == VALUES, f"{columns} in column {place} of {sign!r}")
for columns in ({"t0": (0, 8, 16), "t1": (8, 16, 20), "t2": (3, 2, 9)}, {"from": (5, 2, 7)}, {"front_end": (5, 2, 7)}, {"offset": (1, 2, 4)}, {"X": (5, 7, 8)}):
    check(len(rows(beside(columns, 1))[0]) == 2 + len(columns), f"{columns} are values")
for columns, says in (({"time": (0, 2, 1)}, "'time' is called like a number or time of the rows, but does not rise"), ({"fps": (25, 25, 30)}, "'fps', is '30', but '25' in line 2"), ({"video": ("v1", "v2", "v2")}, "'video', is 'v2', but 'v1' in line 2: the rows of a file are those of one video"),
                      ({"label": (0, 1, 1)}, "'label' is called like the label of the row"), ({"id": (9, 7, 8)}, "'id' is called like"), ({"start": (9, 7, 8), "end": (10, 8, 9)}, "'start' is called like")):
    no_rows(beside(columns, 2), says=("f.csv:", says, "--channels"))
    check(len(rows(beside(columns, 2), "--channels", ",".join(["a", *list(columns)[:1]]))[0]) == 2 if "video" not in columns else True, f"{columns} are values when asked for")
    check(rows(beside(columns, 2), "--channels", "a,b") == VALUES, f"{columns} beside those that are asked for")
no_rows("frame,time\n0,1\n1,2\n", says=("f.csv:1:", "no column of values: 'frame', 'time'"))
refused("--from", "features", "--channels", "1", write("a.npy", npy([1.0, 2.0])), says=("--channels chooses columns of tables of text",))

# They are held against what is said of the time of the rows.
TIMES = ("--fps", "25", "--stride", "16")
for columns, options, says in (
        ({"frame": (0, 16, 48)}, (), ("f.csv:4:", "'frame' goes from 16 to 48", "rows are missing")), ({"id": (0, 1, 3)}, (), ("f.csv:4:", "'id' goes from 1 to 3")), ({"start_row": (0, 16, 48), "end_row": (16, 32, 64)}, (), ("'start_row' goes from 16 to 48",)),
        ({"frame": (0, 8, 16)}, TIMES, ("f.csv:3:", "'frame' rises by 8 from row to row, but --stride is 16")), ({"frame": (0, 1, 2)}, TIMES, ("'frame' rises by 1 from row to row, but --stride is 16", "call it index")),
        ({"startFrame": (0, 16, 32), "endFrame": (32, 48, 64)}, TIMES, ("'startFrame' 0 to 'endFrame' 32 are not the 16 frames that a row covers: give --window",)), ({"start": (0, 1, 2), "end": (1, 0.5, 3)}, (), ("f.csv:3:", "'end' 0.5 is before 'start' 1")),
        ({"start_frame": (100, 116, 132)}, TIMES, ("f.csv:2:", "'start_frame' begins with 100, but --offset, where the first row begins, is 0")), ({"time": (0, 1, 2)}, TIMES, ("'time' rises by 1 from row to row, which is 1 rows a second",)), ({"fps": (30, 30, 30)}, TIMES, ("f.csv:2:", "'fps' is 30, but --fps is 25"))):
    for place in (0, 2):
        no_rows(beside(columns, place), *options, says=says)
for columns, options in (({"frame": (0, 16, 24)}, ()), ({"frame": (8, 24, 40)}, ()), ({"startFrame": (0, 16, 32), "endFrame": (32, 48, 64)}, ("--window", "32")), ({"start_frame": (100, 116, 132)}, ("--offset", "100")), ({"index": (0, 1, 2)}, ()), ({"start": (0, 16, 32), "end": (16, 32, 48)}, ()), ({"time": (0, 0.64, 1.28)}, ())):
    check(rows(beside(columns, 1), *TIMES, *options) == VALUES, f"{columns} agree with {options}")
got = records("--from", "features", "--inline", write("f.csv", beside({"fps": (25, 25, 25)}, 2)), "--stride", "16")[0]["features"]["features"]
check(got["fps"] == 25, f"a column of frame rates is used: {got}")
# Bounds in seconds or milliseconds against --window, as those in frames; rounded ones agree, and the last window may end with the video.
for bounds, window, says in (({"start": (0, 0.64, 1.28), "end": (1.28, 1.92, 2.56)}, "16", ("f.csv:2:", "'start' 0 to 'end' 1.28 and so on are 32 frames at 25 a second, not the 16 that a row covers: give --window (or --stride)")),
                             ({"start": (0, 0.64, 1.28), "end": (0.64, 1.28, 1.92)}, "64", ("are 16 frames at 25 a second, not the 64",)), ({"start_ms": (0, 640, 1280), "end_ms": (1280, 1920, 2560)}, "8", ("are 32 frames",)), ({"start": (0, 16, 32), "end": (32, 48, 64)}, "16", ("are 32 frames",))):
    no_rows(beside(bounds, 0), *TIMES, "--window", window, says=says)
for bounds, window in (({"start": (0, 0.64, 1.28), "end": (1.28, 1.92, 2.56)}, "32"), ({"start": (0, 0.64, 1.28), "end": (0.6, 1.24, 1.5)}, "16"), ({"start": (0, 0.6, 1.3), "end": (0.6, 1.3, 1.9)}, "16"), ({"start_ms": (0, 640, 1280), "end_ms": (1280, 1920, 2560)}, "32"), ({"start_row": (0, 1, 2), "end_row": (1, 2, 3)}, "32")):
    check(rows(beside(bounds, 0), *TIMES, "--window", window) == VALUES, f"{bounds} agree with --window {window}")
no_rows("start,end,a\n0,1.28,0.5\n", *TIMES, says=("f.csv:2:", "'start' 0 to 'end' 1.28 are 32 frames at 25 a second, not the 16"))

# A last row less than a stride behind the one before is a window that ends with the video: the record says where it begins. Of two rows a step of 1 counts them.
for column, values, last in (("frame", (0, 8), 8), ("start_frame", (4, 12), 12), ("time", (0, 0.32), 8), ("time_ms", (0, 320), 8), ("frame", (0, 16, 24), 24), ("time", (0, 0.64, 0.96), 24), ("frame", (0, 16, 31), 31)):
    text = f"{column},a\n" + "".join(f"{value},0.5\n" for value in values)
    got = records("--from", "features", "--inline", "--duration-from-rows", *TIMES, "--offset", str(values[0]), write("f.csv", text), says=(f"f.csv: the last row begins at frame {last}, less than a stride behind the one before",))[0]
    check(got["features"]["features"]["last_start"] == last and abs(got["duration"] - (last + 16) / 25) < 1e-9, f"{text}: {got}")
for text in ("frame,a\n0,0.5\n16,0.5\n32,0.5\n", "time,a\n0,0.5\n0.64,0.5\n1.27,0.5\n", "index,a\n0,0.5\n1,0.25\n"):
    check("last_start" not in records("--from", "features", "--inline", *TIMES, write("f.csv", text))[0]["features"]["features"], text)
no_rows("frame,a\n0,0.5\n1,0.25\n", *TIMES, says=("'frame' rises by 1 from row to row, but --stride is 16", "call it index"))
no_rows("frame,a\n0,0.5\n20,0.25\n", *TIMES, says=("'frame' rises by 20 from row to row, but --stride is 16",))
SIGNALS = ("--from", "signals", "--rate", "50", "--window", "1", "--stride", "1", "--inline")
refused(*SIGNALS, write("s.csv", beside({"sampling_rate": (100, 100, 100)}, 2)), says=("'sampling_rate' is 100, but --rate is 50",))
refused(*SIGNALS, "--channels", "a", write("s.csv", beside({"time": (0, 0.02, 0.2)}, 2)), says=("'time' goes from 0.02 to 0.2",))

# A first line of numbers with one that cannot be read is no header; numbers are one above the rows of a table that has an index.
for first in ("1.0,2.0,3.0x", "1,2,3x", "1,2,# x", "0,1,2 # x", "1.5,2.5,t", "4,5,6s", "1.0,2.0,3.0 (m)"):
    for sign in (",", ";", "\t"):
        no_rows((first + "\n4,5,6\n7,8,8\n3,2,1\n").replace(",", sign), says=("f.csv:1:", "column 3:", "is not a number"))
check(rows("0,1\n0,0.5,0.25\n1,1.5,0.75\n", says=("one without a name",)) == [[0.5, 0.25], [1.5, 0.75]], "an index that the header does not name")
check(rows("index,0,1\n0,0.5,0.25\n1,1.5,0.75\n") == [[0.5, 0.25], [1.5, 0.75]], "one that it names")
for first in (100, 7, 2):
    no_rows("".join(f"{first + i},{v}\n" for i, v in enumerate((0.1, 0.4, 0.2))), says=("f.csv:1:", "the first column counts the rows", "--channels"))
check(rows("100,0.1\n101,0.4\n102,0.2\n", "--channels", "2") == [[values[0]] for values in rows("a\n0.1\n0.4\n0.2\n")], "the advice is right")
check(len(rows("100,0.1\n96,0.4\n102,0.2\n")[0]) == 2, "a column that does not count")

# Tables of class scores: what tells of the video is no class.
got = records("--from", "class-scores", write("s.csv", "video,duration,run,fps,id,subset,jump\nv1,10,0.5,25,3,train,0.25\nv2,12.5,0.1,30,9,val,0.75\n"), says=("tell of the video", "'duration', 'fps', 'subset'", "'id'"))
check([(r["duration"], r["fps"], r["subset"], [c["label"] for c in r["classification"]]) for r in got] == [(10, 25, "train", ["run", "jump"]), (12.5, 30, "val", ["run", "jump"])], f"facts beside scores: {got}")
got = records("--from", "class-scores", write("s.csv", "video,duration,run\nv1,10,0.5\n"), "--classes", write("c.txt", "duration\nrun\n"))
check([c["score"] for c in got[0]["classification"]] == [10, 0.5] and "duration" not in got[0], f"a class that --classes names: {got}")
for head, says in (("video,start,end,run", "'start' and 'end' look like times of segments: --from detections-csv"), ("video,duration,start,run,end", "look like times of segments"), ("video,class,score", "'class' beside a score looks like a row for each class")):
    refused("--from", "class-scores", write("s.csv", head + "\n" + ",".join(["v1"] + ["2"] * head.count(",")) + "\n"), says=(says,))

# Segments: more names of a score, of times and of ids; what is not read is said; two that mean the same agree.
for head in ("videoId,startTime,endTime,actionLabel,score", "video.id,start.time,end.time,label,conf", "VideoName,Start,Finish,Class,Probability", "video,onset,offset,label,prob", "video,from,to,label,score (%)", "Video ID,t_start,t_end,Label,Score", "video,in,out,label,pred_score"):
    for sign in (",", ";", "\t"):
        got = records(write("t.csv", (head + "\nv1,1,2.5,x," + ("50" if "%" in head else "0.5") + "\n").replace(",", sign)), says=("is taken for detections-csv",))
        item = got[0]["proposals"][0]
        check(got[0]["video"] == "v1" and item["segment"] == [1, 2.5] and item["score"] == 0.5 and item.get("label") in ("x", None), f"{head}: {got}")
got = records(write("t.csv", "video,start,duration,label\nv1,1,2,x\n"), says=("is taken for segments-csv", "'duration' is taken for the length"))
check(got[0]["annotations"][0]["segment"] == [1, 3], f"a start and a duration: {got}")
got = records(write("t.csv", "video,start (mm:ss),end (hh:mm:ss),label\nv1,01:30,00:02:00,x\n"))
check(got[0]["annotations"][0]["segment"] == [90, 120], f"a name that says how times are written: {got}")
no_segments("video,start (mm:ss),end (mm:ss)\nv1,1.30,2.10\n", says=("t.csv:2:", "'1.30' is a number, and no time such as 01:30"))
check(segments("video,start,end,offset,label\nv1,1,2,9,x\n")[0]["annotations"][0]["segment"] == [1, 2], "an offset beside an end is another thing")
no_segments("video,start,end,score,score (%)\nv1,1,2,0.5,70\n", form="detections-csv", says=("t.csv:2:", "'score' says '0.5', 'score (%)' '70'", "--columns score=NAME"))
check(detections("video,start,end,label,score (%),score\nv1,1,2,x,50,0.504\n")[0]["proposals"][0]["score"] == 0.504, "per cent are rounded")
check(detections("video,start,end,label,score,score (%)\nv1,1,2,x,0.5,70\n", "--columns", "score=score (%)")[0]["proposals"][0]["score"] == 0.7, "the one that is named")
segments("video,start,end,label,score\nv1,1,2,x,0.5\n", says=("'score' is not read, for annotations have no score (--from detections-csv reads proposals with scores)",))
segments("video,start,end,label,score\nv1,1,2,x,\n", silent=True)
refused(write("t.csv", "video,start,end,label,confidence\nv1,1,2,x,high\n"), says=("t.csv:2:", "'confidence' says 'high', but scores are numbers", "--from segments-csv"))
check(records("--from", "segments-csv", "t.csv")[0]["annotations"][0]["label"] == "x", "the advice is right")
no_segments("video,start,end,label,confidence\nv1,1,2,x,0.5\nv1,1,2,x,high\n", form="detections-csv", says=("t.csv:3:", "'high' is not a finite number (in 'confidence')"))
got = segments("video,start,end,label,type\nv1,1,2,x,state\n", says=("'label' is read as the label, and 'type' left out (--columns label=NAME takes another)",))
check(got[0]["annotations"][0]["label"] == "x", f"a type beside a label: {got}")
check(segments("video,start,end,type\nv1,1,2,x\n")[0]["annotations"][0]["label"] == "x", "a type alone")
for text in ("file,video,start,end\nann1.csv,v1,1,2\nann2.csv,v2,1,2\n", "file,video,start,end\nall.mp4,v1,1,2\nall.mp4,v2,1,2\n"):
    got = segments(text, says=("'video' is read as the video, and 'file' left out (--columns video=NAME takes another)",))
    check([r["video"] for r in got] == ["v1", "v2"], f"files that are no videos: {got}")

# Tables of durations: a length, no header at all; two that mean the same.
for text, says in (("video,length\nv1,20.5\n", ()), ("v1,20.5\n", ("without a header, the first column is read as the video and the second as its seconds",)), ("v1;20,5\nv2;3,25\n", ("without a header",)), ("v1\t00:00:20.5\n", ("without a header",)), ("videoId,videoLength\nv1,20.5\n", ())):
    got = segments("video,start,end,label\nv1,1,2,x\n", "--durations", write("d.csv", text), says=says)
    check(got[0]["duration"] == 20.5, f"--durations {text!r}: {got}")
refused("--from", "segments-csv", write("t.csv", "video,start,end\nv1,1,2\n"), "--durations", write("d.csv", "video,duration,length\nv1,10,20\n"), says=("d.csv:2:", "'duration' says 10 s, 'length' 20 s"))
refused("--from", "segments-csv", "t.csv", "--durations", write("d.csv", "v1,20\n3,30\n"), says=("d.csv:1:", "a header line"))

# Why no format is known.
for text, says in (("a,b\n1,2\n", "a table with the columns 'a', 'b'"), ("video,label\nv1,x\n", "of which none is known to be the start, nor the end: --from segments-csv --columns start=NAME,end=NAME names them"), ("clip,start,end\nv1,1,2\n", "none is known to be the video: --from segments-csv --columns video=NAME names it"),
                   ("v1,1,2,x\nv2,3,4,y\n", "its first line, 'v1', '1', '2', 'x', does not name columns"), ("1,2\n3,4\n", "a table of numbers without names: --from features, signals or class-scores")):
    refused(write("t.csv", text), says=("t.csv: does not look like a format that can be told by itself; ", says))

# Frames beside seconds in JSON.
FRAMES = '{"database":{"v1":{"duration":10,"fps":10,"annotations":[{"segment":[1,2],"segment(frames)":[%s],"label":"x"}]}}}'
refused("--from", "activitynet-gt", write("a.json", FRAMES % "50,60"), says=("a.json", "annotations[0].segment(frames): [50,60] frames at 10 fps are not the seconds of \"segment\", [1,2]"))
check(records("--from", "activitynet-gt", write("a.json", FRAMES % "10,21"))[0]["annotations"][0]["segment(frames)"] == [10, 21], "frames that agree")
check(records("--from", "activitynet-gt", write("a.json", (FRAMES % "50,60").replace('"fps":10,', "")))[0]["annotations"][0]["segment"] == [1, 2], "without a rate nobody knows")

# Separators at the end of every line, and of some.
check(rows("4,2,3,\n3,4,5,\n5,6,7,\n") == [[4, 2, 3], [3, 4, 5], [5, 6, 7]], "a comma at the end of each line")
check(rows("a,b,c\n1,2,3,\n3,4,5,\n") == [[1, 2, 3], [3, 4, 5]], "but for the header")
check(rows("a;b;c;;\n1;2;3;;\n3;4;5;;\n") == [[1, 2, 3], [3, 4, 5]], "two of them")
no_rows("4,2,3\n3,4,5,\n5,6,7\n", says=("f.csv:2:", "4 columns, the first line has 3 (this one ends with a separator)"))
no_rows("a,b,c\n1,2,\n3,4,\n", says=("f.csv:2: video 'f': column 3: '' is not a number",))

# What people and file managers put beside data.
write("arrays/v1.npy", npy([1.0] * 4, shape=(2, 2)))
for name in ("README.txt", "readme.md", "LICENSE", ".DS_Store", "Thumbs.db"):
    write("arrays/" + name, "My features of 2026, 4 columns\n")
got = records("--from", "features", "arrays", says=("no data by its name, and left out: 'arrays/README.txt'",))
check([r["video"] for r in got] == ["v1"], f"a README beside arrays: {got}")
write("arrays/notes.txt", "My features\n")
refused("--from", "features", "--inline", "arrays", "--on-error", "fail", says=("arrays/notes.txt", "no table of features: --pattern '([^/]+)[.]npy$' takes the others"))
check([r["video"] for r in records("--from", "features", "arrays", "--pattern", "([^/]+)[.]npy$")] == ["v1"], "the advice is right")
write("frames/v1.txt", "run\nrun\njump\n"), write("frames/README.txt", "labels by us\n")
check([r["video"] for r in records("--from", "frame-labels", "--fps", "1", "frames", says=("README.txt",))] == ["v1"], "a README beside labels")

# A title above the header is refused with the line of the header; a comment is none.
HEADER, ROW = "video,start,end,label\n", "v1,1,2,x\n"
for title in ('"My project, exported 2026-01-01"\n', "My project, exported 2026-01-01\n", "My project; 2026\n", "My project,,,\n", "Exported by\tme\n\n"):
    line = 2 + title.count("\n\n")
    no_segments(title + HEADER + ROW, says=("t.csv:1:", f"line {line} looks like the header ('video', 'start', 'end', 'label')", "a title?", "begin it with #"))
for comment in ("# My project, exported 2026-01-01\n", "# one\n# two, three, four, five\n", "#\n"):
    check(segments(comment + HEADER + ROW, silent=True)[0]["annotations"] == [{"segment": [1, 2], "label": "x"}], f"{comment!r}")
check(segments("# " + HEADER + ROW)[0]["video"] == segments("#" + HEADER + ROW)[0]["video"] == "v1", "a header as numpy writes it")
no_segments("# My project\n" + HEADER + "v1,one,2,x\n", says=("t.csv:3:",))
for option, text in (("--durations", "My videos\nvideo,duration\nv1,10\n"), ("--split", "My videos\nvideo,subset\nv1,train\n"), ("--split", "My videos, 2026\nvideo,subset\nv1,train\n")):
    refused("--from", "tal", "r.jsonl", option, write("l.csv", text), says=("l.csv", "line 2 looks like the header"))
check(records("--from", "tal", "r.jsonl", "--durations", write("l.csv", "# My videos\nvideo,duration\nv1,10\n"))[0]["duration"] == 10, "a comment above --durations")
check(records("--from", "tal", "r.jsonl", "--durations", write("l.txt", "# My videos\nv1\n10\n"))[0]["duration"] == 10, "a comment above names and seconds")

# Numbers as people write them are right or refused with what to write.
for number, plain in (("1,234.5", "1234.5"), ("1 234", "1234"), ("1'234.5", "1234.5"), ("1\u202f234\u202f567,25", "1234567.25"), ("1.234.567", "1234567")):
    no_segments(f'video,start,end\nv1,"{number}",2000000\n', says=("t.csv:2: video 'v1': start:", f"(with signs between thousands? Write {plain})"))
    no_rows(f'a\tb\n"{number}"\t1\n', name="f.tsv.csv", says=("column 1", f"Write {plain})"))
no_segments("video;start;end\nv1;1.234,5;1.236,5\n", says=("t.csv:2:", "Write 1234.5)"))
no_segments('video,start,end\nv1,"1,234","1,236"\n', says=("t.csv:2:", "may be a decimal comma or thousands", "--decimal"))
no_segments('video,start,end\nv1,"1,234","1,236"\n', "--decimal", "point", says=("t.csv:2:", "Write 1234)"))
check(segments('video,start,end\nv1,"1,234","1,236"\n', "--decimal", "comma")[0]["annotations"][0]["segment"] == [1.234, 1.236], "--decimal comma")
no_segments('video;start;end\nv1;1.234;1.236\n', "--decimal", "comma", says=("t.csv:2:", "'1.234' is not a finite number with a decimal comma"))
no_rows("a;b\n1.234;2,5\n", "--decimal", "comma", says=("f.csv:2:", "'1.234' is not a number with a decimal comma"))
no_segments("video,start,end,label,score\nv1,1,2,x,87 %\n", form="detections-csv", says=("t.csv:2:", "score: '87 %'", "per cent? Write the share, 0.87 for 87 %"))
for name in ("score (%)", "confidence_pct"):
    check(detections(f"video,start,end,label,{name}\nv1,1,2,x,87\n")[0]["proposals"][0]["score"] == 0.87, f"scores called {name}")
refused("--from", "class-scores", write("s.csv", "video,a,b\nv1,87%,13%\n"), says=("s.csv:2:", "per cent?"))

# Names that look alike and are other characters: said with the characters, where two inputs are matched and in one.
for here, there, said in (("caf\u00e9", "cafe\u0301", "U+00E9 here, U+0065 U+0301 there"), ("v-1", "v\u20111", "U+002D here, U+2011 there"), ("v1", "v\uff11", "U+0031 here, U+FF11 there"), ("cop", "\u0441op", "U+0063 here, U+0441 there"),
                          ("a b", "a\u00a0b", "U+0020 here, U+00A0 there"), ("\u1ebf", "e\u0302\u0301", "U+1EBF here, U+0065 U+0302 U+0301 there")):
    write("r.jsonl", json.dumps({"video": here, "annotations": [{"segment": [1, 2], "label": "x"}]}) + "\n")
    for option, text in (("--merge", json.dumps({"video": there, "duration": 3}) + "\n"), ("--split", there + "\n")):
        file = write("other.txt", text)
        done = tool("tal-convert", "--from", "tal", "r.jsonl", option, f"train={file}" if option == "--split" else file, "--no-history")
        check(f"'{here}' here seems to be '{there}' there: other characters that look alike, {said}" in done.stderr, f"{option} {here!r} {there!r}: {done.stderr}")
    done = tool("tal-eval", "--gt", write("g.jsonl", json.dumps({"video": there, "duration": 9, "annotations": [{"segment": [1, 2], "label": "x"}]}) + "\n"), "-i", write("p.jsonl", json.dumps({"video": here, "duration": 9, "proposals": [{"segment": [1, 2], "score": 1, "label": "x"}]}) + "\n"))
    check("look alike" in done.stderr, f"tal-eval {here!r} {there!r}: {done.stderr}")
    done = tool("tal-convert", "--from", "segments-csv", write("t.csv", f"video,start,end\n{here},1,2\n{there},3,4\n"), "--no-history")
    check(f"'{here}' and '{there}' ({said})" in done.stderr, f"in one table {here!r} {there!r}: {done.stderr}")
done = tool("tal-convert", "--from", "segments-csv", write("t.csv", "video,start,end\n\u043c\u0438\u0440,1,2\n\u043c\u0438\u0434,3,4\n"), "--no-history")
check("alike" not in done.stderr, f"names of one script: {done.stderr}")

# Several names in one word.
write("frames/v2.txt", "rest\nrun\nidle\n")
for given in ("rest idle", "rest,idle"):
    refused("--from", "frame-labels", "--fps", "1", "frames/v2.txt", "--background", given, says=(f"of the labels '{given}' is none of them, but 'rest' and 'idle' are: give the option once for each",), status=2)
check(len(records("--from", "frame-labels", "--fps", "1", "frames/v2.txt", "--background", "rest", "--background", "idle")[0]["annotations"]) == 1, "two labels of the background")
refused("--from", "sample-labels", "--rate", "1", write("m.csv", "label\nrest\nrun\nidle\n"), "--background", "rest idle", says=("'rest' and 'idle' are",), status=2)
write("g.jsonl", json.dumps({"video": "v1", "duration": 4, "fps": 1, "annotations": [{"segment": [0, 1], "label": "rest"}, {"segment": [1, 2], "label": "run"}, {"segment": [2, 4], "label": "idle"}]}) + "\n")
write("p.jsonl", json.dumps({"video": "v1", "duration": 4, "fps": 1, "proposals": [{"segment": [1, 2], "label": "run", "score": 1}]}) + "\n")
SEGMENTATION = ("--protocol", "segmentation", "--gt", "g.jsonl", "-i", "p.jsonl")
refused(*SEGMENTATION, "--background", "rest idle", says=("'rest' and 'idle' are: commas separate them",), status=2, name="tal-eval")
tool("tal-eval", *SEGMENTATION, "--background", "rest,idle")
refused("--gt", "g.jsonl", "-i", "p.jsonl", "--tiou", "0.3 0.5", says=("'0.3 0.5': numbers are separated by commas",), status=2, name="tal-eval")
for list_of_classes in ("0 1", "run,jump"):
    refused("--from", "segments-csv", write("t.csv", HEADER + ROW), "--classes", list_of_classes, says=(f"{list_of_classes}: no such file; a list of classes is a file, with a class on each line",))
records("--from", "segments-csv", write("t.csv", HEADER + "v1,1,2,0\n"), "--classes", write("classes.txt", "0 1\n"), says=("one class, '1': several stand one on each line",))


# Tables without a column of videos, a file a recording: the file's name is the id, unless a column may name videos in its own words.
ALONE = {"label,onset_s,offset_s\na,1.5,2\nb,3,4.25\n": ["a", "b"], "start,end,label,tier\n1.5,2,a,mother\n3,4.25,b,child\n": ["a", "b"], "start\tduration\tlabel\n1.5\t0.5\ta\n3\t1.25\tb\n": ["a", "b"],
         "start,end,label,notes,channel\n1.5,2,a,loud and clear,1\n3,4.25,b,far away,2\n": ["a", "b"], "id,start,end,label\n1,1.5,2,a\n2,3,4.25,b\n": ["a", "b"]}
for text, labels in ALONE.items():
    for how in ((), ("--from", "segments-csv")):
        got = records(*how, write("calls/bird 7.csv", text), says=("no column names the videos: the file's name is the video's id, 'bird 7' of calls/bird 7.csv (--columns video=NAME names a column)",))
        check([(r["video"], [(a["segment"], a["label"]) for a in r["annotations"]]) for r in got] == [("bird 7", [([1.5, 2], labels[0]), ([3, 4.25], labels[1])])], f"{how} {text!r}: {got}")
write("calls/b2.tsv", "start\tend\tlabel\n1\t2\tc\n")
done = tool("tal-convert", "calls/bird 7.csv", "calls/b2.tsv", "--prefix", "x/", "--no-history")
check([json.loads(line)["video"] for line in done.stdout.splitlines()] == ["x/bird 7", "x/b2"] and done.stderr.count("no column names the videos") == 1, f"one note of two files: {done.stderr}")
check(records("--from", "segments-csv", write("calls/none.csv", "start,end,label\n"), "--durations", write("d.csv", "video,duration\nnone,9\n")) == [{"video": "none", "duration": 9, "annotations": []}], "a recording without a segment")
refused("--from", "segments-csv", "calls/b2.tsv", write("other/b2.tsv", "start\tend\tlabel\n1\t2\tc\n"), says=("other/b2.tsv: video: 'b2' is the name of 'calls/b2.tsv' too, and no column names the videos",))
got = records("--from", "detections-csv", write("p9.csv", "start,end,label,score\n1,2,a,0.5\n"), says=("'p9' of p9.csv",))
check(got == [{"video": "p9", "proposals": [{"segment": [1, 2], "score": 0.5, "label": "a"}]}] == records("p9.csv"), f"detections: {got}")
for text, says in (("start,end,label,bird\n1,2,a,tom\n3,4,b,jim\n", ("t.csv:1: no column is known to be the video; name it with --columns video=NAME", "the file's name is the video's where nothing else may be, but 'bird' may")),
                   ("start,end,label,bird\n1,2,a,r.wav\n3,4,b,r.wav\n", ("but 'bird' may",)), ("start,end,label,bird\n1,2,a,tom\n", ("but 'bird' may",)), ("start,end,bird\n1,2,tom\n3,4,jim\n", ("but 'bird' may (where it is the label: --columns label=bird)",)),
                   ("start,end,label,trial\n1,2,a,1\n3,4,b,1\n1,2,a,2\n", ("but 'trial' may",)), ("1.5,2,label\n1,2,a\n", ("a header line with the names of the columns is missing",)), ("start,label\n1,a\n", ("no column is known to be the end",))):
    no_segments(text, says=says)
done = tool("tal-convert", "--from", "segments-csv", "--no-history", data="start,end,label\n1,2,a\n", status=1)
check("no column is known to be the video; name it with --columns video=NAME" in done.stderr and "a file's name would be the video's, and stdin has none" in done.stderr, done.stderr)
check(segments("start,end,label,bird\n1,2,a,tom\n3,4,b,jim\n", "--columns", "video=bird")[1]["video"] == "jim", "as the message says")

got = records(write("dyad.txt", "Begin Time - ss.msec\tEnd Time - ss.msec\tAnnotation\n1.5\t2.5\trun to\n3.5\t4.5\tjump\n"), says=("column 'Annotation' is taken for the label, as there is no other", "'dyad' of dyad.txt"))
check([(r["video"], [a["label"] for a in r["annotations"]]) for r in got] == [("dyad", ["run to", "jump"])], f"ELAN's columns: {got}")

# "name" is the label where it is the only text beside times; a video where it is known as one, and where it may be either that is said.
got = records(write("rec_1.csv", "name,start_seconds,stop_seconds\npulse,1,2\nsine,3,4\n"), says=("column 'name' is taken for the label, as there is no other (where it names the videos: --columns video=name)", "'rec_1' of rec_1.csv"))
check([(r["video"], [a["label"] for a in r["annotations"]]) for r in got] == [("rec_1", ["pulse", "sine"])], f"name as the label: {got}")
EITHER = ("column 'name' is taken for the videos, as there is no other (--columns video=NAME); where it is the label, and the file's name the video: --columns label=name",)
check([r["video"] for r in records(write("rec_1.csv", "name,start_seconds,stop_seconds\np1,1,2\ns2,3,4\n"), says=EITHER)] == ["p1", "s2"], "names that may be either")
check([r["video"] for r in records("--from", "segments-csv", "rec_1.csv", "--columns", "label=name")] == ["rec_1"], "name as the label, by --columns")
for text, options in (("name,start,end\na.mp4,1,2\nb.mp4,3,4\n", ()), ("name,start,end\na,1,2\nb,3,4\n", ("--durations", write("d.csv", "video,duration\na,9\nb,9\n"))), ("name,start,end\na,1,2\nb,3,4\n", ("--columns", "video=name")), ("name,start,end,label\na,1,2,x\nb,3,4,y\n", ()), ("name,start,end,what\na,1,2,x\nb,3,4,y\n", ())):
    check([r["video"] for r in segments(text, *options)] in (["a", "b"],), f"name as the videos: {text!r} {options}")

# Whole numbers that are large, of videos without a duration: do they count frames?
BIG = "video,start,end,label%s\n" + "".join(f"P01_1{i},{i * 30000},{i * 30000 + 21209},open%s\n" for i in range(4))
segments(BIG % (("",) + ("",) * 4), says=("the ends of all segments are whole numbers, up to 111209 s in 'P01_13', which is more than a day (30.8 hours): do they count frames (--time frames --fps F)",))
SMALL = "video,start,end,label%s\n" + "".join(f"v{i},{i * 300},{i * 300 + 50},open%s\n" for i in range(4))
segments(SMALL % ((",frames",) + (",2000",) * 4), says=("up to 950 s in 'v3', which has 2000 frames: do they count frames (--time frames --fps F)?",))
segments(SMALL % ((",fps",) + (",25",) * 4), says=("up to 950 s in 'v3', whose frame rate is known: do they count frames (--time frames)?",))
segments(SMALL % ((",fps,frames",) + (",25,2000",) * 4), says=("3 of 4 videos with a duration have segments far behind it", "are these times frames"))
for text, options in ((SMALL % (("",) + ("",) * 4), ()), (SMALL % ((",fps",) + (",25",) * 4), ("--time", "frames")), (SMALL % ((",fps",) + (",25",) * 4), ("--time", "seconds")), ((SMALL % ((",fps",) + (",25",) * 4)).replace("950", "950.5"), ()), (SMALL % ((",fps,frames",) + (",1,2000",) * 4), ()), ("video,start,end,label,fps\nv1,600,700,a,25\n", ())):
    segments(text, *options, silent=True)

# Beyond a day one is enough; beside a frame rate few, beyond an hour; beside a number of frames any.
for text, says in (("video,start,end,label\nv1,90000,91000,A\n", "up to 91000 s in 'v1', which is more than a day"), ("video,start,end,label,fps\nv1,1000,2000,A,25\nv1,30000,30100,B,25\n", "up to 30100 s in 'v1', whose frame rate is known"),
                   ("video,start,end,label,frames\nv1,500,700,A,900\n", "up to 700 s in 'v1', which has 900 frames")):
    segments(text, says=(says,))
segments("video,start,end,label\nv1,600,86000,A\n", silent=True)

# Lists of whole clips are no segments.
for text in ("videos/a/1.avi 153 44\nvideos/b/2.avi 97 3\n", "v1 153 44\nv2 97 3\n", "a/v1 12 44\n"):
    refused(write("train.txt", text), says=("train.txt: does not look like a format that can be told by itself; it may be a list of whole clips, 'path frames class', which has no segments",))
check(records(write("Run.txt", "v1 12 44\nv2 1.5 3\n"), says=("is taken for thumos14-gt",))[0]["annotations"] == [{"segment": [12, 44], "label": "Run"}], "segments of a class")
# Files of annotation tools that hold more, or less, than their first lines say.
got = records("--from", "webvtt", write("c.vtt", "WEBVTT\n00:01.000 --> 00:02.000\nx\n\n00:03.000 --> 00:04.000\ny"))
check([a["label"] for a in got[0]["annotations"]] == ["x", "y"], f"a cue right below the header: {got}")
check(records("--from", "webvtt", write("c.vtt", "WEBVTT\nKind: captions\n\n00:03.000 --> 00:04.000\ny"))[0]["annotations"] == [{"segment": [3, 4], "label": "y"}], "a header of several lines")
for text in ({"database": {"v1": {}}}, {"a": 1}, [{"foo": 1}], [{"video": "v1.mp4", "events": [{"frame": 3}]}]):
    refused("--from", "label-studio", write("l.json", json.dumps(text)), says=("is no task of Label Studio",))
check("annotations" not in records("--from", "label-studio", write("l.json", '[{"id":1,"video":"v.mp4"}]'))[0], "a task that nobody labelled yet")
got = records("--from", "label-studio", write("l.json", json.dumps([{"audio": "a.wav", "id": 1, "annotator": 1, "label": [{"start": 1, "end": 2, "labels": ["x"]}], "transcription": ["hello"]}])),
              says=("1 text without times left out", "[0].transcription[0]"))
check(len(got[0]["annotations"]) == 1, f"a text beside regions: {got}")

RAVEN = "Begin Time (s)\tEnd Time (s)\tAnnotation\tBegin %s\tFile Offset (s)\n"
got = records("--from", "raven", write("r.txt", RAVEN % "File" + "61.0\t62.0\tx\tb.wav\t1.0\n71.0\t72.0\tx\tb.wav\t11.0\n"))
check([a["segment"] for a in got[0]["annotations"]] == [[1, 2], [11, 12]] and got[0]["video"] == "b", f"one file of a sequence: {got}")
got = records("--from", "raven", write("r.txt", RAVEN % "Path" + "0\t3\tx\t/d/a.wav\t0\n60\t63\tx\t/d/b.wav\t0\n"))
check([(r["video"], r["annotations"][0]["segment"]) for r in got] == [("a", [0, 3]), ("b", [0, 3])], f"paths alone: {got}")
back = tool("tal-convert", "--no-history", "--from", "tal", "--to", "raven", write("r.jsonl", json.dumps(got[1]) + "\n")).stdout
again = records("--from", "raven", write("r.txt", back))
check(again[0]["video"] == "b" and again[0]["annotations"][0]["segment"] == [0, 3], f"and back: {again}")
got = records("--from", "raven", write("r.txt", "Begin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tAnnotation\n1,0\t2,5\t100,5\tx\n"))
check(got[0]["annotations"][0]["segment"] == [1, 2.5] and got[0]["annotations"][0]["low"] == 100.5, f"decimal commas: {got}")
refused("--from", "raven", write("r.txt", "Begin Time (s)\tEnd Time (s)\tAnnotation\n1,0\t2.5\tx\n"), says=("which separates decimals?", "r.txt:2"))
got = records("--from", "raven", write("r.txt", "Begin Time (s)\tEnd Time (s)\tAnnotation\n1\t1\tx\n2\t3\ty\n"))
check(got[0]["annotations"] == [{"at": 1, "label": "x"}, {"segment": [2, 3], "label": "y"}], f"point selections: {got}")

# What --from auto cannot tell, but guess.
refused(write("s.csv", "subject,sample,time,label\na,0,0,x\n"), says=("--from (sample-labels where each row is a sample",))
refused("--from", "sample-labels", write("s2.csv", "subject,time,label\na,0,null\na,1,x\n"), says=("'null' is what R", "give --background null where it is"))
check(records("--from", "sample-labels", "--rate", "1", "--background", "null", "s2.csv")[0]["annotations"] == [{"segment": [1, 2], "label": "x"}], "as it says")
refused(write("scores.txt", "AAA 1 0.5 0.1 0.25 0.1\nAAA 2 0.5 0.1 0.5 0.1\n"), says=("--from charades-results",))

ROW = " ".join(["0.5"] * 157)
write("d.csv", "video,duration\nAAA,25\n")
for rows_, line in ((f"AAA 1 {ROW}\nAAA 2 0.5 0.5 0.", 2), (f"AAA 1 {ROW}\nAAA 2 {ROW} 0.5\nAAA 3 {ROW}\n", 2)):
    done = tool("tal-convert", "--no-history", "--from", "charades-results", "--durations", "d.csv", write("c.txt", rows_), status=1)
    check(f"c.txt:{line}:" in done.stderr and "scores, but line 1 has 157" in done.stderr, f"a row of other length: {done.stderr}")
GRID = ('File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0\nxmax = 5\ntiers? <exists>\nsize = %s\nitem []:\n'
        + "".join(f'    item [{k}]:\n        class = "IntervalTier"\n        name = "t{k}"\n        xmin = 0\n        xmax = 5\n        intervals: size = 1\n        intervals [1]:\n            xmin = 0\n            xmax = 5\n            text = "x{k}"\n' for k in (1, 2)))
check(len(records("--from", "textgrid", write("g.TextGrid", GRID % 2))[0]["annotations"]) == 2, "two tiers")
refused("--from", "textgrid", write("g.TextGrid", GRID % 1), says=("g.TextGrid:20:", "something follows the 1 tier"))
refused("--from", "textgrid", "--durations", write("d6.csv", "video,duration\ng,6\n"), write("g.TextGrid", GRID % 2), says=("g.TextGrid:", "video 'g': duration: 5 here, but 6 in --durations"))

# Decimal commas of BORIS, advice that the format takes, and what is no file of annotations at all.
BORIS = "Observation id;Media file;Total length;FPS;Subject;Behavior;Behavioral category;Comment;Behavior type;Start (s);Stop (s)\no;v.mp4;10,5;25;;run;;;STATE;1,8;2,5\n"
got = records("--from", "boris", write("b.csv", BORIS))[0]
check(got["duration"] == 10.5 and got["annotations"][0]["segment"] == [1.8, 2.5], f"decimal commas of BORIS: {got}")
refused("--from", "boris", "--decimal", "point", "b.csv", says=("b.csv:2", "Start (s)"))
write("d.csv", "video,duration\nv,1\n")
for form, text, option in (("boris", BORIS.replace("10,5", "NA").replace("1,8;2,5", "10,8;20,5"), False), ("segments-csv", "video,start,end,label\nv,10,20,x\n", True)):
    said = tool("tal-convert", "--no-history", "--from", form, "--durations", "d.csv", write("f.csv", text)).stderr
    check("are these times frames" in said and ("--time" in said) == option, f"{form}: {said}")
refused(write("p.csv", "<html><body>404</body></html>"), says=("is an HTML page",))
with zipfile.ZipFile("x.xlsx", "w") as book:
    book.writestr("[Content_Types].xml", "a")
refused("x.xlsx", says=("is a workbook of a spreadsheet", "save it as CSV"))
refused(write("q.csv", 'video,start,end,label\nv,1,2,x\nv,3,4,"y\n'), says=("q.csv:3:", "a quoted field is not closed"))

# Whom a label is of stays with it, under the names that tables have for it.
for name in ("subject", "individual", "animal", "track_id"):
    got = segments(f"video,start,end,label,{name}\nv1,1,2,x,rat1\nv1,1,2,x,rat2\n", silent=True)
    check([a["subject"] for a in got[0]["annotations"]] == ["rat1", "rat2"], f"{name}: {got}")
check(segments("video,start,end,label,who\nv1,1,2,x,rat1\n", "--columns", "subject=who")[0]["annotations"][0]["subject"] == "rat1", "--columns subject")
check(detections("video,start,end,label,score,subject\nv1,1,2,x,0.5,rat1\n")[0]["proposals"][0]["subject"] == "rat1", "of a detection")
got = segments("subject,start,end,label\nv1,1,2,x\n", "--columns", "video=subject")
check("subject" not in got[0]["annotations"][0], f"the column of the videos: {got}")
segments("video,start,end,label,subject,individual\nv1,1,2,x,a,b\n", says=("'subject' is read as the subject, and 'individual' left out (--columns subject=NAME takes another)",))
# Samples with a label each: one that is missing, or too many, is in no recording; a column's name has the unit of its times; numbers of samples leave none out.
def samples(text, *arguments, **more):
    return records("--from", "sample-labels", write("s.csv", text), *arguments, **more)


def no_samples(text, *arguments, says):
    refused("--from", "sample-labels", write("s.csv", text), *arguments, says=says)


HALVES = [{"segment": [0, 0.04], "label": "a"}, {"segment": [0.04, 0.08], "label": "b"}]
for name, step in (("time_ms", 20), ("time (ms)", 20), ("timestamp_us", 20000), ("Time [s]", 0.02), ("ms", 20), ("time_min", 0.02 / 60)):
    text = f"{name},label\n" + "".join(f"{step * i:.12g},{'aabb'[i]}\n" for i in range(4))
    for columns in ((), ("--columns", f"time={name}"), ("--rate", "50")):
        got = samples(text, *columns)
        check(got[0]["duration"] == 0.08 and got[0]["annotations"] == HALVES, f"{name} {columns}: {got}")
    no_samples(text.replace(text.split("\n")[2] + "\n", "", 1), says=("s.csv:3: video 's': time:", "samples are missing"))
check(samples("time_ms,label\n0:00:00,a\n0:00:01,b\n")[0]["duration"] == 2, "times of the clock in a column of ms")
for times, line, says in (("0,.02,.06,.08", 4, "goes from 0.02 to 0.06"), ("0,.02,.04,.06,1.0,1.02,1.04", 6, "goes from 0.06 to 1"), ("0,1,3", 4, "goes from 1 to 3"), ("0,1,2,2.5,3,4", 5, "goes from 2 to 2.5"),
                         (",".join(f"{i / 50:g}" for i in range(101) if i != 40), 42, "goes from 0.78 to 0.82")):
    no_samples("time,label\n" + "".join(f"{at},a\n" for at in times.split(",")), says=(f"s.csv:{line}: video 's': time: 'time' {says}",))
tremble = [i / 30 + (0.006, -0.006, 0, 0.004)[i % 4] for i in range(1, 200)]
check(abs(samples("time,label\n" + "".join(f"{at:.3f},a\n" for at in tremble))[0]["duration"] - 200 / 30) < 0.02, "times that tremble")
for name in ("frame", "index", "Frame Number", "row"):
    no_samples(f"{name},label\n0,a\n1,a\n2,a\n10,b\n11,b\n", "--rate", "10", says=("s.csv:5: video 's':", f"'{name}' goes from 2 to 10", "rows are missing"))
    no_samples(f"{name},label\n0,a\n1,a\n0,b\n1,b\n", "--rate", "10", says=("s.csv:4: video 's':", f"'{name}' goes from 1 to 0", "another recording begins"))
    check(samples(f"{name},label\n0,a\n25,a\n50,b\n", "--rate", "1", silent=True)[0]["duration"] == 3, f"each 25th {name}")
    check(len(samples(f"video,{name},label\nv,0,a\nv,1,a\nw,0,a\nw,1,a\n", "--rate", "1")) == 2, f"{name} of two recordings")
    no_samples(f"{name},label\n0,a\n1,a\n", says=("s.csv:1: no column of times: give --rate",))
    no_samples(f"{name},label\n0,a\n1,a\n", "--columns", f"time={name}", says=(f"s.csv:1: '{name}' numbers the samples and no times: give --rate",))

# Poses: a row or a body part that stands twice, and another separator than DeepLabCut's.
POSE = "scorer,net,net,net,net\nbodyparts,nose,nose,tail,tail\ncoords,x,y,x,y\n0,1,2,3,4\n1,5,6,7,8\n"
for text, says in ((POSE.replace("\n1,5", "\n0,5"), ("p.csv:5: index: frame 0 of 'p' stands in line 4 too",)), (POSE.replace("tail", "nose"), ("p.csv:3: two columns are 'nose.x'",)), (POSE.replace(",", ";"), ("p.csv:1: the columns are separated by ';'",))):
    refused("--from", "pose", "--inline", "--fps", "25", write("p.csv", text), says=says)
check(records("--from", "pose", "--inline", "--fps", "25", write("p.csv", POSE))[0]["features"]["pose"]["rows"] == 2, "a table of poses")

# Files of one recording side by side are of one time.
for name in ("acc", "gyro"):
    write(f"v.{name}.csv", "time,x\n" + "".join(f"{(name == 'gyro') + i / 10:g},{i}\n" for i in range(20)))
SIDES = ("--from", "signals", "--inline", "--rate", "10", "--window", "5", "--stride", "5", "--signal-features", "mean", "--pattern", r"(.*)\.(?:acc|gyro)\.csv", "v.acc.csv", "v.gyro.csv")
refused(*SIDES, says=("v.gyro.csv:2:", "'time' is 1, but 0 in the same row of v.acc.csv", "side by side"))
write("v.gyro.csv", "time,x\n" + "".join(f"{0.01 + i / 10:g},{i}\n" for i in range(20)))
check(records(*SIDES)[0]["features"]["signals"]["dim"] == 2, "two files of one time")

# --non-finite of tables: what says that a value is missing, and an empty field, too.
for word in ("nan", "", "NA", "inf"):
    text = f"a,b,c\n1,2,3\n4,{word},6\n7,8,9\n"
    check(rows(text, "--non-finite", "zero")[1] == [4, 0, 6], f"'{word}' is zero")
    check(rows(text, "--non-finite", "interpolate", says=("1 values were not finite and are interpolated now",))[1] == [4, 5, 6], f"'{word}' between its neighbours")
    no_rows(text, says=("f.csv:3:", "column 2: "))
no_rows("a,b,c\n1,2,3\n4,x,6\n7,8,9\n", "--non-finite", "zero", says=("f.csv:3:", "'x' is not a number"))

# Names that are numbers: a label is the number of one class and the name of another. --class-offset says that it is a number; a name that is its class's number is both.
TABLE = "video,start,end,label\nv1,1,2,1\n"
for text in ("0 1\n1 2\n2 3\n", "1\n2\n3\n", '["1","2","3"]', "id,name\n0,1\n1,2\n2,3\n", '[{"id":0,"name":"1"},{"id":1,"name":"2"}]'):
    refused("--from", "segments-csv", write("t.csv", TABLE), "--classes", write("n.txt", text), says=("t.csv:2: video 'v1': label: '1' is the name of class 0 in --classes, and the number of '2'", "--class-offset 0 says that labels are numbers"))
    check(records("--from", "segments-csv", "t.csv", "--classes", "n.txt", "--class-offset", "0")[0]["annotations"][0]["label"] == "2", f"--class-offset 0 with {text!r}")
refused("--from", "activitynet-gt", write("m.json", '{"v1":{"duration":9,"subset":"training","actions":[[1,2,3]]}}'), "--classes", write("n.txt", "0 1\n1 2\n"), says=("m.json:1: video 'v1': actions[0][0]: ", "'1' is the name of class 0 in --classes, and the number of '2'"))
refused("--from", "segments-csv", write("t.csv", TABLE.replace(",1\n", ",3\n")), "--classes", write("n.txt", "1\n2\n3\n"), says=("'3' is the name of class 2 in --classes, and no class's number",))
refused("--from", "frame-labels", "--fps", "1", write("f.txt", "1\n1\n"), "--classes", "n.txt", says=("'1' is the name of class 0",))
refused("--from", "class-scores", write("s.csv", "video,0,1,2\nv1,1,2,3\n"), "--classes", "n.txt", says=("'1' is the name of class 0",))
for text in ("1 1\n2 2\n3 3\n", "0\n1\n2\n"):
    got = segments(TABLE, "--classes", write("n.txt", text))
    check(got[0]["annotations"][0]["label"] == "1", f"{text!r}: {got}")

# Ids that are words: Charades' list, AudioSet's indices and ontology, FSD50K's vocabulary.
CHARADES = "id,subject,scene,script,actions,length\nA,S,s,x,c001 1 2;c000 2 3,9\n"
for text in ("c000 Hold a book\nc001 Read or look\n", "c000,Hold a book\nc001,Read or look\n", "id,name\nc000,Hold a book\nc001,Read or look\n", '{"c000":"Hold a book","c001":"Read or look"}', '[{"id":"c000","name":"Hold a book"},{"id":"c001","name":"Read or look"}]', "0 Hold a book\n1 Read or look\n", '"c000 Hold a book"\n"c001 Read or look"\n'):
    got = records("--from", "charades", write("a.csv", CHARADES), "--classes", write("k.txt", text))
    check([each["label"] for each in got[0]["annotations"]] == ["Read or look", "Hold a book"], f"{text!r}: {got}")
    if "c000" in text and not text.startswith('"'):
        got = segments(TABLE.replace(",1\n", ",c001\n"), "--classes", "k.txt")
        check(got[0]["annotations"][0]["label"] == "Read or look", f"a label c001: {got}")
refused("--from", "charades", "a.csv", "--classes", write("k.txt", "c000 Hold a book\nc002 Read or look\n"), says=("'c001' is neither an id nor a name in --classes",))
refused("--from", "segments-csv", write("t.csv", TABLE.replace(",1\n", ",run\n")), "--classes", write("k.txt", "id,name\nrun,jump\njump,run\n"), says=("'run' is the id of class 'jump' in --classes, and another class is called so",))
refused("--from", "segments-csv", "t.csv", "--classes", write("k.txt", "c000 Hold a book\nc000 Read\n"), says=("k.txt:",))
AUDIOSET = '# YTID, start_seconds, end_seconds, positive_labels\n--P, 30.000, 40.000, "/m/09x0r,/t/dd00088"\n'
for text in ('index,mid,display_name\n0,/m/09x0r,"Speech, loud"\n7,/t/dd00088,Gush\n', '/m/09x0r\t"Speech, loud"\n/t/dd00088\tGush\n', '0,"Speech, loud",/m/09x0r\n1,Gush,/t/dd00088\n', '[{"id":"/m/09x0r","name":"Speech, loud","child_ids":[]},{"id":"/t/dd00088","name":"Gush"}]'):
    got = records("--from", "audioset", write("e.csv", AUDIOSET), "--classes", write("k.txt", text))
    check([each["label"] for each in got[0]["annotations"]] == ["Speech, loud", "Gush"], f"{text!r}: {got}")
check([each["label"] for each in records("--from", "audioset", "e.csv")[0]["annotations"]] == ["/m/09x0r", "/t/dd00088"], "without --classes the ids stay")
for text, number, wanted in (("noun_id,class_key,nouns\n0,pan,\"['pan']\"\n1,tap,\"['tap']\"\n", 1, "tap"), ("id,key,instances,category\n0,take,\"['take']\",x\n1,put,\"['put']\",y\n", 1, "put"), ("action_id,verb_id,noun_id,action_cls,verb_cls,noun_cls\n0,0,0,open jar,open,jar\n1,0,1,open tap,open,tap\n", 1, "open tap")):
    got = segments(TABLE, "--classes", write("k.txt", text))
    check(got[0]["annotations"][0]["label"] == wanted, f"{text!r}: {got}")

# --durations without a header, blanks between: the number is the last field, whatever blanks the name has.
for text, video, seconds in (("v1 10\nv2 20.5\n", "v1", 10), ("# mine\nMy video  10.5\nv2 20\n", "My video", 10.5), ("video 1 10\nvideo 2 20\n", "video 1", 10), ("\"my 3\" 10\nv2 20\n", "my 3", 10), ("v1 10,5\nv2 20\n", "v1", 10.5), ("v1 1:30\n", "v1", 90), ("a.mp4\t7\nb b.mp4\t8\n", "b b", 8), ("my 3\t10\nv 4\t20\n", "my 3", 10), ("video 1,20\nvideo 2,30\n", "video 1", 20)):
    got = segments(f"video,start,end\n{video},1,2\n", "--durations", write("d.txt", text))
    check((got[0]["video"], got[0]["duration"]) == (video, seconds), f"--durations {text!r}: {got}")
for text, says in (("v1 10 25\nv2 20 30\n", "d.txt:1: 'v1 10 25': is '25' the seconds of the video 'v1 10'?"), ("v1 10,5\nv2 20,5\n", "does the comma separate a video and its seconds, or is it a decimal one?"), ("v1 10\nv1 20\n", "d.txt:2:"), ("v1 0\n", "d.txt:1:"), ("v1 10\nv2 long\n", "d.txt:")):
    refused("--from", "segments-csv", write("t.csv", TABLE), "--durations", write("d.txt", text), says=(says,))

# Addresses: parameters and fragment are none of the name, and %20 is a blank. Of other names they are.
for name, video in (("https://x/v1.mp4?sig=1/2&b", "v1"), ("https://x/watch?v=a1", "watch?v=a1"), ("https://x/clip%201", "clip%201"), ("https://x/a/v%201.mp4", "v 1"), ("s3://bucket/v1.MP4#t=1", "v1"), ("file:///data/v%231.mp4", "v#1"), ("v%201.mp4", "v%201"), ("v#1.mp4", "v#1"), ("what?.mp4", "what?"), ("C://data/v%201.mp4", "v%201")):
    got = segments(f"video,start,end\n{name},1,2\n", "--durations", write("d.csv", f"video,duration\n{name},9\n"))
    check((got[0]["video"], got[0]["duration"]) == (video, 9), f"{name}: {got}")
no_segments("video,start,end\nhttps://x/a/v.mp4?s=1,1,2\nhttps://x/b/v.mp4?s=2,1,2\n", says=("files of one name in different folders",))

# In a table of one column a blank line is a missing value, and not the end of one row; at the end of the file it is nothing.
for head in ("", "x\n"):
    check(rows(head + "1\n2\n3\n\n\n") == [[1], [2], [3]], "blank lines at the end")
    no_rows(head + "1\n\n3\n", says=(f"f.csv:{3 + (head > '')}", "is blank: in a table of one column its value is missing"))
    check(rows(head + "1\n\n3\n", "--non-finite", "interpolate") == [[1], [2], [3]], "a blank line between two values")
check(rows("1;2\n\n3;4\n") == [[1, 2], [3, 4]], "two columns, and a blank line")
refused("--from", "sample-labels", "--rate", "1", write("l.csv", "label\nwalk\n\nrun\n"), says=("l.csv:3: blank: in a table of one column the label is missing",))
no_rows("hello\n", says=("no rows of numbers behind the first line, 'hello'",))
no_rows("hello,world\n", says=("no rows of numbers behind the first line, 'hello', 'world'",))

# A number too small for a double is 0 wherever it stands, as too large a one is refused everywhere.
for number in ("1e-400", "-1e-400"):
    got = detections(f"video,start,end,score\nv1,1,2,{number}\n")
    check(got[0]["proposals"][0]["score"] == 0, f"{number}: {got}")
no_segments("video,start,end,score\nv1,1,2,1e400\n", form="detections-csv", says=("score: '1e400' is not a finite number",))

# EPIC's results: an action beside verb and noun says the same.
EPIC = '{"version":"0.2","challenge":"action_detection","results":{"P1":[{%s"segment":[0,1],"score":0.5}]}}'
for members, label in (('"verb":1,"noun":3,', "1,3"), ('"verb":1,"noun":3,"action":"1,3",', "1,3"), ('"action":"1,3",', "1,3")):
    check(records("--from", "epic-results", "--columns", "label=action", write("e.json", EPIC % members))[0]["proposals"][0]["label"] == label, members)
for members, says in (('"verb":1,"noun":3,"action":"2,3",', "results[0].action: '2,3', but verb and noun are 1 and 3"), ('"verb":1,"noun":3,"action":5,', "results[0].action: must be the classes of verb and noun"), ('"verb":1,"noun":3,"action":"1",', "results[0].action: must be")):
    for words in ((), ("--columns", "label=action")):
        refused("--from", "epic-results", *words, write("e.json", EPIC % members), says=(says,))

# A --split list may name the files of labels, with their folders and ending.
write("P03_cam01_P03_cereals.txt", "a\na\nb\n")
for line in ("./data/groundTruth/P03_cam01_P03_cereals.txt", "P03_cam01_P03_cereals.txt", "P03_cam01_P03_cereals"):
    got = records("--from", "frame-labels", "--fps", "15", "--split", "train=" + write("train.bundle", line + "\n"), "P03_cam01_P03_cereals.txt", silent=True)
    check(got[0].get("subset") == "train", f"{line}: {got}")

finish()
