"""Environments: the protocol, and the adapters that speak it."""
