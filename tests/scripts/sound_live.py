#!/usr/bin/env python3
# label: cli
"""tal-extract --live with sound: files of sound and videos that grow, sound that stops, a source without pictures; the values of a whole extraction."""
import base64
import contextlib
import http.server
import json
import math
import os
import pathlib
import queue
import struct
import subprocess
import tempfile
import threading
import time

from harness import BIN, check, finish, need, tool
from media import avi_frames, matroska_cluster, matroska_head

need("tal-extract", why="this build has no OpenCV")
RATE = 16000
HEARS = ("--no-history", "--encoder", "log-mel", "--window", "2", "--stride", "2")


def run(name, *words, **how):
    return tool(name, *map(str, words), **how)


def tone(count, first=0):
    """Rising, so that no second is as another."""
    return struct.pack(f"<{count}h", *(round(9000 * math.sin((0.1 + 4e-6 * n) * n)) for n in range(first, first + count)))


class Followed:
    def __init__(self, source, *words, patience=2, idle=0):
        command = [os.path.join(BIN, "tal-extract"), *HEARS, "--live", "--live-window", "1", "--patience", str(patience), *words, "--videos", str(source)]
        self.idle = idle
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines, self.records = queue.Queue(), []
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        time.sleep(self.idle)
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def take(self):
        """The next record, which is waited for; None: the end."""
        record = self.lines.get(timeout=60)
        if record:
            self.records.append(record)
        return record

    def rest(self):
        while self.take():
            pass
        said = self.process.stderr.read()
        check(self.process.wait(timeout=60) == 0, said)
        return said

    def rows(self, name="log-mel"):
        out = {}
        for record in self.records:
            stream = record["features"][name]
            out.update({stream["offset"] // 2 + g: row for g, row in enumerate(rows_of(stream))})
        check(sorted(out) == list(range(len(out))), f"rows {sorted(out)}")
        return [out[g] for g in sorted(out)]


def rows_of(stream):
    raw, size = base64.b64decode(stream["data"]), 4 * stream["dim"]
    return [raw[i:i + size] for i in range(0, len(raw), size)]


def whole(source, *words):
    return json.loads(run("tal-extract", *HEARS, "--inline", *words, "--videos", source).stdout)["features"]


def check_growing_sound(folder):
    """A recorder writes the header before it knows how much will come."""
    path = folder / "growing.wav"
    head = b"RIFF\xff\xff\xff\xffWAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, RATE, 2 * RATE, 2, 16) + b"data\xff\xff\xff\xff"
    path.write_bytes(head + tone(2 * RATE))
    live = Followed(path)
    check(live.take()["window"] == {"index": 0, "start": 0, "end": 1, "final": False}, "a record while the file grows")
    for second in range(2, 6):
        with open(path, "ab") as file:
            file.write(tone(RATE, second * RATE))
        check(live.take()["window"]["start"] == second - 1, "each second as it comes")
    live.rest()
    check(live.rows() == rows_of(whole(path)["log-mel"]) and len(live.rows()) == 300, "the rows of the whole file")


def check_growing_video(folder):
    run("tal-synth", "videos", "-n", 1, "--duration", 30, "--width", 32, "--height", 32, "--prefix", "v", "--out-dir", folder, "-o", folder / "t.jsonl")
    pictures = avi_frames(next(folder.glob("v*.avi")).read_bytes())  # 25 a second

    def second(k, sound):
        """A cluster: five times five pictures, and the sound beside them where there is some."""
        blocks = []
        for fifth in range(5):
            at = 200 * fifth
            blocks += [(1, at + 40 * n, pictures[25 * k + 5 * fifth + n]) for n in range(5)]
            if sound:
                blocks.append((2, at, tone(RATE // 5, k * RATE + fifth * RATE // 5)))
        return matroska_cluster(1000 * k, blocks)

    path = folder / "growing.mkv"
    path.write_bytes(matroska_head(32, 32, RATE) + b"".join(second(k, True) for k in range(3)))
    live = Followed(path, "--encoder", "hog-hof")
    check(live.take()["window"]["start"] == 0, "a record while the file grows")
    # The sound stops at 3 s. Rows are silent once the pictures have gone on for ten seconds.
    with open(path, "ab") as file:
        file.write(b"".join(second(k, False) for k in range(3, 20)))
    while live.take()["window"]["start"] < 6:
        pass
    with open(path, "ab") as file:
        file.write(b"".join(second(k, False) for k in range(20, 30)))
    said = live.rest()
    check("the sound ends at 3.000 s" in said, said)
    stored = whole(path, "--encoder", "hog-hof")
    for name in ("log-mel", "hog-hof"):
        check(live.rows(name) == rows_of(stored[name]), f"{name}: the rows of the whole file")

    # Sound that comes so late is told, and is silence.
    path = folder / "late.mkv"
    path.write_bytes(matroska_head(32, 32, RATE) + b"".join(second(k, k != 2) for k in range(3)) + b"".join(second(k, False) for k in range(3, 20)))
    live = Followed(path)
    while live.take()["window"]["start"] < 3:
        pass
    with open(path, "ab") as file:
        file.write(matroska_cluster(2000, [(2, 0, tone(RATE, 2 * RATE))]))
    said = live.rest()
    check("sound came more than ten seconds behind" in said, said)


def check_sources(folder):
    sound = folder / "growing.wav"
    video = folder / "growing.mkv"

    class Source(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # who refuses reads no more
                self.wfile.write((video if "mkv" in self.path else sound).read_bytes())

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Source)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_address[1]}"
    live = Followed(f"{base}/radio.wav")
    live.rest()
    check(live.rows() == rows_of(whole(sound)["log-mel"]), "the rows of what was sent")
    for name, words in (("film.mkv", []), ("radio.wav", ["--encoder", "log-mel@ast"])):
        got = run("tal-extract", *HEARS, "--live", "--patience", 2, *words, "--videos", f"{base}/{name}", status=1)
        check("two connections do not share a clock" in got.stderr, got.stderr)
    server.shutdown()


def check_patience(folder):
    """Who reads the records may take longer than a source may be silent."""
    sound = folder / "growing.wav"
    with open(sound, "ab") as file:
        file.write(tone(4 * RATE, 6 * RATE))
    live = Followed(sound, patience=0.5, idle=2)
    live.rest()
    check(live.rows() == rows_of(whole(sound)["log-mel"]) and len(live.rows()) == 500, f"{len(live.rows())} rows")


with tempfile.TemporaryDirectory() as temporary:
    place = pathlib.Path(temporary)
    check_growing_sound(place)
    check_growing_video(place)
    check_sources(place)
    check_patience(place)
finish()
