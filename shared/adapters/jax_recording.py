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
from shared.adapters.jax_scans import unshuffled
from shared.adapters.port import first_of
from shared.adapters.replacing import replace

GRADS: Final = ("value_and_grad", "grad", "filter_value_and_grad", "filter_grad")
AT_REST: Final = "evaluation mode of batch norm in training (1: on)"


class JaxRecording:
    """Replaces, for a while, what asks for gradients and what makes optimizers by what records them, too."""

    jax: Any
    optax: Any
    modules: Modules
    dtype: str
    is_scanned: bool
    """whether a call of the file's step may take several steps: `lax.scan`"""
    seen: dict[str, Any] | None
    """what the step that runs has computed so far; None outside of steps"""
    asked: int
    """how often the step that runs has asked for gradients"""
    is_within = False
    """whether something is differentiated right now"""
    made: list[tuple[str, dict[str, Any], Any]]
    """optimizers of optax: name, arguments, and what was made"""
    modes: dict[str, list[float]]
    """what acts in training alone; see `About`"""

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Record gradients, and what optimizers get; leave dropout out, and where a call takes all, shuffling."""
        with ExitStack() as stack:
            places = [self.jax, getattr(self.modules, "api", None)]
            for place, name in ((place, name) for place in places for name in GRADS if hasattr(place, name)):
                replace(stack, place, name, partial(_differentiating, self, getattr(place, name), name))
            for name, function in vars(self.optax).items():
                if inspect.isfunction(function) and _gives_optimizer(function):
                    replace(stack, self.optax, name, self._making(name, function))
            replace(stack, self.optax, "MultiSteps", _accumulating(self, self.optax.MultiSteps))
            for cls in self.modules.dropouts():
                replace(stack, cls, "__call__", self._kept)
            for cls in self.modules.norms():
                replace(stack, cls, "__call__", self._normed(cls.__call__))
            if isinstance(self.modules, Linen):
                stack.enter_context(self.modules.watched())
            if self.is_scanned:
                stack.enter_context(unshuffled(self.jax))
            yield

    @property
    def _kept(self) -> Callable[..., Any]:
        def kept(layer: Any, *given: Any, **named: Any) -> Any:
            rate = float(layer.p if hasattr(layer, "p") else layer.rate)
            if rate and rate not in self.modes.get("dropout", []):
                self.modes.setdefault("dropout", []).append(rate)
            return first_of(given, named)

        return kept

    def _normed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return what normalises, and tells whether it takes its running statistics while it trains."""

        def normed(layer: Any, *given: Any, **named: Any) -> Any:
            if self.is_within and self.modules.is_at_rest(layer, given[1:], named):
                self.modes[AT_REST] = [1.0]
            return call(layer, *given, **named)

        return normed

    def _making(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def made(*arguments: Any, **named: Any) -> Any:
            found = function(*arguments, **named)
            if not hasattr(found, "update"):  # of inject_hyperparams, which gives a function
                return self._making(name, found)

            def update(updates: Any, *rest: Any, **more: Any) -> Any:
                self.record("used", updates)
                result = found.update(updates, *rest, **more)
                if "clip" in name:
                    self.record("clipped", result[0], last=True)
                return result

            recorded = found._replace(update=update)
            if self.seen is None:  # what a step makes is part of an optimizer that is known
                bound = inspect.signature(function).bind(*arguments, **named)
                bound.apply_defaults()
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
        if self.seen is not None:
            self.asked += what == "gradients"
            if last or what not in self.seen:
                self.seen[what] = [np.array(leaf) for leaf in leaves]


def _gives_optimizer(function: Callable[..., Any]) -> bool:
    return "GradientTransformation" in str(function.__annotations__.get("return", ""))


def _accumulating(file: JaxRecording, real: Any) -> Any:
    """Return `optax.MultiSteps`, recorded, which adds up in the precision in which the file is computed."""

    def made(opt: Any, every_k_schedule: Any, *rest: Any, **named: Any) -> Any:
        names = ("use_grad_mean", "should_skip_update_fn", "accumulator_dtype")
        given = {"accumulator_dtype": file.dtype, **dict(zip(names, rest, strict=False)), **named}
        found = real(opt, every_k_schedule, **given)
        many = f" of {every_k_schedule}" if isinstance(every_k_schedule, int) else ""
        file.made.append((f"MultiSteps{many}", {}, found))
        return found

    return made


def _differentiating(
    file: JaxRecording, real: Any, name: str, function: Any = None, *arguments: Any, **named: Any
) -> Any:
    """Return what JAX, Flax or Equinox make of a function, with its value and its gradients recorded.

    `grad` is made of `value_and_grad`, so that the value is there. Gradients that they ask for within are not recorded.
    """
    if function is None:
        return partial(_differentiating, file, real, name, **named)
    is_value = "value" in name
    module = sys.modules[real.__module__]
    both = real if is_value else getattr(module, name.replace("grad", "value_and_grad"))
    of_both, has_aux = both(function, *arguments, **named), named.get("has_aux", False)

    @wraps(function)
    def called(*of_function: Any, **given: Any) -> Any:
        if file.seen is None or file.is_within:
            value, grads = of_both(*of_function, **given)
        else:
            file.is_within = True
            try:
                value, grads = of_both(*of_function, **given)
            finally:
                file.is_within = False
            file.record("gradients", grads)
            file.record("loss", value[0] if has_aux else value)
        if is_value:
            return value, grads
        return (grads, value[1]) if has_aux else grads

    return called
