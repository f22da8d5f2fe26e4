"""The difference of an implementation and the float64 reference while both take the same steps.

It is measured after 1, 2, ..., 10, 20, ..., 100, 200, ..., 1,000 steps. `train` is called once for each stretch of one,
ten or a hundred steps, so code that is compiled for a number of steps is compiled three times. What rounding explains
is the envelope of `shared.agreement.envelope`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from time import monotonic
from typing import Any, Final, NamedTuple

import numpy as np

from shared.agreement.envelope import Envelope
from shared.agreement.metrics import errors
from shared.agreement.observation import INCONCLUSIVE
from shared.initial import cast
from shared.interface import Array, Labels, Network, Parameters
from shared.spec import NetworkSpec, TrainingSpec

MOST_STEPS: Final = 1_000
MOST_EXAMPLES: Final = 20_000
"""With large batches fewer steps are taken."""
SECONDS: Final = 5.0
"""After this time the envelope stops: a step of a large network takes long."""


class Point(NamedTuple):
    """The values after a number of steps."""

    step: int
    values: dict[str, float]
    """W1, b1, ... -> relative L2 error, or the error that rounding explains; nan if training has overflowed"""


def stretches(steps: int) -> Iterator[tuple[int, int]]:
    """Yield the first step and the end of each stretch: ten of one step, nine of ten, nine of a hundred."""
    done = 0
    while True:
        length = 1 if done < 10 else 10 if done < 100 else 100
        if done + length > steps:
            return
        yield done, done + length
        done += length


def explained(
    reference_class: Any,
    spec: NetworkSpec,
    training: TrainingSpec,
    parameters: Parameters,
    x: Array,
    y: Labels,
    order: Labels,
) -> list[Point]:
    """Return the error of each parameter tensor that rounding in the run's dtype explains, for at most one epoch.

    It stops when rounding explains so much that nothing can be concluded.
    """
    size, found, until = training.batch_size, list[Point](), monotonic() + SECONDS
    envelope = Envelope(reference_class, spec, replace(training, dtype="float64"), parameters, training.dtype)
    for first, end in stretches(min(MOST_STEPS, min(MOST_EXAMPLES, len(order)) // size)):
        for k in range(first, end):
            batch = order[k * size : (k + 1) * size]
            exact, allowed = envelope.step(x[batch].astype(np.float64), y[batch])
        norms = {name: float(np.linalg.norm(tensor)) for name, tensor in exact.parameters.items()}
        found.append(Point(end, {name: float(allowed.parameters[name]) / (norms[name] or 1.0) for name in norms}))
        if monotonic() > until or not all(value <= INCONCLUSIVE for value in found[-1].values.values()):
            break
    return found


def deviations(
    network: Network,
    reference: Network,
    parameters: Parameters,
    x: Array,
    y: Labels,
    order: Labels,
    size: int,
    steps: Sequence[int],
) -> list[Point]:
    """Return the error of a network against the float64 reference after each number of steps, of `size` examples each.

    Both start from the parameters again. The network has loaded x and y; the reference gets each batch in float64.
    """
    found, done = list[Point](), 0
    network.reset(parameters)
    reference.reset(cast(parameters, "float64"))
    for step in steps:
        network.train(order[done * size : step * size])
        for k in range(done, step):
            batch = order[k * size : (k + 1) * size]
            reference.load(x[batch].astype(np.float64), y[batch])
            reference.train(np.arange(len(batch)))
        off = errors(network.parameters(), reference.parameters())
        found.append(Point(step, {name: error.relative_l2 for name, error in off.items()}))
        done = step
    return found
