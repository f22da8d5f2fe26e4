"""Every mistake, as a learner would make it, is called by its own name, with the line where it can be known."""

import re
import warnings
from itertools import product
from pathlib import Path

import pytest

from shared.diagnosis.mistakes import MISTAKES, convolution
from shared.diagnosis.words import look_at
from shared.layers import ACTIVATIONS
from shared.spec import LOSSES, NetworkSpec
from tests.diagnosis.learner import (
    BACK,
    CLASS,
    FUNCTIONS,
    GB,
    GW,
    IN_CLASS,
    IN_FUNCTIONS,
    Slip,
    mixed,
    slipped,
    text,
    verdict,
)

ARTICLE, ODD = (784, 30, 10), (5, 4, 3)
SLIPS = [
    (template, sizes, slip, loss)
    for template, slips in ((FUNCTIONS, IN_FUNCTIONS), (CLASS, IN_CLASS))
    for sizes, slip, loss in product((ARTICLE, ODD), slips, LOSSES)
    if slip.loss in ("", loss)
]


@pytest.mark.exhaustive_unless(fits=lambda sizes, loss, slip: sizes == ODD and loss == (slip.loss or LOSSES[0]))
@pytest.mark.parametrize(
    ("template", "sizes", "slip", "loss"),
    SLIPS,
    ids=[f"{slip.mistake}-{sizes[0]}-{loss}-{number}" for number, (_, sizes, slip, loss) in enumerate(SLIPS)],
)
def test_a_slip_is_called_by_its_own_name(
    template: str, sizes: tuple[int, ...], slip: Slip, loss: str, tmp_path: Path
) -> None:
    right = text(template, sizes, slip.activation, loss)
    found = verdict(tmp_path, slipped(right, slip)).diagnosis
    assert found is not None
    assert found.name == slip.mistake, found
    assert found.description
    assert found.remedy


def test_every_mistake_of_the_catalogue_is_among_the_slips() -> None:
    of_convolutions = {
        name
        for name, mistake in MISTAKES.items()
        if all(issubclass(variant.network, convolution.WrongKind) for variant in mistake.variants)
    }
    of_dense_layers = set(MISTAKES) - of_convolutions - {"activation applied twice"}
    assert {slip.mistake for slip in IN_FUNCTIONS + IN_CLASS} == of_dense_layers
    assert len(MISTAKES) >= 25


@pytest.mark.exhaustive_unless(
    fits=lambda sizes, activation, loss: sizes == ODD or (sizes, activation) == (ARTICLE, "sigmoid")
)
@pytest.mark.parametrize("template", [FUNCTIONS, CLASS], ids=["functions", "class"])
@pytest.mark.parametrize("sizes", [(5, 3), ODD, (6, 5, 4, 3), (784, 30, 10)], ids=str)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_right_file_passes_in_every_spec(
    template: str, sizes: tuple[int, ...], activation: str, loss: str, tmp_path: Path
) -> None:
    found = verdict(tmp_path, text(template, sizes, activation, loss))
    assert found.right, found.diagnosis
    assert not any(found.checks.values())
    asked = [check for check, findings in found.checks.items() if findings is not None]
    assert len(asked) == (16 if template == CLASS else 13)


MIXED = ("5-4relu-3sigmoid", "6-5tanh-4tanh-3identity", "6-5tanh-4tanh-3, binary_cross_entropy")


@pytest.mark.parametrize("template", [FUNCTIONS, CLASS], ids=["functions", "class"])
@pytest.mark.parametrize("network", MIXED)
def test_a_right_file_of_mixed_layers_passes(template: str, network: str, tmp_path: Path) -> None:
    found = verdict(tmp_path, mixed(template, network))
    assert found.right, found.diagnosis
    assert found.spec == NetworkSpec.parse(network)


