# The points detectors end to end from video files: a transformer with adapters before the detector, what is trained and what stays, resumed runs, windows,
# one frame count for every video, and what is refused.
# label: cli
import json
import os
import re
import tempfile

import tensor_files
from harness import check, finish, need, tool

need("tal-train", "tal-extract", why="this build has no LibTorch or no OpenCV")

BACKBONE = "backbone=vit backbone-weights=random backbone-dims=16 backbone-depth=2 backbone-heads=2 backbone-patch=8 backbone-clip=8"
SMALL = []
for pair in (f"input=clips fps=8 size=20 crop-size=16 {BACKBONE} adapter=tia rows=32 dims=16 head-dims=16 levels=2 stem=1 heads=2 windows=-1 "
             "inference.min-score=0 inference.top-k=5").split():
    SMALL += ["--set", pair]
TRAIN = ["--model", "points", *SMALL, "--batch", "2", "--threads", "1", "-q"]

folder = tempfile.TemporaryDirectory()
os.chdir(folder.name)
records = tool("tal-synth", "--seed", "1", "videos", "-n", "3", "--out-dir", "v", "--width", "40", "--height", "32", "--duration", "6").stdout
files = [json.loads(line)["path"] for line in records.splitlines()]


def train(name, *options, epochs=2, seed=3, data=records, status=0):
    return tool("tal-train", *TRAIN, "--seed", str(seed), "--epochs", str(epochs), "--frame-cache", "cache", *options, "--out", name, data=data, status=status)


def proposals(model, *options, data=records):
    return [json.loads(line)["proposals"] for line in tool("tal-propose", "-m", model, "--threads", "1", *options, data=data).stdout.splitlines()]


# The same run gives the same bytes, and so does one that is stopped and goes on.
train("a.safetensors")
train("b.safetensors")
check(tensor_files.read_bytes("a.safetensors") == tensor_files.read_bytes("b.safetensors"), "the same run gives the same bytes")
train("c.safetensors", "--checkpoint-dir", "k")
train("c.safetensors", "--checkpoint-dir", "k", "--resume")
check(tensor_files.read_bytes("a.safetensors") == tensor_files.read_bytes("c.safetensors"), "a run with checkpoints gives the same bytes")

# What is computed some clips at a time, or twice, is the same network.
train("d.safetensors", "--set", "backbone-chunk=1", "--set", "backbone-checkpointing=false")
one, other = proposals("a.safetensors"), proposals("d.safetensors")
check(all(abs(p["score"] - q["score"]) < 1e-4 and p["label"] == q["label"] for a, b in zip(one, other) for p, q in zip(a, b)), "chunks and checkpoints change nothing")

# The backbone stays, the adapters and the detector move.
start = tensor_files.read_bytes("a.safetensors")
train("longer.safetensors", epochs=3)
moved = {name for name, data in tensor_files.read_bytes("longer.safetensors").items() if data != start[name]}
backbone = {name for name in start if name.startswith("backbone.transformer.")}
adapters = {name for name in start if name.startswith("backbone.adapter")}
check(len(backbone) > 20 and len(adapters) == 18 and not moved & backbone, f"a frozen backbone moved: {sorted(moved & backbone)}")
check(adapters <= moved and any(name.startswith("detector.") for name in moved), f"adapters that stay: {sorted(adapters - moved)}")
train("norms1.safetensors", "--set", "backbone-train=norms", epochs=1)
train("norms2.safetensors", "--set", "backbone-train=norms", epochs=2)
norms = {name for name, data in tensor_files.read_bytes("norms2.safetensors").items() if data != tensor_files.read_bytes("norms1.safetensors")[name]} & backbone
check(norms and all("norm" in name for name in norms), f"norms alone: {sorted(norms)}")
train("off.safetensors", "--set", "adapter=none")
check(not any("adapter" in name for name in tensor_files.read_bytes("off.safetensors")), "adapter=none has none")

