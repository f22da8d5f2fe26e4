"""A temporary folder that the next run clears away if this process is killed."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

PREFIX: Final = "samegrad-"
LOCK: Final = ".lock"


@contextmanager
def folder() -> Iterator[Path]:
    """Yield a new folder, which is deleted at the end; delete those that killed processes have left."""
    from filelock import FileLock, Timeout

    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        # Who holds the lock lives, perhaps in another container. Without one, it may be a folder of another kind.
        with suppress(OSError, Timeout):
            if (left / LOCK).is_file() and not left.is_symlink():
                with FileLock(left / LOCK, blocking=False):
                    shutil.rmtree(left, ignore_errors=True)
    made = tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True)
    with made as name, FileLock(Path(name) / LOCK):
        yield Path(name)
