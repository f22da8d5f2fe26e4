"""What is known of a model, and of two beside each other."""

from dataclasses import dataclass, field
from typing import Final

from shared.adapters.port import About, Figures
from shared.ports.losses import Loss
from shared.ports.paths import Rule
from shared.ports.rows import Row
from shared.ports.timing import Timing

SAME: Final = {"float64": 2e-6, "float32": 1e-4}
"""dtype of the coarser side -> relative difference that is called the same: Keras keeps its rate in float32."""
WRONG_ORDERS: Final = ("last", "random", "nothing")
"""What the training of a class does that is surely not what it is asked for; see `words.ORDERS`."""


@dataclass
class Side:
    """What is known of a model."""

    name: str
    about: About
    loss: Loss | None = None
    rule: Rule | None = None
    apart: dict[str, Rule] = field(default_factory=dict)
    """the rules of the weights and of the biases, where no rule is that of both"""
    caught: list[str] = field(default_factory=list)
    walk: list[Figures] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    """parameters that are not those that were given"""
    repeats: bool = True
    order: str = ""
    """what a whole epoch in one call does otherwise than its steps"""
    other_data: str = ""
    """on what other data than those that it is given its first step was taken"""
    data: list[str] = field(default_factory=list)
    """what its file does to pixels from 0 to 1, and to labels, before its model gets them"""
    batches: list[str] = field(default_factory=list)
    """how an epoch of its file takes the examples; [] if that is not known"""
    timing: Timing | None = None
    not_timed: str = ""
    """why not, of a side that was to be timed"""


@dataclass
class Comparison:
    """Everything that is found of one model, or of two."""

    sides: list[Side]
    rows: list[Row] = field(default_factory=list)
    of_outputs: list[str] = field(default_factory=list)
    """why the outputs part"""
    steps: int = 0
    batch: int = 10
    accuracies: dict[str, float] = field(default_factory=dict)
    """of one of them, trained from the start of each"""
    untrained: str = ""
    """why it was not trained from them, where it fails"""
    sibling: Side | None = None
    """one of ours, made with the same framework, that was timed for comparison"""

    @property
    def modes(self) -> list[str]:
        """What acts in training alone and has other numbers in the two."""
        of = [side.about.modes for side in self.sides]
        return sorted(mode for mode in {*of[0], *of[-1]} if of[0].get(mode) != of[-1].get(mode))

    @property
    def unseen(self) -> list[str]:
        """Those of `modes` that the steps do not show: dropout, which is left out, and what acts in predictions."""
        return [mode for mode in self.modes if mode == "dropout" or "momentum" in mode]

    @property
    def ok(self) -> bool:
        """Whether nothing parts or differs, and nothing was found that is surely a fault."""
        alone = self.sides[0].loss if len(self.sides) == 1 else None
        is_faulty = any(side.order in WRONG_ORDERS or side.unused for side in self.sides) or (
            alone is not None and alone.fault
        )
        return all(row.same for row in self.rows) and not is_faulty and not self.unseen
