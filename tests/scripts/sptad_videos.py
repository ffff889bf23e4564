# SP-TAD from video files on the command line: training end to end, detections, kept frames, mismatches, damaged and missing videos.
# label: cli
import json
import os
import re
import shutil
import subprocess
import tempfile

import tensor_files
from harness import BIN, check, finish, need, tool

need("tal-train", "tal-extract", why="this build has no LibTorch or no OpenCV")


SMALL = []
for pair in ("input=clips backbone-rgb=random size=16 crop=16 fps=8 clip=32 train-stride=16 backbone-width=0.0625 dim=16 heads=2 hidden=4 ffn=16 proposals=4 stages=1 roi-rows=4 "
             "inference.test-stride=16 inference.min-score=0 inference.detections=3").split():
    SMALL += ["--set", pair]
TRAIN = ["--model", "sptad", *SMALL, "--epochs", "1", "--batch", "2", "--threads", "1", "--seed", "3", "-q"]

folder = tempfile.TemporaryDirectory()
os.chdir(folder.name)
records = tool("tal-synth", "--seed", "1", "videos", "-n", "2", "--out-dir", "v", "--width", "32", "--height", "32", "--duration", "6").stdout

# Trained twice, the second time on the kept frames: the same bytes.
tool("tal-train", *TRAIN, "--frame-cache", "cache", "--out", "a.safetensors", data=records)
kept = sorted(os.listdir("cache"))
check(len(kept) == 4 and sum(name.endswith(".rgb.npy") for name in kept) == 2, f"two videos' frames and facts are kept: {kept}")
written = {name: os.stat(os.path.join("cache", name)).st_mtime_ns for name in kept}
tool("tal-train", *TRAIN, "--frame-cache", "cache", "--out", "b.safetensors", data=records)
check(written == {name: os.stat(os.path.join("cache", name)).st_mtime_ns for name in os.listdir("cache")}, "kept frames are not made again")
with open("a.safetensors", "rb") as one, open("b.safetensors", "rb") as other:
    check(one.read() == other.read(), "the same run gives the same bytes")

# Detections from records and from files, and across clips.
done = tool("tal-propose", "-m", "a.safetensors", "--threads", "1", data=records)
from_records = [json.loads(line) for line in done.stdout.splitlines()]
labels = {a["label"] for line in records.splitlines() for a in json.loads(line)["annotations"]}
check(all(p["label"] in labels and 0 <= p["segment"][0] < p["segment"][1] <= 6 for r in from_records for p in r["proposals"]), "labelled detections inside the video")
check(all(3 < len(r["proposals"]) <= 6 for r in from_records), "48 frames are two clips of 32, each gives up to three detections")
files = [json.loads(line)["path"] for line in records.splitlines()]
done = tool("tal-propose", "-m", "a.safetensors", "--threads", "1", "--videos", *files)
from_files = [json.loads(line) for line in done.stdout.splitlines()]
check([r["proposals"] for r in from_files] == [r["proposals"] for r in from_records], "--videos gives what records give")
check([r["video"] for r in from_files] == ["synth_000", "synth_001"] and abs(from_files[0]["duration"] - 6) < 0.05, "--videos: ids and durations")
tool("tal-nms", "--preset", "sptad", data=done.stdout)

# Features for a model that sees frames, and the reverse.
features = tool("tal-synth", "features", "--out-dir", "f", "--dim", "4", data=tool("tal-synth", "annotations", "-n", "3", "--classes", "2").stdout).stdout
check("path: missing; the model sees the frames of videos, not features" in tool("tal-propose", "-m", "a.safetensors", data=features, status=1).stderr, "features refused")
check("path: missing; the model sees the frames of videos, not features" in tool("tal-train", *TRAIN, "--out", "x.safetensors", data=features, status=1).stderr, "features refused in training")
small_features = ["--set", "clip=32", "--set", "dim=16", "--set", "heads=2", "--set", "ffn=16", "--set", "stages=1", "--set", "proposals=4", "--set", "stem-filters=8"]
tool("tal-train", "--model", "sptad", *small_features, "--epochs", "1", "--threads", "1", "-q", "--out", "f.safetensors", data=features)
check("the model was trained on features, not on the frames of videos" in tool("tal-propose", "-m", "f.safetensors", "--videos", *files, status=1).stderr, "videos refused")
check("train on features, not on the frames" in tool("tal-train", "--model", "sptad", "--out", "x.safetensors", data=records, status=1).stderr, "videos refused in training")
check("--frame-cache" in tool("tal-train", "--model", "sptad", "--frame-cache", "c", "--out", "x.safetensors", data=features, status=2).stderr, "--frame-cache refused")
check("--videos" in tool("tal-propose", "--method", "grouping", "--videos", *files, status=2).stderr, "--videos refused without a model")

