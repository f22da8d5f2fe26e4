"""Two runs side by side: what got faster or slower, and what only seems to."""

import math
from dataclasses import dataclass
from typing import Final

from shared.errors import listed
from shared.measure import paired, statistics
from shared.measure.noise import typical_canary
from shared.measure.statistics import CONFIDENCE, LEAST_DIFFERENCE, LEAST_IN_TURNS, LEAST_ROUNDS, Estimate
from shared.options import Threshold
from shared.record.schema import OK, Record, Sample, differences
from shared.report import numbers
from shared.report.document import Document, Table
from shared.report.summary import WITHOUT_RATIO, Row, epoch_seconds, rows, turns_of

KEYS: Final = ("network", "training", "threads", "dataset", "machine")
"""What two runs must have in common for a comparison of their times to be meaningful."""


@dataclass(frozen=True)
class Change:
    """One implementation in two runs."""

    name: str
    before: Row | None
    after: Row | None
    ratio: Estimate | None
    """of the later run's epochs to the earlier one's"""
    verdict: str | None
    accuracy_difference: Estimate | None
    """the earlier run's subtracted, within each seed"""
    in_turns: bool
    """whether the ratios to the baseline are compared, which it took turns with, and not the epochs"""


def changes(a: Record, b: Record) -> list[Change]:
    """Return a row for each implementation of either run, in the order of the first."""
    names = list(dict.fromkeys([*a["implementations"], *b["implementations"]]))
    sides = [{row.name: row for row in rows(record)} for record in (a, b)]
    samples = [{name: _comparable(record, name) for name in names} for record in (a, b)]
    taken = [turns_of(record) for record in (a, b)]
    common = max(1, sum(bool(samples[0][name] and samples[1][name]) for name in names))
    canaries = [typical_canary(record["samples"]) for record in (a, b)]
    drift = canaries[1] / canaries[0] if canaries[0] and canaries[1] else 1.0
    same_baseline, found = _same_baseline(a, b), []
    for name in names:
        before, after = (of[name] for of in samples)
        turns, turns_before = (of.get(name, []) for of in reversed(taken))
        in_turns = bool(turns and turns_before and same_baseline)
        if in_turns:
            times, times_before = ([math.exp(log) for log in paired.log_ratios(of)] for of in (turns, turns_before))
            ratio, least = statistics.unpaired_ratio(times, times_before, rows=common), LEAST_IN_TURNS
        else:
            times, times_before = ([epoch_seconds(s) for s in of.values()] for of in (after, before))
            ratio, least = statistics.unpaired_ratio(times, times_before, rows=common, drift=drift), LEAST_DIFFERENCE
        reached, reached_before = (
            {seed: float(s["test_accuracy"]) for seed, s in of.items()} for of in (after, before)
        )
        difference = statistics.paired_difference(reached, reached_before, rows=common)
        verdict = statistics.verdict(ratio, least)
        found.append(Change(name, sides[0].get(name), sides[1].get(name), ratio, verdict, difference, in_turns))
    return found


def _same_baseline(a: Record, b: Record) -> bool:
    """Return whether both runs have the same baseline, with the same source and packages: then the machine cancels."""
    name = a["baseline"]
    sources = [record.get("sources", {}).get(name) for record in (a, b)]
    versions = [{str(s.get("versions")) for s in r["samples"] if s["implementation"] == name} for r in (a, b)]
    return b["baseline"] == name and None not in sources and sources[0] == sources[1] and versions[0] == versions[1]


def _comparable(record: Record, name: str) -> dict[int, Sample]:
    """Return the samples by seed that may be compared."""
    of = [s for s in record["samples"] if s["implementation"] == name]
    if any(s["status"] in WITHOUT_RATIO for s in of):
        return {}
    return {s["seed"]: s for s in of if s["status"] == OK}


