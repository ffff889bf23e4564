#!/usr/bin/env python3
# label: cli
"""Every picture of tal-plot is read back: SVG as XML with its segments at their seconds, PNG pixels, HTML without references."""
import base64
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
import zlib

from harness import works

BIN = pathlib.Path(os.environ["TAL_BIN"])
SVG = "{http://www.w3.org/2000/svg}"
folder = pathlib.Path(tempfile.mkdtemp())


def run(*words, text="", status=0):
    got = subprocess.run([str(BIN / words[0]), *map(str, words[1:])], input=text, capture_output=True, text=True, timeout=60, cwd=folder)
    assert got.returncode == status, (words, got.returncode, got.stderr)
    return got


def svg(*words, text=""):
    """The root of an SVG picture, and what stands inside each panel."""
    root = ET.fromstring(run("tal-plot", *words, text=text).stdout)
    assert root.tag == SVG + "svg" and "href" not in "".join(root.attrib), root.attrib
    panels = [g.find(f"{SVG}g[@class='z']") for g in root.iter(SVG + "g") if g.get("class") == "p"]
    return root, panels


def png_pixels(data):
    """Width, height and rows of RGB bytes; every chunk's checksum is tested."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed, head = 8, b"", None
    while at < len(data):
        (size,), kind = struct.unpack(">I", data[at:at + 4]), data[at + 4:at + 8]
        body = data[at + 8:at + 8 + size]
        assert struct.unpack(">I", data[at + 8 + size:at + 12 + size])[0] == zlib.crc32(kind + body), kind
        head = struct.unpack(">IIBBBBB", body) if kind == b"IHDR" else head
        packed += body if kind == b"IDAT" else b""
        at += size + 12
    assert kind == b"IEND" and head[2:5] == (8, 2, 0), head
    width, height = head[:2]
    raw, rows, above = zlib.decompress(packed), [], bytes(3 * width)
    assert len(raw) == (3 * width + 1) * height
    for y in range(height):
        line = raw[y * (3 * width + 1):(y + 1) * (3 * width + 1)]
        assert line[0] in (0, 2), line[0]
        above = bytes((a + b) & 255 for a, b in zip(line[1:], above)) if line[0] else line[1:]
        rows.append(above)
    return width, height, rows


def image_cells(root):
    """(columns, rows) of the embedded pictures."""
    found = []
    for image in root.iter(SVG + "image"):
        link = image.get("href") or image.get("{http://www.w3.org/1999/xlink}href")
        assert link.startswith("data:image/png;base64,"), link[:40]
        found.append(png_pixels(base64.b64decode(link.split(",", 1)[1])))
    return found


def npy(path, shape, values):
    head = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape!r}, }}"
    head += " " * (-(10 + len(head) + 1) % 64) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + struct.pack(f"<{len(values)}f", *values))


try:
    stream = run("tal-synth", "annotations", "-n", 4, "--proposals", 12, "--seed", 3, "-o", "records.jsonl")
    records = [json.loads(line) for line in open(folder / "records.jsonl")]

    # timeline: one panel a video; every truth and proposal is drawn once, at its seconds.
    root, panels = svg("timeline", "-i", "records.jsonl")
    width, height = float(root.get("width")), float(root.get("height"))
    assert len(panels) == len(records) == 4
    clips = {c.get("id"): c.find(SVG + "rect") for c in root.iter(SVG + "clipPath")}
    for number, (panel, record) in enumerate(zip(panels, records)):
        box = clips[f"c{number}"]
        x0, w = float(box.get("x")), float(box.get("width"))
        rects = [r for r in panel.iter(SVG + "rect")]
        segments = [a["segment"] for a in record["annotations"]] + [p["segment"] for p in record["proposals"]]
        assert len(rects) == len(segments), (record["video"], len(rects), len(segments))
        drawn = sorted(((float(r.get("x")) - x0) / w * record["duration"], float(r.get("width")) / w * record["duration"]) for r in rects)
        least = 2.1 / w * record["duration"]  # a bar is at least two pixels wide
        for (start, length), (s, e) in zip(drawn, sorted(segments)):
            assert abs(start - s) < 0.02 * least + 0.01 and abs(length - (e - s)) <= least, (start, length, s, e)
        assert all(r.find(SVG + "title") is not None for r in rects)
    for text in root.iter(SVG + "text"):
        assert 0 <= float(text.get("x")) <= width and 0 < float(text.get("y")) <= height, text.text

    # PNG: the size of the SVG times --scale; light and dark differ in paper and ink.
    corners = {}
    for theme in ("light", "dark"):
        run("tal-plot", "timeline", "-i", "records.jsonl", "-o", "t.png", "--theme", theme, "--scale", 1.5)
        w, h, rows = png_pixels((folder / "t.png").read_bytes())
        assert (w, h) == (round(1.5 * width), round(1.5 * height)) and len(rows) == h, (w, h, width, height)
        corners[theme] = rows[0][:3]
        assert len({row[i:i + 3] for row in rows[::7] for i in range(0, 3 * w, 21)}) > 5  # something is drawn
        # Nothing is cut off: the outermost columns and rows are paper.
        assert all(row[:3] == corners[theme] == row[-3:] for row in rows) and set(rows[-1]) == set(rows[0]), theme
    assert sum(corners["light"]) > 600 > 200 > sum(corners["dark"]), corners

    # Every script in PNG: with Pango and a font, texts differ as their characters do; without, a warning names the boxes.
    def labelled(label):
        record = {"video": "v", "duration": 9, "annotations": [{"segment": [1, 2], "label": label}], "proposals": []}
        said = run("tal-plot", "timeline", "-o", "label.png", text=json.dumps(record) + "\n").stderr
        return png_pixels((folder / "label.png").read_bytes())[2], said

    plain, said = labelled("run")
    assert not said, said
    for label, turned in (("跑步", "步跑"), ("прыжок", "прыкож"), ("قفز", "زفق")):
        (rows, said), (others, again) = labelled(label), labelled(turned)
        if said:
            assert "boxes stand for" in said and label[0] in said and "SVG and HTML show them" in said, said
            print("no fonts for", label)
        else:
            assert rows != others and rows != plain and not again, label
    rows, said = labelled("🏃")
    if not said:  # drawn in the emoji's colours or in ink, but not as the box of the own font
        assert rows != labelled("🏊")[0], "two emoji look alike"

    # Thumbnails stand above the rows, at their times, in as much room as they may take; a PNG holds none.
    if works("tal-extract"):
        run("tal-synth", "videos", "-n", 1, "--duration", 8, "--prefix", "film", "-o", "films.jsonl")
        root, panels = svg("timeline", "-i", "films.jsonl", "--thumbnails", 5)
        pictures = list(panels[0].iter(SVG + "image"))
        assert len(pictures) == 5 and all(p.get("href").startswith("data:image/jpeg;base64,") for p in pictures), len(pictures)
        centres = [float(p.get("x")) + float(p.get("width")) / 2 for p in pictures]
        assert centres == sorted(centres) and all(b - a >= float(pictures[0].get("width")) for a, b in zip(centres, centres[1:])), centres
        assert base64.b64decode(pictures[0].get("href").split(",")[1])[:2] == b"\xff\xd8"
        # One of each part, also where a picture that is decoded by itself comes every second; no more than there are pictures.
        clip = {"video": "clip", "path": str(pathlib.Path(__file__).resolve().parent.parent / "browser" / "clip.webm"), "duration": 20}
        for count, made in ((5, 5), (40, 40), (160, 160), (300, 160)):
            got = run("tal-plot", "view", "--thumbnails", count, text=json.dumps(clip))
            found = json.loads(re.search(r'"thumbnails":(\[.*\])}', got.stdout).group(1))
            assert len(found) == made and (made > 40 or len({url for _, url in found}) == made), (count, len(found), len({url for _, url in found}))
            parts = {int(time * count / 20 + 1e-6) for time, _ in found}
            assert len(parts) == made and (made < count or parts == set(range(count))), (count, parts)
            assert ("fewer thumbnails than --thumbnails in 1 video: " in got.stderr) == (made < count), got.stderr
        got = run("tal-plot", "timeline", "-i", "films.jsonl", "--thumbnails", 40, "--thumbnail-room", 0.01, "-o", "small.svg")
        assert "more do not fit" in got.stderr and (folder / "small.svg").stat().st_size < 40000, got.stderr
        assert "--thumbnails has no effect with --format png" in run("tal-plot", "timeline", "-i", "films.jsonl", "--thumbnails", 5, "-o", "x.png", status=2).stderr
        assert "no record has a path" in run("tal-plot", "timeline", "-i", "records.jsonl", "--thumbnails", 5, "-o", "x.svg").stderr

    # HTML: one file, no reference to anything outside, and a script that parses.
    run("tal-plot", "timeline", "-i", "records.jsonl", "-o", "t.html")
    page = (folder / "t.html").read_text()
    assert set(re.findall(r"https?:[^\s\"'<>]*", page)) <= {"http://www.w3.org/2000/svg"}, "refers to the network"
    assert not re.search(r"<(link|iframe|object|embed|img)\b|\bsrc=|@import|url\((?!#c\d+\))|fetch\(|XMLHttpRequest|import\(", page)
    assert "default-src 'none'" in page and page.count("<script>") == 1
    ET.fromstring(re.search(r"<svg.*</svg>", page, re.S).group())
    script = re.search(r"<script>(.*)</script>", page, re.S).group(1)
    node = shutil.which("node")
    if node:
        (folder / "t.js").write_text(script)
        done = subprocess.run([node, "--check", str(folder / "t.js")], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    else:
        print("skipped in part: no node here, the page's script is not parsed")
        for a, b in ("()", "[]", "{}"):  # template strings and regular expressions of the script balance too
            assert script.count(a) == script.count(b), (a, script.count(a), script.count(b))

    # compare and anchors draw both streams, and each anchor.
    shutil.copy(folder / "records.jsonl", folder / "other.jsonl")
    _, panels = svg("compare", "-i", "records.jsonl", "--with", "other.jsonl")
    assert [len(list(p.iter(SVG + "rect"))) for p in panels] == [len(r["annotations"]) + 2 * len(r["proposals"]) for r in records]
    anchors = [{"video": "v", "duration": 64, "annotations": [{"segment": [8, 24], "label": "a"}],
                "proposals": [{"segment": [8 * i, 8 * i + 16], "score": 0.5, "label": "positive" if i == 1 else "negative", "scores": {"tiou": 1.0 * (i == 1)}}
                              for i in range(7)]}]
    root, panels = svg("anchors", text="".join(json.dumps(r) + "\n" for r in anchors))
    rects = list(panels[0].iter(SVG + "rect"))
    assert len(rects) == 8, len(rects)
    tips = [r.findtext(SVG + "title") for r in rects]
    assert sum(t.startswith("anchor: negative") for t in tips) == 6 and any("best tIoU 1" in t and "positive" in t for t in tips), tips
    assert any("7 anchors, 1 of 1 truths covered" in (t.text or "") for t in root.iter(SVG + "text"))

    # heatmap: maps inline, as base64 and in files give the same picture; feature streams have time to the right.
    values = [float(i * i) for i in range(24)]
    npy(folder / "map.npy", (2, 3, 4), values)
    rows = [[values[12 * k + 4 * r:12 * k + 4 * r + 4] for r in range(3)] for k in range(2)]
    data = base64.b64encode(struct.pack("<24f", *values)).decode()
    pictures = [run("tal-plot", "heatmap", text=json.dumps({"video": "v", "maps": {"m": maps}})).stdout
                for maps in (rows, {"path": "map.npy"}, {"data": data, "shape": [2, 3, 4]})]
    assert pictures[0] == pictures[1] == pictures[2]
    cells = [c for c in image_cells(ET.fromstring(pictures[0])) if c[0] > 1]
    assert [c[:2] for c in cells] == [(4, 3), (4, 3)], cells
    assert image_cells(svg("heatmap", "map.npy")[0])[0][:2] == (4, 3)
    npy(folder / "f.npy", (50, 6), [float(i % 6 + i // 6 % 7) for i in range(300)])
    feature = {"path": "f.npy", "rows": 50, "dim": 6, "stride": 10, "window": 20, "fps": 10}
    record = json.dumps({"video": "v", "duration": 51, "features": {"a": feature, "b": feature}})
    root, _ = svg("heatmap", "--stream", "b", text=record)
    cells = [c for c in image_cells(root) if c[0] > 1]
    assert [c[:2] for c in cells] == [(50, 6)], [c[:2] for c in cells]
    assert cells[0][2] != [c for c in image_cells(svg("heatmap", "--stream", "b", "--each-row", text=record)[0]) if c[0] > 1][0][2]
    assert "20 s" in [t.text for t in root.iter(SVG + "text")]
    assert len([c for c in image_cells(svg("heatmap", text=record)[0]) if c[0] > 1]) == 2
    npy(folder / "t.npy", (3, 2), [0, 1, 0, 1, 0, 1])  # the first column is low at all times, the second one high
    columns = {"path": "t.npy", "rows": 3, "dim": 2, "stride": 10, "window": 10, "fps": 10}
    (width, height, lines), *_ = [c for c in image_cells(svg("heatmap", text=json.dumps({"video": "v", "duration": 3, "features": {"t": columns}}))[0]) if c[0] > 1]
    assert (width, height) == (3, 2) and lines == [bytes((68, 1, 84)) * 3, bytes((253, 231, 37)) * 3], lines
    for bad, text in (({"maps": {"m": {"path": "none.npy"}}}, "none.npy"), ({"maps": {"m": {"data": data, "shape": [5]}}}, "96 bytes, the shape needs 20"),
                      ({}, "nothing to draw"), ({"maps": {"m": [[1, 2], [3]]}}, "maps.m[1]")):
        got = run("tal-plot", "heatmap", text=json.dumps({"video": "v", **bad}), status=1)
        assert text in got.stderr and not got.stdout, (bad, got.stderr)
    assert "features.c" in run("tal-plot", "heatmap", "--stream", "c", text=record, status=1).stderr

    # --min-score leaves out what is below it, not what is equal.
    text = json.dumps({"video": "v", "duration": 10, "proposals": [{"segment": [k, k + 1], "score": k / 4} for k in range(4)]})
    bars = lambda *more: len(list(svg("timeline", *more, text=text)[1][0].iter(SVG + "title")))
    assert bars() == 4 and bars("--min-score", "0.5") == 2 and bars("--min-score", "0.51") == 1, [bars(), bars("--min-score", "0.5")]

    # --gt goes before the annotations of the input; --max-videos draws the first ones and says so.
    (folder / "gt.jsonl").write_text(json.dumps({"video": "v", "duration": 20, "annotations": [{"segment": [5, 7], "label": "b"}]}))
    text = json.dumps({"video": "v", "duration": 10, "annotations": [{"segment": [1, 2], "label": "a"}], "proposals": [{"segment": [5, 6], "score": 1, "label": "b"}]})
    for options, wanted in (((), {"truth: a\n1.00 - 2.00 s (1.00 s)"}), (("--gt", "gt.jsonl"), {"truth: b\n5.00 - 7.00 s (2.00 s)"})):
        tips = {t.text for t in svg("timeline", *options, text=text)[1][0].iter(SVG + "title")}
        assert {t for t in tips if t.startswith("truth")} == wanted, tips
    # A file of truths without the videos is told, by name.
    (folder / "others.jsonl").write_text("".join(json.dumps({"video": name, "annotations": []}) + "\n" for name in ("x", "y")))
    for kind in ("timeline", "view"):
        said = run("tal-plot", kind, "--gt", "others.jsonl", text=text).stderr
        assert "warning: --gt others.jsonl has no record of any video that is drawn ('v'), but of others ('x', 'y')" in said, (kind, said)
        said = run("tal-plot", kind, "--gt", "gt.jsonl", text=text + "\n" + json.dumps({"video": "w"})).stderr
        assert "--gt gt.jsonl has no record of 1 of 2 videos: 'w'" in said and "warning" not in said, (kind, said)
        assert "--gt" not in run("tal-plot", kind, "--gt", "gt.jsonl", text=text).stderr, kind

    # What reaches out of the video has an arrow at that side and is counted; what is inside has none.
    def lines_of(*segments):
        record = {"video": "v", "duration": 20, "annotations": [{"segment": s, "label": "a"} for s in segments], "proposals": [{"segment": s, "label": "a", "score": 0.5} for s in segments]}
        root, panels = svg("timeline", text=json.dumps(record))
        clip = next(root.iter(SVG + "clipPath")).find(SVG + "rect")
        left, wide = float(clip.get("x")), float(clip.get("width"))
        for bar in panels[0].iter(SVG + "rect"):
            assert left - 0.01 <= float(bar.get("x")) and float(bar.get("x")) + float(bar.get("width")) <= left + wide + 0.01 and float(bar.get("width")) >= 2, "a bar can be seen"
        tips = [[(float(x) - left) / wide for x, _ in (point.split(",") for point in line.get("points").split())][1] for line in panels[0].iter(SVG + "polyline")]
        return [round(tip) for tip in tips], "".join(root.itertext())

    assert lines_of([1, 2], [18, 20])[0] == [] and "outside" not in lines_of([1, 20])[1]
    tips, said = lines_of([15, 25], [30, 40], [-3, 2])
    assert sorted(tips) == [0, 0, 1, 1, 1, 1] and "6 outside of the video (arrows)" in said, (tips, said)

    # A point can be seen wherever it stands, in crowded rows too.
    crowd = [{"segment": [k / 10, 10 + k / 10], "score": k / 40, "label": "a"} for k in range(40)]
    for found in ([], crowd):
        panel = svg("timeline", text=json.dumps({"video": "v", "duration": 20, "proposals": found + [{"at": t, "score": 0.5, "label": "a"} for t in (0, 7, 20)]}))[1][0]
        marks = [r for r in panel.iter(SVG + "rect") if "at " in r.findtext(SVG + "title")]
        assert len(marks) == 3 and all(float(r.get("width")) >= 5 and float(r.get("height")) >= 5 for r in marks), [r.attrib for r in marks]

    # Twenty-one classes have as many colours, in both themes.
    root, panels = svg("timeline", "--max-rows", 0, text=json.dumps({"video": "v", "duration": 30, "annotations": [{"segment": [k, k + 1], "label": f"class {k}"} for k in range(21)]}))
    inks = {r.get("class").split()[0] for r in panels[0].iter(SVG + "rect")}
    rules = root.findtext(SVG + "style")
    for theme in rules.split("@media"):
        fills = dict(re.findall(r"\.(f\d+)\{fill:(#\w+)\}", theme))
        assert len(inks) == 21 == len({fills[ink] for ink in inks}), (inks, fills)

    for most, drawn in ((1, 1), (3, 3), (4, 4), (5, 4), (0, 4)):
        got = run("tal-plot", "timeline", "-i", "records.jsonl", "--max-videos", most)
        root = ET.fromstring(got.stdout)
        assert len([g for g in root.iter(SVG + "g") if g.get("class") == "p"]) == drawn, most
        said = f"{drawn} of 4 records drawn (--max-videos)"
        assert (said in got.stderr) == (said in "".join(root.itertext())) == (drawn < 4), (most, got.stderr)

    # A live stream's windows are records of one video, each with its panel.
    stream = [{"video": v, "duration": 8, "window": {"index": k, "start": 4 * k, "end": 4 * k + 4, "final": False}, "proposals": []} for v in "vw" for k in range(2)]
    for options, said in (((), ""), (("--video", "v"), "tal-plot: 2 of 4 records drawn (--video)\n"), (("--video", "v", "--video", "w"), "")):
        got = run("tal-plot", "timeline", *options, text="".join(json.dumps(r) + "\n" for r in stream))
        assert got.stderr == said, (options, got.stderr)

    # curves: what tal-eval writes, as CSV and as JSON, and a broken table.
    run("tal-eval", "--protocol", "activitynet-proposal", "-i", "records.jsonl", "--curves", "ar.csv", "-o", "ar.txt")
    table = (folder / "ar.csv").read_text().splitlines()
    _, panels = svg("curves", "ar.csv")
    lines = list(panels[0].iter(SVG + "polyline"))
    assert len(panels) == 1 and len(lines) == table[0].count(",") == 11, len(lines)
    assert all(len(line.get("points").split()) in (len(table) - 1, 2 * (len(table) - 1)) for line in lines)
    with open(folder / "detections.jsonl", "w") as file:
        for r in records:
            found = [{"segment": a["segment"], "score": 1 / (i + 2), "label": a["label"]} for i, a in enumerate(r["annotations"])]
            file.write(json.dumps({**r, "proposals": found + [{**f, "score": 0.1} for f in found]}) + "\n")
    run("tal-eval", "--protocol", "activitynet-detection", "-i", "detections.jsonl", "--curves", "pr.csv", "-o", "pr.txt", "--tiou", "0.3,0.5")
    root, panels = svg("curves", "pr.csv")
    expected = {tuple(line.rsplit(",", 4)[:2]) for line in (folder / "pr.csv").read_text().splitlines()[1:]}
    assert len(expected) > 2 and sum(len(list(p.iter(SVG + "polyline"))) for p in panels) == len(expected), (expected, len(panels))
    run("tal-eval", "--protocol", "activitynet-proposal", "-i", "records.jsonl", "--format", "json", "-o", "ar.json")
    assert svg("curves", "ar.json")[1]
    # The results of several protocols in one file: each has its curves, named after it.
    run("tal-eval", "--protocol", "activitynet-detection,thumos14-detection,activitynet-proposal,segmentation", "-i", "detections.jsonl", "--format", "json", "-o", "several.json")
    root, panels = svg("curves", "several.json")
    names = {line.findtext(SVG + "title") for p in panels for line in p.iter(SVG + "polyline")}
    assert len(panels) == 2 and names == {"activitynet-detection", "thumos14-detection", "activitynet-proposal"}, (len(panels), names)

    # A log: ticks at whole epochs, whole markers inside the panel, and a gap where there is no value.
    values = [0.9, 0.7, None, 0.6, 0.5]
    (folder / "log.jsonl").write_text("".join(json.dumps({"epoch": k + 1, "loss": v, "late": None if k < 3 else k, "never": None}) + "\n" for k, v in enumerate(values)))
    root, panels = svg("curves", "log.jsonl")
    assert len(panels) == 2, "a value that is never there has no chart"
    loss = next(p for p in panels if any((r.findtext(SVG + "title") or "").startswith("loss\nepoch 1\n") for r in p.iter(SVG + "rect")))
    stretches = [len(line.get("points").split()) for line in loss.iter(SVG + "polyline")]
    assert stretches == [2, 2], stretches
    for panel, clip in zip(panels, root.iter(SVG + "clipPath")):
        box = {k: float(v) for k, v in clip.find(SVG + "rect").attrib.items()}
        for mark in panel.iter(SVG + "rect"):
            x, y, w, h = (float(mark.get(k)) for k in ("x", "y", "width", "height"))
            assert box["x"] <= x and x + w <= box["x"] + box["width"] and box["y"] <= y and y + h <= box["y"] + box["height"], mark.attrib
    ticks = [t.text for g in root.iter(SVG + "g") if g.get("class") == "t" for t in g.iter(SVG + "text")]
    assert ticks[:5] == ["1", "2", "3", "4", "5"] and all("." not in t for t in ticks), ticks
    (folder / "two.jsonl").write_text("".join(json.dumps({"epoch": k, "loss": 1 / k}) + "\n" for k in (1, 2)))
    root, _ = svg("curves", "two.jsonl")
    assert [t.text for g in root.iter(SVG + "g") if g.get("class") == "t" for t in g.iter(SVG + "text")] == ["1", "2"]
    run("tal-plot", "curves", "two.jsonl", "-o", "two.html")
    assert 'data-whole="1"' in (folder / "two.html").read_text()
    (folder / "bad.csv").write_text("an,ar\n1,0.5\n2,much\n")
    assert "bad.csv:3: ar" in run("tal-plot", "curves", "bad.csv", status=1).stderr
finally:
    shutil.rmtree(folder)
print("ok")
