"""Models of a user's own as they are, trained and timed beside each other."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from shared import implementations
from shared.agreement import budget
from shared.api.common import DATA, Printed, Progress, given_options, load_data, no_progress, one_thread
from shared.api.ports import STEPS_OF_MODELS, of_models, sibling_of
from shared.api.proofs import agree
from shared.errors import SettingError
from shared.measure import plan
from shared.options import DEFAULTS, network_of, resolve, training_of
from shared.ports import beside, comparison, timed
from shared.ports.beside import Entry
from shared.ports.kinds import declared_spec, is_model, is_port
from shared.ports.stepper import Given, PortStepper
from shared.processes.calls import side_by_side
from shared.report import beside as report
from shared.report.numbers import plural

NOT_TAKEN = {
    "output": "models write no results; --format csv, json or markdown prints what can be kept",
    "open": "models write no page; leave it out",
    "details": "models have one table, which is printed; --format json has every figure",
    "baseline": "models are compared with the first; give another -i first",
    "threads": "models are timed with 1 thread each; leave it out",
    "one_at_a_time": "models train in turns, epoch by epoch; leave it out",
    "budget": "models train all of their epochs; --rounds, --epochs and --train-size shorten it",
}
"""option -> what it is about, and what to do, where models of a user's own train beside each other"""
NEAR = 0.01
"""Relative difference of errors against the reference that are the same."""
TAKEN = tuple(name for name in DEFAULTS if name not in ("implementation", *NOT_TAKEN)) + DATA[1:]


@dataclass(frozen=True, repr=False)
class Models(Printed):
    """Models beside each other: with which others each agrees, its accuracy and its time."""

    entries: list[Entry]

    @property
    def failed(self) -> bool:
        """Whether one of them did not train to the end: an error, or no answer in time."""
        return any(entry.failed for entry in self.entries)

    @property
    def ok(self) -> bool:
        """Whether all of them trained, and all agree with each other."""
        return not self.failed and all(entry.group == 0 for entry in self.entries)


@one_thread
def models(
    *names: str, criterion: str | None = None, effort: str | None = None,
    preset: str | None = None, timeout: float = 300,
    progress: Progress = no_progress, **options: Any,
) -> Models:  # fmt: skip
    """Train and time models of a user's own beside each other, from the same weights and on the same batches.

    They need not be the network that the options specify: they are compared with each other.

    Parameters
    ----------
    names : files with a torch.nn.Module, a keras.Model, or a module of Flax or Equinox, with its loss and its
        optimizer; files with a class `Network`; or names of implementations.
    criterion : of files with a model and no loss, by its framework's name; so is `optimizer` of those without one.
    effort, preset : as `compare`.
    timeout : seconds that a model has for each answer, such as an epoch.
    options : network, epochs, batch_size, rounds, seed, dataset, data_dir, offline, ...; a model has its own optimizer.

    Raises
    ------
    CallError
        If a file holds no model, or gives no answer.
    SettingError, SpecError, UnknownImplementationError, DataError, TypeError
        As `compare`.
    """
    given, named = of_models(given_options(options, TAKEN), criterion)
    settled = resolve(given, effort, None, preset)
    located = list(implementations.locate_all(list(names), with_models=True))
    dataset = plan.part_of(load_data(given), settled)
    epochs = dataset.epochs if settled["epochs"] is None else settled["epochs"]
    training, rounds = replace(training_of(settled), epochs=epochs), settled["rounds"]
    has_network = any(given[name] is not None for name in ("network", "sizes", "activation", "loss"))
    spec = network_of(settled, given)
    declared = next((each for name in located if (each := declared_spec(name)) is not None), None)
    own = spec if has_network or declared is None else declared
    with side_by_side(located, PortStepper.of, timeout=timeout) as processes:
        with progress("comparing the models", None):
            sides = comparison.begin(processes, located, Given(own, training, named))
            entries = [Entry(side) for side in sides]
            if given["initial"] is None and any(side.about.own for side in sides):
                training = replace(training, initial="scaled")  # as models of frameworks start
            for name, side in zip(located, sides, strict=True):
                beside.refuse_unfit(side.about, Path(name).name, dataset)
                if not side.about.has_update:
                    raise SettingError("implementation", f"got {Path(name).name}, whose functions have no update; "
                                       "expected models that train")  # fmt: skip
            beside.agree(entries, processes, training, STEPS_OF_MODELS)
            beside.mark_those_of_spec(entries, processes, own, training, timeout)
        with progress("training", rounds) as done:
            beside.train(entries, processes, dataset, training, rounds, done)
        with progress("where the time goes", None):
            timed.time_sides(sides, processes, training.batch_size, training.seed)
        sibling = sibling_of(sides[0], processes[0], located[0], training, timeout) if len(sides) == 1 else None
    weights = "" if any(comparison.unmapped([sides[0], side]) for side in sides) else "the same weights given, "
    heading = [
        f"{' / '.join(side.name for side in sides)}: {weights}the same mini-batches",
        *(f"{side.name}: {side.about.kind}: {', '.join(side.about.found)}" for side in sides),
        f"{dataset.title}; batch {training.batch_size}, {plural(epochs, 'epoch')}, {plural(rounds, 'round')}; "
        f"{training.initial} initial weights; timed in float32, in turns, 1 thread",
    ]
    return Models(report.document(entries, heading, sibling, training.batch_size), entries)


def are_models(names: list[str] | None, **options: Any) -> bool:
    """Return whether names are models to be compared with each other.

    They are if one of them is a model of a framework as it is. Of files with a class or functions, they are if there
    are no others and all depart from the specified gradients by the same: then they are another network.
    """
    if not names or not all(
        name in implementations.names() or Path(implementations.file_and_model(name)[0]).is_file() for name in names
    ):
        return False
    try:
        if any(map(is_model, names)):
            return True
        if not all(name.endswith(".py") for name in names):
            return False
        if any(map(is_port, names)):
            return True
    except OSError:  # a file that cannot be read: the plan of a run says why
        return False
    if len(names) < 2:
        return False
    known = {key: value for key, value in options.items() if key in ("network", "sizes", "activation", "loss", *DATA)}
    entries = agree(names[0], **known).entries
    if entries and not _wrong(entries):  # then the others need not start twice
        return False
    entries = [*entries, *agree(*names[1:], **known).entries]
    off: dict[str, list[float]] = {}
    for entry in entries:
        off.setdefault(entry.implementation, []).append(entry.error)
    wrong = _wrong(entries)
    first, *others = [off[name] for name in off if name in wrong] or [[]]
    return bool(others) and len(wrong) == len(off) and all(np.allclose(each, first, rtol=NEAR) for each in others)


def _wrong(entries: list[budget.Entry]) -> set[str]:
    """Return the implementations whose gradients are not those of the specification."""
    return {entry.implementation for entry in entries if entry.verdict == "not rounding"}
