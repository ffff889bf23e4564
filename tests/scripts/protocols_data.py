#!/usr/bin/env python3
# label: real-data
# limit: 1200
"""The neighbours' protocols give the numbers of their fields' own code, every one of them, on the inputs of TAL_DATA_DIR/protocols.
Each folder's files become records here, in a few lines; expected.json beside them says what the field's code printed."""
import csv
import glob
import json
import math
import os
import sys
import tempfile

from harness import check, finish, need, tool

need("tal-eval", why="tal-eval is not built")
DATA = os.path.join(os.environ.get("TAL_DATA_DIR", os.path.join(os.environ.get("TAL_SOURCE", "."), "..", "shared", "data")), "protocols")
if not os.path.isdir(DATA):
    print("SKIPPED: no data: " + DATA + " is not there")
    sys.exit(77)
TOLERANCE = 1e-9  # absolute: sums of other orders; rates of classes without reference (1e15) are compared relatively
folder = tempfile.TemporaryDirectory()
worst, numbers = {}, 0


def expected(name):
    with open(os.path.join(DATA, name, "expected.json"), encoding="utf-8") as file:
        return json.load(file)


def rows(*parts, **how):
    with open(os.path.join(DATA, *parts), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, **how))


def load(*parts):
    with open(os.path.join(DATA, *parts), encoding="utf-8") as file:
        return json.load(file)


def save(name, records):
    path = os.path.join(folder.name, name)
    with open(path, "w", encoding="utf-8") as out:
        out.writelines(json.dumps(record) + "\n" for record in records)
    return path


def report(protocol, truth, found, *arguments):
    return json.loads(tool("tal-eval", "--protocol", protocol, "--gt", truth, "-i", found, "--format", "json", *arguments).stdout)


def same(got, want, where):
    """Numbers, and lists and objects of them, down to the last."""
    global numbers
    if isinstance(want, dict):
        if check(isinstance(got, dict) and set(want) <= set(got), f"{where}: lacks {sorted(set(want) - set(got))}"):
            for key in want:
                same(got[key], want[key], f"{where}.{key}")
    elif isinstance(want, list):
        if check(isinstance(got, list) and len(got) == len(want), f"{where}: {got} instead of {want}"):
            for i, (a, b) in enumerate(zip(got, want)):
                same(a, b, f"{where}[{i}]")
    elif want is None or isinstance(want, str):
        check(got == want, f"{where}: {got} instead of {want}")
    else:
        numbers += 1
        difference = math.inf if got is None else abs(got - want) / max(1, abs(want))
        group = where.split(".")[0].split("[")[0]
        worst[group] = max(worst.get(group, 0), difference)
        check(difference <= TOLERANCE, f"{where}: {got} instead of {want}")


def runs(labels):
    """[first, end) and label of each run of equal labels."""
    out, begin = [], 0
    for i in range(1, len(labels) + 1):
        if i == len(labels) or labels[i] != labels[begin]:
            out.append((begin, i, labels[begin]))
            begin = i
    return out


def segments(labels, rate):
    return [{"segment": [a / rate, b / rate], "label": label} for a, b, label in runs(labels) if label != "null"]


def by_key(entries, key="label"):
    return {entry[key]: entry for entry in entries}


