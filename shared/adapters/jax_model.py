"""A file with a module of Flax or Equinox and its optax optimizer, as a model that can be stepped."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from shared.adapters.epochs import order_of
from shared.adapters.jax_calls import JaxCalls
from shared.adapters.jax_scans import give_sizes, unshuffled
from shared.adapters.layout import channels_first
from shared.adapters.pipelines import Order
from shared.adapters.port import About, Figures, Named, PortError, first_of, listening
from shared.interface import Array, Parameters


class JaxPort(JaxCalls):
    """The model of a file; with the body of its training loop as a step, its function for it, or the usual one."""

    def __init__(
        self,
        path: Path,
        dtypes: Sequence[str] = ("float64", "float32"),
        named: Named = Named(),  # noqa: B008
        is_compared: bool = True,
    ) -> None:
        self.is_compared = is_compared
        super().__init__(path, dtypes, named)

    def _settle(self) -> bool:
        self.act_criterion, self.criterion_words = self.criterion()
        return super()._settle()

    def _take_shape(self, shape: tuple[int, ...]) -> None:
        self.given = shape
        with self.watched():
            self._begin()

    def _settle_targets(self) -> bool:
        if not super()._settle_targets():
            return False
        if np.array_equal(self._tried(1)[1], self._tried(2)[1]):
            raise PortError(f"{self.path.name}: its step takes other examples than those that it is called with; "
                            "expected them among the arguments of its function, or in its loop")  # fmt: skip
        self.takes_epochs = self.is_scanned and not self.is_compared and self._takes_two()
        return True

    def _takes_two(self) -> bool:
        """Return whether a call takes one step after the other with the examples of several batches."""
        n = 4
        y: Array = np.arange(2.0 * n) / n if self.n_out == 1 else np.arange(2.0 * n) % self.n_out
        try:
            self.restart(self.start)
            self.step(np.random.default_rng(1).random((2 * n, *self.inputs)), y, n)
        except Exception:  # noqa: BLE001 - it is a stranger's file
            return False
        return True

    def probe(self, x: Array, y: Array) -> Array:
        """Take a step from the start; return what the module gets of the examples."""
        self.afresh()
        if not np.isfinite(self.step(x, y).loss):
            raise PortError("its loss is not finite")
        return channels_first(self.got, None, self.modules.channels_last)

    # ---- Steps ----------------------------------------------------------------------------------------------

    def about(self) -> About:
        """Return what was found."""
        shapes = {name: list(tensor.shape) for name, tensor in self.own.items()}
        where = f"the loop in line {self.loop.node.lineno}" if self.loop else ""
        where = f"its function {self.function}" if self.function else where
        return self.described(self.kind.kind, [self.criterion_words, self.optimizer_words, where], shapes, self.hints())

    def step(self, x: Array, y: Array, size: int = 0) -> Figures:
        """Run the body of the file's loop, or another step, with this batch; it stays compiled as it is."""
        before, self.seen, self.asked = self.modules.copied(self.tree()), {}, 0
        try:
            with listening(self.path, self.caught), self.watched(), self._heard():
                inputs = self.as_taken(x)
                self.act(inputs, self.as_targets(y), size)
                self.jax.effects_barrier()
                seen, self.seen = self.seen, None
                self.got: Array = seen.get("inputs", [np.asarray(inputs)])[0]
                outputs = self._outputs(seen, before, x)
        finally:
            self.seen = None
        if "loss" not in seen or "gradients" not in seen:
            raise PortError(f"{self.path.name}: its step asks for no gradients of {self.words}")
        steps = len(x) // (size or len(x))
        if self.is_scanned and self.asked != steps:
            raise PortError(f"{self.path.name}: its scan takes {self.asked} steps with examples for {steps}; "
                            "expected one over those that it is called with, a batch at a time")  # fmt: skip
        gradients = self.taken(seen["gradients"])
        used = seen.get("clipped", seen.get("used", seen["gradients"]))
        return Figures(outputs, float(seen["loss"][0]), gradients, self.taken(used), self.parameters(), 0.0)

    def _outputs(self, seen: dict[str, Any], before: Any, x: Array) -> Array:
        """Return the outputs of a step; where they are not seen, those for what the model got in it."""
        heard = seen.get("outputs", [np.zeros(0)])[0]
        if heard.size != len(x) * self.n_out or len(heard) != len(x):
            given = [each for each in seen.get("inputs", []) if len(each) == len(x)]
            heard = self.forward(before, self.numbers(given[0]) if given else self.as_inputs(x, self.given))
        return np.array(heard).reshape(len(x), -1)

    @contextmanager
    def _heard(self) -> Iterator[None]:
        """Record what the model gets and gives while it is differentiated; the step may scale its examples."""
        cls, depth = type(self.modules.model), 0
        call = cls.__call__

        def heard(module: Any, *given: Any, **named: Any) -> Any:
            nonlocal depth
            depth += 1
            try:
                found = call(module, *given, **named)
            finally:
                depth -= 1
            if self.is_within and depth == 0:  # a model may hold others of its class
                self.record("inputs", first_of(given, named))
                self.record("outputs", found[0] if isinstance(found, tuple) else found)  # beside a state
            return found

        cls.__call__ = heard
        try:
            yield
        finally:
            cls.__call__ = call

    @contextmanager
    def heard(self) -> Iterator[Callable[[], Array | None]]:
        """Listen to the module; what is yielded returns what it got since the last call, where it is differentiated."""

        def got() -> Array | None:
            self.jax.effects_barrier()
            found, self.seen = (self.seen or {}).get("inputs"), {}
            return channels_first(found[0], None, self.modules.channels_last) if found else None

        self.seen = {}
        try:
            with listening(self.path, self.caught), self.watched(), self._heard():
                yield got
        finally:
            self.seen = None

    def order(self) -> Order | None:
        """Return what an epoch of the file's loop takes of the examples; None where that is not known."""
        return None if self.is_scanned else order_of(self)

    def afresh(self) -> None:
        """Start again as it was loaded."""
        self.restart(self.start)

    def as_taken(self, x: Array) -> Any:
        """Return examples (n, *inputs) as the loop takes them, so that the module gets just these."""
        return self.as_inputs(self.within.undone(x), self.way.shape)

    def act(self, x: Any, y: Any, size: int = 0) -> None:
        """Run the body of the file's loop, its function for a step, or the usual step.

        Parameters
        ----------
        size : of a batch, where a call of the file's step takes one after the other; 0 for that of x.
        """
        size, count = size or len(x), len(x)
        for scope in (self.scope, self.source.namespace) if self.is_scanned else (self.scope,):
            give_sizes(scope, count, size, self.is_scanned)
        if self.way.is_odd:
            x, y = (each.reshape(-1, size, *each.shape[1:]) for each in (x, y))
        with unshuffled(self.jax) if self.is_scanned else nullcontext():
            if self.loop:
                self.loop.feed(self.scope, self.names, x, y, lambda: self._rows(count, size))
                self.loop.run(self.scope)
            elif self.function:
                self.call(x, y, size)
            else:
                self._usual(x, y)

    def _rows(self, count: int, size: int) -> Any:
        rows = self.jax.numpy.arange(count)
        return rows.reshape(-1, size) if self.way.is_odd else rows

    def _usual(self, x: Any, y: Any) -> None:
        def value(tree: Any) -> Any:
            outputs, kept = self.modules.run(tree, self.kept, self._shaped(x))
            return self.act_criterion(outputs, y).mean(), kept

        (_, self.kept), grads = self.jax.value_and_grad(value, has_aux=True)(self.current)
        updates, self.state = self.tx.update(grads, self.state, self.current)
        self.current = self.optax.apply_updates(self.current, updates)

    def _shaped(self, x: Any) -> Any:
        return x.reshape(len(x), *self.given)

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
