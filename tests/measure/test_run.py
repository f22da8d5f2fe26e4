"""The schedule, and the record of a run; the workers are played by a function."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import initial
from shared.agreement.observation import STAGES, Observation
from shared.data import Dataset, Split
from shared.interface import Layer, named
from shared.measure import run
from shared.measure.job import Job
from shared.spec import NetworkSpec, TrainingSpec

NAMES = ("a", "b", "c", "d")


# ---- Schedule ------------------------------------------------------------------------------------------


@given(n=st.integers(1, 6), rounds=st.integers(1, 9), seed=st.integers(0, 2**64))
def test_every_implementation_runs_once_a_round_and_even_rounds_are_reversed(n: int, rounds: int, seed: int) -> None:
    names = tuple("abcdef"[:n])
    order = run.schedule(names, rounds, seed)
    assert len(order) == rounds
    assert all(sorted(round_) == list(names) for round_ in order)
    assert all(even == odd[::-1] for odd, even in zip(order[::2], order[1::2], strict=False))


def test_the_schedule_depends_on_the_seed_alone() -> None:
    assert run.schedule(NAMES, 6, seed=3) == run.schedule(NAMES, 6, seed=3)
    assert len({str(run.schedule(NAMES, 6, seed)) for seed in range(10)}) > 5
    assert len({str(round_) for round_ in run.schedule(NAMES, 20, seed=1)}) > 5


def test_more_rounds_begin_as_fewer_do() -> None:
    assert run.schedule(NAMES, 9, seed=1)[:4] == run.schedule(NAMES, 4, seed=1)


def test_each_round_starts_with_its_reference_and_all_of_a_round_have_its_seed() -> None:
    jobs = list(run.jobs(config(rounds=2, seed=5), Path("data.npz"), "digest", Path("workers")))
    assert [(job.round, job.is_reference, job.training.seed) for job in jobs] == [
        (round_, k == 0, seed) for round_, seed in ((1, 5), (2, 6)) for k in range(3)
    ]
    assert {job.label for job in jobs if job.is_reference} == {"float64-reference"}


# ---- The record ----------------------------------------------------------------------------------------


def config(rounds: int = 1, seed: int = 1) -> run.RunConfig:
    return run.RunConfig(("one", "other"), NetworkSpec(), TrainingSpec(seed=seed), rounds, threads=1, command=())


DATA = Dataset("none", *[Split(np.zeros((1, 784), np.uint8), np.zeros(1, np.uint8))] * 3)


@dataclass
class Player:
    """Plays the workers; `faults` maps the label of a worker to what is wrong with it."""

    faults: dict[str, Callable[[dict[str, Any]], object]] = field(default_factory=dict)
    scale: dict[str, float] = field(default_factory=dict)

    def __call__(self, job: Job, on_event: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        drawn = initial.draw_parameters(job.spec, job.training)
        tensors = tuple(Layer(W * self.scale.get(job.label, 1), b) for W, b in drawn)
        Observation({stage: named(tensors) for stage in STAGES}).save(job.tensors_path)
        np.savez(job.predictions_path, digits=np.arange(5) + (job.label == "one"))
        result: dict[str, Any] = {"implementation": job.label, "round": job.round, "status": "ok"}
        result |= {"digests": {"parameters": f"drawn by {job.training.seed}"}}
        if job.is_reference:
            result["allowed"] = dict.fromkeys(STAGES, 1e-5)
        if job.label in self.faults:
            self.faults[job.label](result)
        return result


class Nobody:
    def started(self, job: Job) -> None: ...

    def event(self, job: Job, event: dict[str, Any]) -> None: ...

    def finished(self, job: Job, result: dict[str, Any]) -> None: ...


def execute(folder: Path, player: Player, monkeypatch: pytest.MonkeyPatch, rounds: int = 1) -> dict[str, Any]:
    monkeypatch.setattr(run, "run_worker", player)
    returned = run.execute(config(rounds), DATA, folder, Nobody())
    record: dict[str, Any] = json.loads((folder / "run.json").read_text())
    assert record == json.loads(json.dumps(returned))
    return record


def statuses(record: dict[str, Any]) -> dict[str, str]:
    return {sample["implementation"]: sample["status"] for sample in record["samples"]}


def test_a_run_of_equals_is_complete_and_ok(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = execute(tmp_path, Player(), monkeypatch, rounds=2)
    assert (record["complete"], record["interrupted"]) == (True, False)
    assert [sample["status"] for sample in record["samples"]] == ["ok"] * 4
    (pair,) = record["pairs"]
    assert (pair["implementations"], pair["rounds"]) == (["one", "other"], [1, 2])
    assert set(pair["errors"].values()) == {0.0}
    assert pair["test_predictions_differing"] == [5, 5]


def test_an_implementation_that_started_from_something_else_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    player = Player({"one": lambda result: result["digests"].update(parameters="others")})
    record = execute(tmp_path, player, monkeypatch)
    assert statuses(record) == {"one": "FAILED AGREEMENT", "other": "ok"}
    (reason,) = (sample["reason"] for sample in record["samples"] if "reason" in sample)
    assert reason == "it did not start from the same parameters and mini-batches"


def test_numbers_that_are_none_fail_where_the_reference_has_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = execute(tmp_path, Player(scale={"other": float("nan")}), monkeypatch)
    assert statuses(record) == {"one": "ok", "other": "FAILED AGREEMENT"}
    assert record["pairs"][0]["errors"]["gradients"] is None


def test_tensors_that_cannot_be_read_cost_their_row_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torn = tmp_path / "workers" / "round-1-one.npz"
    record = execute(tmp_path, Player({"one": lambda _: torn.write_bytes(b"PK\3\4")}), monkeypatch)
    assert statuses(record) == {"one": "crashed", "other": "ok"}


def test_a_stage_of_which_nothing_can_be_concluded_accuses_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inconclusive = Player(
        {"float64-reference": lambda result: result.update(allowed=dict.fromkeys(result["allowed"]))}, {"one": 2.0}
    )
    assert statuses(execute(tmp_path, inconclusive, monkeypatch)) == {"one": "ok", "other": "ok"}


def test_without_the_reference_nothing_is_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crashed = Player({"float64-reference": lambda result: result.update(status="crashed", reason="", stderr=[])})
    record = execute(tmp_path, crashed, monkeypatch)
    assert statuses(record) == {"one": "not compared", "other": "not compared"}


def test_a_worker_that_crashed_is_in_no_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    player = Player({"one": lambda result: result.update(status="crashed", reason="", stderr=[])})
    record = execute(tmp_path, player, monkeypatch)
    assert statuses(record) == {"one": "crashed", "other": "ok"}
    assert record["pairs"] == []


def test_an_interrupted_run_keeps_what_has_been_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(result: dict[str, Any]) -> None:
        if result["round"] == 2:
            raise KeyboardInterrupt

    record = execute(tmp_path, Player({"other": interrupt}), monkeypatch, rounds=3)
    assert (record["complete"], record["interrupted"]) == (False, True)
    assert {sample["round"] for sample in record["samples"]} >= {1}
    assert len(record["samples"]) in (2, 3)
    assert record["pairs"][0]["rounds"] == [1]


def test_a_parent_that_fails_leaves_the_record_of_the_workers_that_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(result: dict[str, Any]) -> None:
        if result["round"] == 2:
            raise MemoryError

    with pytest.raises(MemoryError):
        execute(tmp_path, Player({"float64-reference": fail}), monkeypatch, rounds=2)
    record = json.loads((tmp_path / "run.json").read_text())
    assert (record["complete"], record["interrupted"]) == (False, False)
    assert [sample["round"] for sample in record["samples"]] == [1, 1]
