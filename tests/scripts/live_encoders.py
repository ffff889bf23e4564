"""What the scripts share that compare tal-extract, from the pixels of a video on, with a reference library. Not a test itself: it has no label."""
import io
import os

import numpy
import torch
from PIL import Image

from harness import check, tool
from media import mp4


def noise(frames, height, width):
    """Pictures with coarse and fine detail, [frames, height, width, 3]."""
    random = numpy.random.default_rng(0)
    coarse = random.integers(0, 256, (frames, -(-height // 8), -(-width // 8), 3)).repeat(8, 1).repeat(8, 2)[:, :height, :width]
    return (coarse + random.integers(-9, 10, (frames, height, width, 3))).clip(0, 255).astype("uint8")


def write_video(path, pictures):
    """Without loss, eight pictures a second."""
    def png(picture):
        out = io.BytesIO()
        Image.fromarray(picture).save(out, "png")
        return out.getvalue()

    frames, height, width, _ = pictures.shape
    with open(path, "wb") as file:
        file.write(mp4([png(p) for p in pictures], width, height, codec=b"png ", durations=[125] * frames))


def shaken(model, by=0.05):
    """No weight hides behind a start of zero or one."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(by * torch.randn_like(parameter))
    return model.eval()


def normed(frames, mean, deviation):
    return ((torch.from_numpy(frames).float() / 255 - torch.tensor(mean)) / torch.tensor(deviation)).permute(0, 3, 1, 2)


def compare(name, encoder, video, window, want):
    """The only row of the video, whose windows have so many frames, is `want` [1, D]."""
    folder = name + "-rows"
    done = tool("tal-extract", "--encoder", encoder, "--fps", "8", "--window", str(window), "--stride", str(window), "--out-dir", folder, "--videos", video)
    rows = [os.path.join(folder, file) for file in os.listdir(folder) if file.endswith(".npy")] if done.returncode == 0 else []
    if check(len(rows) == 1, f"{name}: {done.stderr}"):
        got = numpy.load(rows[0])
        check(got.shape == tuple(want.shape), f"{name}: {got.shape}, not {tuple(want.shape)}")
        worst = abs(got - want.numpy()).max() / abs(want).max().item()
        print(f"{name}: differs by {worst:.1e}")
        check(worst < 1e-5, f"{name}: differs by {worst}")
