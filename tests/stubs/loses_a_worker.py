"""Its second worker is killed in the middle of training."""

from impls import numpy_workers
from tests.stubs.losing import Losing

DATA_PARALLEL = True


class Network(Losing, numpy_workers.Network):
    pass
