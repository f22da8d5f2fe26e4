"""Load a folder in a fresh process and print what it took: `python -m tests.data.measured_load FOLDER NAME...`.

Each name of a data set gives one line of JSON: the error, the seconds, and the most memory the process ever had.
"""

import json
import sys
import time
from pathlib import Path

from shared.data import load


def peak_mib() -> float:
    """Return VmHWM, which unlike `ru_maxrss` starts at 0 in each new program."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmHWM in /proc/self/status")


def main(folder: Path, *names: str) -> None:
    for name in names:
        error = ""
        start = time.perf_counter()
        try:
            load(name, folder, offline=True)
        except Exception as raised:  # noqa: BLE001 - the test says which it may be
            error = f"{type(raised).__name__}: {raised}"
        seconds = time.perf_counter() - start
        print(json.dumps({"error": error, "seconds": seconds, "peak_mib": peak_mib()}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
