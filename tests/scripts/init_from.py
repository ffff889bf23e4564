# tal-train --init-from: weights by name and shape, the rest listed; settings, normalisation and classes of the other model.
# label: cli
import json
import os
import tempfile

import tensor_files
from harness import check, finish, need, tool

need("tal-train", "tal-propose", why="this build has no LibTorch, so no models")
folder = tempfile.TemporaryDirectory()
os.chdir(folder.name)


def records(path, seed, videos, classes="3"):
    annotations = tool("tal-synth", "--seed", seed, "annotations", "-n", str(videos), "--classes", classes).stdout
    with open(path, "w", encoding="utf-8") as file:
        file.write(tool("tal-synth", "--seed", "2", "features", "--out-dir", "features-" + path, "--dim", "8", "--snr", "2", data=annotations).stdout)


def parts(path):
    """Metadata and the bytes of every tensor of a safetensors file."""
    metadata, tensors = tensor_files.read(path)
    return metadata, {name: tensor.data for name, tensor in tensors.items()}


def train(out, data, *options, status=0):
    return tool("tal-train", "--model", "segment-classifier", "--threads", "1", "-i", data, "--out", out, *options, status=status)


records("a.jsonl", "1", 6)
records("b.jsonl", "5", 6)
records("four.jsonl", "7", 6, classes="4")
train("a.safetensors", "a.jsonl", "--set", "hidden=16", "--set", "train.standardize=true", "--epochs", "2")

# With a learning rate too small to move a float, the fine-tuned model is the first one; its settings and normalisation are taken over.
done = train("b.safetensors", "b.jsonl", "--init-from", "a.safetensors", "--set", "norm=none", "--set", "train.lr=1e-30", "--set", "train.optimizer=sgd", "--epochs", "1", status=1)
check("no tensor" not in done.stderr and "--init-partial takes the others" in done.stderr and "norm." in done.stderr, "a network without BatchNorm lacks its tensors: " + done.stderr[-400:])
done = train("b.safetensors", "b.jsonl", "--init-from", "a.safetensors", "--set", "train.lr=1e-30", "--set", "train.optimizer=sgd", "--epochs", "1")
check("tensors" in done.stderr and json.loads(done.stdout)["init_from"] == "a.safetensors", "the run says what it starts from")
(first, weights), (second, tuned) = parts("a.safetensors"), parts("b.safetensors")
moving = {name for name in weights if "running" in name or "batches" in name}  # statistics that every batch changes
check(set(weights) == set(tuned) and all(weights[n] == tuned[n] for n in set(weights) - moving), "every weight is the first model's")
check(json.loads(second["settings"])["hidden"] == 16, "hidden=16 comes from the file")
check("input/mean" in tuned and tuned["input/mean"] == weights["input/mean"], "the columns are normalised as the weights learned them")
train("own.safetensors", "b.jsonl", "--init-from", "a.safetensors", "--set", "train.standardize=true", "--epochs", "1")
check(parts("own.safetensors")[1]["input/mean"] != weights["input/mean"], "train.standardize=true measures the run's own columns")
done = tool("tal-train", "--model", "segment-classifier", "--init-from", "a.safetensors", "--out", "x", "--print-config", "-i", "b.jsonl")
check("hidden = 16  # --init-from a.safetensors" in done.stdout, "--print-config names the file")

# So do the inference settings.
tool("tal-train", "--model", "etp-an", "--set", "hidden=8", "--set", "chunk=64", "--set", "inference.threshold=0.1", "--epochs", "1", "--batch", "2", "-i", "a.jsonl", "--out", "an.safetensors")
tool("tal-train", "--model", "etp-an", "--init-from", "an.safetensors", "--epochs", "1", "--batch", "2", "-i", "b.jsonl", "--out", "an2.safetensors")
check(json.loads(parts("an2.safetensors")[0]["inference"])["threshold"] == "0.1", "the inference settings come from the file")
for value, said in (("abc", "threshold"), ("2", "is not a probability"), ("nan", "threshold"), ("0.5,-3", "is not a probability")):
    done = tool("tal-train", "--model", "etp-an", "--set", "inference.threshold=" + value, "--epochs", "1", "-i", "a.jsonl", "--out", "x", status=2)
    check(said in done.stderr and not os.path.exists("x"), f"threshold {value}: {done.stderr}")

# A checkpoint goes on only from the start that it had.
KEPT = ["--epochs", "2", "--checkpoint-dir", "kept"]
train("k.safetensors", "b.jsonl", "--init-from", "a.safetensors", *KEPT)
train("k.safetensors", "b.jsonl", "--init-from", "a.safetensors", *KEPT, "--resume")
for start in (["--set", "hidden=16"], ["--init-from", "b.safetensors"], ["--init-from", "a.safetensors", "--init-partial"]):
    done = train("k.safetensors", "b.jsonl", *start, *KEPT, "--resume", status=1)
    check("is of another run: start was" in done.stderr, f"{start}: {done.stderr}")

# A fine-tuned model differs from one that started at random.
train("tuned.safetensors", "b.jsonl", "--init-from", "a.safetensors", "--epochs", "1")
train("random.safetensors", "b.jsonl", "--set", "hidden=16", "--epochs", "1")
check(parts("tuned.safetensors")[1] != parts("random.safetensors")[1], "the start matters")

# Another number of classes: strict refuses and names the tensors, partial takes the others and lists them.
done = train("c.safetensors", "four.jsonl", "--init-from", "a.safetensors", "--epochs", "1", status=1)
check("of another shape" in done.stderr and "where the model has" in done.stderr and len(done.stderr.splitlines()) < 4, done.stderr[-400:])
check(not os.path.exists("c.safetensors"), "nothing is written")
done = train("c.safetensors", "four.jsonl", "--init-from", "a.safetensors", "--init-partial", "--set", "train.lr=1e-30", "--set", "train.optimizer=sgd", "--epochs", "1")
check("of another shape" in done.stderr and "classes are others" in done.stderr, done.stderr[-600:])
taken = parts("c.safetensors")[1]
same = {n for n in weights if n not in moving and n in taken and len(weights[n]) == len(taken[n])}
check(len(same) > 3 and all(weights[n] == taken[n] for n in same), "what matches is taken")

# Wrong files and options.
for options, said in ((["--init-from", "nothing.safetensors"], "nothing.safetensors"), (["--init-from", "a.jsonl"], "a.jsonl")):
    done = train("x.safetensors", "b.jsonl", *options, status=1)
    check(said in done.stderr and len(done.stderr.splitlines()) < 3, done.stderr)
done = tool("tal-train", "--model", "rpn", "--init-from", "a.safetensors", "--out", "x", "-i", "b.jsonl", status=1)
check("is a model 'segment-classifier', not 'rpn'" in done.stderr, done.stderr)
done = train("x.safetensors", "b.jsonl", "--init-partial", status=2)
check("--init-partial" in done.stderr, done.stderr)
finish()
