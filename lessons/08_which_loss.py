# %% [markdown]
# # 8 Which loss
#
# We often learn fastest where we are badly wrong. With the quadratic cost, a neuron does not: where
# it is badly wrong, it hardly moves. Nielsen shows this in chapter 3 of his book "Neural Networks
# and Deep Learning" with a single neuron.
#
# ## One neuron, badly wrong
#
# The input is x = 1, the output should be y = 0. The neuron starts at w = b = 2, so its output is
# close to 1. Two costs are compared, with their d from equation (4):
#
# > quadratic:  C = ½ (a − y)²,  d = (a − y) f'(z),  f'(z) = a (1 − a)
#
# > binary cross-entropy:  C = −[y log a + (1 − y) log(1 − a)],  d = a − y

# %%
import numpy as np


def f(z):
    return 1 / (1 + np.exp(-z))


def learn(loss, w=2.0, b=2.0, eta=0.15, epochs=300):
    """Return the outputs before the first step and after each one; x = 1, y = 0."""
    outputs = [f(w + b)]
    for _ in range(epochs):
        a = outputs[-1]
        d = a * a * (1 - a) if loss == "quadratic" else a  # (4) with y = 0
        w, b = w - eta * d, b - eta * d  # (6), (7), (8): x = 1
        outputs.append(f(w + b))
    return outputs


paths = {loss: learn(loss) for loss in ("quadratic", "cross-entropy")}
print("output after step    0     10     50    100    150    200    300")
for loss, path in paths.items():
    print(f"{loss:17}" + "".join(f"{path[k]:7.3f}" for k in (0, 10, 50, 100, 150, 200, 300)))

a = paths["quadratic"][0]
slope = a * (1 - a)
print(
    f"\nat the start a = {a:.3f} and f'(z) = {slope:.3f}: d = {a * slope:.4f} and {a:.4f}, a factor of {1 / slope:.0f}"
)

# %%
import matplotlib.pyplot as plt

figure, axis = plt.subplots(figsize=(6, 3))
for loss, path in paths.items():
    axis.plot(path, label=loss)
axis.set(xlabel="step", ylabel="output a (should be 0)")
axis.legend()
figure.tight_layout()
plt.show()

# %% [markdown]
# At the start both are equally wrong, by 0.982. The slope f'(z) of the sigmoid is only 0.018 there,
# and the quadratic cost multiplies by it: the first step is 57 times smaller. For about 100 steps
# almost nothing happens. The cross-entropy has no factor f', because its derivative cancels it, and
# the neuron learns fastest where it is most wrong.
#
# ## A network, badly wrong
#
# The same for all ten outputs of 784-30-10: the output biases start at 5, so each output says "yes"
# to every image. The outputs are sigmoids in both cases; only the loss differs.

# %%
import samegrad

digits = samegrad.dataset("digits")
x, y = digits.train.arrays("float32")
x_test, y_test = digits.test.arrays("float32")
Network = samegrad.load("numpy_scratch")
EPOCHS = 10


def train(loss, bias, seed=1):
    """Return the test accuracy before training and after each epoch."""
    spec = samegrad.NetworkSpec.parse(f"784-30-10, sigmoid, {loss}")
    training = samegrad.TrainingSpec(learning_rate=0.5, initial="scaled", seed=seed)
    parameters = samegrad.draw_parameters(spec, training)
    parameters["b2"] += np.float32(bias)
    network = Network(spec, training, parameters)
    network.load(x, y)
    accuracies = []
    for _, order in zip(range(EPOCHS + 1), samegrad.draw_orders(training, len(x))):
        accuracies.append(float((network.predict(x_test).argmax(axis=1) == y_test).mean()))
        network.train(order)
    return accuracies


CASES = [(loss, bias) for bias in (0, 5) for loss in ("quadratic", "binary_cross_entropy")]
curves = {case: train(*case) for case in CASES}
print("loss                  b2 starts" + "".join(f"{f'epoch {k}':>9}" for k in (0, 1, 2, 3, 5, 10)))
for (loss, bias), curve in curves.items():
    start = "at +5" if bias else "as usual"
    print(f"{loss:21} {start:9}" + "".join(f"{curve[k]:9.1%}" for k in (0, 1, 2, 3, 5, 10)))

# %%
figure, axis = plt.subplots(figsize=(6, 3))
for (loss, bias), curve in curves.items():
    label = f"{loss}, {'badly wrong' if bias else 'usual'} start"
    axis.plot(np.array(curve) * 100, "-" if bias else ":", color="C0" if loss == "quadratic" else "C1", label=label)
axis.set(xlabel="epoch", ylabel="test accuracy, %", ylim=(0, 102))
axis.legend(fontsize=8)
figure.tight_layout()
plt.show()

# %% [markdown]
# From the usual start, both learn; the cross-entropy is faster. From the bad start, the quadratic
# cost stays where it is for three epochs of 130 steps each; the cross-entropy is gone after the
# first. Given time, both arrive: the loss decides how long a mistake lasts.
#
# The culprit is the factor of lesson 6, in the last layer: f'(z_L) of equation (4) is small where
# outputs are near 0 or 1, right or wrong.
#
# **Try:** the other way out is a better start. What does the quadratic cost do from b2 = −5, where
# every output says "no"? Why is that much less wrong for nine outputs out of ten?
