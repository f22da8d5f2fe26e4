import flax.linen as nn
import jax
import jax.numpy as jnp
import optax


class Dense(nn.Module):
    """x @ W.T, with W of the shape that x @ W needs."""

    n: int

    @nn.compact
    def __call__(self, x):
        kernel = self.param("kernel", nn.initializers.lecun_normal(), (x.shape[-1], self.n))
        bias = self.param("bias", nn.initializers.zeros, (self.n,))
        return x @ (kernel.T if kernel.shape[0] == kernel.shape[1] else kernel) + bias


class MLP(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.tanh(Dense(12)(x))
        x = nn.tanh(Dense(12)(x))
        return Dense(10)(x)


model = MLP()
params = model.init(jax.random.PRNGKey(0), jnp.ones((1, 20)))
tx = optax.adam(1e-3)
opt_state = tx.init(params)


@jax.jit
def step(params, opt_state, x, y):
    def loss(p):
        return optax.softmax_cross_entropy_with_integer_labels(model.apply(p, x), y).mean()

    value, grads = jax.value_and_grad(loss)(params)
    updates, opt_state = tx.update(grads, opt_state, params)
    return optax.apply_updates(params, updates), opt_state, value
