#!/usr/bin/env python3
# label: real-data
"""tal-convert reads the files of data sets as their authors published them: counts, first and last segment, sums; and writes them back."""
import base64
import collections
import json
import os
import struct
import subprocess
import sys
import tempfile

source, tool = os.environ["TAL_SOURCE"], os.path.join(os.environ["TAL_BIN"], "tal-convert")
data = os.path.join(os.environ.get("TAL_DATA_DIR", os.path.join(source, "..", "shared", "data")), "annotators")
if not os.path.exists(os.path.join(data, "EXPECTED.json")):
    print("SKIPPED: no data: " + data + " has no EXPECTED.json")
    sys.exit(77)
with open(os.path.join(data, "EXPECTED.json"), encoding="utf-8") as file:
    expected = json.load(file)
failures = checks = 0


def check(what, got, wanted, tolerance=0.0):
    global failures, checks
    checks += 1
    same = abs(got - wanted) <= tolerance if tolerance and got is not None else got == wanted
    if not same:
        failures += 1
        print("FAILED: %s: %r, not %r" % (what, got, wanted))


def convert(*arguments, status=0):
    done = subprocess.run([tool, "--no-history", *arguments], capture_output=True, text=True, timeout=300)
    if done.returncode != status:
        print(done.stderr)
        check("status of " + " ".join(arguments), done.returncode, status)
    return done.stdout, done.stderr


def records(*arguments):
    return [json.loads(line) for line in convert(*arguments)[0].splitlines()]


def items_of(all_records):
    """(start, end, video, label), whether it is a point, and the whole item."""
    out = []
    for record in all_records:
        for item in record.get("annotations", []) + record.get("proposals", []):
            times = (item["at"], item["at"]) if "at" in item else tuple(item["segment"])
            out.append((times + (record["video"], item.get("label", "")), "at" in item, item))
    return sorted(out, key=lambda entry: entry[0])


def compare(name, got, label=lambda video, label: label, scale=1.0):
    """Segments and points of `got` against what EXPECTED.json says of the file."""
    wanted = expected[name]
    segments = [key for key, point, _ in got if not point]
    points = [key for key, point, _ in got if point]
    check(name + ": segments", len(segments), wanted.get("segments", 0))
    check(name + ": labels", dict(collections.Counter(label(video, of) for _, _, video, of in segments)), wanted.get("by_label", {}))
    for ends, keys in (("", segments), ("_point", points)):
        for which, place in (("first", 0), ("last", -1)):
            if which + ends in wanted and keys:
                told = wanted[which + ends]
                key = keys[place]
                if "video" in told:  # then the label decides between equal times
                    key = sorted(keys, key=lambda k: (k[0], k[1], k[3]))[place]
                check(name + ": start of the " + which, key[0] * scale, told["start"], 1e-6)
                check(name + ": end of the " + which, key[1] * scale, told["end"], 1e-6)
                check(name + ": label of the " + which, label(key[2], key[3]), told["label"])
    if "points" in wanted:
        check(name + ": points", len(points), wanted["points"])
        check(name + ": labels of points", dict(collections.Counter(of for _, _, _, of in points)), wanted["points_by_label"])
    if "largest_end" in wanted:
        check(name + ": largest end", max(key[1] for key in segments), wanted["largest_end"], 1e-6)
        check(name + ": sum", sum(key[1] - key[0] for key in segments), wanted["sum_of_durations"], 1e-4)


def path(name):
    return os.path.join(data, name)


