"""Is a sample the same computation, and was it taken as it was asked for? Worked out from what the workers left."""

from collections.abc import Mapping
from typing import Any, Final

from shared.agreement.metrics import largest
from shared.agreement.observation import Observation, disagreements, errors_of
from shared.record.files import finite

CPU_TOLERANCE: Final = 1.25
"""More CPU time a second of wall time than this, times the threads asked for, and there were more threads."""


def judge(observation: Observation, reference: Observation, allowed: Mapping[str, float | None]) -> dict[str, Any]:
    """Hold an observation to the float64 reference of its round.

    Parameters
    ----------
    allowed : stage -> the largest relative L2 error; None where nothing can be concluded.

    Returns
    -------
    A status, "ok" or "FAILED AGREEMENT"; the reason, if it failed; the errors of each tensor, stage by stage, as far
    as the tensors can be compared at all.
    """
    try:
        found = errors_of(observation, reference)
    except ValueError as error:
        return {"status": "FAILED AGREEMENT", "reason": str(error)}
    limits = {stage: float("inf") if limit is None else limit for stage, limit in allowed.items()}
    faults = disagreements({stage: largest(errors) for stage, errors in found.items()}, limits)
    told: dict[str, Any] = {
        stage: {name: {metric: finite(value) for metric, value in vars(e).items()} for name, e in errors.items()}
        for stage, errors in found.items()
    }
    if faults:
        return {"status": "FAILED AGREEMENT", "reason": "; ".join(faults), "errors": told}
    return {"status": "ok", "errors": told}


def rejection(sample: Mapping[str, Any], threads: int) -> str | None:
    """Return why a sample was not taken with the threads that were asked for; None if it was."""
    others = [f"{pool} with {n}" for pool, n in sample.get("threads", {}).items() if n != threads]
    if others:
        return f"asked for {_threads(threads)}, it ran {', '.join(others)}"
    epochs = sample.get("epochs", [])
    wall, cpu = (sum(epoch[clock] for epoch in epochs) for clock in ("wall_ns", "cpu_ns"))
    # What a library says of its threads may be only what it was told; the time it used is what it did.
    if cpu > CPU_TOLERANCE * threads * wall:
        return f"asked for {_threads(threads)}, it used {cpu / wall:.1f} seconds of CPU time a second"
    return None


def _threads(n: int) -> str:
    return f"{n} thread{'s' * (n != 1)}"
