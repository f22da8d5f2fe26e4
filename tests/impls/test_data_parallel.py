"""K workers that share each batch make the gradients and the steps of one, whatever does not divide."""

from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pytest

from impls.numpy_scratch import Network as Reference
from shared import implementations
from shared.agreement import rounding
from shared.agreement.metrics import worst
from shared.processes.calls import CallProcess
from shared.spec import DTYPES, OPTIMIZERS, NetworkSpec, shares
from tests import calls
from tests.command import SECONDS
from tests.impls.test_accumulation import BATCH_SIZES, TEXTS, check_gradients, check_steps, exactly, micro

DATA_PARALLEL = [name for name in implementations.names() if implementations.is_data_parallel(name)]
ON_DEVICES = ("jax_sharded", "tensorflow_mirrored")
"""Those that have devices in one process for workers, and trace, or compile, each problem anew."""
WORKERS = (1, 2, 3, 4, 7)
SIZES = [*((n, 1) for n in BATCH_SIZES), (10, 3), (2, 2)]
"""Examples in a batch, and micro-batches of each worker's share."""
GRADIENTS = [(text, dtype, *size) for text, dtype, size in product(TEXTS, DTYPES, SIZES)]
STEPS = [
    (text, dtype, *size, optimizer)
    for text, dtype, size, optimizer in product(TEXTS[:2], DTYPES, [(10, 1), (10, 3), (1, 1)], OPTIMIZERS)
]
TRACED = [
    (TEXTS[0], "float32", 10, 1),
    (TEXTS[0], "float64", 10, 3),
    (TEXTS[1], "float64", 10, 1),
    (TEXTS[1], "float32", 1, 1),
    (TEXTS[2], "float64", 3, 1),
]
TRACED_STEPS = [
    (TEXTS[0], "float32", 10, 1, "sgd"),
    (TEXTS[0], "float64", 10, 3, "adam"),
    (TEXTS[1], "float64", 10, 1, "momentum"),
    (TEXTS[0], "float64", 1, 1, "sgd"),
]
of_each = partial(pytest.mark.parametrize, "network", DATA_PARALLEL, indirect=True)


def represents(network: str, size: int) -> bool:
    """Starting workers takes seconds where they import a framework: one number of them stands for all."""
    return network not in ON_DEVICES and (size == 2 or (size == 3 and network == "numpy_workers"))


def some(problems: list[Any], size: int, network: str) -> list[Any]:
    """Return one half of the problems for 4 workers, the other for 7, and all for fewer.

    Where each is traced or compiled, every number of workers has one half or the other.
    """
    return problems[size % 2 :: 2] if size > 3 or network in ON_DEVICES else problems


# The number of workers varies slowest: another number ends those before.
@pytest.mark.exhaustive_unless(fits=represents)
@pytest.mark.parametrize("size", WORKERS)
@of_each()
def test_workers_make_the_same_gradients(network: CallProcess, size: int) -> None:
    problems = TRACED if network.name in ON_DEVICES else GRADIENTS
    for text, dtype, batch_size, accumulate in some(problems, size, network.name):
        c = micro(text, dtype, accumulate, batch_size)
        check_gradients(network, replace(c, training=replace(c.training, workers=size)))


@pytest.mark.exhaustive_unless(fits=represents)
@pytest.mark.parametrize("size", WORKERS)
@of_each()
def test_workers_make_the_same_steps(network: CallProcess, size: int) -> None:
    """The last batch, of 3 examples or none, is smaller than 4 or 7 workers."""
    problems = TRACED_STEPS if network.name in ON_DEVICES else STEPS
    for text, dtype, batch_size, accumulate, optimizer in some(problems, size, network.name):
        c = micro(text, dtype, accumulate, batch_size, optimizer)
        check_steps(network, replace(c, training=replace(c.training, workers=size)))


@pytest.mark.parametrize("network", ON_DEVICES, indirect=True)
def test_devices_make_the_same_gradients_and_steps(network: CallProcess) -> None:
    """One problem stands for all: a batch of 10 on seven devices, and a last one of 3, which leaves four without."""
    c = micro(TEXTS[0], "float64", 1, 10, "adam")
    c = replace(c, training=replace(c.training, workers=7))
    check_gradients(network, c)
    check_steps(network, c)


@pytest.mark.parametrize(
    ("network", "rows"), [("jax_sharded", [3]), ("tensorflow_mirrored", [2, 3, 3])], indirect=["network"]
)
def test_a_device_computes_its_share_and_no_more(network: CallProcess, rows: list[int]) -> None:
    """Eight examples on three devices; JAX cuts equal shares, with an example of weight 0."""
    c = micro("784-30-10", "float64", 1, 8)
    x, y, _ = c.data()
    training = replace(c.training, workers=3)
    assert network.call(calls.rows_of_devices, c.spec, training, c.parameters(), x[:8], y[:8]) == rows


@pytest.mark.exhaustive_unless(fits=represents)
@pytest.mark.parametrize("size", WORKERS[1:3])
@of_each()
def test_the_contract_beside_the_numbers(network: CallProcess, size: int) -> None:
    c = micro(TEXTS[0], "float32", 1, optimizer="momentum")
    c = replace(c, training=replace(c.training, workers=size))
    held = network.call(calls.behaviour, c.spec, c.training, c.parameters(), *c.data())
    assert [what for what, holds in held.items() if not holds] == []


@pytest.mark.parametrize(("n", "size", "is_the_same"), [(10, 3, False), (10, 2, True), (16, 7, False)])
def test_the_mean_of_means_is_another_gradient_where_shares_differ(n: int, size: int, is_the_same: bool) -> None:
    """What the weighting is for: the naive mean is off by much more than rounding."""
    c = exactly(micro(TEXTS[0], "float64", 1, n))
    x, y, _ = c.data()
    network = Reference(c.spec, c.training, c.parameters())
    _, whole = network.loss_and_gradients(x[:n], y[:n])
    means = [network.loss_and_gradients(x[k], y[k])[1] for k in shares(n, size)]
    naive = {name: np.mean([each[name] for each in means], axis=0) for name in whole}
    bound = max(rounding.bounds(NetworkSpec(), c.parameters(), x[:n], y[:n], "float32").values())
    assert (worst(naive, whole).error <= bound) == is_the_same
    assert is_the_same or worst(naive, whole).error > 0.01


def test_numpys_workers_repeat_every_bit() -> None:
    """They add up in the order of their ranks, whoever is ready first."""
    c = micro(TEXTS[0], "float32", 1)
    c = replace(c, training=replace(c.training, workers=3))
    with CallProcess("numpy_workers", calls.load, timeout=SECONDS).loaded() as process:
        given = (c.spec, c.training, c.parameters(), *c.data())
        first, second = (process.call(calls.steps, *given) for _ in range(2))
    assert all(np.array_equal(first[name], second[name]) for name in first)


@pytest.mark.exhaustive_unless(fits=lambda name: name == "numpy_workers")
@pytest.mark.parametrize("name", ["numpy_workers", "pytorch_ddp"])
def test_each_worker_has_as_many_threads_as_the_first(name: str) -> None:
    c = micro(TEXTS[0], "float32", 1)
    given = (c.spec, replace(c.training, workers=2), c.parameters(), 2)
    with CallProcess(name, calls.load, timeout=SECONDS) as process:  # a process of its own: torch is told once
        assert process.loaded().call(calls.threads_of_workers, *given) == [2]
