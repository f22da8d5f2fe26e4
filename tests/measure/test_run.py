"""The schedule, and the record of a run; the workers are played by a function."""

import json
import re
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import initial
from shared.agreement.observation import STAGES, Observation
from shared.agreement.whole_call import STAGE
from shared.data import Dataset, Split
from shared.measure import run
from shared.measure.config import RunConfig, new_record
from shared.measure.job import Job
from shared.measure.schedule import schedule
from shared.record import files, journal, schema
from shared.report import remarks, summary
from shared.spec import NetworkSpec, TrainingSpec

NAMES = ("a", "b", "c", "d")


# ---- Schedule ------------------------------------------------------------------------------------------


@given(n=st.integers(1, 6), rounds=st.integers(1, 9), seed=st.integers(0, 2**64))
def test_every_implementation_runs_once_a_round_and_even_rounds_are_reversed(n: int, rounds: int, seed: int) -> None:
    names = tuple("abcdef"[:n])
    order = schedule(names, rounds, seed)
    assert len(order) == rounds
    assert all(sorted(round_) == list(names) for round_ in order)
    assert all(even == odd[::-1] for odd, even in zip(order[::2], order[1::2], strict=False))


def test_the_schedule_depends_on_the_seed_alone() -> None:
    assert schedule(NAMES, 6, seed=3) == schedule(NAMES, 6, seed=3)
    assert len({str(schedule(NAMES, 6, seed)) for seed in range(10)}) > 5
    assert len({str(round_) for round_ in schedule(NAMES, 20, seed=1)}) > 5


def test_more_rounds_begin_as_fewer_do() -> None:
    assert schedule(NAMES, 9, seed=1)[:4] == schedule(NAMES, 4, seed=1)


def test_each_round_starts_with_its_reference_and_all_of_a_round_have_its_seed() -> None:
    jobs = list(run.jobs(config(rounds=2, seed=5), Path("data.npz"), "digest", Path("workers")))
    assert [(job.round, job.is_reference, job.training.seed) for job in jobs] == [
        (round_, k == 0, seed) for round_, seed in ((1, 5), (2, 6)) for k in range(3)
    ]
    assert {job.label for job in jobs if job.is_reference} == {"float64-reference"}


# ---- The record ----------------------------------------------------------------------------------------


def config(rounds: int = 1, seed: int = 1) -> RunConfig:
    return RunConfig(("one", "other"), NetworkSpec(), TrainingSpec(seed=seed, epochs=1), rounds, 1, (), "one")


TESTS = Split(np.zeros((5, 784), np.uint8), np.arange(5, dtype=np.uint8))
DATA = Dataset("none", TESTS, TESTS, TESTS)


