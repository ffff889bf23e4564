#!/usr/bin/env python3
# label: cli
"""tal-detect: every format, names that need quoting, bundles, what --print shows, failing stages."""
import csv
import html.parser
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from harness import need

BIN = pathlib.Path(os.environ["TAL_BIN"])
SOURCE = pathlib.Path(os.environ["TAL_SOURCE"])
need("tal-extract", why="this build has no tal-extract (no OpenCV)")
folder = pathlib.Path(tempfile.mkdtemp())


def run(*words, status=0, tool="tal-detect", cwd=folder):
    got = subprocess.run([str(BIN / tool), *map(str, words)], capture_output=True, text=True, timeout=60, cwd=cwd)
    assert got.returncode == status, (words, got.returncode, got.stdout[-500:], got.stderr)
    return got


def usage(text, *words):
    got = run(*words, status=2)
    assert text in got.stderr and not got.stdout, (words, got.stderr)


try:
    run("videos", "-n", 2, "--duration", 8, "--actions", 2, "-o", "truth.jsonl", tool="tal-synth")
    one, two = sorted(folder.glob("*.avi"))
    plain = str(shutil.copy(one, folder / "plain.avi"))
    odd = [str(one.rename(folder / "it's a $(touch hit) \"video\" & more.avi")), str(two.rename(folder / "-two; x.avi"))]
    names = [pathlib.Path(v).stem for v in odd]

    # The version is the tools' own, with revision and compiler.
    assert run("--version").stdout.replace("tal-detect", "tal-nms") == run("--version", tool="tal-nms").stdout

    # Records: one a video, in order, with the whole history; nothing of the names was run as a command.
    records = [json.loads(line) for line in run(*odd).stdout.splitlines()]
    assert [r["video"] for r in records] == names
    assert [h["tool"] for h in records[0]["history"]] == ["tal-extract", "tal-propose", "tal-nms"]
    assert all(r["proposals"] for r in records)
    assert not (folder / "hit").exists()
    # A relative name that begins with a dash, -j, and -o.
    out = run("-j", 2, "--output=out.jsonl", "--", "-two; x.avi", "plain.avi").stdout
    assert out == "" and [json.loads(line)["video"] for line in open(folder / "out.jsonl")] == ["-two; x", "plain"]

    # What --print shows is what runs.
    shown = run("--print", *odd).stdout
    again = subprocess.run(["sh", "-c", shown], capture_output=True, text=True, cwd=folder, env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"})
    assert again.returncode == 0 and [json.loads(line) for line in again.stdout.splitlines()] == records, again.stderr
    assert "tal-extract" in run("--print", "missing.mp4").stdout  # files need not be there to see the pipe

    # Tables and subtitles say what the records say.
    rows = list(csv.reader(io.StringIO(run("--format", "csv", *odd).stdout)))
    assert rows[0] == ["video", "start", "end", "label", "score", "duration", "subset", "fps", "frames", "tier", "subject", "at"]
    expected = [[r["video"], *p["segment"], p["score"]] for r in records for p in r["proposals"]]
    assert [[v, float(s), float(e), float(x)] for v, s, e, _, x, *_ in rows[1:]] == expected
    run("--format", "srt", "-o", "subtitles/", *odd)
    assert sorted(p.name for p in (folder / "subtitles").iterdir()) == sorted(f"{n}.srt" for n in names)
    mark = {"srt": r"(\d\d):(\d\d):(\d\d),(\d{3})", "webvtt": r"(\d\d):(\d\d):(\d\d)\.(\d{3})"}
    times = sorted([round(1000 * t) for t in p["segment"]] for p in records[0]["proposals"])
    for kind, text in (("srt", (folder / f"subtitles/{names[0]}.srt").read_text()), ("webvtt", run("--format", "webvtt", odd[0]).stdout)):
        cues = re.findall(mark[kind] + " --> " + mark[kind], text)
        seen = sorted([((int(c[i]) * 60 + int(c[i + 1])) * 60 + int(c[i + 2])) * 1000 + int(c[i + 3]) for i in (0, 4)] for c in cues)
        assert seen == times, (kind, seen, times)
        assert (text.startswith("WEBVTT\n") if kind == "webvtt" else text.startswith("1\n")), text
    run("--format", "html", "-o", "a timeline.html", *odd)
    page = (folder / "a timeline.html").read_text()
    html.parser.HTMLParser().feed(page)
    assert page.lower().startswith("<!doctype html>") and "</html>" in page.lower() and "-two; x" in page

    # Bundles: one line a stage, the folder's name put in safely.
    bundle = folder / "my (first) bundle's"
    bundle.mkdir()
    (bundle / "pipeline").write_text("# a comment\n\ntal-extract --stride 4 --inline\n  tal-propose --method grouping\ntal-nms --config @/nms.json\n")
    (bundle / "nms.json").write_text('{"method": "greedy", "threshold": 0.5, "top-k": 1}')
    records = [json.loads(line) for line in run("-m", bundle, *odd).stdout.splitlines()]
    assert [len(r["proposals"]) for r in records] == [1, 1]
    assert records[0]["features"]["hog-hof"]["stride"] == 4
    for line, text in (("cat", "not a tal tool"), ("tal-nms; touch hit", "shell syntax is not allowed"), ("tal-nms $HOME", "shell syntax"),
                       ("tal-nms 'x", "a quote is not closed"), ("tal-nms # x", "shell syntax")):
        (bundle / "pipeline").write_text(f"tal-extract --inline\n{line}\n")
        assert text in run("-m", bundle, plain, status=1).stderr
    (bundle / "pipeline").write_text("tal-nms\n")
    assert "first stage must be tal-extract" in run("-m", bundle, plain, status=1).stderr
    (bundle / "pipeline").write_text("# nothing\n")
    assert "no stages" in run("-m", bundle, plain, status=1).stderr
    assert "no such folder" in run("-m", folder / "none", plain, status=1).stderr
    assert not (folder / "hit").exists()

    # A stage that fails: status 1, its number, and no file that looks complete.
    (folder / "broken.avi").write_bytes(b"RIFF no video")
    got = run("-o", "bad.jsonl", "plain.avi", "broken.avi", status=1)
    assert "stage 1 ended with status 1" in got.stderr and "broken" in got.stderr, got.stderr
    assert not (folder / "bad.jsonl").exists() and not list(folder.glob(".tal-detect*"))
    (bundle / "pipeline").write_text("tal-extract --inline --on-error skip\ntal-propose --method grouping\n")
    run("-m", bundle, "-o", "some.jsonl", "broken.avi", "plain.avi", status=1)
    assert [json.loads(line)["video"] for line in open(folder / "some.jsonl")] == ["plain"]
    assert "No such file" in run("missing.avi", status=1).stderr

    usage("no videos")
    usage("unknown option --fromat", "--fromat", "csv", plain)
    usage("none of tal, csv, srt, webvtt, html", "--format", "xml", plain)
    usage("needs a value", plain, "--format")
    usage("html needs --output FILE.html", "--format", "html", plain)
    usage("one file a video", "--format", "srt", plain, odd[0])
    usage("is a folder", "-o", "subtitles/", plain)
    usage("is not a number", "-j", "many", plain)

    # The manual page describes every option of --help.
    page = (SOURCE / "man/tal-detect.1").read_text().replace("\\-", "-")
    options = set(re.findall(r"(?<!\S)--?[a-z]+", run("--help").stdout.split("Examples:")[0])) - {"--videos"}
    assert len(options) >= 10 and all(o in page for o in options), [o for o in options if o not in page]
finally:
    shutil.rmtree(folder)
print("ok")
