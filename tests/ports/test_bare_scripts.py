"""Scripts without functions, as strangers write them: what they do to their data before their loop, and their batches.

The files are in tests/ports/files. Nothing that they load is there: images of ours stand for it.
"""

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samegrad
from shared.adapters.epochs import rows_of
from shared.adapters.own_counts import count_of
from shared.adapters.scaling import Scaling, scaling_of
from shared.adapters.torch_module import TorchPort
from shared.ports.comparison import begin, examine
from shared.ports.sides import Comparison
from shared.ports.stepper import Given, InProcess, PortStepper
from shared.spec import TrainingSpec
from tests.ports.here import HEAD, compare, parted, said

FILES = Path(__file__).parent / "files"
STANDARD = "pixels standardised by MNIST's mean and deviation"
WITHOUT = ("in batches",)
READ = {
    "bare_digits": ([], ("in batches", "shuffled"), "rows"),
    "bare_mnist": ([STANDARD], WITHOUT, "labels"),
    "bare_keras_data": ([STANDARD], ("in batches", "last batch dropped"), "labels"),
    "bare_csv": ([], ("in batches", "shuffled"), "rows"),
    "bare_pandas": ([], WITHOUT, "labels"),
    "bare_rows": (["pixels from -1 to 1"], ("in batches", "shuffled"), "labels"),
    "bare_loader": ([STANDARD], ("in batches", "shuffled", "last batch dropped"), "labels"),
    "bare_moons": (["inputs scaled feature by feature"], (), "column"),
}


def text(name: str) -> str:
    """The text of a file."""
    return (FILES / f"{name}.py").read_text(encoding="utf-8")


def alone(name: str) -> Comparison:
    """What is found of one file."""
    process = InProcess(PortStepper.of(str(FILES / f"{name}.py")))
    return examine(begin([process], [name], Given(None, TrainingSpec())), [process], 4, 10, 1)


@pytest.mark.parametrize("name", READ)
def test_data_and_batches_of_a_script_are_followed_from_what_it_loads(name: str) -> None:
    data, batches, form = READ[name]
    found = alone(name)
    (side,) = found.sides
    assert (side.data, tuple(side.batches)) == (data, batches)
    assert not side.about.notes
    assert side.rule is not None
    assert [len(figures.outputs) for figures in side.walk] == [10] * 4  # all of a batch, whatever the file's own size
    port = TorchPort(FILES / f"{name}.py")
    assert port.preparation is not None
    assert port.way.form == form
    assert all(f"{name}: its data: {words}" in said(found) for words in data)


def test_what_cannot_be_followed_is_named_by_its_lines() -> None:
    (side,) = alone("bare_matlab").sides
    (note,) = side.about.notes
    assert "what it does to its data before its training is not followed: lines 6, 7: 16 examples become inputs" in note
    assert side.data == []


MNIST = text("bare_mnist").replace("BS = 4", "BS = 64")
LINES = "X = X.view(-1, 784) / 255.\nX = (X - 0.1307) / 0.3081\n"
SLICES = "    for i in range(0, len(X), BS):\n        xb = X[i:i + BS]\n        yb = Y[i:i + BS]\n"
LOADER = "train = torch.utils.data.TensorDataset(X, Y)\nloader = torch.utils.data.DataLoader(train, batch_size=BS{})\n"


def with_loader(options: str = "") -> str:
    """The script with a DataLoader of its tensors."""
    return MNIST.replace("for ep in", LOADER.format(options) + "for ep in").replace(
        SLICES, "    for xb, yb in loader:\n"
    )


def normalised(options: str = "") -> str:
    """The script with torchvision's transforms."""
    transform = "transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])"
    head = MNIST.replace("import datasets", "import datasets, transforms").partition("X = train.data")[0]
    made = head.replace("download=True", f"download=True, transform={transform}")
    rest = MNIST.partition("X, Y = X.to(device), Y.to(device)\n")[2].replace(
        "nn.Sequential(", "nn.Sequential(nn.Flatten(), "
    )
    loader = f"loader = torch.utils.data.DataLoader(train, BS{options})\n"
    return made + "device = 'cpu'\n" + rest.replace("for ep in", loader + "for ep in").replace(
        SLICES, "    for xb, yb in loader:\n")  # fmt: skip


