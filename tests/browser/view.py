# The page of tal-plot view in a real browser: clicks, drags and keys as a person makes them, and what it exports.
# label: browser
# limit: 900
# [--update] writes the pictures of expected/ anew. [NAME...] runs the checks of these names.
import base64
import json
import os
import pathlib
import random
import re
import shutil
import struct
import sys
import tempfile
import time
import xml.etree.ElementTree as ET

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "scripts"))
sys.path.insert(0, str(HERE))
import harness
from chromium import Browser, executable
from harness import check, tool
from media import webm_later

if not executable():
    print("SKIPPED: no Chromium (./run browser-test installs one)")
    sys.exit(77)
UPDATE = "--update" in sys.argv
NAMES = [word for word in sys.argv[1:] if not word.startswith("-")]
EVIL = '</script><script>hacked = 1</script><img src=x onerror="hacked = 1"> & \'"\u2028'
folder = pathlib.Path(tempfile.mkdtemp(prefix="tal-view-"))
shutil.copy(HERE / "clip.webm", folder / "clip one.webm")
browser = None


def kitchen(video="kitchen", **more):
    """A record with overlapping detections of three classes and members that must come through an export byte by byte."""
    record = {"video": video, "path": "clip one.webm", "duration": 20, "fps": [8, 1],
              "annotations": [{"segment": [2, 5], "label": "pour", "by": "ann"}, {"segment": [9.125, 12], "label": "stir"}, {"segment": [14, 18], "label": "pour"}],
              "proposals": [{"segment": [2.2, 5.5], "score": 0.9, "label": "pour", "scores": {"cls": 0.1}}, {"segment": [1.0, 3.0], "score": 0.2, "label": "pour"}, {"segment": [9, 12.4], "score": 0.75, "label": "stir"},
                            {"segment": [10, 11], "score": 0.05, "label": "stir"}, {"segment": [15, 19], "score": 0.6, "label": "open"}, {"segment": [6, 8], "score": 0.45, "label": "open"}]}
    return {**record, **more}


def page(records, *words, name="page.html", status=0):
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    (folder / "records.jsonl").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    done = tool("tal-plot", "view", "-i", str(folder / "records.jsonl"), "-o", str(folder / name), *words, status=status)
    if status == 0:
        browser.resize(1280, 900)
        browser.scheme("light")
        browser.open(folder / name)
    return done


def ready():
    browser.until("player.ready && !player.seeking")


def seeks_to(seconds, what):
    browser.until("!player.seeking")
    now = browser.run("document.getElementById('video').currentTime")
    check(abs(now - seconds) < 0.02, f"{what}: the video is at {now}, not {seconds}")


def x_of(seconds):
    return browser.run(f"timeline.lanes.getBoundingClientRect().left + timeline.x({seconds})")


def box(kind, index):
    """(left, right, middle y) of video.labels[index] or video.found[index], brought into view."""
    segment = f"video.{'labels' if kind == 'label' else 'found'}[{index}]"
    browser.run(f"(() => {{ const b = timeline.layout.boxes.find(b => b.segment === {segment}); timeline.scroller.scrollTop = b.y - 40; }})()")
    browser.frame()
    place = browser.run(f"timeline.boxOf({segment})")
    return place["left"], place["right"], (place["top"] + place["bottom"]) / 2


def labels():
    return browser.run("video.labels.map(s => [s.start, s.end, s.label])")


def export(which):
    browser.click_on("#export > summary")
    browser.click_on("#export-" + which)
    return browser.until("document.getElementById('status').textContent.match(/^(\\S.*) is among/)?.[1]")


def exported_records():
    data = browser.downloaded(export("records")).decode()
    (folder / "export.jsonl").write_text(data, encoding="utf-8")
    checked = tool("tal-check", "-i", str(folder / "export.jsonl"), "--format", "json")
    check(json.loads(checked.stdout)["faults"] == [], "tal-check of the export: " + checked.stdout)
    return data, [json.loads(line) for line in data.splitlines()]


# ----- the checks


