"""The figures of a page, drawn by matplotlib: as SVG within the page, and as SVG and PNG files beside it."""

import io
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Any, Final, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib import colormaps, ticker
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from shared.agreement.budget import Entry
from shared.report import agreement, figures
from shared.report.page.colours import Look, looks
from shared.report.summary import Record, Row, Sample, epoch_seconds

INK, LINE = "#101112", "#c1c2c3"
"""Stand for the page's own colours of text and of thin lines, in light and in dark."""
VARIABLES: Final = {INK: "var(--ink)", LINE: "var(--line)"}
WIDTH: Final = 5.4
"""Inches: as wide as a telephone, on which a point is then a pixel."""
ROW: Final = 0.36
"""Inches that an implementation takes."""
MARGIN: Final = 1.5
"""Times the least and the largest, on a logarithmic scale."""
MAP: Final = "cividis"
STYLE: Final[dict[Any, Any]] = {
    "font.size": 9.5,
    "font.family": "sans-serif",
    "svg.fonttype": "none",
    "svg.hashsalt": "samegrad",
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": LINE,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "grid.color": LINE,
    "grid.linewidth": 0.5,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.4,
    "lines.markersize": 4,
    "figure.constrained_layout.use": True,
    "path.simplify": False,
}
GROUPS: Final = {
    "import": ("start", "import"),
    "data": ("load",),
    "build": ("build",),
    "compile, first steps, agreement": ("probe", "first step", "agreement", "path"),
    "epochs, with the warm-up": ("warm-up", "epochs"),
    "evaluation": ("evaluation",),
}
REST: Final = "rest"


class Chart(NamedTuple):
    """A figure, and what it shows in words."""

    name: str
    title: str
    alt: str
    figure: Figure

    def svg(self) -> str:
        """Return it as an SVG file."""
        told = io.StringIO()
        with drawing():
            self.figure.savefig(told, format="svg", metadata={"Date": None, "Creator": None})
        return told.getvalue()

    def inline(self) -> str:
        """Return it as an element of a page: in the page's colours, with ids of its own, named for those who listen."""
        svg = self.svg()
        svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
        svg = re.sub(r'\bid="', f'id="{self.name}-', svg)
        svg = re.sub(r'(href="#|url\(#)', rf"\g<1>{self.name}-", svg)
        for colour, variable in VARIABLES.items():
            svg = svg.replace(colour, variable)
        # a picture as a whole: what it shows is said by the name that the page gives it
        return re.sub(
            r'<svg [^>]*?viewBox="([^"]+)"[^>]*>',
            rf'<svg viewBox="\1" role="img" aria-labelledby="alt-{self.name}">',
            svg,
        )

    def png(self) -> bytes:
        """Return it as a PNG file, on white."""
        told = io.BytesIO()
        with drawing():
            self.figure.savefig(told, format="png", dpi=160, facecolor="white", metadata={"Software": None})
        return told.getvalue()


