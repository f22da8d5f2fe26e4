"""Why outputs part: other activations, or the same network with a weight that is transposed, permuted or left out."""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import numpy as np

from shared.interface import Array, Parameters
from shared.ports.known_losses import sigmoid, softmax
from shared.spec import MEAN, STANDARD_DEVIATION

CLOSE: Final = {"float64": 1e-6, "float32": 1e-4}
"""dtype -> relative difference of outputs that are explained."""
EXPLAINS: Final = 0.1
"""A lower precision explains outputs that are by this factor nearer with it than without."""
MOST_LAYERS: Final = 4
_erf: Final = np.vectorize(math.erf, otypes=[float])


def _leaky(slope: float) -> Callable[[Array], Array]:
    return lambda z: np.where(z > 0, z, slope * z)


HIDDEN: Final[dict[str, Callable[[Array], Array]]] = {
    "none": lambda z: z,
    "relu": lambda z: np.maximum(z, 0),
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "leaky relu with slope 0.01": _leaky(0.01),
    "leaky relu with slope 0.2": _leaky(0.2),
    "leaky relu with slope 0.3": _leaky(0.3),
    "gelu": lambda z: z * 0.5 * (1 + _erf(z / math.sqrt(2))),
    "gelu by tanh": lambda z: z * 0.5 * (1 + np.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3))),
    "elu": lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
    "silu": lambda z: z * sigmoid(z),
    "softplus": lambda z: np.logaddexp(0, z),
    "relu6": lambda z: np.clip(z, 0, 6),
    "hard sigmoid": lambda z: np.clip(z / 6 + 0.5, 0, 1),
}
LAST: Final[dict[str, Callable[[Array], Array]]] = {
    **HIDDEN,
    "softmax": softmax,
    "log-softmax": lambda z: z - z.max(1, keepdims=True) - np.log(np.exp(z - z.max(1, keepdims=True)).sum(1))[:, None],
    "softmax over the batch (axis 0)": lambda z: softmax(z.T).T,
}


def is_close(a: Array, b: Array, dtype: str) -> bool:
    """Return whether outputs are the same but for rounding."""
    norm = float(np.linalg.norm(b))
    return a.shape == b.shape and float(np.linalg.norm(a - b)) <= CLOSE[dtype] * (norm or 1)


def activations_of(given: Parameters, x: Array, outputs: Array, dtype: str) -> list[str]:
    """Return the activations of dense layers that give these outputs; [] if none of the known ones do."""
    weights = [name for name in given if name[0] == "W"]
    if any(given[name].ndim != 2 for name in weights) or len(weights) > MOST_LAYERS:
        return []
    if any(name[0] not in "Wb" or name.startswith("beta") for name in given):
        return []
    return next(_paths(given, weights, x.reshape(len(x), -1), outputs.reshape(len(x), -1), dtype), [])


def _paths(given: Parameters, weights: list[str], a: Array, outputs: Array, dtype: str) -> Iterator[list[str]]:
    name, *rest = weights
    z = a @ given[name].T + given.get(f"b{name[1:]}", np.zeros(1))
    with np.errstate(all="ignore"):
        for words, function in (HIDDEN if rest else LAST).items():
            found = function(z)
            if rest:
                yield from ([words, *more] for more in _paths(given, rest, found, outputs, dtype))
            elif is_close(found, outputs, dtype):
                yield [words]


def variants(given: Parameters, inputs: list[int]) -> Iterator[tuple[str, Parameters]]:
    """Yield what a model may do with the weights or the inputs otherwise, and the weights that show it."""
    previous: Any = None
    for name, W in given.items():
        if W.ndim == 2 and W.shape[0] == W.shape[1]:
            yield f"{name} is used without the transpose, or with one too many (it is square)", given | {name: W.T}
        if name[0] == "b" and not name.startswith("beta"):
            yield f"{name} is left out", given | {name: np.zeros_like(W)}
        if W.ndim == 4:
            yield (
                f"the kernels {name} are turned by 180 degrees (convolution against correlation)",
                given | {name: W[:, :, ::-1, ::-1].copy()},
            )
            yield (
                f"the kernels {name} are transposed (height and width)",
                given | {name: W.transpose(0, 1, 3, 2).copy()},
            )
        if W.ndim == 2 and previous is not None and previous.ndim == 4:
            yield from _flattened(name, W, len(previous), given)
        previous = W if W.ndim > 1 else previous
    yield "all biases are left out", given | {k: np.zeros_like(t) for k, t in given.items() if k[0] == "b"}
    yield from _scaled(given)
    if len(inputs) == 1 and (side := math.isqrt(inputs[0])) ** 2 == inputs[0] and "W1" in given:
        W = given["W1"]
        turned = W.reshape(len(W), side, side).transpose(0, 2, 1).reshape(W.shape)
        yield "the pixels are taken column by column", given | {"W1": turned}


