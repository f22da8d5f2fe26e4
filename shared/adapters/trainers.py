"""A user's own model trained as its file does it: in its own precision, with nothing recorded, to be timed."""

import ast
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from shared.adapters.jax_model import JaxPort
from shared.adapters.keras_model import KerasPort
from shared.adapters.keras_trainer import KerasTrainer
from shared.adapters.own_network import NetworkPort
from shared.adapters.port import PRECISION, Named, PortError
from shared.adapters.torch_module import TorchPort
from shared.initial import cast
from shared.interface import Array, Labels, Parameters


def trainer(port: Any, x: Array, y: Array, start: Parameters) -> Any:
    """Return the trainer of a model that was loaded.

    Parameters
    ----------
    x, y : the examples: (n, *inputs), channels first, and (n,).
    start : its parameters.
    """
    if isinstance(port, NetworkPort):
        return _OwnTrainer(port, x, y, start)
    kinds = ((KerasPort, KerasTrainer), (JaxPort, _JaxTrainer), (TorchPort, _TorchTrainer))
    of_kind: Any = next(each for kind, each in kinds if isinstance(port, kind))
    return of_kind(port.path, x, y, start, port.named)


class _OwnTrainer:
    """A class `Network`, whose `train` is called, or functions, of which there are the gradients alone."""

    own_batch = 0

    def __init__(self, port: NetworkPort, x: Array, y: Array, start: Parameters) -> None:
        self.port, self.start, self.files = port, start, [str(port.path), str(port.path.resolve())]
        self.files += [str(each) for each in (getattr(port.module, "__file__", None),) if each]
        self.networks: dict[int, Any] = {}
        self.dtype = PRECISION
        self.y = y.astype(np.int64)
        try:
            self.x = x.reshape(len(x), -1).astype(self.dtype)
            self.train(np.arange(2), 2)
        except Exception:  # noqa: BLE001 - it is a stranger's file; its other precision is tried, and says why
            self.dtype, self.networks = port.dtype, {}
            self.x = self.x.astype(self.dtype)

    def _network(self, batch: int) -> Any:
        if batch not in self.networks:
            given = self.port.given(cast(self.start, self.dtype))
            training = replace(self.port.training, dtype=self.dtype, batch_size=batch)
            network = self.networks[batch] = self.port.make(self.port.spec, training, given)
            if self.port.kind == "":
                network.load(self.x, self.y)
        self.network = self.networks[batch]
        return self.network

    def again(self) -> None:
        """Go on: a reset may compile again."""

    def give(self, parameters: Parameters, batch: int) -> None:
        """Start again from these parameters."""
        self._network(batch).reset(self.port.given(cast(parameters, self.dtype)))

    def train(self, order: Labels, batch: int, *, given: bool = False) -> None:
        """Take a step for each `batch` of these examples."""
        del given
        network = self._network(batch)
        with np.errstate(all="ignore"):
            if self.port.kind == "functions":
                for k in range(0, len(order), batch):
                    i = order[k : k + batch]
                    network.loss_and_gradients(self.x[i], self.y[i])
            elif self.port.kind == "earlier":
                network.train(self.x, self.y, order)
            else:
                network.train(order)
                network.parameters()  # waits for the device

    def predict(self, x: Array) -> Any:
        """Return the outputs."""
        return np.asarray(self.network.predict(x.reshape(len(x), -1).astype(self.dtype)))


