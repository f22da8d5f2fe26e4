"""The time limit of a check holds for all of it: by a clock that jumps after a number of looks."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

from shared.diagnosis import comparison, diagnose, limit, matching, scenes
from shared.diagnosis.answers import Answer, Trouble
from shared.diagnosis.checks import CHECKS
from shared.diagnosis.comparison import Comparison
from shared.diagnosis.inputs import Inputs
from shared.diagnosis.isolated import diagnose_file
from shared.diagnosis.limit import OutOfTime, time_limit
from shared.diagnosis.mistakes import Planted
from shared.diagnosis.scenes import ask_all
from shared.diagnosis.subject import Subject
from shared.interface import Array
from shared.processes.calls import CallError
from shared.processes.environment import ROOT
from shared.spec import NetworkSpec
from tests.command import SECONDS

SPEC = NetworkSpec.dense((5, 4, 3))
EXAMPLE = ROOT / "shared" / "diagnosis" / "example.py"


class Unheard(Planted):
    """A mistake that is in no catalogue."""

    def gradients(self, x: Array, y: Array, n: int) -> float:
        loss = super().gradients(x, y, n)
        self.g[:] = np.sin(7 * self.g)
        return loss


class Jump:
    """The time, a year later after a number of looks."""

    def __init__(self, after: float) -> None:
        self.after, self.looks = after, 0

    def __call__(self) -> float:
        self.looks += 1
        return time.monotonic() + (self.looks > self.after) * 365 * 24 * 3600


@contextmanager
def over_after(looks: float, monkeypatch: pytest.MonkeyPatch) -> Iterator[Jump]:
    """Let the time be over after so many looks at the clock, with nothing computed before."""
    for computed in (scenes.inputs_of, comparison._bounds, matching._answers):
        computed.cache_clear()
    with time_limit(SECONDS), monkeypatch.context() as patched:
        clock = Jump(looks)
        patched.setattr(limit, "time", SimpleNamespace(monotonic=clock))
        yield clock


def test_wherever_the_time_is_over_the_search_stops_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = ask_all(Subject(Unheard), SPEC)
    with over_after(np.inf, monkeypatch) as clock:
        whole = diagnose.diagnose(SPEC, answers, []).diagnosis
    assert whole is not None
    assert whole.name == diagnose.UNKNOWN
    assert diagnose.STOPPED not in whole.description
    needed = clock.looks
    for looks in (needed // 20, needed // 2, needed - 1, needed):
        with over_after(looks, monkeypatch) as clock:
            found = diagnose.diagnose(SPEC, answers, []).diagnosis
        assert found is not None
        if looks == needed:
            assert found == whole  # late, but nothing is cut off
        else:
            assert found.name == diagnose.UNKNOWN
            assert found.description.endswith(diagnose.STOPPED)
            assert clock.looks < looks + 2 * len(CHECKS)


def test_what_was_not_checked_is_not_right(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = ask_all(Subject(Planted), SPEC)
    with over_after(np.inf, monkeypatch) as clock:
        assert diagnose.diagnose(SPEC, answers, []).right
    for looks in (0, clock.looks - 1):
        with over_after(looks, monkeypatch), pytest.raises(OutOfTime):
            diagnose.diagnose(SPEC, answers, [])


def test_a_failure_is_told_without_time_to_find_out_why(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = ask_all(Subject(Planted), SPEC)
    answers["one step"] = Answer(trouble=Trouble("no answer", 1))
    with over_after(0, monkeypatch):
        verdict = diagnose.diagnose(SPEC, answers, ["while True: pass"])
    assert verdict.diagnosis is not None
    assert verdict.diagnosis.lines == ((1, "while True: pass"),)
    assert verdict.checks["gradients"] is None


def test_inputs_are_sought_until_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Inputs, "data", lambda inputs: (np.zeros((1, SPEC.n_in)), np.zeros(1, int)))  # never active
    with over_after(7, monkeypatch) as clock, pytest.raises(OutOfTime):
        scenes.inputs_of(SPEC)
    assert clock.looks == 8


def test_another_network_is_sought_until_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    c = Comparison(SPEC, ask_all(Subject(Unheard), SPEC))
    assert matching.another_network(c) is None
    assert not c.cut
    with over_after(0, monkeypatch):
        assert matching.another_network(c) is None
    assert c.cut


@pytest.mark.parametrize("looks", [1, 10, 25])
def test_a_right_file_is_not_blamed_for_time_that_the_check_takes(looks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with over_after(looks, monkeypatch), pytest.raises(CallError, match="s were over before") as caught:
        diagnose_file(EXAMPLE, {"sizes": (6, 5, 4, 3)}, SECONDS)
    assert caught.value.kind == "timed out"
