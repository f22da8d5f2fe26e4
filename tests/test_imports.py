"""Who may import whom: the arrows of the design."""

import ast
import sys
from pathlib import Path

import pytest

from shared import implementations

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("shared", "impls", "minitorch", "benchmarks")
FILES = [ROOT / "compare.py", *sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))]
FRAMEWORKS = {"torch", "torchvision", "tensorflow", "keras", "jax"}
COMPANIONS = {"keras", "torchvision"}
CORE = {"shared.errors", "shared.spec", "shared.interface"}
GROUND = CORE | {"shared.implementations", "shared.initial", "shared.evaluation"}
FLOOR = GROUND | {"shared.data", "shared.processes", "shared.record"}
# package of shared/ -> what else of shared/ it may import, itself aside: downwards only
ARROWS = {
    "errors": set(),
    "spec": {"shared.errors"},
    "interface": {"shared.spec"},
    "options": {"shared.errors", "shared.spec"},
    "implementations": {"shared.errors"},
    "initial": CORE,
    "evaluation": CORE,
    "data": CORE,
    "processes": CORE | {"shared.implementations"},
    "record": GROUND | {"shared.data", "shared.processes"},
    "agreement": FLOOR,
    "diagnosis": FLOOR | {"shared.agreement"},
    "prediction": FLOOR | {"shared.agreement"},
    "measure": FLOOR | {"shared.agreement", "shared.options"},
    "report": FLOOR | {"shared.options", "shared.agreement", "shared.diagnosis", "shared.measure"},
}
REFERENCE_ALLOWED = ("agreement", "diagnosis", "prediction", "measure")
"""Packages that compute beside the reference."""


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


def ours(modules: set[str], package: str) -> set[str]:
    return {module for module in modules if module == package or module.startswith(f"{package}.")}


def within(modules: set[str], allowed: set[str]) -> bool:
    return all(any(module == a or module.startswith(f"{a}.") for a in allowed) for module in modules)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_imports_only_what_its_place_allows(path: Path) -> None:
    modules = imported(path)
    place = path.relative_to(ROOT).with_suffix("").parts
    if place[0] == "impls" and place[1:] != ("__init__",):
        assert within(ours(modules, "shared"), CORE)
        siblings = {module.split(".")[1] for module in ours(modules, "impls") if "." in module}
        assert len(siblings) <= 1, "a sibling may be imported only as the one base"
        assert all(f"class Network({sibling}.Network)" in path.read_text(encoding="utf-8") for sibling in siblings)
        assert len({module.partition(".")[0] for module in modules} & FRAMEWORKS - COMPANIONS) <= 1
    else:
        assert not {module.partition(".")[0] for module in modules} & FRAMEWORKS
    if place[0] == "shared" and place[1] in ARROWS:
        assert within(ours(modules, "shared"), ARROWS[place[1]] | {f"shared.{place[1]}"})
        allowed = {"impls.numpy_scratch"} if place[1] in REFERENCE_ALLOWED else set()
        assert within(ours(modules, "impls"), allowed)
    if place[0] == "shared":
        assert "compare" not in modules
    if place[0] == "minitorch":
        assert not ours(modules, "shared") | ours(modules, "impls"), "it stands alone, as torch does"


def test_spec_imports_the_standard_library_and_its_own_errors_alone() -> None:
    modules = imported(ROOT / "shared" / "spec.py")
    assert {module.partition(".")[0] for module in modules} <= sys.stdlib_module_names | {"shared"}


def test_no_name_of_an_implementation_stands_in_a_list_elsewhere() -> None:
    """A new way of writing the network is one new file; the reference alone is named, and whose a goal is."""
    for path in FILES:
        if path.parent.name != "impls" and path.name != "speed.py":
            text = path.read_text(encoding="utf-8")
            assert not [name for name in implementations.names() if f'"{name}"' in text and name != "numpy_scratch"], (
                path
            )
