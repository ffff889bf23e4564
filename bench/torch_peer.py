#!/usr/bin/env python3
"""tal-extract beside a PyTorch script that does the same: decode with OpenCV, prepare with torchvision's own transforms, run torchvision's own network
in batches; of videomae-* the transformers library's network and OpenCV's resize. The weights are random; the script writes them, tal-convert imports them, and both features are compared.

  bench/torch_peer.py [--bin build/bin] [--threads 2] [--rounds 3] VIDEO

Needs torch, torchvision and cv2 (OpenCV), for videomae-* transformers too, in the Python that runs it. Prints frames of the video a second, best of the rounds, which alternate:
the script's without its imports, tal-extract's with the start of its process. Exit status 1 when the features differ by more than --tolerance.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import cv2
import numpy
import torch
import torchvision
from PIL import Image
from torchvision.transforms import functional as F

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("video")
parser.add_argument("--bin", default="build/bin")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--batch", type=int, default=16, help="pictures in a pass; of clips, a quarter as many")
parser.add_argument("--tolerance", type=float, default=1e-3, help="of the largest feature")
parser.add_argument("--networks", default="resnet18,resnet50,r2plus1d-18")
arguments = parser.parse_args()


def picture(frame):
    """Of the ImageNet networks: PIL's resize, as torchvision's preset has it."""
    image = F.center_crop(F.resize(Image.fromarray(frame), 256), 224)
    return F.normalize(F.to_tensor(image), [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


def clip(frames):
    """Of the video networks: [C, T, 112, 112]."""
    x = torch.stack([torch.from_numpy(frame).permute(2, 0, 1) for frame in frames])
    x = F.center_crop(F.convert_image_dtype(F.resize(x, [128, 171], antialias=False), torch.float), 112)
    return F.normalize(x, [0.43216, 0.394666, 0.37645], [0.22803, 0.22145, 0.216989]).permute(1, 0, 2, 3)


def videomae_clip(frames):
    """VideoMAE's processor: shorter side 224, centre crop, ImageNet's normalisation; frames before channels, as that network takes them."""
    height, width = frames[0].shape[:2]
    scale = 224 / min(height, width)
    small = [Image.fromarray(frame).resize((int(width * scale + 1e-9), int(height * scale + 1e-9)), Image.Resampling.BILINEAR) for frame in frames]
    x = torch.from_numpy(numpy.stack([numpy.asarray(picture) for picture in small])).permute(0, 3, 1, 2)
    return F.normalize(F.center_crop(x, 224) / 255, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


# Name here: torchvision's, window and stride in frames, preparation of a window's frames, windows in a pass.
NETWORKS = {
    "resnet18": ("resnet18", 1, 4, lambda frames: picture(frames[0]), arguments.batch),
    "resnet50": ("resnet50", 1, 8, lambda frames: picture(frames[0]), arguments.batch),
    "videomae-s": ({"hidden_size": 384, "num_attention_heads": 6, "intermediate_size": 1536}, 16, 16, videomae_clip, 1),
    "videomae-b": ({}, 16, 16, videomae_clip, 1),
    "r2plus1d-18": ("video.r2plus1d_18", 16, 16, clip, max(1, arguments.batch // 4)),
}


class Pooled(torch.nn.Module):
    """The mean of the last tokens, which is what tal-extract gives of weights without a classifier."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net(x)[0].mean(1)


def network(name):
    torch.manual_seed(0)
    if isinstance(name, dict):
        from transformers import VideoMAEConfig, VideoMAEModel
        return Pooled(VideoMAEModel(VideoMAEConfig(use_mean_pooling=False, **name)).eval())
    module = torchvision.models
    for part in name.split("."):
        module = getattr(module, part)
    net = module(weights=None).eval()
    # Statistics of BatchNorm that are not 0 and 1, so that they are compared too.
    for layer in net.modules():
        if isinstance(layer, (torch.nn.BatchNorm2d, torch.nn.BatchNorm3d)):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 1.5)
    return net


@torch.inference_mode()
def features(net, window, stride, prepare, batch):
    """[rows, dim] of the whole video, and its number of frames."""
    rows, pending, held, count = [], [], [], 0
    capture = cv2.VideoCapture(arguments.video)
    while True:
        there, frame = capture.read()
        if not there:
            break
        if count % stride < window:
            held.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
        count += 1
        if len(held) == window:
            pending.append(prepare(held))
            held = []
        if len(pending) == batch:
            rows.append(net(torch.stack(pending)))
            pending = []
    if pending:
        rows.append(net(torch.stack(pending)))
    return torch.cat(rows), count


torch.set_num_threads(arguments.threads)
failed = False
print("| network | tal-extract | PyTorch script | ratio | largest difference |\n|---|---|---|---|---|")
with tempfile.TemporaryDirectory() as folder:
    for name in arguments.networks.split(","):
        origin, window, stride, prepare, batch = NETWORKS[name]
        net = network(origin)
        transformer = isinstance(net, Pooled)
        torch.save((net.net if transformer else net).state_dict(), os.path.join(folder, "weights.pth"))
        weights = os.path.join(folder, name + ".safetensors")
        subprocess.run([os.path.join(arguments.bin, "tal-convert"), "--weights", os.path.join(folder, "weights.pth"), "--map", "vit-transformers" if transformer else "torchvision", "-o", weights, "-q"], check=True)
        if not transformer:
            net.fc = torch.nn.Identity()
        ours, theirs = [], []
        for _ in range(arguments.rounds):
            start = time.perf_counter()
            expected, count = features(net, window, stride, prepare, batch)
            theirs.append(time.perf_counter() - start)
            start = time.perf_counter()
            subprocess.run([os.path.join(arguments.bin, "tal-extract"), "--encoder", f"{name}:{weights}", "--window", str(window), "--stride", str(stride), "--batch", str(arguments.batch),
                            "--videos", arguments.video, "--out-dir", folder, "-o", os.path.join(folder, "record.jsonl"), "-q"],
                           check=True, env={**os.environ, "OMP_NUM_THREADS": str(arguments.threads)})
            ours.append(time.perf_counter() - start)
        with open(os.path.join(folder, "record.jsonl"), encoding="utf-8") as file:
            stream = next(iter(json.load(file)["features"].values()))
        found = torch.from_numpy(numpy.load(os.path.join(folder, os.path.basename(stream["path"]))))
        rows = min(len(found), len(expected))
        difference = ((found[:rows] - expected[:rows]).abs().max() / expected.abs().max()).item()
        failed |= len(found) != len(expected) or difference > arguments.tolerance
        print(f"| {name}, window {window}, stride {stride} | {count / min(ours):.1f} frames/s | {count / min(theirs):.1f} frames/s | {min(theirs) / min(ours):.2f} | {difference:.1e}, {len(found)} of {len(expected)} rows |",
              flush=True)
sys.exit(failed)
