#!/usr/bin/env python3
# label: cli
"""tal-extract --live: a growing file, an HTTP source and an RTSP camera in this process; records while the video runs, proposals downstream, the values of a whole extraction."""
import base64
import http.server
import json
import os
import pathlib
import queue
import struct
import subprocess
import tempfile
import threading
import time

from harness import BIN, finish, need, tool
from media import avi_frames
from rtsp import Camera, mpeg4_frames

need("tal-extract", why="this build has no OpenCV")


def run(name, *words, **how):
    return tool(name, *map(str, words), **how)


def lines_of(process, into):
    for line in process.stdout:
        into.put((time.monotonic(), json.loads(line)))
    into.put(None)


def followed(source, feed, *words, downstream=()):
    """Records with the time they came; feed() makes the video and returns when it is complete, at the time that is returned too."""
    extract = [os.path.join(BIN, "tal-extract"), "--no-history", "--live", "--live-window", "2", "--patience", "2", *words, "--videos", str(source)]
    first = subprocess.Popen(extract, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    last = subprocess.Popen([os.path.join(BIN, downstream[0]), *downstream[1:]], stdin=first.stdout, stdout=subprocess.PIPE, text=True) if downstream else first
    lines = queue.Queue()
    threading.Thread(target=lines_of, args=(last, lines), daemon=True).start()
    feed()
    complete = time.monotonic()
    came = []
    while (item := lines.get(timeout=60)) is not None:
        came.append(item)
    assert first.wait(timeout=60) == 0, first.stderr.read()
    assert last.wait(timeout=60) == 0
    return came, complete


def rows_of(stream):
    raw = base64.b64decode(stream["data"])
    values = struct.unpack(f"<{len(raw) // 4}f", raw)
    return [values[i:i + stream["dim"]] for i in range(0, len(values), stream["dim"])]


with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    run("tal-synth", "videos", "-n", 1, "--duration", 12, "--width", 96, "--height", 72, "--prefix", "v", "--out-dir", folder, "-o", folder / "t.jsonl")
    frames = avi_frames(next(folder.glob("*.avi")).read_bytes())  # 25 a second, which a bare row of JPEG pictures is taken for
    assert len(frames) == 300
    stored = folder / "stored.mjpeg"
    stored.write_bytes(b"".join(frames))
    whole = json.loads(run("tal-extract", "--no-history", "--inline", "--videos", stored).stdout)["features"]["hog-hof"]

    def check(came):
        records = [record for _, record in came]
        assert [r["window"]["index"] for r in records] == list(range(len(records))), records
        assert [r["window"]["final"] for r in records] == [False] * (len(records) - 1) + [True]
        rows = {}
        for r in records:
            stream = r["features"]["hog-hof"]
            assert stream["offset"] % 8 == 0 and r["window"]["start"] == stream["offset"] / 25, r["window"]
            assert abs(r["window"]["end"] - (stream["offset"] + 8 * (stream["rows"] - 1) + 16) / 25) < 1e-9 and len(rows_of(stream)) == stream["rows"]
            rows.update({stream["offset"] // 8 + g: row for g, row in enumerate(rows_of(stream))})
        return rows

    growing = folder / "growing.mjpeg"

    def grow():
        with open(growing, "ab", buffering=0) as file:
            for k, frame in enumerate(frames[60:]):
                file.write(frame)
                if k % 20 == 19:
                    time.sleep(0.2)

    # Each record comes while the file still grows, and a grouping proposer works on it at once; together they are the rows of the stored video.
    growing.write_bytes(b"".join(frames[:60]))
    came, complete = followed(growing, grow, downstream=("tal-propose", "--no-history", "--method", "grouping", "--curve", "motion"))
    assert came[0][0] < complete, "the first record came only when the video was complete"
    rows = check(came)
    assert [rows[g] for g in sorted(rows)] == rows_of(whole), (len(rows), whole["rows"])
    proposals = [p for _, record in came for p in record["proposals"]]
    assert proposals and all(r["window"]["start"] <= p["segment"][0] < p["segment"][1] <= r["window"]["end"] for _, r in came for p in r["proposals"]), proposals

    # Windows that overlap.
    growing.write_bytes(stored.read_bytes())
    came, _ = followed(growing, lambda: None, "--live-step", "0.96", "--half")
    assert [r["window"]["start"] for _, r in came][:3] == [0, 0.96, 1.92], came[:3]

    # The same over HTTP.
    class Source(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "video/x-motion-jpeg")
            self.end_headers()
            for k, frame in enumerate(frames):
                self.wfile.write(frame)
                if k % 50 == 49:
                    time.sleep(0.1)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Source)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    came, _ = followed(f"http://127.0.0.1:{server.server_address[1]}/camera.mjpeg", lambda: None)
    rows = check(came)
    assert [rows[g] for g in sorted(rows)] == rows_of(whole)
    assert came[0][1]["video"] == "camera"
    server.shutdown()

    # A camera that speaks RTSP: the values of the file that its pictures come from.
    run("tal-synth", "videos", "-n", 1, "--duration", 12, "--width", 96, "--height", 72, "--container", "mp4", "--prefix", "c", "--out-dir", folder, "-o", folder / "c.jsonl")
    filmed = next(folder.glob("*.mp4"))
    whole = json.loads(run("tal-extract", "--no-history", "--inline", "--videos", filmed).stdout)["features"]["hog-hof"]
    config, pictures = mpeg4_frames(filmed.read_bytes())
    assert len(pictures) == 300
    camera = Camera(config, pictures, 25, pause=lambda k: 0.1 if k % 50 == 49 else 0)
    came, _ = followed(camera.url, lambda: None)
    rows = check(came)
    assert [rows[g] for g in sorted(rows)] == rows_of(whole), (len(rows), whole["rows"])
    assert came[0][1]["video"] == "camera" and "PLAY" in camera.asked

    # A finished file, whatever its container: no reader waits at its end for an index before the first frame.
    film = next(folder.glob("v*.avi"))
    for file in (film, filmed):
        came, _ = followed(str(file), lambda: None)
        whole = json.loads(run("tal-extract", "--no-history", "--inline", "--videos", file).stdout)["features"]["hog-hof"]
        rows = check(came)
        assert [rows[g] for g in sorted(rows)] == rows_of(whole), file

    # Nothing there.
    got = run("tal-extract", "--live", "--patience", "1", "--videos", "rtsp://127.0.0.1:1/camera", status=1)
    assert "nothing answers there" in got.stderr, got.stderr

    # What cannot be.
    for options, says in ((["--live", "--resume"], "--resume has no effect with --live"), (["--live-step", "2"], "--live-step has no effect"),
                          (["--live", "--live-window", "2", "--live-step", "3"], "must not be longer"), (["--live", "--videos", growing, stored], "follows one video")):
        got = run("tal-extract", *options, *([] if "--videos" in options else ["--videos", stored]), status=2)
        assert says in got.stderr, (options, got.stderr)
    got = run("tal-extract", "--live", "--videos", folder / "nowhere.ts", status=1)
    assert "nowhere.ts" in got.stderr, got.stderr
finish()