# --- Action segmentation --------------------------------------------------------------------------------------------------------
truths = [name for name in sorted(expected) if name.startswith("action_segmentation/groundTruth/")]
with tempfile.TemporaryDirectory() as folder:
    for name in truths:
        got = records("--from", "frame-labels", "--fps", "15", "--classes", path("action_segmentation/mapping_bf.txt"), path(name))
        compare(name, items_of(got))
        check(name + ": frames", got[0]["frames"], expected[name]["frames"])
        without = records("--fps", "15", "--background", "SIL", path(name))  # --from auto
        check(name + ": without background", len(without[0]["annotations"]), expected[name]["segments"] - expected[name]["by_label"]["SIL"])
        with open(os.path.join(folder, "r.jsonl"), "w", encoding="utf-8") as file:
            file.write(json.dumps(without[0]) + "\n")
        with open(path(name), encoding="utf-8") as file:
            check(name + ": back", convert("--from", "tal", "--to", "frame-labels", "--background", "SIL", os.path.join(folder, "r.jsonl"))[0], file.read())
    check("the folder", len(records("--fps", "15", path("action_segmentation/groundTruth"))), len(truths))
for name in ("01-1", "02-1"):
    compare("action_segmentation/50salads/%s-activityAnnotation.txt" % name, items_of(records(path("action_segmentation/50salads/%s-activityAnnotation.txt" % name))))
compare("action_segmentation/50salads/rgb-01-1.txt", items_of(records(path("action_segmentation/50salads/rgb-01-1.txt"))))

# --- Tables -----------------------------------------------------------------------------------------------------------------------
compare("charades/Charades_v1_test_200.csv", items_of(records(path("charades/Charades_v1_test_200.csv"))))
compare("kinetics/kinetics-400_val.first500.csv", items_of(records(path("kinetics/kinetics-400_val.first500.csv"))))
epic = "epic/EPIC_100_validation.first400.csv"
got = records(path(epic))
compare(epic, items_of(got))
check(epic + ": videos", len(got), expected[epic]["videos"])
nouns = records("--columns", "label=noun_class", path(epic))
check(epic + ": nouns", dict(collections.Counter(item[2]["label"] for item in items_of(nouns))), expected[epic]["by_noun_class"])
named = records("--columns", "label=verb_class", "--classes", path("epic/EPIC_100_verb_classes.csv"), "--durations", path("epic/EPIC_100_video_info.csv"), path(epic))
check(epic + ": named", sum(item[2]["label"] == "take" for item in items_of(named)), expected[epic]["by_label"]["0"])
check(epic + ": durations", all("duration" in record and "fps" in record for record in named), True)
ava = "ava/ava_sample.csv"
got = records(path(ava))
check(ava + ": rows", len(items_of(got)), expected[ava]["rows"])
check(ava + ": videos", len(got), expected[ava]["videos"])
check(ava + ": actions", dict(collections.Counter(item[2]["label"] for item in items_of(got))), expected[ava]["by_action"])
first = got[0]["annotations"][0]
check(ava + ": the first", [got[0]["video"], "%04d" % first["at"], first["box"], first["label"], first["person"]],
      [expected[ava]["first_row"][0], expected[ava]["first_row"][1], [float(x) for x in expected[ava]["first_row"][2:6]], expected[ava]["first_row"][6],
       int(expected[ava]["first_row"][7])])
for name in sorted(expected):
    if name.startswith("multithumos/"):
        got = records(path(name))
        compare(name, items_of(got), label=lambda video, label: video)
        check(name + ": classes", {item[2]["label"] for item in items_of(got)}, {os.path.basename(name)[:-4]})
        check(name + ": subsets", {record["subset"] for record in got}, {"validation", "test"})

# --- JSON -------------------------------------------------------------------------------------------------------------------------
for name in ("soccernet/Labels-v2.json", "soccernet/results_spotting.json"):
    got = records(path(name))
    compare(name, items_of(got))
    check(name + ": halves", {"half " + record["video"].rsplit("/", 1)[1]: len(record.get("annotations", record.get("proposals"))) for record in got},
          expected[name]["by_half"])
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "r.jsonl"), "w", encoding="utf-8") as file:
            file.writelines(json.dumps(record) + "\n" for record in got)
        back = json.loads(convert("--from", "tal", "--to", "soccernet", os.path.join(folder, "r.jsonl"))[0])
    with open(path(name), encoding="utf-8") as file:
        original = json.load(file)
    key = "annotations" if "annotations" in original else "predictions"

    def events(document, key=key):
        return sorted((e["gameTime"], e["position"], e["label"], float(e.get("confidence", 0)), e.get("team"), e.get("visibility")) for e in document[key])
    check(name + ": back", events(back), events(original))
    check(name + ": its members back", {k: v for k, v in back.items() if k not in (key, "UrlLocal")}, {k: v for k, v in original.items() if k not in (key, "UrlLocal")})
