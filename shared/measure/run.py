"""A run: every implementation in every round, one process at a time, each result on the disk before the next starts."""

import random
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol
from zipfile import BadZipFile

import numpy as np

from shared import implementations
from shared.agreement.judgement import judge, rejection
from shared.agreement.observation import Observation, compare
from shared.agreement.tolerances import TOLERANCES
from shared.data import Dataset, snapshot
from shared.implementations import REFERENCE, label
from shared.measure import machine
from shared.measure.job import Job
from shared.measure.sample import Event, run_worker
from shared.record import files, gallery
from shared.record.journal import SCHEMA_VERSION, Journal, Record, reserved
from shared.spec import NetworkSpec, TrainingSpec

CONFIGURATION: Final = (
    "implementations",
    "baseline",
    "network",
    "training",
    "rounds",
    "threads",
    "dataset",
    "machine",
)
"""The keys of a record that say what was run on what."""
BYTES_OF_A_RESULT: Final = 1 << 17
"""What a worker's result and its line in the journal take at most, apart from tensors."""
TENSORS_OF_A_RESULT: Final = 7
"""Copies of the parameters, as large as float64 makes them: six in an observation, and what has been learnt."""
BYTES_OF_ACTIVATIONS: Final = 4
"""That one takes, of those of every test image that the first round leaves."""
BYTES_OF_THE_PAGE: Final = 1 << 22
"""What page, figures and what the record keeps for them take at most."""


@dataclass(frozen=True)
class RunConfig:
    """What is run."""

    implementations: tuple[str, ...]
    spec: NetworkSpec
    training: TrainingSpec
    """of the first round; each further round adds 1 to the seed"""
    rounds: int
    threads: int
    command: tuple[str, ...]
    """the arguments, for the record"""
    baseline: str = REFERENCE
    """the implementation that ratios and differences are to"""
    named: bool = False
    """whether the implementations were asked for by name, so that one that is not available is a failure"""
    sources: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    """label -> the "text" of the implementation's source, and its "base", for the record"""
    options: Mapping[str, Any] | None = None
    """the options by which the run can be asked for again"""
    budget: float = float("inf")
    """seconds; no worker starts after so many"""
    timeout: float = 300
    """seconds; a worker that ends no stage and no epoch for so long is ended"""


class Listener(Protocol):
    """Somebody who shows what is going on."""

    def started(self, job: Job) -> None:
        """Take note that a worker starts."""

    def event(self, job: Job, event: Event) -> None:
        """Take note of a stage or an epoch that ended."""

    def finished(self, job: Job, result: dict[str, Any]) -> None:
        """Take note of a worker's result."""


class Silent:
    """Shows nothing."""

    def started(self, job: Job) -> None:
        """Do nothing."""

    def event(self, job: Job, event: Event) -> None:
        """Do nothing."""

    def finished(self, job: Job, result: dict[str, Any]) -> None:
        """Do nothing."""


def schedule(implementations: tuple[str, ...], rounds: int, seed: int) -> list[list[str]]:
    """Return the order of the implementations in each round: shuffled by the seed, and reversed in even rounds.

    What slows the machine over time, or an implementation's neighbour, then hits no implementation always.
    """
    shuffled = random.Random(seed)
    order: list[list[str]] = []
    for index in range(rounds):
        if index % 2:
            order.append(order[-1][::-1])
        else:
            order.append(shuffled.sample(implementations, len(implementations)))
    return order


def jobs(config: RunConfig, data: Path, digest: str, folder: Path) -> Iterator[Job]:
    """Yield the jobs in order; a round starts with its float64 reference."""
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


def new_record(config: RunConfig, dataset: Dataset) -> Record:
    """Return the record of a run of which nothing has been measured yet."""
    order = schedule(config.implementations, config.rounds, config.training.seed)
    return {
        "schema_version": SCHEMA_VERSION,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "ended": None,
        "command": list(config.command),
        "options": dict(config.options or {}),
        "implementations": [label(name) for name in config.implementations],
        "named": config.named,
        "baseline": config.baseline,
        "network": asdict(config.spec)
        | {
            "sizes": list(config.spec.sizes),
            "parameter_count": config.spec.parameter_count,
            "title": str(config.spec),
        },
        "training": asdict(config.training) | {"title": str(config.training)},
        "rounds": config.rounds,
        "schedule": [[label(name) for name in names] for names in order],
        "threads": config.threads,
        "device": "cpu",
        "dataset": {
            "name": dataset.name,
            "title": dataset.title,
            "digest": dataset.digest,
            "sizes": [len(dataset.train), len(dataset.validation), len(dataset.test)],
        },
        "tolerance": TOLERANCES[config.training.dtype].limit,
        "known": implementations.names(),
        "defaults": implementations.defaults(),
        "sources": {name: dict(source) for name, source in config.sources.items()},
        "machine": machine.facts(),
        "git": machine.git_revision(),
        "references": [],
        "samples": [],
    }


def differences(a: Record, b: Record, keys: tuple[str, ...] = CONFIGURATION) -> list[str]:
    """Return a line for each part of these keys in which two records differ: what, in `a` and in `b`."""
    lines = []
    for key in keys:
        one, other = ({"": part} if not isinstance(part := r.get(key), dict) else part for r in (a, b))
        for part in one | other:
            if part != "title" and one.get(part) != other.get(part):
                name = f"{key}.{part}" if part else key
                lines.append(f"{name}: {one.get(part)} and {other.get(part)}")
    return lines


