"""The exercises: what fills a blank is right or gets the name of its mistake, and nothing else has to be right."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samegrad
from shared.diagnosis import exercises, filled, parts
from shared.diagnosis.exercises import EXERCISES, WHOLE, ask, declared, expected, template
from shared.diagnosis.mistakes import MISTAKES
from shared.diagnosis.near_misses import MISSES, TO_FILL, Miss, judge
from shared.errors import SettingError
from tests import command

LINES = {
    1: "return a @ W.T + b",
    2: "return 1 / (1 + np.exp(-z))",
    3: "return 0.5 * ((a - y) ** 2).sum(axis=1).mean()",
    4: "return (a - y) * a * (1 - a) / len(y)",
    5: "s = sigmoid(z); return np.dot(d, W) * s * (1 - s)",
    6: "return sum(np.outer(e, x) for e, x in zip(d, a))",
    7: "return d.T @ np.ones(len(d))",
    8: "theta -= eta * g; return theta",
}
"""Other ways to write each right."""
BACKWARD = """\
    d = (a[-1] - target) * slope(z[-1]) / len(x)
    found = []
    for l in reversed(range(len(parameters))):
        found.insert(0, (d.T @ a[l], d.sum(axis=0)))
        if l > 0:
            d = (d @ parameters[l][0]) * slope(z[l - 1])
    return found
