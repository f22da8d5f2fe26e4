"""What files of Flax and Equinox do to their data before their loop, and how an epoch takes them."""

from pathlib import Path

import pytest

from shared.ports import comparison
from shared.ports import data as of_data
from shared.ports.stepper import Given, InProcess, PortStepper
from shared.spec import TrainingSpec
from tests.ports.here import compare, parted, said
from tests.ports.test_bare_scripts import MNIST, STANDARD, text
from tests.ports.test_jax_ports import _own_settings

__all__ = ["_own_settings"]
pytestmark = pytest.mark.xdist_group("jax")

CSV, LOADER, INLOOP = (text(f"jax_{name}") for name in ("csv", "loader", "inloop"))
INLOOP = INLOOP.replace("BS = 32", "BS = 64")  # which does not divide 60,000
RAW = "pixels from 0 to 255, which nothing divides"
READ = {
    "a function with pandas": (CSV, [STANDARD], ("in batches", "shuffled")),
    "in order": (CSV.replace("[idx]", "[i:i + batch_size]"), [STANDARD], ("in batches",)),
    "a loader with torchvision": (LOADER, [RAW], ("in batches",)),
    "divided in the loader": (LOADER.replace("jnp.float32))", "jnp.float32)) / 255"), [], ("in batches",)),
    "divided in the loop": (INLOOP, [], ("in batches", "last batch dropped")),
    "not divided in the loop": (INLOOP.replace(" / 255.0", ""), [RAW], ("in batches", "last batch dropped")),
    "tfds": (text("linen_mlp"), [], ()),
}  # fmt: skip


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", READ)
def test_data_and_batches_of_a_jax_file_are_followed(tmp_path: Path, name: str) -> None:
    written, data, batches = READ[name]
    path = tmp_path / "a.py"
    path.write_text(written)
    process = InProcess(PortStepper.of(str(path)))
    sides = comparison.begin([process], [str(path)], Given(None, TrainingSpec()))
    of_data.compare(sides, [process], 1)
    assert (sides[0].data, tuple(sides[0].batches)) == (data, batches)
    assert not sides[0].about.notes


@pytest.mark.exhaustive
def test_a_jax_file_beside_a_script_of_pytorch_is_told_by_its_data_alone(tmp_path: Path) -> None:
    script = MNIST.replace("X[i:i + BS]", "X[p[i:i + BS]]").replace("Y[i:i + BS]", "Y[p[i:i + BS]]")
    script = script.replace("    for i in", "    p = torch.randperm(len(X))\n    for i in")
    found = compare(tmp_path, CSV, script, steps=3)
    assert found.ok, (found.rows, said(found))
    assert [row.what for row in found.rows][-2:] == ["data", "batches"]
    found = compare(tmp_path, CSV.replace("    X = (X - 0.1307) / 0.3081\n", ""), script, steps=3)
    assert parted(found) == ["data"]
    assert "a: its data: pixels from 0 to 1" in said(found)
