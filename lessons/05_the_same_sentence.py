# %% [markdown]
# # 5 The same sentence in five languages
#
# PyTorch, Keras and JAX compute gradients by themselves: nobody writes equations (4) to (7) in
# them. Is it really the same computation? Give each the same weights and the same ten images, and
# compare the gradients, number by number.
#
# The five implementations are files in [`impls/`](../impls): `numpy_scratch` has every equation
# written by hand; `minitorch` uses a small autograd that is written to be read; `pytorch`,
# `tensorflow_keras` and `jax_jit` leave the derivatives to their framework. One whose framework is
# not installed is left out.

# %%
import numpy as np

import samegrad

names = ("numpy_scratch", "minitorch", "pytorch", "tensorflow_keras", "jax_jit")
spec = samegrad.NetworkSpec.parse("784-30-10")
x, y = samegrad.dataset("digits").train.first(10).arrays("float64")
training = samegrad.TrainingSpec(dtype="float64", initial="scaled", seed=1)
gradients = samegrad.gradients(*names, spec=spec, training=training, x=x, y=y)

print("the first three numbers of dC/dW2")
for name, found in gradients.items():
    print(f"{name:17}" + "".join(f"{number:22.16f}" for number in found["W2"][0, :3]))

# %% [markdown]
# Each prints the same digits, except perhaps the last ones. Nobody has told PyTorch about equation
# (5). It has applied the chain rule to the forward pass, step by step, as lesson 2 did by hand.
#
# ## What float32 leaves
#
# Above, numbers were float64: 64 bits each, about 16 digits. Networks are usually trained in
# float32, with 32 bits and about 7 digits, because it is faster. The inputs and weights are rounded
# once to float32; each implementation then computes with them in float32, and is compared with
# `numpy_scratch` in float64, from the same rounded numbers.

# %%
x32 = x.astype("float32")
start = samegrad.draw_parameters(spec, samegrad.TrainingSpec(dtype="float32", initial="scaled", seed=1))
in_float32 = samegrad.gradients(
    *names, spec=spec, training=samegrad.TrainingSpec(dtype="float32"), parameters=start, x=x32, y=y
)
reference = samegrad.gradients(
    "numpy_scratch", spec=spec, training=samegrad.TrainingSpec(dtype="float64"), parameters=start, x=x32, y=y
)["numpy_scratch"]


def error(found, exact):
    """Return the relative error of a tensor: the norm of the difference by the norm."""
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))


tensors = list(spec.parameter_shapes)
errors = {
    "float64": {n: [error(g[t], gradients["numpy_scratch"][t]) for t in tensors] for n, g in gradients.items()},
    "float32": {n: [error(g[t], reference[t]) for t in tensors] for n, g in in_float32.items()},
}
print("relative error of dC/d...   " + "".join(f"{name:>9}" for name in tensors))
for dtype, rows in errors.items():
    for name, found in rows.items():
        print(f"{dtype}  {name:18}" + "".join(f"{value:9.0e}" for value in found))

# %%
import matplotlib.pyplot as plt

figure, axis = plt.subplots(figsize=(7, 3.2))
for k, (dtype, rows) in enumerate(errors.items()):
    for j, (name, found) in enumerate(rows.items()):
        places = np.arange(len(tensors)) + 0.12 * (j - 2)
        shown = np.maximum(found, 1e-18)  # 0 has no place on a logarithmic axis
        axis.semilogy(places, shown, "osD^v"[j], color=f"C{k}", label=f"{name}, {dtype}")
axis.set_xticks(range(len(tensors)), [f"dC/d{name}" for name in tensors])
axis.set(ylabel="relative error", ylim=(3e-19, 1e-5), title="an error of 0 is drawn at 1e-18")
axis.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
figure.tight_layout()
plt.show()

# %% [markdown]
# In float64 the errors are below 1e-14, in float32 below 1e-5: that is what rounding leaves. A real
# mistake looks different. A forgotten 1/n, for example, makes an error of 9 with ten images, a wrong
# sign one of 2.
#
# Are these errors small enough to be rounding and nothing else? `samegrad` computes a bound for the
# rounding error of every tensor and compares:

# %%
checked = samegrad.agree("minitorch", dataset="digits", initial="scaled")
print("only rounding:", checked.ok)
for entry in checked.entries:
    if entry.dtype == "float32":
        print(f"{entry.tensor:4} error {entry.error:.0e}, rounding explains up to {entry.bound:.0e}")

# %% [markdown]
# **Try:** give the frameworks another network, such as `"784-30tanh-10, cross_entropy"`. `samegrad
# read` shows the implementations side by side, line by line.
