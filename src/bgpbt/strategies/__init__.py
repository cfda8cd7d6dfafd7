"""Strategies: who trains next, from which weights, with which configuration. Pure; no JAX."""

from bgpbt.strategies.generation_settings import GenerationSettings, expected_steps, rungs
from bgpbt.strategies.options import option_defaults, strategy_options
from bgpbt.strategies.population import Population, PopulationState
from bgpbt.strategies.registry import make_strategy, strategy_names
from bgpbt.strategies.replay import Replay, Schedule, Stretch
from bgpbt.strategies.settings import PopulationSettings

__all__ = [
    "GenerationSettings",
    "Population",
    "PopulationSettings",
    "PopulationState",
    "Replay",
    "Schedule",
    "Stretch",
    "expected_steps",
    "make_strategy",
    "option_defaults",
    "rungs",
    "strategy_names",
    "strategy_options",
]
