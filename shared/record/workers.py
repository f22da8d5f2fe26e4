"""The names of the files that the workers of a run write."""

from pathlib import Path
from typing import Final

FOLDER: Final = "workers"
"""The folder of these files within the folder of a run."""
PARAMETERS: Final = ".parameters.npz"
ACTIVATIONS: Final = ".activations.npz"


def path(workers: Path, round_: int, label: str, ending: str) -> Path:
    """Return the path of a file of an implementation in a round; the ending is `PARAMETERS`, for example."""
    return workers / f"round-{round_}-{label}{ending}"
