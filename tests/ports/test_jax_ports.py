"""Files with a module of Flax or Equinox, as strangers write them: each is read, the right ones are never accused.

The files are in tests/ports/files; JAX compiles each step, so that most of them are of the exhaustive tests.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.adapters.port import Named, PortError
from shared.ports import comparison
from shared.ports.kinds import is_model
from shared.ports.sides import Comparison
from shared.ports.stepper import Given, InProcess, PortStepper
from shared.ports.timed import time_sides
from shared.spec import TrainingSpec
from tests.ports.here import let_jax_be_imported, parted, said

FILES = Path(__file__).parent / "files"
pytestmark = pytest.mark.xdist_group("jax")


@pytest.fixture(autouse=True)
def _own_settings() -> Iterator[None]:
    from shared.adapters.live import settings_kept

    let_jax_be_imported()
    pytest.importorskip("flax")
    pytest.importorskip("equinox")
    __import__("jax")
    with settings_kept():
        yield


def compare(*names: str, steps: int = 8) -> Comparison:
    paths = [str(FILES / f"{name}.py") for name in names]
    processes = [InProcess(PortStepper.of(path)) for path in paths]
    sides = comparison.begin(processes, paths, Given(None, TrainingSpec()))
    assert not comparison.unmapped(sides)
    return comparison.examine(sides, processes, steps, 10, 1)


def compared(folder: Path, name: str, changes: dict[str, str], other: str, steps: int) -> Comparison:
    """Compare a file in which something is changed."""
    text = (FILES / f"{name}.py").read_text()
    for right, wrong in changes.items():
        assert right in text
        text = text.replace(right, wrong)
    (folder / f"{name}.py").write_text(text)
    return compare(str(folder / name), other, steps=steps)


RIGHT = {
    "equinox_mlp": ("torch_mlp", "equinox.Module"),
    "linen_mlp": ("torch_mlp", "flax.linen.Module"),
    "linen_small": ("torch_mlp", "flax.linen.Module"),
    "nnx_mlp": ("torch_mlp", "flax.nnx.Module"),
    "linen_cnn": ("torch_cnn", "flax.linen.Module"),
    "equinox_cnn": ("torch_cnn", "equinox.Module"),
    "nnx_cnn": ("torch_cnn", "flax.nnx.Module"),
}


@pytest.mark.exhaustive_unless(fits=lambda name: name == "equinox_mlp")
@pytest.mark.parametrize("name", RIGHT)
def test_a_right_port_is_never_accused(name: str) -> None:
    other, kind = RIGHT[name]
    assert is_model(str(FILES / f"{name}.py"))
    found = compare(name, other)
    assert found.ok, said(found)
    assert found.sides[0].about.kind == kind
    assert found.sides[0].about.dtype == "float64"
    rows = {row.what: row for row in found.rows}
    assert list(rows) == ["outputs", "layers", "loss", "gradients", "update"]
    assert rows["layers"].note.split()[:3] == ["z1", "a1", "z2"]
    assert max(row.difference for row in found.rows) < 1e-10


WRONG = {
    "linen_twice": ("cross-entropy of a softmax of the softmax (softmax twice)", ["loss", "gradients"]),
    "nnx_eps": ("epsilon: 1e-07 beside the corrected root in nnx_eps, 1e-08", ["update"]),
    "linen_turned": ("W2 is used without the transpose", ["outputs", "layers", "loss", "gradients"]),
}


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_port_is_told_by_its_cause(name: str) -> None:
    words, parts = WRONG[name]
    found = compare(name, "torch_square" if name == "linen_turned" else "torch_mlp")
    assert not found.ok
    assert words in said(found)
    assert parted(found) == parts


@pytest.mark.exhaustive
def test_the_loss_of_a_file_alone_is_named_and_so_are_clipped_and_decayed_updates() -> None:
    found = compare("equinox_mse", steps=4)
    assert "mean squared error: mean over the outputs, without 1/2" in said(found)
    found = compare("nnx_eps")
    assert "Adam, epsilon 1e-07 beside the corrected root, rate 0.003" in said(found)
    assert "clip_by_global_norm, adam" in found.sides[0].about.found[2]


@pytest.mark.exhaustive
def test_dropout_is_left_out_and_told() -> None:
    found = compare("linen_twice", "torch_mlp", steps=4)
    assert "dropout 0.2 in linen_twice, none in torch_mlp" in said(found)


@pytest.mark.exhaustive
def test_steps_are_timed_as_the_file_compiles_them() -> None:
    path = str(FILES / "linen_small.py")
    process = InProcess(PortStepper.of(path))
    sides = comparison.begin([process], [path], Given(None, TrainingSpec()))
    time_sides(sides, [process], 10, 1)
    assert sides[0].timing is not None, sides[0].not_timed
    assert sides[0].timing.framework == "jax"
    assert sides[0].timing.traces == 0


BARE = """
import equinox as eqx
import jax

model = eqx.nn.MLP(8, 4, 6, 1, key=jax.random.PRNGKey(0))
"""


@pytest.mark.exhaustive
def test_what_a_file_lacks_is_taken_by_name_and_refused_with_its_remedy(tmp_path: Path) -> None:
    path = tmp_path / "bare.py"
    path.write_text(BARE)

    def found(named: Named) -> list[str]:
        process = InProcess(PortStepper.of(str(path)))
        return comparison.begin([process], [str(path)], Given(None, TrainingSpec(), named))[0].about.found

    assert found(Named("CrossEntropyLoss", "adamw", 0.01))[1:] == [
        "softmax_cross_entropy_with_integer_labels", "adamw"]  # fmt: skip
    with pytest.raises(PortError, match="or --criterion"):
        found(Named())
    with pytest.raises(PortError, match=r"expected one of optax\.losses"):
        found(Named("CrossEntropie"))
    with pytest.raises(PortError, match="expected one of optax, such as adam"):
        found(Named("mse", "Adams"))
    path.write_text(BARE.replace("model =", "mode =").replace("eqx.nn.MLP(8, 4, 6, 1, key=jax.random.PRNGKey(0))", "0"))
    with pytest.raises(PortError, match=r"found no equinox\.Module; expected one"):
        found(Named())


def test_a_package_that_is_missing_is_named_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    path = tmp_path / "mine.py"
    path.write_text(BARE)
    monkeypatch.setitem(sys.modules, "optax", None)
    with pytest.raises(PortError, match=r"needs jax, optax and equinox .*pip install -c constraints\.txt flax optax"):
        PortStepper.of(str(path)).about(Given(None, TrainingSpec()))
