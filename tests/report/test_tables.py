"""The tables, rendered from records made by hand."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.report import tables
from tests.report.records import STAGES, crashed, pair, record, reference, sample

SCRATCH = "numpy_scratch"
FULL = record(
    sample(SCRATCH, 1, test_accuracy=0.94),
    sample(SCRATCH, 2, test_accuracy=0.96),
    sample("other", 1, (400,), status="FAILED AGREEMENT", reason="gradients: W1 is off by 1.0e-03, allowed 1.0e-05"),
    sample("other", 2, (600,), peak_memory_bytes=1_234_500_000),
    crashed("broken", 1, "exit status 1", "Traceback", "ValueError: planted"),
    pairs=[pair(SCRATCH, "other"), pair(SCRATCH, "third", None)],
)


def cells(found: dict[str, Any], name: str) -> dict[str, str]:
    headers, lines = tables.main_table(found)
    (line,) = (line for line in lines if line[0] == name)
    return dict(zip((header.replace("\n", " ") for header in headers), line, strict=True))


def test_the_cells_of_an_implementation() -> None:
    assert cells(FULL, SCRATCH) == {
        "implementation": SCRATCH,
        "test accuracy, %": "95.00 +/- 1.41",
        "epoch, s": "0.200 [0.100-0.300]",
        "step, us": "4,000",
        "samples/s": "2,500",
        "time ratio": "1.00",
        "first step, s": "0.062",
        "import, s": "0.25",
        "peak MB": "100",
        "gradient error": "2.0e-07",
        "parameters": "23,860",
        "status": "ok",
    }


def test_the_cells_of_another_are_relative_to_the_baseline() -> None:
    found = cells(FULL, "other")
    assert (found["time ratio"], found["peak MB"], found["status"]) == ("2.50", "1,234", "FAILED AGREEMENT")


def test_one_sample_has_neither_a_range_nor_a_spread() -> None:
    found = cells(record(sample("alone", 1, (12_345,))), "alone")
    assert (found["test accuracy, %"], found["epoch, s"], found["time ratio"]) == ("90.00", "12.3", "-")


def test_an_implementation_without_figures_has_dashes() -> None:
    name, *figures, status = cells(FULL, "broken").values()
    assert (name, set(figures), status) == ("broken", {"-"}, "crashed")


def test_an_error_that_is_no_number_is_not_left_out() -> None:
    errors = {stage: {"error": None, "tensor": "W1"} for stage in STAGES}
    assert cells(record(sample(SCRATCH, errors=errors)), SCRATCH)["gradient error"] == "not finite"
    assert tables.pair_table(FULL)[1][1] == [f"{SCRATCH} / third", *["not finite"] * len(STAGES), "0, 2 of 10,000"]


def test_the_heading_says_what_was_run_on_what() -> None:
    assert tables.heading(FULL) == [
        "784-30-10, sigmoid, quadratic; sgd, learning rate 3",
        "MNIST: 50,000 training images, sha256 0123456789ab",
        "2 rounds (seeds 1 to 2), 1 thread, A Processor",
    ]


def test_what_must_be_told_is_told_in_the_text_and_in_the_markdown() -> None:
    for told in (tables.text(FULL, 10_000), tables.markdown(FULL)):
        assert "other, round 1: gradients: W1 is off by 1.0e-03, allowed 1.0e-05" in told
        assert "broken, round 1: exit status 1" in told
        assert "broken, round 1, stderr: ValueError: planted" in told
        assert "interrupted" not in told
        assert "tolerance 1e-05" in told


def test_a_reference_that_crashed_is_told_with_its_stderr() -> None:
    found = record(sample(SCRATCH, status="not compared", reason="the float64 reference failed"))
    found["references"] = [crashed("float64-reference", 1, "killed by SIGKILL", "out of memory")]
    told = tables.text(found, 10_000)
    assert "! float64 reference, round 1: killed by SIGKILL" in told
    assert "! float64-reference, round 1, stderr: out of memory" in told


def test_a_run_interrupted_before_its_first_worker_ended_can_still_be_shown() -> None:
    found = record(implementations=[SCRATCH], interrupted=True, rounds=3)
    for told in (tables.text(found, 80), tables.markdown(found)):
        assert "not run" in told
        assert "interrupted: what had been measured by then is shown" in told


# ---- Width ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [80, 100, 160])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    long = "gradients: W1 is off by 1.0e-03, allowed 1.0e-05; " * 5 + "x" * 300
    found = FULL | {"samples": [*FULL["samples"], crashed("tensorflow_keras", 1, long, long)]}
    found["implementations"] = [*FULL["implementations"], "tensorflow_keras"]
    assert max(map(len, tables.text(found, width).splitlines())) <= width


def test_a_wide_terminal_gets_one_table_and_a_narrow_one_all_columns_in_several() -> None:
    table = tables.main_table(FULL)
    assert len(tables.split(table, 10_000)) == 1
    assert len(tables.split(table, 80)) > 1


words = st.text("abcXYZ0189.,%|<-", min_size=1, max_size=12)


@st.composite
def any_table(draw: st.DrawFn) -> tables.Table:
    """At least two columns, any two of which fit 80 characters."""
    columns = draw(st.integers(2, 14))
    headers = draw(st.lists(st.lists(words, min_size=1, max_size=3).map("\n".join), min_size=columns, max_size=columns))
    line = st.lists(st.text("abc 0189.,", max_size=35), min_size=columns, max_size=columns)
    return headers, draw(st.lists(line, min_size=1, max_size=4))


@given(table=any_table(), width=st.sampled_from([80, 160]))
def test_split_tables_fit_and_hold_every_column_once(table: tables.Table, width: int) -> None:
    headers, lines = table
    parts = tables.split(table, width)
    for part in parts:
        assert max(map(len, tables._render(part, "simple").splitlines())) <= width
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
    main, pairs = markdown_tables(tables.markdown(FULL))
    for found, (headers, lines) in ((main, tables.main_table(FULL)), (pairs, tables.pair_table(FULL))):
        stripped = [[cell.strip() for cell in line] for line in found]
        assert stripped[0] == [header.replace("\n", " ") for header in headers]
        assert stripped[2:] == lines


def test_markdown_remarks_cannot_be_html_or_a_table() -> None:
    found = tables.markdown(record(crashed("broken", 1, "exit status 1", "<b>a | b</b>")))
    remark = next(line for line in found.splitlines() if "stderr" in line)
    assert remark == "- broken, round 1, stderr: &lt;b>a &#124; b&lt;/b>"


def test_a_name_cannot_break_a_markdown_table() -> None:
    found = record(sample("a|b"), sample(SCRATCH), pairs=[pair("a|b", SCRATCH)])
    for table in markdown_tables(tables.markdown(found)):
        assert {len(line) for line in table} == {len(table[0])}


def test_what_was_inconclusive_is_told_in_both() -> None:
    found = record(sample(SCRATCH), references=[reference(1, allowed={"after 100 steps": None})])
    for told in (tables.text(found, 10_000), tables.markdown(found)):
        assert "round 1, after 100 steps: training magnifies rounding so much that nothing is concluded" in told
