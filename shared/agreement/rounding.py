"""The error of gradients that rounding explains, predicted from the unit roundoff and the lengths of the sums.

A rounding is modelled as a random relative error of mean 0 and at most the unit roundoff u, independent of the others
(Higham and Mary, "A new approach to probabilistic rounding error analysis", SIAM J. Sci. Comput. 41, 2019). Variances
are propagated through equations (1)-(7) to first order, as Wilkinson's running error analysis propagates bounds. A
sum of n terms p_k in random order has partial sums with mean squares k/n (1 - k/n) sum p^2 + (k/n)^2 (sum p)^2, so its
n roundings add u^2 (n/6 sum p^2 + n/3 (sum p)^2) to its variance; the products that it sums add u^2 sum p^2.

Below the smallest normal number a relative error is no model: fl(a b) = a b (1 + delta) + eta (Higham, "Accuracy and
Stability of Numerical Algorithms", 2002, section 2.8). The eta of several products are not independent, since
all of them may be lost, so a sum of n products counts n eta as if it were a standard deviation.
"""

import math
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from shared.agreement.metrics import norm
from shared.interface import Array, Labels, Parameters
from shared.layers import WINDOW, Conv, Dense, Layer, MaxPool, Shape
from shared.spec import LEAKY_SLOPE, NetworkSpec

Vector = NDArray[np.float64]

UNIT_ROUNDOFF: Final = {dtype: float(np.finfo(dtype).eps) / 2 for dtype in ("float16", "float32", "float64")}
UNDERFLOW: Final = {
    "float16": float(np.finfo("float16").smallest_subnormal) / 2,
    "float32": float(np.finfo("float32").tiny),
    "float64": float(np.sqrt(np.finfo("float64").tiny)),
}
"""The absolute error of a result that underflows. NumPy's float16 rounds to subnormal numbers; in float32 TensorFlow
and XLA replace them by 0. In float64 it is the smallest standard deviation whose square, the variance, is computed
with all its digits: below it nothing is predicted, and the bound must not claim it."""
ELEMENTARY: Final = 4
"""Error of exp, tanh and similar functions, in unit roundoffs; libraries guarantee 1 to 4 units in the last place."""
SIGMAS: Final = 4
"""The bound in standard deviations; even if all roundings of a tensor are the same one, 4 are rare."""


class Rounded(NamedTuple):
    """A quantity in float64, and the variance of its rounding error, in the same shape."""

    value: Vector
    variance: Vector


class Format(NamedTuple):
    """The errors of one operation."""

    u: float
    """relative: the unit roundoff"""
    eta: float
    """absolute: what is lost by underflow"""


class Quantity(NamedTuple):
    """An intermediate result of a network; printed as z1, a1, d1, dW1 or db1."""

    kind: str
    """"z" (1), "a" (2), "d" (4)-(5), "dW" (6) or "db" (7)"""
    layer: int
    """from 1"""

    def __str__(self) -> str:
        return f"{self.kind}{self.layer}"


def bounds(spec: NetworkSpec, parameters: Parameters, x: Array, y: Labels, dtype: str) -> dict[str, float]:
    """Return the relative L2 error that rounding in `dtype` explains in the gradient of W1, b1, W2, ...

    Parameters
    ----------
    parameters, x : float64 arrays that `dtype` represents exactly; x is (n, n_in).
    y : (n,) labels.

    The bound is inf for a gradient that is zero, or that may be rounding alone.
    """
    with np.errstate(all="ignore"):  # an overflow has no bound
        return {name: relative(*rounded) for name, rounded in gradients(trace(spec, parameters, x, y, dtype)).items()}


def gradients(traced: dict[Quantity, Rounded]) -> dict[str, Rounded]:
    """Return the gradients of a trace, by the names of their parameters: W1, b1, W2, ..."""
    found = {f"{kind[1:]}{layer}": rounded for (kind, layer), rounded in traced.items() if kind in ("dW", "db")}
    return dict(sorted(found.items(), key=lambda item: (int(item[0][1:]), item[0])))


def relative(value: Vector, variance: Vector) -> float:
    """Return the bound on |error| / |value|; inf if there is none."""
    size = norm(value)
    bound = SIGMAS * float(np.sqrt(variance.sum())) / size if size > 0 else float("inf")
    return bound if np.isfinite(bound) else float("inf")


