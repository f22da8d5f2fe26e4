"""The verdict on a person's own network: first by its own loss, then by name."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from shared.diagnosis.diagnose import SHAPE, Diagnosis
from shared.diagnosis.facts import Facts, known_names
from shared.diagnosis.mistakes import MISTAKES
from shared.diagnosis.network_of import TURNED, WRONG_SLOPES, activations, has_top_delta, mistakes, wrong_slope
from shared.diagnosis.words import Lines
from shared.layers import SOFTMAX
from shared.reading.derivatives import FAMILY, OWN, Fit, as_shaped
from shared.reading.names import gradient_of, is_bias
from shared.reading.program import RATE

UNNAMED: Final = (
    "the gradients are not the derivatives of any usual loss",
    "the gradients are not the derivatives of your own loss",
)
"""without, and with a loss of its own"""
STRAY: Final = "a stray factor"
TWICE: Final = "softmax applied twice"
SOFTMAX_AGAIN: Final = "cross_entropy of softmax"
ALIKE: Final = 1e-4
RATE_ALIKE: Final = 0.02
"""Relative error of a factor that is taken from a tiny step."""
MOST_LINES: Final = 2
MASK: Final = r"\[[^\]]*[<>]=? ?0\] ?= ?0|\* ?\(\w+ ?[<>]=? ?0\)"
"""A line with the mask of a ReLU."""
EVERYWHERE: Final = ""
"""In place of a part: all lines of the file."""


@dataclass
class OwnVerdict:
    """What is said of a file."""

    right: bool
    headline: str
    facts: Facts
    diagnosis: Diagnosis | None = None
    conventions: list[str] = field(default_factory=list)
    hazards: list[str] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)
    network: str = ""
    """784-30tanh-10sigmoid, where it is one of ours"""


@dataclass
class _Case:
    """The facts, and what follows from them."""

    facts: Facts
    fit: Fit
    """of the gradients with the loss by which they are judged"""
    own: Fit | None
    """of the file's own loss with one of the family"""
    lines: list[str]

    @property
    def has_loss(self) -> bool:
        """Whether the file has a loss of its own."""
        return OWN in self.facts.derivatives.by_loss

    @property
    def n(self) -> int:
        """The number of examples over which a mean is taken."""
        return 1 if self.facts.form.is_single else len(self.facts.derivatives.batch.y)

    @property
    def n_out(self) -> int:
        """The number of outputs."""
        return self.facts.derivatives.batch.n_out


def judge(facts: Facts) -> OwnVerdict:
    """Return the verdict on a file."""
    d = facts.derivatives
    own = next((fit for loss in FAMILY if loss in d.by_loss and (fit := _of_own(facts, loss)) is not None), None)
    fit = d.fit(d.gradients, OWN, factor=1.0) if OWN in d.by_loss else _best(facts)
    case = _Case(facts, fit, own, facts.text.splitlines())
    diagnosis = _diagnosis(case)
    verdict = OwnVerdict(diagnosis is None, _headline(case, diagnosis), facts, diagnosis, network=_network(case))
    verdict.conventions = _conventions(case)
    verdict.hazards = _hazards(case)
    if not facts.after:
        verdict.not_checked = ["updates (the file has no training step that could be called)"]
    if diagnosis is None and verdict.not_checked:
        verdict.headline += "; updates not checked"
    return verdict


def _of_own(facts: Facts, loss: str) -> Fit | None:
    """Return the factor and decay with which the file's loss is one of the family; None if it is not."""
    d = facts.derivatives
    if OWN not in d.by_loss:
        return None
    fit = d.fit(d.by_loss[OWN], loss)
    return fit if fit.is_right else None


def _best(facts: Facts) -> Fit:
    """Return the loss of the family of which most gradients are the derivatives; a likely one where that is open."""
    d = facts.derivatives
    losses = [loss for loss in FAMILY if loss in d.by_loss]
    fits = {loss: d.fit(d.gradients, loss) for loss in losses}
    likely = _likely(facts)
    order = [loss for loss in (*likely, *losses) if loss in fits]
    if not order:
        return Fit("", 1.0, 0.0, dict.fromkeys(d.arrays, False))
    last = facts.layout.layers[-1]

    def rank(loss: str) -> tuple[int, bool, bool, int]:
        fit = fits[loss]
        top = all(fit.right[name] for name in last if name is not None)
        return sum(fit.right.values()) * fit.is_right, top, any(fit.right.values()), -order.index(loss)

    return fits[max(order, key=rank)]


