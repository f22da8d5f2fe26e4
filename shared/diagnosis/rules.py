"""What is wrong with gradients that are not the derivatives of the file's own loss, or with its update."""

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from shared.diagnosis import operators
from shared.diagnosis.case import SOFTMAX_AGAIN, Case, added_decay, common_factor, is_probability
from shared.diagnosis.culprits import (
    EVERYWHERE,
    MASK,
    assignments,
    delta_lines,
    matching_lines,
    mistake_lines,
    slope_lines,
)
from shared.diagnosis.diagnose import SHAPE, Diagnosis
from shared.diagnosis.matching import ALIKE
from shared.diagnosis.mistakes import MISTAKES
from shared.diagnosis.network_of import (
    has_diagonal_jacobian,
    has_wrong_column,
    mistakes,
    other_activations,
    wrong_slope,
)
from shared.diagnosis.own_words import besides, tensors, times
from shared.diagnosis.slopes import AT_ACTIVATION, TURNED, WRONG_SLOPES
from shared.diagnosis.step_rules import mistake_of_update, step_ratio, without_biases
from shared.diagnosis.words import Lines
from shared.layers import ACTIVATIONS, SOFTMAX
from shared.reading.derivatives import OWN
from shared.reading.names import is_bias
from shared.reading.program import RATE

UNNAMED: Final = (
    "the gradients are not the derivatives of any usual loss",
    "the gradients are not the derivatives of your own loss",
)
"""without, and with a loss of its own"""
STRAY: Final = "a stray factor"
TWICE: Final = "softmax applied twice"
NEARLY: Final = 1e-3
"""Error of gradients from a tiny step, relative to the largest, that weights explain which move during the step."""
RATE_ALIKE: Final = 0.02
"""Relative error of a factor that is taken from a tiny step."""


def diagnosis_of(case: Case) -> Diagnosis | None:
    """Return what is wrong; None if nothing is."""
    facts, d = case.facts, case.facts.derivatives
    by = case.own.loss if case.own else case.fit.loss
    if by == SOFTMAX_AGAIN and is_probability(facts):
        return _softmax_twice(case)
    if facts.operators and (operator := _by_operators(case)) is not None:
        return operator
    if (shape := _shape(case)) is not None:
        return shape
    if case.fit.is_right and case.fit.factor > 0:
        return _accumulates(case) or mistake_of_update(case)
    if case.fit.is_right:
        what = "the step goes uphill" if facts.derivatives.run.after else "the gradients have the opposite sign"
        return Diagnosis(
            "wrong sign", f"{what}: they are {case.fit.factor:.4g} times the derivatives",
            "d_L starts with a_L - y, and a step subtracts: theta <- theta - eta g", "(4) or (8)",
            lines=matching_lines(case, r"\+=", "backward", "train") if facts.derivatives.run.after else (),
        )  # fmt: skip
    if (rate := _rate_in_gradients(case)) is not None:
        return rate
    if is_weight_decay(case):
        return mistake_of_update(case)
    if case.has_loss and (common := common_factor(case)) is not None:
        return _by_a_factor(case, common)
    wrong = case.fit.wrong
    if wrong and wrong == _never_moved(case):
        return without_biases(case, wrong)
    early = mistake_of_update(case) if d.run.after and _is_nearly_right(case) else None
    return early or _by_rule(case) or _named(case) or _by_slope(case) or _unnamed(case)


def _never_moved(case: Case) -> list[str]:
    """Return the biases, if training changes none of them."""
    d, biases = case.facts.derivatives, case.facts.layout.biases
    is_still = bool(d.run.after) and not any(d.gradients[bias].any() for bias in biases)
    return [name for name in d.arrays if name in biases] if is_still else []


