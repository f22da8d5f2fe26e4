"""The verb `sweep`: every combination of networks, batch sizes, learning rates and seeds, on Dask."""

import argparse
import sys
from pathlib import Path
from typing import Any

from shared import implementations, spec
from shared.options import INPUTS, choice
from shared.processes import signals
from shared.sweep.grid import AXES, networks, numbers
from shared.verbs.command import (
    Parser,
    add,
    data_options,
    implementation_option,
    open_option,
    output_options,
    print_document,
    progress,
    show_page,
    timeout_option,
    typed,
)

DESCRIPTION = "Compare for every combination of networks, batch sizes, learning rates and seeds, on Dask."
EXAMPLES = {
    "--batch-size 10,64,512 --seed 1:5 -i all": "15 combinations, one after the other",
    "--seed 1:100 --scheduler tcp://10.0.0.1:8786": "on a Dask cluster",
}


def parser() -> Parser:
    """Return the parser of `sweep`."""
    p = Parser("sweep", DESCRIPTION, EXAMPLES)
    grid = p.add_argument_group("the grid: lists, such as 10,64,512, or ranges, such as 1:10")
    grid.add_argument("--network", type=typed(networks), metavar="LIST", help="networks (default: 784-30-10)")
    grid.add_argument("--batch-size", type=typed(numbers, int), metavar="LIST", help="examples per step (default: 10)")
    rates = "eta (default: that of the optimizer)"
    grid.add_argument("--learning-rate", type=typed(numbers, float), metavar="LIST", help=rates)
    grid.add_argument("--seed", type=typed(numbers, int), metavar="LIST", help="seeds (default: 1)")
    same = p.add_argument_group("what all combinations have in common")
    implementation_option(same, f"repeatable (default: {', '.join(implementations.defaults())})")
    add(same, "--activation", help="of layers that name none")
    add(same, "--loss", help=", ".join(spec.LOSSES))
    add(same, "--epochs", help="passes over the training set (default: 3; bundled digits: 10)", type=int)
    add(same, "--optimizer", help=", ".join(spec.OPTIMIZERS))
    add(same, "--initial", help=f"initial weights: {', '.join(spec.INITIALS)}")
    add(same, "--dtype", help=", ".join(spec.DTYPES))
    add(same, "--threads", help="threads of every library", type=int)
    add(same, "--baseline", help="implementation to which ratios refer", metavar="NAME")
    data = data_options(p)
    add(data, "--train-size", help="use only the first N training images (default: all)", type=int, metavar="N")
    add(data, "--test-size", help="use only the first N test images (default: all)", type=int, metavar="N")
    add(data, "--inputs", help=", ".join(INPUTS), type=typed(choice, INPUTS))
    where = p.add_argument_group("where it runs")
    scheduler = "of an existing Dask cluster (default: a new one on this machine)"
    where.add_argument("--scheduler", metavar="ADDRESS", help=scheduler)
    processes = "of the new cluster (default: 1; with --no-timing one for each CPU)"
    where.add_argument("--processes", type=int, metavar="N", help=processes)
    untimed = "run combinations beside each other on one machine: no times, only accuracy and agreement"
    where.add_argument("--no-timing", dest="timed", action="store_false", help=untimed)
    timeout_option(where, "stop an implementation that finishes no stage or epoch within this time", "5m")
    output = "folder for the results (default: results/DATE-TIME-sweep)"
    where.add_argument("--output", type=Path, metavar="DIR", help=output)
    where.add_argument("--resume", type=Path, metavar="SWEEP", help="continue a sweep: compute what is missing")
    output_options(p)
    open_option(p)
    p.add_argument("-q", "--quiet", action="store_true", help="print no progress to stderr")
    return p


def run(arguments: argparse.Namespace, argv: list[str]) -> int:
    """Run what is missing, then print the table and write sweep.json and the page."""
    from shared.api.sweeps import COMMON, sweep
    from shared.record.schema import INTERRUPTED
    from shared.report import sweep as report
    from shared.report.sweep_progress import Display

    options = {name: getattr(arguments, name) for name in COMMON if hasattr(arguments, name)}
    axes: dict[str, Any] = {axis: getattr(arguments, axis) for axis in AXES}
    shown: dict[str, Any] = {} if arguments.quiet else {"progress": progress, "listener": Display}
    found = sweep(
        *(arguments.implementation or ()), **axes, timing=arguments.timed, scheduler=arguments.scheduler,
        processes=arguments.processes, output=arguments.output, resume=arguments.resume, timeout=arguments.timeout,
        argv=argv, **shown, **options,
    )  # fmt: skip
    for address, reason in found.refused.items():
        print(f"worker {address} was not used: {reason}", file=sys.stderr)
    page = found.page()
    print_document(found.document, arguments.format)
    if not arguments.quiet:
        show_page(page, arguments.open)
    return signals.exit_code() if found.record["ended"] == INTERRUPTED else report.exit_code(found.record)
