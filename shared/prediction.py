"""What every implementation makes of a few images, each in its own process."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from impls.numpy_scratch import Network as Reference
from shared import evaluation, initial
from shared.agreement.survey import Failure
from shared.data import Dataset
from shared.data.dataset import Split
from shared.data.picture import Grey
from shared.implementations import label
from shared.interface import Array, Parameters
from shared.processes.calls import Remote, RemoteError
from shared.record.trained import Trained
from shared.spec import NetworkSpec, TrainingSpec


@dataclass
class Predictions:
    """What came of it."""

    activations: dict[str, Array] = field(default_factory=dict)
    """implementation's label -> a_L of every image, (images, 10)"""
    failures: list[Failure] = field(default_factory=list)


def train(implementations: Sequence[str], dataset: Dataset, training: TrainingSpec) -> Trained:
    """Train the reference alone, here and now, and give its parameters to all."""
    spec = NetworkSpec()
    x, y = dataset.train.arrays(training.dtype)
    network = Reference(spec, training, initial.draw_parameters(spec, training))
    orders = initial.draw_orders(training, len(y))
    for _ in range(training.epochs):
        network.train(x, y, next(orders))
    x_test, y_test = dataset.test.arrays(training.dtype)
    accuracy = evaluation.accuracy(network.predict(x_test), y_test)
    epochs = f"{training.epochs} epoch{'s' * (training.epochs != 1)}"
    told = (
        f"parameters: no run has kept any, so NumPy has learnt them just now, {epochs} on {dataset.name}, "
        f"test accuracy {accuracy:.1%}; all use the same"
    )
    return Trained(spec, training, False, dict.fromkeys(implementations, network.parameters()), told)


def outputs(network_class: Any, spec: NetworkSpec, training: TrainingSpec, parameters: Parameters, x: Array) -> Array:
    """Return the output activations, (n, 10); it is called from afar."""
    found: Array = network_class(spec, training, parameters).predict(x)
    return found


def predict(trained: Trained, images: Sequence[Grey], timeout: float) -> Predictions:
    """Return the ten activations of every implementation for images of 28x28 pixels."""
    grey = np.stack(images).reshape(len(images), -1)
    x, _ = Split(grey, np.zeros(len(images), np.uint8), trained.standardised).arrays(trained.training.dtype)
    found = Predictions()
    with ExitStack() as stack:
        at_work = {
            name: stack.enter_context(Remote(name, timeout=timeout)) for name in trained.parameters
        }  # all load at the same time
        for name, remote in at_work.items():
            try:
                remote.loaded()
                asked = trained.spec, trained.training, trained.parameters[name], x
                found.activations[label(name)] = remote.call(outputs, *asked)
            except RemoteError as error:
                found.failures.append(Failure(label(name), error.kind, str(error)))
    return found
