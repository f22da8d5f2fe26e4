import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax.training.train_state import TrainState
from keras.datasets import mnist

(x_train, y_train), _ = mnist.load_data()


class Net(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.Dense(10)(nn.relu(nn.Dense(30)(x)))


net = Net()
state = TrainState.create(apply_fn=net.apply, params=net.init(jax.random.PRNGKey(0), jnp.ones((1, 784))),
                          tx=optax.sgd(0.1, momentum=0.9))


@jax.jit
def step(state, x, y):
    def loss_fn(p):
        return optax.softmax_cross_entropy_with_integer_labels(state.apply_fn(p, x), y).mean()

    loss, grads = jax.value_and_grad(loss_fn)(state.params)
    return state.apply_gradients(grads=grads), loss


BS = 32
for epoch in range(5):
    for k in range(len(x_train) // BS):
        xb = x_train[k * BS:(k + 1) * BS].reshape(-1, 784).astype(np.float32) / 255.0
        yb = y_train[k * BS:(k + 1) * BS]
        state, loss = step(state, xb, yb)
