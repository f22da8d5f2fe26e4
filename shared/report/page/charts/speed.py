"""The time of an epoch, and where the time of a worker went."""

import math
from collections.abc import Sequence
from statistics import median
from typing import Final

import numpy as np
from matplotlib import colormaps

from shared.measure.statistics import LEAST_ROUNDS
from shared.record.schema import Record, Sample
from shared.report import numbers
from shared.report.page.charts.chart import INK, LINE, MAP, ROW, Chart, legend, logarithmic, new_axes
from shared.report.page.colours import looks
from shared.report.summary import Row, epoch_seconds

MARGIN: Final = 1.5
"""Factor between the extreme values and the limits of the logarithmic axis."""
GROUPS: Final = {
    "import": ("start", "import"),
    "data": ("data", "load"),
    "build": ("build",),
    "compile, first steps, agreement": ("gradients", "first step", "agreement", "path"),
    "epochs, with the warm-up": ("warm-up", "epochs"),
    "evaluation": ("evaluation",),
}
REST: Final = "rest"


def speed(record: Record, rows: Sequence[Row], timed: Sequence[Sample]) -> Chart | None:
    """Return a dot per sample, the mean with its interval, and the limit of the machine, on a logarithmic scale."""
    shown = sorted((row for row in rows if row.epoch), key=lambda row: -row.epoch.value if row.epoch else 0)
    if not shown:
        return None
    figure, axes = new_axes(0.9 + ROW * len(shown))
    look, ends = looks(record), list[float]()
    for k, row in enumerate(shown):
        dots = [epoch_seconds(s) for s in timed if s["implementation"] == row.name]
        axes.plot(dots, [k - 0.22] * len(dots), ".", color=look[row.name].colour, alpha=0.75, markersize=5)
        assert row.epoch is not None
        # with two rounds the interval is useless, and would be wider than the figure
        if row.rounds >= LEAST_ROUNDS and row.epoch.low is not None and row.epoch.high is not None:
            ends += [row.epoch.low, row.epoch.high]
            axes.plot([row.epoch.low, row.epoch.high], [k, k], color=look[row.name].colour, linewidth=2.5)
        axes.plot(row.epoch.value, k, look[row.name].marker, color=look[row.name].colour, markersize=6)
        text = numbers.without_interval(row.epoch)
        axes.annotate(f"{text} s", (row.epoch.value, k), (0, 5), textcoords="offset points", ha="center", fontsize=8)
    limits = [r["limit_seconds"] for r in record["references"] if r.get("limit_seconds")]
    remark = ""
    if limits:
        axes.axvline(median(limits), color=INK, linewidth=1, linestyle=(0, (4, 2)))
        axes.annotate(
            f"limit: {median(limits):.2g} s",
            (median(limits), -0.45),
            (4, 0),
            textcoords="offset points",
            fontsize=8,
            va="center",
        )
        remark = f" The matrix products of an epoch alone take {median(limits):.2g} s on this machine."
    every = [epoch_seconds(s) for s in timed] + limits + ends
    axes.set_xlim(min(every) / MARGIN, max(every) * MARGIN)
    logarithmic(axes.xaxis, lambda seconds: f"{seconds:g}", subs=(1, 2, 5))
    axes.set_yticks(range(len(shown)), [row.name for row in shown])
    axes.set(xlabel="seconds per epoch, logarithmic", ylim=(-0.6, len(shown) - 0.2))
    axes.grid(axis="y", visible=False)
    alt = "; ".join(f"{row.name} {numbers.estimate(row.epoch)}" for row in reversed(shown))
    interval = " with 95 % interval" * any(row.epoch.low is not None for row in shown if row.epoch)
    return Chart("speed", "Seconds per epoch", f"Seconds per epoch{interval}: {alt}.{remark}", figure)


def grouped(row: Row) -> dict[str, float]:
    """Return the seconds of each group of stages, which add up to the whole time of the worker."""
    found = {group: math.fsum(row.seconds.get(stage, 0.0) for stage in stages) for group, stages in GROUPS.items()}
    return found | {REST: max(0.0, row.seconds.get("wall", 0.0) - math.fsum(found.values()))}


def stages(rows: Sequence[Row]) -> Chart | None:
    """Return a bar per implementation: where the wall time of its worker went."""
    if not rows:
        return None
    figure, axes = new_axes(1.3 + ROW * len(rows))
    shades = [*colormaps[MAP](np.linspace(0, 1, len(GROUPS))), LINE]
    ends = np.zeros(len(rows))
    for k, group in enumerate((*GROUPS, REST)):
        widths = np.array([grouped(row)[group] for row in rows])
        axes.barh(
            range(len(rows)), widths, left=ends, color=shades[k], label=group, height=0.7, edgecolor=LINE, linewidth=0.4
        )
        ends += widths
    axes.set_yticks(range(len(rows)), [row.name for row in rows])
    axes.invert_yaxis()
    axes.set_xlabel("seconds of a worker, median over the rounds")
    axes.grid(axis="y", visible=False)
    axes.set_axisbelow(True)
    legend(figure, axes, 2)
    alt = "; ".join(
        f"{row.name} {math.fsum(grouped(row).values()):.1f} s, mostly {max(grouped(row), key=grouped(row).__getitem__)}"
        for row in rows
    )
    return Chart("stages", "Where a worker's wall time went", f"Stacked bars: {alt}.", figure)
