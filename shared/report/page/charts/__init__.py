"""The figures of a page, drawn by matplotlib: SVG in the page, and SVG and PNG files beside it."""

from collections.abc import Sequence

from shared.record.schema import Record
from shared.report import budget
from shared.report.page.charts import backend  # noqa: F401 - before anything imports matplotlib
from shared.report.page.charts.chart import Chart, drawing
from shared.report.page.charts.distance import errors, path
from shared.report.page.charts.learning import confusion, learning
from shared.report.page.charts.speed import speed, stages
from shared.report.summary import Row

__all__ = ["Chart", "charts"]


def charts(record: Record, rows: Sequence[Row]) -> dict[str, Chart]:
    """Return every figure for which the record has numbers."""
    timed = [s for s in record["samples"] if "epochs" in s]
    first = [s for s in record["samples"] if s["round"] == 1]  # error and bound must be of the same round
    entries = list(budget.of_record(record, first))
    with drawing():
        found = [
            learning(record, timed, "accuracy", "validation_accuracy", 100, "validation accuracy, %"),
            learning(record, timed, "loss", "validation_loss", 1, "validation loss"),
            speed(record, rows, timed),
            stages([row for row in rows if row.rounds]),
            errors(entries),
            path(record),
            confusion(record, timed),
        ]
    return {chart.name: chart for chart in found if chart}
