# CMSN on the command line: C3D from video files with weights that are needed and checked, kept frames, example targets of Tables 1, 3 and 4; what is refused.
# label: cli
import json
import os
import random
import struct
import subprocess
import tempfile

import tensor_files
from harness import BIN, check, finish, need, tool

need("tal-train", "tal-extract", why="this build has no LibTorch or no OpenCV")


def write_c3d(path, seed, without=()):
    """Weights of C3D at a sixteenth of its width, under the Caffe model's names, as safetensors."""
    draw = random.Random(seed)
    channels, made = 3, {}
    for name, width in (("conv1a", 64), ("conv2a", 128), ("conv3a", 256), ("conv3b", 256), ("conv4a", 512), ("conv4b", 512), ("conv5a", 512), ("conv5b", 512)):
        out = width // 16
        for part, shape in (("weight", [out, channels, 3, 3, 3]), ("bias", [out])):
            count = out * (channels * 27 if part == "weight" else 1)
            if f"{name}.{part}" not in without:
                bound = (2 / (channels * 27)) ** 0.5
                values = struct.pack(f"<{count}f", *(draw.gauss(0, bound) for _ in range(count)))
                made[f"{name}.{part}"] = tensor_files.Tensor("F32", shape, values)
        channels = out
    tensor_files.write(path, made)


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


SMALL = []
for pair in "frame-height=20 frame-width=26 crop=16 width=0.0625 hidden=8 lstm-hidden=4 window=4 evaluation-hidden=8 pooled-length=2".split():
    SMALL += ["--set", pair]
TRAIN = ["--model", "cmsn", "--preset", "c3d", *SMALL, "--epochs", "1", "--set", "evaluation-epochs=1", "--threads", "1", "--seed", "3", "-q"]

folder = tempfile.TemporaryDirectory()
os.chdir(folder.name)
write_c3d("c3d.safetensors", 1)
write_c3d("ucf101.safetensors", 2)
write_c3d("short.safetensors", 1, without=("conv3a.bias",))
records = tool("tal-synth", "--seed", "1", "videos", "-n", "2", "--out-dir", "v", "--container", "mp4", "--width", "48", "--height", "32", "--fps", "10", "--duration", "8").stdout

# Trained twice, the second time on the kept frames: the same bytes. The first two convolutions are the given ones, the others are not any more.
start = [*TRAIN, "--set", "c3d-weights=c3d.safetensors", "--frame-cache", "cache"]
tool("tal-train", *start, "--out", "a.safetensors", data=records)
kept = {name: os.stat(os.path.join("cache", name)).st_mtime_ns for name in os.listdir("cache")}
check(len(kept) == 4, f"two videos' frames and facts are kept: {kept}")
tool("tal-train", *start, "--out", "b.safetensors", data=records)
check(kept == {name: os.stat(os.path.join("cache", name)).st_mtime_ns for name in os.listdir("cache")}, "kept frames are not made again")
with open("a.safetensors", "rb") as one, open("b.safetensors", "rb") as other:
    check(one.read() == other.read(), "the same run gives the same bytes")
given, trained = tensor_files.read_bytes("c3d.safetensors"), tensor_files.read_bytes("a.safetensors")
for name in given:
    check((trained["extractor." + name] == given[name]) == (name[:6] in ("conv1a", "conv2a")), f"{name}: frozen at the given weights, or trained")
tool("tal-train", *TRAIN, "--preset", "c3d-ucf101", "--set", "c3d-weights=ucf101.safetensors", "--frame-cache", "cache", "--out", "ucf.safetensors", data=records)
given, trained = tensor_files.read_bytes("ucf101.safetensors"), tensor_files.read_bytes("ucf.safetensors")
check(all(trained["extractor." + name] == given[name] for name in given), "c3d-ucf101 keeps all convolutions")

# Proposals of records and of files, and their scores; kept frames.
done = tool("tal-propose", "-m", "a.safetensors", "--threads", "1", "--frame-cache", "cache", data=records)
proposed = lines(done.stdout)
check(all(r["maps"]["cmsn"]["shape"] == [10, 6] for r in proposed), "80 frames are ten snippets")
check(all(0 <= p["segment"][0] < p["segment"][1] <= 8 for r in proposed for p in r["proposals"]), "proposals inside the video")
scored = lines(tool("tal-score", "-m", "a.safetensors", "--threads", "1", "--frame-cache", "cache", data=done.stdout).stdout)
for before, after in zip(proposed, scored):
    check(len(before["proposals"]) == len(after["proposals"]), "tal-score keeps the proposals")
    check(all(abs(q["score"] - p["score"] * q["scores"]["iou"]) < 1e-9 for p, q in zip(before["proposals"], after["proposals"])), "score = PES x preset")
