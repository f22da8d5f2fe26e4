"""What is wrong with the answer to an exercise: the mistake that gives the same numbers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from shared.diagnosis.answers import Answer
from shared.diagnosis.diagnose import OVER_THE_UNITS, RAISES, SHAPE, UNKNOWN, Diagnosis
from shared.diagnosis.exercises import BLANK, Exercise, ask, expected, line_of
from shared.diagnosis.mistakes import MISTAKES, behaviour
from shared.diagnosis.parts import sigmoid, slope
from shared.diagnosis.words import in_words, line_at

CLOSE: Final = 1e-5
"""Relative to the largest value: float32 is right, and no mistake is as small."""
TO_FILL: Final = "the line is still to be written"


@dataclass(frozen=True)
class Miss:
    """A mistake in one equation: its name in the catalogue, or a name with words of its own, and how it computes."""

    name: str
    computes: Callable[..., Any]
    description: str = ""
    remedy: str = ""


MISSES: Final[dict[int, tuple[Miss, ...]]] = {
    1: (
        Miss("bias missing", lambda a, W, b: a @ W.T),
        Miss("W transposed", lambda a, W, b: a @ W + b),
        Miss("bias subtracted", lambda a, W, b: a @ W.T - b, "the bias is subtracted", "z_l = a_{l-1} W_l^T + b_l"),
        Miss("activation too early", lambda a, W, b: sigmoid(a @ W.T + b), "this is a_l already, f(z_l)",
             "z_l is the sum before the activation"),
    ),
    2: (
        Miss("hidden activation missing", lambda z: z),
        Miss("activation applied twice", lambda z: sigmoid(sigmoid(z))),
        Miss("wrong sign in the exponent", lambda z: 1 / (1 + np.exp(z)), "the output falls where z grows",
             "1 / (1 + exp(-z)): it is near 1 for large z"),
        Miss("slope in place of the activation", slope, "this is f'(z), not f(z)", "f(z) = 1 / (1 + exp(-z))"),
        Miss("another activation", np.tanh, "this is tanh", "f(z) = 1 / (1 + exp(-z))"),
        Miss("another activation", lambda z: np.maximum(z, 0), "this is relu", "f(z) = 1 / (1 + exp(-z))"),
    ),
    3: (
        Miss("factor 2", lambda a, y: np.sum((a - y) ** 2) / len(a), "the 1/2 is missing", "1/n sum 1/2 |a_L - y|^2"),
        Miss("missing 1/n", lambda a, y: np.sum((a - y) ** 2) / 2, "the cost is that of the sum over the batch",
             "divide by the number of examples"),
        Miss("mean over the outputs", lambda a, y: np.mean((a - y) ** 2) / 2),
        Miss("mean squared error of a framework", lambda a, y: np.mean((a - y) ** 2)),
        Miss("one number for each example", lambda a, y: np.sum((a - y) ** 2, axis=1) / 2,
             "the examples are not averaged", "C is one number: the mean over the batch"),
        Miss("square missing", lambda a, y: np.sum(a - y) / (2 * len(a)), "the differences are not squared",
             "1/n sum 1/2 |a_L - y|^2"),
    ),
    4: (
        Miss("f' missing at the output", lambda z, a, y: (a - y) / len(a)),
        Miss("missing 1/n", lambda z, a, y: (a - y) * slope(z)),
        Miss("wrong sign", lambda z, a, y: (y - a) * slope(z) / len(a)),
        Miss("f'(a) instead of f'(z)", lambda z, a, y: (a - y) * slope(a) / len(a)),
        Miss("1/n twice", lambda z, a, y: (a - y) * slope(z) / len(a) ** 2),
        Miss("factor 2", lambda z, a, y: 2 * (a - y) * slope(z) / len(a)),
        Miss("mean over the outputs", lambda z, a, y: (a - y) * slope(z) / a.size),
        Miss("f in place of f'", lambda z, a, y: (a - y) * a / len(a), "the factor is f(z_L), not f'(z_L)",
             "f'(z) = f(z) (1 - f(z))"),
    ),
    5: (
        Miss("f' missing in a hidden layer", lambda d, W, z: d @ W),
        Miss("f'(a) instead of f'(z)", lambda d, W, z: (d @ W) * slope(sigmoid(z))),
        Miss("W transposed", lambda d, W, z: (d @ W.T) * slope(z)),
        Miss("1/n twice below the last layer", lambda d, W, z: (d @ W) * slope(z) / len(d)),
        Miss("f in place of f'", lambda d, W, z: (d @ W) * sigmoid(z), "the factor is f(z_l), not f'(z_l)",
             "f'(z) = f(z) (1 - f(z))"),
        Miss("f'(z) as a (1 - a) of z", lambda d, W, z: (d @ W) * z * (1 - z),
             "the slope is taken as z (1 - z)", "f'(z) = a (1 - a) with a = f(z)"),
        Miss("wrong sign", lambda d, W, z: -(d @ W) * slope(z), "d_l has the opposite sign",
             "d_l = (d_{l+1} W_{l+1}) * f'(z_l)"),
    ),
    6: (
        Miss("W transposed", lambda d, a: a.T @ d),
        Miss("1/n twice", lambda d, a: d.T @ a / len(d)),
        Miss("only the first example is used", lambda d, a: np.outer(d[0], a[0])),
        Miss("only the last example is used", lambda d, a: np.outer(d[-1], a[-1])),
    ),
    7: (
        Miss("bias gradient is a mean", lambda d: d.mean(axis=0)),
        Miss("bias gradient is one number", lambda d: d.sum()),
        Miss("bias gradient is one number", lambda d: d.mean()),
        Miss(OVER_THE_UNITS, lambda d: d.sum(axis=1), "the sum is over the units instead of the examples",
             "sum over the batch, axis 0 of (n, n_out): db has one number for each unit"),
        Miss("bias gradient not summed", lambda d: d, "the bias gradients are not summed over the examples",
             "sum over the batch, axis 0 of (n, n_out)"),
        Miss("bias gradient of one example", lambda d: d[0]),
        Miss("bias gradient of one example", lambda d: d[-1]),
        Miss("bias gradient missing", lambda d: np.zeros(d.shape[1])),
    ),
    8: (
        Miss("learning rate missing", lambda theta, g, eta: theta - g),
        Miss("update with the wrong sign", lambda theta, g, eta: theta + eta * g),
        Miss("learning rate applied twice", lambda theta, g, eta: theta - eta * eta * g),
        Miss("parameters not updated", lambda theta, g, eta: theta),
        Miss("only the change", lambda theta, g, eta: eta * g, "this is what is subtracted, eta g",
             "return the new parameter, theta - eta g"),
        Miss("only the change", lambda theta, g, eta: -eta * g, "this is the change alone, -eta g",
             "return the new parameter, theta - eta g"),
    ),
}  # fmt: skip
"""number of the exercise -> mistakes in its equation"""


@dataclass(frozen=True)
class FirstWrong:
    """The first value that is wrong: where, what it should be and what it is."""

    where: str
    expected: float
    yours: float


@dataclass(frozen=True)
class Filled:
    """The verdict on an exercise."""

    exercise: Exercise
    diagnosis: Diagnosis | None
    """None if it is right"""
    first_wrong: FirstWrong | None = None

    @property
    def right(self) -> bool:
        """Whether the equation is right."""
        return self.diagnosis is None


def judge(exercise: Exercise, answers: list[Answer], lines: list[str]) -> Filled:
    """Return the verdict on what a function answered; `lines` are those of its file, [] without one."""
    right = expected(exercise)
    at = line_of(exercise, lines)

    def wrong(name: str, description: str, remedy: str, measured: str = "", where: Any = at) -> Diagnosis:
        return Diagnosis(name, description, remedy, exercise.equation, measured, where)

    if any(a.trouble and BLANK in a.trouble.message for a in answers):
        return Filled(exercise, wrong(TO_FILL, BLANK, f"{exercise.formula}, in `{exercise.function}`"))
    if any(answer.modified for answer in answers):
        mistake = MISTAKES[behaviour.MODIFIED]
        return Filled(exercise, wrong(mistake.name, mistake.description, mistake.remedy))
    if all(map(_agree, answers, right)):
        return Filled(exercise, None)
    first = _first_wrong(answers, right)
    if miss := _nearest(exercise, answers):
        known = MISTAKES.get(miss.name)
        description = miss.description or (known.description if known else "")
        return Filled(exercise, wrong(miss.name, description, miss.remedy or (known.remedy if known else "")), first)
    if trouble := next((a.trouble for a in answers if a.trouble), None):
        found = line_at(lines, trouble.line) or at
        remedy = f"{exercise.formula}; the docstring of `{exercise.function}` has the shapes"
        return Filled(exercise, wrong(RAISES, trouble.message, remedy, "", found), first)
    for answer, expect in zip(answers, right, strict=True):
        for name, tensor in expect.outputs.items():
            got = answer.outputs.get(name)
            if got is None or got.shape != tensor.shape:
                shape = "missing" if got is None else f"of shape {got.shape}"
                text = f"{name} is {shape}, expected {tensor.shape}"
                return Filled(exercise, wrong(SHAPE, text, "print the shapes: the docstring says what they are"), first)
    return Filled(
        exercise, wrong(UNKNOWN, "the values are not those of the equation", exercise.formula, _factor(answers, right)),
        first,
    )  # fmt: skip


def _agree(answer: Answer, other: Answer) -> bool:
    """Return whether two answers are the same, or both are an exception."""
    if answer.trouble or other.trouble:
        return bool(answer.trouble and other.trouble)
    return answer.outputs.keys() == other.outputs.keys() and all(
        answer.outputs[name].shape == tensor.shape
        and np.allclose(answer.outputs[name], tensor, rtol=0, atol=CLOSE * max(1e-300, float(abs(tensor).max())))
        for name, tensor in other.outputs.items()
    )


def _nearest(exercise: Exercise, answers: list[Answer]) -> Miss | None:
    """Return the mistake that gives these answers; None if there is none."""
    if all(answer.trouble for answer in answers):
        return None
    return next(
        (m for m in MISSES.get(exercise.number, ()) if all(map(_agree, answers, ask(m.computes, exercise)))), None
    )


def _first_wrong(answers: list[Answer], right: list[Answer]) -> FirstWrong | None:
    """Return the first value that differs, of the first call whose shapes are right."""
    for answer, expect in zip(answers, right, strict=True):
        for name, tensor in expect.outputs.items():
            got = answer.outputs.get(name)
            if answer.trouble or got is None or got.shape != tensor.shape:
                continue
            off = np.argwhere(~(abs(got - tensor) <= CLOSE * abs(tensor).max()))
            if len(off):
                index = tuple(int(i) for i in off[0])
                where = f"{name}{list(index)}" if index else name
                return FirstWrong(where, float(tensor[index]), float(got[index]))
    return None


def _factor(answers: list[Answer], right: list[Answer]) -> str:
    """Return the factor by which the first answer is off; "" if it is not one."""
    (got, tensor) = (next(iter(each[0].outputs.values())) for each in (answers, right))
    factor = float(np.vdot(got, tensor) / np.vdot(tensor, tensor))
    is_factor = bool(np.allclose(got, factor * tensor, atol=CLOSE * float(abs(tensor).max())))
    return f"every value is {in_words(factor, 7)} what it should be" if is_factor else ""
