#!/usr/bin/env python3
# label: bad-input
# cost: 200
# limit: 1200
"""What is wrong with an input is said with its place (tool, source, line, video, field), ends with status 1, and costs no other record.

Three tables: lines that no tool may take, fields that a tool reads, and files and devices. A row of the first two stands between
good records: with --on-error fail what came before is there, with skip what comes behind too, and --rejects holds the bad
line byte for byte, so that records in = records out + rejected.  [NAME...] runs the rows whose names contain one of the words."""
import base64
import gzip
import json
import os
import re
import resource
import signal
import struct
import subprocess
import sys
import tempfile

BINARIES = os.path.abspath(os.environ["TAL_BIN"])
SCRATCH = tempfile.TemporaryDirectory()
os.chdir(SCRATCH.name)
failures, rows, skipped = [], 0, []
SANITIZED = bool(os.environ.get("TAL_SANITIZED"))  # sanitizers take several times the memory: no huge lines
ONLY = sys.argv[1:]


def report(name, faults):
    global rows
    rows += 1
    if faults:
        failures.append(name)
        print("FAILED %s: %s" % (name, "; ".join(faults)))


def wanted(name):
    return not ONLY or any(word in name for word in ONLY)


def save(name, data):
    with open(name, "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())
    return name


def take(name):
    """The file's bytes, and the file is gone; empty when there is none."""
    if not os.path.exists(name):
        return b""
    with open(name, "rb") as file:
        data = file.read()
    os.unlink(name)
    return data


def run(arguments, data=b"", **kwargs):
    """Status, stdout, stderr of tal-<arguments>."""
    done = subprocess.run([os.path.join(BINARIES, "tal-" + arguments[0])] + arguments[1:], input=data, capture_output=True, timeout=300, **kwargs)
    return done.returncode, done.stdout, done.stderr.decode(errors="replace")


def judge(name, got, status, message, lines=None):
    """Every error line begins with the tool's name; a status above 2 or below 0 is a crash whatever the row expects."""
    faults = []
    if got[0] != status:
        faults.append("status %d instead of %d" % (got[0], status))
    if not re.search(message, got[2], re.M):
        faults.append("no message like %r in %r" % (message, got[2][-400:]))
    if any(line and not re.match(r"tal-[a-z]+: |Try 'tal-", line) for line in got[2].split("\n")):
        faults.append("a line on stderr without the tool's name: %r" % got[2][-400:])
    if lines is not None and got[1].count(b"\n") != lines:
        faults.append("%d lines on stdout instead of %d" % (got[1].count(b"\n"), lines))
    report(name, faults)


# --- Records that are good for every tool -----------------------------------------------------------------------------------

CURVE = base64.b64encode(struct.pack("<6f", 0.1, 0.9, 0.8, 0.9, 0.2, 0.1)).decode()


def good(video, **fields):
    stream = {"data": CURVE, "rows": 6, "dim": 1, "stride": 8, "window": 8, "fps": 25}
    record = {"video": video, "duration": 10, "fps": 25, "features": {"c": stream},
              "annotations": [{"segment": [1, 3], "label": "a"}], "proposals": [{"segment": [1, 2.5], "score": 0.5, "label": "a"}]}
    record.update(fields)
    return json.dumps({k: v for k, v in record.items() if v is not None}).encode()


# tool -> arguments; stages write a line for each record, consumers one report (nothing of it after a fault).
STAGES = {
    "nms": ["nms", "--method", "greedy"],
    "nms-bsn": ["nms", "--preset", "bsn"],
    "propose": ["propose", "--method", "grouping", "--stream", "c"],
    "synth": ["synth", "features", "--inline", "--dim", "2"],
    "convert": ["convert", "--from", "tal"],
}
CONSUMERS = {
    "eval": ["eval", "--tiou", "0.5"],
    "plot": ["plot", "timeline"],
    "convert-csv": ["convert", "--from", "tal", "--to", "csv"],
}


def between_good_records(name, tool, bad, message, video):
    """`bad` as line 2 of 3, with --on-error fail and skip, one job and several."""
    if not wanted(name):
        return
    data = good("before") + b"\n" + bad + b"\n" + good("after") + b"\n"
    place = r"^tal-%s: error: stdin:2: " % (STAGES.get(tool) or CONSUMERS[tool])[0]
    place += ("video '%s': " % video if video else "") + message
    stage = tool in STAGES
    arguments = STAGES.get(tool) or CONSUMERS[tool]
    for jobs in ("1", "3") if tool == "nms" else ("1",):
        got = run(arguments + ["-j", jobs], data)
        judge("%s, fail, -j %s" % (name, jobs), got, 1, place, 1 if stage else None)
    for jobs in ("1", "3") if tool == "nms" else ("3",):
        got = run(arguments + ["-j", jobs, "--on-error", "skip", "--rejects", "rejects"], data)
        judge("%s, skip, -j %s" % (name, jobs), got, 1, place, 2 if stage else None)
        rejects = take("rejects")
        if rejects != bad + b"\n":
            report(name + ", rejects", ["--rejects holds %r" % rejects[:300]])


# --- 1. Lines that no tool may take -------------------------------------------------------------------------------------------

LINES = [  # name, line, message, whether the video is known
    ("cut in an object", b'{"video":"v","duration":10', "not valid JSON: the line does not end with the record's '}'", False),
    ("cut in a list", b'{"video":"v","proposals":[{"segment":[1,2]', "not valid JSON", False),
    ("cut in a string", b'{"video":"v","subset":"tr', "not valid JSON: a string is not closed", False),
    ("cut behind a key", b'{"video":"v","duration":}', "duration: '}' is not a value of JSON", True),
    ("words", b"hello world", "not a JSON object but 'hello world'", False),
    ("a list", b'[{"video":"v"}]', "not a JSON object but", False),
    ("a number", b"17", "not a JSON object but '17'", False),
    ("a string", b'"v"', "not a JSON object but", False),
    ("null", b"null", "not a JSON object but 'null'", False),
    ("two objects", b'{"video":"v"} {"video":"w"}', "not valid JSON", None),
    ("something behind", b'{"video":"v"},', "not valid JSON: something follows the value: a comma behind an object alone", None),
    ("a comma too many", b'{"video":"v","duration":10,}', "not valid JSON", None),
    ("no colon", b'{"video" "v"}', "not valid JSON", False),
    ("single quotes", b"{'video':'v'}", "not valid JSON", False),
    ("bad UTF-8 in a value", b'{"video":"v","subset":"\xff\xfe"}', "not valid UTF-8", False),
    ("bad UTF-8 in the id", b'{"video":"\xc3\x28"}', "not valid UTF-8", False),
    ("an overlong UTF-8 form", b'{"video":"\xc0\xaf"}', "not valid UTF-8", False),
    ("a UTF-8 surrogate", b'{"video":"\xed\xa0\x80"}', "not valid UTF-8", False),
    ("half a surrogate pair in the id", b'{"video":"\\ud800"}', "video: must be a string|not valid JSON", False),
    ("NUL in a string", b'{"video":"v","subset":"a\0b"}', "not valid JSON", None),
    ("NUL between fields", b'{"video":"v",\0"duration":10}', "not valid JSON", None),
    ("only a NUL", b"\0", "not a JSON object", False),
    ("a raw tab in a string", b'{"video":"v","subset":"a\tb"}', "not valid JSON", None),
    ("no id", b'{"duration":10,"proposals":[]}', "video: missing", False),
    ("an empty object", b"{}", "video: missing", False),
    ("an empty id", b'{"video":"","proposals":[]}', "video: must not be empty", False),
    ("a number as id", b'{"video":7,"proposals":[]}', "video: must be a string", False),
    ("null as id", b'{"video":null,"proposals":[]}', "video: must be a string", False),
    ("a list as id", b'{"video":["v"],"proposals":[]}', "video: must be a string", False),
    ("a key twice", b'{"video":"v","duration":10,"duration":11}', "duration: the key stands twice in the record", True),
    ("the id twice", b'{"video":"v","video":"w"}', "video: the key stands twice in the record", True),
    ("a key twice, escaped once", b'{"video":"v","durat\\u0069on":10,"duration":11}', "duration: the key stands twice", True),
    ("nested too deep and cut", b'{"video":"v","x":' + b"[" * 100000 + b"}", "not valid JSON|x: not valid JSON", None),
    ("NaN in a field of others", b'{"video":"v","x":NaN}', "x: 'NaN' is not a value of JSON", True),
    ("Infinity in a field of others", b'{"video":"v","x":-Infinity}', "x: '-Infinity' is not a value of JSON", True),
    ("a word in a field of others", b'{"video":"v","x":tru}', "x: 'tru' is not a value of JSON", True),
    ("a number cut in a field of others", b'{"video":"v","x":1.}', "x: '1.' is not a value of JSON", True),
    ("gzip in the middle", gzip.compress(b'{"video":"v"}', mtime=0).replace(b"\n", b" "), "not ", False),
]
for name, line, message, known in LINES:
    for tool in ("nms", "propose", "synth", "convert", "eval", "plot", "convert-csv"):
        # known None: the fault may be found before or after the id
        between_good_records("%s: %s" % (tool, name), tool, line, message if known is not None else "(video 'v': )?" + message, "v" if known else None)

# --- 2. Fields that a tool reads ----------------------------------------------------------------------------------------------

SEGMENTS = [
    ("reversed", "[4.0,2.1]", "segment: end 2.1 is not after start 4.0"),
    ("NaN", "[1,NaN]", "segment: 'NaN' is not a finite number"),
    ("Infinity", "[-Infinity,1]", "segment: '-Infinity' is not a finite number"),
    ("1e999", "[1,1e999]", "segment: '1e999' is not a finite number"),
    ("-1e999", "[-1e999,1]", "segment: '-1e999' is not a finite number"),
    ("one number", "[1]", r"segment: must have two numbers, \[start, end\]"),
    ("no number", "[]", "segment: must have two numbers"),
    ("three numbers", "[1,2,3]", "segment: must have two numbers"),
    ("texts", '["1","2"]', "segment: '\"1\"' is not a finite number"),
    ("null", "[null,2]", "segment: 'null' is not a finite number"),
    ("an object", '{"start":1,"end":2}', r"segment: must be \[start, end\]"),
    ("a number", "5", r"segment: must be \[start, end\], not '5'"),
    ("hexadecimal", "[0x1,2]", "segment: "),
    ("a leading zero", "[01,2]", "segment: "),
    ("a plus sign", "[+1,2]", "segment: "),
    ("nested", "[[1,2]]", "segment: "),
]
for name, segment, message in SEGMENTS:
    line = '{"video":"v","duration":10,"proposals":[{"segment":[0,1],"score":1},{"segment":%s,"score":0.5,"label":"a"}]}' % segment
    for tool in ("nms", "eval", "plot", "convert-csv"):
        between_good_records("%s: proposal segment: %s" % (tool, name), tool, line.encode(), r"proposals\[1\]\." + message, "v")
    line = '{"video":"v","duration":10,"proposals":[],"annotations":[{"segment":%s,"label":"a"}]}' % segment
    for tool in ("eval", "synth", "plot"):
        between_good_records("%s: annotation segment: %s" % (tool, name), tool, line.encode(), r"annotations\[0\]\." + message, "v")

PROPOSALS = [  # value of "proposals", field and message
    ("an object", "{}", "proposals: must be a list"),
    ("null", "null", "proposals: must be a list"),
    ("a text", '"none"', "proposals: must be a list"),
    ("a list of lists", "[[1,2,0.5]]", r"proposals\[0\]: must be an object"),
    ("a hole", '[{"segment":[0,1],"score":1},null]', r"proposals\[1\]: must be an object"),
    ("no segment", '[{"score":1}]', r"proposals\[0\]\.segment: missing"),
    ("score a text", '[{"segment":[0,1],"score":"high"}]', r"proposals\[0\]\.score: '\"high\"' is not a finite number"),
    ("score null", '[{"segment":[0,1],"score":null}]', r"proposals\[0\]\.score: 'null' is not a finite number"),
    ("score NaN", '[{"segment":[0,1],"score":NaN}]', r"proposals\[0\]\.score: 'NaN' is not a finite number"),
    ("score 1e999", '[{"segment":[0,1],"score":1e999}]', r"proposals\[0\]\.score: '1e999' is not a finite number"),
    ("score a list", '[{"segment":[0,1],"score":[1]}]', r"proposals\[0\]\.score: "),
    ("label a number", '[{"segment":[0,1],"score":1,"label":7}]', r"proposals\[0\]\.label: must be a string"),
    ("label null", '[{"segment":[0,1],"score":1,"label":null}]', r"proposals\[0\]\.label: must be a string"),
    ("label a list", '[{"segment":[0,1],"score":1,"label":["a"]}]', r"proposals\[0\]\.label: must be a string"),
    ("nested 100,000 deep", "[" * 100000 + "]" * 100000, r"proposals\[0\]: "),
    ("no comma", '[{"segment":[0,1] "score":1}]', "proposals"),
]
for name, value, message in PROPOSALS:
    for tool in ("nms", "eval", "plot", "convert-csv"):
        between_good_records("%s: proposals: %s" % (tool, name), tool, ('{"video":"v","duration":10,"proposals":%s}' % value).encode(), message, "v")
between_good_records("nms: no proposals", "nms", good("v", proposals=None), "proposals: missing; this step needs proposals", "v")

ANNOTATIONS = [
    ("an object", "{}", "annotations: must be a list"),
    ("null", "null", "annotations: must be a list"),
    ("a number in it", "[3]", r"annotations\[0\]: must be an object"),
    ("no segment", '[{"label":"a"}]', r"annotations\[0\]\.segment: missing"),
    ("label a number", '[{"segment":[0,1],"label":7}]', r"annotations\[0\]\.label: must be a string"),
]
for name, value, message in ANNOTATIONS:
    for tool in ("eval", "synth", "plot"):
        between_good_records("%s: annotations: %s" % (tool, name), tool, ('{"video":"v","duration":10,"annotations":%s}' % value).encode(), message, "v")

for name, value, message in [
        ("a text", '"10"', "duration: "), ("null", "null", "duration: 'null' is not a finite number"), ("zero", "0", "duration: must be positive, not 0"),
        ("negative", "-3", "duration: must be positive, not -3"), ("NaN", "NaN", "duration: 'NaN' is not a value of JSON"),
        ("1e999", "1e999", "duration: '1e999' is not a value of JSON"), ("a list", "[10]", "duration: ")]:
    for tool in ("nms-bsn", "synth", "eval"):
        between_good_records("%s: duration: %s" % (tool, name), tool, ('{"video":"v","duration":%s,"proposals":[],"annotations":[]}' % value).encode(), message, "v")
between_good_records("nms-bsn: no duration", "nms-bsn", good("v", duration=None), "duration: missing", "v")
between_good_records("eval: subset a number", "eval", good("v", subset=3), "subset: must be a string", "v")
between_good_records("eval: a window of a live stream", "eval", good("v", window={"index": 0, "start": 0, "end": 5, "final": True}), "window: ", "v")
between_good_records("eval: a video twice", "eval", good("before"), "video: the video stands twice in the stream", "before")
for name, value in (("zero", 0), ("negative", -25), ("a text", "25"), ("a zero denominator", [25, 0]), ("one number in a list", [25]), ("three numbers", [25, 1, 1])):
    between_good_records("eval: fps: " + name, "eval", good("v", fps=value), "fps: ", "v")
between_good_records("convert: history an object", "convert", good("v", history={}), "history: must be a list", "v")
between_good_records("nms: history a text", "nms", good("v", history="mine"), "history: must be a list", "v")


def npy(descr="'<f4'", order="False", shape="(6, 1)", data=struct.pack("<6f", *[0.5] * 6), version=b"\x01\x00", header=None):
    text = (header if header is not None else "{'descr': %s, 'fortran_order': %s, 'shape': %s, }" % (descr, order, shape)).encode() + b"\n"
    size = struct.pack("<H", len(text)) if version[0] == 1 else struct.pack("<I", len(text))
    return b"\x93NUMPY" + version + size + text + data


NPY = [  # name, bytes, message
    ("empty", b"", "not an .npy file"),
    ("text", b"0.1 0.2 0.3\n", "not an .npy file"),
    ("only the magic", b"\x93NUMPY", "not an .npy file"),
    ("version 9", npy(version=b"\x09\x00"), "version 9 is not known"),
    ("header cut", npy()[:40], "header is cut off"),
    ("header longer than the file", b"\x93NUMPY\x01\x00\xff\xff{}", "header is cut off"),
    ("version 2, header longer than the file", b"\x93NUMPY\x02\x00\xff\xff\xff\x7f{}", "header is cut off"),
    ("version 2, cut in the length", b"\x93NUMPY\x02\x00\x01\x00", "cut off"),
    ("no dict", npy(header=""), "not a dict of descr, fortran_order and shape"),
    ("no descr", npy(header="{'fortran_order': False, 'shape': (6, 1), }"), "the .npy header has no descr"),
    ("objects", npy(descr="'|O'"), "pickled Python objects"),
    ("complex", npy(descr="'<c8'"), "holds complex numbers, not numbers that are read"),
    ("structured", npy(descr="[('a', '<f4')]"), "records of several fields"),
    ("texts", npy(descr="'<U4'"), "holds text, not numbers"),
    ("no order", npy(header="{'descr': '<f4', 'shape': (6, 1), }"), "no fortran_order"),
    ("no shape", npy(header="{'descr': '<f4', 'fortran_order': False, }"), "no shape"),
    ("shape not closed", npy(shape="(6, 1"), "not a dict of descr, fortran_order and shape"),
    ("shape a word", npy(shape="(six, 1)"), "six"),
    ("negative shape", npy(shape="(-6, 1)"), "shape is not possible"),
    ("a shape that overflows", npy(shape="(4294967296, 4294967296)"), "shape is not possible"),
    ("a shape whose bytes overflow", npy(shape="(%d, 1)" % (1 << 62)), "shape is not possible|cut off"),
    ("a number that overflows", npy(shape="(99999999999999999999, 1)"), "99999999999999999999"),
    ("data cut", npy()[:-1], "cut off: 24 bytes of data promised, 23 there"),
    ("scalar", npy(shape="()"), "0 dimensions"),
    ("no columns", npy(descr="'<f8'", shape="(281474976710656, 0)", data=b""), "the array has rows, but no columns"),
    ("three dimensions", npy(shape="(6, 1, 1)"), "3 dimensions"),
    ("NaN inside", npy(data=struct.pack("<6f", 0, 0, float("nan"), 0, 0, 0)), "row 2, column 0 is not finite"),
    ("infinity inside", npy(data=struct.pack("<6f", 0, 0, 0, 0, 0, float("inf"))), "row 5, column 0 is not finite"),
    ("too many columns", npy(shape="(3, 2)"), "the record says 6, the data have 3|the record says 1, the data have 2"),
    ("too few rows", npy(shape="(5, 1)"), "the record says 6, the data have 5"),
]
for name, data, message in NPY:
    save("bad.npy", data)
    stream = {"path": "bad.npy", "rows": 6, "dim": 1, "stride": 8, "window": 8, "fps": 25}
    between_good_records("propose: npy: " + name, "propose", good("v", features={"c": stream}), r"features\.c(\.(rows|dim))?: .*(%s)" % message, "v")
for name, data in (("fortran order", npy(order="True")), ("big endian", npy(descr="'>f4'", data=struct.pack(">6f", *[0.5] * 6))),
                   ("float64", npy(descr="'<f8'", data=struct.pack("<6d", *[0.5] * 6))), ("one dimension", npy(shape="(6,)"))):
    save("good.npy", data)
    stream = {"path": "good.npy", "rows": 6, "dim": 1, "stride": 8, "window": 8, "fps": 25}
    if wanted("npy, good"):
        judge("propose: npy, good: " + name, run(STAGES["propose"], good("v", features={"c": stream}) + b"\n"), 0, "^$", 1)

os.mkdir("folder.npy")
save("plain.csv", "1,2\n")
STREAMS = [  # changes to a good stream (None: the member is left out), message
    ("path missing", {"path": "none.npy", "data": None}, r"features\.c: 'none.npy': No such file"),
    ("path a folder", {"path": "folder.npy", "data": None}, r"features\.c: 'folder.npy': not a regular file"),
    ("path of another format", {"path": "plain.csv", "data": None}, r"features\.c: 'plain.csv': not an .npy file"),
    ("path a number", {"path": 3, "data": None}, r"features\.c\.path: must be a string"),
    ("neither path nor data", {"data": None}, r"features\.c: needs path or data"),
    ("not base64", {"data": "%%%%"}, r"features\.c: the inline data are not base64"),
    ("base64 cut", {"data": CURVE[:-3]}, r"features\.c: "),
    ("data too short", {"data": CURVE[:16]}, r"features\.c: rows x dim needs 24 bytes, the inline data have 12"),
    ("data a list", {"data": [0.1, 0.2]}, r"features\.c\.data: must be a string"),
    ("NaN in the data", {"data": base64.b64encode(struct.pack("<6f", 0, float("nan"), 0, 0, 0, 0)).decode()}, r"features\.c: row 1, column 0 is not finite"),
    ("unknown dtype", {"dtype": "int8"}, r"features\.c\.dtype: 'int8' is not float32 or float16"),
    ("dtype a number", {"dtype": 32}, r"features\.c\.dtype: must be a string"),
    ("rows missing", {"rows": None}, r"features\.c: inline data need rows and dim"),
    ("rows negative", {"rows": -6}, r"features\.c\.rows: must be a whole number"),
    ("rows a fraction", {"rows": 5.5}, r"features\.c\.rows: must be a whole number"),
    ("rows a text", {"rows": "6"}, r"features\.c\.rows: '\"6\"' is not a finite number"),
    ("rows 1e30", {"rows": 1e30}, r"features\.c\.rows: must be a whole number"),
    ("dim wrong", {"dim": 2}, r"features\.c: rows x dim needs 48 bytes"),
    ("dim zero", {"dim": 0}, r"features\.c"),
    ("dim null", {"dim": 17, "rows": 10 ** 11}, r"features\.c: rows x dim needs"),
    ("stride a text", {"stride": "8"}, r"features\.c\.stride: "),
    ("stride missing", {"stride": None}, r"features\.c(\.stride)?: "),
    ("stride zero", {"stride": 0}, r"features\.c(\.stride)?: "),
    ("stride negative", {"stride": -8}, r"features\.c(\.stride)?: "),
    ("window a text", {"window": "8"}, r"features\.c\.window: "),
    ("fps zero", {"fps": 0}, r"features\.c\.fps: must be a positive rate"),
    ("fps a zero denominator", {"fps": [25, 0]}, r"features\.c\.fps: must be a positive rate"),
    ("fps a text", {"fps": "25"}, r"features\.c\.fps: "),
    ("offset a text", {"offset": "0"}, r"features\.c\.offset: "),
    ("classes a text", {"classes": "a"}, r"features\.c\.classes: must be a list"),
    ("classes numbers", {"classes": [1]}, r"features\.c\.classes: must be strings"),
    ("too many classes", {"classes": ["a", "b"]}, r"features\.c\.classes: "),
]
for name, change, message in STREAMS:
    stream = {"data": CURVE, "rows": 6, "dim": 1, "stride": 8, "window": 8, "fps": 25}
    stream.update(change)
    stream = {k: v for k, v in stream.items() if v is not None}
    between_good_records("propose: stream: " + name, "propose", good("v", features={"c": stream}), message, "v")
for name, value, message in (("a list", [], "features: must be an object of streams"), ("stream a text", {"c": "x"}, r"features\.c: must be an object"),
                             ("no stream", {}, "features: missing"), ("another stream", {"d": {"data": CURVE, "rows": 6, "dim": 1}}, "features: no stream 'c'; there are: d")):
    between_good_records("propose: features: " + name, "propose", good("v", features=value), message, "v")

between_good_records("nms-bsn: a negative score", "nms-bsn", good("v", proposals=[{"segment": [1, 2], "score": -5}]), r"proposals\[0\]\.score: -5 is negative; the rule 'bsn'", "v")
for tool in ("nms", "nms-bsn", "eval"):
    between_good_records(tool + ": no score", tool, good("v", proposals=[{"segment": [1, 2], "score": 1}, {"segment": [1, 2]}]), r"proposals\[1\]\.score: missing", "v")

# --- What must pass -----------------------------------------------------------------------------------------------------------

record = good("v")
for name, data, lines in [
        ("empty input", b"", 0), ("blank lines", b"\n\n  \n" + record + b"\n\n", 1), ("no newline at the end", record, 1),
        ("CRLF", record + b"\r\n" + good("w") + b"\r\n", 2), ("a byte-order mark", b"\xef\xbb\xbf" + record + b"\n", 1),
        ("negative times", good("v", proposals=[{"segment": [-5, -1], "score": 0.5, "label": "a"}]) + b"\n", 1),
        ("segments of length zero", good("v", proposals=[{"segment": [1, 1], "score": 0.5, "label": "a"}]) + b"\n", 1),
        ("a negative score", good("v", proposals=[{"segment": [1, 2], "score": -5, "label": "a"}]) + b"\n", 1),
        ("a line of 64 MiB", b'{"video":"v","x":"' + b"a" * (64 << 20) + b'","proposals":[],"annotations":[],' + record[len(b'{"video": "v", '):record.index(b', "annotations"')] + b"}\n", 1),
        ("numbers as they were", record.replace(b'"duration": 10', b'"duration": 1.0e1') + b"\n", 1)]:
    for tool in STAGES:
        if wanted(tool + ": passes: " + name) and (name, tool) != ("a negative score", "nms-bsn"):  # whose factors would raise it
            judge("%s: passes: %s" % (tool, name), run(STAGES[tool], data), 0, "^$", lines)

# --- 3. Files and devices -----------------------------------------------------------------------------------------------------

save("good.jsonl", good("a") + b"\n" + good("b") + b"\n")
save("good.jsonl.gz", gzip.compress(good("a") + b"\n"))
os.mkdir("folder")
ALL = dict(STAGES, **CONSUMERS, check=["check"])
for tool, arguments in ALL.items():
    program = arguments[0]

    def file_row(name, extra, status, message, data=b"", lines=None):
        if wanted("%s: %s" % (tool, name)):
            judge("%s: %s" % (tool, name), run(arguments + extra, data), status, message, lines)

    file_row("missing file", ["-i", "none.jsonl"], 1, r"^tal-%s: error: none.jsonl: No such file or directory$" % program)
    if tool != "check":  # which looks through folders
        file_row("directory", ["-i", "folder"], 1, r"^tal-%s: error: folder: is a directory" % program)
    file_row("gzip file", ["-i", "good.jsonl.gz"], 1, r"^tal-%s: error: good.jsonl.gz: is compressed with gzip: pipe it through zcat" % program)
    file_row("gzip on stdin", [], 1, r"^tal-%s: error: stdin: is compressed with gzip" % program, gzip.compress(good("a")))
    file_row("output into a missing folder", ["-o", "nowhere/out.svg"], 1, r"^tal-%s: error: .*nowhere/out.svg.*No such file" % program, good("a") + b"\n")
    file_row("output onto a folder", ["-o", "folder"] + (["--format", "svg"] if tool == "plot" else []), 1, r"^tal-%s: error: .*folder.*" % program, good("a") + b"\n")
    if tool == "check":
        file_row("rejects", ["--on-error", "skip", "--rejects", "r"], 2, "--on-error has no effect without --replay")
    else:
        file_row("rejects into a missing folder", ["--on-error", "skip", "--rejects", "nowhere/r"], 1, r"^tal-%s: error: .*nowhere/r" % program, good("a") + b"\nbroken\n" + good("b") + b"\n")
    if wanted(tool + ": /dev/full"):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([os.path.join(BINARIES, "tal-" + program)] + arguments[1:], input=good("a") + b"\n", stdout=full, stderr=subprocess.PIPE)
        judge(tool + ": /dev/full", (done.returncode, b"", done.stderr.decode()), 1, r"^tal-%s: error: cannot write stdout: No space left on device" % program)
    if wanted(tool + ": closed stdout"):
        shell = "exec tal-%s >&-" % " ".join(arguments)
        done = subprocess.run(["sh", "-c", shell], input=good("a") + b"\n", capture_output=True, env=dict(os.environ, PATH=BINARIES + ":" + os.environ["PATH"]))
        judge(tool + ": closed stdout", (done.returncode, b"", done.stderr.decode()), 1, r"^tal-%s: error: stdout is closed" % program)
    if wanted(tool + ": closed stdin"):
        shell = "exec tal-%s <&-" % " ".join(arguments)
        done = subprocess.run(["sh", "-c", shell], capture_output=True, env=dict(os.environ, PATH=BINARIES + ":" + os.environ["PATH"]))
        judge(tool + ": closed stdin", (done.returncode, b"", done.stderr.decode()), 1, r"^tal-%s: error: stdin: Bad file descriptor" % program)
    if wanted(tool + ": closed pipe") and tool in STAGES:
        many = b"".join(good("v%d" % i) + b"\n" for i in range(5000))
        process = subprocess.Popen([os.path.join(BINARIES, "tal-" + program)] + arguments[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        reader = os.fdopen(os.dup(process.stdout.fileno()), "rb")
        process.stdout.close()
        pid = os.fork()
        if pid == 0:  # feeds, so that nobody waits for anybody
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            reader.close()
            process.stdin.write(many)
            process.stdin.close()
            os._exit(0)
        process.stdin.close()
        reader.readline()
        reader.close()
        text = process.stderr.read().decode()
        status = process.wait(60)
        os.waitpid(pid, 0)
        judge(tool + ": closed pipe", (status, b"", text), 0, "^$")
    if wanted(tool + ": unreadable file"):
        if os.geteuid() == 0:
            skipped.append(tool + ": unreadable file (root reads everything)")
        else:
            os.chmod(save("locked.jsonl", good("a")), 0)
            file_row("unreadable file", ["-i", "locked.jsonl"], 1, r"^tal-%s: error: locked.jsonl: Permission denied" % program)

# A half-written file never appears, and an old one stays.
if wanted("half-written"):
    save("old.jsonl", "old\n")
    got = run(STAGES["nms"] + ["-o", "old.jsonl"], good("a") + b"\nbroken\n")
    with open("old.jsonl") as file:
        left = file.read()
    judge("nms: half-written", got, 1, "stdin:2: not a JSON object")
    report("nms: half-written, the old file", [] if left == "old\n" and not [n for n in os.listdir(".") if ".tmp-" in n] else ["is %r, folder %r" % (left, os.listdir("."))])

# --max-errors counts and stops; a bound of 2 leaves what stood before the second bad record.
if wanted("max-errors"):
    data = b"\n".join([good("a"), b"x", good("b"), b"y", good("c"), b"z"]) + b"\n"
    judge("nms: max-errors", run(STAGES["nms"] + ["--on-error", "skip", "--max-errors", "2"], data), 1, r"stopped after 2 bad records \(--max-errors\)", 2)
    judge("nms: more errors than bad records", run(STAGES["nms"] + ["--on-error", "skip", "--max-errors", "9"], data), 1, "3 bad records left out", 3)

# Rejects hold the line byte for byte, carriage return and spaces included.
if wanted("byte for byte"):
    lines = [good("a"), b'  {"video":"v" , "proposals":[ {"segment":[2,1]} ]}\t \r', b"\xff\xfe", b'{"video":"v","proposals":7}\r', good("b") + b"\r", b"\0\0"]
    got = run(STAGES["nms"] + ["--on-error", "skip", "--rejects", "rejects"], b"\n".join(lines) + b"\n")
    rejects = take("rejects")
    judge("nms: rejects byte for byte", got, 1, "4 bad records left out", 2)
    report("nms: rejects byte for byte, the file", [] if rejects == b"\n".join([lines[1], lines[2], lines[3], lines[5]]) + b"\n" else [repr(rejects)])

# Random damage, always the same: nothing crashes, and every line comes out or is rejected.
if wanted("no lost record"):
    import random
    random.seed(5)
    for tool in STAGES:
        lines = []
        for i in range(300):
            line = bytearray(good("v%d" % i))
            for _ in range(random.choice((0, 0, 1, 1, 3))):
                at = random.randrange(len(line))
                kind = random.randrange(3)
                if kind == 0:
                    line[at] = random.randrange(256)
                elif kind == 1:
                    del line[at:at + random.randrange(1, 9)]
                else:
                    line[at:at] = random.choice((b"\\", b'"', b"[", b"}", b"1e999", b"\0", b"NaN", b"\xf0"))
            lines.append(bytes(line).replace(b"\n", b" ").strip() or b"x")
        data = b"\n".join(lines) + b"\n"
        for jobs in ("1", "3"):
            got = run(STAGES[tool] + ["--on-error", "skip", "--rejects", "rejects", "-j", jobs], data)
            rejects = take("rejects").split(b"\n")[:-1]
            faults = []
            if got[1].count(b"\n") + len(rejects) != len(lines):
                faults.append("%d in, %d out, %d rejected" % (len(lines), got[1].count(b"\n"), len(rejects)))
            if not set(rejects) <= set(lines):
                faults.append("rejected lines are not those of the input")
            if got[0] != 1 or len(rejects) < 50:
                faults.append("status %d, %d rejected" % (got[0], len(rejects)))
            report("%s: no lost record, -j %s" % (tool, jobs), faults)

# A line of more than 1 GiB, made on the way: the tool stops with its place, and what came before is there.
if SANITIZED:
    skipped.append("nms: a line of more than 1 GiB (sanitizer build)")
elif wanted("1 GiB"):
    process = subprocess.Popen([os.path.join(BINARIES, "tal-nms"), "--method", "greedy"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    block = b"a" * (1 << 20)
    try:
        process.stdin.write(good("a") + b'\n{"video":"v","x":"')
        for _ in range(1026):
            process.stdin.write(block)
        process.stdin.write(b'"}\n' + good("b") + b"\n")
        process.stdin.close()
    except BrokenPipeError:
        process.stdin = None
    out, err = process.stdout.read(), process.stderr.read().decode()
    judge("nms: a line of more than 1 GiB", (process.wait(60), out, err), 1, r"^tal-nms: error: stdin:2: the line is longer than 1 GiB$", 1)

# --- 4. Other formats ---------------------------------------------------------------------------------------------------------

MORE = [  # name, arguments, input, status, message
    ("convert: activitynet-gt: cut", ["convert", "--from", "activitynet-gt"], b'{"database":{"a":{"duration":3', 1, "stdin:1: "),
    ("convert: activitynet-gt: a list", ["convert", "--from", "activitynet-gt"], b"[]", 1, "stdin(:1)?: "),
    ("convert: activitynet-gt: no database", ["convert", "--from", "activitynet-gt"], b'{"version":"1.3"}', 1, "stdin:1: video 'version': "),
    ("convert: activitynet-gt: deep nesting", ["convert", "--from", "activitynet-gt"], b'{"database":{"a":' + b"[" * 100000 + b"]" * 100000 + b"}}", 1, "stdin(:1)?: "),
    ("convert: activitynet-gt: reversed", ["convert", "--from", "activitynet-gt"],
     b'{"database":{"a":{"duration":3,"annotations":[{"segment":[2,1],"label":"x"}]}}}', 1, r"video 'a': annotations\[0\]\.segment: "),
    ("convert: activitynet-gt: duration a text", ["convert", "--from", "activitynet-gt"], b'{"database":{"a":{"duration":"long","annotations":[]}}}', 1, "video 'a': duration: "),
    ("convert: activitynet-gt: bad UTF-8", ["convert", "--from", "activitynet-gt"], b'{"database":{"\xff":{}}}', 1, "stdin:1: not valid"),
    ("convert: activitynet-results: score a text", ["convert", "--from", "activitynet-results"],
     b'{"results":{"a":[{"segment":[1,2],"score":"x","label":"l"}]}}', 1, r"video 'a': (proposals|results)?\[?0\]?\.?.*score"),
    ("convert: activitynet-results: 1e999", ["convert", "--from", "activitynet-results"],
     b'{"results":{"a":[{"segment":[1,1e999],"score":1,"label":"l"}]}}', 1, "."),
    ("convert: activitynet-results: empty", ["convert", "--from", "activitynet-results"], b"", 1, "stdin"),
    ("convert: thumos14-results: three words", ["convert", "--from", "thumos14-results"], b"v 1 2 7 0.5\nv 1 2\n", 1, "stdin:2: video 'v': must be"),
    ("convert: thumos14-results: reversed", ["convert", "--from", "thumos14-results"], b"v 2 1 7 0.5\n", 1, "stdin:1: video 'v': segment: end 1 is before start 2"),
    ("convert: thumos14-results: nan", ["convert", "--from", "thumos14-results"], b"v 1 nan 7 0.5\n", 1, "stdin:1: video 'v': .*nan"),
    ("convert: thumos14-results: a class that is no number", ["convert", "--from", "thumos14-results"], b"v 1 2 jump 0.5\n", 1, "stdin:1: video 'v': .*jump"),
    ("convert: thumos14-results: NUL", ["convert", "--from", "thumos14-results"], b"v\0 1 2 7 0.5\n", 1, "stdin:1: "),
    ("convert: segments-csv: no header", ["convert", "--from", "segments-csv"], b"v,1,2\n", 1, "stdin(:1)?: "),
    ("convert: segments-csv: a quote not closed", ["convert", "--from", "segments-csv"], b'video,start,end\n"v,1,2\n', 1, "stdin:[12]: "),
    ("convert: segments-csv: a field too few", ["convert", "--from", "segments-csv"], b"video,start,end\nv,1\n", 1, "stdin:2: "),
    ("convert: segments-csv: a word", ["convert", "--from", "segments-csv"], b"video,start,end\nv,one,2\n", 1, "stdin:2: video 'v': .*one"),
    ("convert: ssn-proposals: cut", ["convert", "--from", "ssn-proposals", "--unit-duration"], b"# 0\nv\n100\n1\n2\n1 0.1 0.5\n", 1, "stdin:[0-9]+: "),
    ("convert: broken gzip", ["convert", "--from", "thumos14-results"], gzip.compress(b"v 1 2 7 0.5\n" * 100)[:-20], 1, "stdin.*(gzip|cut|compress)"),
    ("convert: scnn-mat: text", ["convert", "--from", "scnn-mat"], b"not a matrix file" * 20, 1, "stdin: |stdin"),
    ("convert: missing file", ["convert", "--from", "thumos14-results", "none.txt"], b"", 1, "none.txt.*No such file"),
    ("convert: missing durations", ["convert", "--from", "thumos14-results", "--durations", "none.csv"], b"v 1 2 7 0.5\n", 1, "none.csv.*No such file"),
    ("eval: ground truth broken", ["eval", "--gt", save("gt_bad.jsonl", good("a") + b"\n{\n")], good("a") + b"\n", 1, "gt_bad.jsonl:2: not valid JSON"),
    ("eval: ground truth a video twice", ["eval", "--gt", save("gt_twice.jsonl", good("a") + b"\n" + good("a") + b"\n")], good("a") + b"\n", 1, "gt_twice.jsonl:2: video 'a'"),
    ("eval: ground truth empty", ["eval", "--gt", save("gt_empty.jsonl", b"")], good("a") + b"\n", 1, "empty"),
    ("eval: no input, no ground truth", ["eval"], b"", 1, "empty"),
    ("eval: exclude file missing", ["eval", "--exclude", "none.txt"], good("a") + b"\n", 1, "none.txt.*No such file"),
    ("plot: curves: not JSON", ["plot", "curves", save("curves.json", b"{an:1}")], b"", 1, "curves.json.*JSON"),
    ("plot: curves: other JSON", ["plot", "curves", save("other.json", b'{"a":1}\n')], b"", 1, "other.json"),
    ("plot: curves: texts", ["plot", "curves", save("texts.json", b'{"an":["a"],"ar":["b"]}\n')], b"", 1, "texts.json"),
    ("plot: curves: lengths differ", ["plot", "curves", save("lengths.json", b'{"an":[1,2],"ar":[0.5]}\n')], b"", 1, "lengths.json"),
    ("plot: no record", ["plot", "timeline"], b"", 0, "^$"),
    ("plot: heatmap: maps a text", ["plot", "heatmap"], good("v", maps="x") + b"\n", 1, "stdin:1: video 'v': maps"),
    ("check: features: text", ["check", "--kind", "features", "-i", save("t.npy", "text")], b"", 1, "^$"),
    ("check: features: missing", ["check", "--kind", "features", "-i", "none.npy"], b"", 1, ""),
    ("check: model: text", ["check", "--kind", "model", "-i", save("t.safetensors", "text")], b"", 1, "^$"),
    ("check: model: header of 2^63 bytes", ["check", "--kind", "model", "-i", save("h.safetensors", struct.pack("<Q", 1 << 63) + b"{}")], b"", 1, "^$"),
    ("check: a stage that crashes", ["check", "--timeout", "1", "--stage", "kill -SEGV $$"], b"", 1, "^$"),
    ("check: a stage that is missing", ["check", "--timeout", "1", "--stage", "no-such-program"], b"", 1, ""),
    ("config: a list", ["nms", "--config", save("list.json", "[]")], b"", 2, "list.json: must be one JSON object"),
    ("config: bad UTF-8", ["nms", "--config", save("utf.json", b'{"method":"\xff"}')], b"", 2, "utf.json"),
    ("config: a folder", ["nms", "--config", "folder"], b"", 2, "folder"),
    ("config: a wrong type", ["nms", "--config", save("type.json", b'{"top-k":{"a":1}}')], b"", 2, "top-k"),
    ("config: deep nesting", ["nms", "--config", save("deep.json", b'{"method":' + b"[" * 100000 + b"]" * 100000 + b"}")], b"", 2, "method|nested"),
]
for name, arguments, data, status, message in MORE:
    if wanted(name):
        judge(name, run(arguments, data), status, message)

for name in skipped:
    print("SKIPPED", name)
print("%d rows, %d failed, %d skipped; peak memory of a tool %d MiB" % (rows, len(failures), len(skipped), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10))
sys.exit(1 if failures or not rows else 0)