def segmentation():
    want, rate = expected("action_segmentation")["results"], 15
    base = os.path.join(DATA, "action_segmentation")
    videos = [os.path.splitext(name)[0] for name in open(os.path.join(base, "splits", "test.split1.bundle"), encoding="utf-8").read().split()]
    labels = lambda *path: open(os.path.join(base, *path), encoding="utf-8").read()
    truth, lengths = [], {}
    for video in videos:
        frames = labels("groundTruth", video + ".txt").split()
        lengths[video] = len(frames)
        truth.append({"video": video, "fps": rate, "duration": len(frames) / rate, "annotations": segments(frames, rate)})
    truth = save("segmentation.jsonl", truth)
    for system, settings in want.items():
        found = save("found.jsonl", [{"video": v, "proposals": segments(labels("results", system, v).split("\n")[1].split(), rate)} for v in videos])
        for setting, numbers_of in settings.items():
            got = report("segmentation", truth, found, *(["--count-background"] if setting == "all_classes" else []))
            where = f"segmentation.{system}.{setting}"
            scores, pooled = got["scores"], got["overlaps"]
            same([scores["accuracy"], scores["edit"]] + [scores[f"f1@{k}"] for k in (10, 25, 50)],
                 [numbers_of["accuracy"], numbers_of["edit"]] + [numbers_of[f"F1@{k}"] for k in (10, 25, 50)], where)
            for part in "tp", "fp", "fn":
                same([entry[part] for entry in pooled], numbers_of[part], f"{where}.{part}")
            videos_of = by_key(got["by_video"], "video")
            for video, each in numbers_of["per_video"].items():
                entry = videos_of[video]
                same(entry, {k: each[k] for k in ("frames", "correct", "edit")}, f"{where}.{video}")
                for k in 10, 25, 50:
                    same([entry[f"{part}@{k}"] for part in ("tp", "fp", "fn")], each[f"tp_fp_fn@{k}"], f"{where}.{video}@{k}")


def samples():
    want, rate = expected("samplewise")["results"], 50
    subjects = {}
    for row in rows("samplewise", "labels.csv"):
        subjects.setdefault(row["subject"], []).append((row["label"], row["prediction"]))
    truth = save("samples.jsonl", [{"video": s, "fps": rate, "duration": len(r) / rate, "annotations": segments([a for a, _ in r], rate)} for s, r in subjects.items()])
    found = save("found.jsonl", [{"video": s, "proposals": segments([b for _, b in r], rate)} for s, r in subjects.items()])
    got = report("samples", truth, found)
    same({k: got[k] for k in ("accuracy", "balanced_accuracy", "cohen_kappa", "matthews")},
         {k: want[k] for k in ("accuracy", "balanced_accuracy", "cohen_kappa", "matthews")}, "samples")
    names = ["null" if c["label"] is None else c["label"] for c in got["classes"]]
    order = [names.index(c) for c in want["confusion_labels"]]
    same([[got["confusion"][i][j] for j in order] for i in order], want["confusion_matrix"], "samples.confusion")
    for kind in "with_null", "without_null":
        for label, scores in want["per_class_" + kind].items():
            entry = got["classes"][names.index(label)]
            same(entry, {k: scores[k] for k in ("precision", "recall", "f1")} | {"samples": scores["support"]}, f"samples.{kind}.{label}")
        for average, member in (("macro", "mean"), ("micro", "micro"), ("weighted", "weighted")):
            same(got[member + ("" if kind == "with_null" else "_without_null")], want[f"{average}_{kind}"], f"samples.{average}_{kind}")
    for subject, scores in want["per_subject"].items():
        entry = by_key(got["by_video"], "video")[subject]
        same([entry["accuracy"], entry["f1"]], [scores["accuracy"], scores["macro_f1_with_null"]], f"samples.{subject}")


def soccernet():
    file = expected("action_spotting")
    truth, found = [], []
    for game in file["games"]:
        halves = {"1": ([], []), "2": ([], [])}
        for a in load("action_spotting", "labels", game, "Labels-v2.json")["annotations"]:
            halves[a["gameTime"][0]][0].append({"at": int(a["position"]) / 1000, "label": a["label"], "visibility": a["visibility"]})
        for p in load("action_spotting", "predictions", game, "results_spotting.json")["predictions"]:
            halves[p["half"]][1].append({"at": int(p["position"]) / 1000, "label": p["label"], "score": float(p["confidence"])})
        for half, (annotations, proposals) in halves.items():
            truth.append({"video": f"{game}/{half}", "annotations": annotations})
            found.append({"video": f"{game}/{half}", "proposals": proposals})
    got = report("soccernet", save("soccernet.jsonl", truth), save("found.jsonl", found))
    check([c["label"] for c in got["classes"]] == file["classes"], "soccernet: the 17 classes")
    for metric, want in file["results"].items():
        for kind in "", "_visible", "_unshown":
            same(got["scores"][metric + "_map" + kind], want["a_mAP" + kind], f"soccernet.{metric}{kind}")
            same([c[metric + kind] for c in got["classes"]], want["a_mAP_per_class" + kind], f"soccernet.{metric}{kind}.classes")