def seek():
    """Clicks, keys and the overview move the video."""
    page([kitchen()])
    ready()
    y = browser.run("timeline.lanes.getBoundingClientRect().top + timeline.seen - 4")
    for t in (7.5, 19, 0.5):
        browser.click(x_of(t), y)
        seeks_to(browser.run(f"timeline.at({x_of(t)} - timeline.lanes.getBoundingClientRect().left)"), "click in the rows")
        check(abs(browser.run("document.getElementById('video').currentTime") - t) < 0.05, f"click at {t} s")
    ruler = browser.run("(r => [r.top + 10, r.bottom - 8])(timeline.ruler.getBoundingClientRect())")
    browser.click(x_of(4), ruler[1])
    check(abs(browser.run("player.time") - 4) < 0.05, "click on the ruler")
    browser.run("timeline.setView(10, 12)")
    browser.frame()
    browser.click(browser.run("timeline.ruler.getBoundingClientRect().left + timeline.overviewX(16)"), ruler[0])
    ready()
    check(abs(browser.run("player.time") - 16) < 0.05, "click in the overview")
    check(browser.run("timeline.from < 16 && timeline.to > 16"), "the overview brings its time into view")
    browser.key("0")
    check(not browser.run("timeline.zoomed"), "0 shows the whole video")
    browser.click(x_of(5), y)
    for key, shift, wanted in (("ArrowRight", False, 6), ("ArrowRight", True, 16), ("ArrowLeft", False, 15), (".", False, 15.125), (",", False, 15), ("Home", False, 0), ("End", False, 20)):
        if key == "ArrowRight" and not shift:
            browser.run("player.seek(5)")
        ready()
        browser.key(key, shift=shift)
        ready()
        check(abs(browser.run("player.time") - wanted) < 1e-6, f"key {key}: {browser.run('player.time')}, not {wanted}")
    # The picture is the one of the time: a white square moves 6 pixels a second.
    browser.run("player.seek(10)")
    ready()
    time.sleep(0.3)
    strip = pixels(browser.screenshot("#video"), 128, 72)
    wide = browser.run("(v => [v.clientWidth, v.clientHeight, v.videoWidth / v.videoHeight])(player.element)")
    drawn = wide[1] * wide[2]  # the picture's width inside the black
    at = ((wide[0] - drawn) / 2 + (60 + 10) / 128 * drawn) / wide[0]
    check(strip(at, 0.5)[0] > 200 and strip(at - 0.1, 0.5)[0] < 120, f"the picture at 10 s: {strip(at, 0.5)}, {strip(at - 0.1, 0.5)}")


def pixels(png, columns, rows):
    """A function of x, y (0 to 1): the colour there of a picture that the browser scaled to so many pixels."""
    values = browser.run("""(async (url, w, h) => {
      const image = new Image(); image.src = url; await image.decode();
      const canvas = new OffscreenCanvas(w, h), c = canvas.getContext('2d'); c.imageSmoothingQuality = 'high'; c.drawImage(image, 0, 0, w, h);
      return [...c.getImageData(0, 0, w, h).data];
    })(""" + json.dumps("data:image/png;base64," + base64.b64encode(png).decode()) + f", {columns}, {rows})")

    def at(x, y):
        i = 4 * (min(int(y * rows), rows - 1) * columns + min(int(x * columns), columns - 1))
        return values[i:i + 3]
    return at


def play():
    """Space plays and pauses; Enter plays a segment and stops at its end."""
    page([kitchen(annotations=[{"segment": [3, 3.6], "label": "pour"}], proposals=[])])
    ready()
    browser.click_on("#timeline")
    browser.run("player.seek(1)")
    ready()
    browser.key(" ")
    browser.until("player.playing")
    check(browser.run("document.getElementById('play').getAttribute('aria-label')") == "Pause", "the button says what it does")
    browser.until("player.time > 1.2")
    browser.key(" ")
    browser.until("!player.playing")
    browser.run("player.seek(0)")
    ready()
    browser.key("n")
    check(browser.run("timeline.selected === video.labels[0] && player.time") == 3, "n selects the next segment and goes to its start")
    ready()
    browser.key("Enter")
    browser.until("player.playing")
    browser.until("!player.playing")
    now = browser.run("player.time")
    check(3.55 <= now <= 4.0, f"the segment's end is 3.6, the video stands at {now}")


def keys_of_segments():
    """n and p walk through what is shown in order of time; [ ] set edges at the current time."""
    page([kitchen()])
    ready()
    browser.click_on("#timeline")
    browser.run("select(null); player.seek(0)")
    starts = []
    for _ in range(10):
        browser.key("n")
        starts.append(browser.run("timeline.selected?.start"))
    check(starts == [1, 2, 2.2, 6, 9, 9.125, 10, 14, 15, 15], f"n: {starts}")
    browser.key("p")
    check(browser.run("timeline.selected.start") == 14, "p goes back")
    ready()
    browser.run("player.seek(14.5)")
    ready()
    browser.key("[")
    browser.run("player.seek(17.25)")
    ready()
    browser.key("]")
    check(labels()[2] == [14.5, 17.25, "pour"], f"[ and ]: {labels()}")
    browser.run("player.seek(18)")
    ready()
    browser.key("[")
    check(labels()[2][0] == 14.5 and "before the end" in browser.run("document.getElementById('status').textContent"), "a start behind the end is refused, aloud")
    browser.key("z", ctrl=True)
    browser.key("z", ctrl=True)
    check(labels()[2] == [14, 18, "pour"], f"undo: {labels()}")
    browser.key("z", ctrl=True, shift=True)
    check(labels()[2] == [14.5, 18, "pour"], "redo")
    browser.key("Delete")
    browser.run("select(video.labels[0])")
    browser.key("Delete")
    check([l[0] for l in labels()] in ([9.125, 14.5], [9.125]), f"Delete: {labels()}")
    browser.run("player.seek(16)")
    count = len(labels())
    browser.key("i")
    check(len(labels()) == count + 1 and labels()[-1][0] == 16, f"i: a new label at the time: {labels()}")
    browser.run("select(video.found[5])")
    browser.key("a")
    check(labels()[-1] == [6, 8, "open"] and browser.run("video.dismissed.has(video.found[5])"), "a: what was found is a label, and no longer found")


