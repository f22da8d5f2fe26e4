"""One call of `train`, as long as those that are timed, is compared with the reference: every step must be taken.

The tensors that are compared step by step come from short calls, so an implementation that leaves something out of a
long one would pass. After an epoch in its usual order nothing could be concluded, because training magnifies rounding
over thousands of steps. So the warm-up epoch, which is not timed, has an order of its own: one batch again and again,
which draws right implementations together, and a few other batches at the end, whose effect is seen whole.
"""

from dataclasses import replace
from typing import Any, Final

import numpy as np

from shared import initial
from shared.agreement.observation import Observation, allowed_errors, twins
from shared.interface import Array, Labels, Parameters
from shared.spec import NetworkSpec, TrainingSpec

STAGE: Final = "whole call"
LAST: Final = 200
"""One step in so many is one of the last, and at least `LEAST`."""
LEAST: Final = 2
SHORT: Final = 4
"""A call of so few steps keeps its order: there is nothing to draw together."""


def order_of(order: Labels, batch_size: int) -> Labels:
    """Return an order of the same length: its first batch again and again, then its next batches."""
    steps = -(-len(order) // batch_size)
    last = max(LEAST, steps // LAST)
    if steps <= SHORT or steps <= last:
        return order
    again = np.resize(order[:batch_size], (steps - last) * batch_size)
    return np.concatenate([again, order[batch_size : batch_size + len(order) - len(again)]])


def observe(network: Any, start: Parameters, order: Labels) -> Observation:
    """Return the parameters after one call, from given ones, of a network that has loaded its training set."""
    network.reset(start)
    network.train(order)
    return Observation({STAGE: network.parameters()})


def expected(
    network_class: Any, spec: NetworkSpec, training: TrainingSpec, start: Parameters, x: Array, y: Labels, order: Labels
) -> tuple[Observation, float]:
    """Return what the float64 reference has after the call, and the largest error that rounding explains.

    Parameters
    ----------
    start : the initial parameters, in the dtype of the run.
    x : the training set in that dtype.
    """

    def after(parameters: Parameters, dtype: str) -> Observation:
        network = network_class(spec, replace(training, dtype=dtype), parameters)
        network.load(x.astype(dtype), y)
        return observe(network, parameters, order)

    exact = initial.cast(start, "float64")
    reference, in_float32 = after(exact, "float64"), after(initial.cast(start, "float32"), "float32")
    twin = after(next(twins(exact, training.dtype)), "float64")
    return reference, allowed_errors(reference, [twin], in_float32, training.dtype)[STAGE]
