"""The verdict on a person's own network: first by its own loss, then by name."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from shared.diagnosis import operators
from shared.diagnosis.case import Case, added_decay, common_factor, is_probability
from shared.diagnosis.diagnose import Diagnosis
from shared.diagnosis.facts import Facts
from shared.diagnosis.matching import ALIKE
from shared.diagnosis.operators import OperatorFacts
from shared.diagnosis.own_words import LOSS_WORDS, as_text, loss_words, precision, times
from shared.diagnosis.rules import UNNAMED, diagnosis_of, is_weight_decay
from shared.diagnosis.updates import another_than
from shared.diagnosis.words import line_at
from shared.reading.choose import NOTHING
from shared.reading.derivatives import FAMILY, OWN, Fit
from shared.reading.program import UnreadableError

CLOSE: Final = 1e-2
"""Relative difference between the derivatives of a loss and of the one that it stands for."""


@dataclass
class OwnVerdict:
    """What is said of a file."""

    right: bool
    headline: str
    facts: Facts | OperatorFacts
    diagnosis: Diagnosis | None = None
    conventions: list[str] = field(default_factory=list)
    hazards: list[str] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)
    network: str = ""
    """784-30tanh-10sigmoid, where it is one of ours"""


def judge(facts: Facts | OperatorFacts) -> OwnVerdict:
    """Return the verdict on a file."""
    if isinstance(facts, OperatorFacts):
        return _of_operators(facts)
    d = facts.derivatives
    own = next((fit for loss in FAMILY if loss in d.by_loss and (fit := _of_own(facts, loss)) is not None), None)
    factor = None if _is_rate_unknown(facts) else 1.0
    fit = d.fit(d.gradients, OWN, factor=factor) if OWN in d.by_loss else _best(facts)
    if OWN in d.by_loss and not fit.is_right:
        fit = _nearly(facts) or fit
    case = Case(facts, fit, own, facts.text.splitlines())
    diagnosis = diagnosis_of(case)
    if diagnosis is None and (wrong := [name for name, is_right in facts.others.items() if is_right is False]):
        where = f"the gradients of {', '.join(wrong)} are wrong, where no array is 1 or 0"
        diagnosis = Diagnosis(UNNAMED[True], where, "compare each with the difference of the loss that it causes")
    if diagnosis is None and facts.optimizer and facts.after:
        first, last = facts.definitions.get("update", (0, -1))
        diagnosis = another_than(facts.optimizer, case.rule, line_at(case.lines, first if first == last else None))
    verdict = OwnVerdict(diagnosis is None, _headline(case, diagnosis), facts, diagnosis, network=_network(case))
    verdict.conventions = _conventions(case)
    verdict.hazards = _hazards(case) + (_alone(facts) if diagnosis is None else [])
    if not facts.after:
        verdict.not_checked = ["updates (the file has no training step that could be called)"]
    elif diagnosis is None and (case.rule is None or case.rule.mistake):
        verdict.not_checked = ["updates (they are not those of gradient descent, momentum, RMSProp or Adam)"]
    if diagnosis is None and verdict.not_checked:
        verdict.headline += "; updates not checked"
    elif diagnosis is None and case.rule is not None and case.rule.name:
        verdict.headline += "; updates checked"
    if diagnosis is None and (silent := [name for name, is_right in facts.others.items() if is_right is None]):
        verdict.not_checked.append(
            f"the gradient of {', of '.join(silent)} (not found, although the loss depends on it)"
        )
    return verdict


def _of_operators(facts: OperatorFacts) -> OwnVerdict:
    """Return the verdict on convolutions and pools, each by itself."""
    found = [(trials, operators.diagnosis_of(trials, facts.text)) for trials in facts.trials]
    judged = [(trials, each) for trials, each in found if not operators.is_unexplained(trials, each)]
    if not judged:
        raise UnreadableError(f"{facts.trials[0][0].name}: {operators.STRANGE}")
    wrong = [each for _, each in judged if each is not None]
    names = ", ".join(trials[0].name for trials, _ in judged)
    if not wrong and facts.why not in ("", NOTHING):  # an exception; it may be the file's own
        raise UnreadableError(f"{facts.why}; by themselves, {names} are right")
    strange = [trials[0].name for trials, each in found if operators.is_unexplained(trials, each)]
    rest = ", ".join(["the whole network", *strange, *(why.partition(":")[0] for why in facts.failures)])
    headline = f"RIGHT: the gradients of {names} are the derivatives of their own forward pass; {rest} not checked"
    if wrong:
        headline = f"WRONG: {wrong[0].name}, equation {wrong[0].equation}"
    if len(wrong) > 1:
        more = "; ".join(f"{each.name}: {each.description}" for each in wrong[1:])
        wrong[0] = replace(wrong[0], description=f"{wrong[0].description}; and besides, {more}")
    verdict = OwnVerdict(not wrong, headline, facts, wrong[0] if wrong else None, network=names)
    means = [trials[0].name for trials, _ in judged if operators.is_mean(trials[0])]
    if means:
        verdict.conventions = [f"{', '.join(means)}: the parameters' gradients are means over the examples"]
    verdict.hazards = [hazard for trials in facts.trials for hazard in operators.hazards(trials)]
    silent = [f"{t[0].name} of {', '.join(t[0].derivatives.missing)}" for t in facts.trials if t[0].derivatives.missing]
    verdict.not_checked = [f"gradients that are not returned: {'; '.join(silent)}"] if silent else []
    verdict.not_checked += [*(f"{name}: {operators.STRANGE}" for name in strange), *facts.failures]
    why = "no loss with a backward pass was found" if facts.why == NOTHING else facts.why
    verdict.not_checked.append(f"the whole network, which was not read: {why}")
    return verdict


def _nearly(facts: Facts) -> Fit | None:
    """Return the loss of the family whose derivatives the gradients are, if the file's own is close to it.

    The difference is a small number in it, such as the 1e-5 of log(a + 1e-5).
    """
    d = facts.derivatives
    for loss in FAMILY:
        if loss in d.by_loss and (fit := d.fit(d.gradients, loss)).is_right:
            off = {name: d.by_loss[OWN][name] - fit.factor * vector for name, vector in d.by_loss[loss].items()}
            largest = max(float(np.abs(vector).max(initial=0)) for vector in d.by_loss[OWN].values())
            if not fit.decay and max(float(np.abs(vector).max(initial=0)) for vector in off.values()) < CLOSE * largest:
                return fit
    return None


def _is_rate_unknown(facts: Facts) -> bool:
    """Return whether gradients come from a step whose learning rate is a number in the code: a factor is free then."""
    run, known = facts.derivatives.run, facts.step_gradients
    if not run.after:
        return False
    if run.rate == 1:
        return True
    for name, after in facts.after.items():
        moved = facts.derivatives.arrays[name] - after
        gradient = known.get(name)
        if moved.any() and gradient is not None and np.shape(gradient) == moved.shape:
            return bool(np.abs(moved - facts.rate * gradient).max() > 0.5 * np.abs(moved).max())
    return False


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
    if is_probability(facts):
        return ("cross_entropy", "quadratic")
    return ("quadratic", "binary_cross_entropy")


def _headline(case: Case, diagnosis: Diagnosis | None) -> str:
    if diagnosis is not None:
        equation = f", equation {diagnosis.equation}" if diagnosis.equation else ""
        return f"WRONG: {diagnosis.name}{equation}"
    if case.has_loss and not case.fit.is_right and (common := common_factor(case)) is not None:
        factor = times(case, common)
        if case.rule is not None and any(abs(common - first) < ALIKE for first in case.rule.first):
            return f"RIGHT: the first step is {factor} the derivatives of your own loss, as momentum makes it"
        return f"RIGHT: the gradients are {factor} the derivatives of your own loss, and the update makes up for it"
    if is_weight_decay(case):
        return "RIGHT: the gradients are the derivatives of your own loss, and a weight decay"
    if case.has_loss and case.fit.loss != OWN:
        return f"RIGHT: the gradients are the derivatives of {loss_words(case)}, and your own loss is within 1 % of it"
    if case.has_loss:
        return f"RIGHT: the gradients are the derivatives of your own loss, to {precision(case)}"
    return f"RIGHT: the gradients are the derivatives of {loss_words(case)}, to {precision(case)}"


def _conventions(case: Case) -> list[str]:
    """Return by which conventions the file differs from equations (1) to (8)."""
    facts, found = case.facts, []
    fit = case.own or (case.fit if not case.has_loss and case.fit.is_right else None)
    if fit is not None and fit.loss:
        ours = 1.0 if case.n == 1 else 1 / case.n
        text = as_text(case, fit.factor)
        if abs(fit.factor / ours - 1) > ALIKE:
            found.append(f"the loss is {text}{LOSS_WORDS[fit.loss]}, {fit.factor / ours:.4g} times equation (3)")
        if fit.decay:
            found.append(f"L2: {fit.decay:.4g} W in the gradients")
    if is_weight_decay(case):
        found.append(f"weight decay: {added_decay(case):.4g} W in the gradients, and no L2 in the loss")
    if case.rule is not None and not case.rule.mistake:
        found += [f"the update is {case.rule.name}"] if case.rule.name else []
        found += [f"weight decay in the update: {case.rule.decay:.4g} W"] if case.rule.decay else []
    if facts.form.is_single:
        found.append("one example at a time: gradients are per example")
    if not facts.layout.out_first:
        found.append("W is (in, out)")
    if not facts.layout.biases and not facts.layout.has_bias_column:
        found.append("no biases")
    turned = [name for name, shape in facts.derivatives.shapes.items() if len(shape) == 2 and 1 not in shape]
    if turned:
        found.append(f"the gradients of {', '.join(turned)} are transposed")
    for name, value in facts.missing.items():
        found.append(f"{name} comes from the data, which were not loaded: here it is {value}")
    return found


def _alone(facts: Facts) -> list[str]:
    """Return which convolutions and pools are wrong by themselves, in a network that is right."""
    every = [(trials, operators.diagnosis_of(trials, facts.text)) for trials in facts.operators]
    wrong = [(t[0].name, found) for t, found in every if found is not None and not operators.is_unexplained(t, found)]
    return [f"{name} by itself: {found.name}; it does not show in this network" for name, found in wrong]


def _hazards(case: Case) -> list[str]:
    """Return what is no mistake in backprop, and may go wrong."""
    found = []
    for hazard in case.facts.hazards:
        at = f" (line {hazard.line}: {case.lines[hazard.line - 1].strip()})" if hazard.line else ""
        found.append(f"for large inputs: {hazard.message}{at}; not a mistake in backprop")
    if case.facts.not_finite and not found:
        found.append("for large inputs the outputs are not finite; not a mistake in backprop")
    return list(dict.fromkeys(found))[:2]


def _network(case: Case) -> str:
    chosen = case.activations
    sizes = case.facts.layout.sizes
    if case.facts.layout.image:
        arrays = case.facts.derivatives.arrays
        return "; ".join(f"{name} {arrays[name].shape}" for name, _ in case.facts.layout.layers)
    if chosen is None:
        return "-".join(map(str, sizes))
    return "-".join([str(sizes[0]), *(f"{size}{name}" for size, name in zip(sizes[1:], chosen, strict=True))])
