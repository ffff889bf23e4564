# The RPN from the command line: validation is the pipe as it will be run, streams of different rates, KL's learning rate, what is refused and how.
# label: cli
import json
import os
import tempfile

from harness import check, finish, need, tool

need("tal-train", why="this build has no LibTorch, so no models")
folder = tempfile.TemporaryDirectory()
os.chdir(folder.name)


def synth(name, seed, *streams):
    """Records of 6 videos with feature streams (name, frames of a row)."""
    text = tool("tal-synth", "--seed", str(seed), "annotations", "-n", "6", "--classes", "2", "--prefix", name, "--min-duration", "30", "--max-duration", "60").stdout
    for k, (stream, stride) in enumerate(streams):
        text = tool("tal-synth", "--seed", str(10 + k), "features", "--stream", stream, "--dim", "6", "--snr", "3", "--stride", str(stride), "--out-dir", "features", data=text).stdout
    with open(name + ".jsonl", "w", encoding="utf-8") as file:
        file.write(text)
    return text


SMALL = ["--model", "rpn", "--threads", "1"]
for pair in ("width=16", "hidden=8", "head-widths=16,16", "anchor-rows=6", "vicinity-rows=12", "rows=48", "scales=1/2,1/4,1/8"):
    SMALL += ["--set", pair]
synth("train", 1, ("a", 8))
held = synth("held", 2, ("a", 8))


def train(out, *settings, epochs="2", data="train.jsonl", status=0, options=()):
    arguments = [word for pair in settings for word in ("--set", pair)]
    return tool("tal-train", *SMALL, *arguments, *options, "--epochs", epochs, "-i", data, "--out", out, status=status)


def pipe(model, beta, preset, ev=()):
    text = tool("tal-propose", "-m", model, "--threads", "1", data=held).stdout
    text = tool("tal-score", "--beta", str(beta), *ev, data=tool("tal-refine", *ev, data=text).stdout).stdout
    report = tool("tal-eval", "--protocol", "activitynet-proposal", "--format", "json", data=tool("tal-nms", "--preset", preset, data=text).stdout).stdout
    return json.loads(report)


# The validation's AUC and AR@100 are what the pipe gives with the same beta, factor and preset; and they differ from the segment score's alone.
for name, settings, beta, preset, ev in (("plain", ["val-beta=0.3"], 0.3, "rpn", []),
                                         ("kl", ["regression=kl", "weighting=mtl", "val-beta=0.6", "val-kl-ev=true", "val-nms=rpn-thumos14"], 0.6, "rpn-thumos14", ["--kl-ev"])):
    train(name, *settings, options=("--val", "held.jsonl", "--last", name + ".last", "--log", name + ".log"))
    with open(name + ".log", encoding="utf-8") as file:
        validated = [line["validation"] for line in map(json.loads, file) if "validation" in line]
    found = pipe(name + ".last", beta, preset, ev)
    check(abs(validated[-1]["auc"] - found["auc"]) < 1e-9, f"{name}: validation says AUC {validated[-1]['auc']}, the pipe {found['auc']}")
    check(abs(validated[-1]["ar100"] - found["ar_at"]["100"]) < 1e-9 or abs(validated[-1]["ar100"] - 100 * found["ar_at"]["100"]) < 1e-9, f"{name}: AR@100: {validated[-1]} {found['ar_at']}")
    check(abs(found["auc"] - pipe(name + ".last", 1, preset, ev)["auc"]) > 1e-9, f"{name}: the unit score counts")

# KL's learning rate, unless something else says one.
def rate(*arguments):
    lines = tool("tal-train", *SMALL, *arguments, "--out", "x", "--print-config").stdout.splitlines()
    return next(line for line in lines if line.startswith("train.lr "))


check("0.001" in rate(), rate())
check("0.0001" in rate("--set", "regression=kl") and "model rpn" in rate("--set", "regression=kl"), rate("--set", "regression=kl"))
check("0.01" in rate("--set", "regression=kl", "--set", "train.lr=0.01") and "--set" in rate("--set", "regression=kl", "--set", "train.lr=0.01"), "train.lr of --set")

# Streams of different rates: rescaled, and aligned in windows; the model remembers it.
two = synth("two", 3, ("a", 8), ("b", 5))
for kind in ("rescale", "windows"):
    train(kind, "input=" + kind, data="two.jsonl")
    lines = tool("tal-propose", "-m", kind, "--threads", "1", data=two).stdout.splitlines()
    check(len(lines) == 6 and all(json.loads(line)["proposals"] for line in lines), kind + ": proposals")
broken = json.loads(two.splitlines()[2])
broken["features"]["b"]["stride"] = 1
done = tool("tal-train", *SMALL, "--out", "x", data=json.dumps(broken) + "\n", status=1)
check("video '%s': features.b: ends at " % broken["video"] in done.stderr and "but stream 'a' at" in done.stderr, done.stderr[-300:])

