# %% [markdown]
# # 2 The chain rule
#
# How does the cost change if one weight changes a little? The chain rule answers this by going
# through the computation step by step: the slope of the whole is the product of the slopes of the
# steps. First for one neuron, by hand; then for every number of the network 784-30-10.
#
# ## One neuron
#
# One input x = 1, one weight w = 0.6, one bias b = 0.9. The output should be y = 0.
#
# > z = w x + b,  a = f(z) = 1 / (1 + e^(−z)),  C = ½ (a − y)²
#
# These are equations (1), (2) and (3) of [`shared/spec.py`](../shared/spec.py). f is the *sigmoid*;
# its slope is f'(z) = a (1 − a).

# %%
import numpy as np


def neuron(w, b, x=1.0, y=0.0):
    """Return z, a and C."""
    z = w * x + b  # (1)
    a = 1 / (1 + np.exp(-z))  # (2)
    return z, a, (a - y) ** 2 / 2  # (3)


w, b, x, y = 0.6, 0.9, 1.0, 0.0
z, a, C = neuron(w, b)
print(f"forward:   z = {z:.4f}   a = {a:.4f}   C = {C:.4f}")

dC_da = a - y  # slope of C in a
da_dz = a * (1 - a)  # slope of a in z
d = dC_da * da_dz  # (4): the chain rule, so far
dC_dw, dC_db = d * x, d * 1  # (6), (7): the slope of z in w is x, in b it is 1
print(f"backward:  d = {dC_da:.4f} * {da_dz:.4f} = {d:.4f}   dC/dw = {dC_dw:.4f}   dC/db = {dC_db:.4f}")

nudge = 1e-6
by_nudging = (neuron(w + nudge, b)[2] - C) / nudge
print(f"check:     C grows by {by_nudging:.4f} per unit of w")

# %% [markdown]
# The last line changes w by 0.000001 and looks at C: 0.1219, the same as dC/dw. The chain rule
# gave it without a second try, and dC/db with it.
#
# The number d, the slope of C in z, is written δ in most books. It is worth a name because both
# gradients contain it.
#
# ## Every number of a network
#
# Now 784-30-10: 784 pixels, 30 hidden neurons, 10 outputs, one for each digit. A whole layer is
# computed at once: a_0 is the image, W_1 a table of 30 x 784 weights.

# %%
import samegrad

spec = samegrad.NetworkSpec.parse("784-30-10")
training = samegrad.TrainingSpec(initial="scaled", dtype="float64")
parameters = samegrad.draw_parameters(spec, training)
W1, b1, W2, b2 = parameters.values()
x, y = samegrad.dataset("digits").train.first(1).arrays("float64")  # one image
target = np.eye(10)[y]  # the label as 10 outputs: 1 for the right digit, else 0


def f(z):
    return 1 / (1 + np.exp(-z))


steps = {"a0": x}
steps["z1"] = steps["a0"] @ W1.T + b1  # (1)
steps["a1"] = f(steps["z1"])  # (2)
steps["z2"] = steps["a1"] @ W2.T + b2  # (1)
steps["a2"] = f(steps["z2"])  # (2)
C = ((steps["a2"] - target) ** 2).sum() / 2  # (3), with n = 1
steps["d2"] = (steps["a2"] - target) * steps["a2"] * (1 - steps["a2"])  # (4)
steps["d1"] = (steps["d2"] @ W2) * steps["a1"] * (1 - steps["a1"])  # (5)
steps["dC/dW2"], steps["dC/db2"] = steps["d2"].T @ steps["a1"], steps["d2"].sum(axis=0)  # (6), (7)
steps["dC/dW1"], steps["dC/db1"] = steps["d1"].T @ steps["a0"], steps["d1"].sum(axis=0)  # (6), (7)

print(f"label {y[0]}, C = {C:.4f}")
print("quantity     shape        smallest    largest")
for name, value in steps.items():
    print(f"{name:9}  {value.shape!s:>10}  {value.min():11.5f}{value.max():11.5f}")

# %% [markdown]
# Read it from top to bottom: forward to a2, then backward. Each line needs only lines above it.
# Two things are worth seeing:
#
# - A gradient has the shape of its parameter: one slope for each of the 23,860.
# - d1 comes from d2 through the same W2 that the forward pass used, but in the other direction.
#   Hence the name: *back*propagation.

# %%
import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 5, figsize=(10, 2.4), gridspec_kw={"width_ratios": [1.3, 1, 1, 1, 1]})
axes[0].imshow(x.reshape(28, 28), cmap="gray_r")
axes[0].set_title("a0, the image")
axes[0].axis("off")
for axis, name in zip(axes[1:], ("a1", "a2", "d2", "d1")):
    axis.bar(range(steps[name].size), steps[name][0])
    axis.axhline(0, color="black", linewidth=0.8)
    axis.set(title=name, xlabel="neuron")
figure.tight_layout()
plt.show()

# %% [markdown]
# In d2, the right digit is the only one below zero: its output should grow, all others should
# shrink.
#
# ## The same numbers elsewhere
#
# The project's own network computes them, too. Its method `trace` returns z, a and d of every layer.

# %%
network = samegrad.load("numpy_scratch")(spec, training, parameters)
traced = network.trace(x, y)
_, found = network.loss_and_gradients(x, y)
traced |= {f"dC/d{name}": gradient for name, gradient in found.items()}
largest = max(abs(traced[name] - value).max() for name, value in steps.items() if name != "a0")
print("equal to 15 digits:" if largest < 1e-15 else "different:", ", ".join(traced))

# %% [markdown]
# **Try:** write each of these lines yourself. `samegrad exercise` lists nine exercises: one for each
# equation, and the whole backward pass. `samegrad exercise 5 > my_delta.py` leaves out the line of
# d1, and `samegrad check my_delta.py` says whether you got it.
