"""A whole epoch is one lax.scan."""
import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn

BATCH_SIZE = 32
EPOCHS = 10


class MLP(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.Dense(10)(jnp.tanh(nn.Dense(12)(x)))


x_train, y_train = load_data()
model = MLP()
params = model.init(jax.random.PRNGKey(0), jnp.zeros((1, 20)))
tx = optax.adam(1e-3)
opt_state = tx.init(params)


def loss_fn(params, x, y):
    return optax.softmax_cross_entropy_with_integer_labels(model.apply(params, x), y).mean()


def train_step(carry, batch):
    params, opt_state = carry
    x, y = batch
    loss, grads = jax.value_and_grad(loss_fn)(params, x, y)
    updates, opt_state = tx.update(grads, opt_state, params)
    params = optax.apply_updates(params, updates)
    return (params, opt_state), loss


@jax.jit
def train_epoch(params, opt_state, xs, ys):
    (params, opt_state), losses = jax.lax.scan(train_step, (params, opt_state), (xs, ys))
    return params, opt_state, losses.mean()


rng = np.random.default_rng(0)
n_batches = len(x_train) // BATCH_SIZE
for epoch in range(EPOCHS):
    perm = rng.permutation(len(x_train))[: n_batches * BATCH_SIZE]
    xs = x_train[perm].reshape(n_batches, BATCH_SIZE, -1)
    ys = y_train[perm].reshape(n_batches, BATCH_SIZE)
    params, opt_state, loss = train_epoch(params, opt_state, xs, ys)
    print(f"epoch {epoch}: {loss:.4f}")
