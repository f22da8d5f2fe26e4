"""What the modules of Flax (linen and nnx) and of Equinox share: where parameters are, and what a module computes.

The parameters of each are the leaves of a tree: the dictionary that linen's `init` gives, the state of an nnx module,
the arrays of an Equinox module. Gradients are trees of the same shape, so that a place among the leaves is a name.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, NamedTuple

import numpy as np

from shared.adapters.port import first_of

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
    module: Any = None


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
        self.resting: dict[str, Any] = {}
        """what the module is called with while it trains, and for predictions"""

    @property
    def base(self) -> type:
        """The class of modules."""
        return self.api.Module  # type: ignore[no-any-return]

    def dropouts(self) -> list[type]:
        """Return the classes of layers that are random in training."""
        return [self.api.Dropout]

    def norms(self) -> list[type]:
        """Return the classes of layers that normalise by the other examples of a batch."""
        return [self.api.BatchNorm]

    def is_at_rest(self, norm: Any, rest: tuple[Any, ...], named: dict[str, Any]) -> bool:
        """Return whether such a layer, called with these arguments, takes its running statistics."""
        asked = named.get("use_running_average", rest[0] if rest else None)
        return bool(norm.use_running_average if asked is None else asked)

    def take(self, model: Any, values: Iterable[Any]) -> None:
        """Use this model, with the arguments that its call has, and with what else is among the values of its file."""
        del values
        self.model = model
        names = inspect.signature(type(model).__call__).parameters
        trains, rests = ([n for n in known if n in names] for known in (TRAINS, RESTS))
        self.flags = dict.fromkeys(trains, True) | dict.fromkeys(rests, False)
        self.resting = {name: not value for name, value in self.flags.items()}

    def made(self, cls: type) -> Iterator[Any]:
        """Yield models of a class of the file, made without anything that the file does not say."""
        yield cls()

    def own(self, model: Any) -> Any:
        """Return a model that may be changed in place, of one that is to stay as it is."""
        return model

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
        """Return the outputs, as in the first step of training."""
        return self.run(tree, self.statistics(()), x)[0]

    def run(self, tree: Any, statistics: Any, x: Any) -> tuple[Any, Any]:
        """Return the outputs, as in training, and what the layers keep beside their parameters then."""
        raise NotImplementedError

    def called(self, tree: Any, x: Any) -> list[Called]:
        """Return the layers that have parameters, with what goes in and out."""
        raise NotImplementedError

    def is_statistics(self, value: Any) -> bool:
        """Return whether a value of the file is what layers keep beside their parameters: running statistics."""
        del value
        return False

    def statistics(self, values: Iterable[Any]) -> Any:
        """Return what the layers keep beside their parameters: what is among these values, or as it was at first."""
        raise NotImplementedError

    def predicted(self, tree: Any, statistics: Any, x: Any) -> Any:
        """Return the outputs, as after training: without dropout, with running statistics."""
        raise NotImplementedError

    def optimized(self, tree: Any) -> list[Any]:
        """Return what an optimizer's state may have been made for."""
        return [tree]

    def widened(self, tree: Any) -> Any:
        """Return a tree with what it has in float32 in the precision in which the module is computed."""
        dtype = self.jax.numpy.zeros(0).dtype
        return self.jax.tree.map(lambda v: v.astype(dtype) if getattr(v, "dtype", None) == np.float32 else v, tree)

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
            def called(module: Any, *given: Any, **named: Any) -> Any:
                z = call(module, *given, **named)
                if id(module) in own:
                    x = concrete(first_of(given, named))
                    found.append(Called(type(module).__name__, own[id(module)], x, concrete(z), module))
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
        axis = getattr(value, "batch_dim", 0)
        value = getattr(value, WITHIN[kind])
        if isinstance(axis, int) and axis:  # the axis of the examples comes first
            value = value.transpose(axis, *(k for k in range(value.ndim) if k != axis))
    return value
