"""Squared errors of the outputs, as jnp.mean takes them: over the examples and over the outputs."""
import equinox as eqx
import jax
import jax.numpy as jnp
import optax

model = eqx.nn.MLP(in_size=784, out_size=10, width_size=30, depth=1, activation=jax.nn.sigmoid,
                   final_activation=jax.nn.sigmoid, key=jax.random.PRNGKey(0))
opt = optax.sgd(0.5)
state = opt.init(eqx.filter(model, eqx.is_inexact_array))


@eqx.filter_value_and_grad
def compute_loss(model, x, y):
    out = jax.vmap(model)(x)
    return jnp.mean((out - jax.nn.one_hot(y, 10)) ** 2)


@eqx.filter_jit
def step(model, state, x, y):
    loss, grads = compute_loss(model, x, y)
    updates, state = opt.update(grads, state)
    return eqx.apply_updates(model, updates), state, loss
