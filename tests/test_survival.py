"""No fault of a worker, and no end of the command, costs what has been measured."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

import compare
from shared.measure.schedule import schedule
from shared.measure.threads import CPU_TOLERANCE
from shared.record import journal
from shared.record.journal import RunError
from tests.command import COMMAND, ROOT, SECONDS, SMALL, STUBS, Run, environment, of, run, still_alive

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
    "runs_out_of_memory": ("crashed", "exit status 1", "MemoryError"),
    "floods_stderr": ("crashed", "exit status 1", "RuntimeError: planted after a flood"),
    "loops_for_ever": ("timed out", "no stage or epoch finished within 3 s after 'gradients'", "in train"),
    "hangs": ("timed out", "no stage or epoch finished within 3 s after 'gradients'", "in train"),
    "says_other_threads": ("rejected", "1 thread requested, but it ran library with 4", None),
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
    arguments = [*SMALL, "--timeout", "3s", *of("numpy_scratch", "leaves_a_grandchild", *CRASHES)]
    folder = tmp_path_factory.mktemp("crashes")
    return run(folder / "out", *arguments, env={"SAMEGRAD_TEST_MARKER": str(folder / "grandchild")})


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
    assert status == "rejected" or set(cells[1:-1]) == {"-"}
    markdown = (crashes.output / "table.md").read_text()
    for text in (crashes.stdout, markdown):
        assert reason in text
    complaints = [line for line in crashes.stdout.splitlines() if line.startswith(f"! {stub}, round 1, stderr:")]
    assert len(complaints) <= 20
    assert complaint is None or any(complaint in line for line in complaints)


def test_what_is_rejected_has_figures_and_no_ratio(crashes: Run) -> None:
    headers = ["name", "accuracy", "to baseline", "images", "epoch", "ratio", "verdict"]
    cells = dict(zip(headers, crashes.row("says_other_threads"), strict=False))
    assert (cells["to baseline"], cells["ratio"], cells["verdict"]) == ("-", "-", "-")
    assert float(cells["epoch"]) > 0


def test_a_thread_that_works_beside_the_one_that_was_asked_for_is_found_out(tmp_path: Path) -> None:
    found = run(tmp_path / "out", "--dataset", "digits", "--epochs", "100", "--rounds", "1", *of("uses_more_threads"))
    epochs = found.sample("uses_more_threads")["epochs"]
    used = sum(epoch["cpu_ns"] for epoch in epochs) / sum(epoch["wall_ns"] for epoch in epochs)
    if used < CPU_TOLERANCE:
        pytest.skip(f"this machine let the two threads have {used:.1f} CPUs only")
    assert found.row("uses_more_threads")[-1] == "rejected"
    assert f"1 thread requested, but it used {used:.1f} CPU seconds per second" in found.stdout
    assert found.code == 1


def test_a_worker_killed_by_a_signal_without_a_name_is_a_crash_too(tmp_path: Path) -> None:
    found = run(tmp_path / "out", *SMALL, *of("killed_by_signal_without_a_name"))
    assert found.code == 1
    assert "Traceback" not in found.stderr
    assert found.row("killed_by_signal_without_a_name")[-1] == "crashed"


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


def test_a_user_file_that_needs_what_is_not_installed_says_so(tmp_path: Path, plain: Run) -> None:
    found = run(tmp_path / "out", *SMALL, *of("needs_a_missing_framework", "numpy_scratch"))
    assert found.code == 1
    assert found.row("needs_a_missing_framework")[-1] == "not available"
    assert "pip install -c constraints.txt framework_that_is_not_there" in found.stdout
    assert found.row("numpy_scratch")[1] == plain.row("numpy_scratch")[1]


# ---- Interruption --------------------------------------------------------------------------------------

SLOW_TO_SAY = """
import sys, time
sys.path.insert(0, {root!r})
import compare
from shared.processes import signals
from shared.report import tables
tables.document = lambda record: time.sleep(60)
signals.install()
sys.exit(compare.main(sys.argv[1:]))
"""


class Interrupted:
    """A run that has been sent signals while its second implementation trains."""

    def __init__(self, tmp_path: Path, *numbers: signal.Signals, command: list[str] = COMMAND) -> None:
        second = str(STUBS / "sleeps.py")
        names = ("numpy_scratch", second)
        seed = next(seed for seed in count() if schedule(names, 1, seed)[0][1] == second)
        marker, self.output, self.temporary = tmp_path / "marker", tmp_path / "out", tmp_path / "temporary"
        self.temporary.mkdir()
        arguments = [*SMALL, "--seed", str(seed), *of("numpy_scratch", "sleeps"), "--output", str(self.output)]
        with subprocess.Popen(
            [*command, *arguments],
            cwd=ROOT,
            env=environment(SAMEGRAD_TEST_MARKER=str(marker), TMPDIR=str(self.temporary)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            deadline = time.monotonic() + SECONDS
            while not marker.exists() and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.02)
            self.processes = [int(word) for word in marker.read_text().split()]
            for index, number in enumerate(numbers):
                time.sleep(0.3 * (index > 0))  # two that come at once are one to the system
                start = time.monotonic()
                process.send_signal(number)
            self.alive_after_3_seconds = still_alive(self.processes, within=3)
            stdout, stderr = process.communicate(timeout=SECONDS)
            self.seconds = time.monotonic() - start
        self.run = Run(process.returncode, stdout, stderr, self.output)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_the_first_signal_shows_and_keeps_what_was_measured_and_leaves_no_process(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    interrupted = Interrupted(tmp_path, number)
    assert interrupted.alive_after_3_seconds == []
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
    interrupted = Interrupted(tmp_path, signal.SIGINT, signal.SIGINT, command=slow)
    assert interrupted.run.code == 130
    assert interrupted.seconds < 0.5
    assert interrupted.alive_after_3_seconds == []
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
    arguments = [*COMMAND, *SMALL, *of("numpy_scratch"), "--output", str(tmp_path / "out")]
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

KILLS = 50


def killed_after(seconds: float, arguments: list[str]) -> tuple[bool, int]:
    """Run a command and kill it after so many seconds; return whether it was, and how many workers it had started."""
    with subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        assert process.stderr is not None
        text = process.stderr.read()
    assert process.returncode in (0, -signal.SIGKILL), text
    return process.returncode != 0, text.count(": starting\n")


def test_50_kills_at_random_moments_tear_nothing_and_lose_one_sample_at_most(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:  # one for each of two CPUs
        completed = pool.map(lambda chain: kill_and_resume(tmp_path / chain, KILLS // 2, seed=int(chain)), "12")
    assert min(completed) >= 1


def kill_and_resume(folder: Path, n_kills: int, seed: int) -> int:
    """Begin runs, kill them and go on with them, so many times; return how many came to their end nevertheless."""
    moments = random.Random(seed)
    names = of("numpy_scratch", "sums_in_another_order")
    kills = completed = 0
    output, done = folder / "0", 0
    while True:
        fresh = not (output / journal.JOURNAL).exists()
        if fresh:
            output, done = folder / str(kills), 0
            arguments = [*SMALL[:-3], "--rounds", "2", *names, "--output", str(output)]
        else:
            arguments = ["--resume", str(output)]
        # the last run is left alone at last, so that it comes to its end however slow the machine is
        killed, started = killed_after(moments.uniform(0.1, 1.8) if kills < n_kills else SECONDS, arguments)
        kills += killed
        if (output / "run.json").exists():
            assert json.loads((output / "run.json").read_text())["ended"] == "complete"
        try:
            record = journal.read(output)
        except RunError:  # it was killed before the journal began: nothing had been measured
            assert killed
            assert started == 0
            continue
        before, done = done, len(record["references"]) + len(record["samples"])
        assert done >= before + started - killed
        if not killed:
            assert (record["ended"], done) == ("complete", 6)
            completed, done, output = completed + 1, 0, folder / "next"
            if kills >= n_kills:
                return completed


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
