"""Which part of an implementation the time goes to: forward, loss and gradients, update, conversion.

The sections are those of its source, whose headings all implementations share. A timer interrupts the training every
millisecond; the time since its last tick counts for the section whose code is at work, or is waited for by the library
that it called. So nothing is changed that a framework has compiled, and a whole epoch within one compiled call counts
for the section that calls it, or where its result is waited for (JAX computes while Python goes on).
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

from shared.interface import Network
from shared.measure import system

TICK_SECONDS: Final = 0.001


def titles(source: str) -> dict[int, str]:
    """Return line -> title of each section heading of a source."""
    found = {n: re.fullmatch(r"    # ---- (.+?) -+", line) for n, line in enumerate(source.splitlines(), 1)}
    return {number: match[1] for number, match in found.items() if match}


def lines(source: str) -> dict[int, str]:
    """Return line -> section for every line of the class Network that lies below a heading."""
    found: dict[int, str] = {}
    headings = titles(source)
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef) and node.name == "Network":
            section = ""
            for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                section = headings.get(line, section)
                if section:
                    found[line] = section
    return found


def _files(network: Network) -> dict[str, dict[int, str]]:
    """Return the sections of each file that the class of a network, and what it changes, are written in."""
    found: dict[str, dict[int, str]] = {}
    for cls in type(network).__mro__:
        with suppress(TypeError, OSError, SyntaxError, ValueError):  # a source that cannot be had has no sections
            path = inspect.getfile(cls)
            found[path] = lines(Path(path).read_text(encoding="utf-8"))
    return found


@contextmanager
def sampled(network: Network) -> Iterator[dict[str, float]]:
    """See, while the block runs, which section is at work; yields its seconds by section, which add up as they come.

    None do where the system has no timer that interrupts (Windows). A thread that looks on instead sees what it is let
    see: with NumPy it never met the forward pass.
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
