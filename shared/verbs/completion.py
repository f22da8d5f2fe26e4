"""Completion in the shell by argcomplete, which is imported only if a shell asks for completions."""

import os
from collections.abc import Mapping
from typing import Final

from shared import implementations, spec
from shared.layers import ACTIVATIONS
from shared.options import DATASETS, INPUTS, PRESETS
from shared.verbs.command import FORMATS, Parser

ASKED: Final = "_ARGCOMPLETE"
"""Set by the shell to the number of words before the options, from 1."""
CHOICES: Final = {
    "activation": ACTIVATIONS,
    "dataset": DATASETS,
    "dtype": spec.DTYPES,
    "format": FORMATS,
    "initial": spec.INITIALS,
    "inputs": INPUTS,
    "loss": spec.LOSSES,
    "optimizer": spec.OPTIMIZERS,
    "preset": tuple(PRESETS),
}


def complete(parsers: Mapping[str, Parser]) -> None:
    """Answer a shell that asks for completions, and exit; otherwise do nothing.

    Parameters
    ----------
    parsers : of each verb; the first is the default's.
    """
    if ASKED not in os.environ:
        return
    import argcomplete
    from argcomplete import completers

    default = next(iter(parsers))
    line = os.environ["COMP_LINE"][: int(os.environ["COMP_POINT"])]
    words = line.split()[int(os.environ[ASKED]) :]
    verb = words[0] if words and words[0] in parsers else None
    parser = parsers[verb or default]
    if verb and (len(words) > 1 or line[-1:].isspace()):  # the verb itself is complete
        os.environ[ASKED] = str(int(os.environ[ASKED]) + 1)
    else:
        parser = parsers[default]
        parser.add_argument("verb", nargs="?", choices=list(parsers))
    for action in parser._actions:
        if action.dest in CHOICES:
            action.choices = CHOICES[action.dest]
        if action.dest in ("implementation", "baseline"):
            known = completers.ChoicesCompleter(dict.fromkeys((*implementations.names(), "all"), ""))
            files = completers.FilesCompleter("py")
            either = lambda known=known, files=files, **how: [*known(**how), *files(**how)]  # noqa: E731
            vars(action)["completer"] = either
    argcomplete.autocomplete(parser)
