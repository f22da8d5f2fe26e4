"""The modules of flax.linen, which hold no parameters, and of flax.nnx, which do."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from shared.adapters.jax_modules import RESTS, TRAINS, Called, Modules
from shared.adapters.port import first_of


class Linen(Modules):
    """A module of flax.linen; its parameters are beside it."""

    kind, package = "flax.linen.Module", "flax.linen"

    def __init__(self) -> None:
        super().__init__()
        self.inits: list[tuple[Any, tuple[int, ...], Any]] = []
        """of each call of `init`: the module, the shape of its examples, and the variables that it gave"""
        self.variables: dict[str, Any] = {}

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Record what is initialised."""
        init, inits = self.base.init, self.inits  # type: ignore[attr-defined]

        def recorded(module: Any, rngs: Any, *arguments: Any, **named: Any) -> Any:
            try:  # compiled as a whole it takes a fraction of the time
                variables = self.jax.jit(lambda keys, given: init(module, keys, *given, **named))(rngs, arguments)
            except Exception:  # noqa: BLE001 - it is a stranger's module
                variables = init(module, rngs, *arguments, **named)
            variables = self.widened(variables)
            if module.parent is None and arguments and hasattr(arguments[0], "shape"):
                inits.append((module, tuple(arguments[0].shape[1:]), variables))
            return variables

        self.base.init = recorded  # type: ignore[attr-defined]
        try:
            yield
        finally:
            self.base.init = init  # type: ignore[attr-defined]

    def initialise(self, shape: tuple[int, ...]) -> None:
        """Make parameters for examples of this shape, where the file made none."""
        known = [variables for module, _, variables in self.inits if module is self.model or module == self.model]
        rngs = {name: self.jax.random.key(k) for k, name in enumerate(("params", "dropout"))}
        made = known[-1] if known else self.model.init(rngs, np.zeros((1, *shape), np.float32), **self.flags)
        self.variables = dict(made)

    def tree(self) -> Any:
        return self.variables["params"]

    def tree_in(self, value: Any) -> Any:
        if hasattr(value, "params") and hasattr(value, "opt_state"):
            return self.tree_in(value.params)
        if isinstance(value, Mapping) and "params" in value:
            value = value["params"]
        return value if isinstance(value, Mapping) and self._is_like(value) else None

    def put_in(self, value: Any, tree: Any) -> Any:
        if hasattr(value, "opt_state"):
            params = self.put_in(value.params, tree)
            return self.copied(value).replace(params=params, opt_state=value.tx.init(params), step=0)
        return {**value, "params": tree} if "params" in value else tree

    def optimized(self, tree: Any) -> list[Any]:
        return [tree, {"params": tree}]

    def run(self, tree: Any, statistics: Any, x: Any) -> tuple[Any, Any]:
        found = self.model.apply({"params": tree, **statistics}, x, **self.flags, mutable=list(statistics) or False,
                                 rngs={"dropout": self.jax.random.key(0)})  # fmt: skip
        return found if statistics else (found, statistics)

    def is_statistics(self, value: Any) -> bool:
        return isinstance(value, Mapping) and "params" not in value and bool(self._others(value))

    def _others(self, value: Any) -> dict[str, Any]:
        """Return the collections beside the parameters that a value holds, or is."""
        others = {name: each for name, each in self.variables.items() if name != "params"}
        if not others:
            return {}
        if not isinstance(value, Mapping):
            found = {name: getattr(value, name, None) for name in others}
        elif others.keys() & value.keys():
            found = {name: value.get(name) for name in others}
        else:
            found = dict.fromkeys(others, value)
        like = self.jax.tree.structure
        return {
            name: each for name, each in found.items() if isinstance(each, Mapping) and like(each) == like(others[name])
        }

    def statistics(self, values: Iterable[Any]) -> Any:
        found = {name: each for name, each in self.variables.items() if name != "params"}
        for value in values:
            found |= self._others(value)
        return found

    def predicted(self, tree: Any, statistics: Any, x: Any) -> Any:
        own = {name: name in RESTS for name in (*TRAINS, *RESTS) if isinstance(getattr(self.model, name, None), bool)}
        return self.model.clone(**own).apply({"params": tree, **statistics}, x, **self.resting)

    def called(self, tree: Any, x: Any) -> list[Called]:
        found: list[Called] = []

        def heard(call: Any, arguments: Any, named: Any, context: Any) -> Any:
            z = call(*arguments, **named)
            own = context.module.variables.get("params", {})
            arrays = {name: value for name, value in own.items() if not isinstance(value, Mapping)}
            if context.method_name == "__call__" and arrays:
                found.append(Called(type(context.module).__name__, arrays, first_of(arguments, named), z,
                                    context.module))  # fmt: skip
            return z

        with self.api.intercept_methods(heard):
            self.forward(tree, x)
        return found


