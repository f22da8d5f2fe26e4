"""The specs, batches and parameters that the tests compare implementations on."""

from dataclasses import dataclass, replace
from itertools import cycle, product

import numpy as np
from hypothesis import strategies as st

from impls.numpy_scratch import Network as Reference
from shared import initial
from shared.agreement.observation import STAGES, Observation, allowed_errors, observe, twins
from shared.agreement.survey import MIXED
from shared.agreement.tolerances import TOLERANCES
from shared.interface import Array, Labels, Parameters
from shared.layers import ACTIVATIONS, Dense
from shared.spec import DTYPES, LOSSES, OUTPUT_ACTIVATIONS, NetworkSpec, TrainingSpec

SIZES = ((784, 30, 10), (784, 30, 30, 10), (784, 10))
BATCH_SIZES = (1, 7, 10)
N_EXAMPLES = 95


@dataclass(frozen=True)
class Case:
    """A spec and how it is trained; every number drawn from the seed."""

    spec: NetworkSpec
    training: TrainingSpec
    n_examples: int = N_EXAMPLES

    def __str__(self) -> str:
        t = self.training
        return f"{str(self.spec).replace(',', '')} {t.optimizer} {t.dtype} batch {t.batch_size}"

    def parameters(self) -> Parameters:
        return initial.draw_parameters(self.spec, self.training)

    def data(self) -> tuple[Array, Labels, Labels]:
        """x like MNIST's (a fifth of the pixels inked), y, and the order of one epoch."""
        generator = np.random.default_rng([self.training.seed, 99])
        shape = (self.n_examples, self.spec.n_in)
        x = generator.integers(0, 256, shape) * (generator.random(shape) < 0.2) / 255
        y = generator.integers(0, self.spec.n_out, self.n_examples)
        return x.astype(self.training.dtype), y, next(initial.draw_orders(self.training, self.n_examples))


def case(
    sizes: tuple[int, ...] = (784, 30, 10),
    activation: str = "sigmoid",
    loss: str = "quadratic",
    dtype: str = "float64",
    batch_size: int = 10,
    **more: object,
) -> Case:
    """A case that trains stably: a learning rate that fits, and scaled weights where normal ones would explode."""
    smooth = activation == "sigmoid"
    rate = 3.0 if smooth and loss == "quadratic" else 0.05
    # One layer of normal weights saturates the outputs: a_L - y then cancels, and rounding is all that is left.
    initials = "normal" if smooth and len(sizes) > 2 else "scaled"
    training = TrainingSpec(learning_rate=rate, batch_size=batch_size, dtype=dtype, initial=initials)
    return Case(NetworkSpec.dense(sizes, activation, loss), replace(training, **more))  # type: ignore[arg-type]


def mixed(network: str, dtype: str) -> Case:
    """A case of a network whose layers differ, given in the notation."""
    return replace(case(activation="tanh", dtype=dtype), spec=NetworkSpec.parse(network))


networks = st.builds(
    lambda n_in, hidden, output, loss: NetworkSpec(
        (n_in,), (*hidden, replace(output, activation=OUTPUT_ACTIVATIONS.get(loss, output.activation))), loss
    ),
    st.integers(1, 12),
    st.lists(st.builds(Dense, st.integers(1, 12), st.sampled_from(ACTIVATIONS), st.booleans()), max_size=3),
    st.builds(Dense, st.integers(1, 12), st.sampled_from(ACTIVATIONS), st.booleans()),
    st.sampled_from(LOSSES),
)
"""Any network: sizes, an activation a layer, with or without bias, and a loss."""


HIDDEN_ACTIVATIONS = ("sigmoid", "tanh", "relu", "leaky_relu")
CASES = [
    case(sizes, activation, loss, dtype, batch_size)
    for sizes, activation, loss, dtype, batch_size in product(
        SIZES, HIDDEN_ACTIVATIONS, ("quadratic", "cross_entropy"), DTYPES, BATCH_SIZES
    )
    # batch sizes have nothing to do with activations: all of them with one, one of them with the others
    if batch_size == 10 or activation == "sigmoid"
]
# each further loss and activation by itself, and layers that differ: compiling every combination would take too long
CASES += [case(loss="binary_cross_entropy", dtype=dtype) for dtype in DTYPES]
CASES += [case(activation=activation, loss="binary_cross_entropy") for activation in ("tanh", "relu")]
CASES += [case(activation="identity", dtype=dtype) for dtype in DTYPES]
CASES += [mixed(network, dtype) for network, dtype in zip(MIXED, cycle(DTYPES), strict=False)]
CASES = list(dict.fromkeys(CASES))  # a single layer has the activation of its loss

COMPILED = ("jax_jit", "pytorch_compiled", "tensorflow_compiled", "keras_fit")
"""They compile each network anew. Their siblings, which compute the same uncompiled, are tried on every case."""

OPTIMIZER_CASES = [
    case(activation=activation, loss=loss, dtype=dtype, optimizer=optimizer, learning_rate=rate, initial="scaled")
    for (optimizer, activation, loss, rate), dtype in product(
        [
            ("momentum", "sigmoid", "quadratic", 0.3),
            ("momentum", "tanh", "cross_entropy", 0.005),
            ("adam", "sigmoid", "quadratic", 0.01),
            ("adam", "tanh", "cross_entropy", 0.001),
        ],
        DTYPES,
    )
]


def reference(c: Case) -> Observation:
    """What the float64 reference observes on the very numbers of the case."""
    x, y, order = c.data()
    parameters = initial.cast(c.parameters(), "float64")
    network = Reference(c.spec, replace(c.training, dtype="float64"), parameters)
    return observe(network, parameters, x.astype(np.float64), y, order, c.training.batch_size)


def is_compiled(network: str) -> bool:
    """Return whether each network costs an implementation seconds of compiling."""
    return network in COMPILED


def in_turn(network: str, number: int, period: int = len(COMPILED)) -> bool:
    """Return whether a case is tried: those that compile share them, or leave some out with a longer period."""
    return network not in COMPILED or number % period == COMPILED.index(network) % period


def tolerance(c: Case) -> dict[str, float]:
    """The tolerance of the table for every stage, whatever rounding may be magnified to.

    But for adam in float32: a step is eta g / |g|, which for a gradient near 0 is all rounding, on the reference too.
    """
    if (c.training.optimizer, c.training.dtype) != ("adam", "float32"):
        return dict.fromkeys(STAGES, TOLERANCES[c.training.dtype].limit)
    x, y, order = c.data()
    drawn = initial.cast(c.parameters(), "float64")

    def observed(parameters: Parameters, dtype: str) -> Observation:
        given = initial.cast(parameters, dtype)
        network = Reference(c.spec, replace(c.training, dtype=dtype), given)
        return observe(network, given, x.astype(dtype), y, order, c.training.batch_size)

    shaken = [observed(twin, "float64") for twin in twins(drawn, "float32")]
    return allowed_errors(observed(drawn, "float64"), shaken, observed(drawn, "float32"), "float32")