def _likely(facts: Facts) -> Sequence[str]:
    """Return the losses that go with the outputs."""
    outputs = facts.derivatives.run.outputs
    if outputs is not None and outputs.shape[1] > 1 and np.allclose(outputs.sum(axis=1), 1, atol=1e-6):
        return ("cross_entropy", "quadratic")
    return ("quadratic", "binary_cross_entropy")


# ---- Right, or what is wrong ---------------------------------------------------------------------------


def _diagnosis(case: _Case) -> Diagnosis | None:
    facts, d = case.facts, case.facts.derivatives
    by = case.own.loss if case.own else case.fit.loss
    if by == SOFTMAX_AGAIN and _is_probability(facts):
        return _softmax_twice(case)
    if (shape := _shape(case)) is not None:
        return shape
    if case.fit.is_right and case.fit.factor > 0:
        return _accumulates(case) or _update(case)
    if case.fit.is_right:
        what = "the step goes uphill" if facts.derivatives.run.after else "the gradients have the opposite sign"
        return Diagnosis(
            "wrong sign", f"{what}: they are {case.fit.factor:.4g} times the derivatives",
            "d_L starts with a_L - y, and a step subtracts: theta <- theta - eta g", "(4) or (8)",
            lines=_lines(case, r"\+=", "backward", "train") if facts.derivatives.run.after else (),
        )  # fmt: skip
    if (rate := _rate_in_gradients(case)) is not None:
        return rate
    if _is_weight_decay(case):
        return _update(case)
    if case.has_loss and (common := _common(case)) is not None:
        return _by_a_factor(case, common)
    wrong = [name for name, right in case.fit.right.items() if not right]
    biases = [name for _, name in facts.layout.layers if name is not None]
    if (
        d.run.after
        and wrong == [name for name in d.arrays if name in biases]
        and not any(d.gradients[b].any() for b in biases)
    ):
        return _still(case, wrong)
    return _by_rule(case) or _named(case) or _by_slope(case) or _unnamed(case)


def _is_weight_decay(case: _Case) -> bool:
    """Return whether the gradients hold lambda W and the loss, which has no L2, is not meant to: a weight decay."""
    added = _added_decay(case)
    return added is not None and added > 0 and case.own is not None and case.own.decay == 0


def _rate_in_gradients(case: _Case) -> Diagnosis | None:
    """Return that the learning rate is within the gradients: they are as many times too small."""
    d = case.facts.derivatives
    if not case.has_loss:
        return None
    rate = d.run.rate if d.run.after else RATE
    ratios = [d.ratio(name, OWN) for name in d.arrays]
    if rate == 1 or any(ratio is None or abs(ratio / rate - 1) > RATE_ALIKE for ratio in ratios):
        return None
    if d.run.after:
        return Diagnosis(
            "learning rate applied twice", "the step holds the square of the learning rate: it is within the gradients "
            "and in the update again", "theta <- theta - eta g: multiply once", "(8)",
        )  # fmt: skip
    return Diagnosis(
        "learning rate inside the gradient", f"the gradients are multiplied by the learning rate, here {rate:g}",
        "multiply by it once, in the update", "(6) and (8)",
    )  # fmt: skip


def _accumulates(case: _Case) -> Diagnosis | None:
    """Return that the gradients of torch are never set to zero, which shows only in the file's text."""
    text = case.facts.text
    if (
        "torch" not in text
        or not re.search(r"\.backward\(", text)
        or re.search(r"zero_grad|\.grad\b.*(zero_|None|= ?0)", text)
    ):
        return None
    mistake = MISTAKES["gradients accumulated"]
    return Diagnosis(
        mistake.name, "backward() adds to the gradients of the step before: the file never sets them to zero",
        mistake.remedy, mistake.equation, lines=_lines(case, r"\.backward\(", EVERYWHERE),
    )  # fmt: skip


def _is_probability(facts: Facts) -> bool:
    outputs = facts.derivatives.run.outputs
    return outputs is not None and outputs.shape[1] > 1 and bool(np.allclose(outputs.sum(axis=1), 1, atol=1e-6))


def _softmax_twice(case: _Case) -> Diagnosis:
    is_right = case.fit.is_right
    also = "" if is_right else "; and the gradients are not its derivatives"
    return Diagnosis(
        TWICE, f"the outputs are a softmax already, and the loss takes the softmax of them again{also}",
        "give the loss z_L, or leave the softmax out of the loss", "(3)",
        lines=_lines(case, r"softmax", "loss") or _lines(case, r"softmax", "forward"),
    )  # fmt: skip


