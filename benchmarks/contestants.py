"""What is timed, in a process of its own: `shared.processes.calls` loads it and asks it for epochs or steps."""

from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from shared import implementations, initial
from shared.data import snapshot
from shared.interface import Array, Labels, Parameters
from shared.measure import system
from shared.measure.roofline import products
from shared.spec import NetworkSpec, TrainingSpec

LIMIT, LIMIT_IN_CACHE, CLASSIFIER = "limit", "limit in cache", "MLPClassifier"
PEERS = (LIMIT, LIMIT_IN_CACHE, CLASSIFIER)

Take = Callable[[Labels], object]
"""Takes the steps of an order of the training set."""


class Task(NamedTuple):
    """What is to be timed on which data, given as a `snapshot` of them and its digest."""

    spec: NetworkSpec
    training: TrainingSpec
    data: Path
    digest: str


class Contestant:
    """An implementation, or one of `PEERS`; the methods are called from the parent."""

    def __init__(self, name: str) -> None:
        self.name = name
        if name not in PEERS:
            module = implementations.load_module(name)
            module.set_threads(1)
            self.network_class = module.Network

    def begin(self, task: Task) -> None:
        """Read the data and build the network."""
        self.task = task
        dataset = snapshot.load(task.data, task.digest)
        # all of it, as a run needs it for evaluation
        self.x, self.y = dataset.train.arrays(task.training.dtype)
        self.others = [split.arrays(task.training.dtype) for split in (dataset.validation, dataset.test)]
        self.build(task.spec, task.training)

    def build(self, spec: NetworkSpec, training: TrainingSpec) -> None:
        """Build the network anew, of another spec or with other batches, and hand the training set over."""
        parameters = initial.draw_parameters(spec, training)
        self.order = next(initial.draw_orders(training, len(self.y)))
        self.take = self._taker(spec, training, parameters)

    def epoch(self) -> float:
        """Return the seconds of an epoch."""
        return self.steps(len(self.order))

    def steps(self, examples: int) -> float:
        """Return the seconds of an epoch of the first so many examples, to the last read of the parameters."""
        order = self.order[self.order < examples]
        start = perf_counter()
        self.take(order)
        return perf_counter() - start

    def _taker(self, spec: NetworkSpec, training: TrainingSpec, parameters: Parameters) -> Take:
        """Return what takes the steps of an order."""
        if self.name == CLASSIFIER:
            return _classifier(spec, training, self.x, self.y)
        if self.name in PEERS:
            return _products(training, parameters, self.x, in_cache=self.name == LIMIT_IN_CACHE)
        network = self.network_class(spec, training, parameters)
        network.load(self.x, self.y)

        def train(order: Labels) -> None:
            network.train(order)
            network.parameters()  # returns when the device is done

        return train

    def memory(self) -> tuple[int, int]:
        """Return the peak resident memory of this process and the size of the data set, in bytes."""
        every = [self.x, self.y, *(array for split in self.others for array in split)]
        return system.peak_memory_bytes() or 0, sum(array.nbytes for array in every)


def _products(training: TrainingSpec, parameters: Parameters, x: Array, *, in_cache: bool) -> Take:
    """Return the products of a step and nothing else; in_cache: on one batch over and over, as if none had to come."""
    n, make = training.batch_size, products(parameters, training.batch_size)

    def take(order: Labels) -> None:
        for start in range(0, len(order), n):
            first = 0 if in_cache else min(start, len(x) - n)  # the last batch, too, is a whole one
            make(x[first : first + n])

    return take


def _classifier(spec: NetworkSpec, training: TrainingSpec, x: Array, y: Labels) -> Take:
    """Return scikit-learn's network: log loss instead of the quadratic cost, its own shuffle."""
    from sklearn.neural_network import MLPClassifier

    network = MLPClassifier(
        spec.sizes[1:-1],
        activation="logistic",
        solver="sgd",
        batch_size=training.batch_size,
        learning_rate_init=0.1,
        momentum=0.0,
        alpha=0.0,
        random_state=0,
    )
    digits = np.arange(spec.n_out)
    return lambda order: network.partial_fit(x[: len(order)], y[: len(order)], classes=digits)  # in an order of its own


def matrix_product_rate(_: Any, size: int = 1024) -> float:
    """Return how many floating-point operations a second the product of two square float32 matrices makes, at best."""
    a, b, out = (np.ones((size, size), np.float32) for _ in range(3))
    best = float("inf")
    for _ in range(10):
        start = perf_counter()
        np.matmul(a, b, out=out)
        best = min(best, perf_counter() - start)
    return 2 * size**3 / best
