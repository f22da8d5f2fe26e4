"""Rows computed from the raw samples of a record."""

import math
from typing import Any

import pytest

from shared.measure.statistics import NO_DIFFERENCE, SLOWER
from shared.report import brief, remarks, tables
from shared.report.summary import Row, exit_code, pairs, rows
from tests.report.records import STAGES, compared, crashed, errors, record, reference, sample, turns

SCRATCH = "numpy_scratch"


def unavailable(name: str, round_: int = 1) -> Any:
    return {
        "implementation": name,
        "round": round_,
        "status": "not available",
        "reason": f"{name} needs the package 'x', which is not installed; to install it: pip install x",
    }


def three(name: str, *milliseconds: int, **changes: Any) -> list[Any]:
    """Return a sample a round, of one epoch each."""
    return [sample(name, round_, (ms,), **changes) for round_, ms in enumerate(milliseconds, start=1)]


def row(name: str, *samples: Any, **changes: Any) -> Row:
    return next(row for row in rows(record(*samples, **changes)) if row.name == name)


# ---- Figures -------------------------------------------------------------------------------------------


def test_a_sample_counts_with_its_median_epoch_and_rounds_by_their_geometric_mean() -> None:
    found = row("slow", sample("slow", 1, (400, 500, 9000)), sample("slow", 2, (800, 700, 100)))
    assert found.epoch is not None
    assert found.epoch.value == pytest.approx((0.5 * 0.7) ** 0.5)
    assert found.rounds == 2


def test_a_ratio_is_taken_within_each_round_and_has_a_verdict() -> None:
    base, slow = three(SCRATCH, 100, 200, 400), three("slow", 201, 398, 803)
    found = row("slow", *base, *slow)
    assert found.ratio is not None
    assert found.ratio.value == pytest.approx(2, rel=0.01)
    assert found.ratio.half_width is not None
    assert found.ratio.half_width < 0.1  # though the rounds themselves differ by a factor of 4
    assert found.verdict == SLOWER
    assert row("slow", *base, *three("slow", 130, 200, 300)).verdict == NO_DIFFERENCE


def test_intervals_widen_with_the_number_of_rows_that_are_compared() -> None:
    base, a, b = three(SCRATCH, 100, 100, 100), three("a", 200, 210, 190), three("b", 200, 210, 190)
    alone, together = row("a", *base, *a), row("a", *base, *a, *b)
    assert alone.ratio is not None
    assert together.ratio is not None
    assert together.ratio.half_width > 1.3 * alone.ratio.half_width  # type: ignore[operator]


def test_any_implementation_can_be_the_baseline() -> None:
    found = rows(record(*three(SCRATCH, 100, 101, 99), *three("slow", 200, 202, 198), baseline="slow"))
    assert [r.ratio and round(r.ratio.value, 9) for r in found] == [0.5, None]
    assert [r.verdict for r in found] == ["faster", None]


def test_accuracies_are_compared_within_each_round() -> None:
    ours = [sample("a", r, test_accuracy=0.90 + 0.01 * r, predictions="0123456780") for r in (1, 2, 3)]
    base = [sample(SCRATCH, r, test_accuracy=0.93 + 0.01 * r) for r in (1, 2, 3)]
    found = row("a", *ours, *base)
    assert found.accuracy is not None
    assert found.accuracy.value == pytest.approx(0.92)
    assert found.accuracy_difference is not None
    assert (found.accuracy_difference.low, found.accuracy_difference.high) == pytest.approx((-0.03, -0.03))
    assert found.images_differing == 1
    assert row(SCRATCH, *ours, *base).images_differing is None


def test_the_interval_of_an_accuracy_stays_a_fraction() -> None:
    found = row(SCRATCH, sample(SCRATCH, 1, test_accuracy=0.8), sample(SCRATCH, 2, test_accuracy=1.0)).accuracy
    assert found is not None
    assert (found.low, found.high) == (0.0, 1.0)


def test_errors_and_memory_are_the_worst_of_the_rounds() -> None:
    samples = [sample("a", 1, errors=errors(8e-7), peak_memory_bytes=5), sample("a", 2, peak_memory_bytes=3)]
    found = row("a", *samples)
    assert (found.gradient_error, found.peak_memory_bytes) == (8e-7, 5)
    bad = sample("a", 3, errors=errors(None))
    assert row("a", *samples, bad).gradient_error == math.inf


