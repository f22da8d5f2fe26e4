"""The configuration of a run, and its record before anything has been measured."""

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
from shared.record.schema import SCHEMA_VERSION, OptionsPart, Record, SourcePart, TrainingPart
from shared.spec import NetworkSpec, TrainingSpec

BYTES_OF_A_RESULT: Final = 1 << 17
"""Upper limit for a worker's result and its line in the journal, without tensors."""
TENSORS_OF_A_RESULT: Final = 7
"""Copies of the parameters, in float64 at most: six in an observation, and the trained ones."""
BYTES_OF_ACTIVATIONS: Final = 4
"""Size of one activation in the files of the first round."""
BYTES_OF_THE_PAGE: Final = 1 << 22
"""Upper limit for the page, the figures, and the data for them in the record."""


@dataclass(frozen=True)
class RunConfig:
    """The configuration of a run."""

    implementations: tuple[str, ...]
    spec: NetworkSpec
    training: TrainingSpec
    """of the first round; each further round adds 1 to the seed"""
    rounds: int
    threads: int
    command: tuple[str, ...]
    """the command's arguments, for the record"""
    baseline: str = REFERENCE
    """the implementation to which ratios and differences refer"""
    named: bool = False
    """whether the implementations were requested by name, so that a missing one is a failure"""
    sources: Mapping[str, SourcePart] = field(default_factory=dict)
    """label -> the "text" of the implementation's source, and its "base", for the record"""
    options: Mapping[str, Any] | None = None
    """the options that repeat the run"""
    budget: float = float("inf")
    """seconds, after which no worker starts"""
    one_at_a_time: bool = False
    """whether no two processes of the run may live together, so that there are no turns"""
    timeout: float = 300
    """seconds; a worker that finishes no stage or epoch within this time is stopped"""


def new_record(config: RunConfig, dataset: Dataset) -> Record:
    """Return the record of a run before anything has been measured."""
    order = schedule(config.implementations, config.rounds, config.training.seed)
    return {
        "schema_version": SCHEMA_VERSION,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "ended": None,
        "command": list(config.command),
        "options": cast(OptionsPart, dict(config.options or {})),
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
        "sources": dict(config.sources),
        "machine": machine.facts(),
        "git": machine.git_revision(),
        "references": [],
        "samples": [],
        "turns": [],
    }


def bytes_needed(config: RunConfig, test_images: int) -> int:
    """Return the most that a run writes to its folder, unless a worker has much output on stderr."""
    workers = config.rounds * (2 * len(config.implementations) + 1)  # each once more in turns
    activations = len(config.implementations) * test_images * config.spec.n_out * BYTES_OF_ACTIVATIONS
    results = workers * (BYTES_OF_A_RESULT + TENSORS_OF_A_RESULT * 8 * config.spec.parameter_count)
    return results + activations + BYTES_OF_THE_PAGE
