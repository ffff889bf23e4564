#!/usr/bin/env python3
# label: cli
"""What a record's history tells: the hashes of files that a stage read, digests worked out here once more, and foreign stages in a replay."""
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

from harness import BIN, check, finish, tool

MASK = 2 ** 64 - 1
SECRET = (0x2d358dccaa6c78a5, 0x8bb84b93962eacc9, 0x4b33a62ed433d4a3, 0x4d5a2da51de1aa47)


def mix(a, b):
    product = a * b
    return (product & MASK) ^ (product >> 64)


def wyhash(data, seed=0):
    """wyhash, final version 4.2, after its description."""
    word = lambda at, size=8: int.from_bytes(data[at:at + size], "little")
    seed ^= mix(seed ^ SECRET[0], SECRET[1])
    size, at = len(data), 0
    if size <= 16:
        if size >= 4:
            middle = size >> 3 << 2
            a, b = word(0, 4) << 32 | word(middle, 4), word(size - 4, 4) << 32 | word(size - 4 - middle, 4)
        elif size:
            a, b = data[0] << 16 | data[size >> 1] << 8 | data[-1], 0
        else:
            a = b = 0
    else:
        left = size
        if left >= 48:
            second = third = seed
            while left >= 48:
                seed = mix(word(at) ^ SECRET[1], word(at + 8) ^ seed)
                second = mix(word(at + 16) ^ SECRET[2], word(at + 24) ^ second)
                third = mix(word(at + 32) ^ SECRET[3], word(at + 40) ^ third)
                at, left = at + 48, left - 48
            seed ^= second ^ third
        while left > 16:
            seed = mix(word(at) ^ SECRET[1], word(at + 8) ^ seed)
            at, left = at + 16, left - 16
        a, b = word(size - 16), word(size - 8)
    product = (a ^ SECRET[1]) * (b ^ seed)
    return mix((product & MASK) ^ SECRET[0] ^ size, (product >> 64) ^ SECRET[1])


def members(line):
    """(key, value as it stands) of a record written without blanks between its members."""
    decoder, at = json.JSONDecoder(), 1
    while line[at] != "}":
        key, end = decoder.raw_decode(line, at)
        begin = end + 1
        _, end = decoder.raw_decode(line, begin)
        yield key, line[begin:end]
        at = end + (line[end] == ",")


def digest(line):
    hashes = [wyhash(value.encode(), wyhash(key.encode())) for key, value in members(line) if key != "history"]
    return "%016x" % wyhash(b"".join(h.to_bytes(8, "little") for h in hashes))


def sha256(path):
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


folder = pathlib.Path(tempfile.mkdtemp())
os.chdir(folder)
try:
    check(wyhash(b"message digest", 3) == 0x786d1f1df3801df4, "the hash of the test itself")
    synth = tool("tal-synth", "annotations", "-n", "3", "--proposals", "9", "--seed", "5").stdout
    done = tool("tal-nms", "--method", "greedy", "--threshold", "0.5", data=synth).stdout
    for before, after in zip(synth.splitlines(), done.splitlines()):
        first, second = json.loads(after)["history"]
        check("in" not in first and first["out"] == digest(before), "the record that was made has the digest of what was written")
        check(second["in"] == digest(before) and second["out"] == digest(after), "a stage's digests are those of its input and its output")

    # Any number of threads, and what passes unchanged.
    check(tool("tal-nms", "--method", "greedy", "--threshold", "0.5", "-j", "3", data=synth).stdout == done, "the same bytes with -j 3")
    same = json.loads(tool("tal-nms", "--top-k", "100", "--threshold", "1", data=synth).stdout.splitlines()[0])["history"][1]
    check(len(same["in"]) == len(same["out"]) == 16, same)

    # Files that a stage reads besides the stream: by their names, regular ones only, each once.
    videos = [json.loads(line) for line in done.splitlines()]
    (folder / "classes.jsonl").write_text("".join(json.dumps({"video": v["video"], "classification": [{"label": "Run", "score": 0.5}]}) + "\n" for v in videos))
    scored = tool("tal-score", "--classification", "classes.jsonl", "--top-classes", "1", data=done).stdout
    check(json.loads(scored.splitlines()[0])["history"][2]["files"] == {"classes.jsonl": sha256(folder / "classes.jsonl")}, scored[-400:])
    piped = subprocess.run(["bash", "-c", f"{BIN}/tal-score --classification <(cat classes.jsonl) --top-classes 1"], input=done, capture_output=True, text=True)
    check(piped.returncode == 0 and "files" not in json.loads(piped.stdout.splitlines()[0])["history"][2], "a pipe is read once, by the stage: " + piped.stderr)
    (folder / "table.csv").write_text("video,start,end,label\nv,1,2,a\n")
    (folder / "durations.csv").write_text("video,duration\nv,9\n")
    made = json.loads(tool("tal-convert", "--from", "segments-csv", "--durations", "durations.csv", "table.csv").stdout)["history"][0]
    check(made["files"] == {name: sha256(folder / name) for name in ("table.csv", "durations.csv")} and "in" not in made, made)
    check("history" not in json.loads(tool("tal-convert", "--no-history", "--from", "segments-csv", "table.csv").stdout), "--no-history")

    # Replays.
    def replay(text):
        return tool("tal-check", "--replay", data=text).stdout

    shown = replay(scored)
    check("FOREIGN-STAGE" not in shown and f"#   tal-score read classes.jsonl {sha256(folder / 'classes.jsonl')}" in shown, shown)
    again = subprocess.run(["sh", "-c", shown], capture_output=True, text=True, env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"})
    check(again.returncode == 0 and again.stdout == scored, "a replay with its comments runs, to the same bytes: " + again.stderr[-300:])
    edited = "".join(json.dumps({**json.loads(line), "duration": 1e6}) + "\n" for line in done.splitlines())
    check("tal-nms --method greedy --threshold 0.5 | FOREIGN-STAGE  # records: 3\n" in replay(edited), "an edit behind the last stage: " + replay(edited))
    between = tool("tal-nms", "--top-k", "5", "--threshold", "1", data=edited).stdout
    check("0.5 | FOREIGN-STAGE | tal-nms --top-k 5 --threshold 1  # records: 3\n#   FOREIGN-STAGE: something between tal-nms and tal-nms" in replay(between), replay(between))
    hidden = tool("tal-nms", "--top-k", "5", "--threshold", "1", "--no-history", data=done).stdout
    check("FOREIGN-STAGE" in replay(hidden), "a stage that was told to write no history")
    check("FOREIGN-STAGE" not in replay("".join(sorted(done.splitlines(True)[:2]))), "what leaves the bytes of a record alone is not seen")
    one = "".join(done.splitlines(True)[:2]) + edited.splitlines(True)[2]
    check(replay(one).count("# records:") == 2, "two kinds of records are two pipes: " + replay(one))
    old = json.dumps({"video": "v", "history": [{"tool": "tal-synth", "args": []}, {"tool": "mine", "args": ["a b"]}]}) + "\n"
    check(replay(old) == "tal-synth | mine 'a b'  # records: 1\n", "steps without digests tell nothing")
    evil = json.dumps({"video": "v", "history": [{"tool": "x\nrm -rf y", "files": {"f\nrm z": "sha256:0\nrm"}}]}) + "\n"
    check(all(line.startswith("#") or line.startswith("'x") or line.startswith("rm -rf y'") for line in replay(evil).splitlines()), "comments stay comments: " + replay(evil))
finally:
    os.chdir("/")
    shutil.rmtree(folder)
finish()
