#!/usr/bin/env python3
# label: cli
# cost: 150
# limit: 1800
"""examples/{bsnpp,rpn,cmsn,etp,sptad,hapt}: tables made end to end on synthetic features and on recordings in HAPT's layout at tiny settings; every other
target expands; missing data are said."""
import json
import os
import re
import subprocess
import tempfile

from harness import BIN, check, finish, need, recordings

SOURCE = os.environ["TAL_SOURCE"]
need("tal-train", why="this build has no LibTorch, so no models")
need("make", why="no make")


def make(example, *arguments, status=0):
    done = subprocess.run(["make", "-C", os.path.join(SOURCE, "examples", example), "--no-print-directory", "BIN=" + BIN, *arguments], capture_output=True, text=True, timeout=900)
    check((done.returncode == 0) == (status == 0), f"make -C examples/{example} {' '.join(arguments)}: status {done.returncode}: {done.stderr[-800:]}")
    return done.stdout, done.stderr


def cells(table, row):
    """Numbers of a table's row: the plain ones, or mean and spread; None for "-"."""
    found = re.search(r"^\| " + re.escape(row) + r" \|((?: (?:-|[0-9.]+(?: \([0-9.]+\))?) \|)+)$", table, re.MULTILINE)
    check(found is not None, f"row '{row}' in\n{table[-1500:]}")
    return [None if x == "-" else float(x) for x in re.findall(r"-|[0-9.]+", found.group(1))] if found else []


def per_cent(values):
    return all(value is not None and 0 <= value <= 100 for value in values)


def videos(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line)["video"] for line in file]


def recalls(path):
    """What a table's row says of a file of tal-eval's: AR@AN, nothing where there are fewer proposals, which a network of one epoch may leave of every AN."""
    with open(path, encoding="utf-8") as file:
        result = json.load(file)
    check(per_cent([100 * max(row) for row in result["recall"]]), f"{path}: recall")
    return [round(100 * value, 2) if float(number) <= result["an"][-1] else None for number, value in result["ar_at"].items() if number in ("50", "100", "200")]


RUNS_OF_CMSN = {"without PES": "without-pes", "with PES": "with-pes"}


def class_precisions(path, tiou):
    """{class: AP in per cent at a tIoU}, and their mean as mAP."""
    with open(path, encoding="utf-8") as file:
        result = json.load(file)
    k = result["tiou"].index(tiou)
    found = {item["label"]: 100 * item["ap"][k] for item in result["classes"]}
    return {**found, "mAP": sum(found.values()) / len(found)}


RPN = ["table1", "table2", "table3", "table4", "table5", "fig5", "fig6", "fig7", "TABLE1=B2-mtl-heads1", "TABLE3=B2-kl-mtl B2-kl-mtl-ev", "TABLE4=rnn", "TABLE4_OURS=B2-kl-mtl-ev",
       "TABLE5=B2-kl-mtl-ev", "FIG7=B2-kl-mtl-ev"]


def published_numbers_of_rpn():
    """Every row of examples/rpn/published.json stands in the paper, its numbers in that order."""
    path = os.path.join(SOURCE, "..", "shared", "papers", "rpn-recurrent-attention.txt")
    if not os.path.exists(path):
        print("SKIPPED: no data: " + path)
        return
    with open(path, encoding="utf-8") as file:
        paper = file.read()
    with open(os.path.join(SOURCE, "examples", "rpn", "published.json"), encoding="utf-8") as file:
        tables = json.load(file)
    rows = [(label, " ".join(f"{number:.2f}" for number in row.values())) for table in tables.values() for part in table.values() for label, row in part.items()]
    check(len(rows) == 84 and all(numbers in paper for _, numbers in rows), f"rpn: not in the paper: {[row for row in rows if row[1] not in paper]}")


