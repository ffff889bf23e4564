#!/usr/bin/env python3
"""What a machine with a GPU is asked, in one run: do the kernels agree with their twins, does every model compute there what it computes on the processor, does it learn in
float32, tf32 and bfloat16, and how fast, beside the same network in plain PyTorch. One Markdown table on stdout, progress on stderr.

The tools find LibTorch themselves (TAL_TORCH, beside libtal.so, the active Python's torch, where tal was built); the plain forms (gpu_peers.py) need the active Python's torch and
are left out, by name, without it. Nothing is installed or fetched. Exit status: 0 everything agreed, 1 something disagreed, failed or was not run, 2 usage.
"""
import argparse
import array
import base64
import bisect
import concurrent.futures
import dataclasses
import hashlib
import json
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
MANIFEST = "MANIFEST.json"  # at the head of an unpacked archive

# How far a number may lie from the processor's float32, as a share of the largest of its kind: products there are float32's, or have factors of 10 or 8 bits. And how many
# proposals must have a counterpart so near: which of them exist hangs on thresholds, which a rounding can cross.
TOLERANCE = {"float32": 1e-4, "tf32": 1e-2, "bfloat16": 5e-2}
SHARE = {"float32": 0.99, "tf32": 0.9, "bfloat16": 0.8}
# Of the first losses of a training with the same seed, each a share of the processor's: an update stands between one and the next.
FIRST_LOSSES, LOSS_TOLERANCE = 3, 1e-3

STEPS = {False: 20, True: 8}     # optimiser steps of a training; True: a dry run
DEVICES = {"cuda": ("float32", "tf32", "bfloat16"), "cpu": ("float32", "bfloat16")}
LARGEST_ARCHIVE = 60 * 10**6     # bytes


@dataclasses.dataclass
class Row:
    what: str
    value: str = ""
    against: str = ""
    ratio: str = ""
    agreed: str = ""  # "yes", "no: why", "skipped: why", "not run: why"; "": nothing to agree with


def reason(errors):
    """The line of a program's stderr that says what went wrong."""
    lines = errors.strip().splitlines() or ["no message"]
    return next((line for line in lines if "error" in line.lower()), lines[-1])[:300]


def passed(row):
    return not row.agreed.startswith(("no:", "not run:"))


class Fault(Exception):
    """A program failed, or a number is wrong: the reason stands beside the row."""


class OutOfTime(Exception):
    pass


# ---- comparing ----

ARRAY_CODES = {"float32": "f", "float64": "d"}


def arrays_of(record):
    """{path: numbers} of what a stage left in a record beside its proposals: score maps, and curves as streams with their data inside."""
    found = {}

    def walk(value, path):
        if isinstance(value, dict) and isinstance(value.get("data"), str):
            kind = value.get("dtype", "float32")
            if kind not in ARRAY_CODES:
                raise Fault(f"{path} is of type {kind}, which is not compared")
            numbers = array.array(ARRAY_CODES[kind])
            numbers.frombytes(base64.b64decode(value["data"]))
            found[path] = numbers
        elif isinstance(value, dict):
            for name, inner in value.items():
                walk(inner, f"{path}.{name}")
        elif isinstance(value, list):
            flat = []

            def flatten(inner):
                for element in inner:
                    if isinstance(element, list):
                        flatten(element)
                    elif isinstance(element, (int, float)):
                        flat.append(float(element))
                    else:  # JSON has no NaN: null is one
                        flat.append(math.nan)
            flatten(value)
            found[path] = flat

    walk(record.get("maps") or {}, "maps")
    walk({name: stream for name, stream in (record.get("features") or {}).items() if isinstance(stream, dict) and "data" in stream}, "features")
    return found


def numbers_of(proposal):
    """(label, {kind: number}); both ends of the segment are of one kind, time."""
    numbers = {}

    def walk(value, path):
        if isinstance(value, dict):
            for name, inner in value.items():
                walk(inner, f"{path}.{name}" if path else name)
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                walk(inner, f"{path}[{index}]")
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            numbers[path] = float(value)
        elif value is None:
            numbers[path] = math.nan
    walk(proposal, "")
    return proposal.get("label"), numbers


def kind_of(name):
    return "segment" if name.startswith("segment[") else name


def far(a, b, scales):
    """The largest difference of two proposals' numbers, as a share of the largest of each kind; infinite when they have not the same, or one is none."""
    if a.keys() != b.keys():
        return math.inf
    worst = 0.0
    for name, value in a.items():
        difference = abs(value - b[name])
        if not difference <= math.inf:
            return math.inf
        worst = max(worst, difference / scales[kind_of(name)] if difference else 0.0)
    return worst


def compare_arrays(reference, found, tolerance):
    """(largest difference as a share of the reference's largest, why they disagree or '')."""
    if len(reference) != len(found):
        return math.inf, f"{len(found)} numbers instead of {len(reference)}"
    if not reference:
        return 0.0, ""
    largest = max(abs(x) for x in reference)
    if not all(map(math.isfinite, reference)) or not all(map(math.isfinite, found)):
        return math.inf, "numbers that are not finite"
    worst = max(abs(a - b) for a, b in zip(reference, found)) / (largest or 1.0)
    return worst, "" if worst <= tolerance else f"differs by {worst:.1e} of the largest"


