"""What is computed, once for all implementations: the equations, the network and how it is trained.

For layers l = 1..L, a_0 = x, batch size n, one-hot y:

    (1) z_l = a_{l-1} W_l^T + b_l
    (2) a_l = f_l(z_l)                     sigmoid, tanh, relu, leaky_relu; softmax at the output for cross-entropy
    (3) C   = 1/n sum 1/2 |a_L - y|^2      quadratic;      C = -1/n sum y log a_L     cross-entropy
    (4) d_L = (a_L - y) * f'(z_L) / n      quadratic;      d_L = (a_L - y) / n        softmax with cross-entropy
    (5) d_l = (d_{l+1} W_{l+1}) * f'(z_l)
    (6) dC/dW_l = d_l^T a_{l-1}
    (7) dC/db_l = sum over the batch of d_l
    (8) theta <- theta - eta g                                               sgd
        v <- mu v + g,  theta <- theta - eta v                               momentum (heavy ball)
        m <- beta_1 m + (1 - beta_1) g,  v <- beta_2 v + (1 - beta_2) g^2    adam, in steps t = 1, 2, ...
        theta <- theta - eta (m / (1 - beta_1^t)) / (sqrt(v / (1 - beta_2^t)) + epsilon)

v and m begin at 0.

Sources: M. Nielsen, "Neural Networks and Deep Learning", chapter 2 (there per example; here per batch, so the
1/n stands in the delta); for softmax with cross-entropy, C. Bishop, "Pattern Recognition and Machine
Learning", section 5.2; for adam, D. Kingma and J. Ba, "Adam: A Method for Stochastic Optimization", Algorithm 1.
"""

import math
from dataclasses import dataclass
from typing import Final

from shared.errors import SpecError, nearest

ACTIVATIONS: Final = ("sigmoid", "tanh", "relu", "leaky_relu")
LOSSES: Final = ("quadratic", "cross_entropy")
OPTIMIZERS: Final = ("sgd", "momentum", "adam")
INITIALS: Final = ("normal", "scaled")
DTYPES: Final = ("float32", "float64")

FLOAT32_TINY: Final = 2.0**-126
"""The smallest normal float32."""
FLOAT32_MAX: Final = (2 - 2.0**-23) * 2.0**127

MOMENTUM: Final = 0.9
"""mu of (8)."""
BETA_1: Final = 0.9
BETA_2: Final = 0.999
EPSILON: Final = 1e-8
"""Of adam: added to the corrected root. Keras's own Adam adds it to the uncorrected one, where it weighs more."""

MEAN: Final = 0.1307
STANDARD_DEVIATION: Final = 0.3081
"""Of the pixels of MNIST's 60,000 training images, as PyTorch's tutorials write them: for standardised inputs."""

LEAKY_SLOPE: Final = 0.01
"""Slope of leaky_relu for z <= 0 in every implementation; the frameworks' own defaults differ (0.01, 0.2, 0.3)."""


def _check_choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise SpecError(name, value, "one of " + ", ".join(allowed) + nearest(value, allowed))


def _check_whole(name: str, value: object, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise SpecError(name, value, f"a whole number of at least {least}")


@dataclass(frozen=True)
class NetworkSpec:
    """A fully connected network: layer sizes, hidden activation and loss.

    Parameters
    ----------
    sizes : (n_in, hidden..., n_out), at least two whole numbers >= 1.
    activation : of every layer; with the cross-entropy loss the output layer is a softmax instead.
    loss : "quadratic" or "cross_entropy", equation (3).

    Raises
    ------
    SpecError
        On any other value.
    """

    sizes: tuple[int, ...] = (784, 30, 10)
    activation: str = "sigmoid"
    loss: str = "quadratic"

    def __post_init__(self) -> None:
        if not isinstance(self.sizes, tuple) or len(self.sizes) < 2:
            raise SpecError("sizes", self.sizes, "a tuple of at least two layer sizes, such as (784, 30, 10)")
        for size in self.sizes:
            _check_whole("sizes", size, 1)
        _check_choice("activation", self.activation, ACTIVATIONS)
        _check_choice("loss", self.loss, LOSSES)

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """(n_out, n_in) of W_1..W_L."""
        return tuple((n_out, n_in) for n_in, n_out in zip(self.sizes, self.sizes[1:], strict=False))

    @property
    def parameter_count(self) -> int:
        """Number of weights and biases: 23,860 for 784-30-10."""
        return sum(n_out * (n_in + 1) for n_out, n_in in self.shapes)

    def __str__(self) -> str:
        return f"{'-'.join(map(str, self.sizes))}, {self.activation}, {self.loss}"


@dataclass(frozen=True)
class TrainingSpec:
    """How the network is trained; every number of an experiment stands here or in `NetworkSpec`.

    Parameters
    ----------
    optimizer : "sgd", "momentum" or "adam", equation (8).
    learning_rate : eta, finite and above 0.
    batch_size : examples a step; a smaller last batch is kept.
    epochs : passes over the training set.
    seed : of the initial parameters and of the mini-batch order.
    initial : "normal": weights and biases ~ N(0, 1), as in the article; "scaled": weights divided by sqrt(n_in).
    dtype : of parameters, inputs and arithmetic: "float32" for speed, "float64" for proof.

    Raises
    ------
    SpecError
        On any other value.
    """

    optimizer: str = "sgd"
    learning_rate: float = 3.0
    batch_size: int = 10
    epochs: int = 3
    seed: int = 1
    initial: str = "normal"
    dtype: str = "float32"

    def __post_init__(self) -> None:
        _check_choice("optimizer", self.optimizer, OPTIMIZERS)
        rate = self.learning_rate
        is_number = isinstance(rate, (int, float)) and not isinstance(rate, bool)
        if not is_number or not math.isfinite(rate) or rate <= 0:
            raise SpecError("learning_rate", rate, "a finite number above 0")
        _check_whole("batch_size", self.batch_size, 1)
        _check_whole("epochs", self.epochs, 1)
        _check_whole("seed", self.seed, 0)
        _check_choice("initial", self.initial, INITIALS)
        _check_choice("dtype", self.dtype, DTYPES)
        if self.dtype == "float32" and not FLOAT32_TINY <= rate <= FLOAT32_MAX:
            allowed = f"a number that float32 holds, from {FLOAT32_TINY:.1e} to {FLOAT32_MAX:.1e}"
            raise SpecError("learning_rate", rate, allowed)

    def __str__(self) -> str:
        return (
            f"{self.optimizer}, learning rate {self.learning_rate:g}, batch {self.batch_size}, "
            f"{self.epochs} epoch{'s' * (self.epochs != 1)}, {self.dtype}, {self.initial} initial weights"
        )
