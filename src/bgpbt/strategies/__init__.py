"""Strategies: who trains next, from which weights, with which configuration. Pure; no JAX."""

from bgpbt.strategies.population import Population, PopulationState
from bgpbt.strategies.registry import make_strategy, strategy_names
from bgpbt.strategies.settings import PopulationSettings

__all__ = ["Population", "PopulationSettings", "PopulationState", "make_strategy", "strategy_names"]
