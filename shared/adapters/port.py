"""What a person's own model does when it is stepped: the same questions for every framework, NumPy in and out."""

import ast
import re
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import numpy as np

from shared.boundary import NotPythonError, parsed, read_source, safe
from shared.interface import Array, Parameters

PRECISION: Final = "float32"
"""In which frameworks compute; a file that knows nothing else is timed in float64."""
MOST_WARNINGS: Final = 8
LONGEST_WARNING: Final = 300
IMAGES: Final = ((1, 28, 28), (3, 32, 32), (1, 8, 8), (1, 32, 32), (3, 28, 28), (3, 64, 64), (3, 224, 224))
FORMS: Final = ("labels", "rows", "column", "numbers")
"""Of targets: (n,) integers, (n, n_out) one-hot vectors, (n, 1) and (n,) floats."""


class PortError(TypeError):
    """A file holds no model that can be stepped; the message says what is missing, or cannot be mapped."""


class About(NamedTuple):
    """What a file holds."""

    kind: str
    """such as "torch.nn.Module" """
    found: list[str]
    """in words: the model, its loss, its optimizer"""
    shapes: dict[str, list[int]]
    """of the parameters, by name in order: W (n_out, n_in) or (c_out, c_in, k, k), b, gamma, beta"""
    inputs: list[int]
    """shape of an example, channels first"""
    n_out: int
    dtype: str
    hints: dict[str, float]
    """numbers that the optimizer declares; they are tried first"""
    own: Parameters
    """its own initial parameters"""
    notes: list[str]
    modes: dict[str, list[float]]
    """what acts in training alone, with its numbers: "dropout", "batch norm epsilon", ..."""
    has_update: bool


class Named(NamedTuple):
    """What is to be used where a file has none, by names of the framework; "" for nothing."""

    criterion: str = ""
    optimizer: str = ""
    rate: float | None = None
    model: str = ""
    """one of several in a file: an object, or a class or a function that makes it"""


class Figures(NamedTuple):
    """What a model computes in a step."""

    outputs: Array
    loss: float
    gradients: Parameters
    used: Parameters
    """the gradients that the optimizer got: after clipping, for example"""
    after: Parameters
    carried: float
    """the largest gradient that was there before"""


class Port(Protocol):
    """A model that can be stepped; it lives in a process of its own."""

    path: Path
    caught: list[str]
    """warnings so far"""

    def about(self) -> About:
        """Return what was found."""

    def give(self, parameters: Parameters) -> None:
        """Start again from these parameters, with a fresh optimizer."""

    def parameters(self) -> Parameters:
        """Return copies."""

    def layers(self, x: Array) -> Parameters:
        """Return z1, a1, z2, ... for a batch, each (n, size), channels first; {} if they cannot be seen."""

    def step(self, x: Array, y: Array) -> Figures:
        """Take a step; x is (n, *inputs), y (n,): labels, or numbers if there is one output; or (n, n_out)."""


def first_of(arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
    """Return the examples that a model or a layer is called with: its first argument; of keywords, the largest one."""
    arrays = (each for each in named.values() if hasattr(each, "shape"))
    return arguments[0] if arguments else max(arrays, key=lambda each: int(np.prod(each.shape)))


@contextmanager
def listening(path: Path, caught: list[str]) -> Iterator[None]:
    """Collect the warnings that the framework raises, each with the line of the file that led to it."""

    def heard(message: Any, category: Any, filename: str, lineno: int, *_: Any) -> None:
        frames = [frame.lineno for frame in traceback.extract_stack() if frame.filename == str(path)]
        line = frames[-1] if frames else lineno if filename == str(path) else None
        text = safe(" ".join(str(message).split()))[:LONGEST_WARNING]
        said = f"line {line}: {text}" if line else text
        is_ours = issubclass(category, (DeprecationWarning, PendingDeprecationWarning, ResourceWarning))
        same = [k for k, other in enumerate(caught) if re.sub(r"\d+", "", other) == re.sub(r"\d+", "", said)]
        if same:
            caught[same[0]] = said  # of the last batch, which is larger than those of the first trials
        elif not is_ours and len(caught) < MOST_WARNINGS:
            caught.append(said)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = heard  # type: ignore[assignment]
        yield


def kind_of(path: Path) -> str:
    """Return which kind of port a file is, without running it; "" for a class `Network` of today's contract.

    The kinds are "earlier" (a class `Network` whose `train` takes x, y and order), "functions", "jax" (of Flax or
    Equinox), "keras" and "torch".
    """
    try:
        tree = parsed(read_source(path))
    except NotPythonError:
        return ""
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Network"]
    if classes and not any("Module" in ast.unparse(base) or "Model" in ast.unparse(base) for base in classes[0].bases):
        methods = {node.name: node for node in classes[0].body if isinstance(node, ast.FunctionDef)}
        takes = len(methods["train"].args.args) if "train" in methods else 0
        return "earlier" if takes == len(("self", "x", "y", "order")) and "load" not in methods else ""
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    packages = {module.partition(".")[0] for module in _modules(tree)}
    if {"forward", "gradients"} <= functions:
        return "functions"
    if packages & {"flax", "equinox"}:
        return "jax"
    if packages & {"keras", "tensorflow"} and "torch" not in packages:
        return "keras"
    return "torch" if "torch" in packages else ""


def _modules(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def by_name(places: Sequence[Any], name: str, endings: Sequence[str] = ("",)) -> Any:
    """Return what is called like this, whatever its case and underscores; None if nothing is."""
    wanted = {re.sub("[_ ]", "", name + ending).lower() for ending in endings}
    known = ((place, each) for place in places for each in dir(place) if not each.startswith("_"))
    return next((getattr(place, each) for place, each in known if each.replace("_", "").lower() in wanted), None)


def numbered(kinds: list[tuple[str, ...]]) -> list[str]:
    """Return the names of tensors: the n-th layer that has any gives its number to all of its own."""
    return [f"{kind}{l}" for l, layer in enumerate(kinds, 1) for kind in layer]


def one_hot(y: Array, n_out: int, dtype: str) -> Array:
    """Return the targets as rows: of labels one-hot vectors, of numbers a column; rows as they are."""
    if y.ndim > 1:
        return y.astype(dtype)
    return y.reshape(-1, 1).astype(dtype) if n_out == 1 else np.eye(n_out, dtype=dtype)[y.astype(int)]
