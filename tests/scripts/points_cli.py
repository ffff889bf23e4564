#!/usr/bin/env python3
# label: parity
"""Published checkpoints of the points detectors from the file to detections in seconds: tal-convert | tal-propose | tal-nms give what the published code gives
(TAL_PARITY_DIR/points). And training them: the same bytes after a stop, presets, one class, errors."""
import json
import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time

import tensor_files
from harness import BIN, check, finish, free_port, need, processes, tool

need("tal-train", why="the build has no LibTorch")
SOURCE = os.environ["TAL_SOURCE"]
PARITY = os.environ.get("TAL_PARITY_DIR") or os.path.join(SOURCE, "..", "shared", "parity")
folder = tempfile.TemporaryDirectory()
os.chdir(folder.name)


def read_tensors(path):
    """name -> (shape, flat list), of a safetensors file."""
    letters = {"F32": "f", "I64": "q"}
    return {name: (tensor.shape, [value for (value,) in struct.iter_unpack("<" + letters[tensor.dtype], tensor.data)]) for name, tensor in tensor_files.read(path)[1].items()}



def save_npy(path, rows):
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({len(rows)}, {len(rows[0])}), }}"
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        for row in rows:
            file.write(struct.pack(f"<{len(row)}f", *row))


def settings_of(config):
    """What the tensors of a checkpoint do not say, under our names."""
    if "detector" in config:
        projection = config["detector"]["projection"]
        own = {"rows": projection.get("max_seq_len", 2304)}
        if projection.get("use_abs_pe"):
            own["position-rows"] = projection["max_seq_len"]
        if "attn_cfg" in projection:
            windows = projection["attn_cfg"]["n_mha_win_size"]
            own.update({"heads": projection["attn_cfg"]["n_head"], "windows": windows if isinstance(windows, list) else [windows]})
    else:
        model, test = config["model"], config["test_cfg"]
        own = {"rows": model["max_seq_len"], "inference.min-length": test["duration_thresh"]}
        if model.get("use_abs_pe"):
            own["position-rows"] = model["max_seq_len"]
        if "n_mha_win_size" in model:
            windows = model["n_mha_win_size"]
            own.update({"heads": model["n_head"], "windows": windows if isinstance(windows, list) else [windows]})
        if model.get("dyn_head_flag"):
            own["gate-tau"] = model["dyn_head"]["tau"]
    own["inference.min-score"], own["inference.top-k"] = config["test_cfg"]["pre_nms_thresh"], config["test_cfg"]["pre_nms_topk"]
    return own


def nms_of(rule):
    words = ["--clip", "--top-k", str(rule["max_seg_num"])]
    if rule["nms"] == "soft":
        words += ["--method", "gaussian", "--sigma", str(rule["sigma"]), "--min-score", str(rule["min_score"])]
    else:
        words += ["--method", "greedy", "--threshold", str(rule["iou_threshold"]), "--min-score", str(rule["min_score"])]
    if not rule["multiclass"]:
        words += ["--class-agnostic", "--voting", str(rule["voting_thresh"]), "--voting-weight", "score" if rule["voting"] == "score" else "score-iou"]
    return words


