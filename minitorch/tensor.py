"""A tensor that records how it was computed, and can therefore compute its derivatives."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Number = int | float
Pullback = Callable[[Array], Sequence[Array | None]]
"""Maps dC/d(output) to dC/d(input) for each input; None for an input that C does not depend on smoothly."""

_recording = True


@contextmanager
def no_grad() -> Iterator[None]:
    """Do not record operations within the block: for predictions and updates."""
    global _recording
    before, _recording = _recording, False
    try:
        yield
    finally:
        _recording = before


def unbroadcast(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Sum a gradient over the axes that broadcasting has added or stretched, to get `shape`."""
    gradient = gradient.sum(axis=tuple(range(gradient.ndim - len(shape))))
    stretched = tuple(axis for axis, n in enumerate(shape) if n == 1 and gradient.shape[axis] != 1)
    return gradient.sum(axis=stretched, keepdims=True) if stretched else gradient


class Tensor:
    """An array, and a record of how it was computed.

    Parameters
    ----------
    data : anything that NumPy converts to an array of floats; an array is not copied.
    requires_grad : whether `backward` stores dC/d(this) in `grad`.
    """

    # NumPy's operators defer to these: array @ tensor calls Tensor.__rmatmul__.
    __array_ufunc__ = None

    def __init__(self, data: Any, requires_grad: bool = False) -> None:
        self.data: Array = np.asarray(data)
        self.grad: Array | None = None
        self.requires_grad = requires_grad
        self.inputs: tuple[Tensor, ...] = ()
        self.pullback: Pullback | None = None

    @classmethod
    def computed(cls, data: Array, inputs: tuple["Tensor", ...], pullback: Pullback) -> "Tensor":
        """Return the output of an operation, which is recorded if a gradient may be needed."""
        output = cls(data)
        if _recording and any(tensor.requires_grad for tensor in inputs):
            output.requires_grad, output.inputs, output.pullback = True, inputs, pullback
        return output

    def of(self, other: "Tensor | Array | Number") -> "Tensor":
        """Return the other operand as a tensor of this one's dtype."""
        return other if isinstance(other, Tensor) else Tensor(np.asarray(other, self.data.dtype))

    # ---- Backward --------------------------------------------------------------------------------------

    def backward(self) -> None:
        """Add dC/dt to `grad` of every tensor t that requires it and is no operation's result; C is this tensor.

        Raises
        ------
        ValueError
            If this is not a single number, or depends on nothing that requires a gradient.
        """
        if self.data.size != 1:
            raise ValueError(f"backward: got a tensor of shape {self.shape}, expected a single number, such as a loss")
        if not self.requires_grad:
            raise ValueError("backward: this tensor depends on none that requires a gradient")
        gradients = {id(self): np.ones_like(self.data)}
        for tensor in reversed(self.topological_order()):
            gradient = gradients.pop(id(tensor))
            if tensor.pullback is None:
                tensor.grad = gradient.copy() if tensor.grad is None else tensor.grad + gradient
                continue
            for of_input, part in zip(tensor.inputs, tensor.pullback(gradient), strict=True):
                if of_input.requires_grad and part is not None:
                    known = gradients.get(id(of_input))
                    gradients[id(of_input)] = part if known is None else known + part

    def topological_order(self) -> list["Tensor"]:
        """Return the tensors that this one was computed from and that require a gradient, inputs before outputs.

        It uses an explicit stack, since recursion is limited to a depth of 1,000 operations.
        """
        order: list[Tensor] = []
        seen = {id(self)}
        stack = [(self, iter(self.inputs))]
        while stack:
            tensor, inputs = stack[-1]
            for of_input in inputs:
                if of_input.requires_grad and id(of_input) not in seen:
                    seen.add(id(of_input))
                    stack.append((of_input, iter(of_input.inputs)))
                    break
            else:
                order.append(tensor)
                stack.pop()
        return order

    # ---- Arithmetic, with broadcasting -----------------------------------------------------------------

    def __add__(self, other: "Tensor | Array | Number") -> "Tensor":
        b = self.of(other)

        def pullback(g: Array) -> tuple[Array, Array]:
            return unbroadcast(g, self.shape), unbroadcast(g, b.shape)

        return Tensor.computed(self.data + b.data, (self, b), pullback)

    def __mul__(self, other: "Tensor | Array | Number") -> "Tensor":
        b = self.of(other)

        def pullback(g: Array) -> tuple[Array, Array]:
            return unbroadcast(g * b.data, self.shape), unbroadcast(g * self.data, b.shape)

        return Tensor.computed(self.data * b.data, (self, b), pullback)

    def __truediv__(self, other: "Tensor | Array | Number") -> "Tensor":
        b = self.of(other)

        def pullback(g: Array) -> tuple[Array, Array]:
            return unbroadcast(g / b.data, self.shape), unbroadcast(-g * self.data / b.data**2, b.shape)

        return Tensor.computed(self.data / b.data, (self, b), pullback)

    def __pow__(self, exponent: Number) -> "Tensor":
        def pullback(g: Array) -> tuple[Array]:
            return (g * exponent * self.data ** (exponent - 1),)

        return Tensor.computed(self.data**exponent, (self,), pullback)

    def __neg__(self) -> "Tensor":
        return self * -1

    def __sub__(self, other: "Tensor | Array | Number") -> "Tensor":
        return self + -self.of(other)

    __radd__, __rmul__ = __add__, __mul__

    def __rsub__(self, other: Array | Number) -> "Tensor":
        return self.of(other) - self

    def __rtruediv__(self, other: Array | Number) -> "Tensor":
        return self.of(other) / self

    def __matmul__(self, other: "Tensor | Array") -> "Tensor":
        """(n, k) @ (k, m) -> (n, m); dC/dA = g B^T, dC/dB = A^T g."""
        b = self.of(other)
        if self.data.ndim != 2 or b.data.ndim != 2:
            raise ValueError(f"@: got shapes {self.shape} and {b.shape}, expected two matrices")

        def pullback(g: Array) -> tuple[Array | None, Array | None]:
            # Only what is needed: the first layer's inputs need no gradient, which would cost a third of the time.
            of_a = g @ b.data.T if self.requires_grad else None
            return of_a, self.data.T @ g if b.requires_grad else None

        return Tensor.computed(self.data @ b.data, (self, b), pullback)

    def __rmatmul__(self, other: Array) -> "Tensor":
        return self.of(other) @ self

    # ---- Functions, sums and shapes --------------------------------------------------------------------

    def exp(self) -> "Tensor":
        y = np.exp(self.data)
        return Tensor.computed(y, (self,), lambda g: (g * y,))

    def log(self) -> "Tensor":
        return Tensor.computed(np.log(self.data), (self,), lambda g: (g / self.data,))

    def sum(self, axis: int | None = None, keepdims: bool = False) -> "Tensor":
        def pullback(g: Array) -> tuple[Array]:
            g = g if axis is None or keepdims else np.expand_dims(g, axis)
            return (np.broadcast_to(g, self.shape),)

        return Tensor.computed(np.asarray(self.data.sum(axis=axis, keepdims=keepdims)), (self,), pullback)

    def mean(self, axis: int | None = None, keepdims: bool = False) -> "Tensor":
        total = self.sum(axis, keepdims)
        return total / (self.data.size // total.data.size)

    def reshape(self, *shape: int) -> "Tensor":
        return Tensor.computed(self.data.reshape(shape), (self,), lambda g: (g.reshape(self.shape),))

    def __getitem__(self, index: Any) -> "Tensor":
        def pullback(g: Array) -> tuple[Array]:
            whole = np.zeros_like(self.data)
            np.add.at(whole, index, g)  # an entry that is taken twice counts twice
            return (whole,)

        return Tensor.computed(np.asarray(self.data[index]), (self,), pullback)

    @property
    def T(self) -> "Tensor":
        return Tensor.computed(self.data.T, (self,), lambda g: (g.T,))

    # ---- Beside the graph ------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape

    def item(self) -> float:
        """Return the value of a tensor with a single number."""
        return float(self.data.item())

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        return f"Tensor({self.data}{', requires_grad=True' if self.requires_grad else ''})"
