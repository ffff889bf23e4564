#!/usr/bin/env python3
# The examples for data of one's own as a stranger runs them: again and again, with a change in between; odd names, other formats, other rates.
# label: docs
# cost: 60
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

from harness import BIN, check, finish, need, tool

need("tal-train", "tal-extract", "make", why="this build lacks LibTorch or OpenCV, or there is no make")
SOURCE = pathlib.Path(os.environ["TAL_SOURCE"])
home = tempfile.TemporaryDirectory()
folder = pathlib.Path(home.name)
SMALL = ["EPOCHS=1", "EPOCHS_OF_CLASSES=1", "THREADS=1", f"BIN={BIN}"]


def make(example, *words, status=0):
    """Called from the user's folder, as a shell calls it; the files of OUT that were made anew, and what it said."""
    before = {p: p.stat().st_mtime_ns for p in (folder / "out").glob("*")} if (folder / "out").exists() else {}
    done = subprocess.run(["make", "-C", SOURCE / "examples" / example, "OUT=out", *SMALL, *words], cwd=folder, env={**os.environ, "PWD": str(folder)}, capture_output=True, text=True, timeout=240)
    check(done.returncode == status, f"make {words}: status {done.returncode}: {done.stdout[-1500:]} {done.stderr[-1500:]}")
    made = {p.name for p in (folder / "out").glob("*") if before.get(p) != p.stat().st_mtime_ns} if (folder / "out").exists() else set()
    return made, done.stderr + done.stdout


def records(name):
    return [json.loads(line) for line in (folder / "out" / name).read_text().splitlines()]


# Six videos in a folder with a blank, one with a blank and an ending in capitals.
tool("tal-synth", "videos", "-n", "7", "--seed", "5", "--duration", "6", "--actions", "2", "--out-dir", str(folder / "all"), "-o", str(folder / "truth.jsonl"))
truth = [json.loads(line) for line in (folder / "truth.jsonl").read_text().splitlines()]
videos = folder / "my videos"
videos.mkdir()
names = [record["video"] for record in truth]
for name in names[:5]:
    shutil.move(folder / "all" / f"{name}.avi", videos / f"{name}.avi")
(videos / f"{names[4]}.avi").rename(videos / "The last.AVI")
truth[4]["video"] = names[4] = "The last"
VIDEOS = ["VIDEOS=my videos", "RPN=--set input=windows --set rows=16 --set stride=8 --set width=16 --set hidden=8"]

# Without labels; again, nothing is made.
made, said = make("your-videos", *VIDEOS)
check({"features.jsonl", "grouping.jsonl", "timeline.html", "detections.csv"} <= made, f"first: {made}")
check(sorted(r["video"] for r in records("features.jsonl")) == sorted(names[:5]), "every video, whatever its ending")
made, said = make("your-videos", *VIDEOS)
check(not made, f"nothing changed, but made anew: {made}")

# Labels come later, in ELAN's files: of two videos that are there and of one that is not.
(folder / "labels").mkdir()
for record in [*truth[:2], truth[6]]:
    tool("tal-convert", "--from", "tal", "--to", "elan", "-o", str(folder / f"labels/{record['video']}.eaf"), data=json.dumps(record) + "\n")
LABELS = [*VIDEOS, "LABELS=labels"]
made, said = make("your-videos", *LABELS)
check("features.jsonl" not in made and {"all.detector.safetensors", "all.classifier.safetensors", "all.bundle.safetensors", "timeline.html"} <= made, f"labels: {made}")
check(f"1 video is only in" in said and names[6] in said, f"a labelled video without features is named: {said[-800:]}")
check("3 videos are not in" in said and "The last" in said, f"videos without labels are named: {said[-800:]}")
check([r["video"] for r in records("all.train.jsonl")] == sorted(names[:2]), "what is labelled is learnt from")
found = records("all.detections.jsonl")
check(sorted(r["video"] for r in found) == sorted(names[2:5]), "the others are looked through")
check(not make("your-videos", *LABELS)[0], "again, nothing is made")

