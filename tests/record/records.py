"""A record that nothing contradicts, and results of workers that failed: the least that a record may have."""

from functools import cache
from typing import Any

from shared.data import digits
from shared.implementations import REFERENCE_LABEL
from shared.measure.config import RunConfig, new_record
from shared.spec import NetworkSpec, TrainingSpec

NAMES = ("a", "b", "c")


@cache
def _head() -> Any:
    config = RunConfig(NAMES, NetworkSpec(), TrainingSpec(epochs=1), rounds=2, threads=1, command=(), baseline="a")
    return new_record(config, digits.load())


def head(**more: Any) -> Any:
    """Return the record of a run of a, b and c before anything has been measured."""
    return dict(_head()) | {"references": [], "samples": []} | more


def result(name: str, round_: int = 1, **more: Any) -> Any:
    """Return the result of a worker that crashed."""
    return {"implementation": name, "round": round_, "seed": 1, "status": "crashed", **more}


def reference(round_: int = 1, **more: Any) -> Any:
    """Return the result of the reference, which crashed."""
    return result(REFERENCE_LABEL, round_, **more)
