# JAX tutorial: training a simple neural network, with PyTorch data loading
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from torch.utils.data import DataLoader, default_collate, Dataset
from torchvision.datasets import MNIST


def numpy_collate(batch):
    return jax.tree_util.tree_map(np.asarray, default_collate(batch))


def flatten_and_cast(pic):
    return np.ravel(np.array(pic, dtype=jnp.float32))


mnist_dataset = MNIST('/tmp/mnist/', download=True, transform=flatten_and_cast)
training_generator = DataLoader(mnist_dataset, batch_size=128, collate_fn=numpy_collate)

model = eqx.nn.MLP(784, 10, 30, 1, key=jax.random.PRNGKey(0))
optim = optax.sgd(0.1, momentum=0.9)
opt_state = optim.init(eqx.filter(model, eqx.is_inexact_array))


@eqx.filter_jit
def update(model, opt_state, x, y):
    def loss_fn(model):
        return optax.softmax_cross_entropy_with_integer_labels(jax.vmap(model)(x), y).mean()

    loss, grads = eqx.filter_value_and_grad(loss_fn)(model)
    updates, opt_state = optim.update(grads, opt_state)
    return eqx.apply_updates(model, updates), opt_state, loss


for epoch in range(8):
    for x, y in training_generator:
        model, opt_state, loss = update(model, opt_state, x, y)
