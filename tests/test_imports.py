"""Who may import whom: the arrows of the design."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared import implementations

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("shared", "impls", "minitorch", "benchmarks")
FILES = [ROOT / "compare.py", *sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))]
FRAMEWORKS = {"torch", "torchvision", "tensorflow", "keras", "jax", "flax", "optax", "equinox"}
COMPANIONS = {"keras", "torchvision"}
EQUATIONS = {"spec", "layers", "interface"}
CORE = EQUATIONS | {"errors", "boundary"}
GROUND = CORE | {"implementations", "initial", "evaluation"}
FLOOR = GROUND | {"data", "processes", "record"}
# part of shared/ -> what else of shared/ it may import: downwards only
ARROWS = {
    "errors": set[str](),
    "boundary": set[str](),
    "layers": {"errors"},
    "spec": {"errors", "layers"},
    "interface": {"errors", "layers", "spec"},
    "workers": set[str](),
    "implementations": {"errors", "spec", "boundary"},
    "initial": CORE,
    "evaluation": CORE,
    "options": CORE,
    "data": CORE,
    "processes": CORE | {"implementations"},
    "record": GROUND | {"data", "processes"},
    "reading": CORE | {"processes"},
    "adapters": GROUND | {"reading"},
    "agreement": FLOOR,
    "diagnosis": FLOOR | {"adapters", "agreement", "reading"},
    "prediction": FLOOR | {"agreement"},
    "measure": FLOOR | {"agreement", "options"},
    "ports": FLOOR | {"adapters", "diagnosis", "measure"},
    "sweep": FLOOR | {"measure", "options"},
    "report": FLOOR | {"agreement", "diagnosis", "ports", "measure", "sweep", "options"},
    "api": FLOOR
    | {"adapters", "agreement", "diagnosis", "ports", "prediction", "measure", "reading", "report", "sweep", "options"},
    "verbs": FLOOR | {"api", "diagnosis", "measure", "reading", "report", "sweep", "options"},
}
REFERENCE_ALLOWED = ("agreement", "diagnosis", "prediction", "measure")
"""Parts that compute something to compare with the reference."""


def imported(path: Path) -> set[str]:
    """Every module that a file imports, at the top or inside functions; `from a import b` counts as a.b."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the arrows"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def parts(modules: set[str], package: str) -> set[str]:
    """The parts of a package of ours: of shared.data.idx it is data."""
    assert package not in modules, f"import a part of {package}, not all of it"
    return {module.split(".")[1] for module in modules if module.startswith(f"{package}.")}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_imports_only_what_its_place_allows(path: Path) -> None:
    modules = imported(path)
    place, *rest = path.relative_to(ROOT).with_suffix("").parts
    shared, siblings = parts(modules, "shared") - {"__version__"}, parts(modules, "impls")
    frameworks = {module.partition(".")[0] for module in modules} & FRAMEWORKS
    if place == "impls" and rest != ["__init__"]:
        assert shared <= EQUATIONS | {"workers"}
        assert len(siblings) <= 1, "a sibling may be imported only as the one base"
        assert all(f"class Network({sibling}.Network)" in path.read_text(encoding="utf-8") for sibling in siblings)
        assert len(frameworks - COMPANIONS) <= 1
    else:
        assert not frameworks
    if place == "shared" and rest != ["__init__"]:
        assert shared <= ARROWS[rest[0]] | {rest[0]}
        assert siblings <= ({"numpy_scratch"} if rest[0] in REFERENCE_ALLOWED else set())
        assert "compare" not in modules
    if place == "minitorch":
        assert not shared | siblings, "it stands alone, as torch does"


def test_every_part_of_shared_has_its_arrows_and_they_make_no_circle() -> None:
    folder = ROOT / "shared"
    there = {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert there - {"__init__"} == ARROWS.keys()
    above: set[str] = set()
    for part in ARROWS:  # in order: each has its own below it only
        assert ARROWS[part] <= above
        above.add(part)


def test_the_spec_imports_the_standard_library_and_what_is_below_it_alone() -> None:
    for name in ("errors", "layers", "spec"):
        modules = imported(ROOT / "shared" / f"{name}.py")
        assert {module.partition(".")[0] for module in modules} <= sys.stdlib_module_names | {"shared"}


def test_the_verbs_alone_know_the_command_line() -> None:
    for path in FILES:
        if path.is_relative_to(ROOT / "shared") and not path.is_relative_to(ROOT / "shared" / "verbs"):
            assert not imported(path) & {"argparse", "shared.errors.UsageError"}, path


def test_no_name_of_an_implementation_stands_in_a_list_elsewhere() -> None:
    """A new way of writing the network is one new file; the reference alone is named, and whose a goal is."""
    for path in FILES:
        if path.parent.name != "impls" and path.name != "speed.py":
            text = path.read_text(encoding="utf-8")
            assert not [name for name in implementations.names() if f'"{name}"' in text and name != "numpy_scratch"], (
                path
            )


ONE_SYSTEMS = {
    *("fcntl", "resource", "killpg", "pass_fds", "posix_fallocate", "setitimer"),
    *("SIGALRM", "SIGVTALRM", "SIGHUP", "SIGKILL", "SIGUSR1"),
}
SYSTEM_FILES = {ROOT / "shared" / room / "system.py" for room in ("processes", "measure")}


def words(path: Path) -> Iterator[str]:
    """Every name, attribute, argument and text of a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Name(id=word) | ast.Attribute(attr=word) | ast.alias(name=word) | ast.Constant(value=str(word)):
                yield word
            case ast.keyword(arg=str(word)):
                yield word


def test_what_only_one_system_has_stands_in_two_files() -> None:
    for path in FILES:
        found = [word for word in words(path) if word in ONE_SYSTEMS or word.startswith("/proc")]
        assert not found or path in SYSTEM_FILES, path
    assert all(ONE_SYSTEMS & set(words(path)) for path in SYSTEM_FILES)


def test_every_package_is_installed() -> None:
    """An editable installation has them all; another has those that pyproject.toml names."""
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    there = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "shared").rglob("__init__.py")}
    assert set(listed) == there | {"impls", "minitorch"}
