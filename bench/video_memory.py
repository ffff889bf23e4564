#!/usr/bin/env python3
"""Extracts features of a minute and of hours of video and prints the peak resident set of both: it must not depend on the length.

  bench/video_memory.py [--hours 3] [--bin build/bin] [-- OPTIONS OF tal-extract]

The videos are made by tal-synth. Exit status 1 when the long one needs more than --limit MiB beyond the short one.
"""
import argparse
import os
import subprocess
import sys
import tempfile
import time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--hours", type=float, default=3)
parser.add_argument("--bin", default="build/bin")
parser.add_argument("--size", default="160x120")
parser.add_argument("--fps", default="20")
parser.add_argument("--limit", type=float, default=500, help="MiB")
parser.add_argument("options", nargs="*", help="of tal-extract, e.g. -- --encoder resnet18:weights.safetensors")
arguments = parser.parse_args()


def peak(name, seconds, folder):
    """MiB; rows are written and dropped with the folder."""
    width, height = arguments.size.split("x")
    record = os.path.join(folder, name + ".jsonl")
    subprocess.run([os.path.join(arguments.bin, "tal-synth"), "videos", "-n", "1", "--prefix", name, "--duration", str(seconds), "--fps", arguments.fps, "--width", width,
                    "--height", height, "--actions", str(max(1, int(seconds / 10))), "--out-dir", folder, "-o", record, "-q"], check=True)
    start = time.perf_counter()
    process = subprocess.Popen([os.path.join(arguments.bin, "tal-extract"), "-i", record, "--out-dir", folder, "-q", *arguments.options], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit("tal-extract failed")
    mib = usage.ru_maxrss / 1024
    print(f"{seconds / 3600:.2f} h ({int(seconds * float(arguments.fps))} frames of {arguments.size}): {mib:.0f} MiB, {time.perf_counter() - start:.0f} s", flush=True)
    return mib


with tempfile.TemporaryDirectory() as folder:
    short, long = peak("short", 60, folder), peak("long", 3600 * arguments.hours, folder)
print(f"beyond the short one: {long - short:.0f} MiB")
sys.exit(long - short > arguments.limit)
