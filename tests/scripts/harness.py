"""What the scripts of this folder share: the tools under test, checks that are counted, skipping. Not a test itself: it has no label."""
import os
import random
import shutil
import socket
import subprocess
import sys

BIN = os.path.abspath(os.environ["TAL_BIN"])
# What a tool is nothing without: a library that it opens, and that a build without LibTorch or OpenCV has not.
_OPENS = {"tal-train": "libtal-nn.so", "tal-extract": "libtal-video.so"}
failures = 0

# Networks of every model that learn on a few records in a moment, and the stage that each is for.
_SMALL_MAPS = ["samples=4", "base-filters=8", "reduced-filters=8", "proposal-filters=8", "head-filters=4", "rows=32", "durations=32"]
SMALL_MODELS = {
    "rpn": ["width=16", "hidden=8", "rows=32"],
    "bsnpp": _SMALL_MAPS + ["first-filters=8", "generator-filters=8", "attention-filters=4"],
    "bmn": _SMALL_MAPS + ["boundary-filters=8"],
    "cmsn": ["hidden=8", "lstm-hidden=8", "evaluation-hidden=8", "window=32", "dropout=0"],
    "etp-an": ["hidden=8", "kernel=3", "dropout=0"],
    "etp-rn": ["hidden=8"],
    "etp-ln": ["dropout=0"],
    "sptad": ["clip=64", "dim=16", "heads=2", "hidden=4", "ffn=16", "stages=2", "proposals=8", "roi-rows=4", "stem-filters=8"],
    "points": ["dims=16", "head-dims=8", "stem=1", "levels=4", "heads=2", "windows=5", "droppath=0"],
    "segment-classifier": ["hidden=8", "dropout=0"],
}
STAGES = {"tal-propose": ("rpn", "bsnpp", "bmn", "cmsn", "etp-an", "sptad", "points"), "tal-refine": ("etp-rn",), "tal-score": ("cmsn", "etp-ln", "segment-classifier")}


def works(name):
    """Whether the build has the tool, and what it opens."""
    return os.path.exists(os.path.join(BIN, name)) and (name not in _OPENS or os.path.exists(os.path.join(BIN, "..", "lib", _OPENS[name])))


def need(*names, why):
    """Skips the script, visibly, where the build has not all these tools, or the machine not these programs."""
    if not all(works(name) if name.startswith("tal-") else shutil.which(name) for name in names):
        print("SKIPPED: " + why)
        sys.exit(77)


def check(condition, what):
    global failures
    if not condition:
        failures += 1
        print("FAILED:", what)
    return bool(condition)


def tool(name, *arguments, data=None, status=0, environment=None):
    """The finished process, its output as text."""
    done = subprocess.run([os.path.join(BIN, name), *arguments], input=data, capture_output=True, text=True, timeout=240, env={**os.environ, **(environment or {})})
    check(status is None or done.returncode == status, f"{name} {' '.join(arguments)}: status {done.returncode}, not {status}: {done.stderr[-600:]}")
    return done


def write(path, content):
    """A file of these bytes, or this text in UTF-8, and the folders above it; its path."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    return path


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def processes(words, port, count=2, timeout="60"):
    """tal-train's own way of several processes on one machine, started."""
    places = [{"RANK": str(rank), "WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "TAL_DISTRIBUTED_TIMEOUT": timeout} for rank in range(count)]
    return [subprocess.Popen(words, env={**os.environ, **place}, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for place in places]


def recordings(folder, count):
    """`count` recordings of a minute with two activities in HAPT's layout; the last two are the test part."""
    os.makedirs(os.path.join(folder, "RawData"))
    draw = random.Random(4)
    with open(os.path.join(folder, "segments.csv"), "w", encoding="utf-8") as segments:
        print("sequence,split,class_name,start_s,end_s", file=segments)
        for k in range(1, count + 1):
            name, level = f"exp{k:02d}_user{k:02d}", [0.0] * 3000
            for start, label in ((5, "WALK"), (17, "SIT"), (29, "WALK"), (45, "SIT")):
                begin = start + draw.random()
                print(name, "train" if k <= count - 2 else "test", label, begin, begin + 9, sep=",", file=segments)
                for i in range(int(50 * begin), int(50 * (begin + 9))):
                    level[i] = 2.0 if label == "WALK" else -2.0
            for sensor in ("acc", "gyro"):
                with open(os.path.join(folder, "RawData", f"{sensor}_{name}.txt"), "w", encoding="utf-8") as file:
                    for value in level:
                        print(*(f"{value + draw.gauss(0, 0.3):.4f}" for _ in range(3)), file=file)


def finish():
    print(f"{failures} failed")
    sys.exit(1 if failures else 0)
