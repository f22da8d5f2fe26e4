"""A training loop within JAX: `lax.scan` over the batches of an epoch, which a file calls with all of its examples.

Such a call is given one batch as all examples, with the sizes that make one step of it: the batch size of the file is
the number of the examples, and there is one batch.
"""

import inspect
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import numpy as np

from shared.adapters.replacing import replace
from shared.reading.names import plain
from shared.reading.source import NAME

SCANS: Final = re.compile(r"\b(scan|fori_loop)\(")
BATCH: Final = re.compile(r"(mini_?)?batch_?size|bs|b_?size|batch")
BATCHES: Final = re.compile(r"(n|num)_?(mini_?)?batch(es)?(_per_epoch)?|((n|num)_?)?steps(_?per_?epoch)?|batches")
EXAMPLES: Final = re.compile(r"n|(n|num)_?(train|examples|samples|data)(_examples)?|train_?(ds_)?size|dataset_?size")
EPOCHS: Final = re.compile(r"((n|num)_?)?epochs?")
"""Names of numbers: of the examples of a batch, of the batches of an epoch, of all examples, and of epochs."""


def give_sizes(scope: dict[str, Any], count: int, batch: int, is_scanned: bool) -> None:
    """Set the numbers of a file that are those of its batches, and where it scans of its examples, by their names."""
    sizes = {BATCH: batch} | ({BATCHES: count // batch, EXAMPLES: count, EPOCHS: 1} if is_scanned else {})
    scope |= _given(scope, sizes)
    for value in scope.values() if is_scanned else ():
        function = inspect.unwrap(value) if callable(value) else value
        if inspect.isfunction(function) and function.__module__ == NAME and function.__defaults__:
            names = list(inspect.signature(function).parameters)[: function.__code__.co_argcount]
            defaults = dict(zip(names[-len(function.__defaults__) :], function.__defaults__, strict=True))
            function.__defaults__ = tuple((defaults | _given(defaults, sizes)).values())


def _given(values: dict[str, Any], sizes: dict[re.Pattern[str], int]) -> dict[str, int]:
    """Return the numbers among values that are sizes, by their names, with what they are to be."""
    return {name: size for name, value in values.items() if type(value) is int
            for pattern, size in sizes.items() if pattern.fullmatch(plain(name))}  # fmt: skip


class InOrder(np.random.Generator):
    """Draws numbers, and shuffles nothing: the examples of a batch stay in the order in which they are given."""

    def permutation(self, x: Any, axis: int = 0) -> Any:
        """Return what is to be shuffled, or 0 to x - 1."""
        del axis
        return _in_order(x)

    def shuffle(self, x: Any, axis: int = 0) -> None:
        """Leave it as it is."""


def _in_order(x: Any) -> Any:
    return np.arange(x) if np.ndim(x) == 0 else np.array(x)


@contextmanager
def unshuffled(jax: Any) -> Iterator[None]:
    """Leave the examples in the order in which they are given, whatever shuffles them."""

    def permutation(_: Any, x: Any, *__: Any, **___: Any) -> Any:
        return jax.numpy.arange(x) if np.ndim(x) == 0 else jax.numpy.asarray(x)

    default_rng = np.random.default_rng
    with ExitStack() as stack:
        replace(stack, jax.random, "permutation", permutation)
        replace(stack, np.random, "permutation", _in_order)
        replace(stack, np.random, "default_rng", lambda seed=None: InOrder(default_rng(seed).bit_generator))
        yield
