"""The verb `agree`: the error of each gradient tensor, beside what rounding explains of it."""

import argparse

from shared import implementations, spec
from shared.errors import UsageError
from shared.layers import ACTIVATIONS
from shared.options import network_of, resolve, training_of
from shared.verbs.command import (
    Parser,
    data_options,
    implementation_option,
    load_data,
    network_options,
    output_options,
    print_document,
    progress,
    timeout_option,
    training_options,
)


def parser() -> Parser:
    """Return the parser of `agree`."""
    description = "Print the error of each gradient tensor, beside what rounding explains of it."
    p = Parser(prog="compare.py agree", description=description)
    what = p.add_argument_group("what is compared")
    implementation_option(what, f"repeatable (default: {', '.join(implementations.defaults())})")
    network_options(what)
    matrix = "every activation, loss, depth (1 to 4 layers), batch (1, 10, 64) and dtype, as one matrix"
    what.add_argument("--all", action="store_true", help=f"{matrix}; options that are given narrow it")
    training_options(what, seed="of the initial parameters and of the batch", batch_size="examples of the batch")
    what.add_argument("--dtype", help=f"{', '.join(spec.DTYPES)} (default: each)")
    data_options(p)
    timeout_option(what, "end an implementation that gives no answer for so long", "2m")
    output_options(p)
    return p


def run(arguments: argparse.Namespace, _: list[str]) -> int:
    """Print the error budget of each implementation."""
    from shared.agreement import survey
    from shared.report import budget

    names = implementations.locate_all(arguments.implementation)
    options = resolve(vars(arguments))
    training = training_of(options)
    specs, batch_sizes = [network_of(options, vars(arguments))], [training.batch_size]
    if arguments.all:
        specs = _matrix(arguments) if arguments.network is None else specs
        batch_sizes = list(survey.BATCH_SIZES) if arguments.batch_size is None else batch_sizes
    dataset = load_data(arguments)
    for network in specs:
        dataset.check(network, max(batch_sizes))
    dtypes = list(spec.DTYPES) if arguments.dtype is None else [training.dtype]
    posed = list(survey.problems(specs, batch_sizes, dtypes, training, dataset))
    with progress(len(posed)) as done:
        findings = survey.examine(names, posed, arguments.timeout, done)
    start = f"{training.initial} initial weights, seed {training.seed}"
    problem = f"{len(posed)} problems, {start}" if arguments.all else f"{specs[0]}; batch {batch_sizes[0]}, {start}"
    as_document = budget.as_matrix if arguments.all else budget.one_each
    remarks = [f"{f.problem}: {f.reason}" if f.problem else f.reason for f in findings.failures]
    print_document(as_document(findings.entries, remarks, [problem, dataset.title]), arguments.format)
    if any(entry.verdict == "not rounding" for entry in findings.entries):
        return 4
    failed = [f for f in findings.failures if f.kind != "not available" or arguments.implementation]
    return 1 if failed or not findings.entries else 0


def _matrix(arguments: argparse.Namespace) -> list[spec.NetworkSpec]:
    """Return the networks of the matrix, narrowed to the sizes, activation and loss that are given."""
    from shared.agreement import survey

    activations = ACTIVATIONS if arguments.activation is None else (arguments.activation,)
    losses = spec.LOSSES if arguments.loss is None else (arguments.loss,)
    specs = survey.matrix(activations, losses)
    found = [network for network in specs if arguments.sizes in (None, network.sizes)]
    if not found:
        raise UsageError(f"--sizes: got {arguments.sizes}, expected one of the matrix's, such as 784,30,10")
    return found
