"""Prints tal-eval's JSON results as one Markdown table: table.py --title T --data D --row LABEL FILE... [--row ...].

Several files of a row stand side by side under the names of --groups. With --seeds N each of these is N files, shown as their mean and
spread (largest - smallest). --per-class TIOU turns the table: a line a class, the rows side by side, and the mAP; --gain says what the last row wins over the first, --published FILE (CSV:
class, then a column a system, the last line their mAP) puts published values before them where the classes are theirs. --average A,B,... puts the mean of the mAP at these tIoUs in the place of the mean of all. An AR@AN of more
proposals than there are is "-": the protocol extrapolates there.
"""
import argparse
import csv
import json
import statistics
import sys


def measures_of(result, wanted, averaged):
    """(name, per cent) of one result. wanted: names to keep, or nothing for all; averaged: mAP columns of the mean, or nothing for all."""
    found = {}
    if "ar_at" in result:
        for n, value in result["ar_at"].items():
            found[f"AR@{n}"] = 100 * value if float(n) <= result["an"][-1] else None
        if "auc" in result:
            found["AUC"] = result["auc"]
    if "map" in result:
        for tiou, value in zip(result["tiou"], result["map"]):
            found[f"mAP@{tiou:.2g}"] = 100 * value
        found["average"] = statistics.mean(found[f"mAP@{tiou}"] for tiou in averaged) if averaged else 100 * result["average_map"]
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
parser.add_argument("--published", metavar="FILE", help="with --per-class: published values, CSV")
parser.add_argument("--note", help="a line below the table")
parser.add_argument("--row", action="append", nargs="+", required=True, metavar=("LABEL", "FILE"))
options = parser.parse_args()
groups = options.groups.split(",") if options.groups else [""]
wanted = options.measures.split(",") if options.measures else None
averaged = options.average.split(",") if options.average else None


def read(path):
    with open(path, encoding="utf-8") as file:
        return measures_of(json.load(file), wanted, averaged)


def cell(values):
    if None in values:
        return "-"
    return f"{statistics.mean(values):.2f}" + (f" ({max(values) - min(values):.2f})" if len(values) > 1 else "")


def precisions(path, tiou):
    """{class: AP in per cent, or None where the class has no instance} at a tIoU, then "mAP"."""
    with open(path, encoding="utf-8") as file:
        result = json.load(file)
    at = [k for k, value in enumerate(result["tiou"]) if abs(value - tiou) < 1e-9]
    if not at:
        sys.exit(f"{path}: no tIoU {tiou}, only {result['tiou']}")
    found = {item["label"]: 100 * item["ap"][at[0]] if item["instances"] else None for item in result["classes"]}
    return {**found, "mAP": 100 * result["map"][at[0]]}


def per_class(rows, tiou, gain, published):
    """Lines of the turned table, its header first, and a sentence about the gains."""
    systems = [(label, [precisions(path, tiou) for path in paths]) for label, *paths in rows]
    names = list(systems[0][1][0])
    if any(list(seed) != names for _, seeds in systems for seed in seeds):
        sys.exit("the rows have other classes than the first one")
    foreign = []
    if published:
        with open(published, encoding="utf-8", newline="") as file:
            foreign = list(csv.reader(file))
        if not set(names[:-1]) & {line[0] for line in foreign[1:]}:
            foreign = []  # other data: nothing to compare
    theirs = {line[0]: line[1:] for line in foreign[1:]}
    lines, gains = [], []
    for name in names:
        values = [[seed[name] for seed in seeds] for _, seeds in systems]
        cells = theirs.get(name, ["-"] * (len(foreign[0]) - 1)) if foreign else []
        cells = cells + [cell(each) for each in values]
        if gain:
            won = None if None in values[0] + values[-1] else statistics.mean(values[-1]) - statistics.mean(values[0])
            cells.append("-" if won is None else f"{won:+.2f}")
            gains += [won] if name != "mAP" and won is not None else []
        lines.append(f"| {name} | {' | '.join(cells)} |")
    header = (foreign[0][1:] if foreign else []) + [label for label, _ in systems] + (["gain"] if gain else [])
    said = f"\n{systems[-1][0]} is better in {sum(won > 0 for won in gains)} of {len(gains)} classes." if gain else ""
    return [f"| AP@{tiou:g} | {' | '.join(header)} |", f"|---|{'---|' * len(header)}"] + lines, said


spread = ", mean (spread) of the seeds" if options.seeds > 1 else ""
print(f"{options.title}\n\nData: {options.data}. Per cent{spread}.\n")
note = f"\n\n{options.note}" if options.note else ""
if options.per_class is not None:
    lines, said = per_class(options.row, options.per_class, options.gain, options.published)
    print("\n".join(lines) + ("\n" + said if said else "") + note)
    sys.exit()

header, lines = None, []
for label, *paths in options.row:
    if len(paths) != len(groups) * options.seeds:
        sys.exit(f"row '{label}' has {len(paths)} files for {len(groups)} groups of {options.seeds}")
    names, values = [], []
    for k, group in enumerate(groups):
        measured = [read(path) for path in paths[k * options.seeds:(k + 1) * options.seeds]]
        names += [f"{group} {name}".strip() for name in measured[0]]
        values += [cell([of_seed[name] for of_seed in measured]) for name in measured[0]]
    if header not in (None, names):
        sys.exit(f"row '{label}' has the measures {names}, the first row {header}")
    header = names
    lines.append(f"| {label} | {' | '.join(values)} |")
print(f"| | {' | '.join(header)} |\n|---|{'---|' * len(header)}")
print("\n".join(lines) + note)