def _shape(case: _Case) -> Diagnosis | None:
    """Return what the shapes of gradients show: one number for all biases, or a sum over the wrong axis."""
    d = case.facts.derivatives
    for name in d.missing:
        return Diagnosis(
            f"no gradient of {name}", f"nothing that was returned or kept is the gradient of {name}",
            f"compute it, and return it as d{name}", "(6) or (7)",
        )  # fmt: skip
    numbers = [name for name, shape in d.shapes.items() if int(np.prod(shape)) == 1 < d.arrays[name].size]
    if numbers:
        return Diagnosis(
            "bias gradient is one number",
            f"the bias gradients of a layer are one number, summed over all its units: {_list(numbers)}",
            "sum over the examples only: np.sum(d, axis=..., keepdims=True)", "(7)",
            lines=_assignments(case, numbers),
        )  # fmt: skip
    unfit = {name: shape for name, shape in d.shapes.items() if np.isnan(d.gradients[name]).all()}
    for name, shape in unfit.items():
        is_sum = is_bias(name) or 1 in d.arrays[name].shape
        return Diagnosis(
            "bias gradient summed over the wrong axis" if is_sum else SHAPE,
            f"the gradient of {name} has the shape {shape}, and {name} has {d.arrays[name].shape}",
            "the shape of a gradient is that of its parameter", "(7)" if is_sum else "(6)",
            lines=_assignments(case, [name]),
        )  # fmt: skip
    return None


def _common(case: _Case) -> float | None:
    """Return the factor by which all gradients are off; None if it is not one."""
    ratios = [case.facts.derivatives.ratio(name, OWN) for name in case.facts.derivatives.arrays]
    if any(ratio is None for ratio in ratios):
        return None
    known = [ratio for ratio in ratios if ratio is not None]
    return known[0] if max(known) - min(known) <= ALIKE * abs(known[0]) and abs(known[0]) > 1e-12 else None


def _by_a_factor(case: _Case, factor: float) -> Diagnosis | None:
    """Return what a common factor is; None where the update makes up for it."""
    effective = _step_ratio(case)
    if effective is not None and abs(effective * factor / case.facts.rate - 1) < ALIKE:
        return None
    what = _factor(case, factor)
    measured = f"every gradient is {what} the derivative of the loss"
    if factor < 0:
        return Diagnosis("wrong sign", measured, "d_L starts with a_L - y", "(4)", lines=_lines(case, r"-", EVERYWHERE))
    if abs(factor / case.n - 1) < ALIKE and case.n > 1:
        return Diagnosis(
            "missing 1/n",
            "the loss is a mean over the examples, the gradients are sums: n times its derivatives",
            "divide the gradients by the number of examples, or do so in the update", "(4)", measured,
        )  # fmt: skip
    if abs(factor * case.n - 1) < ALIKE and case.n > 1:
        return Diagnosis(
            "1/n twice", "the gradients are divided by the number of examples once too often", "divide once", "(4)",
            measured,
        )  # fmt: skip
    return Diagnosis(
        "a factor between loss and gradients", f"the loss and the gradients differ by a factor: {measured}",
        "multiply one of them", "(3) or (4)", measured,
    )  # fmt: skip


def _named(case: _Case) -> Diagnosis | None:
    """Return the mistake of the catalogue that has these numbers."""
    factor = case.own.factor if case.own else None
    decay = case.own.decay if case.own else 0.0
    found = next(mistakes(case.facts, case.own.loss if case.own else None, factor, decay), None)
    if found is None:
        return None
    mistake = found.mistake
    return Diagnosis(
        mistake.name, mistake.description, mistake.remedy, mistake.equation, _tensors(case),
        _mistake_lines(case, mistake.clue, mistake.equation),
    )  # fmt: skip


def _by_rule(case: _Case) -> Diagnosis | None:
    """Return a mistake that shows in which tensors are off, and how."""
    facts = case.facts
    chosen = activations(facts)
    is_softmax = chosen is not None and chosen[-1] == SOFTMAX and not case.has_loss
    if chosen is not None and is_softmax and has_top_delta(facts, chosen, "diagonal"):
        return Diagnosis(
                "only the diagonal of the softmax's Jacobian",
                "the slope of the softmax is taken as a (1 - a), which is the diagonal of its Jacobian alone; with the "
                "cross-entropy it has no place at all",
                "squared error: d_L = a * (g - sum(a * g)) with g = dC/da; cross-entropy: d_L = a - y", "(4)",
                _tensors(case), _lines(case, r"1 ?- ?\w+\)?|slope|deriv|prime", EVERYWHERE),
            )  # fmt: skip
    return _other_decay(case)


