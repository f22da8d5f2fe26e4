"""Facts of the machine, the versions and the processes, for the record of a run."""

import platform
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from shared.processes.environment import ROOT


def thread_pools() -> dict[str, int]:
    """Return how many threads each pool uses that has been loaded into this process: OpenBLAS, MKL, OpenMP, ..."""
    from threadpoolctl import threadpool_info

    return {pool["internal_api"]: pool["num_threads"] for pool in threadpool_info()}


def peak_memory_bytes() -> int:
    """Return the peak resident memory of this process.

    On Linux VmHWM, which starts anew at exec; getrusage's ru_maxrss there also counts the parent before exec.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def versions(module: ModuleType) -> dict[str, str]:
    """Return the versions of Python and of the packages that an implementation's module imports by name."""
    packages = {
        value.__name__: str(value.__version__)
        for value in vars(module).values()
        if isinstance(value, ModuleType) and hasattr(value, "__version__")
    }
    return {"python": platform.python_version(), **packages}


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def facts() -> dict[str, Any]:
    """Return what the speed of this machine may depend on; no host name and no path."""
    import psutil

    return {
        "cpu": _cpu_model(),
        "logical_cpus": psutil.cpu_count(),
        "physical_cpus": psutil.cpu_count(logical=False),
        "memory_bytes": psutil.virtual_memory().total,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def git_revision() -> dict[str, Any]:
    """Return the commit of the code and whether it has been changed since; empty outside a checkout."""

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True, timeout=10
        ).stdout.strip()

    try:
        return {
            "revision": git("rev-parse", "HEAD"),
            "changed": bool(git("status", "--porcelain", "--", ".", ":!results")),
        }
    except (OSError, subprocess.SubprocessError):
        return {}