# The bundle does from the videos what make did from the features.
strip = lambda rows: {r["video"]: r["proposals"] for r in rows}
bundle = str(folder / "out/all.bundle.safetensors")
again = [json.loads(line) for line in tool("tal-detect", "-m", bundle, *(str(p) for p in videos.iterdir() if p.stem in names[2:5])).stdout.splitlines()]
check(strip(again) == strip(found), "tal-detect -m finds in the videos what make found")

# A new video: features and detections, no training.
shutil.move(folder / "all" / f"{names[5]}.avi", videos / f"{names[5]}.avi")
made, said = make("your-videos", *LABELS)
check({"features.jsonl", "all.detections.jsonl", "detections.csv"} <= made and not {m for m in made if "safetensors" in m or m == "all.train.jsonl"}, f"a new video: {made}")
check(sorted(r["video"] for r in records("all.detections.jsonl")) == sorted(names[2:6]), "the new one is looked through")

# One label more: models, no features. Another number of epochs: the detector alone.
tool("tal-convert", "--from", "tal", "--to", "elan", "-o", str(folder / f"labels/{names[2]}.eaf"), data=json.dumps(truth[2]) + "\n")
made, said = make("your-videos", *LABELS)
check({"all.detector.safetensors", "all.classifier.safetensors"} <= made and "features.jsonl" not in made, f"a new label: {made}")
check(len(records("all.train.jsonl")) == 3 and len(records("all.detections.jsonl")) == 3, "one more to learn from, one less to look through")
SMALL[0] = "EPOCHS=2"
made, said = make("your-videos", *LABELS)
check({"all.detector.safetensors", "all.detections.jsonl"} <= made and not {"all.classifier.safetensors", "features.jsonl"} & made, f"another EPOCHS: {made}")

# Contents that change places: the records stay, what was found in them does not.
a, b = (str(videos / f"{name}.avi") for name in (names[3], names[5]))
found = {r["video"]: r["proposals"] for r in records("all.detections.jsonl")}
os.rename(a, a + "x"), os.rename(b, a), os.rename(a + "x", b)
made, said = make("your-videos", *LABELS)
again = {r["video"]: r["proposals"] for r in records("all.detections.jsonl")}
check({"all.detections.jsonl", "detections.csv"} <= made and "all.detector.safetensors" not in made, f"contents that change places: {made}")
check(again[names[3]] == found[names[5]] and again[names[5]] == found[names[3]], "what was found in them changes places, too")

own_rate = str(shutil.copy(bundle, folder / "own_rate.safetensors"))

# Another rate: everything; the bundle extracts at that rate. A video with a rate of its own: all at the lowest.
made, said = make("your-videos", *LABELS, "FPS=12")
check({"features.jsonl", "all.detector.safetensors", "all.detections.jsonl"} <= made, f"another FPS: {made}")
check({r["features"]["hog-hof"]["fps"] for r in records("features.jsonl")} == {12}, "all at FPS")
check("--fps 12" in tool("tal-check", bundle).stdout, "the bundle extracts so, too")
tool("tal-synth", "videos", "-n", "1", "--seed", "9", "--duration", "6", "--fps", "15", "--prefix", "slow_", "--out-dir", str(videos), "-o", str(folder / "slow.jsonl"))
slow = str(videos / json.loads(open(folder / "slow.jsonl").readline())["path"].split("/")[-1])
sampled = json.loads(tool("tal-detect", "-m", own_rate, slow).stdout)["features"]["hog-hof"]
check(sampled["fps"] == 25 and sampled["resample"] == "pts", f"a bundle of videos of one rate samples another video at that rate: {sampled['fps']}")
made, said = make("your-videos", *LABELS)
check("all are sampled at 15" in said and {r["features"]["hog-hof"]["fps"] for r in records("features.jsonl")} == {15}, f"mixed rates: {said[-500:]}")

# No path that make would cut at a blank.
(folder / "my lab").mkdir()
done = subprocess.run(["make", "-C", SOURCE / "examples" / "your-videos", "clean", "OUT=out", f"BIN={BIN}"], cwd=folder / "my lab", env={**os.environ, "PWD": str(folder / "my lab")}, capture_output=True, text=True, timeout=60)
check(done.returncode == 2 and "make cannot handle blanks" in done.stderr and (folder / "out" / "features.jsonl").exists(), f"make clean below a folder with a blank: {done.stdout} {done.stderr}")

