"""A worker in a process of its own, from the job to its result, and every other end that it can have."""

import itertools
import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest

from shared import implementations
from shared.measure import sample
from shared.measure.job import Job
from shared.measure.verify import read_result
from shared.processes.child import STDERR_BYTES
from shared.processes.environment import THREAD_VARIABLES
from tests import patience
from tests.command import SECONDS, still_alive, wait_for
from tests.measure.jobs import STUBS, ready

STAGES = [
    *("start", "import", "data", "build", "load", "gradients", "first step", "agreement", "path"),
    *("data", "warm-up", "reset", "canary"),
]


def run_worker(
    job: Job, on_event: Callable[[Any], None] = lambda event: None, timeout: float = SECONDS
) -> dict[str, Any]:
    return sample.run_worker(job, on_event, timeout)


def stub(name: str) -> str:
    return str(STUBS / f"{name}.py")


# ---- Workers that do as they should --------------------------------------------------------------------


class Done(NamedTuple):
    """A worker's life that went well, for all tests that only look at it."""

    work: Job
    events: list[dict[str, Any]]
    result: dict[str, Any]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """Three epochs on 95 images: nine batches of ten, and one of five."""
    work, events = ready(tmp_path_factory.mktemp("good"), train_size=95, epochs=3), list[dict[str, Any]]()
    return Done(work, events, run_worker(work, events.append))


def test_numpy_runs_with_as_many_threads_as_were_asked_for(good: Done, tmp_path: Path) -> None:
    two = run_worker(ready(tmp_path, threads=2, epochs=1))
    for result, threads in ((good.result, 1), (two, 2)):
        assert set(result["threads"].values()) == {threads}


def test_a_worker_gets_the_pinned_environment_and_no_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    result = run_worker(ready(tmp_path, stub("reports_its_environment"), threads=2))
    expected = dict.fromkeys(("asked for", *THREAD_VARIABLES), 2) | {"GPUs": 0}
    assert expected.items() <= result["threads"].items()


def test_the_stages_are_reported_as_they_end_in_the_order_of_the_protocol(good: Done) -> None:
    _, events, result = good
    epochs = ["epochs", "evaluation"] * 3
    assert [event["stage"] for event in events] == [*STAGES, *epochs, "canary", "evaluation", "sections"]
    assert [event["epoch"] for event in events if "epoch" in event] == [1, 2, 3]
    expected = {stage: sum(e["seconds"] for e in events if e["stage"] == stage) for stage in result["seconds"]}
    assert result["seconds"] == pytest.approx(expected | {"exit": result["seconds"]["exit"]})


@pytest.mark.exhaustive_unless(fits=lambda name: name == "numpy_scratch")
@pytest.mark.parametrize("name", implementations.defaults())
def test_the_stages_are_the_workers_life_and_no_more(name: str, tmp_path: Path) -> None:
    """By a clock beside it, and by the order of what happens alone: how long it takes depends on the machine."""
    work, seen = ready(tmp_path, name, epochs=2), list[tuple[float, float]]()
    begun = time.monotonic()
    result = run_worker(work, lambda event: seen.append((time.monotonic(), event["seconds"])))
    ended = time.monotonic()
    assert sum(result["seconds"].values()) == pytest.approx(result["wall_seconds"], rel=1e-6)
    assert seen[-1][0] - seen[0][0] < result["wall_seconds"] < ended - begun
    reported = 0.0
    for now, seconds in seen:
        reported += seconds
        assert 0 < reported < now - begun
    assert result["seconds"]["exit"] >= result["wall_seconds"] - reported - 1e-6


def test_the_epochs_are_timed_one_by_one_within_their_stage(good: Done) -> None:
    result = good.result
    assert [epoch["epoch"] for epoch in result["epochs"]] == [1, 2, 3]
    seconds = [epoch["wall_ns"] / 1e9 for epoch in result["epochs"]]
    assert min(seconds) > 0
    assert sum(seconds) <= result["seconds"]["epochs"]
    assert (result["steps_per_epoch"], result["examples_per_epoch"]) == (10, 95), "a smaller last batch is a step"
    assert min(epoch["cpu_ns"] for epoch in result["epochs"]) > 0


def test_the_cpu_time_of_an_epoch_is_that_of_all_threads(tmp_path: Path) -> None:
    result = run_worker(ready(tmp_path, stub("works_in_a_thread"), epochs=2))
    assert min(epoch["cpu_ns"] for epoch in result["epochs"]) >= 20_000_000


def test_every_sample_has_its_readings_and_its_predictions(good: Done) -> None:
    result = good.result
    assert {*result["noise"]} == {"canary_seconds", "switches_per_second", "steal"}
    assert len(result["noise"]["canary_seconds"]) == 2
    assert len(result["predictions"]) == 250
    assert set(result["predictions"]) <= set("0123456789")


