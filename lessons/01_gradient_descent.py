# %% [markdown]
# # 1 Gradient descent
#
# A neural network learns by *gradient descent*. The idea needs no network: take a function of one
# number, f(x) = x², and find the x at which it is smallest. We know the answer, x = 0. Gradient
# descent finds it without knowing, with one rule that it repeats:
#
# > new x = x − η f'(x)
#
# f'(x) is the slope of f at x; for x² it is 2x. Where the slope is positive, f grows to the right,
# so the rule goes left. The number η ("eta"), the *learning rate*, sets how far.
#
# In [`shared/spec.py`](../shared/spec.py) this rule is equation (8): theta <- theta − eta g.

# %%
def descend(x, eta, steps):
    """Return x before the first step and after each one."""
    path = [x]
    for _ in range(steps):
        x = x - eta * 2 * x  # (8) with the slope 2x
        path.append(x)
    return path


path = descend(10.0, eta=0.1, steps=20)
print("step        x      x^2")
for step in (0, 1, 2, 5, 10, 15, 20):
    print(f"{step:4}  {path[step]:7.4f}  {path[step] ** 2:7.3f}")

# %% [markdown]
# From 10, the first step leads to 8.0000. After 10 steps x is 1.0737, after 20 steps 0.1153. Each
# step multiplies x by 1 − 2η = 0.8, so after k steps x is 10 · 0.8^k. The steps get smaller by
# themselves, because the slope does.
#
# ## The learning rate decides
#
# Everything else stays as it was; only η changes.

# %%
rates = (0.01, 0.1, 0.9, 1.0, 1.1)
paths = {eta: descend(10.0, eta, 20) for eta in rates}
print("  eta     factor   x after 1, 2, 3 and 20 steps")
for eta, path in paths.items():
    shown = "".join(f"{path[step]:10.3f}" for step in (1, 2, 3, 20))
    print(f"{eta:5}  {1 - 2 * eta:9.2f}   {shown}")

# %% [markdown]
# - η = 0.01 is too small: after 20 steps x is still 6.676.
# - η = 0.1 gets close to 0.
# - η = 0.9 jumps over 0 at every step, and still gets closer: the factor is −0.8.
# - η = 1.0 jumps from 10 to −10 and back, forever. The factor is −1.
# - η = 1.1 moves away from 0: the factor is −1.2, and after 20 steps x is 383. It *diverges*.

# %%
import matplotlib.pyplot as plt
import numpy as np

figure, axes = plt.subplots(1, 3, figsize=(9, 2.8), sharey=True)
for axis, (eta, steps) in zip(axes, {0.1: 10, 1.0: 10, 1.1: 3}.items()):
    xs = np.linspace(-18, 18, 200)
    axis.plot(xs, xs**2, color="lightgray")
    path = np.array(paths[eta][: steps + 1])
    axis.plot(path, path**2, "o-", markersize=4, linewidth=1)
    axis.set(title=f"eta = {eta}, {steps} steps", xlabel="x")
axes[0].set_ylabel("f(x) = x²")
figure.tight_layout()
plt.show()

# %% [markdown]
# ## The same rule for 23,860 numbers
#
# The network of this project takes the 784 pixels of an image of a digit, and has 30 neurons and 10
# outputs, one for each digit: 784-30-10 for short. What it does depends on 23,860 numbers, its
# weights and biases, together written θ ("theta"). The function to make small is the *cost* C(θ):
# how far the outputs are from the right answers. Instead of one slope there are 23,860, one for
# each of these *parameters*. Together they are called the *gradient* g, and the rule is the same:
# theta <- theta − eta g.

# %%
import samegrad

digits = samegrad.dataset("digits")
x, y = digits.train.arrays("float32")
x_test, y_test = digits.test.arrays("float32")
spec = samegrad.NetworkSpec.parse("784-30-10")
training = samegrad.TrainingSpec(learning_rate=3.0, batch_size=10, seed=1)
network = samegrad.load("numpy_scratch")(spec, training, samegrad.draw_parameters(spec, training))
network.load(x, y)

orders = samegrad.draw_orders(training, len(x))
costs, accuracies = [], []
for epoch in range(11):
    costs.append(network.loss_and_gradients(x, y)[0])
    accuracies.append((network.predict(x_test).argmax(axis=1) == y_test).mean())
    network.train(next(orders))  # one step for each 10 of the 1,297 images: 130 steps

print(f"parameters: {spec.parameter_count:,}")
print("epoch  cost C  test accuracy")
for epoch in (0, 1, 2, 5, 10):
    print(f"{epoch:5}  {costs[epoch]:6.3f}  {accuracies[epoch]:12.1%}")

# %% [markdown]
# Before the first step the network guesses. After ten passes over 1,297 images (*epochs*) it reads
# most of 250 images that it has never seen. The rule of the first cell did it, with the gradient of
# ten images at a time (a *batch*).
#
# What is missing is how to get 23,860 slopes. That is what backpropagation is for: lessons 2 and 3.
#
# **Try:** up to which η does x get closer to 0 for f(x) = x²? And for f(x) = 3x²?
# When you can write the rule, check it: `samegrad exercise 8 > my_step.py`.