@contextmanager
def drawing() -> Iterator[None]:
    """Draw as here, whatever a user's own settings say."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        yield


def charts(record: Record, rows: Sequence[Row]) -> dict[str, Chart]:
    """Return every figure that the record has numbers for."""
    timed = [s for s in record["samples"] if "epochs" in s]
    entries = list(agreement.of_record(record))
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


def _axes(height: float, rows: int = 1, columns: int = 1, **how: Any) -> tuple[Figure, Any]:
    figure = Figure(figsize=(WIDTH, height))
    return figure, figure.subplots(rows, columns, **how)


def _legend(figure: Figure, axes: Axes, n: int) -> None:
    figure.legend(
        *axes.get_legend_handles_labels(), loc="outside lower left", ncols=min(3, max(1, n)), handlelength=2.6
    )


def _line(look: Look, k: int) -> dict[str, Any]:
    """Return how line k is drawn: thinner than the one before, so that lines that lie on one another are all seen."""
    style: Any = (0, look.dash) if look.dash else "-"
    return {"color": look.colour, "marker": look.marker, "linestyle": style, "linewidth": max(1.0, 3.2 - 0.5 * k)}


def learning(record: Record, timed: Sequence[Sample], name: str, key: str, scale: float, title: str) -> Chart | None:
    """Return a line an implementation over the epochs, the mean of the rounds; the band is from least to most."""
    figure, axes = _axes(3.2)
    shown: dict[str, float] = {}
    band = min(0.12, 0.3 / max(1, len(record["implementations"])))  # bands that lie on one another add up
    for k, (who, look) in enumerate(looks(record).items()):
        curves = [[e.get(key) for e in s["epochs"]] for s in timed if s["implementation"] == who]
        curves = [curve for curve in curves if None not in curve]
        if not curves:
            continue
        x = np.arange(1, len(curves[0]) + 1)
        y = scale * np.array(curves, float)
        axes.plot(x, y.mean(axis=0), label=who, **_line(look, k))
        if len(curves) > 1:
            axes.fill_between(x, y.min(axis=0), y.max(axis=0), color=look.colour, alpha=band, linewidth=0)
        shown[who] = float(y.mean(axis=0)[-1])
    if not shown:
        return None
    axes.set(xlabel="epoch", ylabel=title)
    low, high = axes.get_ylim()
    if high - low < 0.01 * scale:  # what a few images make should not look like much
        axes.set_ylim((low + high) / 2 - 0.005 * scale, (low + high) / 2 + 0.005 * scale)
    axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True, min_n_ticks=1))
    _legend(figure, axes, len(shown))
    told = ", ".join(f"{who} {value:.4g}" for who, value in shown.items())
    alt = f"Lines of the {title} over the epochs, the mean over the rounds. After the last epoch: {told}."
    return Chart(name, f"{title.capitalize()} by epoch", alt, figure)


def speed(record: Record, rows: Sequence[Row], timed: Sequence[Sample]) -> Chart | None:
    """Return a dot a sample, the mean with its interval, and the limit of the machine, on a logarithmic scale."""
    shown = sorted((row for row in rows if row.epoch), key=lambda row: -row.epoch.value if row.epoch else 0)
    if not shown:
        return None
    figure, axes = _axes(0.9 + ROW * len(shown))
    look = looks(record)
    for k, row in enumerate(shown):
        dots = [epoch_seconds(s) for s in timed if s["implementation"] == row.name]
        axes.plot(dots, [k - 0.22] * len(dots), ".", color=look[row.name].colour, alpha=0.75, markersize=5)
        assert row.epoch is not None
        if row.epoch.low is not None and row.epoch.high is not None:
            axes.plot([row.epoch.low, row.epoch.high], [k, k], color=look[row.name].colour, linewidth=2.5)
        axes.plot(row.epoch.value, k, look[row.name].marker, color=look[row.name].colour, markersize=6)
        text = figures.estimate(row.epoch).partition(" ")[0]
        axes.annotate(f"{text} s", (row.epoch.value, k), (0, 5), textcoords="offset points", ha="center", fontsize=8)
    limits = [r["limit_seconds"] for r in record["references"] if r.get("limit_seconds")]
    told = ""
    if limits:
        axes.axvline(median(limits), color=INK, linewidth=1, linestyle=(0, (4, 2)))
        axes.annotate(
            f" limit: {figures.number(median(limits), 3)} s",
            (median(limits), -0.45),
            fontsize=8,
            va="center",
        )
        told = f" The products of an epoch alone take {median(limits):.3f} s on this machine."
    every = [epoch_seconds(s) for s in timed] + limits
    axes.set_xlim(min(every) / MARGIN, max(every) * MARGIN)
    axes.set_xscale("log")
    axes.set_yticks(range(len(shown)), [row.name for row in shown])
    axes.set(xlabel="seconds an epoch, logarithmic", ylim=(-0.6, len(shown) - 0.2))
    axes.grid(axis="y", visible=False)
    _plain_ticks(axes)
    alt = "; ".join(f"{row.name} {figures.estimate(row.epoch)}" for row in reversed(shown))
    return Chart("speed", "Seconds an epoch", f"Seconds an epoch with 95 % interval: {alt}.{told}", figure)


def _plain_ticks(axes: Axes) -> None:
    axes.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(ticker.NullLocator())


def grouped(row: Row) -> dict[str, float]:
    """Return the seconds of a worker's life by group of stages, which add up to the whole."""
    found = {group: sum(row.seconds.get(stage, 0.0) for stage in stages) for group, stages in GROUPS.items()}
    return found | {REST: max(0.0, row.seconds.get("wall", 0.0) - sum(found.values()))}


