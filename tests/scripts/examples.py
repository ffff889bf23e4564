# The examples for users run as their first lines say: foreign stages, videos of one's own, features of one's own.
# label: docs
import json
import os
import pathlib
import re
import subprocess
import tempfile

from harness import need

BIN, SOURCE = (pathlib.Path(os.environ[name]) for name in ("TAL_BIN", "TAL_SOURCE"))
need("tal-train", "tal-extract", why="this build lacks LibTorch or OpenCV")
environment = dict(os.environ, PATH=f"{BIN}:{os.environ['PATH']}")
examples = SOURCE / "examples"


def sh(command, folder):
    run = subprocess.run(["bash", "-e", "-o", "pipefail", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, f"{command}\n{run.stdout[-2000:]}\n{run.stderr[-2000:]}"
    return run.stdout


def records(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def labels_csv(truth, path, count):
    with path.open("w") as out:
        print("video,start,end,label", file=out)
        for record in truth[:count]:
            for a in record["annotations"]:
                print(record["video"], *a["segment"], a["label"], sep=",", file=out)


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)

    # score.py is tal-score in plain Python: the same proposals with the same scores.
    out = sh(f"sh {examples}/swap/swap.sh {BIN} swap", folder)
    for ours, theirs in zip(records(folder / "swap/ours.jsonl"), records(folder / "swap/python.jsonl"), strict=True):
        assert ours["video"] == theirs["video"] and len(ours["proposals"]) == len(theirs["proposals"]) > 0
        for a, b in zip(ours["proposals"], theirs["proposals"]):
            assert a["segment"] == b["segment"] and abs(a["score"] - b["score"]) < 1e-9, (a, b)
    auc = {line.split("  ")[1].strip(): float(re.search(r"AUC ([0-9.]+)", line)[1]) for line in out.splitlines() if "AUC" in line}
    assert auc["propose.py | tal-nms"] > 30, out
    print("ok swap:", auc)

    # Your videos, first without labels, then with labels of six of eight.
    truth = folder / "truth.jsonl"
    sh("tal-synth videos -n 8 --seed 5 --duration 12 --actions 2 --out-dir videos -o truth.jsonl", folder)
    make = f"make -s -C {examples}/your-videos VIDEOS={folder}/videos OUT={folder}/videos-out BIN={BIN} THREADS=1"
    sh(make, folder)
    assert "<svg" in (folder / "videos-out/timeline.html").read_text()
    assert len((folder / "videos-out/detections.csv").read_text().splitlines()) > 8
    labels_csv(records(truth), folder / "labels.csv", 6)
    out = sh(make + f" LABELS={folder}/labels.csv EPOCHS=2 RPN='--set rows=32 --set width=32 --set hidden=16' all evaluate", folder)
    found = records(folder / "videos-out/all.detections.jsonl")
    assert [r["video"] for r in found] == [r["video"] for r in records(truth)[6:]], "the unlabelled videos are looked through"
    assert all(p["label"] for r in found for p in r["proposals"]) and "| mean |" in out
    print("ok your-videos")

    # Your features: a folder of .npy files.
    sh("tal-synth annotations -n 16 --seed 1 | tal-synth features --seed 2 --snr 2 --out-dir features > features.jsonl", folder)
    made = records(folder / "features.jsonl")
    labels_csv(made, folder / "segments.csv", len(made))
    stream = next(iter(made[0]["features"].values()))
    make = (f"make -s -C {examples}/your-features FEATURES={folder}/features LABELS={folder}/segments.csv OUT={folder}/features-out BIN={BIN} THREADS=1 "
            f"PATTERN='(.*)\.synth\.npy' FPS={stream['fps']} STRIDE={stream['stride']} WINDOW={stream['window']} EPOCHS=2 SET='--set rows=32 --set stride=16 --set width=32 --set hidden=16'")
    out = sh(make, folder)
    assert "AR" in out and "| mean |" in out
    assert (folder / "features-out/timeline.html").exists() and (folder / "features-out/training.html").exists()
    assert len(records(folder / "features-out/all.test.jsonl")) == 4
    print("ok your-features")
