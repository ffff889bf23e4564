#!/usr/bin/env python3
# label: cli
"""tal-convert --weights: .pth files written here with pickle and zipfile (both formats), read back from the safetensors file; hostile ones."""
import argparse
import collections
import io
import json
import os
import pickle
import struct
import subprocess
import sys
import tempfile
import types
import zipfile

tool = os.path.join(os.environ["TAL_BIN"], "tal-convert")
folder = tempfile.TemporaryDirectory()


def path(name):
    return os.path.join(folder.name, name)


def run(*arguments, status=0):
    done = subprocess.run([tool, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout, done.stderr


# What torch.save pickles: globals under torch's names, storages as persistent ids.
def torch_global(module, name):
    parent = sys.modules.setdefault(module, types.ModuleType(module))
    made = type(name, (), {"__module__": module}) if name[0].isupper() else types.FunctionType((lambda *a: a).__code__, {}, name)
    made.__module__, made.__qualname__ = module, name
    setattr(parent, name, made)
    return made


sys.modules["torch"] = types.ModuleType("torch")
sys.modules["torch._utils"] = types.ModuleType("torch._utils")
sys.modules["torch"]._utils = sys.modules["torch._utils"]
STORAGES = {code: torch_global("torch", name + "Storage") for code, name in
            (("d", "Double"), ("f", "Float"), ("e", "Half"), ("q", "Long"), ("i", "Int"), ("b", "Char"), ("B", "Byte"), ("?", "Bool"), ("H", "BFloat16"))}
rebuild_v2 = torch_global("torch._utils", "_rebuild_tensor_v2")
rebuild_v1 = torch_global("torch._utils", "_rebuild_tensor")
rebuild_parameter = torch_global("torch._utils", "_rebuild_parameter")
rebuild_parameter_with_state = torch_global("torch._utils", "_rebuild_parameter_with_state")
rebuild_evil = torch_global("torch._utils", "_rebuild_device_tensor")
sys.modules["torch._tensor"] = types.ModuleType("torch._tensor")
rebuild_from_type = torch_global("torch._tensor", "_rebuild_from_type_v2")
class_tensor = torch_global("torch", "Tensor")
class_other = torch_global("somewhere", "TensorOfItsOwn")


class Storage:
    def __init__(self, code, values):
        self.code, self.raw = code, struct.pack(f"<{len(values)}{code}", *values)
        self.count = len(values)


class Tensor:
    def __init__(self, storage, shape, strides, offset=0, rebuild=rebuild_v2, metadata=None):
        self.storage, self.shape, self.strides, self.offset, self.rebuild = storage, tuple(shape), tuple(strides), offset, rebuild
        self.metadata = metadata

    def __reduce_ex__(self, protocol):
        arguments = (self.storage, self.offset, self.shape, self.strides)
        if self.rebuild is not rebuild_v1:
            arguments += (False, collections.OrderedDict())
        return self.rebuild, arguments + ((self.metadata,) if self.metadata is not None else ())


class Parameter:
    def __init__(self, tensor, state=None):
        self.tensor, self.state = tensor, state

    def __reduce_ex__(self, protocol):
        if self.state is not None:
            return rebuild_parameter_with_state, (self.tensor, True, collections.OrderedDict(), self.state)
        return rebuild_parameter, (self.tensor, True, collections.OrderedDict())


class Typed:
    """A tensor with attributes, or of a class of its own."""

    def __init__(self, tensor, of):
        self.tensor, self.of = tensor, of

    def __reduce_ex__(self, protocol):
        function, arguments = self.tensor.__reduce_ex__(protocol)
        return rebuild_from_type, (function, self.of, arguments, {"note": "mine"})


def tensor(code, values, shape):
    strides, step = [], 1
    for extent in reversed(shape):
        strides.insert(0, step)
        step *= extent
    return Tensor(Storage(code, values), shape, strides)


def pickled(value, protocol, storages, legacy):
    class Pickler(pickle.Pickler):
        def persistent_id(self, item):
            if not isinstance(item, Storage):
                return None
            keys = [key for key, known in storages.items() if known is item]
            key = keys[0] if keys else str(len(storages))
            storages[key] = item
            return ("storage", STORAGES[item.code], key, "cpu", item.count) + ((None,) if legacy else ())

    out = io.BytesIO()
    Pickler(out, protocol).dump(value)
    return out.getvalue()


def save_zip(name, value, protocol=2, compression=zipfile.ZIP_STORED, extra=()):
    storages = {}
    with zipfile.ZipFile(path(name), "w", compression) as archive:
        archive.writestr("archive/data.pkl", pickled(value, protocol, storages, False))
        for entry, text in extra:
            archive.writestr(entry, text)
        for key, storage in storages.items():
            archive.writestr("archive/data/" + key, storage.raw)
        archive.writestr("archive/version", "3\n")
    return path(name)


def save_legacy(name, value, protocol=2):
    storages = {}
    with open(path(name), "wb") as file:
        for part in (0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}):
            pickle.dump(part, file, protocol)
        file.write(pickled(value, protocol, storages, True))
        pickle.dump(sorted(storages), file, protocol)
        for key in sorted(storages):
            file.write(struct.pack("<q", storages[key].count) + storages[key].raw)
    return path(name)


def load(name):
    with open(path(name), "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(length))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    codes = {"F64": "d", "F32": "f", "F16": "e", "I64": "q", "I32": "i", "I8": "b", "U8": "B", "BOOL": "?", "BF16": "H"}
    out = {}
    for key, entry in header.items():
        begin, end = entry["data_offsets"]
        code = codes[entry["dtype"]]
        out[key] = (code, entry["shape"], list(struct.unpack(f"<{(end - begin) // struct.calcsize(code)}{code}", data[begin:end])))
    return out, metadata


def weights(source, *arguments, **kwargs):
    out, err = run("--weights", source, "-o", path("out.safetensors"), *arguments, **kwargs)
    return load("out.safetensors")[0] if kwargs.get("status", 0) == 0 else err


shared = Storage("f", [float(i) for i in range(24)])
state = collections.OrderedDict([
    ("conv.weight", tensor("f", [0.5, -1.25, 3, 4, 5, 6], [1, 2, 3])),
    ("conv.bias", Parameter(tensor("d", [1e-300, 2], [2]))),
    ("steps", tensor("q", [-(2**60)], [])),
    ("half", tensor("e", [0.5, 65504], [2])), ("brain", tensor("H", [0x3F80, 1], [2])),
    ("i", tensor("i", [-7, 8], [2])), ("c", tensor("b", [-128, 127], [2])), ("u", tensor("B", [0, 255], [2])), ("flag", tensor("?", [True, False], [2])),
    ("transposed", Tensor(shared, [6, 4], [1, 6])),
    ("slice", Tensor(shared, [2, 3], [12, 2], 1)),
    ("old", Tensor(shared, [4], [1], 20, rebuild_v1)),
    ("none", Tensor(Storage("f", []), [0, 5], [5, 1])),
])
wanted = {
    "conv.weight": ("f", [1, 2, 3], [0.5, -1.25, 3, 4, 5, 6]), "conv.bias": ("d", [2], [1e-300, 2]), "steps": ("q", [], [-(2**60)]),
    "half": ("e", [2], [0.5, 65504]), "brain": ("H", [2], [0x3F80, 1]), "i": ("i", [2], [-7, 8]), "c": ("b", [2], [-128, 127]),
    "u": ("B", [2], [0, 255]), "flag": ("?", [2], [True, False]),
    "transposed": ("f", [6, 4], [float(r + 6 * c) for r in range(6) for c in range(4)]),
    "slice": ("f", [2, 3], [1, 3, 5, 13, 15, 17]), "old": ("f", [4], [20, 21, 22, 23]), "none": ("f", [0, 5], [])}

for protocol in (1, 2, 3, 4, 5):
    assert weights(save_zip("a.pth", state, protocol)) == wanted
    assert weights(save_legacy("b.pth", state, protocol)) == wanted
assert weights(save_zip("a.pth", state, 2, zipfile.ZIP_DEFLATED)) == wanted
assert weights(save_zip("a.pth", state, extra=[("archive/byteorder", "little")])) == wanted
with open(path("out.safetensors"), "rb") as file:
    first = file.read()
weights(save_legacy("b.pth", state))
with open(path("out.safetensors"), "rb") as file:
    assert file.read() == first, "one state dict, two formats: one safetensors file"
assert "big-endian" in weights(save_zip("a.pth", state, extra=[("archive/byteorder", "big")]), status=1)
out, err = run("--weights", path("b.pth"))
assert "conv.weight\tF32\t[1, 2, 3]\n" in out and "2 strided tensors" in err and "2 tensors shared" in err, (out, err)

# Checkpoints
checkpoint = {"epoch": 3, "best": 0.25, "state_dict": state, "nested": {"model": {"w": tensor("f", [1], [1])}}, "optimizer": {"state": {0: {"m": tensor("f", [2], [1])}}}}
source = save_zip("c.pth", checkpoint)
err = weights(source, status=1)
assert "state_dict (13)" in err and "optimizer (1)" in err and "--key" in err, err
assert weights(source, "--key", "state_dict") == wanted
assert weights(source, "--key", "nested/model") == {"w": ("f", [1], [1])}
assert "optimizer.state.0.m" in weights(source, "--key", ".")
assert "no key 'model'" in weights(source, "--key", "model", status=1)
assert "no key 'modell'; there are: model (1)" in weights(source, "--key", "nested/modell", status=1)

# Keys as they stand: with slashes, numbers, indices of lists
one = lambda value: tensor("f", [value], [1])
for save in (save_zip, save_legacy):
    source = save("k.pth", {"a/b": {"w": one(1)}, "c": {"d/e": {"w": one(2)}}, 7: {"w": one(3)}, "list": [{"w": one(4)}, {"w": one(5)}]})
    err = weights(source, status=1)
    assert "a/b (1), c (1), 7 (1), list (2)" in err, err
    for key, value in (("a/b", 1), ("c/d/e", 2), ("7", 3), ("list/0", 4), ("list/1", 5)):
        assert weights(source, "--key", key) == {"w": ("f", [1], [value])}, key
source = save_zip("k.pth", {"a/b": {"w": one(1)}, "a": {"b": {"w": one(2)}}})
assert "is a key and a way through keys" in weights(source, "--key", "a/b", status=1)
assert weights(source, "--key", ".") == {"a/b.w": ("f", [1], [1]), "a.b.w": ("f", [1], [2])}

# Views with PyTorch's negative bit: the values, whatever the type and the strides
pairs = Storage("f", [0, 1, 2, -3, 4, 5])
for save in (save_zip, save_legacy):
    got = weights(save("n.pth", {
        "neg": Tensor(pairs, [3], [2], 1, metadata={"neg": True}), "not": Tensor(pairs, [3], [2], 1, metadata={"neg": False, "conj": False}),
        "double": Tensor(Storage("d", [1.5, -2]), [2], [1], metadata={"neg": True}), "half": Tensor(Storage("e", [1.5, -2]), [2], [1], metadata={"neg": True}),
        "brain": Tensor(Storage("H", [0x3F80, 0x8001]), [2], [1], metadata={"neg": True}),
        "long": Tensor(Storage("q", [1, -(2**40), 0]), [3], [1], metadata={"neg": True}), "byte": Tensor(Storage("b", [-128, 127]), [2], [1], metadata={"neg": True})}))
    assert got == {"neg": ("f", [3], [-1, 3, -5]), "not": ("f", [3], [1, -3, 5]), "double": ("d", [2], [-1.5, 2]), "half": ("e", [2], [-1.5, 2]),
                   "brain": ("H", [2], [0xBF80, 1]), "long": ("q", [3], [-1, 2**40, 0]), "byte": ("b", [2], [-128, -127])}, got
    assert "negative bit" in run("--weights", path("n.pth"))[1]
    for key in ("conj", "unheard of"):
        assert f"tensor 'w': has PyTorch's property '{key}'" in weights(save("n.pth", {"w": Tensor(pairs, [1], [1], metadata={key: True})}), status=1)

# Parameters and tensors with attributes are tensors; other classes are not read
assert weights(save_zip("p.pth", {"a": Parameter(one(1), {"x": 1}), "b": Typed(one(2), class_tensor), "c": Parameter(Typed(one(3), class_tensor))})) == {
    "a": ("f", [1], [1]), "b": ("f", [1], [2]), "c": ("f", [1], [3])}
assert "tensor 'b': is of the class 'somewhere.TensorOfItsOwn'" in weights(save_zip("p.pth", {"b": Typed(one(2), class_other)}), status=1)
STORAGES["D"] = torch_global("torch", "ComplexFloatStorage")
for save in (save_zip, save_legacy):
    complex_one = Storage("f", [1, 2])
    complex_one.code, complex_one.count = "D", 1
    err = weights(save("p.pth", {"a": one(1), "c": Tensor(complex_one, [1], [1])}), status=1)
    assert "tensor 'c': 'torch.ComplexFloatStorage' is no type of safetensors files" in err, err


# What is beside the tensors is left out and said: objects of any class, none of which is made
class Config(dict):
    pass


class Model:
    def __init__(self, **members):
        self.__dict__.update(members)


try:
    import numpy
    scalar = numpy.float64(0.5)
except ImportError:
    scalar = argparse.Namespace(value=0.5)
for save in (save_zip, save_legacy):
    for protocol in (1, 2, 4):
        odd = {"state_dict": state, "best_map": scalar, "args": argparse.Namespace(lr=0.1, names={"a"}), "counts": collections.Counter("aab"),
               "default": collections.defaultdict(list, {"k": [1]}), "when": complex(1, 2)}
        assert weights(save("o.pth", odd, protocol), "--key", "state_dict") == wanted
        err = run("--weights", path("o.pth"), "--key", "state_dict")[1]
        assert "argparse.Namespace (" in err and "neither made nor run" in err, err
        assert weights(path("o.pth"), "--key", ".")["state_dict.steps"] == wanted["steps"]
        err = run("--weights", path("o.pth"), "--key", ".")[1]
        assert "no tensors and left out" in err and "args (argparse.Namespace)" in err, err
        assert weights(save("o.pth", Config(w=one(1)), protocol)) == {"w": ("f", [1], [1])}  # a dict all the same
        assert weights(save("o.pth", {"w": one(1), "best": scalar}, protocol)) == {"w": ("f", [1], [1])}
        err = weights(save("o.pth", Model(layer=one(1)), protocol), status=1)
        assert "1 inside an object of the class '__main__.Model'" in err and "state_dict()" in err, err

# Rules
rules = path("rules.txt")


def with_rules(text, *arguments, **kwargs):
    with open(rules, "w") as file:
        file.write(text)
    return weights(save_legacy("b.pth", state), "--map", rules, *arguments, **kwargs)


got = with_rules("# names of the project\nconv\\.(.*) -> layers.0.$1\nsteps -> -\n(half|brain|i|c|u|flag|old|none) -> rest.$1\n(transposed) -> $1 [6, *]\nslice -> slice [2,3]\n")
assert got["layers.0.weight"] == wanted["conv.weight"] and "steps" not in got and got["transposed"] == wanted["transposed"] and len(got) == 12, sorted(got)
err = with_rules("conv.* -> -\nnothing -> x\n", status=1)
assert "matches no tensor: nothing" in err and "no rule names it: slice" in err and "11 tensors have no rule" in err, err
assert len(with_rules("conv.* -> -\n", "--unmatched", "keep")) == 11
assert set(with_rules("conv.bias -> b\n", "--unmatched", "drop")) == {"b"}
assert f"{rules}:2: tensor 'slice' has the shape [2, 3], not [3, *]" in with_rules("old -> o\nslice -> s [3,*]\n", status=1)
# The whole name is replaced once: empty matches at its end, alternatives and lazy groups
for rule, name in (("(.*) -> x.$1", "x.old"), ("(?:module\\.)?(.*) -> net.$1", "net.old"), ("o|old -> y", "y"), ("(o|ol|old)(.*) -> $1-$2", "o-ld"),
                   ("(o.*?)(d?) -> $2.$1", "d.ol"), ("(.*?) -> $1.w", "old.w"), ("(o*)(.*) -> $2$1", "ldo"), ("old -> a$$b", "a$b")):
    got = with_rules(f"(?!old).* -> -\n{rule}\n")
    assert got == {name: wanted["old"]}, (rule, sorted(got))
assert f"{rules}:1: '$2' names group 2, but the expression has 1" in with_rules("(.*) -> $2\n", status=1)
assert f"{rules}:1: 'a$10' names group 10" in with_rules("(.*) -> a$10\n", status=1)
# Groups as others write them would stay text in the names.
for foreign, part in ((r"net.\1", r"\1"), (r"net.\g<1>", r"\g"), ("net.${1}", "${"), ("net.$name", "$n")):
    assert f"{rules}:1: '{foreign}' holds {part}: groups are written $1" in with_rules(f"(.*) -> {foreign}\n", status=1), foreign
assert f"{rules}:2: 'old' becomes an empty name" in with_rules("(?!old).* -> -\nol(x?)d -> $1\n", status=1)
assert "both become 'x'" in with_rules("conv.* -> x\n", status=1)
assert f"{rules}:1: " in with_rules("conv(.* -> x\n", status=1)
assert f"{rules}:1: " in with_rules("conv\n", status=1)
assert "no rules" in with_rules("# only a comment\n", status=1)

# Metadata, and safetensors as input
weights(save_zip("a.pth", state), "--metadata", "model=x", "--metadata", "config={\"a\":1}")
os.rename(path("out.safetensors"), path("in.safetensors"))
run("--weights", path("in.safetensors"), "-o", path("out.safetensors"))
assert load("out.safetensors") == (wanted, {"model": "x", "config": "{\"a\":1}"})

# Hostile files: refused, and nothing runs
mark = path("executed")


class Command:
    def __reduce__(self):
        return os.system, (f"touch {mark}",)


class Evaluated:
    def __reduce__(self):
        return eval, (f"open({mark!r}, 'w')",)


for save in (save_zip, save_legacy):
    for protocol in (2, 4):
        err = weights(save("evil.pth", {"w": tensor("f", [1], [1]), "x": Command()}, protocol), status=1)
        assert "posix.system" in err and "nothing was run" in err, err
        assert "eval" in weights(save("evil.pth", Evaluated(), protocol), status=1)
        assert "_rebuild_device_tensor" in weights(save("evil.pth", {"w": Tensor(Storage("f", [1]), [1], [1], 0, rebuild_evil)}, protocol), status=1)
assert not os.path.exists(mark)


def pickle_file(code):
    with zipfile.ZipFile(path("evil.pth"), "w") as archive:
        archive.writestr("archive/data.pkl", code)
        archive.writestr("archive/data/0", b"\0" * 16)
    return path("evil.pth")


for code, message in (
        (b"", "cut off"), (b"\x80\x02", "cut off"), (b"\x80\x02.", "stack is empty"), (b"\x80\x09N.", "protocol 9"), (b"\x80\x02}.", "no tensors"),
        (b"\x80\x02cos\nsystem\n.", "os.system"), (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "os.system"),
        (b"\x80\x02(ios\nsystem\n.", "os.system"), (b"(ios\nsystem\n.", "os.system"), (b"\x80\x02\x82\x01.", "opcode 130"), (b"\x80\x02h\x05.", "no memo 5"),
        (b"\x80\x02]q\x00h\x00a.", "nested"),                                          # a list within itself
        (b"\x80\x02X\xff\xff\xff\xffabc.", "cut off"), (b"\x80\x04\x8d" + b"\xff" * 8 + b".", "cut off"), (b"\x80\x02t.", "no mark"),
        (b"\x80\x02K\x01K\x02R.", "no global"), (b"\x80\x02K\x01K\x02s.", "stack is empty"), (b"\x80\x02]K\x01K\x02s.", "no list or dict"),
        (b"I1x\n.", "not a whole number"), (b"S'a\n.", "without quotes"), (b"V\\u12\n.", "an escape"), (b"Lx\n.", "an integer"), (b"gx\n.", "not a whole number"),
        (b"\x80\x02ccollections\nOrderedDict\n(]K\x01aetR.", "")):
    err = weights(pickle_file(code), status=1)
    assert message in err and "evil.pth" in err, (code, err)
# many lists of the list before: 2^60 entries in a few bytes
assert "nested" in weights(pickle_file(b"\x80\x02]q\x00" + b"".join(b"](h%ch%ceq%c" % (i, i, i + 1) for i in range(60)) + b"."), status=1)

# Views that repeat elements: expanded ones (stride 0), windows that overlap, transposed ones behind an offset, a scalar that fills a row.
VIEWS = {"expanded": ([3, 4], [0, 1], 0), "column": ([4, 3], [1, 0], 0), "one": ([2, 5], [0, 0], 2), "windows": ([3, 2], [1, 1], 0), "offset": ([2, 2], [1, 2], 0), "inner": ([2, 3, 2], [2, 0, 1], 0),
         "ones": ([1, 4, 1], [7, 1, 9], 0), "scalar": ([], [], 3), "empty": ([0, 5], [0, 0], 0)}
for save in (save_zip, save_legacy):
    stored = Storage("f", [1, 2, 3, 4])
    out, err = run("--weights", save("views.pth", {name: Tensor(stored, *view) for name, view in VIEWS.items()}), "--map", "none", "-o", path("views.safetensors"))
    got, _ = load("views.safetensors")
    for name, (shape, strides, offset) in VIEWS.items():
        places = [offset]
        for extent, stride in zip(shape, strides):
            places = [at + i * stride for at in places for i in range(extent)]
        assert got[name] == ("f", shape, [at + 1.0 for at in places]), (name, got[name])

for shape, strides, offset, message in (([5], [1], 0, "beyond"), ([4], [1], 1, "beyond"), ([2], [4], 0, "beyond"), ([-1], [1], 0, "not possible"),
                                        ([2], [-1], 3, "not possible"), ([4], [1], -1, "beyond"), ([1 << 40], [0], 0, "expanded"),
                                        ([2**62, 4], [0, 0], 0, "not possible"), ([2], [2**62], 2**62, "not possible"), ([2, 2], [1], 0, "differ"),
                                        ([1.5], [1], 0, "whole number"), ([2**70], [1], 0, "whole number")):
    for save in (save_zip, save_legacy):
        err = weights(save("bad.pth", {"w": Tensor(Storage("f", [1, 2, 3, 4]), shape, strides, offset)}), status=1)
        assert "tensor 'w'" in err and message in err, (shape, strides, err)

with open(save_legacy("b.pth", state), "rb") as file:
    good = file.read()
for cut in list(range(0, 400, 7)) + [len(good) - 1]:
    with open(path("cut.pth"), "wb") as file:
        file.write(good[:cut])
    weights(path("cut.pth"), status=1)
with open(save_zip("a.pth", state), "rb") as file:
    good = bytearray(file.read())
at = good.find(struct.pack("<f", -1.25))
good[at] ^= 1
with open(path("flip.pth"), "wb") as file:
    file.write(good)
assert "checksum" in weights(path("flip.pth"), status=1)

with open(path("long.pth"), "wb") as file:
    file.write(open(save_zip("a.pth", {"n" * 5000: one(1)}), "rb").read())
with open(rules, "w") as file:
    file.write("(.*) -> x.$1\n")
assert "too long for rules" in weights(path("long.pth"), "--map", rules, status=1)
with open(path("old.tar"), "wb") as file:
    file.write(b"pickle".ljust(257, b"\0") + b"ustar\x0000".ljust(255, b"\0"))
assert "a tar archive" in weights(path("old.tar"), status=1)
with open(path("plain.pkl"), "wb") as file:
    pickle.dump({"w": [1.0]}, file, 2)
assert "a pickle that torch.save did not write" in weights(path("plain.pkl"), status=1)


def npy(descr, shape, raw):
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + raw


with zipfile.ZipFile(path("w.npz"), "w") as archive:
    archive.writestr("w.npy", npy("<f4", "(1,)", struct.pack("<f", 2)))
    archive.writestr("step.npy", npy("<i8", "()", struct.pack("<q", 3)))
    archive.writestr("args.npy", npy("|O", "()", b"\x80\x02N."))
    archive.writestr("name.npy", npy("<U1", "()", b"a\0\0\0"))
assert weights(path("w.npz")) == {"w": ("f", [1], [2]), "step": ("q", [], [3])}
err = run("--weights", path("w.npz"))[1]
assert "2 arrays hold no numbers and are left out: args (pickled Python objects), name (text)" in err, err

for text in (b"", b"hello, this is no model", b"PK\x03\x04"):
    with open(path("x.pth"), "wb") as file:
        file.write(text)
    assert "x.pth" in weights(path("x.pth"), status=1)
assert "No such file" in weights(path("missing.pth"), status=1)
weights(folder.name, status=1)
run("--weights", path("a.pth"), "--from", "tal", status=2)
run("--weights", path("a.pth"), "--fps", "3", status=2)
run("--weights", path("a.pth"), "--unmatched", "keep", "-o", path("o"), status=2)
run("--weights", path("a.pth"), "--metadata", "a=b", status=2)
run("--weights", path("a.pth"), "--metadata", "a", "-o", path("o"), status=2)
run("--from", "tal", "--map", "x", status=2)
print("ok")