def filters():
    """The slider and the classes decide what is shown, counted and walked through."""
    record = kitchen()
    page([record])
    r = browser.run("(e => { e.scrollIntoView({block: 'nearest'}); const r = e.getBoundingClientRect(); return [r.left, r.width, r.top + r.height / 2]; })(document.getElementById('threshold'))")
    for part in (0.25, 0.5, 0.7, 0.99, 0.02):
        browser.click(r[0] + r[1] * part, r[2])
        threshold = browser.run("filter.threshold")
        check(abs(threshold - part) < 0.06, f"slider at {part}: {threshold}")
        wanted = sum(p["score"] >= threshold for p in record["proposals"])
        shown = browser.run("[shownFound(video).length, document.getElementById('shown').textContent, timeline.layout.boxes.filter(b => b.segment.kind === 'found').length, segmentList.items.length]")
        check(shown == [wanted, f"{wanted} of 6", wanted, wanted + 3], f"threshold {threshold}: {shown}, not {wanted}")
    browser.type_into("#threshold-number", "0.6")
    browser.key("Enter")
    check(browser.run("shownFound(video).length") == 3, "a number that is typed; a score equal to it is shown")
    check(abs(float(browser.run("document.getElementById('threshold').value")) - 600) < 1, "the slider follows")
    browser.run("setThreshold(0)")
    boxes = "[...document.querySelectorAll('#class-list input')]"
    check(browser.run(boxes + ".map(b => b.dataset.label)") == ["open", "pour", "stir"], "classes")
    browser.click_on("#class-list li:nth-child(2) label")
    check(browser.run("[shownFound(video).length, shownLabels(video).length, timeline.layout.rows.map(r => r.label)]") == [4, 1, ["stir", "open"]], "without the class pour")
    browser.click_on("#classes-none")
    check(browser.run("timeline.layout.boxes.length") == 0 and "filters" in browser.run("document.getElementById('empty').textContent"), "no class: the page says why it is empty")
    browser.click_on("#classes-all")
    check(browser.run("timeline.layout.boxes.length") == 9, "all classes")
    browser.type_into("#class-search", "STI")
    check(browser.run(boxes + ".map(b => b.dataset.label)") == ["stir"], "search for classes")
    # Where the page begins: --min-score.
    page([record], "--min-score", "0.5")
    check(browser.run("[filter.threshold, shownFound(video).length]") == [0.5, 3], "--min-score")


def drag():
    """Edges and whole segments follow the pointer; an export has the times, and all else as it came."""
    line = json.dumps(kitchen(), separators=(", ", ":"))[:-1] + ', "note":1.50, "number":12345678901234567890, "text":"\\u00e9\\/<b>", "history":[ ]}'
    page([line])
    ready()
    before = browser.screenshot("#timeline")
    left, right, y = box("label", 0)
    browser.drag((right - 1, y), (x_of(6.5), y))
    check(len(labels()) == 3 and labels()[0][0] == 2 and abs(labels()[0][1] - 6.5) < 0.05, f"the end is dragged: {labels()}")
    check(abs(browser.run("player.time") - 6.5) < 0.05, "the video shows the edge")
    moved = browser.screenshot("#timeline")
    check(moved != before, "the picture changes")
    browser.key("z", ctrl=True)
    check(labels()[0] == [2, 5, "pour"], "undo of a drag")
    browser.run("select(null); player.seek(0); document.activeElement.blur(); timeline.scroller.scrollTop = 0")
    ready()
    browser.move(5, 5)
    browser.frame()
    check(browser.screenshot("#timeline") == before, "after undo the timeline is the same picture")
    browser.key("y", ctrl=True)
    end = labels()[0][1]
    # A selected segment moves as a whole, and not over the video's end.
    left, right, y = box("label", 2)
    browser.click((left + right) / 2, y)
    browser.drag(((left + right) / 2, y), ((left + right) / 2 + 1000, y))
    check(labels()[2][:2] == [16, 20], f"moved to the end: {labels()}")
    # Escape gives up.
    left, right, y = box("label", 1)
    browser.drag((left + 1, y), (left - 60, y), release=False)
    browser.key("Escape")
    browser._mouse("mouseReleased", left - 60, y, clickCount=1)
    check(labels()[1] == [9.125, 12, "stir"], "Escape gives up a drag")
    # What was found becomes a label by a correction.
    left, right, y = box("found", 5)
    browser.drag((left + 1, y), (x_of(5.25), y))
    check(len(labels()) == 4 and labels()[3][1:] == [8, "open"] and abs(labels()[3][0] - 5.25) < 0.05, f"found, corrected: {labels()}")
    check(browser.run("edits.unsaved"), "there is something to save")
    now = labels()
    data, (record,) = exported_records()
    check(not browser.run("edits.unsaved"), "saved")
    original = json.loads(line)
    check([[*a["segment"], a["label"]] for a in record["annotations"]] == now and now[0][1] == end, f"exported annotations: {record['annotations']}")
    check(record["annotations"][0]["by"] == "ann", "members of an annotation stay")
    check({k: v for k, v in record.items() if k not in ("annotations", "history")} == {k: v for k, v in original.items() if k not in ("annotations", "history")}, "other members stay")
    for piece in ('"note":1.50', '"number":12345678901234567890', '"text":"\\u00e9\\/<b>"', '"fps":[8, 1]', '"scores":{"cls":0.1}'):
        check(piece in data, f"byte for byte: {piece}")
    check([step["tool"] for step in record["history"]] == ["tal-plot"], f"history: {record['history']}")


