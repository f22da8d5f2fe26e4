"""What the modules of Flax (linen and nnx) and of Equinox share: where parameters are, and what a module computes.

The parameters of each are the leaves of a tree: the dictionary that linen's `init` gives, the state of an nnx module,
the arrays of an Equinox module. Gradients are trees of the same shape, so that a place among the leaves is a name.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, NamedTuple

import numpy as np

TRAINS = ("train", "training", "is_training")
RESTS = ("deterministic", "inference", "eval", "use_running_average")
"""Arguments by which a module is told that it trains, and that it does not."""
WITHIN = {"BatchTracer": "val", "JVPTracer": "primal", "LinearizeTracer": "primal"}
"""what traces a value of JAX -> where that value is"""


class Called(NamedTuple):
    """A layer with parameters of its own, in the order of calls."""

    kind: str
    arrays: dict[str, Any]
    x: Any
    z: Any


class Modules:
    """What the three have in common; `jax` and the package itself are imported when one is made."""

    kind: ClassVar[str]
    package: ClassVar[str]
    channels_last: ClassVar[bool] = True

    def __init__(self) -> None:
        self.jax: Any = __import__("jax")
        self.api: Any = __import__(self.package, fromlist=["_"])
        self.model: Any = None
        self.flags: dict[str, Any] = {}

    @property
    def base(self) -> type:
        """The class of modules."""
        return self.api.Module  # type: ignore[no-any-return]

    def dropouts(self) -> list[type]:
        """Return the classes of layers that are random in training."""
        return [self.api.Dropout]

    def take(self, model: Any) -> None:
        """Use this model, with the arguments that its call has."""
        self.model = model
        names = inspect.signature(type(model).__call__).parameters
        self.flags = dict.fromkeys((n for n in TRAINS if n in names), True)
        self.flags |= dict.fromkeys((n for n in RESTS if n in names), False)

    def made(self, cls: type) -> Iterator[Any]:
        """Yield models of a class of the file, made without anything that the file does not say."""
        yield cls()

    def tree(self) -> Any:
        """Return the parameters of the model as it is."""
        raise NotImplementedError

    def tree_in(self, value: Any) -> Any:
        """Return the parameters that a value of the file holds; None if it holds none."""
        raise NotImplementedError

    def put_in(self, value: Any, tree: Any) -> Any:
        """Return a value of the file with these parameters."""
        raise NotImplementedError

    def forward(self, tree: Any, x: Any) -> Any:
        """Return the outputs, as in training."""
        raise NotImplementedError

    def called(self, tree: Any, x: Any) -> list[Called]:
        """Return the layers that have parameters, with what goes in and out."""
        raise NotImplementedError

    def optimized(self, tree: Any) -> list[Any]:
        """Return what an optimizer's state may have been made for."""
        return [tree]

    def copied(self, tree: Any) -> Any:
        """Return a copy, as what is given to a step may be gone afterwards (`donate_argnums`)."""

        def copy(leaf: Any) -> Any:  # the keys of random numbers have a type of their own
            return self.jax.numpy.array(leaf) if isinstance(getattr(leaf, "dtype", None), np.dtype) else leaf

        return self.jax.tree.map(copy, tree)

    def leaves(self, tree: Any) -> list[Any]:
        """Return the leaves of parameters or of gradients."""
        if isinstance(tree, Mapping) and set(tree) == {"params"}:
            tree = tree["params"]
        return list(self.jax.tree.leaves(tree))

    def _is_like(self, tree: Any) -> bool:
        shapes = [np.shape(leaf) for leaf in self.jax.tree.leaves(tree)]
        return shapes == [np.shape(leaf) for leaf in self.jax.tree.leaves(self.tree())]

    @contextmanager
    def _calls(self, modules: list[tuple[Any, dict[str, Any]]], found: list[Called]) -> Iterator[None]:
        """Record the calls of modules that exist, by their classes."""
        own = {id(module): arrays for module, arrays in modules}
        kept = {type(module): type(module).__call__ for module, _ in modules}

        def recorded(call: Callable[..., Any]) -> Callable[..., Any]:
            def called(module: Any, x: Any, *rest: Any, **named: Any) -> Any:
                z = call(module, x, *rest, **named)
                if id(module) in own:
                    found.append(Called(type(module).__name__, own[id(module)], concrete(x), concrete(z)))
                return z

            return called

        for cls, call in kept.items():
            cls.__call__ = recorded(call)
        try:
            yield
        finally:
            for cls, call in kept.items():
                cls.__call__ = call


def concrete(value: Any) -> Any:
    """Return the numbers within what traces them: of a batch, or of something that is differentiated."""
    while (kind := type(value).__name__) in WITHIN:
        value = getattr(value, WITHIN[kind])
    return value
