"""The self-test: every mistake of the catalogue, and correct variants, against all checks."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from shared import initial
from shared.diagnosis.diagnose import diagnose
from shared.diagnosis.mistakes import MISTAKES, Planted
from shared.diagnosis.mistakes.catalogue import output, usual
from shared.diagnosis.scenes import ask_all
from shared.diagnosis.subject import Subject
from shared.interface import Array, Labels, Parameters
from shared.layers import SOFTMAX, with_activation
from shared.spec import LOSSES, OUTPUT_ACTIVATIONS, NetworkSpec


@dataclass(frozen=True)
class Trial:
    """One planted mistake or one correct network, and the result."""

    mistake: str
    """"" for a correct network"""
    way: str
    network: str
    caught_by: list[str]
    diagnosis: str
    """"" if it was found to be correct"""

    @property
    def is_named(self) -> bool:
        """Whether the diagnosis is the planted mistake."""
        return self.diagnosis == self.mistake


class OtherOrder(Planted):
    """Correct: the examples are summed in another order."""

    def gradients(self, x: Array, y: Array, n: int) -> float:
        """Return the loss."""
        return super().gradients(x[::-1], y[::-1], n)


class OtherLayout(Planted):
    """Correct: the arrays have Fortran order."""

    def forward(self, x: Array) -> tuple[list[Array], list[Array]]:
        """Return z and a."""
        return super().forward(np.asfortranarray(x))


class OneByOne(Planted):
    """Correct: the gradients are computed one example at a time and summed."""

    def gradients(self, x: Array, y: Array, n: int) -> float:
        """Return the loss."""
        total, loss = np.zeros_like(self.g), 0.0
        for k in range(len(y)):
            loss += super().gradients(x[k : k + 1], y[k : k + 1], n)
            total += self.g
        self.g[:] = total
        return loss


class InFloat32(Planted):
    """Correct: computes in float32 for any input dtype."""

    def __init__(self, spec: Any, training: Any, parameters: Parameters) -> None:
        super().__init__(spec, training, initial.cast(parameters, "float32"))

    def predict(self, x: Array) -> Array:
        """Return a_L."""
        return super().predict(x.astype(np.float32))

    def loss_and_gradients(self, x: Array, y: Labels) -> tuple[float, Parameters]:
        """Return C and gradients."""
        return super().loss_and_gradients(x.astype(np.float32), y)

    def load(self, x: Array, y: Labels) -> None:
        """Take over the training set."""
        super().load(x.astype(np.float32), y)


RIGHT: Final = (Planted, OtherOrder, OtherLayout, OneByOne, InFloat32)


def try_out(mistake: str, network: type[Planted], spec: NetworkSpec) -> Trial:
    """Return the result of checking a network."""
    verdict = diagnose(spec, ask_all(Subject(network), spec), [])
    caught = [check for check, found in verdict.checks.items() if found]
    return Trial(mistake, network.__name__, str(spec), caught, verdict.diagnosis.name if verdict.diagnosis else "")


def planted(spec: NetworkSpec) -> list[tuple[str, type[Planted]]]:
    """Return every mistake of the catalogue that has an effect in this network, in each variant."""
    return [
        (mistake.name, variant.network)
        for mistake in MISTAKES.values()
        for variant in mistake.variants
        if variant.fits(spec)
    ]


def with_loss(spec: NetworkSpec, loss: str) -> NetworkSpec:
    """Return a network with another loss, and the output activation that goes with it."""
    activation = OUTPUT_ACTIVATIONS.get(loss, usual(spec) if output(spec) == SOFTMAX else output(spec))
    return replace(spec, layers=(*spec.layers[:-1], with_activation(spec.layers[-1], activation)), loss=loss)


def self_test(spec: NetworkSpec, progress: Callable[[int], None] = lambda _: None) -> list[Trial]:
    """Return the results for every mistake, with the first loss it applies to, and for correct networks with all."""
    specs = [with_loss(spec, loss) for loss in LOSSES]
    todo = {network: (name, each) for each in reversed(specs) for name, network in planted(each)}
    trials = [try_out("", network, each) for each in specs for network in RIGHT]
    for network, (name, each) in todo.items():
        trials.append(try_out(name, network, each))
        progress(len(trials))
    return trials