# No unit module: nothing to refine with. No KL loss: no variances.
train("baseline", "unit=false")
done = tool("tal-refine", data=tool("tal-propose", "-m", "baseline", "--threads", "1", data=held).stdout, status=1)
check("maps.rpn: missing; the RPN that proposed has no unit module (unit=false)" in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr)
train("smooth")
proposals = tool("tal-propose", "-m", "smooth", "--threads", "1", data=held).stdout
for name in ("tal-refine", "tal-score"):
    done = tool(name, "--kl-ev", data=proposals, status=1)
    check("--kl-ev: the model was not trained with the KL loss" in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr)

# A training that diverges: one line that names the model and where.
done = train("wild", "train.lr=1e6", "train.batch=2", "train.optimizer=sgd", epochs="5", status=1)
lines = [line for line in done.stderr.splitlines() if "finite" in line]
check(len(lines) == 1 and "model 'rpn', epoch " in lines[0] and ("'train0" in lines[0] or "weights" in lines[0]), done.stderr[-500:])
check(not os.path.exists("wild"), "no model of a training that diverged")

# A regression loss whose learned weight grows far below zero is warned of once; the bound keeps the rest of the run finite.
done = train("negative", "regression=kl", "weighting=mtl", "weighting-lr=300", "train.lr=0.003", epochs="20")
check(done.stderr.count("warning: model 'rpn', epoch") == 1 and "loss term 'weighted-regression' is -" in done.stderr, done.stderr)

# What is out of range, without effect, contradictory or unknown: one line that names the setting.
REFUSED = (
    ("heads=4", 2, "setting 'heads' has no effect with attention=soft"), ("attention-units=2", 2, "setting 'attention-units' has no effect with attention=soft"),
    ("projected=false", 2, "setting 'projected' has no effect with attention=soft"), ("stride=8", 2, "setting 'stride' has no effect with input=rescale"),
    ("variance-width=8", 2, "setting 'variance-width' has no effect with regression=smooth-l1"), ("weighting-lr=2", 2, "setting 'weighting-lr' has no effect with weighting=sum"),
    ("unit=false unit-widths=4,4,4", 2, "setting 'unit-widths' has no effect with unit=false"), ("unit=false val-beta=0.5", 2, "setting 'val-beta' has no effect with unit=false"),
    ("unit=false inference.maps=none", 2, "setting 'inference.maps' has no effect with unit=false"), ("val-kl-ev=true", 2, "setting 'val-kl-ev' has no effect with regression=smooth-l1"),
    ("shared=true", 2, "setting 'shared' has no effect with variant=B2"), ("variant=B shared=true vicinity-backbone=single", 2, "setting 'vicinity-backbone' has no effect with shared=true"),
    ("recurrence=none hidden=8", 2, "setting 'hidden' has no effect with recurrence=none"),
    ("gamma=-1", 2, "setting 'gamma'"), ("head-widths=5", 2, "setting 'head-widths'"), ("unit-widths=0,1,1", 2, "setting 'unit-widths'"), ("scales=0", 2, "setting 'scales'"),
    ("examples=0", 2, "setting 'examples'"), ("positive-tiou=1.5", 2, "setting 'positive-tiou'"), ("val-beta=2", 2, "setting 'val-beta'"), ("inference.min-score=-1", 2, "setting 'inference.min-score'"),
    ("headz=2", 2, "unknown setting 'headz' (did you mean 'heads'?)"), ("val-nms=bsn", 2, "setting 'val-nms'"),
    ("attention=multi-head heads=3", 2, "setting 'heads': 16 columns cannot be shared out among 3 heads"), ("recurrence=none attention=none", 2, "setting 'attention': none, with recurrence none,"),
    ("negative-high=0.8", 2, "setting 'negative-high': hard negatives (negative-low to negative-high) must lie below positive-tiou"),
)
SHORT = [word for k, word in enumerate(SMALL) if word != "hidden=8" and SMALL[k + 1:k + 2] != ["hidden=8"]]
for settings, status, message in REFUSED:
    chosen = [word for pair in settings.split() for word in ("--set", pair)]
    done = tool("tal-train", *(SHORT if "recurrence=none" in settings else SMALL), *chosen, "-i", "train.jsonl", "--out", "x", status=status)
    said = [line for line in done.stderr.splitlines() if not line.startswith("Try ")]
    check(message in done.stderr and len(said) == 1, f"{settings}: {done.stderr}")
done = tool("tal-propose", "-m", "baseline", "--set", "maps=none", data=held, status=2)
check("setting 'maps' has no effect with unit=false" in done.stderr, done.stderr)
finish()
