"""A user's functions `forward`, `gradients` and, optionally, `loss`, as a `Network`."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from shared.implementations import ContractError
from shared.interface import Array, Labels, Parameters
from shared.spec import NetworkSpec, TrainingSpec


def builder(module: ModuleType) -> Callable[[NetworkSpec, TrainingSpec, Parameters], "FunctionNetwork"]:
    """Return a function that builds a network from a module's functions; ContractError if they are missing."""
    missing = [function for function in ("forward", "gradients") if not hasattr(module, function)]
    if missing:
        raise ContractError(
            f"found no class Network and no function {' and no function '.join(missing)}; expected the class, or "
            "forward(parameters, x) and gradients(parameters, x, y), as in the example that `check` prints"
        )
    return lambda spec, _, parameters: FunctionNetwork(module, spec, parameters)


class FunctionNetwork:
    """A network made of functions; they get a list of pairs (W, b), one per layer with weights, and labels (n,).

    `forward(parameters, x)` returns a_L, (n, n_out), or a list that ends with it. `gradients(parameters, x, y)` returns
    [(dW_1, db_1), ...]. `loss(parameters, x, y)` is optional. The b of a layer without bias is 0, and its db is
    ignored. There is no `train`: checking our own update would prove nothing.
    """

    def __init__(self, module: ModuleType, spec: NetworkSpec, parameters: Parameters) -> None:
        self._module, self._spec = module, spec
        self.reset(parameters)

    def reset(self, parameters: Parameters) -> None:
        """Keep these arrays, not copies, so that a change to them is detected."""
        self._parameters = parameters
        self._pairs = [
            (tensor, parameters.get(f"b{name[1:]}", np.zeros(len(tensor))))
            for name, tensor in parameters.items()
            if name[0] == "W"
        ]

    def parameters(self) -> Parameters:
        """Return copies."""
        return {name: tensor.copy() for name, tensor in self._parameters.items()}

    def predict(self, x: Array) -> Any:
        """Return a_L."""
        found = self._module.forward(self._pairs, x)
        is_list = isinstance(found, (list, tuple)) and len(found) > 0
        # a list of the activations of all layers, unless it is a list of rows
        return found[-1] if is_list and np.ndim(found[-1]) == np.ndim(x) else found

    def loss_and_gradients(self, x: Array, y: Labels) -> tuple[Any, dict[str, Any]]:
        """Return the loss (None without a function for it) and the gradients (None for a missing bias gradient)."""
        gradients = self._by_name(self._module.gradients(self._pairs, x, y))
        loss = self._module.loss(self._pairs, x, y) if hasattr(self._module, "loss") else None
        return loss, gradients

    def _by_name(self, gradients: Any) -> dict[str, Any]:
        expected = "expected a list of pairs (dW, db), one per layer"
        if not isinstance(gradients, (list, tuple)):
            raise ContractError(f"gradients: got {type(gradients).__name__}, {expected}")
        pairs = [layer if isinstance(layer, (list, tuple)) else (layer, None) for layer in gradients]
        if wrong := next((pair for pair in pairs if len(pair) != 2), None):
            raise ContractError(f"gradients: got a layer of {len(wrong)} arrays, {expected}")
        numbers = [name[1:] for name in self._parameters if name[0] == "W"]
        if len(pairs) != len(numbers):
            raise ContractError(f"gradients: got {len(pairs)} layers, expected {len(numbers)}")
        found = dict(zip(numbers, pairs, strict=True))
        return {name: found[name[1:]]["Wb".index(name[0])] for name in self._parameters}