def _is_nearly_right(case: Case) -> bool:
    """Return whether a step is off by so little that its tiny learning rate may be why: weights move too early."""
    d = case.facts.derivatives
    if not case.has_loss:
        return False
    off = {name: np.abs(d.gradients[name] - expected).max() for name, expected in d.by_loss[OWN].items()}
    largest = max(float(np.abs(vector).max(initial=0)) for vector in d.by_loss[OWN].values())
    return all(each <= NEARLY * largest for each in off.values())


def _by_operators(case: Case) -> Diagnosis | None:
    """Return the mistake of a convolution or pool that is wrong by itself, if it explains which tensors are wrong."""
    facts = case.facts
    wrong, top = set(case.fit.wrong), {name for name in facts.layout.layers[-1] if name is not None}
    kernels = {n for layer in facts.layout.layers if facts.derivatives.arrays[layer[0]].ndim > 2 for n in layer if n}
    if common_factor(case) is not None:
        return None
    for trials in facts.operators:
        found = operators.diagnosis_of(trials, facts.text)
        below = wrong & kernels if found is not None and found.equation != "(5)" else wrong - top
        if found is not None and below and not operators.is_unexplained(trials, found):
            more = besides(case) if wrong & top else ""
            return replace(
                found, description=f"{found.description}{more}", measured=f"{tensors(case)}; {found.measured}"
            )
    return None


def is_weight_decay(case: Case) -> bool:
    """Return whether the gradients hold lambda W and the loss, which has no L2, is not meant to: a weight decay."""
    added = added_decay(case)
    return added is not None and added > 0 and case.own is not None and case.own.decay == 0


def _rate_in_gradients(case: Case) -> Diagnosis | None:
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


def _accumulates(case: Case) -> Diagnosis | None:
    """Return that the gradients of torch are never set to zero, which shows only in the file's code."""
    if not case.facts.is_autograd:
        return None
    code = re.sub(r"#.*", "", case.facts.text)
    is_zeroed = re.search(r"zero_grad|\.grad\b.*(zero_|None|= ?0)", code)
    if is_zeroed or not re.search(r"\.backward\(", code):
        return None
    mistake = MISTAKES["gradients accumulated"]
    return Diagnosis(
        mistake.name, "backward() adds to the gradients of the step before: the file never sets them to zero",
        mistake.remedy, mistake.equation, lines=matching_lines(case, r"\.backward\(", EVERYWHERE),
    )  # fmt: skip


def _softmax_twice(case: Case) -> Diagnosis:
    is_right = case.fit.is_right
    also = "" if is_right else "; and the gradients are not its derivatives"
    return Diagnosis(
        TWICE, f"the outputs are a softmax already, and the loss takes the softmax of them again{also}",
        "give the loss z_L, or leave the softmax out of the loss", "(3)",
        lines=matching_lines(case, r"softmax", "loss") or matching_lines(case, r"softmax", "forward"),
    )  # fmt: skip


def _shape(case: Case) -> Diagnosis | None:
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
            f"the bias gradients of a layer are one number, summed over all its units: {', '.join(numbers)}",
            "sum over the examples only: np.sum(d, axis=..., keepdims=True)", "(7)",
            lines=assignments(case, numbers),
        )  # fmt: skip
    unfit = {name: shape for name, shape in d.shapes.items() if np.isnan(d.gradients[name]).all()}
    for name, shape in unfit.items():
        is_sum = is_bias(name) or 1 in d.arrays[name].shape
        return Diagnosis(
            "bias gradient summed over the wrong axis" if is_sum else SHAPE,
            f"the gradient of {name} has the shape {shape}, and {name} has {d.arrays[name].shape}",
            "the shape of a gradient is that of its parameter", "(7)" if is_sum else "(6)",
            lines=assignments(case, [name]),
        )  # fmt: skip
    return None


