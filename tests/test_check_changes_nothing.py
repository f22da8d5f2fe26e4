"""`check` runs parts of a file to read it, and leaves everything as it is: files, folders, processes."""

import sys
from pathlib import Path

import pytest

from shared.diagnosis.as_written import judge
from shared.diagnosis.facts import Options, Subject
from shared.diagnosis.subject import load_file
from shared.processes.harmless import REFUSAL
from shared.reading.program import UnreadableError

FILE = """
import multiprocessing, os, pickle, shutil, socket, subprocess
from pathlib import Path
import numpy as np
import torch

HERE = Path(__file__).parent
OLD, NEW = str(HERE / "results.csv"), str(HERE / "more.csv")
{module}


class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.W1, self.b1 = np.random.randn(n_hidden, n_in), np.zeros(n_hidden)
        self.W2, self.b2 = np.random.randn(n_out, n_hidden), np.zeros(n_out)

    def forward(self, x):
        self.x, self.a = x, np.tanh(x @ self.W1.T + self.b1)
        return self.a @ self.W2.T + self.b2

    def loss(self, output, y):
        return 0.5 * np.mean(np.sum((output - y) ** 2, axis=1))

    def train(self, x, y, lr=0.1):
        output = self.forward(x)
        {method}
        d2 = (output - y) / len(x)
        d1 = d2 @ self.W2 * (1 - self.a**2)
        self.W2 -= lr * d2.T @ self.a
        self.b2 -= lr * d2.sum(axis=0)
        self.W1 -= lr * d1.T @ x
        self.b1 -= lr * d1.sum(axis=0)
        return self.loss(output, y)


def main():
    net = Net(4, 5, 3)
    {main}


if __name__ == "__main__":
    main()
"""
WRITES = (
    "log = open(OLD, 'w')",
    "size = Path(OLD).write_text('')",
    "size = open(OLD, 'a').write('more')",
    "done = pickle.dump([1], open(NEW, 'wb'))",
    "done = np.savez(NEW, a=np.ones(3))",
    "done = np.savetxt(NEW, np.ones(3))",
    "done = torch.save({}, NEW)",
    "done = os.makedirs(HERE / 'runs' / 'first')",
)
"""What is left out, and the rest goes on."""
REFUSED = (
    "done = os.remove(OLD)",
    "done = os.rename(OLD, NEW)",
    "done = shutil.rmtree(HERE)",
    "done = Path(NEW).touch()",
    "done = os.open(OLD, os.O_WRONLY | os.O_TRUNC)",
    "done = subprocess.call(['rm', OLD])",
    "done = os.system('rm ' + OLD)",
    "done = multiprocessing.Process(target=os.remove, args=(OLD,)).start()",
    "done = socket.create_connection(('127.0.0.1', 9)), Path(OLD).unlink()",
)
SPECIFIED = """
import os, pickle, shutil
from pathlib import Path
import numpy as np

NETWORK = "5-4-3"
OLD = str(Path(__file__).parent / "results.csv")
log = open(OLD, "w")

def forward(parameters, x):
    raise NotImplementedError

def gradients(parameters, x, y):
    raise NotImplementedError
"""


def written(folder: Path, **parts: str) -> Path:
    path = folder / "net.py"
    path.write_text(FILE.format(**({"module": "", "main": "pass", "method": "pass"} | parts)))
    (folder / "sibling.py").write_text("open(__file__, 'w').close()\n")
    (folder / "results.csv").write_text("kept")
    return path


def contents(folder: Path) -> dict[str, str | None]:
    return {str(each.relative_to(folder)): each.read_text() if each.is_file() else None for each in folder.rglob("*")}


@pytest.mark.parametrize("place", ["module", "main"])
def test_what_is_run_to_load_a_file_changes_nothing(place: str, tmp_path: Path) -> None:
    indent = "\n" + "    " * (place == "main")
    sys.modules.pop("sibling", None)
    path = written(tmp_path, **{place: indent.join([*WRITES, *REFUSED, "import sibling"])})
    before = contents(tmp_path)
    subject = Subject.load(str(path))
    assert len(subject.source.troubles()) == len(REFUSED), subject.source.troubles()
    assert judge(subject.facts(Options())).right
    assert contents(tmp_path) == before


def test_a_method_that_is_called_may_write_into_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, method="\n        ".join(WRITES))
    before = contents(tmp_path)
    assert judge(Subject.load(str(path)).facts(Options())).right
    assert contents(tmp_path) == before


@pytest.mark.parametrize("act", REFUSED[-2:])
def test_a_method_that_does_more_is_not_read_and_told_why(act: str, tmp_path: Path) -> None:
    path = written(tmp_path, method=act)
    with pytest.raises(UnreadableError, match=f"PermissionError: {REFUSAL}"):
        Subject.load(str(path)).facts(Options())
    assert (tmp_path / "results.csv").read_text() == "kept"


def test_a_file_that_follows_the_specification_changes_nothing_while_it_is_imported(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_text(SPECIFIED)
    load_file(str(path))
    assert (tmp_path / "results.csv").read_text() == "kept"
