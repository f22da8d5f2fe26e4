"""The kill matrix: no planted mistake survives, each is told by its own name, and what is right is never accused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.agreement import rounding
from shared.diagnosis.case import reference_subject
from shared.diagnosis.checks import CHECKS
from shared.diagnosis.diagnose import diagnose
from shared.diagnosis.mistakes import MISTAKES, Planted
from shared.diagnosis.probe import Probe
from shared.diagnosis.scenes import SCENES, ask_all
from shared.diagnosis.selftest import RIGHT, Kill, kill, planted
from shared.interface import Array, Labels, Parameters
from shared.spec import ACTIVATIONS, LOSSES, NetworkSpec

SPECS = [
    NetworkSpec(sizes, activation, loss)
    for sizes in ((784, 30, 10), (5, 4, 3), (7, 5, 4, 3))
    for activation in (ACTIVATIONS if sizes[0] < 784 else ("sigmoid", "relu"))
    for loss in LOSSES
]


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_no_mistake_survives_and_each_is_told_by_its_own_name(spec: NetworkSpec) -> None:
    kills = [kill(name, network, spec) for name, network in planted(spec)]
    assert [k.way for k in kills if not k.caught_by] == []
    assert [(k.way, k.told_as) for k in kills if not k.is_told] == []


@pytest.mark.parametrize("spec", SPECS, ids=str)
@pytest.mark.parametrize("network", RIGHT, ids=lambda n: n.__name__)
def test_what_is_right_is_not_accused(network: type[Planted], spec: NetworkSpec) -> None:
    found = kill("", network, spec)
    assert (found.caught_by, found.told_as) == ([], "")


def test_every_mistake_makes_a_difference_somewhere() -> None:
    assert {name for spec in SPECS for name, _ in planted(spec)} == set(MISTAKES)


def test_every_check_catches_something_alone_or_with_few() -> None:
    """A check that catches nothing that others do not may still tell more; one that catches nothing is none."""
    spec = NetworkSpec((5, 4, 3), loss="cross_entropy")
    kills: list[Kill] = [kill(name, network, spec) for name, network in planted(spec)]
    caught = {check for k in kills for check in k.caught_by}
    # `runs` and `shapes` are for files that do not run, or return other shapes: tests/diagnosis/test_learners_files.py
    assert set(CHECKS) - caught == {"runs", "shapes"}


def test_the_words_of_every_mistake_are_there() -> None:
    for name, mistake in MISTAKES.items():
        assert mistake.name == name
        assert mistake.told, name
        assert mistake.remedy, name
        assert mistake.clue, name
        assert mistake.variants, name


def right_in_another_way(kind: str, seed: int) -> type[Planted]:
    """A network that sums in a random order, or with other layouts, or in another dtype."""
    generator = np.random.default_rng(seed)

    class Shuffled(Planted):
        def gradients(self, x: Array, y: Array) -> float:
            order = generator.permutation(len(y))
            return super().gradients(x[order], y[order])

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


specs = st.builds(
    NetworkSpec,
    st.lists(st.integers(1, 9), min_size=2, max_size=5).map(tuple),
    st.sampled_from(ACTIVATIONS),
    st.sampled_from(LOSSES),
)


@settings(max_examples=1000, deadline=None, derandomize=True)
@given(spec=specs, kind=st.sampled_from(["shuffled", "pieces", "layout", "float32"]), seed=st.integers(0, 2**32))
def test_no_false_alarm_in_a_thousand_random_cases(spec: NetworkSpec, kind: str, seed: int) -> None:
    found = diagnose(spec, ask_all(reference_subject(right_in_another_way(kind, seed)), spec), [])
    assert found.right, found.diagnosis


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_a_probe_is_lively(spec: NetworkSpec) -> None:
    """No factor can be taken for another, no layer is dead, and no label is missing or alone."""
    probe = Probe.of(spec)
    assert probe.takes_part()
    _, y = probe.data()
    assert len(set(y[: probe.n].tolist())) > 1
    factors = [probe.n, 1 / probe.n, spec.sizes[-1], 1 / spec.sizes[-1], 2, 0.5, 1, 1 / probe.n**2]
    assert len({round(f, 9) for f in factors}) == len(factors)


def test_scenes_leave_what_they_are_given_and_tell_when_a_network_does_not() -> None:
    answers = ask_all(reference_subject(), NetworkSpec((5, 4, 3)))
    assert set(answers) == set(SCENES)
    assert not any(answer.modified or answer.trouble or answer.warned for answer in answers.values())

    class Greedy(Planted):
        def train(self, x: Array, y: Labels, order: Labels) -> None:
            super().train(x, y, order)
            order[:] = 0

        def reset(self, parameters: Parameters) -> None:
            super().reset(parameters)
            parameters[0].b[:] = 0

    told = ask_all(reference_subject(Greedy), NetworkSpec((5, 4, 3)))
    assert told["one step"].modified == ["b1", "order"]


def test_the_bounds_of_a_case_are_those_of_rounding() -> None:
    probe = Probe.of(NetworkSpec((5, 4, 3)))
    x, y = probe.data()
    bounds = rounding.bounds(probe.spec, probe.parameters(), x[: probe.n], y[: probe.n], "float64")
    assert max(bounds.values()) < 1e-13
