"""What is printed of a run, from records made by hand."""

from typing import Any

import pytest

from shared.report import document, tables
from shared.report.document import Document
from tests.report.records import STAGES, compared, crashed, errors, record, reference, sample

SCRATCH = "numpy_scratch"
FULL = record(
    sample(SCRATCH, 1, (200,), test_accuracy=0.93),
    sample(SCRATCH, 2, (210,), test_accuracy=0.95),
    sample(SCRATCH, 3, (190,), test_accuracy=0.94),
    compared(sample("other", 1, (400,), test_accuracy=0.935), SCRATCH),
    compared(sample("other", 2, (430,), test_accuracy=0.952), SCRATCH, 5e-7),
    sample("other", 3, (378,), test_accuracy=0.941, predictions="0123456780", peak_memory_bytes=1_234_500_000),
    crashed("broken", 1, "exit status 1", "Traceback", "ValueError: planted"),
)


def text(found: Any) -> str:
    return document.text(tables.document(found), 10_000)


def cells(found: Any, name: str, table: int = 0) -> dict[str, str]:
    shown = tables.document(found).tables[table]
    (line,) = (line for line in shown.lines if line[0] == name)
    return dict(zip((header.replace("\n", " ") for header in shown.headers), line, strict=True))


def test_the_cells_of_the_baseline() -> None:
    assert cells(FULL, SCRATCH) == {
        "implementation": SCRATCH,
        "test accuracy, %": "94.0 [91.5-96.5]",
        "to baseline, points": "-",
        "images differing": "-",
        "epoch, s": "0.200 [0.176-0.226]",
        "time ratio": "-",
        "verdict": "-",
        "step, us": "4,000",
        "samples/s": "2,500",
        "peak MB": "100",
        "gradient error": "2.0e-07",
        "parameters": "23,860",
        "status": "ok",
    }


def test_the_cells_of_another_are_relative_to_the_baseline() -> None:
    found = cells(FULL, "other")
    assert found["time ratio"] == "2.01 [1.94-2.09]"
    assert found["verdict"] == "slower"
    assert found["to baseline, points"] == "+0.3 [-0.3, +0.8]"
    assert found["images differing"] == "0"  # one image in one of three rounds
    assert (found["peak MB"], found["status"]) == ("1,234", "ok")


def test_a_single_round_has_no_intervals() -> None:
    found = cells(record(sample("alone", 1, (12_345,))), "alone")
    assert (found["test accuracy, %"], found["epoch, s"], found["time ratio"]) == ("90", "12", "-")


def test_an_implementation_without_figures_has_dashes() -> None:
    name, *figures, status = cells(FULL, "broken").values()
    assert (name, set(figures), status) == ("broken", {"-"}, "crashed")


def test_an_error_that_is_no_number_is_not_left_out() -> None:
    assert cells(record(sample(SCRATCH, errors=errors(None))), SCRATCH)["gradient error"] == "not finite"
    found = record(sample(SCRATCH), compared(sample("other"), SCRATCH, None))
    shown = cells(found, f"{SCRATCH} / other", table=2)
    assert [shown[stage] for stage in STAGES] == ["not finite"] * len(STAGES)


def test_a_disturbed_sample_is_flagged_beside_the_status() -> None:
    noise = {"canary_seconds": [0.001, 0.001], "switches_per_second": 0.0, "steal": 0.1}
    found = record(sample(SCRATCH, 1), sample(SCRATCH, 2, noise=noise))
    assert cells(found, SCRATCH)["status"] == "ok, 1 of 2 disturbed"
    assert f"! {SCRATCH}, round 2 was disturbed: 10 % of the CPU time was taken by the hypervisor" in text(found)


def test_the_stages_of_a_worker_are_reported_with_their_sum() -> None:
    assert cells(FULL, "other", table=1) == {
        "implementation": "other",
        "import": "0.25",
        "first step": "0.06",
        "all": "2.00",
    }


def test_the_pairs_have_their_worst_errors_and_what_they_predict_differently() -> None:
    shown = cells(FULL, f"{SCRATCH} / other", table=2)
    assert shown["gradients"] == "5.0e-07"
    assert shown["predictions that differ"] == "0, 0, 1 of 10,000"


def test_the_heading_says_what_was_run_on_what() -> None:
    assert tables.heading(FULL) == [
        "784-30-10, sigmoid, quadratic; sgd, learning rate 3",
        "MNIST: 50,000 training images, sha256 0123456789ab",
        "3 rounds (seeds 1 to 3), 1 thread, A Processor",
    ]


def test_what_must_be_reported_is_reported_in_the_text_and_in_the_markdown() -> None:
    for printed in (text(FULL), document.markdown(tables.document(FULL))):
        assert "broken, round 1: exit status 1" in printed
        assert "broken, round 1, stderr: ValueError: planted" in printed
        assert "interrupted" not in printed
        assert "tolerance 1e-05" in printed
        assert "95 % confidence intervals (Student's t)" in printed


def test_an_accuracy_that_seeds_do_not_explain_is_reported() -> None:
    base = [sample(SCRATCH, r, test_accuracy=0.93 + 0.01 * r) for r in (1, 2, 3)]
    off = [sample("off", r, test_accuracy=0.92 + 0.0101 * r) for r in (1, 2, 3)]
    same = [sample("same", r, test_accuracy=0.929 + 0.0101 * r) for r in (1, 2, 3)]
    printed = text(record(*base, *off, *same))
    assert f"! off's accuracy differs from {SCRATCH}'s by more than the seeds explain" in printed
    assert "same's accuracy" not in printed


def test_a_reference_that_failed_is_reported_with_its_reason_and_stderr() -> None:
    found = record(sample(SCRATCH, status="not compared", reason="the float64 reference failed"))
    found["references"] = [crashed("float64-reference", 1, "killed by SIGKILL", "out of memory")]
    printed = text(found)
    assert "! float64 reference, round 1: killed by SIGKILL" in printed
    assert "! float64-reference, round 1, stderr: out of memory" in printed


@pytest.mark.parametrize(
    ("ended", "printed"),
    [
        (
            "interrupted",
            "! incomplete: interrupted; what was measured is shown; --resume FOLDER continues",
        ),
        ("budget", "! incomplete: the time budget was used up; what was measured is shown"),
        (None, "! incomplete: it has not ended; what was measured is shown"),
        (
            "error: [Errno 28] No space left",
            "! incomplete: error: [Errno 28] No space left; what was measured",
        ),
    ],
)
def test_a_run_that_ended_before_its_first_worker_can_still_be_shown(ended: str | None, printed: str) -> None:
    found = tables.document(record(implementations=[SCRATCH], ended=ended, rounds=3))
    for shown in (document.text(found, 10_000), document.markdown(found).replace("- ", "! ")):
        assert "not run" in shown
        assert printed in shown


def test_what_was_inconclusive_is_reported_in_both() -> None:
    found = tables.document(record(sample(SCRATCH), references=[reference(1, allowed={"after 100 steps": None})]))
    for printed in (document.text(found, 10_000), document.markdown(found)):
        assert "round 1, after 100 steps: training magnifies rounding so much that nothing can be concluded" in printed


@pytest.mark.parametrize("width", [80, 100, 160])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    long = "gradients: W1 is off by 1.0e-03, allowed 1.0e-05; " * 5 + "x" * 300
    found = FULL | {"samples": [*FULL["samples"], crashed("tensorflow_keras", 1, long, long)]}
    found["implementations"] = [*FULL["implementations"], "tensorflow_keras"]
    shown: Document = tables.document(found)
    assert max(map(len, document.text(shown, width).splitlines())) <= width
