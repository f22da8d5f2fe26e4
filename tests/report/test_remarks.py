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
    assert main == ["b, round 1: exit status 1; ValueError: planted"]
    assert len(main) < len(everything)
    assert any("disturbed" in line for line in everything)


def test_what_failed_alike_in_every_round_takes_one_line() -> None:
    lines = [f"line {i} of a long traceback" for i in range(20)]
    found = record(sample(SCRATCH), *(crashed("b", r, "exit status 1", *lines) for r in (1, 2, 3)))
    assert remarks.failures_in_short(found, rows(found)) == ["b, 3 rounds: exit status 1; line 19 of a long traceback"]
    assert len(remarks.failures(found, rows(found))) == 63


def test_disturbed_rows_are_named_here_where_the_answer_only_counts_them() -> None:
    noise = {"canary_seconds": [0.001, 0.001], "switches_per_second": 900.0, "steal": 0.0}
    for count in (4, 5):
        found = record(*(sample(name, noise=noise) for name in "abcdef"[:count]), baseline="a")
        lines = [line for line in remarks.main(found, rows(found)) if "disturbed" in line]
        named = ", ".join(f"{name} (1 of 1)" for name in "abcde")
        assert lines == ([f"disturbed rounds: {named}"] if count == 5 else [])
