"""What typical mistakes in the backward pass of a convolution or a pool would give, to be compared with that."""

from collections.abc import Iterator
from itertools import product
from typing import Final, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from shared.reading.trials import Trial

ALIKE: Final = 1e-6
"""Relative error with which a prediction is met."""
CUT, WRITTEN, OVERWRITTEN, PLACED, SPREAD = "cut", "written", "overwritten", "placed", "spread"
"""The line of a mistake: that cuts a rim off, writes a gradient, writes over one, says where it goes, or shares it."""


class Made(NamedTuple):
    """A mistake with its gradient in the order of `Canonical`."""

    name: str
    description: str
    remedy: str
    where: str
    gradient: np.ndarray


class Canonical:
    """A trial with its arrays as x (N, C, H, W), w (F, C, k, k) and out (N, F, H, W)."""

    def __init__(self, trial: Trial) -> None:
        self.style, self.setting = trial.style, trial.setting
        names = list(trial.derivatives.arrays)
        arrays = trial.derivatives.arrays
        kernels = [name for name in names[1:] if arrays[name].ndim == len(self.style.w)]
        self.x_name, self.w_name = names[0], (kernels[0] if kernels and not trial.is_pool else "")
        self.x = self.ordered(arrays[self.x_name], self.style.x, "NCHW")
        self.cotangent = self.ordered(trial.cotangent, self.style.out, "NCHW" if trial.is_pool else "NFHW")
        self.out = self.ordered(trial.out, self.style.out, "NCHW" if trial.is_pool else "NFHW")
        self.w = self.ordered(arrays[self.w_name], self.style.w, "FChw") if self.w_name else np.zeros((1, 1, 0, 0))
        others = [arrays[name] for name in names[1:] if name != self.w_name]
        self.b = others[0] if others and not trial.is_pool else np.zeros(1)

    @staticmethod
    def ordered(array: np.ndarray, axes: str, order: str) -> np.ndarray:
        """Return an array with its axes in another order, and an axis of 1 for each that it has not."""
        moved = array.transpose([axes.index(axis) for axis in order if axis in axes])
        return moved.reshape([array.shape[axes.index(axis)] if axis in axes else 1 for axis in order])

    def axes_of(self, name: str) -> tuple[str, str]:
        """Return the axes of a tensor, as it is and in our order."""
        return (self.style.x, "NCHW") if name == self.x_name else (self.style.w, "FChw")

    def windows(self, x: np.ndarray, stride: int, size: tuple[int, int]) -> np.ndarray:
        """Return the windows at the places of the output, (N, C, H, W, k, k)."""
        height, width = self.cotangent.shape[2:]
        return sliding_window_view(x, size, axis=(2, 3))[:, :, ::stride, ::stride][:, :, :height, :width]

    def padded(self) -> np.ndarray:
        """Return x with its rim of zeros."""
        p = self.setting.pad
        return np.pad(self.x, ((0, 0), (0, 0), (p, p), (p, p)))

    def is_plain(self) -> bool:
        """Return whether the output is that of a convolution or pool as these predictions know it."""
        if not self.w_name:
            windows = self.windows(self.x, self.setting.stride, (self.setting.size, self.setting.size))
            expected = windows.max(axis=(4, 5)) if self.setting.mode == "max" else windows.mean(axis=(4, 5))
        else:
            windows = self.windows(self.padded(), self.setting.stride, (self.w.shape[2], self.w.shape[3]))
            linear = np.einsum("nchwij,fcij->nfhw", windows, self.w)
            if linear.shape != self.out.shape:
                return False
            rest = self.out - linear
            return bool(np.ptp(rest, axis=0).max() < ALIKE) and self._is_bias(rest[0])
        return expected.shape == self.out.shape and bool(np.allclose(expected, self.out))

    def _is_bias(self, rest: np.ndarray) -> bool:
        """Return whether what is added is the bias of each filter, or of each filter and place."""
        given = np.sort(np.unique(np.round(self.b, 9)))
        return bool(np.isin(np.round(rest, 6), np.round(np.append(given, 0.0), 6)).all())


