"""Video-level class scores from a model that scores segments: `propose` makes the whole video the only proposal, `classes` turns its detections into `classification`."""
import json
import sys

for line in sys.stdin:
    record = json.loads(line)
    if sys.argv[1] == "propose":
        record["proposals"] = [{"segment": [0, record["duration"]], "score": 1}]
    else:
        best = {}
        for detection in record.pop("proposals"):
            best[detection["label"]] = max(best.get(detection["label"], 0), detection["score"])
        record = {"video": record["video"], "classification": [{"label": label, "score": score} for label, score in best.items()]}
    print(json.dumps(record))
