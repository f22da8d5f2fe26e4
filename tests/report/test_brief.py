"""The answer and the small table: what a run prints."""

import pytest

from shared.report import brief, document, tables
from tests.report.records import compared, crashed, record, sample

SCRATCH = "numpy_scratch"
TIMES = {SCRATCH: 200, "tensorflow_compiled": 170, "a_file_with_quite_a_long_name_of_its_own": 4210}


def found(**changes: object) -> object:
    """A run whose names, numbers and statuses are as wide as they get."""
    samples = [compared(sample(name, r, (time + 40 * r,)), SCRATCH) for name, time in TIMES.items() for r in (1, 2, 3)]
    wrong = sample("wrong", 1, status="FAILED AGREEMENT", reason="gradients: W1")
    return record(*samples, wrong, crashed("away", 1) | {"status": "not available"}, **changes)


def test_it_has_the_answer_of_the_page_and_one_table() -> None:
    shown, full = brief.document(found()), tables.document(found())  # type: ignore[arg-type]
    assert shown.answer == full.answer
    assert len(shown.answer) == 3
    (table,) = shown.tables
    assert [header.replace("\n", " ") for header in table.headers] == [
        "implementation", "test accuracy", "epoch", "time ratio", "gradient error", "status"
    ]  # fmt: skip
    assert table.lines[0] == [SCRATCH, "90.00 %", "0.28 s", "-", "2.0e-07", "ok"]
    assert [line[-1] for line in table.lines] == ["ok", "ok", "ok", "FAILED AGREEMENT", "not available"]
    assert (shown.rows, shown.more) == (full.rows, full.more)


@pytest.mark.parametrize("width", [80, 160])
def test_it_is_one_table_that_fits(width: int) -> None:
    printed = document.text(brief.document(found()), width)  # type: ignore[arg-type]
    assert max(map(len, printed.splitlines())) <= width
    assert printed.count("implementation ") == 1
    for word in ("tensorflow_compiled", "AGREEMENT", "available", "time ratio: epoch / numpy_scratch's [95 %"):
        assert word in printed
