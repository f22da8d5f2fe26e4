"""Every implementation, every spec: the same gradients, parameters after k steps and predictions."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from impls.numpy_scratch import Network as Reference
from shared import implementations
from shared.agreement.metrics import worst
from shared.agreement.observation import Observation, compare, disagreements
from shared.agreement.tolerances import TOLERANCES
from shared.initial import cast
from shared.layers import ACTIVATIONS
from shared.processes.calls import CallProcess
from shared.spec import LOSSES, NetworkSpec, TrainingSpec
from tests import calls
from tests.cases import CASES, OPTIMIZER_CASES, Case, case, mixed, networks, reference, tolerance


@pytest.fixture(scope="module", params=implementations.names())
def network(request: pytest.FixtureRequest) -> Iterator[CallProcess]:
    with CallProcess(request.param, calls.load).loaded() as found:
        yield found


@cache
def known(c: Case) -> Observation:
    return reference(c)


@pytest.mark.parametrize("c", CASES + OPTIMIZER_CASES, ids=str)
def test_gradients_and_parameters_agree_with_the_float64_reference(network: CallProcess, c: Case) -> None:
    x, y, order = c.data()
    expected = known(c)
    found = network.call(calls.observe, c.spec, c.training, c.parameters(), x, y, order)
    assert disagreements(compare(found, expected), tolerance(c)) == []


@pytest.mark.parametrize("c", [c for c in CASES if c.training.batch_size == 10], ids=str)
def test_predictions_agree(network: CallProcess, c: Case) -> None:
    x, _, _ = c.data()
    found = network.call(calls.predict, c.spec, c.training, c.parameters(), x)
    parameters = cast(c.parameters(), "float64")
    expected = Reference(c.spec, replace(c.training, dtype="float64"), parameters).predict(x.astype(np.float64))
    assert np.abs(found - expected).max() <= TOLERANCES[c.training.dtype].limit * max(1.0, np.abs(expected).max())
    assert np.array_equal(found.argmax(axis=1), expected.argmax(axis=1))


@pytest.mark.parametrize(
    "c",
    [case(loss=loss, dtype=dtype) for loss in LOSSES for dtype in ("float32", "float64")]
    + [mixed("784-30tanh_nobias-20relu-10identity", "float64")]
    + OPTIMIZER_CASES,
    ids=str,
)
def test_the_contract_beside_the_numbers(network: CallProcess, c: Case) -> None:
    held = network.call(calls.behaviour, c.spec, c.training, c.parameters(), *c.data())
    assert [what for what, holds in held.items() if not holds] == []


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_huge_inputs_give_finite_losses(network: CallProcess, activation: str, loss: str) -> None:
    c = case(activation=activation, loss=loss, dtype="float32")
    x, y, _ = c.data()
    found, _ = network.call(calls.loss_and_gradients, c.spec, c.training, c.parameters(), 1e4 * x, y)
    assert np.isfinite(found)


# Each new spec is a new graph to trace, so a few dozen examples a framework are what the time allows.
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spec=networks, n=st.integers(1, 9), seed=st.integers(0, 2**32))
def test_any_shape_and_values(network: CallProcess, spec: NetworkSpec, n: int, seed: int) -> None:
    c = Case(spec, TrainingSpec(dtype="float64", initial="scaled", seed=seed, learning_rate=0.1), n_examples=n)
    x, y, _ = c.data()
    loss, gradients = network.call(calls.loss_and_gradients, spec, c.training, c.parameters(), x, y)
    expected_loss, expected = Reference(spec, c.training, c.parameters()).loss_and_gradients(x, y)
    assert loss == pytest.approx(expected_loss, rel=1e-12, abs=1e-15)
    assert worst(gradients, expected).error <= TOLERANCES["float64"].limit


def test_one_process_imports_one_framework(network: CallProcess) -> None:
    assert len(network.call(calls.frameworks_imported)) <= 1