def unchanged():
    """An export of what nobody touched is the records themselves."""
    lines = ['{"video":"a","annotations":[{"segment":[1.0,2.50],"label":"x"}],"proposals":[{"segment":[1,2]}],"z":1e2}', '{"video":"b","duration":9.0}']
    page(lines)
    data, _ = exported_records()
    check(data == "".join(line + "\n" for line in lines), f"the same bytes: {data}")
    check("no truth given" in browser.run("openVideo(videos[1]), document.getElementById('summary').textContent"), "no truth is no zero")
    check("1 label ·" in browser.run("openVideo(videos[0]), document.getElementById('summary').textContent"), "a proposal without a score is shown")
    check(browser.run("shownFound(video).length") == 1, "a proposal without a score is shown")
    # The truth of another file.
    (folder / "truth.jsonl").write_text('{"video":"a","annotations":[{"segment":[3,4.0],"label":"y","k":1}]}\n{"video":"other"}\n')
    page(lines, "--gt", str(folder / "truth.jsonl"))
    _, records = exported_records()
    check(records[0]["annotations"] == [{"segment": [3, 4.0], "label": "y", "k": 1}] and "annotations" not in records[1], f"--gt: {records}")


def inspector():
    """The fields of the selected segment do what a drag does, exactly."""
    page([kitchen()])
    browser.run("select(video.labels[1])")
    browser.type_into("#start", "9.5")
    browser.key("Enter")
    browser.type_into("#end", "12.345")
    browser.key("Enter")
    browser.type_into("#label", "whisk")
    browser.key("Enter")
    check(labels()[1] == [9.5, 12.345, "whisk"], f"typed: {labels()}")
    check(browser.run("timeline.layout.rows.map(r => r.label)") == ["pour", "whisk", "stir", "open"], "a new class has its row")
    browser.type_into("#end", "3")
    browser.key("Enter")
    check(labels()[1][1] == 12.345 and browser.run("document.getElementById('end').value") == "12.345", "an end before the start is refused")
    browser.run("document.activeElement.blur()")
    browser.click_on("#delete")
    check(len(labels()) == 2 and browser.run("document.getElementById('kind').textContent") == "Nothing selected", "deleted")
    browser.click_on("#undo")
    check(len(labels()) == 3, "the button undoes")
    browser.run("setThreshold(0.5)")
    browser.click_on("#accept-all")
    check(len(labels()) == 6 and labels()[3:] == [[2.2, 5.5, "pour"], [9, 12.4, "stir"], [15, 19, "open"]], f"accept all shown: {labels()}")
    browser.click_on("#undo")
    check(len(labels()) == 3 and browser.run("shownFound(video).length") == 3, "one undo for all")
    # The list of segments chooses too.
    browser.click_on("#segment-list [role=option]:nth-child(3)")
    check(browser.run("timeline.selected === segmentList.items[2] && player.time === timeline.selected.start"), "the list selects and seeks")


def read_back(form, document, *words):
    """What tal-convert finds in the first video of a file."""
    (folder / "back").write_bytes(document)
    done = tool("tal-convert", "--from", form, *words, str(folder / "back"))
    return [[*a["segment"], a["label"]] for a in json.loads(done.stdout.splitlines()[0])["annotations"]]


