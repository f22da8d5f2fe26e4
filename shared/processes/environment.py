"""How a child process is started: its working folder, and an environment with a fixed number of threads."""

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
    """Return the variables that set numerical libraries to n threads before they are imported."""
    return dict.fromkeys(THREAD_VARIABLES, str(n))


def worker_environment(threads: int) -> dict[str, str]:
    """Return a worker's environment: the parent's, with a fixed number of threads and every framework on the CPU."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONINSPECT"}  # it hides how one ended
    return {
        **inherited,
        **thread_environment(threads),
        "CUDA_VISIBLE_DEVICES": "",  # else frameworks on a GPU would be compared with frameworks on the CPU
        "JAX_PLATFORMS": "cpu",
        "KERAS_BACKEND": "tensorflow",
        "MPLBACKEND": "agg",  # of the caller, it may be Jupyter's
        "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2"),
        "PYTHONFAULTHANDLER": "1",
        "PYTHONIOENCODING": "utf-8",  # of output to files; on Windows the default is the locale's encoding
        "PYTHONUNBUFFERED": "1",
    }
