"""Names of modules and classes that stand for something else for a while."""

from contextlib import ExitStack
from typing import Any


def replace(stack: ExitStack, place: Any, name: str, value: Any) -> None:
    """Let a name of a module or a class stand for something else, until the stack ends."""
    before = getattr(place, name)
    setattr(place, name, value)
    stack.callback(setattr, place, name, before)
