"""Adapters: a user's own model with the contract of `shared.interface.Network`."""
