#!/usr/bin/env python3
# label: cli
"""tal-extract on the command line: plans, refused options, damaged files between good ones, any --jobs."""
import json
import os
import pathlib
import subprocess
import tempfile

from harness import need

BIN = pathlib.Path(os.environ["TAL_BIN"])
need("tal-extract", why="this build has no tal-extract (no OpenCV)")


def run(*words, status=0):
    got = subprocess.run([str(BIN / words[0]), *map(str, words[1:])], capture_output=True, text=True, timeout=60)
    assert got.returncode == status, (words, got.returncode, got.stderr)
    return got


with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    run("tal-synth", "videos", "-n", 3, "--duration", 6, "--prefix", "a b ", "--out-dir", folder, "-o", folder / "truth.jsonl")
    videos = sorted(folder.glob("*.avi"))
    assert len(videos) == 3, videos

    # A plan writes nothing but says what the run then gives.
    out = folder / "features"
    got = run("tal-extract", "--dry-run", "--videos", *videos, "--out-dir", out)
    plans = [json.loads(line) for line in got.stdout.splitlines()]
    assert not out.exists()
    assert [p["video"] for p in plans] == [v.stem for v in videos], plans
    assert "3 videos, 0 finished" in got.stderr, got.stderr
    records = [json.loads(line) for line in run("tal-extract", "--videos", *videos, "--out-dir", out).stdout.splitlines()]
    for plan, record in zip(plans, records):
        stream = record["features"]["hog-hof"]
        assert plan["fps"] == record["fps"] == 25, plan
        assert plan["rows"] == stream["rows"] == 17, (plan, stream)  # (150 - 16) / 8 + 1
        assert plan["streams"] == [{"name": "hog-hof", "dim": 161, "bytes": 17 * 161 * 4, "path": stream["path"]}], plan
        assert pathlib.Path(stream["path"]).stat().st_size == 17 * 161 * 4 + 128
        assert stream["hash"].startswith("sha256:") and len(stream["hash"]) == 71
    got = run("tal-extract", "--plan", "--resume", "--videos", *videos, "--out-dir", out)
    assert all(json.loads(line)["finished"] for line in got.stdout.splitlines()) and "0 rows a stream, 0 bytes" in got.stderr, got.stderr

    # Options that would do nothing.
    for options, text in ((["--device", "cpu"], "--device has no effect with --encoder hog-hof: it has no network"),
                          (["--inline", "--resume"], "--resume has no effect with --inline"),
                          (["--dry-run", "--partial"], "--partial has no effect with --dry-run")):
        got = run("tal-extract", *options, "--videos", videos[0], status=2)
        assert text in got.stderr and not got.stdout, got.stderr

    # A device that is not there, a stream that is not there, a record that is of another video: warnings are kept by -q.
    got = run("tal-extract", "--hwaccel", "abacus", "--videos", videos[0], status=2)
    assert "--hwaccel abacus: this FFmpeg has no such kind of device (it has " in got.stderr, got.stderr
    got = run("tal-extract", "--video-stream", 1, "--out-dir", out, "--videos", videos[0], status=1)
    assert "--video-stream 1: it has 1 video stream, counted from 0" in got.stderr, got.stderr
    got = run("tal-extract", "--video-stream", 0, "--inline", "--no-history", "--videos", videos[0])
    chosen, plain = (json.loads(line)["features"]["hog-hof"]["data"] for line in (got.stdout, run("tal-extract", "--inline", "--videos", videos[0]).stdout))
    assert chosen == plain
    listed = folder / "listed.jsonl"
    for stated, told in (({"duration": 10, "fps": 30, "frames": 300}, "duration 10 where it has 6, fps 30 where it has 25, frames 300 where it has 150"),
                         ({"duration": 6.05, "fps": 24.97, "frames": 151}, None), ({"duration": 6.4}, "duration 6.4 where it has 6")):
        listed.write_text(json.dumps({"video": "v", "path": str(videos[0]), **stated}) + "\n")
        for resumed in ([], ["--resume"]):
            got = run("tal-extract", "-q", *resumed, "--out-dir", folder / "listed", "-i", listed)
            assert (f"tal-extract: warning: video 'v': the record contradicts '{videos[0]}': {told}\n" if told else "") == got.stderr, got.stderr
            assert json.loads(got.stdout)["duration"] == stated["duration"]  # the data set's own stays

    # A rate may be a fraction, also of a stream on disk.
    listed.write_text(json.dumps({"video": "v", "path": str(videos[0]), "fps": [25, 1], "duration": 6}) + "\n")
    got = run("tal-extract", "-q", "--out-dir", folder / "fraction", "-i", listed)
    record = json.loads(got.stdout)
    assert got.stderr == "" and record["fps"] == [25, 1], got
    for rate, faults in ([50, 2], 0), ([30, 1], 1):
        record["features"]["hog-hof"]["fps"] = rate
        listed.write_text(json.dumps(record) + "\n")
        got = run("tal-extract", "--check", "-i", listed, status=min(1, faults))
        assert f"1 videos, {faults} faults" in got.stderr, got
    listed.write_text(json.dumps({"video": "v", "path": str(videos[0]), "fps": [30000, 1001]}) + "\n")
    got = run("tal-extract", "-q", "--out-dir", folder / "fraction", "-i", listed)
    assert "fps 29.97002997002997 where it has 25" in got.stderr, got.stderr

    # A video twice, or two whose rows would be of one name, would write over its own rows.
    listed.write_text("".join(json.dumps({"video": v, "path": str(p)}) + "\n" for v, p in (("v", videos[0]), ("w", videos[1]), ("v", videos[1]), ("v", videos[0]))))
    for options in ([], ["-j", 3], ["--resume"], ["--dry-run"], ["--inline"]):
        once = folder / ("once" + "".join(map(str, options)))
        got = run("tal-extract", "--on-error", "skip", *options, *([] if "--inline" in options else ["--out-dir", once]), "-i", listed, status=1)
        assert [json.loads(line)["video"] for line in got.stdout.splitlines()] == ["v", "w"], (options, got)
        ways = "" if "--inline" in options else f": both would be '{once}/v.hog-hof.npy'"
        for line in (3, 4):
            assert f"{listed}:{line}: video 'v': video: stands in the input twice, {listed}:1 and here{ways}\n" in got.stderr, (options, got.stderr)
        if not options or "-j" in options:
            assert json.loads(got.stdout.splitlines()[0])["features"]["hog-hof"]["rows"] * 161 * 4 + 128 == (once / "v.hog-hof.npy").stat().st_size

    # A damaged file between two good ones: it alone is missing, whatever --jobs.
    whole = videos[1].read_bytes()
    videos[1].write_bytes(whole[: len(whole) // 2])
    seen = set()
    for jobs in (1, 3):
        out = folder / f"skip{jobs}"
        got = run("tal-extract", "-j", jobs, "--no-history", "--on-error", "skip", "--videos", *videos, "--out-dir", out, status=1)
        assert [json.loads(line)["video"] for line in got.stdout.splitlines()] == [videos[0].stem, videos[2].stem], got.stdout
        assert "last good time stamp" in got.stderr and f"video '{videos[1].stem}'" in got.stderr, got.stderr
        assert sorted(p.name for p in out.iterdir()) == sorted(f"{v.stem}.hog-hof.{e}" for v in (videos[0], videos[2]) for e in ("npy", "json"))
        seen.add(got.stdout.replace(str(out), "OUT") + "".join((out / f"{videos[2].stem}.hog-hof.npy").read_bytes().hex()))
    assert len(seen) == 1
print("ok")
