"""The distance of the implementations from the float64 reference: in their gradients, and over the same steps."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.colors import LogNorm

from shared.agreement.budget import Entry
from shared.record.schema import PathPoint, Record
from shared.report import budget, numbers
from shared.report.page.charts.chart import INK, MAP, ROW, Chart, legend, line, logarithmic, new_axes, readable
from shared.report.page.colours import looks

MANY: Final = 4
"""The most tensors for which a cell has room for two numbers."""


def errors(entries: Sequence[Entry]) -> Chart | None:
    """Return a heat map, implementation x tensor, of the relative error of the gradients, with the predicted bound."""
    usable = [e for e in entries if math.isfinite(e.error)]
    names, tensors = (list(dict.fromkeys(getattr(e, key) for e in usable)) for key in ("implementation", "tensor"))
    worst: dict[tuple[str, str], Entry] = {}
    for e in sorted(usable, key=lambda e: -e.headroom):  # the least headroom comes last and is kept
        worst[e.implementation, e.tensor] = e
    bounds = [min(e.bound for e in usable if e.tensor == t) for t in tensors]
    rows = [bounds, *([worst[n, t].error if (n, t) in worst else 0.0 for t in tensors] for n in names)]
    values = np.array([[value if 0 < value < math.inf else math.nan for value in row] for row in rows])
    if not np.isfinite(values).any():
        return None
    norm = LogNorm(np.nanmin(values) / 2, np.nanmax(values) * 1.01)
    figure, axes = new_axes(0.75 + 1.15 * ROW * len(rows))
    image = axes.imshow(values, norm=norm, cmap=MAP, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        cell = None if row == 0 else worst.get((names[row - 1], tensors[column]))
        text = (
            _cell(cell, len(tensors))
            if row
            else (f"{bounds[column]:.0e}" if len(tensors) > MANY else numbers.error(bounds[column]))
        )
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color=readable(image.cmap(norm(value))))
    axes.axhline(0.5, color=INK, linewidth=1)
    axes.set_yticks(range(len(rows)), ["rounding explains", *names])
    axes.set_xticks(range(len(tensors)), [f"dC/d{t}" if len(tensors) <= MANY else t for t in tensors])
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    remark = ""
    if least := min((e for e in usable if e.error > 0), key=lambda e: e.headroom, default=None):
        remark = f" The least headroom is {budget.headroom(least.headroom)}: {least.implementation}, {least.tensor}."
    alt = (
        "Heat map of the relative error of each gradient tensor against the float64 reference, with its headroom "
        f"(how many times larger the error could be by rounding alone).{remark}"
    )
    return Chart("errors", "Gradients of round 1: error of each tensor, and headroom", alt, figure)


def _cell(e: Entry | None, tensors: int) -> str:
    """Return error and headroom; with many tensors, for lack of room, only the headroom (the table has both)."""
    if e is None or e.error == 0:
        return "exact" if e else ""
    headroom = budget.headroom(e.headroom)
    return headroom if tensors > MANY else f"{numbers.error(e.error)}  {headroom}"


def path(record: Record) -> Chart | None:
    """Return, for each tensor, the error of each implementation over the steps, and the envelope of rounding."""
    envelope = next((r["path"] for r in record["references"] if r.get("path")), None)
    paths = {s["implementation"]: s["path"] for s in record["samples"] if s.get("path")}
    if not envelope or not paths:
        return None
    tensors = list(envelope[0]["values"])
    figure, grid = new_axes(
        0.9 + 1.75 * ((len(tensors) + 1) // 2), (len(tensors) + 1) // 2, 2, sharex=True, sharey=True, squeeze=False
    )
    for axes, tensor in zip(grid.flat, tensors, strict=False):
        x, y = _curve(envelope, tensor)
        axes.fill_between(x, y, 1e-30, color=INK, alpha=0.10, linewidth=0)
        axes.plot(x, y, color=INK, linewidth=0.8, label="rounding explains")
        for k, (name, look) in enumerate(looks(record).items()):
            if name in paths:
                x, y = _curve(paths[name], tensor)
                how = {**line(look, k), "linewidth": 1.0, "markersize": 2.5}
                axes.plot(x, y, label=name if len(x) else f"{name} (exact)", **how)
        axes.set_title(tensor)
    for axes in grid.flat[len(tensors) :]:
        axes.set_axis_off()
    every = [v for points in (envelope, *paths.values()) for t in tensors for v in _curve(points, t)[1]]
    if every:
        grid.flat[0].set_ylim(min(every) / 2, max(every) * 2)
    logarithmic(grid.flat[0].xaxis, lambda step: f"{step:,g}")
    logarithmic(grid.flat[0].yaxis)
    for axes in grid[-1]:
        axes.set_xlabel("step")
    figure.supylabel("relative L2 error\nof the parameters", fontsize=9.5)
    legend(figure, grid.flat[0], len(paths) + 1)
    last, outside = envelope[-1]["step"], budget.departures(record)
    leaving = "; ".join(f"{name} leaves it at step {step:,}" for name, step in outside.items()) or "no line leaves it"
    alt = (
        f"For each tensor the relative error against the float64 reference over {last:,} steps, "
        f"and the envelope that rounding explains: {leaving}."
    )
    return Chart("path", "The same steps: distance from the reference", alt, figure)


def _curve(points: Sequence[PathPoint], tensor: str) -> tuple[list[int], list[float]]:
    """Return the steps and values that a logarithmic axis can show."""
    found = [(p["step"], value) for p in points if (value := p["values"].get(tensor))]
    return [step for step, _ in found], [value for _, value in found]
