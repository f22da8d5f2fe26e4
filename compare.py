"""Train the same network in every implementation and tabulate accuracy, speed and gradient agreement.

This file is the command line; nothing heavy is imported before the arguments have been understood.
"""

import argparse
import os
import re
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import impls
from shared import spec
from shared.measure import interruption
from shared.options import DATASETS, DEFAULTS, Limit, UsageError, choice, duration
from shared.spec import nearest

if TYPE_CHECKING:
    from shared.report.document import Document

EPILOG = """\
exit codes:
  0  everything that could run did, and agrees
  1  a worker failed (crashed, timed out, ran with other threads), or an
     implementation that was asked for by name is not available
  2  wrong usage
  3  the data set is missing or damaged
  4  an implementation disagrees with the float64 reference
  5  diff: a row passes the limit of --fail-on
  130  interrupted (what was measured is shown and kept; a second Ctrl-C leaves
       at once); 143 by SIGTERM, 129 by SIGHUP

environment:
  SAMEGRAD_DATA     where MNIST lies, as --data-dir
  SAMEGRAD_MIRRORS  addresses to download MNIST from, comma-separated,
                    instead of the public mirrors
  NO_COLOR          no colour
"""
FORMATS = ("table", "markdown", "csv", "json")
Verb = Callable[[argparse.Namespace, list[str]], int]


class Parser(argparse.ArgumentParser):
    """Takes no abbreviations, and suggests the nearest option for one that does not exist."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs |= {"allow_abbrev": False, "formatter_class": partial(argparse.RawDescriptionHelpFormatter, width=80)}
        super().__init__(*args, **kwargs)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and leave with 2."""
        if unknown := re.match(r"unrecognized arguments: (--[^ =]+)", message):
            message += nearest(unknown[1], [name for name in self._option_string_actions if name.startswith("--")])
        super().error(message)


def parsers() -> dict[str, Parser]:
    """Return the parser of each verb; the first is what is done where no verb is given."""
    diff, show = diff_parser(), show_parser()
    others = "\n".join(p.format_help().replace("usage: ", "", 1) for p in (show, diff))
    run = run_parser(f"{others}\n{EPILOG}")
    return {"run": run, "show": show, "diff": diff}


def _type(function: Callable[..., Any], *args: Any) -> Callable[[str], Any]:
    """Let a function that raises ValueError with a good message be the type of an argument."""

    def convert(text: str) -> Any:
        try:
            return function(text, *args)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return convert


def _sizes(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"got {text!r}, expected whole numbers such as 784,30,10") from None


def _run_folder(text: str) -> Path:
    """Return the folder of a run, which may also be given by its run.json."""
    path = Path(text)
    return path.parent if path.name == "run.json" else path


def _output_options(p: argparse.ArgumentParser) -> None:
    output = p.add_argument_group("output")
    kinds = ", ".join(FORMATS)
    output.add_argument("--format", default="table", type=_type(choice, FORMATS), help=f"{kinds} (default: table)")


def run_parser(epilog: str) -> Parser:
    """Return the parser of a run."""
    p = Parser(
        prog="compare.py",
        usage="compare.py [run] [option ...] | show RUN | diff A B",
        description=__doc__.partition("\n")[0],
        epilog=epilog,
    )

    def add(group: Any, *flags: str, told: str, **how: Any) -> None:
        """Add an option that is None where it is not given, and say what is then taken."""
        default = DEFAULTS[flags[-1].lstrip("-").replace("-", "_")]
        group.add_argument(*flags, help=told if default is None else f"{told} (default: {default})", **how)

    what = p.add_argument_group("what is compared")
    listed = ", ".join(impls.names())
    told = f"{listed}, or the path of a .py file; repeatable (default: all of them)"
    add(what, "-i", "--implementation", told=told, action="append", metavar="NAME")
    what.add_argument("--sizes", type=_type(_sizes), help="layer sizes (default: 784,30,10)")
    add(what, "--activation", told=", ".join(spec.ACTIVATIONS))
    add(what, "--loss", told=", ".join(spec.LOSSES))

    how = p.add_argument_group("how it is trained")
    add(how, "--epochs", told="passes over the training set (default: 3; bundled digits: 10)", type=int)
    add(how, "--batch-size", told="examples a step", type=int)
    add(how, "--learning-rate", told="eta", type=float)
    add(how, "--initial", told=f"initial weights: {', '.join(spec.INITIALS)}")
    add(how, "--dtype", told=", ".join(spec.DTYPES))
    add(how, "--seed", told="of the first round; each further round adds 1", type=int)

    data = p.add_argument_group("data")
    told = f"{', '.join(DATASETS)}; auto is MNIST, or else the bundled digits"
    add(data, "--dataset", told=told, type=_type(choice, DATASETS))
    data.add_argument("--data-dir", type=Path, help="where MNIST lies or goes (default: $SAMEGRAD_DATA or data/)")
    data.add_argument("--offline", action="store_true", help="make no connection")
    add(data, "--train-size", told="only the first N training images (default: all)", type=int, metavar="N")

    measured = p.add_argument_group("how it is measured")
    add(measured, "--rounds", told="every implementation once a round, with a seed a round", type=int)
    preset = measured.add_mutually_exclusive_group()
    told = "1 round and 1 epoch, unless given"
    preset.add_argument("--quick", dest="preset", action="store_const", const="quick", help=told)
    told = "15 rounds, unless given"
    preset.add_argument("--rigorous", dest="preset", action="store_const", const="rigorous", help=told)
    told = "what ratios and differences are to (default: numpy_scratch)"
    add(measured, "--baseline", told=told, metavar="NAME")
    add(measured, "--threads", told="for every library", type=int)
    told = "such as 10m: stop after the sample that crosses it (default: none)"
    measured.add_argument("--budget", type=_type(duration), default=float("inf"), metavar="TIME", help=told)
    told = "end a worker that ends no stage and no epoch for so long (default: 5m)"
    measured.add_argument("--timeout", type=_type(duration), default=300.0, metavar="TIME", help=told)
    told = "results go here (default: results/DATE-TIME-DATASET)"
    measured.add_argument("--output", type=Path, metavar="DIR", help=told)
    told = "go on with a run that was interrupted: what is missing, as it was asked for then"
    measured.add_argument("--resume", type=_run_folder, metavar="RUN", help=told)
    _output_options(p)
    p.add_argument("-q", "--quiet", action="store_true", help="no progress on stderr")
    return p


