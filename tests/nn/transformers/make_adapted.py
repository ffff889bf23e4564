#!/usr/bin/env python3
"""Makes adapted.safetensors: a small VideoMAE of the transformers library with AdaTAD's adapters behind its layers (arXiv 2311.17241, 3.3), over a sequence of
three clips of another size than its positions were made for; features, and the gradients of their sum of squares.

    python3 make_adapted.py     # needs torch, transformers and safetensors

The adapters are written here from the paper and from what its code does: depthwise convolution over the time of the whole sequence and a mixing convolution of
1, added to the projected tokens; places resized bicubically, each moment by itself; no norm behind the blocks; the mean over places.
Made with torch 2.11 and transformers 5.24.
"""
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from transformers import VideoMAEConfig, VideoMAEModel

HERE = pathlib.Path(__file__).resolve().parent
torch.manual_seed(11)
D, INNER, SIDE, CLIPS, MOMENTS = 16, 4, 3, 3, 2
model = VideoMAEModel(VideoMAEConfig(hidden_size=D, num_hidden_layers=2, num_attention_heads=2, intermediate_size=20, image_size=8, patch_size=4, num_frames=4)).eval()
with torch.no_grad():
    for parameter in model.parameters():
        parameter.add_(0.2 * torch.randn_like(parameter))
for parameter in model.parameters():
    parameter.requires_grad_(False)


def adapter():
    parts = {"dwconv.weight": (INNER, 1, 3), "dwconv.bias": (INNER,), "conv.weight": (INNER, INNER, 1), "conv.bias": (INNER,), "down_proj.weight": (INNER, D), "down_proj.bias": (INNER,),
             "up_proj.weight": (D, INNER), "up_proj.bias": (D,), "gamma": (1,)}
    return {name: (0.5 * torch.randn(shape)).requires_grad_() for name, shape in parts.items()}


def adapt(x, a):  # [clips, moments * places, D]
    inside = F.gelu(F.linear(x, a["down_proj.weight"], a["down_proj.bias"]))
    time = inside.reshape(CLIPS * MOMENTS, SIDE * SIDE, INNER).permute(1, 2, 0)
    time = F.conv1d(F.conv1d(time, a["dwconv.weight"], a["dwconv.bias"], padding=1, groups=INNER), a["conv.weight"], a["conv.bias"])
    inside = inside + time.permute(2, 0, 1).reshape(inside.shape)
    return x + F.linear(inside, a["up_proj.weight"], a["up_proj.bias"]) * a["gamma"]


frames = torch.randint(0, 256, (3, CLIPS * MOMENTS * 2, SIDE * 4, SIDE * 4), dtype=torch.uint8)
mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
x = (frames / 255 - mean.view(3, 1, 1, 1)) / deviation.view(3, 1, 1, 1)
clips = x.reshape(3, CLIPS, MOMENTS * 2, SIDE * 4, SIDE * 4).transpose(0, 1)
tokens = model.embeddings.patch_embeddings.projection(clips).flatten(2).transpose(1, 2)
places = model.embeddings.position_embeddings.reshape(MOMENTS, 2, 2, D).permute(0, 3, 1, 2)
places = F.interpolate(places, size=(SIDE, SIDE), mode="bicubic", align_corners=False).permute(0, 2, 3, 1).reshape(1, -1, D)
tokens = tokens + places
adapters = [adapter() for _ in model.encoder.layer]
for layer, own in zip(model.encoder.layer, adapters):
    tokens = layer(tokens)
    tokens = adapt(tokens[0] if isinstance(tokens, tuple) else tokens, own)
features = tokens.reshape(CLIPS * MOMENTS, SIDE * SIDE, D).mean(1)
features.square().sum().backward()
out = {"weights." + name: value for name, value in model.state_dict().items()}
for k, own in enumerate(adapters):
    out |= {f"adapter{k}.{name}": value.detach() for name, value in own.items()} | {f"gradient.adapter{k}.{name}": value.grad for name, value in own.items()}
out |= {"frames": frames, "features": features.detach()}
save_file({name: value.contiguous() for name, value in out.items()}, HERE / "adapted.safetensors")