def test_the_warm_up_epoch_changes_nothing_but_the_time(good: Done) -> None:
    """What is trained is what an implementation that never warmed up would train."""
    from impls.numpy_scratch import Network
    from shared import initial
    from shared.data import digits
    from shared.evaluation import predicted_digits

    work = good.work
    dataset = digits.load().with_train_size(95)
    x, y = dataset.train.arrays("float32")
    network = Network(work.spec, work.training, initial.draw_parameters(work.spec, work.training))
    orders = initial.draw_orders(work.training, len(y))
    network.load(x, y)
    for _ in range(3):
        network.train(next(orders))
    expected = predicted_digits(network.predict(dataset.test.arrays("float32")[0]))
    assert good.result["predictions"] == "".join(map(str, expected))


def test_what_disagrees_is_not_timed(tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []
    result = run_worker(ready(tmp_path, stub("gradient_too_large")), events.append)
    assert (result["status"], "epochs" in result) == ("FAILED AGREEMENT", False)
    assert [event["stage"] for event in events] == STAGES[: STAGES.index("agreement") + 1]


def test_a_worker_that_succeeds_leaves_its_result_and_nothing_to_clear_away(good: Done) -> None:
    work = good.work
    jobs = (work, work.reference)
    kept = {path for job in jobs for path in (job.result_path, job.tensors_path, job.whole_call_path)}
    kept |= {work.parameters_path}
    assert set(Path(work.folder).iterdir()) == kept | {work.activations_path}


def test_a_worker_that_is_given_other_data_than_was_meant_refuses_them(tmp_path: Path) -> None:
    result = run_worker(replace(ready(tmp_path), data_digest="f" * 64))
    assert result["status"] == "crashed"
    assert any("found data with sha256" in line for line in result["stderr"])


# ---- Workers that do not -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["loops_for_ever", "hangs", "sleeps"])
def test_a_worker_that_never_ends_is_ended_with_its_group_and_says_where_it_was(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker, hangs = tmp_path / "marker", tmp_path / "hangs"
    monkeypatch.setenv("SAMEGRAD_TEST_MARKER", str(marker))
    monkeypatch.setenv(patience.MARKER, str(hangs))
    started: list[int] = []
    work = ready(tmp_path, stub(name))
    others = set(psutil.Process().children(recursive=True))  # of other tests

    def listen(event: dict[str, Any]) -> None:
        started[:] = [p.pid for p in set(psutil.Process().children(recursive=True)) - others]

    patience.install(patience.Clock(hangs), monkeypatch.setattr)
    result = run_worker(work, listen, timeout=patience.LIMIT)
    assert (result["status"], result["reason"]) == (
        "timed out",
        "no stage or epoch finished within 420 s after 'gradients'; the worker was stopped",
    )
    assert any("in train" in line for line in result["stderr"])
    started += [int(word) for word in marker.read_text().split()] if marker.exists() else []
    assert started
    assert still_alive(started) == []


def test_a_grandchild_that_would_hang_goes_with_its_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marker = tmp_path / "marker"
    monkeypatch.setenv("SAMEGRAD_TEST_MARKER", str(marker))
    result = run_worker(ready(tmp_path, stub("leaves_a_grandchild"), epochs=1))
    assert result["status"] == "ok"
    assert still_alive([int(marker.read_text())]) == []


def test_50_megabytes_of_complaints_are_cut_to_their_end(tmp_path: Path) -> None:
    work = ready(tmp_path, stub("floods_stderr"))
    result = run_worker(work)
    assert result["status"] == "crashed"
    assert len(result["stderr"]) == 20
    assert result["stderr"][-1] == "RuntimeError: planted after a flood"
    assert work.stderr_path.stat().st_size <= STDERR_BYTES


def test_a_listener_that_raises_ends_the_worker(tmp_path: Path) -> None:
    def listener(event: dict[str, Any]) -> None:
        raise KeyboardInterrupt

    work = ready(tmp_path, train_size=1297, epochs=100_000)
    with pytest.raises(KeyboardInterrupt):
        run_worker(work, listener)
    left = [p for p in psutil.process_iter(["cmdline"]) if str(work.job_path) in (p.info["cmdline"] or [])]
    assert left == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_worker_whose_parent_is_killed_dies_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marker = tmp_path / "marker"
    monkeypatch.setenv("SAMEGRAD_TEST_MARKER", str(marker))
    work = ready(tmp_path, stub("sleeps"))
    parent = os.fork()
    if parent == 0:  # a child of pytest, which plays the command
        sample.run_worker(work, lambda event: None, SECONDS)
        os._exit(0)
    wait_for(marker.exists)
    worker, grandchild = (int(word) for word in marker.read_text().split())
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    assert still_alive([worker]) == []
    os.kill(grandchild, signal.SIGKILL)  # a grandchild of a parent that was killed is nobody's


# ---- Results that are not to be relied on --------------------------------------------------------------


@pytest.fixture(scope="module")
def done(good: Done) -> tuple[Job, dict[str, Any]]:
    """A result of two epochs, as if it had taken 2 s."""
    seconds = dict.fromkeys(good.result["seconds"], 0.0) | {"import": 1.0, "epochs": 1.0}
    epochs = [epoch | {"wall_ns": 4 * 10**8, "cpu_ns": 4 * 10**8} for epoch in good.result["epochs"][:2]]
    work = replace(good.work, training=replace(good.work.training, epochs=2))
    return work, good.result | {"seconds": seconds, "epochs": epochs, "wall_seconds": 2.0}


def test_an_honest_result_is_accepted(done: tuple[Job, dict[str, Any]]) -> None:
    work, result = done
    assert found_in(work, result) == result


def found_in(work: Job, result: Any) -> dict[str, Any]:
    """Return what is read if a worker writes this result."""
    work.result_path.write_text(json.dumps(result))
    return read_result(work, 2.0)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda r: [], "expected `object`, got `array`"),
        (lambda r: r | {"implementation": "pytorch"}, "implementation: got 'pytorch', expected 'numpy_scratch'"),
        (lambda r: r | {"round": 2}, "round: got 2, expected 1"),
        (lambda r: r | {"seed": None}, "expected `int`, got `null` - at `\\$.seed`"),
        (lambda r: r | {"status": "splendid"}, "invalid enum value 'splendid' - at `\\$.status`"),
        (
            lambda r: {k: v for k, v in r.items() if k != "seconds"},
            "seconds: got {}, expected the duration",
        ),
        (lambda r: r | {"seconds": {"epochs": -1.0}}, "seconds: got"),
        (
            lambda r: r | {"seconds": r["seconds"] | {"warm-up": 100.0}},
            "seconds: got 102.0, expected at most 2.000, its lifetime",
        ),
        (lambda r: r | {"peak_memory_bytes": "much"}, "expected `int . null`, got `str` - at `\\$.peak_memory_bytes`"),
        (lambda r: r | {"peak_memory_bytes": 0}, "expected `int` >= 1 - at `\\$.peak_memory_bytes`"),
        (lambda r: r | {"epochs": r["epochs"][:1]}, r"epochs: got \[1\], expected 1 to 2"),
        (lambda r: r | {"epochs": [r["epochs"][0] | {"wall_ns": 0}, r["epochs"][1]]}, "expected `int` >= 1"),
        (
            lambda r: r | {"epochs": [epoch | {"wall_ns": 10**10} for epoch in r["epochs"]]},
            "epochs: got 20.0.* 1.000 s, the time of their stage",
        ),
        (lambda r: r | {"epochs": 7}, "expected `array`, got `int`"),
        (lambda r: r | {"predictions": 7}, "expected `str`, got `int`"),
        (lambda r: r | {"noise": None}, "expected `object`, got `null`"),
        (lambda r: r | {"digests": None}, "expected `object`, got `null`"),
    ],
    ids=itertools.count(),
)
def test_a_result_that_cannot_be_is_refused(
    change: Callable[[dict[str, Any]], Any], expected: str, done: tuple[Job, dict[str, Any]]
) -> None:
    work, result = done
    with pytest.raises(ValueError, match=expected):
        found_in(work, change(json.loads(json.dumps(result))))


@pytest.mark.parametrize(("home", "shown"), [("/home/someone", "in ~/x and /y"), ("/", "in /home/someone/x and /y")])
def test_the_home_of_a_user_is_not_shown(home: str, shown: str, good: Done, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", home)
    monkeypatch.setenv("USERPROFILE", home)
    assert sample.failed(good.work, "crashed", "in /home/someone/x and /y")["reason"] == shown


def test_who_deletes_its_progress_is_not_taken_for_one_that_could_not_be_imported(tmp_path: Path) -> None:
    """Between two looks at it, a worker may finish stages and delete the file that says so."""
    progress = sample._Progress(tmp_path / "progress.jsonl")
    assert ([*progress.new()], progress.is_gone) == ([], False)
    (tmp_path / "progress.jsonl").write_text('{"stage": "start", "seconds": 0.1}\n')
    assert ([event["stage"] for event in progress.new()], progress.is_gone) == (["start"], False)
    (tmp_path / "progress.jsonl").unlink()
    assert ([*progress.new()], progress.is_gone) == ([], True)
