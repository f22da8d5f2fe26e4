"""An adapter for a file that cannot be read, or that is read wrongly: what `check` calls, to be filled in."""

from pathlib import Path

from shared.reading.source import Source

TEMPLATE = '''"""What `samegrad check` calls for {file}: fill in the three functions, then check this file.

parameters  [(W_1, b_1), ..., (W_L, b_L)], W_l of shape (n_out, n_in), b_l of shape (n_out,)
x           (n, n_in)
y           (n,), labels 0, 1, ..., n_out - 1

Found in {file}: {found}
"""

import importlib.util
from pathlib import Path

import numpy as np

NETWORK = "784-30-10"  # layers, with their activations: 784-30tanh-10sigmoid

spec = importlib.util.spec_from_file_location("theirs", Path(__file__).parent / "{file}")
theirs = importlib.util.module_from_spec(spec)
spec.loader.exec_module(theirs)  # runs the file: put its training under if __name__ == "__main__"


def forward(parameters, x):
    """Return the outputs, (n, n_out)."""
    raise NotImplementedError("call theirs.... and return its outputs in rows")


def loss(parameters, x, y):
    """Return the loss of the batch, a number; leave this function out if the file has none."""
    raise NotImplementedError("call theirs....")


def gradients(parameters, x, y):
    """Return [(dW_1, db_1), ..., (dW_L, db_L)], each of the shape of its parameter."""
    raise NotImplementedError("call theirs...., and turn what it returns into pairs")
'''


def adapter(path: Path) -> str:
    """Return the adapter for a file; OSError or ValueError if it cannot be read."""
    source = Source(path)
    definitions = source.functions.items()
    found = [f"{name}({', '.join(argument.arg for argument in node.args.args)})" for name, node in definitions]
    return TEMPLATE.format(file=path.name, found=", ".join(found) or "no functions")
