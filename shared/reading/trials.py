"""Try the convolutions and pools of a file by themselves: in several settings, in the style that fits."""

import re
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from shared.boundary import told
from shared.reading import arguments, layer_objects, pairs
from shared.reading.arguments import Setting
from shared.reading.batch import ONE_HOT, Batch, Form
from shared.reading.derivatives import OWN, Derivatives, derivatives
from shared.reading.functions import own_classes, own_functions
from shared.reading.operators import Operator, Style, Ways
from shared.reading.source import Source

FEW, MOST = 2, 12
"""Entries of a tensor that are shifted: while styles are tried, and afterwards."""
AVERAGE: Final = r"av(era)?g|mean"
"""In the name of a pool."""
UNKNOWN: Final = "it is not known how it is called"
SHARED: Final = 1.5
"""So many times the gradient that came goes back where each of several equal maxima gets all of it, or more."""
NOWHERE: Final = (Batch(np.zeros((1, 1)), np.zeros(1, int), 1), Form("rows", ONE_HOT))
"""In place of examples: an operator takes its input with its parameters."""


@dataclass
class Trial:
    """An operator at one setting, measured."""

    words: tuple[str, ...]
    is_pool: bool
    style: Style
    setting: Setting
    derivatives: Derivatives
    out: np.ndarray
    cotangent: np.ndarray
    lines: dict[str, int]
    shares_ties: bool = True
    """whether equal maxima share their gradient, or one of them gets it: not each the whole"""
    raised: dict[str, str] = field(default_factory=dict)
    """other settings -> why it does not go back with them"""

    @property
    def name(self) -> str:
        """What goes backward."""
        return self.words[-1].partition("(")[0]

    @property
    def entries(self) -> set[str]:
        """The functions, the methods and the class that are called."""
        called = {word.partition("(")[0] for word in self.words}
        return called | {word.partition(".")[0] for word in called}

    @property
    def returned(self) -> list[str]:
        """The tensors with a gradient."""
        return [name for name in self.derivatives.arrays if name not in self.derivatives.missing]

    @property
    def wrong(self) -> list[str]:
        """The tensors whose gradients are not the derivatives."""
        right = self.derivatives.fit(self.derivatives.gradients, OWN, factor=1.0).right
        return [name for name in self.returned if not right[name]]


def trials(source: Source) -> tuple[list[list[Trial]], list[str]]:
    """Return, for each operator of a file that runs, its trials, the usual setting first; and why others do not run."""
    found, failures = list[list[Trial]](), list[str]()
    for name, ways in (*pairs.candidates(source), *layer_objects.candidates(source)):
        best, why = _tried(ways)
        if best:
            found.append(best)
        else:
            failures.append(f"{name}: {why or UNKNOWN}")
    return found, failures


def is_convolutional(source: Source) -> bool:
    """Return whether a file defines convolutions or pools, or uses those of torch."""
    names = " ".join([*source.functions, *own_functions(source), *own_classes(source)])
    return re.search(r"conv(?!e)|pool|cnn", names.lower()) is not None or "Conv2d(" in source.text


def _tried(ways: Ways) -> tuple[list[Trial], str]:
    """Return the trials of an operator in the style that fits best; if none runs, why it does not go back."""
    chosen, failures = list[Trial](), list[str]()
    raised = dict[Setting, str]()
    for setting in (*arguments.CONVOLUTIONS, *arguments.POOLS):
        before = len(failures)
        found = _best(ways, setting, chosen, failures)
        if found is None or found.wrong:  # it may be written for square images only
            square = _best(ways, replace(setting, width=setting.height), chosen, failures)
            found = square if found is None or (square is not None and not square.wrong) else found
        chosen += [found] if found is not None else []
        if found is None and len(failures) > before:
            raised[setting] = failures[-1]
    if chosen:
        chosen[0].raised = {setting.words(): why for setting, why in raised.items()}
    return chosen, failures[0] if failures else ""


def _best(ways: Ways, setting: Setting, chosen: list[Trial], failures: list[str]) -> Trial | None:
    """Return the trial at a setting, in the style of the earlier ones or in that with most gradients right."""
    best: tuple[float, Operator] | None = None
    for operator in ways(setting):
        if chosen and operator.style != chosen[0].style:
            continue
        try:
            found = _measured(operator, FEW)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - it is a stranger's code
            if operator.cotangent is not None:  # it is the way back that raises
                failures.append(told(error))
            continue
        share = 1 - len(found.wrong) / max(1, len(found.returned))
        if found.returned and (best is None or share > best[0]):
            best = share, operator
        if share == 1 and best is not None:
            break
    return _measured(best[1]) if best else None


def _measured(operator: Operator, most: int = MOST) -> Trial:
    """Return a trial; any exception of the file is passed on."""
    found = derivatives(operator, operator.arrays, *NOWHERE, most=most)
    out, _ = operator.output(operator.arrays)
    cotangent = operator.cotangent
    assert cotangent is not None
    setting = (
        replace(operator.setting, mode="average") if re.search(AVERAGE, operator.words[0].lower()) else operator.setting
    )
    return Trial(
        operator.words, operator.is_pool, operator.style, setting, found, out, cotangent, operator.lines,
        not operator.is_pool or _shares(operator, cotangent),
    )  # fmt: skip


def _shares(operator: Operator, cotangent: np.ndarray) -> bool:
    """Return whether no more gradient goes back than came, where all entries are equal."""
    (name, x), *_ = operator.arrays.items()
    _, back = operator.output({name: np.ones_like(x)})
    given = np.ones_like(cotangent)
    return bool(np.sum(back(given).get(name, 0.0)) < SHARED * given.sum())
