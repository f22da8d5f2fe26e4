"""Starts a process that leaves its group and its session."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from impls.numpy_scratch import Network as Scratch

CODE = "import time; time.sleep(600)"


class Network(Scratch):
    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        left = subprocess.Popen([sys.executable, "-c", CODE], start_new_session=True)
        Path(os.environ["SAMEGRAD_TEST_MARKER"]).write_text(str(left.pid))
