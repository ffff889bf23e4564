#!/usr/bin/env python3
# label: cli
# limit: 900
"""tal-nms --live: windows give, together, what one tal-nms keeps of all proposals in one record, by every rule; as early as can be; a day of windows in bounded memory; tal-eval scores the stream."""
import json
import math
import os
import pathlib
import random
import signal
import subprocess
import tempfile
import time

from harness import BIN, check, finish, tool

STEP, LENGTH = 4.0, 6.0  # windows overlap


def windows(rng, count, per_window, video="v", labels=("a", "b"), longest=9.0, grid=None, duration=None):
    """Windows of a video with random proposals, which start inside of their window; grid: scores that are often equal."""
    for k in range(count):
        start = k * STEP
        proposals = []
        for i in range(rng.randrange(per_window + 1)):
            begin = start + rng.random() * LENGTH
            score = rng.randrange(1, grid + 1) / grid if grid else rng.random()
            proposals.append({"segment": [begin, begin + 0.05 + rng.random() * longest], "score": score, "label": rng.choice(labels), "mine": [k, i]})
        record = {"video": video, "window": {"index": k, "start": start, "end": start + LENGTH, "final": k == count - 1}, "proposals": proposals}
        yield {**record, "duration": duration} if duration else record


def lines(records):
    return "".join(json.dumps(r) + "\n" for r in records)


def joined(records):
    """One record with the proposals of all."""
    first = records[0]
    whole = {"video": first["video"], "proposals": [p for r in records for p in r["proposals"]]}
    return {**whole, "duration": first["duration"]} if "duration" in first else whole


def texts(proposals):
    return sorted(json.dumps(p) for p in proposals)


def brute(proposals, method, value):
    """The rules as plain loops: (segment, score) of what is kept."""
    left = [[p["segment"], p["score"], p["label"], i] for i, p in enumerate(proposals)]
    kept = []
    while left:
        best = max(left, key=lambda item: (item[1], -item[3]))
        left.remove(best)
        if method == "gaussian" and best[1] < 0.001:
            break
        kept.append((tuple(best[0]), best[1]))
        (s, e), rest = best[0], []
        for item in left:
            inter = max(0.0, min(e, item[0][1]) - max(s, item[0][0]))
            t = inter / ((e - s) + (item[0][1] - item[0][0]) - inter) if item[2] == best[2] else 0
            if method == "greedy" and t > value:
                continue
            if method == "gaussian":
                item[1] *= math.exp(-(t * t) / value)
            rest.append(item)
        left = rest
    return sorted(kept)


RULES = [["--method", "greedy"], ["--method", "greedy", "--threshold", "0"], ["--method", "greedy", "--inclusive", "--threshold", "0.5", "--class-agnostic"],
         ["--method", "greedy", "--voting", "0.4", "--min-score", "0.2"], ["--method", "greedy", "--ties", "reversed", "--voting", "0.7", "--voting-weight", "score"],
         ["--method", "gaussian"], ["--method", "gaussian", "--sigma", "0.1", "--class-agnostic", "--voting", "0.3"], ["--method", "gaussian", "--ties", "reversed", "--min-score", "0.1"],
         ["--method", "linear"], ["--method", "linear", "--threshold", "0.2", "--min-duration", "1", "--voting", "0.9"], ["--method", "linear", "--threshold", "0"],
         ["--method", "bsn", "--stop", "0", "--low", "0.2", "--high", "0.9"], ["--method", "rpn", "--stop", "0", "--low", "0.1", "--clip"],
         ["--preset", "tridet-activitynet", "--top-k", "0"]]

