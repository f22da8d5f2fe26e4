"""One row per implementation; every number is computed here from the raw samples of the record."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import combinations
from statistics import median
from typing import Final

from shared.measure import paired, statistics
from shared.measure.noise import disturbances, typical_canary
from shared.measure.statistics import LEAST_IN_TURNS, LEAST_ROUNDS, Estimate
from shared.record.schema import (
    ALONE,
    CRASHED,
    DISAGREES,
    ERROR,
    IMPLAUSIBLE,
    INTERRUPTED,
    NOT_AVAILABLE,
    NOT_COMPARED,
    OK,
    REJECTED,
    TIMED_OUT,
    AnyResult,
    Record,
    Sample,
    Turns,
)

STATUS_ORDER: Final = (DISAGREES, IMPLAUSIBLE, REJECTED, NOT_COMPARED, CRASHED, TIMED_OUT, NOT_AVAILABLE, OK)
"""The status of a row is the first of these that any of its samples has: first what makes all of them unusable."""
DIVERGED: Final = "diverged"
NOT_RUN: Final = "not run"
"""Statuses that only rows have."""
WITHOUT_RATIO: Final = (DISAGREES, IMPLAUSIBLE, REJECTED)
"""Samples of another computation, with times that cannot be, or with other threads are not compared."""
FAILURES: Final = (CRASHED, TIMED_OUT, NOT_COMPARED, REJECTED, IMPLAUSIBLE)
LISTED: Final = 4
"""The answer names up to this many rows one by one; of more, only the fastest and the slowest, or their number."""
LEAST_ACCURACY: Final = 0.005
"""Half a percentage point: a smaller difference is only a few test images near the decision boundary."""


@dataclass(frozen=True)
class InTurns:
    """What the ratio of a row is from, if it took turns with the baseline; medians over the rounds."""

    rounds: int
    blocks: float
    steps: float
    """of a block"""
    block_seconds: float
    call: float
    """share of a block that the call takes by itself"""
    clock: str
    had: float | None
    """mean share of a CPU that its blocks had, of what they use undisturbed; None if several workers wait for others"""
    disturbed: float | None
    """share of its blocks that were disturbed"""

    @classmethod
    def of(cls, turns: list[Turns]) -> "InTurns":
        """Return what these turns of one implementation have in common."""
        is_alone = all(t.get("workers", 1) == 1 for t in turns)
        return cls(
            rounds=len(turns),
            blocks=median(len(t["blocks"]) for t in turns),
            steps=median(t["steps"] for t in turns),
            block_seconds=median(wall / 1e9 for t in turns for wall, _ in t["blocks"]),
            call=median(t["call_share"] for t in turns),
            clock=" and ".join(sorted({t["clock"] for t in turns})),
            had=paired.had(turns) if is_alone else None,
            disturbed=paired.disturbed(turns) if is_alone else None,
        )


@dataclass(frozen=True)
class Row:
    """The numbers of one implementation; None or empty if they were not measured."""

    name: str
    status: str
    reasons: list[str] = field(default_factory=list)
    """for the user, one line each"""
    rounds: int = 0
    """number of timed rounds"""
    disturbed: int = 0
    """number of these rounds whose epochs were disturbed"""
    tried: int = 0
    """number of rounds that have a result of it"""
    failed: int = 0
    """number of these rounds in which it failed, as a sample or in its turns"""
    disturbances: list[str] = field(default_factory=list)
    """the reasons, one line per round"""
    accuracy: Estimate | None = None
    """fraction of the test images, mean over the rounds"""
    accuracy_difference: Estimate | None = None
    """accuracy minus the baseline's, within each round"""
    images_differing: float | None = None
    """test images classified differently from the baseline, mean over the rounds"""
    epoch: Estimate | None = None
    """seconds; geometric mean over the rounds of the median epoch"""
    ratio: Estimate | None = None
    """to the baseline's time, in turns with it or, without `turns`, of the epochs of each round"""
    epoch_ratio: Estimate | None = None
    """epoch / the baseline's epoch, within each round"""
    turns: "InTurns | None" = None
    """what its ratio is from; None if that is whole epochs"""
    verdict: str | None = None
    steps_per_epoch: int = 0
    examples_per_epoch: int = 0
    peak_memory_bytes: int | None = None
    gradient_error: float | None = None
    """worst over rounds and tensors, against the float64 reference; inf if it is not a number"""
    parameter_count: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    """stage of the worker -> median over the rounds; "wall" is the whole time of the worker"""

    @property
    def is_usable(self) -> bool:
        """Whether its numbers may be quoted: some rounds were timed, and those that were not only failed to end."""
        return self.rounds > 0 and self.status in (OK, CRASHED, TIMED_OUT)