# Damaged, missing and foreign videos: the error names video and time stamp, nothing is written.
with open(files[0], "rb") as file:
    whole = file.read()
with open("cut.avi", "wb") as file:
    file.write(whole[: len(whole) * 2 // 3])
record = json.loads(records.splitlines()[0])
for path, text in (("cut.avi", "last good time stamp"), ("none.avi", "No such file"), (os.devnull, "/dev/null")):
    bad = json.dumps({**record, "path": path}) + "\n"
    done = tool("tal-train", *TRAIN, "--out", "x.safetensors", data=bad, status=1)
    check("video 'synth_000'" in done.stderr and text in done.stderr, f"{path}: {done.stderr}")
    done = tool("tal-propose", "-m", "a.safetensors", data=bad, status=1)
    check("video 'synth_000'" in done.stderr and text in done.stderr and not done.stdout, f"{path}: {done.stderr}")
check(not os.path.exists("x.safetensors"), "nothing half-trained is written")

# A list of other classes: nothing to learn.
with open("classes.txt", "w", encoding="utf-8") as file:
    file.write("1 run\n2 jump\n")
done = tool("tal-train", *TRAIN, "--classes", "classes.txt", "--out", "x.safetensors", data=records, status=1)
check("no annotation has a label that is in 'classes.txt'" in done.stderr, f"other classes: {done.stderr}")
# Weights that are no I3D's.
done = tool("tal-train", *TRAIN, "--set", "backbone-rgb=f.safetensors", "--out", "x.safetensors", data=records, status=1)
check("f.safetensors': no tensor 'Conv3d_1a_7x7.bn.bias', which I3D needs" in done.stderr, f"foreign weights: {done.stderr}")

# Without weights nothing starts, not even the reading of videos; a frozen backbone of random weights does not either. Settings of features are refused.
for options, stream in ((["--preset", "thumos14-clips"], "rgb"), (["--preset", "activitynet-clips", "--set", "backbone-rgb=random"], "flow"), (["--set", "input=clips"], "rgb")):
    done = tool("tal-train", "--model", "sptad", *options, "--out", "x.safetensors", data="no record", status=2)
    check(done.stderr.count("\n") == 2 and f"error: setting 'backbone-{stream}': missing; " in done.stderr and "tal-convert --weights" in done.stderr, f"{options}: {done.stderr}")
done = tool("tal-train", "--model", "sptad", "--preset", "thumos14-clips", "--set", "modalities=rgb", "--set", "backbone-rgb=none.safetensors", "--out", "x", data="no record", status=1)
check("backbone-rgb: no file 'none.safetensors'" in done.stderr, f"weights that are not there: {done.stderr}")
done = tool("tal-train", "--model", "sptad", "--set", "input=clips", "--set", "backbone-rgb=random", "--preset", "table4-0", "--out", "x", data="no record", status=2)
check("setting 'backbone-rgb': random weights would stay random with backbone-lr=0" in done.stderr, f"a frozen random backbone: {done.stderr}")
for setting in ("crop=90", "modalities=rgb", "backbone-lr=0.1", "backbone-rgb=w.safetensors", "flip=false"):
    done = tool("tal-train", "--model", "sptad", "--set", setting, "--out", "x", data=features, status=2)
    check(f"setting '{setting.split('=')[0]}' has no effect with input=windows" in done.stderr, f"{setting} on features: {done.stderr}")


# A backbone that is trained elsewhere: frozen, it stays as its file has it; with a learning rate it moves.
both = ["--set", "modalities=rgb+flow", "--set", "backbone-flow=random", "--set", "flow-method=block"]
tool("tal-train", *TRAIN, *both, "--frame-cache", "cache", "--out", "both.safetensors", data=records)
for stream in ("rgb", "flow"):
    own = {name[len(stream) + 1:]: tensor for name, tensor in tensor_files.read("both.safetensors")[1].items() if name.startswith(stream + ".")}
    tensor_files.write(stream + ".safetensors", own)
from_files = [*TRAIN, *both, "--frame-cache", "cache", "--set", "backbone-rgb=rgb.safetensors", "--set", "backbone-flow=flow.safetensors"]
for rate in ("0", "1"):
    tool("tal-train", *from_files, "--set", "backbone-lr=" + rate, "--out", "tuned.safetensors", data=records)
    tuned = tensor_files.read_bytes("tuned.safetensors")
    for stream in ("rgb", "flow"):
        own = tensor_files.read_bytes(stream + ".safetensors")
        same = [tuned[f"{stream}.{name}"] == data for name, data in own.items()]
        check(len(own) > 200 and (all(same) if rate == "0" else sum(same) < len(same) / 4), f"backbone-lr={rate}, {stream}: {sum(same)} of {len(same)} tensors are the file's")

# Table 4 of the example from videos and annotations in THUMOS14's layout to the table, at a tiny size.
if shutil.which("make"):
    for part, record in zip(("val", "test"), map(json.loads, records.splitlines())):
        os.makedirs("thumos/" + part)
        for annotation in record["annotations"]:
            with open(f"thumos/{part}/{annotation['label']}_{part}.txt", "a", encoding="utf-8") as file:
                print(record["video"], *annotation["segment"], file=file)
    with open("durations.csv", "w", encoding="utf-8") as file:
        file.write("video,duration\n" + "".join(f"{json.loads(line)['video']},6\n" for line in records.splitlines()))
    more = "--epochs 1 " + " ".join(SMALL[2:]).replace("--set backbone-rgb=random", "--set flow-method=block")
    arguments = ["make", "-C", os.path.join(os.environ["TAL_SOURCE"], "examples/sptad"), "--no-print-directory", "BIN=" + BIN, "OUT=" + os.path.abspath("out"), "CACHE=" + os.path.abspath("cache"), "THREADS=1"]
    given = ["VIDEOS=" + os.path.abspath("v"), "ANNOTATIONS=" + os.path.abspath("thumos"), "DURATIONS=" + os.path.abspath("durations.csv"),
             "RGB=" + os.path.abspath("rgb.safetensors"), "FLOW=" + os.path.abspath("flow.safetensors"), "MORE=" + more]
    done = subprocess.run([*arguments, "table4", *given], capture_output=True, text=True, timeout=240, check=False)
    rows = re.findall(r"^\| (0|1e-\d) ((?:\| [0-9.]+ \([0-9.]+\) ){6})\|$", done.stdout, re.MULTILINE)
    check(done.returncode == 0 and [name for name, _ in rows] == ["0", "1e-6", "1e-5", "1e-4"] and "(53.5)" in rows[3][1], f"table 4: {done.stdout[-600:]} {done.stderr[-600:]}")
    out = sorted(name for name in os.listdir("out") if name.endswith(".thumos.safetensors"))
    check(out == ["full.thumos.safetensors", "table4-0.thumos.safetensors", "table4-1e-5.thumos.safetensors", "table4-1e-6.thumos.safetensors"], f"one model a row: {out}")
    for table, words in (("table2", "activitynet-clips"), ("table8", "--preset table8-288"), ("table1", "table.py table1")):
        plan = subprocess.run([*arguments, "-n", table, *given], capture_output=True, text=True, check=False)
        check(plan.returncode == 0 and words in plan.stdout and "table.py" in plan.stdout, f"{table} expands: {plan.stderr[-400:]}")
    bare = subprocess.run([*arguments, "table2"], capture_output=True, text=True, check=False)
    check(bare.returncode != 0 and "table2 needs VIDEOS" in bare.stderr, f"table 2 without videos: {bare.stderr}")
    bare = subprocess.run([*arguments, "table1", *given[:3]], capture_output=True, text=True, check=False)
    check(bare.returncode != 0 and "needs RGB" in bare.stderr, f"table 1 without weights: {bare.stderr}")

finish()
