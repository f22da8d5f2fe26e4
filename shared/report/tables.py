"""The tables of a run, from its record alone."""

from collections.abc import Callable
from typing import Final, NamedTuple

from shared.measure.statistics import CONFIDENCE, LEAST_DIFFERENCE, LEAST_IN_TURNS, Estimate
from shared.record.schema import Record
from shared.report import budget, numbers, remarks
from shared.report.answer import answer
from shared.report.document import Document, Table
from shared.report.summary import Pair, Row, pairs, rows, short_of_cpu

NONE: Final = numbers.NONE


def _per_step(row: Row) -> str:
    return numbers.derived(row.epoch.value / row.steps_per_epoch * 1e6, row.epoch) if row.epoch else NONE


def _disturbance(row: Row) -> str:
    if (had := short_of_cpu(row)) is not None:
        return f", had {100 * had:.0f} % of a CPU"
    return f", {row.disturbed} of {row.rounds} disturbed" if row.disturbed else ""


def _per_second(row: Row) -> str:
    return numbers.derived(row.examples_per_epoch / row.epoch.value, row.epoch) if row.epoch else NONE


class Column(NamedTuple):
    """A column of the main table."""

    cell: Callable[[Row], str]
    value: Callable[[Row], float | str | None]
    """by which a page sorts the column"""


def _value(found: Estimate | None) -> float | None:
    return None if found is None else found.value


COLUMNS: Final[dict[str, Column]] = {
    "test\naccuracy, %": Column(lambda row: numbers.estimate(row.accuracy, 100), lambda row: _value(row.accuracy)),
    "to baseline,\npoints": Column(
        lambda row: numbers.difference(row.accuracy_difference, 100), lambda row: _value(row.accuracy_difference)
    ),
    "images\ndiffering": Column(
        lambda row: f"{row.images_differing:,.0f}" if row.images_differing is not None else NONE,
        lambda row: row.images_differing,
    ),
    "epoch, s": Column(lambda row: numbers.estimate(row.epoch), lambda row: _value(row.epoch)),
    "time\nratio": Column(lambda row: numbers.estimate(row.ratio), lambda row: _value(row.ratio)),
    "verdict": Column(lambda row: row.verdict or NONE, lambda row: row.verdict),
    "step,\nus": Column(_per_step, lambda row: row.epoch.value / row.steps_per_epoch if row.epoch else None),
    "samples/s": Column(_per_second, lambda row: row.examples_per_epoch / row.epoch.value if row.epoch else None),
    "peak\nMB": Column(
        lambda row: f"{row.peak_memory_bytes / 1e6:,.0f}" if row.peak_memory_bytes else NONE,
        lambda row: row.peak_memory_bytes or None,
    ),
    "gradient\nerror": Column(lambda row: numbers.error(row.gradient_error), lambda row: row.gradient_error),
    "parameters": Column(
        lambda row: f"{row.parameter_count:,}" if row.parameter_count else NONE, lambda row: row.parameter_count or None
    ),
    "status": Column(
        lambda row: row.status + _disturbance(row),
        lambda row: row.status,
    ),
}
FIRST_ROUND: Final = ("path", "sections")
"""Stages of the first round only."""
MAIN, TIMES, TURNS, PAIRS = "main", "times", "turns", "pairs"
"""The kinds of tables, in addition to `budget.GRADIENTS`."""
CAPTIONS: Final = {
    TIMES: "Where a worker's time went, s: median over the rounds",
    TURNS: "Turns with the baseline, median over the rounds",
    PAIRS: "Agreement of each pair: worst relative L2 error of a tensor over all rounds",
}


def document(record: Record) -> Document:
    """Return all tables of a run; `brief.document` is the version that fits a terminal."""
    found, compared = rows(record), pairs(record)
    values = [[row.name, *(column.value(row) for column in COLUMNS.values())] for row in found]
    lines = [_line(row) for row in found]
    tables = [Table(["implementation", *COLUMNS], lines, notes=legend(record, found), values=values, kind=MAIN)]
    if any(row.rounds for row in found):
        tables.append(time_table(found))
    if any(row.turns for row in found):
        tables.append(turns_table(record, found))
    if compared:
        tables.append(pair_table(record, compared))
    tables += budget.section(record)
    return with_answer(record, found, compared, tables, remarks.every(record, found))


def with_answer(
    record: Record, found: list[Row], compared: list[Pair], tables: list[Table], notes: list[str]
) -> Document:
    """Return tables and notes with what every document of a run has: heading, answer, and the numbers in full."""
    more = {"pairs": compared, "ended": record["ended"]}
    sentences = [sentence.text for sentence in answer(record, found, compared)]
    return Document(heading(record), tables, notes, list(found), more, sentences)


