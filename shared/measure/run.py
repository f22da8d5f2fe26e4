"""A run: every implementation in every round, one process at a time, and the record of it on the disk."""

import random
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any, Final, Protocol
from zipfile import BadZipFile

import numpy as np

from shared.agreement.observation import Observation, compare, disagreements
from shared.agreement.tolerances import TOLERANCES
from shared.data import Dataset, snapshot
from shared.measure import files, machine
from shared.measure.job import REFERENCE, Job
from shared.measure.process import Event, run_worker
from shared.spec import NetworkSpec, TrainingSpec

SCHEMA_VERSION: Final = "1.0"
"""The major number rises when an older reader would misread a record."""


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


class Listener(Protocol):
    """Somebody who shows what is going on."""

    def started(self, job: Job) -> None:
        """Take note that a worker starts."""

    def event(self, job: Job, event: Event) -> None:
        """Take note of a stage or an epoch that ended."""

    def finished(self, job: Job, result: dict[str, Any]) -> None:
        """Take note of a worker's result."""


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
    for index, implementations in enumerate(order):
        training = replace(config.training, seed=config.training.seed + index)
        for name in (None, *implementations):
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


def execute(config: RunConfig, dataset: Dataset, folder: Path, listener: Listener) -> dict[str, Any]:
    """Run everything and return the record, which is also kept in `folder`/run.json after every worker.

    Ctrl-C ends the worker at work, keeps what has been measured and marks the record as interrupted.
    """
    workers = folder / "workers"
    workers.mkdir()
    record = _header(config, dataset)
    files.write_json(folder / "run.json", record)
    try:
        with tempfile.TemporaryDirectory(prefix="samegrad-") as temporary:
            data = Path(temporary) / "data.npz"
            snapshot.save(dataset, data)
            for job in jobs(config, data, dataset.digest, workers):
                listener.started(job)
                result = run_worker(job, lambda event, job=job: listener.event(job, event))  # type: ignore[misc]
                _judge(job, result, record)
                record["references" if job.is_reference else "samples"].append(result)
                files.write_json(folder / "run.json", record)
                listener.finished(job, result)
        record["complete"] = True
    except KeyboardInterrupt:
        record["interrupted"] = True
    record["pairs"] = _pairs(record, workers)
    files.write_json(folder / "run.json", record)
    return record


def _header(config: RunConfig, dataset: Dataset) -> dict[str, Any]:
    order = schedule(config.implementations, config.rounds, config.training.seed)
    return {
        "schema_version": SCHEMA_VERSION,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": list(config.command),
        "complete": False,
        "interrupted": False,
        "implementations": [Path(name).stem for name in config.implementations],
        "baseline": REFERENCE,
        "network": asdict(config.spec) | {"parameter_count": config.spec.parameter_count, "title": str(config.spec)},
        "training": asdict(config.training) | {"title": str(config.training)},
        "rounds": config.rounds,
        "schedule": [[Path(name).stem for name in names] for names in order],
        "threads": config.threads,
        "device": "cpu",
        "dataset": {
            "name": dataset.name,
            "title": dataset.title,
            "digest": dataset.digest,
            "sizes": [len(dataset.train), len(dataset.validation), len(dataset.test)],
        },
        "tolerance": TOLERANCES[config.training.dtype].limit,
        "machine": machine.facts(),
        "git": machine.git_revision(),
        "references": [],
        "samples": [],
        "pairs": [],
    }


def _judge(job: Job, result: dict[str, Any], record: dict[str, Any]) -> None:
    """Add to a sample its errors against the round's float64 reference, and what is wrong with them, if anything."""
    if job.is_reference or result["status"] != "ok":
        return
    reference = next(r for r in record["references"] if r["round"] == job.round)
    if reference["status"] != "ok":
        result |= {"status": "not compared", "reason": "the float64 reference failed"}
        return
    faults = []
    if result["digests"] != reference["digests"]:
        faults.append("it did not start from the same parameters and mini-batches")
    allowed = {stage: float("inf") if e is None else e for stage, e in reference["allowed"].items()}
    reference_job = replace(job, implementation=REFERENCE, is_reference=True)
    try:
        found = compare(Observation.load(job.tensors_path), Observation.load(reference_job.tensors_path))
    except (OSError, BadZipFile) as error:
        result |= {"status": "crashed", "reason": f"left no readable tensors ({error})", "stderr": []}
        return
    except ValueError as error:
        faults.append(str(error))
    else:
        faults += disagreements(found, allowed)
        result["errors"] = {stage: {"error": files.finite(w.error), "tensor": w.tensor} for stage, w in found.items()}
    if faults:
        result |= {"status": "FAILED AGREEMENT", "reason": "; ".join(faults)}


def _pairs(record: dict[str, Any], workers: Path) -> list[dict[str, Any]]:
    """Compare every two implementations: the worst error of each stage over the rounds, and the predictions."""
    compared = {(s["implementation"], s["round"]) for s in record["samples"] if "errors" in s}
    pairs = []
    for a, b in combinations(record["implementations"], 2):
        rounds = [r for r in range(1, record["rounds"] + 1) if {(a, r), (b, r)} <= compared]
        if not rounds:
            continue
        errors: dict[str, list[float]] = {}
        differing = []
        for r in rounds:
            first, second = (f"{workers}/round-{r}-{name}" for name in (a, b))
            found = compare(Observation.load(Path(f"{first}.npz")), Observation.load(Path(f"{second}.npz")))
            for stage, w in found.items():
                errors.setdefault(stage, []).append(w.error)
            differing.append(int((_digits(first) != _digits(second)).sum()))
        pairs.append(
            {
                "implementations": [a, b],
                "rounds": rounds,
                "errors": {stage: files.finite(float(np.max(values))) for stage, values in errors.items()},
                "test_predictions_differing": differing,
            }
        )
    return pairs


def _digits(stem: str) -> np.ndarray[Any, Any]:
    with np.load(f"{stem}.predictions.npz", allow_pickle=False) as arrays:
        return np.asarray(arrays["digits"])
