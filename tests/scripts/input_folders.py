# Folders and files that are not what they seem: links to nothing, linked folders, hidden files, and files that are something else.
# label: cli
import bz2
import json
import lzma
import os
import tempfile

from harness import check, finish, tool, write

os.chdir(tempfile.mkdtemp())


def convert(*arguments, status=0):
    return tool("tal-convert", "--no-history", *arguments, status=status)


def videos(done):
    return sorted(json.loads(line)["video"] for line in done.stdout.splitlines())


def npy(rows, dim):
    head = repr({"descr": "<f4", "fortran_order": False, "shape": (rows, dim)}).encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + bytes(4 * rows * dim)


def gone(folder, name):
    os.symlink("/nowhere/" + name, os.path.join(folder, name))


# A file a class; two videos each.
write("th/Jump_test.txt", "video_a 1.0 2.0\n")
write("th/Run_test.txt", "video_b 1.0 2.0\n")
check(videos(convert("--from", "thumos14-gt", "th")) == ["video_a", "video_b"], "a folder")
write("th/._Run_test.txt", b"\0\5\x16\7Mac OS X")
done = convert("--from", "thumos14-gt", "th")
check("1 hidden file or folder is left out, such as 'th/._Run_test.txt'" in done.stderr and len(videos(done)) == 2, done.stderr)
check(tool("tal-convert", "--no-history", "-q", "--from", "thumos14-gt", "th").stderr == "", "-q says nothing of it")
gone("th", "Gone_test.txt")
done = convert("--from", "thumos14-gt", "th", status=1)
check("th/Gone_test.txt: is a link to a file that is not there" in done.stderr and done.stdout == "", done.stderr)

# Features: below folders that are links too, each once; a circle ends.
FEATURES = ["--from", "features", "--fps", "25", "--stride", "16"]
write("elsewhere/v2.npy", npy(3, 2))
write("feats/v1.npy", npy(3, 2))
os.symlink("../elsewhere", "feats/linked")
os.symlink("../feats", "elsewhere/up")
os.symlink("../feats/v1.npy", "elsewhere/v3.npy")
write("feats/.ipynb_checkpoints/v1.npy", npy(3, 2))
done = convert(*FEATURES, "feats")
check(videos(done)[:3] == ["v1", "v2", "v3"] and "hidden" in done.stderr, f"{videos(done)}: {done.stderr}")
gone("elsewhere", "v4.npy")
done = convert(*FEATURES, "feats", status=1)
check("v4.npy: is a link to a file that is not there" in done.stderr, done.stderr)
done = tool("tal-check", "--kind", "folder", "-i", "feats", status=1)
check("v4.npy" in done.stdout and "is a link to a file that is not there" in done.stdout and "hidden" in done.stderr, done.stdout + done.stderr)
write("props/v1.csv", "xmin,xmax,score\n0.1,0.2,0.9\n")
gone("props", "v2.csv")
check("props/v2.csv: is a link" in convert("--from", "bsn-proposals", "--unit-duration", "props", status=1).stderr, "proposals")
write("imu/r1.txt", "1 2\n3 4\n")
gone("imu", "r2.txt")
check("imu/r2.txt: is a link" in convert("--from", "signals", "--rate", "1", "--window", "1", "--stride", "1", "--inline", "imu", status=1).stderr, "signals")
check("imu/r2.txt: is a link" in convert("--from", "auto", "imu", status=1).stderr, "a format that is looked for")

# What a file is instead.
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
HTML = b"\n<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>\n"
KINDS = {"a Git LFS pointer": LFS, "an HTML page": HTML, "compressed with bzip2": bz2.compress(b"v 1 2 3 0.5\n"), "compressed with xz": lzma.compress(b"v 1 2 3 0.5\n"),
         "compressed with zstd": b"\x28\xb5\x2f\xfd" + bytes(40), "an SQLite database": b"SQLite format 3\0" + bytes(84)}
for kind, data in KINDS.items():
    for name in ("v.npy", "v.npz", "v.mat", "v.h5"):
        done = convert(*FEATURES, write(name, data), status=1)
        check("it is " + kind in done.stderr, f"{name}: {kind}: {done.stderr}")
    for reader in ("segments-csv", "activitynet-gt", "thumos14-results", "srt"):
        done = convert("--from", reader, write("t.txt", data), status=1)
        check("t.txt: is " + kind + ", not " in done.stderr, f"{reader}: {kind}: {done.stderr}")
    for name in ("w.pth", "w.npz", "w.safetensors"):
        done = convert("--weights", write(name, data), status=1)
        check("it is " + kind in done.stderr, f"{name}: {kind}: {done.stderr}")
    done = tool("tal-nms", "-i", write("r.jsonl", data), status=1)
    check("r.jsonl: is " + kind + ", not " in done.stderr, f"records: {kind}: {done.stderr}")
    done = tool("tal-check", "--kind", "features", "-i", write("c.npy", data), status=1)
    check("it is " + kind in done.stdout, f"tal-check: {kind}: {done.stdout}")
for name in ("v.npy", "v.npz", "v.mat", "v.h5"):
    check("it is empty" in convert(*FEATURES, write(name, b""), status=1).stderr, f"{name}: empty")
# An id may begin like one of their marks.
check(videos(convert("--from", "thumos14-results", write("ids.txt", "BZh9a 1 2 3 0.5\n"))) == ["BZh9a"], "BZh is no bzip2 by itself")
finish()
