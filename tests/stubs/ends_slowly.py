"""Does something long when its process ends."""

import atexit
import time

from impls.numpy_scratch import Network  # noqa: F401

atexit.register(time.sleep, 600)
