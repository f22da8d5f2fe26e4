"""What crosses a boundary is data, and what cannot be shown costs nothing that was measured."""

import fcntl
import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import termios
import time
import xml.dom.minidom
from pathlib import Path

import pytest

from shared.processes import temporary
from tests.command import COMMAND, ROOT, SECONDS, SMALL, STUBS, Run, environment, inside, of, run, still_alive, wait_for

DRAWN = SMALL[1:]
"""The same with a page."""
OUTPUTS = {"run.json", "answer.md", "table.md", "table.csv", "report.html", "figures", "workers"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(tmp_path_factory.mktemp("whole") / "out", *SMALL, *of("numpy_scratch"))


def verb(*arguments: str, **env: str) -> Run:
    return run(None, *arguments, env=env)


# ---- Results of workers --------------------------------------------------------------------------------


@pytest.mark.exhaustive_unless(fits=lambda kind: kind in ("torn", "a pipe"))
@pytest.mark.parametrize("kind", ["torn", "huge", "encrypted", "nothing", "a pipe"])
def test_tensors_that_are_none_cost_their_row_alone_now_and_later(kind: str, tmp_path: Path) -> None:
    env = {"SAMEGRAD_TEST_TENSORS": kind}
    found = run(tmp_path / "out", *SMALL, *of("numpy_scratch", "saves_other_tensors"), env=env)
    assert (found.code, found.record["ended"]) == (1, "complete")
    for shown in (found, verb("show", str(found.output)), verb("--resume", str(found.output), "--no-report")):
        assert "Traceback" not in shown.stderr
        assert shown.row("numpy_scratch")[-1] == "ok"
        assert shown.row("saves_other_tensors")[-1] == "crashed"
    assert verb("diff", str(found.output), str(found.output)).code == 0


def test_a_clock_that_is_slowed_gives_no_ratio(tmp_path: Path) -> None:
    found = run(tmp_path / "out", *SMALL, *of("numpy_scratch", "slows_its_clock"))
    assert (found.code, found.row("slows_its_clock")[-1]) == (1, "implausible")
    assert re.search(r"slows_its_clock, round 1: epochs in \S+ s by its own clock, and in \S+ s by the", found.stdout)
    assert found.row("slows_its_clock")[3] == "-"


def test_a_worker_that_deletes_the_folder_costs_its_row_alone(tmp_path: Path) -> None:
    found = run(tmp_path / "out", *SMALL, "--seed", "3", *of("numpy_scratch", "deletes_its_folder", "minitorch"))
    assert (found.code, found.record["ended"]) == (1, "complete")
    assert found.row("deletes_its_folder")[-1] == "crashed"
    assert [found.row(name)[-1] for name in ("numpy_scratch", "minitorch")] == ["ok", "ok"]


def test_what_a_worker_puts_in_place_of_files_costs_its_row_alone(tmp_path: Path) -> None:
    found = run(tmp_path / "out", *SMALL, "--seed", "4", *of("numpy_scratch", "replaces_files", "minitorch"))
    assert found.record["schedule"] == [["numpy_scratch", "replaces_files", "minitorch"]]
    assert (found.code, found.record["ended"]) == (1, "complete")
    assert found.row("replaces_files")[-1] == "crashed"
    assert [found.row(name)[-1] for name in ("numpy_scratch", "minitorch")] == ["ok", "ok"]


def test_a_reference_whose_files_are_damaged_is_taken_anew(whole: Run, tmp_path: Path) -> None:
    shutil.copytree(whole.output, tmp_path / "copy")
    (tmp_path / "copy" / "run.json").write_text(json.dumps(whole.record | {"samples": [], "ended": "interrupted"}))
    for ending in ("npz", "json"):
        (tmp_path / "copy" / "workers" / f"round-1-float64-reference.{ending}").write_bytes(b"damaged")
        found = inside(tmp_path / "copy", "--resume", str(tmp_path / "copy"), "--no-report")
        assert (found.code, found.row("numpy_scratch")[-1]) == (0, "ok")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the environment of a process may not be readable")
def test_a_daemon_that_leaves_its_group_is_ended(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    env = {"SAMEGRAD_TEST_MARKER": str(marker)}
    found = run(tmp_path / "out", *SMALL, *of("leaves_a_daemon"), env=env)
    assert found.row("leaves_a_daemon")[-1] == "ok"
    assert still_alive([int(marker.read_text())]) == []


def test_a_whole_result_counts_though_its_process_does_not_end(tmp_path: Path) -> None:
    found = run(tmp_path / "out", *SMALL, *of("leaves_a_thread", "ends_slowly"))
    assert found.code == 0, found.stdout
    for name in ("leaves_a_thread", "ends_slowly"):
        assert found.row(name)[-1] == "ok"
        assert f"! {name}, round 1: its process did not end within 5 s of its result, and was stopped" in found.stdout


def test_files_beside_an_own_file_are_imported_and_relative_imports_explained(tmp_path: Path) -> None:
    files = [STUBS / "beside" / f"{name}.py" for name in ("imports_a_file_beside_it", "imports_relatively")]
    found = run(tmp_path / "out", *SMALL, *(word for file in files for word in ("-i", str(file))))
    assert found.row("imports_a_file_beside_it")[-1] == "ok"
    assert found.row("imports_relatively")[-1] == "not available"
    assert "write `from helper import ...` for a file helper.py beside it" in found.stdout
    assert "pip install" not in found.stdout


# ---- Streams -------------------------------------------------------------------------------------------


@pytest.mark.exhaustive_unless(fits=lambda redirection: redirection == "2>&1 | head -1")
@pytest.mark.parametrize("redirection", [">&-", "2>&-", ">/dev/full", "2>/dev/full", "| true", "2>&1 | head -1"])
def test_no_stream_that_is_gone_costs_a_run(redirection: str, tmp_path: Path) -> None:
    output = tmp_path / "out"
    command = [*COMMAND, *DRAWN, *of("numpy_scratch"), "--output", str(output)]
    line = f'"$@" {redirection}' if "|" not in redirection else f'("$@"; echo $? > {tmp_path}/code) {redirection}'
    shell = ["bash", "-c", line, "bash", *command]
    found = subprocess.run(shell, cwd=ROOT, env=environment(), capture_output=True, timeout=SECONDS, check=False)
    code = tmp_path / "code"
    if "|" in redirection:
        wait_for(code.exists)
    assert (int(code.read_text()) if code.exists() else found.returncode) == 0
    assert {path.name for path in output.iterdir()} >= OUTPUTS
    assert json.loads((output / "run.json").read_text())["ended"] == "complete"


@pytest.mark.parametrize("words", [["show", "RUN"], ["--help"], ["--version"], ["check", "--example"]])
def test_a_verb_that_only_prints_says_that_it_could_not(words: list[str], whole: Run) -> None:
    given = [str(whole.output) if word == "RUN" else word for word in words]
    shell = ["bash", "-c", '"$@" >/dev/full', "bash", *COMMAND, *given]
    found = subprocess.run(shell, cwd=ROOT, env=environment(), capture_output=True, timeout=SECONDS, check=False)
    assert found.returncode == 1
    assert b"error: stdout: [Errno 28] No space left on device" in found.stderr


def test_a_terminal_that_is_closed_ends_a_run_in_order(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    output, marker = tmp_path / "out", tmp_path / "marker"

    def leads() -> None:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    command = [*COMMAND, *DRAWN, "--seed", "2", *of("numpy_scratch", "sleeps"), "--output", str(output)]
    env = environment(SAMEGRAD_TEST_MARKER=str(marker))
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdin=slave, stdout=slave, stderr=slave, preexec_fn=leads)
    os.close(slave)
    deadline = time.monotonic() + SECONDS
    while not marker.exists() and time.monotonic() < deadline:
        if select.select([master], [], [], 0.1)[0]:
            os.read(master, 65536)
    os.close(master)
    assert process.wait(SECONDS) == 129
    assert json.loads((output / "run.json").read_text())["ended"] == "interrupted"
    assert {path.name for path in output.iterdir()} >= OUTPUTS


@pytest.mark.exhaustive
def test_the_backend_of_a_notebook_does_not_reach_the_figures(tmp_path: Path) -> None:
    env = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    found = run(tmp_path / "out", *DRAWN, *of("numpy_scratch"), env=env)
    assert (found.code, (found.output / "report.html").exists()) == (0, True)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every name of a file is Unicode")
@pytest.mark.exhaustive
def test_a_folder_whose_name_is_no_unicode_gets_its_page() -> None:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / os.fsdecode(b"\xff")
        found = run(output, *DRAWN, *of("numpy_scratch"))
        assert found.code == 0, found.stderr
        assert {path.name for path in output.iterdir()} >= OUTPUTS


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every name of a file is Unicode")
def test_a_file_whose_name_is_no_unicode_is_in_a_record_that_can_be_read(tmp_path: Path) -> None:
    file = tmp_path / os.fsdecode(b"\xff.py")
    file.write_text("from impls.numpy_scratch import Network\n")
    found = run(tmp_path / "out", *SMALL, "-i", str(file))
    assert (found.code, verb("show", str(found.output)).code) == (0, 0), found.stderr


@pytest.mark.parametrize("words", [["--rounds", "9" * 20], ["--threads", "9" * 20], ["--epochs", "9" * 20]])
def test_a_run_whose_record_could_not_be_read_does_not_begin(words: list[str], tmp_path: Path) -> None:
    found = inside(tmp_path / "out", *SMALL, *words, *of("numpy_scratch"))
    assert (found.code, found.stderr.count("error:")) == (2, 1)
    assert not (tmp_path / "out").exists()


def test_a_current_folder_that_is_gone_is_named(whole: Run, tmp_path: Path) -> None:
    for words, code in ((["show", str(whole.output)], 0), (["check", "mine.py"], 1)):
        (tmp_path / "gone").mkdir()
        shell = ["bash", "-c", f'cd {tmp_path}/gone && rmdir {tmp_path}/gone && "$@"', "bash", *COMMAND, *words]
        found = subprocess.run(shell, env=environment(), capture_output=True, text=True, timeout=SECONDS, check=False)
        assert found.returncode == code, found.stderr
        assert ("; the current folder is gone" in found.stderr) == (code == 1)


def test_no_name_and_no_message_commands_the_terminal(tmp_path: Path) -> None:
    file = tmp_path / "\x1b[31mred\x01.py"
    file.write_text("from impls.numpy_scratch import Network\n")
    found = run(tmp_path / "out", *DRAWN, "-i", str(file))
    broken = tmp_path / "broken.py"
    broken.write_text("raise ValueError('\\x1b[2J\\x1b[HRIGHT')\n")
    for shown in (found, verb("check", str(broken)), verb("predict", str(tmp_path / "\x1b[31m.png"))):
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", shown.stdout + shown.stderr)
    xml.dom.minidom.parse(str(found.output / "figures" / "speed.svg"))


# ---- Runs that go on -----------------------------------------------------------------------------------


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {str(p): (p.stat().st_mtime_ns, p.read_bytes()) for p in folder.rglob("*") if p.is_file()}


def test_a_complete_run_that_is_resumed_changes_no_byte(whole: Run, tmp_path: Path) -> None:
    shutil.copytree(whole.output, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / "workers")
    before = contents(tmp_path / "copy")
    found = verb("--resume", str(tmp_path / "copy"))
    assert (found.code, found.row("numpy_scratch")[-1]) == (0, "ok")
    assert contents(tmp_path / "copy") == before


def test_a_machine_that_was_updated_is_the_same_one(whole: Run, tmp_path: Path) -> None:
    shutil.copytree(whole.output, tmp_path / "copy")
    machine = whole.record["machine"]
    name, *_, kind = machine["system"].split()
    updated = machine | {"memory_bytes": machine["memory_bytes"] - 4096, "system": f"{name} 99.1-new {kind}"}
    record = whole.record | {"samples": [], "ended": "interrupted", "machine": updated}
    (tmp_path / "copy" / "run.json").write_text(json.dumps(record))
    found = inside(tmp_path / "copy", "--resume", str(tmp_path / "copy"), "--no-report")
    assert (found.code, found.record["ended"]) == (0, "complete")
    smaller = machine | {"memory_bytes": machine["memory_bytes"] // 2}
    (tmp_path / "copy" / "run.json").write_text(json.dumps(record | {"machine": smaller}))
    assert "machine.memory_bytes" in inside(tmp_path / "copy", "--resume", str(tmp_path / "copy")).stderr


def test_a_sample_that_crashed_is_taken_anew(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("import os\nfrom impls.numpy_scratch import Network\nif 'FAILS' in os.environ: os.abort()\n")
    found = run(tmp_path / "out", *SMALL, *of("numpy_scratch"), "-i", str(file), env={"FAILS": "1"})
    assert found.row("mine")[-1] == "not available"
    record = found.record
    record["samples"][-1]["status"] = "crashed"
    (found.output / "run.json").write_text(json.dumps(record))
    again = inside(found.output, "--resume", str(found.output), "-i", str(file), "--no-report")
    assert (again.code, again.row("mine")[-1]) == (0, "ok")
    assert again.sample("numpy_scratch") == found.sample("numpy_scratch")


def test_what_a_run_names_is_not_run(whole: Run, tmp_path: Path) -> None:
    shutil.copytree(whole.output, tmp_path / "copy")
    marker, code = tmp_path / "executed", tmp_path / "copy" / "numpy_scratch.py"
    code.write_text(f"open({str(marker)!r}, 'w')\nfrom impls.numpy_scratch import Network\n")
    for ended in ("complete", "interrupted"):
        options = whole.record["options"] | {"implementation": [str(code)]}
        record = whole.record | {"options": options, "ended": ended}
        (tmp_path / "copy" / "run.json").write_text(json.dumps(record))
        picture = str(ROOT / "docs" / "digits" / "seven.png")
        verb("predict", "--run", str(tmp_path / "copy"), picture)
        verb("--resume", str(tmp_path / "copy"))
    assert not marker.exists()


def test_no_folder_of_a_user_is_in_what_a_run_writes(tmp_path: Path) -> None:
    home = tmp_path / "someone"
    home.mkdir()
    for name in ("raises_in_train.py", "needs_a_missing_framework.py"):
        shutil.copy(STUBS / name, home)
    own = [word for file in home.iterdir() for word in ("-i", str(file))]
    found = run(home / "out", *DRAWN, *of("numpy_scratch"), *own)
    written = [p for p in found.output.rglob("*") if p.suffix in (".json", ".md", ".csv", ".html", ".svg")]
    assert [p for p in written if "someone" in p.read_text() and not p.name.endswith(".job.json")] == []


INTERRUPTED = """
import signal, sys
from pathlib import Path
from shared.processes import signals
from shared.record import journal
from shared.report import outputs
from shared.verbs import run

class Interrupts:
    def find_spec(self, name, path=None, target=None):
        if name == "matplotlib.rcsetup":
            sys.meta_path.remove(self)
            signal.raise_signal(signal.SIGHUP)

signals.install()
sys.meta_path.insert(0, Interrupts())
folder = Path(sys.argv[1])
run._try_to(lambda: outputs.write_page(folder, journal.read(folder)), "writing the page", quiet=True)
print(signals.received)
"""


def test_a_signal_while_the_page_is_drawn_costs_no_page(whole: Run, tmp_path: Path) -> None:
    shutil.copytree(whole.output, tmp_path / "copy")
    command = [sys.executable, "-c", INTERRUPTED, str(tmp_path / "copy")]
    found = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    assert "[1]" in found.stdout
    assert "error" not in found.stderr
    assert (tmp_path / "copy" / "report.html").exists()


def test_a_signal_before_the_first_worker_ends_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("compare.parsers", interrupt)
    found = inside(None, "show")
    assert (found.code, found.stderr) == (130, "interrupted\n")


def test_a_file_that_cannot_be_read_is_wrong_usage(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    with file.open("wb") as written:
        written.truncate(100_000_000)
    found = inside(tmp_path / "out", *SMALL, "-i", str(file))
    assert (found.code, found.stderr.count("error:")) == (2, 1)
    assert "-i: got a file that cannot be read: mine.py: found 100,000,000 bytes" in found.stderr


def test_the_search_for_a_way_to_call_a_file_ends_where_its_message_does_not(tmp_path: Path) -> None:
    file, calls = tmp_path / "mine.py", tmp_path / "calls"
    lines = ["from unittest import mock", "import numpy as np", "from shared.processes import harmless"]
    lines += ["class Net:", "    def __init__(self):"]
    lines += ["        self.W1, self.b1 = np.ones((30, 784)), np.ones((30, 1))"]
    lines += ["        self.W2, self.b2 = np.ones((10, 30)), np.ones((10, 1))", "    def forward(self, x):"]
    lines += ["        with mock.patch.object(harmless, '_folders', []):  # else what it writes goes nowhere"]
    lines += [f"            open({str(calls)!r}, 'a').write('.')", "        raise ValueError('x' * 100_000)"]
    lines += ["    def loss(self, x, y):", "        return ((self.forward(x) - y) ** 2).sum()"]
    lines += ["    def backward(self, x, y):", "        self.forward(x)"]
    file.write_text("\n".join(lines))
    found = inside(None, "check", str(file))
    assert (found.code, "ValueError: xxx" in found.stderr, len(found.stderr) < 5000) == (1, True, True)
    assert len(calls.read_text()) < 50


# ---- What is left behind -------------------------------------------------------------------------------


def test_the_next_run_clears_what_a_killed_one_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "samegrad-of-something-else").mkdir()
    lines = ["import os", "from shared.processes import temporary", "with temporary.folder() as folder:"]
    code = "\n".join([*lines, "    print(folder, flush=True)", "    os._exit(9)"])
    env = environment(TMPDIR=str(tmp_path))
    left = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    killed = Path(left.stdout.strip())
    assert killed.is_dir()
    with temporary.folder() as alive:
        assert not killed.exists()
        with temporary.folder():
            assert alive.is_dir()
    assert [path.name for path in tmp_path.iterdir()] == ["samegrad-of-something-else"]
