"""A keras.Model trained as its file does it: by its own loop, or by `fit`."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from shared.adapters.keras_model import KerasPort
from shared.adapters.port import PRECISION, Named, PortError
from shared.interface import Array, Labels, Parameters

ALIKE: Final = 1e-2
"""Of a step: another in float32 that differs by less is the same."""


class KerasTrainer:
    """A keras.Model with the file's own loop, with `fit` if it is compiled, or else with our eager step."""

    own_batch = 0

    def __init__(self, path: Any, x: Array, y: Array, start: Parameters, named: Named) -> None:
        self.port = KerasPort(path, (PRECISION, "float64"), named)
        self.files = [str(path)]
        self.x, self.y = self.port.batch(x, y)
        self.start, self.how = start, ""
        self.step: Callable[[Array, Array], Any] = self.port.act
        self.is_fitted = getattr(self.port.model, "compiled", False)
        try:
            own = self.port.own_step()
            if own is not None:
                self._take_own(own)
            elif not self.is_fitted:
                self.how = "our own eager step: the file has no loop"
        except PortError as error:
            self.how = f"{'`fit`' if self.is_fitted else 'our own eager step'}: {error}"
        self.port.give(start)

    def _take_own(self, own: Callable[[Array, Array], None]) -> None:
        """Train with the file's own loop; say so where its step is another than that which is compared."""
        n = min(4, len(self.y))
        after = []
        for step in (own, self.port.act):
            self.port.give(self.start)
            step(self.x[:n], self.y[:n])
            after.append(self.port.parameters())
        off = max(float(np.abs(a - b).max()) for a, b in zip(after[0].values(), after[1].values(), strict=True))
        moved = max(float(np.abs(a - self.start[name]).max()) for name, a in after[1].items())
        self.how = (
            "its own loop" if off <= ALIKE * moved else "its own loop, whose step is not the one that is compared"
        )
        self.step, self.is_fitted = own, False

    def again(self) -> None:
        """Go on: a reset may compile again."""

    def give(self, parameters: Parameters, _: int) -> None:
        """Start again from these parameters."""
        self.port.give(parameters)

    def train(self, order: Labels, batch: int, *, given: bool = False) -> None:
        """Take a step for each `batch` of these examples."""
        del given
        if self.is_fitted:
            x, y = self.x[order], self.y[order]
            self.port.model.fit(x, y, batch_size=batch, epochs=1, shuffle=False, verbose=0)
            return
        for k in range(0, len(order), batch):
            i = order[k : k + batch]
            self.step(self.x[i], self.y[i])

    def predict(self, x: Array) -> Any:
        """Return the outputs."""
        return np.asarray(self.port.model(self.port.images(x), training=False))
