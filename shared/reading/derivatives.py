"""Are gradients the derivatives of the network's own loss? Differences, tensor by tensor; no reference.

A parameter is shifted by i h where the file takes complex numbers: the imaginary part of the loss is h times the
derivative, without truncation and cancellation (Squire and Trapp, 1998). Elsewhere central differences are taken.

Where a file has no loss, its gradients may be the derivatives of one of a family, times a constant. Both questions are
one: g = c D + decay W, where D are the derivatives of a loss, by differences of the file's own outputs.
"""

import random
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from shared.reading.batch import Batch, Form
from shared.reading.program import Program, Run, UnreadableError
from shared.reading.scalars import number
from shared.reading.structure import Arrays

OWN: Final = "own"
"""The loss that the file computes."""
SEED: Final = 16
STEP: Final = 1e-5
COMPLEX_STEP: Final = 1e-30
"""So small that its square is lost."""
ENTRIES: Final = 24
"""At most so many entries of a tensor are shifted one by one."""
MANY: Final = 400_000
"""Of many parameters fewer are shifted: each costs two runs."""
DIRECTIONS: Final = 2
"""In so many random directions a whole tensor is shifted; they see the entries that are not."""
ALIKE: Final = 1e-5
"""Relative error of a right tensor; central differences in float64 are good to 1e-8."""
SINGLE_ALIKE: Final = 3e-2
"""The same for a network that computes in float32 whatever it is given."""
SINGLE_STEP: Final = 1e-2
LEAST: Final = 1e-9
"""A smaller factor is none: the gradients are 0."""


def _quadratic(a: np.ndarray, y: np.ndarray) -> Any:
    return number(((a - y) ** 2).sum() / 2)


def _cross_entropy(a: np.ndarray, y: np.ndarray) -> Any:
    return number(-(y * np.log(a)).sum()) if a.shape[1] > 1 else float("nan")


def _binary_cross_entropy(a: np.ndarray, y: np.ndarray) -> Any:
    return number(-(y * np.log(a) + (1 - y) * np.log(1 - a)).sum())


def _softmax_again(a: np.ndarray, y: np.ndarray) -> Any:
    e = np.exp(a - a.max(axis=1, keepdims=True))
    return _cross_entropy(e / e.sum(axis=1, keepdims=True), y)


FAMILY: Final = {
    "quadratic": _quadratic,
    "cross_entropy": _cross_entropy,
    "binary_cross_entropy": _binary_cross_entropy,
    "cross_entropy of softmax": _softmax_again,
}
"""loss -> the sum over the batch of (3)"""

Vectors = dict[str, np.ndarray]
"""parameter -> derivatives at the shifted entries and along the random directions"""


@dataclass
class Fit:
    """Gradients as c D + decay W."""

    loss: str
    factor: float
    decay: float
    right: dict[str, bool]
    """parameter -> whether it is c D + decay W"""

    @property
    def is_right(self) -> bool:
        """Whether all are."""
        return all(self.right.values())

    @property
    def wrong(self) -> list[str]:
        """The parameters whose gradients are not."""
        return [name for name, is_right in self.right.items() if not is_right]


