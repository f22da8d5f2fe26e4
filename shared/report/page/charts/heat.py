"""Heat maps of a sweep: a figure of accuracy, time ratio or agreement, network by batch size, one map a way."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.colors import LogNorm, Normalize

from shared.report.page.charts.chart import INK, MAP, ROW, Chart, new_axes, readable
from shared.report.sweep import layers
from shared.sweep.schema import RowPart, SweepRecord

COLUMNS: Final = 2
"""Maps beside each other."""
DIVERGING: Final = "RdBu"
"""Blue where an implementation is faster than the baseline, red where it is slower."""
LONGEST: Final = 18
"""Characters of a network; longer ones are numbered, and listed in the table."""


def accuracy(record: SweepRecord) -> Chart | None:
    """Return the test accuracy of each implementation."""
    return _chart(
        record, "accuracy", "Test accuracy, percent", record["implementations"],
        lambda row: None if row["accuracy"] is None else 100 * row["accuracy"], "{:.1f}".format, _linear, MAP,
    )  # fmt: skip


def ratio(record: SweepRecord) -> Chart | None:
    """Return the time ratio of each implementation to the baseline, with the line where the baseline stops winning."""
    others = [name for name in record["implementations"] if name != record["baseline"]]
    title = f"Time ratio to {record['baseline']}; thick line: where it stops winning"
    return _chart(record, "ratio", title, others, lambda row: row["ratio"], "{:.2g}".format, _about_one, DIVERGING)


def agreement(record: SweepRecord) -> Chart | None:
    """Return the worst gradient error of each implementation."""
    title = "Gradient error: the worst tensor against the float64 reference"
    return _chart(
        record, "agreement", title, record["implementations"],
        lambda row: row["gradient_error"] or None, "{:.0e}".format, _logarithmic, MAP,
    )  # fmt: skip


def _linear(values: np.ndarray) -> Normalize:
    return Normalize(np.nanmin(values) - 1e-9, np.nanmax(values) + 1e-9)


def _logarithmic(values: np.ndarray) -> Normalize:
    return LogNorm(np.nanmin(values) / 1.1, np.nanmax(values) * 1.1)


def _about_one(values: np.ndarray) -> Normalize:
    """Return a logarithmic scale on which 1 is in the middle; larger is red."""
    most = max(1.1, float(np.nanmax(np.maximum(values, 1 / values))))
    return LogNorm(1 / most, most)


def _chart(
    record: SweepRecord,
    name: str,
    title: str,
    shown: Sequence[str],
    value: Callable[[RowPart], float | None],
    text: Callable[[float], str],
    scale: Callable[[np.ndarray], Normalize],
    colours: str,
) -> Chart | None:
    """Return a figure with a map for each implementation; None if there is nothing to show."""
    rows = record["rows"]
    networks = list(dict.fromkeys(row["network"] for row in sorted(rows, key=lambda row: row["parameter_count"])))
    columns = list(dict.fromkeys((row["batch_size"], row["learning_rate"]) for row in rows))
    maps = {way: np.full((len(networks), len(columns)), math.nan) for way in shown}
    for row in rows:
        if row["implementation"] in maps and (number := value(row)) is not None:
            place = networks.index(row["network"]), columns.index((row["batch_size"], row["learning_rate"]))
            maps[row["implementation"]][place] = number
    maps = {way: found for way, found in maps.items() if np.isfinite(found).any()}
    if not maps:
        return None
    norm = scale(np.array([*maps.values()]))
    lines = math.ceil(len(maps) / COLUMNS)
    height = 0.5 + lines * (0.75 + ROW * len(networks))
    figure, grid = new_axes(height, lines, COLUMNS if len(maps) > 1 else 1, squeeze=False, sharex=True, sharey=True)
    for axes, (way, found) in zip(grid.flat, maps.items(), strict=False):
        image = axes.imshow(found, norm=norm, cmap=f"{colours}_r" if colours == DIVERGING else colours, aspect="auto")
        for (i, k), number in np.ndenumerate(found):
            if math.isfinite(number):
                colour = readable(image.cmap(norm(number)))
                axes.text(k, i, text(number), ha="center", va="center", fontsize=8, color=colour)
        if name == "ratio":
            _border(axes, found)
        axes.set_title(way)
        axes.set_xticks(range(len(columns)), _labels(columns))
        axes.set_yticks(range(len(networks)), [_short(network, i) for i, network in enumerate(networks, 1)])
        axes.tick_params(length=0)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
    for axes in grid.flat[len(maps) :]:
        axes.set_axis_off()
    rates = len({rate for _, rate in columns}) > 1
    figure.supxlabel("batch size" + ", learning rate" * rates, fontsize=9.5)
    span = f"from {text(min(np.nanmin(m) for m in maps.values()))} to {text(max(np.nanmax(m) for m in maps.values()))}"
    return Chart(name, title, f"Heat maps, network by batch size, of {', '.join(maps)}: {span}.", figure)


def _labels(columns: Sequence[tuple[int, float]]) -> list[str]:
    many = len({rate for _, rate in columns}) > 1
    return [f"{batch:,}\n{rate:g}" if many else f"{batch:,}" for batch, rate in columns]


def _short(network: str, number: int) -> str:
    return name if len(name := layers(network)) <= LONGEST else f"network {number}"


def _border(axes: Any, found: np.ndarray) -> None:
    """Draw a line between neighbours of which one is faster than the baseline and the other is not."""
    for (i, k), number in np.ndenumerate(found):
        for below, right in ((1, 0), (0, 1)):
            if i + below < found.shape[0] and k + right < found.shape[1]:
                other = found[i + below, k + right]
                if (number < 1) != (other < 1) and math.isfinite(number + other):
                    x = (k - 0.5, k + 0.5) if below else (k + 0.5, k + 0.5)
                    y = (i + 0.5, i + 0.5) if below else (i - 0.5, i + 0.5)
                    axes.plot(x, y, color=INK, linewidth=2.5, solid_capstyle="butt")


def seeds(record: SweepRecord) -> Chart | None:
    """Return a dot for the test accuracy of each seed, a line for each network and batch size."""
    rows = [row for row in record["rows"] if len(row["accuracies"]) > 1 and row["implementation"] == record["baseline"]]
    if not rows:
        return None
    figure, axes = new_axes(0.9 + 0.8 * ROW * len(rows))
    labels = []
    for k, row in enumerate(rows):
        dots = [100 * accuracy for accuracy in row["accuracies"]]
        axes.plot(dots, [k] * len(dots), "o", color="#0072b2", alpha=0.45, markersize=5)
        axes.plot([100 * (row["accuracy"] or 0)], [k], "|", color=INK, markersize=14, markeredgewidth=2)
        labels.append(f"{_short(row['network'], k + 1)}, {_labels([(row['batch_size'], row['learning_rate'])])[0]}")
    axes.set_yticks(range(len(rows)), labels)
    axes.set(xlabel="test accuracy, percent", ylim=(len(rows) - 0.4, -0.6))
    axes.grid(axis="y", visible=False)
    widest = max(rows, key=lambda row: row["accuracy_spread"] or 0)
    alt = (
        f"A dot for each seed and a line for their mean, network and batch size by line; the widest spread is "
        f"{100 * (widest['accuracy_spread'] or 0):.1f} points."
    )
    return Chart("seeds", f"Test accuracy of {record['baseline']}, seed by seed", alt, figure)
