#!/usr/bin/env python3
# label: cli
"""Sound as a user has it: log-mel against the field's formulas written out here, one clock with pictures, networks of sound, and from sound to scored sound events."""
import cmath
import json
import math
import os
import pathlib
import random
import struct
import tempfile
import wave

from harness import check, finish, need, tool, works
from media import avi_frames
from onnx_file import onnx

need("tal-extract", why="this build has no OpenCV")


def run(name, *words, **how):
    return tool(name, *map(str, words), **how)


def records(text):
    return [json.loads(line) for line in text.splitlines()]


def write_wave(path, rate, values):
    """The values as 16 bits, and what they are afterwards."""
    coded = [max(-32768, min(32767, round(32768 * v))) for v in values]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1), file.setsampwidth(2), file.setframerate(rate)
        file.writeframes(struct.pack(f"<{len(coded)}h", *coded))
    return [c / 32768 for c in coded]


def rows_of(path, dim):
    raw = pathlib.Path(path).read_bytes()
    values = struct.unpack(f"<{(len(raw) - 128) // 4}f", raw[128:])
    return [values[i:i + dim] for i in range(0, len(values), dim)]


def fourier(x):
    """Of a power of two, by halves."""
    if len(x) == 1:
        return x
    even, odd, n = fourier(x[::2]), fourier(x[1::2]), len(x)
    turned = [cmath.exp(-2j * math.pi * k / n) * v for k, v in enumerate(odd)]
    return [a + b for a, b in zip(even, turned)] + [a - b for a, b in zip(even, turned)]


def slaney_to_hertz(mel):
    return mel * 200 / 3 if mel < 15 else 1000 * math.exp(math.log(6.4) / 27 * (mel - 15))


def hertz_to_slaney(f):
    return f * 3 / 200 if f < 1000 else 15 + 27 * math.log(f / 1000) / math.log(6.4)


def hertz_to_htk(f):
    return 1127 * math.log(1 + f / 700)


def htk_to_hertz(mel):
    return 700 * (math.exp(mel / 1127) - 1)