# A backbone from a file: the weights of one model, as tal-extract would take them.
PREFIX = "backbone.transformer."
transformer = {name[len(PREFIX):]: tensor for name, tensor in tensor_files.read("a.safetensors")[1].items() if name.startswith(PREFIX)}
tensor_files.write("vit.safetensors", transformer)
tensor_files.write("hole.safetensors", {name: tensor for name, tensor in transformer.items() if name != "blocks.1.mlp.fc1.bias"})
train("from-file.safetensors", "--set", "backbone-weights=vit.safetensors", seed=9)
check(all(data == start[name] for name, data in tensor_files.read_bytes("from-file.safetensors").items() if name in backbone), "the backbone is that of the file")
done = train("x.safetensors", "--set", "backbone-weights=hole.safetensors", status=1)
check("hole.safetensors" in done.stderr and "blocks.1.mlp.fc1.bias" in done.stderr, f"weights with a hole: {done.stderr}")

# Detections: from records and files alike, inside the video; windows that cover it give the whole.
check(proposals("a.safetensors", "--videos", *files, data="") == one, "--videos gives what records give")
check(all(0 <= p["segment"][0] < p["segment"][1] <= 6.01 for video in one for p in video) and all(len(video) >= 5 for video in one), "detections inside the video")
check(proposals("a.safetensors", "--set", "window=48") == proposals("a.safetensors", "--set", "window=100"), "48 rows are one window")
check(proposals("a.safetensors", "--set", "window=16") != one, "smaller windows see less")
tool("tal-nms", "--preset", "adatad", data=tool("tal-propose", "-m", "a.safetensors", "--threads", "1", data=records).stdout)

# mask=exact: a video's detections do not depend on what it is trained beside; and frames behind the end are not computed. A video by itself is its record.
check(proposals("a.safetensors", data=records.splitlines()[1] + "\n")[0] == one[1], "one video by itself")

# So many frames of every video, four of them a row.
count = ["--set", "frames=64", "--set", "frames-per-row=4", "--set", "rows=16", "--set", "crop=1"]
options = ["--model", "points"]
for at in range(0, len(SMALL), 2):
    if SMALL[at + 1] not in ("fps=8", "rows=32"):
        options += SMALL[at:at + 2]
tool("tal-train", *options, *count, "--epochs", "1", "--batch", "2", "--threads", "1", "-q", "--out", "count.safetensors", data=records)
found = proposals("count.safetensors")
check(all(0 <= p["segment"][0] < p["segment"][1] <= 6.01 for video in found for p in video), "frames=64: detections inside the video")

# Augmentation is drawn from the seed, and changes what is learned.
train("augmented.safetensors", "--set", "rand-augment=true", "--set", "colour-jitter=true")
train("augmented2.safetensors", "--set", "rand-augment=true", "--set", "colour-jitter=true", "--set", "train.workers=3")
check(tensor_files.read_bytes("augmented.safetensors") == tensor_files.read_bytes("augmented2.safetensors") != start, "augmented runs repeat, whatever the workers")

