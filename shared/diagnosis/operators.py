"""Judge convolutions and pools by themselves: what is wrong with their gradients, and on which line."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from shared.diagnosis.diagnose import Diagnosis
from shared.diagnosis.operator_lines import culprit
from shared.diagnosis.predicted import ALIKE, WRITTEN, Canonical, mistakes
from shared.reading.derivatives import OWN, as_shaped
from shared.reading.trials import Trial

EQUATIONS: Final = ("(5)", "(6)", "(7)")
"""of the gradients of the input, of the kernels and of the biases"""
FACTOR: Final = r"mean|average|/|\* ?\d|\d\.? ?\*"
"""What a line with a factor holds."""
STRANGE: Final = "none of its gradients is a derivative of its forward pass; was it called as it is meant?"
UNNAMED_OPERATOR: Final = "the gradients are not the derivatives of your own forward pass"


@dataclass
class OperatorFacts:
    """The convolutions and pools of a file, measured."""

    trials: list[list[Trial]]
    """for each its trials; the first is of its usual setting"""
    text: str
    why: str = ""
    """why the file was not read as a whole network"""
    failures: list[str] = field(default_factory=list)
    """why others do not go back"""
    found: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.found = [word for trials in self.trials for word in trials[0].words]

    def words(self) -> str:
        """Return how they were called."""
        styles = dict.fromkeys((trial.style, trial.is_pool) for trials in self.trials for trial in trials[:1])
        texts = [f"W ({', '.join(style.w)})" for style, is_pool in styles if not is_pool]
        inputs = dict.fromkeys(f"x ({', '.join(style.x)})" for style, _ in styles)
        return f"each by itself, {', '.join([*inputs, *texts])}"


def is_rare(trial: Trial, trials: Sequence[Trial]) -> bool:
    """Return whether a setting is one that a file need not be written for, beside the usual one.

    Many a right solution cuts the padding off with [pad:-pad], which leaves nothing where there is none.
    """
    usual = trials[0].setting
    overlaps = trial.setting.is_pool and trial.setting.size > trial.setting.stride
    return overlaps or (not trial.is_pool and trial.setting.pad < usual.pad)


def wrong_trials(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials that show a mistake."""
    return [trial for trial in trials if trial.wrong and not is_rare(trial, trials) and not is_mean(trial)]


def is_mean(trial: Trial) -> bool:
    """Return whether the gradients of all parameters are means over the examples, and what goes back is right.

    Without the network it cannot be told whether that is its 1/n, or one too many.
    """
    d = trial.derivatives
    x, *parameters = d.arrays
    n = _examples(trial)
    ratios = [d.ratio(name, OWN) for name in parameters if name in trial.returned]
    return n > 1 and bool(ratios) and x not in trial.wrong and all(r and abs(r * n - 1) < ALIKE for r in ratios)


def _not_means(trial: Trial) -> list[str]:
    """Return the wrong tensors, without means over the examples where others are wrong in other ways."""
    n = _examples(trial)
    ratios = {name: trial.derivatives.ratio(name, OWN) for name in trial.wrong}
    return [name for name, ratio in ratios.items() if n == 1 or not ratio or abs(ratio * n - 1) > ALIKE] or trial.wrong


def _examples(trial: Trial) -> int:
    """Return the number of examples."""
    sizes = next(iter(trial.derivatives.arrays.values())).shape
    return int(sizes[0]) if trial.style.x[0] == "N" else 1


def is_unexplained(trials: Sequence[Trial], found: Diagnosis | None) -> bool:
    """Return whether none of several gradients is right, and nothing says why: it may have been called wrongly."""
    wrong = wrong_trials(trials)
    is_all = bool(wrong) and len(wrong[0].wrong) == len(wrong[0].returned) > 1
    return is_all and found is not None and UNNAMED_OPERATOR in found.name


def hazards(trials: Sequence[Trial]) -> list[str]:
    """Return what is no mistake in the usual setting, and may go wrong."""
    found = [
        f"{trial.name}: with {trial.setting.words()}, {_measured(trial)}; not a mistake with "
        f"{trials[0].setting.words()}"
        for trial in trials
        if trial.wrong and is_rare(trial, trials) and not wrong_trials(trials) and not is_mean(trial)
    ]
    found += [f"{trials[0].name}: with {setting} it raises {why}" for setting, why in trials[0].raised.items()]
    if not trials[0].shares_ties and not trials[0].wrong and trials[0].setting.mode == "max":
        found.append(
            f"{trials[0].name}: each of several equal maxima gets the whole gradient; not a mistake where values differ"
        )
    return found


def diagnosis_of(trials: Sequence[Trial], text: str) -> Diagnosis | None:
    """Return what is wrong with an operator; None if nothing is."""
    for trial in wrong_trials(trials):
        found = [_diagnosis(trial, name, text) for name in _not_means(trial)]
        first, *others = found
        if not others:
            return first
        lines = tuple(dict.fromkeys(line for each in found for line in each.lines))
        names = "; and ".join(dict.fromkeys(each.name for each in found))
        return Diagnosis(
            names, "; ".join(dict.fromkeys(each.description for each in found)),
            "; ".join(dict.fromkeys(each.remedy for each in found)),
            " and ".join(dict.fromkeys(each.equation for each in found)), first.measured, lines,
        )  # fmt: skip
    return None


