"""One row an implementation: figures over the rounds, computed from the raw samples of a run's record."""

from dataclasses import dataclass, field
from statistics import mean, median, stdev
from typing import Any, Final

Record = dict[str, Any]

# The first that applies to any of an implementation's samples is the status of its row.
STATUS_ORDER: Final = ("crashed", "not available", "FAILED AGREEMENT", "not compared", "ok")


@dataclass(frozen=True)
class Row:
    """The figures of one implementation; lists hold one value a sample, or an epoch, in order."""

    name: str
    status: str
    reasons: list[str] = field(default_factory=list)
    """what the user should be told of it, one line each"""
    accuracies: list[float] = field(default_factory=list)
    """fraction of the test images, one a round"""
    epoch_seconds: list[float] = field(default_factory=list)
    """one an epoch, over all rounds"""
    steps_per_epoch: int = 0
    examples_per_epoch: int = 0
    ratio: float | None = None
    """median epoch over the baseline's"""
    first_step_seconds: list[float] = field(default_factory=list)
    import_seconds: list[float] = field(default_factory=list)
    peak_memory_bytes: int = 0
    gradient_error: float | None = None
    """worst over rounds and tensors, against the float64 reference; None also if it is no number"""
    parameter_count: int = 0

    @property
    def epoch(self) -> float:
        """Median seconds an epoch."""
        return median(self.epoch_seconds)

    @property
    def accuracy_spread(self) -> float | None:
        """Standard deviation over the rounds; None for one round."""
        return stdev(self.accuracies) if len(self.accuracies) > 1 else None

    @property
    def mean_accuracy(self) -> float:
        """Mean over the rounds."""
        return mean(self.accuracies)


def rows(record: Record) -> list[Row]:
    """Return a row for each implementation of a run, in the order they were asked for."""
    epochs = {name: _epoch_seconds(_measured(record, name)) for name in record["implementations"]}
    baseline = epochs.get(record["baseline"])
    return [_row(record, name, median(baseline) if baseline else None) for name in record["implementations"]]


def _measured(record: Record, name: str) -> list[Record]:
    return [s for s in record["samples"] if s["implementation"] == name and "epochs" in s]


def _epoch_seconds(samples: list[Record]) -> list[float]:
    return [epoch["wall_ns"] / 1e9 for sample in samples for epoch in sample["epochs"]]


def _row(record: Record, name: str, baseline: float | None) -> Row:
    everything = [s for s in record["samples"] if s["implementation"] == name]
    statuses = {s["status"] for s in everything}
    status = next((s for s in STATUS_ORDER if s in statuses), "not run")
    reasons = [f"{name}, round {s['round']}: {s['reason']}" for s in everything if "reason" in s]
    reasons += [
        f"{name}, round {s['round']}: {library} ran with {n} threads, not with {record['threads']}"
        for s in everything
        for library, n in s.get("threads", {}).items()
        if n != record["threads"]
    ]
    if status == "not available":
        reasons = [everything[0]["reason"]]
    samples = _measured(record, name)
    if not samples:
        return Row(name, status, reasons)
    seconds = _epoch_seconds(samples)
    if status == "ok" and not all(s["finite"] for s in samples):
        status, reasons = "diverged", [*reasons, f"{name}: its trained parameters are not finite"]
    gradients = [s["errors"]["gradients"]["error"] for s in samples if "errors" in s]
    return Row(
        name,
        status,
        reasons,
        accuracies=[s["test_accuracy"] for s in samples],
        epoch_seconds=seconds,
        steps_per_epoch=samples[0]["steps_per_epoch"],
        examples_per_epoch=samples[0]["examples_per_epoch"],
        ratio=median(seconds) / baseline if baseline else None,
        first_step_seconds=[s["seconds"]["first step"] for s in samples],
        import_seconds=[s["seconds"]["import"] for s in samples],
        peak_memory_bytes=max(s["peak_memory_bytes"] for s in samples),
        gradient_error=max(gradients) if gradients and None not in gradients else None,
        parameter_count=samples[0]["parameter_count"],
    )


def failed_stages(record: Record) -> list[str]:
    """Return a line for each stage of which the run could conclude less than the tolerance says."""
    lines = []
    for reference in record["references"]:
        for stage, allowed in reference.get("allowed", {}).items():
            where = f"round {reference['round']}, {stage}"
            if allowed is None:
                lines.append(f"{where}: training magnifies rounding so much that nothing is concluded")
            elif allowed > record["tolerance"]:
                lines.append(f"{where}: up to {allowed:.1e} allowed, because the problem magnifies rounding so far")
    return lines


def exit_code(record: Record) -> int:
    """Return 130 if interrupted, 1 if a worker crashed, 4 if a row disagrees, else 0."""
    statuses = {s["status"] for s in record["samples"] + record["references"]}
    if record["interrupted"]:
        return 130
    if statuses & {"crashed", "not compared"}:
        return 1
    return 4 if "FAILED AGREEMENT" in statuses else 0
