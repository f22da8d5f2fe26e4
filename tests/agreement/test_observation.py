"""Observations: kept whole on the disk, and judged by what rounding explains."""

import math
from pathlib import Path

import numpy as np
import pytest

from impls.numpy_scratch import Network
from shared import initial
from shared.agreement.metrics import Worst
from shared.agreement.observation import STAGES, Observation, allowed_errors, compare, disagreements, observe, twins
from shared.interface import Parameters
from shared.spec import DTYPES, NetworkSpec
from tests.cases import Case, case, reference, tolerance


def allowed(c: Case) -> dict[str, float]:
    """What a run's reference worker allows."""
    x, y, order = c.data()
    parameters = c.parameters()

    def observed(theta: Parameters, dtype: str) -> Observation:
        network = Network(c.spec, c.training, initial.cast(theta, dtype))
        return observe(network, initial.cast(theta, dtype), x.astype(dtype), y, order, c.training.batch_size)

    with np.errstate(all="ignore"):
        return allowed_errors(
            observed(parameters, "float64"),
            [observed(t, "float64") for t in twins(initial.cast(parameters, "float64"), c.training.dtype)],
            observed(parameters, "float32"),
            c.training.dtype,
        )


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_default_problem_is_held_to_the_table(dtype: str) -> None:
    assert allowed(case(dtype=dtype)) == tolerance(case(dtype=dtype))


def test_saturated_units_are_allowed_what_they_magnify_and_no_more() -> None:
    found = allowed(case((784, 30, 30, 10), "tanh", dtype="float32", initial="normal"))
    assert 1e-5 < found["gradients"] < 5e-4


def test_training_that_diverges_is_inconclusive_but_its_first_step_is_not() -> None:
    found = allowed(case((784, 30, 30, 10), "leaky_relu", dtype="float32", initial="normal", learning_rate=3.0))
    assert found["gradients"] == 1e-5
    assert found["after 1 step"] == 1e-5
    assert found["after 100 steps"] == math.inf


def test_a_disagreement_is_an_error_above_what_is_allowed_or_none_at_all() -> None:
    found = {"gradients": Worst(1e-6, "W1"), "after 1 step": Worst(2e-5, "b2"), "after 10 steps": Worst(math.nan, "W2")}
    assert disagreements(found, dict.fromkeys(found, 1e-5)) == [
        "after 1 step: b2 is off by 2.0e-05, allowed 1.0e-05",
        "after 10 steps: W2 is off by nan, allowed 1.0e-05",
    ]
    assert disagreements(found, dict.fromkeys(found, math.inf)) == []


def test_an_observation_is_kept_whole(tmp_path: Path) -> None:
    found = reference(case((784, 30, 30, 10)))
    found.save(tmp_path / "o.npz")
    again = Observation.load(tmp_path / "o.npz", NetworkSpec.dense((784, 30, 30, 10)))
    assert tuple(again.stages) == STAGES
    assert {w.error for w in compare(again, found).values()} == {0.0}


@pytest.mark.parametrize("batch_size", [1, 10])
def test_a_training_set_smaller_than_a_hundred_batches_is_gone_through_again(batch_size: int) -> None:
    c = case(batch_size=batch_size)
    x, y, order = c.data()
    network = Network(c.spec, c.training, c.parameters())
    short = observe(network, c.parameters(), x, y, order[:30], batch_size)
    longer = observe(network, c.parameters(), x, y, np.tile(order[:30], 40), batch_size)
    assert {w.error for w in compare(short, longer).values()} == {0.0}


def test_twins_differ_by_ten_epsilons_and_from_each_other() -> None:
    parameters = case().parameters()
    first, second, *_ = twins(parameters, "float32")
    for a, b, r in zip(*(each.values() for each in (first, second, parameters)), strict=True):
        assert np.abs(a / r - 1).max() == pytest.approx(10 * np.finfo("float32").eps, rel=1e-6)
        assert not np.array_equal(a, b)


def test_a_stage_that_is_missing_is_refused() -> None:
    found = reference(case((5, 4, 3)))
    without = Observation({stage: tensors for stage, tensors in found.stages.items() if stage != "gradients"})
    with pytest.raises(ValueError, match="stages: got outputs, loss, after"):
        compare(without, found)