@dataclass
class Derivatives:
    """What differences say of a file's loss, and its gradients at the same entries."""

    arrays: Arrays
    batch: Batch
    run: Run
    """with its gradients"""
    by_loss: dict[str, Vectors]
    gradients: Vectors
    weights: Vectors
    """W itself, 0 for biases"""
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """parameter -> the shape of its gradient, where it is not the parameter's"""
    missing: list[str] = field(default_factory=list)
    alike: float = ALIKE
    is_exact: bool = False
    """whether all are of complex steps"""

    def fit(self, of: Vectors, loss: str, *, factor: float | None = None) -> Fit:
        """Return the factor and the decay with which vectors are the derivatives of a loss."""
        D = self.by_loss[loss]
        choices = [(factor, 0.0)] if factor is not None else [*self._choices(of, D)]
        fits = [Fit(loss, c, decay, self._right(of, D, c, decay)) for c, decay in choices]
        return max(fits, key=lambda fit: sum(fit.right.values()), default=Fit(loss, 1.0, 0.0, dict.fromkeys(D, False)))

    def _choices(self, of: Vectors, D: Vectors) -> Iterator[tuple[float, float]]:
        """Yield factors and decays: of all tensors together, and of each alone, since some may be wrong."""
        joint = tuple(np.concatenate([vectors[name] for name in D]) for vectors in (of, D, self.weights))
        alone = [(of[name], D[name], self.weights[name]) for name in reversed(list(D))]
        for g, d, w in (joint, *alone):
            norm = float(d @ d)
            if norm > 0 and np.isfinite(d).all() and np.isfinite(g).all():
                if abs(d @ g) > LEAST * norm:
                    yield float(d @ g) / norm, 0.0
                if w.any():
                    (c, decay), *_ = np.linalg.lstsq(np.stack([d, w], 1), g, rcond=None)
                    if abs(c) > LEAST and decay * c > 0:  # a negative decay is none
                        yield float(c), float(decay)

    def _right(self, of: Vectors, D: Vectors, c: float, decay: float) -> dict[str, bool]:
        return {name: self.is_small(of[name] - c * D[name] - decay * self.weights[name], D[name], D, c) for name in D}

    def is_small(self, off: np.ndarray, expected: np.ndarray, every: Vectors, factor: float = 1.0) -> bool:
        """Return whether an error is rounding and the truncation of the differences; of a constant nothing is known."""
        most = max(float(np.abs(vector).max(initial=0)) for vector in every.values())
        allowed = self.alike * (float(np.abs(expected).max(initial=0)) + 1e-2 * most) * max(abs(factor), 1e-300)
        return most > 0 and bool(np.abs(off).max(initial=0) <= allowed)

    def ratio(self, name: str, loss: str) -> float | None:
        """Return the factor by which one tensor is off; None if it is not a factor."""
        d, g = self.by_loss[loss][name], self.gradients[name]
        norm = float(d @ d)
        if norm == 0 or not np.isfinite(g).all():
            return None
        ratio = float(d @ g) / norm
        return ratio if self.is_small(g - ratio * d, d, self.by_loss[loss], max(1.0, abs(ratio))) else None


