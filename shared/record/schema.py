"""The record of a run: names of statuses, stages and endings, the type of each part, and how two records differ."""

from typing import Any, Final, Literal, NotRequired, TypedDict, get_args

SCHEMA_VERSION: Final = "3.0"
"""The major number rises when an older reader would misread a record."""

# ---- Statuses of a sample, in the record and in the tables ----------------------------------------------

OK: Final = "ok"
NOT_AVAILABLE: Final = "not available"
DISAGREES: Final = "FAILED AGREEMENT"
CRASHED: Final = "crashed"
TIMED_OUT: Final = "timed out"
REJECTED: Final = "rejected"
NOT_COMPARED: Final = "not compared"

# ---- How a run ended; None while it runs ----------------------------------------------------------------

COMPLETE: Final = "complete"
BUDGET: Final = "budget"
INTERRUPTED: Final = "interrupted"
ERROR: Final = "error: "
"""The text after it is the message of the error."""

# ---- Stages of a worker, in order -----------------------------------------------------------------------

Stage = Literal[
    "start",
    "import",
    "data",
    "build",
    "load",
    "gradients",
    "first step",
    "agreement",
    "path",
    "limit",
    "warm-up",
    "reset",
    "canary",
    "epochs",
    "evaluation",
    "sections",
    "exit",
]
STAGES: Final[tuple[Stage, ...]] = get_args(Stage)

# ---- Parts of a result ----------------------------------------------------------------------------------


class Noise(TypedDict):
    """What else the machine was doing during a sample; see `shared.measure.noise`."""

    canary_seconds: list[float]
    """before and after the epochs"""
    switches_per_second: float | None
    """None if the system does not count involuntary context switches"""
    steal: float | None
    """None if the system does not report the time taken by a hypervisor"""


class Epoch(TypedDict):
    """One timed epoch."""

    epoch: int
    """from 1"""
    validation_accuracy: float
    validation_loss: float | None
    wall_ns: int
    cpu_ns: int


class PathPoint(TypedDict):
    """A number of steps, and for each parameter tensor the relative L2 error after them, or what rounding explains."""

    step: int
    values: dict[str, float | None]


# ---- Results of workers ---------------------------------------------------------------------------------


class Result(TypedDict):
    """The part that every worker's result has, even that of a worker that failed."""

    implementation: str
    """the label"""
    round: int
    """from 1"""
    seed: int
    status: str
    reason: NotRequired[str]
    """why the status is not `OK`"""
    remedy: NotRequired[str]
    """the command that may make it available"""
    stderr: NotRequired[list[str]]
    """the last lines, from a worker that failed"""
    digests: NotRequired[dict[str, str]]
    """proof that all implementations of a round started alike"""
    versions: NotRequired[dict[str, str]]
    threads: NotRequired[dict[str, int]]
    """thread pool -> number of threads"""
    seconds: NotRequired[dict[str, float]]
    """`Stage` -> seconds"""
    wall_seconds: NotRequired[float]
    peak_memory_bytes: NotRequired[int | None]
    """None if the system does not report it"""


class Reference(Result, total=False):
    """The result of the float64 reference of a round."""

    allowed: dict[str, float | None]
    """stage of the agreement -> the largest allowed relative L2 error; None if nothing can be concluded"""
    bounds: dict[str, float | None]
    """tensor -> the error of its gradient that rounding explains"""
    path: list[PathPoint]
    limit_seconds: float
    """the time of the matrix products of an epoch alone"""


class Timed(TypedDict, total=False):
    """What the worker of an implementation that was timed adds, in addition to the epochs."""

    noise: Noise
    predictions: str
    """a digit for each test image"""
    parameter_count: int
    finite: bool
    """whether all trained parameters are finite"""
    test_loss: float | None
    steps_per_epoch: int
    examples_per_epoch: int


class FirstRound(TypedDict, total=False):
    """What it can add in the first round."""

    path: list[PathPoint]
    sections: dict[str, float]
    """section of the implementation -> seconds of one more epoch"""


class Sample(Result, Timed, FirstRound, total=False):
    """The result of an implementation in a round, with what the parent computes."""

    epochs: list[Epoch]
    errors: dict[str, dict[str, dict[str, float | None]]]
    """stage of the agreement -> tensor -> metric"""
    pairs: dict[str, dict[str, float | None]]
    """another implementation of the round -> stage -> the worst relative L2 error to it"""
    test_accuracy: float


# ---- The record -----------------------------------------------------------------------------------------


class NetworkPart(TypedDict):
    """The network; `NetworkSpec.parse(title)` is its spec, from which the rest follows."""

    title: str
    sizes: list[int]
    loss: str
    parameter_count: int


class TrainingPart(TypedDict):
    """The fields of `TrainingSpec`, and its `str` as the title."""

    optimizer: str
    learning_rate: float
    batch_size: int
    epochs: int
    seed: int
    initial: str
    dtype: str
    title: str


class DatasetPart(TypedDict):
    """The data set."""

    name: str
    title: str
    digest: str
    sizes: list[int]
    """images for training, validation and test"""


class Head(TypedDict):
    """What the tables need in addition to the configuration and the results."""

    started: str
    ended: str | None
    options: dict[str, Any]
    """the options that repeat the run"""
    named: bool
    """whether the implementations were requested by name"""
    tolerance: float
    git: dict[str, Any]


class Configuration(TypedDict):
    """What was run, on which data and machine: runs that differ here can be neither compared nor resumed as one."""

    implementations: list[str]
    baseline: str
    network: NetworkPart
    training: TrainingPart
    rounds: int
    threads: int
    dataset: DatasetPart
    machine: dict[str, Any]


class Results(TypedDict):
    """The results of the workers, in the order in which they finished."""

    references: list[Reference]
    samples: list[Sample]


Kind = Literal["references", "samples"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


class Record(Head, Configuration, Results):
    """A run."""

    schema_version: str
    command: NotRequired[list[str]]
    schedule: NotRequired[list[list[str]]]
    """the implementations of each round, in order"""
    device: NotRequired[str]
    known: NotRequired[list[str]]
    """all implementations that existed"""
    defaults: NotRequired[list[str]]
    """those that run by default"""
    sources: NotRequired[dict[str, dict[str, str | None]]]
    """label -> the "text" of an implementation's source, and its "base" """
    gallery: NotRequired[dict[str, Any]]
    """see `shared.record.gallery`"""


REQUIRED: Final = tuple(key for key in Record.__annotations__ if key in Record.__required_keys__)
"""The keys without which a record cannot be shown."""
DERIVED: Final = ("network.sizes", "network.loss", "network.parameter_count", "training.title", "dataset.title")
"""Parts of a configuration that follow from others."""


def differences(a: Record, b: Record, keys: tuple[str, ...] = tuple(Configuration.__annotations__)) -> list[str]:
    """Return a line for each part of these keys that differs: its name, and its values in `a` and in `b`."""
    lines = []
    for key in keys:
        one, other = ({"": part} if not isinstance(part := r.get(key), dict) else part for r in (a, b))
        for part in one | other:
            name = f"{key}.{part}" if part else key
            if name not in DERIVED and one.get(part) != other.get(part):
                lines.append(f"{name}: {one.get(part)} and {other.get(part)}")
    return lines
