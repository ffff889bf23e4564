"""Adds the file of every video to records that have one: with_path.py FOLDER [SUBSET] < records. SUBSET becomes the records' subset. The file is named as
the video, ActivityNet's with v_ before it, and any ending. Records without a file are counted and left out."""
import json
import os
import sys

folder, subset = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
files = {os.path.splitext(name)[0]: os.path.join(folder, name) for name in sorted(os.listdir(folder))}
missing = []
for line in sys.stdin:
    record = json.loads(line)
    path = files.get(record["video"]) or files.get("v_" + record["video"])
    if not path:
        missing.append(record["video"])
        continue
    record["path"] = path
    if subset:
        record["subset"] = subset
    print(json.dumps(record))
if missing:
    print(f"with_path.py: {len(missing)} videos have no file in {folder}, the first is {missing[0]}", file=sys.stderr)