def tables_of_rpn(out, folder):
    """Unit, segment and combined scores are betas 0, 1 and the best of the sweep printed below; the paper's numbers stand beside; Table 4 repeats Table 3; pictures."""
    for table, row, by in (("table1", "table1-B2-mtl-heads1", "auc"), ("table3", "table3-B2-kl-mtl-ev", "100")):
        with open(os.path.join(folder, row + ".sweep.jsonl"), encoding="utf-8") as file:
            sweep = [json.loads(line) for line in file]
        measure = lambda line: line["auc"] if by == "auc" else line["ar_at"][by]
        best = max(sweep, key=measure)
        with open(os.path.join(folder, table + ".md"), encoding="utf-8") as file:
            text = file.read()
        ours = [number for line in (sweep[0], sweep[-1], best) for number in (float(f"{100 * line['ar_at']['100']:.2f}"), float(f"{line['auc']:.2f}"))]
        values = cells(text, row)
        check(values[::2] == ours, f"rpn: {row}: {values}, the sweep says {ours}")
        check(values[1::2] == ([73.55, 64.53, 73.03, 64.05, 74.06, 65.33] if table == "table1" else [44.30, 31.81, 44.86, 33.05, 47.49, 35.21]), f"rpn: published: {values}")
        check(f"**{100 * max(line['ar_at']['100'] for line in sweep):.2f}**" in text and f"**{max(line['auc'] for line in sweep):.2f}**" in text, f"rpn: {table}: the sweep is printed")
    kl = cells(out, "table3-B2-kl-mtl-ev")
    for name, part in (("segment", 4), ("combined", 8)):
        row = cells(out, f"table3-B2-kl-mtl-ev, {name}")
        check(row == kl[part:part + 4], f"rpn: table 4 has the {name} scores of table 3: {row}, {kl}")
    check(cells(out, "BSN") == [None, 74.16, None, 66.17], "rpn: table 2 has the others' published numbers")
    check(cells(out, "RTD-Net")[1::2] == [73.21, 65.78], "rpn: of every one")
    for name in ("fig5", "fig6", "fig7"):
        with open(os.path.join(folder, name + ".html"), encoding="utf-8") as file:
            check("<svg" in file.read(), "rpn: " + name)


