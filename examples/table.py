"""Prints tal-eval's JSON results as one Markdown table: table.py --title T --data D --row LABEL FILE... [--row ...].

Several files of a row stand side by side under the names of --groups.
"""
import argparse
import json
import sys


def measures_of(result, wanted):
    """(name, per cent) of one result; wanted: names to keep, or nothing for all."""
    found = {}
    if "ar_at" in result:
        for n, value in result["ar_at"].items():
            found[f"AR@{n}"] = 100 * value
        if "auc" in result:
            found["AUC"] = result["auc"]
    if "map" in result:
        for tiou, value in zip(result["tiou"], result["map"]):
            found[f"mAP@{tiou:.2g}"] = 100 * value
        found["average"] = 100 * result["average_map"]
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
parser.add_argument("--row", action="append", nargs="+", required=True, metavar=("LABEL", "FILE"))
options = parser.parse_args()
groups = options.groups.split(",") if options.groups else [""]
wanted = options.measures.split(",") if options.measures else None

header, lines = None, []
for label, *paths in options.row:
    if len(paths) != len(groups):
        sys.exit(f"row '{label}' has {len(paths)} files for {len(groups)} groups")
    names, values = [], []
    for group, path in zip(groups, paths):
        with open(path, encoding="utf-8") as file:
            measured = measures_of(json.load(file), wanted)
        names += [f"{group} {name}".strip() for name in measured]
        values += [f"{value:.2f}" for value in measured.values()]
    if header not in (None, names):
        sys.exit(f"row '{label}' has the measures {names}, the first row {header}")
    header = names
    lines.append(f"| {label} | {' | '.join(values)} |")
print(f"{options.title}\n\nData: {options.data}. Per cent.\n")
print(f"| | {' | '.join(header)} |\n|---|{'---|' * len(header)}")
print("\n".join(lines))
