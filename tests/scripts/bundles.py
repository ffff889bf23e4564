#!/usr/bin/env python3
# label: cli
"""Bundles: a detector, a classifier and their pipe as one file, from videos and from features; what it gives is what the single tools give."""
import hashlib
import json
import os
import pathlib
import subprocess
import tempfile

from harness import BIN, SMALL_MODELS, check, finish, need, tool

need("tal-train", "tal-extract", "tal-detect", why="this build lacks LibTorch or OpenCV")
home = tempfile.TemporaryDirectory()
folder = pathlib.Path(home.name) / "a folder's"
folder.mkdir()
os.chdir(folder)
PATH = {"PATH": f"{BIN}:{os.environ['PATH']}"}


def shell(command):
    done = subprocess.run(["bash", "-e", "-o", "pipefail", "-c", command], capture_output=True, text=True, timeout=240, env={**os.environ, **PATH})
    check(done.returncode == 0, f"{command}: {done.stderr[-600:]}")
    return done.stdout


def settings(model):
    return [word for pair in SMALL_MODELS[model] for word in ("--set", pair)]


def train(model, records, out, *more):
    tool("tal-train", "--model", model, *settings(model), "--epochs", "1", "--threads", "1", "--quiet", "-i", records, "--out", out, *more)


# Two videos, their features, and models of both.
tool("tal-synth", "videos", "-n", "2", "--duration", "8", "--actions", "2", "--seed", "3", "-o", "truth.jsonl")
videos = sorted(str(p) for p in pathlib.Path().glob("*.avi"))
EXTRACT = ["--encoder", "hog-hof", "--fps", "12", "--stride", "4", "--window", "8"]
tool("tal-extract", *EXTRACT, "--out-dir", "features", "--no-history", "-i", "truth.jsonl", "-o", "features.jsonl")
train("rpn", "features.jsonl", "rpn.safetensors", "--set", "input=windows", "--set", "stride=16")
train("segment-classifier", "features.jsonl", "classes.safetensors")

PIPE = ["tal-propose -m {}/rpn.safetensors", "tal-refine", "tal-score --beta 0.7", "tal-nms --preset rpn --top-k 20", "tal-score -m {}/classes.safetensors",
        "tal-nms --method gaussian --sigma 0.4"]
no_history = [stage + " --no-history" for stage in PIPE]
pathlib.Path("mine").mkdir()
for model in ("rpn", "classes"):
    pathlib.Path(f"mine/{model}.safetensors").symlink_to(f"../{model}.safetensors")
pathlib.Path("mine/pipeline").write_text("# mine\ntal-extract " + " ".join(EXTRACT) + " --inline --no-history\n\n" + "\n".join(no_history).replace("{}", "@") + "\n")
check(tool("tal-convert", "--bundle", "mine", "-o", "mine.safetensors").stdout == "", "a packed bundle goes into its file")
first = pathlib.Path("mine.safetensors").read_bytes()
tool("tal-convert", "--bundle", "mine", "-o", "mine.safetensors")
check(first == pathlib.Path("mine.safetensors").read_bytes(), "equal folders give equal bytes")

# From features and from videos: the bytes that the single tools give with the same settings.
single = " | ".join(no_history).replace("{}", ".")
want = shell(f"{{ {single}; }} < features.jsonl")
check(len(want.splitlines()) == 2 and all(p["label"] and p["score"] > 0 for line in want.splitlines() for p in json.loads(line)["proposals"]), "the pipe finds and labels")
check(tool("tal-detect", "-m", "mine.safetensors", "-i", "features.jsonl").stdout == want, "a bundle of one file gives the pipe's bytes")
check(tool("tal-detect", "-m", "mine", "-i", "features.jsonl").stdout == want, "a folder gives the same")
check(tool("tal-detect", "-m", "mine.safetensors", "-i", "-", data=pathlib.Path("features.jsonl").read_text()).stdout == want, "stdin")
quoted = " ".join(f"'{video}'" for video in videos)
pipe = f"tal-extract {' '.join(EXTRACT)} --inline --no-history --videos {quoted} | {single}"
check(tool("tal-detect", "-m", "mine.safetensors", *videos).stdout == shell(pipe), "from videos, too")
shown = tool("tal-detect", "--print", "-m", "mine.safetensors", *videos).stdout
check(shell(shown) == shell(pipe), "--print shows what runs")

