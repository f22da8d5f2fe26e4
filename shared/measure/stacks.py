"""Where the time of a user's own file goes: by its call stack, without headings in it.

A timer interrupts the training every millisecond, as in `shared.measure.profile`. The time since its last tick counts
for the line of the file that is running, and for the part of a library that this line called.
"""

import linecache
import re
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import cache
from time import perf_counter
from types import FrameType
from typing import Final, NamedTuple

from shared.measure import system
from shared.measure.profile import TICK_SECONDS

TRACING, LOADER, PREDICT, FIT = "tracing", "the DataLoader", "model.predict", "model.fit"
EAGER: Final = "one operation at a time"
PARTS: Final = {
    PREDICT: r"keras/src/(trainers|backend/\w+)/trainer\.py:predict$",
    TRACING: r"func_graph\.py:func_graph_from_py_func$|jax/_src/.*:(trace_to_jaxpr\w*|backend_compile\w*|"
    r"_cached_lower\w*|compile_or_get_cached|_create_pjit_jaxpr)$|torch/_dynamo/(convert_frame|symbolic_convert)\.py:|torch/jit/_trace",
    LOADER: r"torch/utils/data/",
    EAGER: r"jax/_src/dispatch\.py:apply_primitive$",
    "tf.data": r"tensorflow/python/data/",
    FIT: r"keras/src/(trainers|backend/\w+)/trainer\.py:(fit|train_on_batch)$",
    "the optimizer": r"torch/optim/|keras/src/optimizers/|optax/",
    "backpropagation": r"torch/autograd/|torch/_tensor\.py:backward$|tensorflow/python/eager/backprop\.py:|"
    r"jax/_src/api\.py:(value_and_)?grad_f",
    "the layers": r"torch/nn/modules/|keras/src/(layers|models|ops|activations)/|flax/|equinox/",
}
"""part of a library -> which of its functions, as path:name, are it; the first that is on the stack counts."""
COMPILED: Final = "what torch.compile made"
_PATTERNS: Final = {part: re.compile(pattern) for part, pattern in PARTS.items()} | {
    COMPILED: re.compile(r"torchinductor|torch/_inductor/|torch/_functorch/_aot_autograd")
}


class Spent(NamedTuple):
    """A line of the file, and what it called."""

    part: str
    """of a library, as in `PARTS`; "" for the rest"""
    line: int
    """0 if no line of the file is on the stack"""
    text: str
    share: float


class Samples:
    """What the timer saw; it grows while the block runs."""

    def __init__(self, files: Collection[str]) -> None:
        self.files = files
        self.seconds = dict[tuple[str, str, int], float]()
        self.compiled = False
        """whether code that torch.compile made was running"""

    def note(self, frame: FrameType | None, seconds: float) -> None:
        """Count this time for what is on the stack."""
        stack = list[tuple[str, str, int]]()  # innermost first
        while frame is not None:
            stack.append((_name(frame), frame.f_code.co_filename, frame.f_lineno))
            frame = frame.f_back
        parts = [_parts(name) for name, _, _ in stack]
        self.compiled = self.compiled or any(COMPILED in each for each in parts)
        part = next((part for part in PARTS if any(part in each for each in parts)), "")
        # below a library's function may be methods of the file that it calls
        outside = stack[max(k for k, each in enumerate(parts) if part in each) + 1 :] if part else stack
        file, line = next(((path, line) for _, path, line in outside if path in self.files), ("", 0))
        key = part, file, line
        self.seconds[key] = self.seconds.get(key, 0.0) + seconds

    def shares(self) -> list[Spent]:
        """Return the lines and parts, largest first."""
        total = sum(self.seconds.values()) or 1.0
        return [
            Spent(part, line, linecache.getline(file, line).strip() if line else "", seconds / total)
            for (part, file, line), seconds in sorted(self.seconds.items(), key=lambda each: -each[1])
        ]


def traces(function: Callable[[], object]) -> int:
    """Return how often something is traced while a function runs, inside of which nothing else is traced."""
    depth = count = 0

    def note(frame: FrameType, event: str, _: object) -> None:
        nonlocal depth, count
        if event in ("call", "return") and TRACING in _parts(_name(frame)):
            count += event == "call" and depth == 0
            depth += 1 if event == "call" else -1

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


def _name(frame: FrameType) -> str:
    return f"{frame.f_code.co_filename}:{frame.f_code.co_name}".replace("\\", "/")


@cache
def _parts(name: str) -> frozenset[str]:
    return frozenset(part for part, pattern in _PATTERNS.items() if pattern.search(name))


@contextmanager
def sampled(files: Collection[str]) -> Iterator[Samples]:
    """Sample the block; empty on a system without such a timer (Windows).

    Parameters
    ----------
    files : the paths of the user's file, as its code objects have them.
    """
    found, last = Samples(files), perf_counter()

    def tick(_: int, frame: FrameType | None) -> None:
        nonlocal last
        now = perf_counter()
        found.note(frame, now - last)
        last = perf_counter()

    with system.interrupted(TICK_SECONDS, tick):
        yield found
