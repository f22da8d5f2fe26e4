"""Right; leaves a process behind that would hang, whose id it writes to the file $SAMEGRAD_TEST_MARKER."""

import os
import subprocess
from pathlib import Path

from impls.numpy_scratch import Network as Network

child = subprocess.Popen(["sleep", "1000000"])
Path(os.environ["SAMEGRAD_TEST_MARKER"]).write_text(str(child.pid))
