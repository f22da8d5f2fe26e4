"""Starts a thread that keeps its process from ending."""

import threading
import time
from typing import Any

from impls.numpy_scratch import Network as Scratch


class Network(Scratch):
    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        threading.Thread(target=time.sleep, args=(600,)).start()
