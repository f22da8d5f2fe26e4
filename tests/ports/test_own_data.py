"""Data that go through a person's own Dataset, through torchvision's transforms, or through tf.data.

The files are in tests/ports/files. Nothing that they load is there: images of ours stand for it.
"""

from pathlib import Path

import pytest

from tests.ports.here import compare, parted, said
from tests.ports.test_bare_scripts import STANDARD, alone, text

SHUFFLED = ("in batches", "shuffled")
READ = {
    "own_arrays": ([], SHUFFLED),
    "own_csv": (["pixels from -1 to 1"], SHUFFLED),
    "own_words": ([STANDARD], (*SHUFFLED, "last batch dropped")),
    "own_wine": (["inputs from 0 to 2"], SHUFFLED),
    "own_scaler": (["inputs scaled feature by feature"], SHUFFLED),
    "own_example": ([STANDARD], ("in batches",)),
}


@pytest.mark.parametrize("name", READ)
def test_data_are_followed_through_an_own_data_set_and_what_it_loads(name: str) -> None:
    data, batches = READ[name]
    (side,) = alone(name).sides
    assert (side.data, tuple(side.batches)) == (data, batches)
    assert not side.about.notes
    assert side.rule is not None


OWN = text("own_arrays").replace("batch_size=32", "batch_size=64")  # which does not divide 60,000
ITEM = "        image = torch.tensor(self.images[index], dtype=torch.float32).flatten() / 255.0\n"
KEPT = "        self.images = images\n"
SETS = "(x_train, y_train), (x_test, y_test) = mnist.load_data()\n"
LOADER = "DataLoader(DigitData(x_train, y_train), batch_size=64, shuffle=True)"
PIL = "from PIL import Image\nfrom torchvision import transforms as T\n"
THROUGH = "        image = T.Compose([T.ToTensor(), T.Lambda(lambda each: each.view(-1))])({})\n"
BY_ITSELF = """
    def __init__(self, train=True):
        super().__init__()
        self.train = train
        self.read("digits")
        self.images = self.scaled(self.images)

    def read(self, folder):
        if self.train:
            self.images, self.labels = np.load(f"{folder}/x.npy"), np.load(f"{folder}/y.npy")
        else:
            self.images, self.labels = np.load(f"{folder}/x_test.npy"), None

    def scaled(self, images):
        return images.reshape(len(images), 784).astype(np.float32) / 255
"""
INIT = "\n    def __init__(self, images, labels):\n" + KEPT + "        self.labels = labels\n"
WRAPPED = """
class Flat(Dataset):
    def __init__(self, base):
        self.base = base

    def __len__(self):
        return len(self.base)

    def __getitem__(self, k):
        picture, digit = self.base[k]
        return picture.flatten(), digit


base = datasets.MNIST("data", transform=transforms.Compose([transforms.ToTensor()]))
"""
SAME = {
    "scaled before": OWN.replace(KEPT, "        self.images = images.reshape(-1, 784) / 255\n").replace(
        ITEM, "        image = torch.from_numpy(self.images[index]).float()\n"),
    "an image of PIL": PIL + OWN.replace(ITEM, THROUGH.format("Image.fromarray(self.images[index])")),
    "bytes": PIL + OWN.replace(ITEM, THROUGH.format("self.images[index]")),
    "arrays of NumPy": OWN.replace(ITEM, "        image = self.images[index].astype('float32').ravel() / 255\n"),
    "by itself": "import numpy as np\n" + OWN.replace(INIT, BY_ITSELF).replace(SETS, "").replace(
        "(x_train, y_train)", "()").replace("(x_test, y_test)", "(train=False)").replace(
        ITEM, "        image = self.images[index]\n"),
    "a split": OWN.replace(LOADER, "DataLoader(torch.utils.data.random_split(DigitData(x_train, y_train), [50000, "
                                   "10000])[0], shuffle=True, batch_size=64)"),
    "a function": OWN.replace("train_loader =", "def loader(x, y, shuffle=False):\n    data = DigitData(x, y)\n    "
                              "return DataLoader(data, batch_size=64, shuffle=shuffle)\n\n\ntrain_loader =").replace(
                              LOADER, "loader(x_train, y_train, shuffle=True)"),
    "around torchvision": "from torchvision import datasets, transforms\n" + OWN.replace(SETS, WRAPPED).replace(
        "DigitData(x_train, y_train)", "Flat(base)"),
    "a collation": OWN.replace("shuffle=True)", "shuffle=True, collate_fn=together)").replace(ITEM, (
        "        image = self.images[index] / 255\n")).replace("train_loader =", (
        "def together(items):\n    x, y = zip(*items)\n    return torch.as_tensor(np.stack(x)).float().flatten(1), "
        "torch.stack(y)\n\n\ntrain_loader =")).replace("import torch\n", "import numpy as np\nimport torch\n", 1),
}  # fmt: skip


