"""Whether rounding sends training one of several ways: a ReLU, or the maximum of a pool, that is almost a tie.

What rounding explains after some steps is measured on a few twins of the reference (`observation.allowed_errors`). At a
kink this is not enough: most twins go one way and are off by 1e-6, a few go the other and are off by 1e-3, and all of
the few may be missed. So before an implementation is said to disagree after its steps, many more are asked.
"""

import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from statistics import median
from typing import Any, Final

import numpy as np

from shared import initial
from shared.agreement.judgement import departed
from shared.agreement.observation import STAGES, Observation, compare, take_steps, twins
from shared.interface import Array, Labels, Parameters
from shared.layers import MaxPool
from shared.spec import NetworkSpec, TrainingSpec

LATE: Final = STAGES[-2:]
"""The stages in which an error may come from a way that few twins take."""
MOST: Final = 60
LEAST: Final = 6
SECONDS: Final = 60.0
APART: Final = 100
"""Twins that are so many times as far from the reference as the median of them have gone another way."""


def may_take_several(spec: NetworkSpec) -> bool:
    """Return whether a network has kinks."""
    return any(isinstance(layer, MaxPool) or layer.activation in ("relu", "leaky_relu") for layer in spec.layers)


def late_departures(
    spec: NetworkSpec, found: Observation, reference: Observation, allowed: Mapping[str, float | None]
) -> set[str]:
    """Return the stages in which a network with kinks departs, if it departs late alone; else none."""
    try:
        off = departed(found, reference, allowed) if may_take_several(spec) else set[str]()
    except ValueError:  # the tensors cannot be compared
        return set()
    return off if off <= set(LATE) else set()


def several_ways(
    network_class: Any, spec: NetworkSpec, training: TrainingSpec, start: Parameters, x: Array, y: Labels,
    order: Labels, stages: Collection[str],
) -> set[str]:  # fmt: skip
    """Return those of these stages in which twins of the reference go several ways.

    Parameters
    ----------
    training, start, x, y, order : of the run, in its dtype.
    """
    exact = initial.cast(start, "float64")
    network = network_class(spec, replace(training, dtype="float64"), exact)
    network.load(x.astype("float64"), y)

    def after(parameters: Parameters) -> Observation:
        found = take_steps(network, parameters, order, training.batch_size)
        return Observation({stage: found[stage] for stage in stages})

    with np.errstate(all="ignore"):
        reference, errors, begun = after(exact), dict[str, list[float]](), time.monotonic()
        for twin in twins(exact, training.dtype, MOST):
            for stage, worst in compare(after(twin), reference).items():
                errors.setdefault(stage, []).append(worst.error)
            found = {stage for stage, every in errors.items() if max(every) > APART * median(every)}
            asked = len(next(iter(errors.values())))
            if (asked >= LEAST and found == set(stages)) or time.monotonic() - begun > SECONDS:
                break
    return found
