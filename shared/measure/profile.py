"""Which part of an implementation takes the time: forward, loss and gradients, update, conversion.

The sections are those of its source; all implementations have the same section headings. A timer interrupts the
training every millisecond. The time since its last tick counts for the section that is running, or that waits for a
library call. Compiled code is not changed for this: a whole epoch within one compiled call counts for the section that
calls it, or that waits for its result (JAX computes while Python continues).
"""

import ast
import inspect
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import perf_counter
from types import FrameType
from typing import Final

from shared.boundary import parsed
from shared.interface import Network
from shared.measure import system

TICK_SECONDS: Final = 0.001


def titles(source: str) -> dict[int, str]:
    """Return line -> title for each section heading of a source."""
    found = {n: re.fullmatch(r"    # ---- (.+?) -+", line) for n, line in enumerate(source.splitlines(), 1)}
    return {number: match[1] for number, match in found.items() if match}


def lines(source: str) -> dict[int, str]:
    """Return line -> section for every line of the class Network below a heading."""
    found: dict[int, str] = {}
    headings = titles(source)
    for node in parsed(source).body:
        if isinstance(node, ast.ClassDef) and node.name == "Network":
            section = ""
            for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                section = headings.get(line, section)
                if section:
                    found[line] = section
    return found


def _files(network: Network) -> dict[str, dict[int, str]]:
    """Return the sections of each file that defines the class of a network or one of its base classes."""
    found: dict[str, dict[int, str]] = {}
    for cls in type(network).__mro__:
        with suppress(TypeError, OSError, SyntaxError, ValueError):  # without a source there are no sections
            path = inspect.getfile(cls)
            found[path] = lines(Path(path).read_text(encoding="utf-8"))
    return found


@contextmanager
def sampled(network: Network) -> Iterator[dict[str, float]]:
    """Measure which section runs during the block; yields section -> seconds, which grows while the block runs.

    It stays empty if the system has no timer that interrupts (Windows). A thread that samples instead misses sections:
    with NumPy it never saw the forward pass.
    """
    files, seconds, last = _files(network), dict[str, float](), perf_counter()

    def tick(_: int, frame: FrameType | None) -> None:
        nonlocal last
        now = perf_counter()
        while frame is not None:
            section = files.get(frame.f_code.co_filename, {}).get(frame.f_code.co_firstlineno)
            if section:
                seconds[section] = seconds.get(section, 0.0) + now - last
                break
            frame = frame.f_back
        last = now

    with system.interrupted(TICK_SECONDS, tick):
        yield seconds
