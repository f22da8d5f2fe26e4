"""What a child process is started with: the folder it runs in, and its environment, in which threads are pinned."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)


def thread_environment(n: int) -> dict[str, str]:
    """Return the variables by which numerical libraries are asked for n threads before they are imported."""
    return dict.fromkeys(THREAD_VARIABLES, str(n))


def worker_environment(threads: int) -> dict[str, str]:
    """Return the environment of a worker: the parent's, with threads pinned and every framework on the CPU."""
    return {
        **os.environ,
        **thread_environment(threads),
        "CUDA_VISIBLE_DEVICES": "",  # or the frameworks that find a GPU would be compared with those that do not
        "JAX_PLATFORMS": "cpu",
        "KERAS_BACKEND": "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2"),
        "PYTHONFAULTHANDLER": "1",
        "PYTHONIOENCODING": "utf-8",  # of what it prints into files, which on Windows would have the country's
        "PYTHONUNBUFFERED": "1",
    }
