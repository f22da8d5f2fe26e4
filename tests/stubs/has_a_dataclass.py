"""Right, and written as many are: a dataclass with postponed annotations looks its module up in `sys.modules`."""

from __future__ import annotations

from dataclasses import dataclass

from impls.numpy_scratch import Network as Network


@dataclass
class Options:
    depth: int = 1
