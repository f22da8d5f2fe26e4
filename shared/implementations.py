"""The implementations: which there are, what their files declare, and how they are loaded."""

import ast
import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from shared.boundary import NotPythonError, parsed, read_source, safe
from shared.errors import SettingError, listed, nearest, not_there
from shared.spec import NetworkSpec, TrainingSpec

FOLDER = Path(__file__).resolve().parents[1] / "impls"
OURS = {package.parent.name for package in FOLDER.parent.glob("*/__init__.py")}
"""The project's own packages, which pip cannot install."""
FRAMEWORKS: Final = ("torch", "torchvision", "tensorflow", "keras", "jax", "jaxlib", "scipy", "sklearn")
"""Packages that pip installs; others may be files of a user's own."""
PIP: Final = {"sklearn": "scikit-learn"}
REFERENCE: Final = "numpy_scratch"
"""The implementation that, in float64, is the reference of every agreement check."""
REFERENCE_LABEL: Final = "float64-reference"
"""Its name in tables and file names; no implementation may have it."""


CONTRACT: Final = (
    "expected load(x, y), called once, then train(order), and parameters and gradients as a dict of W1, b1, ...; "
    "see shared/interface.py"
)


class FrameworkNotInstalledError(ImportError):
    """An implementation needs a package that is not installed; `remedy` is the command that installs it."""

    def __init__(self, name: str, package: str) -> None:
        what = f"{label(name)} needs the package {package!r}, which is not installed"
        if package in FRAMEWORKS:
            self.remedy = f"pip install -c constraints.txt {PIP.get(package, package)}"
            super().__init__(f"{what}; to install it: {self.remedy}")
        else:
            self.remedy = f"put {package}.py beside {Path(name).name}, or install the package that has it"
            super().__init__(f"{what}; {self.remedy}")


class UnknownImplementationError(LookupError):
    """No implementation has that name."""

    def __init__(self, name: str) -> None:
        if name.endswith(".py"):
            super().__init__(f"implementation: {not_there(Path(name))}")
            return
        known = ", ".join(names())
        message = f"implementation: got {name!r}, expected one of {known}, all, or the path of a .py file"
        super().__init__(message + nearest(name, names()))


class ContractError(TypeError):
    """A file contains no network that follows the contract of `shared/interface.py`."""


def file_and_model(name: str) -> tuple[str, str]:
    """Return the file and the model of mine.py:net, which names one of several in a file; of another name it and ""."""
    found = re.fullmatch(r"(.+\.py):(\w+)", name)
    return (found[1], found[2]) if found else (name, "")


def label(implementation: str) -> str:
    """Return the name of an implementation in tables and file names, given its name or its file.

    A file of a user's own that is called as one of ours keeps its ending: pytorch.py. A model of a file follows it.
    """
    file, model = file_and_model(implementation)
    path = Path(file)
    is_taken = path.suffix == ".py" and path.stem in names() and path.resolve().parent != FOLDER
    return safe(path.name if is_taken else path.stem) + f":{model}" * bool(model)


def public(implementation: str) -> str:
    """Return the name of an implementation or, of a file, its name without the folder, which may name a user."""
    return safe(Path(implementation).name) if implementation.endswith(".py") else implementation


def names() -> list[str]:
    """Return the names of all implementations, sorted."""
    return sorted(path.stem for path in FOLDER.glob("[!_]*.py"))


def defaults() -> list[str]:
    """Return the names of those that run by default: all whose file does not set ON_REQUEST = True."""
    return [name for name in names() if _declared(FOLDER / f"{name}.py", "ON_REQUEST") is not True]


def made_with(framework: str) -> str | None:
    """Return the implementation of ours that uses a package, such as "torch": of several one that runs by default."""
    if framework == "numpy":
        return REFERENCE
    ours = [name for name in dict.fromkeys((*defaults(), *names())) if framework in _packages(FOLDER / f"{name}.py")]
    return next(iter(ours), None)


def _declared(path: Path, constant: str) -> Any:
    """Return what a file sets a constant to; None without such a constant, or if its value is computed."""
    assignments = [node for node in _tree(path).body if isinstance(node, ast.Assign)]
    named = [n.value for n in assignments for t in n.targets if isinstance(t, ast.Name) and t.id == constant]
    try:
        return ast.literal_eval(named[-1]) if named else None
    except (ValueError, TypeError):
        return None


