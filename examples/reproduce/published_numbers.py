#!/usr/bin/env python3
"""Reproduces published scores with tal-convert | tal-nms | tal-eval and prints expected, got and difference.

    published_numbers.py [--all] [--bin BUILD/bin] [DATA]

DATA (default: $TAL_DATA_DIR, else ../shared/data beside the source tree) holds the public files and, in results/expected_numbers.json,
the numbers. The tools are looked for in --bin, $TAL_BIN, build/bin of the source tree and on PATH. Without --all, rows of one group
that agree are printed as one line. Status 1 when a number differs by more than its tolerance: 1e-6, or half a unit of the last
digit that the source prints, and 0.007 for the one group whose source sorted tied scores unstably.
"""
import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXACT = 1e-6
UNSTABLE = 0.007  # ActivityNet's kit sorts unstably: with thousands of exactly tied scores its own numbers hang on the sort at hand


def printed(decimals):
    """Tolerance of a number that was rounded to so many decimals."""
    return 0.5 * 10 ** -decimals + 1e-12


class Table:
    """One line a number; a group that agrees is one line unless `everything`."""

    def __init__(self, everything):
        self.everything, self.bad, self.count, self.rows = everything, 0, 0, []

    def check(self, what, expected, got, tolerance=EXACT):
        self.count += 1
        self.rows.append((what, expected, got, abs(got - expected), tolerance))

    def group(self, title, source):
        if self.rows:
            wrong = [row for row in self.rows if not row[3] <= row[4]]
            self.bad += len(wrong)
            worst = max(self.rows, key=lambda row: row[3] / (row[4] or EXACT))
            for row in self.rows if self.everything else wrong:
                self.line(*row)
            if not self.everything:
                print("  %d of %d agree; closest to its tolerance:" % (len(self.rows) - len(wrong), len(self.rows)))
                self.line(*worst)
        self.rows = []
        if title:
            print("\n%s\n  (%s)" % (title, source))

    @staticmethod
    def line(what, expected, got, difference, tolerance):
        print("  %-52s expected %-12.9g got %-12.9g difference %.2g (tolerance %.2g)%s"
              % (what, expected, got, difference, tolerance, "" if difference <= tolerance else "  <-- DIFFERS"))


