import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn

bs = 32
X = np.load("X.npy").astype(np.float32) / 255.0
Y = np.load("Y.npy")


class Net(nn.Module):
    @nn.compact
    def __call__(self, x):
        h = nn.tanh(nn.Dense(12)(x))
        return nn.Dense(10)(h)


model = Net()
params = model.init(jax.random.PRNGKey(1), jnp.empty((1, 20)))["params"]
schedule = optax.exponential_decay(init_value=0.1, transition_steps=1, decay_rate=0.99)
opt = optax.chain(optax.clip_by_global_norm(100.0), optax.sgd(schedule, momentum=0.9))
opt_state = opt.init(params)


@jax.jit
def train_step(params, opt_state, x, y):
    def loss_fn(p):
        logits = model.apply({"params": p}, x)
        return -jnp.mean(jnp.sum(jax.nn.one_hot(y, 10) * jax.nn.log_softmax(logits), axis=-1))

    loss, grads = jax.value_and_grad(loss_fn)(params)
    updates, opt_state = opt.update(grads, opt_state, params)
    return optax.apply_updates(params, updates), opt_state, loss


n = X.shape[0]
for epoch in range(10):
    order = np.random.permutation(n)
    Xs, Ys = X[order], Y[order]
    for i in range(0, n, bs):
        xb = Xs[i:i + bs]
        yb = Ys[i:i + bs]
        params, opt_state, loss = train_step(params, opt_state, xb, yb)
    print(epoch, loss)
