#!/usr/bin/env python3
# label: real-data
"""The example that reproduces published scores agrees with each of them, and notices a score that is wrong."""
import json
import os
import subprocess
import sys
import tempfile

source, binaries = os.environ["TAL_SOURCE"], os.environ["TAL_BIN"]
data = os.environ.get("TAL_DATA_DIR", os.path.join(source, "..", "shared", "data"))
if not os.path.exists(os.path.join(data, "results", "expected_numbers.json")):
    print("SKIPPED: no data: " + data + " has no results/expected_numbers.json")
    sys.exit(77)
script = [sys.executable, os.path.join(source, "examples", "reproduce", "published_numbers.py"), "--bin", binaries]
done = subprocess.run(script + ["--all", data], capture_output=True, text=True)
print(done.stdout, done.stderr)
if done.returncode != 0 or " 0 differ" not in done.stdout:
    sys.exit("a published number is not reproduced")

# The same files with one expected number moved by 2e-6: the script must say so.
with tempfile.TemporaryDirectory() as folder:
    for name in os.listdir(data):
        if name != "results":
            os.symlink(os.path.join(os.path.abspath(data), name), os.path.join(folder, name))
    os.mkdir(os.path.join(folder, "results"))
    expected = json.load(open(os.path.join(data, "results", "expected_numbers.json"), encoding="utf-8"))
    expected["mmaction2_eval_localization"]["average_mAP"] += 2e-6
    kept = {"mmaction2_eval_localization": expected["mmaction2_eval_localization"]}
    json.dump(kept, open(os.path.join(folder, "results", "expected_numbers.json"), "w"))
    done = subprocess.run(script + [folder], capture_output=True, text=True)
    if done.returncode != 1 or "DIFFERS" not in done.stdout or "1 differ" not in done.stdout:
        print(done.stdout, done.stderr)
        sys.exit("a wrong number passes")
