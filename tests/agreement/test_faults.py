"""Every planted fault is caught in both dtypes, and correct networks are not reported."""

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from shared.agreement.finite_differences import worst_error
from shared.agreement.observation import Observation, compare, disagreements
from shared.diagnosis.mistakes import Planted, backward, update
from tests import calls, faults
from tests.cases import Case, case, reference, tolerance

SQUARE = (784, 30, 30, 10)


@cache
def known(c: Case) -> Observation:
    return reference(c)


def found_faults(network_class: Callable[..., Any], c: Case) -> list[str]:
    observed = calls.observe(network_class, c.spec, c.training, c.parameters(), *c.data())
    return disagreements(compare(observed, known(c)), tolerance(c))


@pytest.mark.exhaustive_unless(fits=lambda dtype, loss: (dtype == "float64") == (loss == "quadratic"))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", ["quadratic", "cross_entropy"])
@pytest.mark.parametrize("fault", faults.FAULTS, ids=lambda f: f.__name__)
def test_a_planted_fault_is_caught(fault: Callable[..., Any], loss: str, dtype: str) -> None:
    assert found_faults(fault, case(SQUARE, loss=loss, dtype=dtype)) != []


def test_float64_proves_more_than_float32() -> None:
    assert found_faults(faults.LearningRateOffBy1e4, case(SQUARE, loss="cross_entropy", dtype="float64")) != []


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("control", faults.CONTROLS, ids=lambda f: f.__name__)
def test_what_is_right_is_not_accused(control: Callable[..., Any], dtype: str) -> None:
    assert found_faults(control, case(SQUARE, dtype=dtype)) == []


def test_a_transposed_weight_is_what_the_square_layer_is_for() -> None:
    assert found_faults(backward.TransposedBack, case((784, 30, 10))) == []
    assert found_faults(backward.TransposedBack, case(SQUARE))[0].startswith("gradients: ")


@pytest.mark.parametrize("fault", [update.BiasesStay, update.LastBatchDropped, faults.OtherBatchOrder])
def test_gradients_alone_would_not_have_told(fault: Callable[..., Any]) -> None:
    lines = found_faults(fault, case(SQUARE))
    assert lines
    assert not any(line.startswith("gradients") for line in lines)


def test_the_message_names_stage_tensor_error_and_limit() -> None:
    assert found_faults(update.BiasesStay, case(SQUARE))[0].startswith("after 1 step: b")
    assert found_faults(faults.GradientTimes1001, case(SQUARE))[0].endswith("is off by 1.0e-03, allowed 1.0e-12")


@pytest.mark.parametrize("fault", faults.WRONG_GRADIENTS, ids=lambda f: f.__name__)
def test_finite_differences_catch_wrong_gradients_without_any_reference(fault: Callable[..., Any]) -> None:
    c = case(SQUARE)
    x, y, _ = c.data()
    right = worst_error(Planted(c.spec, c.training, c.parameters()), c.parameters(), x[:10], y[:10])
    wrong = worst_error(fault(c.spec, c.training, c.parameters()), c.parameters(), x[:10], y[:10])
    if fault is faults.MeanOverOutputs:  # loss and gradient are wrong alike: only the reference can tell
        assert wrong == pytest.approx(right, abs=1e-7)
    else:
        assert wrong > 1e-5 > 1e3 * right
