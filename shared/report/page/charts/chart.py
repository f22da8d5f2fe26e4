"""Shared by all figures of a page: their style in matplotlib, and their conversion to SVG and PNG."""

import io
import math
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import matplotlib as mpl
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from shared.report.page.colours import Look

INK, LINE = "#101112", "#c1c2c3"
"""Placeholders for the page's colours of text and of thin lines, which depend on light or dark mode."""
VARIABLES: Final = {INK: "var(--ink)", LINE: "var(--line)"}
WIDTH: Final = 5.4
"""Inches: the width of a phone, where one point is then one pixel."""
ROW: Final = 0.36
"""Inches per implementation."""
MAP: Final = "cividis"
SUPERSCRIPTS: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
TIMES: Final = "\N{MULTIPLICATION SIGN}"
ROUNDING: Final = 1e-9
"""Allowed error of a logarithm."""
STYLE: Final[dict[Any, Any]] = {
    "font.size": 9.5,
    "font.family": "sans-serif",
    "svg.fonttype": "none",
    "text.parse_math": False,  # names may contain any character
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


@dataclass(frozen=True)
class Chart:
    """A figure, and a description in words."""

    name: str
    title: str
    alt: str
    figure: Figure

    @cached_property
    def laid_out(self) -> Figure:
        """The figure with everything in its place.

        `Figure.savefig` would arrange and draw it once more for each file, which takes most of the time.
        """
        with drawing():
            if (engine := self.figure.get_layout_engine()) is not None:
                engine.execute(self.figure)
                self.figure.set_layout_engine("none")
        return self.figure

    @cached_property
    def svg(self) -> str:
        """The figure as an SVG file."""
        file = io.StringIO()
        with drawing():
            FigureCanvasSVG(self.laid_out).print_svg(file, metadata={"Date": None, "Creator": None})  # type: ignore[no-untyped-call]
        return file.getvalue()

    def inline(self) -> str:
        """Return the figure as an element of a page: in the page's colours, with unique ids and a label."""
        svg = re.sub(r"<metadata>.*?</metadata>", "", self.svg[self.svg.index("<svg") :], flags=re.DOTALL)
        svg = re.sub(r'\bid="', f'id="{self.name}-', svg)
        svg = re.sub(r'(href="#|url\(#)', rf"\g<1>{self.name}-", svg)
        for colour, variable in VARIABLES.items():
            svg = svg.replace(colour, variable)
        # one image as a whole, described by its label in the page
        return re.sub(
            r'<svg [^>]*?viewBox="([^"]+)"[^>]*>',
            rf'<svg viewBox="\1" role="img" aria-labelledby="alt-{self.name}">',
            svg,
        )

    def png(self) -> bytes:
        """Return the figure as a PNG file on white."""
        file = io.BytesIO()
        with drawing():
            canvas = FigureCanvasAgg(self.laid_out)
            self.figure.set(dpi=160, facecolor="white")
            canvas.print_png(file, metadata={"Software": None})  # type: ignore[no-untyped-call]
        return file.getvalue()


@contextmanager
def drawing() -> Iterator[None]:
    """Draw with this style, independent of the user's settings."""
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of values near the largest float, in a record of another
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        yield


def new_axes(height: float, rows: int = 1, columns: int = 1, **how: Any) -> tuple[Figure, Any]:
    """Return a figure of this height in inches, and its axes."""
    figure = Figure(figsize=(WIDTH, height))
    return figure, figure.subplots(rows, columns, **how)


def power(value: float) -> str:
    """Return a positive number as a power of ten in plain text, such as 10⁻⁴ or 2×10⁻⁴; "" for any other."""
    if not 0 < value < math.inf:
        return ""
    value = float(f"{value:.2e}")  # else 9.999e-5 would be 10 times 10⁻⁵
    exponent = math.floor(math.log10(value) + ROUNDING)
    factor = value / 10.0**exponent
    return f"{'' if math.isclose(factor, 1) else f'{factor:.3g}{TIMES}'}10{str(exponent).translate(SUPERSCRIPTS)}"


def logarithmic(axis: XAxis | YAxis, text: Callable[[float], str] = power, subs: tuple[int, ...] = (1,)) -> None:
    """Make an axis, and those that share it, logarithmic within its limits.

    matplotlib's own formatters write mathtext, which an SVG with plain text shows literally: $mathdefault{10^{-4}}$.

    Parameters
    ----------
    text : returns the label of a tick.
    subs : the multiples of a power of ten that get a tick; 1, 2 and 5 if the limits are within two powers of ten.
    """
    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    low, high = axis.get_view_interval()
    if high < 100 * low:
        subs = (1, 2, 5)
    axis.set_major_locator(ticker.LogLocator(subs=subs))
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: text(value)))
    axis.set_minor_formatter(ticker.NullFormatter())
    if len(subs) > 1:
        axis.set_minor_locator(ticker.NullLocator())


def legend(figure: Figure, axes: Axes, n: int) -> None:
    """Add a legend of n entries below the figure."""
    # not with get_legend_handles_labels, which omits names that start with _
    artists: list[Any] = [*axes.lines, *axes.containers]
    drawn = [artist for artist in artists if not str(artist.get_label()).startswith("_child")]
    labels = [str(artist.get_label()) for artist in drawn]
    figure.legend(drawn, labels, loc="outside lower left", ncols=min(3, max(1, n)), handlelength=2.6)


def line(look: Look, k: int) -> dict[str, Any]:
    """Return the style of line k: thinner than the previous one, so that overlapping lines are all visible."""
    style: Any = (0, look.dash) if look.dash else "-"
    return {"color": look.colour, "marker": look.marker, "linestyle": style, "linewidth": max(1.0, 3.2 - 0.5 * k)}


def readable(rgba: tuple[float, float, float, float]) -> str:
    """Return black or white, whichever is easier to read on this colour; ink on a transparent one."""
    red, green, blue, alpha = rgba
    if not alpha:
        return INK
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)]
    return "#000000" if 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] > 0.179 else "#ffffff"
