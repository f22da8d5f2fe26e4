"""Why two models part, by asking them for more: other weights, other data, several batches in one call."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from shared.adapters.port import About
from shared.interface import Array, Parameters
from shared.ports.examples import batches
from shared.ports.forward import activations_of, data_changes, is_close, rounded_operands, variants
from shared.ports.rows import alike, worst
from shared.ports.sides import SAME, Side
from shared.ports.stepper import PortStepper
from shared.processes.calls import CallProcess

EXPLAINED: Final = 1e-4
"""Relative difference of a step from the gradients of other data that explain it."""


def why_outputs(
    sides: list[Side], processes: Sequence[CallProcess], start: Parameters, x: Array, y: Array, dtype: str
) -> list[str]:
    """Return what one of the two does otherwise: its activations, or a weight that the other one has to be given."""
    a, b = (side.walk[0].outputs for side in sides)
    known = [activations_of(start, x, side.walk[0].outputs, dtype) for side in sides]
    if all(known) and known[0] != known[1]:
        return [f"{side.name}: activations: {', '.join(each)}" for side, each in zip(sides, known, strict=True)]
    for k in (0, 1):
        if known[1 - k] and not known[k] and (words := rounded_operands(start, x, (a, b)[k], known[1 - k])):
            return [f"{sides[k].name}: {words}"]
    other = list(variants(start, sides[0].about.inputs))
    for k in [k for k in (1, 0) if known[k]] or [1, 0]:
        found = processes[k].call(PortStepper.outputs, [start for _, start in other], x, y)
        for (words, _), outputs in zip(other, found, strict=True):
            if is_close(*alike(outputs, (a, b)[1 - k])[:2], dtype):
                return [f"{sides[1 - k].name}: beside {sides[k].name}, {words}"]
    return []


def other_data(process: CallProcess, start: Parameters, x: Array, y: Array, after: Parameters) -> str:
    """Return which change of the data explains a step that is not along the gradients of these data; "" if none."""
    moved = np.concatenate([np.ravel(start[name] - after[name]) for name in start])
    changes = list(data_changes(x, y))
    for (words, _), g in zip(changes, process.call(PortStepper.gradients, start, [b for _, b in changes]), strict=True):
        along = np.concatenate([np.ravel(g[name]) for name in start])
        rate = float(along @ moved) / (float(along @ along) or 1.0)
        if rate > 0 and np.linalg.norm(moved - rate * along) <= EXPLAINED * np.linalg.norm(moved):
            return words
    return ""


def compare_epochs(
    sides: list[Side], processes: Sequence[CallProcess], start: Parameters, about: About, batch: int,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Train on two batches and a smaller one in one call, and compare with the same steps one by one."""
    parts = batches(about, [batch, batch, max(1, batch // 2)], rng)
    x, y = (np.concatenate(each) for each in zip(*parts, strict=True))
    for side, process in zip(sides, processes, strict=True):
        whole, again = (process.call(PortStepper.epoch, start, x, y) for _ in range(2))
        if not whole:
            continue
        steps = [figures.after for figures in process.call(PortStepper.walk, start, parts).figures]
        tiny = SAME[side.about.dtype]
        if worst(whole, start) == 0:
            side.order = "nothing"
        elif worst(steps[2], steps[1]) == 0 < worst(steps[1], steps[0]):
            side.order = "last"
        elif worst(whole, steps[2]) > tiny * worst(steps[2], start):
            side.order = "random" if worst(whole, again) > 0 else "steps"