class _TorchTrainer:
    """A torch.nn.Module with the body of its loop, or the usual step; with its own DataLoader, if that is there."""

    def __init__(self, path: Any, x: Array, y: Array, start: Parameters, named: Named) -> None:
        self.port = TorchPort(path, (PRECISION, "float64"), named)
        self.start = start
        self.again()
        self.files = [str(path)]
        self.x, self.y = self.port.as_taken(x), self.port.as_targets(y)
        self.own_batch = self._own_loader()

    def _own_loader(self) -> int:
        """Return the batch size of the DataLoader over which the file's loop goes; 0 without one."""
        self.loaded: Any = None
        loop, torch = self.port.loop, self.port.torch
        if loop is None or not isinstance(loop.node, ast.For):
            return 0
        for name in (each.id for each in ast.walk(loop.node.iter) if isinstance(each, ast.Name)):
            loader = self.port.scope.get(name)
            if isinstance(loader, torch.utils.data.DataLoader) and (size := self._size_of(loader)):
                most = max(1, len(loader.sampler) // size) if hasattr(loader.sampler, "__len__") else None
                self.loaded = loop.over(partial(_some, most=most))
                return size
        return 0

    def _size_of(self, loader: Any) -> int:
        """Return the examples in the first batch of a loader; 0 if its data are not there, and something stands for."""
        with suppress(Exception):
            batch = next(iter(loader))
            if isinstance(batch, (list, tuple)) and all(isinstance(each, self.port.torch.Tensor) for each in batch):
                return min(len(each) for each in batch)
        return 0

    def again(self) -> None:
        """Start again: after thousands of steps Adam has denormal moments, which take many times as long."""
        self.give(self.start, 0)

    def give(self, parameters: Parameters, _: int) -> None:
        """Start again from these parameters."""
        self.port.give({name: tensor.astype(self.port.dtype) for name, tensor in parameters.items()})

    def train(self, order: Labels, batch: int, *, given: bool = False) -> None:
        """Take a step for each `batch` of these examples; of its own, where it has a loader, unless these are given."""
        if self.loaded is not None and not given:
            self.loaded(self.port.scope, -(-len(order) // batch))
            return
        for k in range(0, len(order), batch):
            i = order[k : k + batch]
            self.port.act(self.x[i], self.y[i])

    def predict(self, x: Array) -> Any:
        """Return the outputs."""
        torch = self.port.torch
        self.port.module.eval()
        with torch.no_grad():
            found = self.port.module(self.port.as_inputs(x)).numpy()
        self.port.module.train()
        return found


def _some(items: Iterable[Any], count: int, most: int | None = None) -> Iterator[Any]:
    """Yield so many items, from the start again if there are fewer, or after `most`: a smaller one may follow."""
    left = count
    while left > 0:
        before = left
        for item in islice(items, left if most is None else min(left, most)):
            left -= 1
            yield item
        if left == before:
            raise PortError("its loader gives nothing")


class _JaxTrainer:
    """A module of Flax or Equinox with the body of its loop, its function for a step, or the usual step."""

    own_batch = 0

    def __init__(self, path: Any, x: Array, y: Array, start: Parameters, named: Named) -> None:
        self.port = port = JaxPort(path, (PRECISION, "float64"), named, is_compared=False)
        port.jax.clear_caches()  # what was compiled while it was tried hands its numbers over
        self.start, self.compiled, self.size = start, set[int](), 0
        self.again()
        self.files = [str(path)]
        self.x, self.y = (
            np.asarray(port.as_taken(x)),
            np.asarray(port.as_targets(y)),
        )

    def again(self) -> None:
        """Start again: nothing is compiled for that."""
        self.port.give(self.start)

    def give(self, parameters: Parameters, batch: int) -> None:
        """Start again from these parameters; a step of this size is compiled before the first epoch."""
        if batch not in self.compiled:
            self.compiled.add(batch)
            self.port.give(parameters)
            self.train(np.arange(min(batch, len(self.y))), batch)
        self.port.give(parameters)

    def train(self, order: Labels, batch: int, *, given: bool = False) -> None:
        """Take a step for each `batch` of these examples."""
        del given
        if self.port.takes_epochs and self.size != batch:
            self.size = batch
            self.port.jax.clear_caches()  # what is compiled has taken over the sizes that were there
        most = batch * max(1, len(order) // batch) if self.port.takes_epochs else batch
        for k in range(0, len(order), most):
            i = order[k : k + most]
            self.port.act(self.port.as_data(self.x[i]), self.port.as_data(self.y[i]), min(batch, len(i)))
        self.port.jax.block_until_ready(self.port.modules.leaves(self.port.tree()))

    def predict(self, x: Array) -> Any:
        """Return the outputs, compiled for each number of images."""
        return np.asarray(self.port.predict(x))