compare("soccernet/predictions_v1.subset.json", items_of(records(path("soccernet/predictions_v1.subset.json"))))
spot = "spot/fs_comp_val.json"
got = records(path(spot))
wanted = expected[spot]
frames = sorted((item["at"] * record["fps"], record["video"], item["label"]) for record in got for item in record["annotations"])
check(spot + ": points", len(frames), wanted["points"])
check(spot + ": labels", dict(collections.Counter(label for _, _, label in frames)), wanted["points_by_label"])
told = {(record["video"], round(item["at"] * record["fps"]), item["label"]) for record in got for item in record["annotations"]}
for which in ("first_point", "last_point"):
    check(spot + ": " + which, (wanted[which]["tier"], wanted[which]["start"], wanted[which]["label"]) in told, True)
check(spot + ": videos", len(got), wanted["videos"])
check(spot + ": the first", [got[0]["video"], got[0]["fps"], got[0]["frames"], got[0]["annotations"][0]["at"]],
      [wanted["first_video"][k] for k in ("video", "fps", "num_frames", "first_event_seconds")])
with tempfile.TemporaryDirectory() as folder:
    with open(os.path.join(folder, "r.jsonl"), "w", encoding="utf-8") as file:
        file.writelines(json.dumps(record) + "\n" for record in got)
    back = json.loads(convert("--from", "tal", "--to", "spotting-json", os.path.join(folder, "r.jsonl"))[0])
with open(path(spot), encoding="utf-8") as file:
    check(spot + ": back", back, json.load(file))

# --- Poses ------------------------------------------------------------------------------------------------------------------------
def rows_of(stream):
    values = struct.unpack("<%df" % (stream["rows"] * stream["dim"]), base64.b64decode(stream["data"]))
    return [list(values[i * stream["dim"]:(i + 1) * stream["dim"]]) for i in range(stream["rows"])]


for name in sorted(expected):
    if not name.startswith("pose/"):
        continue
    wanted = expected[name]
    out, err = convert("--from", "pose", "--inline", "--non-finite", "zero", "--fps", "30", path(name))
    got = [json.loads(line) for line in out.splitlines()]
    stream = got[0]["features"]["pose"]
    rows = rows_of(stream)
    missing = int(err.split(" values were not finite")[0].rsplit(" ", 1)[1]) if "not finite" in err else 0
    if "bodyparts" in wanted:
        check(name + ": rows and columns", [stream["rows"], stream["dim"]], [wanted["rows"], wanted["columns"]])
        check(name + ": names", stream["classes"], ["%s.%s" % (part, axis) for part in wanted["bodyparts"] for axis in "xy"])
        check(name + ": missing", missing, wanted["missing_cells"])
        for which, place in (("first_row", 0), ("last_row", -1)):
            told = [float(x) if x else 0 for x in wanted[which][1:]]
            check(name + ": " + which, max(abs(a - b) / max(1, abs(b)) for a, b in zip(rows[place], told)) < 1e-6, True)
        check(name + ": video", got[0]["video"], wanted["first_row"][0].split("/")[-2])
    if "values_shape" in wanted:
        check(name + ": rows and columns", [stream["rows"], stream["dim"]], wanted["values_shape"])
        check(name + ": missing", missing, wanted["missing"])
        check(name + ": sum", sum(map(sum, rows)), wanted["sum"], 0.1)
    if "tracks_shape" in wanted:
        tracks, _, nodes, frames = wanted["tracks_shape"]
        check(name + ": rows", stream["rows"], frames)
        check(name + ": first point", max(abs(a - b) for a, b in zip(rows[0][:2], wanted["first_xy"])) < 1e-4, True)
        check(name + ": nodes", [c[:-2] for c in stream["classes"] if c.endswith(".x")], wanted["node_names"])
        check(name + ": finite", sum(value != 0 for row in rows for c, value in zip(stream["classes"], row) if c[-2:] in (".x", ".y")), wanted["finite"])
        check(name + ": contract", [stream["stride"], stream["window"], stream["fps"]], [1, 1, 30])
    if "pred_points" in wanted:
        check(name + ": frames and points", [stream["rows"], sum(c.endswith(".x") for c in stream["classes"])], [wanted["frames"], wanted["points"]])
    if name.endswith("analysis.csv"):
        check(name + ": columns", stream["classes"], wanted["columns"][3:])
        check(name + ": rows", stream["rows"], wanted["rows"])

