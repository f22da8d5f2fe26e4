"""Facts of the machine, the versions and the threads, for the record of a run."""

import platform
import subprocess
from types import ModuleType

from shared.measure import system
from shared.processes.environment import ROOT
from shared.record.schema import GitPart, MachinePart


def thread_pools() -> dict[str, int]:
    """Return the number of threads of each pool loaded into this process: OpenBLAS, MKL, OpenMP, ..."""
    from threadpoolctl import threadpool_info

    return {pool["internal_api"]: pool["num_threads"] for pool in threadpool_info()}


def versions(module: ModuleType) -> dict[str, str]:
    """Return the versions of Python and of the packages that an implementation's module imports by name."""
    packages = {
        value.__name__: str(value.__version__)
        for value in vars(module).values()
        if isinstance(value, ModuleType) and hasattr(value, "__version__")
    }
    return {"python": platform.python_version(), **packages}


def facts() -> MachinePart:
    """Return facts on which the speed of this machine may depend, without host name and paths."""
    import psutil

    return {
        "cpu": system.cpu_model(),
        "logical_cpus": psutil.cpu_count(),
        "physical_cpus": psutil.cpu_count(logical=False),
        "memory_bytes": psutil.virtual_memory().total,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def git_revision() -> GitPart:
    """Return the commit of the code, and whether files have changed since; empty outside a checkout."""

    def git(*arguments: str) -> str:
        # a run that is killed while git writes its index would leave a lock on the repository
        command = ["git", "--no-optional-locks", *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=10)
        return done.stdout.decode("utf-8", errors="replace").strip()

    try:
        return {
            "revision": git("rev-parse", "HEAD"),
            "changed": bool(git("status", "--porcelain", "--", ".", ":!results")),
        }
    except (OSError, subprocess.SubprocessError):
        return {}
