"""Micro-batches: a step of M of them is the step of the whole batch, in every implementation."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from impls.numpy_scratch import Network as Reference
from shared.agreement import rounding
from shared.agreement.envelope import Envelope
from shared.agreement.metrics import errors, worst
from shared.agreement.tolerances import TOLERANCES
from shared.initial import cast
from shared.processes.calls import CallProcess
from shared.spec import DTYPES, OPTIMIZERS, NetworkSpec, TrainingSpec, shares
from tests import calls
from tests.cases import Case, is_compiled

TEXTS = (
    "784-30-10",
    "28x28-conv4-pool-10",
    "784-30tanh-10, binary_cross_entropy",
)
MICRO_BATCHES = (1, 2, 3, 7)
BATCH_SIZES = (1, 2, 3, 10, 16)
"""Some divide by the micro-batches, some do not, some have fewer examples."""


def micro(text: str, dtype: str, accumulate: int, batch_size: int = 10, optimizer: str = "sgd") -> Case:
    rate = {"sgd": 0.5, "momentum": 0.05, "adam": 0.001}[optimizer]
    training = TrainingSpec(optimizer, rate, batch_size, dtype=dtype, initial="scaled", accumulate=accumulate)
    return Case(NetworkSpec.parse(text), training, n_examples=2 * batch_size + max(1, batch_size // 3))


def exactly(c: Case) -> Case:
    """The same numbers in float64, each batch in one piece, by one worker."""
    return replace(c, training=replace(c.training, dtype="float64", accumulate=1, workers=1))


def check_gradients(network: CallProcess, c: Case) -> None:
    """Loss and gradients of a batch agree with the reference to what rounding explains."""
    x, y, _ = c.data()
    x, y = x[: c.training.batch_size], y[: c.training.batch_size]
    start, inputs = cast(c.parameters(), "float64"), x.astype(np.float64)
    loss, gradients = network.call(calls.loss_and_gradients, c.spec, c.training, c.parameters(), x, y)
    exact_loss, exact = Reference(c.spec, exactly(c).training, start).loss_and_gradients(inputs, y)
    bounds = rounding.bounds(c.spec, start, inputs, y, c.training.dtype)
    off = {name: error.relative_l2 / bounds[name] for name, error in errors(gradients, exact).items()}
    assert max(off.values()) <= 1, off
    assert loss == pytest.approx(exact_loss, rel=TOLERANCES[c.training.dtype].limit)


def check_steps(network: CallProcess, c: Case) -> None:
    """The parameters after an epoch, whose last batch is smaller, agree with the reference.

    A float32 step of adam is eta g / |g|, which for a gradient near 0 is all rounding: there the twins say how much.
    """
    x, y, order = c.data()
    found = network.call(calls.steps, c.spec, c.training, c.parameters(), x, y, order)
    start, inputs = cast(c.parameters(), "float64"), x.astype(np.float64)
    if (c.training.optimizer, c.training.dtype) != ("adam", "float32"):
        expected = calls.steps(Reference, c.spec, exactly(c).training, start, inputs, y, order)
        assert worst(found, expected).error <= TOLERANCES[c.training.dtype].limit
        return
    envelope = Envelope(Reference, c.spec, exactly(c).training, start, c.training.dtype)
    for first in range(0, len(order), c.training.batch_size):
        i = order[first : first + c.training.batch_size]
        exact, explained = envelope.step(inputs[i], y[i])
    for name, tensor in exact.parameters.items():
        assert np.linalg.norm(found[name] - tensor) <= explained.parameters[name], name


FOR_COMPILED = ((TEXTS[0], "float64", 7), (TEXTS[1], "float32", 3))


def is_worth_compiling(network: str, text: str, dtype: str, accumulate: int) -> bool:
    """What is compiled for each problem, for seconds, has some of them, and what is traced each in one dtype.

    Keras's `fit` takes no micro-batches.
    """
    if is_compiled(network):
        return network != "keras_fit" and (text, dtype, accumulate) in FOR_COMPILED
    one = DTYPES[(TEXTS.index(text) + MICRO_BATCHES.index(accumulate)) % len(DTYPES)]
    return network != "tensorflow_keras" or (dtype == one and (text == TEXTS[0] or accumulate in (2, 7)))


def represents(network: str, text: str, dtype: str, accumulate: int) -> bool:
    one = accumulate == 3 and text == TEXTS[0]  # each is traced anew, for seconds
    slow = is_compiled(network) or (network == "tensorflow_keras" and not one)
    return not slow and (text, dtype) in ((TEXTS[0], "float32"), (TEXTS[1], "float64"))


def on_problems(test: Callable[..., None]) -> Any:
    """Let a test try every network, dtype and number of micro-batches."""
    for name, values in (("text", TEXTS), ("dtype", DTYPES), ("accumulate", MICRO_BATCHES)):
        test = pytest.mark.parametrize(name, values)(test)
    return pytest.mark.only_if(fits=is_worth_compiling)(pytest.mark.exhaustive_unless(fits=represents)(test))


@on_problems
def test_micro_batches_make_the_same_gradients(network: CallProcess, text: str, dtype: str, accumulate: int) -> None:
    for batch_size in BATCH_SIZES[::2] if is_compiled(network.name) else BATCH_SIZES:
        check_gradients(network, micro(text, dtype, accumulate, batch_size))


@on_problems
def test_micro_batches_make_the_same_steps(network: CallProcess, text: str, dtype: str, accumulate: int) -> None:
    for optimizer in OPTIMIZERS:
        check_steps(network, micro(text, dtype, accumulate, optimizer=optimizer))


@pytest.mark.parametrize("network", ["numpy_scratch", "minitorch", "pytorch"], indirect=True)
@pytest.mark.parametrize(("n", "accumulate"), [(10, 3), (10, 1), (2, 3)])
def test_a_batch_really_is_cut(network: CallProcess, n: int, accumulate: int) -> None:
    """Whoever ignored the option would have the same gradients."""
    c = micro(TEXTS[0], "float32", accumulate, batch_size=n)
    x, y, _ = c.data()
    found = network.call(calls.sizes_of_forward, c.spec, c.training, c.parameters(), x[:n], y[:n])
    assert [size for size in found if size] == [k.stop - k.start for k in shares(n, accumulate) if k.stop > k.start]
