"""Every command, with what Windows has and no more: tests/stubs/no_posix hides the rest from our modules."""

import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import compare
from shared.processes.environment import ROOT
from tests import patience
from tests.command import COMMAND, IMPATIENT, SECONDS, SMALL, STUBS, Run, environment, of, run, still_alive, wait_for

HIDDEN = {"PYTHONPATH": str(STUBS / "no_posix"), "PYTHONWARNDEFAULTENCODING": "1"}
EXAMPLE = (ROOT / "shared" / "diagnosis" / "example.py").read_text(encoding="utf-8")


def command(*arguments: str, output: Path | None = None, marker: Path | None = None) -> Run:
    return run(output, *arguments, env=HIDDEN | marked(marker))


def marked(marker: Path | None) -> dict[str, str]:
    """Return the environment in which a stub says in this file whom it has started."""
    return {"SAMEGRAD_TEST_MARKER": str(marker)} if marker else {}


def python(code: str) -> str:
    """Run Python code where our modules find what Windows has."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(**HIDDEN), capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def check(folder: Path, source: str, *options: str) -> Run:
    (folder / "mine.py").write_text(source, encoding="utf-8")
    return command("check", str(folder / "mine.py"), *options)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    small = ("--quick", "--dataset", "digits", "--train-size", "100", "--offline", "--no-report")
    output = tmp_path_factory.mktemp("other") / "out"
    return command(*small, *of("numpy_scratch", "minitorch"), output=output)


# ---- What is absent -------------------------------------------------------------------------------------


def test_our_modules_find_nothing_that_windows_has_not() -> None:
    names = """
import os, signal
from shared.processes import calls, child, system
from shared.measure import system as measured
print(hasattr(os, "killpg"), hasattr(signal, "SIGKILL"))
print(hasattr(system.os, "killpg"), hasattr(system.signal, "SIGKILL"), system.HAS_GROUPS, len(system.SIGNALS))
print(system.reserve(0, 1))
print(system.to_copy(["show", "my results"]))
print(measured.peak_memory_bytes(), measured.involuntary_switches(), hasattr(measured.signal, "setitimer"))
"""
    assert python(names).splitlines() == [
        "True True",
        "False False False 2",
        "False",
        'show "my results"',
        "None None False",
    ]


def test_every_verb_has_its_help() -> None:
    helps = """
import compare
for verb in compare.VERBS:
    try:
        compare.main([verb, "--help"])
    except SystemExit as end:
        assert end.code == 0
