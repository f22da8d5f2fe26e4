"""The network in JAX: pure functions, jax.grad, and an epoch as one lax.scan under jit."""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np
from jax import numpy as jnp

from shared.interface import Array, Labels, Layer, Parameters
from shared.spec import BETA_1, BETA_2, EPSILON, LEAKY_SLOPE, MOMENTUM, NetworkSpec, TrainingSpec

ON_REQUEST = True  # JAX is an extra, `pip install 'samegrad[jax]'`: run by name, or with -i all

jax.config.update("jax_enable_x64", True)  # or float64 would silently become float32

State = tuple[Parameters, Parameters, jax.Array]
"""Of an optimizer: m, v and the number of steps t."""


class Network:
    """Equations (4)-(7) are jax.grad's. What the others keep is an argument, for functions are pure."""

    # ---- Parameters ------------------------------------------------------------------------------------

    def __init__(self, spec: NetworkSpec, training: TrainingSpec, parameters: Parameters) -> None:
        self.spec, self.training = spec, training
        self.f = ACTIVATIONS[spec.activation]
        self.update = partial(OPTIMIZERS[training.optimizer], eta=training.learning_rate)
        self.reset(parameters)

    def reset(self, parameters: Parameters) -> None:
        self.theta: Parameters = jax.tree.map(jnp.array, parameters)  # a tree like the given one, of copies
        zeros = jax.tree.map(jnp.zeros_like, self.theta)
        self.state: State = (zeros, zeros, jnp.array(0))

    def parameters(self) -> Parameters:
        return self.to_layers(self.theta)

    # ---- Forward (1)-(2) -------------------------------------------------------------------------------

    @partial(jax.jit, static_argnums=0)
    def forward(self, theta: Parameters, x: jax.Array) -> jax.Array:
        """(n, n_in) -> z_L, (n, n_out)."""
        a = x
        for W, b in theta[:-1]:
            a = self.f(a @ W.T + b)  # (1)-(2)
        W, b = theta[-1]
        return a @ W.T + b  # (1)

    def output(self, z: jax.Array) -> jax.Array:
        """z_L -> a_L, (n, n_out)."""
        return jax.nn.softmax(z) if self.spec.loss == "cross_entropy" else self.f(z)  # (2)

    def predict(self, x: Array) -> Array:
        return np.array(self.output(self.forward(self.theta, x)))

    # ---- Loss and gradients (3)-(7) --------------------------------------------------------------------

    def loss(self, z: jax.Array, y: jax.Array) -> jax.Array:
        """z_L and one-hot y, (n, n_out) -> C (3)."""
        if self.spec.loss == "cross_entropy":
            return -jnp.mean(jnp.sum(y * jax.nn.log_softmax(z), axis=1))  # (3)
        return jnp.mean(jnp.sum(jnp.square(self.output(z) - y), axis=1)) / 2  # (3)

    @partial(jax.jit, static_argnums=0)
    def gradients(self, theta: Parameters, x: jax.Array, y: jax.Array) -> tuple[jax.Array, Parameters]:
        """x (n, n_in) and one-hot y (n, n_out) -> C and dC/dW_l, dC/db_l of every layer."""
        return jax.value_and_grad(lambda theta: self.loss(self.forward(theta, x), y))(theta)  # (4)-(7)

    def loss_and_gradients(self, x: Array, y: Labels) -> tuple[float, Parameters]:
        loss, gradients = self.gradients(self.theta, x, self.one_hot(y))
        return float(loss), self.to_layers(gradients)

    # ---- Update (8) ------------------------------------------------------------------------------------

    @partial(jax.jit, static_argnums=0)
    def step(
        self, theta: Parameters, state: State, x: jax.Array, y: jax.Array, i: jax.Array
    ) -> tuple[Parameters, State]:
        """One optimizer step on the examples i -> the next theta and state."""
        _, g = self.gradients(theta, x[i], y[i])
        return self.update(theta, g, state)  # (8)

    def train(self, x: Array, y: Labels, order: Labels) -> None:
        y_hot = self.one_hot(y)
        whole = len(order) // self.training.batch_size * self.training.batch_size
        if whole:
            batches = order[:whole].reshape(-1, self.training.batch_size)
            self.theta, self.state = steps(self, self.theta, self.state, x, y_hot, batches)
        if whole < len(order):
            self.theta, self.state = self.step(self.theta, self.state, x, y_hot, order[whole:])

    # ---- Conversion ------------------------------------------------------------------------------------

    def one_hot(self, y: Labels) -> jax.Array:
        """(n,) labels -> (n, n_out), in the dtype of the parameters."""
        return jax.nn.one_hot(y, self.spec.sizes[-1], dtype=self.theta[0].W.dtype)

    def to_layers(self, theta: Parameters) -> Parameters:
        """Parameters, or gradients, on the device -> NumPy copies, once it is done."""
        return tuple(Layer(np.array(W), np.array(b)) for W, b in theta)


@partial(jax.jit, static_argnums=0)
def steps(
    network: Network, theta: Parameters, state: State, x: jax.Array, y: jax.Array, batches: jax.Array
) -> tuple[Parameters, State]:
    """One optimizer step on each of the batches, (steps, n); compiled for each length."""

    def step(carry: tuple[Parameters, State], i: jax.Array) -> tuple[tuple[Parameters, State], None]:
        return network.step(*carry, x, y, i), None

    carry, _ = jax.lax.scan(step, (theta, state), batches)
    return carry


ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "relu": jax.nn.relu,
    "leaky_relu": partial(jax.nn.leaky_relu, negative_slope=LEAKY_SLOPE),
}


def sgd(theta: Parameters, g: Parameters, state: State, eta: float) -> tuple[Parameters, State]:
    """theta <- theta - eta g."""
    return jax.tree.map(lambda theta, g: theta - eta * g, theta, g), state


def momentum(theta: Parameters, g: Parameters, state: State, eta: float) -> tuple[Parameters, State]:
    """v <- mu v + g, theta <- theta - eta v."""
    m, v, t = state
    v = jax.tree.map(lambda v, g: MOMENTUM * v + g, v, g)
    return jax.tree.map(lambda theta, v: theta - eta * v, theta, v), (m, v, t)


def adam(theta: Parameters, g: Parameters, state: State, eta: float) -> tuple[Parameters, State]:
    """Kingma and Ba, Algorithm 1."""
    m, v, t = state
    t = t + 1
    m = jax.tree.map(lambda m, g: m + (1 - BETA_1) * (g - m), m, g)
    v = jax.tree.map(lambda v, g: v + (1 - BETA_2) * (g * g - v), v, g)

    def moved(theta: jax.Array, m: jax.Array, v: jax.Array) -> jax.Array:
        m_hat, v_hat = m / (1 - BETA_1**t), v / (1 - BETA_2**t)
        return theta - eta * m_hat / (jnp.sqrt(v_hat) + EPSILON)

    return jax.tree.map(moved, theta, m, v), (m, v, t)


OPTIMIZERS: dict[str, Callable[..., tuple[Parameters, State]]] = {"sgd": sgd, "momentum": momentum, "adam": adam}


def set_threads(n: int) -> dict[str, int]:
    """Ask XLA for n threads, by the variable it reads when its client starts. Call it before any work.

    XLA does not say what it uses: what is returned is what it was told.
    """
    os.environ["NPROC"] = str(n)
    return {"XLA": n}
