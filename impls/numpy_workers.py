"""The network by hand in NumPy on several processes: each takes a share of every batch, and an all-reduce adds up.

With C_k = 1/n times the sum over share k, n the size of the whole batch, C = sum_k C_k and dC = sum_k dC_k. The mean of
the shares' own means is another gradient where their sizes differ: n examples among K workers rarely divide.
"""

import numpy as np
from threadpoolctl import threadpool_info

from impls import numpy_scratch
from impls.numpy_scratch import set_threads as set_threads
from shared import workers
from shared.interface import Array, Labels, Parameters
from shared.spec import NetworkSpec, TrainingSpec, shares

ON_REQUEST = True  # on one machine, slower than numpy_scratch: for reading. Run by name or with -i all
DATA_PARALLEL = True  # takes `workers`


class Network(numpy_scratch.Network):
    """`numpy_scratch` on K workers: each has all parameters and the optimizer, which stay the same in all of them."""

    # ---- Parameters ------------------------------------------------------------------------------------

    team = workers.ALONE

    def __init__(self, spec: NetworkSpec, training: TrainingSpec, parameters: Parameters) -> None:
        super().__init__(spec, training, parameters)
        team = workers.team(training.workers, begin, threads())
        with team.repeats(self, "__init__", spec, training, parameters):
            self.team, self.received = team, np.empty_like(self.theta)

    @workers.repeated
    def reset(self, parameters: Parameters) -> None:
        super().reset(parameters)

    # ---- Loss and gradients (3)-(7) --------------------------------------------------------------------

    @workers.repeated
    def loss_and_gradients(self, x: Array, y: Labels) -> tuple[float, Parameters]:
        mine = shares(len(y), self.team.size)[self.team.rank]
        loss = np.array([self.gradients(x[mine], self.one_hot(y[mine]), len(y))])
        self.all_reduce(loss)  # C = sum_k C_k
        self.all_reduce(self.g)
        return float(loss[0]), self.to_parameters(self.g.copy())

    # ---- Update (8) ------------------------------------------------------------------------------------

    def step(self, x: Array, y: Array, i: Labels) -> None:
        """One optimizer step on the examples i, of which this worker has a share."""
        mine = i[shares(len(i), self.team.size)[self.team.rank]]
        self.gradients(x.take(mine, axis=0), y.take(mine, axis=0), len(i))
        self.all_reduce(self.g)  # dC = sum_k dC_k: now every worker has the whole gradient,
        self.optimizer.step(self.g)  # (8) and takes the same step

    @workers.repeated
    def train(self, order: Labels) -> None:
        super().train(order)

    def all_reduce(self, part: Array) -> None:
        """Replace each worker's part by the sum of all, the same to the last bit: rank 0 adds, in order of rank."""
        if self.team.rank > 0:
            (link,) = self.team.links
            link.send_bytes(part.data)
            link.recv_bytes_into(part.data)
            return
        received = self.received[: len(part)] if part.dtype == self.theta.dtype else np.empty_like(part)
        for link in self.team.links:  # reduce
            link.recv_bytes_into(received.data)
            part += received
        for link in self.team.links:  # broadcast
            link.send_bytes(part.data)

    # ---- Conversion ------------------------------------------------------------------------------------

    @workers.repeated
    def load(self, x: Array, y: Labels) -> None:
        super().load(x, y)


def threads() -> int:
    """Return the threads of this process's BLAS; 1 if it does not say."""
    return max((pool["num_threads"] for pool in threadpool_info()), default=1)


def begin(team: workers.Team, n: int) -> None:
    """Begin a worker: with as many threads as the process that started it."""
    set_threads(n)