def bands(mels, rate, fft, low, high, slaney, over_mel):
    """Weights of each band over the bins, as VGGish and Kaldi (over_mel), librosa (slaney) and torchaudio write them."""
    forward, back = (hertz_to_slaney, slaney_to_hertz) if slaney else (hertz_to_htk, htk_to_hertz)
    edges = [forward(low) + (forward(high) - forward(low)) * i / (mels + 1) for i in range(mels + 2)]
    hertz = [back(edge) for edge in edges]
    bins = [k * rate / fft for k in range(fft // 2 + 1)]
    if over_mel:
        at, lines = [forward(f) for f in bins], edges
    else:
        at, lines = bins, hertz
    return [[max(0, min((f - lines[m]) / (lines[m + 1] - lines[m]), (lines[m + 2] - f) / (lines[m + 2] - lines[m + 1]))) * (2 / (hertz[m + 2] - hertz[m]) if slaney else 1)
             for f in at] for m in range(mels)]


def vggish(frame):
    shaped = [v * (0.5 - 0.5 * math.cos(2 * math.pi * n / 400)) for n, v in enumerate(frame)] + [0] * 112
    magnitude = [abs(v) for v in fourier(shaped)[:257]]
    return [math.log(sum(w * v for w, v in zip(band, magnitude)) + 0.01) for band in bands(64, 16000, 512, 125, 7500, False, True)]


def panns(frame):
    power = [abs(v) ** 2 for v in fourier([v * (0.5 - 0.5 * math.cos(2 * math.pi * n / 1024)) for n, v in enumerate(frame)])[:513]]
    return [10 * math.log10(max(1e-10, sum(w * v for w, v in zip(band, power)))) for band in bands(64, 32000, 1024, 50, 14000, True, False)]


def ast(frame):
    mean = sum(frame) / 400
    centred = [v - mean for v in frame]
    emphasised = [v - 0.97 * centred[max(n - 1, 0)] for n, v in enumerate(centred)]
    shaped = [v * (0.5 - 0.5 * math.cos(2 * math.pi * n / 399)) for n, v in enumerate(emphasised)] + [0] * 112
    power = [abs(v) ** 2 for v in fourier(shaped)[:257]]
    return [(math.log(max(1.1920928955078125e-07, sum(w * v for w, v in zip(band, power)))) + 4.2677393) / (2 * 4.5689974)
            for band in bands(128, 16000, 512, 20, 8000, False, True)]


def desed(frame):
    magnitude = [abs(v) for v in fourier([v * (0.54 - 0.46 * math.cos(2 * math.pi * n / 2047)) for n, v in enumerate(frame)])[:1025]]
    return [max(-50, min(80, 20 * math.log10(max(1e-5, sum(w * v for w, v in zip(band, magnitude)))))) for band in bands(128, 16000, 2048, 0, 8000, False, False)]


# name: how a frame is computed, rate, window, hop, bands
PRESETS = {"vggish": (vggish, 16000, 400, 160, 64), "panns": (panns, 32000, 1024, 320, 64), "ast": (ast, 16000, 400, 160, 128), "desed": (desed, 16000, 2048, 256, 128)}


def check_presets(folder):
    for name, (frame_of, rate, window, hop, mels) in PRESETS.items():
        chance = random.Random(7)
        values = write_wave(folder / f"{name}.wav", rate, [0.3 * math.sin(2 * math.pi * 440 * n / rate) + 0.2 * math.sin(2 * math.pi * (500 + 3000 * n / rate) * n / rate)
                                                           + 0.05 * chance.uniform(-1, 1) for n in range(rate)])
        done = run("tal-extract", "--no-history", "--encoder", f"log-mel@{name}", "--window", 1, "--stride", 1, "--out-dir", folder / "f", "--videos", folder / f"{name}.wav")
        record = records(done.stdout)[0]
        stream = record["features"]["log-mel" if name == "vggish" else f"log-mel-{name}"]
        check((stream["dim"], stream["fps"]) == (mels, rate / hop) and stream["rows"] == math.floor((rate - 1) / hop) + 1, f"{name}: {stream}")
        check(record["duration"] == 1 and "fps" not in record and "frames" not in record, f"{name}: {record}")
        got = rows_of(stream["path"], mels)
        for j in (0, 20, len(got) - 2):  # around the middle of its hop, with silence outside the file
            start = j * hop + hop // 2 - window // 2
            want = frame_of([values[n] if 0 <= n < rate else 0 for n in range(start, start + window)])
            worst = max(abs(a - b) for a, b in zip(got[j], want))
            check(worst < 1e-4, f"{name}, frame {j}: off by {worst}")
        # What was written is whole, and the next stage says so, too.
        check(records(run("tal-extract", "--check", data=done.stdout).stdout) == [], f"{name}: --check")
        got = run("tal-check", data=done.stdout)
        check("1 records, 0 faults" in got.stdout + got.stderr, f"{name}: tal-check: {got.stdout}")


def tone_events(folder):
    """Files with two classes of tones in noise, a second or two each."""
    out = []
    for v in range(12):
        chance = random.Random(100 + v)
        rate, seconds = 16000, 12
        values = [0.02 * chance.uniform(-1, 1) for _ in range(rate * seconds)]
        annotations, at = [], 0.6
        while at < seconds - 3:
            length, label = round(chance.uniform(1, 2), 2), chance.choice(["low", "high"])
            for n in range(round(at * rate), round((at + length) * rate)):
                values[n] += 0.3 * math.sin(2 * math.pi * (400 if label == "low" else 3000) * n / rate)
            annotations.append({"segment": [round(at, 2), round(at + length, 2)], "label": label})
            at = round(at + length + chance.uniform(0.8, 2), 2)
        write_wave(folder / f"event{v}.wav", rate, values)
        out.append({"video": f"event{v}", "path": str(folder / f"event{v}.wav"), "subset": "training" if v < 9 else "validation", "annotations": annotations})
    return "".join(json.dumps(record) + "\n" for record in out)


def check_events(folder):
    done = run("tal-extract", "--encoder", "log-mel", "--fps", 20, "--window", 2, "--stride", 2, "--out-dir", folder / "events", data=tone_events(folder))
    check(len(records(done.stdout)) == 12 and records(done.stdout)[0]["features"]["log-mel"]["rows"] == 120, "a row every 0.1 s")
    if not works("tal-train"):
        print("skipped: no LibTorch, so nothing is trained on sounds")
        return
    run("tal-train", "--model", "etp-an", "--subset", "training", "--set", "hidden=16", "--set", "kernel=3", "--set", "dropout=0", "--epochs", 30, "--batch", 4, "--set", "train.lr=0.02",
        "--seed", 1, "--threads", 1, "-q", "--out", folder / "an.safetensors", data=done.stdout)
    heard = "".join(json.dumps(r) + "\n" for r in records(done.stdout) if r["subset"] == "validation")
    proposed = run("tal-propose", "-m", folder / "an.safetensors", "--threads", 1, "--set", "threshold=0.5", data=heard)
    found = run("tal-nms", "--threshold", 0.3, data=proposed.stdout)
    report = json.loads(run("tal-eval", "--protocol", "sound-events", "--format", "json", data=found.stdout).stdout)
    check(report["scores"]["event_f1_macro"] > 0.9, f"tones are found: {report['scores']}")


def check_networks(folder):
    """A network in ONNX on the spectrogram of each window: [1, 1, T, M] -> [1, 2, T, M], whose mean is weight * mean."""
    write_wave(folder / "two.wav", 16000, [(0.1 if n < 16000 else 0.4) * math.sin(2 * math.pi * 1000 * n / 16000) for n in range(32000)])
    net = folder / "net.onnx"
    net.write_bytes(onnx([1, 1, 100, 64], [[2.0], [-1.0]]))
    description = dict(name="net", input="log-mel", edges="beyond", seconds=1, classes=["a", "b"])
    pathlib.Path(f"{net}.json").write_text(json.dumps(description))
    words = ["tal-extract", "--no-history", "--encoder", f"onnx:{net}", "--encoder", "log-mel", "--window", 100, "--stride", 100, "--out-dir", folder / "n", "--videos", folder / "two.wav"]
    done = run(*words, status=1 if "no DNN module" in tool("tal-extract", "--encoder", f"onnx:{net}", "--videos", "x", status=1).stderr else 0)
    if done.returncode:
        print("skipped: this build's OpenCV has no DNN module")
        return
    features = records(done.stdout)[0]["features"]
    got, mean = rows_of(features["net"]["path"], 2), [sum(row) / 64 for row in rows_of(features["log-mel"]["path"], 64)]
    check(len(got) == 2 and features["net"]["classes"] == ["a", "b"], f"{features['net']}")
    # The network's frames begin 120 samples later than log-mel's: of a steady tone they are the same.
    check(all(abs(row[0] - 2 * m) < 0.05 and abs(row[1] + m) < 0.05 for row, m in zip(got, mean)), f"{got} of {mean}")
    got = run(*words[:4], "--window", 50, "--stride", 50, "--videos", folder / "two.wav", status=1)
    check("takes 1 s of sound" in got.stderr and "not 0.5 s" in got.stderr, got.stderr)
    for change, says in (({"edges": "round"}, "edges 'round' is none of"), ({"preset": "vgg"}, "no settings of the name 'vgg'"), ({"settings": {"mel": 3}}, "did you mean 'mels'"),
                         ({"axes": "tf"}, "axes 'tf' is none of"), ({"crop": 3}, "unknown key 'crop'"), ({"input": "waveform"}, "unknown key 'edges'")):
        pathlib.Path(f"{net}.json").write_text(json.dumps({**description, **change}))
        got = run(*words, status=1)
        check(says in got.stderr, f"{change}: {got.stderr}")
    net.write_bytes(onnx([1, 1, 16000], [[1.0], [3.0]]))  # of a waveform: [1, 1, S]
    pathlib.Path(f"{net}.json").write_text(json.dumps(dict(name="net", input="waveform", rate=16000, axes="1s")))
    write_wave(folder / "two.wav", 16000, [0.25] * 16000 + [-0.5] * 16000)
    got = run(*words[:4], "--fps", 10, "--window", 10, "--stride", 10, "--out-dir", folder / "n", "--videos", folder / "two.wav")
    got = rows_of(records(got.stdout)[0]["features"]["net"]["path"], 2)
    check(all(abs(a - b) < 1e-4 for row, want in zip(got, ([0.25, 0.75], [-0.5, -1.5])) for a, b in zip(row, want)), f"means of waveforms: {got}")


def check_refusals(folder):
    run("tal-synth", "videos", "-n", 1, "--duration", 2, "--width", 32, "--height", 32, "--prefix", "still", "--out-dir", folder, "-o", folder / "t.jsonl")
    still = next(folder.glob("still*.avi"))
    check(len(avi_frames(still.read_bytes())) == 50, "a video")
    sound = folder / "vggish.wav"
    for words, status, says in ((["--encoder", "log-mel", "--videos", still], 1, "it has pictures and no audio track"), (["--videos", sound], 1, "it holds sound alone, which log-mel"),
                                (["--encoder", "log-mel", "--encoder", "hog-hof", "--videos", sound], 1, "it holds sound alone"), (["--encoder", "log-mel:x", "--videos", sound], 2, "has no weights"),
                                (["--encoder", "log-mel@vgish", "--videos", sound], 2, "did you mean 'vggish'"), (["--encoder", "log-mel", "--set", "hopp=3", "--videos", sound], 2, "did you mean 'hop'"),
                                (["--set", "hop=3", "--videos", sound], 2, "--set has no effect with --encoder hog-hof: log-mel alone has settings"), (["--audio-stream", 0, "--videos", still], 2, "it hears nothing"),
                                (["--encoder", "log-mel", "--audio-stream", 1, "--videos", sound], 1, "it has 1 audio stream, counted from 0"),
                                (["--encoder", "log-mel", "--videos", "/dev/stdin"], 1, "not from pipes")):
        got = run("tal-extract", "--out-dir", folder / "r", *words, status=status, data="")
        check(says in got.stderr, f"{words}: {got.stderr}")
    # What was cut off is told, as of videos.
    cut = folder / "cut.wav"
    cut.write_bytes(sound.read_bytes()[:16044])
    words = ["tal-extract", "--encoder", "log-mel", "--out-dir", folder / "r", "--videos", cut]
    got = run(*words, status=1)
    check("truncated or corrupt: last good time stamp of its sound 0.500 s, of 1.000 s (--partial keeps" in got.stderr, got.stderr)
    got = run(*words, "--partial")
    check("kept in part" in got.stderr and records(got.stdout)[0]["duration"] == 0.5, got.stderr)
    # A WAV file that was written into a pipe states no size, but what its writer puts there: it is whole.
    for size in (0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000, 0):
        data = bytearray(sound.read_bytes())
        data[4:8], data[40:44] = min(size + 36 if size else 0, 0xFFFFFFFF).to_bytes(4, "little"), size.to_bytes(4, "little")
        (folder / "piped.wav").write_bytes(data)
        got = run("tal-extract", "--encoder", "log-mel", "--out-dir", folder / "r", "--videos", folder / "piped.wav")
        check(records(got.stdout)[0]["duration"] == 1 and got.stderr == "", f"a WAV file from a pipe, {size:#x}: {got.stderr}")
    # What a run would do, and what is finished.
    words[-1] = sound
    plan = records(run(*words, "--plan").stdout)[0]
    check(plan["frames"] is None and plan["rows"] == 11 and plan["streams"][0]["dim"] == 64, f"{plan}")
    whole = run(*words).stdout
    check(records(run(*words, "--resume", "--plan").stdout)[0]["finished"] is True, "--resume knows it")
    same = records(run(*words, "--resume").stdout)[0]
    check({k: v for k, v in same.items() if k != "history"} == {k: v for k, v in records(whole)[0].items() if k != "history"}, f"{same}")
    os.utime(sound)
    check(records(run("tal-extract", "--check", data=whole).stdout) == [], "touched, but of the same length")
    check("log-mel@desed" in run("tal-extract", "--list-encoders").stdout, "--list-encoders")


with tempfile.TemporaryDirectory() as temporary:
    place = pathlib.Path(temporary)
    check_presets(place)
    check_refusals(place)
    check_networks(place)
    check_events(place)
finish()
