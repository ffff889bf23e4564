"""What the tests of this folder share: an example of examples/cluster run for real, compared byte for byte with one process. Not a test itself."""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ["TAL_SOURCE"])
sys.path.insert(0, str(SOURCE / "tests" / "scripts"))
from harness import BIN, check, finish, need  # noqa: E402,F401

OUT = pathlib.Path(tempfile.mkdtemp(prefix="tal-cluster-"))
# A pipe in which a record takes a while, so that there is a middle to kill something in.
SLOW = """tal-nms --method gaussian --top-k 50 | python3 -c 'import sys, time
for line in sys.stdin: time.sleep(0.15); sys.stdout.write(line)' | tal-nms --top-k 20"""


def make(*words, limit=900, **variables):
    """The finished make of examples/cluster; its output is printed."""
    settings = [f"{name}={value}" for name, value in {"BIN": BIN, "OUT": OUT, **variables}.items()]
    done = subprocess.run(["make", "-s", "-C", str(SOURCE / "examples" / "cluster"), *words, *settings], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=limit)
    print(done.stdout, end="")
    return done


def read(name):
    return (OUT / name).read_bytes()


def of_process(pid, name):
    """A file of /proc about a process; empty for one that has ended, which it may at any moment."""
    try:
        return (pathlib.Path("/proc") / str(pid) / name).read_bytes()
    except OSError:
        return b""


def with_variable(name, value):
    """The processes whose environment has it."""
    wanted = f"{name}={value}".encode()
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid() and wanted in of_process(entry.name, "environ").split(b"\0"):
            yield int(entry.name)


def send(pids, how=signal.SIGKILL):
    """A signal to those that still are."""
    for pid in pids:
        try:
            os.kill(pid, how)
        except ProcessLookupError:
            pass
