"""Prints tal-eval's JSON results as one Markdown table: table.py --title T --data D --row LABEL FILE... [--row ...].

Several files of a row stand side by side under the names of --groups. With --seeds N each of these is N files, shown as their mean and
spread (largest - smallest). --average A,B,... puts the mean of the mAP at these tIoUs in the place of the mean of all. An AR@AN of more
proposals than there are is "-": the protocol extrapolates there.

--per-class TIOU turns the table: a line a class with its AP, the rows side by side, and the mAP; --gain says what the last row wins over the first.

--by PROPERTY is another turned table, of results of --diagnose: a line a range of length, coverage or instances, with the normalised mAP and the false negatives of each
row. --mean LABEL adds a last line, the mean of the others.

--published FILE:TABLE puts a paper's numbers beside ours: FILE is {TABLE: {"rows": {LABEL: {COLUMN: number}}, "others": {METHOD: {COLUMN: number}}}}, COLUMN as in the
table's header ("AR@100", "Unit AUC"). Each column that has any is followed by one named "paper"; the others, which are not run here, come last. Of a turned table the
labels are classes (or ranges) and the columns systems, which stand before ours where a class is theirs.
"""
import argparse
import json
import statistics
import sys


def measures_of(result, wanted, averaged):
    """(name, per cent) of one result. wanted: names to keep, or nothing for all; averaged: mAP columns of the mean, or nothing for all."""
    found = {}
    if "ar_at" in result:
        for n, value in result["ar_at"].items():
            found[f"AR@{n}"] = 100 * value if value is not None and float(n) <= result["an"][-1] else None
        if "auc" in result:
            found["AUC"] = result["auc"]
    if "map" in result:
        for tiou, value in zip(result["tiou"], result["map"]):
            found[f"mAP@{tiou:.2g}"] = 100 * value
        found["average"] = statistics.mean(found[f"mAP@{tiou}"] for tiou in averaged) if averaged else 100 * result["average_map"]
    for name, key in (("precision", "precision"), ("recall", "recall"), ("F1", "f1")):
        if "sample_wise" in result:
            found[name] = 100 * result["sample_wise"]["mean"][key]
    if "diagnosis" in result:
        found["mAP_N"] = 100 * result["diagnosis"]["sensitivity"]["average_map_n"]
    for side, value in result.get("rows_ap", {}).items():  # of examples/bsnpp/boundaries.py
        found[f"{side} AP"] = 100 * value
    if wanted:
        missing = [name for name in wanted if name not in found]
        if missing:
            sys.exit(f"no {', '.join(missing)} in the results, which have {', '.join(found)}")
        found = {name: found[name] for name in wanted}
    return found


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--title", required=True)
parser.add_argument("--data", required=True, help="what the numbers were measured on")
parser.add_argument("--measures", help="columns, comma separated; default: all that the results have")
parser.add_argument("--groups", help="names of the files of a row, comma separated")
parser.add_argument("--seeds", type=int, default=1, help="files of a row and group")
parser.add_argument("--average", help="tIoUs of the average, comma separated; default: all")
parser.add_argument("--per-class", type=float, metavar="TIOU", help="a line a class: its AP at this tIoU")
parser.add_argument("--gain", action="store_true", help="with --per-class: the difference of the last row and the first")
parser.add_argument("--by", choices=("length", "coverage", "instances"), help="a line a range of this property")
parser.add_argument("--mean", metavar="LABEL", help="a last line: the mean of the others")
parser.add_argument("--published", metavar="FILE:TABLE", help="a paper's numbers beside ours")
parser.add_argument("--note", help="a line below the table")
parser.add_argument("--row", action="append", nargs="+", required=True, metavar=("LABEL", "FILE"))
options = parser.parse_args()
if options.gain and options.per_class is None:
    parser.error("--gain is for --per-class")
if options.by and options.per_class is not None:
    parser.error("--by and --per-class are two tables")
if options.mean and (options.by or options.per_class is not None):
    parser.error("--mean is for tables of a line a row")


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def cell(values):
    if None in values:
        return "-"
    return f"{statistics.mean(values):.2f}" + (f" ({max(values) - min(values):.2f})" if len(values) > 1 else "")


def published():
    """The paper's rows and other methods."""
    if not options.published:
        return {}, {}
    path, table = options.published.rsplit(":", 1)
    found = load(path)[table]
    return found.get("rows", {}), found.get("others", {})


def precisions(path, tiou):
    """{class: AP in per cent, or None where the class has no instance} at a tIoU, then "mAP"."""
    result = load(path)
    at = [k for k, value in enumerate(result["tiou"]) if abs(value - tiou) < 1e-9]
    if not at:
        sys.exit(f"{path}: no tIoU {tiou}, only {result['tiou']}")
    found = {item["label"]: 100 * item["ap"][at[0]] if item["instances"] else None for item in result["classes"]}
    return {**found, "mAP": 100 * result["map"][at[0]]}


