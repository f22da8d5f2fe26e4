"""The files of a run: a journal while it runs, run.json when it has ended.

The first line of journal.jsonl is the head of the record. Each result follows as one line, which is forced to the
disk before the next process starts: however the run ends, only the result of the current worker can be lost. At the
end, run.json is written in one piece and the journal is deleted. If both exist, the journal is newer.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, cast

from shared.boundary import read_bytes
from shared.processes.signals import uninterrupted
from shared.record import files
from shared.record.checked import LONGEST, CheckedError, consistent, decoded
from shared.record.schema import KINDS, SCHEMA_VERSION, AnyResult, Kind, Line, Opening, Record

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

    def append(self, kind: Kind, result: AnyResult) -> None:
        """Write a result."""
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
            self._path.unlink(missing_ok=True)


def _line(content: Mapping[str, Any]) -> str:
    return json.dumps(content, allow_nan=False) + "\n"


def read(folder: Path) -> Record:
    """Return the record of a run, finished or not.

    Raises
    ------
    RunError
        If there is none, if it cannot be read or contradicts itself, or if it has another major version.
    """
    journal = folder / JOURNAL
    path = journal if journal.exists() else folder / RUN
    with refused(path, "run"):
        content = read_bytes(path, LONGEST)
        _refuse_another_version(folder, content.partition(b"\n")[0] if path == journal else content)
        return consistent(_replay(content) if path == journal else decoded(content, Record))


@contextmanager
def refused(path: Path, what: str) -> Iterator[None]:
    """Turn what is raised while the record of a run, or of a sweep, is read into a RunError."""
    try:
        yield
    except FileNotFoundError:
        raise RunError(f"{path.parent}: found no {path.name}, expected the folder of a {what}") from None
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}") from None
    except CheckedError as error:
        raise RunError(f"{path} is no record of a {what}: {error}") from None


def _refuse_another_version(folder: Path, head: bytes) -> None:
    """Raise RunError for the record of another major version, CheckedError for one that names none."""
    version = decoded(head, dict[str, Any]).get("schema_version", "none")
    major, ours = str(version).partition(".")[0], SCHEMA_VERSION.partition(".")[0]
    if major != ours:
        newer = major.isdecimal() and int(major[:9]) > int(ours)
        advice = "update samegrad to read it" if newer else "run it again, or read it with the version that wrote it"
        raise RunError(f"{folder}: found a record with schema {str(version)[:20]}, expected {ours}.x; {advice}")


def _replay(content: bytes) -> Record:
    """Combine the lines of a journal; ignore a last line that was not written completely."""
    head, *lines = content.splitlines(keepends=True)
    record = cast(Record, decoded(head, Opening) | {kind: [] for kind in KINDS})
    for number, line in enumerate(lines, 2):
        if not line.endswith(b"\n"):
            break
        try:
            for kind, result in decoded(line, Line).items():
                put(record, cast(Kind, kind), cast(AnyResult, result))
        except CheckedError as error:
            raise CheckedError(f"line {number}: {error}") from None
    return record


def put(record: Record, kind: Kind, result: AnyResult) -> None:
    """Add a result; it replaces an earlier one of the same implementation and round."""

    def who(result: AnyResult) -> tuple[str, int]:
        return result["implementation"], result["round"]

    others = [other for other in record[kind] if who(other) != who(result)]
    record[kind] = [*others, result]  # type: ignore[typeddict-item]  # `kind` says which it is


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
