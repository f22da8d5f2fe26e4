# %% [markdown]
# # 3 Why backpropagation
#
# A slope can be had without the chain rule: change one parameter a little and see how C changes. For
# N parameters that takes N + 1 computations of C. This is called *finite differences*. Networks are
# not trained with it, because of its time and because of its error.
#
# ## The time
#
# Networks n_in-30-10 of several sizes have N = 30 n_in + 340 parameters, 1,000 to 23,860. Each gets
# all gradients of 10 images twice: by finite differences, N + 1 forward passes; and by
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
    fast_seconds = np.median(timeit.repeat(lambda: network.loss_and_gradients(x, y), number=1, repeat=100))
    error = max(abs(a - b).max() for a, b in zip(slow, fast.values())) / max(abs(g).max() for g in fast.values())
    rows.append((spec.parameter_count, passes, slow_seconds, fast_seconds, error))

print("     N  forward passes  finite differences  backpropagation   ratio  largest difference")
for n, passes, slow_seconds, fast_seconds, error in rows:
    ratio = slow_seconds / fast_seconds
    print(f"{n:6,}{passes:14,}{slow_seconds:17.3f} s{1e6 * fast_seconds:14.0f} µs{ratio:9,.0f}{error:16.0e}")

# %%
import matplotlib.pyplot as plt

N, _, slow_seconds, fast_seconds, _ = map(np.array, zip(*rows))
figure, axis = plt.subplots(figsize=(6, 3.4))
for name, measured in {"finite differences": slow_seconds, "backpropagation": fast_seconds}.items():
    slope = np.polyfit(np.log(N), np.log(measured), 1)[0]
    axis.loglog(N, measured, "o-", label=f"{name}: time ~ N^{slope:.1f}")
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
*first, _, b2 = parameters.values()
exact = Network(spec, training, parameters).loss_and_gradients(pixels, y)[1]["W2"][3]


def shifted(by):
    """Return C with one weight of row 3 of W2 changed, for each of the 30."""
    found = []
    for k in range(30):
        W2 = parameters["W2"].astype(type(by))
        W2[3, k] += by
        found.append(cost((*first, W2, b2), pixels, target))
    return np.array(found)


formulas = {
    "forward": lambda e: (shifted(e) - shifted(0.0)) / e,
    "central": lambda e: (shifted(e) - shifted(-e)) / (2 * e),
    "complex step": lambda e: shifted(1j * e).imag / e,
}
epsilons = 10.0 ** -np.arange(0, 17)
size = np.linalg.norm(exact)
errors = {name: [np.linalg.norm(g(e) - exact) / size for e in epsilons] for name, g in formulas.items()}
print("epsilon" + "".join(f"{name:>15}" for name in errors))
for k in range(17):
    print(f"{epsilons[k]:7.0e}" + "".join(f"{found[k]:15.0e}" for found in errors.values()))

# %%
figure, axis = plt.subplots(figsize=(6, 3.4))
for name, found in errors.items():
    axis.loglog(epsilons, found, "o-", markersize=4, label=name)
axis.set(xlabel="epsilon", ylabel="relative error of 30 slopes")
axis.legend()
figure.tight_layout()
plt.show()

# %% [markdown]
# Each of the first two curves is a **U**: left of its lowest point is rounding, right of it the
# curve. Forward differences keep about half of the 16 digits of float64, central ones about ten. The
# complex step is exact to the last digits for every ε below 1e-7. So such steps are used to *check*
# gradients, on small networks: `samegrad check` takes complex steps where the code allows it, and
# central differences elsewhere. Training uses backpropagation.
