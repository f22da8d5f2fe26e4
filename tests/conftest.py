"""Fixtures for all tests."""

import os
import signal
from pathlib import Path

import pytest

from shared.data import mnist
from shared.processes.system import SIGNALS

ROOT = Path(__file__).resolve().parents[1]
collect_ignore = [] if hasattr(os, "killpg") else ["test_survival.py", "test_other_systems.py"]
"""Tests of what signals and disks of POSIX do."""


@pytest.fixture(scope="session", autouse=True)
def signals() -> None:
    """Let Ctrl-C and its like do what they do at a terminal; a job in the background inherits that they are ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in SIGNALS:
        if number != signal.SIGINT:
            signal.signal(number, signal.SIG_DFL)


@pytest.fixture(scope="session")
def mnist_dir() -> Path:
    """Where the real MNIST files lie; without them skip, or fail where SAMEGRAD_REQUIRE_MNIST is set."""
    folder = Path(os.environ.get("SAMEGRAD_DATA") or ROOT / "data")
    if all(mnist.find(folder, file) for file in mnist.FILES):
        return folder.resolve()
    missing = f"no MNIST in {folder}: set SAMEGRAD_DATA to the folder of the four files"
    if os.environ.get("SAMEGRAD_REQUIRE_MNIST"):
        pytest.fail(missing)
    pytest.skip(missing)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """On several cores, keep together what shares a process of a framework, and else the tests of a module."""
    for item in items:
        parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        group = parameters.get("network", item.path.name)
        item.add_marker(pytest.mark.xdist_group(str(group)))
