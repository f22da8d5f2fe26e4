"""A worker in a process of its own, from the job to its result."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from shared.measure.machine import THREAD_VARIABLES
from shared.measure.process import run_worker
from tests.measure.jobs import STUBS, job

STAGES = ["import", "load", "build", "first step", "observe", "reset"]


@pytest.mark.parametrize("threads", [1, 2])
def test_numpy_runs_with_as_many_threads_as_were_asked_for(threads: int, tmp_path: Path) -> None:
    result = run_worker(job(tmp_path, threads=threads, epochs=1), lambda event: None)
    assert set(result["threads"].values()) == {threads}


def test_a_worker_gets_the_pinned_environment_and_no_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    result = run_worker(job(tmp_path, str(STUBS / "reports_its_environment.py"), threads=2), lambda event: None)
    assert result["threads"] == dict.fromkeys(("asked for", *THREAD_VARIABLES), 2) | {"GPUs": 0}


def test_the_stages_are_told_as_they_end_and_add_up_to_most_of_the_workers_life(tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []
    work = job(tmp_path, train_size=1297, epochs=60)
    start = time.perf_counter()
    result = run_worker(work, events.append)
    life = time.perf_counter() - start
    assert [event["stage"] for event in events] == [*STAGES, *["epochs", "evaluation"] * 60, "evaluation"]
    assert [event["epoch"] for event in events if "epoch" in event] == list(range(1, 61))
    told = {stage: sum(e["seconds"] for e in events if e["stage"] == stage) for stage in result["seconds"]}
    assert result["seconds"] == pytest.approx(told)
    # what is left is the start and the end of Python, and a poll
    assert life / 2 < sum(result["seconds"].values()) < life


def test_the_epochs_are_timed_one_by_one_within_their_stage(tmp_path: Path) -> None:
    result = run_worker(job(tmp_path, epochs=3), lambda event: None)
    assert [epoch["epoch"] for epoch in result["epochs"]] == [1, 2, 3]
    seconds = [epoch["wall_ns"] / 1e9 for epoch in result["epochs"]]
    assert min(seconds) > 0
    assert sum(seconds) <= result["seconds"]["epochs"]
    assert (result["steps_per_epoch"], result["examples_per_epoch"]) == (10, 100)


def test_a_smaller_last_batch_is_a_step(tmp_path: Path) -> None:
    assert run_worker(job(tmp_path, train_size=95, epochs=1), lambda event: None)["steps_per_epoch"] == 10


def test_a_worker_that_succeeds_leaves_its_result_and_nothing_to_clear_away(tmp_path: Path) -> None:
    work = job(tmp_path, epochs=1)
    run_worker(work, lambda event: None)
    assert set(Path(work.folder).iterdir()) == {work.result_path, work.tensors_path, work.predictions_path}


def test_a_worker_that_is_given_other_data_than_was_meant_refuses_them(tmp_path: Path) -> None:
    result = run_worker(replace(job(tmp_path), data_digest="f" * 64), lambda event: None)
    assert result["status"] == "crashed"
    assert any("found data with sha256" in line for line in result["stderr"])


def test_a_listener_that_raises_ends_the_worker(tmp_path: Path) -> None:
    def listener(event: dict[str, Any]) -> None:
        raise KeyboardInterrupt

    work = job(tmp_path, train_size=1297, epochs=100_000)
    with pytest.raises(KeyboardInterrupt):
        run_worker(work, listener)
    left = [process for process in psutil.process_iter(["cmdline"]) if str(work.job_path) in process.cmdline()]
    assert left == []
