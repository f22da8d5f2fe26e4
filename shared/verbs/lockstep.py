"""The verb `lockstep`: two implementations take the same steps until rounding no longer explains a difference."""

import argparse

from shared import spec
from shared.errors import UsageError
from shared.implementations import REFERENCE
from shared.verbs.command import (
    Parser,
    add,
    criterion_option,
    data_options,
    implementation_option,
    network_options,
    optimizer_options,
    options_of,
    output_options,
    print_document,
    print_port_error,
    progress,
    timeout_option,
    training_options,
)
from shared.verbs.file_arguments import file_arguments


def parser() -> Parser:
    """Return the parser of `lockstep`."""
    description = "Let two implementations take the same steps, and report the first that rounding does not explain."
    examples = {
        "-i numpy_scratch -i pytorch": "the same 1,000 steps in both",
        "mine_torch.py mine_keras.py": "two models as they are: where they part, and why",
    }
    p = Parser("lockstep", description, examples)
    file_arguments(p)
    what = p.add_argument_group("what is compared")
    implementation_option(
        what, f"twice, or once to compare it with {REFERENCE}; NAME:float64 and NAME:float32 give it its own dtype"
    )
    network_options(what)
    optimizer_options(what)
    criterion_option(what)
    training_options(what, seed="seed of the initial parameters and the batches")
    add(what, "--dtype", help=", ".join(spec.DTYPES))
    what.add_argument("--steps", type=int, help="maximum number of steps (default: 1000, and 20 of a model as it is)")
    no_timing = "compare only: do not time files that have a model, nor say why one is slow"
    what.add_argument("--no-timing", dest="timing", action="store_false", help=no_timing)
    data_options(p)
    timeout_option(what, "stop an implementation that gives no answer within this time", "2m")
    output_options(p)
    return p


def run(arguments: argparse.Namespace, _: list[str]) -> int:
    """Take the steps, and print where the two first differ."""
    from shared.api.proofs import lockstep
    from shared.processes.calls import CallError

    names, options = arguments.implementation or [], options_of(arguments)
    if len(names) not in (1, 2):
        raise UsageError(f"lockstep: got {len(names)} implementations, expected one or two: files, or names after -i")
    try:
        steps = lockstep(
            *names,
            criterion=arguments.criterion,
            steps=arguments.steps,
            timing=arguments.timing,
            timeout=arguments.timeout,
            progress=progress,
            **options,
        )
    except CallError as error:
        print_port_error(error)
        return 1
    print_document(steps.document, arguments.format)
    return 1 if getattr(steps, "failed", False) else 0 if steps.ok else 4
