"""Is not available: the package is there, a part of it is not."""

import numpy.not_there  # type: ignore[import-not-found]  # noqa: F401

from impls.numpy_scratch import Network as Network
