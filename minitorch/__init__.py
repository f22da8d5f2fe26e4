"""A small reverse-mode autograd in NumPy, written for reading: tensors, layers, losses and optimizers.

`tensor.py` is the whole idea: every operation keeps its inputs and a function that takes the gradient of its output to
the gradients of its inputs, and `backward` calls these functions from the loss to the parameters. The rest is what a
network needs of it, under PyTorch's names. After A. Karpathy's micrograd, with tensors for its numbers.
"""

from minitorch import functional, nn, optim
from minitorch.tensor import Tensor, no_grad

__all__ = ["Tensor", "functional", "nn", "no_grad", "optim"]
