"""A file with a module of Flax or Equinox and its optax optimizer, as a model that can be stepped."""

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from shared.adapters.jax_parameters import JaxParameters
from shared.adapters.layout import channels_first
from shared.adapters.loops import batch_of, why_not
from shared.adapters.port import FORMS, About, Figures, Named, PortError, listening
from shared.interface import Array, Parameters
from shared.reading.names import has_role


class JaxPort(JaxParameters):
    """The model of a file; with the body of its training loop as a step, its function for it, or the usual one."""

    def __init__(
        self,
        path: Path,
        dtypes: Sequence[str] = ("float64", "float32"),
        named: Named = Named(),  # noqa: B008
        is_compared: bool = True,
    ) -> None:
        super().__init__(path, named)
        self.is_compared = is_compared
        for dtype in dtypes:
            self.load(dtype)
            if self._settle():
                return
        raise PortError(f"{path.name}: a step of {self.words} fails: {self.failure}")

    def _settle(self) -> bool:
        """Find the shapes of a batch with which a step works."""
        self.failure = "no shape of inputs fits"
        self.act_criterion, self.criterion_words = self.criterion()
        for shape in self._input_shapes():
            self.given = shape
            try:
                with self.watched():
                    self._begin()
            except PortError:
                raise
            except Exception as error:  # noqa: BLE001 - it is a stranger's file
                self.failure = why_not(error)
                continue
            return self._settle_targets()
        return False

    def _settle_targets(self) -> bool:
        known, failures = self._known_form(), list[str]()
        works: list[tuple[tuple[int, ...], str]] = []
        for shape, form in product(self._data_shapes(), (known,) if known else FORMS):
            self.shape, self.form = shape, form
            if (self.form in ("column", "numbers") and self.n_out > 1) or (self.n_out == 1 and self.form == "labels"):
                continue
            n = 4 + (self.n_out in (4, 1))
            y: Array = np.arange(n) / n if self.n_out == 1 else np.arange(float(n)) % self.n_out
            try:
                self.restart(self.start)
                if np.isfinite(self.step(np.random.default_rng(1).random((n, *self.inputs)), y).loss):
                    works.append((self.shape, self.form))
            except Exception as error:  # noqa: BLE001 - it is a stranger's file
                failures.append(why_not(error))
            if works and self.n_out > 1:
                break
        self.failure = failures[0] if failures else self.failure
        for self.shape, self.form in works[:1]:
            if self.n_out == 1 and not known and len({form for _, form in works}) > 1:
                self.notes.append("its targets are not known, and are taken as (n, 1)")
            return True
        return False

    # ---- Steps ----------------------------------------------------------------------------------------------

    def about(self) -> About:
        """Return what was found."""
        shapes = {name: list(tensor.shape) for name, tensor in self.own.items()}
        words = [self.words, self.criterion_words, self.optimizer_words]
        words += [f"the loop in line {self.loop.node.lineno}"] if self.loop else []
        words += [f"its function {self.function}"] if self.function else []
        return About(self.kind.kind, words, shapes, list(self.inputs), self.n_out, self.dtype, self.hints(), self.own,
                     self.notes, self.modes, has_update=True)  # fmt: skip

    def step(self, x: Array, y: Array) -> Figures:
        """Run the body of the file's loop, or another step, with this batch; nothing is compiled."""
        before, self.seen = self.modules.copied(self.tree()), {}
        try:
            with listening(self.path, self.caught), self.watched(), self._heard():
                self.act(self.as_inputs(x, self.shape), self.as_targets(y))
                self.jax.effects_barrier()
                seen, self.seen = self.seen, None
                heard = self.numbers(seen["inputs"][0]) if "inputs" in seen else self.as_inputs(x, self.given)
                outputs = np.array(self.forward(before, heard)).reshape(len(x), -1)
        finally:
            self.seen = None
        if "loss" not in seen or "gradients" not in seen:
            raise PortError(f"{self.path.name}: its step asks for no gradients of {self.words}")
        gradients = self.taken(seen["gradients"])
        used = seen.get("clipped", seen.get("used", seen["gradients"]))
        return Figures(outputs, float(seen["loss"][0]), gradients, self.taken(used), self.parameters(), 0.0)

    @contextmanager
    def _heard(self) -> Iterator[None]:
        """Record what the model gets in the step, which may scale or flatten its examples."""
        cls = type(self.modules.model)
        call = cls.__call__

        def heard(module: Any, x: Any, *rest: Any, **named: Any) -> Any:
            self.record("inputs", x)
            return call(module, x, *rest, **named)

        cls.__call__ = heard
        try:
            yield
        finally:
            cls.__call__ = call

    def act(self, x: Any, y: Any) -> None:
        """Run the body of the file's loop, its function for a step, or the usual step."""
        if self.loop:
            self.loop.feed(self.scope, self.names(), x, y, self.jax.numpy.arange(len(x)))
            self.loop.run(self.scope)
        elif self.function:
            self._call(self.scope[self.function], x, y)
        else:

            def value(tree: Any) -> Any:
                return self.act_criterion(self.modules.forward(tree, self._shaped(x)), y).mean()

            with self.watched():
                _, grads = self.jax.value_and_grad(value)(self.current)
            updates, self.state = self.tx.update(grads, self.state, self.current)
            self.current = self.optax.apply_updates(self.current, updates)

    def _shaped(self, x: Any) -> Any:
        return x.reshape(len(x), *self.given)

    def _call(self, function: Any, x: Any, y: Any) -> None:
        """Call a function that takes a step, with what its parameters are called; keep what it gives back."""
        batch = batch_of(self.text, x, y)
        given = [self._argument(name, x, y, batch) for name in inspect.signature(function).parameters]
        found = function(*given)
        parts = found if isinstance(found, tuple) and not hasattr(found, "opt_state") else (found,)
        states = {name: self.jax.tree.structure(self.scope[name]) for name in self.states}
        for part in parts:
            names = [
                n for n in self.holders if self.modules.tree_in(part) is not None and type(part) is type(self.scope[n])
            ]
            names += [n for n, structure in states.items() if self.jax.tree.structure(part) == structure]
            self.scope.update(dict.fromkeys(names, part))

    def _argument(self, name: str, x: Any, y: Any, batch: Any) -> Any:
        if name in self.scope and (name in self.holders or name in self.states):
            return self.scope[name]
        if "batch" in name and not has_role(name, "y"):
            return x if isinstance(batch, tuple) and has_role(name, "x") else batch
        if has_role(name, "y"):
            return y
        if has_role(name, "x"):
            return x
        if "key" in name or "rng" in name:
            return self.jax.random.key(0)
        if "opt" in name and "state" in name and self.states:
            return self.scope[next(iter(self.states))]
        of_name = [n for n in self.holders if n in name or name in n]
        if has_role(name, "parameters") or "state" in name or of_name:
            return self.scope[(of_name or self.holders)[0]]
        return self.scope.get(name, self.tx)

    def layers(self, x: Array) -> Parameters:
        """Return z and a of each layer with a kernel, channels first, a of the last left out: the outputs are that."""
        found: dict[str, Array] = {}
        with self.watched():
            called = self.calls(self.current, self.as_inputs(x, self.given))
        names = [name for name in self.names_of if name[0] == "W"]
        last = self.modules.channels_last
        for k, (name, (into, z)) in enumerate(zip(names, called, strict=True)):
            if k:
                found[f"a{k}"] = channels_first(np.array(into), self.images.get(name), last)
            found[f"z{k + 1}"] = channels_first(np.array(z), None, last)
        return found
