import jax.numpy as jnp
import optax
from flax import nnx


class MLP(nnx.Module):
    def __init__(self, rngs: nnx.Rngs):
        self.fc1 = nnx.Linear(20, 12, rngs=rngs)
        self.fc2 = nnx.Linear(12, 10, rngs=rngs)

    def __call__(self, x):
        return self.fc2(jnp.tanh(self.fc1(x)))


model = MLP(nnx.Rngs(0))
optimizer = nnx.Optimizer(model, optax.MultiSteps(optax.adam(1e-3), every_k_schedule=4), wrt=nnx.Param)


@nnx.jit
def train_step(model, optimizer, batch):
    x, y = batch

    def loss_fn(model):
        return optax.softmax_cross_entropy_with_integer_labels(model(x), y).mean()

    loss, grads = nnx.value_and_grad(loss_fn)(model)
    optimizer.update(model, grads)
    return loss


for epoch in range(2):
    for batch in batches():
        train_step(model, optimizer, batch)
