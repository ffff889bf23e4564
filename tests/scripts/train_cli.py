# tal-train from the command line: files and folders, kill -9 and --resume, two processes against one, TensorBoard's format, refusals.
# label: cli
import json
import os
import signal
import struct
import subprocess
import tempfile
import time

from harness import BIN, check, finish, free_port, need, processes, tool

TRAIN = os.path.join(BIN, "tal-train")
need("tal-train", why="this build has no LibTorch, so no models")


def read(path):
    with open(path, "rb") as file:
        return file.read()


folder = tempfile.TemporaryDirectory()
os.chdir(folder.name)
annotations = tool("tal-synth", "--seed", "1", "annotations", "-n", "12", "--classes", "3", "--subset", "training").stdout
records = tool("tal-synth", "--seed", "2", "features", "--out-dir", "features", "--dim", "8", "--snr", "2", data=annotations).stdout
with open("train.jsonl", "w", encoding="utf-8") as file:
    file.write(records)
COMMON = ["--model", "segment-classifier", "--set", "hidden=16", "--threads", "1", "-i", "train.jsonl"]

# A run, its summary, its log.
done = tool("tal-train", *COMMON, "--epochs", "4", "--val", "train.jsonl", "--out", "m.safetensors", "--last", "last.safetensors", "--log", "log.jsonl",
            "--tensorboard", "board")
summary = json.loads(done.stdout)
check(summary["model"] == "segment-classifier" and summary["steps"] > 0 and "best" in summary, "the summary says what was trained")
check(1 <= summary["best_epoch"] <= 4 and "best_phase" not in summary, "the best epoch, from 1")
log = [json.loads(line) for line in read("log.jsonl").splitlines()]
check(sum("loss" in line for line in log) == summary["steps"], "one log line a step")
check(sum("validation" in line for line in log) == 4, "one log line a validation")
check([line["epoch"] for line in log if "validation" in line] == [1, 2, 3, 4] and {line["phase"] for line in log} == {1}, "epochs and phases are counted from 1")
check(max((line for line in log if line.get("best")), key=lambda line: line["epoch"])["epoch"] == summary["best_epoch"], "the best epoch is the log's")
check(not os.path.exists("m.safetensors.checkpoint"), "the checkpoint goes when the run is complete")
header = json.loads(read("m.safetensors")[8:8 + struct.unpack("<Q", read("m.safetensors")[:8])[0]])["__metadata__"]
check(json.loads(header["classes"]) == sorted(json.loads(header["classes"])) and len(json.loads(header["classes"])) == 3, "the classes are in the file")

