"""Is a sample the same computation? Decided from the files that the workers wrote."""

from collections.abc import Mapping
from typing import Any

from shared.agreement.metrics import largest
from shared.agreement.observation import Observation, compare, disagreements, errors_of
from shared.record.files import finite
from shared.record.schema import DISAGREES, OK


def departed(observation: Observation, reference: Observation, allowed: Mapping[str, float | None]) -> set[str]:
    """Return the stages with a larger error than is allowed; ValueError if the tensors cannot be compared."""
    found = compare(observation, reference)
    limits = {stage: float("inf") if limit is None else limit for stage, limit in allowed.items()}
    return {stage for stage, worst in found.items() if disagreements({stage: worst}, limits)}


def judge(observation: Observation, reference: Observation, allowed: Mapping[str, float | None]) -> dict[str, Any]:
    """Compare an observation with the float64 reference of its round.

    Parameters
    ----------
    allowed : stage -> the largest allowed relative L2 error; None if nothing can be concluded.

    Returns
    -------
    A status, "ok" or "FAILED AGREEMENT"; the reason, if it failed; the errors of each tensor in each stage, if the
    tensors can be compared.
    """
    try:
        found = errors_of(observation, reference)
    except ValueError as error:
        return {"status": DISAGREES, "reason": str(error)}
    limits = {stage: float("inf") if limit is None else limit for stage, limit in allowed.items()}
    faults = disagreements({stage: largest(of_stage) for stage, of_stage in found.items()}, limits)
    errors: dict[str, Any] = {
        stage: {name: {metric: finite(value) for metric, value in vars(e).items()} for name, e in of_stage.items()}
        for stage, of_stage in found.items()
    }
    if faults:
        return {"status": DISAGREES, "reason": "; ".join(faults), "errors": errors}
    return {"status": OK, "errors": errors}
