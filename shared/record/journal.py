"""The files of a run: a journal while it lasts, run.json when it has ended.

journal.jsonl holds the head of the record in its first line, then each worker's result in a line of its own, forced to
the disk before the next worker starts: whatever ends the run, no more than the worker at work is lost. run.json appears
whole, once, at the end, and the journal goes. Where there is a journal, it is the newer one.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from shared.processes.signals import uninterrupted
from shared.record import files
from shared.record.schema import KINDS, REQUIRED, SCHEMA_VERSION, Kind, Record, Reference, Sample

JOURNAL: Final = "journal.jsonl"
RUN: Final = "run.json"
LOCK: Final = ".lock"


class RunError(ValueError):
    """A folder that does not hold a run that this version can read, or that is in use."""


class Journal:
    """The journal of a run at work; each line is on the disk when `append` returns."""

    def __init__(self, folder: Path, record: Record) -> None:
        """Begin, or begin again, with what the record holds."""
        self._folder = folder
        self._path = folder / JOURNAL
        head = {key: value for key, value in record.items() if key not in KINDS}
        lines = [_line(head), *(_line({kind: result}) for kind in KINDS for result in record[kind])]
        files.write_text(self._path, "".join(lines))
        self._file = self._path.open("a", encoding="utf-8", newline="\n")

    def append(self, kind: Kind, result: Reference | Sample) -> None:
        """Write a worker's result."""
        with uninterrupted():
            self._file.write(_line({kind: result}))
            self._file.flush()
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Leave the journal as it is: the run can be resumed."""
        self._file.close()

    def finish(self, record: Record) -> None:
        """Turn the journal into run.json."""
        with uninterrupted():
            files.write_json(self._folder / RUN, record)
            self.close()
            self._path.unlink()


def _line(content: Mapping[str, Any]) -> str:
    return json.dumps(content, allow_nan=False) + "\n"


def read(folder: Path) -> Record:
    """Return the record of a run, whether it has ended or not.

    Raises
    ------
    RunError
        If there is none, it cannot be read, or it is of another major version.
    """
    journal, run = folder / JOURNAL, folder / RUN
    record: Record
    try:
        if journal.exists():
            record = _replay(journal.read_text(encoding="utf-8"))
        else:
            record = json.loads(run.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(f"{folder}: found no {RUN}, expected the folder of a run, as compare.py names it") from None
    except (OSError, ValueError, AttributeError, KeyError, TypeError) as error:  # the last three: JSON of another shape
        raise RunError(f"{folder}: found a {RUN} that cannot be read ({error}), expected JSON") from None
    version = record.get("schema_version", "none") if isinstance(record, dict) else "none"
    major, ours = str(version).partition(".")[0], SCHEMA_VERSION.partition(".")[0]
    if major != ours:
        newer = major.isdecimal() and int(major) > int(ours)
        advice = "update samegrad to read it" if newer else "run it again, or read it with the version that wrote it"
        raise RunError(f"{folder}: found a record of schema {version}, expected {ours}.x; {advice}")
    missing = [key for key in REQUIRED if key not in record or (key in KINDS and not isinstance(record[key], list))]
    if missing:
        raise RunError(f"{folder}: found a record without {', '.join(missing)}, expected the record of a run")
    return record


def _replay(text: str) -> Record:
    """Put the lines of a journal together; a last line that a power cut left torn is no line."""
    head, *lines = text.splitlines(keepends=True)
    record: Record = json.loads(head) | {kind: [] for kind in KINDS}
    for line in lines:
        if not line.endswith("\n"):
            break
        ((kind, result),) = json.loads(line).items()
        put(record, kind, result)
    return record


def put(record: Record, kind: Kind, result: Reference | Sample) -> None:
    """Add a worker's result, which replaces an earlier one of the same implementation and round."""

    def who(result: Reference | Sample) -> tuple[str, int]:
        return result["implementation"], result["round"]

    others = [other for other in record[kind] if who(other) != who(result)]
    record[kind] = [*others, result]  # type: ignore[typeddict-item]  # `kind` says which of the two it is


@contextmanager
def reserved(folder: Path) -> Iterator[None]:
    """Keep other processes from writing to a run's folder.

    Raises
    ------
    RunError
        If one does.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise RunError(f"{folder}: another process is writing to it, expected a run that has stopped") from None
    try:
        yield
    finally:
        with suppress(OSError):  # while it is held, so that no other's is taken away; Windows does it by itself
            (folder / LOCK).unlink()
        lock.release()
