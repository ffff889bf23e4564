#!/usr/bin/env python3
"""Which kernels a program keeps a GPU busy with: kernels.py [-n LAUNCHES] [--skip LAUNCHES] PROGRAM [ARGUMENT...] runs it under NVIDIA's ncu and prints, by kernel, the launches, their
milliseconds and their share. Between kernels the device waits: compare the sum with the program's own time."""
import argparse
import collections
import csv
import re
import shutil
import subprocess
import sys


def rows_of(text):
    """[(kernel, nanoseconds)] of ncu's CSV, which stands between the program's own lines."""
    lines = text.splitlines()
    first = next((k for k, line in enumerate(lines) if line.startswith('"ID"')), None)
    if first is None:
        return []
    scale = {"ns": 1, "nsecond": 1, "us": 1e3, "usecond": 1e3, "ms": 1e6, "msecond": 1e6}
    found = []
    for row in csv.DictReader(line for line in lines[first:] if line.startswith('"')):
        if row.get("Metric Name") == "gpu__time_duration.sum":
            found.append((row["Kernel Name"], float(row["Metric Value"].replace(",", "")) * scale[row["Metric Unit"]]))
    return found


def short(name):
    name = re.sub(r"\(.*$", "", re.sub(r"^void ", "", name))
    return name if len(name) <= 110 else name[:70] + "..." + name[-37:]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=3000, metavar="LAUNCHES", help="that are looked at (default: 3000)")
    parser.add_argument("--skip", type=int, default=0, metavar="LAUNCHES", help="before them")
    parser.add_argument("--top", type=int, default=25, metavar="KERNELS", help="that are printed (default: 25)")
    parser.add_argument("program", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    if not options.program:
        parser.error("a program is needed")
    if not shutil.which("ncu"):
        sys.exit("kernels.py: NVIDIA's ncu is not here")
    done = subprocess.run(["ncu", "--csv", "--clock-control", "none", "--metrics", "gpu__time_duration.sum", "--launch-skip", str(options.skip), "--launch-count", str(options.n),
                           "--target-processes", "all", *options.program], capture_output=True, text=True, check=False)
    rows = rows_of(done.stdout)
    if not rows:
        sys.exit(f"kernels.py: ncu saw no kernel: {(done.stderr or done.stdout).strip()[-500:]}")
    times, counts = collections.Counter(), collections.Counter()
    for name, nanoseconds in rows:
        times[short(name)] += nanoseconds
        counts[short(name)] += 1
    total = sum(times.values())
    print(f"{len(rows)} launches, {total / 1e6:.3f} ms\n| kernel | launches | ms | share |\n|---|---|---|---|")
    for name, nanoseconds in times.most_common(options.top):
        print(f"| {name} | {counts[name]} | {nanoseconds / 1e6:.3f} | {nanoseconds / total:.1%} |")


if __name__ == "__main__":
    main()