def test_the_stages_are_medians_over_the_rounds() -> None:
    samples = [sample("a", r, seconds={"import": float(r)}, wall_seconds=10.0 * r) for r in (1, 2, 9)]
    assert row("a", *samples).seconds == {"import": 2.0, "wall": 20.0}


# ---- Turns ---------------------------------------------------------------------------------------------


def in_turns(*ratios: float, **changes: Any) -> Any:
    """A record in which `a` took turns with numpy_scratch, with these ratios; its epochs say something else."""
    taken = [turns("a", round_, ratio, **changes) for round_, ratio in enumerate(ratios, start=1)]
    n = len(ratios)
    return record(*three(SCRATCH, *[100, 130, 90][:n]), *three("a", *[500, 250, 300][:n]), turns=taken)


def test_a_ratio_is_that_of_the_turns_and_the_seconds_are_those_of_the_epochs() -> None:
    found = rows(in_turns(2.0, 2.02, 1.98))[1]
    assert found.ratio is not None
    assert found.ratio.value == pytest.approx(2, rel=0.001)
    assert (found.verdict, found.turns and found.turns.rounds) == (SLOWER, 3)
    assert found.epoch_ratio is not None
    assert found.epoch_ratio.value == pytest.approx((5 * 250 / 130 * 300 / 90) ** (1 / 3))
    assert found.epoch is not None
    assert found.epoch.value == pytest.approx((0.5 * 0.25 * 0.3) ** (1 / 3))


def test_turns_in_too_few_rounds_leave_the_ratio_to_the_epochs_and_the_notes_say_why() -> None:
    found = in_turns(2.0, 2.02, 1.98)
    why = "a uses 100 % of a CPU while it waits, and disturbs others"
    for k in (0, 2):
        head = {name: found["turns"][k][name] for name in ("implementation", "round", "seed")}
        found["turns"][k] = head | {"status": "alone", "reason": why}
    (_, a) = rows(found)
    assert (a.status, a.reasons, a.turns, a.ratio) == ("ok", [], None, a.epoch_ratio)
    assert f"a took no turns in 2 rounds: {why}; without enough turns its ratio is of whole epochs" in remarks.main(
        found, rows(found)
    )
    assert exit_code(found) == 0


def test_a_crash_in_its_turns_costs_that_round_and_is_the_status() -> None:
    found = in_turns(2.0, 2.02, 1.98)
    found["turns"][1] = crashed("a", 2, "in its turns with numpy_scratch: killed by SIGSEGV")
    (base, a) = rows(found)
    assert (base.status, a.status, a.failed, a.tried) == ("ok", "crashed", 1, 3)
    assert a.turns is None  # two rounds are too few, and epochs of three are there
    assert exit_code(found) == 1
    lines = remarks.main(found, rows(found))
    assert "a, round 2: in its turns with numpy_scratch: killed by SIGSEGV" in lines


@pytest.mark.parametrize("status", ["rejected", "implausible"])
def test_turns_that_must_not_be_compared_take_the_rows_ratio(status: str) -> None:
    found = in_turns(2.0, 2.02, 1.98)
    found["turns"][1] |= {"status": status, "reason": "planted"}
    (_, a) = rows(found)
    assert (a.status, a.ratio, a.epoch_ratio) == (status, None, None)


def test_the_row_says_how_much_of_a_cpu_it_had() -> None:
    found = in_turns(2.0, 2.02, 1.98, share=0.6)
    (base, a) = rows(found)
    assert base.turns is None
    assert a.turns is not None
    assert a.turns.had == pytest.approx(0.6, abs=0.001)
    assert a.ratio is not None
    assert a.ratio.value == pytest.approx(2, rel=0.001)
    (_, line) = tables.document(found).tables[0].lines
    assert line[-1] == "ok, had 60 % of a CPU"
    assert "a, which had 60 % of a CPU in its turns" in brief.document(found).answer[-1]


