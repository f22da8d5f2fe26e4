"""The side of a port: a model in its process, asked by `CallProcess`."""

import sys
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from shared.adapters.followed import Followed
from shared.adapters.live import Live
from shared.adapters.live import port as live_port
from shared.adapters.port import About, Figures, Named, Port, PortError, kind_of, listening
from shared.adapters.trainers import trainer
from shared.boundary import read_source
from shared.evaluation import PIECE
from shared.implementations import file_and_model, locate
from shared.interface import Array, Labels, Parameters
from shared.ports.timing import Timing, measured
from shared.processes.calls import CallProcess
from shared.spec import NetworkSpec, TrainingSpec


class Given(NamedTuple):
    """What a class `Network` gets; a file with a model has its own."""

    spec: NetworkSpec | None
    training: TrainingSpec
    named: Named = Named()
    """criterion and optimizer of a model that has none"""


class Walk(NamedTuple):
    """Consecutive steps."""

    figures: list[Figures]
    kept: Parameters
    """the parameters after those were given"""
    repeats: bool
    """whether the first step again gives the same outputs"""
    caught: list[str]


class PortStepper:
    """A model; the parent calls the methods."""

    def __init__(self, name: str) -> None:
        self.name = name

    @classmethod
    def of(cls, name: str) -> "PortStepper":
        """Name the file; what it needs to be loaded comes with `about`."""
        return cls(name)

    def about(self, given: Given) -> About:
        """Load the file, and return what it holds."""
        self.port = _loaded(self.name, given)
        return self.port.about()

    def walk(self, start: Parameters, batches: list[tuple[Array, Array]]) -> Walk:
        """Take steps from these parameters."""
        self.port.give(start)
        with np.errstate(all="ignore"):
            first = self.port.step(*batches[0]).outputs
            self.port.give(start)
            kept = self.port.parameters()
            figures = [self.port.step(x, y) for x, y in batches]
        repeats = np.allclose(figures[0].outputs, first, rtol=1e-5, atol=1e-7)
        return Walk(figures, kept, repeats, self.port.caught)

    def losses(self, start: Parameters, batches: list[tuple[Array, Array]]) -> list[tuple[Array, float]]:
        """Return the outputs and the loss of each batch, all from the same parameters."""
        found = []
        for x, y in batches:
            self.port.give(start)
            figures = self.port.step(x, y)
            found.append((figures.outputs, figures.loss))
        return found

    def layers(self, start: Parameters, x: Array) -> Parameters:
        """Return z and a of each layer, where the model can show them; {} where it cannot."""
        self.port.give(start)
        with suppress(Exception):  # what is shown in addition costs nothing else
            return dict(self.port.layers(x))
        return {}

    def data(self, x: Array, y: Array) -> Parameters:
        """Return what the file makes of images from 0 to 1 and of labels before its model gets them; {} if unknown."""
        return dict(self.port.data(x, y)) if hasattr(self.port, "data") else {}

    def map_flattened(self) -> About:
        """Map what belongs to flattened images for a model of another framework; return what is found then."""
        if hasattr(self.port, "map_flattened"):
            self.port.map_flattened()
        return self.port.about()

    def batches(self) -> list[str]:
        """Return how an epoch of the file takes the examples: "in batches", "shuffled", "last batch dropped"; or []."""
        if not isinstance(self.port, Followed) or (found := self.port.order()) is None:
            return []
        return found.words(self.port.own_count)

    def gradients(self, start: Parameters, batches: list[tuple[Array, Array]]) -> list[Parameters]:
        """Return the gradients for each batch, all from the same parameters."""
        found = []
        for x, y in batches:
            self.port.give(start)
            found.append(self.port.step(x, y).gradients)
        return found

    def outputs(self, starts: list[Parameters], x: Array, y: Array) -> list[Array]:
        """Return the outputs for a batch from each of these parameters."""
        found = []
        for start in starts:
            self.port.give(start)
            found.append(self.port.step(x, y).outputs)
        return found

    def timing(self, start: Parameters, x: Array, y: Array, batch: int, threads: int) -> Timing:
        """Time steps and outputs of the model as its file trains it; afterwards it is used for nothing else."""
        with listening(self.port.path, []):
            timing, self.of_step = measured(trainer(self.port, x, y, start), x, batch, threads)
        return timing

    def step_seconds(self) -> float:
        """Return the seconds of a step once more, after `timing`."""
        with listening(self.port.path, []):
            return self.of_step()

    # ---- Training beside others ---------------------------------------------------------------------------

    def take(self, start: Parameters, x: Array, y: Labels, tests: Array, batch: int) -> None:
        """Take over training and test images, rows of pixels, as the model trains on them."""
        shape = self.port.about().inputs
        self.trainer = trainer(self.port, x.reshape(-1, *shape), y.astype(np.float64), start)
        self.tests, self.batch = tests.reshape(-1, *shape), batch

    def restart(self, start: Parameters) -> None:
        """Start again from these parameters."""
        self.trainer.give(start, self.batch)

    def epoch_seconds(self, order: Labels) -> float:
        """Train on the examples in this order; return the seconds."""
        before = perf_counter()
        self.trainer.train(order, self.batch, given=True)
        return perf_counter() - before

    def predicted(self) -> Labels:
        """Return the class of each test image."""
        parts = [self.trainer.predict(self.tests[k : k + PIECE]) for k in range(0, len(self.tests), PIECE)]
        return np.concatenate([np.asarray(part).reshape(len(part), -1).argmax(1) for part in parts])

    def epoch(self, start: Parameters, x: Array, y: Array) -> Parameters:
        """Train on several batches in one call, where the model has a loop of its own that can be called; else {}."""
        if not hasattr(self.port, "epoch"):
            return {}
        self.port.give(start)
        found: Any = self.port.epoch(x, y)
        return dict(found)


