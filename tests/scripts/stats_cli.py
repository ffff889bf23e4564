#!/usr/bin/env python3
# label: cli
"""--stats: lines a second, also while a stage waits; totals that agree with the bytes; one file for a whole pipe; pipes and full devices never hold a run up; tal-plot stats."""
import json
import os
import pathlib
import select
import signal
import subprocess
import tempfile
import time
import xml.etree.ElementTree as ET

from harness import BIN, check, finish, tool, works

os.chdir(tempfile.mkdtemp())
RECORDS = "".join(json.dumps({"video": f"v{i}", "duration": 100.0, "proposals": [{"segment": [k, k + 10.5], "score": 1 / (k + 2), "label": "a"} for k in range(20)],
                              "annotations": [{"segment": [1, 4], "label": "a"}]}) + "\n" for i in range(300))
pathlib.Path("in.jsonl").write_text(RECORDS)


def path(name):
    return os.path.join(BIN, name)


def stats(file="s.jsonl"):
    return [json.loads(line) for line in open(file)]


def fresh(file="s.jsonl"):
    pathlib.Path(file).unlink(missing_ok=True)
    return file


# Totals, and the same bytes with and without, whatever -j.
plain = tool("tal-nms", "-i", "in.jsonl").stdout
for jobs in ("1", "3"):
    got = tool("tal-nms", "-i", "in.jsonl", "-j", jobs, "--stats", fresh()).stdout
    check(got == plain, f"-j {jobs}: --stats changes the output")
    last = stats()[-1]
    check((last["tool"], last["status"], last["records_in"], last["bytes_in"], last["lines_out"], last["bytes_out"]) == ("tal-nms", 0, 300, len(RECORDS), 300, len(plain)), f"-j {jobs}: {last}")
    check(last["peak_memory"] >= last["memory"] > 1 << 20 and 0 < last["cpu"] < 60 and last["wait_in"] + last["wait_out"] <= last["elapsed"] and abs(last["started"] + last["elapsed"] - time.time()) < 60, f"{last}")
tool("tal-nms", "-i", "in.jsonl", "--stats", "s.jsonl")
check(len({line["pid"] for line in stats()}) == 2, "lines are appended")
check(json.loads(plain.splitlines()[0])["history"][0]["args"] == [], "the history does not tell where lines went")
environment = {"TAL_STATS": fresh()}
check(tool("tal-nms", "-i", "in.jsonl", environment=environment).stdout == plain and stats()[-1]["lines_out"] == 300, "TAL_STATS")

# Every light tool.
tool("tal-convert", "--from", "tal", "--to", "csv", "-i", "in.jsonl", "-o", "in.csv")
for words, records in ((["tal-eval", "--gt", "in.jsonl", "-i", "in.jsonl"], 600), (["tal-check", "-i", "in.jsonl"], 300), (["tal-plot", "timeline", "-i", "in.jsonl"], 300),
                       (["tal-convert", "--from", "tal", "--to", "csv", "-i", "in.jsonl"], 300), (["tal-convert", "--from", "segments-csv", "in.csv"], 300), (["tal-synth", "annotations", "-n", "3"], 0),
                       (["tal-score", "-i", "in.jsonl", "--combine", "score"], 300), (["tal-anchors", "--preset", "rpn-thumos14", "-i", "in.jsonl"], 300)):
    done = subprocess.run([path(words[0]), *words[1:], "--stats", fresh()], capture_output=True, text=True)
    last = stats()[-1]
    check(last["tool"] == words[0] and last["status"] == done.returncode, f"{words}: {last}, {done.stderr}")
    check(done.returncode or (last["records_in"] == records and (records == 0 or last["bytes_in"] > 0) and last["bytes_out"] == len(done.stdout.encode())), f"{words}: {last}, {done.stderr}")

# Failures have a last line too.
done = tool("tal-nms", "--stats", fresh(), data=RECORDS[:2000] + "{\n", status=1)
check(stats()[-1]["status"] == 1, "a failed run")
check(tool("tal-nms", "--stats", "-", data="", status=2).stderr.startswith("tal-nms: error: --stats -: "), "--stats -")
check("No such file or directory" in tool("tal-nms", "--stats", "nowhere/s.jsonl", data="", status=1).stderr, "a folder that is not there")
tool("tal-nms", "--stats", "never.jsonl", "--print-config")
check(not os.path.exists("never.jsonl"), "--print-config runs nothing")

# A pipe with one file; the second stage is slow, so the first waits for its output and the third for its input. Lines go on while they wait.
lines = RECORDS.splitlines(True)
slow = "import sys, time\nfor line in sys.stdin: time.sleep(0.012); sys.stdout.write(line); sys.stdout.flush()"
fresh()
pipe = f"{path('tal-nms')} --stats s.jsonl | python3 -c '{slow}' | {path('tal-nms')} --stats s.jsonl > out.jsonl"
wide = "".join(json.dumps({"video": f"v{i}", "x": "y" * 9000, "proposals": []}) + "\n" for i in range(300))
began = time.monotonic()
subprocess.run(["bash", "-c", pipe], input=wide, text=True, check=True)
took = time.monotonic() - began
by_process = {}
for line in stats():
    by_process.setdefault(line["pid"], []).append(line)
first, last = (by_process[pid] for pid in sorted(by_process))
for own in (first, last):
    check(len(own) >= 3 and all(0.3 < b["elapsed"] - a["elapsed"] < 10 for a, b in zip(own, own[1:-1])), f"a line a second: {[line['elapsed'] for line in own]}")
    check([("status" in line) for line in own] == [False] * (len(own) - 1) + [True], "only the last line has a status")
    for key in ("elapsed", "records_in", "bytes_in", "lines_out", "bytes_out", "wait_in", "wait_out", "cpu", "peak_memory"):
        check(all(a[key] <= b[key] for a, b in zip(own, own[1:])), f"{key} falls")
    check(abs(sum(line["records_per_s"] * line["interval"] for line in own) - 300) < 1, "rates are of their intervals")
