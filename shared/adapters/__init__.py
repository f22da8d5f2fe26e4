"""A user's own model made to hold the contract of `shared.interface.Network`."""
