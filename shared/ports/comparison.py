"""Two models beside each other: the same weights, the same batches, and the first quantity in which they part."""

from collections.abc import Sequence
from pathlib import Path as File
from typing import Final

import numpy as np

from shared.implementations import label
from shared.interface import Array, Parameters
from shared.ports import causes, data, losses, rules
from shared.ports.examples import Batches, batches, draw
from shared.ports.known_losses import Seen
from shared.ports.paths import NOTHING, Rule, path_of
from shared.ports.rows import OWN_RULE, compared, of_layers
from shared.ports.sides import SAME, Comparison, Side
from shared.ports.stepper import Given, PortStepper, Walk
from shared.processes.calls import CallProcess

ULP: Final = {"float64": 2.0**-52, "float32": 2.0**-23}
MOST_NUMBERS: Final = 24_000_000
"""Numbers that all steps of a side may send."""
SIZES: Final = (7, 10, 4, 10, 3, 9, 5, 10)
"""Of the batches by which the loss is found."""


def begin(processes: Sequence[CallProcess], names: Sequence[str], given: Given) -> list[Side]:
    """Load the files, and return what they hold; CallError if one cannot be loaded."""
    for process in processes:
        process.loaded().ask(PortStepper.about, given)
    abouts = [process.answer() for process in processes]
    if len({about.kind for about in abouts}) > 1:
        abouts = [process.call(PortStepper.map_flattened) for process in processes]
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


def examine(
    sides: list[Side], processes: Sequence[CallProcess], steps: int, batch: int, seed: int,
    own: tuple[Array, Array] | None = None,
) -> Comparison:  # fmt: skip
    """Step one model or two, compare them, and find their losses and their rules.

    Parameters
    ----------
    own : examples (n, *inputs) and targets (n,) or (n, n_out) of which the batches are drawn; None for random ones.
    """
    found = Comparison(sides, batch=batch)
    about, rng = sides[0].about, np.random.default_rng(seed)
    count = sum(int(np.prod(shape)) for shape in about.shapes.values())
    found.steps = max(1, min(steps, MOST_NUMBERS // (3 * count)))
    if not all(side.about.has_update for side in sides):
        found.steps = 1  # functions have no update, and would stand still
    start = draw(about, rng)
    given = batches(about, [batch] * found.steps, rng, fade=True)
    if own is not None:
        rows = [rng.permutation(len(own[1]))[:batch] for _ in given]
        given = [(own[0][k], own[1][k]) for k in rows]
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
    found.rows += data.compare(sides, processes, seed)
    many = 3 if about.n_out == 1 else 1 + (2 * about.n_out + 12) // len(SIZES)
    if any(row.what == "outputs" and not row.same and row.step == 1 for row in found.rows):
        found.of_outputs = causes.why_outputs(sides, processes, start, *given[0], dtype)
    causes.compare_epochs(sides, processes, start, about, batch, rng)
    several = batches(about, SIZES * many if about.n_out <= 20 else SIZES * 2, rng)
    for process in processes:
        process.ask(PortStepper.losses, start, several)
    for side, process in zip(sides, processes, strict=True):
        answered = process.answer()
        seen = [Seen(o, y, c) for (_, y), (o, c) in zip(several, answered, strict=True)]
        side.loss = losses.loss_of(seen, side.about.dtype, batch)
        if side.about.has_update:
            side.rule = _rule(side, start)
            side.apart = {} if side.rule else _rules_apart(side, start)
            if side.rule is None and not side.apart and not side.unused:
                side.other_data = causes.other_data(process, start, *given[0], side.walk[0].after)
    return found


def _rule(side: Side, start: Parameters) -> Rule | None:
    path = path_of([f.used for f in side.walk], start, [f.after for f in side.walk])
    return rules.rule_of(path, side.about.dtype, side.about.hints)


def _rules_apart(side: Side, start: Parameters) -> dict[str, Rule]:
    """Return the rules of the weights and of everything else, as groups of parameters have them; {} without both."""
    weights = {name: tensor for name, tensor in start.items() if name[0] == "W"}
    others = {name: tensor for name, tensor in start.items() if name not in weights}
    words = "biases and norms" if any(name.startswith("gamma") for name in others) else "biases"
    found = {kind: _rule(side, part) for kind, part in (("weights", weights), (words, others)) if part}
    known = {kind: rule for kind, rule in found.items() if rule is not None}
    return known if len(known) == 2 else {}


def accept_own_rule(found: Comparison) -> None:
    """Let a model keep the optimizer that it brings: a reference that was not asked for has another rule."""
    mine, reference = (side.rule for side in found.sides)
    if mine is not None and reference is not None and mine.name not in (reference.name, NOTHING):
        note = f"{OWN_RULE}: {mine.words(rules.CONSTANT[found.sides[0].about.dtype])}"
        found.rows = [
            row._replace(same=True, note=note) if row.what == "update" and not row.same else row for row in found.rows
        ]


def _asked(processes: Sequence[CallProcess], start: Parameters, given: Batches) -> list[Walk]:
    for process in processes:
        process.ask(PortStepper.walk, start, given)
    return [process.answer() for process in processes]