def _loaded(name: str, given: Given) -> Port:
    path = locate(name)
    sys.path.append(str(path.resolve().parent))
    name, model = file_and_model(name)
    kind = kind_of(path) if name.endswith(".py") else ""
    given = given._replace(named=given.named._replace(model=model))
    if kind == "torch":
        from shared.adapters.torch_module import TorchPort

        return TorchPort(path, named=given.named)
    if kind == "keras":
        from shared.adapters.keras_model import KerasPort

        return KerasPort(path, named=given.named)
    if kind == "jax":
        from shared.adapters.jax_model import JaxPort

        return JaxPort(path, named=given.named)
    from shared.adapters.own_network import NetworkPort

    if model:
        raise PortError(f"{path.name}: found no model of PyTorch, Keras, Flax or Equinox, and so none called {model}")
    if not kind and name.endswith(".py") and "class Network" not in read_source(path):
        raise PortError(f"{Path(name).name}: found no model of PyTorch, Keras, Flax or Equinox, and no class Network")
    return NetworkPort(name, kind, given.spec, given.training)


class LiveStepper(PortStepper):
    """A model that is already there."""

    def __init__(self, live: Live) -> None:
        super().__init__(type(live.model).__name__)
        self.live = live

    def about(self, _: Given) -> About:
        """Copy the model, and return what it is."""
        self.port = live_port(self.live)
        return self.port.about()


class InProcess(CallProcess):
    """As `CallProcess`, in the process that asks: for models that are there, and for tests."""

    def __init__(self, stepper: PortStepper) -> None:
        self.stepper, self.answers = stepper, list[Any]()

    def loaded(self) -> "InProcess":
        """Return itself."""
        return self

    def ask(self, function: Any, *arguments: Any) -> None:
        """Call the function at once."""
        method = getattr(type(self.stepper), function.__name__)
        self.answers.append(method(self.stepper, *arguments))

    def answer(self) -> Any:
        """Return the next answer."""
        return self.answers.pop(0)
