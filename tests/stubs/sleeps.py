"""Never ends training, nor does the process it starts; says who they are in the file $SAMEGRAD_TEST_MARKER,
and that it hangs in $SAMEGRAD_TEST_HANGS."""

import os
import subprocess
import time
from pathlib import Path

from impls.numpy_scratch import Network as Scratch
from shared.interface import Labels
from tests.stubs.hanging import hangs


class Network(Scratch):
    def train(self, order: Labels) -> None:
        child = subprocess.Popen(["sleep", "1000000"])
        marker = Path(os.environ["SAMEGRAD_TEST_MARKER"])
        temporary = marker.with_suffix(".tmp")
        temporary.write_text(f"{os.getpid()} {child.pid}")
        temporary.replace(marker)
        hangs(os.environ.get("SAMEGRAD_TEST_HANGS", ""))
        time.sleep(1_000_000)