def is_data_parallel(name: str) -> bool:
    """Return whether an implementation takes `TrainingSpec.workers`: whether its file sets DATA_PARALLEL = True."""
    return _declared(locate(name), "DATA_PARALLEL") is True


def require(given: Sequence[str], spec: NetworkSpec, training: TrainingSpec) -> None:
    """Refuse what no implementation, or one of them, would compute as it is asked.

    Raises
    ------
    SettingError
        For the first whose file says, in UNSUPPORTED = {"conv": "why"}, that it cannot compute a layer, or, with
        "accumulate" for "conv", micro-batches; or for workers that none of them takes.
    """
    for name in given:
        reasons = _unsupported(name)
        for layer in spec.layers:
            if layer.kind in reasons:
                what = f"got {label(name)}, which cannot compute {layer.text()}: {reasons[layer.kind]}"
                raise SettingError("implementation", f"{what}; expected another one, or a network without such layers")
    require_shares(given, training)


def require_shares(given: Sequence[str], training: TrainingSpec) -> None:
    """Refuse micro-batches that one of the implementations cannot take, and workers that none takes; as `require`."""
    for name in given if training.accumulate > 1 else ():
        if (why := _unsupported(name).get("accumulate")) is not None:
            what = f"got {label(name)}, which cannot take {training.accumulate} micro-batches a step"
            raise SettingError("implementation", f"{what}: {why}; expected another one")
    if training.workers > 1 and not any(map(is_data_parallel, given)):
        problem = f"got {training.workers}, but {listed([label(name) for name in given])} would use one"
        raise SettingError("workers", f"{problem}; add one that shares batches: {_flags(names())}")


def _unsupported(name: str) -> dict[str, Any]:
    """Return why an implementation cannot compute some layers, or "accumulate", as its file says."""
    found = _declared(locate(name), "UNSUPPORTED")
    return found if isinstance(found, dict) else {}


def _flags(given: Sequence[str]) -> str:
    """Return the options that ask for those of these implementations that are data-parallel."""
    return " or ".join(f"-i {name}" for name in given if is_data_parallel(name))


def locate(name: str) -> Path:
    """Return the file of an implementation, given its name or its path, which ends in .py, or in .py:MODEL."""
    name, _ = file_and_model(name)
    path = Path(name) if name.endswith(".py") else FOLDER / f"{name}.py"
    if not path.is_file() or not (name.endswith(".py") or name in names()):
        raise UnknownImplementationError(name)
    return path


def locate_all(given: Sequence[str] | None, with_models: bool = False) -> tuple[str, ...]:
    """Return names, or absolute paths, without repetition.

    Parameters
    ----------
    given : names, or paths of .py files; "all" for every name; None for `defaults`.
    with_models : whether a path may name a model of its file: mine.py:net.

    Raises
    ------
    UnknownImplementationError
        If there is no such name or file.
    SettingError
        If two different implementations have the same label, or one has the label of the reference, or a path names
        a model where none is taken.
    """
    found: dict[str, str] = {}
    for name in [each for word in given or defaults() for each in (names() if word == "all" else [word])]:
        path, (file, model) = locate(name), file_and_model(name)
        full = path.resolve().as_posix() + f":{model}" * bool(model) if file.endswith(".py") else name
        if model and not with_models:
            raise SettingError("implementation", f"got {name}, expected {file}: only models of PyTorch, Keras, Flax or "
                               "Equinox are named within their file")  # fmt: skip
        if label(name) == REFERENCE_LABEL:
            taken = f"got {name}, expected another name: {REFERENCE_LABEL} is the name of the reference"
            raise SettingError("implementation", taken)
        if found.setdefault(label(name), full) != full:
            raise SettingError("implementation", f"got two named {label(name)}, expected different names")
    return tuple(found.values())


