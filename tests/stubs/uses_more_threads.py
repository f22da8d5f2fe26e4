"""Rejected: a second thread works as well, whatever it was asked for."""

import threading

import numpy as np

from impls.numpy_scratch import Network as Network


def work() -> None:
    a = np.ones((500, 500))
    while True:
        a @ a


threading.Thread(target=work, daemon=True).start()