def _other_decay(case: _Case) -> Diagnosis | None:
    """Return that the L2 term of the gradients is not that of the loss."""
    added = _added_decay(case)
    if added is None:
        return None
    in_loss = case.own.decay if case.own else None
    wrong = [name for name, right in case.fit.right.items() if not right]
    if in_loss is None or abs(in_loss + added) < ALIKE * abs(added):
        name = "L2 in the loss and not in the gradients"
        text = f"the loss holds {-added / 2:.4g} |W|^2, and the gradients lack its derivative {-added:.4g} W"
    else:
        name = "L2 in the gradients is not that of the loss"
        text = f"the gradients hold {in_loss + added:.4g} W, the derivative of the loss's L2 term is {in_loss:.4g} W"
    return Diagnosis(
        name, text, "add lambda W to the gradients of the weights, with the lambda of the loss", "(6)", _tensors(case),
        _assignments(case, wrong),
    )  # fmt: skip


def _added_decay(case: _Case) -> float | None:
    """Return the multiple of W by which the gradients exceed the derivatives of the loss; None for anything else."""
    d = case.facts.derivatives
    if not case.has_loss:
        return None
    off = {name: d.gradients[name] - d.by_loss[OWN][name] for name, right in case.fit.right.items() if not right}
    if not off or not all(d.weights[name].any() for name in off):
        return None
    found = [float(v @ d.weights[k]) / float(d.weights[k] @ d.weights[k]) for k, v in off.items()]
    is_decay = all(d.is_small(v - found[0] * d.weights[k], d.by_loss[OWN][k], d.by_loss[OWN]) for k, v in off.items())
    return found[0] if is_decay and abs(found[0]) > ALIKE else None


def _unnamed(case: _Case) -> Diagnosis:
    """Return which tensors are off, by what, and the lines that compute them if it is a factor."""
    d, loss = case.facts.derivatives, case.fit.loss
    right = [name for name, is_right in case.fit.right.items() if is_right]
    factors = {name: ratio / case.fit.factor for name in d.arrays if name not in right
               and (ratio := d.ratio(name, loss) if loss else None) is not None}  # fmt: skip
    wrong = [name for name in d.arrays if name not in right]
    if wrong and len(factors) == len(wrong):
        texts = [f"d{name} is {_factor(case, factor)} what it should be" for name, factor in factors.items()]
        below = {name for layer in case.facts.layout.layers[:-1] for name in layer}
        is_n = all(abs(factor * case.n - 1) < ALIKE for factor in factors.values()) and case.n > 1
        biases = [each for each in known_names(case.facts) if is_bias_of(case, each)]
        if is_n and set(wrong) == below - {None}:
            name, equation = "1/n twice below the last layer", "(5)"
        elif wrong and set(wrong) == set(biases) and all(abs(f / case.n - 1) < ALIKE for f in factors.values()):
            name, equation = (
                "1/n is missing in the bias gradients: they are sums, those of the weights are means",
                "(7)",
            )
        elif all(abs(factor) < ALIKE for factor in factors.values()):
            name, equation = "gradients that are 0", "(6) or (7)"
        else:
            name, equation = STRAY, "(6) or (7)"
        return Diagnosis(
            name, "; ".join(texts), "compare the lines of the wrong gradients with those of the right ones", equation,
            _tensors(case),
            _delta_lines(case) if equation == "(5)" else _assignments(case, _alone(case, wrong, factors)),
        )  # fmt: skip
    top = [name for name in case.facts.layout.layers[-1] if name is not None]
    if right and all(name in right for name in top):
        where, equation = (
            "the last layer's gradients are right, those below are wrong: look at how delta goes back",
            "(5)",
        )
    elif right and all(is_bias(name) for name in wrong):
        where, equation = "the gradients of the weights are right, those of the biases are wrong", "(7)"
    elif right and not any(is_bias(name) for name in wrong):
        where, equation = "the gradients of the biases are right, those of the weights are wrong", "(6)"
    else:
        where, equation = "the last layer's gradients are wrong already", "(4)"
    lines = _assignments(case, wrong) if equation == "(7)" else ()
    remedy = "compare with equations (1) to (7) of shared/spec.py"
    return Diagnosis(UNNAMED[case.has_loss], where, remedy, equation, _tensors(case), lines)


