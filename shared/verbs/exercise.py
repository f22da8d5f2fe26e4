"""The verb `exercise`: a network with one line left out, to be written and checked."""

import argparse
import sys

from shared.verbs.command import COMMAND, Parser, output_options, print_document


def parser() -> Parser:
    """Return the parser of `exercise`."""
    examples = {
        "": "the list: one for each equation, and the whole backward pass",
        "5 > my_delta.py": "a file with all but one line; then: check my_delta.py",
    }
    p = Parser("exercise", "Learn backprop equation by equation: fill a blank, then check it.", examples)
    p.add_argument("number", type=int, nargs="?", metavar="N", help="print the file of this exercise")
    output_options(p)
    return p


def run(arguments: argparse.Namespace, _: list[str]) -> int:
    """List the exercises, or print one."""
    from shared.diagnosis import exercises
    from shared.report.check import exercises_document

    if arguments.number is None:
        print_document(exercises_document(list(exercises.EXERCISES.values()), COMMAND), arguments.format)
    else:
        sys.stdout.write(exercises.template(arguments.number, COMMAND))
    return 0