def stages(rows: Sequence[Row]) -> Chart | None:
    """Return a bar an implementation: where its worker's wall time went."""
    if not rows:
        return None
    figure, axes = _axes(1.3 + ROW * len(rows))
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
    _legend(figure, axes, 2)
    alt = "; ".join(
        f"{row.name} {sum(grouped(row).values()):.1f} s, most of it {max(grouped(row), key=grouped(row).__getitem__)}"
        for row in rows
    )
    return Chart("stages", "Where a worker's wall time went", f"Stacked bars: {alt}.", figure)


def errors(entries: Sequence[Entry]) -> Chart | None:
    """Return a heat map, implementation x tensor, of the relative error of the gradients, beside what is predicted."""
    usable = [e for e in entries if math.isfinite(e.error)]
    names, tensors = (
        (list(dict.fromkeys(values)) for values in zip(*((e.implementation, e.tensor) for e in usable), strict=True))
        if usable
        else ([], [])
    )
    if not names:
        return None
    worst = {
        (n, t): min(
            (e for e in usable if (e.implementation, e.tensor) == (n, t)), key=lambda e: e.headroom, default=None
        )
        for n in names
        for t in tensors
    }
    bounds = {t: min(e.bound for e in usable if e.tensor == t) for t in tensors}
    finite = [b for b in bounds.values() if math.isfinite(b)] + [e.error for e in usable if e.error > 0]
    norm = LogNorm(min(finite) / 2, max(finite) * 1.01)
    figure, axes = _axes(0.75 + 1.15 * ROW * (len(names) + 1))
    values = np.array(
        [
            [_value(bounds[t]) for t in tensors],
            *([_value(e.error if (e := worst[n, t]) else 0) for t in tensors] for n in names),
        ]
    )
    image = axes.imshow(values, norm=norm, cmap=MAP, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        if row == 0:
            text = figures.error(bounds[tensors[column]])
        else:
            e = worst[names[row - 1], tensors[column]]
            text = (
                f"{figures.error(e.error)}  {agreement.headroom(e.headroom)}" if e and e.error else "exact" if e else ""
            )
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color=_readable(image.cmap(norm(value))))
    axes.axhline(0.5, color=INK, linewidth=1)
    axes.set_yticks(range(len(names) + 1), ["rounding explains", *names])
    axes.set_xticks(range(len(tensors)), [f"dC/d{t}" for t in tensors])
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    least = min((e for e in usable if e.error > 0), key=lambda e: e.headroom, default=None)
    told = (
        f" The least headroom is {agreement.headroom(least.headroom)}, of {least.implementation} in {least.tensor}."
        if least
        else ""
    )
    alt = (
        "Heat map of the relative error of each gradient tensor against the float64 reference, with its headroom: "
        f"how many times more rounding explains.{told}"
    )
    return Chart("errors", "Gradients: error of each tensor, and headroom", alt, figure)


def _count(value: float) -> str:
    """Return a mean count; below 1 with a decimal, or it would look like none."""
    return "" if value == 0 else f"{value:,.0f}" if value >= 0.95 else f"{value:.1f}"


def _value(error: float) -> float:
    return error if error > 0 and math.isfinite(error) else math.nan


def _readable(rgba: tuple[float, float, float, float]) -> str:
    """Return black or white, whichever is the easier to read on a colour; ink where there is none."""
    red, green, blue, alpha = rgba
    if not alpha:
        return INK
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)]
    return "#000000" if 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] > 0.179 else "#ffffff"


