"""Sweeps: the same comparison for every combination of network, batch size, learning rate and seed, on Dask."""