def compare_proposals(reference, found, tolerance):
    """(largest difference of counterparts, their number); a counterpart has the same label and every number within the tolerance."""
    ours, theirs = [numbers_of(p) for p in reference], [numbers_of(p) for p in found]
    scales = {}
    for _, numbers in ours:
        for name, value in numbers.items():
            if math.isfinite(value):
                scales[kind_of(name)] = max(scales.get(kind_of(name), 0.0), abs(value))
    scales = {kind: scale or 1.0 for kind, scale in scales.items()}
    # In their order first: a stage that keeps its input's proposals leaves them so.
    if len(ours) == len(theirs) and all(a[0] == b[0] for a, b in zip(ours, theirs)):
        differences = [far(a[1], b[1], scales) for a, b in zip(ours, theirs)]
        if all(d <= tolerance for d in differences):
            return max(differences, default=0.0), len(ours)
    by_label = {}
    for label, numbers in theirs:
        by_label.setdefault(label, []).append(numbers)
    for group in by_label.values():
        group.sort(key=lambda n: n.get("segment[0]", 0.0))
    starts = {label: [n.get("segment[0]", 0.0) for n in group] for label, group in by_label.items()}
    taken = {label: [False] * len(group) for label, group in by_label.items()}
    worst, pairs = 0.0, 0
    reach = tolerance * scales.get("segment", 1.0)
    for label, numbers in ours:
        group, best, nearest = by_label.get(label, []), tolerance, None
        start = numbers.get("segment[0]", 0.0)
        first = bisect.bisect_left(starts.get(label, []), start - reach)
        last = bisect.bisect_right(starts.get(label, []), start + reach)
        for index in range(first, last):
            difference = math.inf if taken[label][index] else far(numbers, group[index], scales)
            if difference <= best:
                best, nearest = difference, index
        if nearest is not None:
            taken[label][nearest] = True
            worst, pairs = max(worst, best), pairs + 1
    return worst, pairs


def compare_records(reference, found, tolerance, share, proposals=True):
    """The largest difference of two lists of records; Fault that says what disagrees. Without `proposals` the maps and curves alone are compared."""
    if [r["video"] for r in reference] != [r["video"] for r in found]:
        raise Fault("not the same videos")
    worst, pairs, count, arrays = 0.0, 0, 0, 0
    for ours, theirs in zip(reference, found):
        left, right = arrays_of(ours), arrays_of(theirs)
        if left.keys() != right.keys():
            raise Fault(f"{ours['video']}: other maps or curves")
        for path, numbers in left.items():
            difference, why = compare_arrays(numbers, right[path], tolerance)
            if why:
                raise Fault(f"{ours['video']}: {path}: {why}")
            worst, arrays = max(worst, difference), arrays + 1
        if proposals:
            a, b = ours.get("proposals", []), theirs.get("proposals", [])
            difference, matched = compare_proposals(a, b, tolerance)
            worst, pairs, count = max(worst, difference), pairs + matched, count + max(len(a), len(b))
    if pairs < share * count:
        raise Fault(f"{count - pairs} of {count} proposals have no counterpart within {tolerance:g}")
    if not count and not arrays:
        raise Fault("nothing to compare: no proposals, maps or curves")
    return worst


def compare_losses(reference, found):
    """The same of the first losses of two trainings."""
    if len(reference) < FIRST_LOSSES or len(found) < FIRST_LOSSES:
        raise Fault("fewer losses than are compared")
    worst = 0.0
    for step in range(FIRST_LOSSES):
        difference = abs(found[step] - reference[step]) / max(abs(reference[step]), 1e-12)
        if not difference <= LOSS_TOLERANCE:
            raise Fault(f"loss of step {step + 1} is {found[step]:.6g}, the processor's {reference[step]:.6g}")
        worst = max(worst, difference)
    return worst


