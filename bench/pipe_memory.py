#!/usr/bin/env python3
"""Streams gigabytes of records through a pipe of stages and prints each process's peak resident set: it must not depend on the length.

  bench/pipe_memory.py [--gigabytes 10] [--bin build/bin] [--jobs 1]

The first stage keeps every proposal (threshold 1), the second suppresses; both leave the inline features, which are most of the bytes, as they are.
Exit status 1 when a stage fails or needs more than --limit MiB.
"""
import argparse
import json
import os
import subprocess
import sys
import time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--gigabytes", type=float, default=10)
parser.add_argument("--bin", default="build/bin")
parser.add_argument("--jobs", default="1")
parser.add_argument("--limit", type=float, default=64, help="MiB")
arguments = parser.parse_args()


def record(i):
    # Mostly what a stage of proposals does not touch (inline features), as in a real pipe; and 20 proposals.
    return json.dumps({"video": "v%07d" % i, "duration": 100.0, "features": {"x": {"rows": 64, "dim": 64, "fps": 25, "stride": 16, "window": 16,
                       "data": "QUJD" * 5461 + "QUI="}}, "proposals": [{"segment": [k, k + 10.5], "score": round(1 / (k + 2), 6)} for k in range(20)]}) + "\n"


def peak_kib(pid):
    with open("/proc/%d/status" % pid) as status:
        return next((int(line.split()[1]) for line in status if line.startswith("VmHWM")), 0)


block = "".join(record(i) for i in range(100)).encode()
total = int(arguments.gigabytes * 1e9)
stages = [["tal-nms", "--threshold", "1"], ["tal-nms", "--threshold", "0.36"]]
processes = []
for stage in stages:
    command = [os.path.join(arguments.bin, stage[0])] + stage[1:] + ["--no-history", "-j", arguments.jobs]
    last = len(processes) + 1 == len(stages)
    source = processes[-1].stdout if processes else subprocess.PIPE
    processes.append(subprocess.Popen(command, stdin=source, stdout=subprocess.DEVNULL if last else subprocess.PIPE))
    if len(processes) > 1:
        source.close()
peaks = [0] * len(stages)
start, sent = time.perf_counter(), 0
while sent < total:
    processes[0].stdin.write(block)
    sent += len(block)
    peaks = [max(p, peak_kib(process.pid)) for p, process in zip(peaks, processes)]
processes[0].stdin.close()
statuses = [process.wait() for process in processes]
seconds = time.perf_counter() - start
print("%.1f GB in records of %.1f kB, %.1f s (%.0f MB/s through all stages)" % (sent / 1e9, len(block) / 1e5, seconds, sent / 1e6 / seconds))
for stage, peak, status in zip(stages, peaks, statuses):
    print("%-28s peak resident set %.1f MiB, status %d" % (" ".join(stage), peak / 1024, status))
sys.exit(0 if not any(statuses) and all(0 < p < arguments.limit * 1024 for p in peaks) else 1)
