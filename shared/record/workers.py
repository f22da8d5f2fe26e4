"""Where the workers of a run leave what: names of files, which a `shared.measure.job.Job` gives and others read."""

from pathlib import Path
from typing import Final

FOLDER: Final = "workers"
"""Of a run's folder."""
PARAMETERS: Final = ".parameters.npz"
ACTIVATIONS: Final = ".activations.npz"


def path(workers: Path, round_: int, label: str, ending: str) -> Path:
    """Return the file of an implementation in a round, such as `PARAMETERS`, in the folder of the workers."""
    return workers / f"round-{round_}-{label}{ending}"
