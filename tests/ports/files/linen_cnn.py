import jax
import jax.numpy as jnp
import optax
from flax import linen as nn


class CNN(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.Conv(features=3, kernel_size=(3, 3), padding="VALID")(x)
        x = nn.relu(x)
        x = nn.max_pool(x, window_shape=(2, 2), strides=(2, 2))
        x = x.reshape((x.shape[0], -1))
        x = nn.Dense(features=12)(x)
        x = nn.relu(x)
        return nn.Dense(features=10)(x)


model = CNN()
params = model.init(jax.random.key(0), jnp.ones((1, 28, 28, 1)))["params"]
optimizer = optax.sgd(learning_rate=0.1, momentum=0.9)
opt_state = optimizer.init(params)


def cross_entropy(params, images, labels):
    logits = model.apply({"params": params}, images)
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


@jax.jit
def update(params, opt_state, images, labels):
    loss, grads = jax.value_and_grad(cross_entropy)(params, images, labels)
    updates, opt_state = optimizer.update(grads, opt_state, params)
    return optax.apply_updates(params, updates), opt_state, loss
