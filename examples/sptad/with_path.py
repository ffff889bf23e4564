"""Adds the file of every video to records that have one: with_path.py SUBSET FOLDER < records. Records without a file are named and left out."""
import json
import os
import sys

subset, folder = sys.argv[1:]
for line in sys.stdin:
    record = json.loads(line)
    record["path"] = os.path.join(folder, record["video"] + ".mp4")
    record["subset"] = subset
    if os.path.exists(record["path"]):
        print(json.dumps(record))
    else:
        print(f"no file {record['path']}", file=sys.stderr)