def exports():
    """ELAN's and Label Studio's files, parsed."""
    evil = "a < b & \"c\" \u0007 é"
    page([kitchen(annotations=[{"segment": [2, 5], "label": evil}, {"segment": [4.0004, 6], "label": "stir"}, {"segment": [6, 6.5], "label": "pour"}]), kitchen("two/..", path="other.webm", fps=8), {"video": "none"}])
    name = export("elan")
    check(name == "kitchen.eaf", name)
    document = browser.downloaded(name)
    root = ET.fromstring(document)
    slots = {s.get("TIME_SLOT_ID"): int(s.get("TIME_VALUE")) for s in root.iter("TIME_SLOT")}
    tiers = [[(slots[a.get("TIME_SLOT_REF1")], slots[a.get("TIME_SLOT_REF2")], a.find("ANNOTATION_VALUE").text) for a in tier.iter("ALIGNABLE_ANNOTATION")] for tier in root.iter("TIER")]
    check(tiers == [[(2000, 5000, evil.replace("\u0007", "\ufffd")), (6000, 6500, "pour")], [(4000, 6000, "stir")]], f"ELAN: {tiers}")
    media = root.find("HEADER/MEDIA_DESCRIPTOR")
    check(media.get("RELATIVE_MEDIA_URL") == "./clip one.webm" and media.get("MEDIA_URL") == (folder / "clip one.webm").as_uri(), f"its medium: {media.attrib}")
    check(sorted(read_back("elan", document)) == sorted([*span, label] for tier in [[((a / 1000, b / 1000), l) for a, b, l in t] for t in tiers] for span, label in tier), f"tal-convert reads ELAN's: {read_back('elan', document)}")
    name = export("label-studio")
    check(name == "page-label-studio.json", name)
    check("labels with times between two frames, which are rounded (1)" in browser.run("document.getElementById('status').textContent"), "says what is rounded")
    document = browser.downloaded(name)
    check(read_back("label-studio", document) == [[2, 5, evil], [4, 6, "stir"], [6, 6.5, "pour"]], f"tal-convert reads Label Studio's: {read_back('label-studio', document)}")
    tasks = json.loads(document)
    results = [r["value"] for r in tasks[0]["annotations"][0]["result"]]
    check([t["meta"]["tal_video"] for t in tasks] == ["kitchen", "two/..", "none"] and tasks[0]["data"]["video"] == "clip one.webm", f"tasks: {tasks}")
    # Frames count from 1, both ends included: (start - 1) / fps to end / fps.
    check(results[0] == {"ranges": [{"start": 17, "end": 40}], "timelinelabels": [evil]}, f"Label Studio: {results}")
    check([(r["start"] - 1, r["end"]) for v in results[1:] for r in v["ranges"]] == [(32, 48), (48, 52)], f"Label Studio: {results}")
    browser.run("openVideo(videos[1])")
    check(export("elan") == "two_...eaf", "a video's id is no path")


def markup():
    """Names from the data are text, whatever they look like."""
    page([kitchen(EVIL, annotations=[{"segment": [1, 2], "label": EVIL}], note=EVIL)], "--title", EVIL)
    browser.run("select(video.labels[0])")
    check(browser.run("typeof hacked") == "undefined", "no script of the data runs")
    check(browser.run("[video.id, video.labels[0].label, document.querySelector('#class-list .name').textContent, document.querySelector('h1').textContent]")
          == [EVIL, EVIL, EVIL, EVIL], "names are shown as they are")
    check(browser.run("document.querySelectorAll('img, script').length") == 2, "nothing of the data is markup")
    _, (record,) = exported_records()
    check(record["video"] == EVIL and record["annotations"][0]["label"] == EVIL, "and exported as they are")
    text = (folder / "page.html").read_text(encoding="utf-8")
    check(not re.search(r"(src|href)=[\"']?(https?:)?//|@import|url\(", text), "no reference to the network")


def missing():
    """A record without a video is a timeline; a file that is not there or no video is said."""
    (folder / "broken.mp4").write_bytes(b"no video at all")
    done = page([kitchen("none", path=None) | {"path": "gone.mp4"}, kitchen("broken", path="broken.mp4"), {k: v for k, v in kitchen("without").items() if k != "path"}, kitchen("camera", path="rtsp://127.0.0.1/x")])
    check("1 video file missing" in done.stderr and "1 record without a video file" in done.stderr, done.stderr)
    text = "document.getElementById('no-video-text').textContent"
    check(browser.run(text) == "The video file gone.mp4 was not found when this page was made.", browser.run(text))
    browser.run("openVideo(videos[1])")
    browser.until(text + ".includes('cannot play broken.mp4')")
    browser.run("openVideo(videos[2])")
    check("names no video file" in browser.run(text), browser.run(text))
    browser.click(x_of(7), browser.run("timeline.lanes.getBoundingClientRect().top + timeline.seen - 4"))
    check(abs(browser.run("player.time") - 7) < 0.05, "the time moves without a video")
    browser.run("openVideo(videos[3])")
    check("live source" in browser.run(text), browser.run(text))
    browser.errors[:] = [e for e in browser.errors if "broken.mp4" not in e]
    # A file named like the video, in a folder of its own; and a relative path from there.
    (folder / "clips").mkdir(exist_ok=True)
    shutil.copy(HERE / "clip.webm", folder / "clips" / "without.WEBM")
    page([{k: v for k, v in kitchen("without").items() if k != "path"}, kitchen(path="without.WEBM")], "--videos-root", str(folder / "clips"))
    ready()
    check(browser.run("video.url") == "clips/without.WEBM" and browser.run("videos[1].url") == "clips/without.WEBM", "--videos-root")
    shutil.copy(HERE / "clip.webm", folder / "clips" / "without.mp4")
    done = page([{"video": "without"}], "--videos-root", str(folder / "clips"), status=1)
    check("video 'without': path: " in done.stderr and "both have its name" in done.stderr, done.stderr)


