"""The files of a run: a journal while it runs, run.json when it has ended.

The first line of journal.jsonl is the head of the record. Each worker's result follows as one line, which is forced to
the disk before the next worker starts: however the run ends, only the result of the current worker can be lost. At the
end, run.json is written in one piece and the journal is deleted. If both exist, the journal is newer.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from shared.processes.signals import uninterrupted
from shared.record import files
from shared.record.schema import KINDS, REQUIRED, SCHEMA_VERSION, Kind, Record, Reference, Sample

JOURNAL: Final = "journal.jsonl"
RUN: Final = "run.json"
LOCK: Final = ".lock"


class RunError(ValueError):
    """A folder without a run that this version can read, or a folder that is in use."""


class Journal:
    """The journal of a run in progress; each line is on the disk when `append` returns."""

    def __init__(self, folder: Path, record: Record) -> None:
        """Start a journal with the contents of the record."""
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
        """Close the journal and keep it, so that the run can be resumed."""
        self._file.close()

    def finish(self, record: Record) -> None:
        """Write run.json and delete the journal."""
        with uninterrupted():
            files.write_json(self._folder / RUN, record)
            self.close()
            self._path.unlink()


def _line(content: Mapping[str, Any]) -> str:
    return json.dumps(content, allow_nan=False) + "\n"


def read(folder: Path) -> Record:
    """Return the record of a run, finished or not.

    Raises
    ------
    RunError
        If there is none, if it cannot be read, or if it has another major version.
    """
    journal, run = folder / JOURNAL, folder / RUN
    record: Record
    try:
        if journal.exists():
            record = _replay(journal.read_text(encoding="utf-8"))
        else:
            record = json.loads(run.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(f"{folder}: found no {RUN}, expected the folder of a run") from None
    except (OSError, ValueError, AttributeError, KeyError, TypeError) as error:  # the last three: JSON of another form
        raise RunError(f"{folder}: found a {RUN} that cannot be read ({error}), expected JSON") from None
    version = record.get("schema_version", "none") if isinstance(record, dict) else "none"
    major, ours = str(version).partition(".")[0], SCHEMA_VERSION.partition(".")[0]
    if major != ours:
        newer = major.isdecimal() and int(major) > int(ours)
        advice = "update samegrad to read it" if newer else "run it again, or read it with the version that wrote it"
        raise RunError(f"{folder}: found a record with schema {version}, expected {ours}.x; {advice}")
    missing = [key for key in REQUIRED if key not in record or (key in KINDS and not isinstance(record[key], list))]
    if missing:
        raise RunError(f"{folder}: found a record without {', '.join(missing)}, expected the record of a run")
    return record


def _replay(text: str) -> Record:
    """Combine the lines of a journal; ignore a last line that was not written completely."""
    head, *lines = text.splitlines(keepends=True)
    record: Record = json.loads(head) | {kind: [] for kind in KINDS}
    for line in lines:
        if not line.endswith("\n"):
            break
        ((kind, result),) = json.loads(line).items()
        put(record, kind, result)
    return record


def put(record: Record, kind: Kind, result: Reference | Sample) -> None:
    """Add a worker's result; it replaces an earlier one of the same implementation and round."""

    def who(result: Reference | Sample) -> tuple[str, int]:
        return result["implementation"], result["round"]

    others = [other for other in record[kind] if who(other) != who(result)]
    record[kind] = [*others, result]  # type: ignore[typeddict-item]  # `kind` says which of the two it is


@contextmanager
def reserved(folder: Path) -> Iterator[None]:
    """Keep other processes from writing to the folder of a run.

    The file of the lock stays: if it were deleted, a process that has just opened it would lock a file without a name,
    and a third one a new file, and both would write.

    Raises
    ------
    RunError
        If another process is writing to it.
    """
    from filelock import FileLock, Timeout

    try:
        lock = FileLock(folder / LOCK).acquire(blocking=False)
    except Timeout:
        raise RunError(f"{folder}: another process is writing to it; wait until it has ended") from None
    with lock:
        yield
