"""The network in TensorFlow on several devices: MirroredStrategy keeps the parameters of all alike, and adds gradients.

With C_k = 1/n times the sum over share k, n the size of the whole batch, C = sum_k C_k and dC = sum_k dC_k. So the loss
of a replica is divided by n, not by the size of its share, and the all-reduce is a sum.
"""

from contextlib import suppress

import tensorflow as tf

from impls import tensorflow_keras
from impls.tensorflow_keras import set_threads as set_threads
from shared.interface import Parameters
from shared.spec import MOST_WORKERS, NetworkSpec, TrainingSpec, shares

ON_REQUEST = True  # on one machine, slower than tensorflow_keras: run by name or with -i all
DATA_PARALLEL = True  # takes `workers`

CPU = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(CPU, [tf.config.LogicalDeviceConfiguration()] * MOST_WORKERS)


class Network(tensorflow_keras.Network):
    """`tensorflow_keras` on K logical devices: each has all parameters, and computes its share of a batch."""

    # ---- Parameters ------------------------------------------------------------------------------------

    def __init__(self, spec: NetworkSpec, training: TrainingSpec, parameters: Parameters) -> None:
        threading = tf.config.threading
        with suppress(RuntimeError):  # raised once TensorFlow computes: then its threads are fixed
            threading.set_inter_op_parallelism_threads(training.workers * threading.get_inter_op_parallelism_threads())
        self.strategy = tf.distribute.MirroredStrategy([f"CPU:{k}" for k in range(training.workers)])
        with self.strategy.scope():  # variables, also the optimizer's, have a copy on each device
            super().__init__(spec, training, parameters)

    # ---- Loss and gradients (3)-(7) --------------------------------------------------------------------

    @tf.function
    def gradients(self, x: tf.Tensor, y: tf.Tensor, n: int) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """As `tensorflow_keras`'s, of which each replica computes a share; some are empty if n < K."""
        cut = shares(y.shape[0], self.training.workers)

        def part() -> tuple[tf.Tensor, list[tf.Tensor]]:
            k = int(tf.get_static_value(tf.distribute.get_replica_context().replica_id_in_sync_group))
            return super(Network, self).gradients(x[cut[k]], y[cut[k]], n)  # C_k and dC_k

        # C = sum_k C_k and dC = sum_k dC_k: the all-reduce, together with the update (8), which goes to all devices
        return self.strategy.reduce(tf.distribute.ReduceOp.SUM, self.strategy.run(part), axis=None)
