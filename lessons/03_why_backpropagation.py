# %% [markdown]
# # 3 Why backpropagation
#
# There is a way to get a slope that needs no chain rule: change one parameter a little and see how
# C changes. For N parameters that takes N + 1 computations of C. It is called *finite differences*.
# Why does nobody train networks with it? Because of its time, and because of its error.
#
# ## The time
#
# Networks n_in-30-10 of several sizes: N = 30 n_in + 340, from 1,000 to 23,860. For each, all
# gradients of one batch of 10 images, twice: by finite differences, N + 1 forward passes; and by
# backpropagation, one forward and one backward pass.

# %%
import time
import timeit

import numpy as np
from threadpoolctl import threadpool_limits

import samegrad

threadpool_limits(1)  # one processor core, for both


def cost(parameters, x, target):
    """Equations (1) to (3) for 784-30-10 and the like, sigmoid, quadratic cost."""
    W1, b1, W2, b2 = parameters
    a1 = 1 / (1 + np.exp(-(x @ W1.T + b1)))
    a2 = 1 / (1 + np.exp(-(a1 @ W2.T + b2)))
    return ((a2 - target) ** 2).sum() / (2 * len(x))


def by_finite_differences(parameters, x, target, epsilon=1e-7):
    """Return the gradients and how often the cost was computed."""
    start, passes, gradients = cost(parameters, x, target), 1, []
    for tensor in parameters:
        gradient = np.empty(tensor.size)
        numbers = tensor.reshape(-1)  # the same memory as one row
        for i, before in enumerate(numbers):
            numbers[i] = before + epsilon
            gradient[i] = (cost(parameters, x, target) - start) / epsilon
            numbers[i] = before
            passes += 1
        gradients.append(gradient.reshape(tensor.shape))
    return gradients, passes


def median_seconds(function):
    """Return the median time of 100 calls."""
    return float(np.median(timeit.repeat(function, number=1, repeat=100)))


# %%
pixels, y = samegrad.dataset("digits").train.first(10).arrays("float64")
target = np.eye(10)[y]
training = samegrad.TrainingSpec(initial="scaled", dtype="float64")
Network = samegrad.load("numpy_scratch")

rows = []
for n_in in (22, 55, 155, 389, 784):
    spec = samegrad.NetworkSpec.parse(f"{n_in}-30-10")
    parameters = samegrad.draw_parameters(spec, training)
    x = np.ascontiguousarray(pixels[:, 784 // 2 - n_in // 2 :][:, :n_in])  # the middle of the image
    network = Network(spec, training, parameters)
    tensors = [parameters[name].copy() for name in ("W1", "b1", "W2", "b2")]
    begin = time.perf_counter()
    slow, passes = by_finite_differences(tensors, x, target)
    slow_seconds = time.perf_counter() - begin
    fast = network.loss_and_gradients(x, y)[1]
    fast_seconds = median_seconds(lambda: network.loss_and_gradients(x, y))
    error = max(abs(a - b).max() for a, b in zip(slow, fast.values())) / max(abs(g).max() for g in fast.values())
    rows.append((spec.parameter_count, passes, slow_seconds, fast_seconds, error))

print("     N  forward passes  finite differences  backpropagation   ratio  largest difference")
for n, passes, slow_seconds, fast_seconds, error in rows:
    times = f"{slow_seconds:16.3f} s {1e6 * fast_seconds:13.0f} µs {slow_seconds / fast_seconds:8,.0f}"
    print(f"{n:6,} {passes:13,} {times} {error:15.0e}")

# %%
import matplotlib.pyplot as plt

N, _, slow_seconds, fast_seconds, _ = map(np.array, zip(*rows))
figure, axis = plt.subplots(figsize=(6, 3.4))
slopes = {}
for name, measured in {"finite differences": slow_seconds, "backpropagation": fast_seconds}.items():
    slopes[name] = np.polyfit(np.log(N), np.log(measured), 1)[0]
    axis.loglog(N, measured, "o-", label=f"{name}: time ~ N^{slopes[name]:.1f}")
axis.set(xlabel="parameters N", ylabel="seconds for all gradients")
axis.legend()
figure.tight_layout()
plt.show()

# %% [markdown]
# Backpropagation takes two passes for any N; its time grows as that of one pass does. With finite
# differences, the number of passes grows with N as well, so the line is steeper by 1. For a network
# with a million parameters, a single step of gradient descent would take a million and one forward
# passes.
#
# ## The error
#
# Finite differences are not exact either. With a large ε the slope is that of a long piece of a
# curve; with a small ε, two nearly equal numbers are subtracted and their last digits are noise.
# Two better formulas exist:
#
# > forward (C(θ + ε) − C(θ)) / ε,  central (C(θ + ε) − C(θ − ε)) / 2ε,  complex step Im C(θ + iε) / ε
#
# The complex step changes the parameter by an *imaginary* number. Nothing is subtracted, so no
# digits are lost.

# %%
spec = samegrad.NetworkSpec.parse("784-30-10")
parameters = samegrad.draw_parameters(spec, training)
exact = Network(spec, training, parameters).loss_and_gradients(pixels, y)[1]["W2"][3, 5]


def shifted(by):
    """Return C with one weight, in row 3 and column 5 of W2, changed."""
    W2 = parameters["W2"].astype(type(by))
    W2[3, 5] += by
    return cost((parameters["W1"], parameters["b1"], W2, parameters["b2"]), pixels, target)


formulas = {
    "forward": lambda e: (shifted(e) - shifted(0.0)) / e,
    "central": lambda e: (shifted(e) - shifted(-e)) / (2 * e),
    "complex step": lambda e: shifted(1j * e).imag / e,
}
epsilons = 10.0 ** -np.arange(0, 17)
errors = {name: [abs(g(e) / exact - 1) + 1e-17 for e in epsilons] for name, g in formulas.items()}
print("epsilon" + "".join(f"{name:>15}" for name in errors))
for k in range(0, 17, 2):
    print(f"{epsilons[k]:7.0e}" + "".join(f"{found[k]:15.0e}" for found in errors.values()))

# %%
figure, axis = plt.subplots(figsize=(6, 3.4))
for name, found in errors.items():
    axis.loglog(epsilons, found, "o-", markersize=4, label=name)
axis.set(xlabel="epsilon", ylabel="relative error of the slope")
axis.legend()
figure.tight_layout()
plt.show()

# %% [markdown]
# Each of the first two curves is a **U**: forward differences are best near ε = 1e-8, with half of
# the 16 digits of float64; central differences near ε = 1e-5, with about 10. The complex step is
# exact to the last digit or two for every small ε. It still needs one pass per parameter.
#
# This is why finite differences are used to *check* gradients, a few at a time, and why `samegrad
# check` uses central ones. Training uses backpropagation.
