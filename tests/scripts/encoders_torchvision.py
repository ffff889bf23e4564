#!/usr/bin/env python3
# label: parity
# limit: 1200
"""Video Swin, MViT and MViTv2 at their published sizes from a video's pixels to the feature, against torchvision with its own preprocessing and the same random weights.
Left out, visibly, where torch, torchvision, safetensors and Pillow are not installed."""
import os
import sys
import tempfile

from harness import check, finish, need, tool

need("tal-extract", why="the build has no video")
try:
    import torch
    from PIL import Image  # noqa: F401
    from safetensors.torch import load_file, save_file
    from torchvision.models import video
except ImportError as missing:
    print(f"SKIPPED: {missing}; the frozen cases of tests/nn/encoder_cases are compared instead")
    sys.exit(77)
from live_encoders import compare, noise, shaken, write_video

folder = tempfile.TemporaryDirectory()
os.chdir(folder.name)
torch.manual_seed(1)
# To be enlarged and cut at the sides. By exactly two: at other sizes sums that lie between two of the 256 levels round either way, and one level of one pixel in 100,000
# moves a feature by 1e-5.
pictures = noise(32, 128, 176)
for frames in (16, 32):
    write_video(f"clip{frames}.mov", pictures[:frames])

# Encoder, the reference, its weights' entry (of which only the preprocessing is taken), frames, layers.
CASES = [("swin3d-t", video.swin3d_t, video.Swin3D_T_Weights, 32, ("pool", "logits")), ("swin3d-s", video.swin3d_s, video.Swin3D_S_Weights, 32, ("pool",)),
         ("swin3d-b", video.swin3d_b, video.Swin3D_B_Weights, 32, ("pool",)), ("mvit-v2-s", video.mvit_v2_s, video.MViT_V2_S_Weights, 16, ("pool", "logits")),
         ("mvit-v1-b", video.mvit_v1_b, video.MViT_V1_B_Weights, 16, ("pool",))]
wanted = os.environ.get("TAL_ENCODERS", "").split()  # by hand: only these
for name, make, weights, frames, layers in CASES:
    if wanted and name not in wanted:
        continue
    model = shaken(make(), 0.02)
    features = {}
    model.head.register_forward_pre_hook(lambda _, inputs: features.update(pool=inputs[0].clone()))
    clip = weights.DEFAULT.transforms()(torch.from_numpy(pictures[:frames]).permute(0, 3, 1, 2))
    with torch.no_grad():
        features["logits"] = model(clip[None])
    save_file({key: value.contiguous() for key, value in model.state_dict().items()}, f"{name}.safetensors")
    for layer in layers:
        compare(f"{name}-{layer}", f"{name}{'' if layer == 'pool' else '@' + layer}:{name}.safetensors", f"clip{frames}.mov", frames, features[layer])

# The authors' names for the same weights, and what is refused.
if os.path.exists("swin3d-t.safetensors"):
    own = load_file("swin3d-t.safetensors")
    foreign = {}
    for key, value in own.items():
        words = key.split(".")
        if words[0] == "features":
            stage, inside = divmod(int(words[1]), 2)
            key = f"layers.{stage}." + ("downsample." + ".".join(words[2:]) if inside else "blocks." + ".".join(words[2:]).replace("mlp.0", "mlp.fc1").replace("mlp.3", "mlp.fc2"))
        foreign[key.replace("head.", "cls_head.fc_cls.") if words[0] == "head" else "backbone." + key] = value
    torch.save({"state_dict": foreign}, "foreign.pth")
    tool("tal-convert", "--weights", "foreign.pth", "--map", "video-swin", "--key", "state_dict", "-o", "renamed.safetensors")
    renamed = load_file("renamed.safetensors")
    kept = {key: value for key, value in own.items() if not key.endswith("relative_position_index")}
    check(renamed.keys() == kept.keys() and all(torch.equal(renamed[key], value) for key, value in kept.items()), "the authors' names give other weights")
    for encoder, words in (("swin3d-s", "156 tensors are missing"), ("swin3d-b", "have another shape"), ("mvit-v2-s", "belong to nothing in the network")):
        done = tool("tal-extract", "--encoder", f"{encoder}:renamed.safetensors", "--fps", "8", "--window", "16" if encoder == "mvit-v2-s" else "32", "--videos", "clip32.mov", status=1)
        check(words in done.stderr and f"does not hold the weights of {encoder}" in done.stderr, f"{encoder}: {done.stderr}")
    done = tool("tal-extract", "--encoder", "swin3d-t:renamed.safetensors", "--fps", "8", "--window", "16", "--videos", "clip32.mov", status=2)
    check("takes clips of 32 frames" in done.stderr, done.stderr)
finish()
