"""How the networks learn, and which digits they confuse."""

from collections.abc import Sequence

import numpy as np
from matplotlib import ticker
from matplotlib.colors import LogNorm

from shared.record.schema import Record, Sample
from shared.report.page.charts.chart import INK, MAP, Chart, legend, line, new_axes, readable
from shared.report.page.colours import looks


def learning(record: Record, timed: Sequence[Sample], name: str, key: str, scale: float, title: str) -> Chart | None:
    """Return a line per implementation over the epochs, the mean of the rounds; the band is from least to most."""
    figure, axes = new_axes(3.2)
    shown: dict[str, float] = {}
    band = min(0.12, 0.3 / max(1, len(record["implementations"])))  # overlapping bands add up
    for k, (who, look) in enumerate(looks(record).items()):
        curves = [[e.get(key) for e in s["epochs"]] for s in timed if s["implementation"] == who]
        curves = [curve for curve in curves if None not in curve]
        if not curves:
            continue
        x = np.arange(1, len(curves[0]) + 1)
        y = scale * np.array(curves, float)
        axes.plot(x, y.mean(axis=0), label=who, **line(look, k))
        if len(curves) > 1:
            axes.fill_between(x, y.min(axis=0), y.max(axis=0), color=look.colour, alpha=band, linewidth=0)
        shown[who] = float(y.mean(axis=0)[-1])
    if not shown:
        return None
    axes.set(xlabel="epoch", ylabel=title)
    low, high = axes.get_ylim()
    if high - low < 0.01 * scale:  # a difference of a few images should look small
        axes.set_ylim((low + high) / 2 - 0.005 * scale, (low + high) / 2 + 0.005 * scale)
    axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True, min_n_ticks=1))
    legend(figure, axes, len(shown))
    last = ", ".join(f"{who} {value:.4g}" for who, value in shown.items())
    alt = f"Lines of the {title} over the epochs, the mean over the rounds. After the last epoch: {last}."
    return Chart(name, f"{title.capitalize()} by epoch", alt, figure)


def confusion(record: Record, timed: Sequence[Sample]) -> Chart | None:
    """Return the confusion matrix of the baseline on the test images, mean over the rounds."""
    labels = record.get("gallery", {}).get("labels", "")
    mine = [
        s["predictions"]
        for s in timed
        if s["implementation"] == record["baseline"] and len(s["predictions"]) == len(labels)
    ]
    if not labels or not mine:
        return None
    counts = np.zeros((10, 10))
    for predictions in mine:
        np.add.at(counts, ([int(c) for c in labels], [int(c) for c in predictions]), 1)
    counts /= len(mine)
    off = np.where(np.eye(10, dtype=bool) | (counts == 0), np.nan, counts)
    figure, axes = new_axes(4.3)
    norm = LogNorm(0.5, max(2.0, float(np.nanmax(off)) if np.isfinite(off).any() else 2.0))
    image = axes.imshow(off, norm=norm, cmap=MAP)
    for (row, column), value in np.ndenumerate(counts):
        colour = readable(image.cmap(norm(value))) if row != column and value else INK
        axes.text(
            column,
            row,
            _count(value),
            ha="center",
            va="center",
            fontsize=8,
            color=colour,
            weight="bold" if row == column else "normal",
        )
    axes.set_xticks(range(10), range(10))
    axes.set_yticks(range(10), range(10))
    axes.set(xlabel=f"predicted by {record['baseline']}", ylabel="digit")
    axes.grid(visible=False)
    axes.tick_params(length=0)
    row, column = np.unravel_index(np.argmax(np.nan_to_num(off)), off.shape)
    worst = (
        f" The most frequent error: {row} taken for {column}, {off[row, column]:.0f} times."
        if np.isfinite(off).any()
        else ""
    )
    mean = f", mean of {len(mine)} rounds" if len(mine) > 1 else ""
    alt = f"Confusion matrix of the {len(labels):,} test images{mean}.{worst}"
    return Chart("confusion", f"Confusion of the digits{mean}", alt, figure)


def _count(value: float) -> str:
    """Return a mean count, with a decimal if it would be rounded to 0."""
    return "" if value == 0 else f"{value:,.0f}" if value >= 0.95 else f"{value:.1f}"
