#!/usr/bin/env python3
# label: real-data
"""Small inputs made after public reports of users (the folder TAL_REPORTS_DIR, beside the checkout by default): each folder's command is run, and what comes
must be right by its expected.md: the value, or a refusal that names its cause. Skipped, visibly, without the folder."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from harness import BIN, check, finish, works

REPORTS = pathlib.Path(os.environ.get("TAL_REPORTS_DIR", pathlib.Path(os.environ["TAL_SOURCE"]) / "../shared/reports"))
if not REPORTS.is_dir():
    if "TAL_REPORTS_DIR" in os.environ:
        sys.exit(f"TAL_REPORTS_DIR: there is no folder {REPORTS}")
    print("SKIPPED: no data (TAL_REPORTS_DIR)")
    sys.exit(77)


class Done:
    def __init__(self, name):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        shutil.copytree(REPORTS / name, self.folder, dirs_exist_ok=True)
        done = subprocess.run(["bash", "cmd"], cwd=self.folder, capture_output=True, text=True, timeout=120,
                              env={**{k: v for k, v in os.environ.items() if not k.startswith("TAL_") or k == "TAL_TORCH"}, "PATH": f"{BIN}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"})
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr

    @property
    def records(self):
        return [json.loads(line) for line in self.out.splitlines() if line.startswith("{")]

    def labels(self):
        return [item.get("label") for r in self.records for item in r.get("annotations", []) + r.get("proposals", [])]

    def segments(self):
        return [item["segment"] for r in self.records for item in r.get("annotations", []) + r.get("proposals", [])]

    def stream(self):
        """The only stream of the first record."""
        return next(iter(self.records[0]["features"].values()))


def refused(*words, status=1):
    """A refusal whose message has all of the words, and no crash."""
    return lambda d: d.status == status and all(word in d.err for word in words) and "error:" in d.err and "terminate" not in d.err


def gives(**wanted):
    """Status 0 and these: labels, segments, videos; or of the first record's only stream rows, dim."""
    def test(d):
        got = {"labels": d.labels, "segments": d.segments, "videos": lambda: [r["video"] for r in d.records],
               "rows": lambda: d.stream()["rows"], "dim": lambda: d.stream()["dim"], "frames": lambda: d.stream()["frames"]}
        return d.status == 0 and all(got[key]() == value for key, value in wanted.items())
    return test


def both(*tests):
    return lambda d: all(test(d) for test in tests)


def says(*words):
    return lambda d: all(word in d.err for word in words)


def compared(lowest):
    return lambda d: (m := re.search(r"cosine[^0-9]*([0-9.]+)", d.out)) and float(m[1]) >= lowest


def faults(*kinds):
    return lambda d: d.status == 1 and all(kind in d.out for kind in kinds)


def lines(*wanted):
    return lambda d: d.status == 0 and all(re.search(rf"^{re.escape(line)}\b", d.out, flags=re.M) for line in wanted)