def sound_events():
    file = expected("sound_events")
    tab = {"delimiter": "\t"}
    videos = {row["filename"]: {"video": row["filename"], "duration": float(row["duration"]), "annotations": []} for row in rows("sound_events", "dcase2019t4_meta.csv", **tab)}
    event = lambda row: {"segment": [float(row["onset"]), float(row["offset"])], "label": row["event_label"]}
    for row in rows("sound_events", "dcase2019t4_gt.csv", **tab):
        if row["event_label"]:
            videos[row["filename"]]["annotations"].append(event(row))
    truth = save("sounds.jsonl", videos.values())
    points = {}
    for path in sorted(glob.glob(os.path.join(DATA, "sound_events", "operating_points", "*.csv"))):
        by_video = {}
        for row in rows("sound_events", "operating_points", os.path.basename(path), **tab):
            if row["event_label"]:
                by_video.setdefault(row["filename"], []).append(event(row))
        points[os.path.basename(path)] = save(os.path.basename(path) + ".jsonl", [{"video": v, "proposals": e} for v, e in by_video.items()])
    for name, want in file["psds"].items():
        s = want["settings"]
        setting = [s["dtc_threshold"], s["gtc_threshold"], 0.3 if s["cttc_threshold"] is None else s["cttc_threshold"], s["alpha_ct"], s["alpha_st"], s["max_efpr"]]
        first = want["macro_f_score_of"]
        others = [word for point, path in points.items() if point != first for word in ("--operating-point", path)]
        got = report("sound-events", truth, points[first], "--psds", ",".join(map(repr, setting)), *others)["psds"][0]
        where = f"sound-events.{name}"
        same([got["psds"], got["f1_macro"]], [want["psds"], want["macro_f_score"]], where)
        same(dict(zip(got["classes"], got["f1"])), want["f_score_per_class"], where + ".f1")
        same(got["efpr"], want["psd_roc_x"], where + ".efpr")
        same(got["etpr"], want["psd_roc_y"], where + ".etpr")
        check(got["classes"] == want["classes"][:-1], f"{where}: {got['classes']}")
        found = {os.path.basename(p["source"]).removesuffix(".jsonl"): p for p in got["operating_points"]}
        found[first] = found.pop("the stream")
        for point in want["operating_points"]:
            same(found[point["file"]], {k: point[k] for k in ("counts", "tpr", "fpr")}, f"{where}.{point['file']}")
    options = {"event_based_collar200": [], "event_based_collar500_onset": ["--collar", "0.5", "--onset-only"], "segment_based_1s": []}
    for point, metrics in file["sed_eval"].items():
        for metric, want in metrics.items():
            got, kind = report("sound-events", truth, points[point], *options[metric]), metric.split("_")[0]
            where = f"sound-events.{point}.{metric}"
            for member, part in ((f"{kind}_based", "overall"), (f"{kind}_based_macro", "macro")):
                for group, scores in want[part].items():
                    same(got[member], {{"f_measure": "f1"}.get(k, k): v for k, v in scores.items()}, f"{where}.{part}.{group}")
            classes = by_key(got[kind + "_classes"])
            for label, groups in want["per_class"].items():
                for group, scores in groups.items():
                    same(classes[label], {{"f_measure": "f1", "Nref": "reference", "Nsys": "system"}.get(k, k): v for k, v in scores.items()}, f"{where}.{label}.{group}")


