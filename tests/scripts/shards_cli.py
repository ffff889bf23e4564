#!/usr/bin/env python3
# label: cli
"""tal-check --complete: what a run over shards has left out, why, and the input of the run that makes up for it."""
import json
import os
import pathlib
import subprocess
import tempfile

from harness import BIN, check, finish, tool

os.chdir(tempfile.mkdtemp())


def faults(*words, status=1, data=None):
    got = tool("tal-check", "--format", "json", *words, data=data, status=status)
    return sorted((f["class"], f["video"]) for f in json.loads(got.stdout)["faults"]), got.stderr


videos = [json.dumps({"video": f"v{i}", "path": f"/data/v{i}.mp4", "proposals": [{"segment": [0, 1 + i], "score": 0.5}]}) for i in range(40)]
videos[13] = json.dumps({"video": "v13", "proposals": [{"segment": [3, 2], "score": 0.5}]})
pathlib.Path("list.jsonl").write_text("\n".join(videos) + "\n")

# Four shards, one in which a record is bad: the rest of its shard is missing. Then the run that makes up for it.
subprocess.run(["split", "-n", "r/4", "list.jsonl", "shard-"], check=True)
shards = sorted(str(p) for p in pathlib.Path().glob("shard-a?"))
for shard in shards:
    done = subprocess.run([os.path.join(BIN, "tal-nms"), "-i", shard, "--stats", shard + ".stats"], capture_output=True, text=True)
    pathlib.Path(shard + ".out").write_text(done.stdout)
    pathlib.Path(shard + ".log").write_text("node7: " + done.stderr)
outs, logs = [s + ".out" for s in shards], [s + end for s in shards for end in (".log", ".stats")]
missing = [f"v{i}" for i in range(13, 40, 4)]
got, said = faults("--complete", "list.jsonl", "--logs", *logs, "--missing", "rest.jsonl", *outs)
check(got == sorted(("missing-video", v) for v in missing), f"{got}")
check(pathlib.Path("rest.jsonl").read_text() == "".join(videos[int(v[1:])] + "\n" for v in missing), "the next run's input, byte for byte")
check("tal-nms: 4 runs, 0 killed, 34 records in" in said and "exit status 1" in said and "40 videos listed" in said, said)
text = tool("tal-check", "--complete", "list.jsonl", "--logs", *logs, "--", *outs, status=1).stdout
check("list.jsonl:14: video 'v13': missing-video: has no record; shard-ab.log:1: tal-nms: error: shard-ab:4: video 'v13': proposals[0].segment: end 2 is not after start 3" in text, text)
check("list.jsonl:18: video 'v17': missing-video: has no record\n" in text and "missing-video: 7" in text, text)
fixed = pathlib.Path("rest.jsonl").read_text().replace("[3, 2]", "[2, 3]")
pathlib.Path("again.out").write_text(tool("tal-nms", data=fixed).stdout)
check(faults("--complete", "list.jsonl", "--missing", "rest.jsonl", *outs, "again.out", status=0)[0] == [] and pathlib.Path("rest.jsonl").read_text() == "", "now it is whole")
joined = "".join(pathlib.Path(o).read_text() for o in [*outs, "again.out"])
check(faults("--complete", "list.jsonl", data=joined, status=0)[0] == [], "from stdin")

# Twice, unknown, torn.
got, _ = faults("--complete", "list.jsonl", data=joined + videos[0] + "\n" + '{"video":"w"}\n{"video":"v1"')
check(got == [("broken-line", ""), ("duplicate-video", "v0"), ("unknown-video", "w")], f"{got}")
check("stands at stdin:1 too" in tool("tal-check", "--complete", "list.jsonl", data=joined + videos[0] + "\n", status=1).stdout, "where it stands")