def several():
    """Many videos: a list to search; edits of each are kept, undone and exported."""
    page([kitchen(f"video_{i:03}") for i in range(300)])
    check(browser.run("document.querySelectorAll('#video-list [role=option]').length") < 20, "only what is seen of the list is made")
    browser.type_into("#video-search", "_123")
    check(browser.run("videoList.items.map(v => v.id)") == ["video_123"], "search")
    browser.click_on("#video-list [role=option]")
    check(browser.run("video.id") == "video_123", "opened")
    before = browser.run("document.getElementById('delete').getBoundingClientRect().top")
    ready()
    check(browser.run("document.getElementById('delete').getBoundingClientRect().top") == before, "nothing moves when the video is loaded")
    browser.run("select(video.labels[0])")
    browser.click_on("#delete")
    browser.run("openVideo(videos[7])")
    ready()
    browser.run("select(video.labels[2])")
    browser.click_on("#delete")
    _, records = exported_records()
    check([len(records), [i for i, r in enumerate(records) if len(r["annotations"]) == 2]] == [300, [7, 123]], f"both edits are exported: {len(records)} records, {browser.run('edits.done.length')} edits")
    browser.click_on("#undo")
    browser.click_on("#undo")
    check(browser.run("video.id") == "video_123" and browser.run("videos.every(v => v.labels.length === 3)"), "undo goes to the video that it changes")


def long_video():
    """Three hours and 2,000 segments of 40 classes: quick to open, smooth to move, exact to seek."""
    hours = 10800
    with open(folder / "long.wav", "wb") as file:  # sound of 3000 bytes a second that takes no room on the disk
        size = 3000 * hours
        file.write(b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 3000, 3000, 1, 8) + b"data" + struct.pack("<I", size))
        file.truncate(44 + size)
    rng = random.Random(5)

    def segment():
        start = rng.uniform(0, hours - 60)
        return [round(start, 3), round(start + rng.uniform(2, 60), 3)]
    page([{"video": "day", "path": "long.wav", "duration": hours, "annotations": [{"segment": segment(), "label": f"class {rng.randrange(40):02}"} for _ in range(400)],
           "proposals": [{"segment": segment(), "label": f"class {rng.randrange(40):02}", "score": round(rng.random(), 4)} for _ in range(1600)]}])
    check(browser.run("timeline.layout.boxes.length") == 2000, "all segments are laid out")
    check(browser.run("timeline.lanes.height") < 1500, "the canvas is as high as what is seen")
    ready()
    browser.run("timeline.setView(7100, 7300)")
    browser.frame()
    browser.click(x_of(7200), browser.run("timeline.ruler.getBoundingClientRect().bottom - 8"))
    browser.until("!player.seeking")
    check(abs(browser.run("document.getElementById('video').currentTime") - 7200) < 0.3, f"a click at two hours: {browser.run('player.time')}")
    # The quickest of several: what else runs on the machine is not measured.
    quickest = "(() => { let best = Infinity; for (let i = 0; i < 40; ++i) { const t = performance.now(); %s; best = Math.min(best, performance.now() - t); } return best; })()"
    cost = browser.run(quickest % "timeline.setView(i * 200, i * 200 + 600 + i * 20), timeline.draw()")
    check(cost < 16, f"a frame takes {cost:.1f} ms")
    browser.run("timeline.showAll()")
    whole = browser.run(quickest % "timeline.draw()")
    check(whole < 33, f"a frame of all takes {whole:.1f} ms")
    slide = browser.run(quickest % "setThreshold(i / 40)")
    check(slide < 50, f"a step of the slider takes {slide:.1f} ms")
    print(f"  3 h, 2,000 segments: {cost:.1f} ms a frame, {whole:.1f} ms of the whole, {slide:.1f} ms a step of the slider")
    browser.run("setThreshold(0); timeline.scroller.scrollTop = 1e6")
    browser.frame()
    check(browser.run("timeline.scroller.scrollTop + timeline.seen > timeline.layout.height - 2"), "the last class can be reached")
    last = browser.run("timeline.layout.boxes.at(-1).segment.start")
    browser.run(f"timeline.setView({last} - 30, {last} + 90)")
    browser.frame()
    place = browser.run("timeline.boxOf(timeline.layout.boxes.at(-1).segment)")
    browser.click((place["left"] + place["right"]) / 2, (place["top"] + place["bottom"]) / 2)
    check(browser.run("timeline.selected?.label === timeline.layout.rows.at(-1).label"), "and clicked")


def crowded():
    """Where many overlap, height is the score, on the page's one scale."""
    many = [{"segment": [5 + i / 50, 12 + i / 50], "score": i / 50, "label": "pour"} for i in range(51)]
    page([kitchen(annotations=[], proposals=many)])
    boxes = browser.run("timeline.layout.boxes.map(b => [b.segment.score, b.y, b.band])")
    check(all(band for _, _, band in boxes), "one band")
    low, high = boxes[0], boxes[-1]
    for score, y, _ in boxes:
        check(abs(y - (low[1] + (score - low[0]) / (high[0] - low[0]) * (high[1] - low[1]))) < 0.01, f"score {score} stands at {y}")
    left, right, y = box("found", 50)
    browser.click(right - 1, y)
    check(browser.run("timeline.selected === video.found[50]"), "the one under the pointer is taken")
    # Tiny scores have a scale of their own.
    page([kitchen(annotations=[], proposals=[{**p, "score": p["score"] / 1000} for p in many])])
    check(browser.run("[scores.low, scores.high]") == [0, 0.001], "scores up to 0.001 use the whole height")


