#!/usr/bin/env python3
# label: cli
"""log-mel against librosa and the transformers library's audio functions, where Python has them: every preset's frames, and sound that is resampled."""
import json
import pathlib
import sys
import tempfile
import wave

from harness import check, finish, need, tool

need("tal-extract", why="this build has no OpenCV")
try:
    import librosa
    import numpy as np
    from transformers.audio_utils import mel_filter_bank, spectrogram, window_function
except ImportError as error:
    print(f"SKIPPED: {error} (pip install librosa transformers)")
    sys.exit(77)


def noise_and_chirp(rate, seconds=3):
    t = np.arange(rate * seconds) / rate
    chance = np.random.default_rng(3)
    return 0.4 * np.sin(2 * np.pi * (200 + 1500 * t) * t) + 0.1 * chance.standard_normal(len(t))


def save(path, rate, values):
    coded = np.clip(np.round(32768 * values), -32768, 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1), file.setsampwidth(2), file.setframerate(rate)
        file.writeframes(coded.tobytes())
    return coded.astype(np.float64) / 32768


def padded(x, window, hop):
    """So that frames without a border begin where log-mel's do: around the middle of their hop."""
    return np.concatenate([np.zeros((window - hop) // 2), x, np.zeros(window)])


def vggish(x):
    # Magnitudes of librosa, bands of the transformers library: triangles straight over mel.
    s = np.abs(librosa.stft(padded(x, 400, 160), n_fft=512, hop_length=160, win_length=512, window=np.pad(librosa.filters.get_window("hann", 400), (0, 112)), center=False))
    bank = mel_filter_bank(257, 64, 125, 7500, 16000, mel_scale="kaldi", triangularize_in_mel_space=True)
    return np.log(bank.T @ s + 0.01).T


def panns(x):
    s = librosa.feature.melspectrogram(y=padded(x, 1024, 320), sr=32000, n_fft=1024, hop_length=320, center=False, power=2.0, n_mels=64, fmin=50, fmax=14000)
    return librosa.power_to_db(s, ref=1.0, amin=1e-10, top_db=None).T


def ast(x):
    # As ASTFeatureExtractor does it without torchaudio.
    bank = mel_filter_bank(257, 128, 20, 8000, 16000, norm=None, mel_scale="kaldi", triangularize_in_mel_space=True)
    s = spectrogram(padded(x, 400, 160), window_function(400, "hann", periodic=False), frame_length=400, hop_length=160, fft_length=512, power=2.0, center=False, preemphasis=0.97,
                    mel_filters=bank, log_mel="log", mel_floor=1.192092955078125e-07, remove_dc_offset=True).T
    return (s + 4.2677393) / (2 * 4.5689974)


def desed(x):
    s = librosa.feature.melspectrogram(y=padded(x, 2048, 256), sr=16000, n_fft=2048, hop_length=256, center=False, power=1.0, n_mels=128, fmin=0, fmax=8000, htk=True, norm=None,
                                       window=np.hamming(2048))
    return np.clip(librosa.amplitude_to_db(s, ref=1.0, amin=1e-5, top_db=None), -50, 80).T


def rows(path, name, *options):
    done = tool("tal-extract", "--no-history", "--encoder", f"log-mel@{name}", "--window", "1", "--stride", "1", *options, "--videos", str(path))
    stream = next(iter(json.loads(done.stdout)["features"].values()))
    return np.load(stream["path"])


with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    for name, frames, rate in (("vggish", vggish, 16000), ("panns", panns, 32000), ("ast", ast, 16000), ("desed", desed, 16000)):
        x = save(folder / f"{name}.wav", rate, noise_and_chirp(rate))
        got = rows(folder / f"{name}.wav", name, "--out-dir", str(folder))
        want = frames(x)[:len(got)]
        worst = np.abs(got - want).max()
        print(f"{name}: {got.shape[0]} frames, off by {worst:.2e}")
        check(got.shape == want.shape and worst < 1e-4, f"{name}: {got.shape}, {want.shape}, off by {worst}")
    # At 44100 Hz: another resampler. Bands below the frequencies that one or the other begins to cut off are the same.
    x = save(folder / "cd.wav", 44100, noise_and_chirp(44100))
    got = rows(folder / "cd.wav", "vggish", "--out-dir", str(folder))
    want = vggish(librosa.resample(x, orig_sr=44100, target_sr=16000, res_type="soxr_vhq"))[:len(got)]
    edges = 700 * (10 ** (np.linspace(*(2595 * np.log10(1 + np.array([125, 7500]) / 700)), 66) / 2595) - 1)
    away = np.abs(got - want)[5:-5, edges[2:] < 6500]
    print(f"44100 Hz: off by {np.mean(away):.2e} in the mean, {away.max():.2e} at most")
    check(away.max() < 1e-2, "resampled")
finish()
