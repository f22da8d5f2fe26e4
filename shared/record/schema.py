"""The record of a run: names of statuses, stages and endings, the type of each part, and how two records differ.

What is read from a file is checked against these types, with their ranges (`shared.record.checked`).
"""

from typing import Annotated, Any, Final, Literal, NotRequired, TypedDict, get_args

from msgspec import Meta

SCHEMA_VERSION: Final = "3.3"
"""The major number rises when an older reader would misread a record."""

# ---- Statuses of a sample, in the record and in the tables ----------------------------------------------

OK: Final = "ok"
NOT_AVAILABLE: Final = "not available"
DISAGREES: Final = "FAILED AGREEMENT"
CRASHED: Final = "crashed"
TIMED_OUT: Final = "timed out"
REJECTED: Final = "rejected"
NOT_COMPARED: Final = "not compared"
IMPLAUSIBLE: Final = "implausible"
ALONE: Final = "alone"
"""Of turns only: an implementation that would disturb the other, or needs more memory than both can have."""

RETAKEN: Final = (CRASHED, TIMED_OUT, NOT_COMPARED)
"""The statuses of results that say nothing about an implementation; a run that is resumed takes them anew."""
Status = Literal[
    "ok",
    "not available",
    "FAILED AGREEMENT",
    "crashed",
    "timed out",
    "rejected",
    "not compared",
    "implausible",
    "alone",
]

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

# ---- Values ---------------------------------------------------------------------------------------------

Text = Annotated[str, Meta(max_length=1 << 16)]
Name = Annotated[str, Meta(max_length=1 << 10)]
Count = Annotated[int, Meta(ge=0, lt=1 << 62)]
Whole = Annotated[int, Meta(ge=1, lt=1 << 62)]
Seconds = Annotated[float, Meta(ge=0, le=1e9)]
Positive = Annotated[float, Meta(gt=0, le=1e9)]
Nanoseconds = Annotated[int, Meta(ge=1, lt=1 << 62)]
Share = Annotated[float, Meta(ge=0, le=1)]
Size = Annotated[float, Meta(ge=0)]
MOST_ROUNDS: Final = 10_000
Rounds = Annotated[int, Meta(ge=1, le=MOST_ROUNDS)]
Epochs = Annotated[int, Meta(ge=1, le=1_000_000)]
Digit = Annotated[int, Meta(ge=0, le=9)]
Digits = Annotated[str, Meta(pattern="^[0-9]*$")]
FEW: Final = Meta(max_length=100)
"""The most names of packages, thread pools or sections."""
Source = Annotated[str, Meta(max_length=1 << 26)]

# ---- Parts of a result ----------------------------------------------------------------------------------


class Noise(TypedDict):
    """What else the machine was doing during a sample; see `shared.measure.noise`."""

    canary_seconds: Annotated[list[Positive], Meta(min_length=2, max_length=2)]
    """before and after the epochs"""
    switches_per_second: Size | None
    """None if the system does not count involuntary context switches"""
    steal: Share | None
    """None if the system does not report the time taken by a hypervisor"""


class Epoch(TypedDict):
    """One timed epoch."""

    epoch: Epochs
    """from 1"""
    validation_accuracy: Share
    validation_loss: float | None
    wall_ns: Nanoseconds
    cpu_ns: Count
    """of all workers"""


AgreementStage = Literal["outputs", "loss", "gradients", "after 1 step", "after 10 steps", "after 100 steps"]
"""Where implementations are compared; `shared.agreement.observation.STAGES`."""


class Metrics(TypedDict):
    """The error of a tensor; the fields of `shared.agreement.metrics.TensorError`, None for one that is not finite."""

    relative_l2: float | None
    scaled_max: float | None
    cosine: float | None
    norm_ratio: float | None
    ulps: float | None


class PathPoint(TypedDict):
    """A number of steps, and for each parameter tensor the relative L2 error after them, or what rounding explains."""

    step: Whole
    values: dict[Text, Size | None]


# ---- Results of workers ---------------------------------------------------------------------------------


class Result(TypedDict):
    """The part that every worker's result has, even that of a worker that failed."""

    implementation: Text
    """the label"""
    round: Rounds
    """from 1"""
    seed: int
    status: Status
    reason: NotRequired[Text]
    """why the status is not `OK`"""
    remedy: NotRequired[Text]
    """the command that may make it available"""
    remark: NotRequired[Text]
    """what else its reader should know"""
    stderr: NotRequired[list[Text]]
    """the last lines, from a worker that failed"""
    digests: NotRequired[Annotated[dict[Name, Name], FEW]]
    """proof that all implementations of a round started alike"""
    versions: NotRequired[Annotated[dict[Name, Name], FEW]]
    threads: NotRequired[Annotated[dict[Name, Count], FEW]]
    """thread pool -> number of threads"""
    seconds: NotRequired[dict[Stage, float]]
    """stage -> seconds; what is left for the last may be slightly below 0"""
    wall_seconds: NotRequired[Seconds]
    peak_memory_bytes: NotRequired[Whole | None]
    """with workers that are processes, the sum of all; None if the system does not report it"""


