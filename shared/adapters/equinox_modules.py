"""The modules of Equinox."""

import inspect
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import fields
from functools import partial
from typing import Any

from shared.adapters.jax_modules import Called, Modules
from shared.adapters.port import PortError


class Equinox(Modules):
    """A module of Equinox, which is itself a tree, and takes one example; with its state, if it has one."""

    kind, package, channels_last = "equinox.Module", "equinox", False

    def __init__(self) -> None:
        super().__init__()
        self.state: Any = None

    def take(self, model: Any, values: Iterable[Any]) -> None:
        super().take(model, values)
        self.is_batched = False
        parameters = inspect.signature(type(model).__call__).parameters
        key = {"key": self.jax.random.key(0)} if "key" in parameters else {}
        self.flags, self.resting = self.flags | key, self.resting | key
        self.state = next((value for value in values if self.is_statistics(value)), self.state)
        self._takes_state = "state" in parameters
        if self._takes_state and self.state is None:
            raise PortError(f"{type(model).__name__} takes a state, and there is none beside it; expected model, state "
                            "= eqx.nn.make_with_state(...)(...) in the file")  # fmt: skip
        norms = [module for module in self._within(model) if isinstance(module, self.api.nn.BatchNorm)]
        self._axis = norms[0].axis_name if norms else "batch"

    def dropouts(self) -> list[type]:
        return [self.api.nn.Dropout]

    def norms(self) -> list[type]:
        return [self.api.nn.BatchNorm]

    def is_at_rest(self, norm: Any, rest: tuple[Any, ...], named: dict[str, Any]) -> bool:
        del rest  # its state
        asked = named.get("inference")
        return bool(norm.inference if asked is None else asked)

    def made(self, cls: type) -> Iterator[Any]:
        key, make = self.jax.random.key(0), self.api.nn.make_with_state(cls)
        for way in (partial(make, key=key), partial(make, key), make):
            with suppress(TypeError):
                model, self.state = way()
                yield model

    def tree(self) -> Any:
        return self.api.filter(self.model, self.api.is_inexact_array)

    def tree_in(self, value: Any) -> Any:
        is_one = type(value) is type(self.model)
        tree = self.api.filter(value, self.api.is_inexact_array) if is_one else None
        return tree if is_one and self._is_like(tree) else None

    def put_in(self, value: Any, tree: Any) -> Any:
        return self.api.combine(tree, value)

    def optimized(self, tree: Any) -> list[Any]:
        whole = self.api.combine(tree, self.model)
        return [tree, self.api.filter(whole, self.api.is_array)]

    def run(self, tree: Any, statistics: Any, x: Any) -> tuple[Any, Any]:
        return self._run(self.api.combine(tree, self.model), statistics, x, self.flags)

    def is_statistics(self, value: Any) -> bool:
        return isinstance(value, self.api.nn.State)

    def statistics(self, values: Iterable[Any]) -> Any:
        return self.copied(next((value for value in values if self.is_statistics(value)), self.state))

    def predicted(self, tree: Any, statistics: Any, x: Any) -> Any:
        model = self.api.nn.inference_mode(self.api.combine(tree, self.model))
        return self._run(model, statistics, x, self.resting)[0]

    def _run(self, model: Any, state: Any, x: Any, flags: dict[str, Any]) -> tuple[Any, Any]:
        def run(each: Any, its: Any) -> tuple[Any, Any]:
            if not self._takes_state:
                return model(each, **flags), its
            return model(each, state=its, **flags)  # type: ignore[no-any-return]

        if not self.is_batched:
            run = self.jax.vmap(run, in_axes=(0, None), out_axes=(0, None), axis_name=self._axis)
        return run(x, self.copied(state))

    def _within(self, module: Any) -> Iterator[Any]:
        yield module
        for each in self.jax.tree.leaves(module, is_leaf=lambda v: isinstance(v, self.base) and v is not module):
            if isinstance(each, self.base) and each is not module:
                yield from self._within(each)

    def called(self, tree: Any, x: Any) -> list[Called]:
        model, modules, found = self.api.combine(tree, self.model), [], list[Called]()
        for module in self._within(model):
            own = {field.name: getattr(module, field.name) for field in fields(module)}
            if own := {name: value for name, value in own.items() if self.api.is_inexact_array(value)}:
                modules.append((module, own))
        with self._calls(modules, found):
            self._run(model, self.state, x, self.flags)
        return found