def by_class(tiou):
    """Header, lines and a sentence about the gains."""
    systems = [(label, [precisions(path, tiou) for path in paths]) for label, *paths in options.row]
    names = list(systems[0][1][0])
    if any(list(seed) != names for _, seeds in systems for seed in seeds):
        sys.exit("the rows have other classes than the first one")
    paper, _ = published()
    if not set(names[:-1]) & set(paper):
        paper = {}  # other data: nothing to compare
    theirs = list(dict.fromkeys(system for row in paper.values() for system in row))
    lines, gains = [], []
    for name in names:
        values = [[seed[name] for seed in seeds] for _, seeds in systems]
        cells = [f"{paper[name][system]:.2f}" if system in paper.get(name, {}) else "-" for system in theirs] + [cell(each) for each in values]
        if options.gain:
            won = None if None in values[0] + values[-1] else statistics.mean(values[-1]) - statistics.mean(values[0])
            cells.append("-" if won is None else f"{won:+.2f}")
            gains += [won] if name != "mAP" and won is not None else []
        lines.append([name, *cells])
    said = f"{systems[-1][0]} is better in {sum(won > 0 for won in gains)} of {len(gains)} classes." if options.gain else ""
    return [f"AP@{tiou:g}", *theirs, *(label for label, _ in systems), *(["gain"] if options.gain else [])], lines, said


def by_range(name):
    """Header, lines and no sentence."""
    systems = [(label, [load(path)["diagnosis"]["sensitivity"][name]["buckets"] for path in paths]) for label, *paths in options.row]
    ranges = [bucket["bucket"] for bucket in systems[0][1][0]]
    if any([bucket["bucket"] for bucket in seed] != ranges for _, seeds in systems for seed in seeds):
        sys.exit("the rows have other ranges than the first one")
    paper, _ = published()
    theirs = list(dict.fromkeys(system for row in paper.values() for system in row)) if set(ranges) & set(paper) else []
    lines = []
    for k, title in enumerate(ranges):
        cells = [f"{paper[title][system]:.2f}" if system in paper.get(title, {}) else "-" for system in theirs]
        for _, seeds in systems:
            for key in "average_map_n", "false_negatives":
                cells.append(cell([100 * seed[k][key] if seed[k]["instances"] else None for seed in seeds]))
        lines.append([title, str(systems[0][1][0][k]["instances"]), *cells])
    return [name, "instances", *theirs, *(f"{label} {what}" for label, _ in systems for what in ("mAP_N", "false negatives"))], lines, ""


def by_run():
    """Header and lines."""
    groups = options.groups.split(",") if options.groups else [""]
    wanted = options.measures.split(",") if options.measures else None
    averaged = options.average.split(",") if options.average else None
    paper, others = published()
    columns_of_paper = {column for row in [*paper.values(), *others.values()] for column in row}

    def beside(names, cells, row):
        """Cells, and after those of the columns that the paper has, its number in the row."""
        return [text for name, ours in zip(names, cells) for text in ([ours, f"{row[name]:.2f}" if name in row else "-"] if name in columns_of_paper else [ours])]

    header, lines, measured_rows = None, [], []
    for label, *paths in options.row:
        if len(paths) != len(groups) * options.seeds:
            sys.exit(f"row '{label}' has {len(paths)} files for {len(groups)} groups of {options.seeds}")
        names, values = [], []
        for k, group in enumerate(groups):
            measured = [measures_of(load(path), wanted, averaged) for path in paths[k * options.seeds:(k + 1) * options.seeds]]
            names += [f"{group} {name}".strip() for name in measured[0]]
            values += [[of_seed[name] for of_seed in measured] for name in measured[0]]
        if header not in (None, names):
            sys.exit(f"row '{label}' has the measures {names}, the first row {header}")
        header = names
        lines.append([label, *beside(header, [cell(each) for each in values], paper.get(label, {}))])
        measured_rows.append(values)
    if options.mean:
        columns = [[None if None in seed else statistics.mean(seed) for seed in zip(*column)] for column in zip(*measured_rows)]
        lines.append([options.mean, *beside(header, [cell(each) for each in columns], paper.get(options.mean, {}))])
    lines += [[method, *beside(header, ["-"] * len(header), row)] for method, row in others.items()]
    return ["", *(text for name in header for text in ([name, "paper"] if name in columns_of_paper else [name]))], lines, ""


header, lines, said = by_range(options.by) if options.by else by_run() if options.per_class is None else by_class(options.per_class)
print(f"{options.title}\n\nData: {options.data}. Per cent{', mean (spread) of the seeds' if options.seeds > 1 else ''}.\n")
print(f"| {' | '.join(header)} |\n|{'---|' * len(header)}".replace("|  |", "| |"))
for line in lines:
    print(f"| {' | '.join(line)} |")
for text in (said, options.note):
    if text:
        print("\n" + text)
