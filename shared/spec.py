"""What is computed, once for all implementations: the equations, the network and how it is trained.

For layers l = 1..L, a_0 = x, batch size n, one-hot y:

    (1) z_l = a_{l-1} W_l^T + b_l                                                               dense
        z_l[k,i,j] = sum_{c,u,v} W_l[k,c,u,v] a_{l-1}[c, i+u-p, j+v-p] + b_l[k]                 convolution
        z_l[k,i,j] = max_{u,v in {0,1}} a_{l-1}[k, 2i+u, 2j+v]                                  max pooling
    (2) a_l = f_l(z_l)                     f_l: sigmoid, tanh, relu, leaky_relu or identity, per layer
    (3) C   = 1/n sum 1/2 |a_L - y|^2                              quadratic
        C   = -1/n sum y log a_L                                   cross_entropy, a_L = softmax(z_L)
        C   = -1/n sum [y log a_L + (1 - y) log(1 - a_L)]          binary_cross_entropy, a_L = sigmoid(z_L)
    (4) d_L = (a_L - y) * f'(z_L) / n      quadratic;      d_L = (a_L - y) / n        the two cross-entropies
    (5) d_l = (d_{l+1} W_{l+1}) * f'(z_l)                                                       dense
        d_l[c,i,j] = sum_{k,u,v} W_{l+1}[k,c,u,v] d_{l+1}[k, i-u+p, j-v+p] * f'(z_l[c,i,j])     convolution
        d_l[k,2i+u,2j+v] = d_{l+1}[k,i,j] * f'(z_l[k,2i+u,2j+v]) at the maximum, 0 elsewhere    max pooling
    (6) dC/dW_l = d_l^T a_{l-1}                                                                 dense
        dC/dW_l[k,c,u,v] = sum over the batch and i,j of d_l[k,i,j] a_{l-1}[c, i+u-p, j+v-p]    convolution
    (7) dC/db_l = sum over the batch of d_l                                                     dense
        dC/db_l[k] = sum over the batch and i,j of d_l[k,i,j]                                   convolution
    (8) theta <- theta - eta g                                               sgd
        v <- mu v + g,  theta <- theta - eta v                               momentum (heavy ball)
        m <- beta_1 m + (1 - beta_1) g,  v <- beta_2 v + (1 - beta_2) g^2    adam, in steps t = 1, 2, ...
        theta <- theta - eta (m / (1 - beta_1^t)) / (sqrt(v / (1 - beta_2^t)) + epsilon)

v and m start at 0. An image is [channel, row, column]; a dense layer after one takes its values in that order. A
convolution has k x k kernels, stride 1 and p = (k - 1) / 2 rows and columns of zeros around its input, which keep the
size. Of equal maxima in a window, the first counts, row by row.

Sources: M. Nielsen, "Neural Networks and Deep Learning", chapter 2 (there per example; here per batch, so the
1/n is in the delta), chapter 3 for the binary cross-entropy; for softmax with cross-entropy, C. Bishop, "Pattern
Recognition and Machine Learning", section 5.2; for adam, D. Kingma and J. Ba, "Adam: A Method for Stochastic
Optimization", Algorithm 1.
"""

import math
import re
from dataclasses import dataclass
from typing import Final

from shared.errors import SpecError, check_choice, check_whole
from shared.layers import (
    ACTIVATIONS,
    KINDS,
    NO_BIAS,
    SOFTMAX,
    Conv,
    Dense,
    Layer,
    Shape,
    has_weights,
    image_shape,
    parse_layer,
)

LOSSES: Final = ("quadratic", "cross_entropy", "binary_cross_entropy")
OUTPUT_ACTIVATIONS: Final = {"cross_entropy": SOFTMAX, "binary_cross_entropy": "sigmoid"}
"""loss -> the activation of the output layer; with the quadratic loss it may be any except softmax."""
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
"""For adam: added to the corrected root. Keras's own Adam adds it to the uncorrected root, where it has more effect."""

MEAN: Final = 0.1307
STANDARD_DEVIATION: Final = 0.3081
"""Of the pixels of MNIST's 60,000 training images, as in PyTorch's tutorials; for standardised inputs."""

MOST_PARAMETERS: Final = 10**8
"""What is compared, float64 in several copies, must fit into the memory of usual machines."""
MOST_MICRO_BATCHES: Final = 100
MOST_WORKERS: Final = 8
LEAKY_SLOPE: Final = 0.01
"""Slope of leaky_relu for z <= 0 in every implementation; the frameworks' own defaults differ (0.01, 0.2, 0.3)."""