def _by_a_factor(case: Case, factor: float) -> Diagnosis | None:
    """Return what a common factor is; None where the update makes up for it."""
    effective = step_ratio(case)
    if effective is not None and abs(effective * factor / case.facts.rate - 1) < ALIKE:
        return None
    if case.facts.derivatives.run.after and case.rule and any(abs(factor - c) < ALIKE for c in case.rule.first):
        return None  # gradients are read from a first step, which is not theirs alone
    what = times(case, factor)
    measured = f"every gradient is {what} the derivative of the loss"
    if factor < 0:
        return Diagnosis(
            "wrong sign", measured, "d_L starts with a_L - y", "(4)", lines=matching_lines(case, r"-", EVERYWHERE)
        )
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


def _named(case: Case) -> Diagnosis | None:
    """Return the mistake of the catalogue that has these numbers."""
    factor = case.own.factor if case.own else None
    decay = case.own.decay if case.own else 0.0
    loss = case.own.loss if case.own else None
    found = next(mistakes(case.facts, case.activations, loss, factor, decay), None)
    if found is None:
        return None
    mistake = found.mistake
    return Diagnosis(
        mistake.name, mistake.description, mistake.remedy, mistake.equation, tensors(case),
        mistake_lines(case, mistake.clue, mistake.equation),
    )  # fmt: skip


def _by_rule(case: Case) -> Diagnosis | None:
    """Return a mistake that shows in which tensors are off, and how."""
    chosen = case.activations
    is_softmax = chosen is not None and chosen[-1] == SOFTMAX and not case.has_loss
    if chosen is not None and is_softmax and has_diagonal_jacobian(case.facts, chosen):
        return Diagnosis(
            "only the diagonal of the softmax's Jacobian",
            "the slope of the softmax is taken as a (1 - a), which is the diagonal of its Jacobian alone; with the "
            "cross-entropy it has no place at all",
            "squared error: d_L = a * (g - sum(a * g)) with g = dC/da; cross-entropy: d_L = a - y", "(4)",
            tensors(case), matching_lines(case, r"1 ?- ?\w+\)?|slope|deriv|prime", EVERYWHERE),
        )  # fmt: skip
    if case.facts.layout.has_bias_column and chosen is not None and has_wrong_column(case.facts, chosen):
        return Diagnosis(
            "the wrong column of W is left out", "delta goes back through W without a column that is not the bias's: "
            "the first and the last one are mixed up", "leave out the weights of the constant 1, and only these", "(5)",
            tensors(case), delta_lines(case),
        )  # fmt: skip
    return _other_decay(case)


def _other_decay(case: Case) -> Diagnosis | None:
    """Return that the L2 term of the gradients is not that of the loss."""
    added = added_decay(case)
    if added is None:
        return None
    in_loss = case.own.decay if case.own else None
    wrong = case.fit.wrong
    if in_loss is None or abs(in_loss + added) < ALIKE * abs(added):
        name = "L2 in the loss and not in the gradients"
        text = f"the loss holds {-added / 2:.4g} |W|^2, and the gradients lack its derivative {-added:.4g} W"
    else:
        name = "L2 in the gradients is not that of the loss"
        text = f"the gradients hold {in_loss + added:.4g} W, the derivative of the loss's L2 term is {in_loss:.4g} W"
    return Diagnosis(
        name, text, "add lambda W to the gradients of the weights, with the lambda of the loss", "(6)", tensors(case),
        assignments(case, wrong),
    )  # fmt: skip


