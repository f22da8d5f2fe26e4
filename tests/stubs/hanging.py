"""What a stub that hangs says before it does, and when."""

import os
from pathlib import Path
from unittest import mock

from shared.processes import harmless
from shared.processes.child import still_at_work


def hangs(file: str) -> None:
    """Say in a file, if one is named, that this process hangs; where it cannot be asked, soon after on stderr where."""
    still_at_work(0.05)
    with mock.patch.object(harmless, "_folders", []):  # what a file that is read writes would go nowhere
        Path(file or os.devnull).write_text(str(os.getpid()), encoding="utf-8")
