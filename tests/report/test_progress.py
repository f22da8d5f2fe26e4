"""What is shown while it works."""

import re
from dataclasses import dataclass, replace
from typing import Any

import pytest

from shared.measure.config import RunConfig
from shared.measure.job import Job
from shared.report import progress
from shared.spec import NetworkSpec, TrainingSpec

SCRATCH = Job(
    implementation="numpy_scratch",
    round=1,
    is_reference=False,
    spec=NetworkSpec(),
    training=TrainingSpec(),
    threads=1,
    data="",
    data_digest="",
    folder="",
)


def config(rounds: int = 1, epochs: int = 1) -> RunConfig:
    training = TrainingSpec(epochs=epochs)
    return RunConfig(("numpy_scratch",), NetworkSpec(), training, rounds, threads=1, command=())


REFERENCE = replace(SCRATCH, is_reference=True)
OK = {"status": "ok"}


def epoch(number: int, accuracy: float = 0.9123, loss: float | None = 0.1) -> Any:
    return {"stage": "evaluation", "epoch": number, "validation_accuracy": accuracy, "validation_loss": loss}


@dataclass
class Clock:
    now: float = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time, which passes by hand."""
    found = Clock()
    monkeypatch.setattr(progress, "time", found)
    return found


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")


def show(display: progress.Display, clock: Clock, reference_seconds: float = 60) -> None:
    """Play two rounds of one implementation, which takes 20 s an epoch, until the second epoch of the second."""
    with display:
        for round_ in (1, 2):
            reference, scratch = replace(REFERENCE, round=round_), replace(SCRATCH, round=round_)
            display.started(reference)
            display.event(reference, {"stage": "import", "seconds": 1.0})
            clock.now += reference_seconds
            display.finished(reference, OK)
            display.started(scratch)
            for number in (1, 2, 3)[: 4 - round_]:
                clock.now += 20
                display.event(scratch, epoch(number))
            if round_ == 1:
                display.finished(scratch, OK)


def test_off_a_terminal_each_worker_and_epoch_is_a_plain_line(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    show(progress.Display(config(rounds=2, epochs=3)), clock)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "round 1/2 float64-reference: starting",
        "round 1/2 float64-reference: ok",
        "round 1/2 numpy_scratch: starting",
        "round 1/2 numpy_scratch: epoch 1/3 91.2 %",
        "round 1/2 numpy_scratch: epoch 2/3 91.2 %",
        "round 1/2 numpy_scratch: epoch 3/3 91.2 %",
        "round 2/2 float64-reference: starting",
        "round 2/2 float64-reference: ok",
        "round 2/2 numpy_scratch: starting",
        "round 2/2 numpy_scratch: epoch 1/3 91.2 %",
        "round 2/2 numpy_scratch: epoch 2/3 91.2 %",
    ]


def test_a_plain_line_is_never_broken_or_read_as_markup(capsys: pytest.CaptureFixture[str]) -> None:
    name = "[red]" + "long" * 50
    with progress.Display(config()) as display:
        display.started(replace(SCRATCH, implementation=name))
    assert capsys.readouterr().err == f"round 1/1 {name}: starting\n"


@pytest.mark.parametrize("status", ["crashed", "not available", "FAILED AGREEMENT"])
def test_what_became_of_a_worker_that_did_not_end_well_is_shown(
    status: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress.Display(config()) as display:
        display.started(SCRATCH)
        display.finished(SCRATCH, {"status": status})
    assert capsys.readouterr().err.splitlines()[-1] == f"round 1/1 numpy_scratch: {status}"


def test_an_epoch_after_which_nothing_is_right_shows_its_loss(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.Display(config()) as display:
        display.event(SCRATCH, epoch(1, accuracy=0.0, loss=0.25))
    assert capsys.readouterr().err == "round 1/1 numpy_scratch: epoch 1/1 loss 0.25\n"


@pytest.mark.parametrize("reference_seconds", [60, 0])
def test_a_terminal_shows_the_implementation_round_epoch_accuracy_and_time_left(
    reference_seconds: float, clock: Clock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    show(progress.Display(config(rounds=2, epochs=3)), clock, reference_seconds)
    out, err = capsys.readouterr()
    assert out == ""
    assert "\x1b[" in err
    last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", err).replace("\r", "\n").strip().splitlines()[-1]
    assert last.startswith("round 2/2 numpy_scratch: epoch 2/3 91.2 %")
    # the last worker has worked for 40 s, and took 60 s in the first round
    assert last.rstrip().endswith("0:20 left")


@pytest.mark.parametrize("kind", ["FORCE_COLOR", "NO_COLOR"])
def test_a_dumb_terminal_gets_lines_without_escapes(
    kind: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv(kind, "1")
    with progress.Display(config()) as display:
        display.started(SCRATCH)
    assert capsys.readouterr().err == "round 1/1 numpy_scratch: starting\n"


def test_a_run_that_goes_on_counts_only_what_is_missing(
    clock: Clock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    done = [{"implementation": name, "round": 1} for name in ("float64-reference", "numpy_scratch")]
    previous: Any = {"references": done[:1], "samples": done[1:]}
    third = replace(SCRATCH, round=3)
    with progress.Display(config(rounds=3), previous) as display:
        display.started(replace(SCRATCH, round=2))
        clock.now += 20
        display.finished(replace(SCRATCH, round=2), OK)
        display.started(third)
        display.event(third, epoch(1))
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capsys.readouterr().err).replace("\r", "\n")
    # to come: this worker, and two references, of which none has been seen
    assert shown.strip().splitlines()[-1].rstrip().endswith("1:00 left")
