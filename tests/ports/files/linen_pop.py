"""Parameters, running statistics and the optimizer's state apart, as before there was a TrainState."""
import jax
import jax.numpy as jnp
import optax
from flax import linen as nn


class Net(nn.Module):
    training: bool = True

    @nn.compact
    def __call__(self, x):
        x = nn.Dense(12)(x)
        x = nn.BatchNorm(use_running_average=not self.training, momentum=0.9)(x)
        return nn.Dense(10)(nn.relu(x))


model = Net()
variables = model.init(jax.random.key(3), jnp.ones((2, 20)))
params, batch_stats = variables["params"], variables["batch_stats"]
optimizer = optax.sgd(0.1, 0.9)
opt_state = optimizer.init(params)


@jax.jit
def step(params, batch_stats, opt_state, inputs, targets):
    def loss_fn(params):
        logits, new = model.apply({"params": params, "batch_stats": batch_stats}, inputs, mutable=["batch_stats"])
        return optax.softmax_cross_entropy_with_integer_labels(logits, targets).mean(), new["batch_stats"]

    (loss, batch_stats_), grads = jax.value_and_grad(loss_fn, has_aux=True)(params)
    updates, opt_state = optimizer.update(grads, opt_state)
    return optax.apply_updates(params, updates), batch_stats_, opt_state, loss
