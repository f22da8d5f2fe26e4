"""Two models beside each other: the same weights, the same batches, and the first quantity in which they part."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import Final

import numpy as np

from shared.adapters.port import About, Figures
from shared.implementations import label
from shared.interface import Array, Parameters
from shared.ports import losses, rules
from shared.ports.forward import activations_of, data_changes, is_close, rounded_operands, variants
from shared.ports.known_losses import Seen
from shared.ports.losses import Loss
from shared.ports.paths import NOTHING, Rule, path_of
from shared.ports.rows import OWN_RULE, Row, alike, compared, of_layers, worst
from shared.ports.stepper import Given, PortStepper, Walk
from shared.ports.timing import Timing
from shared.processes.calls import CallProcess

Batches = list[tuple[Array, Array]]
ULP: Final = {"float64": 2.0**-52, "float32": 2.0**-23}
SAME: Final = {"float64": 2e-6, "float32": 1e-4}
"""dtype of the coarser side -> relative difference that is called the same: Keras keeps its rate in float32."""
EXPLAINED: Final = 1e-4
"""Relative difference of a step from the gradients of other data that explain it."""
MOST_NUMBERS: Final = 24_000_000
"""Numbers that all steps of a side may send."""
SIZES: Final = (7, 10, 4, 10, 3, 9, 5, 10)
"""Of the batches by which the loss is found."""
WRONG_ORDERS: Final = ("last", "random", "nothing")
"""What the training of a class does that is surely not what it is asked for; see `words.ORDERS`."""


@dataclass
class Side:
    """What is known of a model."""

    name: str
    about: About
    loss: Loss | None = None
    rule: Rule | None = None
    caught: list[str] = field(default_factory=list)
    walk: list[Figures] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    """parameters that are not those that were given"""
    repeats: bool = True
    order: str = ""
    """what a whole epoch in one call does otherwise than its steps"""
    other_data: str = ""
    """on what other data than those that it is given its first step was taken"""
    timing: Timing | None = None
    not_timed: str = ""
    """why not, of a side that was to be timed"""


@dataclass
class Comparison:
    """Everything that is found of one model, or of two."""

    sides: list[Side]
    rows: list[Row] = field(default_factory=list)
    of_outputs: list[str] = field(default_factory=list)
    """why the outputs part"""
    steps: int = 0
    batch: int = 10
    accuracies: dict[str, float] = field(default_factory=dict)
    """of one of them, trained from the start of each"""
    sibling: Side | None = None
    """one of ours, made with the same framework, that was timed for comparison"""

    @property
    def ok(self) -> bool:
        """Whether nothing parts, and nothing was found that is surely a fault."""
        alone = self.sides[0].loss if len(self.sides) == 1 else None
        is_faulty = any(side.order in WRONG_ORDERS or side.unused for side in self.sides) or (
            alone is not None and alone.fault
        )
        return all(row.same for row in self.rows) and not is_faulty


def begin(processes: Sequence[CallProcess], names: Sequence[str], given: Given) -> list[Side]:
    """Load the files, and return what they hold; CallError if one cannot be loaded."""
    for process in processes:
        process.loaded().ask(PortStepper.about, given)
    abouts = [process.answer() for process in processes]
    labels = [label(name) for name in names]
    if len(set(labels)) < len(labels):
        labels = [File(name).resolve().parent.name + "/" + each for name, each in zip(names, labels, strict=True)]
    return [Side(*each) for each in zip(labels, abouts, strict=True)]


def unmapped(sides: Sequence[Side]) -> str:
    """Return what cannot be mapped from one model to the other; "" if everything can."""
    first, *others = [side.about for side in sides]
    for other in others:
        a, b = list(first.shapes.items()), list(other.shapes.items())
        for (name, shape), (theirs, shape_b) in zip(a, b, strict=False):
            if name[0] != theirs[0] or shape != shape_b:
                return f"{name} {_shape(shape)} against {theirs} {_shape(shape_b)}"
        if len(a) != len(b):
            more = (a if len(a) > len(b) else b)[min(len(a), len(b)) :]
            return f"{more[0][0]} {_shape(more[0][1])}, which only {sides[len(b) > len(a)].name} has"
        if np.prod(first.inputs) != np.prod(other.inputs):
            return f"inputs {_shape(first.inputs)} against {_shape(other.inputs)}"
    return ""


def _shape(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))


def draw(about: About, rng: np.random.Generator) -> Parameters:
    """Return weights to give to every side: scaled by the inputs of a unit, biases that are not 0."""
    found: Parameters = {}
    for name, shape in about.shapes.items():
        drawn = rng.standard_normal(tuple(shape))
        if name[0] == "W":
            found[name] = drawn / np.sqrt(np.prod(shape[1:]))
        else:
            found[name] = 1 + 0.1 * drawn if name.startswith("gamma") else 0.1 * drawn
    return found


def batches(
    about: About, sizes: Sequence[int], rng: np.random.Generator, fade: bool = False
) -> list[tuple[Array, Array]]:
    """Return batches of random examples; a third of the inputs is small, so that some gradients are.

    Parameters
    ----------
    fade : whether the second half of the batches is fainter, so that a second moment falls.
    """
    scale = np.where(rng.random(about.inputs) < 0.3, 10.0 ** -rng.uniform(0, 6, about.inputs), 1.0)
    found: Batches = []
    for k, n in enumerate(sizes):
        x = rng.random((n, *about.inputs)) * scale * (0.4 if fade and 2 * k >= len(sizes) else 1.0)
        y = rng.random(n) if about.n_out == 1 else rng.integers(0, about.n_out, n).astype(np.float64)
        found.append((x, y))
    return found


def examine(
    sides: list[Side], processes: Sequence[CallProcess], steps: int, batch: int, seed: int,
    data: tuple[Array, Array] | None = None,
) -> Comparison:  # fmt: skip
    """Step one model or two, compare them, and find their losses and their rules.

    Parameters
    ----------
    data : examples (n, *inputs) and (n,) of which the batches are drawn; None for random ones.
    """
    found = Comparison(sides, batch=batch)
    about, rng = sides[0].about, np.random.default_rng(seed)
    count = sum(int(np.prod(shape)) for shape in about.shapes.values())
    found.steps = max(1, min(steps, MOST_NUMBERS // (3 * count)))
    if not all(side.about.has_update for side in sides):
        found.steps = 1  # functions have no update, and would stand still
    start = draw(about, rng)
    given = batches(about, [batch] * found.steps, rng, fade=True)
    if data is not None:
        rows = [rng.permutation(len(data[1]))[:batch] for _ in given]
        given = [(data[0][k], data[1][k]) for k in rows]
    walks = _asked(processes, start, given)
    for side, walk in zip(sides, walks, strict=True):
        side.walk, side.caught, side.repeats = walk.figures, walk.caught, walk.repeats
        close = {name: np.allclose(walk.kept[name], start[name], rtol=1e-5, atol=1e-6) for name in walk.kept}
        side.unused = [name for name, is_close in close.items() if not is_close]
    dtype = "float32" if any(side.about.dtype == "float32" for side in sides) else "float64"
    if len(sides) == 2:
        # Keras keeps the numbers of its optimizers in float32, whatever its weights have
        size = ULP["float32"] / 2 if any(side.about.kind == "keras.Model" for side in sides) else 4 * ULP[dtype]
        nudged: Parameters = {k: t * (1 + size * rng.choice((-1.0, 1.0), t.shape)) for k, t in start.items()}
        twins = _asked(processes, nudged, given)
        found.rows = compared(
            [side.name for side in sides], [side.walk for side in sides], [t.figures for t in twins], start, SAME[dtype]
        )
        one, two = (process.call(PortStepper.layers, start, given[0][0]) for process in processes)
        first = next(row for row in found.rows if row.what == "outputs")
        found.rows[1:1] = of_layers(one, two, SAME[dtype], first.same or first.step > 1)
    many = 3 if about.n_out == 1 else 1 + (2 * about.n_out + 12) // len(SIZES)
    if any(row.what == "outputs" and not row.same and row.step == 1 for row in found.rows):
        found.of_outputs = _why_outputs(sides, processes, start, *given[0], dtype)
    _epochs(sides, processes, start, about, batch, rng)
    several = batches(about, SIZES * many if about.n_out <= 20 else SIZES * 2, rng)
    for process in processes:
        process.ask(PortStepper.losses, start, several)
    for side, process in zip(sides, processes, strict=True):
        answered = process.answer()
        seen = [Seen(o, y, c) for (_, y), (o, c) in zip(several, answered, strict=True)]
        side.loss = losses.loss_of(seen, side.about.dtype, batch)
        if side.about.has_update:
            path = path_of([f.used for f in side.walk], start, [f.after for f in side.walk])
            side.rule = rules.rule_of(path, side.about.dtype, side.about.hints)
            if side.rule is None and not side.unused:
                side.other_data = _other_data(process, start, *given[0], side.walk[0].after)
    return found


def accept_own_rule(found: Comparison) -> None:
    """Let a model keep the optimizer that it brings: a reference that was not asked for has another rule."""
    mine, reference = (side.rule for side in found.sides)
    if mine is not None and reference is not None and mine.name not in (reference.name, NOTHING):
        note = f"{OWN_RULE}: {mine.words(rules.CONSTANT[found.sides[0].about.dtype])}"
        found.rows = [
            row._replace(same=True, note=note) if row.what == "update" and not row.same else row for row in found.rows
        ]


def _why_outputs(
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


def _other_data(process: CallProcess, start: Parameters, x: Array, y: Array, after: Parameters) -> str:
    """Return which change of the data explains a step that is not along the gradients of these data; "" if none."""
    moved = np.concatenate([np.ravel(start[name] - after[name]) for name in start])
    changes = list(data_changes(x, y))
    for (words, _), g in zip(changes, process.call(PortStepper.gradients, start, [b for _, b in changes]), strict=True):
        along = np.concatenate([np.ravel(g[name]) for name in start])
        rate = float(along @ moved) / (float(along @ along) or 1.0)
        if rate > 0 and np.linalg.norm(moved - rate * along) <= EXPLAINED * np.linalg.norm(moved):
            return words
    return ""


def _epochs(
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


def _asked(processes: Sequence[CallProcess], start: Parameters, given: Batches) -> list[Walk]:
    for process in processes:
        process.ask(PortStepper.walk, start, given)
    return [process.answer() for process in processes]