def is_bias_of(case: _Case, name: str) -> bool:
    """Return whether a parameter is the bias of a layer."""
    return any(name == bias for _, bias in case.facts.layout.layers)


def _alone(case: _Case, wrong: Sequence[str], factors: dict[str, float]) -> list[str]:
    """Return the tensors that are wrong, but not those of a layer whose weights and bias share a factor."""
    shared = [
        layer
        for layer in case.facts.layout.layers
        if all(name in factors for name in layer) and abs(factors[layer[0]] / factors[str(layer[1])] - 1) < ALIKE
    ]
    return [name for name in wrong if not any(name in layer for layer in shared)]


def _by_slope(case: _Case) -> Diagnosis | None:
    """Return that the hidden layers have the slope of another activation, or its mask the wrong way round."""
    if (found := wrong_slope(case.facts, case.own.loss if case.own else None)) is None:
        return None
    right, taken = found
    if taken == "identity":
        mistake = MISTAKES["f' missing in a hidden layer"]
        description = mistake.description + _besides(case)
        return Diagnosis(
            mistake.name, description, mistake.remedy, mistake.equation, _tensors(case), _delta_lines(case)
        )
    if taken in WRONG_SLOPES:
        name = f"the slope of {right} is taken as {taken}"
        return Diagnosis(
            name, f"in the hidden layers, {name.removeprefix('the ')}", f"multiply by the derivative of {right}", "(5)",
            _tensors(case), _lines(case, WRONG_SLOPES[taken], EVERYWHERE),
        )  # fmt: skip
    other = right if taken == TURNED else taken
    name = f"the slope of {right} is turned round" if taken == TURNED else f"the slope of {taken} in a layer of {right}"
    return Diagnosis(
        name, f"in the hidden layers, delta_l is multiplied by {'1 - f' if taken == TURNED else 'f'}'(z_l) of {other}",
        f"multiply by the derivative of {right}", "(5)", _tensors(case),
        (_lines(case, MASK, "backward", "train") if taken == TURNED else ()) or _delta_lines(case),
    )  # fmt: skip


def _still(case: _Case, names: list[str]) -> Diagnosis:
    return Diagnosis(
        "biases not updated", f"training does not change {_list(names)}: the biases never move",
        "update the arrays that the forward pass uses", "(8)",
        lines=_lines(case, r"\bbias\w*\s*(=|-=)[^=]|\.b\w*\s*(=|-=)[^=]", EVERYWHERE, needs=r"-"),
    )  # fmt: skip


# ---- Updates -------------------------------------------------------------------------------------------


def _moved(case: _Case) -> dict[str, np.ndarray]:
    """Return what the file's step subtracted, by parameter."""
    before = case.facts.derivatives.arrays
    return {name: before[name] - array for name, array in case.facts.after.items() if array.shape == before[name].shape}


def _step_ratio(case: _Case) -> float | None:
    """Return the factor from the gradients to the step; None if it is not one factor."""
    moved, ratios = _moved(case), []
    for name, gradient in case.facts.step_gradients.items():
        g = as_shaped(gradient, case.facts.derivatives.arrays[name].shape)
        if g is None or name not in moved or not g.any():
            continue
        ratio = float((moved[name] * g).sum() / (g * g).sum())
        if np.abs(moved[name] - ratio * g).max() > ALIKE * np.abs(moved[name]).max(initial=1e-300):
            return None
        ratios.append(ratio)
    return ratios[0] if ratios and max(ratios) - min(ratios) <= ALIKE * abs(ratios[0]) else None


def _update(case: _Case) -> Diagnosis | None:
    """Return what is wrong with the update, the gradients being right."""
    facts = case.facts
    if not facts.after or not facts.step_gradients:
        return None
    moved = _moved(case)
    still = [name for name in moved if not moved[name].any() and np.any(facts.step_gradients.get(name, 0))]
    biases = [name for _, name in facts.layout.layers if name is not None]
    if still and set(still) == set(biases) and len(still) < len(moved):
        return _still(case, still)
    ratio = _step_ratio(case)
    if ratio is not None and ratio < 0:
        return Diagnosis(
            "update with the wrong sign", "the step adds the gradients instead of subtracting them",
            "theta <- theta - eta g", "(8)", lines=_lines(case, r"\+=|\+", "update", EVERYWHERE),
        )  # fmt: skip
    if ratio is None and not still:
        return _too_early(case, moved)
    return None