class Nnx(Modules):
    """A module of flax.nnx, which holds its parameters and is changed by its optimizer."""

    kind, package = "flax.nnx.Module", "flax.nnx"

    def take(self, model: Any, values: Iterable[Any]) -> None:
        super().take(model, values)
        self._start = self.widened(self.copied(self.api.state(model)))
        self.api.update(model, self._start)

    def made(self, cls: type) -> Iterator[Any]:
        yield cls(rngs=self.api.Rngs(0))
        yield cls(self.api.Rngs(0))

    def own(self, model: Any) -> Any:
        return self.api.clone(model)

    def tree(self) -> Any:
        return self.copied(self.api.state(self.model, self.api.Param))

    def tree_in(self, value: Any) -> Any:
        if isinstance(value, self.api.Optimizer):
            return self.tree()
        if isinstance(value, self.api.State):  # of a model that was split, perhaps with its optimizer
            leaves = self.leaves(self.api.filter_state(value, self.api.Param))
            tree = self.tree()
            is_like = [np.shape(leaf) for leaf in leaves] == [np.shape(leaf) for leaf in self.leaves(tree)]
            return self.jax.tree.unflatten(self.jax.tree.structure(tree), leaves) if is_like else None
        is_one = type(value) is type(self.model)
        return self.copied(self.api.state(value, self.api.Param)) if is_one else None

    def put_in(self, value: Any, tree: Any) -> Any:
        """Change a model; give an optimizer a new state, in the precision of the parameters."""
        if isinstance(value, self.api.Optimizer):
            self.api.update(self.model, tree)
            return type(value)(self.model, value.tx, wrt=getattr(value, "wrt", self.api.Param))
        if isinstance(value, self.api.State):
            return self._with(self.widened(self.copied(value)), self.api.Param, self.leaves(tree))
        self.api.update(value, self.copied(self._start))
        self.api.update(value, self.copied(tree))
        return value

    def _with(self, state: Any, kind: Any, leaves: list[Any]) -> Any:
        """Return a state in which the variables of a kind have these values."""
        new = iter(leaves)
        return self.jax.tree.map(lambda v: v.replace(next(new)) if isinstance(v, kind) else v, state,
                                 is_leaf=lambda v: isinstance(v, self.api.Variable))  # fmt: skip

    def run(self, tree: Any, statistics: Any, x: Any) -> tuple[Any, Any]:
        model = self._model_with(tree, statistics)
        outputs = model(x, **self.flags)
        return outputs, self._parts(model)[2:]

    def _parts(self, model: Any) -> tuple[Any, ...]:
        """Return what a model is: its graph, its parameters, and everything else that it holds."""
        return tuple(self.api.split(model, self.api.Param, ...))

    def _model_with(self, tree: Any, statistics: Any) -> Any:
        return self.api.merge(self._parts(self.model)[0], tree, *self.copied(statistics))

    def statistics(self, values: Iterable[Any]) -> Any:
        own = self.copied(self._parts(self.model)[2:])
        for value in values:
            if found := self._stats(value):
                own = self._with(own, self.api.BatchStat, found)
        return own

    def is_statistics(self, value: Any) -> bool:
        return bool(self._stats(value)) and self.tree_in(value) is None

    def _stats(self, value: Any) -> list[Any]:
        """Return the running statistics in a state that was split off the model; [] if it is none."""
        if not isinstance(value, self.api.State):
            return []
        found, own = (self.leaves(self.api.filter_state(each, self.api.BatchStat)) for each in (value, self._start))
        return found if [np.shape(v) for v in found] == [np.shape(v) for v in own] else []

    def predicted(self, tree: Any, statistics: Any, x: Any) -> Any:
        model = self._model_with(tree, statistics)
        model.eval()
        return model(x, **self.resting)

    def called(self, tree: Any, x: Any) -> list[Called]:
        model, modules, found = self._model_with(tree, self.statistics(())), [], list[Called]()
        for _, module in self.api.iter_modules(model):
            own = {k: v for k, v in vars(module).items() if isinstance(v, self.api.Param)}
            if own := {name: param.get_value() for name, param in own.items() if param.get_value() is not None}:
                modules.append((module, own))
        with self._calls(modules, found):
            model(x, **self.flags)
        return found
