"""Files named without -i, as people type them: `lockstep a.py b.py`."""

import argparse
from typing import Any


class _Files(argparse.Action):
    """Adds files to the implementations that -i names."""

    def __call__(self, _: Any, arguments: argparse.Namespace, values: Any, __: str | None = None) -> None:
        """Leave None where there are neither."""
        arguments.implementation = [*(arguments.implementation or []), *(values or [])] or None


def file_arguments(p: argparse.ArgumentParser) -> None:
    """Let files be named without -i."""
    of_file = "as -i; mine.py:net is one of several models of PyTorch, Keras, Flax or Equinox in a file"
    p.add_argument("implementation", nargs="*", action=_Files, metavar="FILE", help=of_file)
