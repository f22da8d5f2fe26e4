"""What is recorded while a file with a module of Flax or Equinox is loaded and stepped: gradients, and their use."""

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial, wraps
from typing import Any, Final

import numpy as np

from shared.adapters.flax_modules import Linen
from shared.adapters.jax_modules import Modules, concrete

GRADS: Final = ("value_and_grad", "grad", "filter_value_and_grad", "filter_grad")


class JaxRecording:
    """Replaces, for a while, what asks for gradients and what makes optimizers by what records them, too."""

    jax: Any
    optax: Any
    modules: Modules
    seen: dict[str, Any] | None
    """what the step that runs has computed so far; None outside of steps"""
    made: list[tuple[str, dict[str, Any], Any]]
    """optimizers of optax: name, arguments, and what was made"""
    modes: dict[str, list[float]]
    """what acts in training alone; see `About`"""

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Record gradients, and what optimizers get; leave dropout out."""
        with ExitStack() as stack:
            places = [self.jax, getattr(self.modules, "api", None)]
            for place, name in ((place, name) for place in places for name in GRADS if hasattr(place, name)):
                _replace(stack, place, name, partial(_differentiating, self, getattr(place, name), name))
            for name, function in vars(self.optax).items():
                if inspect.isfunction(function) and _gives_optimizer(function):
                    _replace(stack, self.optax, name, self._making(name, function))
            for cls in self.modules.dropouts():
                _replace(stack, cls, "__call__", self._kept)
            if isinstance(self.modules, Linen):
                stack.enter_context(self.modules.watched())
            yield

    @property
    def _kept(self) -> Callable[..., Any]:
        def kept(layer: Any, inputs: Any, *_: Any, **__: Any) -> Any:
            rate = float(layer.p if hasattr(layer, "p") else layer.rate)
            if rate and rate not in self.modes.get("dropout", []):
                self.modes.setdefault("dropout", []).append(rate)
            return inputs

        return kept

    def _making(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def made(*arguments: Any, **named: Any) -> Any:
            found = function(*arguments, **named)

            def update(updates: Any, *rest: Any, **more: Any) -> Any:
                self.record("used", updates)
                result = found.update(updates, *rest, **more)
                if "clip" in name:
                    self.record("clipped", result[0], last=True)
                return result

            bound = inspect.signature(function).bind(*arguments, **named)
            bound.apply_defaults()
            recorded = found._replace(update=update)
            self.made.append((name, dict(bound.arguments), recorded))
            return recorded

        return made

    def record(self, what: str, tree: Any, last: bool = False) -> None:
        """Keep what a step computes; what is compiled hands it over when it runs."""
        if self.seen is None:
            return
        leaves = [concrete(leaf) for leaf in self.modules.leaves(tree)]
        if any(isinstance(leaf, self.jax.core.Tracer) for leaf in leaves):
            self.jax.debug.callback(lambda *found: self._keep(what, list(found), last), *leaves)
        else:
            self._keep(what, leaves, last)

    def _keep(self, what: str, leaves: list[Any], last: bool) -> None:
        if self.seen is not None and (last or what not in self.seen):
            self.seen[what] = [np.array(leaf) for leaf in leaves]


def _replace(stack: ExitStack, place: Any, name: str, value: Any) -> None:
    before = getattr(place, name)
    setattr(place, name, value)
    stack.callback(setattr, place, name, before)


def _gives_optimizer(function: Callable[..., Any]) -> bool:
    return "GradientTransformation" in str(function.__annotations__.get("return", ""))


def _differentiating(
    file: JaxRecording, real: Any, name: str, function: Any = None, *arguments: Any, **named: Any
) -> Any:
    """Return what JAX, Flax or Equinox make of a function, with its value and its gradients recorded.

    `grad` is made of `value_and_grad`, so that the value is there. What they call themselves is not recorded.
    """
    if function is None:
        return partial(_differentiating, file, real, name, **named)
    is_value = "value" in name
    module = sys.modules[real.__module__]
    both = real if is_value else getattr(module, name.replace("grad", "value_and_grad"))
    of_both, has_aux = both(function, *arguments, **named), named.get("has_aux", False)

    @wraps(function)
    def called(*of_function: Any, **given: Any) -> Any:
        if file.seen is None:
            value, grads = of_both(*of_function, **given)
        else:
            seen, file.seen = file.seen, None
            try:
                value, grads = of_both(*of_function, **given)
            finally:
                file.seen = seen
            file.record("gradients", grads)
            file.record("loss", value[0] if has_aux else value)
        if is_value:
            return value, grads
        return (grads, value[1]) if has_aux else grads

    return called
