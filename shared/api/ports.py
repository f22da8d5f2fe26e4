"""Models of a user's own, as files or as objects, compared with each other."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from shared import implementations
from shared.adapters.live import Live, is_model, settings_kept
from shared.adapters.port import Named
from shared.api.common import Printed, Progress, given_options, load_data
from shared.errors import SettingError
from shared.implementations import REFERENCE
from shared.interface import Array
from shared.options import network_of, resolve, training_of
from shared.ports import beside, comparison, timed
from shared.ports.kinds import declared_spec
from shared.ports.sides import Comparison, Side
from shared.ports.stepper import Given, InProcess, LiveStepper, PortStepper
from shared.processes.calls import CallError, CallProcess, side_by_side
from shared.report import ports as ports_report
from shared.spec import OPTIMIZERS, TrainingSpec

STEPS_OF_MODELS: Final = 20
PRECISE: Final = "models as they are take the same steps in float64, where they can, and are timed in float32"


@dataclass(frozen=True, repr=False)
class Ported(Printed):
    """A model as it was found, or two beside each other, with the quantity in which they part, and why."""

    found: Comparison

    @property
    def failed(self) -> bool:
        """Whether the model that is trained from its start, beside the steps that are compared, fails."""
        return bool(self.found.untrained)

    @property
    def ok(self) -> bool:
        """Whether nothing parts, and the training of none of them does otherwise than its steps."""
        return self.found.ok


def live(
    given: list[Any], x: Any, y: Any, criterion: Any, optimizer: Any, steps: int, options: dict[str, Any]
) -> Ported:
    """Compare models that are there, on these examples."""
    if x is None or y is None or not all(map(is_model, given)):
        raise SettingError("x", "got a model without examples, or one model alone; expected two models, x and y")
    settled = resolve(given_options(options, ("batch_size", "seed")))
    inputs, targets = _examples(x), _examples(y)
    if len(inputs) != len(targets):
        raise SettingError("y", f"got {len(targets)} targets for {len(inputs)} examples, expected one for each")
    batch = min(settled["batch_size"], len(targets))
    losses, rules = (each if isinstance(each, tuple) else (each,) * len(given) for each in (criterion, optimizer))
    lives = [Live(*each, inputs, targets) for each in zip(given, losses, rules, strict=True)]
    processes = [InProcess(LiveStepper(each)) for each in lives]
    names = [f"{type(model).__name__} {chr(ord('a') + k)}" for k, model in enumerate(given)]
    with settings_kept():
        sides = comparison.begin(processes, names, Given(None, TrainingSpec()))
        _refuse_unmapped(sides)
        data = _as_taken(inputs, sides[0].about.inputs), _targets(targets, sides[0].about.n_out)
        found = comparison.examine(sides, processes, steps, batch, settled["seed"], data)
    return Ported(ports_report.document(found), found)


def _refuse_unmapped(sides: list[Side]) -> None:
    if len(sides) == 2 and (why := comparison.unmapped(sides)):
        raise SettingError("implementation", f"got models whose weights cannot be mapped: {why}; expected the same "
                           "layers in the same order")  # fmt: skip


def _examples(values: Any) -> Array:
    """Return an array, or a tensor of any framework, as an array of floats."""
    return np.asarray(values.detach().cpu() if hasattr(values, "detach") else values, dtype=float)


def _targets(y: Array, n_out: int) -> Array:
    """Return targets as labels or numbers (n,); rows that are not one-hot stay as they are: of a regression."""
    if y.size != len(y) and y.shape[1:] != (n_out,):
        raise SettingError("y", f"got targets of shape {y.shape}, expected ({len(y)}, {n_out}) for {n_out} outputs, "
                           f"or ({len(y)},)")  # fmt: skip
    if y.size != len(y):
        is_one_hot = np.isin(y, (0, 1)).all() and (y.sum(1) == 1).all()
        return y.argmax(1).astype(float) if is_one_hot else y
    if n_out > 1 and not np.isin(y, range(n_out)).all():
        raise SettingError("y", f"got labels from {y.min():g} to {y.max():g}, expected 0 to {n_out - 1} for {n_out} "
                           "outputs")  # fmt: skip
    return y.reshape(-1)


def _as_taken(x: Array, inputs: list[int]) -> Array:
    """Return examples with channels first, as a model takes them."""
    if len(inputs) == 3 and list(x.shape[1:]) == [*inputs[1:], inputs[0]] != inputs:
        return x.transpose(0, 3, 1, 2)
    return x.reshape(len(x), *inputs)


def of_models(given: dict[str, Any], criterion: str | None) -> tuple[dict[str, Any], Named]:
    """Return the options that are ours, and what is named for models without a loss or an optimizer.

    Raises
    ------
    SettingError
        For workers, micro-batches and a dtype, which models as they are do not take.
    """
    whole = "models as they are train in one process, on whole batches"
    for name, why in {"workers": whole, "accumulate": whole, "dtype": PRECISE}.items():
        if given[name] not in (None, 1):
            raise SettingError(name, f"got {given[name]}, expected none: {why}")
    named = Named(criterion or "", given["optimizer"] or "", given["learning_rate"])
    if given["optimizer"] not in (None, *OPTIMIZERS):
        given = given | {"optimizer": None}  # one of a framework
    return given, named


def ported(
    names: list[str], given: dict[str, Any], criterion: str | None, steps: int, timing: bool, timeout: float,
    progress: Progress,
) -> Ported:  # fmt: skip
    """Compare a model with another, or say what it computes; a class `Network` is compared with the reference."""
    given, named = of_models(given, criterion)
    settled = resolve(given)
    training = training_of(settled)
    has_network = any(given[name] is not None for name in ("network", "sizes", "activation", "loss"))
    located = [implementations.locate_all([name], with_models=True)[0] for name in names]
    spec = network_of(settled, given) if has_network else None
    declared = next((each for name in located if (each := declared_spec(name)) is not None), None)
    spec = spec or declared
    if len(located) == 1 and declared is not None:
        located.append(REFERENCE)
    with side_by_side(located, PortStepper.of, timeout=timeout) as processes:
        with progress("loading", None):
            sides = comparison.begin(processes, located, Given(spec, training, named))
        _refuse_unmapped(sides)
        with progress("comparing", None):
            found = comparison.examine(sides, processes, steps, training.batch_size, training.seed)
        if len(names) < len(sides):
            comparison.accept_own_rule(found)
        asked = slice(len(names))  # the reference was not asked for
        if any(side.about.own and side.about.has_update for side in sides[asked]):
            dataset = load_data(given)
            if beside.fits(sides[0].about, dataset):
                try:
                    with progress("training from its own start", None):
                        found.accuracies = beside.start_accuracies(sides[asked], processes[0], dataset, training)
                except CallError as error:  # what was compared stays
                    found.untrained = str(error)
        if timing:
            with progress("timing (--no-timing leaves it out)", None):
                timed.time_sides(sides[asked], processes[asked], training.batch_size, training.seed)
                if len(names) == 1:
                    found.sibling = sibling_of(sides[0], processes[0], located[0], training, timeout)
    return Ported(ports_report.document(found), found)


def sibling_of(side: Side, process: CallProcess, name: str, training: TrainingSpec, timeout: float) -> Side | None:
    """Return one of ours that is made with the same framework, timed with the same sizes; None if there is none."""
    spec = timed.dense_like(side.about)
    ours = implementations.made_with(side.timing.framework) if side.timing else None
    if spec is None or ours is None or ours == name:
        return None
    with suppress(CallError), side_by_side([ours], PortStepper.of, timeout=timeout) as processes:
        sides = comparison.begin(processes, [ours], Given(spec, training))
        timed.time_sides(sides, processes, training.batch_size, training.seed)
        timed.time_in_turns([side, *sides], [process, *processes])
        return sides[0] if sides[0].timing else None
    return None
