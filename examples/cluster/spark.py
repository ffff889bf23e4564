#!/usr/bin/env python3
"""A pipe over a file of records by Spark: spark.py --master MASTER COMMAND IN OUT; OUT is a folder of parts, whose concatenation, in their order, is what one process writes."""
import argparse
import os

from pyspark import SparkConf, SparkContext

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--master", default="local[2]")
parser.add_argument("--shards", type=int, default=8)
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
    records = context.textFile(o.input, o.shards)
    records.pipe(o.command, env=dict(os.environ), checkCode=True).saveAsTextFile(o.output)
finally:
    context.stop()
