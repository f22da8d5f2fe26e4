"""The files of a run, whatever ends it."""

import json
import os
import signal
from pathlib import Path

import pytest

from shared.record import files, journal
from shared.record.journal import Journal, RunError
from tests.record.records import head, reference, result

HEAD = head()


def test_each_line_can_be_read_as_soon_as_it_is_written(tmp_path: Path) -> None:
    written = Journal(tmp_path, HEAD)
    assert journal.read(tmp_path) == HEAD
    written.append("references", reference())
    written.append("samples", result("a"))
    assert journal.read(tmp_path) == HEAD | {"references": [reference()], "samples": [result("a")]}
    written.close()


def test_a_run_that_has_ended_is_in_run_json_alone(tmp_path: Path) -> None:
    written = Journal(tmp_path, HEAD)
    record = HEAD | {"samples": [result("a")], "ended": "complete"}
    written.finish(record)
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
    assert journal.read(tmp_path) == record


def test_a_journal_begins_again_with_what_there_is(tmp_path: Path) -> None:
    record = HEAD | {"samples": [result("a"), result("b")]}
    files.write_json(tmp_path / "run.json", record | {"ended": "interrupted"})
    again = Journal(tmp_path, record)
    again.append("samples", result("c"))
    again.close()
    assert journal.read(tmp_path)["samples"] == [result("a"), result("b"), result("c")]


def test_a_torn_last_line_costs_that_line_alone(tmp_path: Path) -> None:
    written = Journal(tmp_path, HEAD)
    for name in "abc":
        written.append("samples", result(name, stderr=["x" * 50]))
    written.close()
    path = tmp_path / journal.JOURNAL
    whole = path.read_bytes()
    last = len(whole) - len(whole.splitlines(keepends=True)[-1])
    for end in range(last, len(whole) + 1):
        path.write_bytes(whole[:end])
        assert len(journal.read(tmp_path)["samples"]) == (3 if end == len(whole) else 2)


def test_a_result_that_is_taken_again_replaces_the_first(tmp_path: Path) -> None:
    written = Journal(tmp_path, HEAD)
    written.append("references", reference(reason="one"))
    written.append("references", reference(reason="two"))
    written.close()
    assert journal.read(tmp_path)["references"] == [reference(reason="two")]


def test_every_line_is_forced_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forced: list[int] = []
    written = Journal(tmp_path, HEAD)
    size = (tmp_path / journal.JOURNAL).stat().st_size
    monkeypatch.setattr(os, "fsync", lambda descriptor: forced.append(os.fstat(descriptor).st_size))
    written.append("samples", result("a"))
    assert len(forced) == 1
    assert forced[0] > size
    written.close()


def test_ctrl_c_waits_until_a_line_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = Journal(tmp_path, HEAD)
    fsync = os.fsync

    def interrupted(descriptor: int) -> None:
        signal.raise_signal(signal.SIGINT)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        written.append("samples", result("a"))
    assert journal.read(tmp_path)["samples"] == [result("a")]
    written.close()


# ---- What cannot be read -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"schema_version": "4.0", "references": [], "samples": []}', "schema 4.0, expected 3.x; update samegrad"),
        ('{"schema_version": "2.2", "references": [], "samples": []}', "schema 2.2, expected 3.x; run it again"),
        ('{"references": [], "samples": []}', "found a record with schema none"),
        (
            '{"schema_version": "3.0", "references": []}',
            r"run\.json is no record of a run: object missing required field",
        ),
        ("[]", "expected `object`, got `array`"),
        ('{"schema_version": "3.0",', "truncated"),
        ('{"schema_version": NaN}', "malformed"),
        ("\xff", r"run\.json is no record of a run"),
        ("[" * 100_000, "expected `object`, got `array`"),
        ('{"schema_version": "3.0", "x": ' + "[" * 100_000, "recursion"),
    ],
)
def test_a_record_that_is_not_ours_is_refused_with_advice(content: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(RunError, match=expected):
        journal.read(tmp_path)


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(RunError, match=r"found no run\.json, expected the folder of a run"):
            journal.read(folder)


def test_a_later_minor_version_and_unknown_fields_are_read(tmp_path: Path) -> None:
    record = HEAD | {"schema_version": "3.7", "samples": [result("a")]}
    later = record | {"invented_later": {"x": 1}, "samples": [result("a", also=2)]}
    (tmp_path / "run.json").write_text(json.dumps(later))
    assert journal.read(tmp_path) == record


def test_two_processes_cannot_write_to_one_run(tmp_path: Path) -> None:
    again = journal.reserved(tmp_path)
    with journal.reserved(tmp_path), pytest.raises(RunError, match="another process is writing to it"):
        again.__enter__()
    with journal.reserved(tmp_path):
        pass


def test_who_opened_the_lock_while_another_held_it_and_who_comes_later_lock_one_file(tmp_path: Path) -> None:
    with journal.reserved(tmp_path):
        early = (tmp_path / journal.LOCK).open("rb")
    with early, journal.reserved(tmp_path), (tmp_path / journal.LOCK).open("rb") as late:
        assert os.path.sameopenfile(early.fileno(), late.fileno())


@pytest.mark.parametrize("line", ["[]", '{"samples": 3}', '{"samples": {}}', '{"samples": [NaN]}'])
def test_a_journal_of_another_shape_is_refused(line: str, tmp_path: Path) -> None:
    Journal(tmp_path, HEAD).close()
    with (tmp_path / journal.JOURNAL).open("a") as file:
        file.write(line + "\n" + line + "\n")
    with pytest.raises(RunError, match=r"journal\.jsonl is no record of a run: line 2"):
        journal.read(tmp_path)
