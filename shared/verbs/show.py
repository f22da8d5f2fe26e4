"""The verb `show`: print the answer, or all tables, of a run again."""

import argparse

from shared.verbs.command import Parser, details_option, output_options, print_run, run_folder, shown_from


def parser() -> Parser:
    """Return the parser of `show`."""
    examples = {
        "results/reference": "the answer and the small table",
        "results/reference --details": "every table",
    }
    p = Parser("show", "Print the answer of a run again, or all its tables, from its files alone.", examples)
    p.add_argument("run", type=run_folder, metavar="RUN", help="folder of a run, finished or not")
    details_option(output_options(p))
    return p


def run(arguments: argparse.Namespace, _: list[str]) -> int:
    """Print a run again."""
    from shared.record import journal

    record = journal.read(arguments.run)
    with shown_from(arguments.run):
        print_run(record, arguments)
    return 0
