#!/usr/bin/env python3
# label: cli
"""tal-convert --map bmn-...: state dicts with the published names and shapes become models that tal-propose runs, and give what the network written out here gives."""
import base64
import collections
import io
import json
import math
import os
import pickle
import random
import struct
import sys
import tempfile
import types
import zipfile

from harness import BIN, check, finish, tool, works

folder = tempfile.TemporaryDirectory()
os.chdir(folder.name)


# --- a .pth file, written with pickle and zipfile alone ---------------------------------------------------------------------------
def fake_global(module, name):
    parent = sys.modules.setdefault(module, types.ModuleType(module))
    made = type(name, (), {"__module__": module}) if name[0].isupper() else types.FunctionType((lambda *a: a).__code__, {}, name)
    made.__module__, made.__qualname__ = module, name
    setattr(parent, name, made)
    return made


sys.modules["torch"], sys.modules["torch._utils"] = types.ModuleType("torch"), types.ModuleType("torch._utils")
sys.modules["torch"]._utils = sys.modules["torch._utils"]
FLOAT, REBUILD = fake_global("torch", "FloatStorage"), fake_global("torch._utils", "_rebuild_tensor_v2")


class Storage:
    def __init__(self, key, count):
        self.key, self.count = key, count


class Tensor:
    def __init__(self, key, shape, values):
        self.shape, self.values, self.storage = shape, values, Storage(key, len(values))

    def __reduce__(self):
        strides, step = [], 1
        for extent in reversed(self.shape):
            strides.insert(0, step)
            step *= extent
        return REBUILD, (self.storage, 0, tuple(self.shape), tuple(strides), False, collections.OrderedDict())


class Writer(pickle.Pickler):
    def persistent_id(self, item):
        return ("storage", FLOAT, item.key, "cpu", item.count) if isinstance(item, Storage) else None


def save_pth(path, tensors, around=lambda state: state):
    state, files = collections.OrderedDict(), {}
    for k, (name, (shape, values)) in enumerate(tensors.items()):
        state[name] = Tensor(str(k), shape, values)
        files[f"archive/data/{k}"] = struct.pack(f"<{len(values)}f", *values)
    buffer = io.BytesIO()
    Writer(buffer, protocol=2).dump(around(state))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", buffer.getvalue())
        archive.writestr("archive/version", "3\n")
        for name, data in files.items():
            archive.writestr(name, data)
    return path


# --- the published network, small: T = D rows, N samples, channels, groups 4 ----------------------------------------------------------
T, N, C, F1, F2, F3, GROUPS = 6, 4, 8, 8, 4, 12, 4
rng = random.Random(5)