rng = random.Random(7)
for rule in RULES:
    for count, per_window, grid in ((12, 8, None), (9, 14, 5), (30, 3, None)):
        records = list(windows(rng, count, per_window, grid=grid, duration=count * STEP + 3))
        wide = tool("tal-nms", "--no-history", *rule, data=lines([joined(records)]))
        live = tool("tal-nms", "--no-history", "--live", "--max-wait", "0", *rule, data=lines(records))
        if wide.returncode or live.returncode:
            continue
        answers = [json.loads(line) for line in live.stdout.splitlines()]
        name = " ".join(rule) + f", {count} windows"
        check([a["window"] for a in answers] == [r["window"] for r in records], name + ": a line each, in order")
        got = [p for a in answers for p in a["proposals"]]
        check(texts(got) == texts(json.loads(wide.stdout)["proposals"]), name + ": not what the whole stream keeps")
        for a in answers:
            scores = [p["score"] for p in a["proposals"]]
            check(scores == sorted(scores, reverse=True), name + ": by falling score")
            if not a["window"]["final"] and "--voting" not in rule and "--preset" not in rule and "--clip" not in rule:
                check(all(p["segment"][1] <= a["window"]["start"] for p in a["proposals"]), name + ": out before a later one could meet it")
        if rule[1:] in (["greedy"], ["gaussian"]):
            check(sorted((tuple(p["segment"]), p["score"]) for p in got) == brute(joined(records)["proposals"], rule[1], 0.36 if rule[1] == "greedy" else 0.5), name + ": the plain loops")

# A proposal that nothing overlaps goes out with the first window that starts at its end; one that a better one waits for, waits for it.
alone = [{"video": "v", "window": {"index": k, "start": k, "end": k + 1}, "proposals": []} for k in range(6)]
alone[0]["proposals"] = [{"segment": [0.5, 2], "score": 0.5}]
alone[4]["proposals"] = [{"segment": [4, 4.5], "score": 0.1}]
alone[5]["window"]["final"] = True
answers = [json.loads(line)["proposals"] for line in tool("tal-nms", "--live", data=lines(alone)).stdout.splitlines()]
check([len(a) for a in answers] == [0, 0, 1, 0, 0, 1], f"the delay is a window: {answers}")

# Several sources in any mixture, a whole video among them.
left, right = list(windows(rng, 8, 6, video="l")), list(windows(rng, 11, 6, video="r"))
mixed = left + right
rng.shuffle(mixed)
mixed.sort(key=lambda r: r["window"]["index"])
whole = {"video": "w", "proposals": joined(left)["proposals"]}
got = [json.loads(line) for line in tool("tal-nms", "--no-history", "--live", data=lines(mixed[:5] + [whole] + mixed[5:])).stdout.splitlines()]
for video, of in (("l", left), ("r", right), ("w", left)):
    kept = texts(p for r in got if r["video"] == video for p in r["proposals"])
    check(kept == texts(json.loads(tool("tal-nms", "--no-history", data=lines([joined(of)])).stdout)["proposals"]), "video " + video + " among others")

# The input ends without a final window: one more record.
cut = tool("tal-nms", "--no-history", "--live", data=lines(left[:-1]))
rest = [json.loads(line) for line in cut.stdout.splitlines()]
check(len(rest) == len(left) and rest[-1]["window"] == {"index": 7, "start": 24, "end": 30, "final": True} and "no final window" in cut.stderr, f"the rest: {rest[-1]}, {cut.stderr}")
check(texts(p for r in rest for p in r["proposals"]) == texts(json.loads(tool("tal-nms", "--no-history", data=lines([joined(left[:-1])])).stdout)["proposals"]), "nothing is lost at the end")

# Ever better ones, each of which overlaps the one before: who is kept depends on the last. --max-wait ends the chain.
chain = [{"video": "v", "window": {"index": k, "start": k, "end": k + 2, "final": k == 99}, "proposals": [{"segment": [k, k + 1.8], "score": (k + 1) / 200}]} for k in range(100)]
answers = [json.loads(line)["proposals"] for line in tool("tal-nms", "--no-history", "--live", "--threshold", "0.2", "--max-wait", "0", data=lines(chain)).stdout.splitlines()]
check([len(a) for a in answers] == [0] * 99 + [50], "a chain waits for its end")
ended = tool("tal-nms", "--no-history", "--live", "--threshold", "0.2", "--max-wait", "10", data=lines(chain))
answers = [json.loads(line)["proposals"] for line in ended.stdout.splitlines()]
kept = [p["segment"] for a in answers for p in a]
check("taken before all that overlap them were known (--max-wait)" in ended.stderr, ended.stderr)
check(max(k - p["segment"][1] for k, a in enumerate(answers[:-1]) for p in a) <= 11 and 30 <= len(kept) <= 50, f"none waits longer: {answers}")
check(all(b[0] - a[0] > 1 for a, b in zip(sorted(kept), sorted(kept)[1:])), "of two that overlap too much, one goes")

