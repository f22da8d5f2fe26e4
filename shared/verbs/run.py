"""The verb `run`, the default: train, measure, tabulate."""

import argparse
import shlex
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from shared import __version__, implementations, spec
from shared.errors import UsageError
from shared.options import INPUTS, PRESETS, choice, duration
from shared.processes import signals
from shared.record import files
from shared.record.schema import INTERRUPTED, Record
from shared.verbs.command import (
    COMMAND,
    PROGRAM,
    Parser,
    add,
    data_options,
    details_option,
    implementation_option,
    network_options,
    open_option,
    optimizer_options,
    output_options,
    print_run,
    progress,
    run_folder,
    show_page,
    timeout_option,
    training_options,
    typed,
)

DESCRIPTION = "Train the same network in every implementation and tabulate accuracy, speed and gradient agreement."
EXAMPLES = {
    "--quick": "one round of one epoch: the answer in half a minute",
    "-i numpy_scratch -i path/to/mine.py": "your own implementation beside the reference",
}


def parser() -> Parser:
    """Return the parser of a run."""
    p = Parser("", DESCRIPTION, EXAMPLES, f"{PROGRAM} [run] [option ...] | VERB ... (each has a --help)")
    what = p.add_argument_group("what is compared")
    implementation_option(what, f"repeatable (default: {', '.join(implementations.defaults())})")
    network_options(what)
    how = p.add_argument_group("how it is trained")
    add(how, "--epochs", help="passes over the training set (default: 3; bundled digits: 10)", type=int)
    optimizer_options(how)
    training_options(how, seed="of the first round; each further round adds 1")
    add(how, "--dtype", help=", ".join(spec.DTYPES))
    preset = f"a recipe, which every option overrides: {', '.join(PRESETS)}"
    how.add_argument("--preset", type=typed(choice, tuple(PRESETS)), metavar="NAME", help=preset)
    data = data_options(p)
    add(data, "--train-size", help="only the first N training images (default: all)", type=int, metavar="N")
    add(data, "--test-size", help="only the first N test images (default: all)", type=int, metavar="N")
    inputs = "x from 0 to 1, or with mean 0 and standard deviation 1: unit, standardised"
    add(data, "--inputs", help=inputs, type=typed(choice, INPUTS))
    _measuring_options(p.add_argument_group("how it is measured"))
    details_option(output_options(p))
    open_option(p)
    no_report = "write the tables only, no page and figures"
    p.add_argument("--no-report", dest="report", action="store_false", help=no_report)
    p.add_argument("--version", action="version", version=f"samegrad {__version__}")
    p.add_argument("-q", "--quiet", action="store_true", help="no progress on stderr")
    return p


def _measuring_options(group: Any) -> None:
    """Add the options of rounds, time and the run's folder."""
    add(group, "--rounds", help="every implementation once per round, each round with its own seed", type=int)
    effort = group.add_mutually_exclusive_group()
    for name, description in (("quick", "1 round and 1 epoch, unless given"), ("rigorous", "15 rounds, unless given")):
        effort.add_argument(f"--{name}", dest="effort", action="store_const", const=name, help=description)
    baseline = f"the implementation that ratios and differences refer to (default: {implementations.REFERENCE})"
    add(group, "--baseline", help=baseline, metavar="NAME")
    add(group, "--threads", help="for every library", type=int)
    budget = "such as 10m: no sample starts after so long (default: none)"
    group.add_argument("--budget", type=typed(duration), default=float("inf"), metavar="TIME", help=budget)
    timeout_option(group, "end a worker that ends no stage and no epoch for so long", "5m")
    output = "write the results here (default: results/DATE-TIME-DATASET)"
    group.add_argument("--output", type=Path, metavar="DIR", help=output)
    resume = "go on with a run that was interrupted: what is missing, with the same options"
    group.add_argument("--resume", type=run_folder, metavar="RUN", help=resume)


def run(arguments: argparse.Namespace, argv: list[str]) -> int:
    """Run everything, print the tables and keep them."""
    from shared.measure.plan import plan
    from shared.measure.run import Silent, execute
    from shared.report import summary
    from shared.report.progress import Display

    if arguments.resume and arguments.output:
        raise UsageError("--output: got one beside --resume, expected none: a run goes on in its own folder")
    how = ("effort", "preset", "data_dir", "offline", "output", "resume", "budget", "timeout")
    with nullcontext() if arguments.quiet else progress("reading the data"):
        planned = plan(vars(arguments), argv=argv, **{name: getattr(arguments, name) for name in how})
    config, folder = planned.config, planned.folder
    if arguments.quiet:
        record = execute(config, planned.dataset, folder, Silent(), planned.previous)
    else:
        with Display(config, planned.previous) as display:
            record = execute(config, planned.dataset, folder, display, planned.previous)
    print_run(record, arguments)
    _keep(folder, record, arguments)
    if not arguments.quiet and not arguments.details:
        print(f"details: {COMMAND} show {shlex.quote(files.shown(folder))} --details", file=sys.stderr)
    return signals.exit_code() if record["ended"] == INTERRUPTED else summary.exit_code(record)


def _keep(folder: Path, record: Record, arguments: argparse.Namespace) -> None:
    """Write tables and page beside the results; they can be made again, so a full disk is only reported."""
    from shared.report.outputs import write_page, write_tables

    try:
        write_tables(folder, record)
        if arguments.report:
            with nullcontext() if arguments.quiet else progress("writing the page"):
                page = write_page(folder, record)
            if arguments.open or not arguments.quiet:
                show_page(page, arguments.open)
    except ImportError as error:
        print(f"no page: {error}; to mend it: pip install -c constraints.txt {error.name}", file=sys.stderr)
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