class Reference(Result, total=False):
    """The result of the float64 reference of a round."""

    allowed: dict[AgreementStage, Size | None]
    """stage of the agreement -> the largest allowed relative L2 error; None if nothing can be concluded"""
    bounds: dict[Text, Size | None]
    """tensor -> the error of its gradient that rounding explains"""
    path: list[PathPoint]
    limit_seconds: Seconds
    least_seconds: NotRequired[Seconds]
    """the same in CPU time, which others on the machine cannot make much longer"""
    whole_call_allowed: NotRequired[Size | None]
    """the largest error after one call as long as an epoch; None if nothing can be concluded"""
    """the time of the matrix products of an epoch alone"""


class Timed(TypedDict, total=False):
    """What the worker of an implementation that was timed adds, in addition to the epochs."""

    noise: Noise
    predictions: Digits
    """a digit for each test image"""
    parameter_count: Whole
    finite: bool
    """whether all trained parameters are finite"""
    test_loss: float | None
    steps_per_epoch: Whole
    examples_per_epoch: Whole


class FirstRound(TypedDict, total=False):
    """What it can add in the first round."""

    path: list[PathPoint]
    sections: Annotated[dict[Name, Seconds], FEW]
    """section of the implementation -> seconds of one more epoch"""


class Sample(Result, Timed, FirstRound, total=False):
    """The result of an implementation in a round, with what the parent computes."""

    epochs: list[Epoch]
    errors: dict[AgreementStage, dict[Text, Metrics]]
    """stage of the agreement -> tensor -> metric"""
    pairs: dict[Text, dict[AgreementStage, Size | None]]
    """another implementation of the round -> stage -> the worst relative L2 error to it"""
    whole_call_error: Size | None
    """after one call as long as an epoch; see `shared.agreement.whole_call`"""
    test_accuracy: Share


CPU: Final = "cpu"
WALL: Final = "wall"
MOST_BLOCKS: Final = 10_000
BlockPart = Annotated[list[Count], Meta(min_length=2, max_length=2)]
"""The wall and the CPU time of a block, in ns."""
BlocksPart = Annotated[list[BlockPart], Meta(min_length=1, max_length=MOST_BLOCKS)]


class Turns(Result, total=False):
    """What an implementation and the baseline did in turns in a round; see `shared.measure.turns`."""

    layouts: NotRequired[Whole]
    """parts of the round, each with as many blocks, another place in memory and another CPU"""
    steps: Whole
    """of a block of the implementation"""
    baseline_steps: Whole
    call_share: Share
    """of the time of such a block, for the call by itself"""
    workers: NotRequired[Whole]
    """processes, or devices, that shared its batches"""
    clock: Literal["cpu", "wall"]
    """which time of a block counts"""
    share: Share
    """the largest share of the time of a call in which it used a CPU, before the turns"""
    baseline_share: Share
    blocks: BlocksPart
    gaps: Annotated[list[BlocksPart], Meta(min_length=2, max_length=MOST_BLOCKS)]
    """for each layout the blocks of the baseline before the first block of the implementation, between two, and after
    the last"""


class Event(TypedDict):
    """A line of the progress of a worker: a stage, or an epoch, has finished."""

    stage: Stage
    seconds: float
    epoch: NotRequired[Epochs]
    validation_accuracy: NotRequired[Share]
    validation_loss: NotRequired[float | None]


# ---- The record -----------------------------------------------------------------------------------------


class NetworkPart(TypedDict):
    """The network; `NetworkSpec.parse(title)` is its spec, from which the rest follows."""

    title: Text
    sizes: list[Whole]
    loss: Text
    parameter_count: Whole


class TrainingPart(TypedDict):
    """The fields of `TrainingSpec`, and its `str` as the title."""

    optimizer: Text
    learning_rate: float
    batch_size: Whole
    epochs: Epochs
    seed: int
    initial: Text
    dtype: Text
    accumulate: NotRequired[Whole]
    workers: NotRequired[Whole]
    title: Text


class DatasetPart(TypedDict):
    """The data set."""

    name: Text
    title: Text
    digest: Text
    sizes: Annotated[list[Whole], Meta(min_length=3, max_length=3)]
    """images for training, validation and test"""


class OptionsPart(TypedDict, total=False):
    """The options that repeat a run, as in `shared.options`; None for those that follow from others."""

    implementation: list[Text]
    """names, and of files of a user's own their names without folders"""
    network: Text | None
    sizes: list[Whole]
    activation: Text | None
    loss: Text | None
    epochs: Epochs | None
    batch_size: Whole
    optimizer: Text
    learning_rate: float | None
    initial: Text
    dtype: Text
    accumulate: Whole
    workers: Whole
    seed: int
    dataset: Text
    train_size: Whole | None
    test_size: Whole | None
    inputs: Text
    rounds: Rounds
    threads: Whole
    baseline: Text | None
    one_at_a_time: bool


class GitPart(TypedDict, total=False):
    """The code that ran; empty outside a checkout."""

    revision: Text
    changed: bool


