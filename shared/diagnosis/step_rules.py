"""What is wrong with the update of a file whose gradients are right."""

from typing import Final

import numpy as np

from shared.diagnosis import update_mistakes
from shared.diagnosis.case import Case
from shared.diagnosis.culprits import EVERYWHERE, matching_lines
from shared.diagnosis.diagnose import Diagnosis
from shared.diagnosis.matching import ALIKE
from shared.diagnosis.mistakes import MISTAKES
from shared.reading.derivatives import as_shaped

ROUNDING: Final = 1e-7
"""The size of a gradient that is 0, relative to the largest one."""


def without_biases(case: Case, names: list[str]) -> Diagnosis:
    """Return that the biases never move."""
    return Diagnosis(
        "biases not updated", f"training does not change {', '.join(names)}: the biases never move",
        "update the arrays that the forward pass uses", "(8)",
        lines=matching_lines(case, r"\bbias\w*\s*(=|-=)[^=]|\.b\w*\s*(=|-=)[^=]", EVERYWHERE, needs=r"-"),
    )  # fmt: skip


def _moved(case: Case) -> dict[str, np.ndarray]:
    """Return what the file's step subtracted, by parameter."""
    before = case.facts.derivatives.arrays
    return {name: before[name] - array for name, array in case.facts.after.items() if array.shape == before[name].shape}


def step_ratio(case: Case) -> float | None:
    """Return the factor from the gradients to the step; None if it is not one factor."""
    ratios = list(_step_ratios(case).values())
    known = [ratio for ratio in ratios if ratio is not None]
    if not known or len(known) < len(ratios):
        return None
    return known[0] if max(known) - min(known) <= ALIKE * abs(known[0]) else None


def _moving(case: Case) -> list[str]:
    """Return the parameters whose gradient is not 0 but for rounding, as that of a bias below a batch norm is."""
    largest = {name: float(np.abs(g).max(initial=0)) for name, g in case.facts.step_gradients.items()}
    return [name for name, size in largest.items() if size > ROUNDING * max(largest.values())]


def _step_ratios(case: Case) -> dict[str, float | None]:
    """Return parameter -> the factor from its gradient to its step; None if it is not one."""
    moved, ratios = _moved(case), dict[str, float | None]()
    for name in _moving(case):
        g = as_shaped(case.facts.step_gradients[name], case.facts.derivatives.arrays[name].shape)
        if g is not None and name in moved:
            ratio = float((moved[name] * g).sum() / (g * g).sum())
            off = np.abs(moved[name] - ratio * g).max()
            ratios[name] = ratio if off <= ALIKE * max(np.abs(moved[name]).max(), 1e-300) else None
    return ratios


def mistake_of_update(case: Case) -> Diagnosis | None:
    """Return what is wrong with the update, the gradients being right."""
    facts = case.facts
    if not facts.after or not facts.step_gradients:
        return None
    if not all(np.isfinite(array).all() for array in facts.after.values()):
        return update_mistakes.from_zero(facts)
    moved = _moved(case)
    still = [name for name in _moving(case) if name in moved and not moved[name].any()]
    biases = facts.layout.biases
    if still and set(still) == set(biases) and len(still) < len(moved):
        return without_biases(case, still)
    ratio = step_ratio(case)
    if ratio is not None and ratio < 0:
        return Diagnosis(
            "update with the wrong sign", "the step adds the gradients instead of subtracting them",
            "theta <- theta - eta g", "(8)", lines=matching_lines(case, r"\+=|\+", "update", EVERYWHERE),
        )  # fmt: skip
    if case.rule is not None and case.rule.name == "momentum with mu 1":  # a velocity that never fades is no momentum
        mistake = MISTAKES["gradients accumulated"]
        return Diagnosis(mistake.name, mistake.description, mistake.remedy, mistake.equation)
    is_early = ratio is None and not still and case.rule is None
    factor = (case.own or case.fit).factor
    return (
        _uneven(case)
        or (_too_early(case, moved) if is_early else None)
        or update_mistakes.mistake_of(case.rule, facts, case.n, factor)
    )


def _uneven(case: Case) -> Diagnosis | None:
    """Return the parameters that do not move by the multiple of their gradients by which most of the others do."""
    ratios = _step_ratios(case)
    known = [ratio for ratio in ratios.values() if ratio]
    usual = next((r for r in known if 2 * sum(abs(k / r - 1) < ALIKE for k in known) >= len(ratios)), None)
    odd = [name for name, ratio in ratios.items() if usual and (ratio is None or abs(ratio / usual - 1) > ALIKE)]
    if usual is None or usual < 0 or not odd or any(ratios[name] is None for name in odd):
        return None
    texts = [f"{name} moves by {(ratios[name] or 0.0) / usual:.4g} times what it should" for name in odd]
    what = "updated wrongly" if any(ratios[name] for name in odd) else "not updated"
    return Diagnosis(f"{', '.join(odd)} {what}", "; ".join(texts), "theta <- theta - eta g for every parameter", "(8)")


def _too_early(case: Case, moved: dict[str, np.ndarray]) -> Diagnosis | None:
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
    return Diagnosis(mistake.name, mistake.description, mistake.remedy, mistake.equation, lines=matching_lines(
        case, r"\b(w|weights?)\w*(\[.*\])?\s*-=", EVERYWHERE))  # fmt: skip
