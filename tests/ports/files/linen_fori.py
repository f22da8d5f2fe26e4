import jax
import jax.numpy as jnp
import optax
from flax import linen as nn
from flax.training.train_state import TrainState

batch_size = 100


class MLP(nn.Module):
    hidden: int = 12

    @nn.compact
    def __call__(self, x):
        x = nn.tanh(nn.Dense(self.hidden)(x))
        return nn.Dense(10)(x)


net = MLP()
state = TrainState.create(apply_fn=net.apply, params=net.init(jax.random.key(0), jnp.zeros((1, 20)))["params"],
                          tx=optax.inject_hyperparams(optax.adam)(learning_rate=1e-3))


@jax.jit
def epoch(state, imgs, lbls):
    def body(i, state):
        x = jax.lax.dynamic_slice_in_dim(imgs, i * batch_size, batch_size)
        y = jax.lax.dynamic_slice_in_dim(lbls, i * batch_size, batch_size)

        def loss_fn(params):
            return optax.softmax_cross_entropy_with_integer_labels(state.apply_fn({"params": params}, x), y).mean()

        return state.apply_gradients(grads=jax.grad(loss_fn)(state.params))

    return jax.lax.fori_loop(0, imgs.shape[0] // batch_size, body, state)
