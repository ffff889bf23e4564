"""What the scripts of this folder share: the tools under test, checks that are counted, skipping. Not a test itself: it has no label."""
import os
import shutil
import subprocess
import sys

BIN = os.path.abspath(os.environ["TAL_BIN"])
failures = 0


def need(*names, why):
    """Skips the script, visibly, where the build has not all these tools, or the machine not these programs."""
    if not all(os.path.exists(os.path.join(BIN, name)) if name.startswith("tal-") else shutil.which(name) for name in names):
        print("SKIPPED: " + why)
        sys.exit(77)


def check(condition, what):
    global failures
    if not condition:
        failures += 1
        print("FAILED:", what)
    return bool(condition)


def tool(name, *arguments, data=None, status=0, environment=None):
    """The finished process, its output as text."""
    done = subprocess.run([os.path.join(BIN, name), *arguments], input=data, capture_output=True, text=True, timeout=240, env={**os.environ, **(environment or {})})
    check(done.returncode == status, f"{name} {' '.join(arguments)}: status {done.returncode}, not {status}: {done.stderr[-600:]}")
    return done


def finish():
    print(f"{failures} failed")
    sys.exit(1 if failures else 0)