# Its models are the other tools' as well; with a history that has the file's hash.
alone = tool("tal-propose", "-m", "mine.safetensors/rpn.safetensors", "-i", "features.jsonl").stdout
of_file = tool("tal-propose", "-m", "rpn.safetensors", "-i", "features.jsonl").stdout
strip = lambda text: [{k: v for k, v in json.loads(line).items() if k != "history"} for line in text.splitlines()]
check(strip(alone) == strip(of_file), "-m FILE/MODEL is the model")
digest = "sha256:" + hashlib.sha256(first).hexdigest()
check(digest in json.dumps(json.loads(alone.splitlines()[0])["history"]), "the history has the hash of the bundle")
says = tool("tal-propose", "-m", "mine.safetensors/none", "-i", "features.jsonl", status=1).stderr
check("the file's parts are classes.safetensors, rpn.safetensors" in says, says)
says = tool("tal-propose", "-m", "mine.safetensors", "-i", "features.jsonl", status=1).stderr
check("is a bundle" in says and "tal-detect -m" in says, says)

# Features of other settings are refused, by the model.
tool("tal-extract", "--encoder", "hog-hof", "--fps", "12", "--stride", "2", "--window", "8", "--out-dir", "other", "-i", "truth.jsonl", "-o", "other.jsonl")
says = tool("tal-detect", "-m", "mine.safetensors", "-i", "other.jsonl", status=1).stderr
check("stride" in says and "stage 1 ended with status 1" in says, says)

# What it is, for people and programs.
text = tool("tal-check", "mine.safetensors").stdout
labels = sorted({a["label"] for line in pathlib.Path("truth.jsonl").read_text().splitlines() for a in json.loads(line)["annotations"]})
for part in ("format: tal-bundle/1", "tal-nms --preset rpn --top-k 20", "model: rpn", "model: segment-classifier", f"classes {len(labels)}: {', '.join(labels)}", "name: hog-hof",
             "stride: 4", "width: 16", "training", "videos: 2", "hog-hof/", "1 files, 0 faults"):
    check(part in text, f"tal-check of a bundle lacks '{part}':\n{text}")
about = json.loads(tool("tal-check", "--format", "json", "mine.safetensors").stdout)
model = about["model"]["models"]["classes.safetensors"]
check(about["counts"] == {} and model["classes"] == labels and model["inputs"][0]["fps"] == 12 and model["training"]["train"]["epochs"] == 1, f"tal-check --format json: {about}")
check(about["model"]["pipeline"][0] == "tal-extract " + " ".join(EXTRACT) + " --inline --no-history", f"the pipeline: {about['model']['pipeline']}")
alone = json.loads(tool("tal-check", "-i", "classes.safetensors", "--kind", "model", "--format", "json").stdout)["model"]
check(alone == model, "a model says of itself what the bundle says of it")
part = json.loads(tool("tal-check", "mine.safetensors/classes.safetensors", "--format", "json").stdout)["model"]
check(part == alone, f"a part of a bundle: {part}, {alone}")
check("the file's parts are" in tool("tal-check", "mine.safetensors/none.safetensors", status=1).stderr, "a part that is not there")
check("0 faults" in tool("tal-check", "features.jsonl").stdout, "a name by itself is the input: records")
check("one file at a time" in tool("tal-check", "rpn.safetensors", "classes.safetensors", status=2).stderr, "one file")


def folder_of(name, *stages, **files):
    made = pathlib.Path(name)
    made.mkdir(exist_ok=True)
    for file, source in files.items():
        (made / file).unlink(missing_ok=True)
        (made / file).symlink_to(pathlib.Path(source).absolute())
    (made / "pipeline").write_text("\n".join(stages) + "\n")
    return name