@dataclass
class Player:
    """Plays the workers; `faults` maps the label of a worker to what is wrong with it."""

    faults: dict[str, Callable[[dict[str, Any]], object]] = field(default_factory=dict)
    scale: dict[str, float] = field(default_factory=dict)
    played: list[str] = field(default_factory=list)
    turned: list[str] = field(default_factory=list)

    def __call__(self, job: Job, on_event: Callable[[dict[str, Any]], None], timeout: float) -> dict[str, Any]:
        self.played.append(f"{job.round} {job.label}")
        drawn = initial.draw_parameters(job.spec, job.training)
        scale = self.scale.get(job.label, 1)
        tensors = {name: tensor * scale if name.startswith("W") else tensor for name, tensor in drawn.items()}
        start: dict[str, Any] = {"outputs": {"a_L": np.full((100, 10), scale)}, "loss": {"C": np.full(1, scale)}}
        Observation(dict.fromkeys(STAGES, tensors) | start).save(job.tensors_path)
        Observation({STAGE: tensors}).save(job.whole_call_path)
        result: dict[str, Any] = job.head | {"status": "ok"}
        result |= {"digests": {"parameters": f"drawn by {job.training.seed}"}}
        if job.is_reference:
            result["allowed"] = dict.fromkeys(STAGES, 1e-5)
            result |= {"bounds": dict.fromkeys(drawn, 1e-7), "limit_seconds": 1.0, "whole_call_allowed": 1e-5}
            job.result_path.write_text(json.dumps(result))
        else:
            epoch = {"epoch": 1, "wall_ns": 10, "cpu_ns": 10, "validation_accuracy": 0.5, "validation_loss": 1.0}
            result |= {"threads": {"blas": 1}, "epochs": [epoch], "seconds": {"epochs": 1.0}, "wall_seconds": 2.0}
            result |= {
                "steps_per_epoch": 1,
                "examples_per_epoch": 5,
                "finite": True,
                "parameter_count": 1,
                "peak_memory_bytes": 1,
            }
            result["noise"] = {"canary_seconds": [1.0, 1.0], "switches_per_second": None, "steal": None}
            result["predictions"] = "01234" if job.label == "one" else "01243"
        if job.label in self.faults:
            self.faults[job.label](result)
        return result

    def take_turns(
        self, job: Job, baseline: Job, sample: schema.Sample, least_seconds: float, timeout: float
    ) -> dict[str, Any]:
        self.turned.append(f"{job.round} {job.label}")
        assert (baseline.label, baseline.round, sample["implementation"]) == ("one", job.round, job.label)
        result: dict[str, Any] = job.head | {"status": "ok", "steps": 1, "baseline_steps": 1, "call_share": 0.0}
        result |= {"clock": "cpu", "share": 1.0, "baseline_share": 1.0, "blocks": [[20, 20]], "gaps": [[[10, 10]]] * 2}
        if f"{job.label} in turns" in self.faults:
            self.faults[f"{job.label} in turns"](result)
        return result


def execute(
    folder: Path, player: Player, monkeypatch: pytest.MonkeyPatch, rounds: int = 1, **how: Any
) -> schema.Record:
    monkeypatch.setattr(run, "run_worker", player)
    monkeypatch.setattr(run, "take_turns", player.take_turns)
    previous = how.pop("previous", None)
    returned = run.execute(replace(config(rounds), **how), DATA, folder, run.Silent(), previous)
    record = journal.read(folder)
    assert record == json.loads(json.dumps(returned))
    return record


def statuses(record: schema.Record) -> dict[str, str]:
    return {sample["implementation"]: sample["status"] for sample in record["samples"]}


