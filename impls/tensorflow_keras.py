"""The network in TensorFlow: Keras layers, GradientTape inside a tf.function, a Keras optimizer."""

from typing import Any

import tensorflow as tf  # first: if both are missing, this is the package to install

import keras  # isort: skip

from shared import layers
from shared.interface import Array, Labels, Parameters
from shared.spec import BETA_1, BETA_2, EPSILON, LEAKY_SLOPE, MOMENTUM, NetworkSpec, TrainingSpec, shares


class Network:
    """Equations (4)-(7) are computed by GradientTape, (8) by Keras; the contract is `shared.interface.Network`."""

    # ---- Parameters ------------------------------------------------------------------------------------

    def __init__(self, spec: NetworkSpec, training: TrainingSpec, parameters: Parameters) -> None:
        self.spec, self.training = spec, training
        *hidden, self.f = (ACTIVATIONS[layer.activation] for layer in spec.layers)
        self.dtype = next(iter(parameters.values())).dtype.name
        keras.config.set_floatx(self.dtype)  # otherwise the optimizer would round eta to float32
        self.model = keras.Sequential([keras.Input((spec.n_in,), dtype=self.dtype)])
        if not isinstance(spec.layers[0], layers.Dense):
            self.model.add(keras.layers.Reshape(layers.image_axes(spec.input_shape), dtype=self.dtype))
        for layer, shape, f in zip(spec.layers, spec.shapes, (*hidden, None), strict=False):
            for module in KINDS[type(layer)](layer, shape, f, self.dtype):  # up to z_L: f_L belongs to `output`
                self.model.add(module)
        self.optimizer = OPTIMIZERS[training.optimizer](training.learning_rate)
        self.optimizer.build(self.model.trainable_variables)
        self.reset(parameters)

    def reset(self, parameters: Parameters) -> None:
        for variable, (name, given) in zip(self.model.trainable_variables, parameters.items(), strict=True):
            variable.assign(to_keras(given, self.image(name)))
        for variable in self.optimizer.variables:  # a new optimizer would have to be traced again
            if variable is not self.optimizer.learning_rate:
                variable.assign(tf.zeros_like(variable))

    def parameters(self) -> Parameters:
        return self.to_parameters(self.model.trainable_variables)

    # ---- Forward (1)-(2) -------------------------------------------------------------------------------

    def forward(self, x: tf.Tensor) -> tf.Tensor:
        """(n, n_in) -> z_L, (n, n_out)."""
        return self.model(x)  # (1)-(2)

    def output(self, z: tf.Tensor) -> tf.Tensor:
        """z_L -> a_L, (n, n_out)."""
        return self.f(z)  # (2)

    def predict(self, x: Array) -> Array:
        return self.output(self.forward(tf.convert_to_tensor(x))).numpy()

    # ---- Loss and gradients (3)-(7) --------------------------------------------------------------------

    def loss(self, z: tf.Tensor, y: tf.Tensor, n: int) -> tf.Tensor:
        """z_L and one-hot y of a share, n examples in the whole batch -> the share's part of C (3)."""
        if self.spec.loss == "cross_entropy":
            return tf.reduce_sum(tf.nn.softmax_cross_entropy_with_logits(y, z)) / n  # (3), softmax included
        if self.spec.loss == "binary_cross_entropy":
            # Keras's BinaryCrossentropy would also divide by n_out; sigmoid included
            return tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(y, z)) / n  # (3)
        # Keras's MeanSquaredError would also divide by n_out.
        return tf.reduce_sum(tf.square(self.output(z) - y)) / (2 * n)  # (3)

    @tf.function
    def gradients(self, x: tf.Tensor, y: tf.Tensor, n: int) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """x and one-hot y of a share, n -> its part of C and of dC/dW_l^T, dC/db_l of every layer."""
        parts = [self.micro_batch(x[i], y[i], n) for i in shares(y.shape[0], self.training.accumulate)]
        loss, *gradients = map(tf.add_n, zip(*parts, strict=True))
        return loss, gradients

    def micro_batch(self, x: tf.Tensor, y: tf.Tensor, n: int) -> list[tf.Tensor]:
        """As `gradients`, in one piece."""
        theta = self.model.trainable_variables
        if y.shape[0] == 0:  # no part; TensorFlow's gradient of a pool of no images would end the process
            return [tf.zeros((), y.dtype), *(tf.zeros(variable.shape, y.dtype) for variable in theta)]
        with tf.GradientTape() as tape:
            loss = self.loss(self.forward(x), y, n)
        return [loss, *tape.gradient(loss, theta)]  # (4)-(7)

    def loss_and_gradients(self, x: Array, y: Labels) -> tuple[float, Parameters]:
        loss, gradients = self.gradients(tf.convert_to_tensor(x), self.one_hot(y), len(y))
        return float(loss), self.to_parameters(gradients)

    # ---- Update (8) ------------------------------------------------------------------------------------

    @tf.function
    def step(self, x: tf.Tensor, y: tf.Tensor, i: tf.Tensor) -> None:
        """One optimizer step on the examples i."""
        _, gradients = self.gradients(tf.gather(x, i), tf.gather(y, i), len(i))
        self.optimizer.apply(gradients, self.model.trainable_variables)  # (8)

    def train(self, order: Labels) -> None:
        full, rest = divmod(len(order), self.training.batch_size)
        for i in tf.split(order, [self.training.batch_size] * full + [rest] * (rest > 0)):
            self.step(self.x, self.y, i)

    # ---- Conversion ------------------------------------------------------------------------------------

    def load(self, x: Array, y: Labels) -> None:
        self.x, self.y = tf.convert_to_tensor(x), self.one_hot(y)

    def one_hot(self, y: Labels) -> tf.Tensor:
        """(n,) labels -> (n, n_out), in the dtype of the parameters."""
        return tf.one_hot(y, self.spec.n_out, dtype=self.dtype)

    def to_parameters(self, theta: list[tf.Tensor]) -> Parameters:
        """Keras's tensors, in its order and layout -> NumPy copies by name, in the layout of the contract."""
        shapes = self.spec.parameter_shapes.items()
        pairs = zip(shapes, theta, strict=True)
        return {name: from_keras(tensor.numpy(), shape, self.image(name)) for (name, shape), tensor in pairs}

    def image(self, name: str) -> layers.Shape:
        """Return the shape of the input of a parameter's layer."""
        return self.spec.shapes[int(name[1:]) - 1]


