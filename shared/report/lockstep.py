"""Two implementations in lock-step, as tables and sentences."""

from typing import Any, Final

from shared.agreement.envelope import GRADIENTS, PARAMETERS, Departure, Gap
from shared.agreement.lockstep import Inside, Lockstep
from shared.agreement.observation import INCONCLUSIVE
from shared.report import numbers
from shared.report.budget import headroom
from shared.report.document import Document, Table

CAPTIONS: Final = {
    PARAMETERS: "Parameters after the step: relative L2 difference, and headroom (rounding bound / difference)",
    GRADIENTS: "Gradients in the step: the same",
}
NOTE: Final = (
    "rounding bound: the growth of one unit in the last place, and of the rounding of every step, in float64 twins "
    "of the reference; !: rounding does not explain the difference"
)
EQUATIONS: Final = {"z": "(1)", "a": "(2)", "d": "(5)", "dW": "(6)", "db": "(7)"}
"""kind of a quantity -> its equation; a delta of the last layer has (4)."""


def document(found: Lockstep, heading: list[str]) -> Document:
    """Return the tables of the steps that are shown, and the conclusion."""
    tables = [_table(kind, [gap for gap in found.checked if gap.kind == kind]) for kind in (PARAMETERS, GRADIENTS)]
    sentences = [verdict(found), *(inside(found, part) for part in found.inside)]
    tables[-1].notes.extend([NOTE, "", *sentences])
    rows: list[Any] = [{**vars(gap), "headroom": gap.headroom, "departs": gap.departs} for gap in found.checked]
    more = {
        "steps": found.steps,
        "verdict": sentences,
        "departures": [f"{gap.kind} {gap.tensor}" for gap in found.departures],
        "inconclusive_from": found.inconclusive_from,
    }
    return Document(heading, tables, [], rows, more)


def _table(kind: str, gaps: list[Gap]) -> Table:
    """Return a table with a line for each step and a column for each tensor."""
    tensors = list(dict.fromkeys(gap.tensor for gap in gaps))
    steps: dict[int, dict[str, Gap]] = {}
    for gap in gaps:
        steps.setdefault(gap.step, {})[gap.tensor] = gap
    lines = [[f"{step:,}", *(_cell(of_step[t]) for t in tensors)] for step, of_step in steps.items()]
    return Table(["step", *tensors], lines, CAPTIONS[kind])


def _cell(gap: Gap) -> str:
    return f"{'! ' if gap.departs else ''}{numbers.error(gap.difference)} {headroom(gap.headroom)}".rstrip()


def verdict(found: Lockstep) -> str:
    """Return a sentence: whether the two disagree, at which step and in which tensors."""
    a, b = found.sides
    if found.departures:
        kinds: dict[str, list[str]] = {}
        for gap in found.departures:
            kinds.setdefault(gap.kind, []).append(gap.tensor)
        where = " and ".join(f"{kind} {', '.join(tensors)}" for kind, tensors in kinds.items())
        return f"{a} and {b} disagree at step {found.steps:,}: rounding does not explain the difference of {where}"
    if found.inconclusive_from == 1:
        return "nothing can be concluded: from the first step on, rounding alone may explain any difference"
    if found.inconclusive_from:
        together = f"{a} and {b} agree for {numbers.plural(found.inconclusive_from - 1, 'step')}; from then on"
        return f"{together}, rounding alone explains more than {INCONCLUSIVE:.0%}, and nothing can be concluded"
    return f"{a} and {b} agree for {numbers.plural(found.steps, 'step')}: rounding explains every difference"


def inside(found: Lockstep, part: Inside) -> str:
    """Return what a side does in that step if both start it from the same parameters."""
    who = f"step {found.steps:,} again, from the same parameters: {part.side}"
    if part.departure:
        unknown = "" if part.traced else " (z, a and delta are unknown, because it has no trace(x, y))"
        error, bound = part.departure.error, part.departure.bound
        where = f"{part.departure.name}, equation {equation(part.departure, found.layers)}"
        if not part.traced and part.departure.kind[0] == "d":
            where = f"{part.departure.name}, an equation from (3) on"  # the loss may be another one
        off = f"off by {error:.1e}, rounding explains {bound:.1e}"
        return f"{who} first departs from the reference in {where}: {off}{unknown}"
    if part.update:
        return f"{who} has the right gradients, but a wrong update, equation (8), of {', '.join(part.update)}"
    if any(side.departure or side.update for side in found.inside):
        return f"{who} is right"
    return f"{who} is right: the two differ in their batch, or in what one of them keeps from step to step"


def equation(departure: Departure, layers: int) -> str:
    """Return the number of the equation that computes a quantity in a network with this many layers."""
    return "(4)" if departure.kind == "d" and departure.layer == layers else EQUATIONS[departure.kind]