def show_parser() -> Parser:
    """Return the parser of `show`."""
    told = "Print the tables of a run again, from its files alone."
    p = Parser(prog="compare.py show", description=told)
    p.add_argument("run", type=_run_folder, metavar="RUN", help="the folder of a run, whether it has ended or not")
    _output_options(p)
    return p


def diff_parser() -> Parser:
    """Return the parser of `diff`."""
    p = Parser(prog="compare.py diff", description="Print two runs side by side: what has become faster or slower.")
    p.add_argument(
        "runs", type=_run_folder, nargs=2, metavar="RUN", help="the folders of the earlier and the later run"
    )
    p.add_argument("--force", action="store_true", help="look at runs whose configurations differ, too")
    told = "slower:10%% or the like: exit 5 if even the near end of an interval is beyond it"
    p.add_argument("--fail-on", type=_type(Limit.parse), metavar="LIMIT", help=told)
    _output_options(p)
    return p


def run(arguments: argparse.Namespace, argv: list[str]) -> int:
    """Run everything, print the tables and keep them."""
    from shared.measure.plan import plan
    from shared.measure.run import Silent, execute
    from shared.report import document, summary, tables
    from shared.report.progress import Display

    how = ("preset", "data_dir", "offline", "output", "resume", "budget", "timeout")
    planned = plan(vars(arguments), argv=argv, **{name: getattr(arguments, name) for name in how})
    config, folder = planned.config, planned.folder
    if arguments.quiet:
        record = execute(config, planned.dataset, folder, Silent(), planned.previous)
    else:
        with Display(config, planned.previous) as display:
            record = execute(config, planned.dataset, folder, display, planned.previous)
    told = tables.document(record)
    _keep(folder / "table.md", document.markdown(told))
    _print(told, arguments.format)
    if not arguments.quiet:
        print(f"results: {os.path.relpath(folder)}", file=sys.stderr)
    return interruption.exit_code() if record["ended"] == "interrupted" else summary.exit_code(record)


def _keep(path: Path, text: str) -> None:
    """Write the tables beside the results; they can be had again, so a full disk costs a line only."""
    from shared.measure import files

    try:
        files.write_text(path, text)
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)


def _print(document: "Document", kind: str) -> None:
    from shared.report.document import FORMATS

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() or "COLUMNS" in os.environ else 10_000
    sys.stdout.write(FORMATS[kind](document, width))
    sys.stdout.flush()


def show(arguments: argparse.Namespace, _: list[str]) -> int:
    """Print the tables of a run again."""
    from shared.measure import journal
    from shared.report import tables

    _print(tables.document(journal.read(arguments.run)), arguments.format)
    return 0


def diff(arguments: argparse.Namespace, _: list[str]) -> int:
    """Print two runs side by side."""
    from shared.measure import journal
    from shared.measure.run import differences
    from shared.report import difference

    a, b = (journal.read(folder) for folder in arguments.runs)
    if not arguments.force and (found := differences(a, b, difference.KEYS)):
        told = "\n  ".join(found)
        raise UsageError(f"diff: the two runs were not asked for the same:\n  {told}\n  (--force to look anyway)")
    names = (str(arguments.runs[0]), str(arguments.runs[1]))
    _print(difference.document(a, b, names, arguments.fail_on), arguments.format)
    return 5 if arguments.fail_on and difference.fails(a, b, arguments.fail_on) else 0


VERBS: dict[str, Verb] = {"run": run, "show": show, "diff": diff}


def main(argv: list[str]) -> int:
    """Run the command line; return the exit code."""
    known = parsers()
    verb = argv[0] if argv and not argv[0].startswith("-") else None
    if verb is not None and verb not in VERBS:
        known["run"].error(f"got {verb!r}, expected an option or one of {', '.join(VERBS)}{nearest(verb, VERBS)}")
    p = known[verb or "run"]
    arguments = p.parse_args(argv[1:] if verb else argv)
    from shared.data import DataError
    from shared.measure.journal import RunError

    try:
        return VERBS[verb or "run"](arguments, argv)
    except (UsageError, RunError, spec.SpecError, impls.UnknownImplementationError) as error:
        p.error(str(error))
    except DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 3
    except BrokenPipeError:  # who reads has read enough; the results are in their files
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:  # what has been measured is in the run's journal as far as it could be written
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # before the first worker, or after the last
        print("interrupted", file=sys.stderr)
        return interruption.exit_code()


if __name__ == "__main__":
    interruption.install()
    sys.exit(main(sys.argv[1:]))