def _too_early(case: _Case, moved: dict[str, np.ndarray]) -> Diagnosis | None:
    """Return that lower layers see weights that were updated already: their step is no multiple of the gradients."""
    facts = case.facts
    if "train" not in facts.definitions and facts.derivatives.run.after == {}:
        return None
    top, _ = facts.layout.layers[-1]
    g = np.asarray(facts.step_gradients.get(top, 0.0))
    if (
        g.shape != moved.get(top, np.zeros(0)).shape
        or np.abs(moved[top] - facts.rate * g).max() > ALIKE * np.abs(moved[top]).max()
    ):
        return None
    mistake = MISTAKES["update before all gradients are computed"]
    return Diagnosis(mistake.name, mistake.description, mistake.remedy, mistake.equation, lines=_lines(
        case, r"\b(w|weights?)\w*(\[.*\])?\s*-=", EVERYWHERE))  # fmt: skip


# ---- Words ---------------------------------------------------------------------------------------------


def _headline(case: _Case, diagnosis: Diagnosis | None) -> str:
    if diagnosis is not None:
        equation = f", equation {diagnosis.equation}" if diagnosis.equation else ""
        return f"WRONG: {diagnosis.name}{equation}"
    if case.has_loss and not case.fit.is_right and (common := _common(case)) is not None:
        times = _factor(case, common)
        return f"RIGHT: the gradients are {times} the derivatives of your own loss, and the update makes up for it"
    if _is_weight_decay(case):
        return "RIGHT: the gradients are the derivatives of your own loss, and a weight decay"
    if case.has_loss:
        return f"RIGHT: the gradients are the derivatives of your own loss, to {_precision(case)}"
    return f"RIGHT: the gradients are the derivatives of {_loss_words(case)}, to {_precision(case)}"


def _precision(case: _Case) -> str:
    d, fit = case.facts.derivatives, case.fit
    worst = 0.0
    for name, expected in d.by_loss[fit.loss].items():
        off = np.abs(d.gradients[name] - fit.factor * expected - fit.decay * d.weights[name]).max(initial=0)
        largest = max(float(np.abs(vector).max(initial=0)) for vector in d.gradients.values())
        worst = max(worst, float(off / max(largest, 1e-300)))
    return f"{10.0 ** math.ceil(math.log10(max(3 * worst, 1e-9))):.0e}"  # rounded up: digits of noise say nothing


LOSS_WORDS: Final = {
    "quadratic": "1/2 |a - y|^2",
    "cross_entropy": "the cross-entropy",
    "binary_cross_entropy": "the binary cross-entropy",
    SOFTMAX_AGAIN: "the cross-entropy of the softmax of the outputs",
}


def _loss_words(case: _Case) -> str:
    factor = case.fit.factor
    decay = f" + {case.fit.decay / 2:.4g} |W|^2" if case.fit.decay else ""
    return f"{_as_text(case, factor)}{LOSS_WORDS[case.fit.loss]}{decay}"


def _as_text(case: _Case, factor: float) -> str:
    """Return a factor on the sum over the batch in words: a mean, a sum, 2/n_out times, ..."""
    if case.n == 1:
        known = {1.0: "", 2.0: "twice ", 2 / case.n_out: "2/n_out times ", 1 / case.n_out: "1/n_out times "}
    else:
        n, o = case.n, case.n_out
        known = {
            1 / n: "the mean of ", 1.0: "the sum of ", 2 / n: "twice the mean of ", 2.0: "twice the sum of ",
            1 / (n * o): "the mean over the outputs, too, of ",
            2 / (n * o): "twice the mean over the outputs, too, of ",
        }  # fmt: skip
    return next((words for value, words in known.items() if abs(factor / value - 1) < ALIKE), f"{factor:.4g} times ")


def _factor(case: _Case, factor: float) -> str:
    """Return a factor in words."""
    n = case.n
    known = {"n": n, "1/n": 1 / n, "1/n^2": 1 / n**2} if n > 1 else {}
    text = next((word for word, value in known.items() if abs(factor / value - 1) < ALIKE), "")
    if abs(factor - 2) < ALIKE:
        return "twice"
    return f"{factor:.4g} times" + (f" ({text}, n = {n})" if text else "")


def _besides(case: _Case) -> str:
    """Return by which factor the last layer's gradients are off, as a second mistake; "" for none."""
    top, _ = case.facts.layout.layers[-1]
    ratio = case.facts.derivatives.ratio(top, OWN) if case.has_loss else None
    if ratio is None or abs(ratio - 1) < ALIKE:
        return ""
    return f"; and besides, the last layer's gradients are {_factor(case, ratio)} what they should be"