"""
EVERY_MISS = [(number, miss) for number, misses in MISSES.items() for miss in misses]


def fill(folder: Path, number: int, line: str) -> Path:
    """Write an exercise with its blank filled."""
    path = folder / f"my_{EXERCISES[number].function}.py"
    blank = re.compile(r"^    return \.\.\..*\n", re.MULTILINE)
    text = template(number, "samegrad")
    assert len(blank.findall(text)) == 1
    path.write_text(blank.sub(lambda _: line, text), encoding="utf-8")
    return path


@pytest.mark.parametrize("number", EXERCISES)
def test_a_file_has_all_but_what_is_asked(number: int, tmp_path: Path) -> None:
    text = template(number, "samegrad")
    path = tmp_path / "mine.py"
    path.write_text(text, encoding="utf-8")
    assert declared(path) == EXERCISES[number]
    assert text.count("return ...") == 1
    cited = set(re.findall(r"# \((\d)\)", text))
    others = {str(k) for k in range(1, 9)} - {str(number)}
    assert cited == ({"1", "2", "3", "4"} if number == WHOLE else others | {str(number)})
    names: dict[str, Any] = {}
    exec(compile(text, "mine.py", "exec"), names)
    for other in EXERCISES.values():
        if other.function in names and other.number not in (number, WHOLE):
            assert judge(other, ask(names[other.function], other), []).right or number == 2
    assert max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize("number", LINES)
def test_a_right_line_is_right_however_it_is_written(number: int, tmp_path: Path) -> None:
    found = filled.check_file(fill(tmp_path, number, f"    {LINES[number]}\n"), EXERCISES[number], command.SECONDS)
    assert found.right
    assert found.diagnosis is None


def test_nothing_later_is_needed(tmp_path: Path) -> None:
    path = fill(tmp_path, 1, f"    {LINES[1]}\n")
    text = path.read_text()
    path.write_text(text[: text.index("def sigmoid")])  # the other functions are gone
    assert filled.check_file(path, EXERCISES[1], command.SECONDS).right


def test_a_constant_of_that_name_does_not_make_an_exercise(tmp_path: Path) -> None:
    path = tmp_path / "homework.py"
    for text, number in {
        "EXERCISE = 5\n": None,
        "EXERCISE = 'five'\ndef delta(): ...\n": None,
        "EXERCISE = True\ndef weighted_input(): ...\n": None,
        "EXERCISE = 12\n": None,
        "EXERCISE = \n": None,
        "EXERCISE = 5\ndef delta(): ...\n": 5,
        '"""Exercise 5: renamed."""\nEXERCISE = 5\ndef mine(): ...\n': 5,
    }.items():
        path.write_text(text)
        found = declared(path)
        assert (found and found.number) == number, text
    assert "found no function delta" in command.inside(None, "check", str(path)).stderr


def test_a_whole_backward_pass_is_right_or_gets_the_name_of_its_mistake(tmp_path: Path) -> None:
    assert filled.check_file(fill(tmp_path, WHOLE, BACKWARD), EXERCISES[WHOLE], command.SECONDS).right
    wrong = BACKWARD.replace("d.sum(axis=0)", "d.mean(axis=0)")
    found = filled.check_file(fill(tmp_path, WHOLE, wrong), EXERCISES[WHOLE], command.SECONDS)
    assert found.diagnosis
    assert (found.diagnosis.name, found.diagnosis.equation) == ("bias gradient is a mean", "(7)")
    assert found.diagnosis.lines[0][1] == "found.insert(0, (d.T @ a[l], d.mean(axis=0)))"
    assert found.first_wrong
    assert found.first_wrong.where == "db1[0]"


@pytest.mark.parametrize(
    ("number", "miss"), EVERY_MISS, ids=[f"{n}-{m.name}-{k}" for k, (n, m) in enumerate(EVERY_MISS)]
)
def test_a_mistake_gets_its_name_and_the_first_wrong_value(number: int, miss: Miss) -> None:
    exercise = EXERCISES[number]
    answers = ask(miss.computes, exercise)
    found = judge(exercise, answers, [])
    assert found.diagnosis
    assert found.diagnosis.name == miss.name
    assert found.diagnosis.description
    assert found.diagnosis.remedy
    assert miss.name in MISTAKES or miss.description, "a name of its own needs words of its own"
    if first := found.first_wrong:
        index = tuple(map(int, re.findall(r"\d+", first.where)))
        pairs = zip(expected(exercise), answers, strict=True)
        assert any(
            not mine.trouble
            and mine.outputs[exercise.result].shape == right.outputs[exercise.result].shape
            and first.expected == right.outputs[exercise.result][index]
            and first.yours == mine.outputs[exercise.result][index]
            for right, mine in pairs
        )


def test_a_blank_is_to_do_and_no_mistake(tmp_path: Path) -> None:
    for number in EXERCISES:
        path = tmp_path / f"{number}.py"
        path.write_text(template(number, "samegrad"), encoding="utf-8")
        found = command.inside(None, "check", str(path))
        assert found.code == 4
        assert f"TO DO: {TO_FILL}" in found.stdout
        assert "return ...  # (" in found.stdout.splitlines()[3]


def test_what_else_may_happen_is_said(tmp_path: Path) -> None:
    said = {
        "    return d @ W\n": "WRONG: f' missing in a hidden layer, equation (5)",
        "    d = d @ W * slope(z)\n": "TypeError: the function returns nothing; end it with `return` and the result",
        "    return [[1], [2, 3]]\n": "WRONG: an exception, equation (5)",
        "    return 'd'\n": "TypeError: expected numbers, got 'str'",
        "    return d.T @ W\n": "WRONG: an exception, equation (5)",
        "    return 1 / 0\n": "ZeroDivisionError: division by zero",
        "    return d\n": "WRONG: a wrong shape, equation (5)",
        "    d *= 2; return (d @ W) * slope(z)\n": "WRONG: inputs modified in place, equation (5)",
        "    return 3 * (d @ W) * slope(z)\n": "measured: every value is 3 times what it should be",
        "    return (d @ W) * slope(z) * float('nan')\n": "WRONG: a mistake that is not in the catalogue",
    }
    for line, words in said.items():
        found = command.inside(None, "check", str(fill(tmp_path, 5, line)))
        assert found.code == 4, line
        assert words in found.stdout, found.stdout


def test_the_table_shows_expected_beside_yours(tmp_path: Path) -> None:
    path = fill(tmp_path, 5, "    return d @ W  # (5)\n")
    found = command.inside(None, "check", str(path))
    assert "look at line" in found.stdout
    lines = [re.split(r"\s{2,}", line) for line in found.stdout.splitlines()]
    assert ["first wrong value", "expected", "yours"] in [[c.strip() for c in line] for line in lines]
    told = json.loads(command.inside(None, "check", str(path), "--format", "json").stdout)
    assert (told["exercise"], told["equation"], told["right"]) == (5, "(5)", False)
    d, W, z = exercises.arguments(EXERCISES[5])[0]
    assert told["rows"][0]["expected"] == parts.delta(d, W, z)[0, 0]  # type: ignore[no-untyped-call]
    assert told["rows"][0]["yours"] == (d @ W)[0, 0]


def test_a_function_of_a_notebook_is_checked_where_it_is() -> None:
    def my_delta(d: Any, W: Any, z: Any) -> Any:
        return (d @ W) / (2 + 2 * np.cosh(z))

    assert samegrad.check(delta=my_delta).ok
    wrong = samegrad.check(delta=lambda d, W, z: d @ W)
    assert not wrong.ok
    assert "f&#x27; missing in a hidden layer" in wrong._repr_html_()
    assert samegrad.check(backward=parts.gradients).ok
    assert not samegrad.check(backward=lambda p, x, y: [(W, b) for W, b in p]).ok
    with pytest.raises(SettingError, match="expected one exercise at a time"):
        samegrad.check(delta=my_delta, step=my_delta)
    with pytest.raises(SettingError, match="delta: got a int, expected a function"):
        samegrad.check(delta=3)


def test_the_list_and_the_files_are_printed() -> None:
    found = command.inside(None, "exercise")
    assert found.code == 0
    assert [line.split()[0] for line in found.stdout.splitlines()[4:13]] == [str(k) for k in range(1, 10)]
    assert max(map(len, found.stdout.splitlines())) <= 80
    assert command.inside(None, "exercise", "5").stdout == template(5, "python compare.py")
    assert command.inside(None, "exercise", "0").code == 2
    assert "expected an exercise from 1 to 9" in command.inside(None, "exercise", "12").stderr
