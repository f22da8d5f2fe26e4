"""The verb `agree`: the error of each gradient tensor, and how much of it rounding explains."""

import argparse

from shared import implementations, spec
from shared.verbs.command import (
    Parser,
    data_options,
    implementation_option,
    network_options,
    options_of,
    output_options,
    print_document,
    progress,
    timeout_option,
    training_options,
)


def parser() -> Parser:
    """Return the parser of `agree`."""
    description = "Print the error of each gradient tensor, and how much of it rounding explains."
    examples = {
        "-i pytorch": "the gradients of one batch, in float32 and float64",
        "--all -i mine.py": "every activation, loss, depth, batch size and dtype",
    }
    p = Parser("agree", description, examples)
    what = p.add_argument_group("what is compared")
    implementation_option(what, f"repeatable (default: {', '.join(implementations.defaults())})")
    network_options(what)
    matrix = "every activation, loss, depth (1 to 4 layers), batch (1, 10, 64) and dtype, in one table"
    what.add_argument("--all", action="store_true", help=f"{matrix}; other options narrow the choice")
    training_options(what, seed="seed of the initial parameters and the batch", batch_size="examples in the batch")
    what.add_argument("--dtype", help=f"{', '.join(spec.DTYPES)} (default: both)")
    data_options(p)
    timeout_option(what, "stop an implementation that gives no answer within this time", "2m")
    output_options(p)
    return p


def run(arguments: argparse.Namespace, _: list[str]) -> int:
    """Print the error budget of each implementation."""
    from shared.api.proofs import agree

    names, options = arguments.implementation or [], options_of(arguments)
    found = agree(*names, matrix=arguments.all, timeout=arguments.timeout, progress=progress, **options)
    print_document(found.document, arguments.format)
    if any(entry.verdict == "not rounding" for entry in found.entries):
        return 4
    failed = [f for f in found.failures if f.kind != "not available" or names]
    return 1 if failed or not found.entries else 0