@pytest.mark.exhaustive_unless(fits=lambda name: name in ("bytes", "by itself", "around torchvision", "a function"))
@pytest.mark.parametrize("name", SAME)
def test_another_way_to_the_same_data_is_not_accused(tmp_path: Path, name: str) -> None:
    assert SAME[name] != OWN
    found = compare(tmp_path, OWN, SAME[name], steps=3)
    assert found.ok, (found.rows, said(found))
    assert [row.what for row in found.rows][-2:] == ["data", "batches"]
    assert not any(side.about.notes for side in found.sides)


OTHER = {
    "b: its data: pixels from 0 to 255, which nothing divides": OWN.replace(" / 255.0", ""),
    "b: its data: pixels divided by 255 that are already": SAME["bytes"].replace("Lambda(lambda each: each", (
        "Lambda(lambda each: each / 255.0")).replace("each / 255.0.view(-1)", "each.view(-1) / 255.0"),
    "b: its data: pixels from 0 to 255, which nothing": SAME["bytes"].replace("(self.images[index])\n", (
        "(self.images[index].astype('float32'))\n")),  # ToTensor scales bytes alone
    "b: its data: pixels from -1 to 1": OWN.replace(ITEM, ITEM.replace("255.0", "127.5 - 1")),
    "labels that are shifted by +1": OWN.replace("(self.labels[index]", "(self.labels[index] + 1"),
    "b: its data: pixels from 0 to 0.9961": SAME["by itself"].replace("/ 255", "/ 256"),
    f"b: its data: {STANDARD}": SAME["around torchvision"].replace("[transforms.ToTensor()]", (
        "[transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))]")),
}  # fmt: skip


@pytest.mark.exhaustive_unless(fits=lambda words: "already" not in words and STANDARD not in words)
@pytest.mark.parametrize("words", OTHER)
def test_other_data_of_an_own_data_set_are_told_by_what_they_become(tmp_path: Path, words: str) -> None:
    assert OTHER[words] != OWN
    found = compare(tmp_path, OWN, OTHER[words], steps=3)
    assert parted(found) == ["data"]
    assert words in said(found)


@pytest.mark.parametrize(
    ("change", "words"), [("shuffle=True, drop_last=True", "last batch dropped"), ("shuffle=False", "another order")]
)
def test_batches_of_an_own_data_set_are_told_by_one_name(tmp_path: Path, change: str, words: str) -> None:
    found = compare(tmp_path, OWN, OWN.replace("shuffle=True", change), steps=3)
    assert parted(found) == ["batches"]
    assert words in said(found)
    assert ("another order" in said(found)) != ("last batch dropped" in said(found))


YIELDS = """
def batches(x, y, size=32):
    for k in range(0, len(x), size):
        yield torch.as_tensor(x[k:k + size]).float().flatten(1) / 255, torch.as_tensor(y[k:k + size]).long()


"""


def test_what_an_own_generator_gives_is_followed(tmp_path: Path) -> None:
    text = OWN.replace("def main", YIELDS + "def main").replace("in train_loader:", "in batches(x_train, y_train):")
    found = compare(tmp_path, OWN.replace(", shuffle=True", ""), text, steps=3)
    assert found.ok, (found.rows, said(found))
    assert [row.what for row in found.rows][-2:] == ["data", "batches"]
    found = compare(tmp_path, OWN, text.replace(" / 255,", ","), steps=3)
    assert parted(found) == ["data", "batches"]
    assert "a: another order" in said(found)


@pytest.mark.exhaustive
def test_images_are_loaded_as_a_convolution_takes_them(tmp_path: Path) -> None:
    model = "nn.Sequential(nn.Conv2d(1, 2, 5), nn.Flatten(), nn.Linear(1152, 10))"
    text = OWN.replace("nn.Sequential(nn.Linear(784, 30), nn.ReLU(), nn.Linear(30, 10))", model).replace(
        ".flatten() / 255.0", ".unsqueeze(0) / 255.0")  # fmt: skip
    (side,) = compare(tmp_path, text.replace("(x_train, y_train), (x_test, y_test) = mnist.load_data()", (
        "file = np.load('mnist.npz')\nx_train, y_train, x_test, y_test = file['x'], file['y'], file['a'], file['b']"))
        .replace("import torch\n", "import numpy as np\nimport torch\n", 1), steps=3).sides  # fmt: skip
    assert not side.about.notes
    assert side.about.inputs == [1, 28, 28]


