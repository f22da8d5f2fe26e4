"""The verb `run`, which is meant where none is given: train, measure, tabulate."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from shared import spec
from shared.options import INPUTS, PRESETS, choice, duration
from shared.processes import signals
from shared.verbs.command import (
    Parser,
    add,
    data_options,
    network_options,
    open_option,
    optimizer_options,
    output_options,
    print_document,
    run_folder,
    show_page,
    timeout_option,
    typed,
)

DESCRIPTION = "Train the same network in every implementation and tabulate accuracy, speed and gradient agreement."


def parser(epilog: str) -> Parser:
    """Return the parser of a run."""
    p = Parser(
        prog="compare.py",
        usage="compare.py [run] [option ...] | VERB ... (each has a --help)",
        description=DESCRIPTION,
        epilog=epilog,
    )

    what = p.add_argument_group("what is compared")
    network_options(what)

    how = p.add_argument_group("how it is trained")
    add(how, "--epochs", told="passes over the training set (default: 3; bundled digits: 10)", type=int)
    add(how, "--batch-size", told="examples a step", type=int)
    optimizer_options(how)
    add(how, "--initial", told=f"initial weights: {', '.join(spec.INITIALS)}")
    add(how, "--dtype", told=", ".join(spec.DTYPES))
    add(how, "--seed", told="of the first round; each further round adds 1", type=int)

    told = f"a recipe, which every option overrides: {', '.join(PRESETS)}"
    how.add_argument("--preset", type=typed(choice, tuple(PRESETS)), metavar="NAME", help=told)

    data = data_options(p)
    add(data, "--train-size", told="only the first N training images (default: all)", type=int, metavar="N")
    add(data, "--test-size", told="only the first N test images (default: all)", type=int, metavar="N")
    told = "x from 0 to 1, or with mean 0 and standard deviation 1: unit, standardised"
    add(data, "--inputs", told=told, type=typed(choice, INPUTS))

    measured = p.add_argument_group("how it is measured")
    add(measured, "--rounds", told="every implementation once a round, with a seed a round", type=int)
    effort = measured.add_mutually_exclusive_group()
    told = "1 round and 1 epoch, unless given"
    effort.add_argument("--quick", dest="effort", action="store_const", const="quick", help=told)
    told = "15 rounds, unless given"
    effort.add_argument("--rigorous", dest="effort", action="store_const", const="rigorous", help=told)
    told = "what ratios and differences are to (default: numpy_scratch)"
    add(measured, "--baseline", told=told, metavar="NAME")
    add(measured, "--threads", told="for every library", type=int)
    told = "such as 10m: stop after the sample that crosses it (default: none)"
    measured.add_argument("--budget", type=typed(duration), default=float("inf"), metavar="TIME", help=told)
    timeout_option(measured, "end a worker that ends no stage and no epoch for so long", "5m")
    told = "results go here (default: results/DATE-TIME-DATASET)"
    measured.add_argument("--output", type=Path, metavar="DIR", help=told)
    told = "go on with a run that was interrupted: what is missing, as it was asked for then"
    measured.add_argument("--resume", type=run_folder, metavar="RUN", help=told)
    output_options(p)
    open_option(p)
    p.add_argument(
        "--no-report", dest="report", action="store_false", help="write the tables only, no page and figures"
    )
    p.add_argument("-q", "--quiet", action="store_true", help="no progress on stderr")
    return p


def run(arguments: argparse.Namespace, argv: list[str]) -> int:
    """Run everything, print the tables and keep them."""
    from shared.measure.plan import plan
    from shared.measure.run import Silent, execute
    from shared.report import summary, tables
    from shared.report.progress import Display

    how = ("effort", "preset", "data_dir", "offline", "output", "resume", "budget", "timeout")
    planned = plan(vars(arguments), argv=argv, **{name: getattr(arguments, name) for name in how})
    config, folder = planned.config, planned.folder
    if arguments.quiet:
        record = execute(config, planned.dataset, folder, Silent(), planned.previous)
    else:
        with Display(config, planned.previous) as display:
            record = execute(config, planned.dataset, folder, display, planned.previous)
    print_document(tables.document(record), arguments.format)
    if not arguments.quiet:
        print(f"results: {os.path.relpath(folder)}", file=sys.stderr)
    _keep(folder, record, arguments)
    return signals.exit_code() if record["ended"] == "interrupted" else summary.exit_code(record)


def _keep(folder: Path, record: dict[str, Any], arguments: argparse.Namespace) -> None:
    """Write tables and page beside the results; they can be had again, so a full disk costs a line only."""
    from shared.report.outputs import keep_page, keep_tables

    try:
        keep_tables(folder, record)
        if arguments.report:
            page = keep_page(folder, record)
            if arguments.open or not arguments.quiet:
                show_page(page, arguments.open)
    except ImportError as error:
        print(f"no page: {error}; to mend it: pip install -c constraints.txt {error.name}", file=sys.stderr)
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