def epic():
    want = expected("epic_detection")["results"]

    def seconds(text):
        h, m, s = text.split(":")
        return int(h) * 3600 + int(m) * 60 + float(s)

    videos = {}
    for row in rows("epic_detection", "annotations.csv"):
        videos.setdefault(row["video_id"], []).append({"segment": [seconds(row["start_timestamp"]), seconds(row["stop_timestamp"])], "label": f"{row['verb_class']},{row['noun_class']}"})
    found = [{"video": v, "proposals": [{"segment": p["segment"], "score": p["score"], "label": p["action"]} for p in ps]} for v, ps in load("epic_detection", "submission.json")["results"].items()]
    got = report("epic", save("epic.jsonl", [{"video": v, "annotations": a} for v, a in videos.items()]), save("found.jsonl", found))
    tasks = by_key(got["tasks"], "task")
    for task, numbers_of in want.items():
        entry = tasks[task]
        same([entry["average_map"], entry["classes"]] + [entry[f"tIoU 0.{k}"] for k in range(1, 6)],
             [numbers_of["average_mAP"], numbers_of["classes"]] + numbers_of["mAP"], f"epic.{task}")


def of_activitynet(*parts):
    """Detections in ActivityNet's layout of results."""
    return [{"video": v, "proposals": ps} for v, ps in load(*parts)["results"].items()]


def detections(protocol, truth, found, want, *arguments, key="map", average="average_map"):
    got = report(protocol, truth, found, *arguments)
    same(got[average], want["average_mAP"], protocol + ".average")
    if "mAP" in want:
        same(got[key], want["mAP"], protocol + ".mAP")
    classes = by_key(got["classes"])
    check(set(classes) == set(want["ap_per_class"]), f"{protocol}: other classes")
    for label, ap in want["ap_per_class"].items():
        same(classes[label]["ap"], ap, f"{protocol}.{label}")
    return got


def ego4d():
    want = expected("ego4d_mq")["results"]
    clips = load("ego4d_mq", "clip_annotations.json")
    truth = save("ego4d.jsonl", [{"video": c["clip_id"], "duration": c["duration"], "fps": c["fps"], "subset": c["subset"],
                                  "annotations": [{"segment": [a["start_time"], a["end_time"]], "label": a["label"]} for a in c["annotations"]]} for c in clips.values()])
    got = detections("ego4d-mq", truth, save("found.jsonl", of_activitynet("ego4d_mq", "detections.json")), want, "--subset", "val")
    check(got["recall_tiou"] == want["recall_tiou"] and list(map(int, got["recall_at"])) == want["recall_k"], "ego4d-mq: thresholds and k")
    for t in range(len(want["recall_tiou"])):
        same([got["recall_at"][str(k)]["recall"][t] for k in want["recall_k"]], want["recall_kx"][t], f"ego4d-mq.recall[{t}]")


def multithumos():
    want = expected("multithumos_map")["results"]
    truth = save("multithumos.jsonl", [{"video": v, "duration": e["duration"], "subset": e["subset"], "annotations": e["annotations"]} for v, e in load("multithumos_map", "annotations.json")["database"].items()])
    got = detections("multithumos", truth, save("found.jsonl", of_activitynet("multithumos_map", "detections.json")), want)
    same([got["instances"], got["predictions"], got["tiou"]], [want["ground_truths"], want["predictions"], want["tiou"]], "multithumos")
    for t in range(len(want["tiou"])):
        same([got["recall_at"][str(k)]["class_mean"][t] for k in want["recall_k"]], want["recall_topkx"][t], f"multithumos.recall[{t}]")


