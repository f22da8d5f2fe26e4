"""Fails with what would be a script, if it were taken for HTML."""

from impls import numpy_scratch


class Network(numpy_scratch.Network):
    def train(self, order):  # type: ignore[no-untyped-def]
        raise RuntimeError("<script>window.hacked = true</script>")
