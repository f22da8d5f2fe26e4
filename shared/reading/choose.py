"""Read a file: try the ways of calling it on few examples, and take the one whose gradients fit best."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import numpy as np

from shared.boundary import LONGEST_MESSAGE, told
from shared.processes.harmless import REFUSAL
from shared.reading import calls, functions, images, loops, plans, stacks, torch_module, trials
from shared.reading.batch import FORMS, IMAGES, LABELS, LIST, Batch, Form
from shared.reading.derivatives import FAMILY, OWN, derivatives
from shared.reading.names import has_role
from shared.reading.program import HIDDEN, Program, UnreadableError
from shared.reading.source import Source
from shared.reading.structure import Arrays, Layout, Rows

Found = TypeVar("Found")
EXAMPLES: Final[tuple[int, ...]] = (7, 11, 13, 17, 19, *range(20, 2000))
NOTHING: Final = "nothing in it could be called"
FEW_IMAGES: Final = (3, 4, 5, 7, 11)
"""Numbers of images: loops over their places take long."""
ALONE: Final = 2
"""Images that are given one at a time."""
FEW: Final = 4
"""Entries of a tensor that are shifted while readings are tried."""
MANY_RUNS: Final = 50
"""Examples of a batch, each of which is a run of its own."""
SECONDS: Final = 12.0
"""CPU time of the longest search."""
ENOUGH: Final = 8
"""So many readings that run are compared, and fewer once the gradients of half the tensors are right."""
FEW_MORE: Final = 6
ENOUGH_OF_IMAGES: Final = 3
ENDLESS: Final = 5
"""So many times the same message without an end, and nothing else is tried."""
HALF: Final = 0.5
ALL_BUT_FACTOR: Final = 0.99
"""The share of right tensors that gradients count for which are all wrong by the same factor."""


@dataclass
class Reading:
    """A file, and the way in which it was read."""

    source: Source
    program: Program
    form: Form
    missing: dict[str, Any] = field(default_factory=dict)
    """names that the file takes from its data, such as m, and what they were given"""
    score: tuple[float, ...] = ()
    _drawn: dict[int, tuple[Arrays, Batch]] = field(default_factory=dict)

    @property
    def layout(self) -> Layout:
        """The layers."""
        return self.program.layout

    def is_settled(self) -> bool:
        """Whether no other reading can be better: a batch, or what is given one at a time, with all gradients right."""
        has_no_batch = bool(self.form.image) or self.form.x == LIST
        return (self.score[1] == 1 or has_no_batch) and self.score[3] == 1

    def draw(self, seed: int = 1) -> tuple[Arrays, Batch]:
        """Return parameters and a batch, drawn from a seed."""
        if seed not in self._drawn:
            self._drawn[seed] = draw(self.program, self.source, seed)
        arrays, batch = self._drawn[seed]
        if self.form.image and self.form.is_single:
            batch = Batch(batch.x[:ALONE], batch.y[:ALONE], batch.n_out)
        for name in (*self.source.counts, *self.missing):
            self.source.namespace[name] = len(batch.y)
        return dict(arrays), batch


def draw(program: Program, source: Source, seed: int) -> tuple[Arrays, Batch]:
    """Return parameters at which no unit is saturated, and examples of every label, in no order."""
    generator = np.random.default_rng([seed, 16])
    layout = program.layout
    arrays: Arrays = {}
    for name, array in program.arrays.items():
        arrays[name] = np.asarray(0.3 * generator.standard_normal(np.shape(array)))
    fans = [arrays[weights].size ** 0.5 for weights, _ in layout.layers] if layout.image else layout.sizes
    for (weights, _), n_in in zip(layout.layers, fans, strict=False):
        arrays[weights] = generator.standard_normal(program.arrays[weights].shape) / np.sqrt(min(n_in, 40))
    n_in, n_out = layout.sizes[0], layout.sizes[-1]
    n = getattr(program, "n", None) or examples(source, layout)
    inked = min(1.0, 40 / n_in)
    x = generator.random((n, n_in)) * (generator.random((n, n_in)) < inked)
    if layout.image:
        x = _images(generator, (n, *layout.image), getattr(program, "brightest", 1.0)).reshape(n, n_in)
    y = generator.permutation(np.arange(n) % max(2, n_out))
    return arrays, Batch(x, y, n_out)


def _images(generator: np.random.Generator, shape: tuple[int, ...], brightest: float) -> np.ndarray:
    """Return images of which no two pixels are equal, as equal values are equal maxima.

    Neighbours are alike, so that a whole window of a pool may lie below zero: only there it shows whether the gradient
    goes through the ReLU below. Pixels are around 0, but for files that divide by 255.
    """
    x = generator.uniform(-1, 1, shape)
    for axis in (axis for axis in range(1, len(shape)) if shape[axis] == max(shape[1:])):
        x = (x + np.roll(x, 1, axis) + np.roll(x, 2, axis)) / np.sqrt(3)
    return x if brightest == 1 else brightest * (x + 2) / 4


def examples(source: Source, layout: Layout) -> int:
    """Return a number of examples that no layer has: the file's own m where it is a constant, if it is small."""
    n_out = layout.sizes[-1]
    if layout.image:
        return next(n for n in FEW_IMAGES if n not in (*layout.image, *layout.sizes))
    for name, value in source.namespace.items():
        if (
            name in ("m", "n", "N")
            and name not in source.derived
            and isinstance(value, int)
            and max(2, n_out) < value <= 60
        ):
            return int(value)
    return next(n for n in EXAMPLES if n not in layout.sizes and n > n_out)


