# %% [markdown]
# # 6 Vanishing gradients
#
# Equation (5) passes the error down from layer to layer:
#
# > d_l = (d_{l+1} W_{l+1}) * f'(z_l)
#
# At each layer it is multiplied by the weights and by the slope f'. If these factors are small, the
# gradients get smaller from layer to layer, and the first layers of a deep network hardly learn.
# The slope of the sigmoid is at most 1/4, that of tanh and relu at most 1.
#
# ## Ten layers
#
# A network with nine hidden layers of 30 neurons: how large is dC/dW_l, layer by layer? The
# gradients of 100 images, at the initial weights. *Normal* weights have standard deviation 1;
# *scaled* ones are divided by sqrt(n_in), so that a layer with more inputs has smaller weights.

# %%
import numpy as np

import samegrad

x, y = samegrad.dataset("digits").train.first(100).arrays("float64")
Network = samegrad.load("numpy_scratch")
SEEDS = range(1, 11)


def norms(layers, activation, initial):
    """Return |dC/dW_l| for every layer, the geometric mean of ten seeds."""
    text = "-".join(["784", *["30"] * (layers - 1), "10"])
    spec = samegrad.NetworkSpec.parse(f"{text}, {activation}, cross_entropy")
    found = []
    for seed in SEEDS:
        training = samegrad.TrainingSpec(initial=initial, seed=seed, dtype="float64")
        network = Network(spec, training, samegrad.draw_parameters(spec, training))
        gradients = network.loss_and_gradients(x, y)[1]
        found.append([np.linalg.norm(gradients[f"W{l}"]) for l in range(1, layers + 1)])
    return np.exp(np.mean(np.log(found), axis=0))


CASES = [(f, initial) for initial in ("scaled", "normal") for f in ("sigmoid", "tanh", "relu")]
ten = {case: norms(10, *case) for case in CASES}
print("|dC/dW_l|, 10 layers")
print("activation  weights" + "".join(f"{f'l = {l}':>10}" for l in (1, 2, 4, 6, 8, 10)))
for (f, initial), found in ten.items():
    print(f"{f:11} {initial:7}" + "".join(f"{found[l - 1]:10.1e}" for l in (1, 2, 4, 6, 8, 10)))

# %%
import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 2, figsize=(8, 3.2), sharey=True)
for (f, initial), found in ten.items():
    axes[int(initial == "normal")].semilogy(range(1, 11), found, "o-", markersize=4, label=f)
for axis, initial in zip(axes, ("scaled", "normal")):
    axis.set(title=f"{initial} initial weights", xlabel="layer l")
    axis.legend()
axes[0].set_ylabel("norm of dC/dW_l")
figure.tight_layout()
plt.show()

# %% [markdown]
# - Sigmoid, scaled weights: from layer 10 down to layer 2 the gradient shrinks from 1.0 to 0.0000026.
#   It *vanishes*.
# - tanh and relu, scaled weights: it shrinks from 1.3 to 0.021 and from 2.1 to 0.066, far less.
# - tanh, normal weights: it grows from 1.1 to 59. It *explodes*.
# - relu, normal weights: it is a million in every layer. A sum of 30 terms with weights of size 1 is
#   several times larger than the terms. So a_l explodes on the way up and d_l on the way down, and
#   equation (6), dC/dW_l = d_l^T a_{l−1}, multiplies the two.
#
# W_1 is 30 x 784 and has more weights than the others, so its norm is not comparable with theirs.
#
# ## From 2 to 10 layers
#
# The second layer and the last hidden one have the same shape, 30 x 30. Their ratio says what is
# lost between them, per layer.

# %%
depths = (4, 6, 8, 10)
print("factor by which |dC/dW_l| changes per layer, downwards")
print("activation  weights" + "".join(f"{f'{n} layers':>11}" for n in depths))
factors = {}
for case in CASES:
    found = {n: norms(n, *case) for n in depths}
    factors[case] = {n: (v[1] / v[n - 2]) ** (1 / (n - 3)) for n, v in found.items()}
    print(f"{case[0]:11} {case[1]:7}" + "".join(f"{factors[case][n]:11.2f}" for n in depths))

print("\n|dC/dW_1| by the number of layers")
print("activation  weights" + "".join(f"{f'{n} layers':>11}" for n in (2, *depths)))
first = {case: [norms(n, *case)[0] for n in (2, *depths)] for case in CASES}
for (f, initial), found in first.items():
    print(f"{f:11} {initial:7}" + "".join(f"{value:11.1e}" for value in found))

# %% [markdown]
# The factor hardly depends on the depth. With the sigmoid and scaled weights it is 0.2: every
# further layer leaves a fifth. The gradient of the first layer falls from 0.83 to 0.0000021.
#
# ## In every framework the same
#
# This is a property of the equations, not of a program. The same network in five implementations:

# %%
spec = samegrad.NetworkSpec.parse("784-30-30-30-30-30-30-30-30-30-10, sigmoid, cross_entropy")
training = samegrad.TrainingSpec(initial="scaled", seed=1, dtype="float64")
names = ("numpy_scratch", "minitorch", "pytorch", "tensorflow_keras", "jax_jit")
every = samegrad.gradients(*names, spec=spec, training=training, x=x, y=y)
print("|dC/dW_l|, 10 layers, sigmoid, scaled, seed 1")
print(" " * 17 + "".join(f"{f'l = {l}':>12}" for l in (1, 4, 7, 10)))
for name, found in every.items():
    print(f"{name:17}" + "".join(f"{np.linalg.norm(found[f'W{l}']):12.5e}" for l in (1, 4, 7, 10)))

# %% [markdown]
# What helps is what the tables show: another activation, and initial weights that fit the size of
# the layers. Lesson 7 shows what relu costs.
#
# **Try:** `samegrad.NetworkSpec.parse("784-30leaky_relu-30leaky_relu-10")` mixes and matches
# activations. Which initial weights keep the gradients of relu the same in every layer?