def refused(says, *stages, **files):
    err = tool("tal-convert", "--bundle", folder_of("bad", *stages, **files), "-o", "bad.safetensors", status=1).stderr
    check(says in err and not pathlib.Path("bad.safetensors").exists(), f"not '{says}': {err}")


refused("not a safetensors file", "tal-propose -m @/truth", truth="truth.jsonl")
refused("no model (tal-model/1)", "tal-propose -m @/mine", mine="mine.safetensors")
refused("No such file", "tal-propose -m @/none")
refused("is outside the bundle", "tal-propose -m ./rpn.safetensors")
refused("must lie in its folder itself", "tal-propose -m @/../rpn.safetensors")
refused("not a tal tool of a pipe", "tal-nms", "tal-check --stage 'touch hit'")
refused("a stage reads and writes the pipe", "tal-nms -o hit")
refused("a stage reads and writes the pipe", "tal-nms --output=hit")
refused("shell syntax is not allowed", "tal-nms; touch hit")
train("segment-classifier", "other.jsonl", "other.safetensors")
refused("were trained on different features 'hog-hof'", "tal-propose -m @/a", "tal-score -m @/b", a="rpn.safetensors", b="other.safetensors")
check("is one file already" in tool("tal-convert", "--bundle", "mine.safetensors", "-o", "again.safetensors", status=1).stderr, "a file is not packed again")
check("is no bundle" in tool("tal-convert", "--bundle", "rpn.safetensors", status=1).stderr, "a model is no bundle")
for words in (["--from", "tal"], ["features.jsonl"], ["--to", "csv"], ["--weights", "rpn.safetensors"], ["--merge", "truth.jsonl"]):
    tool("tal-convert", "--bundle", "mine", *words, status=2)
check(not pathlib.Path("hit").exists(), "nothing else ran")

# Without an extraction it is for features; the encoder's weights stay outside, known by their digest.
tool("tal-convert", "--bundle", folder_of("plain", "tal-propose -m @/rpn.safetensors", **{"rpn.safetensors": "rpn.safetensors"}), "-o", "plain.safetensors")
check("the first stage must be tal-extract" in tool("tal-detect", "-m", "plain.safetensors", *videos, status=1).stderr, "no extraction")
check(strip(tool("tal-detect", "-m", "plain.safetensors", "-i", "features.jsonl").stdout) == strip(of_file), "features alone")
for name in ("w", "v"):
    pathlib.Path(f"{name}.pth").write_bytes(name.encode() * 100)
tool("tal-convert", "--bundle", folder_of("net", "tal-extract --encoder 'i3d:@/w x.pth' --inline", "tal-propose -m @/m", m="rpn.safetensors", **{"w x.pth": "w.pth"}), "-o", "net.safetensors")
check(b"w" * 100 not in pathlib.Path("net.safetensors").read_bytes(), "weights are not embedded")
says = tool("tal-detect", "--print", "-m", "net.safetensors", *videos, status=1).stderr
digest = "sha256:" + hashlib.sha256(b"w" * 100).hexdigest()
check("'w x.pth' (" + digest in says and "--encoder-weights" in says, says)
check(digest in tool("tal-detect", "--print", "-m", "net.safetensors", "--encoder-weights", "v.pth", *videos, status=1).stderr, "other weights are refused")
shown = tool("tal-detect", "--print", "-m", "net.safetensors", "--encoder-weights", "w.pth", *videos).stdout
check("i3d:w.pth" in shown, shown)
check("read no weights" in tool("tal-detect", "--print", "-m", "mine.safetensors", "--encoder-weights", "w.pth", *videos, status=1).stderr, "needless weights")

