"""Images that a torch.nn.Module flattens with the channels last, as Keras does."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from shared.adapters.replacing import replace

Image = tuple[int, ...]
"""(h, w, c)"""


@contextmanager
def flattened_last(module: Any) -> Iterator[dict[str, Image]]:
    """Watch a module while it is called.

    Yields
    ------
    dict
        The dense layers that get an image flattened with the channels last, by their names, each with its (h, w, c).
    """
    torch = sys.modules["torch"]
    found: dict[str, Image] = {}
    turned: list[Image] = []

    def turning(real: Any) -> Any:
        def made(x: Any, *given: Any, **named: Any) -> Any:
            y = real(x, *given, **named)
            if x.ndim == y.ndim == 4 and y.stride() == tuple(x.stride()[k] for k in (0, 2, 3, 1)):
                turned.append(tuple(y.shape[1:]))
            return y

        return made

    def taken(name: str) -> Any:
        def before(layer: Any, inputs: Any) -> None:
            size = layer.in_features
            image = next((each for each in turned if each[0] * each[1] * each[2] == size and each[2] > 1), None)
            if image is not None and inputs and inputs[0].ndim == 2:
                found[name] = image
            turned.clear()

        return before

    with ExitStack() as stack:
        for owner in (torch.Tensor, torch):
            for name in ("permute", "movedim", "moveaxis"):
                replace(stack, owner, name, turning(getattr(owner, name)))
        for name, layer in module.named_modules():
            if isinstance(layer, torch.nn.Linear):
                stack.callback(layer.register_forward_pre_hook(taken(name)).remove)
        yield found
