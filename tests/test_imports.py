"""Who may import whom: the arrows of the design."""

import ast
import sys
from pathlib import Path

import pytest

import impls

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("shared", "impls", "minitorch", "benchmarks")
FILES = [ROOT / "compare.py", *sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))]
FRAMEWORKS = {"torch", "torchvision", "tensorflow", "keras", "jax"}
COMPANIONS = {"keras", "torchvision"}
CORE = {"shared.spec", "shared.interface"}
# package of shared/ -> what else of shared/ it may import, itself aside
ARROWS = {
    "spec": set(),
    "interface": {"shared.spec"},
    "options": {"shared.spec"},
    "initial": CORE,
    "evaluation": CORE,
    "data": CORE,
    "agreement": CORE | {"shared.initial"},
    "diagnosis": CORE | {"shared.initial", "shared.agreement"},
}


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
        # a mistake is planted in the reference; a user's file is loaded as an implementation is
        allowed = {"impls.numpy_scratch", "impls.load_module"} if place[1] == "diagnosis" else set()
        assert within(ours(modules, "impls"), allowed)
    if place[0] == "shared" and place[1] == "report":
        assert not ours(modules, "impls")
    if place[0] == "shared":
        assert "compare" not in modules
    if place[0] == "minitorch":
        assert not ours(modules, "shared") | ours(modules, "impls"), "it stands alone, as torch does"


def test_spec_imports_the_standard_library_alone() -> None:
    modules = imported(ROOT / "shared" / "spec.py")
    assert {module.partition(".")[0] for module in modules} <= sys.stdlib_module_names


def test_no_name_of_an_implementation_stands_in_a_list_elsewhere() -> None:
    """A new way of writing the network is one new file; the reference alone is named, and whose a goal is."""
    for path in FILES:
        if path.parent.name != "impls" and path.name != "speed.py":
            text = path.read_text(encoding="utf-8")
            assert not [name for name in impls.names() if f'"{name}"' in text and name != "numpy_scratch"], path
