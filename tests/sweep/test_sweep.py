"""The verb `sweep` as a user runs it, on clusters whose processes are this test's own."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

import samegrad
from shared.sweep import plan
from tests.command import COMMAND, ROOT, SECONDS, Run, environment, of, run, wait_for

pytest.importorskip("distributed", reason="the extra [sweep] is not installed")

TINY = ("--dataset", "digits", "--train-size", "60", "--test-size", "50", "--epochs", "1", "--offline")
SWEEP = ("sweep", *TINY, *of("numpy_scratch", "minitorch"))


def record(folder: Path) -> Any:
    return json.loads((folder / plan.SWEEP).read_text())


def cells(folder: Path) -> dict[str, float]:
    """The name of each combination that has a result, and when it was written."""
    return {path.parent.name: path.stat().st_mtime for path in (folder / plan.CELLS).glob("*/run.json")}


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two networks, two seeds, without timing, on two workers."""
    grid = ("--network", "784-6-10,784-9-10", "--batch-size", "25", "--seed", "1:2")
    return run(tmp_path_factory.mktemp("sweep") / "out", *SWEEP, *grid, "--no-timing", "--processes", "2")


def test_every_combination_has_a_result_a_row_and_a_run_of_its_own(swept: Run) -> None:
    assert swept.code == 0, swept.stderr
    found = record(swept.output)
    assert (found["ended"], len(found["cells"]), len(cells(swept.output)), found["failures"]) == ("complete", 4, 4, [])
    assert [row["seeds"] for row in found["rows"]] == [2] * 4
    assert {row["status"] for row in found["rows"]} == {"ok"}
    assert all(row["ratio"] is None for row in found["rows"]), "without timing there is no ratio"
    assert "no times: combinations ran beside each other (--no-timing)" in swept.stdout
    one = next((swept.output / plan.CELLS).iterdir())
    assert "numpy_scratch" in run(None, "show", str(one)).stdout


def test_the_page_has_a_heat_map_of_accuracy_and_of_agreement(swept: Run) -> None:
    page = (swept.output / "report.html").read_text()
    assert re.findall(r'<h2 id="title-(\w+)"', page) == ["accuracy", "agreement", "seeds", "table", "facts"]
    assert "mathdefault" not in page
    assert {path.stem for path in (swept.output / "figures").iterdir()} == {"accuracy", "agreement", "seeds"}


def test_a_sweep_gives_what_a_run_gives(swept: Run, tmp_path: Path) -> None:
    alone = run(tmp_path / "out", *TINY, *of("numpy_scratch"), "--network", "784-6-10", "--batch-size", "25",
                "--seed", "2", "--rounds", "1", "--no-report")  # fmt: skip
    name = next(name for name in cells(swept.output) if name.startswith("784-6-10") and "25_rate-3_seed-2" in name)
    there = json.loads((swept.output / plan.CELLS / name / "run.json").read_text())
    (same,) = (s for s in there["samples"] if s["implementation"] == "numpy_scratch")
    assert same["predictions"] == alone.sample("numpy_scratch")["predictions"]


