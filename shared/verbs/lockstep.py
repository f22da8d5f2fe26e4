"""The verb `lockstep`: two implementations take the same steps, until rounding no longer explains their difference."""

import argparse
from typing import TYPE_CHECKING

from shared import implementations, spec
from shared.errors import UsageError
from shared.implementations import REFERENCE
from shared.options import network_of, resolve, training_of
from shared.verbs.command import (
    Parser,
    add,
    data_options,
    implementation_option,
    load_data,
    network_options,
    optimizer_options,
    output_options,
    print_document,
    print_error,
    progress,
    timeout_option,
    training_options,
)

if TYPE_CHECKING:
    from shared.agreement.lockstep import Side


def parser() -> Parser:
    """Return the parser of `lockstep`."""
    description = "Let two implementations take the same steps, and name the first that rounding does not explain."
    p = Parser(prog="compare.py lockstep", description=description)
    what = p.add_argument_group("what is compared")
    implementation_option(
        what, f"twice, or once to compare it with {REFERENCE}; NAME:float64 and NAME:float32 give it its own dtype"
    )
    network_options(what)
    optimizer_options(what)
    training_options(what, seed="of the initial parameters and of the batches")
    add(what, "--dtype", help=", ".join(spec.DTYPES))
    what.add_argument("--steps", type=int, default=1000, help="at most so many (default: 1000)")
    data_options(p)
    timeout_option(what, "end an implementation that gives no answer for so long", "2m")
    output_options(p)
    return p


def run(arguments: argparse.Namespace, _: list[str]) -> int:
    """Take the steps, and print where the two first differ."""
    from shared.agreement.lockstep import lockstep
    from shared.processes.calls import CallError
    from shared.report import lockstep as report

    if arguments.steps < 1:
        raise UsageError(f"--steps: got {arguments.steps}, expected a whole number of at least 1")
    options = resolve(vars(arguments))
    training, network = training_of(options), network_of(options, vars(arguments))
    sides = _sides(arguments.implementation or [], training.dtype)
    dataset = load_data(arguments)
    dataset.check(network, training.batch_size)
    try:
        with progress(arguments.steps) as done:
            found = lockstep(sides, network, training, dataset, arguments.steps, arguments.timeout, done)
    except CallError as error:
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


def _sides(given: list[str], dtype: str) -> "tuple[Side, Side]":
    """Return the two that are compared: implementations, each with a dtype of its own or else this one."""
    from shared.agreement.lockstep import Side

    def side(name: str) -> Side:
        implementation, _, own = name.rpartition(":")
        has_own = own in spec.DTYPES
        (located,) = implementations.locate_all([implementation if has_own else name])
        return Side(located, own if has_own else dtype)

    names = [*given, REFERENCE] if len(given) == 1 else given
    if len(names) != 2:
        raise UsageError(f"lockstep: got {len(names)} implementations, expected -i once or twice")
    return side(names[0]), side(names[1])
