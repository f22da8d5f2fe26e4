"""The verb `sweep`: every combination of networks, batch sizes, learning rates and seeds, on Dask."""

import argparse
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared import implementations, spec
from shared.errors import UsageError
from shared.options import INPUTS, choice
from shared.processes import signals
from shared.sweep.grid import networks, numbers
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

if TYPE_CHECKING:
    from shared.sweep.plan import Plan
    from shared.sweep.run import Progress

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
    scheduler = "of a Dask cluster that is there (default: a new one on this machine)"
    where.add_argument("--scheduler", metavar="ADDRESS", help=scheduler)
    workers = "processes of the new cluster (default: 1; with --no-timing one for each CPU)"
    where.add_argument("--workers", type=int, metavar="N", help=workers)
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
    from shared.record.schema import COMPLETE, ERROR, INTERRUPTED
    from shared.report import sweep as report
    from shared.report.outputs import write_sweep
    from shared.sweep import plan as planning
    from shared.sweep.grid import AXES

    _refuse(arguments)
    given = {**vars(arguments), **dict.fromkeys(AXES)}
    axes = {axis: getattr(arguments, axis) for axis in AXES}
    how = {name: getattr(arguments, name) for name in ("data_dir", "offline", "output", "resume", "timed", "timeout")}
    with nullcontext() if arguments.quiet else progress("reading the data"):
        planned = planning.plan(given, axes, argv, **how)
    record = planned.record
    try:
        record["failures"] = _compute(planned, arguments)
        record["ended"] = COMPLETE
    except KeyboardInterrupt:
        record["ended"] = INTERRUPTED
    except ConnectionError as error:
        record["ended"] = f"{ERROR}{error}"
    record["rows"] = report.parts(record, planned.results())
    planned.save()
    page = write_sweep(planned.folder, record)
    print_document(report.document(record), arguments.format)
    if not arguments.quiet:
        show_page(page, arguments.open)
    if record["ended"] == INTERRUPTED:
        return signals.exit_code()
    return _exit_code(record)


def _refuse(arguments: argparse.Namespace) -> None:
    if arguments.resume and arguments.output:
        raise UsageError("--output: got one together with --resume, expected none: a sweep continues in its own folder")
    if arguments.scheduler and arguments.workers:
        raise UsageError("--workers: got a number together with --scheduler, expected none: that cluster has its own")
    if arguments.workers is not None and arguments.workers < 1:
        raise UsageError(f"--workers: got {arguments.workers}, expected at least 1")
    if arguments.timed and (arguments.workers or 1) > 1:
        raise UsageError(
            f"--workers: got {arguments.workers}, expected 1: timed tasks of one machine run one after the other; "
            "--no-timing runs them beside each other"
        )


def _compute(planned: "Plan", arguments: argparse.Namespace) -> list[Any]:
    """Run the tasks that are missing; return those that were given up."""
    from dataclasses import asdict

    from shared.report.sweep_progress import Display
    from shared.sweep import cluster
    from shared.sweep.run import run as compute
    from shared.sweep.task import packed

    if not planned.tasks:
        return []
    with cluster.connected(arguments.scheduler, timed=arguments.timed, workers=arguments.workers) as client:
        client.register_plugin(cluster.data_plugin(packed(planned.dataset), planned.record["digest"]))
        slots = cluster.slots(client)
        with nullcontext() if arguments.quiet else Display(planned, slots, client.dashboard_link) as display:
            found: Progress = compute(client, planned.tasks, planned.keep, display.shown if display else lambda _: None)
    for address, reason in found.refused.items():
        print(f"worker {address} was not used: {reason}", file=sys.stderr)
    return [{**asdict(cell), "reason": reason} for cell, reason in found.failures.items()]


def _exit_code(record: Any) -> int:
    from shared.record.schema import COMPLETE, DISAGREES, NOT_AVAILABLE, OK
    from shared.report.summary import DIVERGED

    statuses = {row["status"] for row in record["rows"]}
    if record["ended"] != COMPLETE or record["failures"] or statuses - {OK, DISAGREES, NOT_AVAILABLE, DIVERGED}:
        return 1
    return 4 if DISAGREES in statuses else 0