def bytes_needed(config: RunConfig, test_images: int) -> int:
    """Return what a run writes at most to its folder, if no worker complains at length."""
    workers = config.rounds * (len(config.implementations) + 1)
    activations = len(config.implementations) * test_images * config.spec.sizes[-1] * BYTES_OF_ACTIVATIONS
    results = workers * (BYTES_OF_A_RESULT + TENSORS_OF_A_RESULT * 8 * config.spec.parameter_count)
    return results + activations + BYTES_OF_THE_PAGE


def is_missing(job: Job, record: Record) -> bool:
    """Return whether a job has still to be done; a reference too, if its files are gone and others need them."""
    if not job.is_reference:
        return not any(s["implementation"] == job.label and s["round"] == job.round for s in record["samples"])
    if not any(r["round"] == job.round for r in record["references"]):
        return True
    whole = sum(s["round"] == job.round for s in record["samples"]) == len(record["implementations"])
    return not whole and not (job.tensors_path.exists() and job.result_path.exists())


def execute(
    config: RunConfig, dataset: Dataset, folder: Path, listener: Listener, previous: Record | None = None
) -> Record:
    """Run everything that is missing; return the record, which `folder`/run.json then holds.

    Parameters
    ----------
    folder : exists, and is the run's own.
    previous : what an earlier call has measured of this very run.

    Ctrl-C ends the worker at work, a full disk the run; what has been measured is kept. The record's `ended` says how
    the run did: "complete", "budget", "interrupted" or "error: ...".
    """
    workers = folder / "workers"
    workers.mkdir(exist_ok=True)
    record = previous or new_record(config, dataset)
    record["ended"] = None
    deadline = time.monotonic() + config.budget
    with reserved(folder), tempfile.TemporaryDirectory(prefix="samegrad-") as temporary:
        journal = Journal(folder, record)
        try:
            data = Path(temporary) / "data.npz"
            snapshot.save(dataset, data)
            record["ended"] = "complete"
            for job in jobs(config, data, dataset.digest, workers):
                if not is_missing(job, record):
                    continue
                if time.monotonic() > deadline:
                    record["ended"] = "budget"
                    break
                _do(job, config, dataset, record, journal, listener)
        except KeyboardInterrupt:
            record["ended"] = "interrupted"
        except OSError as error:
            record["ended"] = f"error: {error}"
        finally:
            journal.close()
        try:
            record["gallery"] = gallery.collect(record, dataset, workers)
            journal.finish(record)
        except OSError as error:  # the journal is still there, and has everything
            record["ended"] = f"error: {error}"
    return record


def _do(job: Job, config: RunConfig, dataset: Dataset, record: Record, journal: Journal, listener: Listener) -> None:
    """Do a job, judge its result and keep it."""
    kind = "references" if job.is_reference else "samples"
    listener.started(job)
    reference = next((r for r in record["references"] if r["round"] == job.round and not job.is_reference), None)
    if reference is not None and reference["status"] != "ok":
        who = {"implementation": job.label, "round": job.round, "seed": job.training.seed}
        result = who | {"status": "not compared", "reason": "the float64 reference failed"}
    else:
        result = run_worker(job, lambda event: listener.event(job, event), config.timeout)
    if reference is not None and result["status"] in ("ok", "FAILED AGREEMENT"):
        _judge(job, result, reference, dataset)
        _compare_with_others(job, result, record)
    journal.append(kind, result)
    record[kind] = [r for r in record[kind] if (r["implementation"], r["round"]) != (job.label, job.round)] + [result]
    listener.finished(job, result)


def _judge(job: Job, result: dict[str, Any], reference: dict[str, Any], dataset: Dataset) -> None:
    """Add to a sample what the parent finds out by itself: errors, status, accuracy."""
    try:
        found, expected = Observation.load(job.tensors_path), Observation.load(job.reference.tensors_path)
    except (OSError, ValueError, BadZipFile) as error:
        result |= {"status": "crashed", "reason": f"left no readable tensors ({error})", "stderr": []}
        return
    result |= judge(found, expected, reference["allowed"])
    if result["digests"] != reference["digests"]:
        start = "it did not start from the same parameters and mini-batches"
        result |= {
            "status": "FAILED AGREEMENT",
            "reason": "; ".join([start, *([result["reason"]] if "reason" in result else [])]),
        }
    if result["status"] == "ok" and "predictions" not in result:
        result |= _unusable("was not timed, although it agrees")
    elif "predictions" in result:
        digits = np.frombuffer(result["predictions"].encode(), np.uint8) - ord("0")
        if len(digits) != len(dataset.test):
            result |= _unusable(f"{len(digits):,} predictions, expected {len(dataset.test):,}")
            del result["epochs"]
            return
        result["test_accuracy"] = float(np.mean(digits == dataset.test.labels))
    if result["status"] == "ok" and (reason := rejection(result, job.threads)):
        result |= {"status": "rejected", "reason": reason}


def _unusable(why: str) -> dict[str, Any]:
    return {"status": "crashed", "reason": f"ended without a usable result ({why})", "stderr": []}


def _compare_with_others(job: Job, result: dict[str, Any], record: Record) -> None:
    """Add to a sample, for each other that its round already has, the worst relative L2 error of each stage."""
    if "errors" not in result:
        return
    result["pairs"] = {}
    for other in record["samples"]:
        if other["round"] == job.round and "errors" in other:
            # from the first to the second of the table, whichever came first in the round
            first, second = sorted((job.label, other["implementation"]), key=record["implementations"].index)
            try:
                loaded = [Observation.load(replace(job, implementation=name).tensors_path) for name in (first, second)]
                found = compare(*loaded)
            except (OSError, ValueError, BadZipFile):  # they are gone, or damaged, since they were judged
                continue
            result["pairs"][other["implementation"]] = {stage: files.finite(w.error) for stage, w in found.items()}
