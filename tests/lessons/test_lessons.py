"""The lessons: each runs from top to bottom, and what its text says is what it prints.

The kept notebooks are looked at in every run of the tests; the lessons that take seconds run with -m exhaustive.
"""

import ast
import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest

import samegrad
from lessons import build
from tests.command import ROOT

LESSONS = {int(path.stem[:2]): path for path in build.lessons()}
QUICK = (1, 2, 8)
"""Lessons that run within two seconds: they stand for the others."""
MODULES = {"samegrad", "numpy", "matplotlib.pyplot", "scipy", "threadpoolctl", "time", "timeit"}
REPRODUCTION = (ROOT / "docs" / "reproduction.md").read_text(encoding="utf-8")
ELSEWHERE = {
    1: {"1,297", "250"},
    2: {"23,860"},
    3: {"340"},
    5: {"1e-14", "1e-5"},
    7: {"0.01"},
    8: {"130"},
    9: {"50,000", "1,297", "81.19", "56.5", "79.4", "69.8", "0.01"},
    10: {"98.5", "1,297"},
}
"""Numbers in the text that a lesson does not print: of its data, in another notation, or of docs/reproduction.md."""


@dataclass
class Ran:
    """What a lesson printed, and how many figures it showed."""

    text: str
    figures: int
    names: dict[str, Any] = field(default_factory=dict)

    def row(self, *words: str, after: str = "") -> list[float]:
        """The numbers in the first line that starts with these words, after a line that contains `after`."""
        start = re.compile(r"\s*" + r"\s+".join(map(re.escape, words)) + r"(?!\S)")
        text = self.text[self.text.index(after) :]
        line = next(line for line in text.splitlines() if start.match(line))
        return [
            float(n.replace(",", "")) for n in re.findall(r"-?\d[\d,]*\.?\d*(?:e[-+]?\d+)?", start.sub("", line, 1))
        ]


def kept(number: int) -> Any:
    return json.loads((build.NOTEBOOKS / f"{LESSONS[number].stem}.ipynb").read_text(encoding="utf-8"))


def outputs(notebook: Any) -> list[Any]:
    return [out for cell in notebook["cells"] for out in cell.get("outputs", ())]


def of_notebook(number: int) -> Ran:
    found = outputs(kept(number))
    text = "".join("".join(out["text"]) for out in found if out["output_type"] == "stream")
    return Ran(text, sum("image/png" in out.get("data", ()) for out in found))


def run(number: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ran:
    """Run a lesson as plain `python` does."""
    shown: list[object] = []
    plt.switch_backend("agg")
    monkeypatch.setattr(plt, "show", lambda: shown.append(plt.gcf()))
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(LESSONS[number].read_text(encoding="utf-8"), str(LESSONS[number]), "exec"), names)
    plt.close("all")
    return Ran(capsys.readouterr().out, len(shown), names)


# ---- What each says ------------------------------------------------------------------------------------


def near(found: float, expected: float, by: float) -> bool:
    return abs(found - expected) <= by


def one(ran: Ran) -> None:
    assert [ran.row(str(k))[0] for k in (1, 10, 20)] == [8.0, 1.0737, 0.1153]
    assert ran.row("0.01")[-1] == 6.676
    assert ran.row("1.0")[-4:] == [-10, 10, -10, 10]
    assert ran.row("1.1")[-1] == 383.376
    assert ran.row("10", after="test accuracy")[1] > 80


def two(ran: Ran) -> None:
    assert ran.row("forward:") == [1.5, 0.8176, 0.3342]
    assert ran.row("backward:")[-2:] == [0.1219, 0.1219]
    assert ran.row("check:") == [0.1219]
    assert ran.row("d2")[2] < 0 < ran.row("d2")[3]
    assert "equal to 15 digits: z1, z2, a1" in ran.text


def three(ran: Ran) -> None:
    for n in (1_000, 23_860):
        assert ran.row(f"{n:,}")[0] == n + 1
    assert all(ran.row(f"{n:,}")[-1] < 1e-5 for n in (1_000, 1_990, 4_990, 12_010, 23_860))
    rows = {k: ran.row(f"1e{k:+03d}", after="epsilon ") for k in range(0, -17, -1)}
    forward, central, complex_step = ([row[k] for row in rows.values()] for k in range(3))
    assert 1e-9 < min(forward) < 1e-6
    assert 1e-12 < min(central) < 1e-9
    assert 5 <= forward.index(min(forward)) <= 9
    assert 3 <= central.index(min(central)) <= 6
    assert forward[0] > 100 * min(forward) < forward[-1] / 100
    assert max(complex_step[8:]) < 1e-14


def four(ran: Ran) -> None:
    assert all(ran.row(f"dC/d{name}")[-1] < 1e-15 for name in ("W1", "b1", "W2", "b2"))
    assert ran.row("epoch", "5:")[0] > 85 > 20 > ran.row("before training:")[0]


