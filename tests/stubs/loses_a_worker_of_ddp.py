"""Its second worker is killed in the middle of training, and a connection of torch's closes."""

from impls import pytorch_ddp
from tests.stubs.losing import Losing

DATA_PARALLEL = True


class Network(Losing, pytorch_ddp.Network):
    pass