class Tools:
    def __init__(self, folder, work):
        self.folder, self.work = folder, work

    def run(self, name, *arguments, text=None):
        """stdout of one tool; `text` is its input."""
        path = os.path.join(self.folder, name) if self.folder else name
        done = subprocess.run([path, "-q", *map(str, arguments)], input=text, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit("%s: %s" % (name, done.stderr.strip()))
        return done.stdout

    def file(self, name, text):
        path = os.path.join(self.work, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path

    def convert(self, source_format, *arguments, text=None):
        return self.run("tal-convert", "--no-history", "--from", source_format, *arguments, text=text)

    def score(self, records, truth, protocol, *arguments):
        return json.loads(self.run("tal-eval", "--protocol", protocol, "--gt", truth, "--format", "json", *arguments, text=records))


def records_of(text):
    return [json.loads(line) for line in text.splitlines()]


def lines_of(records):
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def as_listed(values):
    return ",".join("%.17g" % value for value in values)


def final_recall(curves, tiou, classes):
    """Mean over classes of the last recall in a file of --curves."""
    last = {}
    with open(curves, newline="", encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            if float(row["tiou"]) == tiou:
                last[row["label"]] = float(row["recall"])
    return sum(last.values()) / classes


def scnn(tools, data, want, table):
    """S-CNN: windows of its localization network, weighted, suppressed at tIoU - 0.1, rounded as its result file was, official protocol."""
    table.group("S-CNN (C3D) on THUMOS14", want["source"])
    truth = tools.file("thumos14.jsonl", tools.convert("thumos14-gt", data + "/thumos14/annotations_test"))
    windows = tools.convert("scnn-mat", "--window-weights", data + "/results/scnn/c3d_weight.mat",
                            "--classes", data + "/thumos14/detclasslist_scnn_1to20.txt", data + "/results/scnn/c3d_res_seg_swin.mat")
    for item in want["results"]["c3d"]:
        # MATLAB's sort is stable and its suppression starts at the end of the ascending order: equal scores in reversed order.
        kept = records_of(tools.run("tal-nms", "--no-history", "--method", "greedy", "--threshold", "%.17g" % item["nms_overlap"],
                                    "--ties", "reversed", "--min-score", "-1", text=windows))
        for record in kept:
            for p in record["proposals"]:
                p["segment"] = [float("%.1f" % t) for t in p["segment"]]
                p["score"] = float("%.5g" % p["score"])
        curves = os.path.join(tools.work, "curves.csv")
        report = tools.score(lines_of(kept), truth, "thumos14-official", "--tiou", "%.17g" % item["tiou"], "--curves", curves)
        at = " at %g" % item["tiou"]
        table.check("mAP" + at, item["mAP"], report["map"][0])
        table.check("detections" + at, item["detections_after_nms"], report["predictions"], 0)
        table.check("mean of the final recalls" + at, item["mean_final_recall"], final_recall(curves, item["tiou"], len(report["classes"])))
        for entry in report["classes"]:
            table.check(entry["label"] + at, item["AP"][entry["label"]], entry["ap"][0])


def turn_records(tools, data, name):
    return tools.convert("thumos14-results", "--classes", data + "/thumos14/annotations_test/detclasslist.txt",
                         data + "/results/turn_tap/" + name)


def turn(tools, data, want, table):
    table.group("TURN-FLOW on THUMOS14", want["source"])
    truth = os.path.join(tools.work, "thumos14.jsonl")
    for name, expected in want["mAP"].items():
        report = tools.score(turn_records(tools, data, name), truth, "thumos14-official", "--tiou", as_listed(want["tiou"]))
        for tiou, value, got in zip(want["tiou"], expected, report["map"]):
            table.check("%s at %g" % (name[:-4], tiou), value, got, printed(5))


def activitynet_kit_on_thumos14(tools, data, want, table):
    table.group("TURN-FLOW on THUMOS14 with ActivityNet's rules", want["source"])
    truth = tools.file("thumos_gt.jsonl", tools.convert("activitynet-gt", data + "/thumos14/thumos_gt.json"))
    for name, expected in want["mAP"].items():
        report = tools.score(turn_records(tools, data, name), truth, "activitynet-detection", "--subset", "test", "--tiou", as_listed(want["tiou"]), "--ties-range")
        ties = report["ties_range"]
        for tiou, value, got, low, high in zip(want["tiou"], expected, report["map"], ties["map_lowest"], ties["map_highest"]):
            table.check("%s at %g" % (name[:-4], tiou), value, got, UNSTABLE)
            table.check("  moved into the range of ties %.4f to %.4f" % (low, high), value, min(max(value, low), high), 0)


def autoloc(tools, data, want, table):
    table.group("AutoLoc on THUMOS14", want["source"])
    columns = "video=video-id,start=t-start,end=t-end,label=cls"
    folder = data + "/results/autoloc/"
    truth = tools.file("autoloc.jsonl", tools.convert("segments-csv", "--time", "relative", "--unit-duration", "--columns", columns,
                                                      folder + "thumos14_test_gt.csv"))
    found = tools.convert("detections-csv", "--time", "relative", "--unit-duration", "--columns", columns + ",score=score",
                          folder + "thumos14_test_detections.csv")
    report = tools.score(found, truth, "activitynet-detection", "--tiou", as_listed(want["thumos14"]["tiou"]))
    for tiou, published, computed, got in zip(want["thumos14"]["tiou"], want["thumos14"]["mAP"], want["thumos14"]["computed"], report["map"]):
        table.check("mAP at %g, as published" % tiou, published, got, printed(3))
        table.check("mAP at %g" % tiou, computed, got, printed(4))
    table.check("average mAP, as published", want["thumos14"]["average"], report["average_map"], printed(3))


def blocked_list(tools, data):
    with open(data + "/activitynet/api_action_get_blocked.json", encoding="utf-8") as file:
        return tools.file("blocked.txt", "\n".join(json.load(file)) + "\n")


def activitynet13(tools, data):
    """Path of ActivityNet 1.3's ground truth as records, and the text."""
    path = os.path.join(tools.work, "activitynet13.jsonl")
    if not os.path.exists(path):
        tools.file("activitynet13.jsonl", tools.convert("activitynet-gt", data + "/activitynet/activity_net.v1-3.reconstructed.min.json",
                                                        "--subset", "validation"))
    return path


def sample_detection(tools, data, want, table):
    table.group("ActivityNet 1.3, official sample of detections", want["source"])
    truth = activitynet13(tools, data)
    found = tools.convert("activitynet-results", data + "/activitynet/sample_detection_prediction.json")
    for title, expected, options in (("all videos", want, ()),
                                     ("without the blocked", want["with_api_action_get_blocked"], ("--exclude", blocked_list(tools, data)))):
        report = tools.score(found, truth, "activitynet-detection", "--subset", "validation", *options)
        table.check("instances, " + title, expected["ground_truths"], report["instances"], 0)
        table.check("predictions, " + title, expected["predictions"], report["predictions"], 0)
        table.check("average mAP, " + title, expected["average_mAP"], report["average_map"])
        for tiou, value, got in zip(report["tiou"], expected.get("mAP", []), report["map"]):
            table.check("mAP at %g, %s" % (tiou, title), value, got)


def whole_video(labels):
    """A class of a video as a segment of length 1: average precision of detections is then that of classification."""
    return [{"segment": [0, 1], "label": label} if score is None else {"segment": [0, 1], "label": label, "score": score} for label, score in labels]


def hits(truth, ranked, k):
    """Shares of videos with one annotated class, and mean share of the annotated classes, among the first k."""
    shares = [len(labels & set(ranked.get(video, [])[:k])) / len(labels) for video, labels in truth.items()]
    return sum(share > 0 for share in shares) / len(shares), sum(shares) / len(shares)


def classes_of_videos(path):
    with open(path, encoding="utf-8") as file:
        return {r["video"]: {a["label"] for a in r["annotations"]} for r in map(json.loads, file) if r.get("annotations")}


def ranked_classes(text):
    ranked = {}
    for record in records_of(text):
        scores = record["classification"]
        pairs = scores.items() if isinstance(scores, dict) else [(c["label"], c["score"]) for c in scores]
        ranked[record["video"]] = sorted(pairs, key=lambda pair: -pair[1])
    return ranked


def sample_classification(tools, data, want, table):
    table.group("ActivityNet 1.3, official sample of classifications", want["source"])
    truth = classes_of_videos(activitynet13(tools, data))
    ranked = ranked_classes(tools.convert("activitynet-classification", data + "/activitynet/sample_classification_prediction.json"))
    gt = tools.file("classes.jsonl", lines_of({"video": video, "annotations": whole_video((label, None) for label in sorted(labels))}
                                              for video, labels in truth.items()))
    found = lines_of({"video": video, "proposals": whole_video(pairs)} for video, pairs in ranked.items())
    report = tools.score(found, gt, "custom", "--tiou", "0.5")
    table.check("instances", want["ground_truths"], report["instances"], 0)
    table.check("predictions", want["predictions"], report["predictions"], 0)
    table.check("mAP", want["mAP"], report["map"][0])
    hit, mean_hit = hits(truth, {video: [label for label, _ in pairs] for video, pairs in ranked.items()}, 3)
    table.check("Hit@3", want["hit_at_3"], hit)
    table.check("average Hit@3", want["avg_hit_at_3"], mean_hit)
    fewer = want["with_api_action_get_blocked"]
    report = tools.score(found, gt, "custom", "--tiou", "0.5", "--exclude", blocked_list(tools, data))
    table.check("instances, without the blocked", fewer["ground_truths"], report["instances"], 0)
    table.check("mAP, without the blocked", fewer["mAP"], report["map"][0])


def numpy_random(seed):
    """numpy.random.seed(seed); random_sample(): Python's generator has the same recurrence and doubles, but another seeding."""
    import random
    words = [seed]
    for i in range(1, 624):
        words.append((1812433253 * (words[-1] ^ (words[-1] >> 30)) + i) & 0xFFFFFFFF)
    generator = random.Random()
    generator.setstate((3, tuple(words) + (624,), None))
    return generator.random


def uniform_random_proposals(tools, data, want, table):
    table.group("ActivityNet 1.3, uniformly random proposals", want["recipe"])
    truth, here = activitynet13(tools, data), want["check_here"]
    with open(truth, encoding="utf-8") as file:
        videos = sorted((r["video"], r["duration"]) for r in map(json.loads, file))
    uniform, records = numpy_random(42), []
    for video, duration in videos:
        proposals = []
        for _ in range(want["max_avg_nr_proposals"]):
            center, length = duration * uniform(), duration * uniform()
            proposals.append({"segment": [center - length / 2, center + length / 2], "score": uniform()})
        records.append({"video": video, "proposals": proposals})
    report = tools.score(lines_of(records), truth, "activitynet-proposal", "--exclude", blocked_list(tools, data),
                         "--max-avg-proposals", want["max_avg_nr_proposals"])
    table.check("videos", here["videos"], report["videos"], 0)
    table.check("instances", here["ground_truths"], report["instances"], 0)
    table.check("AUC", here["auc_percent"], report["auc"])
    table.check("AUC of the notebook (other order of videos: level only)", want["auc_percent"], report["auc"], 0.5)


def mmaction2(tools, data, want, table):
    table.group("mmaction2's test of ActivityNet's rules", want["source"])
    folder = data + "/activitynet/mmaction2_eval_localization/"
    truth = tools.file("mmaction2.jsonl", tools.convert("activitynet-gt", "--ids", "strip", folder + "gt.json"))
    found = tools.convert("activitynet-results", folder + "result.json")
    report = tools.score(found, truth, "activitynet-detection")
    for tiou, value, got in zip(want["tiou"], want["mAP"], report["map"]):
        table.check("mAP at %g" % tiou, value, got)
    table.check("average mAP", want["average_mAP"], report["average_map"])


def stale(tools, data, want, table):
    table.group("STALE's best class of each validation video", want["source"])
    truth = classes_of_videos(activitynet13(tools, data))
    with open(data + "/activitynet/stale_best_score.json", encoding="utf-8") as file:
        best = {video[2:] if video.startswith("v_") else video: [entry["class"]] for video, entry in json.load(file).items()}
    table.check("videos", want["videos"], sum(video in best for video in truth), 0)
    table.check("correct", want["correct"], round(hits(truth, best, 1)[0] * len(truth)), 0)


GROUPS = {
    "thumos14_scnn": scnn, "thumos14_turn_tap": turn, "thumos14_activitynet_kit": activitynet_kit_on_thumos14, "autoloc": autoloc,
    "activitynet13_sample_detection": sample_detection, "activitynet13_sample_classification": sample_classification,
    "activitynet13_uniform_random_proposals": uniform_random_proposals, "mmaction2_eval_localization": mmaction2, "stale_best_score": stale,
}


def tool_folder(given):
    for folder in (given, os.environ.get("TAL_BIN"), os.path.join(SOURCE, "build", "bin")):
        if folder and os.path.exists(os.path.join(folder, "tal-eval")):
            return os.path.abspath(folder)
    return ""  # PATH


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", nargs="?", default=os.environ.get("TAL_DATA_DIR", os.path.join(SOURCE, "..", "shared", "data")))
    parser.add_argument("--bin", help="folder of the tools")
    parser.add_argument("--all", action="store_true", help="print every number")
    arguments = parser.parse_args()
    expected = os.path.join(arguments.data, "results", "expected_numbers.json")
    if not os.path.exists(expected):
        sys.exit("no data: " + expected + " does not exist")
    with open(expected, encoding="utf-8") as file:
        wanted = {name: value for name, value in json.load(file).items() if isinstance(value, dict)}
    table = Table(arguments.all)
    for name in wanted:
        if name not in GROUPS:
            table.bad += 1
            print("%s: no recipe for this group" % name)
    with tempfile.TemporaryDirectory() as work:
        tools = Tools(tool_folder(arguments.bin), work)
        for name, reproduce in GROUPS.items():
            if name in wanted:
                reproduce(tools, arguments.data, wanted[name], table)
        table.group("", "")
    print("\n%d numbers, %d differ" % (table.count, table.bad))
    return 1 if table.bad else 0


if __name__ == "__main__":
    sys.exit(main())
