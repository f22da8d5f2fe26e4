"""The verb `show`: the tables of a run again."""

import argparse

from shared.verbs.command import Parser, output_options, print_document, run_folder


def parser() -> Parser:
    """Return the parser of `show`."""
    p = Parser(prog="compare.py show", description="Print the tables of a run again, from its files alone.")
    p.add_argument("run", type=run_folder, metavar="RUN", help="the folder of a run, whether it has ended or not")
    output_options(p)
    return p


def run(arguments: argparse.Namespace, _: list[str]) -> int:
    """Print the tables of a run again."""
    from shared.record import journal
    from shared.report import tables

    print_document(tables.document(journal.read(arguments.run)), arguments.format)
    return 0
