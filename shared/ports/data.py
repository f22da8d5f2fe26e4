"""What files do to their data before their loops, and what an epoch of them takes: compared on the same images."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from shared.adapters.pipelines import DROPPED, WHOLE
from shared.adapters.port import IMAGES
from shared.adapters.scaling import scaling_of
from shared.adapters.stand_ins import pixels
from shared.interface import Array
from shared.ports.rows import Row
from shared.ports.sides import Side
from shared.ports.stepper import PortStepper
from shared.processes.calls import CallProcess

EXAMPLES: Final = 50
CLOSE: Final = 1e-3
"""Relative difference of data that is called the same."""


def compare(sides: Sequence[Side], processes: Sequence[CallProcess], seed: int) -> list[Row]:
    """Ask each side what it makes of the same images and labels, and how it takes them; return rows where both know."""
    rng, about = np.random.default_rng(seed), sides[0].about
    n = max(EXAMPLES, 2 * about.n_out)
    x = pixels(rng, (n, *about.inputs))
    y = rng.random(n) if about.n_out == 1 else np.arange(float(n)) % about.n_out
    made = [process.call(PortStepper.data, x, y) for process in processes]
    for side, process, data in zip(sides, processes, made, strict=True):
        side.batches = process.call(PortStepper.batches)
        side.data = [] if not data else [*_pixels(x, data["x"], subject(side)), *_labels(y, data["y"], about.n_out)]
    if len(sides) < len(("one", "another")):
        return []
    rows = []
    if all(made):
        off = {name: _off(*(each[name] for each in made)) for name in ("x", "y")}
        wrong = [words for name, words in (("x", subject(sides[0])), ("y", "targets")) if off[name] > CLOSE]
        rows.append(Row("data", not wrong, max(off.values()), 0, [], ", ".join(wrong)))
    a, b = (side.batches for side in sides)
    if a and b:
        differ = ["shuffled"] if ("shuffled" in a) != ("shuffled" in b) else []
        # one of unknown size beside one that has no smaller batch may be of the same size
        differ += [DROPPED] if (DROPPED in a) != (DROPPED in b) and WHOLE not in (*a, *b) else []
        rows.append(Row("batches", not differ, float(bool(differ)), 0, [], ", ".join(differ)))
    return rows


def subject(side: Side) -> str:
    """Return what a model's inputs are: "pixels" where they have the size of images, "inputs" of a table."""
    return "pixels" if np.prod(side.about.inputs) in map(np.prod, IMAGES) else "inputs"


def _pixels(x: Array, made: Array, what: str) -> list[str]:
    scaling = scaling_of(x, made)
    if scaling is None:
        return [f"{what} scaled feature by feature"]
    return [] if scaling.is_nothing else [scaling.words().replace("pixels", what)]


def _labels(y: Array, made: Array, n_out: int) -> list[str]:
    if n_out == 1 or np.array_equal(y, made):
        return []
    shift = np.unique((made - y) % n_out)
    if len(shift) == 1:
        return [f"labels that are shifted by {shift[0] if shift[0] <= n_out / 2 else shift[0] - n_out:+.0f}"]
    return []  # made from the inputs


def _off(a: Array, b: Array) -> float:
    if a.shape != b.shape:
        return float("inf")
    return float(np.linalg.norm(a - b) / (np.linalg.norm(b) or 1.0))


def causes(sides: Sequence[Side], rows: Sequence[Row]) -> list[str]:
    """Return what each side does to its data and its batches, where the two part."""
    said = []
    parted = {row.what for row in rows if not row.same}
    for side in sides:
        if side.data or "data" in parted:
            said.append(f"{side.name}: its data: {', '.join(side.data or [f'{subject(side)} from 0 to 1'])}")
    if "batches" in parted:
        for side, other in (sides, sides[::-1]):
            if DROPPED in side.batches and not {DROPPED, WHOLE} & {*other.batches}:
                said.append(f"{side.name}: last batch dropped: its loop leaves the smaller last batch of an epoch out "
                            f"(drop_last); {other.name} takes it")  # fmt: skip
            if "shuffled" in side.batches and "shuffled" not in other.batches:
                said.append(f"{side.name}: another order: its loop shuffles the examples in each epoch (shuffle); "
                            f"{other.name} takes them as they come")  # fmt: skip
    return said
