"""The four formats of a document."""

import csv
import io
import json
import math
import re
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.measure.statistics import Estimate
from shared.report import document
from shared.report.document import Document, HeadersAndLines, Table


@dataclass(frozen=True)
class Figure:
    name: str
    ratio: Estimate | None
    error: float
    reasons: list[str]


ROWS = [
    Figure("one", Estimate(1.0000000001, 0.9, 1.1, 3), math.inf, []),
    Figure("a,b", None, 1e-7, ["first", "second"]),
]
TABLE = Table(["name", "time\nratio"], [["one", "1.0"], ["a,b", "-"]], "Caption", ["note 1", "note 2"])
DOCUMENT = Document(["heading"], [TABLE], ["x < y"], list(ROWS), {"more": {"worst": math.nan}})


def test_text_has_everything_in_order() -> None:
    parts = ["heading", "Caption", "name", "ratio", "one", "a,b", "note 1", "note 2", "! x < y"]
    places = [document.text(DOCUMENT, 80).index(part) for part in parts]
    assert places == sorted(places)


def test_csv_has_the_figures_in_full_and_one_line_a_row() -> None:
    one, two = csv.DictReader(io.StringIO(document.as_csv(DOCUMENT)))
    assert (one["name"], one["ratio_value"], one["ratio_high"], one["error"]) == ("one", "1.0000000001", "1.1", "")
    assert (two["name"], two["ratio_value"], two["error"], two["reasons"]) == ("a,b", "", "1e-07", "first; second")
    assert "ratio" not in one


def test_json_has_the_figures_in_full_and_is_strict() -> None:
    printed = json.loads(document.as_json(DOCUMENT), parse_constant=pytest.fail)
    assert printed["rows"][0]["ratio"] == {"value": 1.0000000001, "low": 0.9, "high": 1.1, "rounds": 3}
    assert (printed["rows"][0]["error"], printed["rows"][1]["ratio"]) == (None, None)
    assert (printed["more"], printed["remarks"]) == ({"worst": None}, ["x < y"])


@pytest.mark.parametrize("kind", document.FORMATS)
def test_every_format_is_plain_ascii(kind: str) -> None:
    wild = Document(
        ["\x1b[31mred\x1b[0m"], [Table(["a"], [["\u03b7\t"]])], ["\r\u2192"], [Figure("\x1bé", None, 0, [])]
    )
    assert re.search(r"[^\n\x20-\x7e]", document.FORMATS[kind](wild, 80)) is None


# ---- Width ---------------------------------------------------------------------------------------------


def test_a_wide_terminal_gets_one_table_and_a_narrow_one_all_columns_in_several() -> None:
    table = (["name"] + ["x" * 30] * 4, [["1"] * 5])
    assert len(document.split(table, 10_000)) == 1
    assert len(document.split(table, 80)) > 1


words = st.text("abcXYZ0189.,%|<-", min_size=1, max_size=12)


@st.composite
def any_table(draw: st.DrawFn) -> HeadersAndLines:
    """At least two columns, any two of which fit 80 characters."""
    columns = draw(st.integers(2, 14))
    headers = draw(st.lists(st.lists(words, min_size=1, max_size=3).map("\n".join), min_size=columns, max_size=columns))
    line = st.lists(st.text("abc 0189.,", max_size=35), min_size=columns, max_size=columns)
    return headers, draw(st.lists(line, min_size=1, max_size=4))


@given(table=any_table(), width=st.sampled_from([80, 160]))
def test_split_tables_fit_and_hold_every_column_once(table: HeadersAndLines, width: int) -> None:
    headers, lines = table
    parts = document.split(table, width)
    for part in parts:
        assert max(map(len, document._render(part, "simple").splitlines())) <= width
        assert part[0][0] == headers[0]
    assert [header for part in parts for header in part[0][1:]] == headers[1:]
    for i, line in enumerate(lines):
        assert [cell for part in parts for cell in part[1][i][1:]] == line[1:]
        assert {part[1][i][0] for part in parts} == {line[0]}


# ---- Markdown ------------------------------------------------------------------------------------------


def markdown_tables(text: str) -> list[list[list[str]]]:
    """Return the cells of every table, as GitHub splits them."""
    blocks = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    return [[re.split(r"(?<!\\)\|", line)[1:-1] for line in block] for block in blocks]


def test_the_markdown_has_the_same_cells_as_the_text() -> None:
    (found,) = markdown_tables(document.markdown(DOCUMENT))
    stripped = [[cell.strip() for cell in line] for line in found]
    assert stripped[0] == ["name", "time ratio"]
    assert stripped[2:] == TABLE.lines


def test_markdown_remarks_cannot_be_html_or_a_table() -> None:
    found = document.markdown(Document([], [], ["<b>a | b</b>"], []))
    assert found.strip() == "- &lt;b>a &#124; b&lt;/b>"


def test_a_name_cannot_break_a_markdown_table() -> None:
    found = document.markdown(Document([], [Table(["name", "x"], [["a|b", "1"], ["c", "2"]])], [], []))
    for table in markdown_tables(found):
        assert {len(line) for line in table} == {2}
