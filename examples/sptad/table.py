"""Prints a table of the paper with the rows that were run: table.py TABLE OUT. mAP in per cent, THUMOS14."""
import json
import os
import sys

PAPER = {  # mAP at 0.3, 0.4, 0.5, 0.6, 0.7 and the mean, as printed
    "table4": ("backbone learning rate", {"0": "65.1 58.3 49.5 39.1 27.6 48.0", "1e-6": "65.4 59.6 51.0 40.1 28.6 48.9",
                                          "1e-5": "67.2 62.1 51.8 42.1 29.7 50.6", "1e-4": "69.2 63.3 55.9 45.7 33.4 53.5"}),
    "table5": ("pyramid", {"single": "67.5 61.2 52.7 41.8 29.4 50.2", "high": "65.8 59.9 51.5 40.0 28.1 49.0", "inter": "69.2 63.3 55.9 45.7 33.4 53.5"}),
    "table6": ("heads", {"1": "60.1 54.4 45.7 34.7 23.1 43.6", "2": "66.0 59.4 55.5 41.1 30.0 49.6", "4": "69.2 63.3 55.9 45.7 33.4 53.5",
                         "6": "65.4 59.4 52.1 42.3 30.4 49.9"}),
    "table7": ("classification head", {"without": "67.2 61.6 54.7 44.3 32.6 52.1", "with": "69.2 63.3 55.9 45.7 33.4 53.5"}),
    "table8": ("clip length", {"224": "68.5 62.6 55.0 43.6 31.7 53.3", "256": "69.2 63.3 55.9 45.7 33.4 53.5", "288": "68.3 62.4 54.4 43.7 31.6 51.3",
                               "320": "67.2 62.1 53.4 43.1 30.7 49.9"}),
}

table, out = sys.argv[1:]
what, rows = PAPER[table]
print(f"SP-TAD, {table}: mAP on THUMOS14 (paper's in brackets)\n")
print(f"| {what} | 0.3 | 0.4 | 0.5 | 0.6 | 0.7 | mean |\n|---|---|---|---|---|---|---|")
for row, paper in rows.items():
    path = f"{out}/{table}-{row}.thumos.json"
    cells = ["-"] * 6
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            result = json.load(file)
        cells = [f"{100 * value:.1f}" for value in result["map"] + [result["average_map"]]]
    print(f"| {row} | " + " | ".join(f"{cell} ({number})" for cell, number in zip(cells, paper.split())) + " |")