check(first[-1]["wait_out"] > 0.5 * (took - 1) and last[-1]["wait_in"] > 0.7 * (took - 1), f"who waits for what: {first[-1]}, {last[-1]}")
check(all(line["wait_in"] > 0.6 * line["elapsed"] for line in last[:-1]), f"a wait that goes on counts: {last}")

# kill -9 leaves a run without a last line.
process = subprocess.Popen([path("tal-nms"), "--stats", fresh("killed.jsonl")], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
process.stdin.write(lines[0].encode())
process.stdin.flush()
while not (os.path.exists("killed.jsonl") and os.path.getsize("killed.jsonl")):
    time.sleep(0.1)
process.kill()
process.wait()
check(all("status" not in line for line in stats("killed.jsonl")), "no last line")

# A named pipe: its reader gets every line; without a reader, with one that reads nothing, or that goes away, the run is what it was.
os.mkfifo("fifo")
reader = os.open("fifo", os.O_RDONLY | os.O_NONBLOCK)
check(tool("tal-nms", "-i", "in.jsonl", "--stats", "fifo").stdout == plain, "a pipe that is read")
check(json.loads(os.read(reader, 1 << 16).splitlines()[-1])["status"] == 0, "its lines")
fill = os.open("fifo", os.O_WRONLY | os.O_NONBLOCK)
while select.select([], [fill], [], 0)[1]:
    try:
        os.write(fill, b"x" * 4096)
    except BlockingIOError:
        break
began = time.monotonic()
got = tool("tal-nms", "-i", "in.jsonl", "--stats", "fifo")
check(got.stdout == plain and time.monotonic() - began < 30 and " of --stats left out" in got.stderr, f"a full pipe: {got.stderr}")
os.close(fill), os.close(reader)
got = tool("tal-nms", "-i", "in.jsonl", "--stats", "fifo")
check(got.stdout == plain and " of --stats left out" in got.stderr, f"a pipe that nobody reads: {got.stderr}")
process = subprocess.Popen([path("tal-nms"), "--stats", "fifo"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
reader = os.open("fifo", os.O_RDONLY)  # opens once a line is tried
json.loads(os.read(reader, 1 << 16).splitlines()[0])
os.close(reader)
out, err = process.communicate(RECORDS.encode(), timeout=60)
check(process.returncode == 0 and out.decode() == plain and err == b"", f"a reader that went away: {process.returncode}, {err}")
got = tool("tal-nms", "-i", "in.jsonl", "--stats", "/dev/full")
check(got.stdout == plain and "warning: cannot write /dev/full: No space left" in got.stderr, f"a full device: {got.stderr}")
got = tool("tal-nms", "-q", "-i", "in.jsonl", "--stats", "/dev/stderr")
check(json.loads(got.stderr.splitlines()[-1])["records_in"] == 300, "stderr")

# SIGTERM: the record is finished, the last line written.
process = subprocess.Popen([path("tal-nms"), "--stats", fresh()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
process.stdin.write(lines[0].encode())
process.stdin.flush()
process.stdout.readline()
process.send_signal(signal.SIGTERM)
time.sleep(0.2)
process.communicate(lines[1].encode(), timeout=60)
check(process.returncode == 1 and stats()[-1]["status"] == 1, f"SIGTERM: {process.returncode}, {stats()[-1]}")

# A file that was to become complete stays what it was.
pathlib.Path("kept.jsonl").write_text("before\n")
process = subprocess.Popen([path("tal-nms"), "-o", "kept.jsonl", "--stats", fresh()], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
process.stdin.write(lines[0].encode())
process.stdin.flush()
time.sleep(0.5)
process.send_signal(signal.SIGTERM)
_, said = process.communicate(lines[1].encode(), timeout=60)
check(process.returncode == 1 and b"interrupted" in said and pathlib.Path("kept.jsonl").read_text() == "before\n", f"SIGTERM with -o: {process.returncode}, {said}")

# The picture.
fresh()
subprocess.run(["bash", "-c", pipe], input="".join(wide.splitlines(True)[:150]), text=True, check=True)
svg = ET.fromstring(tool("tal-plot", "stats", "s.jsonl", "killed.jsonl").stdout)
told = " ".join(e.text or "" for e in svg.iter() if e.tag.endswith("text"))
for what in ("Least waiting: tal-nms", "waits for input", "waits for output", "at work", "no last line: killed, or running still", "s.jsonl"[:0]):
    check(what in told, f"the picture does not say '{what}': {told}")
rows = [g for g in svg.iter("{http://www.w3.org/2000/svg}g") if g.get("class") == "p"]
check(len(rows) == 3, f"a row a process, not {len(rows)}")
check(told == " ".join(e.text or "" for e in ET.fromstring(tool("tal-plot", "stats", data=pathlib.Path("s.jsonl").read_text() + pathlib.Path("killed.jsonl").read_text()).stdout).iter() if e.tag.endswith("text")), "from stdin")
check("No lines of --stats" in tool("tal-plot", "stats", data="").stdout, "nothing to draw")
for data, says in (("{}\n", "stdin:1: is not a line of --stats"), ("\nx\n", "stdin:2: is not a line of --stats"), ("".join(json.dumps({**s, "elapsed": -s["elapsed"]}) + "\n" for s in stats()[:1]), "stdin:1: elapsed: comes before")):
    check(says in tool("tal-plot", "stats", data=data, status=1).stderr, says)

if works("tal-train"):
    check("--stats" in tool("tal-train", "--help").stdout, "tal-train has it")
finish()