# A published checkpoint: the same model under OpenTAD's names, its biases of queries and values by themselves, becomes a model that gives the same detections.
RENAMED = [(r"backbone\.transformer\.patch_embed\.proj\.", "backbone.model.backbone.patch_embed.projection."), (r"backbone\.transformer\.blocks\.(\d+)\.mlp\.fc1\.", r"backbone.model.backbone.blocks.\1.mlp.layers.0.0."),
           (r"backbone\.transformer\.blocks\.(\d+)\.mlp\.fc2\.", r"backbone.model.backbone.blocks.\1.mlp.layers.1."), (r"backbone\.transformer\.", "backbone.model.backbone."),
           (r"backbone\.adapter(\d+)\.", r"backbone.model.backbone.blocks.\1.adapter."), (r"detector\.embedding\.convolution(\d+)\.weight", r"projection.embed.\1.conv.weight"),
           (r"detector\.embedding\.norm(\d+)\.", r"projection.embed.\1.norm."), (r"detector\.(stem|branch)(\d+)\.norm([12])\.", r"projection.\1.\2.ln\3."),
           (r"detector\.(stem|branch)(\d+)\.(query|key|value)_conv\.weight", r"projection.\1.\2.attn.\3_conv.conv.weight"), (r"detector\.(stem|branch)(\d+)\.(query|key|value)", r"projection.\1.\2.attn.\3"),
           (r"detector\.(stem|branch)(\d+)\.out\.", r"projection.\1.\2.attn.proj."), (r"detector\.(stem|branch)(\d+)\.mlp\.widen\.", r"projection.\1.\2.mlp.0."),
           (r"detector\.(stem|branch)(\d+)\.mlp\.narrow\.", r"projection.\1.\2.mlp.3."), (r"detector\.(stem|branch)(\d+)\.drop_attention\.", r"projection.\1.\2.drop_path_attn."),
           (r"detector\.(stem|branch)(\d+)\.drop_mlp\.", r"projection.\1.\2.drop_path_mlp."), (r"detector\.neck_norm(\d+)\.", r"neck.fpn_norms.\1."), (r"detector\.scale(\d+)", r"rpn_head.scale.\1.scale"),
           (r"detector\.normalizer", "rpn_head.loss_normalizer"), (r"detector\.class_head\.output\.", "rpn_head.cls_head."), (r"detector\.distance_head\.output\.", "rpn_head.reg_head."),
           (r"detector\.class_head\.convolution(\d+)\.", r"rpn_head.cls_convs.\1.conv."), (r"detector\.distance_head\.convolution(\d+)\.", r"rpn_head.reg_convs.\1.conv."),
           (r"detector\.class_head\.norm(\d+)\.", r"rpn_head.cls_convs.\1.norm."), (r"detector\.distance_head\.norm(\d+)\.", r"rpn_head.reg_convs.\1.norm.")]
