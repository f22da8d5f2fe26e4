"""What is checked: a user's file, with a class `Network` or with the functions `forward` and `gradients`."""

import ast
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from shared.adapters import functions
from shared.boundary import NotPythonError, parsed, read_source
from shared.errors import SpecError, check_choice
from shared.implementations import load_module, network_class
from shared.interface import Parameters
from shared.processes.harmless import harmless
from shared.spec import LOSSES, NetworkSpec, TrainingSpec

MOST_PARAMETERS: Final = 10**7
MOST_LAYERS: Final = 1000
CONSTANTS: Final = ("NETWORK", "SIZES", "ACTIVATION", "LOSS")
EXAMPLES: Final = {
    "NETWORK": '"784-30-10"',
    "SIZES": "(784, 30, 10)",
    "ACTIVATION": '"sigmoid"',
    "LOSS": '"quadratic"',
}
SHORTHANDS: Final = ("sizes", "activation", "loss")
DEFAULTS: Final = {"sizes": (784, 30, 10), "activation": "sigmoid", "loss": "quadratic"}


class Subject:
    """A loaded file or class.

    Parameters
    ----------
    build : (spec, training, parameters) -> a network.
    path : the user's file; None for a class without one.
    trains : whether it has a `train`.
    constants : NETWORK, SIZES, ACTIVATION and LOSS, as defined in the file.
    """

    def __init__(
        self,
        build: Callable[[NetworkSpec, TrainingSpec, Parameters], Any],
        path: str | None = None,
        *,
        trains: bool = True,
        constants: dict[str, Any] | None = None,
    ) -> None:
        self.build, self.path, self.trains, self.constants = build, path, trains, constants or {}

    @classmethod
    def load(cls, name: str) -> "Subject":
        """Load an implementation by its name or its file; ContractError if it contains nothing to check."""
        module = load_file(name)
        constants = {constant: getattr(module, constant) for constant in CONSTANTS if hasattr(module, constant)}
        trains = hasattr(module, "Network")
        build = network_class(module) if trains else functions.builder(module)
        return cls(build, getattr(module, "__file__", None), trains=trains, constants=constants)

    def describe(self) -> dict[str, Any]:
        """Return what the parent process needs to know; SpecError for a constant that is no text and no sizes."""
        return {"trains": self.trains, "constants": meant(self.constants)}


def load_file(name: str) -> ModuleType:
    """Import an implementation, or a file, which may change nothing while it is imported."""
    with harmless(Path(name).parent):
        return load_module(name)


def meant(constants: Mapping[str, Any]) -> dict[str, Any]:
    """Return constants of a file that are texts and whole numbers; SpecError for one that is something else."""
    for name, value in constants.items():
        parts = value if isinstance(value, (tuple, list)) else (value,)
        if not all(isinstance(part, (str, int, type(None))) for part in parts):
            what = f"the {type(value).__name__} {getattr(value, '__name__', '')}".rstrip()
            raise SpecError(name, Unquoted(what), f"a value such as {EXAMPLES[name]}")
    return dict(constants)


class Unquoted(str):
    """A text that errors show without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def spec_of(constants: Mapping[str, Any], given: Mapping[str, Any]) -> NetworkSpec:
    """Return the network to check: as given, or as the file says, or the default.

    Parameters
    ----------
    constants : of the file: NETWORK, the notation, or SIZES, ACTIVATION and LOSS.
    given : network, sizes, activation and loss, if given; with a network in the notation, activation and loss fill in
        what it leaves out.

    Raises
    ------
    SpecError
        If a value is not valid.
    """
    spec = _spec_of(constants, given)
    if spec.parameter_count > MOST_PARAMETERS:
        most = f"at most {MOST_PARAMETERS:,}, which are computed many times; a smaller network has the same mistakes"
        raise SpecError("network", f"{spec.parameter_count:,} parameters", most)
    if len(spec.layers) > MOST_LAYERS:
        raise SpecError("network", f"{len(spec.layers):,} layers", f"at most {MOST_LAYERS:,}")
    return spec


def _spec_of(constants: Mapping[str, Any], given: Mapping[str, Any]) -> NetworkSpec:
    text = given.get("network") or (constants.get("NETWORK") if given.get("sizes") is None else None)
    if text is not None:
        return _parsed(text, given.get("activation"), given.get("loss"))
    chosen = DEFAULTS | {name: constants[name.upper()] for name in SHORTHANDS if name.upper() in constants}
    chosen |= {name: given[name] for name in SHORTHANDS if given.get(name) is not None}
    sizes = chosen["sizes"]
    if isinstance(sizes, Sequence) and not isinstance(sizes, str):
        chosen["sizes"] = tuple(sizes)
    check_choice("loss", chosen["loss"], LOSSES)
    return NetworkSpec.dense(**chosen)


def _parsed(text: Any, activation: str | None, loss: str | None) -> NetworkSpec:
    if not isinstance(text, str):
        raise SpecError("network", text, "a string such as 784-30tanh-10sigmoid")
    spec = NetworkSpec.parse(text, activation or "", loss or "")
    if loss not in (None, spec.loss):
        raise SpecError("loss", loss, f"{spec.loss}, the loss of the network {text}")
    if activation is not None and activation not in {layer.activation for layer in spec.layers}:
        raise SpecError("activation", activation, f"none: the network {text} names the activation of every layer")
    return spec


def source_lines(path: str | Path | None) -> list[str]:
    """Return the lines of a file, with docstrings blanked; [] without a file."""
    if path is None:
        return []
    text = read_source(Path(path))
    lines = text.splitlines()
    try:
        tree = parsed(text)
    except NotPythonError:
        return lines
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            for number in range(node.lineno - 1, node.end_lineno or node.lineno):
                lines[number] = ""
    return lines