# kill -9 in the middle, then --resume: the same bytes as a run that never stopped.
LONG = COMMON + ["--epochs", "60", "--set", "train.ema=0.9", "--set", "train.schedule=cosine", "--val", "train.jsonl", "--checkpoint-minutes", "0.0001"]
tool("tal-train", *LONG, "--out", "whole.safetensors")
kills = 0
for attempt in range(4):
    process = subprocess.Popen([TRAIN, *LONG, "--out", "killed.safetensors", "--resume"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.time() + 60
    before = os.stat("killed.safetensors.checkpoint").st_mtime_ns if os.path.exists("killed.safetensors.checkpoint") else None
    while process.poll() is None and time.time() < deadline:
        now = os.stat("killed.safetensors.checkpoint").st_mtime_ns if os.path.exists("killed.safetensors.checkpoint") else None
        if now is not None and now != before:
            break
        time.sleep(0.002)
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
        kills += 1
    process.wait()
check(kills >= 1, "a run was killed")
tool("tal-train", *LONG, "--out", "killed.safetensors", "--resume")
check(read("killed.safetensors") == read("whole.safetensors"), f"killed {kills} times and resumed: the same bytes")

# Columns to mean 0 and deviation 1: the numbers travel with the model, so that scaled features give the same losses.
tool("tal-train", *COMMON, "--epochs", "2", "--set", "train.standardize=true", "--out", "z.safetensors", "--log", "z.jsonl")
size = struct.unpack("<Q", read("z.safetensors")[:8])[0]
check("input/mean" in json.loads(read("z.safetensors")[8:8 + size]), "the columns' means are in the file")
scaled = []
for line in records.splitlines():
    record = json.loads(line)
    path = record["features"]["synth"]["path"]
    raw = read(path)
    start = 10 + struct.unpack_from("<H", raw, 8)[0]
    values = struct.unpack(f"<{(len(raw) - start) // 4}f", raw[start:])
    with open(path + ".scaled.npy", "wb") as file:
        file.write(raw[:start] + struct.pack(f"<{len(values)}f", *(8 * v + 16 for v in values)))
    record["features"]["synth"]["path"] = path + ".scaled.npy"
    scaled.append(json.dumps(record))
tool("tal-train", *COMMON[:-1], "-", "--epochs", "2", "--set", "train.standardize=true", "--out", "y.safetensors", "--log", "y.jsonl", data="\n".join(scaled))
pairs = [(json.loads(a)["loss"], json.loads(b)["loss"]) for a, b in zip(read("z.jsonl").splitlines(), read("y.jsonl").splitlines()) if b"loss" in a and b"mean" not in a]
check(len(pairs) > 2 and all(abs(a - b) < 1e-3 for a, b in pairs), "standardised features forget their scale")

# TensorBoard's framing: length, masked CRC-32C of both parts; then its own reader where it is installed.
events = [os.path.join("board", name) for name in os.listdir("board")]
check(len(events) == 1, "one event file")
data, count, at = read(events[0]), 0, 0


def crc32c(part):
    crc = 0xFFFFFFFF
    for byte in part:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


while at < len(data):
    length, head = struct.unpack_from("<QI", data, at)
    check(crc32c(data[at:at + 8]) == head, "length checksum")
    event = data[at + 12:at + 12 + length]
    check(crc32c(event) == struct.unpack_from("<I", data, at + 12 + length)[0], "event checksum")
    at += 16 + length
    count += 1
check(count > summary["steps"], f"{count} events")
try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    board = EventAccumulator("board")
    board.Reload()
    check(len(board.Scalars("train/loss")) == summary["steps"], "TensorBoard's own reader finds every loss")
except ImportError:
    print("note: tensorboard is not installed; its own reader was not tried")


# Two processes share each batch and end with the model of one.
PLAIN = COMMON + ["--set", "norm=none", "--set", "dropout=0", "--set", "train.optimizer=sgd", "--set", "train.lr=0.01"]
tool("tal-train", *PLAIN, "--epochs", "3", "--out", "one.safetensors")


pair = processes([TRAIN, *PLAIN, "--epochs", "3", "--out", "two.safetensors"], free_port())
results = [process.communicate(timeout=180) for process in pair]
message = results[0][1].decode() + results[1][1].decode()
if "no Gloo headers" in message:
    print("note: this build has no Gloo; several processes were not tried")
else:
    check([process.returncode for process in pair] == [0, 0], "both processes end well: " + message[-600:])
    check(bool(results[0][0]) and not results[1][0], "only the first process writes the summary")

    def tensors(path):
        raw = read(path)
        size = struct.unpack("<Q", raw[:8])[0]
        header = json.loads(raw[8:8 + size])
        out = {}
        for name, entry in header.items():
            if name != "__metadata__" and entry["dtype"] == "F32":
                begin, end = entry["data_offsets"]
                out[name] = struct.unpack(f"<{(end - begin) // 4}f", raw[8 + size + begin:8 + size + end])
        return out

    one, two = tensors("one.safetensors"), tensors("two.safetensors")
    worst = max(abs(a - b) for name in one for a, b in zip(one[name], two[name]))
    check(set(one) == set(two) and worst < 1e-5, f"two processes against one differ by {worst}")
    # One that dies makes the other stop with an error, never hang.
    pair = processes([TRAIN, *PLAIN, "--epochs", "100000", "--out", "two.safetensors"], free_port())
    time.sleep(4)
    pair[1].kill()
    try:
        _, errors = pair[0].communicate(timeout=90)
        check(pair[0].returncode == 1 and b"another process may have died" in errors, "the survivor says so: " + errors.decode()[-400:])
    except subprocess.TimeoutExpired:
        pair[0].kill()
        check(False, "the survivor hangs")

# What is wrong is said, with both sides.
for arguments, expected, status in [
    (["--model", "segment-clasifier", "--out", "x"], "did you mean 'segment-classifier'", 2),
    (COMMON + ["--out", "x", "--set", "hiden=3"], "did you mean 'hidden'", 2),
    (COMMON + ["--out", "x", "--set", "hidden"], "is not NAME=VALUE", 2),
    (COMMON + ["--out", "x", "--set", "pooling=min"], "'min' is none of mean, max, mean-max", 2),
    (COMMON + ["--out", "x", "--preset", "table9"], "has no preset 'table9'", 2),
    (COMMON + ["--out", "x", "--last", "y"], "--last", 2),
    (COMMON + ["--out", "x", "--subset", "nothing"], "no record of subset 'nothing'", 1),
    (COMMON + ["--out", "x", "--streams", "rgb"], "no stream 'rgb'; there are: synth", 1),
    (COMMON + ["--out", "x", "--device", "cuda:x"], "must be cpu, cuda or cuda:N", 2),
    (COMMON + ["--out", "missing/x", "--epochs", "1"], "missing/x", 1),
]:
    done = tool("tal-train", *arguments, status=status)
    check(expected in done.stderr, f"{arguments[-2:]}: expected {expected!r} in {done.stderr[-300:]!r}")
done = tool("tal-train", *COMMON, "--out", "x", "--epochs", "7", "--print-config")
check("train.epochs = 7  # --epochs" in done.stdout and "hidden = 16  # --set" in done.stdout, "--print-config names each origin")
listed = tool("tal-train", "--model", "rpn", "--set", "rows=64", "--list-settings").stdout
check("rows = 64\n" in listed and "(only with weighting=mtl)" in listed and "[more than 0]" in listed and "Presets" in listed, "--list-settings: values, conditions, ranges, presets")
listed = tool("tal-train", "--list-settings").stdout
check(all(("\n" + name + " - ") in "\n" + listed for name in ("rpn", "bsnpp", "sptad", "etp-an", "segment-classifier")), "--list-settings of all models")
for arguments, said in ((["--out", "x"], "--model is required"), (["--model", "rpn", "-i", "train.jsonl"], "--out is required"), (["--model", "rpnn", "--list-settings"], "rpn"),
                        (["--list-settings", "--set", "rows=3"], "--set"), ([*COMMON, "--out", "x", "--set", "hidden=0"], "setting 'hidden': must be"),
                        ([*COMMON, "--out", "x", "--set", "train.momentum=0.5"], "setting 'train.momentum' has no effect with optimizer=adamw (it is for optimizer=sgd)"),
                        ([*COMMON, "--out", "x", "--set", "train.patience=2"], "setting 'train.patience' has no effect in a run without --val"),
                        (["--model", "etp-rn", "--preset", "unit-61", "--out", "x"], "did you mean 'unit-64'?")):
    done = tool("tal-train", *arguments, data="", status=2)
    check(said in done.stderr, f"{arguments[-2:]}: expected {said!r} in {done.stderr[-300:]!r}")
done = tool("tal-train", "--model", "etp-rn", "--preset", "unit-16", "--preset", "small", "--preset", "unit-32", "--out", "x", "--print-config")
check("unit-length = 32.0  # preset unit-32" in done.stdout and "hidden = 128  # preset small" in done.stdout, "presets add up, later ones win: " + done.stdout[:300])
check("preset unit-32: unit-length is 32.0, not the 16.0 of preset unit-16" in done.stderr, "what a preset replaces of another is said: " + done.stderr)

# A preset that has no effect upon those before it is refused; later ones and what is typed take the idle values of earlier ones along.
done = tool("tal-train", "--model", "rpn", "--preset", "table1-B2-kl-mtl", "--preset", "table1-B2-heads1", "--print-config")
check("val-kl-ev = false  # default" in done.stdout and "preset table1-B2-kl-mtl: val-kl-ev has no effect with regression=smooth-l1" in done.stderr, done.stderr)
done = tool("tal-train", "--model", "sptad", "--preset", "activitynet", "--preset", "table8-224", "--print-config", status=2)
check("preset table8-224: setting 'inference.test-stride' has no effect with input=rescale" in done.stderr, done.stderr)
done = tool("tal-train", "--model", "rpn", "--preset", "table1-B2-kl-mtl", "--set", "regression=smooth-l1", "--print-config")
check("val-kl-ev = false  # default" in done.stdout and "preset table1-B2-kl-mtl: val-kl-ev has no effect" in done.stderr, done.stdout[-300:] + done.stderr)

# Presets say all that they stand for: the last of two that exclude each other is what it says, and what it replaces is told.
for model, first, then, said in (("bsnpp", "windows", "activitynet", 'input = "rescale"  # preset activitynet'), ("bsnpp", "baseline", "cbg-nested", 'generator = "nested"  # preset cbg-nested'),
                                 ("bsnpp", "prb-channel", "prb", 'branches = ["position","channel","aggregated"]  # preset prb'), ("bmn", "public", "activitynet", 'form = "paper"  # preset activitynet'),
                                 ("cmsn", "eq7", "table6-1", 'margin-form = "worked"  # preset table6-1')):
    done = tool("tal-train", "--model", model, "--preset", first, "--preset", then, "--print-config")
    check(said in done.stdout and f"preset {then}: " in done.stderr, f"{model}: {first}, then {then}: {done.stdout} {done.stderr}")
tool("tal-train", "--model", "sptad", "--preset", "activitynet-clips", "--preset", "thumos14-clips", "--set", "backbone-rgb=random", "--set", "backbone-flow=random", "--print-config")
check("--streams: 'synth' stands there twice" in tool("tal-train", *COMMON, "--out", "x", "--streams", "synth", "--streams", "synth", status=2).stderr, "--streams twice")
tool("tal-train", *COMMON, "--epochs", "2", "--out", "few.safetensors", "--log", "few.jsonl", "--log-every", "0")
check([set(json.loads(line)) >= {"mean"} for line in read("few.jsonl").splitlines()] == [True, True], "--log-every 0: a line an epoch, no other")
check("fusion-weights: has no effect: the model has one stream" in tool("tal-train", "--model", "etp-ln", "--set", "inference.fusion-weights=1", "--out", "x", "-i", "train.jsonl", status=1).stderr, "weights of one stream")
two = tool("tal-synth", "features", "--out-dir", "features", "--dim", "4", "--stream", "other", data=records).stdout
done = tool("tal-train", "--model", "etp-ln", "--set", "inference.fusion-weights=1,2,3", "--out", "x", data=two, status=1)
check("fusion-weights: needs a weight for each of the 2 streams" in done.stderr, "weights of streams that there are not: " + done.stderr)

# Settings that contradict each other are a mistake of the command line, said before any data are read.
for model, settings, said in (("bmn", ["durations=200"], "durations': a longest proposal of 200 rows"), ("bsnpp", ["branches=plain,plain"], "branches': 'plain' is there twice"),
                              ("bsnpp", ["positive=0.2", "negative=0.4"], "negative': the negative threshold is above"), ("sptad", ["heads=3"], "heads': 256 columns cannot"),
                              ("sptad", ["stem-layers=0"], "stem-layers': strided convolutions"), ("etp-an", ["kernel=4"], "kernel': must be odd"), ("rpn", ["negative-high=0.8"], "negative-high': hard negatives"),
                              ("cmsn", ["input=clips", "c3d-weights=random", "frozen=0", "crop=500"], "crop': is larger than the frames")):
    done = tool("tal-train", "--model", model, "--out", "x", *(word for pair in settings for word in ("--set", pair)), data="no record", status=2)
    check("setting '" + said in done.stderr, f"{model} {settings}: {done.stderr}")
done = tool("tal-train", *COMMON, "--out", "x", "--set", "train.lr=1e-3", "--set", "train.lr=1e-4", "--print-config")
check("train.lr = 0.0001  # --set" in done.stdout and "--set train.lr=1e-4: not the 0.001 of an earlier --set" in done.stderr, done.stderr)

# One stream: nothing to fuse early.
done = tool("tal-train", "--model", "etp-ln", "--set", "fusion=early", "--out", "x", "-i", "train.jsonl", status=1)
check("fusion: 'early' puts several streams side by side; the features are one stream, 'synth'" in done.stderr, done.stderr)

# Two ways to say one setting must say the same.
done = tool("tal-train", *COMMON, "--out", "x", "--epochs", "3", "--set", "train.epochs=1", status=2)
check("setting 'train.epochs': --set says 1, --epochs says 3" in done.stderr, done.stderr)
tool("tal-train", *COMMON, "--out", "x", "--epochs", "3", "--set", "train.epochs=3", "--print-config")
for pair, said in (("train.schedule=step", "'step' never steps"), ("train.metric=map", "a run without --val")):
    check(said in tool("tal-train", *COMMON, "--out", "x", "--set", pair, status=2).stderr, pair)
check("a run without --val" in tool("tal-train", "--model", "rpn", "--out", "x", "--set", "val-beta=0.5", status=2).stderr, "val-beta")
lines = records.splitlines()
odd = json.loads(lines[3])
odd["features"]["synth"]["stride"] = 16
done = tool("tal-train", *COMMON[:-1], "-", "--out", "x", data="\n".join(lines[:3] + [json.dumps(odd)] + lines[4:]) + "\n", status=1)
check("stdin:4: video '%s': features.synth.stride: the first record has 8, this stream has 16" % odd["video"] in done.stderr, done.stderr[-300:])

# A model whose training diverged is refused when it is opened.
raw = bytearray(read("one.safetensors"))
size = struct.unpack("<Q", raw[:8])[0]
name, entry = next((name, entry) for name, entry in json.loads(raw[8:8 + size]).items() if name != "__metadata__" and entry["dtype"] == "F32")
struct.pack_into("<f", raw, 8 + size + entry["data_offsets"][0], float("nan"))
with open("nan.safetensors", "wb") as file:
    file.write(raw)
done = tool("tal-score", "-m", "nan.safetensors", data=records, status=1)
check(f"'nan.safetensors': tensor '{name}' has values that are not finite" in done.stderr, done.stderr[-300:])

finish()
