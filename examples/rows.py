"""A line for each file of feature rows that records name: video, stream, path, bytes and time of the last change; rows.py RECORDS.

What is made of records does not change with them when the rows behind them do: these lines do.
"""
import json
import os
import sys

records = sys.argv[1]
with open(records, encoding="utf-8") as lines:
    for record in map(json.loads, lines):
        for name, stream in record.get("features", {}).items():
            path = stream.get("path")
            if path is None:  # the rows are in the record
                continue
            if not os.path.exists(path):
                path = os.path.join(os.path.dirname(records), path)
            file = os.stat(path)
            print(record["video"], name, path, file.st_size, file.st_mtime_ns, sep="\t")
