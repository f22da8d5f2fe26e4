"""The verb `check`: whether a user's own network is right and, if not, which mistake it makes."""

import argparse
import sys
from pathlib import Path
from typing import Any, Final

from shared.boundary import safe, told
from shared.errors import SettingError, UsageError, not_there
from shared.layers import ACTIVATIONS
from shared.options import READINGS, UPDATES, VISIBILITIES, choice
from shared.processes import environment
from shared.spec import LOSSES
from shared.verbs.command import (
    Parser,
    output_options,
    print_document,
    print_error,
    progress,
    sizes,
    timeout_option,
    typed,
)

GRADESCOPE: Final = "gradescope"


def parser() -> Parser:
    """Return the parser of `check`."""
    question = "Check your own network: is its backprop right and, if not, what is the mistake?"
    examples = {
        "--example > my_network.py": "a file to start from",
        "my_network.py": "RIGHT, or the mistake, with its equation and line",
    }
    p = Parser("check", question, examples)
    holds = "a .py file or a notebook with a network, as it was written; its training is not run; or a folder of them"
    p.add_argument("file", type=Path, nargs="?", metavar="FILE", help=holds)
    instead = p.add_mutually_exclusive_group()
    instead.add_argument("--example", action="store_true", help="print a file to start from: > my_network.py")
    every = "run every check on every mistake of the catalogue"
    instead.add_argument("--self-test", action="store_true", help=every)
    instead.add_argument("--adapt", action="store_true", help="print an adapter for FILE to fill in: > adapted.py")
    helps = {"layout": "how examples are given", "labels": "how labels are given", "weights": "the axes of W"}
    for name, values in READINGS.items():
        p.add_argument(f"--{name}", choices=values, help=f"{helps[name]} (default: found out)")
    p.add_argument("--entry", metavar="NAME", help="a function or class that must be called (default: found out)")
    rule = f"the rule that its updates are meant to follow: {', '.join(UPDATES)} (default: found out)"
    p.add_argument("--optimizer", type=typed(choice, UPDATES), metavar="NAME", help=rule)
    either = p.add_mutually_exclusive_group()
    notation = "layers, such as 784-30tanh-10sigmoid (default: the file's NETWORK, or from the options below)"
    either.add_argument("--network", metavar="TEXT", help=notation)
    either.add_argument("--sizes", type=typed(sizes), help="layer sizes (default: the file's SIZES, or 784,30,10)")
    for name, known in (("activation", ACTIVATIONS), ("loss", LOSSES)):
        p.add_argument(f"--{name}", help=f"{', '.join(known)} (default: the file's {name.upper()}, or {known[0]})")
    both = "a file with a class Network of our contract: also check that"
    p.add_argument("--workers", type=int, default=1, metavar="K", help=f"{both} K workers compute what one does")
    cut = "also check that a step in M micro-batches is that of one batch"
    p.add_argument("--accumulate", type=int, default=1, metavar="M", help=cut)
    timeout_option(
        p, "stop after this time, as soon as the computation that has begun is finished; with --workers 2m", "30s"
    )
    p.set_defaults(timeout=None)  # it depends on the workers
    output = output_options(p, (GRADESCOPE,))
    output.add_argument("--points", type=float, default=100, metavar="N", help="gradescope: all points (default: 100)")
    visible = f"gradescope: who sees the tests: {', '.join(VISIBILITIES)} (default: visible)"
    output.add_argument("--visibility", type=typed(choice, VISIBILITIES), default="visible", help=visible)
    must = "a folder: repeatable: a file that must be in it, else it counts as missing"
    output.add_argument("--expect", action="append", default=[], metavar="NAME", help=must)
    return p


def run(arguments: argparse.Namespace, _: list[str]) -> int:
    """Check a file; 0 if it is right, 4 if it is not."""
    if (arguments.file is None) == (not arguments.example and not arguments.self_test):
        raise UsageError("check: expected a FILE, or --example, or --self-test")
    if arguments.example:
        sys.stdout.write((environment.ROOT / "shared" / "diagnosis" / "example.py").read_text(encoding="utf-8"))
        return 0
    given = {name: getattr(arguments, name) for name in ("network", "sizes", "activation", "loss")}
    if arguments.adapt:
        from shared.reading.adapter import adapter

        if not arguments.file.is_file():
            raise SettingError("file", not_there(arguments.file))
        try:
            sys.stdout.write(adapter(arguments.file))
        except (OSError, ValueError) as error:
            print(f"error: {safe(str(arguments.file))}: {told(error)}", file=sys.stderr)
            return 1
        return 0
    if arguments.self_test:
        from shared.api.common import one_thread
        from shared.diagnosis.selftest import planted, self_test
        from shared.diagnosis.subject import spec_of
        from shared.report import check as report

        network = spec_of({}, given)
        with progress("mistakes", len(planted(network))) as done:
            trials = one_thread(self_test)(network, done)
        print_document(report.matrix_document(trials), arguments.format)
        return 0 if all(trial.is_named and bool(trial.caught_by) == bool(trial.mistake) for trial in trials) else 4
    read = {name: getattr(arguments, name) for name in (*READINGS, "entry", "optimizer", "workers", "accumulate")}
    if arguments.file.is_dir() or arguments.format == GRADESCOPE:
        return _submissions(arguments, read | given)
    from shared.api.own import check
    from shared.processes.calls import CallError
    from shared.reading.program import UnreadableError

    try:
        with progress(f"checking {arguments.file}"):
            checked = check(arguments.file, timeout=arguments.timeout, **read, **given)
    except UnreadableError as error:
        print(f"error: {safe(str(error))}", file=sys.stderr)
        return 1
    except CallError as error:
        # a traceback is useful only where it leads into the file
        first = error.detail.find(f'  File "{safe(str(arguments.file.absolute()))}"')
        print_error(CallError(error.kind, str(error), error.detail[first:] if first >= 0 else ""))
        return 1
    print_document(checked.document, arguments.format)
    return 0 if checked.ok else 4


def _submissions(arguments: argparse.Namespace, options: dict[str, Any]) -> int:
    """Check the files of a folder, or one file for Gradescope; 0 if all are right, 4 if one is not."""
    from shared.api import teaching

    options |= {"timeout": arguments.timeout}
    if arguments.file.is_dir():
        found = teaching.check_folder(arguments.file, expect=arguments.expect, progress=progress, **options)
    else:
        found = teaching.check_one(arguments.file, **options)
    if arguments.format == GRADESCOPE:
        sys.stdout.write(teaching.gradescope(found, arguments.points, arguments.visibility))
    else:
        print_document(found.document, arguments.format)
    return 0 if found.ok else 4
