#!/usr/bin/env python3
"""What compiling costs: CPU seconds of each target and of the heaviest sources, from nothing and without ccache.

    python3 bench/build_time.py [--unity OFF] [--touch libtal/models/rpn/rpn_model.cpp] [TARGET...]     # default target: tools

Every command of the compiler and the linker runs through this file, which keeps its processor time. --touch: then what building again costs when this source
has changed. The build folder is temporary; LibTorch is taken from TAL_TORCH or from ./run's cache.
"""
import argparse
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def launch(log, command):
    """One command of the build; its target, output and CPU seconds become a line of the log."""
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    output = command[command.index("-o") + 1] if "-o" in command else ""
    target = re.search(r"CMakeFiles/([\w.-]+)\.dir/", output)
    with open(log, "a", encoding="utf-8") as file:
        file.write(json.dumps({"target": target.group(1) if target else os.path.basename(output) + " (link)", "output": output, "cpu": usage.ru_utime + usage.ru_stime}) + "\n")
    return os.waitstatus_to_exitcode(status)


def build(folder, targets, log):
    log.write_text("")
    started = time.perf_counter()
    subprocess.run(["ninja", "-C", str(folder), "--quiet", *targets], check=True, stdout=sys.stderr)
    wall = time.perf_counter() - started
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    sums = collections.Counter()
    for line in lines:
        sums[line["target"]] += line["cpu"]
    print(f"{sum(sums.values()):8.1f} CPU s in {len(lines)} commands, {wall:.1f} s on the clock")
    for target, cpu in sums.most_common(12):
        print(f"{cpu:8.1f}   {target}")
    return lines


def main():
    sys.stdout.reconfigure(line_buffering=True)  # the build prints in between
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--unity", choices=("ON", "OFF"), default="ON")
    parser.add_argument("--touch", help="a source whose change is measured as well")
    parser.add_argument("targets", nargs="*", default=["tools"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tal-build-") as name:
        folder, log = pathlib.Path(name), pathlib.Path(name) / "commands.jsonl"
        launcher = f"{sys.executable};{__file__};--launch;{log}"
        torch = [f"-DTAL_TORCH={os.environ['TAL_TORCH']}"] if os.environ.get("TAL_TORCH") else []
        languages = [f"-DCMAKE_{language}_COMPILER_LAUNCHER={launcher}" for language in ("C", "CXX", "CUDA")] + [f"-DCMAKE_CXX_LINKER_LAUNCHER={launcher}"]
        subprocess.run(["cmake", "-S", str(ROOT), "-B", name, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", f"-DTAL_UNITY={options.unity}", *torch, *languages], check=True,
                       stdout=subprocess.DEVNULL)
        print(f"{' '.join(options.targets)}, TAL_UNITY={options.unity}, from nothing:")
        lines = build(folder, options.targets, log)
        print("heaviest:")
        for line in sorted(lines, key=lambda line: -line["cpu"])[:8]:
            print(f"{line['cpu']:8.1f}   {line['output']}")
        if options.touch:
            source = ROOT / options.touch
            before = source.stat()
            os.utime(source)
            print(f"after a change of {options.touch}:")
            build(folder, options.targets, log)
            os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--launch"]:
        sys.exit(launch(sys.argv[2], sys.argv[3:]))
    main()
