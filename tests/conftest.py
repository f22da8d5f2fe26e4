"""Fixtures for all tests."""

import os
import re
import signal
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from shared.processes.environment import thread_environment

# Before NumPy is imported: tests run side by side, and threads of a BLAS that wait for small products burn CPU.
os.environ.update(thread_environment(1))
# Hundreds of processes start here: where it is set, each of them would compile every module of the project anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

from shared import implementations
from shared.data import mnist
from shared.processes.system import SIGNALS

ROOT = Path(__file__).resolve().parents[1]
collect_ignore = [] if hasattr(os, "killpg") else ["test_survival.py", "test_boundaries.py", "test_other_systems.py"]
"""Tests of what signals and disks of POSIX do."""

# How long an example takes says how busy the machine is, and nothing of what is tested.
settings.register_profile("samegrad", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("samegrad")


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


def fits(item: pytest.Item, name: str) -> bool:
    """Return whether the parameters of a test fit all its marks of this name, each a function of some of them."""
    conditions = [mark.kwargs["fits"] for mark in item.iter_markers(name)]
    parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    return all(condition(**{p: parameters[p] for p in signature(condition).parameters}) for condition in conditions)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is not worth trying, and mark what is exhaustive."""
    left_out = [item for item in items if not fits(item, "only_if")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]
    for item in items:
        if not fits(item, "exhaustive_unless"):
            item.add_marker("exhaustive")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return one more process than there are CPUs: many tests wait for a command or for a time to be over."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """On several cores, keep together what shares the process of an implementation, and else the tests of a module.

    The marks of xdist that say so have no effect since pytest 9.2: xdist 3.8 writes them into a name that is not read.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return group(nodeid)

    return ByGroup(config, log) if config.getvalue("dist") == "loadgroup" else None


def group(nodeid: str) -> str:
    """Return the implementation that a test of `tests/impls` asks, as the name of the test has it, or the module.

    The modules that load JAX's libraries are one, so that one process loads them.
    """
    module, _, rest = nodeid.partition("::")
    if module.startswith("tests/ports/test_jax_"):
        return "tests/ports/test_jax"
    asked = set(re.split(r"[\[\]-]", rest)).intersection(implementations.names())
    return min(asked) if asked and module.startswith("tests/impls/") else module
