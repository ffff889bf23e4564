# What a shell user relies on: foreign stages in the middle, closed pipes, full devices, prompt flushing, bounded memory.
# label: cli
# limit: 300
import json
import os
import subprocess
import sys

binaries = os.environ["TAL_BIN"]
os.environ["PATH"] = binaries + ":" + os.environ["PATH"]
failures = []


def check(name, condition, detail=""):
    print(("ok      " if condition else "FAILED  ") + name, "" if condition else detail)
    if not condition:
        failures.append(name)


def sh(command, text="", **kwargs):
    return subprocess.run(["bash", "-o", "pipefail", "-c", command], input=text, capture_output=True, text=True, timeout=120, **kwargs)


records = "".join(
    json.dumps({"video": "v%d" % i, "duration": 100.0, "mine": {"kept": [1, 2.50]}, "proposals": [
        {"segment": [k, k + 10.5], "score": round(1 / (k + 2), 6), "label": "a" if k % 2 else "b"} for k in range(20)]}) + "\n"
    for i in range(200))

halve = """python3 -c 'import sys, json
for line in sys.stdin:
    r = json.loads(line)
    for p in r["proposals"]: p["score"] *= 0.5
    print(json.dumps(r), flush=True)'"""
run = sh("tal-nms --method greedy | %s | tal-nms --method gaussian --min-score 0.0001" % halve, records)
check("a Python one-liner in the middle of a pipe", run.returncode == 0 and run.stdout.count("\n") == 200, run.stderr)
check("fields of others survive", all(json.loads(l)["mine"] == {"kept": [1, 2.5]} for l in run.stdout.splitlines()))
check("history names both steps", [h["tool"] for h in json.loads(run.stdout.splitlines()[0])["history"]] == ["tal-nms", "tal-nms"])
if sh("command -v jq").returncode == 0:
    run = sh("jq -c '.proposals |= map(select(.score > 0.1))' | tal-nms --method greedy", records)
    check("a jq filter as a stage", run.returncode == 0 and run.stdout.count("\n") == 200, run.stderr)

big = records * 200
run = sh("tal-nms --method greedy | head -1", big)
check("a closed pipe ends the tool quietly", run.stdout.count("\n") == 1 and run.stderr == "", run.stderr)
run = sh("tal-nms --method greedy > /dev/full", records)
check("a full device is an error", run.returncode == 1 and "No space left" in run.stderr, run.stderr)
run = sh("tal-nms >&-", records)
check("a closed stdout is an error", run.returncode == 1 and "stdout is closed" in run.stderr, run.stderr)

# The first result must come before the second record is sent.
for jobs in ("1", "2"):
    process = subprocess.Popen([os.path.join(binaries, "tal-nms"), "-j", jobs], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    lines = records.splitlines(True)
    got = []
    for line in lines[:3]:
        process.stdin.write(line.encode())
        process.stdin.flush()
        got.append(process.stdout.readline())
    process.stdin.close()
    check("each record is answered before the next is sent, -j " + jobs, all(got) and process.wait(10) == 0)

outputs = {sh("tal-nms --preset bsn --no-history -j " + j, big[: len(records) * 20]).stdout for j in ("1", "3")}
check("the bytes do not depend on -j", len(outputs) == 1 and "" not in outputs)

# 300 MB through a tool in bounded memory.
for jobs in ("1", "2"):
    process = subprocess.Popen([os.path.join(binaries, "tal-nms"), "-j", jobs, "--top-k", "1"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    peak = 0
    data = (records * 20).encode()
    for _ in range(300_000_000 // len(data)):
        process.stdin.write(data)
        with open("/proc/%d/status" % process.pid) as status:
            for line in status:
                if line.startswith("VmHWM"):
                    peak = int(line.split()[1])
    process.stdin.close()
    check("300 MB pass in under 64 MB, -j %s (%d KiB)" % (jobs, peak), process.wait(60) == 0 and 0 < peak < 64 * 1024)

for bad, message in (("{\"video\":\"v\"", "stdin:2: "), ("{\"video\":\"v\",\"proposals\":[{\"segment\":[4.0,2.1],\"score\":1}]}",
                     "stdin:2: video 'v': proposals[0].segment: end 2.1 is not after start 4.0")):
    run = sh("tal-nms", lines[0] + bad + "\n" + lines[1])
    check("an error names its place, and what came before is there", run.returncode == 1 and message in run.stderr and run.stdout.count("\n") == 1, run.stderr)
    run = sh("tal-nms --on-error skip", lines[0] + bad + "\n" + lines[1])
    check("skip goes on and still ends with 1", run.returncode == 1 and run.stdout.count("\n") == 2, run.stderr)

print("%d failed" % len(failures))
sys.exit(1 if failures else 0)
