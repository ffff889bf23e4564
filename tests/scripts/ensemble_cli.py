#!/usr/bin/env python3
# label: cli
# cost: 80
"""tal-propose with several models: BSN++ and BMN on different streams, weights, multi-scale inference, maps as files, windows; what cannot be merged."""
import json
import os
import struct
import tempfile

from harness import check, finish, need, tool

need("tal-train", why="this build has no LibTorch, so no models")
folder = tempfile.TemporaryDirectory()
os.chdir(folder.name)


def propose(records, *arguments, status=0):
    done = tool("tal-propose", "--no-history", "--threads", "1", *arguments, data=records, status=status)
    return ([json.loads(line) for line in done.stdout.splitlines()] if status == 0 else []), done.stderr


records = tool("tal-synth", "--seed", "1", "annotations", "-n", "6", "--classes", "2", "--min-duration", "20", "--max-duration", "140", "--min-length", "4", "--max-length", "15").stdout
for stream, seed in (("rgb", "2"), ("flow", "3")):
    records = tool("tal-synth", "--seed", seed, "features", "--inline", "--stream", stream, "--dim", "8", "--snr", "3", data=records).stdout
with open("train.jsonl", "w", encoding="utf-8") as file:
    file.write(records)

SMALL = "base-filters=8 reduced-filters=8 proposal-filters=8 head-filters=4 samples=4".split()
BSNPP = SMALL + "first-filters=8 generator-filters=8 attention-filters=4".split()


def train(out, model, stream, *settings):
    tool("tal-train", "--model", model, "--streams", stream, "--epochs", "1", "--batch", "3", "--threads", "1", "-i", "train.jsonl", "--out", out, "-q",
         *(part for s in settings for part in ("--set", s)))
    return out


a = train("a.safetensors", "bsnpp", "rgb", *BSNPP, "rows=16", "durations=16")
b = train("b.safetensors", "bmn", "flow", *SMALL, "rows=16", "durations=16", "boundary-filters=8")
c = train("c.safetensors", "bsnpp", "rgb", *BSNPP, "rows=20", "durations=20")
w = train("w.safetensors", "bmn", "rgb", *SMALL, "rows=16", "durations=16", "boundary-filters=8", "input=windows")
rpn = train("rpn.safetensors", "rpn", "rgb", "width=8", "hidden=4", "rows=16", "examples=1")

# Several videos in one pass: the same, in the input's order; a record that fails alone has the error.
def nearly(x, y):
    left, right = ({tuple(p["segment"]): p["score"] for p in record["proposals"]} for record in (x, y))
    return x["video"] == y["video"] and left.keys() == right.keys() and all(abs(score - right[segment]) < 1e-6 for segment, score in left.items())


lines = records.splitlines(keepends=True)
broken = dict(json.loads(lines[2]), video="no features")
del broken["features"]
for model, extra in ((a, []), (b, []), (w, ["--window", "16"])):
    alone, _ = propose(records, "-m", model, *extra)
    for batch in ("1", "4", "100"):
        together, _ = propose(records, "-m", model, *extra, "--batch", batch)
        check(len(together) == 6 and all(map(nearly, alone, together)), f"--batch {batch} of {model}")
    check(alone == propose(records, "-m", model, *extra, "--batch", "auto")[0], "auto on the CPU: one by one, the same bytes")

# Clips of several videos, too: of each as many detections, in their order, with the numbers that it has alone.
clips = train("s.safetensors", "sptad", "rgb", *"clip=16 dim=8 heads=2 hidden=4 ffn=8 stages=2 proposals=6 roi-rows=4 stem-filters=4 inference.min-score=0".split())


def numbers(r):
    return [x for p in r["proposals"] for x in (*p["segment"], p["score"])]


alone, _ = propose(records, "-m", clips)
check(len({len(r["proposals"]) for r in alone}) > 1 and all(r["proposals"] for r in alone), "videos of different numbers of clips")
for batch in ("1", "4", "100"):
    together, _ = propose(records, "-m", clips, "--batch", batch)
    check([r["video"] for r in together] == [r["video"] for r in alone], f"--batch {batch} of clips: the videos")
    for x, y in zip(alone, together):
        check([p["label"] for p in x["proposals"]] == [p["label"] for p in y["proposals"]] and all(abs(a - b) < 1e-4 for a, b in zip(numbers(x), numbers(y))), f"--batch {batch} of clips: {x['video']}")
