"""The error budget as tables: what is rounding, what is not, and what is inconclusive stand apart."""

import math
from dataclasses import replace
from typing import Any

import pytest

from shared.agreement.budget import Entry
from shared.report import budget, tables
from shared.report.document import markdown
from tests.report import records

ENTRY = Entry("one", "784-30-10, sigmoid, quadratic", 10, "float32", "W1", error=2e-7, bound=4e-6, ulps=3.0)


@pytest.mark.parametrize(
    ("changes", "verdict", "headroom"),
    [
        ({}, "rounding", "20x"),
        ({"error": 0.0}, "exact", ""),
        ({"error": 4e-6}, "rounding", "1.0x"),
        ({"error": 1e-3}, "not rounding", "0.004x"),
        ({"error": math.nan}, "not rounding", "0x"),
        ({"bound": math.inf}, "inconclusive", ""),
        ({"bound": 0.5}, "inconclusive", "2,500,000x"),
        ({"error": 2e-7, "bound": 1e-6}, "rounding", "5.0x"),
    ],
)
def test_verdict_and_headroom(changes: Any, verdict: str, headroom: str) -> None:
    entry = replace(ENTRY, **changes)
    assert entry.verdict == verdict
    assert budget.headroom(entry.headroom) == headroom


def test_a_cell_of_the_matrix_is_the_worst_of_its_batches() -> None:
    entries = [ENTRY, replace(ENTRY, batch_size=64, tensor="b1", error=1e-6), replace(ENTRY, implementation="two")]
    printed = markdown(budget.as_matrix(entries, [], []))
    row = next(line for line in printed.splitlines() if line.startswith("| 784-30-10"))
    assert [cell.strip() for cell in row.split("|")[2:4]] == ["1.0e-06 4.0x", "2.0e-07 20x"]
    assert "over batches of 10, 64" in printed
    assert "least headroom 4.0x: one, 784-30-10, sigmoid, quadratic, batch 64, float32, b1" in printed


def test_what_is_not_rounding_is_marked_and_reported() -> None:
    printed = markdown(budget.as_matrix([ENTRY, replace(ENTRY, tensor="b2", error=0.5)], [], []))
    assert "! 5.0e-01 8e-06x" in printed
    line = "one, 784-30-10, sigmoid, quadratic, batch 10, float32, b2: off by 5.0e-01, rounding explains 4.0e-06"
    assert f"- {line}" in printed


def test_a_run_has_a_section_with_the_least_headroom_of_its_rounds() -> None:
    samples = [records.sample("one", r, errors=records.errors(error)) for r, error in ((1, 1e-7), (2, 1e-6))]
    (table,) = budget.section(records.record(*samples, records.sample("two", 1)))
    assert table.headers == ["implementation", "W1", "b1"]
    assert table.lines == [["one", "1.0e-06 2.0x", "1.0e-08 200x"], ["two", "2.0e-07 10x", "1.0e-08 200x"]]
    assert table in tables.document(records.record(*samples, records.sample("two", 1))).tables


def test_an_error_that_is_no_number_is_not_rounding() -> None:
    record = records.record(records.sample("one", errors=records.errors(None)))
    (table,) = budget.section(record)
    assert table.lines[0][1].startswith("! ")


def test_a_record_of_before_has_no_section() -> None:
    record = records.record(records.sample("one"))
    for reference in record["references"]:
        del reference["bounds"]
    assert budget.section(record) == []
