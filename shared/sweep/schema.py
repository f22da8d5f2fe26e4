"""The file of a sweep, sweep.json: what was asked for, and what came of it."""

from typing import Final, TypedDict

from shared.record.schema import Count, Name, OptionsPart, Share, Size, Text, Whole

VERSION: Final = "1.0"


class CellPart(TypedDict):
    """One combination."""

    network: Text
    batch_size: Whole
    learning_rate: float
    seed: int


class FailurePart(CellPart):
    """A combination that was given up."""

    reason: Text


class RowPart(TypedDict):
    """An implementation at one network, batch size and learning rate; the seeds are its rounds."""

    network: Text
    parameter_count: Whole
    batch_size: Whole
    learning_rate: float
    implementation: Text
    status: Text
    seeds: Count
    """of which there is a result"""
    machines: Count
    accuracy: Share | None
    """mean over the seeds"""
    accuracy_spread: Size | None
    """standard deviation over the seeds; None for fewer than two"""
    accuracies: list[Share]
    epoch_seconds: Size | None
    """geometric mean over the seeds; None without timing, as the ratio"""
    ratio: Size | None
    """epoch / the baseline's; each ratio is formed within one combination, on one machine"""
    ratio_low: Size | None
    ratio_high: Size | None
    """95 % interval over the seeds; None for fewer than three"""
    gradient_error: Size | None
    """worst relative L2 error of a gradient tensor against the float64 reference; None also if it is not finite"""


class SweepRecord(TypedDict):
    """A sweep; `cells`, `options`, `timed`, `digest` and `versions` must be the same when it is resumed."""

    sweep_version: Text
    started: Text
    ended: Text | None
    """as in the record of a run"""
    command: list[Text]
    implementations: list[Text]
    baseline: Text
    cells: list[CellPart]
    options: OptionsPart
    """what all combinations have in common"""
    timed: bool
    digest: Text
    """of the data"""
    dataset: Text
    versions: dict[Name, Text]
    rows: list[RowPart]
    failures: list[FailurePart]
