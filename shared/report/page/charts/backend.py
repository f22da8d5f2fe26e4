"""Import matplotlib whatever MPLBACKEND says: Jupyter sets one that need not be installed here, and none is needed."""

import os

_CALLERS = os.environ.pop("MPLBACKEND", None)
try:
    import matplotlib  # noqa: F401 - it reads the variable once
finally:
    if _CALLERS is not None:
        os.environ["MPLBACKEND"] = _CALLERS
