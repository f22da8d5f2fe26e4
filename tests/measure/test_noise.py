"""Readings of what else the machine does, and what is concluded from them."""

import time
from dataclasses import replace
from typing import Any

import pytest

from shared.measure import noise
from shared.measure.noise import Counters, disturbances, typical_canary
from tests.command import wait_for

QUIET: dict[str, Any] = {"canary_seconds": [0.001, 0.001], "switches_per_second": 5.0, "steal": 0.0}


def sample(**changes: Any) -> dict[str, Any]:
    return {"noise": QUIET | changes}


def test_a_quiet_sample_is_not_disturbed() -> None:
    assert disturbances(sample(), 0.001) == []
    assert disturbances({}, None) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"steal": 0.03}, "3 % of the CPU time was taken by the hypervisor (steal)"),
        ({"switches_per_second": 150.0}, "150 involuntary context switches per second"),
        (
            {"canary_seconds": [0.0013, 0.001]},
            "another process was using the CPU (probe 1.3x slower before the epochs)",
        ),
        ({"canary_seconds": [0.001, 0.002]}, "another process was using the CPU (probe 2.0x slower after the epochs)"),
    ],
)
def test_each_kind_of_disturbance_is_named(changes: dict[str, Any], expected: str) -> None:
    assert disturbances(sample(**changes), 0.001) == [expected]


def test_the_usual_canary_is_the_median_of_the_run() -> None:
    samples = [sample(), sample(canary_seconds=[0.002, 0.001]), {"status": "crashed"}]
    assert typical_canary(samples) == 0.001
    assert typical_canary([]) is None


def test_the_canary_takes_a_measurable_time_and_little_of_it() -> None:
    start = time.perf_counter()
    seconds = noise.canary_seconds()
    assert 0 < seconds * noise.CANARY_PRODUCTS / 2 < time.perf_counter() - start


def test_counters_are_differences() -> None:
    before = Counters(seconds=1.0, switches=10, stolen=1.0, cpu=10.0)
    after = Counters(seconds=3.0, switches=40, stolen=1.25, cpu=15.0)
    assert after.since(before) == {"switches_per_second": 15.0, "steal": 0.05}
    assert before.since(before) == {"switches_per_second": 0.0, "steal": 0.0}


def test_what_the_system_does_not_tell_is_none_and_disturbs_nothing() -> None:
    before = Counters(seconds=1.0, switches=None, stolen=None, cpu=10.0)
    unknown = replace(before, seconds=2.0, cpu=11.0).since(before)
    assert unknown == {"switches_per_second": None, "steal": None}
    assert disturbances(sample(**unknown), 0.001) == []


def test_the_counters_of_this_machine_move() -> None:
    before = Counters.now()
    wait_for(lambda: Counters.now().cpu > before.cpu)
    after = Counters.now()
    assert after.seconds > before.seconds
    assert after.cpu > before.cpu
    stolen = after.since(before)["steal"]
    assert stolen is None or 0 <= stolen <= 1
