"""The contestants, each in its own process: `shared.processes.calls` loads one and calls it for epochs or steps."""

import math
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from shared import implementations, initial
from shared.data import snapshot
from shared.interface import Array, Labels, Parameters
from shared.layers import Conv, has_weights
from shared.measure import system
from shared.measure.roofline import products
from shared.spec import NetworkSpec, TrainingSpec

LIMIT, LIMIT_IN_CACHE, CLASSIFIER = "limit", "limit in cache", "MLPClassifier"
PEERS = (LIMIT, LIMIT_IN_CACHE, CLASSIFIER)

Take = Callable[[Labels], object]
"""Takes the steps for an order of the training set."""


class Task(NamedTuple):
    """What is timed, and the data as a `snapshot` with its digest."""

    spec: NetworkSpec
    training: TrainingSpec
    data: Path
    digest: str


class Contestant:
    """An implementation or one of `PEERS`; the parent calls the methods."""

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
        # the whole data set, as a run needs it for evaluation
        self.x, self.y = dataset.train.arrays(task.training.dtype)
        self.others = [split.arrays(task.training.dtype) for split in (dataset.validation, dataset.test)]
        self.build(task.spec, task.training)

    def build(self, spec: NetworkSpec, training: TrainingSpec) -> None:
        """Build the network again, with another spec or batch size, and load the training set."""
        parameters = initial.draw_parameters(spec, training)
        self.order = next(initial.draw_orders(training, len(self.y)))
        self.take = self._taker(spec, training, parameters)

    def epoch(self) -> float:
        """Return the seconds of an epoch."""
        return self.steps(len(self.order))

    def steps(self, examples: int) -> float:
        """Return the seconds of an epoch of the first examples, including the final read of the parameters."""
        order = self.order[self.order < examples]
        start = perf_counter()
        self.take(order)
        return perf_counter() - start

    def _taker(self, spec: NetworkSpec, training: TrainingSpec, parameters: Parameters) -> Take:
        """Return the function that takes the steps for an order."""
        if self.name == CLASSIFIER:
            return _classifier(spec, training, self.x, self.y)
        if self.name in PEERS:
            return _products(spec, training, self.x, in_cache=self.name == LIMIT_IN_CACHE)
        network = self.network_class(spec, training, parameters)
        network.load(self.x, self.y)

        def train(order: Labels) -> None:
            network.train(order)
            network.parameters()  # waits for the device

        return train

    def memory(self) -> tuple[int, int]:
        """Return the peak resident memory of this process and the size of the data set, in bytes."""
        every = [self.x, self.y, *(array for split in self.others for array in split)]
        return system.peak_memory_bytes() or 0, sum(array.nbytes for array in every)


def operations(spec: NetworkSpec, batch_size: int) -> int:
    """Return the floating-point operations of the products of a step: (1), (6), and (5) except for the first layer."""
    total, is_first = 0, True
    for layer, shape, after in zip(spec.layers, spec.shapes, spec.shapes[1:], strict=False):
        if has_weights(layer):
            weights = math.prod(layer.parameter_shapes(shape)["W"])
            total += 2 * batch_size * math.prod(after[1:]) * weights * (2 if is_first else 3)
            is_first = False
    return total


def patch_bytes(spec: NetworkSpec, batch_size: int) -> int:
    """Return the bytes of the patches of one batch in float32: of every convolution's input, and of its delta."""
    total, is_first = 0, True
    for layer, shape, after in zip(spec.layers, spec.shapes, spec.shapes[1:], strict=False):
        if isinstance(layer, Conv):
            channels = shape[0] + (0 if is_first else layer.channels)
            total += 4 * batch_size * math.prod(after[1:]) * layer.kernel**2 * channels
        is_first = is_first and not has_weights(layer)
    return total


def _products(spec: NetworkSpec, training: TrainingSpec, x: Array, *, in_cache: bool) -> Take:
    """Return the products of a step and nothing else; in_cache: always on the same batch, which stays in the cache."""
    n, make = training.batch_size, products(spec, x.dtype, training.batch_size)

    def take(order: Labels) -> None:
        for start in range(0, len(order), n):
            first = 0 if in_cache else min(start, len(x) - n)  # the last batch is also a full one
            make(x[first : first + n])

    return take


def _classifier(spec: NetworkSpec, training: TrainingSpec, x: Array, y: Labels) -> Take:
    """Return scikit-learn's network, with log loss instead of the quadratic cost and its own shuffling."""
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
    return lambda order: network.partial_fit(x[: len(order)], y[: len(order)], classes=digits)  # in its own order


def matrix_product_rate(_: Any, size: int = 1024) -> float:
    """Return the best rate of the product of two square float32 matrices, in floating-point operations per second."""
    a, b, out = (np.ones((size, size), np.float32) for _ in range(3))
    best = float("inf")
    for _ in range(10):
        start = perf_counter()
        np.matmul(a, b, out=out)
        best = min(best, perf_counter() - start)
    return 2 * size**3 / best