train("published.safetensors", "--set", "mask=reference", "--set", "code=opentad", "--set", "adapter-first=1", "--set", "row-at=start", "--set", "test-size=16")
model_facts, tensors = tensor_files.read("published.safetensors")
published = {"backbone.model.backbone.pos_embed": tensor_files.Tensor("F32", [1, 4], bytes(16)), "backbone.model.backbone.fc_norm.weight": tensor_files.Tensor("F32", [16], bytes(64))}
for name, tensor in tensors.items():
    new = next((re.sub("^" + old, to, name) for old, to in RENAMED if re.match(old, name)), None)
    check(new is not None, f"{name} has no published name here")
    if new.endswith("attn.qkv.bias"):
        third = len(tensor.data) // 3
        check(tensor.data[third:2 * third] == bytes(third), "keys have no bias")
        for letter, data in (("q", tensor.data[:third]), ("v", tensor.data[2 * third:])):
            published[new.replace("qkv.bias", letter + "_bias")] = tensor._replace(shape=[tensor.shape[0] // 3], data=data)
    else:
        published[new] = tensor
tensor_files.write("checkpoint.safetensors", {"module." + name: tensor for name, tensor in published.items()})
settings = {key: value for key, value in json.loads(model_facts["settings"]).items() if key in ("fps", "size", "test-size", "crop-size", "rows", "heads", "windows", "backbone-heads", "backbone-clip")}
done = tool("tal-convert", "--weights", "checkpoint.safetensors", "--metadata", "settings=" + json.dumps(settings), "--metadata", "classes=" + model_facts["classes"], "-o", "imported.safetensors")
check("AdaTAD" in done.stderr and "points-opentad" in done.stderr, done.stderr)
# From points to detections, the imported one goes OpenTAD's way.
check(json.loads(tensor_files.read("imported.safetensors")[0]["inference"]) == {"clip": False, "top-k-of": "window", "min-length": 0}, "OpenTAD's rules")
options = ("--set", "min-score=0", "--set", "top-k=5")
rules = ("--set", "clip=false", "--set", "top-k-of=window", "--set", "min-length=0")
check(proposals("imported.safetensors", *options) == proposals("published.safetensors", *options, *rules), "the imported checkpoint gives what the model gives")
check(any(proposals("imported.safetensors", *options)), "it gives something")

settings["backbone-depth"] = settings.pop("backbone-heads")
done = tool("tal-convert", "--weights", "checkpoint.safetensors", "--metadata", "settings=" + json.dumps(settings), "-o", "x.safetensors", status=2)
check("16 channels and 2 blocks" in done.stderr and "backbone-heads" in done.stderr, f"heads that nothing says: {done.stderr}")


def changed(name, inputs=None, **values):
    """The model a with other settings."""
    facts, tensors = tensor_files.read("a.safetensors")
    facts = {**facts, "settings": json.dumps({**json.loads(facts["settings"]), **{key.replace("_", "-"): value for key, value in values.items()}})}
    if inputs:
        facts["inputs"] = json.dumps([{"frames": {**json.loads(facts["inputs"])[0]["frames"], **inputs}}])
    tensor_files.write(name, tensors, facts)
    return proposals(name, "--set", "clip=false")


# A row stands for the middle of its frames, or for their start: half a frame of 8 a second earlier.
plain, early = changed("plain.safetensors"), changed("early.safetensors", row_at="start")
worst = max(abs(p["segment"][k] - 0.5 / 8 - q["segment"][k]) for a, b in zip(plain, early) for p, q in zip(a, b) for k in (0, 1))
check(worst < 1e-9 and [[p["score"] for p in video] for video in plain] == [[p["score"] for p in video] for video in early], f"row-at=start: {worst}")
# Frames of another size at inference.
check(changed("test.safetensors", test_size=16) == changed("size.safetensors", inputs={"size": 16}, size=16) != plain, "test-size is the size at inference")

# Refused, by name, before anything is read.
for words, text in ((["crops=plain", "crop-size=24"], "setting 'crop-size': must lie in 1..20"), (["crops=plain", "test-size=12"], "setting 'test-size': must be 16, the crop-size, or more"), (["crop-size=8", "backbone-patch=10"], "setting 'crop-size': must hold one of the backbone's patches of 10"),
                    (["backbone-heads=3"], "setting 'backbone-heads': must divide"), (["backbone-clip=7"], "setting 'backbone-clip': must be a multiple"),
                    (["frames-per-row=3"], "setting 'frames-per-row': must divide"), (["adapter-first=2"], "setting 'adapter-first': must lie in 0..1"),
                    (["adapter-kernel=2"], "setting 'adapter-kernel': must be odd"), (["adapter=plain", "adapter-kernel=5"], "setting 'adapter-kernel' has no effect"),
                    (["backbone-lr=0.1"], "setting 'backbone-lr' has no effect with backbone-train=none"), (["backbone=videomae-b"], "has no effect with backbone=videomae-b"),
                    (["input=windows"], "has no effect with input=windows")):
    done = tool("tal-train", *TRAIN, *[part for word in words for part in ("--set", word)], "--out", "x.safetensors", data="no record", status=2)
    check(text in done.stderr, f"{words}: {done.stderr}")
done = tool("tal-train", "--model", "points", "--preset", "adatad-thumos14", "--out", "x.safetensors", data="no record", status=2)
check("setting 'backbone-weights': missing" in done.stderr, f"no weights: {done.stderr}")
features = tool("tal-synth", "features", "--out-dir", "f", "--dim", "4", data=tool("tal-synth", "annotations", "-n", "3", "--classes", "2").stdout).stdout
check("the model sees the frames of videos, not features" in tool("tal-propose", "-m", "a.safetensors", data=features, status=1).stderr, "features refused")
done = tool("tal-train", "--model", "points", "--epochs", "1", "--out", "x.safetensors", data=records, status=1)
check("not on the frames of videos" in done.stderr, f"videos refused: {done.stderr}")

finish()
