"""Is not available: its framework takes the process with it."""

import os
import signal

from impls.numpy_scratch import Network as Network

os.kill(os.getpid(), signal.SIGSEGV)
