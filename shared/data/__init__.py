"""The data pipeline: MNIST (found or fetched, always verified) or the bundled digits."""

import os
from pathlib import Path

from shared.data import digits, mnist
from shared.data.dataset import Dataset, Split
from shared.data.errors import DataError

__all__ = ["DataError", "Dataset", "Split", "load"]


def load(name: str, data_dir: Path | None, *, offline: bool) -> tuple[Dataset, str]:
    """Return a data set and a line to show the user, empty unless there is something to tell.

    Parameters
    ----------
    name : "mnist", "digits", or "auto": MNIST if it is there or can be fetched, the digits otherwise.
    data_dir : where MNIST lies or is downloaded to; None for `$SAMEGRAD_DATA`, or else `data/`.
    offline : make no connection.

    Raises
    ------
    DataError
        If "mnist" is not to be had, or if files that are there are damaged (with "auto", too).
    """
    if name == "digits":
        return digits.load(), ""
    folder = data_dir or Path(os.environ.get("SAMEGRAD_DATA") or "data")
    try:
        folder = folder.expanduser()  # a shell leaves the ~ of --data-dir=~/mnist alone; pooch would not
    except RuntimeError as error:
        raise DataError(folder, "a home that is unknown", "a folder", "give another --data-dir") from error
    try:
        return mnist.load(folder, offline=offline), ""
    except mnist.MnistUnavailableError as error:
        if name == "mnist":
            raise
        notice = f"using the bundled digits instead of MNIST: {error.file}: {error.found}; for MNIST: {error.remedy}"
        return digits.load(), notice
