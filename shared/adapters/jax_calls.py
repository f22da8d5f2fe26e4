"""The function that takes a step, of a file without a loop: called by what its parameters are called."""

import ast
import inspect
import re
from functools import cached_property
from typing import Any, Final

from shared.adapters.feeding import batch_of
from shared.adapters.jax_parameters import JaxParameters
from shared.adapters.jax_scans import BATCH
from shared.reading.names import has_role, plain

UNKNOWN: Final = object()
"""Stands for an argument of which the name says nothing."""


class JaxCalls(JaxParameters):
    """A file whose function takes a step."""

    @cached_property
    def _parameters(self) -> list[str]:
        return list(inspect.signature(self.scope[self.function]).parameters)

    @cached_property
    def _unpacked(self) -> dict[str, list[str]]:
        return _unpacked(self.source.functions[self.function])

    def call(self, x: Any, y: Any, size: int) -> None:
        """Call the function that takes steps with batches of this size, and keep what it gives back."""
        batch = batch_of(self.text, x, y)
        given = [self._argument(each, x, y, batch, size) for each in self._parameters]
        left = [part for part in (x, y) if not any(each is part or each is batch for each in given)]
        for k in [k for k, each in enumerate(given) if each is UNKNOWN]:
            given[k] = left.pop(0) if left else self.tx
        self._keep_parts(self.scope[self.function](*given))

    def _keep_parts(self, found: Any) -> None:
        """Keep a model, parameters, the state of an optimizer or of layers, each where the file has it."""
        kinds = {name: self.jax.tree.structure(self.scope[name]) for name in (*self.states, *self.statistics)}
        for part in found if _is_plain(found) else (found,):
            structure = self.jax.tree.structure(part)
            names = [n for n in self.holders
                     if self.modules.tree_in(part) is not None and type(part) is type(self.scope[n])]  # fmt: skip
            names += [name for name, kind in kinds.items() if kind == structure and part is not None]
            self.scope.update(dict.fromkeys(names, part))
            if not names and _is_plain(part):
                self._keep_parts(part)  # such as the carry of a scan

    def _argument(self, name: str, x: Any, y: Any, batch: Any, size: int) -> Any:
        if name in self.scope and name in (*self.holders, *self.states, *self.statistics):
            return self.scope[name]
        parts = self._unpacked.get(name, [])
        if parts and not all(has_role(part, "x") or has_role(part, "y") for part in parts) and "batch" not in name:
            return tuple(self._argument(part, x, y, batch, size) for part in parts)
        if self.is_scanned and not parts and (BATCH.fullmatch(plain(name)) or has_role(name, "epochs")):
            return 1 if has_role(name, "epochs") else size
        if isinstance(batch, dict) and re.search(rf"\b{name}\[[\"']", self.text):
            return batch
        if "batch" in name and not has_role(name, "y"):
            return x if isinstance(batch, tuple) and has_role(name, "x") else batch
        if parts:
            return x, y
        if has_role(name, "y"):
            return y
        if has_role(name, "x"):
            return x
        if "key" in name or "rng" in name:
            return self.jax.random.key(0)
        if "opt" in name and "state" in name and self.states:
            return self.scope[next(iter(self.states))]
        of_name = [n for n in self.holders if n in name or name in n]
        if "stat" in name and self.statistics and not of_name:
            return self.scope[self.statistics[0]]
        if has_role(name, "parameters") or "state" in name or of_name:
            return self.scope[(of_name or self.holders)[0]]
        return self.scope.get(name, UNKNOWN)


def _is_plain(value: Any) -> bool:
    """Return whether a value is a tuple of several things, and no state with named parts."""
    return isinstance(value, tuple) and not hasattr(value, "_fields")


def _unpacked(node: ast.FunctionDef) -> dict[str, list[str]]:
    """Return the names of what a function takes its parameters apart into, such as params, state = carry."""
    found: dict[str, list[str]] = {}
    for each in ast.walk(node):
        if isinstance(each, ast.Assign) and isinstance(each.value, ast.Name) and isinstance(each.targets[0], ast.Tuple):
            found[each.value.id] = [part.id for part in each.targets[0].elts if isinstance(part, ast.Name)]
    return found