SEVEN = ("0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked")
RIGHT = {
    "class-number-as-float": gives(labels=["d"]),
    "classes-comma": gives(labels=["Run", "Jump"]),
    "classes-csv-header": gives(labels=["take", "put"]),
    "classes-json-object": gives(labels=["Run"]),
    "classes-names-with-numbers": refused("input-classes.txt:1", "100 m sprint"),
    "csv-blank-after-comma": gives(labels=["Jump"], segments=[[0.5, 2.5]]),
    "csv-cr-line-ends": gives(labels=["Jump", "Run"], segments=[[0.5, 2.5], [3, 4]], videos=["v1"]),
    "csv-duration-conflict": refused("input.csv:3", "v1", "10", "20"),
    "csv-frames-start-column": gives(labels=["Goal"], segments=[[31, 35.5]]),
    "csv-semicolon": gives(labels=["Jump"], segments=[[0.5, 2.5]]),
    "csv-semicolon-decimal-comma": gives(labels=["Jump"], segments=[[0.5, 2.5]]),
    "csv-sep-line": gives(labels=["J"], segments=[[1, 2]]),
    "csv-subset-conflict": refused("input.csv:3", "v1", "training", "validation"),
    "csv-windows-path": gives(videos=["v1", "v2"]),
    "durations-conflict": refused("input-durations.csv:3", "v1", "100", "200"),
    "durations-two-lines-blank-name": refused("'my'", "duration"),
    "elan-noncharacter": lambda d: d.status == 0,
    "elan-zero-length": lambda d: d.status == 0 and (marks := [int(t) for t in re.findall(r'TIME_VALUE="(\d+)"', d.out)]) and all(
        end > start for start, end in zip(marks[::2], marks[1::2])),
    "eval-gt-activitynet-json": refused("tal-convert --from activitynet-gt"),
    "exclude-bom": both(lambda d: d.status == 0, lambda d: re.search(r"excluded +1\b", d.out) and re.search(r"average_map +1\b", d.out)),
    "exclude-unknown": both(lambda d: d.status == 0, says("warning", "v1.mp4")),
    "export-results-duplicate-video": refused("input.jsonl:2", "v1", "twice"),
    "export-results-windows": lambda d: d.status == 0 and [p["segment"] for p in json.loads(d.out)["results"]["v1"]] == [[1, 2], [6, 7]],
    "features-csv-index-column": gives(rows=2, dim=2),
    "features-csv-number-header": gives(rows=2, dim=4),
    "features-csv-quoted-numbers": gives(rows=1, dim=2),
    "h5-attribute-text": lambda d: d.status == 0 and d.stream()["stride"] == 16 and d.stream()["window"] == 16,
    "h5-external-links": refused("external links are not followed"),
    "h5-nested-groups": refused("train/v1", "--pattern"),
    "h5-one-video": lambda d: gives(videos=["v_aaa"])(d) and list(d.records[0]["features"]) == ["c3d_features"],
    "id-upper-case-extension": lambda d: d.status == 0 and {r["video"]: len(r["annotations"]) for r in d.records} == {"CLIP": 1, "clip": 1},
    "import-results-twice": refused("input2.json", "v1", "input.json"),
    "json-bom": gives(labels=["a"], segments=[[1, 2]]),
    "json-bom-classes": gives(labels=["Run"]),
    "json-bom-results": gives(labels=["a"], segments=[[1, 2]]),
    "json-dup-database": refused("input.json:1", "'database'", "twice"),
    "json-dup-member-segment": refused("input.json:1", "'segment'", "twice", "v1"),
    "json-dup-score": refused("input.json:1", "'score'", "twice", "v1"),
    "json-latin1": refused("input.json:1", "not valid UTF-8"),
    "json-position-minified": refused("input.json:1", "v150", "NaN", "column"),
    "json-type-classification-text": lambda d: refused("v1")(d) or d.status == 0 and "0 faults" in d.out,
    "json-type-duration-zero": refused("v1", "duration", "0"),
    "json-type-fps-string": lambda d: d.status == 0 and "0 faults" in d.out and json.loads((d.folder / "out.jsonl").read_text())["fps"] == 29.97,
    "json-type-fps-zero": lambda d: d.status == 0 and "0 faults" in d.out and "fps" not in json.loads((d.folder / "out.jsonl").read_text()),
    "json-utf16": refused("UTF-16"),
    "nms-soft-negative-linear": refused("input.jsonl:1", "v1", "score", "negative"),
    "nms-voting-negative": refused("input.jsonl:1", "v1", "score", "negative"),
    "npy-double-quotes": gives(rows=6, dim=4),
    "npy-middle-singleton": gives(rows=6, dim=4),
    "npy-pickled-dict": refused("pickled", "numpy.save"),
    "npy-python2-shape": gives(rows=6, dim=4),
    "npz-scalars-beside": lambda d: d.status == 0 and [sorted(r["features"]) for r in d.records] == [["feat_spa", "feat_tem"]] * 2 and "begin_frame" in d.err,
    "record-dup-members": faults("annotations[0].segment", "annotations[0].label", "proposals[0].segment", "proposals[0].score"),
    "record-scores-not-numbers": faults("proposals[0].scores:", "proposals[0].scores.a"),
    "video-audio-longer-mkv": both(gives(frames=50), lambda d: d.records[0]["duration"] == 2),
    "video-audio-longer-webm": both(gives(frames=50), lambda d: d.records[0]["duration"] == 2),
    "video-cut-mp4": gives(frames=52),
    "video-damaged-pictures": both(gives(frames=200), says("damaged picture")),
    "video-first-frames-not-key": lambda d: gives(frames=100)(d) and "first key picture" in d.err or refused("key")(d),
    "video-high-speed": lambda d: gives(frames=100)(d) and d.stream()["fps"] == 2000,
    "video-lost-packets-partial": lambda d: d.records and 140 <= d.stream()["frames"] <= 152 and d.stream()["rows"] > 10 and "warning" in d.err,
    "video-name-with-colon": gives(videos=["12:30:05"], frames=100),
    "video-record-duration-differs": both(lambda d: d.status == 0, says("warning", "duration 10", "fps 30", "25")),
    "video-rotated-90": both(lambda d: d.status == 0, compared(1)),
    "video-size-grows": both(compared(0.95), says("96 x 64", "128 x 96")),
    "video-starts-late-mkv": both(gives(frames=50), says("1.4", "after the file does")),
    "video-starts-late-mp4": both(gives(frames=50), says("1.4", "after the file does")),
    "video-vfr-duration": lambda d: d.out.strip() == '"duration":4',
    "video-vfr-quiet": both(lambda d: d.status == 0, says("warning", "varies")),
    "weights-extract-advises-key": refused("tal-convert --weights input.pth --key state_dict"),
    "weights-key-with-slash": refused("a/b", "--key"),
    "weights-legacy-protocol-4": lines(*SEVEN),
    "weights-map-optional-module": lines(*("net." + name for name in SEVEN)),
    "weights-map-prefix": lines(*("x." + name for name in SEVEN)),
    "weights-negative-bit": lambda d: d.status == 0 and "(-1.0, -3.0, -5.0, -7.0)" in d.out,
    "weights-numpy-scalar": both(lines(*SEVEN), says("scalar (1)")),
}