def five(ran: Ran) -> None:
    first = [line for line in ran.text.splitlines()[1:6] if line]
    assert len({tuple(n[:14] for n in line.split()[1:]) for line in first}) == 1
    names = [line.split()[0] for line in first]
    assert names == ["numpy_scratch", "minitorch", "pytorch", "tensorflow_keras", "jax_jit"]
    assert max(max(ran.row("float64", name)) for name in names) < 1e-14
    assert 1e-9 < max(max(ran.row("float32", name)) for name in names) < 1e-5
    assert "only rounding: True" in ran.text


def six(ran: Ran) -> None:
    ten = {(f, initial): ran.row(f, initial) for f in ("sigmoid", "tanh", "relu") for initial in ("scaled", "normal")}
    assert (ten["sigmoid", "scaled"][1], ten["sigmoid", "scaled"][-1]) == (2.6e-6, 1.0)
    assert (ten["tanh", "scaled"][1], ten["tanh", "scaled"][-1]) == (2.1e-2, 1.3)
    assert (ten["relu", "scaled"][1], ten["relu", "scaled"][-1]) == (6.6e-2, 2.1)
    assert (ten["tanh", "normal"][1], ten["tanh", "normal"][-1]) == (59, 1.1)
    assert all(1e6 <= value < 2e6 for value in ten["relu", "normal"])
    factors = ran.row("sigmoid", "scaled", after="factor by which")
    assert all(near(factor, 0.2, 0.015) for factor in factors)
    first = ran.row("sigmoid", "scaled", after="by the number of layers")
    assert (first[0], first[-1]) == (0.83, 2.1e-6)
    lines = ran.text.partition("seed 1\n")[2].splitlines()[1:6]
    assert len(lines) == 5
    assert len({tuple(line.split()[1:]) for line in lines}) == 1


def seven(ran: Ran) -> None:
    def rows(f: str) -> dict[str, list[float]]:
        return {rate: ran.row(rate, after=f"{f}: share") for rate in ("0.03", "0.1", "0.3", "0.5", "1.0")}

    relu, leaky = rows("relu"), rows("leaky_relu")
    assert {row[0] for row in (*relu.values(), *leaky.values())} == {34}
    assert relu["0.03"][4] <= 45
    assert 10 <= relu["0.1"][4] - 34 <= 20
    assert near(relu["0.1"][-1], leaky["0.1"][-1], 4)
    assert all(relu[rate][1] >= 90 and relu[rate][-1] < 20 for rate in ("0.3", "0.5", "1.0"))
    assert all(leaky[rate][1] >= 80 for rate in ("0.3", "0.5", "1.0"))
    assert leaky["0.3"][-1] > 90
    assert all(leaky[rate][4] < leaky[rate][1] for rate in ("0.3", "0.5", "1.0"))
    assert re.search(r"relu +\|row \d+ of dC/dW1\|: 1\.\d+ before, 0\.0000 after", ran.text)
    assert not re.search(r"leaky_relu +\|row.* 0\.0000 after", ran.text)


def eight(ran: Ran) -> None:
    quadratic, entropy = ran.row("quadratic"), ran.row("cross-entropy")
    assert quadratic == [0.982, 0.981, 0.976, 0.964, 0.933, 0.789, 0.203]
    assert entropy[-1] < 0.02
    assert "d = 0.0173 and 0.9820, a factor of 57" in ran.text
    slow, fast = ran.row("quadratic", "at +5"), ran.row("binary_cross_entropy", "at +5")
    assert max(slow[:4]) < 15 < 60 < fast[1]
    assert min(slow[-1], fast[-1]) > 90
    usual = [ran.row(loss, "as usual") for loss in ("quadratic", "binary_cross_entropy")]
    assert usual[0][1] < usual[1][1]


def nine(ran: Ran) -> None:
    accuracies = ran.row("accuracy")
    assert len(accuracies) == 10
    assert 12 < max(accuracies) - min(accuracies) < 28
    assert "| 81.19 | 69.8 | 8.7 | 56.5 to 79.4 | no, above all ten |" in REPRODUCTION
    normal, scaled = (re.search(rf"{name}: mean ([\d.]+)%, standard deviation ([\d.]+)", ran.text) for name in NAMES)
    assert normal
    assert scaled
    assert float(normal[2]) > 2 * float(scaled[2])
    assert ran.row("scaled - normal:")[1] > 0
    one_seed, same = ran.row("numpy_scratch"), ran.row("numpy_per_example")
    assert all(near(a, b, 0.9) for a, b in zip(one_seed, same, strict=True))
    assert abs(one_seed[0] - one_seed[1]) > 2


NAMES = ("normal", "scaled")


