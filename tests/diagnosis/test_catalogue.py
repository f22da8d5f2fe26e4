"""Every planted mistake is caught and diagnosed correctly, and no correct network is diagnosed as wrong."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.agreement import rounding
from shared.diagnosis.checks import CHECKS
from shared.diagnosis.diagnose import diagnose
from shared.diagnosis.inputs import Inputs
from shared.diagnosis.mistakes import MISTAKES, Planted, backward, behaviour, factors, update
from shared.diagnosis.scenes import EQUAL_MAXIMA, SCENES, ask, ask_all, inputs_of
from shared.diagnosis.selftest import RIGHT, Trial, planted, try_out
from shared.diagnosis.subject import Subject
from shared.interface import Array, Labels, Parameters
from shared.layers import ACTIVATIONS
from shared.spec import LOSSES, NetworkSpec
from tests.cases import networks

MIXED = (
    "5-4relu-3sigmoid",
    "7-5tanh-4-3identity",
    "7-5leaky_relu-4tanh-3, binary_cross_entropy",
    "7-5sigmoid-4relu-3, cross_entropy",
    "7-5identity-4tanh-3relu",
    "5-4tanh_nobias-3",
)
SPECS = [
    NetworkSpec.dense(sizes, activation, loss)
    for sizes in ((5, 4, 3), (7, 5, 4, 3))
    for activation in ACTIVATIONS
    for loss in LOSSES
] + [NetworkSpec.parse(text) for text in ("784-30-10", "784-30-10, relu, cross_entropy", *MIXED)]
CONVOLUTIONAL = (
    "8x8-conv3-pool-conv4-pool-5",
    "6x4x3-conv3k5tanh-conv2k1sigmoid-pool-7tanh-3",
    "4x4x2-pool-conv3_nobias-3, tanh, quadratic",
    "5x5x2-conv3tanh-3softmax",
)
SPECS += [NetworkSpec.parse(text) for text in CONVOLUTIONAL]
QUICK = [
    NetworkSpec.parse(text)
    for text in ("5-4-3", "7-5-4-3, relu, cross_entropy", *MIXED[2:3], *MIXED[-1:], CONVOLUTIONAL[2])
]
"""Those that stand for the others: each loss, two layers and three, and layers that differ."""


@cache
def trials(spec: NetworkSpec) -> list[Trial]:
    """Try every mistake that a network can have, once for all tests."""
    return [try_out(name, network, spec) for name, network in planted(spec)]


@pytest.mark.exhaustive_unless(fits=lambda spec: spec in QUICK)
@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_no_mistake_survives_and_each_is_called_by_its_own_name(spec: NetworkSpec) -> None:
    assert [trial.way for trial in trials(spec) if not trial.caught_by] == []
    assert [(trial.way, trial.diagnosis) for trial in trials(spec) if not trial.is_named] == []


@pytest.mark.exhaustive_unless(fits=lambda spec: spec in QUICK)
@pytest.mark.parametrize("spec", SPECS, ids=str)
@pytest.mark.parametrize("network", RIGHT, ids=lambda n: n.__name__)
def test_what_is_right_is_not_accused(network: type[Planted], spec: NetworkSpec) -> None:
    found = try_out("", network, spec)
    assert (found.caught_by, found.diagnosis) == ([], "")


def test_every_mistake_makes_a_difference_somewhere() -> None:
    assert {name for spec in SPECS for name, _ in planted(spec)} == set(MISTAKES)


def test_every_check_catches_something_alone_or_with_few() -> None:
    """A check that catches nothing that others do not may still say more; one that catches nothing is none."""
    caught = {check for trial in trials(NetworkSpec.parse("7-5-4-3, relu, cross_entropy")) for check in trial.caught_by}
    # `runs` and `shapes` are for files that do not run, or return other shapes: tests/diagnosis/test_learners_files.py
    assert set(CHECKS) - caught == {"runs", "shapes"}


def test_the_words_of_every_mistake_are_there() -> None:
    for name, mistake in MISTAKES.items():
        assert mistake.name == name
        assert mistake.description, name
        assert mistake.remedy, name
        assert mistake.clue, name
        assert mistake.variants, name


PAIRS = [
    (factors.MissingOneOverN, backward.BiasMean),
    (factors.WrongSign, factors.FactorTwo),
    (factors.MeanOverOutputs, backward.OneHotTooFar),
    (backward.NoSlopeHidden, backward.BiasOfFirst),
    (backward.TransposedBack, backward.NoSlopeAtOutput),
    (backward.LastLayerOnly, factors.FactorHalf),
    (factors.WrongSign, backward.NoOutputSlopeDown),
    # from here on the second mistake computes d_L again, and so hides the first
    (factors.MissingOneOverN, backward.SlopeOfActivation),
    (factors.WrongSign, backward.NoSlopeAtOutput),
    (factors.FactorTwo, backward.NoSlopeAtOutput),
    (factors.FrameworksMeanSquaredError, backward.SlopeOfActivation),
    (backward.NoSlopeHidden, backward.SlopeOfActivation),
]


@pytest.mark.exhaustive_unless(fits=lambda one, other: PAIRS.index((one, other)) in (0, 4, 7))
@pytest.mark.parametrize(("one", "other"), PAIRS, ids=lambda network: network.__name__)
def test_two_mistakes_are_both_named_in_either_order(one: type[Planted], other: type[Planted]) -> None:
    names = {mistake.name for mistake in MISTAKES.values() for v in mistake.variants if v.network in (one, other)}
    spec = NetworkSpec.dense((5, 4, 3))
    forth, back = (
        set(try_out("", type("Both", networks, {}), spec).diagnosis.split("; and "))
        for networks in ((one, other), (other, one))
    )
    assert forth == names
    assert back == names or (PAIRS.index((one, other)) >= 7 and len(back) == 1 and back < names)


@pytest.mark.parametrize(
    "network", [Planted, behaviour.Accumulates, behaviour.ResetDoesNothing, update.Momentum, backward.BiasMean]
)
def test_the_order_of_the_scenes_carries_no_meaning(network: type[Planted]) -> None:
    spec = NetworkSpec.dense((5, 4, 3))
    forth = ask_all(Subject(network), spec)
    back = {scene: ask(Subject(network), scene, inputs) for scene, inputs in reversed(inputs_of(spec).items())}
    found = [diagnose(spec, answers, []) for answers in (forth, {scene: back[scene] for scene in forth})]
    assert found[0] == found[1]


def right_in_another_way(kind: str, seed: int) -> type[Planted]:
    """A network that sums in a random order, or with other layouts, or in another dtype."""
    generator = np.random.default_rng(seed)

    class Shuffled(Planted):
        def gradients(self, x: Array, y: Array, n: int) -> float:
            order = generator.permutation(len(y))
            return super().gradients(x[order], y[order], n)

    class Pieces(Planted):
        def weight_gradient(self, d: Array, a: Array) -> Array:
            """The sum over the batch in pieces, the products by einsum."""
            cut = int(generator.integers(0, len(d) + 1))
            return np.asarray(sum(np.einsum("ni,nj->ij", d[part], a[part]) for part in (slice(cut), slice(cut, None))))

    class Layout(Planted):
        def forward(self, x: Array) -> tuple[list[Array], list[Array]]:
            wide = np.zeros((2 * len(x), 2 * x.shape[1]), x.dtype)
            wide[::2, 1::2] = x
            return super().forward(wide[::2, 1::2])

    single = next(network for network in RIGHT if network.__name__ == "InFloat32")
    return {"shuffled": Shuffled, "pieces": Pieces, "layout": Layout, "float32": single}[kind]


dense = st.builds(
    NetworkSpec.dense,
    st.lists(st.integers(1, 9), min_size=2, max_size=5).map(tuple),
    st.sampled_from(ACTIVATIONS),
    st.sampled_from(LOSSES),
)
KINDS = st.sampled_from(["shuffled", "pieces", "layout", "float32"])


@pytest.mark.exhaustive_unless(fits=lambda examples: examples < 100)
@pytest.mark.parametrize(
    ("specs", "examples"),
    [(dense, 25), (networks, 20), (dense, 1000), (networks, 300)],
    ids=["few", "few, layers differ", "many", "many, layers differ"],
)
def test_no_false_alarm_in_random_cases(specs: st.SearchStrategy[NetworkSpec], examples: int) -> None:
    @settings(max_examples=examples, derandomize=True)
    @given(spec=specs, kind=KINDS, seed=st.integers(0, 2**32))
    def is_right(spec: NetworkSpec, kind: str, seed: int) -> None:
        found = diagnose(spec, ask_all(Subject(right_in_another_way(kind, seed)), spec), [])
        assert found.right, found.diagnosis

    is_right()


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_inputs_leave_no_doubt(spec: NetworkSpec) -> None:
    """No factor can be taken for another, no layer is dead, and no label is missing or alone."""
    inputs = Inputs.of(spec)
    assert inputs.is_active()
    _, y = inputs.data()
    assert len(set(y[: inputs.n].tolist())) > 1
    factors = [inputs.n, 1 / inputs.n, spec.n_out, 1 / spec.n_out, 2, 0.5, 1, 1 / inputs.n**2]
    assert len({round(f, 9) for f in factors}) == len(factors)


def test_scenes_leave_what_they_are_given_and_say_when_a_network_does_not() -> None:
    spec = NetworkSpec.dense((5, 4, 3))
    for each, scenes in ((spec, set(SCENES) - {EQUAL_MAXIMA}), (NetworkSpec.parse(CONVOLUTIONAL[0]), set(SCENES))):
        answers = ask_all(Subject(Planted), each)
        assert set(answers) == scenes
        assert not any(answer.modified or answer.trouble or answer.warnings for answer in answers.values())

    class Greedy(Planted):
        def train(self, order: Labels) -> None:
            super().train(order)
            order[:] = 0

        def reset(self, parameters: Parameters) -> None:
            super().reset(parameters)
            parameters["b1"][:] = 0

    assert ask_all(Subject(Greedy), spec)["one step"].modified == ["b1", "order"]


def test_the_bounds_of_a_comparison_are_those_of_rounding() -> None:
    inputs = Inputs.of(NetworkSpec.dense((5, 4, 3)))
    x, y = inputs.data()
    bounds = rounding.bounds(inputs.spec, inputs.parameters(), x[: inputs.n], y[: inputs.n], "float64")
    assert max(bounds.values()) < 1e-13