@dataclass(frozen=True)
class NetworkSpec:
    """A network: an input shape, layers and a loss.

    Parameters
    ----------
    input_shape : of one example: (n_in,), (height, width) or (height, width, channels).
    layers : at least one; each has its own activation. The last one is dense.
    loss : "quadratic", "cross_entropy" or "binary_cross_entropy", equation (3). The two cross-entropies are
        functions of z_L: the output activation is softmax with the first and sigmoid with the second.

    Raises
    ------
    SpecError
        On any other value.
    """

    input_shape: Shape = (784,)
    layers: tuple[Layer, ...] = (Dense(30), Dense(10))
    loss: str = "quadratic"

    def __post_init__(self) -> None:
        check_choice("loss", self.loss, LOSSES)
        if not isinstance(self.input_shape, tuple) or not 1 <= len(self.input_shape) <= 3:
            raise SpecError("input_shape", self.input_shape, "a tuple such as (784,), (28, 28) or (28, 28, 1)")
        for size in self.input_shape:
            check_whole("input_shape", size, 1)
        if not isinstance(self.layers, tuple) or not self.layers or not all(type(l) in KINDS for l in self.layers):
            raise SpecError("layers", self.layers, "a tuple of at least one layer, such as (Dense(30), Dense(10))")
        if not isinstance(self.layers[-1], Dense):
            raise SpecError("network", self.layers[-1].text(), "a dense layer as the last one, such as 10")
        _ = self.shapes  # of layers that fit each other
        if self.parameter_count > MOST_PARAMETERS:
            raise SpecError("network", f"{self.parameter_count:,} parameters", f"at most {MOST_PARAMETERS:,}")
        *hidden, last = (layer.activation for layer in self.layers)
        if SOFTMAX in hidden:
            raise SpecError("activation", SOFTMAX, "softmax in the last layer only")
        allowed = OUTPUT_ACTIVATIONS.get(self.loss, "")
        if last != (allowed or last) or (last == SOFTMAX and not allowed):
            raise SpecError("activation", last, f"{allowed or f'no {last}'} at the output with {self.loss}")

    # ---- The usual case, and the notation --------------------------------------------------------------

    @classmethod
    def dense(
        cls, sizes: tuple[int, ...] = (784, 30, 10), activation: str = "sigmoid", loss: str = "quadratic"
    ) -> "NetworkSpec":
        """Return a fully connected network, (n_in, hidden..., n_out); a cross-entropy sets the output activation."""
        if not isinstance(sizes, tuple) or len(sizes) < 2:
            raise SpecError("sizes", sizes, "a tuple of at least two layer sizes, such as (784, 30, 10)")
        for size in sizes:
            check_whole("sizes", size, 1)
        check_choice("activation", activation, ACTIVATIONS)
        hidden = [Dense(size, activation) for size in sizes[1:-1]]
        return cls(sizes[:1], (*hidden, Dense(sizes[-1], OUTPUT_ACTIVATIONS.get(loss, activation))), loss)

    @classmethod
    def parse(cls, text: str, activation: str = "", loss: str = "") -> "NetworkSpec":
        """Read the notation.

        784-30-10, 784-30tanh-10sigmoid, 784-30-10_nobias, "784-30-10, relu, cross_entropy", 28x28-conv32-pool-10.

        Parameters
        ----------
        text : the input shape and the layers, joined by "-"; after commas the activation of the layers that name
            none, and the loss.
        activation, loss : used if the text names none. Without an activation it is "relu" with convolutions, else
            "sigmoid". Without a loss it is "cross_entropy" if the output is softmax, or if there are convolutions and
            the last layer names no activation, else "quadratic".

        Raises
        ------
        SpecError
            If the text is not a network.
        """
        joined, *words = (part.strip() for part in text.split(","))
        for word in words:
            check_choice("network", word, (*ACTIVATIONS, *LOSSES))
            activation, loss = (activation, word) if word in LOSSES else (word, loss)
        if len(words) > len({word in LOSSES for word in words}):
            raise SpecError("network", text, "at most one activation and one loss after the commas")
        shape, *layers = joined.split("-")
        if not re.fullmatch(r"\d+(x\d+){0,2}", shape) or not layers:
            raise SpecError("network", text, "an input and layers, such as 784-30-10 or 784-30tanh-10sigmoid")
        usual = activation or ("relu" if "conv" in joined else "sigmoid")
        hidden = [parse_layer(layer, usual) for layer in layers[:-1]]
        if any(isinstance(layer, Conv) for layer in hidden) and layers[-1].removesuffix(NO_BIAS).isdigit():
            loss = loss or "cross_entropy"
        output = parse_layer(layers[-1], OUTPUT_ACTIVATIONS.get(loss, usual))
        loss = loss or ("cross_entropy" if output.activation == SOFTMAX else "quadratic")
        input_shape = tuple(map(int, shape.split("x")))
        if 0 in input_shape:
            raise SpecError("network", text, "an input of at least 1 value, such as 784 or 28x28")
        return cls(input_shape, (*hidden, output), loss)

    def __str__(self) -> str:
        """Return the notation that `parse` reads."""
        *hidden, last = (layer.activation for layer in self.layers if has_weights(layer))
        fixed = OUTPUT_ACTIVATIONS.get(self.loss)
        usual = hidden[0] if hidden else last
        shape = "x".join(map(str, self.input_shape))
        if set(hidden) <= {usual} and last == (fixed or usual):
            layers = [layer.text(layer.activation) for layer in self.layers]
            named = [usual] if hidden or not fixed else []  # the loss alone says what a single layer has
            return ", ".join(["-".join([shape, *layers]), *named, self.loss])
        return f"{'-'.join([shape, *(layer.text() for layer in self.layers)])}, {self.loss}"

    # ---- Shapes ----------------------------------------------------------------------------------------

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """The shapes of a_0, a_1, ..., a_L for one example; those of images are (channels, height, width)."""
        found = [self.input_shape if isinstance(self.layers[0], Dense) else image_shape(self.input_shape)]
        for layer in self.layers:
            found.append(layer.output_shape(found[-1]))
        return tuple(found)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes of a_0, a_1, ..., a_L for one example: (784, 30, 10)."""
        return tuple(math.prod(shape) for shape in self.shapes)

    @property
    def has_convolutions(self) -> bool:
        """Whether a layer is a convolution."""
        return any(isinstance(layer, Conv) for layer in self.layers)

    @property
    def n_in(self) -> int:
        """The number of inputs of one example."""
        return self.sizes[0]

    @property
    def n_out(self) -> int:
        """The number of outputs: classes."""
        return self.sizes[-1]

    @property
    def parameter_shapes(self) -> dict[str, Shape]:
        """The names and shapes of the parameters, in order: W1, b1, W2, ..."""
        return {
            f"{name}{l}": shape
            for l, (layer, input_shape) in enumerate(zip(self.layers, self.shapes, strict=False), start=1)
            for name, shape in layer.parameter_shapes(input_shape).items()
        }

    @property
    def parameter_count(self) -> int:
        """The number of weights and biases: 23,860 for 784-30-10."""
        return sum(math.prod(shape) for shape in self.parameter_shapes.values())


@dataclass(frozen=True)
class TrainingSpec:
    """How the network is trained; every number of an experiment is here or in `NetworkSpec`.

    Parameters
    ----------
    optimizer : "sgd", "momentum" or "adam", equation (8).
    learning_rate : eta, finite and above 0.
    batch_size : examples per step; a smaller last batch is kept.
    epochs : passes over the training set.
    seed : determines the initial parameters and the mini-batch order.
    initial : "normal": weights and biases ~ N(0, 1), as in the article; "scaled": weights divided by sqrt(n_in), those
        of a convolution by sqrt(c_in k k).
    dtype : of parameters, inputs and arithmetic: "float32" for speed, "float64" for accuracy.
    accumulate : micro-batches a step, 1 to 100: a batch is cut into that many `shares`, and their gradients are added.
    workers : processes, or devices, that share the batches of a data-parallel implementation, 1 to 8; the others use
        one.

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
    accumulate: int = 1
    workers: int = 1

    def __post_init__(self) -> None:
        check_choice("optimizer", self.optimizer, OPTIMIZERS)
        rate = self.learning_rate
        is_number = isinstance(rate, (int, float)) and not isinstance(rate, bool)
        if not is_number or not math.isfinite(rate) or rate <= 0:
            raise SpecError("learning_rate", rate, "a finite number above 0")
        check_whole("batch_size", self.batch_size, 1)
        check_whole("epochs", self.epochs, 1)
        check_whole("seed", self.seed, 0)
        check_choice("initial", self.initial, INITIALS)
        check_choice("dtype", self.dtype, DTYPES)
        check_whole("accumulate", self.accumulate, 1, MOST_MICRO_BATCHES)
        check_whole("workers", self.workers, 1, MOST_WORKERS)
        if self.dtype == "float32" and not FLOAT32_TINY <= rate <= FLOAT32_MAX:
            allowed = f"a number that float32 can represent, from {FLOAT32_TINY:.1e} to {FLOAT32_MAX:.1e}"
            raise SpecError("learning_rate", rate, allowed)

    def __str__(self) -> str:
        return (
            f"{self.optimizer}, learning rate {self.learning_rate:g}, batch {self.batch_size}, "
            f"{self.epochs} epoch{'s' * (self.epochs != 1)}, {self.dtype}, {self.initial} initial weights"
            + f", {self.accumulate} micro-batches a step" * (self.accumulate > 1)
            + f", {self.workers} workers" * (self.workers > 1)
        )


def shares(n: int, parts: int) -> list[slice]:
    """Cut n examples into that many shares, in order, whose sizes differ by at most 1; some are empty if n < parts.

    With C_k = 1/n times the sum over share k, and n the size of the whole batch, C of (3) is the sum of the C_k, and
    dC/dtheta the sum of the dC_k/dtheta. The mean of the shares' own means is another number if their sizes differ.
    """
    return [slice(n * k // parts, n * (k + 1) // parts) for k in range(parts)]