# Windows that did not come: the rest goes on, and it is said.
lost = tool("tal-nms", "--no-history", "--live", data=lines(left[:2] + left[4:6] + left[7:]))
check(lost.stderr == "tal-nms: warning: video 'l': before window 4, windows 2 to 3 are missing\ntal-nms: warning: 1 further gap between windows of these videos\n", f"missing windows: {lost.stderr}")
check(len(lost.stdout.splitlines()) == len(left) - 3, "the windows that are there")
with tempfile.TemporaryDirectory() as folder:
    truth = pathlib.Path(folder) / "truth.jsonl"
    truth.write_text(json.dumps({"video": "l", "duration": 40, "annotations": [{"segment": [1, 2], "label": "a"}]}) + "\n")
    judge = lambda records: tool("tal-eval", "--live", "--protocol", "activitynet-proposal", "--gt", str(truth), data=lines(records)).stderr
    said = judge(left[:2] + left[4:6] + left[7:])
    check("2 gaps between the windows in stdin, which find nothing there (video 'l': windows 2 to 3 are missing)" in said, said)
    check("gap" not in judge(left), "all windows")

# What cannot be.
for words, says in ((["--top-k", "5"], "--top-k 5 keeps the best of the whole video"), (["--stop", "5"], "--stop 5 keeps"), (["--pre-top-k", "5"], "--pre-top-k 5 keeps"),
                    (["--method", "bsn"], "--stop 100 keeps"), (["--preset", "actionformer"], "--top-k 200 keeps"), (["--voting", "0"], "--voting 0"),
                    (["--inclusive", "--threshold", "0"], "keeps one of the whole video"), (["-j", "2"], "--jobs has no effect with --live")):
    check(says in tool("tal-nms", "--live", *words, data="", status=2).stderr, f"{words}: {says}")
for words in (["--early", "1"], ["--max-wait", "1"]):
    check("has no effect" in tool("tal-nms", *words, data="", status=2).stderr, f"{words} without --live")
check("stdin:1: video 'l': duration: missing" in tool("tal-nms", "--live", "--method", "bsn", "--stop", "0", data=lines(left), status=1).stderr, "bsn without a duration")
first, second = left[0], left[1]
early = {**second, "proposals": [{"segment": [first["window"]["start"] - 0.5, 9], "score": 0.5}]}
for records, says in (([first, early], "stdin:2: video 'l': proposals[0].segment: starts at -0.5, before 0"), ([second, first], "window.index: is 0 after 1"), ([first, first], "window.index: is 0 after 0"),
                      ([first, {**second, "window": {**second["window"], "start": -3}}], "window.start: is -3, before the last window's 0"), ([first, {"video": "l", "proposals": []}], "window: missing"),
                      ([left[-1], left[-1]], "nothing may follow its final window"), ([{"video": "l", "window": {"index": 0}, "proposals": []}], "window.start: missing"),
                      ([{"video": "l", "window": {"index": 0, "start": 2, "end": 2}, "proposals": []}], "window: ends before it starts")):
    check(says in tool("tal-nms", "--live", data=lines(records), status=1).stderr, says)
check(tool("tal-nms", "--live", "--early", "1", data=lines([first, early])).returncode == 0, "--early lets it")
# A window that is refused takes nothing with it.
broken = {**second, "proposals": second["proposals"] + [{"segment": [-9, 1], "score": 1}]}
got = tool("tal-nms", "--no-history", "--live", "--on-error", "skip", data=lines([first, broken, *left[2:]]), status=1)
check(texts(p for line in got.stdout.splitlines() for p in json.loads(line)["proposals"]) ==
      texts(json.loads(tool("tal-nms", "--no-history", data=lines([joined([first, *left[2:]])])).stdout)["proposals"]), "a refused window leaves nothing behind")