def test_a_run_of_equals_is_complete_and_ok(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = execute(tmp_path, Player(), monkeypatch, rounds=2)
    assert record["ended"] == "complete"
    assert [sample["status"] for sample in record["samples"]] == ["ok"] * 4
    assert {s["implementation"]: s["test_accuracy"] for s in record["samples"]} == {"one": 1.0, "other": 0.6}
    (pair,) = summary.pairs(record)
    assert pair.names == ("one", "other")
    assert set(pair.errors.values()) == {0.0}
    assert pair.differing == [2, 2]
    assert [path.name for path in tmp_path.glob("*.json*")] == ["run.json"]


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
    assert summary.pairs(record)[0].errors["gradients"] == float("inf")


def test_tensors_that_cannot_be_read_cost_their_row_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torn = tmp_path / "workers" / "round-1-one.npz"
    record = execute(tmp_path, Player({"one": lambda _: torn.write_bytes(b"PK\3\4")}), monkeypatch)
    assert statuses(record) == {"one": "crashed", "other": "ok"}


def test_a_stage_of_which_nothing_can_be_concluded_accuses_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def conclude_nothing(result: dict[str, Any]) -> None:
        result.update(allowed=dict.fromkeys(result["allowed"]), whole_call_allowed=None)

    inconclusive = Player({"float64-reference": conclude_nothing}, {"one": 2.0})
    assert statuses(execute(tmp_path, inconclusive, monkeypatch)) == {"one": "ok", "other": "ok"}


def test_without_the_reference_nothing_is_run_or_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    player = Player({"float64-reference": lambda result: result.update(status="crashed", reason="", stderr=[])})
    assert statuses(execute(tmp_path, player, monkeypatch)) == {"one": "not compared", "other": "not compared"}
    assert player.played == ["1 float64-reference"]


def test_a_worker_that_crashed_is_in_no_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    player = Player({"one": lambda result: result.update(status="crashed", reason="", stderr=[])})
    record = execute(tmp_path, player, monkeypatch)
    assert statuses(record) == {"one": "crashed", "other": "ok"}
    assert summary.pairs(record) == []


def test_predictions_that_are_too_few_are_no_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = execute(tmp_path, Player({"one": lambda result: result.update(predictions="0123")}), monkeypatch)
    assert statuses(record) == {"one": "crashed", "other": "ok"}
    (reason,) = (sample["reason"] for sample in record["samples"] if "reason" in sample)
    assert reason == "ended without a usable result (4 predictions, expected 5)"


def test_other_threads_than_were_asked_for_reject_a_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = execute(tmp_path, Player({"one": lambda result: result["threads"].update(openmp=8)}), monkeypatch)
    assert statuses(record) == {"one": "rejected", "other": "ok"}


# ---- Runs that end early, and go on --------------------------------------------------------------------


def in_round_2(what: Callable[[], object]) -> Callable[[dict[str, Any]], object]:
    return lambda result: what() if result["round"] == 2 else None


def raises(error: BaseException) -> Callable[[], object]:
    def fail() -> None:
        raise error

    return fail


def order(rounds: int) -> list[str]:
    return [f"{job.round} {job.label}" for job in run.jobs(config(rounds), Path(), "", Path())]


def test_an_interrupted_run_keeps_what_has_been_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    player = Player({"other": in_round_2(raises(KeyboardInterrupt()))})
    record = execute(tmp_path, player, monkeypatch, rounds=3)
    assert record["ended"] == "interrupted"
    done = [f"{s['round']} {s['implementation']}" for s in record["references"] + record["samples"]]
    assert sorted(done) == sorted(order(3)[: len(done)])
    assert len(done) in (4, 5)


def test_a_disk_that_fills_up_ends_the_run_and_keeps_what_has_been_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    player = Player({"float64-reference": in_round_2(raises(OSError(28, "No space left on device")))})
    record = execute(tmp_path, player, monkeypatch, rounds=3)
    assert record["ended"] == "error: [Errno 28] No space left on device"
    assert [sample["round"] for sample in record["samples"]] == [1, 1]


def test_a_disk_that_has_no_room_for_the_record_leaves_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "write_json", full)
    monkeypatch.setattr(run, "run_worker", Player())
    monkeypatch.setattr(run, "take_turns", Player().take_turns)
    returned = run.execute(config(), DATA, tmp_path, run.Silent())
    assert returned["ended"] == "error: [Errno 28] No space left on device"
    assert [s["implementation"] for s in journal.read(tmp_path)["samples"]] == [w.split()[1] for w in order(1)[1:]]


def test_a_parent_that_fails_leaves_the_journal_of_the_workers_that_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(MemoryError):
        execute(tmp_path, Player({"float64-reference": in_round_2(raises(MemoryError()))}), monkeypatch, rounds=2)
    record = journal.read(tmp_path)
    assert record["ended"] is None
    assert [sample["round"] for sample in record["samples"]] == [1, 1]


