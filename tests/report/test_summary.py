"""Rows computed from the raw samples of a record."""

from typing import Any

import pytest

from shared.report.summary import exit_code, failed_stages, rows
from tests.report.records import crashed, record, reference, sample

SCRATCH = "numpy_scratch"


def unavailable(name: str, round_: int = 1) -> dict[str, Any]:
    return {
        "implementation": name,
        "round": round_,
        "status": "not available",
        "reason": f"{name} needs the package 'x'; to mend it: pip install x",
    }


def test_figures_are_over_all_rounds_and_epochs() -> None:
    slow = sample("slow", 1, (400, 500), test_accuracy=0.91, peak_memory_bytes=3_000_000)
    slower = sample("slow", 2, (600, 900), test_accuracy=0.95, peak_memory_bytes=5_000_000)
    slower["errors"]["gradients"] = {"error": 8e-7, "tensor": "b2"}
    base, row = rows(record(sample(SCRATCH), slow, slower))
    assert (row.name, row.status, row.reasons) == ("slow", "ok", [])
    assert row.epoch_seconds == [0.4, 0.5, 0.6, 0.9]
    assert row.epoch == pytest.approx(0.55)
    assert row.ratio == pytest.approx(0.55 / 0.2)
    assert base.ratio == 1
    assert row.mean_accuracy == pytest.approx(0.93)
    assert row.accuracy_spread == pytest.approx(0.02 * 2**0.5)
    assert row.peak_memory_bytes == 5_000_000
    assert row.gradient_error == 8e-7


def test_one_round_has_no_spread_and_without_the_baseline_there_is_no_ratio() -> None:
    (row,) = rows(record(sample("alone")))
    assert (row.accuracy_spread, row.ratio) == (None, None)


def test_a_gradient_error_that_is_no_number_hides_those_that_are() -> None:
    bad = sample(SCRATCH, 2)
    bad["errors"]["gradients"] = {"error": None, "tensor": "W1"}
    (row,) = rows(record(sample(SCRATCH), bad))
    assert row.gradient_error is None


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (["ok", "ok"], "ok"),
        (["ok", "FAILED AGREEMENT"], "FAILED AGREEMENT"),
        (["FAILED AGREEMENT", "not compared"], "FAILED AGREEMENT"),
        (["ok", "not compared"], "not compared"),
    ],
)
def test_the_worst_round_is_the_status_of_the_row(statuses: list[str], expected: str) -> None:
    (row,) = rows(record(*(sample(SCRATCH, i, status=status) for i, status in enumerate(statuses, start=1))))
    assert row.status == expected


def test_a_crash_in_one_round_is_the_status_and_the_figures_are_of_the_others() -> None:
    (row,) = rows(record(sample(SCRATCH, 1), crashed(SCRATCH, 2, "killed by SIGKILL"), sample(SCRATCH, 3)))
    assert (row.status, row.reasons) == ("crashed", [f"{SCRATCH}, round 2: killed by SIGKILL"])
    assert len(row.epoch_seconds) == 6


def test_what_is_not_available_says_so_once_and_has_no_figures() -> None:
    (row,) = rows(record(unavailable("x", 1), unavailable("x", 2)))
    assert (row.status, row.epoch_seconds) == ("not available", [])
    assert row.reasons == ["x needs the package 'x'; to mend it: pip install x"]


def test_an_implementation_that_never_ran_has_a_row() -> None:
    (row,) = rows(record(implementations=["late"]))
    assert (row.name, row.status) == ("late", "not run")


def test_parameters_that_are_not_finite_are_a_divergence_unless_there_is_worse() -> None:
    fine, worse = rows(
        record(sample(SCRATCH, finite=False), sample("wrong", finite=False, status="FAILED AGREEMENT", reason="b1"))
    )
    assert (fine.status, fine.reasons) == ("diverged", [f"{SCRATCH}: its trained parameters are not finite"])
    assert (worse.status, worse.reasons) == ("FAILED AGREEMENT", ["wrong, round 1: b1"])


def test_a_library_with_other_threads_than_were_asked_for_is_told() -> None:
    (row,) = rows(record(sample(SCRATCH, threads={"blas": 1, "openmp": 8})))
    assert row.reasons == [f"{SCRATCH}, round 1: openmp ran with 8 threads, not with 1"]


def test_a_stage_that_could_not_be_held_to_the_tolerance_is_told() -> None:
    allowed = {"gradients": 1e-5, "after 10 steps": 2e-4, "after 100 steps": None}
    found = failed_stages(record(references=[reference(1), reference(2, allowed=allowed)]))
    assert found == [
        "round 2, after 10 steps: up to 2.0e-04 allowed, because the problem magnifies rounding so far",
        "round 2, after 100 steps: training magnifies rounding so much that nothing is concluded",
    ]


@pytest.mark.parametrize(
    ("statuses", "interrupted", "code"),
    [
        (["ok"], False, 0),
        (["ok", "not available"], False, 0),
        (["ok", "FAILED AGREEMENT"], False, 4),
        (["FAILED AGREEMENT", "crashed"], False, 1),
        (["not compared"], False, 1),
        (["crashed", "not available"], False, 1),
        (["ok"], True, 130),
        (["crashed", "FAILED AGREEMENT"], True, 130),
        ([], True, 130),
    ],
)
def test_the_exit_code(statuses: list[str], interrupted: bool, code: int) -> None:
    samples = [sample(f"i{i}", status=status) for i, status in enumerate(statuses)]
    assert exit_code(record(*samples, interrupted=interrupted)) == code


def test_a_reference_that_crashed_is_a_crash_even_where_nothing_else_ran() -> None:
    assert exit_code(record(sample(SCRATCH), references=[crashed("float64-reference")])) == 1