def path(record: Record) -> Chart | None:
    """Return for each tensor how far each implementation is off the reference over the steps, and the envelope."""
    envelope = next((r["path"] for r in record["references"] if r.get("path")), None)
    walked = {s["implementation"]: s["path"] for s in record["samples"] if s.get("path")}
    if not envelope or not walked:
        return None
    tensors = list(envelope[0]["values"])
    figure, grid = _axes(
        0.9 + 1.75 * ((len(tensors) + 1) // 2), (len(tensors) + 1) // 2, 2, sharex=True, sharey=True, squeeze=False
    )
    for axes, tensor in zip(grid.flat, tensors, strict=False):
        x, y = _curve(envelope, tensor)
        axes.fill_between(x, y, 1e-30, color=INK, alpha=0.10, linewidth=0)
        axes.plot(x, y, color=INK, linewidth=0.8, label="rounding explains")
        for k, (name, look) in enumerate(looks(record).items()):
            if name in walked:
                x, y = _curve(walked[name], tensor)
                how = {**_line(look, k), "linewidth": 1.0, "markersize": 2.5}
                axes.plot(x, y, label=name if len(x) else f"{name} (exact)", **how)
        axes.set_title(tensor)
        axes.set_xscale("log")
        axes.set_yscale("log")
    for axes in grid.flat[len(tensors) :]:
        axes.set_axis_off()
    every = [v for points in (envelope, *walked.values()) for t in tensors for v in _curve(points, t)[1]]
    if every:
        grid.flat[0].set_ylim(min(every) / 2, max(every) * 2)
    grid.flat[0].xaxis.set_major_locator(ticker.LogLocator(10))
    grid.flat[0].xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:,g}"))
    for axes in grid[-1]:
        axes.set_xlabel("step")
    figure.supylabel("relative L2 error of the parameters", fontsize=9.5)
    _legend(figure, grid.flat[0], len(walked) + 1)
    last, outside = envelope[-1]["step"], departures(record)
    told = "; ".join(f"{name} leaves it at step {step:,}" for name, step in outside.items()) or "no line leaves it"
    alt = (
        f"For each tensor the relative error against the float64 reference over {last:,} steps, "
        f"and the envelope that rounding explains: {told}."
    )
    return Chart("path", "The same steps: how far from the reference", alt, figure)


def _curve(points: Sequence[dict[str, Any]], tensor: str) -> tuple[list[int], list[float]]:
    """Return steps and values, as far as a logarithm has them."""
    found = [(p["step"], p["values"][tensor]) for p in points if p["values"].get(tensor)]
    return [step for step, _ in found], [value for _, value in found]


def departures(record: Record) -> dict[str, int]:
    """Return the first step at which an implementation is further off than rounding explains, if there is any."""
    allowed = {p["step"]: p["values"] for r in record["references"] for p in r.get("path", ())}
    found: dict[str, int] = {}
    for sample in record["samples"]:
        for point in sample.get("path", ()):
            limits = allowed.get(point["step"], {})
            if any(limit is not None and not _within(point["values"].get(t), limit) for t, limit in limits.items()):
                found.setdefault(sample["implementation"], point["step"])
                break
    return found


def _within(value: float | None, limit: float) -> bool:
    return value is not None and value <= limit


def confusion(record: Record, timed: Sequence[Sample]) -> Chart | None:
    """Return how often a digit of the test images is taken for which, by the baseline, mean over the rounds."""
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
    figure, axes = _axes(4.3)
    norm = LogNorm(0.5, max(2.0, float(np.nanmax(off)) if np.isfinite(off).any() else 2.0))
    image = axes.imshow(off, norm=norm, cmap=MAP)
    for (row, column), value in np.ndenumerate(counts):
        colour = _readable(image.cmap(norm(value))) if row != column and value else INK
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
    axes.set(xlabel=f"taken for, by {record['baseline']}", ylabel="digit")
    axes.grid(visible=False)
    axes.tick_params(length=0)
    row, column = np.unravel_index(np.argmax(np.nan_to_num(off)), off.shape)
    worst = f" Most often {row} is taken for {column}: {off[row, column]:.0f} times." if np.isfinite(off).any() else ""
    mean = f", mean of {len(mine)} rounds" if len(mine) > 1 else ""
    alt = f"Confusion matrix of the {len(labels):,} test images{mean}.{worst}"
    return Chart("confusion", f"Which digit is taken for which{mean}", alt, figure)
