#!/usr/bin/env python3
# label: cli
"""tal-convert on the command line: pipes, folders, merging, subsets, refused options, faults."""
import gzip
import json
import os
import subprocess
import tempfile

tool = os.path.join(os.environ["TAL_BIN"], "tal-convert")


def run(*arguments, text="", status=0):
    done = subprocess.run([tool, *arguments], input=text, capture_output=True, text=True)
    assert done.returncode == status, (arguments, done.returncode, done.stderr)
    return done.stdout, done.stderr


gt = {"version": "V", "database": {"v_a": {"duration": 9, "subset": "validation", "annotations": [{"segment": [1, 2.5], "label": "x"}]},
                                   "b": {"duration": 3.25, "subset": "training", "annotations": []}}}
out, _ = run("--from", "activitynet-gt", text=json.dumps(gt))
assert [json.loads(line)["video"] for line in out.splitlines()] == ["v_a", "b"]
assert json.loads(out.splitlines()[0])["history"][0]["tool"] == "tal-convert"
back, _ = run("--from", "tal", "--to", "activitynet-gt", text=out)
assert json.loads(back) == gt, back
assert json.loads(run("--from", "activitynet-gt", "--to", "activitynet-gt", text=json.dumps(gt))[0]) == gt
out, _ = run("--from", "activitynet-gt", "--ids", "strip", "--subset", "validation", "--no-history", text=json.dumps(gt))
assert [json.loads(line)["video"] for line in out.splitlines()] == ["a"], out
for ids, wanted in (("keep", ["v_a", "b"]), ("strip", ["a", "b"]), ("add", ["v_a", "v_b"])):
    out, _ = run("--from", "activitynet-gt", "--ids", ids, text=json.dumps(gt))
    assert [json.loads(line)["video"] for line in out.splitlines()] == wanted, (ids, out)

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "r.txt.gz")
    with gzip.open(path, "wt") as file:
        file.write("v 1 2 7 0.5\nw 0 4 9 0.25\nv 2 3 7 0.125\n")
    assert run("--from", "thumos14-results", "--to", "thumos14-results", path)[0] == "v 1 2 7 0.5\nv 2 3 7 0.125\nw 0 4 9 0.25\n"
    run("--from", "thumos14-results", "--to", "webvtt", "-o", folder + "/vtt/", path)
    assert sorted(os.listdir(folder + "/vtt")) == ["v.vtt", "w.vtt"]
    assert "FOLDER" in run("--from", "thumos14-results", "--to", "webvtt", path, status=2)[1]

    right = os.path.join(folder, "right.jsonl")
    with open(right, "w") as file:
        file.write('{"video":"v","duration":8}\n{"video":"z","duration":1}\n')
    out, err = run("--from", "thumos14-results", "--merge", right, path)
    records = [json.loads(line) for line in out.splitlines()]
    assert records[0]["duration"] == 8 and "duration" not in records[1], out
    assert "1 video is not in" in err and " w" in err and "1 video is only in" in err and " z" in err, err

    # Of what both sides have the input's stays; a history is of its own record alone.
    with open(right, "w") as file:
        file.write('{"video":"v","fps":25,"duration":9,"history":[{"tool":"other","args":[]}],"subset":"test"}\n')
    for own in ('{"video":"v","duration":8,"history":[{"tool":"mine","args":[]}]', '{"video":"v","duration":8'):
        out, err = run("--from", "tal", "--merge", right, "--no-history", text=own + "}\n")
        assert out == own + ',"fps":25,"subset":"test"}\n', out
        assert "1 field differs between the two sides, such as 'duration' of video " in err, err

    def joined(text, other, status=0):
        with open(right, "w") as file:
            file.write(other)
        return run("--from", "tal", "--merge", right, "--no-history", text=text, status=status)

    # What is merged is checked as the input is; the line of the other file is named.
    good = '{"video":"v","proposals":[{"segment":[1,2],"score":0.5,"label":"a"}]}\n'
    for wrong, says in (('"annotations":[{"segment":[3,1],"label":"a"}]', "annotations[0].segment: "), ('"duration":"10"', "duration: "), ('"duration":null', "duration: "), ('"duration":0', "duration: must be positive"),
                        ('"fps":0', "fps: must be a positive rate"), ('"fps":"25"', "fps: "), ('"frames":-1', "frames: "), ('"subset":3', "subset: must be a string"), ('"annotations":"x"', "annotations: must be a list"),
                        ('"proposals":[{"segment":[1,2],"score":"high"}]', "proposals[0].score: "), ('"classification":[{"label":"a"}]', "classification[0].score: "), ('"features":[]', "features: must be an object of streams"),
                        ('"features":{"x":3}', "features.x: must be an object"), ('"features":{"x":{"path":"a.npy","rows":-1}}', "features.x.rows: "), ('"features":{"x":{"path":"a.npy","dim":"y"}}', "features.x.dim: "),
                        ('"features":{"x":{"path":"a.npy","stride":-2}}', "features.x.stride: must be a positive number"), ('"features":{"x":{"rows":2,"dim":1}}', "features.x: needs path or data"), ('"maps":[]', "maps: must be an object"),
                        ('"maps":{"rpn":3}', "maps.rpn: must be a map"), ('"window":{"index":"0"}', "window.index: "), ('"path":[1]', "path: must be a string")):
        record = '{"video":"v",' + wrong + "}\n"
        out, err = run("--from", "tal", text=good.replace('"v"', '"u"') + record, status=1)
        assert "stdin:2: video 'v': " + says in err, (wrong, err)
        out, err = joined('{"video":"v"}\n', '{"video":"u"}\n' + record, status=1)
        assert out == "" and f"{right}:2: video 'v': {says}" in err, (wrong, err)
    # What passes as it is in one file passes in the other, and what only both together show is told once.
    rows = '{"x": {"data":"AACAPwAAAEA=","rows":2, "dim":1},"y":{"rows":0}}'
    maps = '{"rpn":{"shape":[1]},"0":{"rows":1},"list":[[1]],"path":"f"}'
    out, err = joined('{"video":"v","duration":3}\n', '{"video":"v","features":%s,"maps":%s,"annotations":[{"segment":[2,5],"label":"a"}]}\n' % (rows, maps))
    assert json.loads(out)["features"] == json.loads(rows) and json.loads(out)["maps"] == json.loads(maps), out
    assert err == "tal-convert: warning: 1 segment ending behind the video's end, the first is annotations[0].segment of video 'v' (tal-check lists them)\n", err

    # Streams of one video come together; of one name the input's stays, and what says the same in other bytes is the same.
    x, y = '"x":{"path":"a.npy","rows":1,"dim":2}', '"y":{"path":"b.npy","rows":1,"dim":2}'
    record = '{"video":"v","features":{%s}}\n'
    assert joined(record % x, record % y) == (record % (x + "," + y), "")
    assert joined(record % x, record % (y + "," + x.replace(",", " , "))) == (record % (x + "," + y), "")
    assert joined(record % (x + "," + y), record % x) == (record % (x + "," + y), "")
    out, err = joined(record % x, record % (y + "," + x.replace("a.npy", "c.npy")))
    assert out == record % (x + "," + y) and "1 field differs between the two sides, such as 'features.x' of video 'v'; the input's stay" in err, (out, err)
    assert joined('{"video":"v","a":[1, 2]}\n', '{"video":"v","a":[1,2.0]}\n') == ('{"video":"v","a":[1, 2]}\n', "")

    # --split's subset counts, and that a record had another one is said.
    with open(right, "w") as file:
        file.write("v\nu\n")
    out, err = run("--from", "tal", "--split", "test=" + right, "--no-history", text='{"video":"v","subset":"training"}\n{"video":"u"}\n{"video":"w","subset":"training"}\n')
    assert [json.loads(line)["subset"] for line in out.splitlines()] == ["test", "test", "training"], out
    assert "1 video is of another subset by their own record; --split's counts: v" in err and "1 video is in no --split list" in err, err

    proposals = os.path.join(folder, "csv")
    os.mkdir(proposals)
    text = "xmin,xmax,xmin_score,score\n0.1,0.30000000000000004,0.5,0.25\n"
    for name in ("v", "w"):
        with open(os.path.join(proposals, name + ".csv"), "w") as file:
            file.write(text)
    times = os.path.join(folder, "times.csv")
    with open(times, "w") as file:
        file.write("video,duration\nv,224.49\nw,7\n")
    run("--from", "bsn-proposals", "--to", "bsn-proposals", "--durations", times, "-o", folder + "/back/", proposals)
    for name in ("v", "w"):
        with open(os.path.join(folder, "back", name + ".csv")) as file:
            assert file.read() == text

out, err = run("--from", "thumos14-results", text="v 1 2 7 0.5\nv 2 1 7 0.5\n", status=1)
assert "stdin:2: video 'v': segment: end 1 is before start 2" in err, err
out, err = run("--from", "thumos14-results", "--on-error", "skip", text="v 1 2 7 0.5\nv 2 1 7 0.5\n", status=1)
assert len(json.loads(out)["proposals"]) == 1
assert "stdin:1" in run("--from", "activitynet-gt", text="{nonsense", status=1)[1]
run("--from", "thumos14-results", "--time", "frames", text="", status=2)
run("--from", "tal", "--to", "csv", "--classes", "x", text="", status=2)
run("--from", "segments-csv", "--columns", "colour=x", text="", status=2)
run("--from", "segments-csv", "--fps", "3", text="video,start,end\n", status=2)
run(status=2)
print("ok")