def points():
    """Points ("at") are marks, whose one time moves."""
    page([kitchen(annotations=[{"at": 5, "label": "goal", "by": "ann"}, {"at": 5, "label": "goal"}], proposals=[{"at": 12.5, "label": "goal", "score": 0.5}])])
    left, right, y = box("label", 0)
    browser.click(left, y)
    browser.drag((left, y), (x_of(8), y))
    browser.run("select(video.found[0])")
    browser.key("a")
    _, (record,) = exported_records()
    moved, stays, accepted = record["annotations"]
    check(abs(moved["at"] - 8) < 0.05 and moved["by"] == "ann" and "segment" not in moved, f"a point is moved: {moved}")
    check([stays, accepted] == [{"at": 5, "label": "goal"}, {"at": 12.5, "label": "goal"}], f"points: {stays}, {accepted}")
    browser.run("select(video.labels[0])")
    check(browser.run("document.getElementById('end').disabled"), "a point has no end of its own")


def themes():
    """Light and dark, wide and narrow: the colours of tal-plot's pictures, no sideways scrolling, and the pictures of expected/."""
    records = [kitchen(), kitchen("a_very_long_name_of_a_video_that_nobody_would_type_by_hand_" + 60 * "x"), kitchen("third", annotations=[{"segment": [1, 3], "label": 90 * "long "}, {"segment": [4, 5], "label": 120 * "y"}])]
    page(records, "--title", "Kitchen")
    ready()
    for scheme, paper, ink in (("light", "rgb(255, 255, 255)", [204, 121, 167]), ("dark", "rgb(20, 23, 28)", [214, 140, 182])):
        browser.scheme(scheme)
        browser.frame()
        check(browser.run("getComputedStyle(document.body).backgroundColor") == paper, f"{scheme}: paper")
        left, right, y = box("label", 1)
        scale = browser.run("(r => [r.left, r.top])(timeline.lanes.getBoundingClientRect())")
        check(browser.run(f"[...timeline.lanes.getContext('2d').getImageData({(left + right) / 2 - scale[0]}, {y - scale[1]}, 1, 1).data].slice(0, 3)") == ink, f"{scheme}: the colour of a label")
    for width in (400, 360, 700, 1280):
        browser.resize(width, 900)
        browser.scheme("light")
        for i in range(3):
            browser.run(f"openVideo(videos[{i}]); select(video.labels[0])")
            browser.frame()
            check(browser.run("document.documentElement.scrollWidth") <= width, f"{width} pixels, video {i}: the page is {browser.run('document.documentElement.scrollWidth')} wide")
        browser.run("document.getElementById('export').open = true")
        inside = browser.run("(r => r.left >= 0 && r.right <= innerWidth)(document.querySelector('#export > div').getBoundingClientRect())")
        check(inside, f"{width} pixels: the menu is inside")
        browser.run("document.getElementById('export').open = false")
    for name, width, height, scheme in (("wide-light", 1280, 900, "light"), ("wide-dark", 1280, 900, "dark"), ("narrow-light", 400, 900, "light")):
        browser.resize(width, height)
        browser.scheme(scheme)
        browser.run("openVideo(videos[0])")
        ready()
        browser.run("select(video.found[2], {seek: true}); window.scrollTo(0, 0)")
        ready()
        time.sleep(0.3)
        browser.move(2, 2)
        browser.frame()
        compare(name, browser.screenshot(), width, height)
    # A theme that is asked for holds whatever the viewer's setting.
    page(records, "--theme", "dark")
    check(browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 28)", "--theme dark")


def compare(name, png, width, height):
    """Against the picture of expected/, in blocks of 10 pixels, so that other fonts and versions may draw letters their way."""
    expected = HERE / "expected" / (name + ".png")
    if UPDATE:
        expected.parent.mkdir(exist_ok=True)
        expected.write_bytes(png)
    columns, rows = width // 10, height // 10
    now, then = pixels(png, columns, rows), pixels(expected.read_bytes(), columns, rows)
    far = 0
    for j in range(rows):
        for i in range(columns):
            a, b = (picture((i + 0.5) / columns, (j + 0.5) / rows) for picture in (now, then))
            far += max(abs(x - y) for x, y in zip(a, b)) > 48
    if not check(far <= 0.04 * columns * rows, f"{name}: {far} of {columns * rows} blocks are not those of {expected}"):
        kept = pathlib.Path(tempfile.gettempdir()) / f"tal-view-{name}.png"
        kept.write_bytes(png)
        print(f"  what was seen is {kept}")


