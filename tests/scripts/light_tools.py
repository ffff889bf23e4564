#!/usr/bin/env python3
# label: cli
"""Tools start light: none links LibTorch or OpenCV, an empty input costs a few milliseconds and megabytes, and what needs a network or a video opens the library then,
or says what is missing and where it was looked for."""
import os
import re
import shutil
import subprocess
import tempfile
import time

from harness import BIN, check, finish, tool, works

HEAVY = {"LibTorch": re.compile(r"\blib(torch|c10)[\w.-]*\.so"), "OpenCV": re.compile(r"\blibopencv_\w+\.so"),
         "CUDA": re.compile(r"\blib(cuda|cudart|cublas|cudnn|cufft|cupti|nvrtc|nccl)[\w.-]*\.so")}
# A run on nothing: it may end with a fault, but not for want of time or memory.
EMPTY = {"tal-propose": ["--method", "grouping"], "tal-score": ["--beta", "0.5"], "tal-anchors": ["--scheme", "rpn"], "tal-synth": ["annotations", "-n", "0"],
         "tal-plot": ["--out", "/dev/null"], "tal-convert": ["--from", "tal", "--to", "csv"]}
SANITIZED = bool(os.environ.get("TAL_SANITIZED"))


def is_program(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def empty_run(name):
    """Best seconds of ten, most kilobytes, and the libraries that were mapped."""
    best, most = 1e9, 0
    for _ in range(10):
        start = time.perf_counter()
        process = subprocess.Popen([os.path.join(BIN, name), *EMPTY.get(name, [])], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
        best, most = min(best, time.perf_counter() - start), max(most, usage.ru_maxrss)
    mapped = subprocess.run([os.path.join(BIN, name), *EMPTY.get(name, [])], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                            env=dict(os.environ, LD_DEBUG="files")).stderr
    return best, most, [heavy for heavy, pattern in HEAVY.items() if pattern.search(mapped)]


tools = sorted(t for t in os.listdir(BIN) if t.startswith("tal-") and t != "tal-bench" and is_program(os.path.join(BIN, t)))
check(len(tools) >= 12, "all tools are built, whatever the build lacks: " + " ".join(tools))
for name in tools:
    path = os.path.join(BIN, name)
    linked = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
    check("libc.so" in linked and "libtal.so" in linked, "ldd says nothing about " + name)
    check(not [heavy for heavy, pattern in HEAVY.items() if pattern.search(linked)], name + " links something large")
    done = tool(name, "--version")
    check(done.stderr == "" and done.stdout.count("\n") == 1, name + " --version")
    check(re.match(re.escape(name) + r" \d+\.\d+\.\d+ \((\w+-\d+-g)?([0-9a-f]{7,40}(-dirty)?|\w[\w.-]*)\), \w+ \d+\.\d+(\.\d+)*, \w+", done.stdout),
          "tool, revision and compiler: " + done.stdout)
    if name != "tal-train":
        seconds, kilobytes, heavy = empty_run(name)
        print("%-12s nothing to do: %.1f ms at best, with the start of a process from Python, %.1f MB" % (name, 1e3 * seconds, kilobytes / 1024))
        check(not heavy, "%s opens %s for an empty input" % (name, ", ".join(heavy)))
        check(SANITIZED or kilobytes < 20 * 1024, "%s needs %d kB for an empty input" % (name, kilobytes))

# --version -v says which libraries would be opened.
for name, libraries in {"tal-train": ("LibTorch", "OpenCV"), "tal-propose": ("LibTorch", "OpenCV"), "tal-refine": ("LibTorch",), "tal-score": ("LibTorch", "OpenCV"),
                        "tal-extract": ("OpenCV", "LibTorch"), "tal-synth": ("OpenCV",), "tal-nms": ()}.items():
    # tal-train looks for LibTorch itself, as without TAL_TORCH, which ctest sets.
    lines = tool(name, "--version", "-v", environment={"TAL_TORCH": ""} if name == "tal-train" else None).stdout.splitlines()[1:]
    check(len(lines) == len(libraries), f"{name} --version -v: {lines}")
    for line, library in zip(lines, libraries):
        there = works("tal-train") if library == "LibTorch" else works("tal-extract")
        check(line.startswith(library + " ") if there else line.startswith("no "), f"{name} --version -v: {line}")
        if library == "LibTorch" and there:
            check(re.search(r", /.*\((TAL_TORCH|beside libtal\.so|torch of \S*python3|the build's)\)", line), line)
            check(name != "tal-train" or "(TAL_TORCH)" not in line, line)

# LibTorch: the folder that is asked for must fit; without one, each place is named.
RECORD = '{"video":"v","duration":10,"features":{"f":{"data":"AACAPwAAAAAAAIA/AAAAAA==","rows":4,"dim":1,"stride":1,"window":1,"fps":1}}}\n'
with tempfile.TemporaryDirectory() as folder:
    model = os.path.join(folder, "m.safetensors")
    open(model, "w").close()
    if works("tal-train"):
        got = tool("tal-train", "--model", "bmn", "--list-settings", status=1, environment={"TAL_TORCH": folder})
        check(f"TAL_TORCH={folder}: no libtorch_cpu.so there" in got.stderr and got.stderr.count("\n") == 1, got.stderr)
        got = tool("tal-propose", "-m", model, data=RECORD, status=1, environment={"TAL_TORCH": "OFF"})
        check("TAL_TORCH=OFF" in got.stderr and not got.stdout, got.stderr)
        # One of another version is told from its headers before anything of it is opened.
        os.makedirs(os.path.join(folder, "old/lib"))
        os.makedirs(os.path.join(folder, "old/include/torch/headeronly"))
        open(os.path.join(folder, "old/lib/libtorch_cpu.so"), "w").close()
        with open(os.path.join(folder, "old/include/torch/headeronly/version.h"), "w") as file:
            file.write("#define TORCH_VERSION_MAJOR 1\n#define TORCH_VERSION_MINOR 13\n#define TORCH_VERSION_PATCH 1\n")
        got = tool("tal-train", "--list-settings", status=1, environment={"TAL_TORCH": os.path.join(folder, "old")})
        check("LibTorch 1.13.1 is there, and tal was built with 2." in got.stderr, got.stderr)
        os.remove(os.path.join(folder, "old/include/torch/headeronly/version.h"))
        got = tool("tal-train", "--list-settings", status=1, environment={"TAL_TORCH": os.path.join(folder, "old")})
        check("file too short" in got.stderr and got.stderr.count("\n") == 1, got.stderr)
        # Another library by that name, and one that was cut off.
        lib = os.path.join(folder, "old/lib/libtorch_cpu.so")
        shutil.copy(os.path.join(BIN, "../lib/libtal.so"), lib)
        got = tool("tal-train", "--list-settings", status=1, environment={"TAL_TORCH": os.path.join(folder, "old")})
        check("is not LibTorch's" in got.stderr and got.stderr.count("\n") == 1, got.stderr)
        os.truncate(lib, os.path.getsize(lib) // 2)
        got = tool("tal-train", "--list-settings", status=1, environment={"TAL_TORCH": os.path.join(folder, "old")})
        check("is cut off" in got.stderr and got.stderr.count("\n") == 1, got.stderr)
        # The process ends without taking LibTorch's tables apart.
        said = subprocess.run([os.path.join(BIN, "tal-train"), "--list-settings"], capture_output=True, text=True, env=dict(os.environ, LD_DEBUG="files"))
        check(said.returncode == 0 and said.stdout.endswith("\n"), said.stdout[-200:])
        check(re.search(r"calling init: \S*libtorch_cpu", said.stderr) and not re.search(r"calling fini: \S*libtorch_cpu", said.stderr), "tal-train closes LibTorch")
        # What needs no library is said without.
        got = tool("tal-train", status=2, environment={"TAL_TORCH": "OFF"})
        check("--model is required (bmn, " in got.stderr, got.stderr)
    else:
        got = tool("tal-train", "--list-settings", status=1)
        check("no networks" in got.stderr and got.stderr.count("\n") == 1, got.stderr)
        got = tool("tal-propose", "-m", model, data=RECORD, status=1)
        check("no networks" in got.stderr and not got.stdout, got.stderr)
    # What needs no network does not ask.
    got = tool("tal-propose", "--method", "grouping", data=RECORD, environment={"TAL_TORCH": folder})
    check('"proposals":[{' in got.stdout, got.stdout + got.stderr)
finish()
