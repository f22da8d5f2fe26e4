"""Every mistake, as a learner would make it, is told by its own name, in words, with the line where it can be known."""

import warnings
from itertools import product
from pathlib import Path

import pytest

from shared.diagnosis.mistakes import MISTAKES
from shared.spec import ACTIVATIONS, LOSSES
from tests.diagnosis.learner import CLASS, FUNCTIONS, IN_CLASS, IN_FUNCTIONS, Slip, slipped, text, verdict

ARTICLE, ODD = (784, 30, 10), (5, 4, 3)
SLIPS = [
    (template, sizes, slip, loss)
    for template, slips in ((FUNCTIONS, IN_FUNCTIONS), (CLASS, IN_CLASS))
    for sizes, slip, loss in product((ARTICLE, ODD), slips, LOSSES)
    if slip.loss in ("", loss)
]


@pytest.mark.parametrize(
    ("template", "sizes", "slip", "loss"),
    SLIPS,
    ids=[f"{slip.mistake}-{sizes[0]}-{loss}-{number}" for number, (_, sizes, slip, loss) in enumerate(SLIPS)],
)
def test_a_slip_is_told_by_its_own_name(
    template: str, sizes: tuple[int, ...], slip: Slip, loss: str, tmp_path: Path
) -> None:
    right = text(template, sizes, slip.activation, loss)
    found = verdict(tmp_path, slipped(right, slip)).diagnosis
    assert found is not None
    assert found.name == slip.mistake, found
    assert found.told
    assert found.remedy


def test_every_mistake_of_the_catalogue_is_among_the_slips() -> None:
    assert {slip.mistake for slip in IN_FUNCTIONS + IN_CLASS} == set(MISTAKES) - {"activation applied twice"}
    assert len(MISTAKES) >= 25


@pytest.mark.parametrize("template", [FUNCTIONS, CLASS], ids=["functions", "class"])
@pytest.mark.parametrize("sizes", [(5, 3), ODD, (6, 5, 4, 3), (784, 30, 10)], ids=str)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_right_file_passes_in_every_spec(
    template: str, sizes: tuple[int, ...], activation: str, loss: str, tmp_path: Path
) -> None:
    found = verdict(tmp_path, text(template, sizes, activation, loss))
    assert found.right, found.diagnosis
    assert all(told in ("", None) for told in found.checks.values())
    asked = [check for check, told in found.checks.items() if told is not None]
    assert len(asked) == (16 if template == CLASS else 13)


@pytest.mark.parametrize(
    ("mistake", "line"),
    [
        ("bias gradient is a mean", "grad_b = error.mean(axis=0)"),
        ("integer division", "error = error // n"),
        ("inputs modified in place", "x -= 0.1"),
        ("softmax without the shift", "e = np.exp(z)"),
        ("log of zero", "return -np.sum(target * np.log(activations[-1])) / len(x)"),
        ("randomness inside", "error = error / n * (np.random.random(error.shape) < 0.9)"),
        ("inputs scaled once more", "zs, activations = [], [x / 255]"),
    ],
)
def test_the_line_to_look_at(mistake: str, line: str, tmp_path: Path) -> None:
    slip = next(slip for slip in IN_FUNCTIONS if slip.mistake == mistake)
    source = slipped(text(FUNCTIONS, ODD, "sigmoid", slip.loss or "quadratic"), slip)
    found = verdict(tmp_path, source).diagnosis
    assert found is not None
    number = next(n for n, text in enumerate(source.splitlines(), 1) if text.strip() == line)
    assert found.lines == ((number, line),)


def test_the_measured_ratio_is_told(tmp_path: Path) -> None:
    right = text(FUNCTIONS, ARTICLE, "sigmoid", "quadratic")
    slips = {slip.mistake: slip for slip in IN_FUNCTIONS}
    told = {
        name: verdict(tmp_path, slipped(right, slips[name])).diagnosis
        for name in ("missing 1/n", "wrong sign", "bias gradient is a mean")
    }
    assert told["missing 1/n"].measured == "first: every tensor is 7 times (n, n = 7) what it should be"  # type: ignore[union-attr]
    assert told["wrong sign"].measured == "first: every tensor is -1 times what it should be"  # type: ignore[union-attr]
    measured = told["bias gradient is a mean"].measured  # type: ignore[union-attr]
    assert measured == "first: db1 0.1429 times (1/n, n = 7), db2 0.1429 times (1/n, n = 7); dW1, dW2 right"


def test_two_mistakes_at_once_are_both_told(tmp_path: Path) -> None:
    slips = {slip.mistake: slip for slip in IN_FUNCTIONS}
    source = text(FUNCTIONS, ARTICLE, "sigmoid", "quadratic")
    for name in ("missing 1/n", "bias gradient is a mean"):
        source = slipped(source, slips[name])
    found = verdict(tmp_path, source).diagnosis
    assert found is not None
    assert set(found.name.split("; and ")) == {"missing 1/n", "bias gradient is a mean"}


def test_what_is_not_in_the_catalogue_is_narrowed_down(tmp_path: Path) -> None:
    source = text(FUNCTIONS, (6, 5, 4, 3), "sigmoid", "quadratic")
    found = verdict(tmp_path, source.replace("* f_prime(zs[layer - 1])", "* f_prime(zs[layer - 1]) ** 2")).diagnosis
    assert found is not None
    assert found.name == "a mistake that is not in the catalogue"
    assert found.equation == "(5)"
    assert "the last layer's gradients are right" in found.told


def test_another_network_is_told_as_such(tmp_path: Path) -> None:
    source = text(FUNCTIONS, ODD, "tanh", "cross_entropy").replace('ACTIVATION = "tanh"', 'ACTIVATION = "tanh" ')
    source = source.replace('LOSS = "cross_entropy"\n', 'LOSS = "quadratic"\n').replace(
        'LOSS == "cross_entropy"', "True"
    )
    source = source.replace('LOSS == "quadratic"', "False")
    found = verdict(tmp_path, source).diagnosis
    assert found is not None
    assert found.name == "another network"
    assert "--activation tanh --loss cross_entropy" in found.remedy


def test_a_network_in_float32_is_right_and_told_so(tmp_path: Path) -> None:
    source = text(FUNCTIONS, ARTICLE, "sigmoid", "quadratic")
    single = "    parameters = [(W.astype('f4'), b.astype('f4')) for W, b in parameters]\n"
    source = source.replace("def run(parameters, x):\n", f"def run(parameters, x):\n    x = x.astype('f4')\n{single}")
    found = verdict(tmp_path, source)
    assert found.right, found.diagnosis
    assert any("float32" in note for note in found.notes)


def test_a_harmless_overflow_is_a_note(tmp_path: Path) -> None:
    source = text(FUNCTIONS, ODD, "sigmoid", "quadratic").replace("np.clip(z, -80, None)", "z")
    with warnings.catch_warnings():
        found = verdict(tmp_path, source)
    assert found.right, found.diagnosis
    assert any("overflow" in note and "1.0 / (1.0 + np.exp(-z))" in note for note in found.notes)
