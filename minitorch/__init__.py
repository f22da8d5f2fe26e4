"""A small reverse-mode autograd in NumPy, written to be read: tensors, layers, losses and optimizers.

`tensor.py` contains the idea: every operation keeps its inputs and a function that maps the gradient of its output to
the gradients of its inputs, and `backward` calls these functions from the loss to the parameters. The rest is what a
network needs, with PyTorch's names. After A. Karpathy's micrograd, with tensors instead of numbers.
"""

from minitorch import functional, nn, optim
from minitorch.tensor import Tensor, no_grad

__all__ = ["Tensor", "functional", "nn", "no_grad", "optim"]
