#!/usr/bin/env python3
# label: bad-input
# cost: 140
"""Whatever is typed for a setting of a model ends well or in one line of our own that names it: never in a library's words, a backtrace or a crash.

For every model that tal-train lists: settings beyond their range or of another type, all at the ends of their ranges, what has no effect; unknown settings and presets;
a network as small as the ranges let it be; records without labels; stages that the model is not for; training that diverges; a model file whose values
overflow. [NAME...] takes only these models."""
import concurrent.futures
import json
import os
import re
import struct
import subprocess
import sys
import tempfile

from harness import BIN, SMALL_MODELS, STAGES, check, finish, need, tool

need("tal-train", why="this build has no LibTorch, so no models")
FORBIDDEN = re.compile(r"c10|Index \d+ of input|at::|libtorch|LibTorch|frame #|Exception raised|terminate|TORCH_CHECK|torch::|std::|nan\b.*nan\b.*nan\b", re.IGNORECASE)
SCRATCH = tempfile.TemporaryDirectory()
os.chdir(SCRATCH.name)
POOL = concurrent.futures.ThreadPoolExecutor(2)


def pairs(settings):
    return [word for setting in settings for word in ("--set", setting)]


def run(name, *arguments, data=""):
    return subprocess.run([os.path.join(BIN, name), *arguments], input=data, capture_output=True, text=True, timeout=240, check=False)


def judge(what, done, status, *words):
    """One of the statuses, one line of ours (a second that points at --help), no library's words, and every word of `words` in it."""
    lines = [line for line in done.stderr.splitlines() if not re.match(r"Try 'tal-[a-z]+ --help'\.$", line)]
    errors = [line for line in lines if ": error: " in line]
    check(done.returncode in status, f"{what}: status {done.returncode}, not {status}: {done.stderr[-400:]}")
    check(not FORBIDDEN.search(done.stderr), f"{what}: a library's words: {done.stderr[-600:]}")
    check(all(re.match(r"tal-[a-z]+: ", line) for line in lines), f"{what}: a line without the tool's name: {done.stderr[-400:]}")
    check(len(errors) == (1 if done.returncode else 0), f"{what}: {len(errors)} error lines: {done.stderr[-400:]}")
    if done.returncode:
        check(all(word in errors[-1] for word in words if errors), f"{what}: not named {words}: {done.stderr[-400:]}")
    return done


# ---- What tal-train lists.