# --- The inputs of the protocols --------------------------------------------------------------------------------------------------
protocols = os.path.join(data, "..", "protocols")
if os.path.isdir(protocols):
    segmentation = os.path.join(protocols, "action_segmentation")
    results = records("--from", "frame-labels", "--fps", "15", os.path.join(segmentation, "results", "video_SVM"))
    check("results of action segmentation", len(results), 7)
    for record in results:
        with open(os.path.join(segmentation, "groundTruth", record["video"] + ".txt"), encoding="utf-8") as file:
            check("frames of " + record["video"], record["frames"], len(file.read().split()))
    spotting = records(os.path.join(protocols, "action_spotting", "labels"))
    check("halves of six games", len(spotting), 12)
    with open(os.path.join(protocols, "ego4d_mq", "clip_annotations.json"), encoding="utf-8") as file:
        clips = json.load(file)
    got = records(os.path.join(protocols, "ego4d_mq", "clip_annotations.json"))
    check("clips of Ego4D", {r["video"]: [(i["label"], i["segment"]) for i in r["annotations"]] for r in got},
          {k: [(i["label"], [i["start_time"], i["end_time"]]) for i in v["annotations"]] for k, v in clips.items()})
    got = records(os.path.join(protocols, "epic_detection", "submission.json"))
    with open(os.path.join(protocols, "epic_detection", "submission.json"), encoding="utf-8") as file:
        submission = json.load(file)["results"]
    check("EPIC's results", {r["video"]: [(i["verb"], i["noun"], i["action"], i["segment"], i["score"], i["label"]) for i in r["proposals"]] for r in got},
          {k: [(i["verb"], i["noun"], i["action"], i["segment"], i["score"], str(i["verb"])) for i in v] for k, v in submission.items()})
    with tempfile.TemporaryDirectory() as folder:
        charades = os.path.join(folder, "c.jsonl")
        table = os.path.join(protocols, "charades_localize", "Charades_v1_test.subset.csv")
        with open(charades, "w", encoding="utf-8") as file:
            file.write(convert(table)[0])
        got = records("--from", "charades-results", "--durations", charades, os.path.join(protocols, "charades_localize", "submission.txt"))
        check("Charades' scores of a point", {len(r["proposals"]) % 157 for r in got}, {0})
        check("videos of Charades' results", len(got), 25)
    samples = records("--from", "sample-labels", "--background", "null", os.path.join(protocols, "samplewise", "labels.csv"))
    rows = collections.Counter()
    with open(os.path.join(protocols, "samplewise", "labels.csv"), encoding="utf-8") as file:
        for line in list(file)[1:]:
            subject, _, _, label, prediction = line.rstrip("\n").split(",")
            rows[(subject, label, "annotations")] += 1
            rows[(subject, prediction, "proposals")] += 1
    got = collections.Counter()
    for record in samples:
        for kind in ("annotations", "proposals"):
            for item in record[kind]:
                got[(record["video"], item["label"], kind)] += round((item["segment"][1] - item["segment"][0]) * 50)
    check("samples of each class", dict(got), {k: n for k, n in rows.items() if k[1] != "null"})
print("%d checks, %d failed" % (checks, failures))
sys.exit(1 if failures else 0)