def _line(row: Row) -> list[str]:
    return [row.name, *(column.cell(row) for column in COLUMNS.values())]


def time_table(found: list[Row]) -> Table:
    """Return the stages of the workers, which add up to their whole time."""
    stages = list(dict.fromkeys(stage for row in found for stage in row.seconds if stage != "wall"))
    # the median over three rounds of a stage that only the first round has is 0
    stages = [stage for stage in stages if stage not in FIRST_ROUND or any(row.seconds.get(stage) for row in found)]
    lines = [
        [row.name, *(f"{row.seconds.get(stage, 0.0):.2f}" for stage in (*stages, "wall"))]
        for row in found
        if row.rounds
    ]
    headers = ["implementation", *(stage.replace(" ", "\n") for stage in stages), "all"]
    return Table(headers, lines, CAPTIONS[TIMES], kind=TIMES)


def turns_table(record: Record, found: list[Row]) -> Table:
    """Return a line for each implementation that took turns: what its ratio is from."""
    headers = ["implementation", "time ratio\nin turns", "of whole\nepochs", "rounds", "blocks", "steps of\na block"]
    headers += ["block,\nms", "a call,\n%", "clock", "of a CPU,\n%", "blocks\ndisturbed, %"]
    lines = [
        [
            row.name,
            numbers.estimate(row.ratio),
            numbers.estimate(row.epoch_ratio),
            str(row.turns.rounds),
            f"{row.turns.blocks:,.0f}",
            f"{row.turns.steps:,.0f}",
            f"{1e3 * row.turns.block_seconds:,.3g}",
            f"{100 * row.turns.call:.2g}",
            row.turns.clock,
            *(NONE if share is None else f"{100 * share:.0f}" for share in (row.turns.had, row.turns.disturbed)),
        ]
        for row in found
        if row.turns
    ]
    notes = [
        f"blocks: of steps, each between blocks of {record['baseline']}; a call: share of a block that is the call by "
        "itself; of a CPU: mean share that it had, of what it uses undisturbed"
    ]
    return Table(headers, lines, CAPTIONS[TURNS], notes=notes, kind=TURNS)


def pair_table(record: Record, compared: list[Pair]) -> Table:
    """Return a line for each pair: worst relative L2 errors, and test predictions that differ."""
    stages = list(compared[0].errors)
    tests = record["dataset"]["sizes"][2]
    lines = [
        [
            " / ".join(pair.names),
            *(numbers.error(pair.errors[stage]) for stage in stages),
            f"{', '.join(map(str, pair.differing))} of {tests:,}" if pair.differing else NONE,
        ]
        for pair in compared
    ]
    headers = ["pair", *(stage.replace("after ", "after\n") for stage in stages), "predictions\nthat differ"]
    return Table(headers, lines, CAPTIONS[PAIRS], kind=PAIRS)


def heading(record: Record) -> list[str]:
    """Return the lines that describe the run, its data and the machine."""
    first, last = record["training"]["seed"], record["training"]["seed"] + record["rounds"] - 1
    seeds = f"seeds {first} to {last}" if last > first else f"seed {first}"
    return [
        f"{record['network']['title']}; {record['training']['title']}",
        record["dataset"]["title"],
        f"{numbers.plural(record['rounds'], 'round')} ({seeds}), "
        f"{numbers.plural(record['threads'], 'thread')}, {record['machine']['cpu']}",
    ]


def legend(record: Record, found: list[Row]) -> list[str]:
    """Return the lines that explain the main table."""
    others = sum(row.ratio is not None for row in found)
    ratio = f"epoch / {record['baseline']}'s"
    if any(row.turns for row in found):
        ratio = f"to {record['baseline']}'s time, the median of blocks of steps that were taken in turns"
    in_turns = any(row.turns for row in found)
    least = f"{100 * LEAST_DIFFERENCE:.0f} %" + (f", or {100 * LEAST_IN_TURNS:.0f} % in turns" if in_turns else "")
    together = f", for {numbers.plural(others, 'row')} together" if others > 1 else ""
    return [
        f"[...]: {100 * CONFIDENCE:.0f} % confidence intervals (Student's t) over the rounds{together}; "
        f"time ratio: {ratio}, below 1 is faster; a verdict needs an interval that excludes 1 "
        f"and a difference of at least {least}",
        f"gradient error: worst relative L2 error of a tensor against the float64 reference, "
        f"tolerance {record['tolerance']:.0e}",
    ]
