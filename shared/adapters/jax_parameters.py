"""The parameters of a module of Flax or Equinox: by names in the order of its layers, and where its file keeps them."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import numpy as np

from shared.adapters.flax_modules import Linen
from shared.adapters.jax_batches import JaxBatches
from shared.adapters.jax_modules import Called, concrete
from shared.adapters.layout import from_kernel, to_kernel
from shared.adapters.port import PortError, numbered
from shared.interface import Array, Parameters
from shared.reading.source import Inert

KINDS: Final = {"kernel": "W", "weight": "W", "bias": "b", "scale": "gamma"}
ODD: Final = ("Transpose", "General", "Embed", "Attention", "Local")
EMA: Final = 'batch norm by running averages in training, mode "ema" (1: on)'


class JaxParameters(JaxBatches):
    """A file whose parameters are named, and can be given."""

    def _begin(self) -> None:
        """Initialise, and find the layers in the order of their calls."""
        modules = self.modules
        if isinstance(modules, Linen):
            modules.initialise(self.given)
        image = len(self.given) == 3 and modules.channels_last
        self.inputs = (
            (self.given[2], *self.given[:2]) if image else (1, *self.given) if len(self.given) == 2 else self.given
        )
        self.start = modules.tree()
        x = self.numbers(np.zeros((2, *self.given)))
        if hasattr(modules, "is_batched"):
            with suppress(Exception):
                self.jax.eval_shape(modules.forward, self.start, x)
                modules.is_batched = True
            modules.is_batched = not modules.is_batched
        outputs = self.jax.eval_shape(modules.forward, self.start, x)
        if outputs.ndim not in (1, 2):
            raise PortError(f"{self.path.name}: {self.words} gives outputs of shape {tuple(outputs.shape)}")
        self.n_out = 1 if outputs.ndim == 1 else outputs.shape[1]
        with self.jax.disable_jit():  # what is traced is then all in one place
            self.jax.make_jaxpr(lambda tree, each: self._find_layers(tree, modules.called(tree, each)))(self.start, x)
            self._find_images(self.jax.make_jaxpr(modules.forward)(self.start, x).jaxpr)
        self.forward = self.jax.jit(modules.forward)
        self.predicted = self.jax.jit(modules.predicted)
        self.calls = self.jax.jit(lambda tree, each: [(c.x, c.z) for c in modules.called(tree, each) if _has_kernel(c)])
        self.own: Parameters = {
            name: tensor.astype(np.float64) for name, tensor in self.taken(modules.leaves(self.start)).items()
        }
        self.tx, self.optimizer_words = self.optimizer()
        self._find_holders()

    def _find_layers(self, tree: Any, layers: list[Called]) -> None:
        """Name the leaves: places among them, by names in the order of calls."""
        places = {id(leaf): k for k, leaf in enumerate(self.modules.leaves(tree))}
        self._find_norms([layer.module for layer in layers if "BatchNorm" in layer.kind])
        kinds, self.places = list[tuple[str, ...]](), list[int]()
        for layer in layers:
            own = {name: places.pop(id(array)) for name, array in layer.arrays.items() if id(array) in places}
            is_norm = "Norm" in layer.kind
            names = {name: "gamma" if is_norm and name == "weight" else KINDS.get(name, "") for name in own}
            names |= {name: "beta" for name in names if is_norm and name == "bias"}
            if "" in names.values() or any(word in layer.kind for word in ODD):
                raise PortError(f"{self.path.name}: the parameters of {layer.kind} ({', '.join(own)}) cannot be mapped")
            order = sorted(own, key=lambda name: names[name] in ("b", "beta"))
            if own:
                kinds.append(tuple(names[name] for name in order))
                self.places += [own[name] for name in order]
        if places:
            shapes = [np.shape(self.modules.leaves(self.start)[k]) for k in places.values()]
            raise PortError(f"{self.path.name}: parameters of shape {shapes[0]} are of no layer that {self.words} "
                            "calls, and cannot be mapped")  # fmt: skip
        self.names_of = numbered(kinds)

    def _find_norms(self, norms: list[Any]) -> None:
        """Keep the numbers of batch normalisation, with the momentum as PyTorch has it: the share of what is new."""
        if not norms:
            return
        self.modes["batch norm epsilon"] = [float(getattr(n, "eps", getattr(n, "epsilon", 0))) for n in norms]
        self.modes["batch norm momentum"] = [round(1 - float(norm.momentum), 10) for norm in norms]
        if any(getattr(norm, "mode", "") == "ema" for norm in norms):
            self.modes[EMA] = [1.0]

    def _find_images(self, traced: Any) -> None:
        """Find which dense layers get flattened images with channels last, by what the model is traced to."""
        self.images: dict[str, tuple[int, ...]] = {}
        dense = [name for name, k in zip(self.names_of, self.places, strict=True)
                 if name[0] == "W" and np.ndim(self.modules.leaves(self.start)[k]) == 2]  # fmt: skip
        if not self.modules.channels_last:
            return
        image, turned = None, set[Any]()
        for equation in traced.eqns:
            if not equation.invars:  # such as of jnp.arange
                continue
            name, before = equation.primitive.name, equation.invars[0]
            if name == "transpose" and equation.params["permutation"] == (0, 3, 1, 2):
                turned.add(equation.outvars[0])
            elif name == "reshape" and before.aval.ndim == 4 and equation.outvars[0].aval.ndim == 2:
                image = None if before in turned else before.aval.shape[1:]
            elif name == "dot_general" and dense:
                layer = dense.pop(0)
                if image is not None:
                    self.images[layer], image = image, None

    def taken(self, leaves: Sequence[Any]) -> Parameters:
        """Return leaves as the tensors that all frameworks share."""
        found = {}
        for name, k in zip(self.names_of, self.places, strict=True):
            tensor = np.array(concrete(leaves[k]))
            if self.modules.channels_last:
                tensor = from_kernel(tensor, self.images.get(name))
            found[name] = tensor if name[0] == "W" else tensor.reshape(-1)
        return found

    def tree_of(self, parameters: Parameters) -> Any:
        """Return these parameters as the model has them."""
        leaves, structure = self.jax.tree.flatten(self.start)
        for name, k in zip(self.names_of, self.places, strict=True):
            tensor = np.asarray(parameters[name], self.dtype)
            if self.modules.channels_last:
                tensor = to_kernel(tensor, self.images.get(name))
            leaves[k] = self.numbers(tensor.reshape(np.shape(leaves[k])))
        return self.jax.tree.unflatten(structure, leaves)

    def _find_holders(self) -> None:
        """Find which values of the file hold the parameters, and the states of its optimizer."""
        self._loaded = dict(self.scope)
        values = {name: value for name, value in self.scope.items() if not isinstance(value, Inert)}
        self.holders = [name for name, value in values.items() if self.modules.tree_in(value) is not None]
        self.statistics = [name for name, value in values.items() if self.modules.is_statistics(value)]
        """names of what layers keep beside their parameters"""
        self.states: dict[str, int] = {}
        transforms = [tx for _, _, tx in self.made] or ([self.tx] if self.tx else [])
        self.transforms = transforms
        for k, tx in enumerate(reversed(transforms)):
            for tree in self.modules.optimized(self.start):
                with suppress(Exception):
                    structure = self.jax.tree.structure(tx.init(tree))
                    for name, value in values.items():
                        if isinstance(value, tuple) and value and self.jax.tree.structure(value) == structure:
                            self.states.setdefault(name, len(transforms) - 1 - k)

    def restart(self, tree: Any) -> None:
        """Start again from these parameters: everything is as it was loaded, the optimizer has a new state."""
        self.scope.update(self._loaded)
        for name in self.holders:
            self.scope[name] = self.modules.put_in(self._loaded[name], self.modules.copied(tree))
        self.scope.update({name: self.modules.copied(self._loaded[name]) for name in self.statistics})
        for name, k in self.states.items():
            for optimized in self.modules.optimized(tree):
                state = self.transforms[k].init(optimized)
                if self.jax.tree.structure(state) == self.jax.tree.structure(self._loaded[name]):
                    self.scope[name] = state
                    break
        self.current = tree
        if not (self.loop or self.function):
            self.state, self.kept = self.tx.init(tree), self.modules.statistics(())

    def give(self, parameters: Parameters) -> None:
        """Start again from these parameters."""
        self.restart(self.tree_of(parameters))

    def tree(self) -> Any:
        """Return the parameters as they are: of several values of the file those that moved."""
        if not (self.loop or self.function):
            return self.current
        trees = [self.modules.tree_in(self.scope[name]) for name in self.holders]
        given = self.modules.leaves(self.current)
        moved = [tree for tree in trees if tree is not None and any(
            not np.array_equal(a, b) for a, b in zip(self.modules.leaves(tree), given, strict=True))]  # fmt: skip
        return [*moved, *trees][0]

    def predict(self, x: Array) -> Any:
        """Return the outputs for examples (n, *inputs), as after training."""
        usual = not (self.loop or self.function)
        statistics = self.kept if usual else self.modules.statistics(self.scope.values())
        return self.predicted(self.tree(), statistics, self.as_inputs(x, self.given))

    def parameters(self) -> Parameters:
        """Return copies."""
        return self.taken(self.modules.leaves(self.tree()))


def _has_kernel(layer: Called) -> bool:
    return any(np.ndim(array) > 1 and KINDS.get(name) == "W" for name, array in layer.arrays.items())