def rows(record: Record) -> list[Row]:
    """Return a row for each implementation of a run, in the requested order."""
    comparable = {name: _comparable(record, name) for name in record["implementations"]}
    others = sum(bool(of) for name, of in comparable.items() if name != record["baseline"])
    in_turns = turns_of(record)
    logarithms = {name: paired.log_ratios(turns) for name, turns in in_turns.items() if turns}
    ratios = {name: statistics.exp(e) for name, e in statistics.pooled(logarithms, max(1, others)).items()}
    return [
        _row(record, name, comparable, max(1, others), in_turns[name], ratios.get(name))
        for name in record["implementations"]
    ]


def short_of_cpu(row: Row) -> float | None:
    """Return what share of a CPU a row had in its turns, if it was clearly less than it uses undisturbed."""
    had = row.turns.had if row.turns else None
    return had if had is not None and had < paired.DISTURBED else None


def _samples(record: Record, name: str) -> list[Sample]:
    return [s for s in record["samples"] if s["implementation"] == name]


def _all_turns(record: Record, name: str) -> list[Turns]:
    return [t for t in record.get("turns", []) if t["implementation"] == name]


def _comparable(record: Record, name: str) -> dict[int, Sample]:
    """Return round -> sample for ratios; empty if any of the samples, or turns, must not be compared."""
    samples = _samples(record, name)
    if any(result["status"] in WITHOUT_RATIO for result in (*samples, *_all_turns(record, name))):
        return {}
    return {s["round"]: s for s in samples if s["status"] == OK}


def turns_of(record: Record) -> dict[str, list[Turns]]:
    """Return the turns from which each row has its ratio; empty if it is better taken from epochs."""
    base, found = _comparable(record, record["baseline"]).keys(), dict[str, list[Turns]]()
    for name in record["implementations"]:
        shared = _comparable(record, name).keys() & base
        taken = [t for t in _all_turns(record, name) if t["status"] == OK and t["round"] in shared]
        found[name] = taken if len(taken) >= min(LEAST_ROUNDS, len(shared)) else []
    return found


def epoch_seconds(sample: Sample) -> float:
    """Return a sample's median epoch."""
    return float(median(epoch["wall_ns"] for epoch in sample["epochs"])) / 1e9


def _row(
    record: Record,
    name: str,
    comparable: dict[str, dict[int, Sample]],
    others: int,
    turns: list[Turns],
    in_turns: Estimate | None,
) -> Row:
    samples = _samples(record, name)
    everything: list[AnyResult] = [*samples, *(t for t in _all_turns(record, name) if t["status"] != ALONE)]
    statuses = {s["status"] for s in everything}
    status = next((s for s in STATUS_ORDER if s in statuses), NOT_RUN)
    reasons = [f"{name}, round {s['round']}: {s['reason']}" for s in everything if "reason" in s]
    if status == NOT_AVAILABLE:
        reasons = [next(s["reason"] for s in everything if s["status"] == status)]
    errors = [e["relative_l2"] for s in samples for e in s.get("errors", {}).get("gradients", {}).values()]
    gradient_error = max((math.inf if e is None else e for e in errors), default=None)
    timed = [s for s in samples if "epochs" in s]
    if not timed:
        return Row(name, status, reasons, gradient_error=gradient_error)
    if status in (OK, CRASHED, TIMED_OUT) and not all(s["finite"] for s in timed):
        status, reasons = DIVERGED, [*reasons, f"{name}: its trained parameters are not finite"]
    typical = typical_canary(record["samples"])
    disturbed = {s["round"]: found for s in timed if (found := disturbances(s, typical))}
    ours, base = comparable[name], comparable.get(record["baseline"], {})
    ratio = difference = None
    if name != record["baseline"]:
        ratio = statistics.paired_ratio(_each(epoch_seconds, ours), _each(epoch_seconds, base), others)
        difference = statistics.paired_difference(_each(_accuracy, ours), _each(_accuracy, base), others)
    logarithms = statistics.mean([math.log(epoch_seconds(s)) for s in timed])
    return Row(
        name,
        status,
        reasons,
        rounds=len(timed),
        disturbed=len(disturbed),
        tried=len({s["round"] for s in everything}),
        failed=len({s["round"] for s in everything if "reason" in s}),
        disturbances=[f"{name}, round {r} was disturbed: {'; '.join(found)}" for r, found in disturbed.items()],
        accuracy=_within_0_and_1(statistics.mean([_accuracy(s) for s in timed])),
        accuracy_difference=difference,
        images_differing=_images_differing(ours, base) if name != record["baseline"] else None,
        epoch=statistics.exp(logarithms),
        ratio=in_turns or ratio,
        epoch_ratio=ratio,
        turns=InTurns.of(turns) if turns else None,
        verdict=statistics.verdict(in_turns, LEAST_IN_TURNS) if in_turns else statistics.verdict(ratio),
        steps_per_epoch=timed[0]["steps_per_epoch"],
        examples_per_epoch=timed[0]["examples_per_epoch"],
        peak_memory_bytes=max((b for s in timed if (b := s["peak_memory_bytes"]) is not None), default=None),
        gradient_error=gradient_error,
        parameter_count=timed[0]["parameter_count"],
        seconds=_stages(timed),
    )


