"""Two Keras models as they are beside two of PyTorch: in one process each, for TensorFlow takes seconds to start."""

from pathlib import Path

import pytest

import samegrad
from tests.ports.here import CROSS, HEAD, MODEL, SGD

CONV = (
    HEAD
    + """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 3, 3)
        self.norm = nn.BatchNorm2d(3, eps=1e-3, momentum=0.01)
        self.out = nn.Linear(3 * 13 * 13, 10)

    def forward(self, x):
        x = torch.max_pool2d(torch.relu(self.norm(self.conv(x))), 2)
        return self.out(x.flatten(1))


model = Net()
criterion = nn.CrossEntropyLoss()
"""
    + SGD
)
KERAS_CONV = """
import tensorflow as tf
from tensorflow.keras import layers


def build():
    inputs = tf.keras.Input((28, 28, 1))
    x = layers.Activation("relu")(layers.BatchNormalization()(layers.Conv2D(3, 3)(inputs)))
    x = layers.Flatten()(layers.MaxPooling2D()(x))
    model = tf.keras.Model(inputs, layers.Dense(10)(x))
    model.compile(optimizer=tf.keras.optimizers.SGD(0.1), loss=tf.keras.losses.SparseCategoricalCrossentropy(LOGITS))
    return model


if __name__ == "__main__":
    build().fit(None, None)
"""


@pytest.mark.exhaustive
def test_convolutions_flattened_in_another_order_are_the_same_and_missing_logits_are_told(tmp_path: Path) -> None:
    right, wrong = (KERAS_CONV.replace("LOGITS", f"from_logits={each}") for each in (True, False))
    last = CONV.replace("x.flatten(1)", "x.permute(0, 2, 3, 1).flatten(1)")
    for name, text in {"a": CONV, "last": last, "right": right, "wrong": wrong}.items():
        (tmp_path / f"{name}.py").write_text(text)
    for name in ("a", "last"):
        names = [str(tmp_path / f"{each}.py") for each in (name, "right")]
        found = samegrad.lockstep(*names, steps=4, timing=False, dataset="digits")
        assert found.ok, repr(found)
    found = samegrad.lockstep(str(tmp_path / "wrong.py"), steps=3, timing=False, dataset="digits")
    assert not found.ok
    assert "takes the outputs for probabilities (from_logits is missing)" in repr(found).replace("\n  ", " ")


FEW = """
import keras
import numpy as np

X = np.random.rand(200, 4)
Y = np.eye({n})[np.random.randint(0, {n}, 200)]
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, activation="relu"),
                          keras.layers.Dense({n}, activation="softmax")])
model.compile(optimizer="adam", loss="categorical_crossentropy")
model.fit(X, Y, epochs=5, batch_size=16)
"""


@pytest.mark.exhaustive
@pytest.mark.parametrize("n", [2, 3])
def test_a_model_with_few_classes_is_taken(n: int, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(FEW.format(n=n))
    found = samegrad.lockstep(str(tmp_path / "mine.py"), steps=3, timing=False, dataset="digits")
    assert found.ok, repr(found)
    assert "cross-entropy, mean over the examples" in repr(found)


DENSE = """
import keras

model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(6, activation="tanh"), keras.layers.Dense(4)])
model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
"""
CLIPPED = """
for xb, yb in batches:
    loss = criterion(model(xb), yb)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 0.1)
    optimizer.step()
"""


def compared(folder: Path, torch: str, keras: str) -> tuple[bool, str]:
    """Return whether two files are the same, and what is said of them in a line."""
    for name, text in {"a": HEAD + torch, "b": keras}.items():
        (folder / f"{name}.py").write_text(text)
    found = samegrad.lockstep(str(folder / "a.py"), str(folder / "b.py"), steps=4, timing=False, dataset="digits")
    return found.ok, " ".join(repr(found).split())


@pytest.mark.exhaustive
def test_frozen_layers_of_nested_models_are_mapped_and_stay_as_they_are(tmp_path: Path) -> None:
    inner = "keras.Sequential([keras.Input((8,)), keras.layers.Dense(6), keras.layers.Dense(5, activation='tanh')])"
    layers = f"base = {inner}\nfor layer in base.layers[:1]:\n    layer.trainable = False\n"
    made = "model = keras.Sequential([keras.Input((8,)), base, keras.layers.Dense(4)])\nmodel.compile"
    nested = "import keras\n\n" + layers + made + DENSE.rpartition("model.compile")[2]
    torch = MODEL.replace("6), nn.Tanh(), nn.Linear(6,", "6), nn.Linear(6, 5), nn.Tanh(), nn.Linear(5,")
    freeze = "for p in model[0].parameters():\n    p.requires_grad = False\n"
    ok, said = compared(tmp_path, torch + freeze + CROSS + SGD, nested)
    assert ok, said
    assert "b: its optimizer updates 4 of 6 tensors" in said


@pytest.mark.exhaustive
def test_clipping_of_each_tensor_and_of_all_are_told_apart(tmp_path: Path) -> None:
    torch = MODEL + CROSS + SGD + CLIPPED
    ok, said = compared(tmp_path, torch, DENSE.replace("SGD(0.1", "SGD(0.1, global_clipnorm=0.1"))
    assert ok, said
    ok, said = compared(tmp_path, torch, DENSE.replace("SGD(0.1", "SGD(0.1, clipnorm=0.1"))
    assert not ok
    assert "in a their norm becomes 0.1 and in b the norm of each tensor becomes 0.1 at most" in said


@pytest.mark.exhaustive
def test_class_weights_of_fit_are_those_of_its_loss(tmp_path: Path) -> None:
    weighted = DENSE + "model.fit(x, y, class_weight={1: 2.0, 3: 4.0})\n"
    criterion = "criterion = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 1.0, 4.0]))\n"
    ok, said = compared(tmp_path, MODEL + criterion + SGD, weighted)
    assert not ok
    assert "class weights as 0.5, 1, 0.5, 2, ..., divided by their sum" in said
    assert "class weights 1, 2, 1, 4, ..., divided by n" in said
    assert "every gradient" not in said
