"""Two models beside each other, as lines."""

from collections.abc import Sequence
from typing import Any

from shared.ports import slowness
from shared.ports.beside import START_EPOCHS, START_EXAMPLES
from shared.ports.rows import OWN, OWN_RULE, Row
from shared.ports.sides import Comparison, Side
from shared.ports.starts import own_start
from shared.ports.words import explain
from shared.report.document import Document
from shared.report.numbers import plural


def document(found: Comparison) -> Document:
    """Return the rows, what each side is, and why they part."""
    heading = [_title(found), *(f"{side.name}: {_what(side)}" for side in found.sides)]
    first = found.sides[0].about
    mapped = ", ".join(f"{name} {'x'.join(map(str, shape))}" for name, shape in first.shapes.items())
    heading.append(f"weights given by order and shape: {mapped}")
    answer = [_row(row) for row in found.rows]
    if found.rows:
        where = next((row for row in found.rows if not row.same), None)
        own = next((row for row in found.rows if row.note.startswith(OWN_RULE)), None)
        if where:
            at = f" at step {where.step}" if where.step else ""
            answer.append(f"the two part{at}: {where.what}")
        elif own:
            answer.append(f"the two are the same up to the update of step {own.step}, which is not compared")
        elif found.unseen:
            answer.append(f"the two take the same {found.steps} steps, and differ in {' and '.join(found.unseen)}")
        else:
            answer.append(f"the two are the same in {found.steps} steps")
    answer += explain(found)
    starts = [f"{side.name}'s own start: {'; '.join(own_start(side.about.own))}" for side in found.sides
              if side.about.own]  # fmt: skip
    starts += accuracies(found.accuracies, found.sides[0].name)
    speed = speeds(found.sides, found.sibling)
    notes = [f"{found.sides[0].name}: its training fails: {found.untrained}"] if found.untrained else []
    notes += [f"{side.name}: {note}" for side in found.sides for note in side.about.notes]
    notes += [f"{side.name}: dropout {_rates(side)} is random, and is left out here" for side in found.sides
              if side.about.modes.get("dropout")]  # fmt: skip
    caught = [f"{side.name} warns while running: {text}" for side in found.sides for text in side.caught]
    rows: list[Any] = list(found.rows)
    more = {
        "steps": found.steps,
        "sides": [_data(side) for side in found.sides],
        "starts": starts,
        "accuracies": found.accuracies,
        "speed": speed,
    }
    return Document(heading, [], [*notes, *caught], rows, more, [*answer, *starts, *speed])


def accuracies(of_starts: dict[str, float], name: str) -> list[str]:
    """Return the accuracy that each start leads to, and so what the start alone explains."""
    if len(of_starts) < 2:
        return []
    each = ", ".join(f"{100 * accuracy:.1f} % from {start}" for start, accuracy in of_starts.items())
    size = f"{plural(START_EPOCHS, 'epoch')} of up to {START_EXAMPLES:,} images"
    return [f"what the start alone explains: {name} after {size}: {each}"]


def speeds(sides: Sequence[Side], sibling: Side | None) -> list[str]:
    """Return what the steps and outputs of each side take, why, and what a sibling takes that does it otherwise."""
    lines = [f"{side.name} is not timed: {side.not_timed}" for side in sides if side.not_timed]
    timed = [(side.name, side.timing) for side in sides if side.timing]
    for name, timing in timed:
        lines.append(f"{name}: time: {slowness.figures(timing)}")
        lines += [f"  {name}: {reason}" for reason in slowness.reasons(timing)]
    if len(timed) == 2:
        (a, one), (b, two) = timed
        lines += slowness.beside(a, one, b, two) + slowness.beside(b, two, a, one)
    elif timed and sibling and sibling.timing:
        lines += slowness.beside(*timed[0], sibling.name, sibling.timing, ", which has layers of the same sizes")
    return lines


def _title(found: Comparison) -> str:
    names = " / ".join(side.name for side in found.sides)
    return f"{names}: the same weights given, {found.steps} steps with {found.batch} random examples each"


def _what(side: Side) -> str:
    about = side.about
    return f"{about.kind}: {', '.join(about.found)}; computed in {about.dtype}"


def _rates(side: Side) -> str:
    return ", ".join(f"{rate:g}" for rate in side.about.modes["dropout"])


def _row(row: Row) -> str:
    note = f" ({row.note})" if row.note else ""
    if not row.step:
        return f"{row.what:<10} {'same' if row.same else 'PARTS'}{note}"
    if row.same:
        verdict = "-" if row.note.startswith((OWN, OWN_RULE)) else "same"
        return f"{row.what:<10} {verdict} ({row.difference:.1e}){note}"
    tensors = f", {', '.join(row.tensors)}" if row.tensors else ""
    return f"{row.what:<10} PARTS at step {row.step}{tensors} ({row.difference:.1e}){note}"


def _data(side: Side) -> dict[str, Any]:
    loss, rule = side.loss, side.rule
    return {
        "name": side.name,
        "kind": side.about.kind,
        "found": side.about.found,
        "dtype": side.about.dtype,
        "loss": loss._asdict() if loss else None,
        "update": rule._asdict() if rule else None,
        "given_weights_unused": side.unused,
        "order": side.order,
        "data": side.data,
        "batches": side.batches,
        "own_start": own_start(side.about.own),
        "warnings": side.caught,
        "timing": side.timing._asdict() if side.timing else None,
    }