"""
    assert python(helps).count("usage: compare.py") == len(compare.VERBS)


# ---- A run ----------------------------------------------------------------------------------------------


def test_a_run_has_its_tables_without_what_the_system_does_not_tell(done: Run) -> None:
    assert done.code == 0, done.stderr
    assert [done.row(name)[-1] for name in ("numpy_scratch", "minitorch")] == ["ok", "ok"]
    for sample in done.record["samples"]:
        assert (sample["peak_memory_bytes"], sample["noise"]["switches_per_second"]) == (None, None)
        assert sample["sections"] == {}
    assert not (done.output / "journal.jsonl").exists()


@pytest.mark.exhaustive
def test_what_is_kept_of_it_is_read_and_made_again(done: Run, tmp_path: Path) -> None:
    assert command("show", str(done.output)).stdout == done.stdout
    assert command("report", str(done.output)).code == 0
    assert (done.output / "report.html").exists()
    assert command("diff", str(done.output), str(done.output)).code == 0
    assert command("--resume", str(done.output), "--no-report").code == 0
    reading = command("read", "-i", "numpy_scratch", "--no-open", "--output", str(tmp_path / "read.html"))
    assert reading.code == 0, reading.stderr
    seven = command("predict", str(ROOT / "docs" / "digits" / "seven.png"), "--run", str(done.output))
    assert seven.code == 0, seven.stderr
    assert "minitorch" in seven.stdout


def test_ctrl_c_keeps_what_was_measured_and_a_worker_that_hangs_is_ended(tmp_path: Path) -> None:
    marker, output = tmp_path / "marker", tmp_path / "out"
    env = HIDDEN | marked(marker)
    arguments = [*COMMAND, *SMALL, *of("numpy_scratch", "sleeps"), "--output", str(output)]
    with subprocess.Popen(arguments, cwd=ROOT, env=environment(**env), stdout=-1, stderr=-1, encoding="utf-8") as found:
        processes = started(marker, found)
        found.send_signal(signal.SIGINT)
        _, errors = found.communicate(timeout=SECONDS)
    assert (found.returncode, "interrupted: ending the worker" in errors) == (130, True)
    assert still_alive(processes) == []
    marker.unlink()
    arguments = ["--resume", str(output), *of("sleeps"), "--timeout", "2s", "--no-report"]
    again = command(*arguments, output=output, marker=marker)
    assert (again.code, again.row("numpy_scratch")[-1], again.row("sleeps")[-1]) == (1, "ok", "timed out")
    assert "in train" in again.stdout
    assert still_alive(started(marker)) == []


def started(marker: Path, by: "subprocess.Popen[Any] | None" = None) -> list[int]:
    """Return the processes that a stub names, once it has, unless the process that runs it has ended without."""
    wait_for(lambda: marker.exists() or (by is not None and by.poll() is not None))
    return [int(word) for word in marker.read_text(encoding="utf-8").split()]


def test_who_is_left_behind_by_a_worker_that_has_ended_is_ended(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    arguments = (*SMALL, *of("leaves_a_grandchild"))
    assert command(*arguments, output=tmp_path / "out", marker=marker).code == 0
    assert still_alive(started(marker)) == []


# ---- Proofs ---------------------------------------------------------------------------------------------


def test_agree_and_lockstep_answer() -> None:
    agreed = command("agree", "-i", "minitorch", "--dataset", "digits", "--dtype", "float32")
    assert (agreed.code, "4 gradient tensors: 4 rounding" in agreed.stdout) == (0, True), agreed.stderr
    assert command("lockstep", "-i", "minitorch", "--steps", "5", "--dataset", "digits").code == 0


def test_check_names_a_mistake_and_the_line_of_a_loop_without_end(tmp_path: Path) -> None:
    wrong = check(tmp_path, EXAMPLE.replace("delta.sum(axis=0)", "delta.mean(axis=0)"))
    assert (wrong.code, "WRONG: bias gradient is a mean" in wrong.stdout) == (4, True)
    line = "    a = activations(parameters, x)\n    n, n_out"
    marker = tmp_path / "hangs"
    loop = f"    from tests.stubs.hanging import hangs\n    hangs({str(marker)!r})\n    while True: x = x + 0\n"
    (tmp_path / "mine.py").write_text(EXAMPLE.replace(line, loop + line), encoding="utf-8")
    env = HIDDEN | {patience.MARKER: str(marker)}
    hangs = run(None, "check", str(tmp_path / "mine.py"), "--timeout", "7m", command=IMPATIENT, env=env)
    assert (hangs.code, "no answer within 420 s" in hangs.stdout) == (4, True)
    assert re.search(r"look at line \d+: while True", hangs.stdout)


def test_what_is_right_is_told_so_and_who_it_has_started_is_ended(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    start = "import subprocess\nfrom pathlib import Path\n"
    first = f"    if not Path({str(marker)!r}).exists():\n        child = subprocess.Popen(['sleep', '600'])\n"
    first += f"        Path({str(marker)!r}).write_text(str(child.pid))\n"
    line = "    a = activations(parameters, x)\n    n, n_out"
    right = check(tmp_path, start + EXAMPLE.replace(line, first + line))
    assert (right.code, "RIGHT: all 13 checks passed" in right.stdout) == (0, True), right.stderr
    assert still_alive(started(marker)) == []


def test_a_process_at_work_ends_with_its_parent(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    code = f"""
import os, time
from pathlib import Path
from shared.processes.calls import CallProcess
from tests.processes.test_calls import NUMPY, pid, sleep
process = CallProcess(NUMPY).loaded()
there = process.call(pid)
process.ask(sleep)
Path({str(marker)!r}).write_text(str(there))
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environment(**HIDDEN)) as parent:
        (child,) = started(marker, parent)
        parent.kill()
    assert still_alive([child]) == []
