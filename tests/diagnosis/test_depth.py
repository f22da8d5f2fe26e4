"""Networks of many layers, whose gradients leave the range of float32, are not accused, and float16 still is."""

import numpy as np
import pytest

from shared.agreement import rounding
from shared.diagnosis.comparison import Comparison
from shared.diagnosis.diagnose import Verdict, diagnose
from shared.diagnosis.mistakes import Planted, behaviour
from shared.diagnosis.mistakes.behaviour import Float16, Float16ForFloat32
from shared.diagnosis.scenes import ask_all
from shared.diagnosis.selftest import InFloat32, OtherOrder
from shared.diagnosis.subject import Subject
from shared.initial import cast, draw_parameters
from shared.interface import Array, Labels, Parameters
from shared.spec import NetworkSpec, TrainingSpec


class FlushesToZero(OtherOrder):
    """Correct: what underflows is 0, as TensorFlow and XLA set the processor."""

    def weight_gradient(self, d: Array, a: Array) -> Array:
        return self._flushed(super().weight_gradient(self._flushed(d), a))

    def bias_gradient(self, d: Array) -> Array:
        return self._flushed(super().bias_gradient(self._flushed(d)))

    def back(self, d: Array, l: int) -> Array:
        return self._flushed(super().back(self._flushed(d), l))

    def _flushed(self, tensor: Array) -> Array:
        return np.where(np.abs(tensor) < np.finfo(self.theta.dtype).tiny, 0, tensor).astype(tensor.dtype)


class InFloat64(OtherOrder):
    """Correct: a float64 array among the others, such as np.eye, makes the gradients float64 for any dtype."""

    def gradients(self, x: Array, y: Array, n: int) -> float:
        loss = super().gradients(x, y, n)
        inner = Planted(self.spec, self.training, cast(self.to_parameters(self.theta), "float64"))
        inner.gradients(x.astype(np.float64), y.astype(np.float64), n)
        self.wide = inner.to_parameters(inner.g)
        return loss

    def loss_and_gradients(self, x: Array, y: Labels) -> tuple[float, Parameters]:
        loss, _ = super().loss_and_gradients(x, y)
        return loss, {name: tensor.copy() for name, tensor in self.wide.items()}


def deep(n_hidden: int, activation: str) -> NetworkSpec:
    return NetworkSpec.dense((20, *(8,) * n_hidden, 4), activation)


def verdict(network: type[Planted], spec: NetworkSpec) -> Verdict:
    return diagnose(spec, ask_all(Subject(network), spec), [])


@pytest.mark.exhaustive_unless(fits=lambda network, n_hidden: network is InFloat32 and n_hidden == 40)
@pytest.mark.parametrize("network", [OtherOrder, InFloat32, FlushesToZero, InFloat64], ids=lambda n: n.__name__)
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("n_hidden", [10, 20, 40, 60])
def test_a_right_network_is_not_accused_at_any_depth(network: type[Planted], activation: str, n_hidden: int) -> None:
    found = verdict(network, deep(n_hidden, activation))
    assert found.diagnosis is None, found.diagnosis


def test_what_float32_cannot_hold_is_said_not_judged() -> None:
    assert verdict(OtherOrder, deep(10, "sigmoid")).notes == []
    (note,) = verdict(OtherOrder, deep(60, "sigmoid")).notes
    assert note.startswith("in float32, rounding explains any error of dW1, db1, dW2, ..., d")


@pytest.mark.exhaustive
def test_what_float64_cannot_hold_is_said_too() -> None:
    notes = verdict(OtherOrder, deep(250, "sigmoid")).notes
    assert [text.partition(",")[0] for text in notes] == ["in float64", "in float32"]


@pytest.mark.parametrize("network", [Float16, Float16ForFloat32], ids=lambda n: n.__name__)
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("n_hidden", [1, 2, 3])
def test_float16_is_named_at_usual_depths(network: type[Planted], activation: str, n_hidden: int) -> None:
    found = verdict(network, deep(n_hidden, activation)).diagnosis
    assert found is not None
    assert found.name == behaviour.FLOAT16


@pytest.mark.parametrize("n_hidden", [10, 20, 40, 60])
def test_float16_is_named_at_any_depth_where_float32_has_digits(n_hidden: int) -> None:
    """The layers at the end have gradients that float32 holds."""
    found = verdict(Float16ForFloat32, deep(n_hidden, "sigmoid")).diagnosis
    assert found is not None
    assert found.name == behaviour.FLOAT16


def test_underflow_widens_no_bound_of_usual_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = deep(3, "sigmoid")
    c = Comparison(spec, {})
    inputs = c.inputs["first"]
    x, y = inputs.data()
    parameters = draw_parameters(spec, TrainingSpec(initial="scaled"))
    with_underflow = rounding.bounds(spec, cast(parameters, "float64"), x.astype(np.float64), y, "float32")
    monkeypatch.setitem(rounding.UNDERFLOW, "float32", 0.0)
    without = rounding.bounds(spec, cast(parameters, "float64"), x.astype(np.float64), y, "float32")
    assert with_underflow == without
