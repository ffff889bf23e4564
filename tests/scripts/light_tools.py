#!/usr/bin/env python3
# label: cli
"""Light tools stay light: what they link; and --version tells what a tool is made of."""
import os
import re
import subprocess
import time

from harness import BIN, check, finish

HEAVY = {"LibTorch": re.compile(r"\blib(torch|c10)[\w.-]*\.so"), "OpenCV": re.compile(r"\blibopencv_\w+\.so"),
         "CUDA": re.compile(r"\blib(cuda|cudart|cublas|cudnn|cufft|cupti|nvrtc|nccl)[\w.-]*\.so")}
LIGHT = ["tal-anchors", "tal-nms", "tal-eval", "tal-convert"]


def is_program(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


tools = sorted(t for t in os.listdir(BIN) if t.startswith("tal-") and t != "tal-bench" and is_program(os.path.join(BIN, t)))
for tool in LIGHT:
    if tool not in tools:
        print("left out, not built:", tool)
check(any(tool in tools for tool in LIGHT), "no light tool in " + BIN)
for tool in tools:
    path = os.path.join(BIN, tool)
    linked = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
    check("libc.so" in linked, "ldd says nothing about " + tool)
    heavy = [name for name, pattern in HEAVY.items() if pattern.search(linked)]
    if tool in LIGHT:
        check(not heavy, "%s links %s" % (tool, ", ".join(heavy)))

    best = 1e9
    for _ in range(10):
        start = time.perf_counter()
        done = subprocess.run([path, "--version"], capture_output=True, text=True)
        best = min(best, time.perf_counter() - start)
    print("%-12s --version: %.1f ms at best, with the start of a process from Python; %s" % (tool, 1e3 * best, done.stdout.strip()))
    check(done.returncode == 0 and done.stderr == "" and done.stdout.count("\n") == 1, tool + " --version")
    check(re.match(re.escape(tool) + r" \d+\.\d+\.\d+ \((\w+-\d+-g)?([0-9a-f]{7,40}(-dirty)?|\w[\w.-]*)\), \w+ \d+\.\d+(\.\d+)*, \w+", done.stdout),
          "tool, revision and compiler: " + done.stdout)
    for name in ("LibTorch", "OpenCV"):
        check(bool(re.search(name + r" \d+\.\d+", done.stdout)) == (name in heavy),
              "%s --version and what is linked disagree about %s: %s" % (tool, name, done.stdout))
finish()
