"""The verb `agree`: what each gradient tensor is off, beside what rounding explains of it."""

import argparse
from typing import Any, Final

from shared import spec
from shared.errors import UsageError
from shared.options import DEFAULTS
from shared.verbs.command import (
    Parser,
    add,
    data_options,
    load_data,
    network_options,
    output_options,
    print_document,
    progress,
    timeout_option,
)

NETWORK: Final = ("sizes", "activation", "loss")


def parser() -> Parser:
    """Return the parser of `agree`."""
    told = "Print what each gradient tensor is off, beside what rounding explains of it."
    p = Parser(prog="compare.py agree", description=told)
    what = p.add_argument_group("what is compared")
    network_options(what)
    told = "every activation, loss, depth (1 to 4 layers), batch (1, 10, 64) and dtype, as one matrix"
    what.add_argument("--all", action="store_true", help=f"{told}; options that are given narrow it")
    add(what, "--batch-size", told="examples of the batch", type=int)
    add(what, "--initial", told=f"initial weights: {', '.join(spec.INITIALS)}")
    what.add_argument("--dtype", help=f"{', '.join(spec.DTYPES)} (default: each)")
    add(what, "--seed", told="of the initial parameters and of the batch", type=int)
    data_options(p)
    timeout_option(what, "end an implementation that has no answer for so long", "2m")
    output_options(p)
    return p


def run(arguments: argparse.Namespace, _: list[str]) -> int:
    """Print the error budget of each implementation."""
    from shared.agreement import survey
    from shared.measure.plan import locate_all, network_of
    from shared.report import budget

    names = locate_all(arguments.implementation)
    given = {name: value for name, value in vars(arguments).items() if name in DEFAULTS and value is not None}
    options = {**DEFAULTS, **given}
    fields = ("batch_size", "dtype", "initial", "seed")
    training = spec.TrainingSpec(**{name: options[name] for name in fields})
    specs, batch_sizes = [network_of(options)], [training.batch_size]
    if arguments.all:
        specs = [network for network in survey.matrix() if _within(network, given)]
        batch_sizes = [options["batch_size"]] if "batch_size" in given else list(survey.BATCH_SIZES)
        if not specs:
            raise UsageError(f"--sizes: got {options['sizes']}, expected one of the matrix's, such as 784,30,10")
    dataset = load_data(arguments)
    if max(batch_sizes) > len(dataset.train):
        most = f"at most {len(dataset.train):,}, the training images"
        raise UsageError(f"--batch-size: got {max(batch_sizes):,}, expected {most}")
    dtypes = [options["dtype"]] if "dtype" in given else list(spec.DTYPES)
    posed = list(survey.problems(specs, batch_sizes, dtypes, training, dataset))
    with progress(len(posed)) as done:
        findings = survey.examine(names, posed, arguments.timeout, done)
    remarks = [f"{f.problem}: {f.reason}" if f.problem else f.reason for f in findings.failures]
    start = f"{training.initial} initial weights, seed {training.seed}"
    if arguments.all:
        heading = [f"{len(posed)} problems, {start}", dataset.title]
        told = budget.as_matrix(findings.entries, remarks, heading)
    else:
        heading = [f"{specs[0]}; batch {training.batch_size}, {start}", dataset.title]
        told = budget.one_each(findings.entries, remarks, heading)
    print_document(told, arguments.format)
    if any(entry.verdict == "not rounding" for entry in findings.entries):
        return 4
    failed = [f for f in findings.failures if f.kind != "not available" or arguments.implementation]
    return 1 if failed or not findings.entries else 0


def _within(network: spec.NetworkSpec, given: dict[str, Any]) -> bool:
    """Return whether a network of the matrix is one of those that are asked for."""
    return all(getattr(network, name) == given.get(name, getattr(network, name)) for name in NETWORK)