def to_keras(W: Array, image: layers.Shape) -> Array:
    """W or b of the contract -> of Keras: (n_in, n_out) or (k, k, c_in, c_out); images flattened channel last."""
    if W.ndim == 2 and len(image) == 3:
        return W.reshape(-1, *image).transpose(2, 3, 1, 0).reshape(-1, len(W))
    return W.transpose(2, 3, 1, 0) if W.ndim == 4 else W.T


def from_keras(W: Array, shape: layers.Shape, image: layers.Shape) -> Array:
    """Undo `to_keras`."""
    if W.ndim == 2 and len(image) == 3:
        channels, height, width = image
        W = W.reshape(height, width, channels, -1)
    return (W.transpose(3, 2, 0, 1) if W.ndim == 4 else W.T).reshape(shape).copy()


def dense(layer: layers.Dense, shape: layers.Shape, f: Any, dtype: str) -> list[keras.Layer]:
    flatten = [keras.layers.Flatten(dtype=dtype)] if len(shape) == 3 else []
    return [*flatten, keras.layers.Dense(layer.n_out, activation=f, use_bias=layer.bias, dtype=dtype)]


def conv(layer: layers.Conv, shape: layers.Shape, f: Any, dtype: str) -> list[keras.Layer]:
    how = {"padding": "same", "activation": f, "use_bias": layer.bias, "dtype": dtype}
    return [keras.layers.Conv2D(layer.channels, layer.kernel, **how)]


def max_pool(layer: layers.MaxPool, shape: layers.Shape, f: Any, dtype: str) -> list[keras.Layer]:
    return [keras.layers.MaxPooling2D(layers.WINDOW, dtype=dtype)]


KINDS: dict[type, Any] = {layers.Dense: dense, layers.Conv: conv, layers.MaxPool: max_pool}

ACTIVATIONS = {
    "sigmoid": tf.nn.sigmoid,
    "tanh": tf.nn.tanh,
    "relu": tf.nn.relu,
    # tf.nn.leaky_relu stores its slope in float32: an error of 4e-10 in float64.
    "leaky_relu": lambda z: tf.where(z > 0, z, LEAKY_SLOPE * z),
    "identity": tf.identity,
    "softmax": tf.nn.softmax,
}


class Momentum(keras.optimizers.Optimizer):
    """v <- mu v + g, theta <- theta - eta v; Keras's own SGD rounds mu to float32."""

    def build(self, variables: list[keras.Variable]) -> None:
        super().build(variables)
        self.v = self.add_optimizer_variables(variables, "v")

    def update_step(self, g: tf.Tensor, theta: keras.Variable, eta: tf.Tensor) -> None:
        v = self.v[self._get_variable_index(theta)]
        v.assign(tf.constant(MOMENTUM, theta.dtype) * v + g)
        theta.assign_sub(eta * v)


class Adam(keras.optimizers.Optimizer):
    """Kingma and Ba, Algorithm 1; Keras's own Adam adds epsilon to the root before the bias correction."""

    def build(self, variables: list[keras.Variable]) -> None:
        super().build(variables)
        self.m, self.v = (self.add_optimizer_variables(variables, name) for name in ("m", "v"))

    def update_step(self, g: tf.Tensor, theta: keras.Variable, eta: tf.Tensor) -> None:
        m, v = (each[self._get_variable_index(theta)] for each in (self.m, self.v))
        beta_1, beta_2, epsilon = (tf.constant(each, theta.dtype) for each in (BETA_1, BETA_2, EPSILON))
        t = tf.cast(self.iterations + 1, theta.dtype)
        m.assign_add((1 - beta_1) * (g - m))
        v.assign_add((1 - beta_2) * (tf.square(g) - v))
        m_hat, v_hat = m / (1 - beta_1**t), v / (1 - beta_2**t)
        theta.assign_sub(eta * m_hat / (tf.sqrt(v_hat) + epsilon))


OPTIMIZERS = {"sgd": keras.optimizers.SGD, "momentum": Momentum, "adam": Adam}


def set_threads(n: int) -> dict[str, int]:
    """Ask TensorFlow for n threads; return what it reports. Call it before any computation."""
    threading = tf.config.threading
    threading.set_intra_op_parallelism_threads(n)
    threading.set_inter_op_parallelism_threads(n)
    return {
        "tensorflow intra-op": threading.get_intra_op_parallelism_threads(),
        "tensorflow inter-op": threading.get_inter_op_parallelism_threads(),
    }
