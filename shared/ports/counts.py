"""What can be counted of a step: lines of Python, and operations that Python hands to a framework one by one."""

import sys
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Any, Final

FEW_STEPS: Final = 10


def framework() -> str:
    """Return which framework this process has loaded: "torch", "tensorflow", "jax" or "numpy"."""
    if any(sys.modules.get(name) is not None for name in ("flax", "equinox")):
        return "jax"  # whatever it loads its data with
    return next((name for name in ("torch", "tensorflow", "jax") if sys.modules.get(name) is not None), "numpy")


def lines_each(function: Callable[[int], object], size: int, files: Collection[str]) -> float:
    """Return how many lines of the file run for each example more: none where arrays are computed as a whole."""
    few, more = (_lines(partial(function, n), files) for n in (size, 3 * size))
    return (more - few) / (2 * size)


def _lines(function: Callable[[], object], files: Collection[str]) -> int:
    """Return how many lines of these files run; each pass of a loop counts its lines again."""
    count = 0

    def note(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        count += event == "line"
        return note if frame.f_code.co_filename in files else None

    for _ in range(2):  # what is made, or traced, for these examples once is not counted
        function()
    before = sys.gettrace()
    sys.settrace(note)
    try:
        function()
    finally:
        sys.settrace(before)
    return count


def operations(train: Callable[[int], object]) -> float | None:
    """Return how many operations each step more hands to PyTorch or TensorFlow; None for others."""
    counted = {"torch": _dispatches, "tensorflow": _eager_operations}.get(framework())
    if counted is None:
        return None
    with suppress(ImportError, AttributeError):  # both are of parts of them that may change
        return each_step(lambda n: counted(partial(train, n)))
    return None


def each_step(count: Callable[[int], int]) -> float:
    """Return what each step more adds to a count; what a call has by itself is not in it."""
    return (count(FEW_STEPS) - count(3)) / (FEW_STEPS - 3)


def _dispatches(function: Callable[[], object]) -> int:
    count = 0
    mode = __import__("torch.utils._python_dispatch", fromlist=["_"]).TorchDispatchMode

    class Counted(mode):  # type: ignore[misc, valid-type]
        def __torch_dispatch__(self, operation: Any, _: Any, arguments: Any = (), named: Any = None) -> Any:
            nonlocal count
            count += 1
            return operation(*arguments, **(named or {}))

    with Counted():
        function()
    return count


def _eager_operations(function: Callable[[], object]) -> int:
    count = 0
    callbacks = __import__("tensorflow.python.framework.op_callbacks", fromlist=["_"])

    def note(*_: Any, graph: Any = None, **__: Any) -> None:
        nonlocal count
        count += graph is None

    callbacks.add_op_callback(note)
    try:
        function()
    finally:
        callbacks.remove_op_callback(note)
    return count