UNKNOWN = {
    "its examples are changed by chance": OWN.replace("/ 255.0\n", "/ 255.0 + 0.1 * torch.randn(784)\n"),
    "transforms.RandomRotation is not followed": PIL.replace("as T", "as T, datasets") + OWN.replace(
        ITEM, THROUGH.format("self.images[index]").replace("[T.", "[T.RandomRotation(10), T.", 1)),
    "cv2.resize is not followed": "import cv2\n" + OWN.replace(ITEM, (
        "        image = torch.as_tensor(cv2.resize(self.images[index], (28, 28))).float().view(-1)\n")),
    "is not known here": OWN.replace("DigitData(x_train, y_train)", "make_data(x_train)"),
}  # fmt: skip


@pytest.mark.parametrize("words", UNKNOWN)
def test_what_is_not_followed_is_said_once_and_never_accused(tmp_path: Path, words: str) -> None:
    found = compare(tmp_path, OWN, UNKNOWN[words], steps=3)
    assert found.ok, (found.rows, said(found))
    (note,) = found.sides[1].about.notes
    assert words in note
    assert "data" not in [row.what for row in found.rows]


PIPELINES = ("pipeline_fit", "pipeline_tape", "pipeline_tfds")
RAW, TWICE = ["pixels from 0 to 255, which nothing divides"], ["pixels divided by 255 that are already from 0 to 1"]
FIT, TAPE, TFDS = (text(name).replace("E = 32", "E = 64").replace("e = 32", "e = 64") for name in PIPELINES)
BATCHED = FIT.replace("(image, (784,))", "(image, (-1, 784))").replace("ds.batch(BATCH_SIZE)\n", "ds\n")
MAPPED = {
    "fit": (FIT, [], SHUFFLED),
    "tape": (TAPE, [], SHUFFLED),
    "tfds": (TFDS, [], SHUFFLED),
    "not divided": (FIT.replace(" / 255.0", ""), RAW, SHUFFLED),
    "not divided in the loop": (TAPE.replace(" / 255.0", ""), RAW, SHUFFLED),
    "divided twice": (TFDS.replace("255.", "255. / 255."), TWICE, SHUFFLED),
    "labels": (FIT.replace("label, 10)", "label + 1, 10)"), ["labels that are shifted by +1"], SHUFFLED),
    "drops": (FIT.replace("ds.batch(BATCH_SIZE)", "ds.batch(BATCH_SIZE, drop_remainder=True)"), [],
              (*SHUFFLED, "last batch dropped")),
    "drops nothing of 60,000": (text("pipeline_fit").replace("ds.batch(BATCH_SIZE)", (
        "ds.batch(BATCH_SIZE, drop_remainder=True)")), [], (*SHUFFLED, "no smaller batch to drop")),
    "in order": (FIT.replace(", shuffle=True)", ")"), [], ("in batches",)),
    "batched first": (BATCHED.replace("    ds = ds.map(", "    ds = ds.batch(8)\n    ds = ds.map("), [], SHUFFLED),
}  # fmt: skip


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", MAPPED)
def test_a_tf_data_pipeline_is_followed_through_its_functions(tmp_path: Path, name: str) -> None:
    written, data, batches = MAPPED[name]
    (side,) = compare(tmp_path, written, steps=3).sides
    assert (side.data, tuple(side.batches)) == (data, batches)
    assert not side.about.notes


@pytest.mark.exhaustive
def test_a_pipeline_of_keras_beside_an_own_data_set_of_pytorch(tmp_path: Path) -> None:
    for name in PIPELINES:
        found = compare(tmp_path, text(name), OWN, steps=3)
        assert found.ok, (found.rows, said(found))
        assert [row.what for row in found.rows][-2:] == ["data", "batches"]
    found = compare(tmp_path, MAPPED["not divided"][0], OWN, steps=3)
    assert parted(found) == ["data"]
    assert "a: its data: pixels from 0 to 255, which nothing divides" in said(found)
    found = compare(tmp_path, MAPPED["drops"][0], OWN, steps=3)
    assert parted(found) == ["batches"]
    assert "a: last batch dropped" in said(found)


@pytest.mark.exhaustive
def test_a_pipeline_that_is_not_followed_is_said_once_and_never_accused(tmp_path: Path) -> None:
    chance = FIT.replace(
        "    image = tf.reshape", "    image = tf.image.random_brightness(image, 0.1)\n    image = tf.reshape"
    )
    other = FIT.replace("model.fit(train_ds", "model.fit(generator(x_train)")
    for written, words in ((chance, "changed by chance"), (other, "from generator(x_train), which is not known here")):
        found = compare(tmp_path, written, OWN, steps=3)
        assert "data" not in parted(found)
        (note,) = found.sides[0].about.notes
        assert words in note