# A day: windows of 12 s every 6 s, activity with pauses, scored while it runs.
with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    rng, truths, at = random.Random(1), [], 0.0
    while at < 86400 - 60:
        at += rng.expovariate(1 / 20)
        length = 1 + rng.expovariate(1 / 6)
        truths.append({"segment": [at, min(at + length, 86390)], "label": rng.choice(["walk", "sit", "lift"])})
        at += length
    (folder / "gt.jsonl").write_text(json.dumps({"video": "day", "duration": 86400, "annotations": truths}) + "\n")
    found = [[] for _ in range(14400)]
    for truth in truths:
        for _ in range(12):
            start, end = (t + rng.gauss(0, 0.8) for t in truth["segment"])
            if end > start + 0.2 and start >= 0:
                found[min(14399, int(start // 6))].append({"segment": [start, end], "score": rng.random(), "label": truth["label"] if rng.random() < 0.8 else "walk"})
    day = [{"video": "day", "window": {"index": k, "start": 6.0 * k, "end": 6.0 * k + 12, "final": k == 14399}, "proposals": f} for k, f in enumerate(found)]
    total = sum(map(len, found))
    for rule in (["--method", "gaussian", "--min-score", "0.05"], ["--method", "greedy", "--voting", "0.6"]):
        process = subprocess.Popen([os.path.join(BIN, "tal-nms"), "--no-history", "--live", "--max-wait", "0", *rule], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        answers, held, most, peaks = [], 0, 0, {}
        for k, record in enumerate(day):
            process.stdin.write(json.dumps(record) + "\n")
            process.stdin.flush()
            answers.append(json.loads(process.stdout.readline()))  # at once
            if k in (1440, 14398):
                status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
                peaks[k] = int(status.split("VmHWM:")[1].split()[0])
        process.stdin.close()
        check(process.wait(60) == 0, "a day ends well")
        check(peaks[14398] < 1.1 * peaks[1440] + 1024 and peaks[14398] < 64 * 1024, f"memory of a day is that of two hours: {peaks} KiB")
        got = [p for a in answers for p in a["proposals"]]
        one = json.loads(tool("tal-nms", "--no-history", *rule, data=lines([joined(day)])).stdout)
        check(texts(got) == texts(one["proposals"]), f"a day by {rule}: {len(got)} of {total}, and {len(one['proposals'])} of the whole")
        waits = [a["window"]["start"] - p["segment"][1] for a in answers[:-1] for p in a["proposals"]]
        print(f"a day by {' '.join(rule)}: {total} proposals, {len(got)} kept, peak {peaks[14398]} KiB, {peaks[1440]} after two hours; a segment waits at most {max(waits):.1f} s, in the mean {sum(waits) / len(waits):.1f} s")
        scores = [tool("tal-eval", "--gt", str(folder / "gt.jsonl"), "--protocol", "thumos14-detection", "--format", "json", *words, data=lines(data)).stdout
                  for words, data in ((["--live"], answers), (["--live", "-j", "3"], answers), ([], [one]))]
        check(json.loads(scores[0])["map"] == json.loads(scores[2])["map"] and json.loads(scores[0])["average_map"] > 0.1 and scores[0] == scores[1], "tal-eval scores the stream as the whole")
check("this step needs the whole video" in tool("tal-eval", "--gt", "/dev/null", data=lines(left), status=1).stderr, "windows without --live")
for records, says in (([second, first], "window.index: is 0 after 1"), ([{"video": "l", "proposals": []}, first], "stands in the stream whole and as windows"),
                      ([first, {"video": "l", "proposals": []}], "stands twice in the stream"), ([{**first, "annotations": []}], "are of a window")):
    check(says in tool("tal-eval", "--live", data=lines(records), status=1).stderr, "tal-eval --live: " + says)
# What a live run has written when it is stopped is complete: its file appears, with what waited in a last record.
with tempfile.TemporaryDirectory() as folder:
    out = pathlib.Path(folder) / "out.jsonl"
    process = subprocess.Popen([os.path.join(BIN, "tal-nms"), "--live", "-o", str(out)], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdin.write(lines(list(windows(random.Random(1), 3, 4))[:2]).encode())
    process.stdin.flush()
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    check(process.returncode == 1 and b"interrupted" in said and out.exists() and out.read_text().count('"window"') == 3, f"a live run that is stopped: {process.returncode}, {said}, {out.exists()}")
finish()
