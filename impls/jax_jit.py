"""The network in JAX: pure functions, jax.grad, and an epoch as one lax.scan under jit."""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np
from jax import numpy as jnp

from shared import layers
from shared.interface import Array, Labels, Parameters
from shared.spec import BETA_1, BETA_2, EPSILON, LEAKY_SLOPE, MOMENTUM, NetworkSpec, TrainingSpec, shares

ON_REQUEST = True  # JAX is an extra, `pip install 'samegrad[jax]'`: run by name or with -i all

jax.config.update("jax_enable_x64", True)  # otherwise float64 would silently become float32

Theta = dict[str, jax.Array]
"""The parameters, or gradients, on the device."""
State = tuple[Theta, Theta, jax.Array]
"""The state of an optimizer: m, v and the number of steps t."""


class Network:
    """Equations (4)-(7) are computed by jax.grad. State that the others keep is an argument, as functions are pure."""

    # ---- Parameters ------------------------------------------------------------------------------------

    def __init__(self, spec: NetworkSpec, training: TrainingSpec, parameters: Parameters) -> None:
        self.spec, self.training = spec, training
        self.dtype = next(iter(parameters.values())).dtype
        self.f = [ACTIVATIONS[layer.activation] for layer in spec.layers]
        self.update = partial(OPTIMIZERS[training.optimizer], eta=training.learning_rate)
        self.reset(parameters)

    def reset(self, parameters: Parameters) -> None:
        self.theta: Theta = jax.tree.map(jnp.array, parameters)  # a copy of the given tree
        zeros = jax.tree.map(jnp.zeros_like, self.theta)
        self.state: State = (zeros, zeros, jnp.array(0))

    def parameters(self) -> Parameters:
        return self.to_parameters(self.theta)

    # ---- Forward (1)-(2) -------------------------------------------------------------------------------

    @partial(jax.jit, static_argnums=0)
    def forward(self, theta: Theta, x: jax.Array) -> jax.Array:
        """(n, n_in) -> z_L, (n, n_out)."""
        a = self.to_images(x)
        for l, (layer, f) in enumerate(zip(self.spec.layers, self.f, strict=True), 1):
            z = KINDS[type(layer)](a, theta.get(f"W{l}"), theta.get(f"b{l}", 0))  # (1)
            a = f(z) if l < len(self.f) else z  # (2)
        return a

    def output(self, z: jax.Array) -> jax.Array:
        """z_L -> a_L, (n, n_out)."""
        return self.f[-1](z)  # (2)

    def predict(self, x: Array) -> Array:
        return np.array(self.output(self.forward(self.theta, x)))

    # ---- Loss and gradients (3)-(7) --------------------------------------------------------------------

    def loss(self, z: jax.Array, y: jax.Array, n: int) -> jax.Array:
        """z_L and one-hot y of a share, n examples in the whole batch -> the share's part of C (3)."""
        if self.spec.loss == "cross_entropy":
            return -jnp.sum(y * jax.nn.log_softmax(z)) / n  # (3)
        if self.spec.loss == "binary_cross_entropy":
            return jnp.sum(jax.nn.softplus((1 - 2 * y) * z)) / n  # (3), sigmoid included
        return jnp.sum(jnp.square(self.output(z) - y)) / (2 * n)  # (3)

    @partial(jax.jit, static_argnames=("self", "n"))
    def gradients(self, theta: Theta, x: jax.Array, y: jax.Array, n: int) -> tuple[jax.Array, Theta]:
        """x and one-hot y of a share, n -> its part of C and of dC/dW_l, dC/db_l of every layer."""
        cut = shares(len(y), min(self.training.accumulate, len(y)))
        return jax.tree.map(lambda *parts: sum(parts), *(self.micro_batch(theta, x[i], y[i], n) for i in cut))

    def micro_batch(self, theta: Theta, x: jax.Array, y: jax.Array, n: int) -> tuple[jax.Array, Theta]:
        """As `gradients`, in one piece."""
        return jax.value_and_grad(lambda theta: self.loss(self.forward(theta, x), y, n))(theta)  # (4)-(7)

    def loss_and_gradients(self, x: Array, y: Labels) -> tuple[float, Parameters]:
        loss, gradients = self.gradients(self.theta, x, self.one_hot(y), len(y))
        return float(loss), self.to_parameters(gradients)

    # ---- Update (8) ------------------------------------------------------------------------------------

    @partial(jax.jit, static_argnums=0)
    def step(self, theta: Theta, state: State, x: jax.Array, y: jax.Array, i: jax.Array) -> tuple[Theta, State]:
        """One optimizer step on the examples i -> the next theta and state."""
        _, g = self.gradients(theta, x[i], y[i], len(i))
        return self.update(theta, g, state)  # (8)

    def train(self, order: Labels) -> None:
        size, start = self.training.batch_size, 0
        # XLA's loop on a CPU has no fast convolution: a step in it takes 7 times as long as one called from here.
        if len(order) >= size and not self.spec.has_convolutions:
            start = len(order) // size * size
            batches = order[:start].reshape(-1, size)
            self.theta, self.state = steps(self, self.theta, self.state, self.x, self.y, batches)
        for first in range(start, len(order), size):
            i = order[first : first + size]
            self.theta, self.state = self.step(self.theta, self.state, self.x, self.y, i)

    # ---- Conversion ------------------------------------------------------------------------------------

    def load(self, x: Array, y: Labels) -> None:
        self.x, self.y = jnp.array(x), self.one_hot(y)

    def to_images(self, x: jax.Array) -> jax.Array:
        """(n, n_in) -> (n, height, width, channels), if the first layer is a convolution or a pool."""
        if isinstance(self.spec.layers[0], layers.Dense):
            return x
        return x.reshape(-1, *layers.image_axes(self.spec.input_shape))

    def one_hot(self, y: Labels) -> jax.Array:
        """(n,) labels -> (n, n_out), in the dtype of the parameters."""
        return jax.nn.one_hot(y, self.spec.n_out, dtype=self.dtype)

    def to_parameters(self, theta: Theta) -> Parameters:
        """Parameters, or gradients, on the device -> NumPy copies, after waiting for the device."""
        return {name: np.array(theta[name]) for name in self.spec.parameter_shapes}