published_numbers_of_rpn()
TINY = ["DATA=synth", "SYNTH_VIDEOS=3", "EPOCHS=1", "THREADS=1"]
with tempfile.TemporaryDirectory() as folder:
    for example, arguments, rows in (
        ("bsnpp", ["STREAMS=a-rgb+a-flow b", "GRID=2", "ensembles", "table1", "boundaries"],
         ["BSN++ on b", "BMN on a-rgb+a-flow", "all encoders, equal weights", "weights by grid search", "and BMN on every encoder, weights by scores", "+ (D) BMN's detections", "backward pass", "both, Eq. (1)"]),
        ("rpn", RPN, ["table1-B2-mtl-heads1", "table3-B2-kl-mtl", "table3-B2-kl-mtl-ev", "table4-rnn"]),
        ("cmsn", ["table4"], ["without PES", "with PES"]),
        ("etp", ["table1", "table3", "UNITS=16"], ["ETP", "RGB", "flow", "RGB + flow (late fusion)", "RGB + flow (early fusion, not the paper's)"]),
    ):
        out, _ = make(example, *TINY, "OUT=" + os.path.join(folder, example), *arguments)
        check("Data: synthetic features of tal-synth, 3 videos" in out and "not comparable with the paper" in out, f"{example}: the table says on what data")
        for row in rows:
            values = cells(out, row)
            if example == "cmsn":
                check(values == recalls(os.path.join(folder, example, RUNS_OF_CMSN[row] + ".result.json")), f"{example}: {row}: {values}")
            else:
                check(per_cent(values), f"{example}: {row}: {values}")
        if example == "bsnpp":
            with open(os.path.join(folder, example, "weights-A.json"), encoding="utf-8") as file:
                kept = json.load(file)
            check([m.rsplit("/", 1)[1] for m in kept["members"]] == ["bsnpp-a-rgb+a-flow.safetensors", "bsnpp-b.safetensors"] and abs(sum(kept["weights"]) - 1) < 1e-9,
                  f"the weights of the ensemble are kept: {kept}")
            _, errors = make(example, "STREAMS=a", *TINY, "OUT=" + os.path.join(folder, "one"), "ensembles", status=2)
            check("several encoders" in errors, "one encoder makes no ensemble: " + errors)
        if example == "rpn":
            tables_of_rpn(out, os.path.join(folder, example))
        plan, _ = make(example, *TINY, "OUT=" + os.path.join(folder, example), "-n", "all")
        check("tal-train" in plan and "table.py" in plan, f"{example}: every table expands")
        _, errors = make(example, "OUT=" + os.path.join(folder, "none"), "DATA=" + os.path.join(folder, "nowhere"), "all", status=2)
        check("nowhere/" in errors and "DATA=synth" in errors, f"{example}: missing data are said: {errors}")
    # ETP class by class: its Table 2 and Figures 5 and 6 are the evaluator's numbers, and the last line their mean.
    out = os.path.join(folder, "etp")
    for target, runs in (("table2", ["with-rn"]), ("fig5", ["without-rn", "with-rn"]), ("fig6", ["stpf", "with-rn"])):
        printed, _ = make("etp", *TINY, "OUT=" + out, "UNITS=16", target)
        columns = [class_precisions(os.path.join(out, run + ".result.json"), 0.5) for run in runs]
        check(len(columns[0]) == 4, f"etp: {target}: three classes and their mean: {columns}")
        better = 0
        for name in columns[0]:
            want = [column[name] for column in columns]
            gain = want[-1] - want[0]
            better += name != "mAP" and gain > 0
            line = re.search(r"^\| " + name + r" \|(.*)\|$", printed, re.MULTILINE)
            got = [float(x) for x in re.findall(r"[-+]?[0-9.]+", line.group(1))] if line else []
            want += [gain] if target != "table2" else []
            check(len(got) == len(want) and all(abs(a - b) < 0.0051 for a, b in zip(got, want)), f"etp: {target}: {name}: {got}, not {want}")
        check(target == "table2" or f"ETP is better in {better} of 3 classes." in printed, f"etp: {target}: {printed[-300:]}")
    _, errors = make("bsnpp", "hapt", "HAPT=" + folder, "HAPT_OUT=" + os.path.join(folder, "hapt"), status=2)
    check("segments.csv" in errors and "HAPT=/folder" in errors, "missing HAPT is said: " + errors)
    with open(os.path.join(folder, "segments.csv"), "w", encoding="utf-8"):
        pass
    plan, _ = make("bsnpp", "-n", "hapt", "HAPT=" + folder, "HAPT_OUT=" + os.path.join(folder, "hapt"))
    check("--from signals" in plan and "--model bmn" in plan and "table.py" in plan, "the HAPT target expands: " + plan[-800:])

    # The systems on recordings in HAPT's layout: found by DATA alone, several seeds, curves and timelines.
    data = os.path.join(folder, "recordings")
    recordings(data, 5)
    quick = ["DATA=" + data, "EPOCHS=1", "THREADS=1"]
    for example, arguments, table, rows in (
        ("etp", ["UNITS=32", "AN_EPOCHS=200", "SEEDS=0 1", "hapt"], "chain.md", ["ETP", "without Refinement Network", "ETP, tuned"]),
        ("cmsn", ["TABLE5=vmcl-10", "hapt"], "table4.md", ["without PES", "with PES"]),
        ("sptad", ["HAPT_EPOCHS=1", "SEEDS=0 1", "hapt"], "hapt.md", ["SP-TAD"]),
        ("rpn", ["SEEDS=0 1", "hapt"], "table.md", ["RPN"]),
    ):
        out = os.path.join(folder, "hapt-" + example)
        printed, _ = make(example, *quick, "OUT=" + out, *arguments)
        with open(os.path.join(out, table), encoding="utf-8") as file:
            text = file.read()
        check(text in printed and "Data: HAPT" in text, f"{example}: the table is printed and says on what data")
        seeds = 2 if "SEEDS=0 1" in arguments else 1
        columns = len(text.splitlines()[4].split("|")) - 3
        for row in rows:
            values = cells(text, row)
            right = values == recalls(os.path.join(out, RUNS_OF_CMSN[row] + ".result.json")) if example == "cmsn" else per_cent(values)
            check(right and len(values) == columns * seeds, f"{example}: {columns} columns of {seeds} seeds: {values}")
        pictures = [name for name in os.listdir(out) if name.endswith(".html")]
        check(len(pictures) == 2, f"{example}: curves and a timeline: {pictures}")
    out = os.path.join(folder, "hapt-etp")
    check(os.path.exists(os.path.join(out, "seed-1", "with-rn.result.json")), "a folder a seed")
    trained = videos(os.path.join(out, "hapt-train.jsonl"))
    for name in ("an.train.jsonl", "tuned-an.train.jsonl"):
        proposed = videos(os.path.join(out, "seed-0", name))
        check(len(trained) == 3 and proposed == trained, f"etp: {name}: proposals on every training recording, in order: {proposed}")
    for k in range(3):
        seen = videos(os.path.join(out, "seed-0", f"tuned-but-{k + 1}.train.jsonl"))
        check(seen == trained[:k] + trained[k + 1:], f"etp: fold {k + 1} learns from the others: {seen}")
    printed, _ = make("etp", *quick, "OUT=" + out, "UNITS=32", "AN_EPOCHS=200", "SEEDS=0 1", "fig7")
    for row in ("without Refinement Network", "unit length 32"):
        values = cells(printed, row)
        check(len(values) == 16 and per_cent(values), f"etp: figure 7: {row}: {values}")
    out = os.path.join(folder, "hapt-all")
    printed, _ = make("hapt", *quick, "OUT=" + out)  # its first target alone
    for row, columns in (("RPN", 2), ("RPN + segment classifier", 8)):
        values = cells(printed, row)
        check(len(values) == columns and per_cent(values), f"hapt: {row}: {values}")
    check({"training.html", "timeline.html"} <= set(os.listdir(out)), "hapt: curves and a timeline")
    # Leave one subject out: who is in which part, 50 samples of three axes a row, the mean of the folds; what is there is not made again.
    out = os.path.join(folder, "hapt-loso")
    arguments = ["DATA=" + data, "THREADS=1", "OUT=" + out, "LOSO_EPOCHS=1", "SUBJECTS=01 04", "loso"]
    printed, _ = make("hapt", *arguments)
    loso = os.path.join(out, "loso")
    everyone = [f"exp{k:02d}_user{k:02d}" for k in range(1, 6)]
    for k in (0, 3):
        subject = f"{k + 1:02d}"
        check(videos(os.path.join(loso, f"train-{subject}.jsonl")) == everyone[:k] + everyone[k + 1:] and videos(os.path.join(loso, f"test-{subject}.jsonl")) == [everyone[k]],
              f"hapt: fold {subject}: one subject is left out")
    with open(os.path.join(loso, "all.jsonl"), encoding="utf-8") as file:
        stream = json.loads(file.readline())["features"]["signals"]
    check((stream["dim"], stream["window"], stream["stride"], stream["rows"]) == (150, 50, 25, 119), f"hapt: rows of the accelerometer: {stream}")
    folds = [cells(printed, f"subject {subject}") for subject in ("01", "04")]
    mean = cells(printed, "mean of the folds")
    check(len(mean) == 9 and all(abs(m - (a + b) / 2) < 0.011 for m, a, b in zip(mean, *folds)), f"hapt: {folds} and their mean {mean}")
    check(cells(printed, "ActionFormer") == [None, None, None, None, 94.32], "hapt: the published number stands beside: " + printed[-1500:])
    check(len(cells(printed, "6-12 s")) == 7, "hapt: instances, the numbers of four columns, ours")
    made = {name: os.stat(os.path.join(loso, name)).st_mtime_ns for name in os.listdir(loso)}
    make("hapt", *arguments)
    check(made == {name: os.stat(os.path.join(loso, name)).st_mtime_ns for name in os.listdir(loso)}, "hapt: a second run makes nothing")
    make("hapt", *arguments, "SCORE=0.2")
    again = {name for name in made if os.stat(os.path.join(loso, name)).st_mtime_ns != made[name]}
    check(again == {"judged-with", "fold-01-0.json", "fold-04-0.json", "pooled-0.json", "table.md"}, f"hapt: another score evaluates again and trains nothing: {again}")
    printed, _ = make("hapt", *arguments, "SUBJECTS=04")
    check("| subject 04 |" in printed and "subject 01" not in printed and "(1 of 5 folds)" in printed, "hapt: fewer folds are another table")
    for example, target in (("etp", "fig7"), ("cmsn", "table5")):
        plan, _ = make(example, "-n", target, "DATA=" + data, "OUT=" + os.path.join(folder, "plan"))
        check("--from signals" in plan and "HAPT" in plan and "table.py" in plan, f"{example} {target} expands on HAPT: " + plan[-800:])
finish()
