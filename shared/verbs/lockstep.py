"""The verb `lockstep`: two implementations take the same steps, until rounding no longer explains their difference."""

import argparse

from shared import spec
from shared.errors import UsageError
from shared.options import DEFAULTS, learning_rate
from shared.verbs.command import (
    Parser,
    add,
    data_options,
    load_data,
    network_options,
    optimizer_options,
    output_options,
    print_document,
    print_error,
    progress,
    timeout_option,
)


def parser() -> Parser:
    """Return the parser of `lockstep`."""
    told = "Let two implementations take the same steps, and say where they part."
    p = Parser(prog="compare.py lockstep", description=told)
    what = p.add_argument_group("what is compared")
    told = "twice, or once to compare it with numpy_scratch; NAME:float64 and NAME:float32 give it a dtype of its own"
    network_options(what, told)
    add(what, "--batch-size", told="examples a step", type=int)
    optimizer_options(what)
    add(what, "--initial", told=f"initial weights: {', '.join(spec.INITIALS)}")
    add(what, "--dtype", told=", ".join(spec.DTYPES))
    add(what, "--seed", told="of the initial parameters and of the batches", type=int)
    what.add_argument("--steps", type=int, default=1000, help="at most so many (default: 1000)")
    data_options(p)
    timeout_option(what, "end an implementation that has no answer for so long", "2m")
    output_options(p)
    return p


def run(arguments: argparse.Namespace, _: list[str]) -> int:
    """Take the steps, and say where the two part."""
    from shared.agreement import lockstep
    from shared.implementations import REFERENCE
    from shared.measure.plan import locate_all, network_of
    from shared.processes.calls import RemoteError
    from shared.report import lockstep as report

    given = {name: value for name, value in vars(arguments).items() if name in DEFAULTS and value is not None}
    options = {**DEFAULTS, **given}
    names = list(arguments.implementation or [])
    if len(names) == 1:
        names.append(REFERENCE)
    if len(names) != 2:
        raise UsageError(f"lockstep: got {len(names)} implementations, expected -i once or twice")
    if arguments.steps < 1:
        raise UsageError(f"--steps: got {arguments.steps}, expected a whole number of at least 1")
    options["learning_rate"] = learning_rate(options)
    fields = ("batch_size", "dtype", "initial", "learning_rate", "optimizer", "seed")
    training, network = spec.TrainingSpec(**{name: options[name] for name in fields}), network_of(options)
    sides = []
    for name in names:
        implementation, _, own = name.rpartition(":")
        is_dtype = own in spec.DTYPES
        (located,) = locate_all([implementation if is_dtype else name])
        sides.append(lockstep.Side(located, own if is_dtype else training.dtype))
    dataset = load_data(arguments)
    if training.batch_size > len(dataset.train):
        most = f"at most {len(dataset.train):,}, the training images"
        raise UsageError(f"--batch-size: got {training.batch_size:,}, expected {most}")
    try:
        with progress(arguments.steps) as done:
            found = lockstep.walk(
                (sides[0], sides[1]), network, training, dataset, arguments.steps, arguments.timeout, done
            )
    except RemoteError as error:
        print_error(error)
        return 1
    heading = [
        f"{sides[0]} and {sides[1]} in lock-step",
        f"{network}; {training.optimizer}, learning rate {training.learning_rate:g}, batch {training.batch_size}, "
        f"{training.initial} initial weights, seed {training.seed}",
        dataset.title,
    ]
    print_document(report.document(found, heading), arguments.format)
    return 4 if found.departures else 0
