"""What is run, and the record of it before anything has been measured."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, cast

from shared import implementations
from shared.agreement.tolerances import TOLERANCES
from shared.data import Dataset
from shared.implementations import REFERENCE, label
from shared.measure import machine
from shared.measure.schedule import schedule
from shared.record.schema import SCHEMA_VERSION, Record, TrainingPart
from shared.spec import NetworkSpec, TrainingSpec

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
        "network": {
            "title": str(config.spec),
            "sizes": list(config.spec.sizes),
            "loss": config.spec.loss,
            "parameter_count": config.spec.parameter_count,
        },
        "training": cast(TrainingPart, asdict(config.training) | {"title": str(config.training)}),
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


def bytes_needed(config: RunConfig, test_images: int) -> int:
    """Return what a run writes at most to its folder, if no worker complains at length."""
    workers = config.rounds * (len(config.implementations) + 1)
    activations = len(config.implementations) * test_images * config.spec.n_out * BYTES_OF_ACTIVATIONS
    results = workers * (BYTES_OF_A_RESULT + TENSORS_OF_A_RESULT * 8 * config.spec.parameter_count)
    return results + activations + BYTES_OF_THE_PAGE
