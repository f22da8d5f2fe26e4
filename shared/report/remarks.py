"""Notes on the tables of a run, one line each: what failed, what is missing, what could not be concluded."""

import math
from collections.abc import Iterator

from shared.implementations import REFERENCE
from shared.measure.statistics import LEAST_ROUNDS
from shared.record.schema import ALONE, BUDGET, COMPLETE, INTERRUPTED, OK, Record, Turns
from shared.report import numbers
from shared.report.summary import DIVERGED, LISTED, WITHOUT_RATIO, Row, differs, short_of_cpu


def every(record: Record, rows: list[Row]) -> list[str]:
    """Return all notes."""
    accuracies = [
        f"{row.name}'s accuracy differs from {record['baseline']}'s by more than the seeds explain"
        for row in rows
        if row.accuracy_difference and differs(row.accuracy_difference)
    ]
    disturbances = [line for row in rows for line in row.disturbances]
    why = [*failures(record, rows), *without_turns(record), *disturbances, *ratios(record, rows), *accuracies]
    return [*why, *ending(record), *inconclusive(record)]


def main(record: Record, rows: list[Row]) -> list[str]:
    """Return the notes that the answer needs, in short; the answer itself names differing accuracies."""
    found = [*failures_in_short(record, rows), *without_turns(record), *disturbed(rows), *ratios(record, rows)]
    return [*found, *ending(record), *widened(record)]


def failures_in_short(record: Record, rows: list[Row]) -> list[str]:
    """Return a line for each reason and implementation, with its rounds and the last line of stderr."""
    rounds, last = dict[tuple[str, str], list[int]](), dict[tuple[str, str], str]()
    of_reference = [("float64 reference", result) for result in record["references"]]
    taken = [t for t in record.get("turns", []) if t["status"] != ALONE]
    of_samples = [(result["implementation"], result) for result in (*record["samples"], *taken)]
    for name, result in of_reference + of_samples:
        if "reason" in result:
            key = (name, result["reason"])
            rounds.setdefault(key, []).append(result["round"])
            last[key] = _telling(result.get("stderr", []))
    lines = []
    for (name, reason), where in rounds.items():
        line = last[name, reason]
        lines.append(f"{name}, {_rounds(where)}: {reason}{f'; {line}' if line and line not in reason else ''}")
    diverged = [row.reasons[-1] for row in rows if row.status == DIVERGED]
    return [*lines, *diverged, *remarked(record)]


def remarked(record: Record) -> list[str]:
    """Return what else is to be known of a worker."""
    return [f"{s['implementation']}, round {s['round']}: {s['remark']}" for s in record["samples"] if "remark" in s]


def _telling(stderr: list[str]) -> str:
    """Return the line of stderr that says most: the last, or where a worker was that had to be stopped."""
    here = [i + 1 for i, line in enumerate(stderr) if "most recent call first" in line]
    return stderr[here[-1]].strip() if here and here[-1] < len(stderr) else next(reversed(stderr), "")


def disturbed(rows: list[Row]) -> list[str]:
    """Return the disturbed rows in one line, if the answer only counts them."""
    names = [f"{row.name} ({row.disturbed} of {row.rounds})" for row in rows if row.turns is None and row.disturbed]
    shares = [(row.name, had) for row in rows if (had := short_of_cpu(row)) is not None]
    short = [f"{name} ({100 * had:.0f} %)" for name, had in shares]
    if len(names) + len(short) <= LISTED:
        return []
    lines = [f"disturbed rounds: {', '.join(names)}"] if names else []
    return lines + ([f"share of a CPU that they had in their turns: {', '.join(short)}"] if short else [])


def without_turns(record: Record) -> list[str]:
    """Return a line for each implementation that did not take turns with the baseline, with the first reason."""
    found: dict[str, list[Turns]] = {}
    for turns in record.get("turns", []):
        if turns["status"] == ALONE:
            found.setdefault(turns["implementation"], []).append(turns)
    return [
        f"{name} took no turns in {_rounds([t['round'] for t in of])}: {of[0].get('reason', '')}; without enough turns "
        "its ratio is of whole epochs"
        for name, of in found.items()
    ]


