# Flax nnx on the csv of Kaggle
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pandas as pd
from flax import nnx


def load_data(path="train.csv"):
    df = pd.read_csv(path)
    y = df["label"].to_numpy()
    X = df.drop("label", axis=1).to_numpy().astype(np.float32) / 255.0
    X = (X - 0.1307) / 0.3081
    return X, y


class MLP(nnx.Module):
    def __init__(self, rngs: nnx.Rngs):
        self.fc1 = nnx.Linear(784, 30, rngs=rngs)
        self.fc2 = nnx.Linear(30, 10, rngs=rngs)

    def __call__(self, x):
        return self.fc2(nnx.relu(self.fc1(x)))


model = MLP(nnx.Rngs(0))
optimizer = nnx.Optimizer(model, optax.sgd(0.1, momentum=0.9), wrt=nnx.Param)


@nnx.jit
def train_step(model, optimizer, x, y):
    def loss_fn(model):
        return optax.softmax_cross_entropy_with_integer_labels(model(x), y).mean()

    loss, grads = nnx.value_and_grad(loss_fn)(model)
    optimizer.update(model, grads)
    return loss


X_train, y_train = load_data()
batch_size = 64
for epoch in range(10):
    perm = np.random.permutation(len(X_train))
    for i in range(0, len(X_train), batch_size):
        idx = perm[i:i + batch_size]
        loss = train_step(model, optimizer, jnp.array(X_train[idx]), jnp.array(y_train[idx]))
    print(epoch, loss)
