"""Is not available."""

import framework_that_is_not_there  # type: ignore[import-not-found]  # noqa: F401

from impls.numpy_scratch import Network as Network
