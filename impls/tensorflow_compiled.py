"""The network in TensorFlow, compiled: the whole epoch is one XLA program, called once."""

import tensorflow as tf

from impls import tensorflow_keras
from impls.tensorflow_keras import set_threads as set_threads
from shared.interface import Labels

ON_REQUEST = True  # compiles the whole epoch: run by name or with -i all


class Network(tensorflow_keras.Network):
    """`tensorflow_keras` with the loop over the batches inside the compiled function; the rest is unchanged."""

    # ---- Update (8) ------------------------------------------------------------------------------------

    def train(self, order: Labels) -> None:
        if self.spec.has_convolutions:
            # XLA's loop on a CPU has no fast convolution: a step in it takes 7 times as long as one called from here.
            for start in range(0, len(order), self.training.batch_size):
                self.batch(self.x, self.y, tf.convert_to_tensor(order[start : start + self.training.batch_size]))
        else:
            self.epoch(self.x, self.y, tf.convert_to_tensor(order))

    @tf.function(jit_compile=True)
    def batch(self, x: tf.Tensor, y: tf.Tensor, i: tf.Tensor) -> None:
        """One optimizer step on the examples i; compiled for each number of them."""
        self.step(x, y, i)

    @tf.function(jit_compile=True)
    def epoch(self, x: tf.Tensor, y: tf.Tensor, order: tf.Tensor) -> None:
        """One optimizer step on every batch of the order; traced and compiled for each length of the order."""
        size = self.training.batch_size
        whole = len(order) // size * size
        if whole:
            for i in tf.reshape(order[:whole], (-1, size)):  # a loop of the graph, not of Python
                self.step(x, y, i)
        if whole < len(order):
            self.step(x, y, order[whole:])
