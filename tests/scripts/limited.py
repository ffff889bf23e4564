"""Runs a test script under a time limit: at its end it says where the script waits and for which programs, ends those and fails.

    python3 limited.py SECONDS SCRIPT [ARGUMENT...]

Not a test itself: it has no label.
"""
import os
import pathlib
import runpy
import signal
import sys
import threading
import traceback


def parents():
    """The parent of every process, with the command line of each."""
    out = {}
    for status in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
            command = (status.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except (OSError, ValueError):
            continue  # it has ended
        out[int(status.parent.name)] = (parent, command)
    return out


def descendants(root):
    known = parents()
    found, grown = {root}, True
    while grown:
        grown = False
        for process, (parent, _) in known.items():
            if parent in found and process not in found:
                found.add(process)
                grown = True
    return {process: known[process][1] for process in found - {root}}


def stop(seconds, main):
    print(f"FAILED: the time limit of {seconds} s is over; the script waits here:")
    print("".join(traceback.format_stack(sys._current_frames()[main])[-8:]), end="")
    children = descendants(os.getpid())
    for process, command in children.items():
        print(f"still running: {command[:300]}")
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            pass
    sys.stdout.flush()
    os._exit(1)


def main():
    seconds, script = int(sys.argv[1]), sys.argv[2]
    timer = threading.Timer(seconds, stop, [seconds, threading.main_thread().ident])
    timer.daemon = True
    timer.start()
    sys.argv = sys.argv[2:]
    sys.path[0] = os.path.dirname(os.path.abspath(script))
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main()