def _diagnosis(trial: Trial, name: str, text: str) -> Diagnosis:
    """Return what is wrong with one gradient."""
    role = _role(trial, name)
    equation, measured = EQUATIONS[role], f"{trial.name} with {trial.setting.words()}: {_measured(trial)}"
    given = trial.derivatives.run.gradients[name]
    shape, expected = np.shape(given), trial.derivatives.arrays[name].shape
    gradient = as_shaped(given, expected)
    if role == 2 and (gradient is None or (np.size(given) == 1 < int(np.prod(expected)))):
        return Diagnosis(*_of_bias(trial, shape, expected), equation, measured, culprit(text, trial, name, WRITTEN))
    if gradient is None:
        p = trial.setting.pad
        padded = tuple(n + 2 * p if axis in "HW" else n for axis, n in zip(trial.style.x, expected, strict=True))
        if role == 0 and p and shape == padded:
            return Diagnosis(
                "padding not cut off the input gradient",
                f"the gradient of the input still has its rim of zeros: {shape}, and {name} has {expected}",
                "dx = dx_padded[..., pad:pad + H, pad:pad + W]", equation, measured,
            )  # fmt: skip
        return Diagnosis(
            "a wrong shape", f"the gradient of {name} has the shape {shape}, and {name} has {expected}",
            "the shape of a gradient is that of its tensor", equation, measured,
        )  # fmt: skip
    for mistake in _met(trial, name, gradient):
        description = f"in {trial.name}, {mistake.description}"
        return Diagnosis(
            mistake.name, description, mistake.remedy, equation, measured, culprit(text, trial, name, mistake.where)
        )
    if (ratio := trial.derivatives.ratio(name, OWN)) is not None:
        what = _ratio(trial, ratio)
        is_sign, is_mean = abs(ratio + 1) < ALIKE, "1 / the number of" in what
        named = "wrong sign" if is_sign else "a mean in place of a sum" if is_mean else "a stray factor"
        return Diagnosis(
            named, f"the gradient of {name} is {what} what it should be",
            "compare its line with those of the right gradients", equation, measured,
            tuple(line for line in culprit(text, trial, name, WRITTEN) if re.search(FACTOR, line[1])),
        )  # fmt: skip
    right = [each for each in trial.returned if each not in trial.wrong]
    description = f"{trial.name}: the gradient of {name} is wrong" + (f", of {', '.join(right)} right" if right else "")
    remedy = "write down which entries of the output an entry takes part in, and add up what comes back from each"
    return Diagnosis(UNNAMED_OPERATOR, description, remedy, equation, measured)


def _met(trial: Trial, name: str, gradient: np.ndarray) -> Iterator[Any]:
    """Yield the mistake whose prediction is the gradient, if it is the only one."""
    c = Canonical(trial)
    if name not in (c.x_name, c.w_name):
        return
    found = c.ordered(gradient, *c.axes_of(name))
    met = [mistake for mistake in mistakes(c, name) if _alike(mistake.gradient, found)]
    if len({mistake.name for mistake in met}) == 1:
        yield met[0]


def _alike(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and float(np.abs(one - other).max()) <= ALIKE * float(np.abs(other).max())


def _role(trial: Trial, name: str) -> int:
    """Return 0 for the input, 1 for the kernels and 2 for the biases."""
    c = Canonical(trial)
    return 0 if name == c.x_name else 1 if name == c.w_name else 2


def _of_bias(trial: Trial, shape: tuple[int, ...], expected: tuple[int, ...]) -> tuple[str, str, str]:
    """Return name, description and remedy of a bias gradient that does not have the shape of the biases."""
    axes = trial.style.out
    over = tuple(i for i, axis in enumerate(axes) if axis != "F")
    remedy = f"sum over all axes but that of the filters: np.sum(dout, axis={over})"
    if int(np.prod(shape)) == 1:
        return "bias gradient is one number", "it is summed over the filters, too, which have a bias each", remedy
    left = [axis for axis, size in zip(axes, trial.out.shape, strict=True) if size in shape and axis != "F"]
    what = {"N": "examples", "H": "rows", "W": "columns"}
    of = " and ".join(what[axis] for axis in left if axis in what) or "all axes"
    description = f"it is not summed over the {of}: it has the shape {shape}, and the biases have {expected}"
    return "bias gradient summed over the wrong axes", description, remedy


def _ratio(trial: Trial, ratio: float) -> str:
    """Return a factor, and what it may come from."""
    sizes = dict(zip(trial.style.out, trial.out.shape, strict=True))
    n, places = sizes.get("N", 1), sizes["H"] * sizes["W"]
    window = trial.setting.size**2
    known = {
        "the number of examples": n,
        "the number of places": places,
        "the number of examples and places": n * places,
    }
    known |= {"the size of the window": window} if trial.is_pool else {}
    for what, value in known.items():
        for name, factor in ((what, value), (f"1 / {what}", 1 / value)):
            if value > 1 and abs(ratio / factor - 1) < ALIKE:
                return f"{ratio:.4g} times ({name}, {value})"
    return f"{ratio:.4g} times"


def _measured(trial: Trial) -> str:
    """Return which gradients are right, and by what the others are off."""
    d, parts = trial.derivatives, []
    for name in trial.wrong:
        shape, expected = np.shape(d.run.gradients[name]), d.arrays[name].shape
        off = d.gradients[name] - d.by_loss[OWN][name]
        if np.isnan(off).any():
            parts.append(f"the gradient of {name} has the shape {shape} instead of {expected}")
        elif (ratio := d.ratio(name, OWN)) is not None:
            parts.append(f"the gradient of {name} is {_ratio(trial, ratio)} what it should be")
        else:
            error = float(np.linalg.norm(off) / max(float(np.linalg.norm(d.by_loss[OWN][name])), 1e-300))
            parts.append(f"the gradient of {name} is off by {error:.1e}")
    right = [name for name in trial.returned if name not in trial.wrong]
    return "; ".join(parts + ([f"of {', '.join(right)} right"] if right else []))