def trace(spec: NetworkSpec, parameters: Parameters, x: Array, y: Labels, dtype: str) -> dict[Quantity, Rounded]:
    """Return z1, a1, ..., zL, aL, dL, dWL, dbL, ..., d1, dW1, db1 in the order in which they are computed."""
    u = float(np.hypot(UNIT_ROUNDOFF[dtype], UNIT_ROUNDOFF["float64"]))  # the reference rounds too
    fp = Format(u, UNDERFLOW[dtype])
    tensors = {name: tensor.astype(np.float64) for name, tensor in parameters.items()}
    rules = [RULES[type(layer)](layer, shape) for layer, shape in zip(spec.layers, spec.shapes, strict=False)]
    a = [_exact(_flat_images(spec, x.astype(np.float64)))]
    z: list[Rounded] = []
    found: dict[Quantity, Rounded] = {}
    for l, (layer, rule) in enumerate(zip(spec.layers, rules, strict=True), 1):
        z.append(rule.forward(a[-1], tensors.get(f"W{l}"), tensors.get(f"b{l}"), fp))  # (1)
        a.append(_activation(layer.activation, z[-1], fp))  # (2)
        found |= {Quantity("z", l): z[-1], Quantity("a", l): a[-1]}
    d = _output_delta(spec, z[-1], a[-1], y, fp)  # (4)
    for l, (layer, rule) in reversed(list(enumerate(zip(spec.layers, rules, strict=True), 1))):
        found[Quantity("d", l)] = d
        if f"W{l}" in tensors:
            found[Quantity("dW", l)] = rule.weight_gradient(d, a[l - 1], fp)  # (6)
        if layer.bias:
            found[Quantity("db", l)] = rule.bias_gradient(d, fp)  # (7)
        if l > 1:
            slope = _slope(spec.layers[l - 2].activation, z[l - 2], a[l - 1], fp)
            d = _times(rule.back(d, a[l - 1], tensors.get(f"W{l}"), fp), slope, fp)  # (5)
    return found


def _flat_images(spec: NetworkSpec, x: Vector) -> Vector:
    """Return x in the order of the images inside the network, channel by channel."""
    if len(spec.input_shape) < 3 or isinstance(spec.layers[0], Dense):
        return x
    return x.reshape(-1, *spec.input_shape).transpose(0, 3, 1, 2).reshape(len(x), -1)


def _output_delta(spec: NetworkSpec, z: Rounded, a: Rounded, y: Labels, fp: Format) -> Rounded:
    """Return d_L (4)."""
    n, difference = len(y), a.value - np.eye(spec.n_out)[y]
    d = Rounded(difference / n, (a.variance + 2 * fp.u**2 * difference**2) / n**2 + _lost(difference != 0, fp))
    return _times(d, _slope(spec.layers[-1].activation, z, a, fp), fp) if spec.loss == "quadratic" else d


class DenseRule:
    """The rounding of a fully connected layer; a new kind of layer is a new rule. All quantities are (n, size)."""

    def __init__(self, layer: Layer, shape: Shape) -> None: ...

    def forward(self, a: Rounded, W: Vector, b: Vector | None, fp: Format) -> Rounded:
        """Return z_l (1)."""
        z = _product(a, _exact(W.T), fp)
        return z if b is None else Rounded(z.value + b, z.variance + fp.u**2 * (z.value + b) ** 2)

    def weight_gradient(self, d: Rounded, a: Rounded, fp: Format) -> Rounded:
        """Return dC/dW_l (6)."""
        return _product(Rounded(d.value.T, d.variance.T), a, fp)

    def bias_gradient(self, d: Rounded, fp: Format) -> Rounded:
        """Return dC/db_l (7)."""
        n, total = len(d.value), d.value.sum(axis=0)
        own = fp.u**2 * (n / 6 * (d.value**2).sum(axis=0) + n / 3 * total**2)
        own += _lost(np.count_nonzero(d.value, axis=0), fp)
        return Rounded(total, d.variance.sum(axis=0) + own)

    def back(self, d: Rounded, a: Rounded, W: Vector, fp: Format) -> Rounded:  # noqa: ARG002 - for max pooling
        """Return d_{l+1} W_{l+1} of (5)."""
        return _product(d, _exact(W), fp)


