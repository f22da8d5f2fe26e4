"""The error budget of every implementation, each in its own process, for one problem after another."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Final

from impls.numpy_scratch import Network as Reference
from shared import initial
from shared.agreement.budget import Entry, Problem, entries, loss_and_gradients
from shared.data import Dataset
from shared.implementations import label
from shared.layers import ACTIVATIONS
from shared.processes.calls import CallError, CallProcess
from shared.spec import LOSSES, NetworkSpec, TrainingSpec

LAYERS: Final = (1, 2, 3, 4)
HIDDEN: Final = 30
BATCH_SIZES: Final = (1, 10, 64)
MIXED: Final = (
    "784-30relu-10sigmoid",
    "784-30tanh-10identity",
    "784-30leaky_relu-30tanh-10, binary_cross_entropy",
    "784-30sigmoid-30relu-10, cross_entropy",
    "784-30tanh_nobias-10_nobias",
)
"""Networks whose layers differ, also part of the matrix."""
CONVOLUTIONAL: Final = (
    "28x28-conv4-pool-conv8-pool-10",
    "28x28-conv3k5relu-pool-conv4k1sigmoid-12tanh-10sigmoid",
    "28x28-pool-conv4leaky_relu_nobias-conv3-10, tanh, binary_cross_entropy",
    "28x28-conv2-10, identity, quadratic",
)
"""Convolutions and pools, also part of the matrix."""


@dataclass(frozen=True)
class Failure:
    """Why an implementation gave no gradients, for one problem or for all."""

    implementation: str
    kind: str
    """as `CallError.kind`"""
    reason: str
    problem: str = ""
    """the problem on which it failed; "" for all"""


@dataclass
class Findings:
    """The results."""

    entries: list[Entry] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


def matrix(activations: Sequence[str] = ACTIVATIONS, losses: Sequence[str] = LOSSES) -> list[NetworkSpec]:
    """Return the networks of the matrix.

    They have 1 to 4 layers, from 784-10 to 784-30-30-30-10, with every activation and loss; if no activation is left
    out, the `MIXED` and `CONVOLUTIONAL` networks are added.
    """
    every = [
        NetworkSpec.dense((784, *[HIDDEN] * (layers - 1), 10), activation, loss)
        for activation, loss, layers in product(activations, losses, LAYERS)
    ]
    if set(activations) == set(ACTIVATIONS):
        every += [network for network in map(NetworkSpec.parse, MIXED + CONVOLUTIONAL) if network.loss in losses]
    return list(dict.fromkeys(every))  # a single layer may be the same for several activations


def problems(
    specs: Sequence[NetworkSpec],
    batch_sizes: Sequence[int],
    dtypes: Sequence[str],
    training: TrainingSpec,
    dataset: Dataset,
) -> Iterator[Problem]:
    """Yield every combination, with parameters drawn from `training.seed` and the first batch of its first order."""
    order = next(initial.draw_orders(training, len(dataset.train)))
    for spec, batch_size, dtype in product(specs, batch_sizes, dtypes):
        this = replace(training, batch_size=batch_size, dtype=dtype)
        x, y = dataset.train.take(order[:batch_size]).arrays(dtype)
        yield Problem(spec, this, initial.draw_parameters(spec, this), x, y)


def examine(
    processes: Sequence[CallProcess], posed: Sequence[Problem], progress: Callable[[int], None] = lambda _: None
) -> Findings:
    """Return the error of each gradient tensor of each implementation, problem by problem.

    Parameters
    ----------
    processes : of the implementations, which may still be loading.
    progress : called with the number of finished problems.
    """
    findings, loaded = Findings(), {}
    for process in processes:
        name = label(process.name)
        try:
            loaded[name] = process.loaded()
        except CallError as error:
            findings.failures.append(Failure(name, error.kind, str(error)))
    for done, problem in enumerate(posed, 1):
        _solve(problem, loaded, findings)
        progress(done)
    return findings


def _solve(problem: Problem, processes: dict[str, CallProcess], findings: Findings) -> None:
    """Solve one problem in all processes at the same time; drop an implementation whose process has ended."""
    for process in processes.values():
        process.ask(loss_and_gradients, problem)
    _, reference = loss_and_gradients(Reference, problem.in_float64())
    for name, process in list(processes.items()):
        try:
            _, gradients = process.answer()
            findings.entries += entries(name, problem, gradients, reference)
        except CallError as error:
            where = f"{problem.spec}, batch {len(problem.y)}, {problem.training.dtype}"
            findings.failures.append(Failure(name, error.kind, str(error), where))
            if error.kind != "raised":
                del processes[name]
        except ValueError as error:
            findings.failures.append(Failure(name, "raised", f"{name}: {error}", str(problem.spec)))