def _rounds(where: list[int]) -> str:
    return numbers.plural(len(where), "round") if len(where) > 1 else f"round {where[0]}"


def failures(record: Record, rows: list[Row]) -> list[str]:
    """Return why each worker failed, with the end of its stderr."""
    lines = [reason for row in rows for reason in row.reasons]
    for reference in record["references"]:
        if reference["status"] != OK:
            lines.append(f"float64 reference, round {reference['round']}: {reference['reason']}")
    for result in (*record["references"], *record["samples"], *record.get("turns", [])):
        who = f"{result['implementation']}, round {result['round']}"
        lines += [f"{who}, stderr: {line}" for line in result.get("stderr", [])]
    return lines + remarked(record)


def ratios(record: Record, rows: list[Row]) -> list[str]:
    """Return what ratios refer to, if that is not obvious, and why ratios or verdicts are missing."""
    baseline = record["baseline"]
    others = [row for row in rows if row.name != baseline and row.rounds]
    if not others:
        return []
    chosen = []
    if baseline != REFERENCE and record.get("options", {}).get("baseline") is None:
        chosen = [f"the baseline is {baseline}, the first implementation: {REFERENCE} is not in this run"]
    base = next((row for row in rows if row.name == baseline), None)
    if base is None or base.status in WITHOUT_RATIO or not base.rounds:
        return [*chosen, f"no ratios: the baseline {baseline} is {base.status if base else 'not in this run'}"]
    if record["rounds"] < LEAST_ROUNDS:
        return [*chosen, f"no verdicts: they need {LEAST_ROUNDS} rounds"]
    few = [row.name for row in others if row.ratio is not None and row.ratio.rounds < LEAST_ROUNDS]
    if not few:
        return chosen
    needed = f"a verdict needs {LEAST_ROUNDS} rounds in which both it and {baseline} were timed"
    return [*chosen, f"no verdict for {', '.join(few)}: {needed}"]


def ending(record: Record) -> list[str]:
    """Return why a run is not complete; nothing for one that is."""
    ended = record["ended"]
    why = {None: "it has not ended", INTERRUPTED: "interrupted", BUDGET: "the time budget was used up"}
    if ended == COMPLETE:
        return []
    return [f"incomplete: {why.get(ended, ended)}; what was measured is shown; --resume FOLDER continues"]


def inconclusive(record: Record) -> list[str]:
    """Return a line for each stage in which a larger error than the tolerance had to be allowed."""
    lines = []
    for round_, stage, limit in _limits(record):
        where = f"round {round_}, {stage}"
        if math.isinf(limit):
            lines.append(f"{where}: training magnifies rounding so much that nothing can be concluded")
        elif limit > record["tolerance"]:
            lines.append(f"{where}: up to {limit:.1e} is allowed, because the problem magnifies rounding")
    return lines


def widened(record: Record) -> list[str]:
    """Return the same, in one line per stage."""
    limits: dict[str, list[float]] = {}
    for _, stage, limit in _limits(record):
        limits.setdefault(stage, []).append(limit)
    lines = []
    for stage, every_limit in limits.items():
        wide = [limit for limit in every_limit if limit > record["tolerance"]]
        if wide:
            rounds = f"in {len(wide)} of {len(every_limit)} rounds" if len(every_limit) > 1 else ""
            most = f"up to {max(wide):.1e} is allowed" if math.isfinite(max(wide)) else "nothing can be concluded"
            lines.append(f"{stage}: {f'{most} {rounds}'.rstrip()}, because the problem magnifies rounding")
    return lines


def _limits(record: Record) -> Iterator[tuple[int, str, float]]:
    """Yield round, stage and the largest error that is allowed there; inf if nothing can be concluded."""
    for reference in record["references"]:
        for stage, allowed in reference.get("allowed", {}).items():
            yield reference["round"], stage, math.inf if allowed is None else allowed