def _unnamed(case: Case) -> Diagnosis:
    """Return which tensors are off, by what, and the lines that compute them if it is a factor."""
    d, loss = case.facts.derivatives, case.fit.loss
    right = [name for name, is_right in case.fit.right.items() if is_right]
    factors = {name: ratio / case.fit.factor for name in d.arrays if name not in right
               and (ratio := d.ratio(name, loss) if loss else None) is not None}  # fmt: skip
    wrong = [name for name in d.arrays if name not in right]
    if wrong and len(factors) == len(wrong):
        texts = [f"d{name} is {times(case, factor)} what it should be" for name, factor in factors.items()]
        below = {name for layer in case.facts.layout.layers[:-1] for name in layer}
        is_n = all(abs(factor * case.n - 1) < ALIKE for factor in factors.values()) and case.n > 1
        biases = case.facts.layout.biases
        if is_n and set(wrong) == below - {None}:
            name, equation = "1/n twice below the last layer", "(5)"
        elif set(wrong) <= set(biases) and all(abs(f / case.n - 1) < ALIKE for f in factors.values()):
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
            tensors(case),
            delta_lines(case) if equation == "(5)" else _assigned(case, _alone(case, wrong, factors)),
        )  # fmt: skip
    top = [name for name in case.facts.layout.layers[-1] if name is not None]
    right += _never_moved(case) if right else []
    if case.facts.layout.image and right and _is_delta_right(case, right):
        where, equation = "the gradients of the biases are right, those of the weights beside them are wrong", "(6)"
    elif right and all(name in right for name in top):
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
    lines = _assigned(case, wrong) if equation == "(7)" else ()
    remedy = "compare with equations (1) to (7) of shared/spec.py"
    return Diagnosis(UNNAMED[case.has_loss], where, remedy, equation, tensors(case), lines)


def _assigned(case: Case, names: Sequence[str]) -> Lines:
    """Return the lines that compute gradients; of images only if no update could be meant instead."""
    return () if case.facts.layout.image and case.facts.derivatives.run.after else assignments(case, names)


def _is_delta_right(case: Case, right: Collection[str]) -> bool:
    """Return whether each layer with wrong weights has right biases: what went back to it is right."""
    wrong = [layer for layer in case.facts.layout.layers if not all(name in right for name in layer if name)]
    return all(weights not in right and bias in right for weights, bias in wrong)


def _alone(case: Case, wrong: Sequence[str], factors: dict[str, float]) -> list[str]:
    """Return the tensors that are wrong, but not those of a layer whose weights and bias share a factor."""
    shared = [
        layer
        for layer in case.facts.layout.layers
        if all(name in factors for name in layer) and abs(factors[layer[0]] / factors[str(layer[1])] - 1) < ALIKE
    ]
    return [name for name in wrong if not any(name in layer for layer in shared)]


def _by_slope(case: Case) -> Diagnosis | None:
    """Return that the hidden layers have the slope of another activation, or its mask the wrong way round."""
    chosen = case.activations or other_activations(case.facts)
    if (found := wrong_slope(case.facts, chosen, case.own.loss if case.own else None)) is None:
        return None
    right, taken = found
    if taken == "identity":
        mistake = MISTAKES["f' missing in a hidden layer"]
        description = mistake.description + besides(case)
        return Diagnosis(mistake.name, description, mistake.remedy, mistake.equation, tensors(case), delta_lines(case))
    if taken in WRONG_SLOPES:
        name = f"the slope of {right} is taken as {taken}"
        return Diagnosis(
            name, f"in the hidden layers, {name.removeprefix('the ')}", f"multiply by the derivative of {right}", "(5)",
            tensors(case), matching_lines(case, WRONG_SLOPES[taken], EVERYWHERE)
            or slope_lines(case, is_formula="z)" not in taken and "z^" not in taken),
        )  # fmt: skip
    if taken not in (TURNED, *ACTIVATIONS):
        return Diagnosis(
            f"the slope of {right} is wrong", f"in the hidden layers, the slope of {right} is not its derivative at z, "
            f"but {taken}", f"multiply by the derivative of {right} at z", "(5)", tensors(case),
            slope_lines(case, is_formula=taken != AT_ACTIVATION),
        )  # fmt: skip
    other = right if taken == TURNED else taken
    name = f"the slope of {right} is turned round" if taken == TURNED else f"the slope of {taken} in a layer of {right}"
    return Diagnosis(
        name, f"in the hidden layers, delta_l is multiplied by {'1 - f' if taken == TURNED else 'f'}'(z_l) of {other}",
        f"multiply by the derivative of {right}", "(5)", tensors(case),
        (matching_lines(case, MASK, "backward", "train") if taken == TURNED else ()) or slope_lines(case),
    )  # fmt: skip
