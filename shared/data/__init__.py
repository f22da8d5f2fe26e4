"""The data pipeline: MNIST (found or downloaded, always verified) or the bundled digits."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from shared.data import digits, mnist
from shared.data.dataset import Dataset, Split
from shared.data.errors import DataError

__all__ = ["LOADERS", "DataError", "Dataset", "Split", "load"]

LOADERS: Final[Mapping[str, Callable[..., Dataset]]] = MappingProxyType({"mnist": mnist.load, "digits": digits.load})
"""key -> load(data_dir, offline=...); `shared.options.DATASETS` has the same names."""


def load(name: str, data_dir: Path | None, *, offline: bool) -> tuple[Dataset, str]:
    """Return a data set and a line to show to the user, which is empty if it is the requested data set.

    Parameters
    ----------
    name : a key of `LOADERS`, or "auto": MNIST if it is found or can be downloaded, otherwise the digits.
    data_dir : where the files are, or are downloaded to; None for `$SAMEGRAD_DATA`, or else `data/`.
    offline : make no connection.

    Raises
    ------
    DataError
        If "mnist" is not available, or if its files are damaged (with "auto" too).
    """
    if name != "auto":
        return LOADERS[name](data_dir, offline=offline), ""
    try:
        return mnist.load(data_dir, offline=offline), ""
    except mnist.MnistUnavailableError as error:
        notice = f"using the bundled digits instead of MNIST: {error.file}: {error.found}; for MNIST: {error.remedy}"
        return digits.load(), notice