@pytest.mark.exhaustive
def test_a_sweep_that_is_resumed_computes_what_is_missing_alone(swept: Run) -> None:
    before = cells(swept.output)
    lost, torn = sorted(before)[1:3]
    (swept.output / plan.CELLS / lost / "run.json").unlink()
    (swept.output / plan.CELLS / torn / "run.json").write_text('{"schema_version": "3')
    again = run(swept.output, "sweep", "--resume", str(swept.output), "--offline", "--no-timing", "--processes", "2")
    assert again.code == 0, again.stderr
    assert "2 combinations x 2 implementations (2 are there already)" in again.stderr
    after = cells(swept.output)
    assert after.keys() == before.keys()
    assert {name for name in after if after[name] != before[name]} == {lost, torn}
    nothing = run(swept.output, "sweep", "--resume", str(swept.output), "--offline", "--no-timing")
    assert (nothing.code, nothing.stdout) == (0, again.stdout)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--seed", "1:3"], "--resume: .* has other cells"),
        (["--epochs", "2"], "--resume: .* has other options"),
        (["--dataset", "digits", "--train-size", "61"], "--resume: .* has other options, digest"),
        (["--output", "x"], "--output: got one together with resume"),
    ],
)
def test_another_configuration_is_not_mixed_with_the_results(swept: Run, arguments: list[str], expected: str) -> None:
    found = run(None, "sweep", "--resume", str(swept.output), "--offline", "--no-timing", *arguments)
    assert found.code == 2
    assert re.search(expected, found.stderr), found.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--seed", "4:1"], "--seed: got '4:1'"),
        (["--network", "784-30-9"], "expected 784 inputs and 10 outputs"),
        (["--batch-size", "0"], "batch_size: got 0"),
        (["--processes", "2"], "timed tasks of one machine run one after the other"),
        (["--processes", "2", "--scheduler", "tcp://127.0.0.1:1"], "that cluster has its own"),
    ],
)
def test_wrong_usage_says_what_is_expected_before_anything_runs(
    tmp_path: Path, arguments: list[str], expected: str
) -> None:
    found = run(None, *SWEEP, "--output", str(tmp_path / "out"), *arguments)
    assert (found.code, found.stdout) == (2, "")
    assert expected in found.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.exhaustive
def test_a_sweep_can_be_called_from_python(swept: Run, tmp_path: Path) -> None:
    """With the numbers of the command; what was computed is there when it is called again."""
    same: dict[str, Any] = {"dataset": "digits", "train_size": 60, "test_size": 50, "epochs": 1, "offline": True}
    names, output = ("numpy_scratch", "minitorch"), tmp_path / "out"
    found = samegrad.sweep(*names, network="784-6-10", batch_size=25, seed=[1, 2], timing=False, output=output, **same)
    assert found.ok
    rows = [row for row in record(swept.output)["rows"] if row["network"] == found.record["rows"][0]["network"]]
    assert [row["accuracies"] for row in found.record["rows"]] == [row["accuracies"] for row in rows]
    assert repr(samegrad.sweep(resume=output, timing=False, offline=True)) == repr(found)
    assert found.page().exists()
    with pytest.raises(samegrad.SettingError, match="processes: got 2, expected 1"):
        samegrad.sweep(processes=2)


def test_a_folder_without_a_sweep_cannot_be_resumed(tmp_path: Path) -> None:
    found = run(None, "sweep", "--resume", str(tmp_path))
    assert (found.code, "found no sweep.json, expected the folder of a sweep" in found.stderr) == (2, True)


@pytest.mark.exhaustive
def test_timed_combinations_have_ratios_and_say_where_numpy_stops_winning(tmp_path: Path) -> None:
    found = run(tmp_path / "out", *SWEEP, "--seed", "1:3")
    assert found.code == 0, found.stderr
    rows = record(found.output)["rows"]
    assert [row["ratio"] is None for row in rows] == [True, False]
    assert "minitorch is faster than numpy_scratch at batch 10: " in found.stdout
    assert '<h2 id="title-ratio"' in (found.output / "report.html").read_text()


# ---- Clusters -------------------------------------------------------------------------------------------


def cluster(workers: int) -> Any:
    """A cluster of processes, to which the command connects."""
    from distributed import LocalCluster

    return LocalCluster(workers, threads_per_worker=1, resources={"samegrad": 1}, dashboard_address=":0")


