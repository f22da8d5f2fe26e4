"""What the tables do not show."""

from shared.report import remarks
from shared.report.summary import rows
from tests.report.records import crashed, record, reference, sample

SCRATCH = "numpy_scratch"


def test_the_first_implementation_is_named_as_baseline_where_the_reference_is_missing_and_none_was_asked_for() -> None:
    samples = [sample("a", r) for r in (1, 2, 3)] + [sample("b", r) for r in (1, 2, 3)]
    found = record(*samples, baseline="a", options={"baseline": None})
    assert remarks.ratios(found, rows(found)) == [
        f"the baseline is a, the first implementation: {SCRATCH} is not in this run"
    ]
    asked = found | {"options": {"baseline": "a"}}
    assert remarks.ratios(asked, rows(asked)) == []
    alone = record(sample("a"), baseline="a", options={"baseline": None})
    assert remarks.ratios(alone, rows(alone)) == []


def test_what_was_widened_takes_a_line_a_stage() -> None:
    wide = [reference(r, allowed={"gradients": 1e-5, "after 100 steps": 1e-5 * r}) for r in (1, 2, 3)]
    assert remarks.widened(record(references=wide)) == [
        "after 100 steps: up to 3.0e-05 is allowed in 2 of 3 rounds, because the problem magnifies rounding"
    ]
    hopeless = [reference(1, allowed={"outputs": None})]
    assert remarks.widened(record(references=hopeless)) == [
        "outputs: nothing can be concluded, because the problem magnifies rounding"
    ]


def test_the_main_ones_have_failures_and_leave_out_what_the_answer_says() -> None:
    noise = {"canary_seconds": [0.001, 0.001], "switches_per_second": 0.0, "steal": 0.1}
    found = record(sample(SCRATCH, noise=noise), crashed("b", 1, "exit status 1", "ValueError: planted"))
    main, everything = remarks.main(found, rows(found)), remarks.every(found, rows(found))
    assert main == ["b, round 1: exit status 1", "b, round 1, stderr: ValueError: planted"]
    assert set(main) < set(everything)
    assert any("disturbed" in line for line in everything)
