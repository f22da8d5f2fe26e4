"""The scenes in which a network is tested, in its own process; its answers are compared elsewhere.

Each scene builds its own network and gets its own arrays, which must not be changed, so the order of the scenes does
not matter. An exception ends the scene, not the others.
"""

import traceback
import warnings
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

import numpy as np

from shared.agreement.finite_differences import derivative, directions, flatten, unflatten
from shared.boundary import LONGEST_MESSAGE, safe, told
from shared.diagnosis.answers import Answer, Answers, Tensors, Trouble
from shared.diagnosis.inputs import LARGE, Inputs, Watch, below_pools
from shared.diagnosis.limit import require_time
from shared.diagnosis.subject import Subject
from shared.implementations import ContractError
from shared.interface import Array, Labels, Parameters
from shared.spec import NetworkSpec


class Scene:
    """A scene: a network, its inputs, and its answers."""

    def __init__(self, subject: Subject, inputs: Inputs, *, read_only: bool = False) -> None:
        self._build, self.inputs, self.answer = subject.build, inputs, Answer()
        self.watch = Watch(read_only=read_only)
        self.network: Any = None

    def parameters(self, dtype: str = "float64") -> Parameters:
        """Return the parameters, watched for changes."""
        return {name: self.watch.give(name, tensor) for name, tensor in self.inputs.parameters(dtype).items()}

    def data(self, dtype: str = "float64", batch: int = 0, n: int | None = None) -> tuple[Array, Labels]:
        """Return a batch of n examples, watched for changes."""
        x, y = (part[: self.inputs.n if n is None else n].copy() for part in self.inputs.data(dtype, batch))
        return self.watch.give("x", x), self.watch.give("y", y)

    def build(self, parameters: Parameters | None = None, dtype: str = "float64") -> None:
        """Build a network."""
        training = replace(self.inputs.training, dtype=dtype)
        self.network = self._build(self.inputs.spec, training, parameters or self.parameters(dtype))

    def outputs(self, x: Array) -> None:
        """Compute a_L."""
        self.answer.outputs = {"a_L": np.array(self.network.predict(x))}

    def gradients(self, x: Array, y: Labels) -> None:
        """Compute the loss and the gradients; those of earlier calls are kept."""
        loss, gradients = self.network.loss_and_gradients(x, y)
        self.answer.loss = None if loss is None else np.array(loss)
        if self.answer.gradients:
            self.answer.earlier.append(self.answer.gradients)
        self.answer.gradients = {
            f"d{name}": None if tensor is None else np.array(tensor)
            for name, tensor in self.by_name("gradients", gradients).items()
        }

    def train(self, x: Array, y: Labels, order: Labels) -> None:
        """Take a step for each batch, and read the parameters."""
        self.network.load(x, y)
        self.steps(order)

    def steps(self, order: Labels) -> None:
        """Take a step for each batch of the training set that is loaded, and read the parameters."""
        self.network.train(self.watch.give("order", order))
        trained = self.by_name("parameters", self.network.parameters())
        self.answer.parameters = {
            name: None if tensor is None else np.array(tensor) for name, tensor in trained.items()
        }

    def by_name(self, what: str, tensors: Any) -> Tensors:
        """Return the tensors in the order of the network, None if one is missing; ContractError if it is not a dict."""
        names = self.inputs.spec.parameter_shapes
        if not isinstance(tensors, Mapping):
            raise ContractError(f"{what}: got {type(tensors).__name__}, expected a dict of {', '.join(names)}")
        if unknown := [str(name) for name in tensors if name not in names]:
            raise ContractError(f"{what}: got {', '.join(unknown)}, expected {', '.join(names)}")
        return {name: tensors.get(name) for name in names}


# ---- The scenes ----------------------------------------------------------------------------------------


def first(s: Scene) -> None:
    """Loss, gradients and outputs of a batch."""
    s.build()
    x, y = s.data()
    s.gradients(x, y)
    s.outputs(x)


def again(s: Scene) -> None:
    """The gradients of a batch, three times; if they accumulate, they grow by the same amount."""
    s.build()
    for _ in range(3):
        s.gradients(*s.data())


def after_another(s: Scene) -> None:
    """The gradients of a batch, after those of another batch."""
    s.build()
    s.gradients(*s.data(batch=1))
    s.gradients(*s.data())


def alone(s: Scene) -> None:
    """The gradients of a single example."""
    s.build()
    s.gradients(*s.data(n=1))


def one_step(s: Scene) -> None:
    """The parameters after one step."""
    s.build()
    s.train(*s.data(), np.arange(s.inputs.n))


def three_batches(s: Scene) -> None:
    """The parameters after two batches and a smaller one, in a given order."""
    s.build()
    s.train(*s.data(n=s.inputs.n_many), s.inputs.order())


