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
