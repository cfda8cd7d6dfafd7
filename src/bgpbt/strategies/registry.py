"""All strategies by name.

Those with a model are imported when they are made, since SciPy takes long to import.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bgpbt.errors import InputError
from bgpbt.space import Space
from bgpbt.strategies.first_round import FIRST_ROUND, with_first_round
from bgpbt.strategies.generation_settings import GenerationSettings
from bgpbt.strategies.gpbt import PairwiseLearning
from bgpbt.strategies.initial_design import completed_start
from bgpbt.strategies.mf_pbt import MultipleFrequencies, default_frequencies
from bgpbt.strategies.pbt import Perturb
from bgpbt.strategies.population import Population
from bgpbt.strategies.population_rungs import halving_rungs
from bgpbt.strategies.rules import Rule
from bgpbt.strategies.settings import PopulationSettings
from bgpbt.strategies.simple import KeepConfiguration, RandomSearch
from bgpbt.strategies.truncation_rule import TruncationRule
from bgpbt.surrogate import SurrogateSettings

__all__ = ["make_strategy", "plans_its_rounds", "settings_for", "strategy_names", "strategy_signature"]


def _random(space: Space, settings: PopulationSettings) -> Rule[Any]:
    return RandomSearch(space=space)


def _no_mutation(space: Space, settings: PopulationSettings) -> Rule[Any]:
    return TruncationRule(space=space, settings=settings, explore=KeepConfiguration())


def _pbt(
    space: Space,
    settings: PopulationSettings,
    *,
    factors: tuple[float, float] = (0.8, 1.2),
    resample_probability: float = 0.25,
    keep_donor: float = 0.0,
) -> Rule[Any]:
    explore = Perturb(space=space, factors=factors, resample_probability=resample_probability)
    return TruncationRule(space=space, settings=settings, explore=explore, keep_donor=keep_donor)


def _pb2(space: Space, settings: PopulationSettings, *, resample_probability: float = 0.25) -> Rule[Any]:
    from bgpbt.strategies.pb2 import PB2Explore

    explore = PB2Explore(space=space, resample_probability=resample_probability)
    return TruncationRule(space=space, settings=settings, explore=explore)


def _pb2_mix(space: Space, settings: PopulationSettings) -> Rule[Any]:
    from bgpbt.strategies.pb2 import PB2Explore

    explore = PB2Explore(space=space, bandit_plays=settings.rounds * settings.population)
    return TruncationRule(space=space, settings=settings, explore=explore)


def _mf_pbt(
    space: Space,
    settings: PopulationSettings,
    *,
    frequencies: tuple[int, ...] | None = None,
    factors: tuple[float, float] = (0.8, 1.2),
    resample_probability: float = 0.25,
) -> Rule[Any]:
    return MultipleFrequencies(
        perturb=Perturb(space=space, factors=factors, resample_probability=resample_probability),
        population=settings.population,
        frequencies=frequencies or default_frequencies(settings.population, settings.rounds),
    )


def _gpbt(
    space: Space,
    settings: PopulationSettings,
    *,
    inertia: float = 1.0,
    attraction: float = 1.0,
    resample_probability: float = 0.25,
) -> Rule[Any]:
    explore = PairwiseLearning(
        space=space, inertia=inertia, attraction=attraction, resample_probability=resample_probability
    )
    return TruncationRule(space=space, settings=settings, explore=explore)


def _bgpbt(  # noqa: PLR0913, its options are read from here
    space: Space,
    settings: PopulationSettings,
    *,
    backtrack: bool = False,
    keep_donor: float = 0.0,
    growing_rounds: bool = False,
    surrogate: SurrogateSettings | None = None,
    generations: GenerationSettings | None = None,
) -> Rule[Any]:
    from bgpbt.strategies.bgpbt import BayesianExplore
    from bgpbt.strategies.growing_rounds import GrowingRounds

    surrogate = surrogate or SurrogateSettings()

    def within_a_generation(frozen: tuple[str, ...]) -> Rule[Any]:
        explore = BayesianExplore(space=space, surrogate=surrogate, frozen=frozen)
        rule = TruncationRule(
            space=space, settings=settings, explore=explore, backtrack=backtrack, keep_donor=keep_donor
        )
        return GrowingRounds(settings=settings, inner=rule) if growing_rounds else rule

    if generations is None:
        return within_a_generation(frozen=())
    from bgpbt.space import split
    from bgpbt.strategies.generations import Generational

    hyperparameters, architectures = split(space)
    return Generational(
        space=space,
        hyperparameters=hyperparameters,
        architectures=architectures,
        population=settings,
        settings=generations,
        inner=within_a_generation(frozen=architectures.names),
        surrogate=surrogate,
    )


def _ipbt(
    space: Space,
    settings: PopulationSettings,
    *,
    first_round: float = FIRST_ROUND,  # `settings_for` makes the settings' rounds that long
    surrogate: SurrogateSettings | None = None,
) -> Rule[Any]:
    from bgpbt.strategies.bgpbt import BayesianExplore
    from bgpbt.strategies.ipbt import Iterated

    surrogate = surrogate or SurrogateSettings()
    explore = BayesianExplore(space=space, surrogate=surrogate)
    inner = TruncationRule(space=space, settings=settings, explore=explore)
    return Iterated(space=space, settings=settings, inner=inner, surrogate=surrogate)


_RULES: Mapping[str, Callable[..., Rule[Any]]] = {
    "random": _random,
    "no-mutation": _no_mutation,
    "pbt": _pbt,
    "pb2": _pb2,
    "pb2-mix": _pb2_mix,
    "mf-pbt": _mf_pbt,
    "gpbt": _gpbt,
    "ipbt": _ipbt,
    "bgpbt": _bgpbt,
    "successive-halving": _random,  # with the rungs that `settings_for` gives it
}


def strategy_names() -> tuple[str, ...]:
    """Return the names of all strategies."""
    return tuple(_RULES)


def settings_for(
    name: str, settings: PopulationSettings, options: Mapping[str, Any] | None = None
) -> PopulationSettings:
    """Return the settings that a strategy with these options trains a population by.

    Successive halving has rungs of its own; IPBT has lengths of rounds of its own.

    Raises:
        InputError: an option's value is not allowed.
    """
    if name == "ipbt":
        return with_first_round(settings, (options or {}).get("first_round", FIRST_ROUND))
    if name == "successive-halving" and settings.rungs is None:
        return replace(settings, rungs=halving_rungs(settings.initial))
    return settings


def plans_its_rounds(name: str, options: Mapping[str, Any]) -> bool:
    """Return whether the settings alone say how many rounds a strategy with these options takes."""
    return name != "ipbt" and not options.get("growing_rounds", False)


def strategy_signature(name: str) -> inspect.Signature:
    """Return what makes a strategy's rule takes: the space, the population's settings, then its options.

    Raises:
        InputError: there is no such strategy.
    """
    if name not in _RULES:
        raise InputError(f"there is no strategy {name!r}; there are {', '.join(_RULES)}")
    return inspect.signature(_RULES[name])


def make_strategy(
    name: str, *, space: Space, settings: PopulationSettings, **options: Any
) -> Population[Any]:
    """Return a strategy by name; `options` are its own switches.

    Raises:
        InputError: there is no such strategy or option, an option's value is not allowed, or a configuration
            to start with is not in the space.
    """
    allowed = list(strategy_signature(name).parameters)[2:]
    for option in options:
        if option not in allowed:
            listed = f"it has {', '.join(allowed)}" if allowed else "it has none"
            raise InputError(f"strategy {name} has no option {option!r}; {listed}")
    settings = settings_for(name, settings, options)
    completed_start(space, settings.start)  # refuses a wrong one before a run begins
    return Population(space=space, settings=settings, rule=_RULES[name](space, settings, **options))