class Allowance:
    """CPU seconds that may be used. The CPU clock, which takes half a millisecond, is read once as many have passed."""

    def __init__(self, seconds: float) -> None:
        self._wall, self._cpu = time.monotonic() + seconds, time.process_time() + seconds

    def is_spent(self) -> bool:
        """Return whether they are used up; on a busy machine they last longer."""
        return time.monotonic() > self._wall and time.process_time() > self._cpu


def read(source: Source, programs: Iterator[Program], forms: Sequence[Form] = FORMS) -> Reading:
    """Return the best reading, of those in which examples have one of these forms.

    Raises
    ------
    UnreadableError
        If none runs; the message says what the file holds and why the likeliest way failed.
    """
    best: Reading | None = None
    failures: list[str] = []
    time_left, tried = Allowance(SECONDS), 0
    has_loss = bool(functions.ranked(dict.fromkeys(source.functions), plans.LOSS, plans.NOT_LOSS))
    for program in programs:
        if _is_over(best, tried, time_left):
            break
        drawn: dict[int, tuple[Arrays, Batch]] = {}
        if best is not None and best.score[0] and _loss_of(best.program) and not _loss_of(program):
            continue
        if best is not None and best.score[0] and not _may_be_better(program, best):
            continue
        fit, unfit = set[str](), set[str]()
        for form in _forms(program, forms):
            if _is_over(best, tried, time_left):
                break
            if form.x in unfit:
                continue
            reading = Reading(source, program, form, _drawn=drawn)
            try:
                if form.x not in fit:
                    if isinstance(program, calls.Calls) and program.plan.forward and not form.image:
                        unfit.add(form.x)  # its forward pass takes no labels
                    _check_forward(reading)
                    unfit.discard(form.x)
                    fit.add(form.x)
                reading.score = _score(reading)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a way that does not fit may raise anything
                failures.append(told(error).removeprefix("UnreadableError: "))
                if best is None and _is_endless(failures[-ENDLESS:]):
                    raise UnreadableError(failures[-1]) from None
                continue
            tried += bool(_loss_of(program)) or not has_loss or form.x == LIST
            if best is None or reading.score > best.score:
                best = reading
            if best.is_settled():
                return best
    if best is None:
        raise UnreadableError(_why(failures))
    return best


def _is_endless(failures: list[str]) -> bool:
    """Return whether the same message has come again and again that is so long that each one takes time."""
    return len(failures) == ENDLESS and len(set(failures)) == 1 and len(failures[0]) >= LONGEST_MESSAGE


def _forms(program: Program, forms: Sequence[Form]) -> Sequence[Form]:
    """Return the forms that a program's examples can have."""
    image = program.layout.image
    is_listed = any(isinstance(leaf, Rows) for leaf in getattr(getattr(program, "store", program), "leaves", ()))
    forms = [form for form in forms if (form.x == LIST) == is_listed]
    return [form.of_images(image) for form in forms if form in IMAGES] if image else forms


def _why(failures: list[str]) -> str:
    """Return why no way worked: what a step hides, or is not let do, or how the likeliest way failed."""
    telling = next((text for text in failures if HIDDEN in text or REFUSAL in text), None)
    return telling or (failures[0] if failures else NOTHING)


def _is_over(best: Reading | None, tried: int, time_left: Allowance) -> bool:
    """Return whether enough readings were tried, or the time is over."""
    if best is not None and best.form.image:
        return tried >= ENOUGH_OF_IMAGES or time_left.is_spent()
    few = best is not None and HALF <= best.score[3] < ALL_BUT_FACTOR
    return tried >= (FEW_MORE if few else ENOUGH) or time_left.is_spent()


