"""What the parent computes about a sample: errors, status, accuracy, and distances to the others of its round."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, cast

import numpy as np

from impls.numpy_scratch import Network
from shared import initial
from shared.agreement import whole_call
from shared.agreement.judgement import judge
from shared.agreement.observation import Observation, compare
from shared.agreement.several_ways import late_departures, several_ways
from shared.data import Dataset
from shared.errors import listed
from shared.measure.job import Job
from shared.measure.threads import rejection
from shared.record import files
from shared.record.arrays import ArraysError
from shared.record.schema import CRASHED, DISAGREES, IMPLAUSIBLE, OK, REJECTED, Record, Reference


class Observations:
    """The tensors that the workers of a round saved; each file is read once."""

    def __init__(self) -> None:
        self._round = 0
        self._read: dict[str, Observation] = {}
        self._whole_call: Observation | None = None
        self._written: list[tuple[int, ...]] = []
        """what the files of the reference were like when they were written"""

    def of(self, job: Job) -> Observation:
        """Return the tensors of a job; ArraysError if they are missing or cannot be read."""
        if job.round != self._round:
            self._round, self._read, self._whole_call = job.round, {}, None
        if job.label not in self._read:
            self._read[job.label] = Observation.load(job.tensors_path, job.spec)
        return self._read[job.label]

    def whole_call_of(self, job: Job) -> Observation:
        """Return the parameters of the reference after a whole call; ArraysError as `of`."""
        if job.round != self._round or self._whole_call is None:
            self._whole_call = Observation.load(job.whole_call_path, job.spec)
        return self._whole_call

    def note(self, job: Job) -> None:
        """Read the tensors of a reference that has just ended, before any other worker could change them."""
        self.of(job)
        self.whole_call_of(job)
        self._written = _states(job)

    def has(self, job: Job) -> bool:
        """Return whether the tensors of a job can be read."""
        try:
            self.of(job)
            self.whole_call_of(job)
        except ArraysError:
            return False
        return True

    def keep(self, job: Job, reference: Reference) -> None:
        """Write the files of a reference again if a worker may have changed them; those of its round read them."""
        found = self.of(job)
        if self._written != _states(job):
            if not job.tensors_path.parent.is_dir():
                files.remove(job.tensors_path.parent)
                job.tensors_path.parent.mkdir()
            for path in (job.tensors_path, job.result_path):
                if not path.is_file():  # a file stays until the new one replaces it: this process may be killed
                    files.remove(path)
            found.save(job.tensors_path)
            files.write_json(job.result_path, reference)
            self._written = _states(job)


def _states(job: Job) -> list[tuple[int, ...]]:
    """Return what differs once a file of a reference has been changed or replaced; less where one is missing."""
    found: list[tuple[int, ...]] = []
    for path in (job.tensors_path, job.result_path):
        with suppress(OSError):
            now = path.lstat()
            found.append((now.st_ino, now.st_mode, now.st_size, now.st_mtime_ns, now.st_ctime_ns))
    return found


def compare_with_reference(
    job: Job, result: dict[str, Any], reference: Reference, dataset: Dataset, observations: Observations
) -> None:
    """Add errors, status and accuracy to the result of an implementation."""
    try:
        found, expected = observations.of(job), observations.of(job.reference)
    except ArraysError as error:
        result |= {"status": CRASHED, "reason": f"saved no usable tensors: {error}"}
        return
    doubt = {key: result[key] for key in ("status", "reason")} if result["status"] == IMPLAUSIBLE else {}
    allowed = dict(cast(Mapping[str, float | None], reference["allowed"]))
    result |= judge(found, expected, allowed)
    if result["status"] == DISAGREES and (ways := _several_ways(job, found, expected, allowed, dataset)):
        del result["reason"]
        result |= judge(found, expected, allowed | dict.fromkeys(ways))
        remark = f"{listed(sorted(ways))}: rounding sends training one of several ways, so nothing can be concluded"
        result["remark"] = f"{result['remark']}; {remark}" if "remark" in result else remark
    if result["digests"] != reference["digests"]:
        start = "it did not start from the same parameters and mini-batches"
        reasons = [start, *([result["reason"]] if "reason" in result else [])]
        result |= {"status": DISAGREES, "reason": "; ".join(reasons)}
    if "predictions" in result:
        digits = np.frombuffer(result["predictions"].encode(), np.uint8) - ord("0")
        if len(digits) != len(dataset.test):
            result |= _unusable(f"{len(digits):,} predictions, expected {len(dataset.test):,}")
            return
        result["test_accuracy"] = float(np.mean(digits == dataset.test.labels))
        _compare_whole_call(job, result, reference, observations)
    elif result["status"] == OK:
        result |= _unusable("it agrees, but was not timed")
    if result["status"] == OK:
        result |= doubt
    if result["status"] == OK and (reason := rejection(result, job.threads, job.workers)):
        result |= {"status": REJECTED, "reason": reason}


def _several_ways(
    job: Job, found: Observation, expected: Observation, allowed: Mapping[str, float | None], dataset: Dataset
) -> set[str]:
    """Return the stages in which this sample departs and twins of the reference do, too, if those are all."""
    if not (off := late_departures(job.spec, found, expected, allowed)):
        return set()
    x, y = dataset.train.arrays(job.training.dtype)
    order, start = next(initial.draw_orders(job.training, len(y))), initial.draw_parameters(job.spec, job.training)
    ways = several_ways(Network, job.spec, job.training, start, x, y, order, off)
    return ways if ways == off else set()


def _compare_whole_call(job: Job, result: dict[str, Any], reference: Reference, observations: Observations) -> None:
    """Add the error after one call as long as those that are timed, and the status that it means."""
    allowed = reference.get("whole_call_allowed")
    if allowed is None:  # nothing can be concluded, or the record is older
        return
    try:
        found = Observation.load(job.whole_call_path, job.spec)
        off = compare(found, observations.whole_call_of(job.reference))[whole_call.STAGE]
    except ArraysError as error:
        result |= {"status": CRASHED, "reason": f"saved no usable tensors: {error}"}
        return
    except ValueError as error:
        result |= {"status": DISAGREES, "reason": f"after a whole call of train: {error}"}
        return
    finally:
        job.whole_call_path.unlink(missing_ok=True)
    result["whole_call_error"] = files.finite(off.error)
    if not off.error <= allowed:
        what = f"after a call of train as long as an epoch: {off.tensor} is off by {off.error:.1e}"
        result |= {"status": DISAGREES, "reason": f"{what}, allowed {allowed:.1e}, though short calls agree"}


def _unusable(why: str) -> dict[str, Any]:
    return {"status": CRASHED, "reason": f"ended without a usable result ({why})"}


def compare_with_others(job: Job, result: dict[str, Any], record: Record, observations: Observations) -> None:
    """Add, for each sample that the round already has, the worst relative L2 error to it in each stage."""
    if "errors" not in result:
        return
    result["pairs"] = {}
    for other in record["samples"]:
        if other["round"] == job.round and "errors" in other:
            # in the order of the table, whichever came first in the round
            names = sorted((job.label, other["implementation"]), key=record["implementations"].index)
            try:
                found = compare(*(observations.of(replace(job, implementation=name)) for name in names))
            except (ArraysError, ValueError):  # lost or damaged since they were compared with the reference
                continue
            result["pairs"][other["implementation"]] = {stage: files.finite(w.error) for stage, w in found.items()}
