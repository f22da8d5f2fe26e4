"""What a run prints: the answer in three sentences, and one table that fits a terminal with 80 columns."""

from typing import Final

from shared.record.schema import Record
from shared.report import numbers, remarks, tables
from shared.report.document import Document, Table
from shared.report.summary import Row, pairs, rows

HEADERS: Final = ["implementation", "test\naccuracy", "epoch", "time\nratio", "gradient\nerror", "status"]


def document(record: Record) -> Document:
    """Return the answer and the small table; `tables.document` has everything."""
    found = rows(record)
    lines = [_line(row) for row in found]
    table = Table(HEADERS, lines, notes=_notes(record, found), words=("status",), kind=tables.MAIN)
    return tables.with_answer(record, found, pairs(record), [table], remarks.main(record, found))


def _line(row: Row) -> list[str]:
    return [
        row.name,
        f"{numbers.without_interval(row.accuracy, 100)} %" if row.accuracy else numbers.NONE,
        f"{numbers.without_interval(row.epoch)} s" if row.epoch else numbers.NONE,
        numbers.estimate(row.ratio),
        numbers.error(row.gradient_error),
        row.status,
    ]


def _notes(record: Record, found: list[Row]) -> list[str]:
    """Return the notes on what a ratio and an error are relative to."""
    lines = []
    if any(row.ratio for row in found):
        interval = " [95 % interval]" if any(row.ratio and row.ratio.low is not None for row in found) else ""
        how = f"epoch / {record['baseline']}'s"
        if any(row.turns for row in found):
            how = f"to {record['baseline']}'s time, taken in turns"
        lines.append(f"time ratio: {how}{interval}; below 1 is faster")
    if any(row.gradient_error is not None for row in found):
        limit = f"tolerance {record['tolerance']:.0e}"
        lines.append(f"gradient error: relative L2 error of the worst tensor, {limit}")
    return lines
