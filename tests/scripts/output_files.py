# What is written where: behind links, into devices and pipes, over a file that is there; no file that is read or written already.
# label: cli
import os
import stat
import subprocess
import tempfile
import threading

from harness import BIN, check, finish, tool

os.chdir(tempfile.mkdtemp())
RECORD = '{"video":"v","duration":10,"annotations":[{"segment":[1,2],"label":"a"}],"proposals":[{"segment":[1,2],"score":0.5,"label":"a"}]}\n'


def write(name, text=RECORD):
    with open(name, "w", encoding="utf-8") as file:
        file.write(text)
    return name


def read(name):
    with open(name, encoding="utf-8") as file:
        return file.read()


def nms(*arguments, **more):
    return tool("tal-nms", "--no-history", *arguments, **more)


plain = nms(data=RECORD).stdout
check("proposals" in plain, "records come out")

# A link's target is written, there or not, by way of folders that are links too; the link stays.
os.makedirs("far/away")
os.symlink("far", "near")
for link, target in (("one", "far/one"), ("far/away/two", "../two"), ("three", "near/away/three")):
    os.symlink(target, link)
    for _ in range(2):  # to nothing first, then to a file
        nms("-o", link, data=RECORD)
        check(os.path.islink(link) and read(link) == plain, f"{link} -> {target}")
check(read("far/two") == plain and read("far/away/three") == plain, "links are taken from their folder")
os.symlink("circle", "circle")
check("circle" in nms("-o", "circle", data=RECORD, status=1).stderr, "a link to itself is named")

# The mode of a file that is replaced, the umask's of a new one.
os.umask(0o022)
for mode in (0o600, 0o640, 0o755):
    os.chmod(write("kept"), mode)
    nms("-o", "kept", data=RECORD)
    check(stat.S_IMODE(os.stat("kept").st_mode) == mode and read("kept") == plain, f"mode {mode:o}")
nms("-o", "new", data=RECORD)
check(stat.S_IMODE(os.stat("new").st_mode) == 0o644, "the umask")

# Devices and pipes are written as they are, by side outputs too. stdout by a path goes on where the shell's >> began. (Not /dev's own
# names: what goes wrong here would go wrong there.)
os.symlink("/proc/self/fd/1", "stdout")
os.symlink("/proc/self/fd", "fd")
for name in ("stdout", "fd/1", "/proc/self/fd/1"):
    check(nms("-o", name, data=RECORD).stdout == plain, f"-o {name}")
    write("appended", "before\n")
    with open("appended", "a", encoding="utf-8") as out:
        subprocess.run([f"{BIN}/tal-nms", "--no-history", "-o", name], input=RECORD, stdout=out, text=True, check=True)
    check(read("appended") == "before\n" + plain, f"-o {name} >> FILE")
check(os.path.islink("stdout"), "the link to stdout stays")
write("e.jsonl")
screen, terminal = os.openpty()
os.symlink(os.ttyname(terminal), "terminal")
tool("tal-eval", "-i", "e.jsonl", "--protocol", "thumos14-detection", "--curves", "terminal", "-o", "terminal")
check(os.path.islink("terminal") and b"," in os.read(screen, 65536), "two outputs on a terminal")
os.mkfifo("pipe")
got = []
reader = threading.Thread(target=lambda: got.append(read("pipe")))
reader.start()
tool("tal-eval", "-i", "e.jsonl", "--protocol", "thumos14-detection", "--curves", "pipe")
reader.join(60)
check(got and "," in got[0], f"curves through a pipe: {got}")
done = tool("tal-eval", "-i", "e.jsonl", "--protocol", "thumos14-detection", "-o", "report", "--curves", "-")
check("," in done.stdout and "mAP" not in done.stdout and not os.path.exists("-"), "--curves - is stdout")

# No name, a folder.
for option in ("-o", "--rejects"):
    check("the name of the file is empty" in nms("--on-error", "skip", option, "", data=RECORD, status=2).stderr, f"{option} ''")