class Setting:
    """One entry of --list-settings."""

    def __init__(self, name, value, text):
        self.name, self.value = name, json.loads(value)
        self.of_validation = text.endswith(" (only with --val)")
        text = text.removesuffix(" (only with --val)")
        condition = re.search(r" \((?:only with|only in) ([^()]*)\)$", text)
        self.condition = condition.group(1) if condition else ""
        text = text[:condition.start()] if condition else text
        limits = re.search(r" \[([^][]*)\]$", text)
        self.range = limits.group(1) if limits else ""
        self.texts = isinstance(self.value, list) and any(isinstance(x, str) for x in self.value)
        self.numeric = not isinstance(self.value, (bool, str)) and not self.texts and (bool(self.range) or not isinstance(self.value, list))
        self.whole = isinstance(self.value, int) or (isinstance(self.value, list) and self.value and all(isinstance(x, int) for x in self.value))

    def typed(self, value):
        return self.name + "=" + str(value)

    def bounds(self):
        """(lowest allowed, below it), (highest allowed, above it); None where there is no bound. Texts, a list as often as it must have values."""
        number = r"(-?[0-9.]+(?:e[+-]?[0-9]+)?)"
        text = re.sub(r"^.* values?, each ", "", self.range)
        low = re.search(rf"^(more than|at least) {number}|^{number} (?:to|or more)", text)
        high = re.search(rf"(?:^|and )(less than|at most) {number}|to {number}$", text)
        step = 1 if self.whole else 1e-6
        found = []
        for match, sign in ((low, 1), (high, -1)):
            if not match:
                found.append(None)
                continue
            end = float(match.group(2) or match.group(3))
            is_open = match.group(1) in ("more than", "less than")
            apart = max(step, abs(end) * step) if not self.whole else 1
            inside = end + sign * apart if is_open else end
            outside = end if is_open else end - sign * apart
            found.append(tuple(self.spread(x) for x in (inside, outside)))
        return found

    def spread(self, value):
        text = str(int(value)) if self.whole or float(value).is_integer() else repr(float(value))
        count = re.match(r"(\d+)(?: or more| to \d+)? values?", self.range)
        return ",".join([text] * (max(1, int(count.group(1))) if count else 1))

    def idle_with(self, listed):
        """Settings that take this one's effect away; nothing when it has none as it is; None when it always has one."""
        names = {entry.name: entry for entry in listed}
        group = self.name.rpartition(".")[0]
        changes = None
        for clause in self.condition.split(" and ") if self.condition else []:
            alternatives = re.findall(r"([a-z0-9-]+)(=| other than )(.*?)(?= or [a-z0-9-]+(?:=| other than )|$)", clause)
            if not alternatives:
                continue  # stages
            holds, ends = [], []
            for named, sign, values in alternatives:
                other, values = names.get((group + "." if group else "") + named) or names[named], values.split(" or ")
                value = str(other.value).lower() if isinstance(other.value, bool) else other.value
                texts = value if other.texts else [f"{value:g}" if isinstance(value, (int, float)) else str(value)]
                holds.append(any(text in values for text in texts) == (sign == "="))
                ends.append(other.typed(next(v for v in other.choices() if v not in values) if sign == "=" else values[0]))
            if not any(holds):
                return []
            if changes is None:
                changes = ends
        return changes

    def depends_on_number(self, listed):
        """Whether its effect hangs on the value of a setting that is a number: at the end of its range that may take it away."""
        numbers = {entry.name.rpartition(".")[2] for entry in listed if entry.numeric}
        return any(match in numbers for match in re.findall(r"([a-z0-9-]+)(?:=| other than )", self.condition))

    def choices(self):
        return ["true", "false"] if isinstance(self.value, bool) else self.alternatives

    alternatives = ["0", "1", "2"]


def listing():
    """Model -> its settings, of tal-train --list-settings."""
    models, name = {}, None
    lines = tool("tal-train", "--list-settings").stdout.splitlines()
    for i, line in enumerate(lines):
        if heading := re.match(r"([a-z0-9-]+) - ", line):
            name = heading.group(1)
            models[name] = []
        elif entry := re.match(r"  (\S+) = (.+)$", line):
            setting = Setting(entry.group(1), entry.group(2), lines[i + 1].strip())
            if (isinstance(setting.value, str) or setting.texts) and (choices := re.findall(r": ([a-z0-9+-]+(?:, [a-z0-9+-]+)+)", lines[i + 1])):
                setting.alternatives = choices[-1].split(", ")
            models[name].append(setting)
    return models


MODELS = {name: settings for name, settings in listing().items() if not sys.argv[1:] or name in sys.argv[1:]}
check(not sys.argv[1:] or len(MODELS) == len(sys.argv[1:]), "models " + ", ".join(sys.argv[1:]))
check(sys.argv[1:] or set(MODELS) == set(SMALL_MODELS), f"tal-train lists {sorted(MODELS)}, harness.py has {sorted(SMALL_MODELS)}")


# ---- The command line alone: --print-config ends before data are read.

def typed(model, *settings, presets=()):
    return run("tal-train", "--model", model, *(word for preset in presets for word in ("--preset", preset)), *pairs(settings), "--out", "x", "--print-config")


def beyond(setting):
    """A value that the setting must refuse: beyond one end of its range, by turns, or of another type."""
    if setting.numeric:
        ends = [bound[1] for bound in setting.bounds() if bound]
        return ends[len(setting.name) % len(ends)] if ends else "x"
    return "maybe" if isinstance(setting.value, bool) else "nonsense" if setting.alternatives is not Setting.alternatives else None


def refused(model, setting):
    value = beyond(setting)
    judge(f"{model}: {setting.typed(value)}", typed(model, setting.typed(value)), [2], f"setting '{setting.name}'")


