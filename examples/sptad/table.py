"""Prints a table of the paper with the rows that were run: table.py TABLE OUT. mAP in per cent, the paper's in brackets."""
import json
import os
import sys

FULL = "69.2 63.3 55.9 45.7 33.4 53.5"
THUMOS14 = {  # label: (run, mAP at 0.3, 0.4, 0.5, 0.6, 0.7 and their mean, as printed)
    "table1": ("method", {"SP-TAD": ("full", FULL)}),
    "table4": ("backbone learning rate", {"0": ("table4-0", "65.1 58.3 49.5 39.1 27.6 48.0"), "1e-6": ("table4-1e-6", "65.4 59.6 51.0 40.1 28.6 48.9"),
                                          "1e-5": ("table4-1e-5", "67.2 62.1 51.8 42.1 29.7 50.6"), "1e-4": ("full", FULL)}),
    "table5": ("pyramid", {"Single Level": ("table5-single", "67.5 61.2 52.7 41.8 29.4 50.2"), "High Level TFP": ("table5-high", "65.8 59.9 51.5 40.0 28.1 49.0"),
                           "Inter Level TFP": ("full", FULL)}),
    "table6": ("heads", {"1": ("table6-1", "60.1 54.4 45.7 34.7 23.1 43.6"), "2": ("table6-2", "66.0 59.4 55.5 41.1 30.0 49.6"), "4": ("full", FULL),
                         "6": ("table6-6", "65.4 59.4 52.1 42.3 30.4 49.9")}),
    "table7": ("classification head", {"without": ("table7-without", "67.2 61.6 54.7 44.3 32.6 52.1"), "with": ("full", FULL)}),
    "table8": ("clip length", {"224": ("table8-224", "68.5 62.6 55.0 43.6 31.7 53.3"), "256": ("full", FULL), "288": ("table8-288", "68.3 62.4 54.4 43.7 31.6 51.3"),
                               "320": ("table8-320", "67.2 62.1 53.4 43.1 30.7 49.9")}),
}
TABLE2 = {"SP-TAD": ("full", "50.06 32.92 8.44 32.99")}  # mAP at 0.5, 0.75, 0.95 and the mean of 0.5:0.05:0.95
TABLE3 = [("SS-TAD", "TITAN Xm", "701"), ("R-C3D", "TITAN Xp", "1030"), ("PBRNet", "1080Ti", "1488"), ("AFSD", "1080Ti", "3259"), ("AFSD", "V100", "4057"), ("SP-TAD", "V100", "5574")]


def measured(path, tious, digits):
    if not os.path.exists(path):
        return ["-"] * (len(tious) + 1)
    with open(path, encoding="utf-8") as file:
        result = json.load(file)
    at = {round(tiou, 3): value for tiou, value in zip(result["tiou"], result["map"])}
    return [f"{100 * value:.{digits}f}" for value in [at[tiou] for tiou in tious] + [result["average_map"]]]


def accuracy(table, what, data, tious, digits, rows, suffix):
    print(f"SP-TAD, {table}: mAP on {data} (paper's in brackets)\n")
    print(f"| {what} | {' | '.join(f'{tiou:g}' for tiou in tious)} | mean |\n|---|{'---|' * (len(tious) + 1)}")
    for row, (run, paper) in rows.items():
        cells = measured(os.path.join(out, run + suffix), tious, digits)
        print(f"| {row} | " + " | ".join(f"{cell} ({number})" for cell, number in zip(cells, paper.split())) + " |")


def speed():
    with open(os.path.join(out, "speed.json"), encoding="utf-8") as file:
        cases = json.load(file)
    if not cases:
        sys.exit("no GPU that LibTorch can use")
    case = cases[0]
    print("SP-TAD, table3: frames a second, RGB (the paper's on its GPUs)\n")
    print("| method | where | frames/s |\n|---|---|---|")
    for row in TABLE3:
        print("| " + " | ".join(row) + " |")
    print(f"| SP-TAD, here: {case['what']} | {'GPU' if case['name'].endswith('cuda') else 'CPU'} | {case['value']:.0f} |")


table, out = sys.argv[1:]
if table == "table2":
    accuracy(table, "method", "ActivityNet-1.3", [0.5, 0.75, 0.95], 2, TABLE2, ".activitynet.json")
elif table == "table3":
    speed()
else:
    accuracy(table, THUMOS14[table][0], "THUMOS14", [0.3, 0.4, 0.5, 0.6, 0.7], 1, THUMOS14[table][1], ".thumos.json")
