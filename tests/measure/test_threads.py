"""A sample that did not run with the requested number of threads."""

from typing import Any

import pytest

from shared.measure import threads
from shared.measure.threads import rejection


def sample(cpu: float, **threads: int) -> dict[str, Any]:
    return {"threads": threads, "epochs": [{"wall_ns": 1000, "cpu_ns": int(1000 * cpu)}] * 3}


def test_a_sample_with_the_threads_that_were_asked_for_is_not_rejected() -> None:
    assert rejection(sample(1.0, openblas=1, openmp=1), 1) is None
    assert rejection(sample(1.2, openblas=2), 2) is None
    assert rejection({"threads": {"openblas": 1}}, 1) is None


def test_a_pool_with_other_threads_is_named() -> None:
    assert rejection(sample(1.0, openblas=1, openmp=8), 1) == "1 thread requested, but it ran openmp with 8"
    assert rejection(sample(1.0, openblas=1), 2) == "2 threads requested, but it ran openblas with 1"


def test_more_time_than_the_threads_can_have_used_is_noticed() -> None:
    assert rejection(sample(1.9, tf=1), 1) == "1 thread requested, but it used 1.9 CPU seconds per second"


def test_each_of_several_workers_may_use_as_much() -> None:
    assert rejection(sample(2.9, tf=1), 1, 3) is None
    assert rejection(sample(3.9, tf=1), 1, 3) == (
        "1 thread requested of each of 3 workers, but it used 3.9 CPU seconds per second"
    )


def test_where_cpu_time_is_counted_in_ticks_a_few_of_them_prove_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, where a tick of 1/64 s counts whole for whoever has the CPU when it ends."""
    monkeypatch.setattr(threads, "CPU_TICK_SECONDS", 1 / 64)

    def seconds(wall: float, cpu: float) -> dict[str, Any]:
        return {"epochs": [{"wall_ns": int(1e9 * wall / 10), "cpu_ns": int(1e9 * cpu / 10)}] * 10}

    assert rejection(seconds(wall=0.05, cpu=7 / 64), 1) is None
    assert rejection(seconds(wall=5, cpu=5.2), 1) is None
    assert rejection(seconds(wall=5, cpu=9.5), 1) == "1 thread requested, but it used 1.9 CPU seconds per second"
