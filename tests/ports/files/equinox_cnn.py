import equinox as eqx
import jax
import jax.numpy as jnp
import optax


class CNN(eqx.Module):
    conv: eqx.nn.Conv2d
    pool: eqx.nn.MaxPool2d
    fc1: eqx.nn.Linear
    fc2: eqx.nn.Linear

    def __init__(self, key):
        k1, k2, k3 = jax.random.split(key, 3)
        self.conv = eqx.nn.Conv2d(1, 3, kernel_size=3, key=k1)
        self.pool = eqx.nn.MaxPool2d(kernel_size=2, stride=2)
        self.fc1 = eqx.nn.Linear(507, 12, key=k2)
        self.fc2 = eqx.nn.Linear(12, 10, key=k3)

    def __call__(self, x):
        x = self.pool(jax.nn.relu(self.conv(x)))
        x = jax.nn.relu(self.fc1(jnp.ravel(x)))
        return self.fc2(x)


def loss_fn(model, x, y):
    logits = jax.vmap(model)(x)
    return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()


model = CNN(jax.random.PRNGKey(0))
optimizer = optax.sgd(0.1, momentum=0.9)
opt_state = optimizer.init(eqx.filter(model, eqx.is_array))


@eqx.filter_jit
def make_step(model, opt_state, x, y):
    grads = eqx.filter_grad(loss_fn)(model, x, y)
    updates, opt_state = optimizer.update(grads, opt_state, model)
    return eqx.apply_updates(model, updates), opt_state


def train(model, opt_state, loader):
    for epoch in range(2):
        for x, y in loader:
            model, opt_state = make_step(model, opt_state, x, y)
    return model


if __name__ == "__main__":
    from data import mnist_loader

    train(model, opt_state, mnist_loader())