nms("-o", "far", data=RECORD, status=1)

# A file that is written is neither read nor written by another option, under whatever name; --output may replace its own stream.
for name in ("r.jsonl", "g.jsonl", "c.jsonl"):
    write(name)
os.symlink("r.jsonl", "r-link")
os.link("g.jsonl", "g-hard")
evaluate = ["tal-eval", "--protocol", "thumos14-detection"]
for arguments, says in (
        (["tal-nms", "-i", "r.jsonl", "--on-error", "skip", "--rejects", "o", "-o", "o"], "--output and --rejects would both write 'o'"),
        (["tal-nms", "-i", "r.jsonl", "--on-error", "skip", "--rejects", "far/../o", "-o", "o"], "--output and --rejects would both write"),
        (["tal-nms", "--on-error", "skip", "--rejects", "-"], "--output and --rejects would both write stdout"),
        (["tal-nms", "-i", "r.jsonl", "--on-error", "skip", "--rejects", "r.jsonl"], "--rejects would write 'r.jsonl', which --input reads"),
        (["tal-nms", "-i", "r.jsonl", "--on-error", "skip", "--rejects", "r-link"], "--rejects would write 'r-link', which --input reads"),
        (["tal-nms", "-i", "r.jsonl", "--stats", "r.jsonl"], "--stats would write 'r.jsonl', which --input reads"),
        ([*evaluate, "-i", "r.jsonl", "--curves", "r.jsonl"], "--curves would write 'r.jsonl', which --input reads"),
        ([*evaluate, "-i", "r.jsonl", "--html", "./r.jsonl"], "--html would write './r.jsonl', which --input reads"),
        ([*evaluate, "-i", "r.jsonl", "--curves", "c", "--diagnose-file", "c"], "would both write 'c'"),
        ([*evaluate, "-i", "r.jsonl", "--curves", "c", "-o", "c"], "would both write 'c'"),
        ([*evaluate, "-i", "r.jsonl", "--curves", "-"], "would both write stdout"),
        ([*evaluate, "-i", "r.jsonl", "--gt", "g.jsonl", "-o", "g-hard"], "--output would write 'g-hard', which --gt reads"),
        ([*evaluate, "-i", "r.jsonl", "--compare", "c.jsonl", "-o", "c.jsonl"], "--output would write 'c.jsonl', which --compare reads"),
        (["tal-plot", "view", "-i", "r.jsonl", "--gt", "g.jsonl", "-o", "g.jsonl"], "--output would write 'g.jsonl', which --gt reads"),
        (["tal-plot", "compare", "-i", "r.jsonl", "--with", "g.jsonl", "-o", "g.jsonl"], "--output would write 'g.jsonl', which --with reads"),
        (["tal-check", "--complete", "r.jsonl", "g.jsonl", "--missing", "r.jsonl"], "--missing would write 'r.jsonl', which --complete reads"),
        (["tal-check", "--complete", "r.jsonl", "g.jsonl", "--missing", "g.jsonl"], "--missing would write 'g.jsonl', which files on the command line are")):
    done = tool(*arguments, data=RECORD, status=2)
    check(says in done.stderr, f"{arguments}: '{says}' is not in: {done.stderr}")
for name in ("r.jsonl", "g.jsonl", "c.jsonl"):
    check(read(name) == RECORD, f"{name} is as it was")
with open("r.jsonl", encoding="utf-8") as given:
    done = subprocess.run([f"{BIN}/tal-nms", "--on-error", "skip", "--rejects", "r.jsonl"], stdin=given, capture_output=True, text=True, check=False)
check(done.returncode == 2 and "which --input reads" in done.stderr, "stdin is a file too")
nms("-i", "r.jsonl", "-o", "r.jsonl")
check(read("r.jsonl") == plain, "a stream is replaced by what was made of it")
check(not [name for _, _, names in os.walk(".") for name in names if ".tmp-" in name], "no temporary file stays")
finish()