def check_learning(losses, steps):
    """Fault unless there are so many finite losses and the last quarter's mean is below the first's."""
    if len(losses) != steps:
        raise Fault(f"{len(losses)} steps instead of {steps}")
    if not all(map(math.isfinite, losses)):
        raise Fault(f"the loss of step {[math.isfinite(x) for x in losses].index(False) + 1} is not finite")
    part = max(1, steps // 4)
    first, last = statistics.fmean(losses[:part]), statistics.fmean(losses[-part:])
    if not last < first:
        raise Fault(f"the loss does not fall: {first:.4g} to {last:.4g}")
    return first, last


# ---- models and data ----

# Records of known truth: how many, and what tal-synth annotations and tal-synth features are told. Dry runs use `small` for everything.
DATA = {
    "small": (4, ["--proposals", "30", "--tiou", "0.6"], ["--dim", "64"]),
    "large": (16, ["--proposals", "200", "--tiou", "0.6"], ["--dim", "400"]),
    "long": (4, ["--min-duration", "380", "--max-duration", "400", "--max-instances", "20"], ["--dim", "2048", "--stride", "4"]),
}


@dataclasses.dataclass
class Model:
    name: str           # of the steps
    model: str          # of tal-train
    stage: str          # the tool that its files are for
    small: list         # settings without anything random, that learn in a moment on `small`
    batch: int
    full: list = dataclasses.field(default_factory=list)  # settings at the published size, beside the defaults
    full_batch: int = 16
    full_data: str = "large"
    alone: bool = False      # its steps are timed with nothing beside them
    peer: str = ""           # plain form in gpu_peers.py
    discrete: bool = False   # proposals come of thresholds on maps or curves: in coarser numbers these alone are compared
    show: list = dataclasses.field(default_factory=list)  # options of the stage that leave maps or curves in the records


_MAPS = ["samples=4", "base-filters=8", "reduced-filters=8", "proposal-filters=8", "head-filters=4", "rows=32", "durations=32"]
_POINTS = ["dims=16", "head-dims=8", "stem=1", "levels=4", "droppath=0", "normalizer=30", "train.warmup-epochs=0", "train.lr=3e-3"]
_POINTS_FULL = ["train.warmup-epochs=0", "train.lr=1e-3"]
MODELS = [
    Model("rpn", "rpn", "tal-propose", ["width=16", "hidden=8", "rows=32"], 4, full_batch=4, alone=True),
    Model("bsnpp", "bsnpp", "tal-propose", _MAPS + ["first-filters=8", "generator-filters=8", "attention-filters=4"], 4, alone=True, discrete=True, show=["--maps", "inline"]),
    Model("bmn", "bmn", "tal-propose", _MAPS + ["boundary-filters=8"], 4, alone=True, peer="bmn", discrete=True, show=["--maps", "inline"]),
    Model("cmsn", "cmsn", "tal-propose", ["hidden=8", "lstm-hidden=8", "evaluation-hidden=8", "evaluation-epochs=1", "window=32", "dropout=0", "train.lr=1e-3"], 4,
          ["evaluation-epochs=1", "train.lr=1e-3"], 4, discrete=True),
    Model("etp-an", "etp-an", "tal-propose", ["hidden=8", "kernel=3", "dropout=0", "train.lr=1e-2"], 4, discrete=True, show=["--set", "write-curves=true"]),
    Model("etp-rn", "etp-rn", "tal-refine", ["hidden=8"], 8, ["train.lr=1e-2"], 128),
    Model("etp-ln", "etp-ln", "tal-score", ["dropout=0", "train.lr=1e-2"], 8, ["train.lr=1e-2"]),
    Model("sptad", "sptad", "tal-propose", ["clip=64", "dim=16", "heads=2", "hidden=4", "ffn=16", "stages=2", "proposals=8", "roi-rows=4", "stem-filters=8", "train.lr=1e-3"], 4,
          alone=True, peer="sptad"),
    Model("points-attention", "points", "tal-propose", _POINTS + ["heads=2", "windows=5"], 4, _POINTS_FULL, 2, "long", alone=True, peer="actionformer"),
    Model("points-sgp", "points", "tal-propose", _POINTS + ["neck=sgp", "windows=1", "sgp-init=0.1", "head=trident"], 4, _POINTS_FULL, 2, "long"),
    Model("points-dbm", "points", "tal-propose", _POINTS + ["neck=dbm"], 4, _POINTS_FULL, 2, "long"),
    Model("segment-classifier", "segment-classifier", "tal-score", ["hidden=8", "dropout=0", "train.lr=1e-2"], 64, full_batch=64),
]

# What this run cannot show of the networks, and why: said in the table, so that nobody takes them for compared.
NOT_HERE = {
    "compare/tal-extract": "tal-extract cannot start without OpenCV and FFmpeg, which are not carried",
    "compare/clips": "models that see frames (sptad, points, cmsn) need videos, and those OpenCV and FFmpeg",
    "rate/tal-extract": "tal-extract cannot start without OpenCV and FFmpeg; tal-bench has I3D and ResNet-50 from their bytes on",
    "rate/rpn": "no plain form is written here",
    "rate/bsnpp": "no plain form is written here",
}


# ---- the run ----

class Run:
    """Where the programs are, what they compute on, and until when."""

    def __init__(self, options, folder):
        self.bin, self.device, self.dry, self.folder = os.path.abspath(options.bin), options.device, options.dry_run, folder
        self.deadline = time.monotonic() + options.budget
        self.budget = options.budget
        self.steps = STEPS[self.dry]
        # A setting of the caller's own would be an option of every tool here; where LibTorch is, is not.
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("TAL_") or name == "TAL_TORCH"}
        self.add_spare()
        self.torch_folder = ""
        self.no_device = ""       # why nothing can be computed on the device
        self.step_times = {}      # (model, precision): milliseconds of a training step at full size
        self.data, self.data_lock = {}, threading.Lock()

    def add_spare(self):
        """An archive's C++ runtime, only where a tool does not start with the machine's own: LibTorch may need that one, when it is newer."""
        spare, first = os.path.join(self.bin, "..", "lib", "spare"), self.path("tal-nms")
        if os.path.isdir(spare) and os.path.exists(first) and subprocess.run([first, "--version"], capture_output=True, env=self.env, check=False).returncode:
            self.env["LD_LIBRARY_PATH"] = os.pathsep.join(f for f in (self.env.get("LD_LIBRARY_PATH", ""), spare) if f)

    def left(self):
        return self.deadline - time.monotonic()

    def path(self, name):
        return os.path.join(self.bin, name)

    def run(self, program, *arguments, data=None, env=None, log=None):
        """The finished process of one of the tools; Fault with its own words when it fails. log: a function that is given each line of --log as it is written."""
        words, pipes, reader = [self.path(program), *arguments], (), None
        if not os.path.exists(words[0]):
            raise Fault(f"{program} is not in {self.bin}")
        if log:
            source, sink = os.pipe()
            words, pipes = words + ["--log", f"/dev/fd/{sink}"], (sink,)
            reader = threading.Thread(target=lambda: [log(line) for line in os.fdopen(source)])
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**self.env, **(env or {})}, pass_fds=pipes,
                                   cwd=self.folder)
        if log:
            os.close(sink)
            reader.start()
        try:
            output, errors = process.communicate(data, timeout=max(0.1, self.left()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise OutOfTime from None
        finally:
            if reader:
                reader.join()
        if process.returncode:
            raise Fault(f"{program}: status {process.returncode}: {reason(errors)}")
        process.output, process.errors = output, errors
        return process

    def library_env(self):
        """For programs that link LibTorch instead of opening it: its folder, and stand-ins of what an archive cannot carry."""
        folders = [self.torch_folder, os.path.join(self.bin, "..", "lib", "absent"), self.env.get("LD_LIBRARY_PATH", "")]
        return {"LD_LIBRARY_PATH": os.pathsep.join(f for f in folders if f)}

    def records(self, name):
        """The file of a data set, made when first asked for."""
        name = "small" if self.dry else name
        with self.data_lock:
            if name not in self.data:
                count, annotations, features = DATA[name]
                made = self.run("tal-synth", "annotations", "-n", str(count), "--seed", "1", *annotations)
                path = os.path.join(self.folder, name + ".jsonl")
                self.run("tal-synth", "features", "--seed", "2", "--snr", "2", "--out-dir", os.path.join(self.folder, name), *features, "-o", path, data=made.output)
                self.data[name] = path
            return self.data[name]


def train(run, model, device, precision, full, out):
    """([losses], median milliseconds of a step in the later half). Training's first phase alone: the second of CMSN is of another network."""
    losses, times = [], []

    def line(text):
        entry = json.loads(text)
        if "loss" in entry and entry.get("phase", 1) == 1:
            losses.append(math.nan if entry["loss"] is None else entry["loss"])
            times.append(time.monotonic())

    small = run.dry or not full
    settings, batch, data = (model.small, model.batch, "small") if small else (model.full, model.full_batch, model.full_data)
    if model.name.startswith("points-") and not small:  # the neck is what names the model
        settings = [s for s in model.small if s.startswith(("neck=", "head="))] + settings
    words = [word for setting in settings for word in ("--set", setting)]
    run.run("tal-train", "--model", model.model, *words, "--epochs", "1", "--batch", str(batch), "--set", f"train.samples-per-epoch={batch * run.steps}",
            "--precision", precision, "--device", device, "--threads", "1" if small else "0", "-q", "--out", out, "-i", run.records(data), log=line)
    later = [b - a for a, b in zip(times, times[1:])][len(times) // 2:]
    return losses, statistics.median(later) * 1e3 if later else math.nan


def records_of(text):
    return [json.loads(line) for line in text.splitlines()]


# Each step gives its rows. A Fault or OutOfTime that it raises becomes the row of the whole step.

def step_environment(run):
    rows = []
    if os.path.exists(os.path.join(ROOT, MANIFEST)):
        rows.append(Row("archive", check_manifest(ROOT), agreed="yes"))
    if run.device == "cuda" and shutil.which("nvidia-smi"):
        done = subprocess.run(["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"], capture_output=True, text=True, timeout=60, check=False)
        rows.append(Row("GPU, driver, memory", "; ".join(done.stdout.split("\n")[:-1]) or "nvidia-smi: " + done.stderr.strip()[:100]))
    rows.append(Row("processor", f"{os.cpu_count()} cores", "Python " + sys.version.split()[0]))
    version = run.run("tal-train", "--version", "-v").output.strip().splitlines()
    rows.append(Row("tal", "; ".join(version)))
    found = re.search(r"^LibTorch .*?, (/[^(]*) \(", "\n".join(version), re.M)
    if not found:
        run.no_device = "the tools find no LibTorch"
        raise Fault("the tools find no LibTorch: " + "; ".join(version))
    run.torch_folder = found[1]
    # A device that cannot be had is refused before any data are read: no records are needed to ask for it.
    probe = subprocess.run([run.path("tal-train"), "--model", "segment-classifier", "--device", run.device, "--out", os.path.join(run.folder, "none"), "-i", os.devnull],
                           capture_output=True, text=True, env=run.env, timeout=max(1, run.left()), check=False)
    if probe.returncode == 2:
        run.no_device = reason(probe.stderr)
        rows.append(Row("device " + run.device, agreed="no: " + run.no_device))
    else:
        rows.append(Row("device " + run.device, agreed="yes"))
    return rows


SUITES = {"cuda": "cuda_twins", "cpu": "cuda_host"}  # the second runs the kernels' code on the processor


def step_twins(run):
    suite = SUITES[run.device]
    done = run.run("nn-tests", "--run_test=" + suite, "--color_output=no", "--log_level=message", env=run.library_env())
    skipped = re.search(r"SKIPPED: no data: (.*)", done.output)
    if skipped:
        raise Fault(skipped[1])
    tests = re.search(r"Running (\d+) test case", done.output + done.errors)
    return [Row("twins", f"{tests[1] if tests else '?'} tests of {suite}", "plain loops and CPU", agreed="yes")]


def step_compare(run, model):
    """Weights that the processor trained, through their stage on both; and the first losses of a training on the device."""
    rows, name = [], os.path.join(run.folder, model.name)
    losses, _ = train(run, model, "cpu", "float32", False, name + ".safetensors")
    check_learning(losses, run.steps)

    def stage(device, precision):
        return records_of(run.run(model.stage, "-m", name + ".safetensors", "-i", run.records("small"), "--device", device, "--precision", precision, "--threads", "1",
                                  "--no-history", *model.show).output)
    reference = stage("cpu", "float32")
    for precision in DEVICES["cuda"]:
        row = Row(f"{model.stage} {model.name}, {precision}", against=f"CPU float32, {TOLERANCE[precision]:g} of the largest")
        rows.append(row)
        if precision not in DEVICES[run.device]:
            row.agreed = f"skipped: {run.device} has no {precision}"
            continue
        try:
            worst = compare_records(reference, stage(run.device, precision), TOLERANCE[precision], SHARE[precision], precision == "float32" or not model.discrete)
            row.value, row.agreed = f"{worst:.1e}", "yes"
        except Fault as fault:
            row.agreed = f"no: {fault}"
    row = Row(f"tal-train {model.name}, first losses", against=f"CPU float32, {LOSS_TOLERANCE:g} of each")
    rows.append(row)
    try:
        row.value, row.agreed = f"{compare_losses(losses, train(run, model, run.device, 'float32', False, name + '.device.safetensors')[0]):.1e}", "yes"
    except Fault as fault:
        row.agreed = f"no: {fault}"
    return rows


def step_train(run, model):
    rows = []
    for precision in DEVICES["cuda"]:
        row = Row(f"train {model.name}, {precision}", against="float32" if precision != "float32" else "")
        rows.append(row)
        if precision not in DEVICES[run.device]:
            row.agreed = f"skipped: {run.device} has no {precision}"
            continue
        try:
            losses, milliseconds = train(run, model, run.device, precision, True, os.path.join(run.folder, f"{model.name}.{precision}.safetensors"))
            first, last = check_learning(losses, run.steps)
            run.step_times[model.name, precision] = milliseconds
            row.value, row.agreed = f"{milliseconds:.4g} ms a step{'' if model.alone else ' beside others'}, loss {first:.4g} to {last:.4g}", "yes"
            if row.against and (model.name, "float32") in run.step_times:
                row.ratio = f"{run.step_times[model.name, 'float32'] / milliseconds:.2f}" if model.alone else ""
        except Fault as fault:
            row.agreed = f"no: {fault}"
    return rows


# Cases of tal-bench: on CUDA those that are measured there; the dry run takes two short ones, to see that the program starts and its output is read.
BENCH = {"cuda": "cuda", "cpu": "^(bm/forward-T50|cmsn/candidates-cap)$"}


def step_bench(run):
    done = run.run("tal-bench", "--filter", BENCH[run.device], "--format", "json", *(["--rounds", "1"] if run.dry else []), env=run.library_env())
    cases = json.loads(done.output)
    if not cases:
        raise Fault("every case was skipped: no kernels on this device")
    return [Row(case["name"], f"{case['value']:.4g} {case['unit']}", f"{case['baseline']}: {case['baseline_value']:.4g} {case['unit']}" if "baseline" in case else "",
                f"{case['ratio']:.2f}" if "ratio" in case else "") for case in cases]


def step_rate(run, model):
    """A training step beside the plain form's. Both have the same shapes, batch and optimiser; ours reads its features from files, the plain form has them on the device."""
    if not any(key[0] == model.name for key in run.step_times):
        step_train(run, model)
    rows = []
    for precision in DEVICES[run.device]:
        row = Row(f"rate/{model.name}, {precision}")
        rows.append(row)
        ours = run.step_times.get((model.name, precision))
        if ours is None:
            row.agreed = "no: its training failed"
            continue
        row.value = f"{ours:.4g} ms a step"
        words = [sys.executable, os.path.join(HERE, "gpu_peers.py"), model.peer, "--device", run.device, "--precision", precision, *(["--small"] if run.dry else [])]
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=max(0.1, run.left()), check=False)
        except subprocess.TimeoutExpired:
            raise OutOfTime from None
        if done.returncode == 77:
            row.agreed = "skipped: " + done.stdout.strip()
        elif done.returncode:
            row.agreed = "no: the plain form failed: " + reason(done.stderr)
        else:
            theirs = json.loads(done.stdout)
            row.against, row.ratio = f"{theirs['what']}: {theirs['milliseconds']:.4g} ms", f"{theirs['milliseconds'] / ours:.2f}"
    return rows


VIDEOS = {False: 200, True: 6}  # of a whole tool's rate


def step_tool(run, model):
    """Videos a second of the whole tool: what 200 take longer than one, so that its start is not counted, from features in files to proposals in one."""
    rows, weights = [], os.path.join(run.folder, model.name + ".float32.safetensors")
    if not os.path.exists(weights):
        train(run, model, run.device, "float32", True, weights)
    few, many = (os.path.join(run.folder, f"{model.name}.{count}.jsonl") for count in ("one", "many"))
    with open(run.records("small" if run.dry else model.full_data), encoding="utf-8") as file:
        lines = file.read().splitlines()
    for path, count in ((few, 1), (many, VIDEOS[run.dry])):
        with open(path, "w", encoding="utf-8") as file:
            for k in range(count):
                record = json.loads(lines[k % len(lines)])
                record["video"] = f"v{k}"
                file.write(json.dumps(record) + "\n")
    for precision in DEVICES[run.device]:
        row = Row(f"{model.stage} {model.name}, {precision}, from file to file")
        rows.append(row)
        try:
            def seconds(path):
                started = time.monotonic()
                run.run(model.stage, "-m", weights, "-i", path, "--device", run.device, "--precision", precision, "--no-history", "-o", path + ".out")
                return time.monotonic() - started
            seconds(few)  # the libraries are in memory then
            first, all_of_them = seconds(few), seconds(many)
            row.value = f"{(VIDEOS[run.dry] - 1) / max(1e-9, all_of_them - first):.4g} videos/s, start {first:.2f} s"
        except Fault as fault:
            row.agreed = f"no: {fault}"
    return rows


def step_not_here(run, name):
    return [Row(name, agreed="skipped: " + NOT_HERE[name])]


@dataclasses.dataclass
class Step:
    name: str
    function: object
    argument: object = None
    seconds: tuple = (20, 10)  # that it may well take: with less left of the budget it is not begun; on a GPU, in a dry run
    alone: bool = True         # nothing runs beside it
    first: bool = False        # runs whatever --only says: the others need it


ALL_STEPS = ([Step("environment", step_environment, first=True), Step("twins", step_twins)] +
             [Step("compare/" + m.name, step_compare, m, alone=False) for m in MODELS] +
             [Step("train/" + m.name, step_train, m, alone=m.alone) for m in MODELS] +
             [Step("bench", step_bench, seconds=(60, 10))] +
             [Step("tool/" + m.name, step_tool, m) for m in MODELS if m.alone] +
             [Step("rate/" + m.name, step_rate, m) for m in MODELS if m.peer] +
             [Step(name, step_not_here, name, seconds=(0, 0)) for name in NOT_HERE])


def say(text):
    print("gpu: " + text, file=sys.stderr, flush=True)


def perform(run, step):
    """Its rows, whatever happens."""
    started = time.monotonic()
    if run.no_device and step.function is not step_not_here:
        rows = [Row(step.name, agreed="not run: " + run.no_device)]
    elif run.left() < step.seconds[run.dry]:
        rows = [Row(step.name, agreed=f"not run: it would not fit into the budget of {run.budget:g} s any more")]
    else:
        try:
            rows = step.function(run, *([] if step.argument is None else [step.argument]))
        except Fault as fault:
            rows = [Row(step.name, agreed=f"no: {fault}")]
        except OutOfTime:
            rows = [Row(step.name, agreed=f"not run: the budget of {run.budget:g} s ended in it")]
        except (OSError, ValueError, KeyError, TypeError, subprocess.SubprocessError) as error:  # an output that is not what it should be: the other steps go on
            rows = [Row(step.name, agreed=f"no: {type(error).__name__}: {error}")]
    bad = [row for row in rows if not passed(row)]
    say(f"{step.name}: {time.monotonic() - started:.1f} s, {max(0, run.left()):.0f} s left" + "".join(f"\n  {row.what}: {row.agreed}" for row in bad))
    return rows


def cell(text):
    return str(text).replace("|", "\\|").replace("\n", " ")


def run_all(options):
    chosen = [step for step in ALL_STEPS if step.first or options.only.search(step.name)]
    results = {}
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tal-gpu.") as folder:
        run = Run(options, folder)
        beside = [step for step in chosen if not step.alone]
        for step in [s for s in chosen if s.name in ("environment", "twins")]:
            results[step.name] = perform(run, step)
        # Those that nothing is timed in, some at a time: each of their programs keeps one core and little of the device busy.
        with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, min(4, os.cpu_count() or 1))) as pool:
            for step, rows in zip(beside, pool.map(lambda s: perform(run, s), beside)):
                results[step.name] = rows
        for step in chosen:
            if step.name not in results:
                results[step.name] = perform(run, step)
    rows = [row for step in chosen for row in results[step.name]]
    print("| what | value | against | ratio | agreed |\n|---|---|---|---|---|")
    for row in rows:
        print("| " + " | ".join(map(cell, dataclasses.astuple(row))) + " |")
    bad = sum(not passed(row) for row in rows)
    print(f"\n{time.monotonic() - started:.0f} s; {len(rows)} rows, {bad} of them failed or not run, {sum(row.agreed.startswith('skipped') for row in rows)} skipped.")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"device": options.device, "dry_run": options.dry_run, "seconds": time.monotonic() - started, "passed": not bad,
                       "rows": [dataclasses.asdict(row) for row in rows]}, file, indent=1)
    return 1 if bad else 0