@pytest.mark.parametrize(
    ("network", "mistake"),
    [
        ("5-4relu-3sigmoid", "f'(a) instead of f'(z)"),
        ("5-4tanh-3identity", "hidden activation missing"),
        ("5-4tanh-3relu", "f' missing at the output"),
        ("6-5tanh-4tanh-3, binary_cross_entropy", "f' missing in a hidden layer"),
        ("5-4tanh-3, binary_cross_entropy", "activation overflows"),
        ("5-4relu-3sigmoid", "W transposed"),
    ],
)
def test_a_slip_in_mixed_layers_is_called_by_its_own_name(network: str, mistake: str, tmp_path: Path) -> None:
    loss, right = NetworkSpec.parse(network).loss, mixed(FUNCTIONS, network)
    slips = [slip for slip in IN_FUNCTIONS if slip.mistake == mistake and slip.loss in ("", loss)]
    named = []
    for slip in slips:
        verdict_ = verdict(tmp_path, slipped(right, slip))
        named += [verdict_.diagnosis.name] if verdict_.diagnosis else []
    assert named
    assert set(named) == {mistake}


@pytest.mark.parametrize(
    ("mistake", "line"),
    [
        ("bias gradient is a mean", "grad_b = error.mean(axis=0)"),
        ("integer division", "error = error // n"),
        ("inputs modified in place", "x -= 0.1"),
        ("softmax overflows", "e = np.exp(z)"),
        ("log of zero", "return -np.sum(target * np.log(activations[-1])) / len(x)"),
        ("results are random", "error = error / n * np.random.random(error.shape)"),
        ("inputs scaled twice", "zs, activations = [], [x / 255]"),
    ],
)
def test_the_line_to_look_at(mistake: str, line: str, tmp_path: Path) -> None:
    slip = next(slip for slip in IN_FUNCTIONS if slip.mistake == mistake)
    source = slipped(text(FUNCTIONS, ODD, "sigmoid", slip.loss or "quadratic"), slip)
    found = verdict(tmp_path, source).diagnosis
    assert found is not None
    number = next(n for n, text in enumerate(source.splitlines(), 1) if text.strip() == line)
    assert found.lines == ((number, line),)


OMISSIONS = {"missing 1/n", "f' missing at the output", "softmax overflows", "reset is incomplete"}
"""What is missing may be missing in a line that the slip leaves as it is."""
DIGITS = re.compile(r"\d+")


@pytest.mark.exhaustive_unless(fits=lambda slip: len(slip.mistake) % 3 == 0)
@pytest.mark.parametrize(
    ("template", "slip"),
    [(template, slip) for template, slips in ((FUNCTIONS, IN_FUNCTIONS), (CLASS, IN_CLASS)) for slip in slips],
)
def test_no_right_line_is_accused(template: str, slip: Slip, tmp_path: Path) -> None:
    right = text(template, ODD, slip.activation, slip.loss or LOSSES[0])
    found = verdict(tmp_path, slipped(right, slip)).diagnosis
    assert found is not None
    assert len({DIGITS.sub("", line) for _, line in found.lines}) <= 1
    before = {line.strip() for line in right.splitlines()}
    assert slip.mistake in OMISSIONS or not before & {line for _, line in found.lines}


@pytest.mark.parametrize(
    ("lines", "numbers"),
    [
        (["    db = d.mean(axis=0)"], [1]),
        (["    db1 = d1.mean(axis=0)", "    x = 1", "    db2 = d2.mean(axis=0)"], [1, 3]),
        (["    db = d.mean(axis=0)", "    grad_b = error.mean(axis=0)"], []),
        (["    db = d.mean(axis=0)", "    grad_b = error.mean(axis=0)  # (7)"], [2]),
        (["    b = c.mean(axis=0)  # (3)"], []),
        (["    db = d.sum(axis=0)  # (7)"], []),
    ],
)
def test_one_line_or_several_alike_or_none(lines: list[str], numbers: list[int]) -> None:
    assert [number for number, _ in look_at(MISTAKES["bias gradient is a mean"], lines)] == numbers


