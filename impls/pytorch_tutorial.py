"""The network in PyTorch as tutorials train it: torchvision's MNIST, transforms and DataLoader, in the given order."""

import math
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, TensorDataset

from impls import pytorch
from impls.pytorch import set_threads as set_threads
from shared.interface import Array, Labels
from shared.spec import MEAN, STANDARD_DEVIATION

ON_REQUEST = True  # three times as slow as pytorch: run by name or with -i all

ROUNDING = 4_000
"""Allowed error of a grey level that was standardised and converted back, in machine epsilons."""

OPERATORS = torch.library.Library("torchvision", "FRAGMENT")


def declare_operators() -> None:
    """Declare the operators that torchvision's import needs, if its compiled ones cannot be loaded.

    Its wheels on the package index are built for CUDA torch. With a CPU-only torch the import fails with "operator
    torchvision::nms does not exist" (pytorch/vision issue 9085), although datasets and transforms need no operator.
    """
    try:
        import torchvision  # noqa: F401
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            raise
        for name in ("nms", "qnms"):
            OPERATORS.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


declare_operators()
from torchvision import datasets, transforms  # noqa: E402


class Network(pytorch.Network):
    """`pytorch` with the loop over a DataLoader used in tutorials; the rest is unchanged."""

    # ---- Update (8) ------------------------------------------------------------------------------------

    def train(self, order: Labels) -> None:
        torch.set_default_dtype(self.dtype)  # the dtype of ToTensor's result
        loader: DataLoader[Any] = DataLoader(self.examples, self.training.batch_size, sampler=order.tolist())
        for images, labels in loader:
            self.gradients(images.flatten(1), self.one_hot(labels.numpy()), len(labels))
            self.optimizer.step()  # (8)

    # ---- Conversion ------------------------------------------------------------------------------------

    def load(self, x: Array, y: Labels) -> None:
        self.examples = examples(x, y)


class Images(datasets.MNIST):
    """torchvision's MNIST with given images (n, side, side) and labels, instead of those in its files."""

    def __init__(self, images: torch.Tensor, labels: torch.Tensor, transform: transforms.Compose) -> None:
        super(datasets.MNIST, self).__init__(root="", transform=transform)
        self.data, self.targets = images, labels


def examples(x: Array, y: Labels) -> Dataset[Any]:
    """Return a training set as `Images`, with x converted back to grey levels.

    If x was not made from square images with 256 grey levels, standardised or not, it is a TensorDataset.
    """
    steps = [transforms.ToTensor()]
    levels = x
    if x.min(initial=0) < 0:
        steps.append(transforms.Normalize((MEAN,), (STANDARD_DEVIATION,)))
        levels = x * x.dtype.type(STANDARD_DEVIATION) + x.dtype.type(MEAN)
    levels = levels * x.dtype.type(255)
    grey = np.rint(levels).clip(0, 255)
    side = math.isqrt(x.shape[1])
    if side * side != x.shape[1] or np.abs(levels - grey).max(initial=0) > ROUNDING * np.finfo(x.dtype).eps:
        return TensorDataset(torch.from_numpy(x), torch.from_numpy(y))
    images = torch.from_numpy(grey.astype(np.uint8).reshape(-1, side, side))
    return Images(images, torch.from_numpy(y), transforms.Compose(steps))
