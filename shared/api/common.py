"""Shared by the functions: options as keyword arguments, and results that print themselves."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

from threadpoolctl import threadpool_limits

from shared import data
from shared.data import Dataset
from shared.errors import SettingError, check_choice, nearest
from shared.options import DATASETS, DEFAULTS
from shared.report.document import Document, html, text

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
WIDTH: Final = 100
"""Characters per line when Python prints a result."""
DATA: Final = ("dataset", "data_dir", "offline")
Progress = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]
"""Takes a description and the number of items, None if unknown; yields a function to call with the number finished."""


def one_thread(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Limit BLAS to one thread, for code that computes while other processes run: on busy cores its threads wait."""

    @wraps(function)
    def limited(*arguments: Arguments.args, **options: Arguments.kwargs) -> Result:
        with threadpool_limits(limits=1):
            return function(*arguments, **options)

    return limited


@contextmanager
def no_progress(_: str, __: int | None) -> Iterator[Callable[[int], None]]:
    """Show nothing."""
    yield lambda _: None


@dataclass(frozen=True, repr=False)
class Printed:
    """The result of a function; `document` is what is printed, also by the command line."""

    document: Document

    def __repr__(self) -> str:
        return text(self.document, WIDTH)

    def _repr_html_(self) -> str:
        return html(self.document)


def given_options(options: dict[str, Any], allowed: tuple[str, ...]) -> dict[str, Any]:
    """Return the options, None for each that is not given; TypeError for one that the function does not take."""
    unknown = [name for name in options if name not in allowed]
    if unknown:
        raise TypeError(
            f"options: got {unknown[0]!r}, expected one of {', '.join(allowed)}{nearest(unknown[0], allowed)}"
        )
    found: dict[str, Any] = dict.fromkeys(DEFAULTS) | options
    if found["network"] is not None:
        found["network"] = str(found["network"])  # a NetworkSpec prints its notation
    if found["sizes"] is not None:
        found["sizes"] = tuple(found["sizes"])
    if found["network"] is not None and found["sizes"] is not None:
        raise SettingError("network", f"got {found['network']!r} together with sizes, expected one of the two")
    if found.get("data_dir") is not None:
        found["data_dir"] = Path(found["data_dir"])
    return found


def load_data(given: dict[str, Any]) -> Dataset:
    """Return the requested data set; if another one replaces it, a line on stderr says so."""
    name = given["dataset"] or DEFAULTS["dataset"]
    check_choice("dataset", name, DATASETS)
    dataset, notice = data.load(name, given.get("data_dir"), offline=bool(given.get("offline")))
    if notice:
        print(notice, file=sys.stderr)
    return dataset