def test_the_measured_ratio_is_printed(tmp_path: Path) -> None:
    right = text(FUNCTIONS, ARTICLE, "sigmoid", "quadratic")
    slips = {slip.mistake: slip for slip in IN_FUNCTIONS}
    found = {
        name: verdict(tmp_path, slipped(right, slips[name])).diagnosis
        for name in ("missing 1/n", "wrong sign", "bias gradient is a mean")
    }
    assert found["missing 1/n"].measured == "first: every tensor is 7 times (n, n = 7) what it should be"  # type: ignore[union-attr]
    assert found["wrong sign"].measured == "first: every tensor is -1 times what it should be"  # type: ignore[union-attr]
    measured = found["bias gradient is a mean"].measured  # type: ignore[union-attr]
    assert measured == "first: db1 0.1429 times (1/n, n = 7), db2 0.1429 times (1/n, n = 7); dW1, dW2 right"


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        (GB, "grad_b = np.sum(error, axis=1)", "bias gradient summed over the wrong axis"),
        (GB, "grad_b = np.sum(error, axis=1, keepdims=True)", "bias gradient summed over the wrong axis"),
        (GB, "grad_b = error", "bias gradient not summed"),
        (GW, "grad_w = np.vdot(error[:, 0], activations[layer][:, 0])", "inner product instead of an outer one"),
    ],
)
def test_a_shape_says_what_is_wrong(old: str, new: str, name: str, tmp_path: Path) -> None:
    found = verdict(tmp_path, text(FUNCTIONS, ODD, "sigmoid", "quadratic").replace(old, new)).diagnosis
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    ("new", "loss", "name"),
    [
        ("grad_b = np.sum(error)", "quadratic", "bias gradient is one number"),
        ("grad_b = np.float64(0)", "quadratic", "bias gradient missing"),
        ("grad_b = np.sum(np.tanh(error))", "quadratic", "bias gradient is one number"),
        # delta of a softmax sums to 0, and rounding is all that is left
        ("grad_b = np.sum(error)", "cross_entropy", "bias gradient is one number"),
    ],
)
def test_one_number_for_all_biases_is_no_wrong_shape(new: str, loss: str, name: str, tmp_path: Path) -> None:
    found = verdict(tmp_path, text(FUNCTIONS, (5, 3), "sigmoid", loss).replace(GB, new))
    assert found.checks["shapes"] == ()
    assert found.diagnosis is not None
    assert found.diagnosis.name == name


def test_one_number_is_right_for_one_unit(tmp_path: Path) -> None:
    source = text(FUNCTIONS, (5, 1), "sigmoid", "quadratic").replace(GB, "grad_b = np.sum(error)")
    assert verdict(tmp_path, source).right


@pytest.mark.parametrize("layer", [1, 2, 3, 4, 5])
def test_the_slope_may_be_missing_in_any_single_layer(layer: int, tmp_path: Path) -> None:
    source = text(FUNCTIONS, (5, 4, 6, 4, 6, 4, 3), "tanh", "quadratic")
    source = source.replace("* f_prime(zs[layer - 1])", f"* (1 if layer == {layer} else f_prime(zs[layer - 1]))")
    found = verdict(tmp_path, source).diagnosis
    assert found is not None
    assert found.name == "f' missing in a hidden layer"


def test_an_error_that_passes_every_layer_without_its_slope(tmp_path: Path) -> None:
    """As in a book that sends the error, not delta: the error of a layer is W^T times that of the next one."""
    source = text(FUNCTIONS, (6, 5, 4, 3), "sigmoid", "quadratic")
    old, new = "error = error * f_prime(zs[-1], OUTPUT)", "raw, error = error, error * f_prime(zs[-1], OUTPUT)"
    source = source.replace(old, new).replace(BACK, "raw = raw @ parameters[layer][0]\n            " + SENT)
    found = verdict(tmp_path, source).diagnosis
    assert found is not None
    assert found.name == "f' of the output missing on the way down"


SENT = "error = raw * f_prime(zs[layer - 1]) / n"


@pytest.mark.parametrize(
    "names",
    [
        ("missing 1/n", "bias gradient is one number"),
        ("missing 1/n", "bias gradient is a mean"),
        ("wrong sign", "f' missing at the output"),
        ("missing 1/n", "f'(a) instead of f'(z)"),
    ],
)
def test_two_mistakes_at_once_are_both_named(names: tuple[str, ...], tmp_path: Path) -> None:
    slips = {slip.mistake: slip for slip in IN_FUNCTIONS}
    source = text(FUNCTIONS, ARTICLE, "sigmoid", "quadratic")
    for name in names:
        source = slipped(source, slips[name])
    found = verdict(tmp_path, source).diagnosis
    assert found is not None
    assert set(found.name.split("; and ")) == set(names)


