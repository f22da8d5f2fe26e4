import flax.linen as nn
import jax
import jax.numpy as jnp
import optax


class Classifier(nn.Module):
    @nn.compact
    def __call__(self, x, train: bool = True):
        x = nn.Dense(30, name="hidden")(x)
        x = nn.relu(x)
        x = nn.Dropout(0.2, deterministic=not train)(x)
        x = nn.Dense(10, name="logits")(x)
        return nn.softmax(x)


model = Classifier()
variables = model.init(jax.random.PRNGKey(0), jnp.ones((1, 784)), train=False)
tx = optax.adam(1e-3)
opt_state = tx.init(variables)
rng = jax.random.PRNGKey(1)


def loss_fn(variables, x, y, rng):
    probs = model.apply(variables, x, train=True, rngs={"dropout": rng})
    return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(probs, y))


for epoch in range(3):
    for x, y in load_batches():
        loss, grads = jax.value_and_grad(loss_fn)(variables, x, y, rng)
        updates, opt_state = tx.update(grads, opt_state)
        variables = optax.apply_updates(variables, updates)
