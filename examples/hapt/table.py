"""Prints the HAPT results of several seeds as a Markdown table: table.py OUT SEED..."""
import json
import statistics
import sys

out, seeds = sys.argv[1], sys.argv[2:]
rows = {"AUC": [], "AR@100": []}
for seed in seeds:
    with open(f"{out}/ar-{seed}.json", encoding="utf-8") as file:
        proposals = json.load(file)
    with open(f"{out}/map-{seed}.json", encoding="utf-8") as file:
        detections = json.load(file)
    rows["AUC"].append(proposals["auc"])
    rows["AR@100"].append(100 * proposals["ar_at"]["100"])
    for tiou, value in zip(detections["tiou"], detections["map"]):
        rows.setdefault(f"mAP@{tiou:.2g}", []).append(100 * value)
    rows.setdefault("average mAP 0.3:0.1:0.7", []).append(100 * detections["average_map"])
    with open(f"{out}/map-high-{seed}.json", encoding="utf-8") as file:
        high = json.load(file)
    for tiou, value in zip(high["tiou"], high["map"]):
        rows.setdefault(f"mAP@{tiou:.2g}", []).append(100 * value)
print(f"HAPT, 19 test recordings, seeds {', '.join(seeds)}, per cent\n")
print("| measure | mean | spread |\n|---|---|---|")
for name, values in rows.items():
    print(f"| {name} | {statistics.mean(values):.1f} | {max(values) - min(values):.1f} |")