@pytest.mark.parametrize("done", range(7))
def test_a_run_that_goes_on_does_what_is_missing_and_nothing_else(
    done: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stops(Player):
        def __call__(self, job: Job, on_event: Callable[[dict[str, Any]], None], timeout: float) -> dict[str, Any]:
            if len(self.played) == done:
                raise KeyboardInterrupt
            return super().__call__(job, on_event, timeout)

    before, after = Stops(), Player()
    execute(tmp_path, before, monkeypatch, rounds=2)
    whole = execute(tmp_path, after, monkeypatch, rounds=2, previous=journal.read(tmp_path))
    assert before.played + after.played == order(2)
    assert whole["ended"] == "complete"
    assert [len(whole[key]) for key in schema.KINDS] == [2, 4, 2]
    assert before.turned + after.turned == ["1 other", "2 other"]
    assert summary.pairs(whole)[0].differing == [2, 2]


def test_the_tensors_of_every_worker_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read, load = Counter[str](), Observation.load
    monkeypatch.setattr(Observation, "load", lambda path, spec: read.update([path.name]) or load(path, spec))
    names = ("one", "other", "third", "fourth")
    record = execute(
        tmp_path,
        Player({"third": lambda result: result.update(predictions="01243")}),
        monkeypatch,
        rounds=2,
        implementations=names,
    )
    assert len(summary.pairs(record)) == 6
    assert set(read.values()) == {1}
    assert len(read) == 2 * 2 * (1 + len(names))  # and those after a whole call


def test_a_reference_whose_files_are_gone_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    late = order(1)[-1].split()[1]
    execute(tmp_path, Player({late: lambda _: raises(KeyboardInterrupt())()}), monkeypatch)
    for path in (tmp_path / "workers").iterdir():
        path.unlink()
    again = Player()
    whole = execute(tmp_path, again, monkeypatch, previous=journal.read(tmp_path))
    assert again.played == ["1 float64-reference", f"1 {late}"]
    assert (len(whole["references"]), statuses(whole)) == (1, {"one": "ok", "other": "ok"})


def test_an_end_while_the_files_of_a_reference_are_written_again_loses_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = order(1)[-1].split()[1]
    execute(tmp_path, Player({late: lambda _: raises(KeyboardInterrupt())()}), monkeypatch)
    before = {path: path.read_bytes() for path in (tmp_path / "workers").iterdir()}
    writes = raises(KeyboardInterrupt())
    for culprit in ("shared.agreement.observation.np.savez", "shared.record.files.write_json"):
        with monkeypatch.context() as killed:
            killed.setattr(culprit, lambda *_, **__: writes())
            with suppress(KeyboardInterrupt):  # run.json itself cannot be written
                execute(tmp_path, Player(), monkeypatch, previous=journal.read(tmp_path))
        for path, content in before.items():
            assert len(path.read_bytes()) == len(content)
    again = Player()
    execute(tmp_path, again, monkeypatch, previous=journal.read(tmp_path))
    assert again.played == [f"1 {late}"]


def test_a_budget_ends_the_run_after_the_sample_that_crosses_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("shared.measure.run.time.monotonic", lambda: now[0])

    class Slow(Player):
        def __call__(self, job: Job, on_event: Callable[[dict[str, Any]], None], timeout: float) -> dict[str, Any]:
            now[0] += 10
            return super().__call__(job, on_event, timeout)

    player = Slow()
    record = execute(tmp_path, player, monkeypatch, rounds=3, budget=35)
    assert (record["ended"], player.played) == ("budget", order(3)[:4])
    whole = execute(tmp_path, player, monkeypatch, rounds=3, previous=record)
    assert (whole["ended"], player.played) == ("complete", order(3))


# ---- Turns ---------------------------------------------------------------------------------------------


def test_all_but_the_baseline_take_turns_with_it_once_a_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    player = Player()
    record = execute(tmp_path, player, monkeypatch, rounds=2, implementations=("one", "other", "third"))
    assert sorted(player.turned) == ["1 other", "1 third", "2 other", "2 third"]
    assert [turn.split()[1] for turn in player.turned[2:]] == [turn.split()[1] for turn in player.turned[1::-1]]
    assert {row.name: row.ratio and round(row.ratio.value, 9) for row in summary.rows(record)} == {
        "one": None,
        "other": 2.0,
        "third": 2.0,
    }


def test_one_at_a_time_nothing_takes_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    player = Player()
    record = execute(tmp_path, player, monkeypatch, rounds=3, one_at_a_time=True)
    assert (player.turned, record["turns"]) == ([], [])
    ratio = summary.rows(record)[1].ratio
    assert ratio is not None
    assert ratio.value == 1


@pytest.mark.parametrize("culprit", ["one", "other"])
def test_what_is_not_timed_takes_no_turns_nor_does_any_without_the_baseline(
    culprit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    player = Player({culprit: lambda result: result.update(status="crashed", reason="", stderr=[])})
    execute(tmp_path, player, monkeypatch)
    assert player.turned == []


def test_two_that_do_not_fit_into_the_memory_take_no_turns_and_the_tables_say_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    player = Player({name: lambda result: result.update(peak_memory_bytes=10**15) for name in ("one", "other")})
    record = execute(tmp_path, player, monkeypatch, rounds=3)
    assert (player.turned, statuses(record)) == ([], {"one": "ok", "other": "ok"})
    (line,) = remarks.without_turns(record)
    assert re.fullmatch(
        "other took no turns in 3 rounds: other and one together need 2,000,000.0 GB of memory, and .* GB are free; "
        "without enough turns its ratio is of whole epochs",
        line,
    )
    assert summary.exit_code(record) == 0


def test_turns_that_are_missing_are_taken_and_no_sample_is_taken_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(_: dict[str, Any]) -> None:
        raise KeyboardInterrupt

    record = execute(tmp_path, Player({"other in turns": stop}), monkeypatch, rounds=2)
    assert (record["ended"], len(record["samples"]), record["turns"]) == ("interrupted", 2, [])
    player = Player()
    whole = execute(tmp_path, player, monkeypatch, rounds=2, previous=record)
    assert (whole["ended"], player.turned) == ("complete", ["1 other", "2 other"])
    assert player.played == order(2)[3:]


def test_turns_that_failed_are_taken_again_and_cost_their_row_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    player = Player({"other in turns": lambda r: r["round"] == 2 and r.update(status="crashed", reason="x", stderr=[])})
    record = execute(tmp_path, player, monkeypatch, rounds=2)
    assert [t["status"] for t in record["turns"]] == ["ok", "crashed"]
    one, other = summary.rows(record)
    assert (one.status, other.status, other.failed, other.tried) == ("ok", "crashed", 1, 2)
    assert summary.exit_code(record) == 1
    again = Player()
    whole = execute(tmp_path, again, monkeypatch, rounds=2, previous=record)
    assert (again.played, again.turned) == ([], ["2 other"])
    assert summary.exit_code(whole) == 0


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"gaps": [[[10, 10]]] * 3}, "turns.gaps: got 3, expected 2, one more than blocks in each layout"),
        ({"blocks": [[0, 0]]}, "turns.blocks: got 0, expected times above 0"),
        ({"clock": "sand"}, "invalid enum value 'sand' - at `\\$.clock`"),
        ({"steps": 0}, "expected `int` >= 1 - at `\\$.steps`"),
        ({"implementation": "stranger"}, "expected one of one, other"),
    ],
)
def test_turns_that_cannot_be_are_no_result(
    change: dict[str, Any], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = execute(tmp_path, Player({"other in turns": lambda result: result.update(change)}), monkeypatch)
    assert [t["status"] for t in record["turns"]] == ["crashed"]
    assert re.search(expected, record["turns"][0]["reason"])


# ---- Are two runs the same? ----------------------------------------------------------------------------


def test_records_of_one_configuration_do_not_differ() -> None:
    a = new_record(config(), DATA)
    assert schema.differences(a, json.loads(json.dumps(new_record(config(), DATA)))) == []


def test_each_part_that_differs_is_named() -> None:
    a = new_record(config(), DATA)
    b = new_record(
        replace(config(2), threads=2, training=TrainingSpec(dtype="float64", epochs=1)), DATA.with_train_size(1)
    )
    b["machine"] = b["machine"] | {"cpu": "Another"}
    named = {line.partition(":")[0] for line in schema.differences(a, b)}
    assert named == {"rounds", "threads", "training.dtype", "dataset.digest", "dataset.sizes", "machine.cpu"}
    assert "training.dtype: float32 and float64" in schema.differences(a, b)


def test_another_network_is_named_by_its_notation_alone() -> None:
    mixed = NetworkSpec.parse("784-30tanh-10sigmoid, quadratic")
    a, b = new_record(config(), DATA), new_record(replace(config(), spec=mixed), DATA)
    assert schema.differences(a, b) == [f"network.title: {NetworkSpec()} and 784-30tanh-10sigmoid, quadratic"]