def charades():
    want = expected("charades_localize")["results"]
    truth, lengths = [], {}
    for row in rows("charades_localize", "Charades_v1_test.subset.csv"):
        lengths[row["id"]] = float(row["length"])
        parts = [action.split() for action in row["actions"].split(";") if action]
        truth.append({"video": row["id"], "duration": lengths[row["id"]], "annotations": [{"segment": [float(a), float(b)], "label": c} for c, a, b in parts]})
    found = {}
    for line in open(os.path.join(DATA, "charades_localize", "submission.txt"), encoding="utf-8"):
        video, frame, *scores = line.split()
        at = (int(frame) - 1) / 25 * lengths[video]
        found.setdefault(video, []).extend({"at": at, "label": "c%03d" % c, "score": float(s)} for c, s in enumerate(scores))
    got = report("charades", save("charades.jsonl", truth), save("found.jsonl", [{"video": v, "proposals": p} for v, p in found.items()]))
    same([got["points"], got["classes_with_positives"]], [want["frames"], want["classes_with_positives"]], "charades")
    same(got["scores"], {"map": want["mAP_over_classes_with_positives"], "map_as_written": want["mAP_as_written"], "weighted_ap": want["weighted_AP"]}, "charades.scores")
    same([c["ap"] for c in got["classes"]], want["ap_per_class"], "charades.ap")
    same([c["positives"] for c in got["classes"]], want["positives_per_class"], "charades.positives")


def detad():
    file = expected("detad")
    want = file["results"]
    truth = []
    for video, entry in load("detad", "annotations.json")["database"].items():
        kept = [a for a in entry["annotations"] if a["coverage"] <= 1 and a["length"] > 0]
        truth.append({"video": video, "duration": kept[0]["length"] / kept[0]["coverage"], "annotations": [{"segment": a["segment"], "label": a["label"]} for a in kept]})
    truth, found = save("detad.jsonl", truth), save("found.jsonl", of_activitynet("detad", "detections.json"))
    detections("custom", truth, found, want["plain"], "--tiou", "0.5")
    got = detections("thumos14-detad", truth, found, want["normalised"], "--diagnose", average="average_map_n")
    same([got["instances"], got["predictions"], got["instances"] / len(got["classes"])],
         [want["normalised"]["ground_truths"], want["normalised"]["predictions"], want["normalised"]["average_instances_per_class"]], "detad")
    diagnosis = got["diagnosis"]
    for ours, theirs in (("coverage", "coverage"), ("length", "length"), ("instances", "num-instances")):
        names, buckets = file["bins"][theirs][1], diagnosis["sensitivity"][ours]["buckets"]
        same([b["average_map_n"] for b in buckets], [want["sensitivity"][theirs][name] for name in names], f"detad.{ours}")
    profile = want["diagnosis_10G"]
    same(diagnosis["average_map_n"], profile["average_mAP_N"], "detad.diagnosis")
    names = {"True Positive": "true positive", "Double Detection Err": "double detection", "Wrong Label Err": "wrong label", "Localization Err": "localization",
             "Confusion Err": "confusion", "Background Err": "background"}
    kinds = by_key(diagnosis["kinds"], "kind")
    for theirs, count in profile["error_counts"]["0.5"].items():
        same(sum(kinds[names[theirs]]["top"]), count, f"detad.kinds.{theirs}")
    for theirs, gain in profile["average_mAP_gain"].items():
        same(kinds[names[theirs]]["gain"], gain, f"detad.gain.{theirs}")


CASES = {"action_segmentation": segmentation, "samplewise": samples, "action_spotting": soccernet, "sound_events": sound_events, "epic_detection": epic, "ego4d_mq": ego4d,
         "multithumos_map": multithumos, "charades_localize": charades, "detad": detad}
for name in sorted(os.listdir(DATA)):
    if os.path.isdir(os.path.join(DATA, name)) and (len(sys.argv) == 1 or name in sys.argv[1:]) and check(name in CASES, f"nothing compares {name}"):
        CASES[name]()
for protocol, difference in worst.items():
    print(f"{protocol}: largest difference {difference:.2g}")
print(f"{numbers} numbers compared")
finish()
