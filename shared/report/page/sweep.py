"""The page of a sweep as one self-contained HTML file, drawn from its record alone."""

from markupsafe import Markup

from shared.report.page.charts import Chart, heat
from shared.report.page.charts.chart import drawing
from shared.report.page.page import rendered
from shared.report.sweep import document
from shared.sweep.schema import SweepRecord


def page(record: SweepRecord) -> tuple[str, list[Chart]]:
    """Return the page, and its figures."""
    with drawing():
        drawn = [draw(record) for draw in (heat.accuracy, heat.ratio, heat.agreement, heat.seeds)]
    charts = [chart for chart in drawn if chart]
    inline = {chart.name: Markup(chart.inline()) for chart in charts}
    return rendered("sweep.html", record=record, document=document(record), charts=charts, inline=inline), charts
