"""What a stub that hangs says before it does, and when."""

import os
from pathlib import Path

from shared.processes.child import still_at_work


def hangs(file: str) -> None:
    """Say in a file, if one is named, that this process hangs, and soon after on stderr where it does."""
    still_at_work(0.05)
    Path(file or os.devnull).write_text("hangs", encoding="utf-8")
