#!/usr/bin/env python3
"""Makes changes.safetensors: a picture of random bytes with a smooth part, and what Pillow makes of it by RandAugment's changes of colours; a shear, a turn and a
shift by OpenCV. Needs torch, safetensors, Pillow and opencv-python-headless. Made with Pillow 13.0 and OpenCV 5.0."""
import math
import pathlib

import cv2
import numpy
import torch
from PIL import Image, ImageEnhance, ImageOps
from safetensors.torch import save_file

random = numpy.random.default_rng(3)
H, W = 12, 16
picture = random.integers(0, 256, (H, W, 3), dtype=numpy.uint8)
ramp = numpy.stack([numpy.add.outer(numpy.arange(H) * 9, numpy.arange(W) * 5) + 20 * c for c in range(3)], -1).astype(numpy.uint8)
dull = (ramp // 2 + 40).astype(numpy.uint8)
FACTOR, LEVEL = 1.8 * 0.9 + 0.1, 0.9
CHANGES = {
    "posterize": lambda p: ImageOps.posterize(p, 3), "solarize": lambda p: ImageOps.solarize(p, math.ceil(256 * LEVEL)),
    "colour": lambda p: ImageEnhance.Color(p).enhance(FACTOR), "contrast": lambda p: ImageEnhance.Contrast(p).enhance(FACTOR),
    "brightness": lambda p: ImageEnhance.Brightness(p).enhance(FACTOR), "sharpness": lambda p: ImageEnhance.Sharpness(p).enhance(FACTOR),
    "autocontrast": lambda p: ImageOps.autocontrast(p, 0), "equalize": ImageOps.equalize, "invert": ImageOps.invert}


def warp(image, name, sign):
    """Forward matrices about the centre of the pixels' square, black outside."""
    shear, turn, shift = math.radians(17.19 * LEVEL), math.radians(30 * LEVEL), 0.2 * LEVEL
    m = {"shear-x": [[1, sign * math.tan(shear), 0], [0, 1, 0]], "shear-y": [[1, 0, 0], [sign * math.tan(shear), 1, 0]],
         "translate-x": [[1, 0, sign * shift * W], [0, 1, 0]], "translate-y": [[1, 0, 0], [0, 1, sign * shift * H]],
         "rotate": [[math.cos(turn), -sign * math.sin(turn), 0], [sign * math.sin(turn), math.cos(turn), 0]]}[name]
    m = numpy.vstack([numpy.array(m, float), [0, 0, 1]])
    centre = numpy.array([[1, 0, (W - 1) / 2], [0, 1, (H - 1) / 2], [0, 0, 1]])
    return cv2.warpAffine(image.astype(numpy.float32), (centre @ m @ numpy.linalg.inv(centre))[:2], (W, H), flags=cv2.INTER_LINEAR, borderValue=0)


def planes(image):
    return torch.from_numpy(numpy.ascontiguousarray(image)).permute(2, 0, 1).contiguous()


out = {}
for at, image in enumerate((picture, ramp, dull)):
    out[f"input.{at}"] = planes(image)
    for name, change in CHANGES.items():
        out[f"{name}.{at}"] = planes(numpy.asarray(change(Image.fromarray(image))))
    for name in ("shear-x", "shear-y", "translate-x", "translate-y", "rotate"):
        for sign in (1, -1):
            out[f"{name}.{at}.{'up' if sign > 0 else 'down'}"] = planes(warp(image, name, sign))
save_file(out, pathlib.Path(__file__).resolve().parent / "changes.safetensors")
