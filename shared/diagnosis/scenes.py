"""What a network is asked, scene by scene, in its own process; what it answers is judged elsewhere.

In each scene it gets arrays of its own, which it must leave as they are. An exception ends the scene, not the rest.
"""

import traceback
import warnings
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

import numpy as np

from shared.agreement.finite_differences import derivative, directions, flatten, unflatten
from shared.diagnosis.probe import LARGE, Answer, Answers, Probe, Trouble, Watch
from shared.diagnosis.subject import Subject, SubjectError, as_tensors
from shared.interface import Array, Labels, Parameters, named, parameters_of
from shared.spec import NetworkSpec


class Scene:
    """One scene: builds the network and asks it, with arrays that are watched."""

    def __init__(self, subject: Subject, probe: Probe, answer: Answer, *, read_only: bool = False) -> None:
        self._subject, self.probe, self._answer = subject, probe, answer
        self.watch = Watch(read_only=read_only)

    def parameters(self, dtype: str = "float64") -> Parameters:
        """Return the probe's parameters, watched."""
        drawn = self.probe.parameters(dtype)
        for name, tensor in named(drawn).items():
            self.watch.give(name, tensor)
        return drawn

    def data(self, dtype: str = "float64", batch: int = 0, n: int | None = None) -> tuple[Array, Labels]:
        """Return a batch, watched; as many examples as asked for."""
        x, y = (part[: self.probe.n if n is None else n].copy() for part in self.probe.data(dtype, batch))
        return self.watch.give("x", x), self.watch.give("y", y)

    def build(self, parameters: Parameters, dtype: str = "float64") -> None:
        """Build a new network."""
        training = replace(self.probe.training, dtype=dtype)
        self._subject.network = self._subject.build(self.probe.spec, training, parameters)

    @property
    def network(self) -> Any:
        """The network of this scene, or of the one before."""
        return self._subject.network

    def outputs(self, x: Array) -> None:
        """Ask for a_L."""
        self._answer.tensors["a_L"] = np.array(self.network.predict(x))

    def gradients(self, x: Array, y: Labels) -> None:
        """Ask for the loss and the gradients."""
        loss, gradients = self.network.loss_and_gradients(x, y)
        if loss is not None:
            self._answer.tensors["C"] = np.array(loss)
        found = as_tensors(gradients)
        names = list(named(self.probe.parameters()))
        if len(found) != len(names):
            raise SubjectError(f"gradients: got {len(found) // 2} layers, expected {len(names) // 2}")
        self._answer.tensors |= {
            f"d{name}": None if tensor is None else tensor.copy() for name, tensor in zip(names, found, strict=True)
        }

    def trained(self) -> None:
        """Ask for the parameters."""
        for name, tensor in named(self.network.parameters()).items():
            self._answer.tensors[name] = np.array(tensor)


# ---- The scenes ----------------------------------------------------------------------------------------


def first(s: Scene) -> None:
    """Loss, gradients and outputs of a batch, asked of a new network."""
    s.build(s.parameters())
    x, y = s.data()
    s.gradients(x, y)
    s.outputs(x)


def again(s: Scene) -> None:
    """The same, asked of the network once more."""
    s.gradients(*s.data())


def after_another(s: Scene) -> None:
    """The same, after another batch."""
    s.gradients(*s.data(batch=1))
    s.gradients(*s.data())


def fresh(s: Scene) -> None:
    """The same, asked of another new network."""
    first(s)


def alone(s: Scene) -> None:
    """One example alone."""
    s.build(s.parameters())
    s.gradients(*s.data(n=1))


def square(s: Scene) -> None:
    """Layers after the first that are square."""
    first(s)


def all_square(s: Scene) -> None:
    """Layers that are all square."""
    first(s)


def one_step(s: Scene) -> None:
    """The parameters after one step."""
    s.build(s.parameters())
    x, y = s.data()
    s.network.train(x, y, s.watch.give("order", np.arange(s.probe.n)))
    s.trained()


def three_batches(s: Scene) -> None:
    """The parameters after two batches and a smaller one, in an order."""
    s.build(s.parameters())
    x, y = s.data(n=s.probe.n_many)
    s.network.train(x, y, s.watch.give("order", s.probe.order()))
    s.trained()


