#!/usr/bin/env python3
"""Whether the tests have teeth: plants one error after another (planted.txt) in a copy of the light library, builds it, runs the tests, and prints who
noticed. Status 1 when an error was noticed by no test.

    python3 tests/mutate/mutate.py [--all] [--quick] [--after NAME] [--build FOLDER] [NAME...]     # names of errors, or parts of them; default: all errors

--all: runs every test of each error instead of stopping at the first that fails, and lists all that noticed.
--quick: leaves the tests out that take minutes; what they alone notice counts as not noticed.
--after NAME: goes on behind this error, where a run was interrupted, without trying the tests on the sound library again.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# Quick tests first, those of minutes last. What compiles programs of its own or compares texts with the sources is left out.
LEFT_OUT = "installed_package|layering|planted|examples_synth|fuzz-smoke"
SLOW = "^(check_cli|refusals|split|bad_input|pipes)$"
STAGES = (("^unit/", LEFT_OUT), ("^case/", LEFT_OUT), (".", f"^(unit|case)/|{SLOW}|{LEFT_OUT}"), (SLOW, LEFT_OUT))  # names of a stage, and not these


class Planted:
    """One error: its name, what a user would see, the file, the text and what stands there instead."""

    def __init__(self, block):
        head, file, *lines = block.rstrip("\n").split("\n")
        found = re.fullmatch(r"## ([\w-]+): (.+)", head)
        if not found or not file.startswith("in ") or any(line[:1] not in "-+" for line in lines):
            raise SystemExit(f"planted.txt: not an error: {head!r}")
        self.name, self.seen, self.file = found[1], found[2], file[3:]
        self.text, self.instead = ("\n".join(line[1:] for line in lines if line[0] == mark) for mark in "-+")

    def places(self, root):
        path = root / self.file
        return path.read_text(encoding="utf-8").count(self.text) if path.exists() else 0


def planted():
    text = (pathlib.Path(__file__).parent / "planted.txt").read_text(encoding="utf-8")
    return [Planted(block) for block in re.split(r"\n+(?=## )", text[text.index("\n## ") + 1:])]


def copy_sources(target):
    """The tracked files as they are here; a file that is the same keeps its time, so that nothing is compiled again."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    names = {name for name in names if name and (ROOT / name).is_file()}
    for path in [p for p in target.rglob("*") if p.is_file() and str(p.relative_to(target)) not in names]:
        path.unlink()
    for name in names:
        source, copy = ROOT / name, target / name
        if copy.exists() and copy.read_bytes() == source.read_bytes():
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, copy)


def build(folder):
    return subprocess.run(["ninja", "-C", str(folder), "--quiet", "tests"], capture_output=True, text=True)


def named_like(file):
    """A first stage: the tests that are named like the file's folder or its own words."""
    path = pathlib.Path(file)
    words = {path.parent.name, *path.stem.split("_")} - {"base", "cli", "data", "files", "run", "stages", "support"}
    words = {word for word in words if len(word) > 2}
    return (f"({'|'.join(sorted(words))})" if words else "^unit/", f"{SLOW}|{LEFT_OUT}")


def failing(folder, everything, stages=STAGES):
    """Names of the tests that failed: of the first stage in which one did, or of all."""
    names = []
    for tests, others in stages:
        words = ["ctest", "--test-dir", str(folder), "-j", str(os.cpu_count()), "-R", tests, "-E", others]
        done = subprocess.run(words + ([] if everything else ["--stop-on-failure"]), capture_output=True, text=True,
                              env={**os.environ, "OMP_NUM_THREADS": "1"})
        found = re.findall(r"^\s*\d+/\d+ Test\s+#\d+: (\S+) \.*\s*(?:Subprocess aborted)?\*\*\*(?!Skipped)", done.stdout, flags=re.M)
        if "No tests were found" in done.stdout + done.stderr and (tests, others) not in STAGES:
            continue
        if "No tests were found" in done.stdout + done.stderr or done.returncode not in (0, 8):
            raise SystemExit(f"ctest: {done.stdout[-500:]}{done.stderr[-500:]}")
        names += [name for name in found if name not in names]
        if names and not everything:
            break
    return names


def main():
    sys.stdout.reconfigure(line_buffering=True)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--after", metavar="NAME")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build-mutate")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    errors = planted()
    if options.after:
        names = [e.name for e in errors]
        if options.after not in names:
            raise SystemExit(f"no error {options.after}")
        errors = errors[names.index(options.after) + 1:]
    errors = [e for e in errors if not options.names or any(name in e.name for name in options.names)]
    if not errors:
        raise SystemExit("no such error")
    source, folder = options.build.resolve() / "source", options.build.resolve() / "build"
    copy_sources(source)
    for e in errors:
        if e.places(source) != 1:
            raise SystemExit(f"{e.name}: its text is {e.places(source)} times in {e.file}")
    subprocess.run(["cmake", "-S", str(source), "-B", str(folder), "-G", "Ninja", "-DCMAKE_BUILD_TYPE=None", "-DCMAKE_CXX_FLAGS=-O0", "-DTAL_UNITY=OFF",
                    "-DTAL_TORCH=OFF", "-DTAL_VIDEO=OFF", "-DTAL_BENCH=OFF", "-DCMAKE_LINK_DEPENDS_NO_SHARED=ON"], check=True, stdout=subprocess.DEVNULL)
    started = time.monotonic()
    if build(folder).returncode or (not options.after and (bad := failing(folder, True))):
        raise SystemExit(f"without a planted error the build or a test fails already: {bad if 'bad' in locals() else ''}")
    sound = "going on" if options.after else f"without an error all tests pass ({time.monotonic() - started:.0f} s)"
    print(f"{sound}; {len(errors)} errors to plant", file=sys.stderr)
    unnoticed, broken = [], []
    for number, e in enumerate(errors, 1):
        path, started = source / e.file, time.monotonic()
        original = path.read_text(encoding="utf-8")
        path.write_text(original.replace(e.text, e.instead), encoding="utf-8")
        try:
            made = build(folder)
            who = failing(folder, options.all, (named_like(e.file), *(STAGES[:-1] if options.quick else STAGES))) if made.returncode == 0 else None
        finally:
            path.write_text(original, encoding="utf-8")
        if who is None:
            broken.append(e.name)
            print(f"{number:3}  {e.name:34} DOES NOT COMPILE: " + "\n".join(line for line in made.stdout.splitlines() if "error" in line)[:600])
            continue
        if not who:
            unnoticed.append(e.name)
        print(f"{number:3}  {e.name:34} {'noticed by ' + ', '.join(who) if who else 'NOT NOTICED: ' + e.seen}  ({time.monotonic() - started:.0f} s)")
    print(f"{len(errors) - len(unnoticed) - len(broken)} of {len(errors)} planted errors noticed" + (": not " + ", ".join(unnoticed) if unnoticed else "") +
          ("; what does not compile: " + ", ".join(broken) if broken else ""))
    sys.exit(1 if unnoticed or broken else 0)


if __name__ == "__main__":
    main()