# ---- the archive ----

# Of the libraries that the carried files name: the system's own and LibTorch's are on every machine that can run this; those of OpenCV and FFmpeg, and our own that need them,
# are not carried (with what they need they are larger than everything else), so that programs which link them get stand-ins; SPARE travels for machines whose own is too old.
THERE = re.compile(r"^(ld-linux|libc\.so|libm\.so|libdl\.so|libpthread\.so|librt\.so|libtorch|libc10|libgomp|libcu|libnv)")
ABSENT = re.compile(r"^(libtal-video|libtal-encode|libopencv_|libav|libsw)")
SPARE = re.compile(r"^(libstdc\+\+|libgcc_s|libz)\.so")
PROGRAMS = ("nn-tests", "tal-bench")  # they link LibTorch; the tools open it

LAUNCHER = """#!/bin/sh
# As ./run gpu in the sources: what is beside this file is used as it is.
exec python3 "$(dirname "$0")/bench/gpu.py" "$@"
"""


def output_of(*words):
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def needed(path):
    return re.findall(r"\(NEEDED\).*\[(.*)\]", output_of("readelf", "-d", "-W", path))


def is_elf(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def symbols(path, which):
    """{name: (type, size)} of a file's dynamic symbols, `which` defined or undefined."""
    found = {}
    for line in output_of("readelf", "--dyn-syms", "-W", path).splitlines():
        fields = line.split()
        if len(fields) >= 8 and fields[0].rstrip(":").isdigit() and (fields[6] == "UND") == (which == "undefined"):
            found[re.sub(r"@.*", "", fields[7])] = (fields[3], int(fields[2], 0))
    return found


def make_stand_ins(programs, where, folder):
    """Libraries by the names of the absent ones, with the symbols that the programs ask them for, so that these start. A function that is called after all ends the program."""
    wanted = {}
    for program in programs:
        undefined = symbols(program, "undefined")
        for name in filter(ABSENT.match, needed(program)):
            if name not in where:
                raise Fault(f"{os.path.basename(program)} needs {name}, which is not here")
            defined = symbols(where[name], "defined")
            wanted.setdefault(name, {}).update({symbol: defined[symbol] for symbol in undefined if symbol in defined})
    for name, defines in wanted.items():
        os.makedirs(folder, exist_ok=True)
        lines = [".text", "stand_in: ud2"]
        for symbol, (kind, size) in sorted(defines.items()):
            lines += [f".globl {symbol}"]
            if kind in ("FUNC", "IFUNC"):
                lines += [".text", f".type {symbol}, @function", f"{symbol}: ud2"]
            else:
                lines += [".data", ".balign 32", f".type {symbol}, @object", f".size {symbol}, {size}", f"{symbol}: .zero {max(1, size)}"]
        lines.append('.section .note.GNU-stack,"",@progbits')
        subprocess.run([os.environ.get("CC", "cc"), "-shared", "-nostdlib", "-Wl,-soname," + name, "-x", "assembler", "-", "-o", os.path.join(folder, name)],
                       input="\n".join(lines) + "\n", text=True, check=True)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def files_under(root):
    return sorted(os.path.relpath(os.path.join(folder, name), root) for folder, _, names in os.walk(root) for name in names
                  if not name.endswith(".pyc") and not os.path.islink(os.path.join(folder, name)))


def check_manifest(root):
    """One line of an unpacked archive; Fault when a file is not what was packed."""
    with open(os.path.join(root, MANIFEST), encoding="utf-8") as file:
        manifest = json.load(file)
    for name, expected in manifest["files"].items():
        path = os.path.join(root, name)
        if not os.path.exists(path) or digest(path) != expected:
            raise Fault(f"{name} is not as it was packed")
    return f"{manifest['version']}, revision {manifest['revision']}, {len(manifest['files'])} files as packed"


def pack(options):
    bin_folder = os.path.abspath(options.bin)
    lib_folder = os.path.join(os.path.dirname(bin_folder), "lib")
    archive = os.path.abspath(options.pack or os.path.join(os.path.dirname(bin_folder), "tal-gpu.tar.gz"))
    for program in ("readelf", "strip", "ldd", os.environ.get("CC", "cc")):
        if not shutil.which(program):
            raise Fault(f"--pack needs {program}")
    tools = sorted(name for name in os.listdir(bin_folder) if name.startswith("tal-") and os.access(os.path.join(bin_folder, name), os.X_OK))
    for name in ("tal-train", "tal-synth", *PROGRAMS):
        if not os.path.exists(os.path.join(bin_folder, name)):
            raise Fault(f"{name} is not in {bin_folder}")
    with tempfile.TemporaryDirectory() as scratch:
        root = os.path.join(scratch, "tal-gpu")
        for folder in ("bin", "lib", "lib/spare", "bench"):
            os.makedirs(os.path.join(root, folder))

        def put(source, target):
            target = os.path.join(root, target)
            if is_elf(source):
                subprocess.run(["strip", "--strip-unneeded", "-o", target, source], check=True)
            else:
                shutil.copyfile(source, target)
            shutil.copymode(source, target)

        carried = [os.path.join(bin_folder, name) for name in sorted({*tools, *PROGRAMS})]
        for path in carried:
            put(path, os.path.join("bin", os.path.basename(path)))
        # Our own libraries; those of several names under the one that others ask for.
        own = [os.path.join(lib_folder, name) for name in sorted(os.listdir(lib_folder)) if re.match(r"libtal[-_.]", name) and not ABSENT.match(name)]
        by_file = {}
        for path in own:
            by_file.setdefault(os.path.realpath(path), []).append(os.path.basename(path))
        for path in by_file:
            soname = re.search(r"\(SONAME\).*\[(.*)\]", output_of("readelf", "-d", "-W", path))
            put(path, os.path.join("lib", soname[1] if soname else os.path.basename(path)))
            carried.append(path)
        # And the libraries that those name, themselves included.
        where, pending, seen = {}, list(carried), set()
        while pending:
            path = pending.pop()
            if not is_elf(path):
                continue
            where.update({name: place for name, place in re.findall(r"^\s*(\S+) => (/\S+)", output_of("ldd", path), re.M) if name not in where})
            for name in needed(path):
                if name in seen or THERE.match(name) or ABSENT.match(name):
                    continue
                seen.add(name)
                if name.startswith("libtal"):
                    continue
                if name not in where:
                    raise Fault(f"{os.path.basename(path)} needs {name}, which is not here")
                put(os.path.realpath(where[name]), os.path.join("lib/spare" if SPARE.match(name) else "lib", name))
                pending.append(os.path.realpath(where[name]))
        make_stand_ins([os.path.join(bin_folder, name) for name in PROGRAMS], where, os.path.join(root, "lib", "absent"))
        for name in ("gpu.py", "gpu_peers.py"):
            put(os.path.join(HERE, name), os.path.join("bench", name))
        launcher = os.path.join(root, "gpu")
        with open(launcher, "w", encoding="utf-8") as file:
            file.write(LAUNCHER)
        os.chmod(launcher, 0o755)
        version = output_of(os.path.join(bin_folder, "tal-train"), "--version", "-v").splitlines()[0]
        git = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
        manifest = {"version": version, "revision": git.stdout.strip() or "unknown", "files": {name: digest(os.path.join(root, name)) for name in files_under(root)}}
        with open(os.path.join(root, MANIFEST), "w", encoding="utf-8") as file:
            json.dump(manifest, file, indent=1)
        part = archive + ".part"
        with tarfile.open(part, "w:gz", compresslevel=6) as tar:
            tar.add(root, "tal-gpu")
        size = os.path.getsize(part)
        if size > LARGEST_ARCHIVE:
            os.remove(part)
            raise Fault(f"the archive has {size / 1e6:.1f} MB, {LARGEST_ARCHIVE / 1e6:.0f} are the most")
        os.replace(part, archive)
    print(f"{archive}: {size / 1e6:.1f} MB, {len(manifest['files'])} files, {version}")
    return 0


def parse(arguments):
    unpacked = os.path.exists(os.path.join(ROOT, MANIFEST))
    parser = argparse.ArgumentParser(prog="gpu", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("--bin", default=os.path.join(ROOT, "bin" if unpacked else "build/bin"), help="folder of the programs (default: the build's, or the archive's)")
    parser.add_argument("--pack", nargs="?", const="", metavar="FILE", help="write the archive that runs elsewhere (default: tal-gpu.tar.gz in the build folder), and end")
    parser.add_argument("--dry-run", action="store_true", help="the same steps in small sizes, on the processor unless --device says otherwise")
    parser.add_argument("--device", choices=list(DEVICES), help="default: cuda; cpu with --dry-run")
    parser.add_argument("--budget", type=float, metavar="SECONDS", help="steps that would not fit any more are not run, which fails (default: 360; 1800 with --dry-run)")
    parser.add_argument("--only", default="", metavar="REGEX", help="steps whose names match (--list shows them), and the environment")
    parser.add_argument("--json", metavar="FILE", help="the rows, as JSON too")
    parser.add_argument("--list", action="store_true", help="print the steps, and end")
    options = parser.parse_args(arguments)
    try:
        options.only = re.compile(options.only)
    except re.error as error:
        parser.error(f"--only: {error}")
    if not any(options.only.search(step.name) for step in ALL_STEPS):
        parser.error(f"--only {options.only.pattern}: no step matches; --list shows them")
    if options.budget is None:  # a dry run may be on a machine that others use: its time says nothing
        options.budget = 1800 if options.dry_run else 360
    if not 0 < options.budget < math.inf:
        parser.error("--budget: must be a number of seconds above 0")
    if options.pack is not None:
        if unpacked:
            parser.error("--pack: this is an archive already")
        others = [flag for flag, given in (("--dry-run", options.dry_run), ("--device", options.device), ("--only", options.only.pattern), ("--json", options.json)) if given]
        if others:
            parser.error(f"{others[0]} has no effect with --pack")
    options.device = options.device or ("cpu" if options.dry_run else "cuda")
    return options


def main(arguments):
    options = parse(arguments)
    if options.list:
        print("\n".join(step.name for step in ALL_STEPS))
        return 0
    try:
        return run_all(options) if options.pack is None else pack(options)
    except (Fault, OSError, subprocess.CalledProcessError) as error:
        say(f"error: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
