"""Two implementations in lock-step, as tables and in words."""

from typing import Any, Final

from shared.agreement.envelope import GRADIENTS, PARAMETERS, Gap
from shared.agreement.lockstep import Inside, Walk
from shared.agreement.observation import INCONCLUSIVE
from shared.report import numbers
from shared.report.budget import headroom
from shared.report.document import Document, Table

CAPTIONS: Final = {
    PARAMETERS: "Parameters after the step: relative L2 difference, and how many times more rounding explains",
    GRADIENTS: "Gradients in the step: the same",
}
NOTE: Final = (
    "rounding: the growth of one unit in the last place, and of the rounding of every step, in float64 twins of the "
    "reference; !: it does not explain the difference"
)
EQUATIONS: Final = {"z": "(1)", "a": "(2)", "dW": "(6)", "db": "(7)"}


def document(walk: Walk, heading: list[str]) -> Document:
    """Return the tables of the checked steps and what they come to."""
    tables = [_table(kind, [gap for gap in walk.checked if gap.kind == kind]) for kind in (PARAMETERS, GRADIENTS)]
    told = [verdict(walk), *(inside(walk, part) for part in walk.inside)]
    tables[-1].notes.extend([NOTE, "", *told])
    rows: list[Any] = [{**vars(gap), "headroom": gap.headroom, "departs": gap.departs} for gap in walk.checked]
    more = {
        "steps": walk.steps,
        "verdict": told,
        "departures": [f"{gap.kind} {gap.tensor}" for gap in walk.departures],
        "inconclusive_from": walk.inconclusive_from,
    }
    return Document(heading, tables, [], rows, more)


def _table(kind: str, gaps: list[Gap]) -> Table:
    """Return a line a step, a column a tensor."""
    tensors = list(dict.fromkeys(gap.tensor for gap in gaps))
    steps: dict[int, dict[str, Gap]] = {}
    for gap in gaps:
        steps.setdefault(gap.step, {})[gap.tensor] = gap
    lines = [[f"{step:,}", *(_cell(found[t]) for t in tensors)] for step, found in steps.items()]
    return Table(["step", *tensors], lines, CAPTIONS[kind])


def _cell(gap: Gap) -> str:
    return f"{'! ' if gap.departs else ''}{numbers.error(gap.difference)} {headroom(gap.headroom)}".rstrip()


def verdict(walk: Walk) -> str:
    """Return in one sentence whether, where and in what the two parted."""
    a, b = walk.sides
    if walk.departures:
        kinds: dict[str, list[str]] = {}
        for gap in walk.departures:
            kinds.setdefault(gap.kind, []).append(gap.tensor)
        where = " and ".join(f"{kind} {', '.join(tensors)}" for kind, tensors in kinds.items())
        return f"{a} and {b} part at step {walk.steps:,}: rounding does not explain {where}"
    if walk.inconclusive_from == 1:
        return "nothing can be concluded: from the first step on rounding alone may explain any difference"
    if walk.inconclusive_from:
        told = f"{a} and {b} do not part in {walk.inconclusive_from - 1:,} steps; from then on"
        return f"{told} rounding alone explains more than {INCONCLUSIVE:.0%}, and nothing is concluded"
    return f"{a} and {b} do not part in {walk.steps:,} steps: rounding explains every difference"


def inside(walk: Walk, found: Inside) -> str:
    """Return what a side does within that step when both start it from the same parameters."""
    who = f"step {walk.steps:,} again, from the same parameters: {found.side}"
    if found.departure:
        name, error, bound = found.departure
        last = max(gap.tensor[1:] for gap in walk.checked)
        equation = EQUATIONS.get(name.rstrip("0123456789"), "(4)" if name[1:] == last else "(5)")
        known = "" if found.traced else " (it has no trace(x, y): z, a and delta are not known)"
        told = f"departs first in {name}, equation {equation}: off by {error:.1e}, rounding explains {bound:.1e}"
        return f"{who} {told}{known}"
    if found.update:
        return f"{who} has the right gradients; its update, equation (8), is not that of {', '.join(found.update)}"
    if any(side.departure or side.update for side in walk.inside):
        return f"{who} is right"
    return f"{who} is right: the two part by their batch, or by what one of them keeps from step to step"
