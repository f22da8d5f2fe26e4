"""The sources side by side: whole, aligned by section, and what differs marked."""

import re
from html import unescape

import pytest

from shared import implementations
from shared.report.page import columns
from shared.report.page.columns import BESIDE, OPENING, SECTIONS, reading, sections

SOURCES = {
    name: {"text": implementations.locate(name).read_text(encoding="utf-8"), "base": implementations.base(name)}
    for name in implementations.names()
}


def shown(cell: columns.Cell) -> list[str]:
    return [unescape(re.sub(r"<[^>]+>", "", line.html)) for line in cell.lines]


@pytest.mark.parametrize("name", implementations.names())
def test_every_line_of_a_source_is_shown_once_and_in_order(name: str) -> None:
    found = reading(SOURCES, implementations.names())
    place = [column.name for column in found.columns].index(name)
    lines = [line.strip() for cells in found.rows.values() for line in shown(cells[place])]
    source = [line.strip() for line in SOURCES[name]["text"].splitlines()]  # type: ignore[union-attr]
    assert [line for line in lines if line] == [line for line in source if line and not line.startswith("# ----")]


@pytest.mark.parametrize("name", [name for name in implementations.names() if implementations.base(name) is None])
def test_a_file_that_stands_alone_has_every_section(name: str) -> None:
    assert set(sections(implementations.locate(name).read_text(encoding="utf-8"))) == {OPENING, *SECTIONS, BESIDE}


def test_what_a_file_does_not_change_is_its_siblings() -> None:
    found = reading(SOURCES, implementations.names())
    place = [column.name for column in found.columns].index("keras_fit")
    assert found.rows["Forward (1)-(2)"][place].inherited == "tensorflow_keras"
    assert found.rows["Update (8)"][place].inherited is None


def test_the_lines_that_differ_are_marked_and_no_others() -> None:
    one = "class Network:\n    # ---- Update (8) ----\n\n    def a(self):\n        return 1\n\n    def b(self): pass\n"
    two = one.replace("return 1", "return 2")
    found = reading({n: {"text": t, "base": None} for n, t in (("numpy_scratch", one), ("x", two))}, ["x"])
    mine, reference = found.rows["Update (8)"]
    assert [column.name for column in found.columns] == ["x", "numpy_scratch"]
    assert [text for text, line in zip(shown(mine), mine.lines, strict=True) if line.differs] == ["    return 2"]
    assert not any(line.differs for line in reference.lines)


def test_shares_are_those_of_the_time_of_an_epoch() -> None:
    shares = {"pytorch": {"Update (8)": 3.0, "Forward (1)-(2)": 1.0}}
    found = reading(SOURCES, ["pytorch"], shares)
    assert found.measured
    place = [column.name for column in found.columns].index("pytorch")
    shares_shown = {section: cells[place].share for section, cells in found.rows.items()}
    assert shares_shown["Update (8)"] == 0.75
    assert shares_shown["Conversion"] == 0
    assert shares_shown[OPENING] is None
    assert all(cells[place - 1].share is None for cells in found.rows.values())


@pytest.mark.parametrize("text", ["", "x = (", "class Network: pass", "\n\n# only this\n"])
def test_a_source_of_any_kind_is_shown(text: str) -> None:
    found = reading({"numpy_scratch": SOURCES["numpy_scratch"], "odd": {"text": text, "base": None}}, ["odd"])
    place = [column.name for column in found.columns].index("odd")
    lines = [line for cells in found.rows.values() for line in shown(cells[place]) if line.strip()]
    assert lines == [line for line in text.splitlines() if line.strip()]