def reset(s: Scene) -> None:
    """The gradients of a trained network after a reset to the initial parameters."""
    three_batches(s)
    s.network.reset(s.parameters())
    s.gradients(*s.data())


def _last_weights(s: Scene, factor: float) -> Parameters:
    """Return the parameters, the last layer's weights times a factor."""
    parameters, last = s.parameters(), f"W{len(s.inputs.spec.layers)}"
    return parameters | {last: factor * parameters[last]}


def large_inputs(s: Scene) -> None:
    """Inputs for which every z except the last is large."""
    s.build(_last_weights(s, 1 / LARGE))
    x, y = s.data()
    s.gradients(LARGE * x, y)
    s.outputs(LARGE * x)


def large_outputs(s: Scene) -> None:
    """Weights for which the last z is large."""
    s.build(_last_weights(s, LARGE))
    x, y = s.data()
    s.gradients(x, y)
    s.outputs(x)


def in_float32(s: Scene) -> None:
    """Loss, gradients and outputs in float32."""
    s.build(dtype="float32")
    x, y = s.data("float32")
    s.gradients(x, y)
    s.outputs(x)


def differences(s: Scene) -> None:
    """The loss at shifted parameters, to compare the gradients with its differences; needs no reference."""
    parameters = s.parameters()
    x, y = s.data()
    s.build(parameters)
    loss, gradients = s.network.loss_and_gradients(x, y)
    if loss is None:
        return
    found = s.by_name("gradients", gradients)
    gradient = flatten({name: np.asarray(tensor, np.float64) for name, tensor in found.items()})
    theta = flatten(parameters)

    def loss_at(shifted: Any) -> float:
        s.network.reset(unflatten(shifted, parameters))
        return float(s.network.loss_and_gradients(x.copy(), y.copy())[0])

    errors = [
        abs(derivative(loss_at, theta, v) - float(gradient @ v))
        for v in directions(gradient, n_random=4, n_coordinates=4, seed=1)
    ]
    s.answer.difference = float(max(errors) / (np.linalg.norm(gradient) or 1.0))


SCENES: Final[dict[str, Callable[[Scene], None]]] = {
    "first": first,
    "again": again,
    "after another": after_another,
    "fresh": first,
    "alone": alone,
    "equal maxima": first,
    "square": first,
    "all square": first,
    "one step": one_step,
    "three batches": three_batches,
    "reset": reset,
    "large inputs": large_inputs,
    "large outputs": large_outputs,
    "float32": in_float32,
    "differences": differences,
}
"""scene -> its function; the inputs are in `inputs_of`"""
EQUAL_MAXIMA: Final = "equal maxima"
"""The scene for a network with a pool above a convolution."""
TRAINING: Final = ("one step", "three batches", "reset")
"""The scenes for a network that trains."""


@lru_cache(maxsize=16)
def inputs_of(spec: NetworkSpec) -> dict[str, Inputs]:
    """Return the inputs of each scene; in "square" all layers but the first are square, in "all square" all are."""
    usual = Inputs.of(spec)
    special = {
        "square": usual.square(everywhere=False),
        "all square": usual.square(everywhere=True),
        EQUAL_MAXIMA: replace(usual, is_flat=True),
    }
    return {scene: special.get(scene, usual) for scene in SCENES if scene != EQUAL_MAXIMA or below_pools(spec)}


def ask(subject: Subject, scene: str, inputs: Inputs, *, read_only: bool = False) -> Answer:
    """Run a scene and return its answer; called in the process of the subject."""
    require_time()
    return answered(Scene(subject, inputs, read_only=read_only), SCENES[scene], subject.path)


def answered(s: Scene, scene: Callable[[Scene], None], path: str | None) -> Answer:
    """Run a scene and return its answer; `path` is that of the subject's file."""
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="warn", under="ignore"):
        warnings.simplefilter("always")
        try:
            scene(s)
        except Exception as error:  # noqa: BLE001 - any exception of a user's file is its answer
            frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == path]
            line = frames[-1].lineno if frames else None
            s.answer.trouble = Trouble(told(error), line)
    s.answer.modified = s.watch.modified()
    s.answer.warnings = [
        Trouble(safe(str(w.message)[:LONGEST_MESSAGE]), w.lineno if w.filename == path else None)
        for w in caught
        if issubclass(w.category, RuntimeWarning)
    ]
    return s.answer


def ask_all(subject: Subject, spec: NetworkSpec, scenes: Collection[str] = tuple(SCENES)) -> Answers:
    """Run scenes in one process."""
    return {
        scene: ask(subject, scene, inputs)
        for scene, inputs in inputs_of(spec).items()
        if scene in scenes and (subject.trains or scene not in TRAINING)
    }