def sources(given: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the "text" of each implementation, and of the implementation that is its "base", by label."""
    found: dict[str, dict[str, Any]] = {}
    waiting = list(given)
    for name in waiting:
        sibling = base(name)
        if label(name) not in found:
            text = read_source(locate(name))
            found[label(name)] = {"base": sibling, "text": text}
            waiting += [sibling] if sibling else []
    return found


def base(name: str) -> str | None:
    """Return the implementation whose class `Network` this one subclasses; None if it subclasses none."""
    classes = [node for node in _tree(locate(name)).body if isinstance(node, ast.ClassDef) and node.name == "Network"]
    bases = [ast.unparse(each).removesuffix(".Network") for node in classes for each in node.bases]
    return next((each for each in bases if each in names()), None)


def remedy(name: str) -> str:
    """Return the command that may repair an implementation whose packages are installed but cannot be imported."""
    packages = _packages(locate(name))
    foreign = [p for p in packages if p in FRAMEWORKS]
    if not foreign:
        return "see the last lines of its stderr"
    return f"pip install -c constraints.txt --force-reinstall {' '.join(foreign)}"


def _packages(path: Path) -> list[str]:
    """Return the packages that a file imports at module level, in order; none if it is not valid Python."""
    body = _tree(path).body
    modules = [alias.name for node in body if isinstance(node, ast.Import) for alias in node.names]
    modules += [node.module for node in body if isinstance(node, ast.ImportFrom) and node.module]
    return list(dict.fromkeys(module.partition(".")[0] for module in modules))


def _tree(path: Path) -> ast.Module:
    """Return the syntax tree of a file; it is parsed, since importing it would import its framework."""
    return _parsed(read_source(path))


@lru_cache(maxsize=64)
def _parsed(text: str) -> ast.Module:
    try:
        return parsed(text)
    except NotPythonError:  # which is for the import to say
        return ast.Module([], [])


def load_module(name: str) -> ModuleType:
    """Import an implementation, and its framework with it.

    Raises
    ------
    UnknownImplementationError
        If there is no such name or file.
    FrameworkNotInstalledError
        If a package that it needs is not installed.
    ContractError
        If it imports files beside it as if it were in a package.
    """
    path = locate(name)
    packages = _packages(path)
    if "tensorflow" in packages and "jax" not in packages:
        # TensorFlow Lite imports JAX if it is installed: half a second, and a second framework in the process.
        sys.modules.setdefault("jax", None)  # type: ignore[arg-type]
    try:
        if not name.endswith(".py"):
            return importlib.import_module(f"impls.{name}")
        sys.path.append(str(path.resolve().parent))  # after ours, so that a file named torch.py hides nothing
        alias = f"_own_file_{path.stem}"  # so that a file named torch.py can import torch
        module_spec = importlib.util.spec_from_file_location(alias, path)
        assert module_spec is not None
        assert module_spec.loader is not None
        module = importlib.util.module_from_spec(module_spec)
        sys.modules[alias] = module  # dataclasses look their module up
        module_spec.loader.exec_module(module)
    except ModuleNotFoundError as error:
        package = (error.name or "?").partition(".")[0]
        # A missing part of an installed package, or of this project, is a different error and must not be hidden.
        if package in OURS or importlib.util.find_spec(package) is not None:
            raise
        raise FrameworkNotInstalledError(name, package) from error
    except ImportError as error:
        if "relative import" in str(error) and name.endswith(".py"):
            remedy = "write `from helper import ...` for a file helper.py beside it"
            raise ContractError(f"its relative import has no package, as it is loaded by itself; {remedy}") from error
        raise
    return module


def load(name: str) -> Any:
    """Return the class `Network` of an implementation; errors as `load_module` and `network_class`."""
    return network_class(load_module(name))


def network_class(module: ModuleType) -> Any:
    """Return the class `Network` of a module; ContractError if there is none or it follows another contract."""
    if not hasattr(module, "Network"):
        raise ContractError(f"found no class Network; {CONTRACT}")
    found = module.Network
    takes = {"load": "x, y", "train": "order"} if isinstance(found, type) else {}
    other = [text for method, names in takes.items() if (text := _other(found, method, names))]
    if other:
        raise ContractError(f"Network: got {' and '.join(other)}, {CONTRACT}")
    return found


def _other(network: type, method: str, names: str) -> str:
    """Return a method as it is written, if it does not take these arguments; "" if it does."""
    if not hasattr(network, method):
        return f"no {method}"
    try:
        signature = inspect.signature(getattr(network, method))
        signature.bind("self", *names.split(", "))
    except ValueError:  # no signature, such as a function written in C
        return ""
    except TypeError:
        return f"{method}({', '.join(list(signature.parameters)[1:])})"
    return ""
