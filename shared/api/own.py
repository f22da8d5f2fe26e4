"""Your own network, and your own images."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared import implementations
from shared.agreement.survey import Failure
from shared.api.common import DATA, Printed, Progress, given_options, load_data, no_progress, one_thread
from shared.data import picture
from shared.diagnosis import exercises, filled
from shared.diagnosis.as_written import OwnVerdict, judge
from shared.diagnosis.diagnose import Verdict
from shared.diagnosis.facts import Options, measured
from shared.diagnosis.isolated import check_file, has_network
from shared.diagnosis.near_misses import Filled
from shared.errors import SettingError, not_there
from shared.interface import Array
from shared.measure import plan
from shared.options import DEFAULTS, READINGS, UPDATES
from shared.prediction import last_run, of_run, train
from shared.prediction import predict as outputs_of
from shared.processes.calls import side_by_side
from shared.reading import given
from shared.reading.given import Function
from shared.report import check as check_report
from shared.report import predict as predict_report
from shared.spec import TrainingSpec

NETWORK = ("network", "sizes", "activation", "loss")
"""The options that describe the network of a file."""
LIMIT, LIMIT_WITH_WORKERS = 30.0, 120.0
"""Seconds that a check may take by default."""


@dataclass(frozen=True, repr=False)
class Checked(Printed):
    """The verdict on your own network."""

    verdict: Verdict | OwnVerdict | Filled
    """by our specification, by the file's own loss, or on an exercise"""

    @property
    def ok(self) -> bool:
        """Whether the network is correct."""
        return self.verdict.right


@one_thread
def check(
    file: str | Path | None = None,
    *,
    forward: Function | None = None,
    gradients: Function | None = None,
    loss: Function | None = None,
    parameters: Any = None,
    timeout: float | None = None,
    layout: str | None = None,
    labels: str | None = None,
    weights: str | None = None,
    entry: str | None = None,
    optimizer: str | None = None,
    workers: int = 1,
    accumulate: int = 1,
    **options: Any,
) -> Checked:
    """Check the backprop of a file as it was written, or of functions, and find its mistake if it has one.

    Parameters
    ----------
    file : a .py file or a notebook (.ipynb) with a network in any usual form; its training is not run.
    forward, gradients, loss : instead of a file, functions of (parameters, x), of (parameters, x, y), and of
        (parameters, x, y), which may be left out; they are called here.
    parameters : for these functions: arrays in dicts, lists or objects, in any layout.
    timeout : seconds for a file; a computation that has begun by then is finished. None for 30, or for 120 with
        workers, which may be processes that take seconds to start.
    layout : "rows", "columns" or "one" example at a time; None to find out.
    labels : "labels" or "one-hot"; None to find out.
    weights : "out-in" or "in-out"; None to find out.
    entry : a function or class that must be called.
    optimizer : the rule that the file's updates are meant to follow: "sgd", "momentum", "nesterov", "rmsprop",
        "adagrad" or "adam"; None to find out which.
    workers, accumulate : of a file with a class `Network` of our contract: with more than one, a network that is right
        is also built with that many workers, 1 to 8, and micro-batches a step, 1 to 100, in its `TrainingSpec`.
    options : network, sizes, activation, loss; for a file that follows our contract and does not define them. Or, for
        an exercise, one function in the place of a file: weighted_input, sigmoid, cost, output_delta, delta,
        weight_gradient, bias_gradient, step or, for the whole, backward: check(delta=my_delta).

    Raises
    ------
    SettingError, SpecError
        If the file does not exist or is of another kind, or if an option has no such value; or if there are workers or
        micro-batches, and no class that is told how many.
    CallError
        If the file cannot be loaded, or the time is over before a check has failed or all have passed.
    UnreadableError
        If no network is found in it; the message says what was.
    """
    for name, value in (("layout", layout), ("labels", labels), ("weights", weights)):
        if value not in (None, *READINGS[name]):
            raise SettingError(name, f"got {value!r}, expected {' or '.join(READINGS[name])}")
    if optimizer not in (None, *UPDATES):
        raise SettingError("optimizer", f"got {optimizer!r}, expected one of {', '.join(UPDATES)}")
    read = Options(layout, labels, weights, entry, optimizer)
    training = TrainingSpec(workers=workers, accumulate=accumulate)
    limit = timeout or (LIMIT if workers == 1 else LIMIT_WITH_WORKERS)
    functions = {"forward": forward, "gradients": gradients, "loss": loss}
    path = None if file is None else Path(file).absolute()
    if training != TrainingSpec() and (path is None or (path.is_file() and not has_network(path))):
        name, got = ("workers", workers) if workers > 1 else ("accumulate", accumulate)
        needs = "expected 1: only a class `Network` with the methods of shared/interface.py is told of it"
        raise SettingError(name, f"got {got} for {path.name if path else 'functions'}, {needs}")
    if file is None and (asked := [name for name in options if name in exercises.ARGUMENTS]):
        return _check_exercise(asked, options)
    if file is None:
        return _check_functions({name: each for name, each in functions.items() if each is not None}, parameters, read)
    assert path is not None
    if not path.is_file() or path.suffix not in (".py", ".ipynb"):
        other = f"got {path}, which is not a .py or .ipynb file; expected one with a network"
        raise SettingError("file", other if path.is_file() else not_there(path))
    network = given_options(options, NETWORK)
    if exercise := exercises.declared(path):
        found = filled.check_file(path, exercise, limit)
        return Checked(check_report.exercise_document(path.name, found), found)
    verdict = check_file(path, {name: network[name] for name in NETWORK}, read, limit, training)
    if isinstance(verdict, OwnVerdict):
        return Checked(check_report.own_document(path.name, verdict), verdict)
    return Checked(check_report.verdict_document(path.name, verdict), verdict)