def names():
    """Whoever sees nothing: every control has a name, the keys work from the start, and what is selected is said."""
    page([kitchen(), kitchen("second")])
    nameless = browser.run("""[...document.querySelectorAll('button, input, select, canvas, [role=listbox], [role=slider]')].filter(e => !e.closest('[aria-hidden=true]') &&
      !(e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || e.labels?.length || e.textContent.trim())).map(e => e.id || e.outerHTML)""")
    check(nameless == [], f"without a name: {nameless}")
    browser.key("n")
    check("pour" in browser.run("document.querySelector('[role=status]').textContent"), "what is selected is said")
    for _ in range(40):
        browser.key("Tab")
        if browser.run("document.activeElement.id") == "timeline":
            break
    check(browser.run("document.activeElement.id") == "timeline", "Tab comes to the timeline")
    browser.key("ArrowRight")
    check(browser.run("document.getElementById('timeline').getAttribute('aria-valuetext')").endswith("of 0:20"), "the time is said")
    browser.key("?")
    check(browser.run("document.getElementById('help').open"), "? lists the keys")


def late():
    """A video that starts 1.5 s after its file: the page's times count from its first picture, the player's do not."""
    (folder / "late.webm").write_bytes(webm_later((HERE / "clip.webm").read_bytes(), 1500))
    if not os.path.exists(os.path.join(harness.BIN, "..", "lib", "libtal-video.so")):
        done = page([kitchen(path="late.webm")])
        check("it is not known where the first picture stands" in done.stderr, f"without the video library: {done.stderr}")
        return
    page([kitchen(path="late.webm")])
    ready()
    seeks_to(1.5, "the first picture at the start")
    check("1.5 s behind the start of the file" in browser.run("document.getElementById('clock-zero').textContent"), "the page says so")
    y = browser.run("timeline.lanes.getBoundingClientRect().top + timeline.seen - 4")
    browser.click(x_of(7.5), y)
    ready()
    at = browser.run("player.time")
    check(abs(at - 7.5) < 0.05, f"click at 7.5 s: {at}")
    seeks_to(at + 1.5, "click at 7.5 s")
    check(browser.run("video.length") == 20, "the length is that of the record")
    # The picture is the one of the record's time, as in seek().
    browser.run("player.seek(10)")
    ready()
    time.sleep(0.3)
    strip = pixels(browser.screenshot("#video"), 128, 72)
    wide = browser.run("(v => [v.clientWidth, v.clientHeight, v.videoWidth / v.videoHeight])(player.element)")
    drawn = wide[1] * wide[2]
    at = ((wide[0] - drawn) / 2 + (60 + 10) / 128 * drawn) / wide[0]
    check(strip(at, 0.5)[0] > 200 and strip(at - 0.1, 0.5)[0] < 120, f"the picture at 10 s: {strip(at, 0.5)}, {strip(at - 0.1, 0.5)}")
    browser.run("select(video.labels[0], {seek: true})")
    ready()
    seeks_to(3.5, "a label at 2 s")
    browser.key("Enter")
    browser.until("player.playing && player.time > 2.2")
    browser.key(" ")
    browser.until("!player.playing")
    browser.run("player.seek(6)")
    ready()
    browser.key("]")
    _, (record,) = exported_records()
    check(record["annotations"][0]["segment"] == [2, 6], f"an edge at the current time: {record['annotations'][0]}")


def thumbnails():
    """Pictures of the video in the page, as many as fit."""
    if not os.path.exists(os.path.join(harness.BIN, "..", "lib", "libtal-video.so")):
        done = page([kitchen()], "--thumbnails", "5", status=1)
        check("libtal-video.so" in done.stderr, f"without the video library: {done.stderr}")
        print("  no libtal-video.so here: thumbnails are not looked at")
        return
    page([kitchen()], "--thumbnails", "8")
    urls = browser.run("video.thumbnails.map(t => t[1].slice(0, 23))")
    times = browser.run("video.thumbnails.map(t => t[0])")
    check(len(urls) == 8 and set(urls) == {"data:image/jpeg;base64,"}, f"data URLs: {urls}")
    check(all(2.5 * i <= t < 2.5 * (i + 1) for i, t in enumerate(times)), f"one of each eighth: {times}")
    browser.until("timeline.thumbnails.some(t => t.image?.complete && t.image.naturalHeight === 72)")
    big = os.path.getsize(folder / "page.html")
    done = page([kitchen()], "--thumbnails", "8", "--thumbnail-room", "0.003")
    check(os.path.getsize(folder / "page.html") < big and "--thumbnail-room" in done.stderr, f"fewer where they do not fit: {done.stderr}")


CHECKS = [seek, play, keys_of_segments, filters, drag, unchanged, inspector, exports, markup, missing, several, long_video, crowded, points, themes, names, late, thumbnails]
try:
    with Browser() as browser:
        for one in CHECKS:
            if NAMES and one.__name__ not in NAMES:
                continue
            began, before = time.monotonic(), harness.failures
            one()
            check(browser.errors == [], f"{one.__name__}: the page's errors: {browser.errors}")
            browser.errors.clear()
            print(f"{'ok' if harness.failures == before else 'FAILED'}: {one.__name__} ({time.monotonic() - began:.1f} s)", flush=True)
finally:
    shutil.rmtree(folder, ignore_errors=True)
harness.finish()