# Models that see frames need no extraction. C3D's weights are in the model; the classifier hears of the videos behind them.
tool("tal-synth", "--seed", "1", "videos", "-n", "2", "--out-dir", "small", "--width", "32", "--height", "32", "--fps", "10", "--duration", "6", "-o", "small.jsonl")
small = sorted(str(p) for p in pathlib.Path("small").glob("*.avi"))
FRAMES = {
    "sptad": ("input=clips backbone-rgb=random size=16 crop=16 fps=8 clip=32 train-stride=16 backbone-width=0.0625 dim=16 heads=2 hidden=4 ffn=16 proposals=4 stages=1 roi-rows=4 "
              "inference.test-stride=16 inference.min-score=0 inference.detections=3"),
    "cmsn": "input=clips c3d-weights=random frozen=0 frame-height=20 frame-width=26 crop=16 width=0.0625 hidden=8 lstm-hidden=4 window=4 evaluation-hidden=8 pooled-length=2 evaluation-epochs=1",
}
for model, words in FRAMES.items():
    tool("tal-train", "--model", model, *[word for pair in words.split() for word in ("--set", pair)], "--epochs", "1", "--threads", "1", "--seed", "3", "-q", "-i", "small.jsonl",
         "--out", f"{model}.safetensors")
tool("tal-extract", *EXTRACT, "--out-dir", "features", "--no-history", "-i", "small.jsonl", "-o", "small-features.jsonl")
train("segment-classifier", "small-features.jsonl", "seen.safetensors")
files = {name: name for name in ("sptad.safetensors", "cmsn.safetensors", "seen.safetensors")}
sees = {"sptad": ["tal-propose -m {}/sptad.safetensors --no-history", "tal-nms --preset sptad --no-history"],
        "cmsn": ["tal-propose --model={}/cmsn.safetensors --no-history", "tal-score -m {}/cmsn.safetensors --no-history", "tal-nms --preset cmsn --no-history",
                 "tal-extract " + " ".join(EXTRACT) + " --inline --no-history", "tal-score -m {}/seen.safetensors --no-history", "tal-nms --method gaussian --no-history"]}
for model, stages in sees.items():
    bundle = folder_of(f"sees-{model}", *(stage.replace("{}", "@") for stage in stages), **(files if model == "cmsn" else {"sptad.safetensors": "sptad.safetensors"}))
    tool("tal-convert", "--bundle", bundle, "-o", f"{bundle}.safetensors")
    first, *others = (stage.replace("{}", ".") for stage in stages)
    want = shell(" | ".join([f"{first} --videos {' '.join(small)}", *others]))
    found = [p for line in want.splitlines() for p in json.loads(line)["proposals"]]
    check(len(want.splitlines()) == 2 and found and all(p["label"] for p in found), f"{model}: the pipe finds and labels")
    for name in (bundle, f"{bundle}.safetensors"):
        check(tool("tal-detect", "-m", name, *small).stdout == want, f"{name}: the pipe's bytes")
    check("--jobs has no effect" in tool("tal-detect", "-j", "2", "-m", bundle, *small, status=2).stderr, "--jobs")
    # Records name their videos themselves, and keep what else they say.
    got, want = tool("tal-detect", "-m", f"{bundle}.safetensors", "-i", "small.jsonl").stdout, shell(" | ".join([f"{first} -i small.jsonl", *others]))
    check(got == want and '"annotations"' in got, f"{model}: records of videos")
    text = tool("tal-check", f"{bundle}.safetensors").stdout
    check(all(part in text for part in ("frames\n", "crop: 16", "size: 16" if model == "sptad" else "size: 20", f"model: {model}", "tal-nms --preset")), f"tal-check of {bundle}:\n{text}")
check("nothing follows the extraction" in tool("tal-detect", "-m", folder_of("only", "tal-extract --inline"), "-i", "features.jsonl", status=1).stderr, "an extraction alone")
tool("tal-convert", "--bundle-for", "videos", "features.jsonl", status=2)
for says, words in (("one of them", ["-i", "features.jsonl", *videos]), ("--jobs has no effect", ["-i", "features.jsonl", "-j", "2"]), ("has no effect without --model", ["--encoder-weights", "w.pth", *videos])):
    check(says in tool("tal-detect", *words, status=2).stderr, says)
home.cleanup()
finish()
