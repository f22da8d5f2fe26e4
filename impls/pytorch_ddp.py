"""The network in PyTorch on several processes: DistributedDataParallel adds up the gradients while it computes them.

With C_k = 1/n times the sum over share k, n the size of the whole batch, C = sum_k C_k and dC = sum_k dC_k. But DDP
divides the sum of the K workers' gradients by K: so worker k has to give it the gradient of K C_k.
"""

import os
import socket
import warnings

import psutil
import torch
from torch import Tensor
from torch import distributed as dist
from torch._C._distributed_c10d import TCPStore
from torch.nn.parallel import DistributedDataParallel

from impls import pytorch
from impls.pytorch import set_threads as set_threads
from shared import workers
from shared.interface import Array, Labels, Parameters
from shared.spec import NetworkSpec, TrainingSpec, shares

ON_REQUEST = True  # on one machine, slower than pytorch: run by name or with -i all
DATA_PARALLEL = True  # takes `workers`

LOOPBACK = "127.0.0.1"


class Network(pytorch.Network):
    """`pytorch` on K workers: each has all parameters and the optimizer, which stay the same in all of them."""

    # ---- Parameters ------------------------------------------------------------------------------------

    team = workers.ALONE

    def __init__(self, spec: NetworkSpec, training: TrainingSpec, parameters: Parameters) -> None:
        super().__init__(spec, training, parameters)
        team = workers.team(training.workers, begin, torch.get_num_threads())
        with team.repeats(self, "__init__", spec, training, parameters):
            self.team = team
            self.replica = DistributedDataParallel(self.model) if team.size > 1 else self.model

    @workers.repeated
    def reset(self, parameters: Parameters) -> None:
        super().reset(parameters)

    # ---- Loss and gradients (3)-(7) --------------------------------------------------------------------

    def gradients(self, x: Tensor, y: Tensor, n: int) -> Tensor:
        """As `pytorch`'s, of this worker's share; the gradients are then those of the whole batch, in every worker."""
        if not isinstance(self.replica, DistributedDataParallel):
            return super().gradients(x, y, n)
        self.optimizer.zero_grad()
        *first, last = shares(len(y), self.training.accumulate)
        with self.replica.no_sync():  # the all-reduce belongs to the last micro-batch
            parts = [self.micro_batch(x[i], y[i], n) for i in first]
        return torch.stack([*parts, self.micro_batch(x[last], y[last], n)]).sum()

    def micro_batch(self, x: Tensor, y: Tensor, n: int) -> Tensor:
        loss = self.loss(self.replica(x), y, n)  # C_k
        (self.team.size * loss).backward()  # (4)-(7), and DDP: 1/K sum_k d(K C_k) = dC
        return loss

    @workers.repeated
    def loss_and_gradients(self, x: Array, y: Labels) -> tuple[float, Parameters]:
        mine = shares(len(y), self.team.size)[self.team.rank]
        loss = self.gradients(torch.from_numpy(x[mine]), self.one_hot(y[mine]), len(y)).detach()
        if self.team.size > 1:
            dist.all_reduce(loss)  # C = sum_k C_k
        return loss.item(), self.to_parameters(tensor.grad for tensor in self.model.parameters())

    # ---- Update (8) ------------------------------------------------------------------------------------

    def step(self, x: Tensor, y: Tensor, i: Tensor) -> None:
        """One optimizer step on the examples i, of which this worker has a share."""
        mine = i[shares(len(i), self.team.size)[self.team.rank]]
        self.gradients(x[mine], y[mine], len(i))
        self.optimizer.step()  # (8), the same in every worker

    @workers.repeated
    def train(self, order: Labels) -> None:
        super().train(order)

    # ---- Conversion ------------------------------------------------------------------------------------

    @workers.repeated
    def load(self, x: Array, y: Labels) -> None:
        super().load(x, y)


def begin(team: workers.Team, threads: int) -> None:
    """Begin a worker: with as many threads as the process that started it, and with connections to all others.

    They are on the loopback interface, at ports that are free. By itself, torch's store listens on every interface.
    """
    if team.rank > 0:
        set_threads(threads)
    elif dist.is_initialized():
        dist.destroy_process_group()  # of a team that has ended
    warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides")  # of a convolution; it says why
    addresses = psutil.net_if_addrs().items()
    os.environ["GLOO_SOCKET_IFNAME"] = next(name for name, each in addresses if LOOPBACK in [a.address for a in each])
    if team.rank == 0:
        with socket.create_server((LOOPBACK, 0)) as server:
            port = server.getsockname()[1]
            listener = server.detach()
        store = TCPStore(LOOPBACK, port, is_master=True, wait_for_workers=False, master_listen_fd=listener)
        for link in team.links:
            link.send(port)
        for link in team.links:
            link.recv()  # it is there: torch would wait long for one that has died at its start
    else:
        (link,) = team.links
        store = TCPStore(LOOPBACK, link.recv(), wait_for_workers=False)
        link.send(None)
    dist.init_process_group("gloo", store=store, rank=team.rank, world_size=team.size)