# ---- What is not compared ------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["rejected", "FAILED AGREEMENT"])
def test_one_sample_that_must_not_be_compared_takes_the_rows_ratio(status: str) -> None:
    base, bad = three(SCRATCH, 100, 100, 100), three("bad", 50, 50, 50)
    bad[1] |= {"status": status, "reason": "planted"}
    found = row("bad", *base, *bad)
    assert (found.status, found.ratio, found.verdict, found.accuracy_difference) == (status, None, None, None)
    assert found.epoch is not None
    assert found.reasons == ["bad, round 2: planted"]


def test_a_baseline_that_must_not_be_compared_leaves_no_ratio() -> None:
    samples = [*three(SCRATCH, 100, 100, 100, status="rejected", reason=""), *three("a", 50, 50, 50)]
    found = record(*samples)
    assert row("a", *samples).ratio is None
    assert remarks.ratios(found, rows(found)) == [f"no ratios: the baseline {SCRATCH} is rejected"]


def test_rounds_that_only_one_of_them_has_are_left_out_of_the_ratio() -> None:
    found = row("a", *three(SCRATCH, 100, 100, 100)[:2], *three("a", 200, 200, 900))
    assert found.ratio is not None
    assert (round(found.ratio.value, 9), found.ratio.rounds) == (2, 2)
    assert found.verdict is None


def test_fewer_than_three_rounds_have_no_verdict_and_the_table_says_why() -> None:
    found = record(*three(SCRATCH, 100, 100), *three("a", 200, 200))
    assert [r.verdict for r in rows(found)] == [None, None]
    (reason,) = remarks.ratios(found, rows(found))
    assert reason == "no verdicts: they need 3 rounds"
    missing = record(*three(SCRATCH, 100, 100, 100), *three("a", 200, 200, 200)[:2])
    (reason,) = remarks.ratios(missing, rows(missing))
    assert reason == f"no verdict for a: a verdict needs 3 rounds in which both it and {SCRATCH} were timed"
    enough = record(*three(SCRATCH, 100, 100, 100), *three("a", 200, 200, 200))
    assert remarks.ratios(enough, rows(enough)) == []


def test_without_the_baseline_there_is_no_ratio_and_the_table_says_why() -> None:
    found = record(*three("a", 100, 100, 100))
    assert rows(found)[0].ratio is None
    expected = [f"no ratios: the baseline {SCRATCH} is not in this run"]
    assert remarks.ratios(found, rows(found)) == expected


# ---- Status --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (["ok", "ok"], "ok"),
        (["ok", "FAILED AGREEMENT"], "FAILED AGREEMENT"),
        (["FAILED AGREEMENT", "not compared"], "FAILED AGREEMENT"),
        (["rejected", "FAILED AGREEMENT"], "FAILED AGREEMENT"),
        (["ok", "rejected"], "rejected"),
        (["timed out", "FAILED AGREEMENT"], "FAILED AGREEMENT"),
        (["crashed", "rejected"], "rejected"),
        (["ok", "not compared"], "not compared"),
    ],
)
def test_the_worst_round_is_the_status_of_the_row(statuses: list[str], expected: str) -> None:
    (row,) = rows(record(*(sample(SCRATCH, i, status=status) for i, status in enumerate(statuses, start=1))))
    assert row.status == expected


def test_a_crash_in_one_round_is_the_status_and_the_figures_are_of_the_others() -> None:
    (row,) = rows(record(sample(SCRATCH, 1), crashed(SCRATCH, 2, "killed by SIGKILL"), sample(SCRATCH, 3)))
    assert (row.status, row.reasons) == ("crashed", [f"{SCRATCH}, round 2: killed by SIGKILL"])
    assert row.rounds == 2


def test_what_is_not_available_says_so_once_and_has_no_figures() -> None:
    (row,) = rows(record(unavailable("x", 1), unavailable("x", 2)))
    assert (row.status, row.epoch, row.rounds) == ("not available", None, 0)
    assert row.reasons == ["x needs the package 'x', which is not installed; to install it: pip install x"]


def test_an_implementation_that_never_ran_has_a_row() -> None:
    (row,) = rows(record(implementations=["late"]))
    assert (row.name, row.status) == ("late", "not run")