@contextmanager
def started(output: Path, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [*COMMAND, *SWEEP, *arguments, "--output", str(output)],
        cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        yield process


@contextmanager
def other_worker(address: str, path: Path) -> Iterator[None]:
    """A worker whose packages come from a folder first."""
    command = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard"]
    env = environment(PYTHONPATH=f"{path}{os.pathsep}{ROOT}")
    with subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def worker_processes(made: Any) -> list[psutil.Process]:
    return [psutil.Process(worker.pid) for worker in made.workers.values()]


@pytest.mark.exhaustive
def test_a_worker_that_is_killed_costs_nothing(tmp_path: Path) -> None:
    with cluster(2) as made:
        arguments = ("--seed", "1:8", "--no-timing", "--scheduler", made.scheduler_address)
        with started(tmp_path / "out", *arguments) as process:
            wait_for(lambda: len(cells(tmp_path / "out")) >= 2)
            for worker in worker_processes(made)[:1]:  # and what it has started ends with it
                worker.kill()
            out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, out + err
    assert (record(tmp_path / "out")["ended"], len(cells(tmp_path / "out"))) == ("complete", 8)


@pytest.mark.exhaustive
def test_a_scheduler_that_goes_away_ends_the_sweep_in_order(tmp_path: Path) -> None:
    output = tmp_path / "out"
    script = (
        "import distributed, sys, time\n"
        "if __name__ == '__main__':\n"
        "    made = distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None)\n"
        "    print(made.scheduler_address, flush=True)\n"
        "    time.sleep(3600)\n"
    )
    (tmp_path / "scheduler.py").write_text(script)
    with subprocess.Popen(
        [sys.executable, str(tmp_path / "scheduler.py")], cwd=ROOT, stdout=subprocess.PIPE, text=True,
        env=environment(PYTHONPATH=str(ROOT)), start_new_session=True,
    ) as scheduler:  # fmt: skip
        assert scheduler.stdout is not None
        address = scheduler.stdout.readline().strip()
        with started(output, "--seed", "1:8", "--no-timing", "--scheduler", address) as process:
            wait_for(lambda: len(cells(output)) >= 2)
            os.killpg(scheduler.pid, signal.SIGKILL)
            out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 1, out + err
    assert record(output)["ended"].startswith("error: the scheduler")
    kept = cells(output)
    assert len(kept) >= 2
    assert "incomplete: error: the scheduler" in out
    again = run(output, "sweep", "--resume", str(output), "--offline", "--no-timing", "--processes", "2")
    found = record(output)
    # not the exit code: on a busy machine a sample may be rejected
    assert (found["ended"], found["failures"], len(cells(output))) == ("complete", [], 8), again.stdout + again.stderr
    assert {name: cells(output)[name] for name in kept} == kept


@pytest.mark.exhaustive
def test_a_worker_with_another_version_is_refused_and_both_are_named(tmp_path: Path) -> None:
    """A package that lies before the installed one says that it is another version."""
    other = tmp_path / "other" / "numpy-9.9.9.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 9.9.9\n")
    with cluster(1) as made, other_worker(made.scheduler_address, tmp_path / "other"):
        made.wait_for_workers(2)
        made.scale(0)  # of its own
        wait_for(lambda: len(made.scheduler_info["workers"]) == 1)
        arguments = ("--no-timing", "--seed", "1:4", "--scheduler", made.scheduler_address)
        alone = run(tmp_path / "alone", *SWEEP, *arguments)
        made.scale(1)
        made.wait_for_workers(2)
        beside = run(tmp_path / "beside", *SWEEP, *arguments)
    assert (alone.code, len(cells(tmp_path / "alone"))) == (1, 0)
    assert {failure["seed"] for failure in record(tmp_path / "alone")["failures"]} == {1, 2, 3, 4}
    assert re.search(r"worker tcp:\S+ was not used: .*numpy 9\.9\.9, expected \d", alone.stderr), alone.stderr
    assert (beside.code, len(cells(tmp_path / "beside"))) == (0, 4), beside.stderr


@pytest.mark.exhaustive
def test_ctrl_c_keeps_what_has_arrived(tmp_path: Path) -> None:
    with started(tmp_path / "out", "--seed", "1:40") as process:
        wait_for(lambda: len(cells(tmp_path / "out")) >= 1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 130, out + err
    assert "Traceback" not in err
    assert record(tmp_path / "out")["ended"] == "interrupted"
    assert "incomplete: interrupted" in out


@pytest.mark.exhaustive
def test_workers_that_do_not_keep_timed_tasks_apart_are_refused(tmp_path: Path) -> None:
    import distributed

    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as made:
        found = run(tmp_path / "out", *SWEEP, "--scheduler", made.scheduler_address)
        nobody = run(tmp_path / "none", *SWEEP, "--scheduler", "tcp://127.0.0.1:1")
    assert (found.code, nobody.code) == (2, 2)
    assert "keeps timed tasks apart; start them with --nthreads 1 --resources samegrad=1" in found.stderr
    assert "--scheduler: got tcp://127.0.0.1:1, expected the address of a Dask scheduler" in nobody.stderr