@partial(jax.jit, static_argnums=0)
def steps(
    network: Network, theta: Theta, state: State, x: jax.Array, y: jax.Array, batches: jax.Array
) -> tuple[Theta, State]:
    """One optimizer step on each of the batches, (steps, n); compiled for each number of steps."""

    def step(carry: tuple[Theta, State], i: jax.Array) -> tuple[tuple[Theta, State], None]:
        return network.step(*carry, x, y, i), None

    carry, _ = jax.lax.scan(step, (theta, state), batches)
    return carry


def dense(a: jax.Array, W: jax.Array, b: jax.Array) -> jax.Array:
    if a.ndim == 4:
        a = a.transpose(0, 3, 1, 2).reshape(len(a), -1)  # (n, c height width)
    return a @ W.T + b


def conv(a: jax.Array, W: jax.Array, b: jax.Array) -> jax.Array:
    return jax.lax.conv_general_dilated(a, W, (1, 1), "SAME", dimension_numbers=("NHWC", "OIHW", "NHWC")) + b


def max_pool(a: jax.Array, W: None, b: int) -> jax.Array:
    window = (1, layers.WINDOW, layers.WINDOW, 1)
    return jax.lax.reduce_window(a, -jnp.inf, jax.lax.max, window, window, "VALID")


KINDS: dict[type, Callable[..., jax.Array]] = {layers.Dense: dense, layers.Conv: conv, layers.MaxPool: max_pool}

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "relu": jax.nn.relu,
    "leaky_relu": partial(jax.nn.leaky_relu, negative_slope=LEAKY_SLOPE),
    "identity": lambda z: z,
    "softmax": jax.nn.softmax,
}


def sgd(theta: Theta, g: Theta, state: State, eta: float) -> tuple[Theta, State]:
    """theta <- theta - eta g."""
    return jax.tree.map(lambda theta, g: theta - eta * g, theta, g), state


def momentum(theta: Theta, g: Theta, state: State, eta: float) -> tuple[Theta, State]:
    """v <- mu v + g, theta <- theta - eta v."""
    m, v, t = state
    v = jax.tree.map(lambda v, g: MOMENTUM * v + g, v, g)
    return jax.tree.map(lambda theta, v: theta - eta * v, theta, v), (m, v, t)


def adam(theta: Theta, g: Theta, state: State, eta: float) -> tuple[Theta, State]:
    """Kingma and Ba, Algorithm 1."""
    m, v, t = state
    t = t + 1
    m = jax.tree.map(lambda m, g: m + (1 - BETA_1) * (g - m), m, g)
    v = jax.tree.map(lambda v, g: v + (1 - BETA_2) * (g * g - v), v, g)

    def moved(theta: jax.Array, m: jax.Array, v: jax.Array) -> jax.Array:
        m_hat, v_hat = m / (1 - BETA_1**t), v / (1 - BETA_2**t)
        return theta - eta * m_hat / (jnp.sqrt(v_hat) + EPSILON)

    return jax.tree.map(moved, theta, m, v), (m, v, t)


OPTIMIZERS: dict[str, Callable[..., tuple[Theta, State]]] = {"sgd": sgd, "momentum": momentum, "adam": adam}


def set_threads(n: int) -> dict[str, int]:
    """Ask XLA for n threads, with the variable that it reads when its client starts. Call it before any computation.

    XLA does not report what it uses; the returned number is the requested one.
    """
    os.environ["NPROC"] = str(n)
    return {"XLA": n}
