"""A task as a Dask worker runs it, in the process of the tests."""

import json
from pathlib import Path
from typing import Any

import pytest

from shared.processes import environment
from shared.sweep import plan, task
from shared.sweep.grid import AXES


def test_what_dask_sets_for_its_own_memory_does_not_reach_what_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It makes the large arrays of NumPy slower, and with them the figures."""
    given: dict[str, Any] = {**dict.fromkeys(AXES), "implementation": ["numpy_scratch"]}
    given |= {"dataset": "digits", "train_size": 60, "epochs": 1}
    how: dict[str, Any] = {"data_dir": None, "offline": True, "resume": None, "timed": False, "timeout": 60}
    found = plan.plan(given, {"seed": [1]}, [], output=tmp_path / "sweep", **how)
    seen: list[dict[str, str]] = []

    def execute(*_: Any) -> dict[str, Any]:
        seen.append(environment.worker_environment(1))
        return {}

    monkeypatch.setattr(task, "execute", execute)
    monkeypatch.setattr(task, "_dataset", lambda _: found.dataset)
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "65536")
    assert json.loads(task.work(found.tasks[0])) == {"record": {}}
    assert "MALLOC_TRIM_THRESHOLD_" not in seen[0]
    assert seen[0]["OMP_NUM_THREADS"] == "1"