names = sorted(path.name for path in REPORTS.iterdir() if (path / "cmd").is_file())
skipped = 0
for name in names:
    command = (REPORTS / name / "cmd").read_text()
    lacking = [tool for tool in re.findall(r"\btal-[a-z]+", command) if not works(tool)]
    if "--encoder" in command and not os.path.exists(os.path.join(BIN, "..", "lib", "libtal-encode.so")):
        lacking.append("libtal-encode.so")
    if lacking:
        skipped += 1
        print(f"{name}: SKIPPED: this build has no {lacking[0]}")
        continue
    if not check(name in RIGHT, f"{name}: what is right there is not known to this test"):
        continue
    done = Done(name)
    try:
        right = RIGHT[name](done)
    except Exception as error:  # of output that is not what the test reads
        right = False
        print(f"{name}: {error!r}")
    check(right, f"{name}: status {done.status}\n{done.out[-800:]}\n{done.err[-800:]}")
    # The offered spelling of a key with a slash works.
    if name == "weights-key-with-slash":
        offered = subprocess.run([os.path.join(BIN, "tal-convert"), "--weights", "input.pth", "--key", "a/b"], cwd=done.folder, capture_output=True, text=True)
        check(offered.returncode == 0 and offered.stdout, f"{name}: --key a/b: {offered.stderr}")
    shutil.rmtree(done.folder)
print(f"{len(names)} reports, {skipped} skipped")
finish()