def _flattened(name: str, W: Array, channels: int, given: Parameters) -> Iterator[tuple[str, Parameters]]:
    side = math.isqrt(W.shape[1] // channels)
    if side * side * channels != W.shape[1]:
        return
    last = W.reshape(-1, side, side, channels).transpose(0, 3, 1, 2).reshape(W.shape)
    first = W.reshape(-1, channels, side, side).transpose(0, 2, 3, 1).reshape(W.shape)
    for tensor in (last, first):
        yield (
            f"images are flattened in another order before {name}: channels last against channels first",
            given | {name: tensor},
        )


def data_changes(x: Array, y: Array) -> Iterator[tuple[str, tuple[Array, Array]]]:
    """Yield what may be done to examples before a model trains on them, and the examples that show it."""
    for words, shift in (("the next class", 1), ("the class before", -1)) if y.ndim == 1 else ():
        yield f"labels that are shifted by one: each image has {words}", (x, (y + shift) % (int(y.max()) + 1))
    yield "labels of other images: their order is not that of the images", (x, np.roll(y, 1, 0))
    yield "labels of other images: their order is not that of the images", (x, np.roll(y, -1, 0))
    yield "labels in the opposite order of the images", (x, y[::-1].copy())
    for words, times in (("divided by 255", 1 / 255), ("multiplied by 255", 255.0)):
        yield f"pixels that are {words} before", (x * times, y)
    yield "pixels that are standardised by MNIST's mean and deviation before", ((x - MEAN) / STANDARD_DEVIATION, y)
    yield "pixels that are moved to -1 to 1 before", (2 * x - 1, y)
    yield "inverted pixels, 1 - x", (1 - x, y)


def rounded_operands(given: Parameters, x: Array, outputs: Array, activations: list[str]) -> str:
    """Return in which precision the products of dense layers are computed, by outputs; "" if it explains nothing."""
    weights = [name for name in given if name[0] == "W"]

    def forward(rounded: Callable[[Array], Array]) -> Array:
        a = x.reshape(len(x), -1)
        for name, words in zip(weights, activations, strict=True):
            z = rounded(a) @ rounded(given[name]).T + given.get(f"b{name[1:]}", np.zeros(1))
            a = LAST[words](z)
        return a

    with np.errstate(all="ignore"):
        plain = float(np.linalg.norm(forward(lambda t: t) - outputs.reshape(len(x), -1)))
        for dtype, bits in (("TF32", 10), ("bfloat16", 7)):
            off = float(np.linalg.norm(forward(partial(_to_bits, bits=bits)) - outputs.reshape(len(x), -1)))
            if off < EXPLAINS * plain:
                which = "TF32 or float16" if bits == 10 else dtype
                return f"its products are computed in {which}: weights and inputs are rounded to {bits + 1} bits"
    return ""


def _to_bits(t: Array, bits: int) -> Array:
    """Return numbers rounded to so many bits after the leading one."""
    mantissa, exponent = np.frexp(t)
    return np.asarray(np.ldexp(np.round(mantissa * 2.0 ** (bits + 1)) / 2.0 ** (bits + 1), exponent))


def _scaled(given: Parameters) -> Iterator[tuple[str, Parameters]]:
    """Yield what is done to the inputs before the first layer."""
    W, b = given.get("W1"), given.get("b1")
    if W is None:
        return
    for words, times in (("divided by 255", 1 / 255), ("multiplied by 255", 255.0)):
        yield f"the inputs are {words} before the first layer", given | {"W1": W * times}
    if b is not None:
        total = W.reshape(len(W), -1).sum(1)
        for words, mean, scale in (
            ("standardised by MNIST's mean and deviation", MEAN, STANDARD_DEVIATION),
            ("moved to -1 to 1", 0.5, 0.5),
        ):
            yield f"the inputs are {words} before the first layer", given | {
                "W1": W / scale, "b1": b - mean / scale * total
            }  # fmt: skip
