"""Models in the process of the tests, which saves the start of one for each; and files to plant causes in."""

import sys
from pathlib import Path

from shared.ports import comparison, words
from shared.ports.sides import Comparison
from shared.ports.stepper import Given, InProcess, PortStepper
from shared.spec import NetworkSpec, TrainingSpec

HEAD = """
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(1)
"""
MODEL = "model = nn.Sequential(nn.Linear(8, 6), nn.Tanh(), nn.Linear(6, 4))\n"
UNITS = "model = nn.Sequential(nn.Linear(8, 6), nn.Sigmoid(), nn.Linear(6, 4), nn.Sigmoid())\n"
ONE = "model = nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 1))\n"
CROSS = "criterion = nn.CrossEntropyLoss()\n"
SGD = "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"


def let_jax_be_imported() -> None:
    """Undo what a model of Keras in the same process wanted: that no module imports JAX."""
    if sys.modules.get("jax", "") is None:
        del sys.modules["jax"]


def compare(folder: Path, *texts: str, steps: int = 14, spec: NetworkSpec | None = None) -> Comparison:
    """Compare files with these texts, a.py and b.py."""
    names = []
    for name, text in zip("ab", texts, strict=False):
        path = folder / f"{name}.py"
        path.write_text(text if "import" in text else HEAD + text)
        names.append(str(path))
    processes = [InProcess(PortStepper.of(name)) for name in names]
    sides = comparison.begin(processes, names, Given(spec, TrainingSpec(learning_rate=0.1)))
    assert not comparison.unmapped(sides), comparison.unmapped(sides)
    return comparison.examine(sides, processes, steps, 10, 1)


def said(found: Comparison) -> str:
    """What is said of it."""
    return "\n".join(words.explain(found))


def parted(found: Comparison) -> list[str]:
    """The quantities that part."""
    return [row.what for row in found.rows if not row.same]
