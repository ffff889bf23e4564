#!/usr/bin/env python3
# label: cli bad-input
"""tal-extract over files of every odd kind, written here byte by byte; --check, --plan, and kill -9 in the middle."""
import json
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import wave

from harness import BIN, finish, need, tool
from media import QUARTER_TURN, avi_frames, matroska_cluster, matroska_head, mp4, ogg, resized_header

need("tal-extract", why="this build has no OpenCV")


def run(name, *words, **how):
    return tool(name, *map(str, words), **how)


def records(text):
    return [json.loads(line) for line in text.splitlines()]


def ten_bit(width, height, shift):
    """v210: uncompressed 4:2:2 with 10 bits a sample, six pixels in four words; a row fills whole 128 bytes."""
    rows = b""
    for y in range(height):
        words = b""
        for x in range(0, width, 6):
            luma = [512 + 300 * (((x + i + shift) // 8 + y // 8) % 2) for i in range(6)]
            chroma = 512
            for trio in ((chroma, luma[0], chroma), (luma[1], chroma, luma[2]), (chroma, luma[3], chroma), (luma[4], chroma, luma[5])):
                words += struct.pack("<I", trio[0] | trio[1] << 10 | trio[2] << 20)
        rows += words + b"\0" * (-len(words) % 128)
    return rows


with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    run("tal-synth", "videos", "-n", 1, "--duration", 4, "--width", 64, "--height", 48, "--prefix", "good", "--out-dir", folder, "-o", folder / "t.jsonl")
    good = next(folder.glob("good*.avi"))
    raw = good.read_bytes()
    frames = avi_frames(raw)
    assert len(frames) == 100
    index = raw.rindex(b"idx1")
    with wave.open(str(folder / "sound.wav"), "wb") as sound:
        sound.setnchannels(1), sound.setsampwidth(2), sound.setframerate(8000)
        sound.writeframes(bytes(32000))
    audio = (folder / "sound.wav").read_bytes()
    odd = [resized_header(f, 63, 47) for f in frames]

    def recorded(pause):
        """As live recorders write Matroska, which state no length: a cluster a second; pause: milliseconds before the second half."""
        return matroska_head(64, 48, 8000) + b"".join(matroska_cluster(1000 * s + pause * (s > 1), [(1, 40 * k, frames[25 * s + k]) for k in range(25)]) for s in range(4))

    # name: bytes, and the frames that must come out of them or what the error must say
    unreadable = "no video that can be decoded"
    files = {
        "zero.mp4": (b"", unreadable),
        "noise.avi": (bytes(range(256)) * 40, unreadable),
        "text.mkv": (b"this is no video\n" * 100, unreadable),
        "audio.wav": (audio, unreadable),
        "audio-as-video.mp4": (audio, unreadable),
        "head-alone.avi": (raw[:200], unreadable),
        "no-moov.mp4": (mp4(frames, 64, 48, index=False), unreadable),
        "cut.avi": (raw[:len(raw) // 2], "last good time stamp"),
        "cut.mp4": (mp4(frames, 64, 48)[:-30], unreadable),
        "cut.ogv": (ogg(frames, 64, 48)[:-500], "(the file ends within a page)"),
        "no-index.avi": (raw[:index], 100),
        "recorded.mkv": (recorded(0), 100),
        "paused.mkv": (recorded(1000), 100),
        "recorded-cut.mkv": (recorded(0)[:-500], "(the file ends within a cluster)"),
        "picture.mp4": (frames[0], "(one picture, of the format mjpeg: the pictures of a video become one with ffmpeg"),
        "whole.ogv": (ogg(frames, 64, 48), 100),
        "plain.mp4": (mp4(frames, 64, 48), 100),
        "avi-as.mp4": (raw, 100),
        "mp4-as.avi": (mp4(frames, 64, 48), 100),
        "no-extension": (raw, 100),
        "odd-size.mp4": (mp4(odd, 63, 47), 100),
        "turned.mp4": (mp4(frames, 64, 48, matrix=QUARTER_TURN), 100),
        "ten-bit.mov": (mp4([ten_bit(48, 32, k) for k in range(60)], 48, 32, codec=b"v210"), 60),
        # 50 frames a second, then 10
        "variable.mp4": (mp4(frames, 64, 48, durations=[20] * 50 + [100] * 50), 100),
        "one-frame.mp4": (mp4(frames[:1], 64, 48), "only 1 sampled frames, a window needs 16"),
    }
    odd_files = folder / "odd"
    odd_files.mkdir()
    lines, expected = [], {}
    for k, (name, (data, outcome)) in enumerate(files.items()):
        (odd_files / name).write_bytes(data)
        lines.append(json.dumps({"video": f"v{k:02d}-{name.replace('.', '-')}", "path": str(odd_files / name)}))
        expected[f"v{k:02d}-{name.replace('.', '-')}"] = outcome
    for name, path, text in (("gone", folder / "nowhere.mp4", "No such file"), ("folder", folder, "directory")):
        lines.append(json.dumps({"video": name, "path": str(path)}))
        expected[name] = text
    table = "\n".join(lines) + "\n"

    # Whatever --jobs: the good ones come, in order, every bad one has its line on stderr, and the run fails.
    for jobs in (1, 2):
        out = folder / f"out{jobs}"
        got = run("tal-extract", "-j", jobs, "--on-error", "skip", "--no-history", "--out-dir", out, status=1, data=table)
        came = {r["video"]: r for r in records(got.stdout)}
        assert list(came) == [v for v, o in expected.items() if isinstance(o, int)], (list(came), got.stderr)
        for video, outcome in expected.items():
            if isinstance(outcome, int):
                stream = came[video]["features"]["hog-hof"]
                assert stream["frames"] == outcome and stream["rows"] == (outcome - 16) // 8 + 1, (video, stream)
                assert stream["hash"] == json.loads((out / f"{video}.hog-hof.json").read_text())["feature"]["hash"]
            else:
                told = [line for line in got.stderr.splitlines() if f"'{video}'" in line]
                assert len(told) == 1 and outcome in told[0], (video, told)
        assert len(list(out.iterdir())) == 2 * len(came)

    def values(name, directory=folder / "out1"):
        video = next(v for v in expected if v.endswith("-" + name.replace(".", "-")))
        data = (directory / f"{video}.hog-hof.npy").read_bytes()
        return struct.unpack(f"<{(len(data) - 128) // 4}f", data[128:])

    # One content, four wrappings: one result. A picture on its side has its gradients turned by a quarter, four of eight bins (diagonals lie on a border of bins).
    assert values("plain.mp4") == values("avi-as.mp4") == values("mp4-as.avi") == values("no-extension") == values("no-index.avi")
    straight, turned = ([sum(values(name)[cell * 8 + k] for cell in range(16)) for k in range(8)] for name in ("plain.mp4", "turned.mp4"))
    assert max(abs(straight[k] - turned[(k + 4) % 8]) for k in range(8)) < 0.2 * max(straight), (straight, turned)
    assert max(abs(straight[k] - turned[k]) for k in range(8)) > 0.4 * max(straight), (straight, turned)

    # A pause is told, with its place.
    got = run("tal-extract", "-q", "--videos", odd_files / "paused.mkv", "--out-dir", folder / "paused")
    assert "warning: video 'paused': it has no picture between 1.960 s and 3.000 s\n" in got.stderr and records(got.stdout)[0]["duration"] == 5, got

    # The variable rate is told, and sampling goes by time stamp: the last frame is at 1 + 49 / 10 s.
    variable = odd_files / "variable.mp4"
    got = run("tal-extract", "-q", "--videos", variable, "--out-dir", folder / "vfr")
    assert "warning: video 'variable': the frame rate varies" in got.stderr, got.stderr
    assert abs(records(got.stdout)[0]["duration"] - 6) < 1e-9, got.stdout  # as the container says, not 1 / mean rate behind the last frame
    record = records(run("tal-extract", "--fps", 10, "--videos", variable, "--out-dir", folder / "vfr10").stdout)[0]
    assert record["features"]["hog-hof"]["frames"] == 60 and record["features"]["hog-hof"]["fps"] == 10, record

    # --plan: frames, rows, bytes and seconds of each and of all; broken ones are told.
    got = run("tal-extract", "--plan", "--on-error", "skip", status=1, data=table)
    plans = {p["video"]: p for p in records(got.stdout)}
    plain = next(p for v, p in plans.items() if v.endswith("plain-mp4"))
    assert (plain["frames"], plain["rows"], plain["streams"][0]["bytes"]) == (100, 11, 11 * 161 * 4) and plain["seconds"] >= 0, plain
    assert "bytes, about" in got.stderr and "v00-zero-mp4" not in plans

    # --check: silence, then each kind of fault by its name.
    def faults(*words, status, data=None):
        return {(f["video"], f["stream"]): f["fault"] for f in records(run("tal-extract", "--check", *words, status=status, data=data).stdout)}

    store = folder / "store"
    names = ["whole", "header", "content", "shape", "nofile", "unfinished", "longer", "touched", "settings", "rows"]
    sources = {}
    for name in names + ["never"]:
        sources[name] = folder / f"{name}.avi"
        shutil.copy(good, sources[name])
    made = run("tal-extract", "--no-history", "--videos", *(sources[n] for n in names), "--out-dir", store).stdout
    assert not faults("--videos", *(sources[n] for n in names), "--out-dir", store, status=0)
    assert not faults(status=0, data=made)

    def damage(name, change):
        path = store / name
        path.write_bytes(change(path.read_bytes()))

    damage("header.hog-hof.json", lambda b: b[:50])
    damage("content.hog-hof.npy", lambda b: b[:-4] + struct.pack("<f", 0.5))
    damage("shape.hog-hof.npy", lambda b: b[:-40])
    (store / "nofile.hog-hof.npy").unlink()
    (store / "unfinished.hog-hof.json").unlink()
    sources["longer"].write_bytes(raw + b"\0")
    os.utime(sources["touched"], (1, 1))  # the same frames: no fault
    damage("settings.hog-hof.json", lambda b: b.replace(b"stride 8", b"stride 4"))
    damage("rows.hog-hof.json", lambda b: b.replace(b'"frames":100,"resample"', b'"frames":120,"resample"'))
    wanted = {("header", "hog-hof"): "header", ("nofile", "hog-hof"): "missing", ("unfinished", "hog-hof"): "unfinished", ("longer", "hog-hof"): "video",
              ("settings", "hog-hof"): "header", ("rows", "hog-hof"): "rows", ("never", ""): "missing", ("content", "hog-hof"): "content", ("shape", "hog-hof"): "shape"}
    assert faults("--videos", *(sources[n] for n in names + ["never"]), "--out-dir", store, status=1) == wanted
    # By the records, which also promise frames: the header that was changed disagrees with its record.
    got = run("tal-extract", "--check", status=1, data=made)
    assert {f["fault"] for f in records(got.stdout) if f["video"] == "rows"} == {"rows", "record"}, got.stdout
    assert "10 videos, " in got.stderr, got.stderr
    got = run("tal-extract", "--check", "--stride", 4, "--videos", good, status=2)
    assert "--stride has no effect with --check" in got.stderr, got.stderr

    # Memory does not grow with the video: 6000 frames are 55 MB, their rows half a megabyte.
    def peak(name, count):
        path = folder / name
        path.write_bytes(mp4((frames * (count // 100)), 64, 48))
        process = subprocess.Popen([os.path.join(BIN, "tal-extract"), "--videos", str(path), "--out-dir", str(folder / "long")], stdout=subprocess.DEVNULL)
        _, state, usage = os.wait4(process.pid, 0)
        assert state == 0
        return usage.ru_maxrss / 1024

    short, long = peak("short.mp4", 200), peak("long.mp4", 6000)
    assert os.environ.get("TAL_SANITIZED") or long - short < 25, (short, long)

    # Killed in the middle: run again, only the missing is done, and every byte is that of an undisturbed run.
    many = []
    for k in range(12):
        many.append(folder / f"m{k:02d}.avi")
        shutil.copy(good, many[-1])
    whole, killed = folder / "undisturbed", folder / "killed"
    run("tal-extract", "--videos", *many, "--out-dir", whole)
    words = [os.path.join(BIN, "tal-extract"), "-j", "2", "--resume", "--videos", *map(str, many), "--out-dir", str(killed)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and len(list(killed.glob("*.json"))) < 3:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = {p.name: p.stat().st_mtime_ns for p in killed.glob("*.json")}
    assert 3 <= len(before) < 12, len(before)
    run(*["tal-extract", *words[1:]])
    assert all((killed / name).stat().st_mtime_ns == at for name, at in before.items())
    for path in many:
        name = f"{path.stem}.hog-hof.npy"
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), name
    assert not faults("--videos", *many, "--out-dir", killed, status=0)
finish()
