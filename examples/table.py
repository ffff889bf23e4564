"""Prints tal-eval's JSON results as one Markdown table: table.py --title T --data D --row LABEL FILE... [--row ...].

Several files of a row stand side by side under the names of --groups. With --seeds N each of these is N files, shown as their mean and
spread (largest - smallest). --average A,B,... puts the mean of the mAP at these tIoUs in the place of the mean of all. An AR@AN of more
proposals than there are is "-": the protocol extrapolates there.

--published FILE:TABLE puts a paper's numbers beside ours: FILE is {TABLE: {"rows": {LABEL: {COLUMN: number}}, "others": {METHOD: {COLUMN: number}}}}, COLUMN as in the
table's header ("AR@100", "Unit AUC"). Each column that has any is followed by one named "paper"; the others, which are not run here, come last.
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
parser.add_argument("--published", help="FILE:TABLE, a paper's numbers beside ours")
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


published = {}
if options.published:
    path, table = options.published.rsplit(":", 1)
    with open(path, encoding="utf-8") as file:
        published = json.load(file)[table]
paper, others = published.get("rows", {}), published.get("others", {})
columns_of_paper = {column for row in [*paper.values(), *others.values()] for column in row}


def beside(header, cells, of_paper):
    """Cells, and after those of the columns that the paper has, of_paper(column)."""
    return " | ".join(text for name, ours in zip(header, cells) for text in ([ours, of_paper(name)] if name in columns_of_paper else [ours]))


def printed(row):
    return lambda name: f"{row[name]:.2f}" if name in row else "-"


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
    lines.append(f"| {label} | {beside(header, values, printed(paper.get(label, {})))} |")
lines += [f"| {method} | {beside(header, ['-'] * len(header), printed(row))} |" for method, row in others.items()]
spread = ", mean (spread) of the seeds" if options.seeds > 1 else ""
print(f"{options.title}\n\nData: {options.data}. Per cent{spread}.\n")
columns = beside(header, header, lambda name: "paper")
print(f"| | {columns} |\n|---|{'---|' * (columns.count(' | ') + 1)}")
print("\n".join(lines))
