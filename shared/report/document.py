"""Tables with heading and remarks, in four formats: text for a terminal of any width, Markdown, CSV, JSON."""

import csv
import io
import json
import math
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field, is_dataclass
from html import escape
from typing import Any, Final

import tabulate

tabulate.MIN_PADDING = 0  # else a column is two characters wider than its header
HeadersAndLines = tuple[list[str], list[list[str]]]
LONGEST_NAME: Final = 22
LEAST_WORDS: Final = 9
"""In a table that is too wide: characters per line of the first column, and the least of the last column."""


@dataclass(frozen=True)
class Table:
    """A table with its caption and notes."""

    headers: list[str]
    """line breaks are kept on a terminal"""
    lines: list[list[str]]
    caption: str = ""
    notes: list[str] = field(default_factory=list)
    words: tuple[str, ...] = ()
    """headers of columns with words, which are left-aligned, as the first column is"""
    values: list[list[Any]] = field(default_factory=list)
    """the full numbers by which a page sorts the cells; empty if nothing is sorted"""
    kind: str = ""
    """which of the tables of a document it is, for code that looks for one"""


@dataclass(frozen=True)
class Document:
    """Everything that is printed."""

    heading: list[str]
    tables: list[Table]
    remarks: list[str]
    """failures, and what the reader must know to interpret the tables"""
    rows: list[Any]
    """dataclasses with the numbers of the first table, in full, for CSV and JSON"""
    more: dict[str, Any] = field(default_factory=dict)
    """further parts of the JSON"""
    answer: list[str] = field(default_factory=list)
    """the result in a few sentences"""


def text(document: Document, width: int) -> str:
    """Return plain ASCII; no line of a table is wider than `width`."""
    parts = [_wrap(document.heading, width, "  ")]
    parts += [_wrap(document.answer, width, "  ")] if document.answer else []
    for table in document.tables:
        parts += [_wrap([table.caption], width)] if table.caption else []
        shown = narrowed((table.headers, table.lines), width, table.words)
        parts += [_render(part, "simple", table.words) for part in split(shown, width)]
        parts += [_wrap(table.notes, width, "  ")] if table.notes else []
    if document.remarks:
        parts.append(_wrap([f"! {line}" for line in document.remarks], width, "  "))
    return plain("\n\n".join(parts)) + "\n"


def markdown(document: Document) -> str:
    """Return the same as Markdown."""
    parts = ["  \n".join(map(_escape, document.heading))]
    parts += ["\n".join(f"- {_escape(line)}" for line in document.answer)] if document.answer else []
    for table in document.tables:
        parts += [table.caption] if table.caption else []
        parts.append(_render((table.headers, table.lines), "github", table.words))
        parts += ["  \n".join(table.notes)] if table.notes else []
    if document.remarks:
        parts.append("\n".join(f"- {_escape(line)}" for line in document.remarks))
    return "\n\n".join(map(plain, parts)) + "\n"


def html(document: Document) -> str:
    """Return the same as HTML, for notebooks; the contents of the cells are escaped."""
    parts = [f"<p>{'<br>'.join(map(escape, document.heading))}</p>", *(f"<p>{escape(s)}</p>" for s in document.answer)]
    for table in document.tables:
        parts += [f"<p>{escape(table.caption)}</p>"] if table.caption else []
        parts.append(_render((table.headers, table.lines), "html", table.words))
        parts += [f"<p>{'<br>'.join(map(escape, table.notes))}</p>"] if table.notes else []
    if document.remarks:
        parts.append(f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in document.remarks)}</ul>")
    return "\n".join(map(plain, parts)) + "\n"


def as_csv(document: Document) -> str:
    """Return the rows with their full numbers, one line each; nested values get names such as ratio_low."""
    lines = [_flat(as_data(row)) for row in document.rows]
    every = dict.fromkeys(name for line in lines for name in line)
    # an estimate is None in a row that has none, and several columns in other rows
    names = [name for name in every if not any(other.startswith(f"{name}_") for other in every)]
    written = io.StringIO()
    writer = csv.DictWriter(written, names, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return plain(written.getvalue())


def as_json(document: Document) -> str:
    """Return everything with full numbers; nan and inf are null."""
    found = as_data({"rows": document.rows, **document.more})
    content = {"heading": document.heading, "answer": document.answer, **found, "remarks": document.remarks}
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


FORMATS: Final[dict[str, Callable[[Document, int], str]]] = {
    "table": text,
    "markdown": lambda document, _: markdown(document),
    "csv": lambda document, _: as_csv(document),
    "json": lambda document, _: as_json(document),
}


def as_data(value: Any) -> Any:
    """Return dataclasses and named tuples as dictionaries, and None for nan and inf."""
    if is_dataclass(value) and not isinstance(value, type):
        value = {name: getattr(value, name) for name in value.__dataclass_fields__}
    elif hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {name: as_data(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_data(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _flat(data: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in data.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{name}_")
        else:
            found[prefix + name] = "; ".join(map(str, value)) if isinstance(value, list) else value
    return found


def narrowed(table: HeadersAndLines, width: int, words: tuple[str, ...] = ()) -> HeadersAndLines:
    """If a table is wider than `width` characters, wrap long names and then the words of the last column."""
    headers, lines = table
    if (excess := _width(table) - width) > 0:
        lines = [[textwrap.fill(line[0], LONGEST_NAME, break_on_hyphens=False), *line[1:]] for line in lines]
        excess = _width((headers, lines)) - width
    if excess > 0 and headers[-1] in words:
        longest = max(len(line[-1]) for line in lines)
        lines = [[*line[:-1], textwrap.fill(line[-1], max(LEAST_WORDS, longest - excess))] for line in lines]
    return headers, lines


def split(table: HeadersAndLines, width: int) -> list[HeadersAndLines]:
    """Split a table into tables that fit `width` characters; each repeats the first column."""
    headers, lines = table

    def columns(indices: list[int]) -> HeadersAndLines:
        return [headers[i] for i in indices], [[line[i] for i in indices] for line in lines]

    groups: list[list[int]] = [[0]]
    for index in range(1, len(headers)):
        wider = [*groups[-1], index]
        if len(groups[-1]) > 1 and _width(columns(wider)) > width:
            groups.append([0, index])
        else:
            groups[-1] = wider
    return [columns(group) for group in groups]


def _width(table: HeadersAndLines) -> int:
    return max(map(len, _render(table, "simple").splitlines()))


def _render(table: HeadersAndLines, style: str, words: tuple[str, ...] = ()) -> str:
    headers, lines = table
    aligned = ["left" if k == 0 or header in words else "right" for k, header in enumerate(headers)]
    if style == "github":
        headers = [header.replace("\n", " ") for header in headers]
        lines = [[_escape(cell.replace("\n", " ")) for cell in line] for line in lines]
    return tabulate.tabulate(lines, headers, tablefmt=style, disable_numparse=True, colalign=aligned if lines else None)


def _wrap(lines: list[str], width: int, indent: str = "") -> str:
    return "\n".join(textwrap.fill(line, width, subsequent_indent=indent) for line in lines)


def plain(anything: str) -> str:
    """Return text without escape sequences, in ASCII: the stderr of a worker can contain anything."""
    unescaped = re.sub(r"\x1b\[[0-?]*[ -/]*[@-~]", "", anything).expandtabs()
    return "".join(c if c == "\n" or " " <= c <= "~" else ascii(c)[1:-1] for c in unescaped)


def _escape(line: str) -> str:
    """Escape text for Markdown tables and HTML."""
    return line.replace("|", "&#124;").replace("<", "&lt;")