def without_effect(model, setting, changes):
    value = str(setting.value).lower() if isinstance(setting.value, bool) else ",".join(map(str, setting.value)) if isinstance(setting.value, list) else setting.value
    judge(f"{model}: {setting.typed(value)} without effect", typed(model, setting.typed(value), *changes), [2], f"setting '{setting.name}' has no effect")


def all_at(model, settings, end):
    """Every setting that has an effect without --val, at this end of its range."""
    typed = [setting.typed(bound[0]) for setting in settings
            if setting.numeric and not setting.of_validation and not setting.depends_on_number(MODELS[model]) and setting.idle_with(MODELS[model]) != [] and (bound := setting.bounds()[end])]
    return [*typed, "train.milestones=1"] if "train.step-every=0" in typed else typed  # steps must come sometime


def together(where, settings, attempt, statuses):
    """All of these settings; one that contradicts another is named in one line, and left out of the next try."""
    for _ in range(12):
        done = judge(where, attempt(settings), statuses)
        if done.returncode == 0:
            return
        named = [pair for pair in settings if re.search(r"(?<![a-z0-9-])" + re.escape(pair.split("=")[0].rpartition(".")[2]) + r"(?![a-z0-9-])", done.stderr)]
        if not check(named, f"{where}: no setting is named: {done.stderr[-400:]}"):
            return
        settings = [pair for pair in settings if pair not in named]
    check(False, f"{where}: nothing is left: {done.stderr[-400:]}")


def unknown(model):
    judge(model + ": unknown", typed(model, "no-such-thing=1"), [2], "unknown setting 'no-such-thing'")
    judge(model + ": unknown train.", typed(model, "train.no-such-thing=1"), [2], "unknown setting 'train.no-such-thing'")
    judge(model + ": no value", typed(model, MODELS[model][0].name), [2], "is not NAME=VALUE")
    judge(model + ": preset", typed(model, presets=["no-such-preset"]), [2], "has no preset 'no-such-preset'")
    for end in (0, 1):
        together(f"{model}: all settings at end {end}", all_at(model, MODELS[model], end), lambda settings: typed(model, *settings), [0, 2])


jobs, seen = [], set()
for model, listed in MODELS.items():
    jobs.append(POOL.submit(unknown, model))
    for setting in listed:  # one of each kind: nn/model_settings types them all, without a process for each
        owner = "" if setting.name.startswith("train.") else model  # training is the same for all models
        kind = "number" if setting.numeric else type(setting.value).__name__
        if (owner, kind) not in seen and beyond(setting) is not None:
            seen.add((owner, kind))
            jobs.append(POOL.submit(refused, model, setting))
        changes = setting.idle_with(listed)
        if changes is not None and (owner, "without effect") not in seen:
            seen.add((owner, "without effect"))
            jobs.append(POOL.submit(without_effect, model, setting, changes))
for job in jobs:
    job.result()


# ---- Runs on a few records.

ANNOTATIONS = tool("tal-synth", "--seed", "1", "annotations", "-n", "3", "--classes", "2", "--min-duration", "40", "--max-duration", "60", "--proposals", "30", "--tiou", "0.6").stdout
RECORDS = tool("tal-synth", "--seed", "2", "features", "--dim", "8", "--snr", "2", "--out-dir", "features", data=ANNOTATIONS).stdout
VIDEOS = [json.loads(line)["video"] for line in RECORDS.splitlines()]


def train(model, out, *options, data=RECORDS):
    return run("tal-train", "--model", model, *options, "--threads", "1", "-q", "--out", out, data=data)


def quick(model, *settings):
    small = [pair for pair in SMALL_MODELS[model] if pair.split("=")[0] not in {given.split("=")[0] for given in settings}]
    given = {pair.split("=")[0] for pair in settings}
    return pairs([*small, *settings, *(pair for pair in ("train.epochs=1", "train.batch=16", "train.samples-per-epoch=8") if pair.split("=")[0] not in given)])


def settled(model, where, settings):
    together(where, settings, lambda chosen: train(model, model + ".odd", *quick(model, *chosen)), [0, 1, 2])


