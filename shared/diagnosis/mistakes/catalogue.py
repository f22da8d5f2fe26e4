"""The catalogue: common mistakes in backpropagation, each planted in the reference; one class per way to make it.

A diagnosis is the mistake whose numbers a network has. Each mistake is therefore described by a network that makes it,
and the self-test is that each of them is detected and identified by its name.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np

from impls.numpy_scratch import Conv, Dense, Network, flat, images
from shared import layers
from shared.interface import Array
from shared.spec import NetworkSpec

BEHAVIOUR: Final = "behaviour"


@dataclass
class Mistake:
    """A mistake, which may be made in several places."""

    name: str
    equation: str
    description: str
    remedy: str
    clue: str = ""
    """regular expression for the line to look at"""
    variants: "list[Variant]" = field(default_factory=list)


class Variant(NamedTuple):
    """A network that makes a mistake in one of the possible ways."""

    network: "type[Planted]"
    wrong: str
    """the first kind of tensors that is wrong: "outputs", "gradients" or "parameters" (after training); or "behaviour",
    for a mistake that is detected by a rule, not by numbers"""

    def fits(self, spec: NetworkSpec) -> bool:
        """Return whether the mistake can be made in this network, and has an effect in it."""
        is_dense = all(isinstance(layer, layers.Dense) for layer in spec.layers)
        return (is_dense or not self.network.dense_only) and self.network.applies(spec)


Class = TypeVar("Class", bound="type[Planted]")

MISTAKES: Final[dict[str, Mistake]] = {}
"""name -> mistake"""


def plant(
    name: str, wrong: str, equation: str = "", description: str = "", remedy: str = "", clue: str = ""
) -> "Callable[[Class], Class]":
    """Add a network to the catalogue; further ways to make the same mistake give only its name and what is wrong."""

    def enter(network: Class) -> Class:
        if name not in MISTAKES:
            MISTAKES[name] = Mistake(name, equation, description, remedy, clue)
        MISTAKES[name].variants.append(Variant(network, wrong))
        return network

    return enter


def hidden(spec: NetworkSpec) -> list[str]:
    """Return the activations of the hidden layers."""
    return [layer.activation for layer in spec.layers[:-1]]


def output(spec: NetworkSpec) -> str:
    """Return the activation of the output layer."""
    return spec.layers[-1].activation


def usual(spec: NetworkSpec) -> str:
    """Return the activation that may replace softmax or sigmoid at the output by mistake: that of the layer below."""
    return (hidden(spec) or ["sigmoid"])[-1]


def depth(spec: NetworkSpec) -> int:
    """Return the number of layers with weights."""
    return sum(map(layers.has_weights, spec.layers))


def has_bias(spec: NetworkSpec) -> bool:
    """Return whether any layer has a bias."""
    return any(layer.bias for layer in spec.layers)


class Planted(Network):
    """The reference, split into methods that the mistakes override; it makes no mistake itself."""

    dense_only = False
    """whether the mistake is written for fully connected layers"""

    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        """Return whether the mistake has an effect in this network."""
        return True

    @property
    def eta(self) -> Any:
        """The learning rate, in the dtype of the parameters."""
        return self.theta.dtype.type(self.training.learning_rate)

    def gradients(self, x: Array, y: Array, n: int) -> float:
        self.z, self.a = z, a = self.forward(x)
        loss, d = self.loss(z[-1], y, n)
        for l in reversed(range(len(a))):
            self.l, self.deltas[l] = l, d
            kind, (dW, db) = self.kinds[l], self.gradient_layers[l]
            if isinstance(kind, Dense):
                dW[:], db[:] = self.weight_gradient(d, flat(a[l])), self.bias_gradient(d)
            elif isinstance(kind, Conv):
                rows = d.reshape(-1, d.shape[3])
                dW[:], db[:] = kind.kernels(self.weight_gradient(rows, kind.rows)), self.bias_gradient(rows)
            if l > 0:
                d = images(self.back(d, l), a[l].shape) * self.slope(z[l - 1], a[l], l)
        return loss

    def weight_gradient(self, d: Array, a: Array) -> Array:
        """(6); of a convolution, d has a row for each place and a its patch."""
        return d.T @ a

    def bias_gradient(self, d: Array) -> Array:
        """(7)."""
        return np.asarray(d.sum(axis=0))

    def back(self, d: Array, l: int) -> Array:
        """(5) without f', for l = 1..L-1."""
        return np.asarray(self.kinds[l].back(d, self.a[l], self.z[l], self.layers[l][0]))

    def slope(self, z: Array, a: Array, l: int) -> Array:
        """f'(z_l) of (5)."""
        return np.asarray(self.df[l - 1](z, a))
