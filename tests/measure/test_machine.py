"""Facts of the machine and of processes."""

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from shared.measure import machine
from shared.measure.system import peak_memory_bytes
from shared.processes import environment
from tests.command import SECONDS

MB = 10**6
CHILD = """
from shared.measure.system import peak_memory_bytes
ballast = bytes([1]) * {ballast}
del ballast
print(peak_memory_bytes())
"""


def peak_of_a_child(ballast: int) -> int:
    done = subprocess.run(
        [sys.executable, "-c", CHILD.format(ballast=ballast)],
        cwd=environment.ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=SECONDS,
    )
    return int(done.stdout)


def test_the_peak_memory_of_a_process_is_its_own_and_not_its_parents() -> None:
    ballast = bytes([1]) * (300 * MB)
    assert (peak_memory_bytes() or 0) > 300 * MB
    assert peak_of_a_child(ballast=0) < 100 * MB
    del ballast


def test_the_peak_memory_of_a_process_counts_what_it_has_given_back() -> None:
    assert 150 * MB < peak_of_a_child(ballast=150 * MB) < 250 * MB


def test_a_worker_is_told_its_threads_and_shown_no_gpu_whatever_the_user_has_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.setenv("OMP_NUM_THREADS", "64")
    monkeypatch.setenv("SOMETHING_ELSE", "kept")
    found = environment.worker_environment(2)
    assert {found[name] for name in environment.THREAD_VARIABLES} == {"2"}
    assert {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"} <= set(
        environment.THREAD_VARIABLES
    )
    assert found["CUDA_VISIBLE_DEVICES"] == ""
    assert found["SOMETHING_ELSE"] == "kept"


def test_versions_are_those_of_the_packages_that_a_module_imports_by_name() -> None:
    framework, plain, module = ModuleType("framework"), ModuleType("plain"), ModuleType("module")
    vars(framework)["__version__"] = "1.2"
    vars(module).update(f=framework, p=plain, number=3)
    assert machine.versions(module) == {"python": sys.version.split()[0], "framework": "1.2"}


def test_the_facts_name_neither_the_host_nor_a_path() -> None:
    facts = machine.facts()
    assert (facts["logical_cpus"] or 0) >= 1
    assert facts["memory_bytes"] > 2**28
    import platform

    assert platform.node() not in facts["system"].split()
    assert "/" not in "".join(str(value) for key, value in facts.items() if key != "cpu")


def test_outside_a_checkout_there_is_no_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert machine.git_revision() == {}


def test_the_revision_is_read_without_writing_to_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is killed while git writes its index leaves a lock."""

    def git(*arguments: str) -> None:
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a", *arguments], cwd=tmp_path, check=True)

    (tmp_path / "a.txt").write_text("a")
    for arguments in (("init", "--quiet"), ("add", "a.txt"), ("commit", "--quiet", "--message", "a")):
        git(*arguments)
    os.utime(tmp_path / "a.txt", (1, 1))  # the index has another time, which `git status` writes anew
    before = (tmp_path / ".git" / "index").read_bytes()
    monkeypatch.setattr(machine, "ROOT", tmp_path)
    assert machine.git_revision()["changed"] is False
    assert (tmp_path / ".git" / "index").read_bytes() == before
    git("status", "--porcelain")
    assert (tmp_path / ".git" / "index").read_bytes() != before
