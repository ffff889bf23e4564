#!/usr/bin/env python3
"""A pipe over records by Spark: spark.py --master MASTER COMMAND IN OUT. IN: a file, whose lines go through Spark to COMMAND's stdin; or a folder of shards (*.jsonl) that every
machine has mounted, of which only the names do. OUT is a folder of parts, whose concatenation, in their order, is what one process writes."""
import argparse
import os
import pathlib
import shlex

from pyspark import SparkConf, SparkContext

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--master", default="local[2]")
parser.add_argument("--shards", type=int, default=8, help="parts of a file; of a folder, each shard is one")
parser.add_argument("--memory", default="1g", help="of an executor")
parser.add_argument("command")
parser.add_argument("input")
parser.add_argument("output")
o = parser.parse_args()

conf = (SparkConf().setMaster(o.master).setAppName("tal").set("spark.executor.memory", o.memory).set("spark.ui.enabled", "false")
        .set("spark.driver.host", "127.0.0.1").set("spark.driver.bindAddress", "127.0.0.1"))
context = SparkContext(conf=conf)
context.setLogLevel("ERROR")
try:
    # A task is a part of the input; one that fails, or whose executor dies, is tried again on another (spark.task.maxFailures).
    if os.path.isdir(o.input):
        names = sorted(str(path.resolve()) for path in pathlib.Path(o.input).glob("*.jsonl"))
        records = context.parallelize(names, len(names))
        command = shlex.join(["bash", "-o", "pipefail", "-c", "xargs -d '\\n' cat -- | " + shlex.quote(o.command)])
    else:
        records, command = context.textFile(o.input, o.shards), shlex.quote(o.command)
    records.pipe(command, env=dict(os.environ), checkCode=True).saveAsTextFile(o.output)
finally:
    context.stop()
