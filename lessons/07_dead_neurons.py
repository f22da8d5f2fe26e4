# %% [markdown]
# # 7 Dead neurons
#
# relu(z) is z for z > 0, and 0 otherwise; so is its slope. A hidden neuron whose z is below 0 for
# every image outputs 0 for all of them, and its slope is 0, too. By equation (5) its d is 0, so its
# weights get no gradient: it never changes again. Such a neuron is *dead*.
#
# leaky_relu(z) is z for z > 0 as well, but 0.01 z below. Its slope is small there, and not 0.
#
# How many of 100 hidden neurons die? That depends on the learning rate: one large step can push the
# bias of a neuron so far down that no image reaches it.

# %%
import numpy as np

import samegrad

digits = samegrad.dataset("digits")
x, y = digits.train.arrays("float32")
x_test, y_test = digits.test.arrays("float32")
Network = samegrad.load("numpy_scratch")
EPOCHS = 10


def train(activation, rate):
    """Return, after each epoch, the share of silent hidden neurons and the test accuracy."""
    spec = samegrad.NetworkSpec.parse(f"784-100-10, {activation}, cross_entropy")
    training = samegrad.TrainingSpec(learning_rate=rate, initial="scaled", seed=1)
    network = Network(spec, training, samegrad.draw_parameters(spec, training))
    network.load(x, y)
    shares, accuracies = [], []
    for _, order in zip(range(EPOCHS + 1), samegrad.draw_orders(training, len(x))):
        z = network.trace(x, y)["z1"]  # (1297, 100)
        shares.append(float((z <= 0).all(axis=0).mean()))  # z <= 0 for every training image
        accuracies.append(float((network.predict(x_test).argmax(axis=1) == y_test).mean()))
        network.train(order)
    return shares, accuracies


RATES = (0.03, 0.1, 0.3, 0.5, 1.0)
found = {(f, rate): train(f, rate) for f in ("relu", "leaky_relu") for rate in RATES}
for f in ("relu", "leaky_relu"):
    print(f"{f}: share of the 100 hidden neurons with z <= 0 for all {len(x):,} images")
    print("   eta   start" + "".join(f"{f'epoch {k}':>9}" for k in (1, 2, 5, 10)) + "   test accuracy")
    for rate in RATES:
        shares, accuracies = found[f, rate]
        row = f"{shares[0]:8.0%}" + "".join(f"{shares[k]:9.0%}" for k in (1, 2, 5, 10))
        print(f"{rate:6} {row}{accuracies[-1]:16.1%}")

# %%
import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 2, figsize=(8, 3.2), sharey=True)
for axis, f in zip(axes, ("relu", "leaky_relu")):
    for rate in RATES:
        axis.plot(np.array(found[f, rate][0]) * 100, "o-", markersize=3, label=f"eta = {rate}")
    axis.set(title=f, xlabel="epoch", ylim=(-4, 104))
axes[0].set_ylabel("neurons with z <= 0 everywhere, %")
axes[0].legend(fontsize=8, loc="upper right", bbox_to_anchor=(1, 0.92))
figure.tight_layout()
plt.show()

# %% [markdown]
# A third of the neurons are silent before the first step, and with relu dead from the start: the
# initial biases are drawn with standard deviation 1, the weighted sums are often smaller, and do not
# make up for a bias far below 0.
#
# - With η = 0.03 few more fall silent, with η = 0.1 about 15. Relu and leaky relu do equally well.
# - With η = 0.3 and above, nearly all relu neurons die in the first epoch. When all are dead, only
#   the biases of the output still learn: the network gives the same answer to every image, and is
#   right for one digit in ten.
# - leaky relu has about as many silent neurons after the first epoch, but silent is not dead. The
#   slope of 0.01 lets some come back, and with η = 0.3 the network gets more than 90 % right.
#
# ## Dead means: no gradient
#
# The same with one neuron: push a bias of the untrained network down to −100, so that no image
# reaches the neuron, and look at its row of dC/dW_1.

# %%
for f in ("relu", "leaky_relu"):
    spec = samegrad.NetworkSpec.parse(f"784-100-10, {f}, cross_entropy")
    training = samegrad.TrainingSpec(initial="scaled", seed=1, dtype="float64")
    parameters = samegrad.draw_parameters(spec, training)
    before = Network(spec, training, parameters).loss_and_gradients(x.astype(float), y)[1]
    neuron = int(np.linalg.norm(before["W1"], axis=1).argmax())  # the one with the largest gradient
    parameters["b1"][neuron] = -100
    after = Network(spec, training, parameters).loss_and_gradients(x.astype(float), y)[1]
    sizes = [np.linalg.norm(found["W1"][neuron]) for found in (before, after)]
    print(f"{f:10}  |row {neuron} of dC/dW1|: {sizes[0]:.4f} before, {sizes[1]:.4f} after")

# %% [markdown]
# **Try:** count the silent neurons for other seeds, for other initial weights (`initial="normal"`),
# and with Adam (`optimizer="adam"`). Which of them kills the most?