check(kept == {name: os.stat(os.path.join("cache", name)).st_mtime_ns for name in os.listdir("cache")}, "the stages take the kept frames")
from_files = lines(tool("tal-propose", "-m", "a.safetensors", "--threads", "1", "--videos", *(r["path"] for r in lines(records))).stdout)
check([r["proposals"] for r in from_files] == [r["proposals"] for r in proposed], "--videos gives what records give")

# What is refused, before a video is read: the records are of videos that are not there.
absent = records.replace("v/synth", "nowhere/synth")
for more, said in (([], "setting 'c3d-weights': missing; C3D starts from weights"),
                   (["--set", "c3d-weights=random"], "setting 'c3d-weights': random weights would stay random in the first 2 convolutions")):
    done = tool("tal-train", *TRAIN, *more, "--out", "x.safetensors", data=absent, status=2)
    check(said in done.stderr and done.stderr.count("\n") == 2, f"{more}: {done.stderr}")
for more, said in ((["--set", "c3d-weights=none.safetensors"], "none.safetensors"),
                   (["--set", "c3d-weights=a.safetensors"], "'a.safetensors' does not hold the weights of c3d"),
                   (["--set", "c3d-weights=short.safetensors"], "1 tensors are missing: conv3a.bias [16]")):
    done = tool("tal-train", *TRAIN, *more, "--out", "x.safetensors", data=absent, status=1)
    check(said in done.stderr and done.stderr.count("\n") == 1, f"{more}: {done.stderr}")
done = tool("tal-train", *start, "--out", "x.safetensors", data=absent, status=1)
check("video 'synth_000'" in done.stderr and "nowhere/synth_000" in done.stderr, "then the videos are: " + done.stderr)
features = tool("tal-synth", "features", "--out-dir", "f", "--dim", "4", data=tool("tal-synth", "annotations", "-n", "3", "--classes", "2").stdout).stdout
check("the model sees the frames of videos, not features" in tool("tal-propose", "-m", "a.safetensors", data=features, status=1).stderr, "features refused")
tool("tal-train", "--model", "cmsn", "--preset", "two-stream", "--set", "hidden=4", "--set", "lstm-hidden=4", "--set", "window=8", "--set", "evaluation-epochs=0",
     "--epochs", "1", "--threads", "1", "-q", "--out", "f.safetensors", data=features)
check("--frame-cache" in tool("tal-propose", "-m", "f.safetensors", "--frame-cache", "c", data=features, status=2).stderr, "--frame-cache refused")
check("does not score" in tool("tal-score", "-m", "f.safetensors", data=features, status=1).stderr, "the stages alone do not score")
check(not os.path.exists("x.safetensors"), "nothing is written")

# Tables 1, 3 and 4 from videos, as examples/cmsn makes them: THUMOS14's layout.
with open("durations.csv", "w", encoding="utf-8") as file:
    print("video,duration,fps", file=file)
    for part, one in zip(("val", "test"), lines(records)):
        os.makedirs(os.path.join("annotations", part))
        print(one["video"], 8, 10, sep=",", file=file)
        with open(os.path.join("annotations", part, f"BaseballPitch_{part}.txt"), "w", encoding="utf-8") as annotations:
            for a in one["annotations"]:
                print(one["video"], *a["segment"], file=annotations)
here = os.getcwd()
settings = " ".join(SMALL) + " --set train.epochs=1 --set evaluation-epochs=1"
done = subprocess.run(["make", "-C", os.path.join(os.environ["TAL_SOURCE"], "examples", "cmsn"), "--no-print-directory", "BIN=" + BIN, "OUT=" + os.path.join(here, "out"),
                       "VIDEOS=" + os.path.join(here, "v"), "ANNOTATIONS=" + os.path.join(here, "annotations"), "DURATIONS=" + os.path.join(here, "durations.csv"),
                       "C3D=" + os.path.join(here, "c3d.safetensors"), "C3D_UCF101=" + os.path.join(here, "ucf101.safetensors"), "THREADS=1", "SET=" + settings, "table1", "table3", "table4"],
                      capture_output=True, text=True, timeout=300)
check(done.returncode == 0, f"tables from videos: {done.stderr[-1500:]}")
for row in ("greedy NMS", "soft NMS", "UCF-101", "ActivityNet", "without PES", "with PES"):
    check(f"| {row} |" in done.stdout, f"row {row} in {done.stdout[-1500:]}")
check("Data: THUMOS14" in done.stdout, "the tables say on what data")

finish()