def extremes(model):
    listed = [setting for setting in MODELS[model] if setting.name not in ("train.epochs", "train.workers")]
    settled(model, f"{model}: as small as can be", all_at(model, listed, 0))
    shares = [setting for setting in listed if setting.numeric and setting.range.endswith((" 1", "than 1"))]  # widths at their end are gigabytes
    settled(model, f"{model}: shares at their end", all_at(model, shares, 1))


def unlabelled(model):
    """Without labels a network of classes cannot learn, and says that; others learn as they do."""
    bare = "".join(json.dumps({**record, "annotations": [{"segment": a["segment"]} for a in record["annotations"]]}) + "\n" for record in map(json.loads, RECORDS.splitlines()))
    done = judge(model + ": unlabelled", train(model, model + ".bare", *quick(model), data=bare), [0, 1], "label")
    check(done.returncode == 1 or model in CLASS_AGNOSTIC, f"{model}: learned classes without labels")


CLASS_AGNOSTIC = ("rpn", "bsnpp", "bmn", "cmsn", "etp-rn")


def blown(path, out):
    """The model with huge, finite weights: what it computes is not finite."""
    with open(path, "rb") as file:
        data = bytearray(file.read())
    size = struct.unpack("<Q", data[:8])[0]
    for name, tensor in json.loads(data[8:8 + size]).items():
        if name != "__metadata__" and tensor["dtype"] == "F32" and not name.startswith("input/"):
            begin, end = (8 + size + offset for offset in tensor["data_offsets"])
            data[begin:end] = b"".join(struct.pack("<f", -3e38 if i % 3 == 1 else 3e38) for i in range((end - begin) // 4))
    with open(out, "wb") as file:
        file.write(data)


def diverged(model):
    """A rate that no network survives; a model whose values overflow: model and video are named, or every number is finite."""
    done = judge(model + ": lr 1e6", train(model, model + ".wild", *quick(model, "train.lr=1000000", "train.epochs=6", "train.optimizer=sgd", "train.schedule=constant")), [0, 1], "finite", f"'{model}'")
    judge(model + ": lr 1e6, its own optimiser", train(model, model + ".wild", *quick(model, "train.lr=1000000", "train.epochs=3")), [0, 1], "finite", f"'{model}'")
    blown(model + ".safetensors", model + ".blown")
    for stage, models in STAGES.items():
        if model not in models:
            continue
        done = judge(f"{stage} {model}: overflow", run(stage, "-m", model + ".blown", "--threads", "1", data=RECORDS), [0, 1], f"model '{model}'", f"video '{VIDEOS[0]}'")
        if done.returncode == 0:
            check(all(json.loads(line)["proposals"] for line in done.stdout.splitlines()), f"{stage} {model}: what is not finite is left out in silence")


def stages(model):
    """The stages that the model is not for, and its inference settings at the stage that it is for."""
    data = RECORDS
    for stage, models in STAGES.items():
        if model not in models:
            judge(f"{stage} {model}", run(stage, "-m", model + ".safetensors", "--threads", "1", data=data), [1], f"model '{model}' does not {stage[4:]}", f"'{model}.safetensors'")
            continue
        judge(f"{stage} {model}: unknown", run(stage, "-m", model + ".safetensors", "--set", "no-such-thing=1", data=data), [2], "unknown setting 'no-such-thing'")
        judge(f"{stage} {model}: of training", run(stage, "-m", model + ".safetensors", "--set", "train.lr=1", data=data), [2], "unknown setting 'train.lr'")
        own = [setting for setting in MODELS[model] if setting.name.startswith("inference.") and setting.numeric]
        for end in (0, 1):
            values = [pair.partition(".")[2] for pair in all_at(model, own, end)]
            judge(f"{stage} {model}: {' '.join(values)}", run(stage, "-m", model + ".safetensors", "--threads", "1", *pairs(values), data=data), [0, 1, 2])


def trained(model):
    judge(model + ": trains", train(model, model + ".safetensors", *quick(model)), [0])
    for step in (extremes, unlabelled, diverged, stages):
        step(model)


for job in [POOL.submit(trained, model) for model in MODELS]:
    job.result()
finish()
