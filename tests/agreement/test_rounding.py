"""The predicted bound holds what is right and nothing else: rounding and mistakes stand visibly apart."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impls.numpy_scratch import Network as Reference
from shared.agreement import rounding
from shared.agreement.budget import Entry, Problem, entries, loss_and_gradients
from shared.diagnosis.mistakes import Planted
from shared.diagnosis.selftest import OtherOrder
from shared.layers import ACTIVATIONS
from shared.spec import LOSSES, NetworkSpec, TrainingSpec
from tests import faults
from tests.cases import Case, case, networks


def problem(c: Case) -> Problem:
    x, y, order = c.data()
    batch = order[: c.training.batch_size]
    return Problem(c.spec, c.training, c.parameters(), x[batch], y[batch])


def budget(network_class: object, posed: Problem) -> list[Entry]:
    _, gradients = loss_and_gradients(network_class, posed)
    _, reference = loss_and_gradients(Reference, posed.in_float64())
    return entries("mine", posed, gradients, reference)


def verdicts(found: list[Entry]) -> set[str]:
    return {e.verdict for e in found}


@pytest.mark.exhaustive_unless(fits=lambda initial, batch_size: (initial, batch_size) == ("normal", 10))
@pytest.mark.parametrize("initial", ["normal", "scaled"])
@pytest.mark.parametrize("batch_size", [1, 10, 64])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_float32_is_rounding_and_not_far_below_its_bound(
    activation: str, loss: str, batch_size: int, initial: str
) -> None:
    for sizes in ((784, 10), (784, 30, 10), (784, 30, 30, 30, 10)):
        c = case(sizes, activation, loss, "float32", batch_size, initial=initial)
        found = budget(OtherOrder, problem(c))
        assert verdicts(found) <= {"rounding", "exact"}, c
        # A bound a thousand times too wide would hold mistakes, too.
        assert min(e.headroom for e in found) < 300, c


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("fault", faults.WRONG_GRADIENTS, ids=lambda f: f.__name__)
def test_a_mistake_is_not_rounding(fault: object, dtype: str) -> None:
    found = budget(fault, problem(case((784, 30, 30, 10), dtype=dtype)))
    assert "not rounding" in verdicts(found)
    assert min(e.headroom for e in found) < 0.1  # visibly apart from what is right, which has 3 and more


INITIALS = st.sampled_from(["normal", "scaled"])


@pytest.mark.exhaustive_unless(fits=lambda examples: examples < 100)
@pytest.mark.parametrize("examples", [50, 300])
def test_no_right_gradient_is_accused_whatever_the_network(examples: int) -> None:
    @settings(max_examples=examples, derandomize=True)
    @given(spec=networks, n=st.integers(1, 20), seed=st.integers(0, 2**32), initial=INITIALS)
    def is_rounding(spec: NetworkSpec, n: int, seed: int, initial: str) -> None:
        training = TrainingSpec(dtype="float32", initial=initial, seed=seed, batch_size=n)
        posed = problem(Case(spec, training, n_examples=n))
        for control in (Planted, OtherOrder):
            assert "not rounding" not in verdicts(budget(control, posed))

    is_rounding()


def test_the_bound_scales_with_the_unit_roundoff() -> None:
    posed = problem(case(dtype="float64"))
    bounds = {
        dtype: rounding.bounds(posed.spec, posed.parameters, posed.x, posed.y, dtype)
        for dtype in ("float16", "float32", "float64")
    }
    for tensor in ("W1", "b1", "W2", "b2"):
        assert bounds["float32"][tensor] / bounds["float64"][tensor] == pytest.approx(2**29 / np.sqrt(2), rel=1e-6)
        assert bounds["float16"][tensor] / bounds["float32"][tensor] == pytest.approx(
            2**13, rel=1e-3
        )  # of second order


def test_the_bound_grows_with_the_length_of_the_sums() -> None:
    found = [
        rounding.bounds(p.spec, p.parameters, p.x, p.y, "float32")["W1"]
        for p in (problem(case((n, 10), "relu")) for n in (100, 1000, 10_000))
    ]
    assert found == sorted(found)
    assert found[-1] > 2 * found[0]


def test_a_gradient_that_is_not_finite_is_not_rounding() -> None:
    posed = problem(case())

    class NotFinite(Planted):
        def loss_and_gradients(self, x, y):  # type: ignore[no-untyped-def]
            loss, gradients = super().loss_and_gradients(x, y)
            return loss, gradients | {"W1": gradients["W1"] * np.nan}

    found = {e.tensor: e.verdict for e in budget(NotFinite, posed)}
    assert found == {"W1": "not rounding", "b1": "exact", "W2": "exact", "b2": "exact"}


def test_where_rounding_is_all_there_is_nothing_is_concluded() -> None:
    posed = problem(case((784, 10), "sigmoid", "cross_entropy", "float32", 1))
    saturated = replace(posed, parameters={n: 100 * t if n[0] == "W" else t for n, t in posed.parameters.items()})
    assert verdicts(budget(OtherOrder, saturated)) <= {"inconclusive", "exact", "rounding"}