def shapes(reduced):
    out = {}
    for name, shape in {
        "x_1d_b.0": (F1, C // GROUPS, 3), "x_1d_b.2": (F1, F1 // GROUPS, 3), "x_1d_s.0": (F1, F1 // GROUPS, 3), "x_1d_s.2": (1, F1, 1),
        "x_1d_e.0": (F1, F1 // GROUPS, 3), "x_1d_e.2": (1, F1, 1), "x_1d_p.0": (reduced, F1, 3), "x_3d_p.0": (F3, reduced, N, 1, 1),
        "x_2d_p.0": (F2, F3, 1, 1), "x_2d_p.2": (F2, F2, 3, 3), "x_2d_p.4": (F2, F2, 3, 3), "x_2d_p.6": (2, F2, 1, 1),
    }.items():
        out[name + ".weight"], out[name + ".bias"] = shape, shape[:1]
    return out


def weights(reduced=F1):
    out = {}
    for name, shape in shapes(reduced).items():
        scale = 1 / math.sqrt(max(1, math.prod(shape[1:])))
        values = [struct.unpack("<f", struct.pack("<f", rng.uniform(-1, 1) * 2 * scale))[0] for _ in range(math.prod(shape))]
        out[name] = (shape, values)
    return out


def sampling_mask(by_end=False):
    """[T, N, duration, start] as the public code builds it, or [T, N, start, end] as the 2020 version does: math.modf truncates, math.ceil above."""
    mask = [0.0] * (T * N * T * T)
    for i in range(T):
        for j in range(T - i):
            place = i * T + i + j if by_end else j * T + i
            last = i + j + by_end
            length = last - i + 1
            low, high = i - length * 0.5, last + length * 0.5
            step = (high - low) / (N * 3 - 1)
            for p in range(N * 3):
                x = low + step * p
                part, down = math.modf(x)
                for row, share in ((int(down), 1 - part), (math.ceil(x), part)):
                    if 0 <= row < T:
                        mask[(row * N + p // 3) * T * T + place] += share / 3
    return (T, N * T * T), mask


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def conv1d(x, state, name, groups, relu):
    (out, per, kernel), w = state[name + ".weight"]
    bias = state[name + ".bias"][1]
    y = []
    for o in range(out):
        first = o // (out // groups) * per
        row = []
        for t in range(T):
            value = bias[o]
            for c in range(per):
                for k in range(kernel):
                    at = t + k - kernel // 2
                    if 0 <= at < T:
                        value += w[(o * per + c) * kernel + k] * x[first + c][at]
            row.append(max(0.0, value) if relu else value)
        y.append(row)
    return y


def conv2d(x, state, name, relu):
    (out, per, kernel, _), w = state[name + ".weight"]
    bias = state[name + ".bias"][1]
    y = [[[0.0] * T for _ in range(T)] for _ in range(out)]
    for o in range(out):
        for j in range(T):
            for i in range(T):
                value = bias[o]
                for c in range(per):
                    for a in range(kernel):
                        for b in range(kernel):
                            jj, ii = j + a - kernel // 2, i + b - kernel // 2
                            if 0 <= jj < T and 0 <= ii < T:
                                value += w[((o * per + c) * kernel + a) * kernel + b] * x[c][jj][ii]
                y[o][j][i] = max(0.0, value) if relu else value
    return y


def network(x, state, by_end):
    base = conv1d(conv1d(x, state, "x_1d_b.0", GROUPS, True), state, "x_1d_b.2", GROUPS, True)
    start = [sigmoid(v) for v in conv1d(conv1d(base, state, "x_1d_s.0", GROUPS, True), state, "x_1d_s.2", 1, False)[0]]
    end = [sigmoid(v) for v in conv1d(conv1d(base, state, "x_1d_e.0", GROUPS, True), state, "x_1d_e.2", 1, False)[0]]
    p = conv1d(base, state, "x_1d_p.0", 1, True)
    (filters, reduced, _, _, _), w = state["x_3d_p.0.weight"]
    bias, mask = state["x_3d_p.0.bias"][1], sampling_mask(by_end)[1]
    maps = [[[0.0] * T for _ in range(T)] for _ in range(filters)]
    for j in range(T):
        for i in range(T):
            sampled = [[sum(p[c][t] * mask[((t * N + n) * T + j) * T + i] for t in range(T)) for n in range(N)] for c in range(reduced)]
            for o in range(filters):
                maps[o][j][i] = max(0.0, bias[o] + sum(w[(o * reduced + c) * N + n] * sampled[c][n] for c in range(reduced) for n in range(N)))
    for k in (0, 2, 4, 6):
        maps = conv2d(maps, state, f"x_2d_p.{k}", k < 6)
    if by_end:
        maps = [[[m[i][i + j] if i + j < T else 0 for i in range(T)] for j in range(T)] for m in maps]
    return start, end, maps


def compare(model, state, what, by_end=False):
    x = [[rng.uniform(-1, 1) for _ in range(T)] for _ in range(C)]
    data = struct.pack(f"<{T * C}f", *(x[c][t] for t in range(T) for c in range(C)))
    x = [[struct.unpack("<f", struct.pack("<f", v))[0] for v in row] for row in x]
    record = {"video": "v", "duration": 12, "features": {"cuhk": {"data": base64.b64encode(data).decode(), "dtype": "float32", "rows": T, "dim": C}}}
    out = tool("tal-propose", "-m", model, "--threads", "1", "--no-history", "--set", "maps=inline", data=json.dumps(record) + "\n").stdout
    if not out:
        return check(False, what + ": no output")
    maps = json.loads(out)["maps"]["0"]
    start, end, confidence = network(x, state, by_end)
    error = max(abs(a - b) for a, b in zip(maps["start"] + maps["end"], start + end))
    for j in range(T):
        for i in range(T - j):
            error = max(error, abs(maps["reg"][j][i] - sigmoid(confidence[0][j][i])), abs(maps["cls"][j][i] - sigmoid(confidence[1][j][i])))
    check(error < 1e-5, f"{what}: maps differ by {error}")
    check(len(json.loads(out)["proposals"]) == T * (T + 1) // 2, what + ": every valid proposal")


has_models = works("tal-train")
state = weights()
mask = {"sample_mask": sampling_mask()}
save_pth("mmaction2.pth", {**mask, "bm_mask": ((T, T), [1.0] * (T * T)), **state}, lambda s: {"state_dict": s, "meta": {"epoch": 9}})
tool("tal-convert", "--weights", "mmaction2.pth", "--key", "state_dict", "--map", "bmn-mmaction2", "--model-input", "cuhk", "-o", "mmaction2.safetensors")
save_pth("jjboy.pth", {"module." + name: value for name, value in {**mask, **state}.items()}, lambda s: {"epoch": 9, "state_dict": s})
tool("tal-convert", "--weights", "jjboy.pth", "--key", "state_dict", "--map", "bmn-jjboy", "--model-input", "cuhk:dim=8", "-o", "jjboy.safetensors")
save_pth("jjboy2020.pth", {"module." + name: value for name, value in {"sample_mask": sampling_mask(True), **state}.items()}, lambda s: {"epoch": 9, "state_dict": s})
tool("tal-convert", "--weights", "jjboy2020.pth", "--key", "state_dict", "--map", "bmn-jjboy", "--model-input", "cuhk", "-o", "jjboy2020.safetensors")


def metadata(path):
    with open(path, "rb") as file:
        return json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))["__metadata__"]


facts = json.loads(metadata("mmaction2.safetensors")["settings"])
check(facts == {"form": "public", "layout": "start-duration", "rows": T, "durations": T, "samples": N, "per-bin": 3, "widen": 0.5, "base-filters": F1, "groups": GROUPS, "reduced-filters": F1, "proposal-filters": F3,
                "head-filters": F2}, f"sizes come from the shapes: {facts}")
check(json.loads(metadata("jjboy2020.safetensors")["settings"])["layout"] == "start-end", "the mask tells the layout")
check(json.loads(metadata("jjboy.safetensors")["inputs"])[0]["name"] == "cuhk", "the stream is in the file")

# Paddle's names, as .npz; PaddleVideo reduces to fewer channels before the layer. No mask: T is said.
paddle_names = {"x_1d_b.0": "b_conv1", "x_1d_b.2": "b_conv2", "x_1d_s.0": "ts_conv1", "x_1d_s.2": "ts_conv2", "x_1d_e.0": "te_conv1", "x_1d_e.2": "te_conv2", "x_1d_p.0": "p_conv1",
                "x_3d_p.0": "p_conv3d1", "x_2d_p.0": "p_conv2d1", "x_2d_p.2": "p_conv2d2", "x_2d_p.4": "p_conv2d3", "x_2d_p.6": "p_conv2d4"}
narrow = weights(4)
with zipfile.ZipFile("paddle.npz", "w") as archive:
    for name, (shape, values) in narrow.items():
        layer, kind = name.rsplit(".", 1)
        header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {tuple(shape)!r}, }}"
        header += " " * (63 - (10 + len(header)) % 64) + "\n"
        archive.writestr(f"{paddle_names[layer]}.{kind}.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + struct.pack(f"<{len(values)}f", *values))
tool("tal-convert", "--weights", "paddle.npz", "--map", "bmn-paddle", "--model-input", "cuhk", "--metadata", json.dumps({"rows": T, "durations": T}).join(["settings=", ""]), "-o", "paddle.safetensors")
if has_models:
    compare("mmaction2.safetensors", state, "mmaction2")
    compare("jjboy.safetensors", state, "JJBOY")
    compare("jjboy2020.safetensors", state, "JJBOY 2020", True)
    compare("paddle.safetensors", narrow, "PaddleVideo")
else:
    print("this build has no LibTorch: the models were not run")


def refused(words, path, *arguments, status=1):
    errors = tool("tal-convert", "--weights", path, *arguments, "-o", "x.safetensors", status=status).stderr
    check(all(word in errors for word in words), f"{path} {arguments}: {errors!r} does not name {words}")


refused(["--model-input", "8 channels"], "mmaction2.pth", "--key", "state_dict", "--map", "bmn-mmaction2", status=2)
refused(["5 columns", "reads 8"], "mmaction2.pth", "--key", "state_dict", "--map", "bmn-mmaction2", "--model-input", "rgb:dim=2", "--model-input", "flow:dim=3", status=2)
refused(["'size=3'"], "mmaction2.pth", "--key", "state_dict", "--map", "bmn-mmaction2", "--model-input", "rgb:size=3", status=2)
refused(["--model-input"], "mmaction2.pth", "--key", "state_dict", "--model-input", "rgb", status=2)
other = [2 * share for share in sampling_mask()[1]]
refused(["sample_mask", "in another way"], save_pth("other.pth", {"sample_mask": ((T, N * T * T), other), **state}), "--map", "bmn-jjboy", "--model-input", "cuhk")
refused(["x_1d_q.0.weight", "no rule"], save_pth("unknown.pth", {"x_1d_q.0.weight": ((1,), [1.0]), **state}), "--map", "bmn-mmaction2", "--model-input", "cuhk")
without = {name: value for name, value in state.items() if not name.startswith("x_3d_p")}
refused(["x_3d_p.0.weight", "no BMN checkpoint"], save_pth("without.pth", without), "--map", "bmn-mmaction2", "--model-input", "cuhk")
if has_models:
    record = {"video": "v", "duration": 12, "features": {"cuhk": {"data": base64.b64encode(bytes(4 * T * 4)).decode(), "dtype": "float32", "rows": T, "dim": 4}}}
    errors = tool("tal-propose", "-m", "mmaction2.safetensors", data=json.dumps(record) + "\n", status=1).stderr
    check("features.cuhk.dim" in errors and "8" in errors, "features of another width are refused: " + errors)
finish()
