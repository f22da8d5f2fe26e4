"""Right; as its threads it returns what it was started with, and as a GPU how many it was shown."""

import os

from impls.numpy_scratch import Network as Network
from shared.processes.environment import THREAD_VARIABLES


def set_threads(n: int) -> dict[str, int]:
    gpus = len(os.environ["CUDA_VISIBLE_DEVICES"].split(",")) if os.environ["CUDA_VISIBLE_DEVICES"] else 0
    return {"asked for": n, "GPUs": gpus} | {name: int(os.environ[name]) for name in THREAD_VARIABLES}
