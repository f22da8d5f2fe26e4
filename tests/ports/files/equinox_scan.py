"""Shuffled, cut into batches and scanned in one compiled function, which is called once an epoch."""
from functools import partial

import equinox as eqx
import jax
import optax

model = eqx.nn.MLP(20, 10, 12, 1, activation=jax.nn.tanh, key=jax.random.PRNGKey(42))
params, static = eqx.partition(model, eqx.is_inexact_array)
optimizer = optax.adam(1e-3)
opt_state = optimizer.init(params)


@partial(jax.jit, static_argnames="batch_size")
def run_epoch(params, opt_state, X, Y, key, batch_size=64):
    n = X.shape[0] // batch_size
    idx = jax.random.permutation(key, X.shape[0])[: n * batch_size].reshape(n, batch_size)

    def loss(params, xb, yb):
        logits = jax.vmap(eqx.combine(params, static))(xb)
        return optax.softmax_cross_entropy_with_integer_labels(logits, yb).mean()

    def body(carry, ix):
        params, opt_state = carry
        value, grads = jax.value_and_grad(loss)(params, X[ix], Y[ix])
        updates, opt_state = optimizer.update(grads, opt_state, params)
        return (optax.apply_updates(params, updates), opt_state), value

    (params, opt_state), values = jax.lax.scan(body, (params, opt_state), idx)
    return params, opt_state, values


def fit(params, opt_state, X, Y, epochs=20, seed=0):
    key = jax.random.PRNGKey(seed)
    for _ in range(epochs):
        key, sub = jax.random.split(key)
        params, opt_state, values = run_epoch(params, opt_state, X, Y, sub)
    return params
