#!/usr/bin/env python3
# label: cli
"""What the page of tal-plot view exports is what tal-convert writes of the same records, and is read back; its player's clock is the record's."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

from harness import check, finish, need, tool, works, write
from media import webm_later

need("node", why="no Node.js, which runs the page's script")
HERE = pathlib.Path(__file__).resolve().parent
folder = pathlib.Path(tempfile.mkdtemp(prefix="tal-view-exports-"))


def page(records, *words):
    """The values of expressions in the page of these records."""
    write(str(folder / "records.jsonl"), "".join(json.dumps(r) + "\n" for r in records))
    made = tool("tal-plot", "view", "-i", str(folder / "records.jsonl"), "-o", str(folder / "page.html"), *words)

    def run(*expressions):
        done = subprocess.run(["node", str(HERE / "page_in_node.js"), str(folder / "page.html")], input="\n".join(expressions) + "\n", capture_output=True, text=True, timeout=120)
        check(done.returncode == 0, "the page's script: " + done.stderr[-2000:])
        return [json.loads(line) for line in done.stdout.splitlines()]
    run.said = made.stderr
    return run


def read(form, texts, *words):
    """The records that tal-convert makes of files, without where the medium is."""
    records = []
    for text in texts:
        path = write(str(folder / "x" / ("back" + {"elan": ".eaf", "label-studio": ".json"}[form])), text)
        for line in tool("tal-convert", "--from", form, *words, path).stdout.splitlines():
            record = json.loads(line)
            records.append({k: v for k, v in record.items() if k not in ("history", "media", "path")})
    return records


def converted(form, records):
    """The files that tal-convert writes."""
    write(str(folder / "records.jsonl"), "".join(json.dumps(r) + "\n" for r in records))
    out = folder / "converted"
    shutil.rmtree(out, ignore_errors=True)
    if form == "label-studio":
        return [tool("tal-convert", "--to", form, "--segments", "annotations", str(folder / "records.jsonl")).stdout]
    texts = []
    for record in records:
        write(str(folder / "one.jsonl"), json.dumps(record) + "\n")
        texts.append(tool("tal-convert", "--to", form, "--segments", "annotations", str(folder / "one.jsonl")).stdout)
    return texts


RECORDS = [
    # The id is none of the file's name; tiers, comments, points, times between frames and between milliseconds.
    {"video": "game/1", "path": "clip.mp4", "duration": 10, "fps": 25, "subset": "val", "frames": 250, "proposals": [{"segment": [1, 2], "score": 0.5}],
     "annotations": [{"segment": [1.5, 4.25], "label": "walk", "tier": "Anna", "comment": "hm"}, {"at": 3, "label": "call", "tier": "Ben"}, {"segment": [4.00049, 6.1234567], "label": "a < \"b\" & 'c'\té", "tier": "Anna"},
                     {"segment": [2, 8], "label": "walk", "tier": "Anna", "subject": "s", "annotator": "x"}, {"segment": [2, 8], "tier": "Anna 2", "id": "r7"}, {"segment": [2.5, 2.5], "label": "none", "by": {"n": 1}}]},
    {"video": "hash#?", "path": "some where/hash#?.mp4", "fps": [30000, 1001], "annotations": [{"segment": [0, 0.0001], "label": "x"}]},
    {"video": "a b", "path": "a b.mp4", "fps": 12.5, "annotations": []},
    {"video": "song", "path": "song.wav", "duration": 3.5, "annotations": [{"segment": [0.1234567, 1], "label": "bell"}, {"segment": [1, 2], "label": "bell", "type": "timeserieslabels"}, {"at": 2.5, "label": "end", "type": "timeserieslabels"}],
     "classification": [{"label": "music", "score": 1}]},
    # Regions of several times, classes, tiers and annotators, with what else was answered; ids that several regions have.
    {"video": "regions", "path": "regions.mp4", "fps": 10, "annotations": [
        *({"segment": times, "label": label, "tier": "t", "annotation": "3", "annotator": "a@b.c", "ground_truth": True, "id": "r", "answers": [{"from_name": "q", "type": "choices", "value": {"choices": ["fast"]}}], "type": "timelinelabels"} for times in ([1, 2], [4, 5]) for label in ("x", "y")),
        {"segment": [1, 2], "label": "z", "tier": "u", "annotation": "4", "annotator": "7", "id": "r"}, {"segment": [1, 2], "label": "z", "tier": "v", "annotation": "4", "annotator": "7", "id": "r"}, {"segment": [3, 4], "label": "z", "tier": "u", "annotation": "4", "annotator": "7", "id": "r", "channel": "1"}]},
    {"video": "alone", "fps": 8, "annotations": [{"segment": [9, 10], "label": "late", "tier": 7}, {"segment": [1, 2], "label": "early", "type": "brushlabels"}]},
]
try:
    for record in RECORDS[:4]:
        write(str(folder / record["path"]), "no video")
    run = page(RECORDS)
    elan, (studio,) = run(*[f"exports.elan(videos[{i}])" for i in range(len(RECORDS))]), run("exports.labelStudio()")
    for form, ours in (("elan", [e["text"] for e in elan]), ("label-studio", [studio["text"]])):
        theirs = converted(form, RECORDS)
        now, then = read(form, ours), read(form, theirs)
        check(len(now) == len(RECORDS) == len(then), f"{form}: {len(now)} records")
        for a, b, record in zip(now, then, RECORDS):
            check(a == b, f"{form}, '{record['video']}': the page's is read as\n  {a}\nand tal-convert's as\n  {b}")
            check(a["video"] == record["video"] and len(a["annotations"]) == len(record["annotations"]), f"{form}: '{record['video']}' came back as {a}")
            for key in ("duration", "subset", "frames"):
                check(a.get(key) == record.get(key), f"{form}: {key} of '{record['video']}': {a.get(key)}")
            rate = record.get("fps")
            check(abs(a.get("fps", 0) - (rate[0] / rate[1] if isinstance(rate, list) else rate or 0)) < 1e-9, f"{form}: the rate of '{record['video']}': {a.get('fps')}")
    first = read("label-studio", [studio["text"]])[0]["annotations"]
    check([(a.get("tier"), a.get("comment")) for a in first[:2]] == [("Anna", "hm"), ("Ben", None)], f"tiers and comments: {first[:2]}")

    # Where ELAN finds the file.
    def descriptor(number):
        return ET.fromstring(elan[number]["text"]).find("HEADER/MEDIA_DESCRIPTOR").attrib
    check(descriptor(1)["RELATIVE_MEDIA_URL"] == "./some where/hash#?.mp4" and descriptor(1)["MEDIA_URL"] == folder.as_uri() + "/some%20where/hash%23%3F.mp4", f"ELAN's medium: {descriptor(1)}")
    check(descriptor(2)["RELATIVE_MEDIA_URL"] == "./a b.mp4" and descriptor(3)["MIME_TYPE"] == "audio/x-wav", f"ELAN's medium: {descriptor(2)}")

    # What is otherwise in the file is said.
    for said, pieces in ((elan[0]["note"], ["points, which last a millisecond (1)", "between two milliseconds, which are rounded (2)", "left out: by, comment"]), (elan[2]["note"], []),
                         (studio["note"], ["points, which last a frame (1)", "between two frames, which are rounded (", "left out: by, subject", "types that Label Studio does not know"])):
        check(all(piece in said for piece in pieces) and (pieces or said == ""), f"said: {said}")
    check("a point lasts one" in (folder / "page.html").read_text(), "the menu says what the formats round")

    # Without a rate, frames are counted as Label Studio counts them, and the file says how, to tal-convert and to <Video frameRate="$framerate">.
    (studio,) = page([{"video": "v", "annotations": [{"segment": [1, 2], "label": "x"}]}])("exports.labelStudio()")
    check("without a frame rate, whose frames are counted at 24 a second" in studio["note"], studio["note"])
    (back,) = read("label-studio", [studio["text"]])
    check(back["fps"] == 24 and back["annotations"][0]["segment"] == [1, 2], f"without a rate: {back}")
    (back,) = read("label-studio", [studio["text"]], "--fps", "12")
    check(back["fps"] == 12 and back["annotations"][0]["segment"] == [2, 4], f"--fps holds: {back}")
    task = {**json.loads(studio["text"])[0], "project": {"label_config": '<View><Video name="video" value="$video" framerate="$speed"/></View>'}}
    task["data"]["speed"] = 48
    (back,) = read("label-studio", [json.dumps(task)])
    check(back["fps"] == 48 and back["annotations"][0]["segment"] == [0.5, 1], f"a rate that the configuration takes from the task: {back}")
    (studio,) = page([{"video": "v", "fps": 25}])("exports.labelStudio()")
    check("annotations" not in json.loads(studio["text"])[0], "nobody has labelled it")

    # An edit of one label leaves the others as they came, digits that no number of JavaScript has and all.
    kept = '{"segment":[3,4],"label":"b","code":12345678901234567890}'
    write(str(folder / "records.jsonl"), '{"video":"d","duration":9,"annotations":[{"segment":[1,2],"label":"a"}, %s ]}\n' % kept)
    tool("tal-plot", "view", "-i", str(folder / "records.jsonl"), "-o", str(folder / "page.html"))
    done = subprocess.run(["node", str(HERE / "page_in_node.js"), str(folder / "page.html")], capture_output=True, text=True, timeout=120,
                          input="replaceSegment(videos[0], videos[0].labels[0], corrected(videos[0], videos[0].labels[0], {start: 1.5})), recordLine(videos[0])\n")
    check(kept in json.loads(done.stdout) and '"segment":[1.5,2]' in json.loads(done.stdout), f"the other label: {done.stdout}")

    # Of a video that starts late, time 0 is its first picture, wherever the player's clock stands then.
    shutil.copy(HERE.parent / "browser" / "clip.webm", folder / "early.webm")
    write(str(folder / "late.webm"), webm_later((HERE.parent / "browser" / "clip.webm").read_bytes(), 1500))
    videos = [{"video": v, "path": v + ".webm", "duration": 20, "fps": 8, "annotations": [{"segment": [2, 5], "label": "x"}]} for v in ("late", "early")]
    steps = ["player.element.fire('loadedmetadata'), +player.element.currentTime", "player.element.fire('seeked'), player.seek(4), player.element.currentTime", "player.element.fire('seeked'), player.time",
             "player.element.currentTime = 9.5, player.time", "document.getElementById('clock-zero').textContent"]
    run = page(videos, *(["--thumbnails", "5"] if works("tal-extract") else []))
    if works("tal-extract"):
        check(run.said == "", f"nothing to say: {run.said}")
        begin, seek, there, played, said = run(*steps)
        check([begin, seek, there, played] == [1.5, 5.5, 4, 8] and "the first picture, 1.5 s behind the start of the file" in said, f"a video that starts at 1.5 s: {[begin, seek, there, played, said]}")
        begin, seek, there, played, said = run("openVideo(videos[1])", *steps)[1:]
        check([seek, there, played, said] == [4, 4, 9.5, ""], f"a video that starts at 0: {[seek, there, played, said]}")
        late, early = run("videos.map(v => v.thumbnails)")[0]
        check(late == early and [round(t, 3) for t, _ in late] == [2, 6, 10, 14, 18], f"thumbnails are of the record's times: {[t for t, _ in late]}, {[t for t, _ in early]}")
        (record, document, studio) = run("recordLine(videos[0])", "exports.elan(videos[0])", "exports.labelStudio()")
        check(json.loads(record)["annotations"] == videos[0]["annotations"], "records have the record's times")
        back = read("elan", [document["text"]])[0]
        check(back["annotations"][0]["segment"] == [2, 5] and back["time_origin"] == 1.5, f"ELAN: the record's times, and where the medium has their 0: {back}")
        check("start late in their files" in studio["note"] and read("label-studio", [studio["text"]])[0]["annotations"][0]["segment"] == [2, 5], f"Label Studio: {studio['note']}")
        # Where a record says so, its time 0 is elsewhere, of ELAN's files for one: also of a video that starts late.
        run = page([{**v, "time_origin": 3} for v in videos], "--thumbnails", "5")
        begin, seek, there, played, said = run(*steps)
        check([begin, seek, there, played] == [3, 7, 4, 6.5] and "3 s on the player's clock (time_origin)" in said, f"time_origin: {[begin, seek, there, played, said]}")
        late, early = run("videos.map(v => v.thumbnails)")[0]
        check([round(t, 3) for t, _ in late] == [0.5, 4.5, 8.5, 12.5, 16.5] and [round(t, 3) for t, _ in early] == [3, 7, 11, 15], f"thumbnails with time_origin: {[t for t, _ in late]}, {[t for t, _ in early]}")
        check(read("elan", [run("exports.elan(videos[0])")[0]["text"]])[0]["time_origin"] == 3, "time_origin comes back")
        write(str(folder / "late.webm"), "no video")
        run = page(videos)
    # Nobody could look: the page says so, and stderr why.
    check("it is not known where the first picture stands" in run.said, f"not known: {run.said}")
    begin, seek, there, played, said = run(*steps)
    check([seek, there, played] == [4, 4, 9.5] and "was not found out" in said, f"not known: {[seek, there, played, said]}")
finally:
    shutil.rmtree(folder, ignore_errors=True)
finish()
