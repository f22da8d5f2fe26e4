"""Is it the same computation? The gradients of implementations, and their steps side by side."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from shared import implementations
from shared.adapters.live import is_model
from shared.agreement import survey
from shared.agreement.budget import Entry
from shared.agreement.lockstep import Lockstep, Side, Stepper
from shared.agreement.lockstep import lockstep as take_steps
from shared.api.common import DATA, Printed, Progress, given_options, load_data, no_progress, one_thread
from shared.api.ports import PRECISE, STEPS_OF_MODELS, Ported, live, ported
from shared.errors import SettingError
from shared.implementations import REFERENCE
from shared.layers import ACTIVATIONS
from shared.options import network_of, resolve, training_of
from shared.ports import comparison
from shared.ports.kinds import declared_spec, is_port
from shared.ports.stepper import Given, PortStepper
from shared.ports.words import explain
from shared.processes.calls import CallError, side_by_side
from shared.report import budget
from shared.report import lockstep as lockstep_report
from shared.spec import DTYPES, LOSSES, NetworkSpec, TrainingSpec

STEPS = 1000
PROBLEM = (
    "network",
    "sizes",
    "activation",
    "loss",
    "batch_size",
    "initial",
    "dtype",
    "accumulate",
    "workers",
    "seed",
    *DATA,
)
"""The options that determine which gradients are computed, and on which data."""


@dataclass(frozen=True, repr=False)
class Agreement(Printed):
    """The error of each gradient tensor, and how much of it rounding explains."""

    entries: list[Entry]
    failures: list[survey.Failure]

    @property
    def ok(self) -> bool:
        """Whether there are gradients and no error is larger than rounding explains.

        It is also True if errors are inconclusive, because the gradient consists of rounding alone: see `entries`.
        """
        return bool(self.entries) and all(entry.verdict != "not rounding" for entry in self.entries)


@one_thread
def agree(
    *names: str, matrix: bool = False, timeout: float = 120, progress: Progress = no_progress, **options: Any
) -> Agreement:
    """Compare the gradients of implementations with the float64 reference's, on one batch or on many problems.

    Parameters
    ----------
    names : implementations, or paths of .py files; by default those that the command runs.
    matrix : whether to compare every activation, loss, depth, batch size and dtype that the options do not set.
    timeout : seconds that an implementation has for each answer.
    options : network, sizes, activation, loss, batch_size, initial, dtype, seed, dataset, data_dir, offline.

    Raises
    ------
    SettingError, SpecError, UnknownImplementationError, DataError, TypeError
        As `compare`.
    """
    given = given_options(options, PROBLEM)
    located, settled = implementations.locate_all(names or None), resolve(given)
    training = training_of(settled)
    specs, batch_sizes = [network_of(settled, given)], [training.batch_size]
    if matrix:
        specs = _matrix(given) if given["network"] is None else specs
        batch_sizes = list(survey.BATCH_SIZES) if given["batch_size"] is None else batch_sizes
    dtypes = list(DTYPES) if given["dtype"] is None else [training.dtype]
    if matrix:
        implementations.require_shares(located, training)
    else:
        implementations.require(located, specs[0], training)
    total = len(specs) * len(batch_sizes) * len(dtypes)
    with progress("gradients", total) as done, side_by_side(located, timeout=timeout) as processes:
        dataset = load_data(given)
        for network in specs:
            dataset.check(network, max(batch_sizes))
        posed = list(survey.problems(specs, batch_sizes, dtypes, training, dataset))
        found = survey.examine(processes, posed, done)
    start = f"{training.initial} initial weights, seed {training.seed}"
    problem = f"{len(posed)} problems, {start}" if matrix else f"{specs[0]}; batch {batch_sizes[0]}, {start}"
    remarks = [f"{f.problem}: {f.reason}" if f.problem else f.reason for f in found.failures]
    remarks += _advice(found.entries, training)
    document = budget.as_matrix if matrix else budget.one_each
    return Agreement(document(found.entries, remarks, [problem, dataset.title]), found.entries, found.failures)


def _advice(entries: list[Entry], training: TrainingSpec) -> list[str]:
    """Return what may name the mistake of implementations that are wrong with workers or micro-batches."""
    parts = {"workers": training.workers, "accumulate": training.accumulate}
    options = " ".join(f"--{name} {value}" for name, value in parts.items() if value > 1)
    wrong = dict.fromkeys(entry.implementation for entry in entries if entry.verdict == "not rounding")
    return [f"{name}: samegrad check FILE {options} may name the mistake" for name in wrong] if options else []


def _matrix(given: dict[str, Any]) -> list[NetworkSpec]:
    """Return the networks of the matrix that have the given sizes, activation and loss."""
    activations = ACTIVATIONS if given["activation"] is None else (given["activation"],)
    losses = LOSSES if given["loss"] is None else (given["loss"],)
    found = [network for network in survey.matrix(activations, losses) if given["sizes"] in (None, network.sizes)]
    if not found:
        raise SettingError("sizes", f"got {given['sizes']}, expected sizes of the matrix, such as 784,30,10")
    return found


@dataclass(frozen=True, repr=False)
class Steps(Printed):
    """Two implementations in lock-step, and the step from which rounding does not explain their difference."""

    found: Lockstep

    @property
    def ok(self) -> bool:
        """Whether no difference is larger than rounding explains.

        It is also True if nothing can be concluded from some step on: see `found.inconclusive_from`.
        """
        return not self.found.departures


@one_thread
def lockstep(
    a: Any, b: Any = None, x: Any = None, y: Any = None, *, criterion: Any = None, optimizer: Any = None,
    steps: int | None = None, timing: bool = True, timeout: float = 120, progress: Progress = no_progress,
    **options: Any,
) -> Steps | Ported:  # fmt: skip
    """Let two implementations take the same steps, up to the first that rounding does not explain.

    Where one of them is a file with a model as it is (a torch.nn.Module, a keras.Model, or a module of Flax or
    Equinox, with its loss and its optimizer), the two are compared with each other, and what each computes is named.

    Parameters
    ----------
    a, b : implementations, or paths of .py files; NAME:float64 and NAME:float32 give one its own dtype. By default b is
        the reference, and of a file with a model there is no b. Or models that are there: each a torch.nn.Module, a
        keras.Model, or a module of Flax or Equinox, which is copied and stays as it is.
    x, y : examples for models that are there: (n, *inputs), and labels (n,), one-hot rows, or numbers, (n,)
        or (n, outputs).
    criterion, optimizer : where a model has none. Of files, names of its framework, such as "CrossEntropyLoss" and
        "Adam"; of models that are there names or objects, where an optimizer may be a function of the parameters, such
        as torch.optim.Adam. A pair has one for each model.
    steps : maximum number of steps; by default 1,000, and 20 of a model.
    timing : whether files with a model are timed, which takes some seconds for each.
    timeout : seconds that an implementation has for each answer.
    options : network, batch_size, optimizer, learning_rate, initial, dtype, seed, dataset, data_dir, offline, ...

    Raises
    ------
    CallError
        If one of the two gives no answer.
    SettingError, SpecError, UnknownImplementationError, DataError, TypeError
        As `compare`.
    """
    if steps is not None and steps < 1:
        raise SettingError("steps", f"got {steps}, expected a whole number of at least 1")
    if is_model(a):
        return live([a, b] if b is not None else [a], x, y, criterion, optimizer, steps or STEPS_OF_MODELS, options)
    if x is not None or y is not None:
        raise SettingError(
            "x", f"got examples together with {a!r}, expected none: examples are for models that are there"
        )
    given = given_options(options | {"optimizer": optimizer}, (*PROBLEM, "optimizer", "learning_rate"))
    names = [_without_dtype(name) for name in (a, b) if name is not None]
    if any(map(is_port, names)):
        for name in (a, b):
            if str(name).endswith(":float32"):
                raise SettingError("implementation", f"got {name}, expected {_without_dtype(name)}: {PRECISE}")
        return ported(names, given, criterion, steps or STEPS_OF_MODELS, timing, timeout, progress)
    if criterion is not None:
        raise SettingError(
            "criterion", f"got {criterion!r}, expected none: it is for files with a model of a framework"
        )
    b, steps = REFERENCE if b is None else b, steps or STEPS
    settled = resolve(given)
    training, network = training_of(settled), network_of(settled, given)
    sides = _side(a, training.dtype), _side(b, training.dtype)
    if all(given[name] is None for name in ("network", "sizes", "activation", "loss")):
        own = (declared_spec(name) for name in names if name.endswith(".py"))
        network = next((spec for spec in own if spec is not None), network)
    names = [side.implementation for side in sides]
    implementations.require(names, network, training)
    with progress("steps", steps) as done, side_by_side(names, Stepper.of, timeout=timeout) as processes:
        dataset = load_data(given)
        dataset.check(network, training.batch_size)
        found = take_steps(sides, processes, network, training, dataset, steps, done)
    heading = [
        f"{sides[0]} and {sides[1]} in lock-step",
        f"{network}; {training.optimizer}, learning rate {training.learning_rate:g}, batch {training.batch_size}, "
        f"{training.initial} initial weights, seed {training.seed}",
        dataset.title,
    ]
    document = lockstep_report.document(found, heading)
    if found.departures:
        why = _why(names, network, training, min(steps, STEPS_OF_MODELS), timeout)
        document.more["why"] = why
        document.remarks.extend(why)
    return Steps(document, found)


def _why(names: list[str], network: NetworkSpec, training: TrainingSpec, steps: int, timeout: float) -> list[str]:
    """Return what each of two implementations computes, by its numbers, where they disagree; [] if that cannot be."""
    with suppress(CallError), side_by_side(list(dict.fromkeys(names)), PortStepper.of, timeout=timeout) as processes:
        sides = comparison.begin(processes, names, Given(network, training))
        found = comparison.examine(sides, processes, steps, training.batch_size, training.seed)
        return [line.strip() for line in explain(found)] if not found.ok else []
    return []


def _without_dtype(name: str) -> str:
    """Return a name without the dtype that it may end with; a model is computed in float64 wherever it can be."""
    return name.rpartition(":")[0] if name.rpartition(":")[2] in DTYPES else name


def _side(name: str, dtype: str) -> Side:
    """Return one of the two, with the dtype of its own that its name may say."""
    implementation, _, own = name.rpartition(":")
    has_own = own in DTYPES
    (located,) = implementations.locate_all([implementation if has_own else name])
    return Side(located, own if has_own else dtype)
