"""The network in PyTorch, compiled: torch.compile makes one C++ function of several steps."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from impls import pytorch
from impls.pytorch import set_threads as set_threads
from shared.interface import Array, Labels, Parameters
from shared.spec import BETA_1, BETA_2, EPSILON, MOMENTUM, NetworkSpec, TrainingSpec, shares

ON_REQUEST = True  # takes seconds to compile: run by name or with -i all

STEPS_A_CALL = 10
"""A call costs as much as two steps of the default network; the time to compile is proportional to the steps."""

Tensors = Sequence[Tensor]

torch._dynamo.config.trace_autograd_ops = True  # torch.autograd.grad is part of the compiled function
# Every network is compiled separately; by default torch allows only a few versions of one function.
torch._dynamo.config.recompile_limit = torch._dynamo.config.accumulated_recompile_limit = 1_000_000


class Network(pytorch.Network):
    """`pytorch` with compiled steps; its optimizer is written out, as torch.optim's step cannot be compiled here."""

    # ---- Parameters ------------------------------------------------------------------------------------

    def __init__(self, spec: NetworkSpec, training: TrainingSpec, parameters: Parameters) -> None:
        super().__init__(spec, training, parameters)
        # Compiled in the first call with this number of steps; works for training sets of any length.
        self.compiled = torch.compile(self.steps, fullgraph=True, dynamic=False, options={"cpp_wrapper": True})

    def reset(self, parameters: Parameters) -> None:
        super().reset(parameters)
        self.theta = list(self.model.parameters())
        self.state = [torch.zeros_like(theta) for _ in range(2) for theta in self.theta]
        self.t = 0
        self.update = UPDATES[self.training.optimizer]

    # ---- Update (8) ------------------------------------------------------------------------------------

    def steps(self, x: Tensor, y: Tensor, order: Tensor, corrections: Tensor) -> None:
        """One optimizer step for each of the corrections, adam's 1 - beta^t, (steps, 2); the loop is unrolled."""
        for i, correction in zip(order.split(self.training.batch_size), corrections, strict=True):
            parts = []
            for k in shares(len(i), self.training.accumulate):
                loss = self.loss(self.forward(x[i[k]]), y[i[k]], len(i))
                parts.append(torch.autograd.grad(loss, self.theta))  # (4)-(7)
            g = [sum(tensors) for tensors in zip(*parts, strict=True)]
            with torch.no_grad():
                self.update(self.theta, g, self.state, correction, self.training.learning_rate)  # (8)

    def train(self, order: Labels) -> None:
        t = torch.arange(self.t, self.t - (-len(order) // self.training.batch_size)) + 1
        self.t += len(t)
        length = STEPS_A_CALL * self.training.batch_size
        for i, t_i in zip(torch.from_numpy(order).split(length), t.split(STEPS_A_CALL), strict=True):
            steps = self.compiled if len(i) == length else self.steps
            steps(self.x, self.y, i, corrections(t_i).to(self.dtype))

    # ---- Conversion ------------------------------------------------------------------------------------

    def load(self, x: Array, y: Labels) -> None:
        super().load(x, y)
        for tensor in (self.x, self.y):
            torch._dynamo.mark_dynamic(tensor, 0)


def corrections(t: Tensor) -> Tensor:
    """Return 1 - beta_1^t and 1 - beta_2^t of (8) for each step t, (steps, 2); in float32 the difference cancels."""
    return 1 - torch.tensor([BETA_1, BETA_2], dtype=torch.float64) ** t[:, None]


def sgd(theta: Tensors, g: Tensors, state: Tensors, correction: Tensor, eta: float) -> None:
    """theta <- theta - eta g."""
    for theta_l, g_l in zip(theta, g, strict=True):
        theta_l.sub_(eta * g_l)


def momentum(theta: Tensors, g: Tensors, state: Tensors, correction: Tensor, eta: float) -> None:
    """v <- mu v + g, theta <- theta - eta v."""
    for theta_l, g_l, v in zip(theta, g, state, strict=False):
        v.mul_(MOMENTUM).add_(g_l)
        theta_l.sub_(eta * v)


def adam(theta: Tensors, g: Tensors, state: Tensors, correction: Tensor, eta: float) -> None:
    """Kingma and Ba, Algorithm 1."""
    for theta_l, g_l, m, v in zip(theta, g, state, state[len(theta) :], strict=False):
        m.add_((1 - BETA_1) * (g_l - m))
        v.add_((1 - BETA_2) * (g_l * g_l - v))
        m_hat, v_hat = m / correction[0], v / correction[1]
        theta_l.sub_(eta * m_hat / (v_hat.sqrt() + EPSILON))


UPDATES: dict[str, Callable[..., None]] = {"sgd": sgd, "momentum": momentum, "adam": adam}
