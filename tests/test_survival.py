"""No fault of a worker, and no end of the command, costs what has been measured."""

import json
import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

import compare
from shared.measure.schedule import schedule
from shared.record import journal
from shared.record.journal import RunError
from tests import patience
from tests.command import (
    COMMAND,
    IMPATIENT,
    IN_TURNS,
    PATIENT,
    ROOT,
    SECONDS,
    SMALL,
    STUBS,
    Run,
    environment,
    of,
    run,
    still_alive,
    wait_for,
)

# ---- Workers that fail ---------------------------------------------------------------------------------

CRASHES = {
    "raises_in_train": ("crashed", "exit status 1", "RuntimeError: planted exception"),
    "exits_with_3": ("crashed", "exit status 3", None),
    "leaves_no_result": ("crashed", "ended without a usable result", None),
    "writes_a_torn_result": ("crashed", "ended without a usable result", None),
    "writes_a_false_result": ("crashed", "ended without a usable result (seconds: got 1000.0", None),
    "aborts": ("crashed", "killed by SIGABRT", "Fatal Python error: Aborted"),
    "segfaults": ("crashed", "killed by SIGSEGV", "Fatal Python error: Segmentation fault"),
    "killed": ("crashed", "killed by SIGKILL (the system may have run out of memory", None),
    "killed_by_signal_without_a_name": ("crashed", "killed by signal 40", None),
    "runs_out_of_memory": ("crashed", "exit status 1", "MemoryError"),
    "floods_stderr": ("crashed", "exit status 1", "RuntimeError: planted after a flood"),
    "loops_for_ever": ("timed out", "no stage or epoch finished within 420 s after 'gradients'", "in train"),
    "hangs": ("timed out", "no stage or epoch finished within 420 s after 'gradients'", "in train"),
    "writes_a_pipe_for_a_result": ("crashed", "found a pipe, folder or device, expected a file", None),
    "writes_progress_of_its_own": ("crashed", "its progress cannot be read", None),
    "prints_without_end": ("crashed", "printed more than 64 MB; the worker was stopped", None),
    "forges_its_times": ("implausible", "an epoch in 1e-06 s, where its matrix products alone take", None),
    "says_other_threads": ("rejected", "1 thread requested, but it ran library with 4", None),
    "uses_more_threads": ("rejected", "1 thread requested, but it used ", None),
    "needs_a_missing_framework": (
        "not available",
        "put framework_that_is_not_there.py beside needs_a_missing_framework.py, or install the package that has it",
        None,
    ),
    "imports_a_missing_part": (
        "not available",
        "imports_a_missing_part could not be imported: ModuleNotFoundError: No module named 'numpy.not_there'",
        None,
    ),
    "fails_at_import": (
        "not available",
        "fails_at_import could not be imported: RuntimeError: operator planted::nms does not exist",
        "RuntimeError",
    ),
    "crashes_at_import": (
        "not available",
        "crashes_at_import could not be imported: killed by SIGSEGV",
        "Fatal Python error: Segmentation fault",
    ),
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(tmp_path_factory.mktemp("plain") / "out", *SMALL, *of("numpy_scratch"))


@pytest.fixture(scope="module")
def crashes(tmp_path_factory: pytest.TempPathFactory) -> Run:
    arguments = [*SMALL, "--timeout", "7m", *of("numpy_scratch", "leaves_a_grandchild", *CRASHES)]
    folder = tmp_path_factory.mktemp("crashes")
    env = {"SAMEGRAD_TEST_MARKER": str(folder / "grandchild"), patience.MARKER: str(folder / "hangs")}
    return run(folder / "out", *arguments, command=IMPATIENT, env=env)


def test_a_failure_exits_1_and_the_other_rows_are_complete(crashes: Run, plain: Run) -> None:
    assert crashes.code == 1
    assert "Traceback" not in crashes.stderr
    assert crashes.record["ended"] == "complete"
    cells = crashes.row("numpy_scratch")
    assert (cells[1], cells[-1]) == (plain.row("numpy_scratch")[1], "ok")
    for key in ("errors", "predictions", "test_loss"):
        assert crashes.sample("numpy_scratch")[key] == plain.sample("numpy_scratch")[key]
    assert crashes.row("leaves_a_grandchild")[-1] == "ok"
    assert still_alive([int((crashes.output.parent / "grandchild").read_text())]) == []


@pytest.mark.parametrize("stub", CRASHES)
def test_a_worker_that_failed_has_a_row_a_reason_and_the_last_lines_of_its_stderr(crashes: Run, stub: str) -> None:
    status, reason, complaint = CRASHES[stub]
    cells = crashes.row(stub)
    assert cells[-1] == status
    assert status in ("rejected", "implausible") or set(cells[1:-1]) == {"-"}
    markdown = (crashes.output / "table.md").read_text()
    for text in (crashes.stdout, markdown):
        assert reason in text
    (note,) = [line for line in crashes.stdout.splitlines() if line.startswith(f"! {stub}, round 1: ")]
    complaints = [line for line in markdown.splitlines() if line.startswith(f"- {stub}, round 1, stderr:")]
    assert len(complaints) <= 20
    assert complaint is None or any(complaint in line for line in (note, *complaints))


def test_what_is_rejected_has_figures_and_no_ratio(crashes: Run) -> None:
    headers = ["name", "accuracy", "epoch", "ratio"]
    cells = dict(zip(headers, crashes.row("says_other_threads"), strict=False))
    assert cells["ratio"] == "-"
    assert float(cells["epoch"].partition(" ")[0]) > 0


def test_more_cpu_time_than_the_thread_that_was_asked_for_can_have_used_is_found_out(crashes: Run) -> None:
    (epoch,) = crashes.sample("uses_more_threads")["epochs"]
    used = epoch["cpu_ns"] / epoch["wall_ns"]
    assert f"1 thread requested, but it used {used:.1f} CPU seconds per second" in crashes.stdout


# ---- Frameworks that are not there ---------------------------------------------------------------------


def without(tmp_path: Path, *arguments: str, absent: str = "", broken: str = "") -> Run:
    folder = str(STUBS / "no_frameworks")
    env = {"PYTHONPATH": folder, "SAMEGRAD_TEST_ABSENT": absent, "SAMEGRAD_TEST_BROKEN": broken}
    return run(tmp_path / "out", *SMALL, *arguments, env=env)


def test_frameworks_that_are_absent_or_broken_are_rows_with_a_remedy_and_no_failure(tmp_path: Path) -> None:
    found = without(tmp_path, absent="torch", broken="keras,tensorflow")
    assert found.code == 0, found.stdout
    assert [found.row(name)[-1] for name in ("numpy_scratch", "pytorch", "tensorflow_keras")] == [
        "ok",
        "not available",
        "not available",
    ]
    assert "pip install -c constraints.txt torch" in found.stdout
    assert re.search("tensorflow_keras could not be imported: RuntimeError: operator .*::nms", found.stdout)
    assert re.search("to fix it: pip install -c constraints.txt --force-reinstall .*tensorflow", found.stdout)


def test_a_framework_that_was_asked_for_by_name_and_is_absent_is_a_failure(tmp_path: Path) -> None:
    found = without(tmp_path, *of("numpy_scratch", "pytorch"), absent="torch")
    assert found.code == 1
    assert found.row("numpy_scratch")[-1] == "ok"
    assert found.row("pytorch")[-1] == "not available"


# ---- Interruption --------------------------------------------------------------------------------------

SLOW_TO_SAY = """
import sys, time
sys.path.insert(0, {root!r})
import compare
from shared.report import tables
tables.document = lambda record: print("working it out", file=sys.stderr, flush=True) or time.sleep(1_000_000)
sys.exit(compare.main())
"""


class Interrupted:
    """A run that has been sent signals: one while its second implementation trains, then one after each of `words`."""

    def __init__(
        self, tmp_path: Path, number: signal.Signals, *words: str, command: Sequence[str] = tuple(COMMAND)
    ) -> None:
        second = str(STUBS / "sleeps.py")
        names = ("numpy_scratch", second)
        seed = next(seed for seed in count() if schedule(names, 1, seed)[0][1] == second)
        marker, self.output, self.temporary = tmp_path / "marker", tmp_path / "out", tmp_path / "temporary"
        self.temporary.mkdir()
        arguments = [
            *SMALL,
            *PATIENT,
            "--seed",
            str(seed),
            *of("numpy_scratch", "sleeps"),
            "--output",
            str(self.output),
        ]
        stderr = tmp_path / "stderr"
        with (
            stderr.open("w") as written,
            subprocess.Popen(
                [*command, *arguments, "--output", str(self.output)],
                cwd=ROOT,
                env=environment(SAMEGRAD_TEST_MARKER=str(marker), TMPDIR=str(self.temporary)),
                stdout=subprocess.PIPE,
                stderr=written,
                text=True,
            ) as process,
        ):
            wait_for(lambda: marker.exists() or process.poll() is not None)
            self.processes = [int(word) for word in marker.read_text().split()]
            process.send_signal(number)
            for word in words:
                wait_for(lambda word=word: word in stderr.read_text() or process.poll() is not None)  # type: ignore[misc]
                process.send_signal(number)
            self.left_alive = still_alive(self.processes)
            stdout, _ = process.communicate(timeout=SECONDS)
        self.run = Run(process.returncode, stdout, stderr.read_text(), self.output)


@pytest.mark.exhaustive_unless(fits=lambda number: number == signal.SIGTERM)  # Ctrl-C, once and twice: see below
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_the_first_signal_shows_and_keeps_what_was_measured_and_leaves_no_process(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    interrupted = Interrupted(tmp_path, number)
    assert interrupted.left_alive == []
    assert list(interrupted.temporary.iterdir()) == []
    found = interrupted.run
    assert found.code == code
    assert "interrupted: ending the worker and keeping what was measured" in found.stderr
    assert "Traceback" not in found.stderr
    assert found.record["ended"] == "interrupted"
    assert [sample["implementation"] for sample in found.record["samples"]] == ["numpy_scratch"]
    assert (found.row("numpy_scratch")[-1], found.row("sleeps")[-1]) == ("ok", "not run")
    assert "! incomplete: interrupted; what was measured is shown" in found.stdout
    assert "incomplete: interrupted; what was measured" in (found.output / "table.md").read_text()


def test_a_second_ctrl_c_leaves_at_once_whatever_is_going_on(tmp_path: Path) -> None:
    slow = [sys.executable, "-c", SLOW_TO_SAY.format(root=str(ROOT))]
    interrupted = Interrupted(tmp_path, signal.SIGINT, "working it out", command=slow)
    assert interrupted.run.code == 130  # it has ended, though what it was doing would have taken days
    assert interrupted.left_alive == []
    assert [s["implementation"] for s in interrupted.run.record["samples"]] == ["numpy_scratch"]


def test_ctrl_c_before_anything_was_measured_exits_130_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("shared.data.load", interrupted)
    try:
        code = compare.main([*SMALL, "--output", str(tmp_path / "out")])
    except KeyboardInterrupt:  # which would end the whole of pytest
        pytest.fail("the interruption was not caught")
    assert code == 130


def test_a_reader_that_has_read_enough_is_no_error(tmp_path: Path) -> None:
    arguments = [*COMMAND, *SMALL, *PATIENT, *of("numpy_scratch"), "--output", str(tmp_path / "out")]
    with subprocess.Popen(
        arguments, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        text = process.stderr.read()
    assert "Traceback" not in text
    assert journal.read(tmp_path / "out")["ended"] == "complete"


# ---- SIGKILL -------------------------------------------------------------------------------------------

Moment = Callable[["subprocess.Popen[bytes]", Path], object]
"""Waits, given a process and the file of its stderr, for when it is to be killed, or for its end."""


def after_seconds(seconds: float) -> Moment:
    def wait(process: "subprocess.Popen[bytes]", _: Path) -> None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)

    return wait


def after_lines(lines: int) -> Moment:
    def wait(process: "subprocess.Popen[bytes]", stderr: Path) -> None:
        wait_for(lambda: stderr.read_text().count("\n") >= lines or process.poll() is not None)

    return wait


def killed(moment: Moment, arguments: list[str], stderr: Path) -> tuple[bool, int]:
    """Run a command and kill it at some moment; return whether it was, and how many workers it had started."""
    with (
        stderr.open("wb") as written,
        subprocess.Popen(
            [*COMMAND, *arguments, *PATIENT], cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL, stderr=written
        ) as process,
    ):
        moment(process, stderr)
        process.kill()
    text = stderr.read_text()
    assert process.returncode in (0, -signal.SIGKILL), text
    return process.returncode != 0, text.count(": starting\n")


def test_kills_while_it_works_tear_nothing_and_lose_one_sample_at_most(tmp_path: Path) -> None:
    """At once, and while a later worker is at work."""
    assert kill_and_resume(tmp_path, map(after_lines, (0, 4))) == 1


@pytest.mark.exhaustive
def test_50_kills_at_random_moments_tear_nothing_and_lose_one_sample_at_most(tmp_path: Path) -> None:
    def chain(seed: int) -> int:
        moments = random.Random(seed)
        return kill_and_resume(tmp_path / str(seed), (after_seconds(moments.uniform(0.1, 1.8)) for _ in range(25)))

    with ThreadPoolExecutor(2) as pool:  # one for each of two CPUs
        assert min(pool.map(chain, (1, 2))) >= 1


def kill_and_resume(folder: Path, moments: Iterator[Moment]) -> int:
    """Begin runs, kill them at these moments and go on with them; return how many came to their end nevertheless."""
    folder.mkdir(exist_ok=True)
    names = of("numpy_scratch", "sums_in_another_order")
    output, completed, done = folder / "next", 0, 0
    for number in count():
        fresh = not (output / journal.JOURNAL).exists()
        if fresh:
            output, done = folder / str(number), 0
            arguments = [*IN_TURNS[:-3], "--rounds", "2", *names, "--output", str(output)]
        else:
            arguments = ["--resume", str(output), "--no-report", *names]
        # the last run is left alone at last, so that it comes to its end however slow the machine is
        moment = next(moments, None)
        was_killed, started = killed(moment or after_seconds(SECONDS), arguments, folder / "stderr")
        if (output / "run.json").exists():
            assert json.loads((output / "run.json").read_text())["ended"] == "complete"
        try:
            record = journal.read(output)
        except RunError:  # it was killed before the journal began: nothing had been measured
            assert was_killed
            assert started == 0
            continue
        before, done = done, len(record["references"]) + len(record["samples"])
        assert done >= before + started - was_killed, json.dumps(record, indent=1) + (folder / "stderr").read_text()
        if not was_killed:
            assert (record["ended"], done) == ("complete", 6)
            completed, done, output = completed + 1, 0, folder / "next"
            if moment is None:
                break
    return completed


# ---- Workers of a data-parallel implementation -----------------------------------------------------------


@pytest.mark.exhaustive_unless(fits=lambda stub: stub == "loses_a_worker")
@pytest.mark.parametrize("stub", ["loses_a_worker", "loses_a_worker_of_ddp"])
def test_a_worker_that_dies_costs_its_row_alone(stub: str, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    names = of("numpy_scratch", stub, "numpy_workers")
    found = run(tmp_path / "out", *SMALL, "--workers", "3", *names, env={"SAMEGRAD_TEST_MARKER": str(marker)})
    assert (found.code, found.record["ended"]) == (1, "complete")
    assert [found.row(name)[-1] for name in ("numpy_scratch", stub, "numpy_workers")] == [
        "ok",
        "crashed",
        "ok",
    ]
    assert "worker 1 was killed by SIGKILL" in found.stdout
    assert len(marker.read_text().split()) == 3
    assert still_alive([int(word) for word in marker.read_text().split()]) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_worker_outlives_the_command(number: signal.Signals, tmp_path: Path) -> None:
    marker, names = tmp_path / "marker", of("waits_with_workers")
    arguments = [*COMMAND, *SMALL, *PATIENT, "--workers", "3", *names, "--output", str(tmp_path / "out")]
    with subprocess.Popen(
        arguments,
        cwd=ROOT,
        env=environment(SAMEGRAD_TEST_MARKER=str(marker)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        wait_for(lambda: marker.exists() or process.poll() is not None)
        workers = [int(word) for word in marker.read_text().split()]
        process.send_signal(number)
        process.wait(SECONDS)
    assert len(workers) == 3
    assert still_alive(workers) == []


# ---- Turns ---------------------------------------------------------------------------------------------


@pytest.mark.exhaustive_unless(fits=lambda number: number == signal.SIGINT)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_end_during_turns_keeps_every_sample_and_a_resumed_run_takes_the_turns_alone(
    number: signal.Signals, tmp_path: Path
) -> None:
    marker, output, names = tmp_path / "marker", tmp_path / "out", of("numpy_scratch", "misbehaves_in_turns")
    env = environment(SAMEGRAD_TEST_MARKER=str(marker), SAMEGRAD_TEST_TURNS="sleeps")
    arguments = [*COMMAND, *IN_TURNS, *PATIENT, *names, "--output", str(output)]
    with subprocess.Popen(
        arguments, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        wait_for(lambda: marker.exists() or process.poll() is not None)
        worker, grandchild = (int(word) for word in marker.read_text().split())
        process.send_signal(number)
        process.wait(SECONDS)
        assert still_alive([worker]) == []
        with suppress(ProcessLookupError):  # of a parent that was killed it is nobody's
            os.kill(grandchild, signal.SIGKILL)
    before = journal.read(output)
    assert [sample["status"] for sample in before["samples"]] == ["ok", "ok"]
    assert before["turns"] == []
    found = run(output, "--resume", str(output), "--no-report", *names)
    assert (found.code, found.record["ended"]) == (0, "complete")
    assert found.record["samples"] == before["samples"]
    assert "starting" not in found.stderr
    (turns,) = found.record["turns"]
    assert (turns["implementation"], turns["status"]) == ("misbehaves_in_turns", "ok")


@pytest.mark.parametrize(
    ("mode", "status", "reason"),
    [("crashes", "crashed", "killed by SIGSEGV"), ("hangs", "timed out", "no answer within 420 s")],
)
def test_a_failure_in_turns_costs_its_row_alone(mode: str, status: str, reason: str, tmp_path: Path) -> None:
    env = {"SAMEGRAD_TEST_TURNS": mode, patience.MARKER: str(tmp_path / "hangs")}
    names = of("numpy_scratch", "misbehaves_in_turns", "sums_in_another_order")
    found = run(tmp_path / "out", *IN_TURNS, "--timeout", "7m", *names, command=IMPATIENT, env=env)
    assert (found.code, found.record["ended"]) == (1, "complete")
    assert found.row("misbehaves_in_turns")[-1] == status
    assert [found.row(name)[-1] for name in ("numpy_scratch", "sums_in_another_order")] == ["ok", "ok"]
    assert {t["implementation"]: t["status"] for t in found.record["turns"]} == {
        "misbehaves_in_turns": status,
        "sums_in_another_order": "ok",
    }
    assert reason in found.stdout


def test_one_at_a_time_no_two_live_together_also_in_a_resumed_run(tmp_path: Path) -> None:
    names = of("numpy_scratch", "sums_in_another_order")
    found = run(tmp_path / "out", *SMALL, "--budget", "0.001s", *names)
    assert found.record["ended"] == "budget"
    found = run(tmp_path / "out", "--resume", str(tmp_path / "out"), "--no-report", *names)
    assert (found.record["ended"], found.record["turns"]) == ("complete", [])
    assert "time ratio: epoch / numpy_scratch's" in found.stdout


# ---- Disks ---------------------------------------------------------------------------------------------


def test_a_disk_without_room_is_refused_before_the_first_sample(tmp_path: Path) -> None:
    limited = ["bash", "-c", 'ulimit -f 1000; exec "$@"', "limited", *COMMAND]  # in kB; a run needs more
    found = run(tmp_path / "out", *SMALL, *of("numpy_scratch"), command=limited)
    assert (found.code, found.stdout) == (2, "")
    assert re.search(
        r"--output: cannot reserve the \d MB that this run may need in .*/out: File too large", found.stderr
    )
    assert "round 1" not in found.stderr
    assert list((tmp_path / "out").iterdir()) == []


@pytest.fixture
def disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A disk of its own, mounted with the options of the test."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", request.param, "samegrad-test", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("mounting a disk is not allowed here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize(
    ("disk", "expected"),
    [("size=1m", "No space left on device"), ("size=1m,ro", "Read-only file system")],
    indirect=["disk"],
    ids=["full", "read-only"],
)
def test_a_full_and_a_read_only_disk_are_refused_before_the_first_sample(disk: Path, expected: str) -> None:
    found = run(disk / "out", *SMALL, *of("numpy_scratch"))
    assert (found.code, found.stdout) == (2, "")
    assert expected in found.stderr
    assert "round 1" not in found.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="for the superuser no folder is read-only")
def test_a_folder_that_may_not_be_written_to_is_refused_before_the_first_sample(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    found = run(tmp_path / "out", *SMALL, *of("numpy_scratch"))
    assert found.code == 2
    assert "Permission denied" in found.stderr
