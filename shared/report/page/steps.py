"""One image's forward and backward pass as a page shows it: an equation, a picture and a sentence for each step.

The equations are those of `shared.spec` for one image, n = 1, with the layer's number.
"""

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
from markupsafe import Markup, escape
from PIL import Image

from shared.record.schema import Record, StepPart
from shared.report.page.gallery import as_bytes, palette, png, sheet
from shared.spec import NetworkSpec

WIDTH, HEIGHT, EDGE = 480, 120, 14
"""Of the bars: units of their SVG."""
CELL: Final = 14
"""Pixels of a value in the picture of a small matrix."""
LOSSES: Final = {
    "quadratic": "C = Σ ½ |a_{L} - y|²",
    "cross_entropy": "C = - Σ y log a_{L}",
    "binary_cross_entropy": "C = - Σ [y log a_{L} + (1 - y) log(1 - a_{L})]",
}


@dataclass(frozen=True)
class Step:
    """A step."""

    name: Markup
    equation: str
    formula: Markup
    picture: Markup
    """an SVG or an image"""
    words: str


@dataclass(frozen=True)
class Pass:
    """All steps for one image."""

    implementation: str
    index: int
    label: int
    network: str
    steps: list[Step]


def of(record: Record) -> Pass | None:
    """Return the steps that a run has kept; None if it has none."""
    kept = record.get("gallery", {}).get("steps")
    if kept is None:
        return None
    spec = NetworkSpec.parse(record["network"]["title"])
    parts = {part["quantity"]: part for part in kept["steps"]}
    steps = [_step(part, parts, spec, record["training"]["title"]) for part in kept["steps"]]
    return Pass(kept["implementation"], kept["index"], kept["label"], str(spec), steps)


def _step(part: StepPart, parts: dict[str, StepPart], spec: NetworkSpec, training: str) -> Step:
    quantity, last = part["quantity"], len(spec.layers)
    number = re.sub(r"\D", "", quantity)
    l = int(number or 0)
    name, formula = {
        "a0": ("a_0", "a_0 = x, the image"),
        "z": (f"z_{l}", f"z_{l} = a_{l - 1} W_{l}^T + b_{l}"),
        "a": (f"a_{l}", f"a_{l} = {spec.layers[l - 1].activation if l else ''}(z_{l})"),
        "C": ("C", LOSSES[spec.loss].replace("{L}", str(last))),
        "d": (f"δ_{l}", _delta(l, spec)),
        "dW": (f"∂C/∂W_{l}", f"∂C/∂W_{l} = δ_{l}^T a_{l - 1}"),
        "db": (f"∂C/∂b_{l}", f"∂C/∂b_{l} = δ_{l}"),
        "C after": ("C after a step", f"θ ← θ - η g, with all gradients at once: {training.partition(', batch')[0]}"),
    }[quantity if quantity in ("a0", "C after") else quantity.removesuffix(number)]
    is_output = part["shape"] == [spec.n_out]
    return Step(_marked(name), part["equation"], _marked(formula), _picture(part, is_output), _words(part, parts, last))


def _delta(l: int, spec: NetworkSpec) -> str:
    if l < len(spec.layers):
        factor = _slope(l, spec)
        return f"δ_{l} = (δ_{l + 1} W_{l + 1}){factor}"
    return f"δ_{l} = (a_{l} - y){_slope(l, spec) if spec.loss == 'quadratic' else ''}"


def _slope(l: int, spec: NetworkSpec) -> str:
    """Return the factor f'(z_l) with the name of f."""
    return f" ⊙ {spec.layers[l - 1].activation}'(z_{l})"


def _marked(text: str) -> Markup:
    """Return a formula with its indices below and T above."""
    signs = text.replace(" - ", " \N{MINUS SIGN} ").replace("'", "\N{PRIME}")
    found = re.sub(r"(?<=[A-Za-zδ])_(\d+)", r"<sub>\1</sub>", str(escape(signs)))
    return Markup(found.replace("^T", "<sup>T</sup>"))


def _words(part: StepPart, parts: dict[str, StepPart], last: int) -> str:
    quantity, values = part["quantity"], part["values"]
    if quantity == "C":
        return f"{values[0]:.6g}: one number, for this image alone, so n = 1"
    if quantity == "C after":
        before = parts["C"]["values"][0]
        return f"{values[0]:.6g}, {'less' if values[0] < before else 'not less'} than {before:.6g}"
    size = " \N{MULTIPLICATION SIGN} ".join(map(str, part["shape"]))
    said = f"{size} values from {part['smallest']:.3g} to {part['largest']:.3g}"
    if quantity == "a0":
        return f"{size} pixels; the network sees them as values from 0 to 1, or standardised"
    if quantity == f"a{last}":
        said += f"; the largest is that of {int(np.argmax(values))}"
    if part.get("rows", 0) and part["rows"] < part["shape"][0]:
        said += f"; the first {part['rows']} rows are shown"
    return said


def _picture(part: StepPart, is_output: bool) -> Markup:
    if part["quantity"].startswith("C"):
        return Markup("")
    if part["values"]:
        return _bars(part["values"], is_output)
    levels, rows = as_bytes(part["levels"]), part["rows"]
    alt = f"{part['quantity']}, {part['shape'][0]} by {part['shape'][1]}: blue above 0, red below"
    if part["quantity"] == "a0":
        ink = 255 - ((levels.astype(int) - 128) * 255 // 127).clip(0, 255)
        return _image(Image.fromarray(ink.astype(np.uint8).reshape(part["shape"])), "the image", "digit")
    if part["shape"][1] == 784:
        return _image(sheet(levels, rows), f"{alt}; a square of 28 by 28 for each row", "grid")
    picture = Image.fromarray(levels.reshape(rows, -1), "P")
    picture.putpalette(palette().tobytes())
    width, height = picture.size
    return _image(picture.resize((width * CELL, height * CELL), Image.Resampling.NEAREST), alt, "grid")


def _image(picture: Image.Image, alt: str, kind: str) -> Markup:
    return Markup('<img class="{}" src="{}" alt="{}">').format(kind, png(picture), alt)


def _bars(values: list[float], is_output: bool) -> Markup:
    """Return an SVG with a bar for each value, up or down from 0; those of the outputs have their digit."""
    top, bottom = max(0.0, *values), min(0.0, *values)
    scale = HEIGHT / ((top - bottom) or 1.0)
    step = WIDTH / len(values)
    zero = top * scale
    bars = "".join(
        f'<rect class="{"more" if v >= 0 else "less"}" x="{k * step + step * 0.1:.1f}" '
        f'y="{zero - max(v, 0) * scale:.1f}" width="{step * 0.8:.1f}" height="{abs(v) * scale:.1f}"/>'
        for k, v in enumerate(values)
    )
    digits = "".join(
        f'<text x="{(k + 0.5) * step:.1f}" y="{HEIGHT + EDGE - 1}">{k}</text>' for k in range(len(values) * is_output)
    )
    label = f"{len(values)} bars from {min(values):.3g} to {max(values):.3g}"
    return Markup(
        f'<svg class="bars" viewBox="0 0 {WIDTH} {HEIGHT + EDGE}" role="img" aria-label="{label}">{bars}'
        f'<line x1="0" x2="{WIDTH}" y1="{zero:.1f}" y2="{zero:.1f}"/>{digits}</svg>'
    )
