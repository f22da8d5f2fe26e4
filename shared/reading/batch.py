"""Examples in the form in which a person's functions take them, and outputs back in rows."""

from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np

from shared.reading.scalars import REAL_OR_COMPLEX, is_number

LABELS: Final = "labels"
ONE_HOT: Final = "one-hot"
BATCHES: Final = ("rows", "columns")
LIST: Final = "list"
SINGLE: Final = ("vector", "column", "row", LIST)
WORDS: Final = {
    "rows": "X (n, features)",
    "columns": "X (features, n)",
    "vector": "one example at a time, x (features,)",
    "column": "one example at a time, x (features, 1)",
    "row": "one example at a time, x (1, features)",
    "list": "one example at a time, x a list",
}


class Batch(NamedTuple):
    """Examples in rows and their labels."""

    x: np.ndarray
    """(n, n_in)"""
    y: np.ndarray
    """(n,), 0, 1, ..., n_out - 1; with one output 0 or 1"""
    n_out: int

    @property
    def targets(self) -> np.ndarray:
        """The labels as (n, n_out)."""
        return np.asarray(self.y[:, None] if self.n_out == 1 else np.eye(self.n_out)[self.y], float)


@dataclass(frozen=True)
class Form:
    """How examples are given."""

    x: str
    """one of `BATCHES` or `SINGLE`"""
    y: str
    """`LABELS` or `ONE_HOT`"""
    image: tuple[int, ...] = ()
    """the shape of an example that is an image; () for one of features"""

    @property
    def is_single(self) -> bool:
        """Whether a call takes one example."""
        return self.x in SINGLE

    def words(self) -> str:
        """Return how the examples are given."""
        if self.image:
            size = ", ".join(map(str, self.image))
            where = " in columns" if self.x in ("columns", "column") and self.y == ONE_HOT else ""
            return f"{'one image at a time, x (' if self.is_single else 'X (n, '}{size}), y {self.y}{where}"
        where = {"columns": " in columns", "rows": " in rows"}.get(self.x, "") if self.y == ONE_HOT else ""
        return f"{WORDS[self.x]}, y {self.y}{where}"

    def parts(self, batch: Batch) -> list[Batch]:
        """Return what each call gets."""
        if not self.is_single:
            return [batch]
        return [Batch(batch.x[i : i + 1], batch.y[i : i + 1], batch.n_out) for i in range(len(batch.y))]

    def give_x(self, batch: Batch) -> Any:
        """Return x as the functions take it; a copy."""
        if self.image:  # what is in columns is y, and what the dense layers see
            return np.array(batch.x.reshape(self.image if self.is_single else (-1, *self.image)))
        return self._given(batch.x)

    def give_y(self, batch: Batch) -> Any:
        """Return the labels as the functions take them; a copy."""
        if self.y == ONE_HOT:
            return self._given(batch.targets)
        labels = batch.y.astype(float) if batch.n_out == 1 else batch.y
        return labels[0].item() if self.is_single else labels.copy()

    def of_images(self, shape: tuple[int, ...]) -> "Form":
        """Return the same form for images."""
        return replace(self, image=shape)

    def _given(self, rows: np.ndarray) -> Any:
        if self.x == LIST:
            return rows[0].tolist()
        if self.x == "vector":
            return rows[0].copy()
        return (rows.T if self.x in ("columns", "column") else rows).copy()

    def rows(self, value: Any, batch: Batch) -> np.ndarray | None:
        """Return outputs as (n, n_out); None if a value is no array of that shape."""
        n, n_out = len(batch.y), batch.n_out
        if self.x == LIST and (isinstance(value, float) or (isinstance(value, list) and all(map(is_number, value)))):
            value = np.array(value)
        if not isinstance(value, np.ndarray) or value.dtype.kind not in REAL_OR_COMPLEX:
            return None
        shape = value.shape
        if shape == ((n_out, n) if self.x in ("columns", "column") else (n, n_out)):
            return np.asarray(value.T if self.x in ("columns", "column") else value)
        is_one = self.is_single and value.size == n_out == max(shape, default=0)
        if is_one or (n_out == 1 and shape in ((n,), (n, 1), (1, n))):
            return np.asarray(value.reshape(n, n_out))
        return None


FORMS: Final = tuple(Form(x, y) for x in (*BATCHES, *SINGLE) for y in (ONE_HOT, LABELS))
IMAGES: Final = tuple(
    form for form in FORMS if form.x in ("rows", "vector") or (form.x in ("columns", "column") and form.y == ONE_HOT)
)
"""The forms in which there are images, too: a batch of them, or one; what is in columns is y."""
