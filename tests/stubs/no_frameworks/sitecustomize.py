"""Makes packages absent ($SAMEGRAD_TEST_ABSENT) or broken ($SAMEGRAD_TEST_BROKEN), for every Python that starts."""

import os
import sys
from typing import Any

ABSENT = os.environ.get("SAMEGRAD_TEST_ABSENT", "").split(",")
BROKEN = os.environ.get("SAMEGRAD_TEST_BROKEN", "").split(",")


class Without:
    """A finder that does not find some packages, and fails on others."""

    def __init__(self, finder: Any) -> None:
        self.finder = finder

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name in ABSENT:
            return None
        if name in BROKEN:
            raise RuntimeError(f"operator {name}::nms does not exist")
        return self.finder.find_spec(name, path, target)


sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