def reset(s: Scene) -> None:
    """The gradients of that network, at the initial parameters again."""
    s.network.reset(s.parameters())
    s.gradients(*s.data())


def large_inputs(s: Scene) -> None:
    """Inputs for which every z is large, but for the last."""
    parameters = s.parameters()
    s.build((*parameters[:-1], type(parameters[-1])(parameters[-1].W / LARGE, parameters[-1].b)))
    x, y = s.data()
    s.gradients(LARGE * x, y)
    s.outputs(LARGE * x)


def large_outputs(s: Scene) -> None:
    """Weights for which the last z is large."""
    parameters = s.parameters()
    s.build((*parameters[:-1], type(parameters[-1])(parameters[-1].W * LARGE, parameters[-1].b)))
    x, y = s.data()
    s.gradients(x, y)
    s.outputs(x)


def in_float32(s: Scene) -> None:
    """The same in float32."""
    s.build(s.parameters("float32"), "float32")
    x, y = s.data("float32")
    s.gradients(x, y)
    s.outputs(x)


def differences(s: Scene) -> None:
    """Its loss at shifted parameters: whether the gradients are the loss's own; needs no reference."""
    parameters = s.parameters()
    x, y = s.data()
    s.build(parameters)
    loss, gradients = s.network.loss_and_gradients(x, y)
    if loss is None:
        return
    tensors: list[Array] = [np.asarray(tensor, np.float64) for tensor in as_tensors(gradients)]
    gradient, theta = flatten(parameters_of(tensors)), flatten(parameters)

    def loss_at(shifted: Any) -> float:
        s.network.reset(unflatten(shifted, parameters))
        return float(s.network.loss_and_gradients(x.copy(), y.copy())[0])

    errors = [
        abs(derivative(loss_at, theta, v) - float(gradient @ v))
        for v in directions(gradient, n_random=4, n_coordinates=4, seed=1)
    ]
    s._answer.tensors["error"] = np.array(max(errors) / (np.linalg.norm(gradient) or 1.0))


SCENES: Final[dict[str, Callable[[Scene], None]]] = {
    "first": first,
    "again": again,
    "after another": after_another,
    "fresh": fresh,
    "alone": alone,
    "square": square,
    "all square": all_square,
    "one step": one_step,
    "three batches": three_batches,
    "reset": reset,
    "large inputs": large_inputs,
    "large outputs": large_outputs,
    "float32": in_float32,
    "differences": differences,
}
TRAINING: Final = ("one step", "three batches", "reset")
"""The scenes of a network that trains."""


@lru_cache(maxsize=16)
def probes(spec: NetworkSpec) -> dict[str, Probe]:
    """Return for each scene what it is asked with."""
    usual = Probe.of(spec)
    n_in, *rest = spec.sizes
    n_out = rest[-1]
    shapes = {"square": (n_in, *[n_out] * len(rest)), "all square": (n_out,) * len(spec.sizes)}
    return {scene: usual.shaped(shapes[scene]) if scene in shapes else usual for scene in SCENES}


def ask(subject: Subject, scene: str, probe: Probe, *, read_only: bool = False) -> Answer:
    """Play a scene and return what came of it; called in the process of the subject."""
    answer = Answer()
    s = Scene(subject, probe, answer, read_only=read_only)
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="warn", under="ignore"):
        warnings.simplefilter("always")
        try:
            SCENES[scene](s)
        except Exception as error:  # noqa: BLE001 - whatever a user's file raises is the answer
            frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == subject.path]
            line = frames[-1].lineno if frames else None
            answer.trouble = Trouble(f"{type(error).__name__}: {error}", line)
    answer.modified = s.watch.modified()
    answer.warned = [
        Trouble(str(w.message), w.lineno if w.filename == subject.path else None)
        for w in caught
        if issubclass(w.category, RuntimeWarning)
    ]
    return answer


def ask_all(subject: Subject, spec: NetworkSpec, scenes: Collection[str] = tuple(SCENES)) -> Answers:
    """Play scenes, in one process."""
    return {
        scene: ask(subject, scene, probe)
        for scene, probe in probes(spec).items()
        if scene in scenes and (subject.trains or scene not in TRAINING)
    }