class Head(TypedDict):
    """What the tables need in addition to the configuration and the results."""

    started: Text
    ended: Text | None
    options: OptionsPart
    named: bool
    """whether the implementations were requested by name"""
    tolerance: Size
    git: GitPart


class MachinePart(TypedDict):
    """The machine; None for what the system does not say."""

    cpu: Text | None
    logical_cpus: Whole | None
    physical_cpus: Whole | None
    memory_bytes: Whole
    system: Text
    python: Text


class Configuration(TypedDict):
    """What was run, on which data and machine: runs that differ here can be neither compared nor resumed as one."""

    implementations: Annotated[list[Text], Meta(min_length=1)]
    baseline: Text
    network: NetworkPart
    training: TrainingPart
    rounds: Rounds
    threads: Whole
    dataset: DatasetPart
    machine: MachinePart


class Results(TypedDict):
    """The results of the workers, in the order in which they finished."""

    references: list[Reference]
    samples: list[Sample]
    turns: NotRequired[list[Turns]]
    """a record of schema 3.1 has none"""


Kind = Literal["references", "samples", "turns"]
AnyResult = Reference | Sample | Turns
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


class SourcePart(TypedDict):
    """The source of an implementation."""

    text: Source
    base: Text | None
    """the implementation that it subclasses"""


class ImagePart(TypedDict):
    """An image of the test set, and what the implementations make of it."""

    index: Count
    label: Digit
    pixels: Source
    """base64 of 28x28 bytes"""
    activations: dict[Text, list[float | None]]
    wrong: Count


class WeightsPart(TypedDict):
    """The weights of the first layer, as levels of grey in base64."""

    neurons: Whole
    levels: Source


class MapPart(TypedDict):
    """The channels of a layer, as levels of grey in base64."""

    title: Text
    channels: Whole
    shape: Annotated[list[Whole], Meta(min_length=3, max_length=3)]
    levels: Source


class MapsPart(TypedDict):
    """What the layers make of an image."""

    implementation: Text
    index: Count
    label: Digit
    layers: list[MapPart]


class StepPart(TypedDict):
    """A quantity of the forward or backward pass: all values of a vector, or a matrix as levels in base64."""

    quantity: Text
    equation: Text
    shape: Annotated[list[Whole], Meta(min_length=1, max_length=2)]
    values: list[float]
    smallest: float
    largest: float
    rows: NotRequired[Whole]
    """of the matrix, that are kept"""
    levels: NotRequired[Source]


class StepsPart(TypedDict):
    """One image's forward and backward pass."""

    implementation: Text
    index: Count
    label: Digit
    steps: list[StepPart]


class GalleryPart(TypedDict):
    """See `shared.record.gallery`."""

    labels: Digits
    timed: Count
    hard: list[ImagePart]
    hard_count: Count
    split: list[ImagePart]
    split_count: Count
    weights: dict[Text, WeightsPart]
    maps: NotRequired[MapsPart]
    steps: NotRequired[StepsPart]


class Opening(Head, Configuration):
    """A run without its results: the first line of a journal."""

    schema_version: Text
    command: NotRequired[list[Text]]
    schedule: NotRequired[list[list[Text]]]
    """the implementations of each round, in order"""
    device: NotRequired[Text]
    known: NotRequired[list[Text]]
    """all implementations that existed"""
    defaults: NotRequired[list[Text]]
    """those that run by default"""
    sources: NotRequired[dict[Text, SourcePart]]
    """by label"""
    gallery: NotRequired[GalleryPart]


class Record(Opening, Results):
    """A run."""


class Line(TypedDict, total=False):
    """A line of a journal: one of the three."""

    references: Reference
    samples: Sample
    turns: Turns


DERIVED: Final = ("network.sizes", "network.loss", "network.parameter_count", "training.title", "dataset.title")
"""Parts of a configuration that follow from others."""


MEMORY: Final = 0.02
"""The share by which the memory of one machine may differ from one start to the next."""


def differences(a: Record, b: Record, keys: tuple[str, ...] = tuple(Configuration.__annotations__)) -> list[str]:
    """Return a line for each part of these keys that differs: its name, and its values in `a` and in `b`."""
    lines = []
    for key in keys:
        one, other = ({"": part} if not isinstance(part := r.get(key), dict) else part for r in (a, b))
        for part in one | other:
            name = f"{key}.{part}" if part else key
            if name not in DERIVED and not _alike(name, one.get(part), other.get(part)):
                lines.append(f"{name}: {one.get(part)} and {other.get(part)}")
    return lines


def _alike(name: str, one: Any, other: Any) -> bool:
    """Return whether two values are the same; of a machine's memory and kernel, what an update may change is not."""
    if name == "machine.memory_bytes":
        return bool(abs(one - other) <= MEMORY * max(one, other))
    if name == "machine.system":  # Linux 6.1.0 x86_64
        a, b = str(one).split(), str(other).split()
        return a[:1] + a[-1:] == b[:1] + b[-1:]
    return bool(one == other)
