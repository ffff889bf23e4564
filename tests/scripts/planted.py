#!/usr/bin/env python3
# label: docs
"""Every error of tests/mutate/planted.txt still has its place: once in its file. The errors themselves are planted by ./run mutate."""
import os
import pathlib
import sys

SOURCE = pathlib.Path(os.environ["TAL_SOURCE"])
sys.path.insert(0, str(SOURCE / "tests/mutate"))
from mutate import planted  # noqa: E402

errors = planted()
failed = 0
for error in errors:
    places = error.places(SOURCE)
    if places != 1 or error.text == error.instead:
        failed += 1
        print(f"FAILED {error.name}: its text is {places} times in {error.file}; write its block in tests/mutate/planted.txt anew")
if len({error.name for error in errors}) != len(errors):
    failed += 1
    print("FAILED two errors have one name")
print(f"{len(errors)} errors, {failed} failed")
sys.exit(1 if failed or not errors else 0)
