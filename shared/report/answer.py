"""The answer of a run: three sentences written from its numbers."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from shared.errors import listed
from shared.measure.statistics import LEAST_ROUNDS, NO_DIFFERENCE, Estimate
from shared.record.schema import COMPLETE, DISAGREES, OK, Record
from shared.report import numbers
from shared.report.budget import departures
from shared.report.summary import LISTED, Pair, Row, differs, short_of_cpu


class Sentence(NamedTuple):
    """A sentence of the answer."""

    text: str
    is_bad: bool = False
    """whether it says that an implementation does not perform the same computation"""


def answer(record: Record, rows: Sequence[Row], pairs: Sequence[Pair]) -> list[Sentence]:
    """Return three sentences: whether they agree, how accurate they are, how fast they are and what went wrong."""
    return [same_computation(record, rows, pairs), accuracy(record, rows), speed(record, rows)]


def same_computation(record: Record, rows: Sequence[Row], pairs: Sequence[Pair]) -> Sentence:
    """Return whether they perform the same computation, and to how many digits they agree."""
    wrong = [row.name for row in rows if row.status == DISAGREES]
    errors = {row.name: row.gradient_error for row in rows if row.gradient_error is not None and row.name not in wrong}
    text = ""
    worst = max(errors.values(), default=0.0)
    if errors and not worst <= record["tolerance"]:
        off = numbers.error(worst)
        text = f"Nothing can be concluded: the gradients have errors of up to {off}, which rounding may explain here"
    elif errors:
        steps = [pair.errors.get("after 100 steps", math.nan) for pair in pairs if errors.keys() >= set(pair.names)]
        if len(errors) > 1:
            text = f"The {len(errors)} implementations perform the same computation: their gradients"
        else:
            text = f"{next(iter(errors))} computes the right gradients: they"
        text += f" agree with the float64 reference to {_digits(worst)} (largest error of a tensor "
        text += f"{numbers.error(worst)}, tolerance {record['tolerance']:.0e})"
        known = [error for error in steps if math.isfinite(error)]
        if known:
            text += f", and after 100 steps the parameters of any two differ by at most {numbers.error(max(known))}"
    outside = departures(record)
    if outside:
        departed = [f"{name} (from step {step:,} on)" for name, step in outside.items()]
        text += f"; the error of {listed(departed)} is larger than rounding explains"
    if wrong:
        do, are = ("do", "are") if len(wrong) > 1 else ("does", "is")
        text += f"{'; ' if text else ''}{listed(wrong)} {do} NOT perform the same computation, and {are} left out below"
    return Sentence(f"{text or 'No implementation gave a result that could be compared'}.", is_bad=bool(wrong))


def _digits(error: float) -> str:
    if not math.isfinite(error):
        return "no digit"
    digits = 15 if error == 0 else max(0, math.floor(-math.log10(error)))
    return "every digit" if error == 0 else numbers.plural(digits, "digit")


def accuracy(record: Record, rows: Sequence[Row]) -> Sentence:
    """Return how accurate they are, and whether a difference is real."""
    known = [row for row in rows if row.accuracy and row.is_usable]
    if not known:
        return Sentence("No accuracy was measured.")
    values = sorted(100 * row.accuracy.value for row in known if row.accuracy)
    low, high = numbers.number(values[0], 1), numbers.number(values[-1], 1)
    epochs, tests, base = record["training"].get("epochs", 1), record["dataset"]["sizes"][2], record["baseline"]
    span = f"{low} %" if low == high else f"{low} to {high} %"
    text = f"After {numbers.plural(epochs, 'epoch')}, {span} of the {tests:,} test images are classified correctly"
    compared = [row for row in known if row.accuracy_difference]
    if not compared:
        return Sentence(f"{text}.")
    rounds = max(row.accuracy_difference.rounds for row in compared if row.accuracy_difference)
    images = max(row.images_differing or 0 for row in compared)
    real = [row.name for row in compared if row.accuracy_difference and differs(row.accuracy_difference)]
    if rounds < LEAST_ROUNDS:
        are = "is" if rounds == 1 else "are"
        text += f"; {numbers.plural(rounds, 'round')} {are} too few to distinguish a difference from chance"
    elif real:
        text += f"; the accuracy of {listed(real)} differs from {base}'s by more than the seeds explain"
    else:
        text += f"; no accuracy differs from {base}'s by more than the seeds explain"
    return Sentence(f"{text} (up to {images:,.0f} images are classified differently from {base}).")


def speed(record: Record, rows: Sequence[Row]) -> Sentence:
    """Return which is faster and by how much, and what failed or was disturbed."""
    usable = [row for row in rows if row.epoch and row.is_usable]
    timed = sorted(usable, key=lambda row: row.epoch.value if row.epoch else 0)
    if all(row.turns or row.name == record["baseline"] for row in timed):  # their ratios say more than their epochs
        timed.sort(key=lambda row: row.ratio.value if row.ratio else 1)
    if not timed:
        return Sentence(f"Nothing was timed; {trouble(record, rows)}.")
    base = next((row for row in timed if row.name == record["baseline"]), None)
    few = " in this single round" if max(row.rounds for row in timed) == 1 else ""
    text = f"{timed[0].name} is the fastest{few}, with" if len(timed) > 1 else f"{timed[0].name} takes"
    text += f" {_time(timed[0].epoch)} s per epoch"
    compared = [row for row in timed if row.ratio and row is not timed[0]]
    if base is not None and base is not timed[0] and timed[0].ratio:
        text += f", {_time(timed[0].ratio)} times {base.name}'s time{_verdict(timed[0])}"
    if len(compared) > LISTED:
        compared = [compared[-1]]
    if compared and base is not None:
        first, *others = compared
        whose = "" if base is timed[0] else f" as {base.name}"
        parts = [f"{first.name} takes {_time(first.ratio)} times as long{whose}{_verdict(first)}"]
        parts += [f"{row.name} {_time(row.ratio)} times{_verdict(row)}" for row in others]
        text += f"; {listed(parts)}"
    return Sentence(f"{text}; {trouble(record, rows)}.")


def _time(found: Estimate | None) -> str:
    """Return a time or a ratio, with its interval if there are enough rounds for a verdict."""
    if found is not None and found.rounds < LEAST_ROUNDS:
        found = found._replace(low=None, high=None)
    return numbers.estimate(found)


def _disturbance(row: Row) -> str:
    if (had := short_of_cpu(row)) is not None:
        return f"{row.name}, which had {100 * had:.0f} % of a CPU in its turns"
    return f"{row.name} in {row.disturbed} of {row.rounds} rounds"


def _verdict(row: Row) -> str:
    return f" ({NO_DIFFERENCE})" if row.verdict == NO_DIFFERENCE else ""


def trouble(record: Record, rows: Sequence[Row]) -> str:
    """Return what failed or was disturbed."""
    disturbed = [
        _disturbance(row) for row in rows if (row.turns is None and row.disturbed) or short_of_cpu(row) is not None
    ]
    failed = [f"{row.name} ({row.status})" for row in rows if not row.is_usable]
    partly = [
        f"{row.name} {row.status} in {row.failed} of {row.tried} rounds"
        for row in rows
        if row.is_usable and row.status != OK
    ]
    parts = []
    if record["ended"] != COMPLETE:
        parts.append(f"the run is incomplete ({record['ended'] or 'it has not ended'})")
    if failed:
        parts.append(f"no usable result from {listed(failed)}")
    parts += partly
    if len(disturbed) > LISTED:
        disturbed = [f"{len(disturbed)} of {len(rows)} implementations"]
    if disturbed:
        parts.append(f"disturbed by other activity on the machine: {listed(disturbed)}")
    return "; ".join(parts) or "no implementation failed and no measurement was disturbed"
