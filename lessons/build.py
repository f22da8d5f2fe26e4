"""Run the lessons and write them, with their outputs, to docs/lessons: python -m lessons.build [1 2 ...]."""

import os
import sys
import time
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).resolve().parent
NOTEBOOKS: Final = FOLDER.parent / "docs" / "lessons"
KERNEL: Final = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
SECONDS: Final = 600


def lessons() -> list[Path]:
    """Return the lessons in their order."""
    return sorted(FOLDER.glob("[0-9]*.py"))


def notebook(lesson: Path) -> Any:
    """Return a lesson as a notebook without outputs; its links are those of docs/lessons, its ids stay the same."""
    import jupytext

    found = jupytext.read(lesson, fmt="py:percent")
    found.metadata = dict(KERNEL)
    for number, cell in enumerate(found.cells, 1):
        cell.id = f"cell-{number}"
        if cell.cell_type == "markdown":
            cell.source = cell.source.replace("](../", "](../../").replace("](../../docs/", "](../")
    return found


def execute(lesson: Path) -> Any:
    """Return a lesson as a notebook with its outputs, run from top to bottom by a fresh kernel."""
    from nbclient import NotebookClient
    from traitlets.config import Config

    found = notebook(lesson)
    config = Config() if os.name == "nt" else Config(KernelManager={"transport": "ipc"})  # it opens no port
    options = {"timeout": SECONDS, "kernel_name": "python3", "record_timing": False, "coalesce_streams": True}
    NotebookClient(found, config=config, **options).execute()
    found.metadata = dict(KERNEL)  # without the versions of this machine
    return found


def write(executed: Any, path: Path) -> None:
    """Write a notebook."""
    import nbformat

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(executed) + "\n", encoding="utf-8")


def main(numbers: list[str]) -> None:
    """Run all lessons, or those of these numbers."""
    for lesson in lessons():
        if numbers and str(int(lesson.stem[:2])) not in numbers:
            continue
        begin = time.perf_counter()
        target = NOTEBOOKS / f"{lesson.stem}.ipynb"
        write(execute(lesson), target)
        size = target.stat().st_size
        print(f"{lesson.stem}: {time.perf_counter() - begin:.0f} s, {size / 1000:.0f} kB", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
