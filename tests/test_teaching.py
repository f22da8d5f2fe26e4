"""For teachers: a folder of submissions, whatever is in it, and Gradescope's results.json."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import samegrad
from shared.api import teaching
from shared.diagnosis.exercises import template
from shared.errors import SettingError
from shared.report import submissions
from tests import command
from tests.command import ROOT

RIGHT_LINE, WRONG_LINE = "(d @ W) * slope(z)", "d @ W"
LEARNER = "07_coursera_m_twice.py"
VERDICTS = {"alice/my_delta.py": "right", "bob/my_delta.py": "wrong", "carol/my_delta.py": "to do", "dora.py": "failed"}


@pytest.fixture
def of_class(tmp_path: Path) -> Path:
    """A class: one right, one wrong, one blank, one that is no Python, one of another kind, and what does not count."""
    root = tmp_path / "class"
    blank = template(5, "samegrad")
    filled = {"alice": RIGHT_LINE, "bob": WRONG_LINE, "carol": "..."}
    for name, line in filled.items():
        (root / name).mkdir(parents=True)
        (root / name / "my_delta.py").write_text(blank.replace("return ...  # (5)", f"return {line}  # (5)"))
    (root / "dora.py").write_text("def")
    (root / LEARNER).write_bytes((ROOT / "tests" / "learners" / "files" / LEARNER).read_bytes())
    (root / ".hidden.py").write_text("raise SystemExit(1)")
    (root / "__pycache__").mkdir()
    (root / "__pycache__" / "x.py").write_text("raise SystemExit(1)")
    (root / "notes.txt").write_text("not Python")
    return root


def test_every_file_of_a_folder_gets_a_line(of_class: Path) -> None:
    found = command.inside(None, "check", str(of_class))
    assert found.code == 4
    head, _, *table = found.stdout.splitlines()
    assert head.startswith("class: 5 files: ")
    lines = {line.split("  ")[0]: re.split(r"\s{2,}", line) for line in table[2:]}
    assert set(lines) == {*VERDICTS, LEARNER}
    assert {name: line[1] for name, line in lines.items() if name != LEARNER} == VERDICTS
    assert lines["bob/my_delta.py"][2:4] == ["f' missing in a hidden layer", "(5)"]
    assert lines[LEARNER][1:] == ["wrong", "1/n twice below the last layer", "(5)", "42"]


def test_the_current_folder_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.py").write_text("x = 1\n")
    monkeypatch.chdir(tmp_path)
    assert str(samegrad.check_folder(".")).startswith(f"{tmp_path.name}: 1 file")


def test_a_file_that_hangs_is_recorded_and_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def check(path: Path, timeout: float) -> samegrad.Checked:
        return samegrad.check(path, timeout=2 if path.name == "hangs.py" else timeout)

    hangs = "EXERCISE = 5\ndef delta(d, W, z):\n    while True:\n        pass\n"
    (tmp_path / "hangs.py").write_text(hangs)
    (tmp_path / "right.py").write_text(template(5, "").replace("return ...", f"return {RIGHT_LINE}"))
    monkeypatch.setattr(teaching, "check", check)  # the other file has all the time it needs
    found = samegrad.check_folder(tmp_path, timeout=command.SECONDS, jobs=1)
    assert [each.status for each in found.submissions] == ["timed out", "right"]
    assert not found.ok


def test_a_mistake_of_ours_in_one_file_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def check(path: Path, **options: Any) -> samegrad.Checked:
        if path.name == "odd.py":
            raise AttributeError("of nothing")
        return samegrad.check(path, **options)

    for name in ("odd.py", "right.py"):
        (tmp_path / name).write_text(template(5, "").replace("return ...", f"return {RIGHT_LINE}"))
    monkeypatch.setattr(teaching, "check", check)
    found = samegrad.check_folder(tmp_path, timeout=command.SECONDS)
    assert [each.status for each in found.submissions] == ["failed", "right"]
    assert found.submissions[0].description == "check itself failed: AttributeError: of nothing"


def test_the_json_has_the_fields_that_are_documented(of_class: Path) -> None:
    told = json.loads(command.inside(None, "check", str(of_class), "--format", "json").stdout)
    assert told["schema"] == submissions.SCHEMA
    assert told["counts"] == {"wrong": 2, "right": 1, "to do": 1, "failed": 1}
    text = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
    for row in told["rows"]:
        assert all(f"`{field}`" in text for field in row)
    assert all(f"`{status}`" in text for status in (*VERDICTS.values(), "unreadable", "timed out", "missing"))
    one = json.loads(command.inside(None, "check", str(of_class / "bob/my_delta.py"), "--format", "json").stdout)
    assert all(f"`{field}`" in text for field in (*one, *one["diagnosis"], *one["rows"][0]))


def graded(of: Path, *options: str) -> Any:
    return json.loads(command.inside(None, "check", str(of), "--format", "gradescope", *options).stdout)


def test_gradescope_gets_its_results(of_class: Path) -> None:
    result = graded(of_class, "--points", "10", "--visibility", "after_due_date", "--expect", "my_cost.py")
    assert set(result) == {"score", "output", "visibility", "stdout_visibility", "tests"}
    assert result["score"] == pytest.approx(10 / 6, abs=1e-5)
    assert result["output"] == "1 of 6 right"
    tests = result["tests"]
    assert [test["status"] for test in tests] == ["failed", "passed", "failed", "failed", "failed", "failed"]
    assert sum(test["max_score"] for test in tests) == pytest.approx(10, abs=1e-4)
    assert {test["visibility"] for test in tests} == {"after_due_date"}
    assert [test["extra_data"]["id"] for test in tests] == [
        LEARNER, "exercise-5", "exercise-5", "exercise-5", "dora.py", "my_cost.py",
    ]  # fmt: skip
    bob = tests[2]
    assert bob["extra_data"]["mistake"] == "f' missing in a hidden layer"
    assert "first wrong value" in bob["output"]
    assert str(of_class.parent) not in json.dumps(result)


def test_the_id_of_a_test_stays_the_same_from_attempt_to_attempt(of_class: Path) -> None:
    attempts = [graded(of_class / name / "my_delta.py")["tests"] for name in ("alice", "bob", "carol")]
    assert {test["extra_data"]["id"] for tests in attempts for test in tests} == {"exercise-5"}
    assert [test["score"] for tests in attempts for test in tests] == [100, 0, 0]


def test_what_cannot_be_asked_is_refused(tmp_path: Path) -> None:
    assert "has no .py file and no notebook" in command.inside(None, "check", str(tmp_path)).stderr
    with pytest.raises(SettingError, match="which is not a folder"):
        samegrad.check_folder(tmp_path / "none")
    (tmp_path / "a.py").write_text("def")
    found = samegrad.check_folder(tmp_path)
    for points in (0, -1, float("nan"), float("inf")):
        with pytest.raises(SettingError, match="expected a number above 0"):
            teaching.gradescope(found, points)
    with pytest.raises(SettingError, match="visibility"):
        teaching.gradescope(found, visibility="to all")