GENERATOR = """def batches(x, y, size):
    for i in range(0, len(x), size):
        yield x[i:i + size], y[i:i + size]


"""
SAME = {
    "in one line": MNIST.replace(LINES, "X = X.reshape(-1, 28 * 28).float().div_(255).sub(0.1307).div(0.3081)\n"),
    "in place": MNIST.replace(LINES, "X = X.view(len(X), -1).float()\nX /= 255\nX -= 0.1307\nX.div_(0.3081)\n"),
    "in the loop": MNIST.replace(LINES, "X = X.view(-1, 784)\n").replace(
        "X[i:i + BS]\n", "(X[i:i + BS] / 255 - 0.1307) / 0.3081\n"),
    "by numpy": MNIST.replace("X = train.data\nY = train.targets\n", "import numpy as np\nX = np.load('images.npy')\n"
        "Y = torch.tensor(np.load('labels.npy'), dtype=torch.int64)\n").replace(LINES,
        "X = X.reshape(60000, 784).astype(np.float32) / 255\nX = torch.from_numpy((X - 0.1307) / 0.3081)\n"),
    "switched on": MNIST.replace("X = (X - 0", "NORMALISE = True\nif NORMALISE:\n    X = (X - 0").replace(
        "X = train.data\n", "X = train.data\nWHITE = 255.\n").replace("/ 255.\n", "/ WHITE\n"),
    "in the breath that loads it": MNIST.replace(LINES, "").replace("X = train.data\nY = train.targets\n", (
        "import numpy as np\nX = torch.tensor((np.load('x.npy').reshape(-1, 784) / 255 - 0.1307) / 0.3081).float()\n"
        "Y = torch.tensor(np.load('labels.npy')).long()\n")),
    "by its largest pixel": MNIST.replace("255.", "X.max()"),
    "a loader": with_loader(),
    "transforms": normalised(),
    "tensors that are cut in the loop": MNIST.replace(SLICES, "    for xb, yb in zip(X.split(BS), Y.split(BS)):\n"),
    "a generator": MNIST.replace("train = datasets", GENERATOR + "train = datasets").replace(
        SLICES, "    for xb, yb in batches(X, Y, BS):\n"),
    "split": MNIST.replace("device = ", "X, X_val = X[5000:], X[:5000]\nY, Y_val = Y[5000:], Y[:5000]\ndevice = ", 1),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_another_way_to_the_same_data_is_not_accused(tmp_path: Path, name: str) -> None:
    assert SAME[name] != MNIST
    found = compare(tmp_path, MNIST, SAME[name], steps=4)
    assert found.ok, (found.rows, said(found))
    assert [row.what for row in found.rows][-2:] == ["data", "batches"]


OTHER = {
    "b: its data: pixels from -1 to 1": MNIST.replace(LINES, "X = X.view(-1, 784) / 127.5 - 1\n"),
    "b: its data: pixels from 0 to 255, which nothing divides": MNIST.replace(LINES, "X = X.view(-1, 784).float()\n"),
    "b: its data: pixels from 0 to": "import argparse\n"
    + MNIST.replace("X = (X - 0", ("args = argparse.Namespace(normalise=False)\nif args.normalise:\n    X = (X - 0")),
    "b: its data: pixels from 0 to 1": MNIST.replace("X = (X - 0.1307) / 0.3081\n", ""),
    "b: its data: pixels from -0.5 to 0.5": MNIST.replace("X = (X - 0.1307) / 0.3081", "X -= 0.5"),
    "labels that are shifted by +1": MNIST.replace("Y = train.targets", "Y = (train.targets + 1) % 10"),
}


@pytest.mark.parametrize("words", OTHER)
def test_other_data_before_the_loop_are_told_by_what_they_become(tmp_path: Path, words: str) -> None:
    found = compare(tmp_path, MNIST, OTHER[words], steps=4)
    assert parted(found) == ["data"]
    assert words in said(found)
    assert not found.ok


BATCHES = {
    "b: last batch dropped": (with_loader(), with_loader(", drop_last=True")),
    "b: last batch dropped:": (with_loader(", shuffle=True"), with_loader(", shuffle=True, drop_last=True")),
    "b: another order": (with_loader(), with_loader(", shuffle=True")),
    "b: last batch dropped: its": (MNIST, MNIST.replace("range(0, len(X), BS)", "range(0, len(X) - BS + 1, BS)")),
    "b: last batch dropped: its loop": (MNIST, MNIST.replace(SLICES, SLICES + "        if len(xb) < BS: break\n")),
    "b: another order: its": (MNIST, MNIST.replace(SLICES, "    p = torch.randperm(len(X))\n" + SLICES.replace(
        "X[i:i + BS]", "X[p[i:i + BS]]").replace("Y[i:i + BS]", "Y[p[i:i + BS]]"))),
    "b: another order: its loop shuffles": (normalised(), normalised(", True")),
}  # fmt: skip


@pytest.mark.parametrize("words", BATCHES)
def test_a_dropped_batch_and_another_order_are_told_by_name_and_by_one_name(tmp_path: Path, words: str) -> None:
    one, two = BATCHES[words]
    assert one != two
    found = compare(tmp_path, one, two, steps=4)
    assert parted(found) == ["batches"]
    assert words in said(found)
    assert ("another order" in said(found)) != ("last batch dropped" in said(found))
    assert compare(tmp_path, two, two, steps=4).ok


def test_a_scaling_is_found_by_its_numbers() -> None:
    x = np.random.default_rng(1).random((5, 6))
    found = scaling_of(x, (x - 0.5) / 0.25)
    assert found is not None
    assert np.allclose(found, (4, -2))
    assert np.allclose(found.undone((x - 0.5) / 0.25), x)
    assert scaling_of(x, x**2) is None
    assert Scaling(1 / 256).words() == "pixels from 0 to 0.003906"


@pytest.mark.exhaustive
def test_a_script_of_keras_is_followed_too_and_its_own_loop_is_timed(tmp_path: Path) -> None:
    keras, torch_ = str(FILES / "bare_keras.py"), str(FILES / "bare_mnist.py")
    found = samegrad.lockstep(keras, torch_, steps=4, timing=False, dataset="digits")
    words = " ".join(repr(found).split())
    assert [row.what for row in found.found.rows if not row.same] == ["batches"]  # type: ignore[union-attr]
    assert "bare_keras: another order" in words
    assert f"bare_keras: its data: {STANDARD}" in words
    compiled, eager_tape = FILES / "bare_tape.py", tmp_path / "bare_tape_eager.py"
    eager_tape.write_text(compiled.read_text().replace("@tf.function\n", ""))
    for path, eager in ((compiled, False), (eager_tape, True)):
        words = " ".join(repr(samegrad.lockstep(str(path), steps=3, dataset="digits")).split())
        assert "(its own loop)" in words
        assert ("eager: " in words) == eager


OWN = """X = torch.rand(2000, 784)
Y = torch.randint(0, 10, (2000,))
net = nn.Sequential(nn.Linear(784, 30), nn.ReLU(), nn.Linear(30, 10))
crit, opt = nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=0.1)
for epoch in range(3):
    for i in range(0, len(X), 100):
        opt.zero_grad()
        loss = crit(net(X[i:i + 100]), Y[i:i + 100])
        loss.backward()
        opt.step()
"""


@pytest.mark.parametrize(("batch", "is_same"), [(100, True), (64, False)])
def test_no_batch_is_dropped_where_the_size_of_a_batch_divides_the_examples(
    tmp_path: Path, batch: int, is_same: bool
) -> None:
    text = (HEAD + OWN).replace("100", str(batch))
    whole = text.replace(f"range(0, len(X), {batch})", f"range(0, len(X) - {batch} + 1, {batch})")
    assert whole != text
    assert compare(tmp_path, text, whole, steps=4).ok == is_same


LOADED = (
    OWN.replace("for epoch", "loader = DataLoader(TensorDataset(X, Y), batch_size=100)\nfor epoch")
    .replace("for i in range(0, len(X), 100):", "for xb, yb in loader:")
    .replace("X[i:i + 100]", "xb")
    .replace("Y[i:i + 100]", "yb")
)
FUNCTION = "def main():\n    " + LOADED.replace("\n", "\n    ") + "\n\nmain()\n"


@pytest.mark.parametrize("text", [LOADED, FUNCTION, normalised()], ids=["own", "in a function", "MNIST"])
@pytest.mark.parametrize("divides", [True, False])
def test_a_loader_drops_no_batch_where_its_size_divides_the_examples(tmp_path: Path, text: str, divides: bool) -> None:
    """2,000 examples of its own, or the 60,000 of MNIST."""
    size = 100 if divides else 64
    text = text.replace("batch_size=100)", f"batch_size={size})").replace("BS = 64", f"BS = {size}")
    if text.startswith(("X", "def")):
        text = HEAD + "from torch.utils.data import DataLoader, TensorDataset\n" + text
    dropped = text.replace(f"batch_size={size})", f"batch_size={size}, drop_last=True)").replace(
        "DataLoader(train, BS)", "DataLoader(train, BS, drop_last=True)")  # fmt: skip
    assert dropped != text
    found = compare(tmp_path, text, dropped, steps=4)
    assert parted(found) == ([] if divides else ["batches"])
    assert ("last batch dropped" in said(found)) != divides


SCALED: dict[str, Callable[[Any], Any]] = {
    "as they are": lambda x: x,
    "divided": lambda x: x / 255,
    "feature by feature": lambda x: (x - x.mean(0)) / x.std(0) + 7,
}


@pytest.mark.parametrize("name", SCALED)
@pytest.mark.parametrize("n_features", [2, 20])
def test_rows_are_found_however_their_features_are_scaled(name: str, n_features: int) -> None:
    rng = np.random.default_rng(1)
    x, rows = rng.random((50, n_features)), rng.permutation(50)[:40]
    assert rows_of(SCALED[name](x)[rows], x).tolist() == rows.tolist()
    with pytest.raises(ValueError, match="got 40 rows, expected some of these 50"):
        rows_of(rng.random((40, n_features)), x)


LOADED_IN_LINE = normalised().replace("DataLoader(train, BS)", "DataLoader(datasets.MNIST('.', transform=t), BS)")
COUNTS = {
    "the tensors of MNIST": (MNIST, 60_000),
    "by its name": (normalised(), 60_000),
    "named in the loader": (LOADED_IN_LINE.replace("BS = ", "t = transforms.ToTensor()\nBS = "), 60_000),
    "with a keyword in a list": (normalised().replace("(0.1307,), (0", "mean=(0.1307,), std=(0"), 60_000),
    "another data set": (normalised().replace("MNIST", "FashionMNIST"), 60_000),
    "with one more axis": (MNIST.replace("X = X.view(-1, 784)", "X = X[:, :, None].view(-1, 784)"), 60_000),
    "of Keras": (text("bare_keras_data"), 60_000),
    "the test images": (normalised().replace("train=True", "train=False"), 0),
    "the test images by place": (normalised().replace("'./data', train=True", "'./data', False"), 0),
    "some": (MNIST.replace("X = X.view", "X = X[:5000].view"), 0),
    "some by their labels": (MNIST.replace("X = X.view", "keep = Y < 2\nX, Y = X[keep], Y[keep]\nX = X.view"), 0),
    "a part of a split": (normalised().replace("DataLoader(train, BS)", (
        "DataLoader(torch.utils.data.random_split(train, [55000, 5000])[0], BS)")), 0),
    "the larger part": (normalised().replace("loader = ", (
        "train, val = torch.utils.data.random_split(train, [55000, 5000])\nloader = ")), 0),
    "two data sets": (MNIST.replace("X = train.data", "X = torch.cat([train.data, train.data])"), 0),
}  # fmt: skip


@pytest.mark.parametrize("name", COUNTS)
def test_how_many_examples_there_are_is_known_or_not_said(tmp_path: Path, name: str) -> None:
    written, count = COUNTS[name]
    assert name in ("by its name", "of Keras", "the tensors of MNIST") or written not in (MNIST, normalised())
    (tmp_path / "a.py").write_text(written)
    assert TorchPort(tmp_path / "a.py").own_count == count


def test_cifar_has_50000_training_examples() -> None:
    for made in ("CIFAR10('.', True)", "keras.datasets.cifar10.load_data()[0]", "CIFAR100(root='.')"):
        assert count_of(ast.parse(f"data = {made}").body) == 50_000
    assert count_of(ast.parse("data = CIFAR10('.', train=False)").body) == 0


def test_a_batch_that_may_be_dropped_or_not_parts_from_none(tmp_path: Path) -> None:
    """Both drop it; of one it is known that none is smaller."""
    known = normalised(", drop_last=True").replace("BS = 64", "BS = 100")
    unknown = known.replace("loader = ", "train, _ = torch.utils.data.random_split(train, [60000, 0])\nloader = ")
    found = compare(tmp_path, known, unknown, steps=3)
    assert "last batch dropped" in found.sides[1].batches
    assert found.ok, (found.rows, said(found))


def test_a_number_of_batches_of_256_says_nothing_of_pixels(tmp_path: Path) -> None:
    text = (
        HEAD + "import numpy as np\n" + OWN.replace("torch.rand(2000, 784)", "torch.tensor(np.load('x.npy')).float()")
    )
    counted = text.replace("range(0, len(X), 100):", "range(len(X) // 256):\n        i = k * 256").replace(
        "for i", "for k"
    )
    found = compare(tmp_path, text, counted.replace("i + 100", "i + 256"), steps=3)
    assert "data" not in parted(found), said(found)


CUT = {
    "scaled in a list": ("parts = [(X[i:i + BS] / 2, Y[i:i + BS]) for i in range(0, len(X), BS)]\n", "parts"),
    "in a list": ("parts = [(X[i:i + BS], Y[i:i + BS]) for i in range(0, len(X), BS)]\n", "parts"),
    "as pairs": ("parts = list(zip(X.split(BS), Y.split(BS)))\n", "parts"),
    "each": ("Xs, Ys = X.split(BS), torch.split(Y, BS)\n", "zip(Xs, Ys)"),
    "in so many": ("Xs = torch.chunk(X, len(X) // BS)\n", "zip(Xs, Y.tensor_split(len(Xs)))"),
    "scaled in one go": ("Xs = ((X + 0) / 2).split(BS)\n", "zip(Xs, Y.split(BS))"),
}


@pytest.mark.parametrize("name", CUT)
def test_batches_that_are_cut_before_the_loop_are_followed_to_their_data(tmp_path: Path, name: str) -> None:
    text = MNIST.replace("for ep in", CUT[name][0] + "for ep in").replace(
        SLICES, f"    for xb, yb in {CUT[name][1]}:\n"
    )
    is_scaled = "scaled" in name
    before = MNIST.replace("0.3081", "0.3081 / 2") if is_scaled else MNIST
    found = compare(tmp_path, before, text, steps=4)
    assert found.ok, (found.rows, said(found))
    assert is_scaled or found.sides[1].data == [STANDARD]
    other = text.replace("X = (X - 0.1307) / 0.3081\n", "")
    assert other != text
    assert parted(compare(tmp_path, text, other, steps=4)) == ["data"]


SHUFFLING = GENERATOR.replace("    for i", "    order = np.random.permutation(len(x))\n    for i").replace(
    "x[i:i + size], y[i:i + size]", "x[order[i:i + size]], y[order[i:i + size]]"
)


@pytest.mark.parametrize(("other", "words"), [
    (SHUFFLING, "b: another order"),
    (GENERATOR.replace("len(x), size", "len(x) - size + 1, size"), "b: last batch dropped"),
    (GENERATOR.replace("    for i", "    for epoch in range(3):\n      for i").replace("    yield", "      yield"), ""),
], ids=["shuffled", "dropped", "epochs within"])  # fmt: skip
def test_the_order_and_the_end_of_a_generator_are_seen(tmp_path: Path, other: str, words: str) -> None:
    text = MNIST.replace(SLICES, "    for xb, yb in batches(X, Y, BS):\n")
    one, two = (text.replace("train = datasets", f"import numpy as np\n\n\n{made}train = datasets")
                for made in (GENERATOR, other))  # fmt: skip
    found = compare(tmp_path, one, two, steps=4)
    assert parted(found) == (["batches"] if words else [])
    assert words in said(found)


def test_a_batch_of_256_examples_says_nothing_of_pixels(tmp_path: Path) -> None:
    text = (
        HEAD + "import numpy as np\n" + OWN.replace("torch.rand(2000, 784)", "torch.tensor(np.load('x.npy')).float()")
    )
    assert compare(tmp_path, text, text.replace("100", "256"), steps=4).ok