def test_what_is_not_in_the_catalogue_is_narrowed_down(tmp_path: Path) -> None:
    source = text(FUNCTIONS, (6, 5, 4, 3), "sigmoid", "quadratic")
    found = verdict(tmp_path, source.replace("* f_prime(zs[layer - 1])", "* f_prime(zs[layer - 1]) ** 2")).diagnosis
    assert found is not None
    assert found.name == "a mistake that is not in the catalogue"
    assert found.equation == "(5)"
    assert "the last layer's gradients are right" in found.description


def test_another_network_is_named_as_such(tmp_path: Path) -> None:
    source = text(FUNCTIONS, ODD, "tanh", "cross_entropy").replace('LOSS = "cross_entropy"\n', 'LOSS = "quadratic"\n')
    source = source.replace('LOSS == "cross_entropy"', "True").replace('LOSS == "quadratic"', "False")
    found = verdict(tmp_path, source).diagnosis
    assert found is not None
    assert found.name == "another network"
    assert '"5-4-3, tanh, cross_entropy"' in found.remedy


def test_another_network_of_mixed_layers_is_named_in_the_notation(tmp_path: Path) -> None:
    source = mixed(FUNCTIONS, "5-4tanh-3identity").replace('NETWORK = "5-4tanh-3identity"', 'NETWORK = "5-4relu-3"')
    found = verdict(tmp_path, source).diagnosis
    assert found is not None
    assert found.name == "another network"
    assert '"5-4tanh-3identity, quadratic"' in found.remedy


def test_a_layer_without_bias_gets_0_and_its_gradient_is_not_looked_at(tmp_path: Path) -> None:
    found = verdict(tmp_path, mixed(FUNCTIONS, "5-4tanh_nobias-3sigmoid"))
    assert found.right, found.diagnosis
    assert found.spec.parameter_shapes.keys() == {"W1", "W2", "b2"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "), named(backprop(self.theta, x, y))",
            "), backprop(self.theta, x, y)",
            "gradients: got list, expected a dict",
        ),
        ("enumerate(layers, 1)", "enumerate(layers)", "gradients: got W0, b0, expected W1, b1, W2, b2"),
    ],
)
def test_gradients_without_the_names_of_the_contract(old: str, new: str, message: str, tmp_path: Path) -> None:
    source = text(CLASS, ODD, "sigmoid", "quadratic")
    assert old in source
    found = verdict(tmp_path, source.replace(old, new)).diagnosis
    assert found is not None
    assert message in found.description


def test_a_parameter_that_is_missing_after_training_is_named(tmp_path: Path) -> None:
    source = text(CLASS, ODD, "sigmoid", "quadratic")
    found = verdict(
        tmp_path, source.replace("W.copy(), b.copy()) for W, b in self.theta", "W.copy(),) for W, b in self.theta")
    )
    assert found.diagnosis is not None
    assert found.diagnosis.name == "a missing parameter"
    assert found.diagnosis.description == "parameters() does not return b1"
    assert found.diagnosis.remedy == "return W1, b1, W2, b2"
    assert found.diagnosis.measured == "b1 is missing"


def test_findings_are_data(tmp_path: Path) -> None:
    slip = next(slip for slip in IN_FUNCTIONS if slip.mistake == "bias gradient is a mean")
    found = verdict(tmp_path, slipped(text(FUNCTIONS, ODD, "sigmoid", "quadratic"), slip))
    assert found.checks["outputs"] == ()
    assert found.checks["update"] is None
    (finding,) = found.checks["gradients"] or ()
    assert (finding.kind, finding.scene) == ("off", "first")
    assert finding.tensor in ("db1", "db2")  # both are off by the same
    assert finding.error == pytest.approx(6 / 7)


def test_a_network_in_float32_is_right_and_has_a_note(tmp_path: Path) -> None:
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
