"""The check of the checks: every mistake of the catalogue, and what is right in other ways, against all of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from shared.diagnosis.case import reference_subject
from shared.diagnosis.diagnose import diagnose
from shared.diagnosis.mistakes import MISTAKES, Planted
from shared.diagnosis.scenes import ask_all
from shared.interface import Array, Labels, Parameters
from shared.spec import LOSSES, NetworkSpec


@dataclass(frozen=True)
class Kill:
    """One planted mistake, or one right network, and what became of it."""

    mistake: str
    """"" for a network that is right"""
    way: str
    network: str
    caught_by: list[str]
    told_as: str
    """"" where it was found to be right"""

    @property
    def is_told(self) -> bool:
        """Whether it was told by its own name."""
        return self.told_as == self.mistake


class OtherOrder(Planted):
    """Right: the examples are summed in another order."""

    def gradients(self, x: Array, y: Array) -> float:
        """Return the loss."""
        return super().gradients(x[::-1], y[::-1])


class OtherLayout(Planted):
    """Right: the arrays are in Fortran's order."""

    def forward(self, x: Array) -> tuple[list[Array], list[Array]]:
        """Return z and a."""
        return super().forward(np.asfortranarray(x))


class OneByOne(Planted):
    """Right: the gradients of the examples one by one, added up."""

    def gradients(self, x: Array, y: Array) -> float:
        """Return the loss."""
        total, loss = np.zeros_like(self.g), 0.0
        for k in range(len(y)):
            loss += super().gradients(x[k : k + 1], y[k : k + 1])
            total += self.g
        self.g[:] = total / len(y)
        return loss / len(y)


class InFloat32(Planted):
    """Right: computes in float32 whatever it is given."""

    def __init__(self, spec: Any, training: Any, parameters: Parameters) -> None:
        super().__init__(spec, training, _single(parameters))

    def reset(self, parameters: Parameters) -> None:
        """Take these parameters."""
        super().reset(_single(parameters))

    def predict(self, x: Array) -> Array:
        """Return a_L."""
        return super().predict(x.astype(np.float32))

    def loss_and_gradients(self, x: Array, y: Labels) -> tuple[float, Parameters]:
        """Return C and gradients."""
        return super().loss_and_gradients(x.astype(np.float32), y)

    def train(self, x: Array, y: Labels, order: Labels) -> None:
        """Take steps."""
        super().train(x.astype(np.float32), y, order)


def _single(parameters: Parameters) -> Parameters:
    return tuple(type(layer)(*(tensor.astype(np.float32) for tensor in layer)) for layer in parameters)


RIGHT: Final = (Planted, OtherOrder, OtherLayout, OneByOne, InFloat32)


def kill(mistake: str, network: type[Planted], spec: NetworkSpec) -> Kill:
    """Return what becomes of a network."""
    verdict = diagnose(spec, ask_all(reference_subject(network), spec), [])
    caught = [check for check, told in verdict.checks.items() if told]
    told_as = verdict.diagnosis.name if verdict.diagnosis else ""
    return Kill(mistake, network.__name__, str(spec), caught, told_as)


def planted(spec: NetworkSpec) -> list[tuple[str, type[Planted]]]:
    """Return every mistake of the catalogue that makes a difference in a network, in each way."""
    return [
        (mistake.name, variant.network)
        for mistake in MISTAKES.values()
        for variant in mistake.variants
        if variant.network.applies(spec)
    ]


def self_test(spec: NetworkSpec, progress: Callable[[int], None] = lambda _: None) -> list[Kill]:
    """Return what becomes of every mistake, with the first loss that it is one with, and of what is right with both."""
    specs = [NetworkSpec(spec.sizes, spec.activation, loss) for loss in LOSSES]
    todo = {network: (name, each) for each in reversed(specs) for name, network in planted(each)}
    found = [kill("", network, each) for each in specs for network in RIGHT]
    for network, (name, each) in todo.items():
        found.append(kill(name, network, each))
        progress(len(found))
    return found