def mistakes(c: Canonical, name: str) -> Iterator[Made]:
    """Yield what mistakes would give for a tensor; the right gradient is none of them."""
    if not c.is_plain():
        return
    if not c.w_name:
        yield from _of_pool(c)
    elif name == c.x_name:
        yield from _of_input(c)
    elif name == c.w_name:
        yield from _of_kernels(c)


def sent_back(c: Canonical, w: np.ndarray, stride: int, *, adds: bool = True) -> np.ndarray:
    """Return the gradient of the padded input: each entry of the output sends its kernel back to its window."""
    found = np.zeros(c.padded().shape)
    height, width = c.cotangent.shape[2:]
    if adds:
        for i, j in product(range(w.shape[2]), range(w.shape[3])):
            at = (..., slice(i, i + stride * height, stride), slice(j, j + stride * width, stride))
            part = np.einsum("nfhw,fc->nchw", c.cotangent, w[:, :, i, j])
            found[at][:, :, :height, :width] += part[:, :, : found[at].shape[2], : found[at].shape[3]]
        return found
    for i, j in product(range(height), range(width)):
        at = (..., slice(i * stride, i * stride + w.shape[2]), slice(j * stride, j * stride + w.shape[3]))
        found[at] = np.einsum("nf,fckl->nckl", c.cotangent[:, :, i, j], w)
    return found


def _of_input(c: Canonical) -> Iterator[Made]:
    s, p = c.setting.stride, c.setting.pad
    height, width = c.x.shape[2:]
    cut = (..., slice(p, p + height), slice(p, p + width))
    turned = c.w[:, :, ::-1, ::-1]
    yield Made(
        "kernel not turned on the way back",
        "the input gradient is sent back with the kernel the wrong way round, by 180 degrees",
        "add w[f] * dout[...] to each window as it is, or convolve dout with the kernel turned round: in full, it is "
        "convolve2d(dout, w, 'full') for a forward pass with correlate2d",
        WRITTEN, sent_back(c, turned, s)[cut],
    )  # fmt: skip
    if p:
        whole = sent_back(c, c.w, s)
        for first, where in ((0, "below and to the right"), (2 * p, "above and to the left")):
            yield Made(
                "padding forgotten when the input gradient is cut back",
                f"the gradient of the padded input is cut to the size of the input {where} only, so that all is "
                "shifted by the padding",
                "dx = dx_padded[..., pad:pad + H, pad:pad + W]",
                CUT, whole[..., first : first + height, first : first + width],
            )  # fmt: skip
    if s > 1:
        yield Made(
            "stride ignored in the input gradient",
            "the gradient goes to the windows at i, j, where the forward pass took those at i * stride, j * stride",
            "use the windows of the forward pass: i * stride, j * stride",
            PLACED, sent_back(c, c.w, 1)[cut],
        )  # fmt: skip
    last = c.w.copy()
    last[:-1] = 0
    for w in (c.w, last):
        yield Made(
            "input gradient overwritten instead of added",
            "windows overlap, and each one overwrites what the ones before it have sent back",
            "add: dx[...] += w[f] * dout[...]",
            OVERWRITTEN, sent_back(c, w, s, adds=False)[cut],
        )  # fmt: skip


