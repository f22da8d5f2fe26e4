"""A tf.data.Dataset of a file, run so that it gives all its examples in one batch and in the order that they have."""

import math
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final, NamedTuple

from shared.adapters.replacing import replace
from shared.adapters.stand_ins import UnfollowedError, as_bytes, one_of, shaped
from shared.interface import Array

SAME: Final = ("repeat", "take", "skip", "shard", "cache", "snapshot")
"""Methods that change which examples there are, or where they are kept, and not what they are."""


DROPPED: Final = "last batch dropped"
WHOLE: Final = "no smaller batch to drop"


class Order(NamedTuple):
    """What an epoch takes of the examples."""

    shuffled: bool
    drops_last: bool
    """whether a last batch that is smaller is left out"""
    batch: int = 0
    """examples of a batch; 0 if it is not known"""

    def words(self, count: int) -> list[str]:
        """Return it in words, for so many examples; 0 if it is not known how many."""
        is_whole = count > 0 and self.batch > 0 and count % self.batch == 0
        drops = [WHOLE if is_whole else DROPPED] if self.drops_last else []
        return ["in batches", *["shuffled"] * self.shuffled, *drops]


@contextmanager
def straight(rows: int) -> Iterator[None]:
    """Let each tf.data.Dataset give all of so many examples in one batch, in the order in which they are made."""
    tf = sys.modules.get("tensorflow")
    with ExitStack() as stack:
        if tf is not None:
            cls = tf.data.Dataset
            shuffle, batch, mapped = cls.shuffle, cls.batch, cls.map

            def all_of(data: Any, batch_size: Any = None, drop_remainder: Any = False, *_: Any, **__: Any) -> Any:
                made = batch(data, rows, drop_remainder)
                made.written = int(batch_size)
                return made

            def as_written(data: Any, function: Any, *_: Any, **__: Any) -> Any:
                is_own = hasattr(function, "__code__")  # what is compiled here has no source for AutoGraph
                return mapped(data, tf.autograph.experimental.do_not_convert(function) if is_own else function)

            replace(stack, cls, "map", as_written)
            replace(stack, cls, "shuffle", lambda data, *_, **__: shuffle(data, 1))  # an order is kept by a buffer of 1
            replace(stack, cls, "batch", all_of)
            for name in SAME:
                replace(stack, cls, name, lambda data, *_, **__: data)
        yield


def is_pipeline(value: Any) -> bool:
    """Return whether a value is a tf.data.Dataset."""
    tf = sys.modules.get("tensorflow")
    return tf is not None and isinstance(value, tf.data.Dataset)


def element(data: Any, key: int | str, rows: int) -> Any:
    """Return a part of what a tf.data.Dataset gives for all examples."""
    if not is_pipeline(data):
        raise UnfollowedError("what it takes its batches from is no tf.data.Dataset that is known here")
    if not any("Batch" in type(each).__name__ for each in _made_of(data)):
        data = data.batch(rows)
    return next(iter(data))[key]


def order_of(data: Any) -> Order | None:
    """Return what a tf.data.Dataset takes of its examples; None of anything else."""
    if not is_pipeline(data):
        return None
    parts = list(_made_of(data))
    batched = [each for each in parts if "Batch" in type(each).__name__]
    drops = any(bool(getattr(each, "_drop_remainder", False)) for each in batched)
    batch = next((getattr(each, "written", 0) for each in batched), 0)
    return Order(any("Shuffle" in type(each).__name__ for each in parts), drops, batch)


def _made_of(data: Any) -> Iterator[Any]:
    yield data
    for each in data._inputs():
        yield from _made_of(each)


def is_tensorflow(text: str) -> bool:
    """Return whether an expression loads a tf.data.Dataset."""
    is_loaded = re.search(r"\btfds\.load\(|\.as_dataset\(", text) and "batch_size=-1" not in text
    return "tensorflow" in sys.modules and bool(is_loaded or "dataset_from_directory(" in text)


def loaded_by_tensorflow(x: Array, y: Array, size: int, text: str) -> Any:
    """Return what `tfds.load` gives, or Keras of the images in a folder, with these images in the place of others."""
    tf = sys.modules["tensorflow"]
    shape = (*one_of(size), 1)
    if size % 3 == 0 and math.isqrt(size // 3) ** 2 == size // 3 and size not in (784,):
        shape = (math.isqrt(size // 3),) * 2 + (3,)
    images = shaped(as_bytes(x), shape)
    if "dataset_from_directory(" in text:
        data = tf.data.Dataset.from_tensor_slices((images.astype("float32"), y.astype("int32")))
        data = data if "shuffle=False" in text else data.shuffle(len(y))
        return data.batch(len(y))
    parts = (images, y) if re.search(r"as_supervised=True", text) else {"image": images, "label": y}
    return tf.data.Dataset.from_tensor_slices(parts)