mixed = "".join(lines[:2] + [json.dumps(broken) + "\n"] + lines[2:])
_, said = propose(mixed, "-m", a, "--batch", "4", status=1)
check("stdin:3: video 'no features': features: missing" in said, f"the place of an error in a batch: {said}")
done = tool("tal-propose", "--no-history", "-m", a, "--batch", "4", "--on-error", "skip", "--rejects", "bad.jsonl", data=mixed, status=1)
check([json.loads(line)["video"] for line in done.stdout.splitlines()] == [json.loads(line)["video"] for line in lines], "the others of the batch")
with open("bad.jsonl", encoding="utf-8") as file:
    check(json.load(file) == broken, "--rejects of a batch")
for wrong in ("0", "4097", "all", "1.5", "-1"):
    check("--batch" in propose(records, "-m", a, "--batch", wrong, status=2)[1], f"--batch {wrong}")
check("sees one video at a time" in propose(records, "-m", rpn, "--batch", "4", status=2)[1], "--batch of a model that cannot")
check("an ensemble of maps" in propose(records, "-m", a, "-m", b, "--batch", "4", status=2)[1], "--batch of an ensemble")

# Eq. (8) of the weighted means of each model's maps.
one, _ = propose(records, "-m", a)
two, _ = propose(records, "-m", b)
both, _ = propose(records, "-m", a, "-m", b, "--weights", "0.6,0.4")
for x, y, z in zip(one, two, both):
    check(len(x["proposals"]) == len(z["proposals"]) == 16 * 17 // 2, "every valid proposal")
    for p, q, r in zip(x["proposals"], y["proposals"], z["proposals"]):
        mean = {k: 0.6 * p["scores"][k] + 0.4 * q["scores"][k] for k in ("boundary", "cls", "reg")}
        check(r["segment"] == p["segment"] and all(abs(r["scores"][k] - mean[k]) < 1e-9 for k in mean), f"factors are the weighted means: {r} of {p} and {q}")
        check(abs(r["score"] - mean["boundary"] * (mean["cls"] * mean["reg"]) ** 0.5) < 1e-9, "Eq. (8)")
check(propose(records, "-m", a, "-m", b, "--weights", "3,2")[0] == both, "weights are normalised")
check(propose(records, "-m", a, "-m", b)[0] == propose(records, "-m", a, "-m", b, "--weights", "1,1")[0] != both, "equal weights when none are given")
check(propose(records, "-m", a, "-m", b, "--weights", "1,0")[0] == one, "weight 0")
_, notes = propose(records, "-m", a, "-m", b, "--set", "backward-pass=false")
with_history = tool("tal-propose", "-m", a, "-m", b, data=records).stdout
check(json.loads(with_history.splitlines()[0])["history"][-1]["model"] == [a, b], "history names both models")

# Multi-scale: rows by duration, and models of other sizes together.
scaled, _ = propose(records, "-m", a, "-m", b, "--multi-scale", "6,9,12", "--maps", "inline")
for line in scaled:
    rows = 6 if line["duration"] <= 30 else 9 if line["duration"] <= 120 else 12
    check(line["maps"]["0"]["rows"] == rows and len(line["proposals"]) == rows * (rows + 1) // 2, f"{rows} rows for {line['duration']} s")
check(len({line["maps"]["0"]["rows"] for line in scaled}) >= 2, "more than one scale occurs")
propose(records, "-m", a, "-m", c, "--multi-scale", "6,9,12")

# Maps as files, and an ensemble of them: the same proposals.
left, _ = propose(records, "-m", a, "--maps", "maps-a")
check(all(line["maps"] == {"path": os.path.join("maps-a", line["video"] + ".maps.safetensors")} and os.path.exists(line["maps"]["path"]) for line in left), "the record says where the maps are")
tool("tal-plot", "heatmap", "-o", "maps.svg", data=json.dumps(left[0]) + "\n")
with open("maps.svg", encoding="utf-8") as file:
    check("0/boundary" in file.read(), "tal-plot draws the maps of the file")
propose(records, "-m", b, "--maps", "maps-b")
check(propose(records, "--map-folder", "maps-a", "--map-folder", "maps-b", "--weights", "0.6,0.4")[0] == both, "maps of files give what their models give")
check(propose(records, "-m", a, "--map-folder", "maps-b", "--weights", "0.6,0.4")[0] == both, "a model and maps of a file")
check(len(propose(records, "--map-folder", "maps-a", "--set", "top-k=5")[0][0]["proposals"]) == 5, "--set without a model")

# Windows: a window as long as the video is the video; shorter ones make no proposal twice.
check(propose(records, "-m", a, "--window", "100000")[0] == one, "one window")
for line in propose(records, "-m", w, "--overlap", "0.75")[0] + propose(records, "-m", a, "--window", "32", "--overlap", "0.5")[0]:
    segments = [tuple(p["segment"]) for p in line["proposals"]]
    check(len(segments) == len(set(segments)) > 0, "no proposal twice at seams")
check(len(propose(records, "-m", w, "--overlap", "0.75")[0][-1]["proposals"]) > len(propose(records, "-m", w, "--overlap", "0")[0][-1]["proposals"]), "overlap adds proposals at seams")

# Weights chosen on validation records: each member's area under the AR-AN curve as tal-nms and tal-eval find it, or the best of a grid; told, kept, and used again.
def auc(words):
    done = tool("tal-propose", "--no-history", "--threads", "1", *words, data=records)
    kept = tool("tal-nms", "--no-history", "--preset", "bsn", data=done.stdout)
    return json.loads(tool("tal-eval", "--protocol", "activitynet-proposal", "--format", "json", data=kept.stdout).stdout)["auc"]


with open("val.jsonl", "w", encoding="utf-8") as file:
    file.write(records)
alone = [auc(["-m", a]), auc(["-m", b])]
shares = [value / sum(alone) for value in alone]
chosen, told = propose(records, "-m", a, "-m", b, "--weights-from", "val.jsonl", "--weights-out", "weights.json")
with open("weights.json", encoding="utf-8") as file:
    kept = json.load(file)
check(all(abs(x - y) < 1e-9 for x, y in zip(kept["weights"] + kept["alone"], shares + alone)), f"weights are shares of the members' scores: {kept}, {alone}")
check(kept["members"] == [a, b] and kept["measure"] == "AUC" and kept["from"] == "val.jsonl", f"what was chosen: {kept}")
text = ",".join(map(repr, shares))
again, _ = propose(records, "-m", a, "-m", b, "--weights", text)
check(all(abs(p["score"] - q["score"]) < 1e-12 for x, y in zip(chosen, again) for p, q in zip(x["proposals"], y["proposals"])), "the run goes on with them")
check(propose(records, "-m", a, "-m", b, "--weights", "weights.json")[0] == chosen, "the kept weights are used again")
kept["members"].reverse()
for members, said in ((kept["members"], "in another order"), (["x.jsonl", "y.jsonl"], "weights of other members: 'x.jsonl', 'y.jsonl', not"), (["elsewhere/" + name for name in (a, b)], None)):
    with open("other.json", "w", encoding="utf-8") as file:
        json.dump({**kept, "members": members}, file)
    done = tool("tal-propose", "-m", a, "-m", b, "--weights", "other.json", data=records, status=1 if said else 0)
    check(not said or said in done.stderr, f"weights of {members}: {done.stderr}")
for text_of, said in (("nan,1", "weights 'nan,1'"), ("records.jsonl", "weights 'records.jsonl'")):
    done = tool("tal-propose", "-m", a, "-m", b, "--weights", text_of, data=records, status=2)
    check(said in done.stderr, done.stderr)
check(abs(kept["score"] - auc(["-m", a, "-m", b, "--weights", text])) < 1e-9 and abs(kept["equal"] - auc(["-m", a, "-m", b])) < 1e-9, "scores of the ensembles")
for words in (f"'{a}' alone has AUC {alone[0]:.2f}", f"weight {shares[1]!r}"[:14], "with equal weights"):
    check(words in told, f"stderr tells {words!r}: {told}")
history = json.loads(tool("tal-propose", "-q", "-m", a, "-m", b, "--weights-from", "val.jsonl", data=records).stdout.splitlines()[0])["history"][-1]
check(history["weights"] == kept["weights"] and "val.jsonl" in json.dumps(history), f"the history has the weights: {history}")
propose(records, "-m", a, "-m", b, "--weights-from", "val.jsonl", "--grid", "4", "--weights-out", "grid.json")
with open("grid.json", encoding="utf-8") as file:
    grid = json.load(file)
tried = {k / 4: auc(["-m", a, "-m", b, "--weights", f"{k / 4},{1 - k / 4}"]) for k in range(5)}
check(abs(grid["score"] - max(tried.values())) < 1e-9 and abs(tried[grid["weights"][0]] - grid["score"]) < 1e-9 and abs(sum(grid["weights"]) - 1) < 1e-12, f"the best of {tried}: {grid}")
check(grid["score"] >= max(*alone, kept["equal"] - 1e-9), "which holds each member alone")
propose(records, "--map-folder", "maps-a", "-m", b, "--weights-from", "val.jsonl")


# What cannot be merged, with both sides named.
def refused(arguments, *words, status=1, data=records):
    _, errors = propose(data, *arguments, status=status)
    check(all(word in errors for word in words), f"{arguments}: {errors!r} does not name {words}")


refused(["-m", a, "-m", c], "'a.safetensors' (bsnpp)", "16 x 16", "'c.safetensors' (bsnpp)", "20 x 20")
refused(["-m", a, "-m", rpn], "'a.safetensors' (bsnpp)", "'rpn.safetensors' (rpn)", "cannot be merged")
refused(["-m", rpn, "--map-folder", "maps-a"], "'rpn.safetensors' (rpn)", "maps-a")
refused(["-m", a, "-m", w], "whole videos", "windows of 16 rows")
refused(["-m", c, "--map-folder", "maps-a"], "'maps-a' are 16 x 16", "'c.safetensors' 20 x 20")
refused(["-m", a, "-m", b, "--weights", "1"], "1 weights for 2 models", status=2)
refused(["-m", a, "-m", b, "--weights", "1,-1"], "0 or more", status=2)
refused(["-m", a, "--weights", "1"], "--weights", status=2)
refused(["-m", a, "--weights-from", "val.jsonl"], "--weights-from", "single member", status=2)
refused(["-m", a, "-m", b, "--weights-from", "val.jsonl", "--weights", "1,1"], "--weights has no effect", "--weights-from", status=2)
refused(["-m", a, "-m", b, "--grid", "4"], "--grid", "--weights-from", status=2)
refused(["-m", a, "-m", b, "--weights-out", "w.json"], "--weights-out", "--weights-from", status=2)
refused(["-m", a, "-m", b, "--weights-from", "val.jsonl", "--weights-out", "w.txt"], "--weights-out", ".json", status=2)
refused(["-m", a, "-m", b, "--weights-from", "val.jsonl", "--grid", "0"], "--grid", status=2)
refused(["-m", a, "-m", b, "-m", a, "-m", b, "--weights-from", "val.jsonl", "--grid", "60"], "--grid 60", "4 members", "combinations", status=2)
refused(["-m", a, "-m", b, "--weights-from", "nowhere.jsonl"], "nowhere.jsonl")
refused(["-m", a, "-m", c, "--weights-from", "val.jsonl"], "'a.safetensors' (bsnpp)", "'c.safetensors' (bsnpp)")
refused(["-m", a, "-m", rpn, "--weights-from", "val.jsonl"], "cannot be merged")
refused(["-m", b, "-m", a, "--weights", "weights.json"], "weights.json", "another order")
refused(["-m", a, "-m", b, "-m", a, "--weights", "weights.json"], "weights.json", "weights of 2 members for 3")
refused(["-m", a, "-m", b, "--weights", "nowhere.json"], "nowhere.json")
with open("odd.json", "w", encoding="utf-8") as file:
    file.write('{"weights":[1,1]}')
refused(["-m", a, "-m", b, "--weights", "odd.json"], "odd.json", "no file of --weights-out")
lines = records.splitlines()
for name, change, words in (("bare", lambda r: r.pop("annotations"), ["annotations", "missing"]), ("short", lambda r: r.pop("duration"), ["duration"]), ("none", lambda r: r["features"].pop("flow"), ["features", "flow"])):
    odd = json.loads(lines[1])
    change(odd)
    with open(f"{name}.jsonl", "w", encoding="utf-8") as file:
        file.write(lines[0] + "\n" + json.dumps(odd) + "\n")
    refused(["-m", a, "-m", b, "--weights-from", f"{name}.jsonl"], f"{name}.jsonl:2", f"'{odd['video']}'", *words)
with open("twice.jsonl", "w", encoding="utf-8") as file:
    file.write(lines[0] + "\n" + lines[0] + "\n")
refused(["-m", a, "-m", b, "--weights-from", "twice.jsonl"], "twice.jsonl:2", "two lines")
open("empty.jsonl", "w", encoding="utf-8").close()
refused(["-m", a, "-m", b, "--weights-from", "empty.jsonl"], "empty.jsonl", "no records")
check("--weights-from" in tool("tal-propose", "--weights-from", "val.jsonl", "--method", "grouping", data=records, status=2).stderr, "no choice without models")
refused(["-m", a, "--multi-scale", "30,80"], "three numbers", status=2)
refused(["-m", a, "--overlap", "0.5"], "whole videos", status=2)
refused(["-m", rpn, "--multi-scale", "30,80,100"], "rpn", "--multi-scale", status=2)
refused(["-m", a, "-m", b, "--set", "bakward-pass=true"], "backward-pass", status=2)
refused(["--map-folder", "maps-a", "--window", "5"], "--window", status=2)
refused(["--map-folder", "nowhere"], "nowhere")
check("--weights" in tool("tal-propose", "--weights", "1", "--method", "grouping", data=records, status=2).stderr, "no weights without models")
check("one --model" in tool("tal-score", "-m", a, "-m", b, data=records, status=2).stderr, "tal-score takes one model")

# Odd features: few rows, constant ones, no duration; maps of another video or of a model file.
def video(name, rows, value, **more):
    import base64
    data = base64.b64encode(struct.pack(f"<{8 * rows}f", *([value] * (8 * rows)))).decode()
    stream = json.loads(records.splitlines()[0])["features"]["rgb"]
    stream.update(rows=rows, data=data)
    return json.dumps({"video": name, "features": {"rgb": stream}, **more}) + "\n"


for rows in (1, 2, 3, 40):
    for value in (0.0, 7.5):
        line = propose(video("odd", rows, value, duration=rows * 1.0 + 1), "-m", a)[0][0]
        check(line["proposals"] and all(0 <= p["score"] <= 1 and p["segment"][0] < p["segment"][1] for p in line["proposals"]), f"{rows} rows of {value}: {line['proposals'][:2]}")
refused(["-m", a], "'odd'", "duration", data=video("odd", 5, 1.0, duration=0))
refused(["-m", a, "--multi-scale", "6,9,12"], "'odd'", "duration", "missing", data=video("odd", 5, 1.0))
refused(["-m", a], "features.rgb", "finite", data=video("odd", 5, float("nan"), duration=5))
first = json.loads(records.splitlines()[0])["video"]
second = json.loads(records.splitlines()[1])["video"]
os.makedirs("wrong")
os.link(os.path.join("maps-a", second + ".maps.safetensors"), os.path.join("wrong", first + ".maps.safetensors"))
refused(["--map-folder", "wrong"], "wrong", f"of video '{second}', not of '{first}'")
os.remove(os.path.join("wrong", first + ".maps.safetensors"))
refused(["--map-folder", "wrong"], f"{first}.maps.safetensors")
os.link(a, os.path.join("wrong", first + ".maps.safetensors"))
refused(["--map-folder", "wrong"], "no file of maps", "tal-model/1")
finish()
