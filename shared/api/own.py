"""Your own network, and your own images."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared import implementations
from shared.agreement.survey import Failure
from shared.api.common import DATA, Printed, Progress, given_options, load_data, no_progress, one_thread
from shared.data import picture
from shared.diagnosis.diagnose import Verdict
from shared.diagnosis.isolated import diagnose_file
from shared.errors import SettingError
from shared.interface import Array
from shared.measure import plan
from shared.options import DEFAULTS
from shared.prediction import last_run, of_run, train
from shared.prediction import predict as outputs_of
from shared.processes.calls import side_by_side
from shared.report import check as check_report
from shared.report import predict as predict_report
from shared.spec import TrainingSpec

NETWORK = ("network", "sizes", "activation", "loss")
"""The options that describe the network of a file."""


@dataclass(frozen=True, repr=False)
class Checked(Printed):
    """The verdict on your own network."""

    verdict: Verdict

    @property
    def ok(self) -> bool:
        """Whether the network is correct."""
        return self.verdict.right


@one_thread
def check(file: str | Path, *, timeout: float = 30, **options: Any) -> Checked:
    """Check the backprop of a file, and find its mistake if it has one.

    Parameters
    ----------
    file : a .py file with a class Network, or functions forward(parameters, x) and gradients(parameters, x, y).
    timeout : seconds for all of it; a computation that has begun by then is finished.
    options : network, sizes, activation, loss; for what the file does not define.

    Raises
    ------
    SettingError, SpecError
        If the file does not exist or is not a .py file, or if an option has no such value.
    CallError
        If the file cannot be loaded, or the time is over before a check has failed or all have passed.
    """
    path = Path(file).absolute()
    if not path.is_file() or path.suffix != ".py":
        problem = "is not a .py file" if path.is_file() else "is not a file"
        raise SettingError("file", f"got {file}, which {problem}; expected a .py file with a network")
    given = given_options(options, NETWORK)
    verdict = diagnose_file(path, {name: given[name] for name in NETWORK}, timeout)
    return Checked(check_report.verdict_document(path.name, verdict), verdict)


@dataclass(frozen=True, repr=False)
class Predicted(Printed):
    """The outputs of several implementations for the same images."""

    activations: dict[str, Array]
    """implementation -> a_L of every image, (images, n_out)"""
    failures: list[Failure]


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
        If an image, or a file of parameters, is missing or damaged.
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
    images: dict[str, picture.Grey],
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
        found = outputs_of(networks, list(images.values()), processes)
    remarks = [*networks.remarks, *(f"{f.implementation}: {f.reason}" for f in found.failures)]
    heading = [str(networks.spec), networks.origin]
    document = predict_report.document(list(images), found.activations, heading, remarks)
    return Predicted(document, found.activations, found.failures)
