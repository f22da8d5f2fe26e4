from functools import partial

import jax.numpy as jnp
import optax
from flax import nnx


class CNN(nnx.Module):
    """A simple CNN model."""

    def __init__(self, *, rngs: nnx.Rngs):
        self.conv1 = nnx.Conv(1, 3, kernel_size=(3, 3), padding="VALID", rngs=rngs)
        self.max_pool = partial(nnx.max_pool, window_shape=(2, 2), strides=(2, 2))
        self.linear1 = nnx.Linear(507, 12, rngs=rngs)
        self.linear2 = nnx.Linear(12, 10, rngs=rngs)

    def __call__(self, x):
        x = self.max_pool(nnx.relu(self.conv1(x)))
        x = x.transpose((0, 3, 1, 2)).reshape(x.shape[0], -1)  # as PyTorch flattens
        return self.linear2(nnx.relu(self.linear1(x)))


model = CNN(rngs=nnx.Rngs(0))
optimizer = nnx.Optimizer(model, optax.sgd(learning_rate=0.1, momentum=0.9), wrt=nnx.Param)


@nnx.jit
def train_step(model, optimizer, images, labels):
    def loss_fn(model):
        logits = model(images)
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    loss, grads = nnx.value_and_grad(loss_fn)(model)
    optimizer.update(model, grads)
    return loss
