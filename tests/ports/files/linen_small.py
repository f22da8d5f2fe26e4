import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax.training.train_state import TrainState

X = np.random.rand(500, 784).astype(np.float32)
Y = np.random.randint(0, 10, 500)


class Net(nn.Module):
    hidden: int = 30

    def setup(self):
        self.fc2 = nn.Dense(10)
        self.fc1 = nn.Dense(self.hidden)

    def __call__(self, x):
        return self.fc2(nn.relu(self.fc1(x)))


net = Net()
params = net.init(jax.random.PRNGKey(0), X[:1])
state = TrainState.create(apply_fn=net.apply, params=params, tx=optax.adam(0.001))


@jax.jit
def train_step(state, x, y):
    def loss_fn(params):
        logits = net.apply(params, x)
        return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()

    loss, grads = jax.value_and_grad(loss_fn)(state.params)
    return state.apply_gradients(grads=grads), loss


for epoch in range(5):
    perm = np.random.permutation(len(X))
    for i in range(0, len(X), 50):
        idx = perm[i:i + 50]
        state, loss = train_step(state, X[idx], Y[idx])
    print(epoch, loss)