def _may_be_better(program: Program, best: Reading) -> bool:
    """Return whether another size is worth a try: a mistake must not be hidden by sizes at which it has no effect.

    A file for one output has another factor between its loss and its gradients with three; and where it takes labels
    as they are, they are no targets of three outputs.
    """
    sizes, known = program.layout.sizes, best.layout.sizes
    if sizes[-1] == 1 < known[-1] and best.score[3] == 0 and best.form.y == LABELS:
        return True
    if best.score[3] == ALL_BUT_FACTOR:
        return sizes[-1] == 1 < known[-1]
    return sizes == known or bool(_loss_of(program)) > bool(_loss_of(best.program))


def _loss_of(program: Program) -> str | None:
    """Return the loss of the file that is called, if one is."""
    plan = getattr(program, "plan", program)
    return getattr(plan, "loss", None)


def _check_forward(reading: Reading) -> None:
    """Run the forward pass of one part of a batch; the names that the file takes from its data are given."""
    arrays, batch = reading.draw()
    part, run = reading.form.parts(batch)[0], reading.program.run
    _with_missing(reading, batch, lambda: run(arrays, part, reading.form, backward=False, loss=False))


def _score(reading: Reading) -> tuple[float, ...]:
    """Return how well a reading fits: the share of right tensors, of gradients found, of shapes that fit."""
    arrays, batch = reading.draw()
    is_dear = len(reading.form.parts(batch)) > MANY_RUNS  # directions tell right from wrong, too
    most = 0 if is_dear else FEW // 2 if reading.form.image else FEW
    found = _with_missing(reading, batch, lambda: derivatives(reading.program, arrays, batch, reading.form, most=most))
    run = found.run
    if run.outputs is None and run.loss is None:
        raise UnreadableError("neither outputs nor a loss")
    if not any(np.isfinite(vector).all() for vectors in found.by_loss.values() for vector in vectors.values()):
        raise UnreadableError("its loss cannot be computed without its gradients")
    if OWN in found.by_loss:
        fits = [found.fit(found.gradients, OWN, factor=1.0)]
    else:
        fits = [found.fit(found.gradients, loss) for loss in FAMILY if loss in found.by_loss]
    right = max((sum(fit.right.values()) for fit in fits), default=0) / len(arrays)
    ratios = [found.ratio(name, OWN) for name in arrays] if OWN in found.by_loss else [None]
    if len({ratio and round(ratio, 5) for ratio in ratios}) == 1 and ratios[0]:
        right = max(right, ALL_BUT_FACTOR)
    is_whole = all(np.isfinite(vector).all() for vector in found.gradients.values()) and not found.missing
    shaped = sum(name not in found.shapes for name in arrays) / len(arrays)
    # A mistake with 1/n cannot be seen one example at a time: a batch that can be computed goes first. But what is
    # written for vectors, and is right with them, was not written for a batch with which nothing is right; and an
    # outer product of two batches is none that anyone means.
    is_for_vectors = reading.form.x == "vector" and right == 1
    alone, together = (1.5 if "outer(" in reading.source.text else 0.5) * is_for_vectors, 1.0 if right else 0.25
    is_batch = alone if reading.form.is_single else together
    has_loss, has_outputs = float(run.loss is not None), float(run.outputs is not None)
    return float(is_whole), is_batch * is_whole, has_loss, right, has_outputs, shaped


def _with_missing(reading: Reading, batch: Batch, ask: Callable[[], Found]) -> Found:
    """Return an answer; the names that the file takes from its data, such as m, are given."""
    for _ in range(3):
        try:
            with np.errstate(all="ignore"):
                return ask()
        except NameError as error:
            _give(reading, error, len(batch.y))
    raise UnreadableError("names of its data are missing")


def _give(reading: Reading, error: NameError, n: int) -> None:
    name = re.search(r"name '(\w+)' is not defined", str(error))
    if name is None or not has_role(name[1], "count"):
        raise error
    reading.source.namespace[name[1]] = reading.missing[name[1]] = n


def programs(source: Source) -> Iterator[Program]:
    """Yield every way to read a file, as a network with convolutions if it defines some."""
    yield from torch_module.candidates(source)
    if trials.is_convolutional(source):
        yield from images.candidates(source)
        yield from stacks.candidates(source)
    else:
        yield from dense_programs(source)


def dense_programs(source: Source) -> Iterator[Program]:
    """Yield every way to read a file as a dense network in NumPy."""
    yield from calls.candidates(source)
    yield from loops.candidates(source)
