import equinox as eqx
import jax
import jax.numpy as jnp
import optax


class Net(eqx.Module):
    fc1: eqx.nn.Linear
    norm: eqx.nn.BatchNorm
    fc2: eqx.nn.Linear

    def __init__(self, key):
        key1, key2 = jax.random.split(key)
        self.fc1 = eqx.nn.Linear(20, 12, key=key1)
        self.norm = eqx.nn.BatchNorm(12, axis_name="batch", momentum=0.9, mode="batch")
        self.fc2 = eqx.nn.Linear(12, 10, key=key2)

    def __call__(self, x, state):
        x = self.fc1(x)
        x, state = self.norm(x, state)
        return self.fc2(jax.nn.relu(x)), state


model, state = eqx.nn.make_with_state(Net)(jax.random.key(0))
optim = optax.sgd(0.1, momentum=0.9)
opt_state = optim.init(eqx.filter(model, eqx.is_inexact_array))


def compute_loss(model, state, xs, ys):
    batch_model = jax.vmap(model, axis_name="batch", in_axes=(0, None), out_axes=(0, None))
    logits, state = batch_model(xs, state)
    return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(logits, ys)), state


@eqx.filter_jit
def make_step(model, state, opt_state, xs, ys):
    grads, state = eqx.filter_grad(compute_loss, has_aux=True)(model, state, xs, ys)
    updates, opt_state = optim.update(grads, opt_state)
    model = eqx.apply_updates(model, updates)
    return model, state, opt_state
