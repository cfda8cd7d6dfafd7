"""Environments: the protocol, and the adapters that speak it."""

from bgpbt.envs.protocol import Environment, State
from bgpbt.envs.registry import check_name, make, names, register

__all__ = ["Environment", "State", "check_name", "make", "names", "register"]
