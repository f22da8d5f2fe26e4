"""The facts about a person's file, with the loss by which it is judged."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from shared.diagnosis.facts import Facts
from shared.diagnosis.matching import ALIKE
from shared.diagnosis.network_of import activations
from shared.diagnosis.updates import Rule, rule_of
from shared.reading.derivatives import OWN, Fit

SOFTMAX_AGAIN: Final = "cross_entropy of softmax"
"""A loss of the family: the outputs go through a softmax again."""


@dataclass
class Case:
    """The facts, and what follows from them."""

    facts: Facts
    fit: Fit
    """of the gradients with the loss by which they are judged"""
    own: Fit | None
    """of the file's own loss with one of the family"""
    lines: list[str]

    @property
    def has_loss(self) -> bool:
        """Whether the file has a loss of its own."""
        return OWN in self.facts.derivatives.by_loss

    @cached_property
    def activations(self) -> tuple[str, ...] | None:
        """The activation of every layer; None if the outputs are not those of such a network."""
        return activations(self.facts)

    @cached_property
    def rule(self) -> Rule | None:
        """The rule that the file's own update follows; None if it is none of the known ones."""
        return rule_of(self.facts)

    @property
    def n(self) -> int:
        """The number of examples over which a mean is taken."""
        return 1 if self.facts.form.is_single else len(self.facts.derivatives.batch.y)

    @property
    def n_out(self) -> int:
        """The number of outputs."""
        return self.facts.derivatives.batch.n_out


def common_factor(case: Case) -> float | None:
    """Return the factor by which all gradients are off; None if it is not one."""
    ratios = [case.facts.derivatives.ratio(name, OWN) for name in case.facts.derivatives.arrays]
    if any(ratio is None for ratio in ratios):
        return None
    known = [ratio for ratio in ratios if ratio is not None]
    return known[0] if max(known) - min(known) <= ALIKE * abs(known[0]) and abs(known[0]) > 1e-12 else None


def is_probability(facts: Facts) -> bool:
    """Return whether the outputs of each example sum to 1, as those of a softmax."""
    outputs = facts.derivatives.run.outputs
    return outputs is not None and outputs.shape[1] > 1 and bool(np.allclose(outputs.sum(axis=1), 1, atol=1e-6))


def added_decay(case: Case) -> float | None:
    """Return the multiple of W by which the gradients exceed the derivatives of the loss; None for anything else."""
    d = case.facts.derivatives
    if not case.has_loss:
        return None
    off = {name: d.gradients[name] - d.by_loss[OWN][name] for name in case.fit.wrong}
    if not off or not all(d.weights[name].any() for name in off):
        return None
    found = [float(v @ d.weights[k]) / float(d.weights[k] @ d.weights[k]) for k, v in off.items()]
    is_decay = all(d.is_small(v - found[0] * d.weights[k], d.by_loss[OWN][k], d.by_loss[OWN]) for k, v in off.items())
    return found[0] if is_decay and abs(found[0]) > ALIKE else None