def _of_kernels(c: Canonical) -> Iterator[Made]:
    size = (c.w.shape[2], c.w.shape[3])
    windows = c.windows(c.padded(), c.setting.stride, size)

    def summed(windows: np.ndarray, cotangent: np.ndarray = c.cotangent) -> np.ndarray:
        return np.asarray(np.einsum("nfhw,nchwij->fcij", cotangent, windows))

    yield Made(
        "kernel gradient turned",
        "the kernel gradient is turned by 180 degrees",
        "correlate the input with dout, as the forward pass correlates it with the kernel",
        WRITTEN, summed(windows)[:, :, ::-1, ::-1],
    )  # fmt: skip
    yield Made(
        "kernel gradient reshaped without being transposed",
        "the product with the patches has the filters last, and is given the shape of the kernels as it is",
        "transpose it first: (col.T @ dout).T.reshape(W.shape)",
        WRITTEN, summed(windows).reshape(len(c.w), -1).T.reshape(c.w.shape),
    )  # fmt: skip
    back = c.cotangent[:, :, ::-1, ::-1]
    for gradient in (summed(windows, back), summed(windows, back)[:, :, ::-1, ::-1]):
        yield Made(
            "dout turned in the kernel gradient",
            "the input is convolved with dout, which turns dout by 180 degrees",
            "correlate: correlate2d(x, dout, 'valid') for a forward pass with correlate2d",
            WRITTEN, gradient,
        )  # fmt: skip
    if c.setting.stride > 1:
        yield Made(
            "stride ignored in the kernel gradient",
            "the windows at i, j are taken, where the forward pass took those at i * stride, j * stride",
            "use the windows of the forward pass: i * stride, j * stride",
            PLACED, summed(c.windows(c.padded(), 1, size)),
        )  # fmt: skip
    if c.setting.pad:
        p = 2 * c.setting.pad
        yield Made(
            "padding forgotten in the kernel gradient",
            "the windows are taken from the input without its padding",
            "take them from the padded input, as the forward pass does",
            PLACED, summed(c.windows(np.pad(c.x, ((0, 0), (0, 0), (0, p), (0, p))), c.setting.stride, size)),
        )  # fmt: skip
    for last in ((slice(-1, None),) * 2, (slice(None), slice(-1, None))):  # of the last example, or of all
        kept = np.zeros_like(c.cotangent)
        at = (last[0], slice(None), last[1], last[1])
        kept[at] = c.cotangent[at]
        yield Made(
            "kernel gradient overwritten instead of added",
            "each window overwrites the gradient of those before it: what is left is that of the last one",
            "add: dw[f] += window * dout[...]",
            OVERWRITTEN, summed(windows, kept),
        )  # fmt: skip


def _of_pool(c: Canonical) -> Iterator[Made]:
    s, k = c.setting.stride, c.setting.size
    everywhere = np.ones((1, 1, k, k))
    height, width = c.cotangent.shape[2:]
    spread, shifted, overwritten = (np.zeros_like(c.x) for _ in range(3))
    largest = c.windows(c.x, s, (k, k)).reshape(*c.cotangent.shape, -1).argmax(axis=4)
    for i, j in product(range(height), range(width)):
        spread[:, :, i * s : i * s + k, j * s : j * s + k] += c.cotangent[:, :, i : i + 1, j : j + 1] * everywhere
        for n, m in product(range(c.x.shape[0]), range(c.x.shape[1])):
            row, column = divmod(int(largest[n, m, i, j]), k)
            shifted[n, m, i + row, j + column] += c.cotangent[n, m, i, j]
            overwritten[n, m, i * s + row, j * s + column] = c.cotangent[n, m, i, j]
    if c.setting.mode == "max":
        yield Made(
            "the gradient of a max pool is spread over the window as an average",
            "every place of a window gets an equal share, where only the largest one changes the output",
            "give all of it to the place of the maximum",
            SPREAD, spread / k**2,
        )  # fmt: skip
        yield Made(
            "the gradient of a max pool goes to every place of the window",
            "every place of a window gets all of the gradient, where only the largest one changes the output",
            "give it to the place of the maximum only",
            SPREAD, spread,
        )  # fmt: skip
        yield Made(
            "stride ignored in the gradient of a pool",
            "the gradient goes to the windows at i, j, where the forward pass took those at i * stride, j * stride",
            "use the windows of the forward pass: i * stride, j * stride",
            PLACED, shifted,
        )  # fmt: skip
        yield Made(
            "the gradient of a pool is overwritten where windows overlap",
            "a maximum of several windows gets the gradient of the last one only",
            "add: dx[...] += dout[...]",
            OVERWRITTEN, overwritten,
        )  # fmt: skip
    else:
        yield Made(
            "the gradient of an average pool is not divided by the size of the window",
            "every place of a window gets all of the gradient, where the output is their mean",
            "divide by the number of places of the window",
            SPREAD, spread,
        )  # fmt: skip