def derivatives(
    program: Program, arrays: Arrays, batch: Batch, form: Form, *, seed: int = 1, most: int = ENTRIES
) -> Derivatives:
    """Shift every parameter, and read the losses; any exception of the file is passed on."""
    run = total(program, arrays, batch, form, backward=True)
    _check_repeats(run, total(program, arrays, batch, form, backward=True))
    single = run.outputs is not None and run.outputs.dtype.itemsize < 8
    step, alike = (SINGLE_STEP, SINGLE_ALIKE) if single else (STEP, ALIKE)
    losses = [OWN] if run.loss is not None else []
    if run.outputs is not None:
        losses += [name for name in FAMILY if np.isfinite(_family(name, run.outputs, batch))]
    found: dict[str, Vectors] = {loss: {} for loss in losses}
    gradients, weights, shapes, missing = {}, {}, {}, []
    biases = program.layout.biases
    most = min(most, MANY // sum(array.size for array in arrays.values()) + 4)
    generator = np.random.default_rng(seed)
    is_exact = not single
    for name, array in arrays.items():
        probes = _probes(array, generator, most)
        slopes = _Slopes(program, arrays, name, batch, form, losses)
        takes_complex = not single and slopes.take_complex(probes[-1], step)
        is_exact &= takes_complex
        rows = [slopes.complex_step(probe) if takes_complex else slopes.central(probe, step) for probe in probes]
        table = np.array(rows).reshape(len(probes), len(losses))
        for i, loss in enumerate(losses):
            found[loss][name] = table[:, i]
        g = run.gradients.get(name)
        if g is None:
            missing.append(name)
        fitted = np.zeros_like(array) if g is None else as_shaped(g, array.shape)
        if g is not None and np.shape(g) != array.shape:
            shapes[name] = np.shape(g)
        gradients[name] = np.array([np.nan if fitted is None else float((fitted * probe).sum()) for probe in probes])
        weights[name] = np.array([0.0 if name in biases else float((array * probe).sum()) for probe in probes])
    return Derivatives(arrays, batch, run, found, gradients, weights, shapes, missing, alike, is_exact)


def as_shaped(gradient: Any, shape: tuple[int, ...]) -> np.ndarray | None:
    """Return a gradient in the shape of its parameter; None if no layout makes it fit."""
    g = np.asarray(gradient, dtype=float)
    if g.shape == shape:
        return g
    if g.ndim == 2 and g.shape == shape[::-1] and 1 not in shape:
        return g.T
    if g.size == 1:
        return np.full(shape, g.reshape(-1)[0])
    if g.size == int(np.prod(shape)) and max(g.shape, default=1) == max(shape, default=1):
        return g.reshape(shape)
    return None


def total(program: Program, arrays: Arrays, batch: Batch, form: Form, *, backward: bool) -> Run:
    """Run a batch; one example at a time, losses and gradients are summed."""
    runs = []
    for part in form.parts(batch):
        fix_chance(program)
        runs.append(program.run(arrays, part, form, backward=backward))
    if len(runs) == 1:
        return runs[0]
    known = all(run.loss is not None for run in runs)
    outputs = [run.outputs for run in runs if run.outputs is not None]
    names = [name for name in arrays if all(name in run.gradients for run in runs)]
    return Run(
        np.concatenate(outputs) if len(outputs) == len(runs) else None,
        sum(run.loss or 0.0 for run in runs) if known else None,
        {name: sum(np.asarray(run.gradients[name], float) for run in runs) for name in names},
        runs[0].after,
        runs[0].rate,
    )


def fix_chance(program: Program) -> None:
    """Start all random numbers of a file again, so that dropout leaves out the same units for every shift."""
    np.random.seed(SEED)  # noqa: NPY002 - what people use
    random.seed(SEED)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(SEED)
    for value in getattr(getattr(program, "source", None), "namespace", {}).values():
        if isinstance(value, np.random.Generator):
            value.bit_generator.state = np.random.default_rng(SEED).bit_generator.state
        elif isinstance(value, np.random.RandomState):
            value.seed(SEED)


def _check_repeats(run: Run, again: Run) -> None:
    """Raise UnreadableError if two runs with the same parameters differ."""
    one, other = (
        np.array([value.loss or 0.0, *np.ravel(value.outputs if value.outputs is not None else 0.0)])
        for value in (run, again)
    )
    if not np.allclose(one, other, rtol=1e-9, atol=1e-12, equal_nan=True):
        raise UnreadableError("two runs with the same parameters differ; random numbers must come from a seed")


@dataclass
class _Slopes:
    """The derivatives of the losses along directions of one parameter."""

    program: Program
    arrays: Arrays
    name: str
    batch: Batch
    form: Form
    losses: list[str]

    def _losses(self, shift: np.ndarray) -> np.ndarray:
        shifted = {**self.arrays, self.name: self.arrays[self.name] + shift}
        run = total(self.program, shifted, self.batch, self.form, backward=False)
        values = []
        for loss in self.losses:
            known = run.loss if loss == OWN else run.outputs
            if known is not None and loss != OWN:
                known = _family(loss, run.outputs, self.batch)
            values.append(float("nan") if known is None else known)
        return np.array(values)

    def central(self, probe: np.ndarray, step: float) -> np.ndarray:
        """Return central differences."""
        return np.asarray((self._losses(step * probe) - self._losses(-step * probe)) / (2 * step))

    def complex_step(self, probe: np.ndarray) -> np.ndarray:
        """Return the imaginary parts after a complex step; any exception, also of a cast to real numbers, passes."""
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            return np.asarray(self._losses(COMPLEX_STEP * 1j * probe).imag / COMPLEX_STEP)

    def take_complex(self, probe: np.ndarray, step: float) -> bool:
        """Return whether complex steps give what central differences give: a file may cast, or take an absolute."""
        try:
            found = self.complex_step(probe)
        except Exception:  # noqa: BLE001 - a stranger's code
            return False
        expected = self.central(probe, step)
        return bool(np.allclose(found, expected, rtol=ALIKE, atol=ALIKE * 1e-2, equal_nan=True))


def _family(loss: str, outputs: Any, batch: Batch) -> Any:
    with np.errstate(all="ignore"):
        return FAMILY[loss](np.asarray(outputs), batch.targets)


def _probes(array: np.ndarray, generator: np.random.Generator, most: int) -> list[np.ndarray]:
    """Return directions in which a tensor is shifted: entries, then random ones of length 1."""
    chosen = np.arange(array.size) if array.size <= most else generator.choice(array.size, most, replace=False)
    probes = []
    for index in chosen:
        probe = np.zeros(array.size)
        probe[index] = 1
        probes.append(probe.reshape(array.shape))
    for _ in range(DIRECTIONS):
        probe = np.asarray(generator.standard_normal(array.shape))
        probes.append(probe / np.linalg.norm(probe))
    return probes
