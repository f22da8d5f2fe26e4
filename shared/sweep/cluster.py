"""The engine of a sweep: a Dask cluster on this machine, or any other that is there already."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from shared.errors import SettingError
from shared.sweep import task

if TYPE_CHECKING:
    from distributed import Client

RESOURCE: Final = "samegrad"
"""What a timed task takes all of: a worker that has one of it runs one timed task at a time."""
TRIES: Final = 3
"""How often a combination is begun whose worker is lost."""
CONNECT_SECONDS: Final = 10
WAIT_SECONDS: Final = 60
"""How long a cluster may take until its first worker is there."""
INSTALL: Final = "pip install -c constraints.txt 'samegrad[sweep]'"


@contextmanager
def connected(address: str | None, *, timed: bool, workers: int | None) -> "Iterator[Client]":
    """Yield a client of the scheduler at an address, or of a new cluster on this machine.

    Parameters
    ----------
    timed : whether tasks must not disturb each other: the new cluster then has one worker, and of another cluster only
        workers with the resource `samegrad=1` are used.
    workers : processes of the new cluster; None for one, or without timing for one a CPU.

    Raises
    ------
    SettingError
        If Dask is not installed, there is no scheduler, or it has no worker that can be used.
    """
    try:
        import dask
        import distributed
    except ImportError as error:
        raise SettingError("scheduler", f"a sweep needs the package {error.name!r}; to install it: {INSTALL}") from None
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what fails is said in the sweep's own words
    quiet = {
        "distributed.scheduler.allowed-failures": TRIES - 1,
        "distributed.admin.log-format": "%(message)s",
        "distributed.worker.profile.enabled": False,  # its samples of each second add 0.1 MB to a worker
    }
    with dask.config.set(quiet), warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", distributed.versions.VersionMismatchWarning
        )  # tasks look at versions themselves
        if address is None:
            cluster: Any = distributed.LocalCluster(
                n_workers=workers or (1 if timed else None),
                threads_per_worker=1,
                resources={RESOURCE: 1},
                dashboard_address=":0",
                silence_logs=logging.CRITICAL,
            )
            with cluster, distributed.Client(cluster, set_as_default=False) as client:
                yield client
            return
        try:
            client = distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            problem = f"got {address}, expected the address of a Dask scheduler: {reason}"
            raise SettingError("scheduler", problem) from None
        with client:
            _require_workers(client, address, timed=timed)
            yield client


def _require_workers(client: "Client", address: str, *, timed: bool) -> None:
    try:
        client.wait_for_workers(1, timeout=WAIT_SECONDS)
    except TimeoutError:
        remedy = f"start some: dask worker {address} --nthreads 1 --resources {RESOURCE}=1"
        raise SettingError("scheduler", f"{address} has no worker after {WAIT_SECONDS} s; {remedy}") from None
    there = client.scheduler_info(n_workers=-1)["workers"].values()
    if timed and not any(worker.get("resources", {}).get(RESOURCE) for worker in there):
        remedy = f"start them with --nthreads 1 --resources {RESOURCE}=1, or sweep with --no-timing"
        raise SettingError("scheduler", f"no worker of {address} keeps timed tasks apart; {remedy}")


def slots(client: "Client") -> int:
    """Return how many tasks run at once."""
    threads: dict[str, int] = client.nthreads()
    return max(1, sum(threads.values()))


def data_plugin(content: bytes, digest: str) -> Any:
    """Return what brings the data to every worker, also to one that comes later."""
    from distributed import WorkerPlugin

    class Data(WorkerPlugin):
        """Writes the data to the disk of each machine once."""

        name = f"{RESOURCE}-{digest[:16]}"

        def setup(self, worker: Any) -> None:  # noqa: ARG002
            task.unpack(content, digest)

    return Data()
