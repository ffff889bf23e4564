"""What `tal-score --beta-sweep --sweep-format json` prints, as results and as a table.

sweep.py split --by AUC X.sweep.jsonl        X-unit.result.json (beta 0), X-segment.result.json (beta 1), X-combined.result.json and X.beta: the beta of the largest
                                             AUC or AR@N, the smallest of equals. Results are as table.py reads them.
sweep.py table --title T --seeds N --by AUC --row LABEL FILE... [--row ...]    a row for each model, a column for each beta, the largest in bold
"""
import argparse
import json
import statistics


def read(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def value(line, by):
    """Per cent."""
    return line["auc"] if by == "AUC" else 100 * line["ar_at"][by.removeprefix("AR@")]


def best(lines, by):
    return max(lines, key=lambda line: (value(line, by), -line["beta"]))


def split(options):
    prefix = options.file.removesuffix(".sweep.jsonl")
    lines = read(options.file)
    chosen = {"unit": lines[0], "segment": lines[-1], "combined": best(lines, options.by)}
    for name, line in chosen.items():
        with open(f"{prefix}-{name}.result.json", "w", encoding="utf-8") as file:
            print(json.dumps({**line, "an": [max(float(n) for n in line["ar_at"])]}), file=file)
    with open(f"{prefix}.beta", "w", encoding="utf-8") as file:
        print(chosen["combined"]["beta"], file=file)


def table(options):
    rows = []
    for label, *paths in options.row:
        seeds = [read(path) for path in paths]
        means = [statistics.mean(value(lines[k], options.by) for lines in seeds) for k in range(len(seeds[0]))]
        cells = [f"**{mean:.2f}**" if mean == max(means) else f"{mean:.2f}" for mean in means]
        rows.append(f"| {label} | {' | '.join(cells)} |")
        betas = [line["beta"] for line in seeds[0]]
    spread = ", means of the seeds" if len(options.row[0]) > 2 else ""
    print(f"{options.title}: {options.by} by beta, the weight of the segment score{spread}\n")
    print(f"| | {' | '.join(f'{beta:g}' for beta in betas)} |\n|---|{'---|' * len(betas)}")
    print("\n".join(rows))


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
commands = parser.add_subparsers(required=True)
command = commands.add_parser("split")
command.add_argument("--by", required=True)
command.add_argument("file")
command.set_defaults(run=split)
command = commands.add_parser("table")
command.add_argument("--by", required=True)
command.add_argument("--title", required=True)
command.add_argument("--row", action="append", nargs="+", required=True, metavar=("LABEL", "FILE"))
command.set_defaults(run=table)
arguments = parser.parse_args()
arguments.run(arguments)