def _accuracy(sample: Sample) -> float:
    return float(sample["test_accuracy"])


def _within_0_and_1(fraction: Estimate) -> Estimate:
    low, high = fraction.low, fraction.high
    return fraction if low is None or high is None else fraction._replace(low=max(0.0, low), high=min(1.0, high))


def _each(number: Callable[[Sample], float], samples: dict[int, Sample]) -> dict[int, float]:
    return {round_: number(sample) for round_, sample in samples.items()}


def _stages(timed: list[Sample]) -> dict[str, float]:
    """Return the median seconds of each stage, and of the whole worker."""
    stages = dict.fromkeys(stage for sample in timed for stage in sample["seconds"])
    found = {stage: median(sample["seconds"].get(stage, 0.0) for sample in timed) for stage in stages}
    return found | {"wall": median(sample["wall_seconds"] for sample in timed)}


def differing(a: Sample, b: Sample) -> int:
    """Return the number of test images that two samples classify differently."""
    return sum(one != other for one, other in zip(a["predictions"], b["predictions"], strict=True))


def _images_differing(ours: dict[int, Sample], base: dict[int, Sample]) -> float | None:
    shared = ours.keys() & base.keys()
    return sum(differing(ours[r], base[r]) for r in shared) / len(shared) if shared else None


@dataclass(frozen=True)
class Pair:
    """The differences between two implementations."""

    names: tuple[str, str]
    errors: dict[str, float]
    """stage -> worst relative L2 error of a tensor over the rounds; inf if it is not a number"""
    differing: list[int]
    """test images classified differently, one value per round in which both were timed"""


def pairs(record: Record) -> list[Pair]:
    """Return all pairs of implementations that were compared in some round."""
    found = []
    for a, b in combinations(record["implementations"], 2):
        sides = [{s["round"]: s for s in _samples(record, name)} for name in (a, b)]
        both = [(sides[0][r], sides[1][r]) for r in sorted(sides[0].keys() & sides[1].keys())]
        kept = [one.get("pairs", {}).get(b) or other.get("pairs", {}).get(a) for one, other in both]
        compared = [errors for errors in kept if errors]
        if compared:
            stages = compared[0]
            errors: dict[str, float] = {
                s: max(math.inf if (off := e[s]) is None else off for e in compared) for s in stages
            }
            predicted = [differing(*two) for two in both if all("predictions" in s for s in two)]
            found.append(Pair((a, b), errors, predicted))
    return found


def exit_code(record: Record) -> int:
    """Return 130 if interrupted, 1 if something failed, 4 if a row disagrees, else 0."""
    results: list[AnyResult] = [*record["samples"], *record["references"], *record.get("turns", [])]
    statuses = {result["status"] for result in results}
    if record["ended"] == INTERRUPTED:
        return 130
    if (record["ended"] or "").startswith(ERROR) or statuses.intersection(FAILURES):
        return 1
    if NOT_AVAILABLE in statuses and record["named"]:
        return 1
    return 4 if DISAGREES in statuses else 0


def differs(accuracies: Estimate) -> bool:
    """Return whether a difference of accuracies has an interval that excludes 0, and is large enough to matter."""
    if accuracies.low is None or accuracies.high is None or accuracies.rounds < LEAST_ROUNDS:
        return False
    return (accuracies.low > 0 or accuracies.high < 0) and abs(accuracies.value) >= LEAST_ACCURACY