def _tensors(case: _Case) -> str:
    """Return which gradients are right, and by what the others are off."""
    d, parts = case.facts.derivatives, []
    right = [f"d{name}" for name, is_right in case.fit.right.items() if is_right]
    for name in known_names(case.facts):
        if case.fit.right.get(name):
            continue
        ratio = d.ratio(name, case.fit.loss) if case.fit.loss in d.by_loss else None
        if ratio is not None and case.fit.factor:
            parts.append(f"d{name} {_factor(case, ratio / case.fit.factor)}")
        else:
            parts.append(f"d{name} off by {_off(case, name):.1e}")
    return f"{', '.join(right)} right; {', '.join(parts)}" if right else ", ".join(parts)


def _off(case: _Case, name: str) -> float:
    d = case.facts.derivatives
    if case.fit.loss not in d.by_loss:
        return float("nan")
    expected = case.fit.factor * d.by_loss[case.fit.loss][name]
    return float(np.linalg.norm(d.gradients[name] - expected) / max(float(np.linalg.norm(expected)), 1e-300))


def _list(names: Sequence[str]) -> str:
    return ", ".join(names)


def _conventions(case: _Case) -> list[str]:
    """Return by which conventions the file differs from equations (1) to (8)."""
    facts, found = case.facts, []
    fit = case.own or (case.fit if not case.has_loss and case.fit.is_right else None)
    if fit is not None and fit.loss:
        ours = 1.0 if case.n == 1 else 1 / case.n
        text = _as_text(case, fit.factor)
        if abs(fit.factor / ours - 1) > ALIKE:
            found.append(f"the loss is {text}{LOSS_WORDS[fit.loss]}, {fit.factor / ours:.4g} times equation (3)")
        if fit.decay:
            found.append(f"L2: {fit.decay:.4g} W in the gradients")
    if _is_weight_decay(case):
        found.append(f"weight decay: {_added_decay(case):.4g} W in the gradients, and no L2 in the loss")
    if facts.form.is_single:
        found.append("one example at a time: gradients are per example")
    if not facts.layout.out_first:
        found.append("W is (in, out)")
    if all(bias is None for _, bias in facts.layout.layers) and not facts.layout.has_bias_column:
        found.append("no biases")
    turned = [name for name, shape in facts.derivatives.shapes.items() if len(shape) == 2 and 1 not in shape]
    if turned:
        found.append(f"the gradients of {_list(turned)} are transposed")
    for name, value in facts.missing.items():
        found.append(f"{name} comes from the data, which were not loaded: here it is {value}")
    return found


def _hazards(case: _Case) -> list[str]:
    """Return what is no mistake in backprop, and may go wrong."""
    found = []
    for hazard in case.facts.hazards:
        at = f" (line {hazard.line}: {case.lines[hazard.line - 1].strip()})" if hazard.line else ""
        found.append(f"for large inputs: {hazard.message}{at}; not a mistake in backprop")
    return list(dict.fromkeys(found))[:2]


def _network(case: _Case) -> str:
    chosen = activations(case.facts)
    sizes = case.facts.layout.sizes
    if chosen is None:
        return "-".join(map(str, sizes))
    return "-".join([str(sizes[0]), *(f"{size}{name}" for size, name in zip(sizes[1:], chosen, strict=True))])


# ---- Lines ---------------------------------------------------------------------------------------------


def _range(case: _Case, *parts: str) -> set[int]:
    """Return the lines of what is called as one of these parts; of all the file if none of them is."""
    found: set[int] = set()
    for part in parts:
        if part in case.facts.definitions:
            first, last = case.facts.definitions[part]
            found |= set(range(first + 1, last + 1))
    return found or set(range(1, len(case.lines) + 1))


def _code(case: _Case, *parts: str) -> dict[int, str]:
    """Return the indented lines of code, without comments."""
    wanted = _range(case, *parts)
    code = {number: text.partition("#")[0] for number, text in enumerate(case.lines, 1) if number in wanted}
    return {number: text for number, text in code.items() if text[:1].isspace() and text.strip()}


def _lines(case: _Case, clue: str, *parts: str, needs: str = "") -> Lines:
    """Return the line that matches a clue, or several that differ only in digits; none if others match, too."""
    for where in (parts, (EVERYWHERE,)):
        code = _code(case, *where)
        found = [n for n, text in code.items() if re.search(clue, text, re.I) and re.search(needs, text)]
        if found:
            return _unique(case, found)
    return ()


