"""Rejected: by its clock it has more CPU time than there can be, as if many threads had worked beside its own."""

import time
from itertools import count

from impls.numpy_scratch import Network as Network

time.process_time_ns = count(0, 10**15).__next__
