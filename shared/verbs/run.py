"""The verb `run`, the default: train, measure, tabulate."""

import argparse
import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared import __version__, implementations, spec
from shared.boundary import safe, told
from shared.errors import SettingError, UsageError
from shared.options import INPUTS, PRESETS, choice, duration
from shared.processes import signals
from shared.processes.system import to_copy
from shared.record import files
from shared.verbs.command import (
    COMMAND,
    PROGRAM,
    Parser,
    add,
    criterion_option,
    data_options,
    details_option,
    implementation_option,
    network_options,
    open_option,
    optimizer_options,
    options_of,
    output_options,
    print_document,
    print_port_error,
    print_run,
    progress,
    run_folder,
    show_page,
    timeout_option,
    training_options,
    typed,
)
from shared.verbs.file_arguments import file_arguments

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.record.schema import Record

DESCRIPTION = "Train the same network in every implementation and tabulate accuracy, speed and gradient agreement."
EXAMPLES = {
    "--quick": "one round of one epoch: an answer in half a minute",
    "-i numpy_scratch -i path/to/mine.py": "your own implementation, compared with the reference",
}


def parser() -> Parser:
    """Return the parser of a run."""
    p = Parser("", DESCRIPTION, EXAMPLES, f"{PROGRAM} [run] [FILE ...] [option ...] | VERB ... (each has a --help)")
    file_arguments(p)
    what = p.add_argument_group("what is compared")
    implementation_option(what, f"repeatable (default: {', '.join(implementations.defaults())})")
    network_options(what)
    how = p.add_argument_group("how it is trained")
    add(how, "--epochs", help="passes over the training set (default: 3; bundled digits: 10)", type=int)
    optimizer_options(how)
    criterion_option(how)
    training_options(how, seed="seed of the first round; each further round adds 1")
    add(how, "--dtype", help=", ".join(spec.DTYPES))
    preset = f"recipe; other options override it: {', '.join(PRESETS)}"
    how.add_argument("--preset", type=typed(choice, tuple(PRESETS)), metavar="NAME", help=preset)
    data = data_options(p)
    add(data, "--train-size", help="use only the first N training images (default: all)", type=int, metavar="N")
    tests = "use only the first N test images, and at most N for validation (default: all)"
    add(data, "--test-size", help=tests, type=int, metavar="N")
    inputs = "unit (pixels from 0 to 1) or standardised (mean 0, standard deviation 1)"
    add(data, "--inputs", help=inputs, type=typed(choice, INPUTS))
    _measuring_options(p.add_argument_group("how it is measured"))
    details_option(output_options(p))
    open_option(p)
    no_report = "write the tables only, without page and figures"
    p.add_argument("--no-report", dest="report", action="store_false", help=no_report)
    p.add_argument("--version", action="version", version=f"samegrad {__version__}")
    p.add_argument("-q", "--quiet", action="store_true", help="print no progress to stderr")
    return p


def _measuring_options(group: Any) -> None:
    """Add the options for rounds, time and the folder of the run."""
    add(group, "--rounds", help="number of rounds; each runs every implementation once, with its own seed", type=int)
    effort = group.add_mutually_exclusive_group()
    for name, description in (
        ("quick", "1 round of 1 epoch; --rounds and --epochs override it"),
        ("rigorous", "15 rounds; --rounds overrides it"),
    ):
        effort.add_argument(f"--{name}", dest="effort", action="store_const", const=name, help=description)
    baseline = f"implementation to which ratios refer (default: {implementations.REFERENCE}, or else the first)"
    add(group, "--baseline", help=baseline, metavar="NAME")
    add(group, "--threads", help="threads of every library", type=int)
    alone = "let no two processes of the run live together: ratios of whole epochs, without turns"
    group.add_argument("--one-at-a-time", action="store_const", const=True, help=alone)
    budget = "start no sample after this time, such as 10m (default: none)"
    group.add_argument("--budget", type=typed(duration), default=float("inf"), metavar="TIME", help=budget)
    timeout_option(group, "stop a worker that finishes no stage or epoch within this time", "5m")
    output = "folder for the results (default: results/DATE-TIME-DATASET)"
    group.add_argument("--output", type=Path, metavar="DIR", help=output)
    resume = "continue an interrupted run: measure what is missing, with the same options"
    group.add_argument("--resume", type=run_folder, metavar="RUN", help=resume)