class ConvRule(DenseRule):
    """The rounding of a convolution: that of a fully connected layer on the patches of its images."""

    def __init__(self, layer: Conv, shape: Shape) -> None:
        self.kernel, self.padding, self.size, self.c_out = layer.kernel, layer.padding, shape[1:], layer.channels

    def forward(self, a: Rounded, W: Vector, b: Vector | None, fp: Format) -> Rounded:
        """Return z_l (1)."""
        return self._images(super().forward(self._patches(a), W.reshape(len(W), -1), b, fp))

    def weight_gradient(self, d: Rounded, a: Rounded, fp: Format) -> Rounded:
        """Return dC/dW_l (6)."""
        found = super().weight_gradient(self._places(d), self._patches(a), fp)
        shape = (self.c_out, -1, self.kernel, self.kernel)
        return Rounded(found.value.reshape(shape), found.variance.reshape(shape))

    def bias_gradient(self, d: Rounded, fp: Format) -> Rounded:
        """Return dC/db_l (7)."""
        return super().bias_gradient(self._places(d), fp)

    def back(self, d: Rounded, a: Rounded, W: Vector, fp: Format) -> Rounded:  # noqa: ARG002 - for max pooling
        """Return the sum of (5): the correlation of d with the kernels turned by 180 degrees."""
        turned = W[:, :, ::-1, ::-1].transpose(0, 2, 3, 1).reshape(-1, W.shape[1])
        return self._images(_product(self._patches(d), _exact(turned), fp))

    def _patches(self, a: Rounded) -> Rounded:
        """(n, c height width) -> (n height width, c k k)."""
        around = [(0, 0), (0, 0), *[(self.padding, self.padding)] * 2]

        def of(values: Vector) -> Vector:
            padded = np.pad(values.reshape(len(values), -1, *self.size), around)
            windows = sliding_window_view(padded, (self.kernel, self.kernel), axis=(2, 3))
            return windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, padded.shape[1] * self.kernel**2)

        return Rounded(of(a.value), of(a.variance))

    def _places(self, d: Rounded) -> Rounded:
        """(n, c height width) -> (n height width, c)."""
        shape = (len(d.value), self.c_out, *self.size)
        return Rounded(*(part.reshape(shape).transpose(0, 2, 3, 1).reshape(-1, self.c_out) for part in d))

    def _images(self, rows: Rounded) -> Rounded:
        """Undo `_places`."""
        n = len(rows.value) // math.prod(self.size)
        return Rounded(*(part.reshape(n, *self.size, -1).transpose(0, 3, 1, 2).reshape(n, -1) for part in rows))


