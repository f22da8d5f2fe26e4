"""The network in JAX on several devices: jit over a mesh, along which each batch is cut; XLA adds the shares up.

With C_k = 1/n times the sum over share k, n the size of the whole batch, C = sum_k C_k and dC = sum_k dC_k. Shares of a
mesh are equally large, so a batch that does not divide is filled up with examples of weight 0, whose parts are 0.
"""

import os

import jax
from jax import numpy as jnp
from jax.sharding import NamedSharding, PartitionSpec

from impls import jax_jit
from impls.jax_jit import Theta
from impls.jax_jit import set_threads as set_threads
from shared.interface import Array, Labels, Parameters
from shared.spec import NetworkSpec, TrainingSpec

ON_REQUEST = True  # on one machine, slower than jax_jit: run by name or with -i all
DATA_PARALLEL = True  # takes `workers`


class Network(jax_jit.Network):
    """`jax_jit` on K devices: each has all parameters, and computes its share of a batch."""

    # ---- Parameters ------------------------------------------------------------------------------------

    def __init__(self, spec: NetworkSpec, training: TrainingSpec, parameters: Parameters) -> None:
        if jax.config.jax_num_cpu_devices < training.workers > 1:  # JAX raises an error if it has started with fewer
            jax.config.update("jax_num_cpu_devices", training.workers)
            os.environ["NPROC"] = str(training.workers * int(os.environ.get("NPROC", "1")))  # threads of all devices
        mesh = jax.sharding.Mesh(jax.devices()[: training.workers], ("workers",))
        self.cut, self.whole = NamedSharding(mesh, PartitionSpec("workers")), NamedSharding(mesh, PartitionSpec())
        super().__init__(spec, training, parameters)

    def reset(self, parameters: Parameters) -> None:
        super().reset(parameters)
        self.theta, self.state = jax.device_put((self.theta, self.state), self.whole)  # a copy on each device

    # ---- Loss and gradients (3)-(7) --------------------------------------------------------------------

    def micro_batch(self, theta: Theta, x: jax.Array, y: jax.Array, n: int) -> tuple[jax.Array, Theta]:
        """As `gradients`, in one piece, of which each device computes a share."""
        weight = jnp.ones(len(y), y.dtype)
        rest = -len(y) % self.training.workers
        x, y, weight = jax.lax.with_sharding_constraint(
            (jnp.pad(x, ((0, rest), (0, 0))), jnp.pad(y, ((0, rest), (0, 0))), jnp.pad(weight, (0, rest))), self.cut
        )

        def loss(theta: Theta) -> jax.Array:
            of_one = jax.vmap(lambda z, y: self.loss(z[None], y[None], n))  # (n, n_out) -> (n,)
            return jnp.vdot(weight, of_one(self.forward(theta, x), y))  # C = sum_k C_k

        found: tuple[jax.Array, Theta] = jax.value_and_grad(loss)(theta)  # (4)-(7)
        return jax.lax.with_sharding_constraint(found, self.whole)  # dC = sum_k dC_k: the all-reduce

    # ---- Conversion ------------------------------------------------------------------------------------

    def load(self, x: Array, y: Labels) -> None:
        super().load(x, y)
        self.x, self.y = jax.device_put((self.x, self.y), self.whole)  # a copy on each device
