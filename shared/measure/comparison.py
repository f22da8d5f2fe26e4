"""What the parent finds out about a sample by itself: errors, status, accuracy, how far the others of its round are."""

from dataclasses import replace
from typing import Any

import numpy as np

from shared.agreement.judgement import judge
from shared.agreement.observation import Observation, compare
from shared.data import Dataset
from shared.measure.job import Job
from shared.measure.threads import rejection
from shared.record import files
from shared.record.parameters import DAMAGED
from shared.record.schema import CRASHED, DISAGREES, OK, REJECTED, Record, Reference


class Observations:
    """The tensors that the workers of a round have left, each file read once."""

    def __init__(self) -> None:
        self._round = 0
        self._read: dict[str, Observation] = {}

    def of(self, job: Job) -> Observation:
        """Return those of a job; one of `DAMAGED` is raised where they are gone, or cannot be read."""
        if job.round != self._round:
            self._round, self._read = job.round, {}
        if job.label not in self._read:
            self._read[job.label] = Observation.load(job.tensors_path)
        return self._read[job.label]


def compare_with_reference(
    job: Job, result: dict[str, Any], reference: Reference, dataset: Dataset, observations: Observations
) -> None:
    """Add to the result of an implementation its errors, its status and its accuracy."""
    try:
        found, expected = observations.of(job), observations.of(job.reference)
    except DAMAGED as error:
        result |= {"status": CRASHED, "reason": f"left no readable tensors ({error})", "stderr": []}
        return
    result |= judge(found, expected, reference["allowed"])
    if result["digests"] != reference["digests"]:
        start = "it did not start from the same parameters and mini-batches"
        reasons = [start, *([result["reason"]] if "reason" in result else [])]
        result |= {"status": DISAGREES, "reason": "; ".join(reasons)}
    if "predictions" in result:
        digits = np.frombuffer(result["predictions"].encode(), np.uint8) - ord("0")
        if len(digits) != len(dataset.test):
            result |= _unusable(f"{len(digits):,} predictions, expected {len(dataset.test):,}")
            del result["epochs"]
            return
        result["test_accuracy"] = float(np.mean(digits == dataset.test.labels))
    elif result["status"] == OK:
        result |= _unusable("was not timed, although it agrees")
    if result["status"] == OK and (reason := rejection(result, job.threads)):
        result |= {"status": REJECTED, "reason": reason}


def _unusable(why: str) -> dict[str, Any]:
    return {"status": CRASHED, "reason": f"ended without a usable result ({why})", "stderr": []}


def compare_with_others(job: Job, result: dict[str, Any], record: Record, observations: Observations) -> None:
    """Add, for each other sample that the round already has, the worst relative L2 error of each stage to it."""
    if "errors" not in result:
        return
    result["pairs"] = {}
    for other in record["samples"]:
        if other["round"] == job.round and "errors" in other:
            # from the first to the second of the table, whichever came first in the round
            names = sorted((job.label, other["implementation"]), key=record["implementations"].index)
            try:
                found = compare(*(observations.of(replace(job, implementation=name)) for name in names))
            except DAMAGED:  # they are gone, or damaged, since they were judged
                continue
            result["pairs"][other["implementation"]] = {stage: files.finite(w.error) for stage, w in found.items()}