def test_parameters_that_are_not_finite_are_a_divergence_unless_there_is_worse() -> None:
    fine, worse = rows(
        record(sample(SCRATCH, finite=False), sample("wrong", finite=False, status="FAILED AGREEMENT", reason="b1"))
    )
    assert (fine.status, fine.reasons) == ("diverged", [f"{SCRATCH}: its trained parameters are not finite"])
    assert (worse.status, worse.reasons) == ("FAILED AGREEMENT", ["wrong, round 1: b1"])


def test_a_disturbed_sample_is_flagged_and_stays() -> None:
    samples = three(SCRATCH, 100, 100, 100)
    samples[2]["noise"] = {"canary_seconds": [0.001, 0.0015], "switches_per_second": 400.0, "steal": 0.05}
    found = row(SCRATCH, *samples)
    assert (found.disturbed, found.rounds, found.status) == (1, 3, "ok")
    (reason,) = found.disturbances
    assert found.reasons == []
    assert reason == (
        f"{SCRATCH}, round 3 was disturbed: 5 % of the CPU time was taken by the hypervisor (steal); "
        "400 involuntary context switches per second; "
        "another process was using the CPU (probe 1.5x slower after the epochs)"
    )


# ---- Pairs, stages, exit code --------------------------------------------------------------------------


def test_a_pair_has_the_worst_error_of_the_rounds_whichever_came_first() -> None:
    found = record(
        compared(sample("a", 1), "b", 2e-7), sample("b", 1), sample("a", 2), compared(sample("b", 2), "a", 5e-7)
    )
    (pair,) = pairs(found)
    assert pair.names == ("a", "b")
    assert pair.errors == dict.fromkeys(STAGES, 5e-7)
    assert pair.differing == [0, 0]


def test_a_pair_of_which_one_has_no_tensors_is_none() -> None:
    assert pairs(record(sample("a"), crashed("b"))) == []
    (pair,) = pairs(record(sample("a"), compared(sample("b", predictions="0123456780"), "a", None)))
    assert set(pair.errors.values()) == {math.inf}
    assert pair.differing == [1]


def test_a_stage_that_could_not_be_held_to_the_tolerance_is_reported() -> None:
    allowed = {"gradients": 1e-5, "after 10 steps": 2e-4, "after 100 steps": None}
    found = remarks.inconclusive(record(references=[reference(1), reference(2, allowed=allowed)]))
    assert found == [
        "round 2, after 10 steps: up to 2.0e-04 is allowed, because the problem magnifies rounding",
        "round 2, after 100 steps: training magnifies rounding so much that nothing can be concluded",
    ]


@pytest.mark.parametrize(
    ("statuses", "changes", "code"),
    [
        (["ok"], {}, 0),
        (["ok", "not available"], {}, 0),
        (["ok", "not available"], {"named": True}, 1),
        (["ok", "FAILED AGREEMENT"], {}, 4),
        (["FAILED AGREEMENT", "crashed"], {}, 1),
        (["not compared"], {}, 1),
        (["ok", "timed out"], {}, 1),
        (["ok", "rejected"], {}, 1),
        (["ok"], {"ended": "budget"}, 0),
        (["ok"], {"ended": "interrupted"}, 130),
        (["crashed", "FAILED AGREEMENT"], {"ended": "interrupted"}, 130),
        ([], {"ended": "interrupted"}, 130),
        (["ok"], {"ended": "error: No space left on device"}, 1),
    ],
)
def test_the_exit_code(statuses: list[str], changes: Any, code: int) -> None:
    samples = [sample(f"i{i}", status=status) for i, status in enumerate(statuses)]
    assert exit_code(record(*samples, **changes)) == code


def test_a_reference_that_crashed_is_a_crash_even_where_nothing_else_ran() -> None:
    assert exit_code(record(sample(SCRATCH), references=[crashed("float64-reference")])) == 1


def test_several_workers_wait_for_each_other_and_are_not_called_disturbed() -> None:
    found = in_turns(2.0, 2.02, 1.98, share=0.6)
    for of_round in found["turns"]:
        of_round["workers"] = 3
    (_, a) = rows(found)
    assert a.turns is not None
    assert a.turns.had is None
    (_, line) = tables.document(found).tables[0].lines
    assert line[-1] == "ok"
    assert "in its turns" not in brief.document(found).answer[-1]
