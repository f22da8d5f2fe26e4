"""Every implementation, every spec: the same gradients, parameters after k steps and predictions."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impls.numpy_scratch import Network as Reference
from shared import data, implementations, initial
from shared.agreement.metrics import worst
from shared.agreement.observation import Observation, compare, disagreements, observe
from shared.agreement.survey import MIXED
from shared.agreement.tolerances import TOLERANCES
from shared.data.dataset import Split
from shared.diagnosis.diagnose import diagnose
from shared.initial import cast
from shared.layers import ACTIVATIONS
from shared.processes.calls import CallProcess
from shared.spec import DTYPES, LOSSES, NetworkSpec, TrainingSpec
from tests import calls
from tests.cases import CASES, OPTIMIZER_CASES, Case, case, in_turn, mixed, networks, reference, tolerance

TIERS = set(implementations.names()) - set(implementations.defaults())
"""Those that are run on request: most of them compile what they are given, for seconds, or change another in part."""

OPTIMIZERS = (("momentum", "float64", "quadratic"), ("adam", "float32", "cross_entropy"))
QUICK = (
    case(),
    case(dtype="float32", batch_size=7),
    case((784, 10), loss="cross_entropy", batch_size=1),
    case((784, 30, 30, 10), "relu", dtype="float32"),
    case(activation="tanh", loss="cross_entropy", dtype="float32"),
    *(c for c in CASES for k in (1, 2, 4) if c.spec == NetworkSpec.parse(MIXED[k])),
    *(c for c in OPTIMIZER_CASES if (c.training.optimizer, c.training.dtype, c.spec.loss) in OPTIMIZERS),
)
"""Each size, activation, loss, dtype, batch size and optimizer once or more; one without biases."""

COMBINATIONS: dict[tuple[NetworkSpec, int], list[str]] = {}
"""(network, batch size) -> the dtypes in which it is a case"""
for each in CASES:
    COMBINATIONS.setdefault((each.spec, each.training.batch_size), []).append(each.training.dtype)
DTYPE_OF = {key: dtypes[k % len(dtypes)] for k, (key, dtypes) in enumerate(COMBINATIONS.items())}


def stands_for_all(network: str, c: Case) -> bool:
    return c in (QUICK[:1] if network in TIERS else QUICK)


def behaves_for_all(network: str, c: Case) -> bool:
    """Tiers are traced and compiled anew for each case, for seconds."""
    return network not in TIERS and c in (*QUICK[:1], *QUICK[-2:])


def is_worth_compiling(network: str, c: Case) -> bool:
    """Return whether a case is tried.

    With tiers, each combination in one dtype or the other; one that compiles tries each fifth of them.
    """
    if network not in TIERS or c in QUICK:
        return True
    if c.training.optimizer != "sgd":
        return in_turn(network, OPTIMIZER_CASES.index(c))
    key = c.spec, c.training.batch_size
    return c.training.dtype == DTYPE_OF[key] and in_turn(network, list(COMBINATIONS).index(key), period=5)


@cache
def known(c: Case) -> Observation:
    return reference(c)


@pytest.mark.exhaustive_unless(fits=stands_for_all)
@pytest.mark.only_if(fits=is_worth_compiling)
@pytest.mark.parametrize("c", CASES + OPTIMIZER_CASES, ids=str)
def test_outputs_gradients_and_parameters_agree_with_the_float64_reference(network: CallProcess, c: Case) -> None:
    x, y, order = c.data()
    expected = known(c)
    found = network.call(calls.observe, c.spec, c.training, c.parameters(), x, y, order)
    assert disagreements(compare(found, expected), tolerance(c)) == []
    ours, theirs = (observation.stages["outputs"]["a_L"] for observation in (found, expected))
    assert np.abs(ours - theirs).max() <= TOLERANCES[c.training.dtype].limit * max(1.0, np.abs(theirs).max())
    assert np.array_equal(ours.argmax(axis=1), theirs.argmax(axis=1))


BEHAVING = [
    *(case(loss=loss, dtype=dtype) for loss in LOSSES for dtype in DTYPES),
    mixed("784-30tanh_nobias-20relu-10identity", "float64"),
    *OPTIMIZER_CASES,
]


@pytest.mark.exhaustive_unless(fits=behaves_for_all)
@pytest.mark.only_if(fits=lambda network, c: in_turn(network, BEHAVING.index(c)))
@pytest.mark.parametrize("c", BEHAVING, ids=str)
def test_the_contract_beside_the_numbers(network: CallProcess, c: Case) -> None:
    held = network.call(calls.behaviour, c.spec, c.training, c.parameters(), *c.data())
    assert [what for what, holds in held.items() if not holds] == []


@pytest.mark.exhaustive_unless(
    fits=lambda network, activation, loss: network not in TIERS or (activation, loss) == ("tanh", "cross_entropy")
)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_huge_inputs_give_finite_losses(network: CallProcess, activation: str, loss: str) -> None:
    c = case(activation=activation, loss=loss, dtype="float32")
    x, y, _ = c.data()
    found, _ = network.call(calls.loss_and_gradients, c.spec, c.training, c.parameters(), 1e4 * x, y)
    assert np.isfinite(found)


# Each new spec is a new graph to trace, so a few dozen examples a framework are what the time allows.
@pytest.mark.exhaustive_unless(fits=lambda examples: examples == 5)
@pytest.mark.parametrize("examples", [5, 25])
def test_any_shape_and_values(network: CallProcess, examples: int) -> None:
    @settings(max_examples=examples, derandomize=True)
    @given(spec=networks, n=st.integers(1, 9), seed=st.integers(0, 2**32))
    def agrees(spec: NetworkSpec, n: int, seed: int) -> None:
        c = Case(spec, TrainingSpec(dtype="float64", initial="scaled", seed=seed, learning_rate=0.1), n_examples=n)
        x, y, _ = c.data()
        loss, gradients = network.call(calls.loss_and_gradients, spec, c.training, c.parameters(), x, y)
        expected_loss, expected = Reference(spec, c.training, c.parameters()).loss_and_gradients(x, y)
        assert loss == pytest.approx(expected_loss, rel=1e-12, abs=1e-15)
        assert worst(gradients, expected).error <= TOLERANCES["float64"].limit

    agrees()


SCENES_OF = ("784-30-10, sigmoid, quadratic", "5-4-3, tanh, cross_entropy", "5-4tanh-3relu-2, binary_cross_entropy")


# TensorFlow traces every network anew, for seconds: one, whose layers differ, stands for the three.
@pytest.mark.exhaustive_unless(
    fits=lambda network, text: network not in TIERS and (network != "tensorflow_keras" or text == SCENES_OF[-1])
)
@pytest.mark.only_if(fits=lambda network, text: in_turn(network, SCENES_OF.index(text), period=len(SCENES_OF)))
@pytest.mark.parametrize("text", SCENES_OF)
def test_no_check_of_the_diagnosis_accuses_it(network: CallProcess, text: str) -> None:
    spec = NetworkSpec.parse(text)
    found = diagnose(spec, network.call(calls.ask_all, spec), [])
    assert found.right, found.diagnosis
    assert len([findings for findings in found.checks.values() if findings is not None]) == 16


# ---- Real pixels ----------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def pixels(mnist_dir: Path) -> Split:
    return data.load("mnist", mnist_dir, offline=True)[0].train.first(1000)


@pytest.mark.mnist
@pytest.mark.exhaustive_unless(fits=lambda network, dtype: network not in TIERS and dtype == "float32")
@pytest.mark.parametrize("dtype", DTYPES)
def test_it_agrees_on_real_pixels(network: CallProcess, pixels: Split, dtype: str) -> None:
    spec, training = NetworkSpec(), TrainingSpec(dtype=dtype)
    x, y = pixels.arrays(dtype)
    parameters = initial.draw_parameters(spec, training)
    order = next(initial.draw_orders(training, len(y)))
    exact = cast(parameters, "float64")
    in_float64 = Reference(spec, replace(training, dtype="float64"), exact)
    expected = observe(in_float64, exact, x.astype("float64"), y, order, training.batch_size)
    found = network.call(calls.observe, spec, training, parameters, x, y, order)
    assert disagreements(compare(found, expected), tolerance(Case(spec, training))) == []


def test_one_process_imports_one_framework(network: CallProcess) -> None:
    assert len(network.call(calls.frameworks_imported)) <= 1
