"""Puts a pipe, from which nothing ever comes, in the place of its result."""

import atexit
import os
import sys

from impls.numpy_scratch import Network  # noqa: F401


def replace() -> None:
    path = sys.argv[1].removesuffix(".job.json") + ".json"
    os.unlink(path)  # noqa: PTH108
    os.mkfifo(path)


atexit.register(replace)