# Lists of names, of files, in a table.
for text in ("v1\nv2\n", "/data/v1.mp4\n/data/v2.mp4\n", "video,duration\nv1,3\nv2,4\n", '["v1", "v2"]'):
    pathlib.Path("names").write_text(text)
    got, _ = faults("--complete", "names", "--missing", "rest", data='{"video":"v1"}\n')
    check([kind for kind, _ in got] == ["missing-video"] and pathlib.Path("rest").read_text().strip().endswith(("v2", "v2.mp4")), f"{text!r}: {got}")
pathlib.Path("names").write_text("v1\nv1\n")
check("names:2: video 'v1': stands in the list twice" in tool("tal-check", "--complete", "names", data="", status=1).stderr, "a list that names one twice")

# Windows of a live stream.
window = '{"video":"v1","window":{"index":%d,"start":%d,"end":%d,"final":%s}}\n'
pathlib.Path("names").write_text("v1\n")
check(faults("--complete", "names", data=window % (0, 0, 1, "false") + window % (1, 1, 2, "true"), status=0)[0] == [], "a stream with its end")
check(faults("--complete", "names", data=window % (0, 0, 1, "false"))[0] == [("unfinished-video", "v1")], "a stream without")
check(faults("--complete", "names", data=window % (0, 0, 1, "false") + window % (2, 2, 3, "true"))[0] == [("unfinished-video", "v1")], "a stream with a hole")
check(faults("--complete", "names", data=window % (2, 2, 3, "true") + window % (1, 1, 2, "false") + window % (0, 0, 1, "false"), status=0)[0] == [], "a stream of several shards")
check(faults("--complete", "names", data=window % (0, 0, 1, "true") * 2)[0] == [("duplicate-video", "v1")], "a window twice")

# GNU parallel's log, a run that was killed, an error that names no video.
pathlib.Path("jobs").write_text("Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n1\t:\t1.0\t2.0\t3\t4\t0\t0\ttal-nms -i a\n2\t:\t1.0\t2.0\t3\t4\t0\t9\ttal-nms -i b\n")
line = {"tool": "tal-nms", "host": "n2", "pid": 7, "started": 1.5, "elapsed": 3.25, "records_in": 5, "bytes_in": 9, "lines_out": 5, "bytes_out": 9, "wait_in": 1, "wait_out": 0.25, "cpu": 1, "memory": 1 << 20, "peak_memory": 3 << 20}
pathlib.Path("stats").write_text(json.dumps(line) + "\n")
pathlib.Path("log").write_text("srun: something\ntal-nms: error: /dev/full: No space left on device\ntal-nms: 3 records\n")
_, said = faults("--complete", "names", "--logs", "jobs", "stats", "log", data='{"video":"v1"}\n', status=0)
for what in ("jobs:3: failed-job: job 2, exit status 0, signal 9: tal-nms -i b", "stats:1: killed-run: tal-nms on n2, process 7: its --stats end after 3.25 s, without a last line",
             "log:2: log-error: tal-nms: error: /dev/full: No space left on device", "tal-nms: 1 run, 1 killed, 5 records in 3.25 s, of which 2 s not waiting; 1 s of CPU, at most 3 MiB"):
    check(what in said, f"'{what}' is not in {said}")
for content, says in (("Seq\tHost\tStarttime\tx\n1\t2\n", "log:2: is not a line of GNU parallel's --joblog"), ('{"tool":"x"}\n', "log:1: is not a line of --stats")):
    pathlib.Path("log").write_text(content)
    check(says in tool("tal-check", "--complete", "names", "--logs", "log", data="", status=1).stderr, says)

for words, says in ((["--missing", "x"], "--missing has no effect"), (["--logs", "x"], "--logs has no effect"), (["x", "y"], "one file at a time without --complete"), (["--complete", "names", "--gt", "x"], "--gt has no effect"),
                    (["--complete", "names", "-i", "x", "y"], "--input has no effect"), (["--complete", "-"], "stdin has the records")):
    check(says in tool("tal-check", *words, data="", status=2).stderr, f"{words}: {says}")
finish()