def ten(ran: Ran) -> None:
    convolution, dense = ran.row("convolution"), ran.row("dense")
    assert convolution[0] < dense[0] == 23_860
    assert all(a > b for a, b in zip(convolution[1:], dense[1:], strict=True))
    assert "98.5" in REPRODUCTION


SAYS: dict[int, Callable[[Ran], None]] = dict(enumerate((one, two, three, four, five, six, seven, eight, nine, ten), 1))
FIGURES = {1: 1, 2: 1, 3: 2, 4: 1, 5: 1, 6: 1, 7: 1, 8: 2, 9: 1, 10: 3}


# ---- The lessons ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "number", [pytest.param(n, marks=[] if n in QUICK else pytest.mark.exhaustive) for n in LESSONS]
)
def test_a_lesson_runs_and_says_what_is_so(
    number: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = run(number, monkeypatch, capsys)
    SAYS[number](ran)
    assert ran.figures == FIGURES[number]
    assert max(map(len, ran.text.splitlines())) <= 110


@pytest.mark.parametrize("number", LESSONS)
def test_what_is_kept_of_a_lesson_says_what_is_so(number: int) -> None:
    ran = of_notebook(number)
    SAYS[number](ran)
    assert ran.figures == FIGURES[number]


def test_there_are_ten_short_ones_on_public_functions() -> None:
    assert list(LESSONS) == list(range(1, 11))
    for number, path in LESSONS.items():
        text = path.read_text(encoding="utf-8")
        assert text.startswith(f"# %% [markdown]\n# # {number} ")
        assert len(text.splitlines()) < 150, path.name
        tree = ast.walk(ast.parse(text))
        nodes = list(tree)
        imported = {a.name for n in nodes if isinstance(n, ast.Import) for a in n.names}
        imported |= {str(n.module) for n in nodes if isinstance(n, ast.ImportFrom)}
        assert imported <= MODULES, path.name
        used = {
            n.attr
            for n in nodes
            if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id == "samegrad"
        }
        assert used <= set(samegrad.__all__), path.name


@pytest.mark.parametrize("number", LESSONS)
def test_the_kept_notebook_is_the_lesson_with_its_outputs(number: int) -> None:
    found, lesson = kept(number), build.notebook(LESSONS[number])
    assert [(c["cell_type"], "".join(c["source"])) for c in found["cells"]] == [
        (c.cell_type, c.source) for c in lesson.cells
    ], "make lessons"
    assert {out["output_type"] for out in outputs(found)} <= {"stream", "display_data", "execute_result"}
    assert all(out.get("name") != "stderr" for out in outputs(found))
    assert found["metadata"] == build.KERNEL
    text = json.dumps(found)
    assert not re.search(r"/(home|root|tmp|usr|work|opt|Users)/", text)
    assert len(text) < 250_000
    for out in outputs(found):
        if picture := out.get("data", {}).get("image/png"):
            assert len(base64.b64decode(picture)) < 100_000


@pytest.mark.parametrize("number", LESSONS)
def test_a_number_in_the_text_is_printed_or_known(number: int) -> None:
    notebook = kept(number)
    text = "\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    code = "\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code")
    text = re.sub(r"`[^`]*`|\]\([^)]*\)|\d+(-\d+)+", "", text)  # code, links, networks
    said = {n.rstrip(".,") for n in re.findall(r"\d[\d,]*\.?\d*(?:e-?\d+)?", text)}
    said = {n for n in said if "." in n or "e" in n or len(n.replace(",", "")) > 2} - ELSEWHERE.get(number, set())
    printed = re.findall(r"\d[\d,]*\.?\d*(?:e[-+]?\d+)?", of_notebook(number).text + code)
    known = [float(n.replace(",", "")) for n in printed]
    for one_number in said:
        value, decimals = float(one_number.replace(",", "")), len(one_number.partition(".")[2])
        assert any(abs(each - value) <= 0.501 * 10.0**-decimals for each in known), one_number


def test_a_link_of_a_lesson_leads_somewhere() -> None:
    for path in LESSONS.values():
        for target in re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"
    for number in LESSONS:
        for cell in kept(number)["cells"]:
            for target in re.findall(r"\]\(([^)#]+)", "".join(cell["source"])) * (cell["cell_type"] == "markdown"):
                assert (build.NOTEBOOKS / target).exists(), f"{number}: {target}"


@pytest.mark.exhaustive
@pytest.mark.filterwarnings("default")  # of Jupyter's own packages
def test_make_lessons_writes_a_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "NOTEBOOKS", tmp_path)
    build.main(["1"])
    written = json.loads((tmp_path / "01_gradient_descent.ipynb").read_text(encoding="utf-8"))
    assert [c["source"] for c in written["cells"]] == [c["source"] for c in kept(1)["cells"]]
    text = "".join("".join(out["text"]) for out in outputs(written) if out["output_type"] == "stream")
    one(Ran(text, 1))
