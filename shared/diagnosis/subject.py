"""What is checked: a user's file, with a class `Network`, or with the functions `forward` and `gradients` alone."""

import ast
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np

from shared.errors import SpecError
from shared.implementations import load_module
from shared.interface import Array, Labels, Layer, Parameters
from shared.spec import NetworkSpec, TrainingSpec

CONSTANTS: Final = ("SIZES", "ACTIVATION", "LOSS")


class SubjectError(ValueError):
    """A file that holds nothing to check."""


class FunctionNetwork:
    """The contract of `shared.interface.Network`, made of a user's functions.

    `forward(parameters, x)` returns a_L, (n, n_out), or a list that ends with it; `gradients(parameters, x, y)` returns
    [(dW_1, db_1), ...]; `loss(parameters, x, y)` may be there or not. They get lists of pairs (W, b), and labels (n,).
    There is no `train`: an update of ours would prove nothing.
    """

    def __init__(self, module: ModuleType, parameters: Parameters) -> None:
        self._module = module
        self.reset(parameters)

    def reset(self, parameters: Parameters) -> None:
        """Take these parameters themselves, so that changing them is seen."""
        self._parameters = [(W, b) for W, b in parameters]

    def parameters(self) -> Parameters:
        """Return copies."""
        return tuple(Layer(W.copy(), b.copy()) for W, b in self._parameters)

    def predict(self, x: Array) -> Any:
        """Return a_L."""
        found = self._module.forward(self._parameters, x)
        is_list = isinstance(found, (list, tuple)) and len(found) > 0
        # a list of the layers' activations, unless it is one of rows
        return found[-1] if is_list and np.ndim(found[-1]) == np.ndim(x) else found

    def loss_and_gradients(self, x: Array, y: Labels) -> tuple[Any, Any]:
        """Return the loss, None if there is no function for it, and the gradients."""
        gradients = self._module.gradients(self._parameters, x, y)
        loss = self._module.loss(self._parameters, x, y) if hasattr(self._module, "loss") else None
        return loss, gradients


class Subject:
    """What has been loaded, and the network that it is being asked about.

    Parameters
    ----------
    build : (spec, training, parameters) -> a network.
    path : the user's file; None for a class that has none.
    trains : whether it has a `train`.
    constants : SIZES, ACTIVATION and LOSS as the file has them.
    """

    def __init__(
        self,
        build: Callable[[NetworkSpec, TrainingSpec, Parameters], Any],
        path: str | None,
        *,
        trains: bool,
        constants: dict[str, Any],
    ) -> None:
        self.build, self.path, self.trains, self.constants = build, path, trains, constants
        self.network: Any = None

    @classmethod
    def load(cls, name: str) -> "Subject":
        """Load an implementation by its name or its file; SubjectError where there is nothing to check in it."""
        module = load_module(name)
        path = getattr(module, "__file__", None)
        constants = {constant: getattr(module, constant) for constant in CONSTANTS if hasattr(module, constant)}
        if hasattr(module, "Network"):
            return cls(module.Network, path, trains=True, constants=constants)
        missing = [function for function in ("forward", "gradients") if not hasattr(module, function)]
        if missing:
            raise SubjectError(
                f"found no class Network and no function {' and no function '.join(missing)}; expected either the "
                "class, or forward(parameters, x) and gradients(parameters, x, y); compare.py check --example has them"
            )
        return cls(lambda _, __, p: FunctionNetwork(module, p), path, trains=False, constants=constants)

    def describe(self) -> dict[str, Any]:
        """Return what the parent has to know."""
        return {"trains": self.trains, "constants": self.constants}


def spec_of(constants: dict[str, Any], given: dict[str, Any]) -> NetworkSpec:
    """Return the network to check: as given, or else as the file says, or by default.

    Raises
    ------
    SpecError
        Where a constant of the file cannot be meant.
    """
    default = NetworkSpec()
    sizes = given.get("sizes") or constants.get("SIZES", default.sizes)
    if isinstance(sizes, Sequence) and not isinstance(sizes, str):
        sizes = tuple(sizes)
    try:
        return NetworkSpec(
            sizes,
            given.get("activation") or constants.get("ACTIVATION", default.activation),
            given.get("loss") or constants.get("LOSS", default.loss),
        )
    except TypeError as error:
        raise SpecError("sizes", sizes, f"layer sizes such as (784, 30, 10) ({error})") from None


def as_tensors(gradients: Any) -> list[Any]:
    """Return dW_1, db_1, dW_2, ... of whatever a user returns as gradients; None for a bias that has none.

    Raises
    ------
    SubjectError
        If they are no list of layers.
    """
    expected = "expected a list of pairs (dW, db), one a layer"
    if not isinstance(gradients, (list, tuple)):
        raise SubjectError(f"gradients: got {type(gradients).__name__}, {expected}")
    found: list[Any] = []
    for layer in gradients:
        if isinstance(layer, (list, tuple)):
            if len(layer) != 2:
                raise SubjectError(f"gradients: got a layer of {len(layer)} arrays, {expected}")
            found += [None if tensor is None else np.asarray(tensor) for tensor in layer]
        else:
            found += [np.asarray(layer), None]
    return found


def source_lines(path: str | Path | None) -> list[str]:
    """Return the lines of a file, those of docstrings emptied; [] where there is none."""
    if path is None:
        return []
    text = Path(path).read_text(encoding="utf-8", errors="replace")
    lines = text.splitlines()
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return lines
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            for number in range(node.lineno - 1, node.end_lineno or node.lineno):
                lines[number] = ""
    return lines
