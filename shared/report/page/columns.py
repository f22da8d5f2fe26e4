"""The implementations side by side: their sources cut into the same sections, with the differences marked."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Final

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from shared.implementations import REFERENCE
from shared.measure.profile import lines as sections_by_line
from shared.measure.profile import titles
from shared.record.schema import Record

OPENING, BESIDE = "Opening", "Beside the class"
SECTIONS: Final = (
    "Parameters",
    "Forward (1)-(2)",
    "Loss and gradients (3)-(7)",
    "Update (8)",
    "Conversion",
)
MAIN: Final = 3
"""Number of columns shown at first, if nothing says which."""


@dataclass(frozen=True)
class Line:
    """A line of a source."""

    html: Markup
    indent: int
    """characters"""
    differs: bool


@dataclass(frozen=True)
class Cell:
    """The lines of an implementation in a section."""

    lines: list[Line]
    inherited: str | None = None
    """the base whose section it is, if the implementation has none of its own"""
    share: float | None = None
    """fraction of the time of an epoch"""


@dataclass(frozen=True)
class Column:
    """An implementation."""

    name: str
    base: str | None
    shown: bool
    """whether it is shown at first"""


@dataclass(frozen=True)
class Reading:
    """All columns and rows."""

    columns: list[Column]
    rows: dict[str, list[Cell]]
    """section -> a cell for each column"""
    measured: bool
    """whether the cells have shares"""


def reading(
    sources: Mapping[str, Mapping[str, Any]],
    shown: Sequence[str],
    shares: Mapping[str, Mapping[str, float]] | None = None,
) -> Reading:
    """Return the sources side by side.

    Parameters
    ----------
    sources : implementation -> {"text": its source, "base": the implementation that it changes in part, or None}.
    shown : the columns to show at first.
    shares : implementation -> section -> seconds.
    """
    cut = {name: sections(source["text"]) for name, source in sources.items()}
    names = sorted(cut, key=lambda name: (name not in shown, name != REFERENCE, name))
    rows = {
        section: [_cell(name, section, cut, sources[name]["base"], (shares or {}).get(name, {})) for name in names]
        for section in (OPENING, *SECTIONS, BESIDE)
    }
    return Reading([Column(n, sources[n]["base"], n in shown) for n in names], rows, bool(shares))


def of_record(record: Record) -> Reading | None:
    """Return the sources in the record of a run, with the measured shares; None if the record has no sources."""
    if not record.get("sources"):
        return None
    shares = {s["implementation"]: s["sections"] for s in record["samples"] if s.get("sections")}
    names = record["implementations"]
    preferred = [name for name in names if name in record.get("defaults", ())] or names[:MAIN]
    return reading(record["sources"], preferred if len(names) > MAIN else names, shares)


def sections(source: str) -> dict[str, list[str]]:
    """Return the lines of each section without its heading; lines before and after them have their own names."""
    try:
        known = sections_by_line(source)
    except (SyntaxError, ValueError):
        known = {}
    found: dict[str, list[str]] = {}
    headings, last = titles(source), max(known, default=0)
    for number, line in enumerate(source.splitlines(), 1):
        if number in headings:
            continue
        section = known.get(number) or (BESIDE if known and number > last else OPENING)
        found.setdefault(section if section in (*SECTIONS, BESIDE) else OPENING, []).append(line)
    return {section: _stripped(of) for section, of in found.items()}


def _stripped(lines: list[str]) -> list[str]:
    """Return lines without empty lines at both ends and without common indentation."""
    while lines and not lines[0].strip():
        lines = lines[1:]
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    common = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return [line[common:] for line in lines]


def _cell(
    name: str, section: str, cut: Mapping[str, Mapping[str, list[str]]], base: str | None, seconds: Mapping[str, float]
) -> Cell:
    total = math.fsum(seconds.values())
    share = seconds.get(section, 0.0) / total if total and section in SECTIONS else None
    own = cut[name].get(section, [])
    if not own and base is not None and section != BESIDE:
        return Cell([], base, share)
    other = base or REFERENCE
    expected = cut[other].get(section, []) if other in cut and other != name else own
    return Cell(_lines(own, expected), None, share)


def _lines(own: list[str], expected: list[str]) -> list[Line]:
    """Return highlighted lines; a line differs if it is not in the other source, or not in the same order."""
    a, b = ([line.strip() for line in lines] for lines in (expected, own))
    same = {
        block.b + k
        for block in SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
        for k in range(block.size)
    }
    if not own:
        return []
    html = highlight("\n".join(own), PythonLexer(stripnl=False), HtmlFormatter(nowrap=True)).rstrip("\n").split("\n")
    return [
        Line(Markup(marked), len(line) - len(line.lstrip()), k not in same and bool(line.strip()))
        for k, (line, marked) in enumerate(zip(own, html, strict=True))
    ]
