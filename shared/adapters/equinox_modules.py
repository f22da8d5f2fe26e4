"""The modules of Equinox."""

import inspect
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from shared.adapters.jax_modules import Called, Modules


class Equinox(Modules):
    """A module of Equinox, which is itself a tree, and takes one example."""

    kind, package, channels_last = "equinox.Module", "equinox", False

    def take(self, model: Any) -> None:
        super().take(model)
        self.is_batched = False
        parameters = inspect.signature(type(model).__call__).parameters
        self.flags |= {"key": self.jax.random.key(0)} if "key" in parameters else {}

    def dropouts(self) -> list[type]:
        return [self.api.nn.Dropout]

    def made(self, cls: type) -> Iterator[Any]:
        yield cls(key=self.jax.random.key(0))
        yield cls(self.jax.random.key(0))
        yield cls()

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

    def forward(self, tree: Any, x: Any) -> Any:
        return self._run(self.api.combine(tree, self.model), x)

    def _run(self, model: Any, x: Any) -> Any:
        return model(x, **self.flags) if self.is_batched else self.jax.vmap(lambda each: model(each, **self.flags))(x)

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
            self._run(model, x)
        return found
