"""Two Keras models as they are beside two of PyTorch: in one process each, for TensorFlow takes seconds to start."""

from pathlib import Path

import pytest

import samegrad
from tests.ports.here import HEAD, SGD

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
    for name, text in {"a": CONV, "right": right, "wrong": wrong}.items():
        (tmp_path / f"{name}.py").write_text(text)
    found = samegrad.lockstep(
        str(tmp_path / "a.py"), str(tmp_path / "right.py"), steps=4, timing=False, dataset="digits"
    )
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
