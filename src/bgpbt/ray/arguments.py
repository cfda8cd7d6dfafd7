"""The arguments of `BGPBTScheduler`, checked."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bgpbt import checks
from bgpbt.errors import InputError
from bgpbt.space import Space
from bgpbt.strategies import strategy_names
from bgpbt.strategies.registry import strategy_signature

__all__ = ["Arguments"]

NOT_TRIALS = ("successive-halving", "ipbt")  # they add or end members, and a scheduler's trials are given


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """What the user gave; the fields are those of the scheduler.

    Raises:
        InputError: an argument is not allowed.
    """

    time_attr: str
    perturbation_interval: float  # in units of `time_attr`
    burn_in_period: float  # in units of `time_attr`
    hyperparam_bounds: Mapping[str, Any] | Space
    hyperparam_mutations: Mapping[str, Any] | Space
    quantile_fraction: float
    resample_probability: float | None
    perturbation_factors: tuple[float, float] | None
    custom_explore_fn: Callable[[dict[str, Any]], dict[str, Any]] | None
    log_config: bool
    require_attrs: bool
    synch: bool
    rungs: Mapping[int, int]  # from rounds trained to trials left
    burn_in_rounds: int
    strategy: str
    seed: int

    def __post_init__(self) -> None:
        checks.above("perturbation_interval", self.perturbation_interval, 0)
        checks.at_least("burn_in_period", self.burn_in_period, 0)
        if not 0.0 < self.quantile_fraction <= 0.5:
            raise InputError(
                f"quantile_fraction = {self.quantile_fraction} must be above 0 and at most 0.5; "
                f"to copy no trial, leave the scheduler out"
            )
        if not self.synch:
            raise InputError("synch = False: rounds are always synchronous; write synch=True or leave it out")
        is_function = self.custom_explore_fn is None or callable(self.custom_explore_fn)
        checks.require(is_function, "custom_explore_fn", self.custom_explore_fn, "a function")
        self._check_race()
        self._check_strategy()

    def trials_after(self, rounds: int) -> int | None:
        """Return how many trials may be left after so many rounds; None: all."""
        due = [trials for after, trials in self.rungs.items() if after <= rounds]
        return min(due, default=None)

    @property
    def strategy_options(self) -> dict[str, Any]:
        """The arguments that are options of the strategy, by the names they have there."""
        given = {"resample_probability": self.resample_probability, "factors": self.perturbation_factors}
        return {name: value for name, value in given.items() if value is not None}

    def _check_race(self) -> None:
        for name, values in (("rounds", self.rungs.keys()), ("trials", self.rungs.values())):
            if any(isinstance(value, bool) or not isinstance(value, int) or value < 1 for value in values):
                raise InputError(f"rungs = {self.rungs!r}: {name} must be whole numbers, 1 or more")
        sizes = [self.rungs[rounds] for rounds in sorted(self.rungs)]
        if any(after >= before for before, after in itertools.pairwise(sizes)):
            raise InputError(
                f"rungs = {self.rungs!r}: trials must fall as rounds rise, such as {{4: 8, 8: 4}}"
            )
        if isinstance(self.burn_in_rounds, bool) or self.burn_in_rounds < 0:
            raise InputError(f"burn_in_rounds = {self.burn_in_rounds!r} must be a whole number, 0 or more")

    def _check_strategy(self) -> None:
        names = [name for name in strategy_names() if name not in NOT_TRIALS]
        if self.strategy not in names:
            raise InputError(f"there is no strategy {self.strategy!r} here; there are {', '.join(names)}")
        are_two = self.perturbation_factors is None or len(self.perturbation_factors) == 2
        checks.require(are_two, "perturbation_factors", self.perturbation_factors, "two numbers")
        arguments = {"resample_probability": "resample_probability", "factors": "perturbation_factors"}
        for option in self.strategy_options:
            if option in strategy_signature(self.strategy).parameters:
                continue
            having = [name for name in names if option in strategy_signature(name).parameters]
            raise InputError(
                f"{arguments[option]}: strategy {self.strategy} does not use it; "
                f"leave it out, or choose strategy {' or '.join(having)}"
            )