def published_checkpoints():
    manifest = json.load(open(os.path.join(PARITY, "points", "manifest.json")))
    compared = 0
    for topic, facts in manifest["topics"].items():
        if "checkpoint" not in facts:
            continue
        config = facts["config"]
        one_class = config.get("model", config.get("detector", {}).get("rpn_head", {}))["num_classes"] == 1
        if "detector" in config and (one_class or config["detector"]["type"] != "ActionFormer"):
            continue  # what these give depends on the batch, or on a list of padding points with score 0
        done = tool("tal-convert", "--weights", os.path.join(PARITY, "points", facts["checkpoint"]), "--metadata", "settings=" + json.dumps(settings_of(config)),
                    "-o", topic + ".safetensors")
        check("state_dict_ema" in done.stderr, f"{topic}: the averaged weights are not said to be taken: {done.stderr}")
        tensors = read_tensors(os.path.join(PARITY, "points", facts["file"]))
        for name, entry in facts["cases"].items():
            if entry["kind"] != "infer" or "max_seq_len" in entry:
                continue
            (_, channels, longest), values = tensors[name + ".input.feats"]
            for v, video in enumerate(entry["videos"]):
                if "resize_length" in video:
                    continue
                rows = [[values[(v * channels + c) * longest + t] for c in range(channels)] for t in range(video["length"])]
                save_npy("features.npy", rows)
                stride = video.get("feat_stride", video.get("snippet_stride"))
                window = video["feat_num_frames"] if "feat_num_frames" in video else 2 * video["offset_frames"]
                record = {"video": "v", "duration": video["duration"], "features": {"x": {"path": os.path.abspath("features.npy"), "fps": video["fps"],
                                                                                         "stride": stride, "window": window, "offset": 0}}}
                proposed = tool("tal-propose", "-m", topic + ".safetensors", data=json.dumps(record) + "\n")
                if proposed.returncode:
                    continue
                kept = json.loads(tool("tal-nms", *nms_of(facts["config"]["suppression"]), data=proposed.stdout).stdout)["proposals"]
                expected = f"{name}.expected.video{v}"
                scores, seconds, labels = tensors[expected + ".kept.scores"][1], tensors[expected + ".seconds"][1], tensors.get(expected + ".kept.labels", (None, None))[1]
                where = f"{topic} {name} video {v}"
                # A segment that is cut to nothing goes here and stays there.
                wanted = [(seconds[2 * i], seconds[2 * i + 1], scores[i], labels and labels[i]) for i in range(len(scores)) if seconds[2 * i + 1] > seconds[2 * i]]
                if not check(len(kept) == len(wanted), f"{where}: {len(kept)} detections, not {len(wanted)}"):
                    continue
                worst = max((max(abs(k["segment"][0] - w[0]), abs(k["segment"][1] - w[1]), abs(k["score"] - w[2])) for k, w in zip(kept, wanted)), default=0)
                check(worst < 1e-4, f"{where}: differs by {worst}")
                if not one_class:
                    check([int(k["label"]) for k in kept] == [w[3] for w in wanted], f"{where}: other labels")
                compared += 1
    check(compared >= 8, f"only {compared} videos were compared")
    # The raw weights are not the averaged ones.
    first = os.path.join(PARITY, "points", "actionformer_thumos.pth")
    tool("tal-convert", "--weights", first, "--key", "state_dict", "-o", "raw.safetensors")
    check(open("raw.safetensors", "rb").read() != open("actionformer_thumos.safetensors", "rb").read(), "raw and averaged weights are the same")
    listed = tool("tal-convert", "--weights", first, "--map", "none").stdout
    check("module.backbone.embd.0.conv.weight" in listed, "--map none does not keep the names")


def published_number():
    """make -C examples/points PRESET CHECKPOINT=... FEATURES=... ANNOTATIONS=...: classes in the order of label_id, each video's own frame rate."""
    os.makedirs("published/rows")
    database = {}
    for v, (rows, fps) in enumerate(((53, 30), (43, 25))):
        save_npy(f"published/rows/v{v}.npy", [[random.gauss(0, 1) for _ in range(10)] for _ in range(rows)])
        annotations = [{"segment": [1, 3], "label": "zebra", "label_id": 0}, {"segment": [2, 5], "label": "ant", "label_id": 2}]
        database[f"v{v}"] = {"subset": "Test", "duration": (rows * 4 + 12) / fps, "fps": fps, "annotations": annotations[:2 - v]}
    json.dump({"database": database}, open("published/truth.json", "w"))
    words = ["make", "-s", "-C", os.path.join(SOURCE, "examples", "points"), f"BIN={BIN}", f"OUT={folder.name}/published/out", "THREADS=1",
             f"CHECKPOINT={PARITY}/points/actionformer_thumos.pth", f"FEATURES={folder.name}/published/rows"]
    run = lambda *more: subprocess.run([*words, *more], capture_output=True, text=True, timeout=300)
    done = run("actionformer-thumos14", f"ANNOTATIONS={folder.name}/published/truth.json")
    if not check(done.returncode == 0 and "tIoU 0.3  tIoU 0.4" in done.stdout, f"{done.stdout[-400:]} {done.stderr[-1200:]}"):
        return
    made = "published/out/actionformer-thumos14/"
    check(open(made + "classes.txt").read().split("\n")[:3] == ["zebra", "class 1", "ant"], "classes are in the order of label_id")
    records = [json.loads(line) for line in open(made + "detections.jsonl")]
    check({r["video"]: next(iter(r["features"].values()))["fps"] for r in records} == {"v0": 30, "v1": 25}, "each video has its own frame rate")
    check({p["label"] for r in records for p in r["proposals"]} <= {"zebra", "class 1", "ant"} and all(r["proposals"] for r in records), "detections with these labels")
    with open("published/classes.txt", "w") as file:
        file.write("ant\nox\nzebra\n")
    done = run("actionformer-epic-verb", f"ANNOTATIONS={folder.name}/published/truth.json", f"CLASSES={folder.name}/published/classes.txt", "TIOU=0.5", "FPS=15", "SUPPRESSION=opentad")
    check(done.returncode == 0 and "tIoU 0.5\n" in done.stdout, f"{done.stdout[-600:]} {done.stderr[-600:]}")
    records = [json.loads(line) for line in open("published/out/actionformer-epic-verb/detections.jsonl")]
    check({next(iter(r["features"].values()))["fps"] for r in records} == {15} and {p["label"] for r in records for p in r["proposals"]} <= {"ant", "ox", "zebra"}, "FPS and CLASSES")
    done = run("causaltad-hacs", f"ANNOTATIONS={folder.name}/published/truth.json")
    check(done.returncode == 2 and "causaltad-hacs needs CLASSES_OF_VIDEOS" in done.stderr, f"one class: {done.stderr[-300:]}")