# Labels of another form, and faults in words.
with open(folder / "labels.csv", "w", encoding="utf-8") as out:
    print("video,start,end,label", *(f"{r['video']}.avi,{a['segment'][0]},{a['segment'][1]},{a['label']}" for r in truth[:4] for a in r["annotations"]), sep="\n", file=out)
made, said = make("your-videos", *VIDEOS, "LABELS=labels.csv")
check(len(records("all.train.jsonl")) == 4 and "all.detector.safetensors" in made, f"a table of labels: {made}")
made, said = make("your-videos", *VIDEOS, "LABELS=labels.csv", "evaluate")
check("| mean |" in said and len(records("held.test.jsonl")) == 1, f"evaluate: {said[-800:]}")
every = [*truth[:6], json.loads((folder / "slow.jsonl").read_text())]
(folder / "every.csv").write_text("".join(["video,start,end,label\n", *(f"{r['video']},{a['segment'][0]},{a['segment'][1]},{a['label']}\n" for r in every for a in r["annotations"])]))
made, said = make("your-videos", *VIDEOS, "LABELS=every.csv")
check("every video has labels" in said and "make evaluate" in said and not records("all.detections.jsonl"), f"nothing to look through: {said[-800:]}")
(folder / "deep" / "below").mkdir(parents=True)
(folder / "deep" / "below" / "v.mp4").write_bytes(b"")
for says, words in (("1 in folders below it are not taken", ["VIDEOS=deep"]), ("VIDEOS is not set", []), ("no videos (", ["VIDEOS=labels"]), ("No such file", ["VIDEOS=none"]), ("No such file", [*VIDEOS, "LABELS=none.csv"])):
    made, said = make("your-videos", *words, status=2)
    check(says in said and not {m for m in made if m.endswith(".html")}, f"make {words}: {said[-400:]}")

# Features of one's own: the same, and the bundle works on features.
shutil.rmtree(folder / "out")
tool("tal-synth", "annotations", "-n", "9", "--seed", "1", "-o", str(folder / "t.jsonl"))
tool("tal-synth", "features", "--seed", "2", "--snr", "2", "--out-dir", str(folder / "my features"), "-i", str(folder / "t.jsonl"), "-o", str(folder / "f.jsonl"))
made_of = [json.loads(line) for line in (folder / "f.jsonl").read_text().splitlines()]
stream = next(iter(made_of[0]["features"].values()))


def labelled(count):
    lines = "".join(json.dumps({k: r[k] for k in ("video", "duration", "annotations")}) + "\n" for r in made_of[:count])
    tool("tal-convert", "--from", "tal", "--to", "activitynet-gt", "-o", str(folder / "gt.json"), data=lines)


labelled(7)
FEATURES = ["FEATURES=my features", "LABELS=gt.json", r"PATTERN=(.*)\.synth\.npy", f"FPS={stream['fps']}", f"STRIDE={stream['stride']}", f"WINDOW={stream['window']}",
            "SET=--set rows=32 --set stride=16 --set width=16 --set hidden=8"]
made, said = make("your-features", *FEATURES)
check("AR" in said and "| mean |" in said and "2 videos are not in" in said, f"features: {said[-800:]}")
check(len(records("all.train.jsonl")) == 6 and len(records("all.test.jsonl")) == 1, "every fourth is held back")
check(not make("your-features", *FEATURES)[0], "again, nothing is made")
found = records("all.detections.jsonl")
again = tool("tal-detect", "-m", str(folder / "out/all.bundle.safetensors"), "-i", str(folder / "out/all.test.jsonl")).stdout
check(strip(json.loads(line) for line in again.splitlines()) == strip(found), "the bundle on features")
labelled(9)
made, said = make("your-features", *FEATURES)
check({"all.detector.safetensors", "table.md"} <= made and "features.jsonl" not in made and len(records("all.test.jsonl")) == 2, f"more labels: {made}")
home.cleanup()
finish()