def run(arguments: argparse.Namespace, argv: list[str]) -> int:
    """Run everything, then print and save the tables."""
    from shared.measure.plan import finished
    from shared.record.schema import INTERRUPTED
    from shared.report import summary
    from shared.report.outputs import PAGE

    if arguments.resume and arguments.output:
        raise UsageError("--output: got one together with --resume, expected none: a run continues in its own folder")
    if not arguments.resume and _are_models(arguments):
        return _beside(arguments)
    if arguments.criterion is not None:
        raise UsageError(
            f"--criterion: got {safe(arguments.criterion)}, expected none: it is for files with a model of a framework"
        )
    folder, record = arguments.resume, finished(arguments.resume, vars(arguments)) if arguments.resume else None
    if record is None:
        folder, record = _measure(arguments, argv)
        _keep(folder, record, arguments)
    print_run(record, arguments)
    if not arguments.quiet and (folder / PAGE).exists():
        show_page(folder / PAGE, arguments.open)
    if not arguments.quiet and not arguments.details:
        details = to_copy([*COMMAND.split(), "show", files.shown(folder), "--details"])
        print(f"details: {details}", file=sys.stderr)
    interrupted = signals.received or record["ended"] == INTERRUPTED
    return signals.exit_code() if interrupted else summary.exit_code(record)


def _refuse_others(arguments: argparse.Namespace) -> None:
    """Raise SettingError for an option that models do not take, so that none is ignored."""
    from shared.api.models import NOT_TAKEN

    for name, why in NOT_TAKEN.items():
        got = getattr(arguments, name)
        if got not in (None, False, float("inf")) and (name, got) != ("threads", 1):
            shown = f"{got:g} s" if isinstance(got, float) else "it" if got is True else got
            raise SettingError(name, f"got {shown}, expected none: {why}")


def _are_models(arguments: argparse.Namespace) -> bool:
    """Return whether the files are models to be compared with each other; without one nothing of that is imported."""
    if not any(".py" in name for name in arguments.implementation or ()):
        return False
    from shared.api.models import are_models

    return are_models(arguments.implementation, **options_of(arguments))


def _beside(arguments: argparse.Namespace) -> int:
    """Train models of a user's own beside each other, which need not be the network that is specified."""
    from shared.api.common import no_progress
    from shared.api.models import TAKEN, models
    from shared.processes.calls import CallError

    _refuse_others(arguments)
    options = {name: value for name, value in options_of(arguments).items() if name in TAKEN}
    shown = no_progress if arguments.quiet else progress
    try:
        found = models(*arguments.implementation, criterion=arguments.criterion, effort=arguments.effort,
                       preset=arguments.preset, timeout=arguments.timeout, progress=shown, **options)  # fmt: skip
    except CallError as error:
        print_port_error(error)
        return 1
    print_document(found.document, arguments.format)
    return 1 if found.failed else 0 if found.ok else 4


def _measure(arguments: argparse.Namespace, argv: list[str]) -> "tuple[Path, Record]":
    """Measure what is missing; return the folder of the run and its record."""
    from shared.measure.plan import plan
    from shared.measure.run import Silent, execute
    from shared.report.progress import Display

    how = ("effort", "preset", "data_dir", "offline", "output", "resume", "budget", "timeout")
    with nullcontext() if arguments.quiet else progress("reading the data"):
        planned = plan(vars(arguments), argv=argv, **{name: getattr(arguments, name) for name in how})
    config, folder, previous = planned.config, planned.folder, planned.previous
    if arguments.quiet:
        return folder, execute(config, planned.dataset, folder, Silent(), previous)
    with Display(config, previous) as display:
        return folder, execute(config, planned.dataset, folder, display, previous)


def _keep(folder: Path, record: "Record", arguments: argparse.Namespace) -> None:
    """Write tables and page beside the results. A failure is only reported, because they can be written again."""
    from shared.report.outputs import write_page, write_tables

    for write in (write_tables, *([write_page] if arguments.report else [])):
        what = "writing the page" if write is write_page else "writing the tables"
        _try_to(partial(write, folder, record), what, quiet=arguments.quiet)


def _try_to(write: "Callable[[], object]", what: str, *, quiet: bool) -> None:
    try:
        with nullcontext() if quiet else progress(what):
            write()
    except ImportError as error:
        print(f"no page: {error}; to install it: pip install -c constraints.txt {error.name}", file=sys.stderr)
    except OSError as error:
        print(f"error: {safe(str(error))}", file=sys.stderr)
    except KeyboardInterrupt:  # a terminal that is closed costs no page; a second signal ends at once
        _try_to(write, what, quiet=quiet)
    except Exception as error:  # noqa: BLE001 - what was measured is kept, and `report` can try again
        print(f"error: {what}: {told(error)}", file=sys.stderr)