def document(a: Record, b: Record, names: tuple[str, str], limit: Threshold | None) -> Document:
    """Return the comparison of two runs, A and B, with these names."""
    found = changes(a, b)
    headers = ["implementation", "A: epoch, s", "B: epoch, s", "time ratio\nB / A", "verdict"]
    headers += ["A: accuracy, %", "B: accuracy, %", "B - A,\npoints", "A: status", "B: status"]
    heading = [f"A: {names[0]} ({_when(a)})", f"B: {names[1]} ({_when(b)})"]
    remarks = [f"differs: {line}" for line in differences(a, b, KEYS)]
    remarks += [f"differs: {line}" for line in _version_changes(a, b)]
    few = [c.name for c in found if c.ratio is not None and c.ratio.rounds < LEAST_ROUNDS]
    if few:
        remarks.append(f"no verdict for {', '.join(few)}: a verdict needs {LEAST_ROUNDS} rounds in both runs")
    if limit:
        remarks += _beyond(found, limit)
    return Document(
        heading, [Table(headers, [_line(c) for c in found], notes=_notes(found, a["baseline"]))], remarks, list(found)
    )


def _notes(found: list[Change], baseline: str) -> list[str]:
    """Return how the ratios were formed, and what a verdict on them needs."""
    turns, epochs = ([c.name for c in found if c.ratio and c.in_turns == kind] for kind in (True, False))
    rows = numbers.plural(len(turns) + len(epochs), "row")
    notes = [
        f"time ratio: below 1, B is faster; [...]: {100 * CONFIDENCE:.0f} % confidence interval over the rounds "
        f"(Welch), for {rows} together; a verdict needs an interval that excludes 1; other intervals: Student's t"
    ]
    if turns:
        notes.append(
            f"{listed(turns)}: A's and B's ratios to {baseline} are compared, which is the same in both and cancels; "
            f"a verdict needs a difference of at least {100 * LEAST_IN_TURNS:.0f} %"
        )
    if epochs:
        notes.append(
            f"{listed(epochs)}: the epochs are compared; the interval is widened by the change of the canary, a piece "
            f"of work that both runs timed; a verdict needs a difference of at least {100 * LEAST_DIFFERENCE:.0f} %"
        )
    return notes


def _beyond(found: list[Change], limit: Threshold) -> list[str]:
    """Return a line for each implementation beyond the limit, and one for those that cannot be compared with it."""
    lines = [f"{c.name} is {limit}" for c in found if _passes(c, limit)]
    unknown = [c.name for c in found if c.ratio is None or c.ratio.low is None]
    return lines + ([f"cannot tell whether these are {limit}: {', '.join(unknown)}"] if unknown else [])


def _passes(change: Change, limit: Threshold) -> bool:
    return change.ratio is not None and limit.passed_by(change.ratio.low, change.ratio.high)


def fails(a: Record, b: Record, limit: Threshold) -> bool:
    """Return whether any implementation is beyond the limit."""
    return any(_passes(change, limit) for change in changes(a, b))


def _line(change: Change) -> list[str]:
    sides = (change.before, change.after)
    return [
        change.name,
        *(numbers.estimate(row.epoch) if row else numbers.NONE for row in sides),
        numbers.estimate(change.ratio),
        change.verdict or numbers.NONE,
        *(numbers.estimate(row.accuracy, 100) if row else numbers.NONE for row in sides),
        numbers.difference(change.accuracy_difference, 100),
        *(row.status if row else "not in this run" for row in sides),
    ]


def _when(record: Record) -> str:
    revision = record["git"].get("revision", "")[:12]
    changed = ", changed" if record["git"].get("changed") else ""
    return ", ".join(
        [
            record["started"],
            numbers.plural(record["rounds"], "round"),
            *([f"revision {revision}{changed}"] if revision else []),
        ]
    )


def _version_changes(a: Record, b: Record) -> list[str]:
    """Return a line for each package with different versions in the two runs; it may explain a difference."""
    before, after = ({k: v for s in r["samples"] for k, v in s.get("versions", {}).items()} for r in (a, b))
    shared = sorted(before.keys() & after.keys())
    return [f"{name}: {before[name]} and {after[name]}" for name in shared if before[name] != after[name]]