def training():
    random.seed(5)
    with open("train.jsonl", "w") as out:
        for v in range(6):
            rows, annotations, t = [[random.gauss(0, 0.1) for _ in range(3)] for _ in range(80)], [], 4
            while t < 64:
                length, label = random.randint(4, 12), random.randint(0, 1)
                for k in range(t, t + length):
                    rows[k][label] += 2
                annotations.append({"segment": [t, t + length], "label": "ab"[label]})
                t += length + random.randint(3, 9)
            save_npy(f"t{v}.npy", rows)
            out.write(json.dumps({"video": f"t{v}", "duration": 80, "annotations": annotations,
                                  "features": {"x": {"path": os.path.abspath(f"t{v}.npy"), "fps": 1, "stride": 1, "window": 1, "offset": 0}}}) + "\n")
    small = ["--set", "dims=16", "--set", "head-dims=16", "--set", "levels=4", "--set", "stem=1", "--set", "heads=2", "--set", "windows=5", "--set", "rows=64", "--set",
             "train.lr=3e-3", "--set", "train.ema=0.9", "--set", "normalizer=20"]
    whole = ["tal-train", "--model", "points", *small, "--epochs", "12", "--threads", "1", "--seed", "3", "-i", "train.jsonl"]
    tool(*whole, "--out", "whole.safetensors")
    detections = tool("tal-nms", "--preset", "actionformer", data=tool("tal-propose", "-m", "whole.safetensors", "-i", "train.jsonl").stdout).stdout
    score = json.loads(tool("tal-eval", "--protocol", "thumos14-detection", "--format", "json", data=detections).stdout)["average_map"]
    check(score > 0.3, f"after training, mAP on what it was trained on is {score}")
    # Stopped and resumed: the same bytes, the loss's running mean included.
    process = subprocess.Popen([os.path.join(BIN, whole[0]), *whole[1:], "--out", "parts.safetensors", "--resume", "--log", "parts.log"], stderr=subprocess.PIPE)
    for _ in range(600):
        time.sleep(0.05)
        if os.path.exists("parts.log") and open("parts.log").read().count("\n") > 4 or process.poll() is not None:
            break
    process.send_signal(signal.SIGTERM)
    process.communicate()
    tool(*whole, "--out", "parts.safetensors", "--resume")
    check(open("whole.safetensors", "rb").read() == open("parts.safetensors", "rb").read(), "a stopped training goes on to other bytes")
    # Two processes that share each step end where one does: positives are counted over both.
    plain = ["--model", "points", *small, "--set", "droppath=0", "--set", "train.batch=4", "--epochs", "3", "--threads", "1", "-i", "train.jsonl"]
    tool("tal-train", *plain, "--out", "alone.safetensors")
    pair = processes([os.path.join(BIN, "tal-train"), *plain, "--out", "shared.safetensors"], free_port())
    messages = [process.communicate(timeout=180)[1].decode() for process in pair]
    if "no Gloo headers" in messages[0]:
        print("note: this build has no Gloo; several processes were not tried")
    elif check([process.returncode for process in pair] == [0, 0], f"both processes end well: {messages}"):
        alone, shared = read_tensors("alone.safetensors"), read_tensors("shared.safetensors")
        worst = max(abs(a - b) for name in alone for a, b in zip(alone[name][1], shared[name][1]))
        check(worst < 1e-4, f"two processes against one differ by {worst}")
    # One class: proposals, which a classifier's scores of the video label.
    tool("tal-train", "--model", "points", *small, "--set", "one-class=true", "--epochs", "2", "--threads", "1", "-i", "train.jsonl", "--out", "one.safetensors")
    record = json.loads(tool("tal-propose", "-m", "one.safetensors", "-i", "train.jsonl").stdout.splitlines()[0])
    check(record["proposals"] and all("label" not in p for p in record["proposals"]), "one-class=true gives labels")
    # Windows of a long signal give about what the whole gives; views add detections.
    for setting, more in (("window=40", 1), ("views=2", 1.5)):
        lines = [json.loads(tool("tal-propose", "-m", "whole.safetensors", *extra, "-i", "train.jsonl").stdout.splitlines()[0])["proposals"]
                 for extra in ([], ["--set", setting])]
        check(len(lines[1]) >= more * len(lines[0]) * 0.8 and lines[0] != lines[1], f"--set {setting}: {len(lines[1])} detections, {len(lines[0])} without")
    # Windows of 40 of 80 rows, half overlapping: three, of which each, or all together, keep the best.
    words = ["tal-propose", "-m", "whole.safetensors", "-i", "train.jsonl", "--set", "window=40", "--set", "min-length=0", "--set", "min-score=0"]
    kept = {of: json.loads(tool(*words, "--set", "top-k=3", "--set", f"top-k-of={of}").stdout.splitlines()[0])["proposals"] for of in ("window", "video")}
    everything = json.loads(tool(*words, "--set", "top-k=0").stdout.splitlines()[0])["proposals"]
    check(len(kept["window"]) == 9 and len(kept["video"]) == 3, f"top-k-of: {len(kept['window'])} of windows, {len(kept['video'])} of the video")
    check([p["score"] for p in kept["video"]] == sorted((p["score"] for p in everything), reverse=True)[:3], "top-k-of=video: the best")
    # A window of a live stream: what its rows alone give, at the stream's own times; rows beside the model's grid are refused.
    record = json.loads(open("train.jsonl").readline())
    (name, stream), = record["features"].items()
    with open(stream["path"], "rb") as file:
        raw = file.read()
    raw = raw[10 + struct.unpack("<H", raw[8:10])[0]:]
    rows = [list(values) for values in struct.iter_unpack("<3f", raw)]
    save_npy("part.npy", rows[16:56])

    def found(offset, status=0, **more):
        part = {"video": record["video"], **more, "features": {name: {**stream, "path": "part.npy", "rows": 40, "offset": offset}}}
        done = tool("tal-propose", "-m", "whole.safetensors", "--set", "clip=false", data=json.dumps(part) + "\n", status=status)
        return json.loads(done.stdout)["proposals"] if status == 0 else done.stderr

    start = 16 * stream["stride"]
    window = {"window": {"index": 1, "start": start / stream["fps"], "end": (start + 40 * stream["stride"]) / stream["fps"], "final": False}}
    first, later = found(0), found(start, **window)
    worst = max(abs(p["segment"][k] + start / stream["fps"] - q["segment"][k]) for p, q in zip(first, later) for k in (0, 1))
    check(first and len(first) == len(later) and worst < 1e-6, f"a live window: {len(first)} and {len(later)} detections, {worst} s apart")
    check("offset" in found(start, status=1), "rows that begin later are the whole video's only in a window")
    check("offset" in found(start + stream["stride"] / 2, status=1, **window), "rows between the model's")
    for words, text in (
        (["--set", "windows=4"], "setting 'windows': must be odd, not 4"),
        (["--set", "windows=5,5"], "setting 'windows': must be one number, or one for each of the 4 levels, not 2"),
        (["--set", "heads=3"], "setting 'heads': must divide the channels, 16"),
        (["--set", "neck=sgp", "--set", "dims=24"], "setting 'dims': must be a multiple of 16 for neck=sgp"),
        (["--set", "stream-dims=8,8"], "must be one number for each of the 1 feature streams, not 2"),
    ):
        keep = [w for i, w in enumerate(small) if not (w == "--set" and i + 1 < len(small) and small[i + 1].split("=")[0] in ("windows", "heads")) and
                w.split("=")[0] not in ("windows", "heads")] if "neck=sgp" in words else small
        done = tool("tal-train", "--model", "points", *keep, *words, "--epochs", "1", "-i", "train.jsonl", "--out", "bad.safetensors", status=1 if "streams" in text else 2)
        check(text in done.stderr, f"{words}: {done.stderr}")


if os.path.isdir(os.path.join(PARITY, "points")):
    published_checkpoints()
    published_number()
training()
finish()
