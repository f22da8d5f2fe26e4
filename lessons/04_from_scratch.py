# %% [markdown]
# # 4 From scratch: the loop, the batch, the matrix products
#
# The equations of lesson 2 for one image, now for a batch of n images. There are two ways to write
# them: a loop over the images that adds up their gradients, or matrices with one row per image and
# no loop. They are the same sum in another order, so the gradients must be the same. The time is
# not.
#
# ## The loop
#
# One image after the other, each a vector, as in the article and in Nielsen's book.

# %%
import time
import timeit

import numpy as np

import samegrad


def f(z):
    return 1 / (1 + np.exp(-z))


def loop(W1, b1, W2, b2, x, target):
    """Return dC/dW1, dC/db1, dC/dW2, dC/db2 of a batch, image by image."""
    total = [np.zeros_like(tensor) for tensor in (W1, b1, W2, b2)]
    for a0, y in zip(x, target):
        a1 = f(W1 @ a0 + b1)  # (1), (2)
        a2 = f(W2 @ a1 + b2)
        d2 = (a2 - y) * a2 * (1 - a2)  # (4), the 1/n comes at the end
        d1 = (W2.T @ d2) * a1 * (1 - a1)  # (5)
        for tensor, part in zip(total, (np.outer(d1, a0), d1, np.outer(d2, a1), d2)):
            tensor += part  # (6), (7)
    return [tensor / len(x) for tensor in total]


# %% [markdown]
# ## The batch
#
# a_0 is now (n, 784), and each line computes it for all images. The sum over the images of (6) is
# inside the matrix product, d.T @ a: this is why equation (6) contains no sum. In (7) it is written
# out.


# %%
def batch(W1, b1, W2, b2, x, target):
    """The same with matrix products."""
    a1 = f(x @ W1.T + b1)  # (1), (2): (n, 30)
    a2 = f(a1 @ W2.T + b2)  # (n, 10)
    d2 = (a2 - target) * a2 * (1 - a2) / len(x)  # (4)
    d1 = (d2 @ W2) * a1 * (1 - a1)  # (5): (n, 30)
    return [d1.T @ x, d1.sum(axis=0), d2.T @ a1, d2.sum(axis=0)]  # (6), (7)


spec = samegrad.NetworkSpec.parse("784-30-10")
training = samegrad.TrainingSpec(initial="scaled", dtype="float64")
parameters = samegrad.draw_parameters(spec, training)
images, labels = samegrad.dataset("digits").train.arrays("float64")
x, target = images[:10], np.eye(10)[labels[:10]]

by_loop, by_batch = loop(*parameters.values(), x, target), batch(*parameters.values(), x, target)
print("gradient  shape        largest   largest difference")
for name, a, b in zip(parameters, by_loop, by_batch):
    print(f"dC/d{name}    {a.shape!s:10} {abs(a).max():9.5f}   {abs(a - b).max():.0e}")

# %% [markdown]
# They agree to the last digits of float64. The rest is *rounding*: a sum of floating-point numbers
# depends a little on its order.
#
# ## The time
#
# Both compute all gradients of a batch, for batches of several sizes, on one processor core: several
# would help the large matrices only. Processor time is measured: what else the computer does in
# between does not count.


# %%
from threadpoolctl import threadpool_limits

threadpool_limits(1)


def microseconds_per_image(function, x, target):
    """Return the processor time of a call, the shortest of 7 measurements, divided by the number of images."""
    calls = 1000 // len(x)  # the same number of images in each measurement
    theta = list(parameters.values())
    found = timeit.repeat(lambda: function(*theta, x, target), number=calls, repeat=7, timer=time.process_time)
    return 1e6 * min(found) / (calls * len(x))


sizes = (1, 10, 30, 100, 1000)
times = {}
for n in sizes:
    x, target = images[:n], np.eye(10)[labels[:n]]
    times[n] = [microseconds_per_image(function, x, target) for function in (loop, batch)]
print("batch   loop, µs per image   matrix products   times faster")
for n, (slow, fast) in times.items():
    print(f"{n:5} {slow:20.1f} {fast:17.1f} {slow / fast:14.1f}")

# %%
import matplotlib.pyplot as plt

figure, axis = plt.subplots(figsize=(6, 3.2))
for k, name in enumerate(("loop over the images", "matrix products")):
    axis.loglog(sizes, [found[k] for found in times.values()], "o-", label=name)
axis.set(xlabel="images per batch", ylabel="microseconds per image")
axis.legend()
figure.tight_layout()
plt.show()

# %% [markdown]
# The loop has the same price for every image. The matrix products get cheaper with the batch, for
# two reasons: the overhead of Python is paid once per batch instead of once per image, and a matrix
# product reads each weight from memory once for many images. With one image there is little to gain.
#
# ## A network of your own, trained
#
# `batch` and rule (8) are all that is needed.

# %%
theta = [tensor.copy() for tensor in parameters.values()]
x_test, y_test = samegrad.dataset("digits").test.arrays("float64")


def accuracy(W1, b1, W2, b2):
    return float((f(f(x_test @ W1.T + b1) @ W2.T + b2).argmax(axis=1) == y_test).mean())


print(f"before training: {accuracy(*theta):.1%} of the test images")
for order, epoch in zip(samegrad.draw_orders(training, len(images)), range(1, 6)):
    for start in range(0, len(order), 10):
        i = order[start : start + 10]
        for tensor, g in zip(theta, batch(*theta, images[i], np.eye(10)[labels[i]])):
            tensor -= 1.0 * g  # (8)
    print(f"epoch {epoch}: {accuracy(*theta):.1%}")

# %% [markdown]
# These lines are a whole neural network, without a framework. Lesson 5 compares their gradients
# with those of PyTorch, Keras and JAX.
#
# **Try:** put your own `forward` and `gradients` into a file and check it. `samegrad check
# --example > my_network.py` prints one to start from, `samegrad exercise 9` one to fill in.