class PoolRule:
    """The rounding of max pooling: none, but it may take another of nearly equal values."""

    def __init__(self, layer: MaxPool, shape: Shape) -> None:  # noqa: ARG002 - as the other rules
        self.shape = shape

    def forward(self, a: Rounded, W: None, b: None, fp: Format) -> Rounded:  # noqa: ARG002 - it has none
        """Return z_l (1)."""
        windows = self._windows(a)
        _, near = self._taken(windows)
        variance = np.where(near, windows.variance, 0).max(axis=-1)
        return Rounded(*(part.reshape(len(a.value), -1) for part in (windows.value.max(axis=-1), variance)))

    def back(self, d: Rounded, a: Rounded, W: None, fp: Format) -> Rounded:  # noqa: ARG002 - it has none
        """Return what (5) sends to the maximum; where two values are nearly equal, either may get it."""
        first, near = self._taken(self._windows(a))
        doubtful = near & (near.sum(axis=-1, keepdims=True) > 1)
        value, variance = (part.reshape(first.shape[:-1])[..., None] for part in d)
        return Rounded(
            self._undo(np.where(first, value, 0)), self._undo(first * variance + doubtful * (variance + value**2))
        )

    def _windows(self, a: Rounded) -> Rounded:
        """(n, c height width) -> (n, c, height/2, width/2, 4)."""
        c, height, width = self.shape
        shape = (-1, c, height // WINDOW, WINDOW, width // WINDOW, WINDOW)

        def of(values: Vector) -> Vector:
            parts = values.reshape(shape).transpose(0, 1, 2, 4, 3, 5)
            return parts.reshape(*parts.shape[:4], -1)

        return Rounded(of(a.value), of(a.variance))

    def _undo(self, windows: Vector) -> Vector:
        """(n, c, height/2, width/2, 4) -> (n, c height width)."""
        parts = windows.reshape(*windows.shape[:-1], WINDOW, WINDOW).transpose(0, 1, 2, 4, 3, 5)
        return parts.reshape(len(windows), -1)

    @staticmethod
    def _taken(windows: Rounded) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return where the first maximum of each window is, and which values rounding may make the maximum."""
        at = windows.value.argmax(axis=-1)[..., None]
        first = np.arange(windows.value.shape[-1]) == at
        gap = np.take_along_axis(windows.value, at, -1) - windows.value
        spread = windows.variance + np.take_along_axis(windows.variance, at, -1)
        # values that are equal here were computed from equal numbers, and are equal in any dtype
        return first, first | ((gap > 0) & (gap <= SIGMAS * np.sqrt(spread)))


RULES: Final[dict[type, Any]] = {Dense: DenseRule, Conv: ConvRule, MaxPool: PoolRule}


def _exact(value: Vector) -> Rounded:
    return Rounded(value, np.zeros(value.shape))


def _product(a: Rounded, b: Rounded, fp: Format) -> Rounded:
    """Matrix product; zeros are not rounded, so the length of a sum is the number of nonzeros in the row of `a`."""
    value, squares = a.value @ b.value, a.value**2 @ b.value**2
    n = np.count_nonzero(a.value, axis=1)[:, None]
    carried = a.variance @ b.value**2 + a.value**2 @ b.variance
    own = fp.u**2 * ((1 + n / 6) * squares + n / 3 * value**2)
    return Rounded(value, carried + own + _lost(n * ((squares > 0) | (value != 0)), fp))


def _lost(n: NDArray[Any], fp: Format) -> Vector:
    """Return the variance that underflow adds to a sum of n terms other than 0."""
    return (n * fp.eta) ** 2


def _times(a: Rounded, b: Rounded, fp: Format) -> Rounded:
    value = a.value * b.value
    carried = a.variance * b.value**2 + a.value**2 * b.variance + a.variance * b.variance
    return Rounded(value, carried + fp.u**2 * value**2 + _lost((a.value != 0) & (b.value != 0), fp))


def _activation(name: str, z: Rounded, fp: Format) -> Rounded:
    if name == "softmax":
        return _softmax(z, fp)
    a = _f(name, z.value)
    carried = _df(name, z.value, a) ** 2 * z.variance
    if name in ("relu", "identity"):
        return Rounded(a, carried)
    return Rounded(a, carried + (ELEMENTARY * fp.u * a) ** 2 + _lost(z.value != 0, fp))


def _slope(name: str, z: Rounded, a: Rounded, fp: Format) -> Rounded:
    """f'(z): for sigmoid and tanh computed from a, which loses digits near 1; for ReLUs uncertain near the kink."""
    slope = _df(name, z.value, a.value)
    if name == "sigmoid":
        return Rounded(
            slope, (1 - 2 * a.value) ** 2 * a.variance + (2 * fp.u) ** 2 * (slope**2 + a.value**4) + fp.eta**2
        )
    if name == "tanh":
        return Rounded(slope, 4 * a.value**2 * a.variance + (2 * fp.u) ** 2 * (slope**2 + a.value**4) + fp.eta**2)
    if name == "identity":
        return _exact(slope)
    low = 0.0 if name == "relu" else LEAKY_SLOPE
    at_kink = np.abs(z.value) <= SIGMAS * np.sqrt(z.variance)
    return Rounded(slope, np.where(at_kink & (z.variance > 0), (1 - low) ** 2, (fp.u * low) ** 2))


def _softmax(z: Rounded, fp: Format) -> Rounded:
    shifted = z.value - z.value.max(axis=1, keepdims=True)
    e = np.exp(shifted)
    a = e / e.sum(axis=1, keepdims=True)
    # da_i = a_i (dz_i - sum_k a_k dz_k); the shift is rounded like any number of its size, and exp magnifies that
    own = z.variance + fp.u**2 * (shifted**2 + ELEMENTARY**2)
    mean = (a**2 * own).sum(axis=1, keepdims=True)
    # the sum and the quotient are rounded too
    return Rounded(a, a**2 * ((1 - 2 * a) * own + mean + 2 * fp.u**2) + fp.eta**2)


def _f(name: str, z: Vector) -> Vector:
    if name == "sigmoid":
        return 1 / (1 + np.exp(-z))
    if name == "tanh":
        return np.tanh(z)
    if name == "identity":
        return z
    return np.where(z > 0, z, (LEAKY_SLOPE if name == "leaky_relu" else 0.0) * z)


def _df(name: str, z: Vector, a: Vector) -> Vector:
    if name == "sigmoid":
        return a * (1 - a)
    if name == "tanh":
        return 1 - a * a
    if name == "identity":
        return np.ones_like(z)
    return np.where(z > 0, 1.0, LEAKY_SLOPE if name == "leaky_relu" else 0.0)
