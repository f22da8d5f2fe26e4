"""The network in Keras as its tutorials train it: model.compile and model.fit, in the given order."""

import tensorflow as tf

from impls import tensorflow_keras
from impls.tensorflow_keras import set_threads as set_threads
from shared.interface import Array, Labels, Parameters
from shared.spec import NetworkSpec, TrainingSpec

ON_REQUEST = True  # twice as slow as tensorflow_keras: run by name or with -i all
UNSUPPORTED = {"accumulate": "Keras's gradient_accumulation_steps takes the mean of the means of unequal micro-batches"}


class Network(tensorflow_keras.Network):
    """`tensorflow_keras` with Keras's own training loop; the rest is unchanged."""

    # ---- Parameters ------------------------------------------------------------------------------------

    def __init__(self, spec: NetworkSpec, training: TrainingSpec, parameters: Parameters) -> None:
        super().__init__(spec, training, parameters)
        # The model ends at z_L, so its loss is called with y and z; Keras takes the mean over the batch.
        self.model.compile(self.optimizer, loss=self.losses)

    # ---- Loss and gradients (3)-(7) --------------------------------------------------------------------

    def losses(self, y: tf.Tensor, z: tf.Tensor) -> tf.Tensor:
        """One-hot y and z_L, (n, n_out) -> each example's part of C (3), (n,)."""
        if self.spec.loss == "cross_entropy":
            return tf.nn.softmax_cross_entropy_with_logits(y, z)  # (3), softmax included
        if self.spec.loss == "binary_cross_entropy":
            return tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(y, z), axis=1)  # (3), sigmoid included
        return tf.reduce_sum(tf.square(self.output(z) - y), axis=1) / 2  # (3)

    # ---- Update (8) ------------------------------------------------------------------------------------

    def train(self, order: Labels) -> None:
        size = self.training.batch_size
        if len(order) <= size:  # the same step; `fit` builds a pipeline in each call, 50 times the time of a step
            self.model.train_on_batch(self.x[order], self.y[order])  # (4)-(8)
            return
        self.model.fit(self.x[order], self.y[order], batch_size=size, shuffle=False, verbose=0)  # (4)-(8)

    # ---- Conversion ------------------------------------------------------------------------------------

    def load(self, x: Array, y: Labels) -> None:
        self.x, self.y = x, self.one_hot(y).numpy()  # fit takes its batches from NumPy's arrays
