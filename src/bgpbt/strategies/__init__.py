"""Strategies: who trains next, from which weights, with which configuration. Pure; no JAX."""

from bgpbt.strategies.generation_settings import GenerationSettings, expected_steps, rungs
from bgpbt.strategies.initial_design import start_remarks
from bgpbt.strategies.named_schedules import population_schedule, with_schedule
from bgpbt.strategies.options import option_defaults, strategy_options
from bgpbt.strategies.population import Population, PopulationState
from bgpbt.strategies.population_rungs import PopulationRung, halving_rungs
from bgpbt.strategies.registry import make_strategy, plans_its_rounds, settings_for, strategy_names
from bgpbt.strategies.replay import Replay, Schedule, Stretch
from bgpbt.strategies.settings import PopulationSettings

__all__ = [
    "GenerationSettings",
    "Population",
    "PopulationRung",
    "PopulationSettings",
    "PopulationState",
    "Replay",
    "Schedule",
    "Stretch",
    "expected_steps",
    "halving_rungs",
    "make_strategy",
    "option_defaults",
    "plans_its_rounds",
    "population_schedule",
    "rungs",
    "settings_for",
    "start_remarks",
    "strategy_names",
    "strategy_options",
    "with_schedule",
]
