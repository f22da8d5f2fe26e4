"""Kernels and images of frameworks with channels last, as those with channels first that all frameworks share."""

import numpy as np

from shared.interface import Array


def from_kernel(kernel: Array, image: tuple[int, ...] | None) -> Array:
    """Return a kernel (..., n_in, n_out) as W (n_out, n_in, ...); others as they are.

    Parameters
    ----------
    image : (h, w, c) of what was flattened before a dense layer, or None.
    """
    if kernel.ndim < 2:
        return kernel.copy()
    if image is not None:
        kernel = kernel.reshape(*image, -1).transpose(2, 0, 1, 3).reshape(kernel.shape)
    return np.ascontiguousarray(kernel.transpose(-1, -2, *range(kernel.ndim - 2)))


def to_kernel(W: Array, image: tuple[int, ...] | None) -> Array:
    """Return W as a kernel: what `from_kernel` was given."""
    if W.ndim < 2:
        return W
    kernel = W.transpose(*range(2, W.ndim), 1, 0)
    if image is not None:
        h, w, c = image
        kernel = kernel.reshape(c, h, w, -1).transpose(1, 2, 0, 3).reshape(kernel.shape)
    return kernel


def channels_first(values: Array, image: tuple[int, ...] | None, channels_last: bool = True) -> Array:
    """Return rows (n, size) with channels first, of images or of what was flattened from images (h, w, c)."""
    if image is not None:
        values = values.reshape(len(values), *image)
    return (values.transpose(0, 3, 1, 2) if values.ndim == 4 and channels_last else values).reshape(len(values), -1)
