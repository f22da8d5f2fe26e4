"""What a record holds: the words for statuses, stages and endings, the type of each part, and where two differ."""

from typing import Any, Final, Literal, NotRequired, TypedDict, get_args

SCHEMA_VERSION: Final = "3.0"
"""The major number rises when an older reader would misread a record."""

# ---- Statuses of a sample, as the record and the tables have them ---------------------------------------

OK: Final = "ok"
NOT_AVAILABLE: Final = "not available"
DISAGREES: Final = "FAILED AGREEMENT"
CRASHED: Final = "crashed"
TIMED_OUT: Final = "timed out"
REJECTED: Final = "rejected"
NOT_COMPARED: Final = "not compared"

# ---- How a run ended; None while it lasts ---------------------------------------------------------------

COMPLETE: Final = "complete"
BUDGET: Final = "budget"
INTERRUPTED: Final = "interrupted"
ERROR: Final = "error: "
"""What is behind it says which."""

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
    """What else the machine was doing while a sample was taken; see `shared.measure.noise`."""

    canary_seconds: list[float]
    """before and after the epochs"""
    switches_per_second: float | None
    """None where the system does not count involuntary context switches"""
    steal: float | None
    """None where it does not tell the time that a hypervisor gave to others"""


class Epoch(TypedDict):
    """One timed epoch."""

    epoch: int
    """from 1"""
    validation_accuracy: float
    validation_loss: float | None
    wall_ns: int
    cpu_ns: int


class PathPoint(TypedDict):
    """Steps, and for each tensor of the parameters the relative L2 error after them, or what rounding explains."""

    step: int
    values: dict[str, float | None]


# ---- Results of workers ---------------------------------------------------------------------------------


class Result(TypedDict):
    """What there is of every worker, whatever became of it."""

    implementation: str
    """its label"""
    round: int
    """from 1"""
    seed: int
    status: str
    reason: NotRequired[str]
    """why the status is another than `OK`"""
    remedy: NotRequired[str]
    """the command that may mend what is not available"""
    stderr: NotRequired[list[str]]
    """its last lines, of a worker that failed"""
    digests: NotRequired[dict[str, str]]
    """what proves that all implementations of a round started alike"""
    versions: NotRequired[dict[str, str]]
    threads: NotRequired[dict[str, int]]
    """thread pool -> how many it uses"""
    seconds: NotRequired[dict[str, float]]
    """`Stage` -> how long it took"""
    wall_seconds: NotRequired[float]
    peak_memory_bytes: NotRequired[int | None]
    """None where the system does not tell"""


class Reference(Result, total=False):
    """The result of the float64 reference of a round."""

    allowed: dict[str, float | None]
    """stage of the agreement -> the largest relative L2 error; None where nothing can be concluded"""
    bounds: dict[str, float | None]
    """tensor -> what rounding explains of the error of its gradient"""
    path: list[PathPoint]
    limit_seconds: float
    """what the matrix products of an epoch take by themselves"""


class Timed(TypedDict, total=False):
    """What the worker of an implementation adds that has been timed, besides its epochs."""

    noise: Noise
    predictions: str
    """a digit for each test image"""
    parameter_count: int
    finite: bool
    """whether all trained parameters are"""
    test_loss: float | None
    steps_per_epoch: int
    examples_per_epoch: int


class FirstRound(TypedDict, total=False):
    """What it may add in the first round."""

    path: list[PathPoint]
    sections: dict[str, float]
    """section of the implementation -> seconds of one more epoch"""


class Sample(Result, Timed, FirstRound, total=False):
    """The result of an implementation in a round, with what the parent finds out by itself."""

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
    """What the tables need to know of a run besides its configuration and its results."""

    started: str
    ended: str | None
    options: dict[str, Any]
    """by which the run can be asked for again"""
    named: bool
    """whether the implementations were asked for by name"""
    tolerance: float
    git: dict[str, Any]


class Configuration(TypedDict):
    """What was run on what: runs that differ here cannot be compared, nor one gone on with as the other."""

    implementations: list[str]
    baseline: str
    network: NetworkPart
    training: TrainingPart
    rounds: int
    threads: int
    dataset: DatasetPart
    machine: dict[str, Any]


class Results(TypedDict):
    """The results of the workers, in the order in which they ended."""

    references: list[Reference]
    samples: list[Sample]


Kind = Literal["references", "samples"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


class Record(Head, Configuration, Results):
    """A run."""

    schema_version: str
    command: NotRequired[list[str]]
    schedule: NotRequired[list[list[str]]]
    """the implementations of each round in order"""
    device: NotRequired[str]
    known: NotRequired[list[str]]
    """all implementations there were"""
    defaults: NotRequired[list[str]]
    """those that are run where none is asked for"""
    sources: NotRequired[dict[str, dict[str, str | None]]]
    """label -> the "text" of an implementation's source, and its "base" """
    gallery: NotRequired[dict[str, Any]]
    """see `shared.record.gallery`"""


REQUIRED: Final = tuple(key for key in Record.__annotations__ if key in Record.__required_keys__)
"""The keys without which a record cannot be shown."""
DERIVED: Final = ("network.sizes", "network.loss", "network.parameter_count", "training.title", "dataset.title")
"""Parts of a configuration that follow from others."""


def differences(a: Record, b: Record, keys: tuple[str, ...] = tuple(Configuration.__annotations__)) -> list[str]:
    """Return a line for each part of these keys in which two records differ: what, in `a` and in `b`."""
    lines = []
    for key in keys:
        one, other = ({"": part} if not isinstance(part := r.get(key), dict) else part for r in (a, b))
        for part in one | other:
            name = f"{key}.{part}" if part else key
            if name not in DERIVED and one.get(part) != other.get(part):
                lines.append(f"{name}: {one.get(part)} and {other.get(part)}")
    return lines
