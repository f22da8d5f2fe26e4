# %% [markdown]
# # 10 Convolutions
#
# A dense layer does not know that pixels have neighbours: shuffle the pixels of all images in the
# same way, and it learns as well as before. A *convolution* looks at small windows. Its weights are
# a few *kernels*, here of 5 x 5 numbers, that slide over the image; equation (1):
#
# > z[k,i,j] = sum over u, v of W[k,u,v] a[i+u−2, j+v−2] + b[k]
#
# Each kernel gives an image of its own, a *feature map*, which is large where the window looks like
# the kernel. *Max pooling* then keeps the largest of each 2 x 2 values.
#
# ## By hand
#
# A kernel that responds to horizontal edges: its upper rows are above 0, its lower rows below.

# %%
import matplotlib.pyplot as plt
import numpy as np

import samegrad

digits = samegrad.dataset("digits")
x, y = digits.train.arrays("float32")
x_test, y_test = digits.test.arrays("float32")


def convolve(image, kernel):
    """Equation (1) for one kernel: 28 x 28 and 5 x 5 -> 28 x 28, with two rows and columns of zeros around."""
    padded, z = np.pad(image, 2), np.empty_like(image)
    for i, j in np.ndindex(image.shape):
        z[i, j] = (kernel * padded[i : i + 5, j : j + 5]).sum()
    return z


edge = np.repeat([1.0, 1.0, 0.0, -1.0, -1.0], 5).reshape(5, 5) / 10
five = int(np.flatnonzero(y_test == 5)[0])  # the first 5 of the test images
image = x_test[five].reshape(28, 28)
figure, axes = plt.subplots(1, 3, figsize=(6, 2.2))
for axis, shown, title in zip(axes, (image, edge, convolve(image, edge)), ("a0", "kernel", "z1")):
    axis.imshow(shown, cmap="RdBu", vmin=-abs(shown).max(), vmax=abs(shown).max())
    axis.set_title(title)
    axis.axis("off")
figure.tight_layout()
plt.show()

# %% [markdown]
# Blue is above 0, red below. z1 is blue below a stroke, where the ink is in the upper half of the
# window, and red above one.
#
# ## Learned kernels
#
# Nobody has to think of kernels: backpropagation finds them, like any other weights. Two networks
# are trained alike (Adam, batches of 32, 10 epochs): one with 8 kernels and a pool below its output
# layer, and the dense network with 30 hidden neurons. Three seeds each.

# %%
Network = samegrad.load("numpy_scratch")
EPOCHS, SEEDS = 10, (1, 2, 3)


def train(text, seed):
    """Return the trained network and its test accuracy after each epoch."""
    spec = samegrad.NetworkSpec.parse(text)
    training = samegrad.TrainingSpec("adam", learning_rate=0.003, batch_size=32, initial="scaled", seed=seed)
    network = Network(spec, training, samegrad.draw_parameters(spec, training))
    network.load(x, y)
    accuracies = []
    for _, order in zip(range(EPOCHS), samegrad.draw_orders(training, len(x))):
        network.train(order)
        accuracies.append(float((network.predict(x_test).argmax(axis=1) == y_test).mean()))
    return network, accuracies


texts = {"convolution": "28x28-conv8k5-pool-10", "dense": "784-30-10, relu, cross_entropy"}
trained = {name: [train(text, seed) for seed in SEEDS] for name, text in texts.items()}
print("network      parameters   test accuracy after epoch 1, 5 and 10 (mean of three seeds)")
for name, found in trained.items():
    means = np.mean([accuracies for _, accuracies in found], axis=0)
    shown = "".join(f"{means[k - 1]:8.1%}" for k in (1, 5, 10))
    print(f"{name:12} {found[0][0].spec.parameter_count:10,}   {shown}")

# %%
figure, axis = plt.subplots(figsize=(6, 3))
for k, (name, found) in enumerate(trained.items()):
    for j, (_, accuracies) in enumerate(found):
        axis.plot(range(1, EPOCHS + 1), np.array(accuracies) * 100, color=f"C{k}", label=name if j == 0 else None)
axis.set(xlabel="epoch", ylabel="test accuracy, %")
axis.legend()
figure.tight_layout()
plt.show()

# %% [markdown]
# With fewer parameters, the convolution classifies more digits correctly, and gets there sooner. On
# MNIST, the article's network with two convolutions reaches 98.5 % and the dense networks 93 to
# 95 % ([docs/reproduction.md](../docs/reproduction.md)).
#
# ## What it has learned

# %%
network = trained["convolution"][0][0]
kernels = network.parameters()["W1"][:, 0]  # (8, 5, 5)
maps = network.trace(x_test[[five]], y_test[[five]])["a1"].reshape(8, 28, 28)  # (2): relu, so nothing is below 0
figure, axes = plt.subplots(2, 9, figsize=(9.5, 2.4))
axes[0, 0].imshow(image, cmap="gray_r")
axes[0, 0].set_title("a0", fontsize=9)
for k in range(8):
    largest = abs(kernels[k]).max()
    axes[0, k + 1].imshow(kernels[k], cmap="RdBu", vmin=-largest, vmax=largest)
    axes[0, k + 1].set_title(f"kernel {k + 1}", fontsize=9)
    axes[1, k + 1].imshow(maps[k], cmap="Blues", vmin=0, vmax=maps.max())
for axis in axes.flat:
    axis.axis("off")
figure.tight_layout()
plt.show()

# %% [markdown]
# The upper row shows the kernels, the lower row the feature map of each for the digit on the left.
# The kernels look noisy: 1,297 images are few, and what they started from is still in them. The maps
# are clearer. Some are dark where there is ink, some where there is none, and the output layer weighs
# them. An empty map belongs to a kernel whose z is below 0 everywhere in this image (lesson 7).
#
# The backward pass of a convolution is the same chain rule with more indices: equations (5) to (7)
# of [`shared/spec.py`](../shared/spec.py). By hand it is written in `impls/numpy_per_example.py`,
# with loops, and in `impls/numpy_scratch.py`, with matrix products; `samegrad check` finds mistakes
# in yours.
#
# **Try:** a second convolution, `"28x28-conv8k5-pool-conv16k3-pool-10"`; then shuffle the pixels of
# all images alike (`x[:, np.random.default_rng(0).permutation(784)]`). Which network suffers?
