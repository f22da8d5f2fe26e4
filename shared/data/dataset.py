"""A data set as every implementation gets it: bytes in memory, x / 255 in the run's dtype."""

import hashlib
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.errors import SettingError, SpecError
from shared.interface import Array, Labels
from shared.layers import Dense
from shared.spec import MEAN, STANDARD_DEVIATION, NetworkSpec


@dataclass(frozen=True)
class Split:
    """Images and their labels."""

    images: NDArray[np.uint8]
    """(n, 784) grey levels, 0 for the background and 255 for the ink"""
    labels: NDArray[np.uint8]
    """(n,) digits from 0 to 9"""
    standardised: bool = False
    """whether x has mean 0 and standard deviation 1 over MNIST's training pixels, instead of values from 0 to 1"""

    def __len__(self) -> int:
        return len(self.labels)

    def first(self, n: int) -> "Split":
        """Return the first n examples."""
        return replace(self, images=self.images[:n], labels=self.labels[:n])

    def take(self, rows: Labels) -> "Split":
        """Return the examples of these rows, in this order."""
        return replace(self, images=self.images[rows], labels=self.labels[rows])

    def arrays(self, dtype: str) -> tuple[Array, Labels]:
        """Return x = images / 255, optionally standardised, (n, 784) in `dtype`, and y, (n,) int64."""
        x: NDArray[Any] = self.images.astype(dtype)
        x /= 255
        if self.standardised:
            x -= MEAN
            x /= STANDARD_DEVIATION
        return x, self.labels.astype(np.int64)


@dataclass(frozen=True)
class Dataset:
    """Training, validation and test examples from one source, and facts about them."""

    name: str
    """as shown in tables"""
    train: Split
    validation: Split
    test: Split
    _: KW_ONLY
    key: str = ""
    """its key in `shared.data.LOADERS`"""
    epochs: int = 3
    """default number of passes over the training examples"""
    n_out: int = 10
    """number of classes"""
    image_shape: tuple[int, int] = (28, 28)
    """height and width of the images, whose rows follow one another in an example"""

    @property
    def n_in(self) -> int:
        """Inputs of one example: pixels."""
        return int(self.train.images.shape[1])

    def check(self, network: NetworkSpec, batch_size: int) -> None:
        """Refuse a network or a batch size that does not fit these examples.

        Raises
        ------
        SpecError
            If the network has a different number of inputs or outputs.
        SettingError
            If the batch is larger than the training set.
        """
        if (network.n_in, network.n_out) != (self.n_in, self.n_out):
            fitting = f"{self.n_in} inputs and {self.n_out} outputs, such as {self.n_in}-30-{self.n_out}"
            raise SpecError("network", network.sizes, fitting)
        if not isinstance(network.layers[0], Dense) and network.shapes[0] != (1, *self.image_shape):
            height, width = self.image_shape
            raise SpecError("network", "x".join(map(str, network.input_shape)), f"{height}x{width}, the images' size")
        if batch_size > len(self.train):
            most = f"at most {len(self.train):,}, the training images in use"
            raise SettingError("batch_size", f"got {batch_size:,}, expected {most}")

    def with_train_size(self, n: int) -> "Dataset":
        """Keep the first n training examples."""
        return replace(self, train=self.train.first(n))

    def with_test_size(self, n: int) -> "Dataset":
        """Keep the first n test examples, and at most as many for validation, which is evaluated as often."""
        return replace(self, test=self.test.first(n), validation=self.validation.first(n))

    def with_standardised_inputs(self) -> "Dataset":
        """Return the data set with x of mean 0 and standard deviation 1."""
        splits = {name: replace(getattr(self, name), standardised=True) for name in ("train", "validation", "test")}
        return replace(self, **splits)

    @cached_property
    def digest(self) -> str:
        """The sha256 of all images and labels in use; two runs with the same digest used the same data."""
        sha = hashlib.sha256()
        for split in (self.train, self.validation, self.test):
            for array in (split.images, split.labels):
                sha.update(np.ascontiguousarray(array).data)
        if self.train.standardised:
            sha.update(b"standardised")
        return sha.hexdigest()

    @property
    def title(self) -> str:
        """Name, sizes and digest, for the heading of a table."""
        return (
            f"{self.name}: {len(self.train):,} training, {len(self.validation):,} validation and "
            f"{len(self.test):,} test images{', standardised' * self.train.standardised}, sha256 {self.digest[:12]}"
        )
