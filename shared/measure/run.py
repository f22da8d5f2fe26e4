"""A run: every implementation in every round, one process at a time; each result is saved before the next starts."""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, cast

from shared.boundary import told
from shared.data import Dataset, snapshot
from shared.implementations import REFERENCE
from shared.measure import feature_maps, one_image
from shared.measure.comparison import Observations, compare_with_others, compare_with_reference
from shared.measure.config import RunConfig, new_record
from shared.measure.job import Job
from shared.measure.sample import failed, run_worker
from shared.measure.schedule import schedule
from shared.processes import temporary
from shared.record import gallery, workers
from shared.record.arrays import ArraysError
from shared.record.checked import CheckedError, fit_to_keep
from shared.record.journal import Journal, put, reserved
from shared.record.schema import (
    BUDGET,
    COMPLETE,
    CRASHED,
    DISAGREES,
    ERROR,
    IMPLAUSIBLE,
    INTERRUPTED,
    NOT_COMPARED,
    OK,
    RETAKEN,
    Event,
    Kind,
    Record,
    Reference,
    Sample,
)


class Listener(Protocol):
    """An object that shows the progress of a run."""

    def started(self, job: Job) -> None:
        """Show that a worker starts."""

    def event(self, job: Job, event: Event) -> None:
        """Show that a stage or an epoch has finished."""

    def finished(self, job: Job, result: dict[str, Any]) -> None:
        """Show the result of a worker."""


class Silent:
    """Shows nothing."""

    def started(self, job: Job) -> None:
        """Do nothing."""

    def event(self, job: Job, event: Event) -> None:
        """Do nothing."""

    def finished(self, job: Job, result: dict[str, Any]) -> None:
        """Do nothing."""


def jobs(config: RunConfig, data: Path, digest: str, folder: Path) -> Iterator[Job]:
    """Yield the jobs in order; each round starts with its float64 reference."""
    order = schedule(config.implementations, config.rounds, config.training.seed)
    for index, names in enumerate(order):
        training = replace(config.training, seed=config.training.seed + index)
        for name in (None, *names):
            yield Job(
                implementation=name or REFERENCE,
                round=index + 1,
                is_reference=name is None,
                spec=config.spec,
                training=training,
                threads=config.threads,
                data=str(data),
                data_digest=digest,
                folder=str(folder),
            )


def is_missing(job: Job, record: Record, observations: Observations) -> bool:
    """Return whether a job still has to run; a reference also if other jobs need its tensors and they are lost."""
    if not job.is_reference:
        return not any(s["implementation"] == job.label and s["round"] == job.round for s in _kept(record, "samples"))
    if not any(r["round"] == job.round for r in _kept(record, "references")):
        return True
    whole = sum(s["round"] == job.round for s in _kept(record, "samples")) == len(record["implementations"])
    return not whole and not observations.has(job)


def _kept(record: Record, kind: Kind) -> list[Reference] | list[Sample]:
    """Return the results that a resumed run keeps: those of workers that crashed or were stopped are taken anew."""
    return [result for result in record[kind] if result["status"] not in RETAKEN]  # type: ignore[return-value]


def execute(
    config: RunConfig, dataset: Dataset, folder: Path, listener: Listener, previous: Record | None = None
) -> Record:
    """Run everything that is missing; return the record, which is also saved as `folder`/run.json.

    Parameters
    ----------
    folder : an existing folder for this run alone.
    previous : the record of an earlier call for the same run.

    Ctrl-C or a full disk ends the run; what was measured is kept. `ended` in the record says how the run ended:
    "complete", "budget", "interrupted" or "error: ...".
    """
    of_workers = folder / workers.FOLDER
    of_workers.mkdir(exist_ok=True)
    record = previous or new_record(config, dataset)
    record["ended"] = None
    with reserved(folder):
        journal = Journal(folder, record)
        try:
            record["ended"] = _Run(config, dataset, record, journal, listener).measure(of_workers)
        finally:
            journal.close()
        try:
            record["gallery"] = gallery.collect(record, dataset, of_workers)
            if maps := feature_maps.collect(config, dataset, of_workers):
                record["gallery"]["maps"] = maps
            if steps := one_image.collect(config, dataset, of_workers):
                record["gallery"]["steps"] = steps
        except Exception as error:  # noqa: BLE001 - the page shows no pictures then
            print(f"no pictures for the page: {told(error)}", file=sys.stderr)
        try:
            journal.finish(record)
        except OSError as error:  # the journal still exists and has everything
            record["ended"] = f"{ERROR}{error}"
    return record


@dataclass(frozen=True)
class _Run:
    """A run in progress."""

    config: RunConfig
    dataset: Dataset
    record: Record
    journal: Journal
    listener: Listener
    observations: Observations = field(default_factory=Observations)

    def measure(self, folder: Path) -> str:
        """Run every missing job, with its files in this folder; return how the run ended."""
        deadline = time.monotonic() + self.config.budget
        try:
            with temporary.folder() as own:
                data = own / "data.npz"
                snapshot.save(self.dataset, data)
                for job in jobs(self.config, data, self.dataset.digest, folder):
                    if not is_missing(job, self.record, self.observations):
                        continue
                    if time.monotonic() > deadline:
                        return BUDGET
                    self.do(job)
        except KeyboardInterrupt:
            return INTERRUPTED
        except OSError as error:
            return f"{ERROR}{error}"
        return COMPLETE

    def do(self, job: Job) -> None:
        """Run a job, compare its result with the others of its round, and save it."""
        self.listener.started(job)
        if job.is_reference:
            result = self.worker(job)
            if result["status"] == OK:
                result = self.observed(job, result)
            self.keep("references", job, result)
            return
        reference = next(r for r in self.record["references"] if r["round"] == job.round)
        if reference["status"] == OK:
            self.observations.keep(job.reference, reference)
            result = self.compared(job, self.worker(job), reference)
        else:
            result = job.head | {"status": NOT_COMPARED, "reason": "the float64 reference failed"}
        self.keep("samples", job, result)

    def observed(self, job: Job, result: dict[str, Any]) -> dict[str, Any]:
        """Return the result of the reference, if its tensors can be used."""
        try:
            self.observations.note(job)
        except ArraysError as error:
            return failed(job, CRASHED, f"saved no usable tensors: {error}")
        return result

    def worker(self, job: Job) -> dict[str, Any]:
        return run_worker(job, lambda event: self.listener.event(job, event), self.config.timeout)

    def compared(self, job: Job, result: dict[str, Any], reference: Reference) -> dict[str, Any]:
        """Return the result with what the comparisons add; whatever they raise costs this result alone."""
        if result["status"] not in (OK, DISAGREES, IMPLAUSIBLE):
            return result
        try:
            compare_with_reference(job, result, reference, self.dataset, self.observations)
            compare_with_others(job, result, self.record, self.observations)
        except Exception as error:  # noqa: BLE001 - a stranger's numbers can be anything
            return failed(job, CRASHED, f"its result cannot be compared ({told(error)})")
        return result if result["status"] != CRASHED else failed(job, CRASHED, result["reason"])

    def keep(self, kind: Kind, job: Job, result: dict[str, Any]) -> None:
        try:
            fit_to_keep(kind, result, self.record)
        except CheckedError as error:
            result = failed(job, CRASHED, f"its result cannot be kept ({error})")
        kept = cast(Reference | Sample, result)
        self.journal.append(kind, kept)
        put(self.record, kind, kept)
        self.listener.finished(job, result)
