"""The files written from the record of a run: answer, tables, page and figures. They can be written again any time."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from shared.processes.signals import uninterrupted
from shared.record import files
from shared.record.schema import Record
from shared.report import brief, document, tables
from shared.sweep.schema import SweepRecord

if TYPE_CHECKING:
    from shared.report.page.charts import Chart

PAGE = "report.html"


def write_tables(folder: Path, record: Record) -> None:
    """Write answer.md, table.md and table.csv."""
    files.write_text(folder / "answer.md", document.markdown(brief.document(record)))
    shown = tables.document(record)
    files.write_text(folder / "table.md", document.markdown(shown))
    files.write_text(folder / "table.csv", document.as_csv(shown))


def write_page(folder: Path, record: Record) -> Path:
    """Write report.html, and each figure as SVG and PNG in figures/; return the path of the page."""
    with uninterrupted():  # what is interrupted while it is imported cannot be imported again
        from shared.report.page.page import report

    page, charts = report(record)
    return _write(folder, page, charts.values())


def write_sweep(folder: Path, record: SweepRecord) -> Path:
    """Write the page of a sweep, and its figures; return the path of the page."""
    with uninterrupted():
        from shared.report.page.sweep import page

    return _write(folder, *page(record))


def _write(folder: Path, page: str, charts: "Iterable[Chart]") -> Path:
    (folder / "figures").mkdir(exist_ok=True)
    for chart in charts:
        files.write_text(folder / "figures" / f"{chart.name}.svg", chart.svg)
        files.write_bytes(folder / "figures" / f"{chart.name}.png", chart.png())
    files.write_text(folder / PAGE, page)
    return folder / PAGE