def _check_exercise(asked: list[str], options: dict[str, Any]) -> Checked:
    (name, *others) = asked
    if others or len(options) > 1:
        raise SettingError("check", f"got {', '.join(options)}, expected one exercise at a time")
    if not callable(options[name]):
        raise SettingError(name, f"got a {type(options[name]).__name__}, expected a function")
    found = filled.check_function(exercises.ARGUMENTS[name], options[name])
    return Checked(check_report.exercise_document("your function", found), found)


def _check_functions(functions: dict[str, Function], parameters: Any, read: Options) -> Checked:
    missing = [name for name in ("forward", "gradients") if name not in functions]
    if missing or parameters is None:
        got = f"got no {' and no '.join(missing) or 'parameters'}"
        raise SettingError("check", f"{got}, expected a file, or forward, gradients and parameters")
    verdict = judge(measured(given.source_of(functions), given.candidates(functions, parameters), read))
    return Checked(check_report.own_document("your functions", verdict), verdict)


@dataclass(frozen=True, repr=False)
class Predicted(Printed):
    """The outputs of several implementations for the same images."""

    activations: dict[str, Array]
    """implementation -> a_L of every image, (images, n_out)"""
    failures: list[Failure]
    remarks: dict[str, tuple[str, ...]]
    """image -> what makes it doubtful that one whole digit is seen"""


def predict(
    *images: str | Path,
    names: str | tuple[str, ...] = (),
    run: str | Path | None = None,
    timeout: float = 120,
    **options: Any,
) -> Predicted:
    """Let implementations classify images of digits.

    Parameters
    ----------
    images : PNG, JPEG or BMP files: one digit each, dark on light or light on dark.
    names : implementations; by default those of the run.
    run : folder of the run whose trained parameters are used; None for the last. Without any run, NumPy is trained, in
        seconds.
    timeout : seconds that an implementation has for each answer.
    options : dataset, data_dir, offline; used only if there is no run.

    Raises
    ------
    DataError
        If an image, or a file of parameters, is missing or damaged, or nothing is on the image.
    SettingError, RunError, UnknownImplementationError, TypeError
        As `compare`.
    """
    if not images:
        raise SettingError("images", "got none, expected at least one file")
    asked = (names,) if isinstance(names, str) else names
    folder = None if run is None else Path(run)
    return classify(
        {str(path): picture.read(Path(path)) for path in images}, asked, folder, given_options(options, DATA), timeout
    )


@one_thread
def classify(
    images: dict[str, picture.Seen],
    names: tuple[str, ...],
    run: Path | None,
    given: dict[str, Any],
    timeout: float,
    progress: Progress = no_progress,
) -> Predicted:
    """Classify images with the parameters of a run, of the last run, or trained now."""
    asked = implementations.locate_all(names) if names else None
    folder = run or last_run(plan.RESULTS)
    networks = of_run(folder, asked) if folder else None
    located = list(networks.parameters) if networks else asked or implementations.locate_all(None)
    with progress("predictions", None), side_by_side(located, timeout=timeout) as processes:
        if networks is None:
            dataset = load_data(given)
            networks = train(located, dataset, TrainingSpec(epochs=dataset.epochs, seed=DEFAULTS["seed"]))
        found = outputs_of(networks, [image.pixels for image in images.values()], processes)
    doubts = [f"{name}: {remark}" for name, image in images.items() for remark in image.remarks]
    remarks = [*doubts, *networks.remarks, *(f"{f.implementation}: {f.reason}" for f in found.failures)]
    heading = [str(networks.spec), networks.origin]
    document = predict_report.document(list(images), found.activations, heading, remarks)
    document.more["remarks"] = remarks
    return Predicted(document, found.activations, found.failures, {name: seen.remarks for name, seen in images.items()})