def _unique(case: _Case, numbers: Sequence[int]) -> Lines:
    texts = {number: case.lines[number - 1].strip() for number in numbers}
    alike = {re.sub(r"\d+", "0", text.partition("#")[0].strip()) for text in texts.values()}
    return tuple(texts.items())[:MOST_LINES] if len(alike) == 1 else ()


def _delta_lines(case: _Case) -> Lines:
    """Return the line that sends delta to the layer below: a product of weights and of a delta or an error."""
    owners = "|".join(sorted({re.escape(_word(name)) for name, _ in case.facts.layout.layers} | {"W", "weights"}))
    parameters = list(case.facts.derivatives.arrays)
    for parts in (("backward", "train"), (EVERYWHERE,)):
        found = []
        for number, text in _code(case, *parts).items():
            target, _, right = text.rpartition("=") if "return" not in text else ("", "", text)
            is_product = re.search(r"dot|@|matmul|multiply|einsum", right) and re.search(rf"\b({owners})\b", right)
            has_delta = re.search(r"\b\w*(delta|err|grad|diff)\w*|\bd(?!ot\b)_?[A-Za-z]\w*", right)
            if is_product and has_delta and not gradient_of(target.strip(" -+*") or "?", parameters):
                found.append(number)
        if len(found) == len(case.facts.layout.layers) - 1:  # a line a layer, from the last: the first that is wrong
            wrong = [
                l
                for l, layer in enumerate(case.facts.layout.layers)
                if not all(case.fit.right.get(name, True) for name in layer if name)
            ]
            highest = min(max(wrong, default=0), len(found) - 1)
            number = found[len(found) - 1 - highest]
            return ((number, case.lines[number - 1].strip()),)
        if found:
            return _unique(case, found)
    return ()


def _word(name: str) -> str:
    """Return the word by which the code calls a parameter: w_ho, weights, W2 of params['W2']."""
    return str((re.findall(r"[A-Za-z_]\w*", name) or [name])[-1])


def _assignments(case: _Case, names: Sequence[str]) -> Lines:
    """Return the lines that compute the gradients of these parameters, if each has one."""
    parameters = list(case.facts.derivatives.arrays)
    found: dict[str, list[int]] = {}
    for number, text in _code(case, "backward", "train").items():
        for target in _targets(text):
            parameter = gradient_of(target, parameters)
            is_itself = parameter is not None and _word(target) == _word(parameter) and "[" not in target
            if parameter in names and (not is_itself or case.facts.derivatives.run.after):
                found.setdefault(str(parameter), []).append(number)
    lines = sorted(numbers[0] for numbers in found.values() if len(numbers) == 1)[:MOST_LINES]
    if lines or not names:
        return tuple((number, case.lines[number - 1].strip()) for number in lines)
    kind = ["b", "bias", "biases"] if all(is_bias_of(case, name) for name in names) else ["W", "w", "weights"]
    named = [(n, each) for n, text in _code(case, EVERYWHERE).items() for each in _targets(text)]
    return _unique(case, [n for n, each in named if _word(each) not in kind and gradient_of(each, kind)])


def _targets(text: str) -> list[str]:
    """Return what a line assigns to, if it computes it: not from a copy, zeros or an update."""
    match = re.match(r"\s*([\w.\[\]'\"+ (),]+?)\s*[-+*]?=(?!=)(.*)", text)
    if match is None or re.search(r"zeros|\[None\]|eta|learning_rate|\blr\b", match[2]):
        return []
    if not re.search(r"dot|@|sum|mean|outer|matmul|multiply|einsum|[*/]", match[2]):
        return []
    return [target.strip() for target in match[1].split(",")]


def _mistake_lines(case: _Case, clue: str, equation: str) -> Lines:
    """Return the culprit of a mistake of the catalogue."""
    wrong = [name for name, right in case.fit.right.items() if not right]
    if equation == "(7)":
        return _assignments(case, [name for name in wrong if is_bias(name)] or wrong)
    if equation in ("(1)", "(2)"):
        return _lines(case, clue, EVERYWHERE)
    if equation == "(6)":
        return _assignments(case, wrong) or _lines(case, clue, "backward", "train")
    delta = _delta_lines(case) if equation == "(5)" else ()
    return delta or (_lines(case, clue, "backward", "train") if clue else ())
