"""Stages of the tal toolchain in Python: records of tal/1 (tal-jsonl(5)) read, written, and sent through the tools.

    import tal
    for record in tal.records():
        tal.write({**record, "proposals": [p for p in record["proposals"] if p["score"] > 0.1]})

features() needs numpy, the rest Python alone."""
import base64
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Dict, Iterable, Iterator, Optional, Union

if TYPE_CHECKING:
    import numpy

__all__ = ["Error", "Record", "features", "read", "records", "run", "tool", "write"]
Record = Dict[str, Any]
Source = Union[str, "os.PathLike[str]", IO[str], IO[bytes], None]


class Error(Exception):
    """What is wrong with records, or a tool that failed, in its own words."""


def _no_number(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")


def _unique(members: "list[tuple[str, Any]]") -> Record:
    if len(dict(members)) != len(members):
        raise ValueError("an object has two members of one name")
    return dict(members)


def read(lines: Iterable[Union[str, bytes]], name: str = "records") -> Iterator[Record]:
    """Records of lines of JSON. Error with `name` and the line for what is no record of tal/1; empty lines are passed over."""
    for number, line in enumerate(lines, 1):
        try:
            text = line.decode("utf-8") if isinstance(line, bytes) else line
            if not text.strip():
                continue
            record = json.loads(text.lstrip("\ufeff") if number == 1 else text, object_pairs_hook=_unique, parse_constant=_no_number)
        except ValueError as error:  # UnicodeDecodeError and JSONDecodeError too
            raise Error(f"{name}:{number}: not valid JSON: {error}") from None
        if not isinstance(record, dict):
            raise Error(f"{name}:{number}: not a JSON object")
        if not isinstance(record.get("video"), str) or not record["video"]:
            raise Error(f"{name}:{number}: video: a string that is not empty is needed")
        yield record


def records(source: Source = None) -> Iterator[Record]:
    """Records of a file, given by name or open; without one, of standard input."""
    if not isinstance(source, (str, os.PathLike)):
        yield from read(source or sys.stdin.buffer, "stdin" if source is None else str(getattr(source, "name", "records")))
        return
    with open(source, "rb") as file:
        yield from read(file, os.fspath(source))


def _line(record: Record) -> str:
    try:
        return json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"
    except (TypeError, ValueError) as error:
        raise Error(f"video '{record.get('video')}': cannot be written as JSON: {error}") from None


def write(record: Record, target: Optional[IO[str]] = None) -> None:
    """One record as one line, flushed, so that the next stage of a pipe has it; to standard output, or to a text file that is open."""
    line, file = _line(record), target or sys.stdout
    file.flush()
    if hasattr(file, "buffer"):  # records are UTF-8 whatever the locale says
        file.buffer.write(line.encode("utf-8"))
    else:
        file.write(line)
    file.flush()


def tool(name: str) -> str:
    """Where a tool lies: in the folder TAL_BIN, in the environment that this module is installed in, or on PATH."""
    own, said = os.pathsep.join(str(parent / "bin") for parent in Path(__file__).resolve().parents), os.environ.get("TAL_BIN")
    found = shutil.which(name, path=said) if said else shutil.which(name, path=own) or shutil.which(name)
    if not found:
        raise Error(f"{name}: not found {'in TAL_BIN=' + said if said else 'in this environment or on PATH'}")
    return found


def _feed(process: "subprocess.Popen[bytes]", records: Iterable[Record], failed: "list[BaseException]") -> None:
    if process.stdin is None:
        return
    try:
        with contextlib.suppress(BrokenPipeError), process.stdin as pipe:  # the status says why a tool ended
            for record in records:
                pipe.write(_line(record).encode("utf-8"))
                pipe.flush()
    except BaseException as error:  # raised where the results are read
        failed.append(error)
        process.kill()


def run(name: str, *arguments: str, records: Optional[Iterable[Record]] = None) -> Iterator[Record]:
    """The JSON objects that a tool writes, one a line, as they come; `records` are its input, which is fed while its output is read.

    Error with the tool's own messages when it fails, and whatever `records` raises. Who stops reading ends the tool.
    """
    words = [tool(name), *arguments]
    failed: "list[BaseException]" = []
    with tempfile.TemporaryFile() as messages:
        with subprocess.Popen(words, stdin=subprocess.DEVNULL if records is None else subprocess.PIPE, stdout=subprocess.PIPE, stderr=messages) as process:
            feeder = threading.Thread(target=_feed, args=(process, records or (), failed), daemon=True)
            feeder.start()
            try:
                yield from map(json.loads, process.stdout or ())
                feeder.join()
                process.wait()
            finally:
                process.kill()
        if failed:
            raise failed[0]
        if process.returncode != 0:
            messages.seek(0)
            raise Error(messages.read().decode("utf-8", "replace").strip() or f"{name}: status {process.returncode}")


def features(record: Record, name: Optional[str] = None, root: Union[str, "os.PathLike[str]"] = ".") -> "numpy.ndarray":
    """The rows of a stream of features, rows x dim, without a copy: an .npy file is mapped, inline data are looked at where they lie.
    `name` may be left out where the record has one stream; relative paths are taken from `root`. Both kinds are read-only.
    """
    import numpy
    place, streams = f"video '{record.get('video')}': features", record.get("features") or {}
    name = next(iter(streams)) if name is None and len(streams) == 1 else name
    if name not in streams:
        raise Error(f"{place}: {'no stream ' + repr(name) if name else 'say which'} of {', '.join(sorted(streams)) or 'none'}")
    stream = streams[name]
    try:
        if "path" in stream:
            rows: numpy.ndarray = numpy.load(Path(root) / stream["path"], mmap_mode="r", allow_pickle=False)
        else:  # without rows, data may be absent
            kind = {"float32": "<f4", "float16": "<f2"}[stream.get("dtype", "float32")]
            rows = numpy.frombuffer(base64.b64decode(stream.get("data", ""), validate=True), kind).reshape(stream["rows"], stream.get("dim", 0))
    except (KeyError, OSError, ValueError) as error:
        raise Error(f"{place}.{name}: {error}") from None
    if rows.ndim != 2 or rows.shape != (stream.get("rows", len(rows)), stream.get("dim", rows.shape[1])):
        raise Error(f"{place}.{name}: the rows' shape is {rows.shape}, and the record says {stream.get('rows')} x {stream.get('dim')}")
    return rows
