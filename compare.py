"""Train the same network in every implementation and tabulate accuracy, speed and gradient agreement.

This file is the command line; each verb is a file in `shared/verbs/`. Nothing slow is imported before the arguments
are parsed.
"""

import argparse
import io
import os
import sys
import textwrap
from typing import Protocol

from shared import implementations
from shared.boundary import safe
from shared.errors import SettingError, SpecError, UsageError, nearest
from shared.processes import signals
from shared.verbs import (
    agree,
    check,
    completion,
    diff,
    exercise,
    lockstep,
    predict,
    read,
    report,
    run,
    show,
    streams,
    sweep,
)
from shared.verbs.command import HELP_WIDTH, PROGRAM, Parser

EPILOG = """\
exit codes:
  0  everything that was available ran and agrees with the reference
  1  a worker failed (crashed, timed out, ran with another number of threads),
     or an implementation that was requested by name is not available, or a verb
     that only prints could not (a closed pipe, a full disk)
  2  wrong usage
  3  the data set, an image or a file of parameters is missing or damaged
  4  an implementation disagrees with the float64 reference; lockstep: the two
     differ; check: the network is wrong
  5  diff: a row is beyond the limit of --fail-on
  130  interrupted (what was measured is shown and kept; a second Ctrl-C exits
       at once); 143 for SIGTERM, 129 for SIGHUP

environment:
  SAMEGRAD_DATA     folder of MNIST, as --data-dir
  SAMEGRAD_MIRRORS  addresses to download MNIST from, comma-separated,
                    instead of the public mirrors
  NO_COLOR          print without colour
"""


INSTALLED = (
    "`make compare` installs all of them into .venv, where the command is `.venv/bin/python compare.py`"
    " (on Windows `.venv\\Scripts\\python compare.py`)"
)


class Verb(Protocol):
    """What a file of `shared/verbs/` provides."""

    def parser(self) -> Parser:
        """Return the parser of its options."""

    def run(self, arguments: argparse.Namespace, argv: list[str], /) -> int:
        """Run the verb; return the exit code."""


VERBS: dict[str, Verb] = {
    "run": run,
    "show": show,
    "report": report,
    "diff": diff,
    "agree": agree,
    "lockstep": lockstep,
    "check": check,
    "exercise": exercise,
    "predict": predict,
    "read": read,
    "sweep": sweep,
}
"""The first is the default verb."""
PRINTING = ("show", "diff", "agree", "lockstep", "check", "exercise", "predict")
"""Verbs of which nothing remains but what they print."""


def parsers() -> dict[str, Parser]:
    """Return the parser of each verb; the default verb's help lists the others."""
    found = {name: verb.parser() for name, verb in VERBS.items()}
    default, *others = found
    lines = (f"  {name:9} {found[name].description}" for name in others)
    verbs = "\n".join(textwrap.fill(line, HELP_WIDTH, subsequent_indent=" " * 12) for line in lines)
    found[default].epilog = f"verbs ({PROGRAM} VERB --help):\n{verbs}\n\n{EPILOG}"
    return found


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit code. Without `argv`, use the process's own and handle its signals."""
    stdout = None
    if argv is None:
        signals.install()
        _print_anything()
        stdout, _ = streams.install()
        argv = sys.argv[1:]
    try:
        return _run(argv, stdout)
    except ModuleNotFoundError as error:
        print(f"error: this Python has no package {error.name!r}, which samegrad needs; {INSTALLED}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # before the first worker, or after the last one
        print("interrupted", file=sys.stderr)
        return signals.exit_code()


def _run(argv: list[str], stdout: streams.Stream | None) -> int:
    known = parsers()
    completion.complete(known)
    verb = argv[0] if argv and not (argv[0].startswith("-") or ".py" in argv[0]) else None
    if verb is not None and verb not in VERBS:
        known["run"].error(f"got {verb!r}, expected an option or one of {', '.join(VERBS)}{nearest(verb, VERBS)}")
    p = known[verb or "run"]
    try:
        arguments = p.parse_args(argv[1:] if verb else argv)
    except SystemExit as end:  # the help or the version was printed, or what is wrong
        sys.exit(end.code or _printed(stdout, 0))
    from shared.data import DataError
    from shared.record.journal import RunError

    try:
        code = VERBS[verb or "run"].run(arguments, argv)
        return _printed(stdout, code) if verb in PRINTING else code
    except SettingError as error:
        p.refuse(error)
    except RunError as error:  # a run that is wrong, not its command: one line is enough
        print(f"{p.prog}: error: {safe(str(error))}", file=sys.stderr)
        return 2
    except (UsageError, SpecError, implementations.UnknownImplementationError) as error:
        p.error(str(error))
    except DataError as error:
        print(f"error: {safe(str(error))}", file=sys.stderr)
        return 3
    except OSError as error:  # the journal has what was measured, as far as it could be written
        print(f"error: {safe(str(error))}{_without_folder()}", file=sys.stderr)
        return 1


def _printed(stdout: streams.Stream | None, code: int) -> int:
    """Return the exit code of what only prints: an error if it could not."""
    if stdout is None:
        return code
    stdout.flush()
    if stdout.lost:
        print(f"error: stdout: {stdout.lost}", file=sys.stderr)
        return code or 1
    return code


def _without_folder() -> str:
    """Return what explains why a path cannot be found, if that is so: the current folder has been deleted."""
    try:
        os.getcwd()  # noqa: PTH109 - it is asked whether there is one
    except OSError:
        return "; the current folder is gone, change to another one"
    return ""


def _print_anything() -> None:
    """Let stdout replace characters that its encoding lacks: on Windows, a file or pipe has the locale's encoding."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


if __name__ == "__main__":
    sys.exit(main())
