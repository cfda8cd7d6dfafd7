"""BG-PBT where Ray Tune takes `PB2` or `PopulationBasedTraining`.

A round ends when every trial has reported once at or after the round's end and has been paused, which leaves
its checkpoint behind. Then the strategy says which trials go on as they are, and which take over another's
checkpoint with a new configuration. To the strategy a round is one step.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler

from bgpbt.encoding import decode, encode
from bgpbt.errors import InputError
from bgpbt.ray.journal import Journal, Standing, put_back, read_journal, standing_of, write_journal
from bgpbt.records import Checkpoint, Configuration, From, Order, Outcome, Plan
from bgpbt.space import Space, from_ray_tune
from bgpbt.strategies import PopulationSettings, make_strategy, strategy_names
from bgpbt.strategies.population import Population, PopulationState

__all__ = ["BGPBTScheduler"]

MOST_ROUNDS = 10_000  # of an experiment; Tune's own stopping rule ends it long before


class BGPBTScheduler(TrialScheduler):
    """Tunes the trials of an experiment while they train, as a population.

    The arguments are those of Ray's `PB2` and `PopulationBasedTraining`; rounds are always synchronous, as
    with their `synch=True`. A trial's first values come from Tune's `param_space` where it has them.
    Leave `max_concurrent_trials` out: a population needs all its trials, and those beyond the cluster's
    resources take turns.

    Args:
        time_attr: result field that counts time, such as `training_iteration`.
        metric: result field to optimise; None: the one given to Tune.
        mode: `max` or `min`; None: the one given to Tune.
        perturbation_interval: length of a round, in units of `time_attr`.
        hyperparam_bounds: what is searched, by name: `[low, high]` or a domain of Tune.
        hyperparam_mutations: what is searched, by name: a list of choices or a domain of Tune.
        quantile_fraction: share of the trials that is replaced in each round.
        strategy: a name of `bgpbt.strategies.strategy_names`.
        seed: of everything random in the scheduler.

    Raises:
        InputError: an argument is not allowed.
    """

    def __init__(  # noqa: PLR0913, the names are Ray's
        self,
        time_attr: str = "time_total_s",
        metric: str | None = None,
        mode: str | None = None,
        perturbation_interval: float = 60.0,
        hyperparam_bounds: Mapping[str, Any] | None = None,
        hyperparam_mutations: Mapping[str, Any] | None = None,
        quantile_fraction: float = 0.25,
        strategy: str = "bgpbt",
        seed: int = 0,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        if mode not in (None, "min", "max"):
            raise InputError(f"mode = {mode!r} must be min or max")
        if not perturbation_interval > 0:
            raise InputError(f"perturbation_interval = {perturbation_interval} must be above 0")
        if not 0.0 < quantile_fraction <= 0.5:
            raise InputError(f"quantile_fraction = {quantile_fraction} must be above 0 and at most 0.5")
        if strategy not in strategy_names():
            raise InputError(f"there is no strategy {strategy!r}; there are {', '.join(strategy_names())}")
        self._supports_buffered_results = False  # a result asks for a decision at once
        self._time_attr = time_attr
        self._metric = metric
        self._mode = mode
        self._interval = float(perturbation_interval)
        self._space = _space(hyperparam_bounds or {}, hyperparam_mutations or {})
        self._quantile_fraction = quantile_fraction
        self._strategy_name = strategy
        self._seed = seed
        self._target = self._interval  # of the time attribute, when the round under way ends
        self._members: list[str] = []  # trial ids, by the strategy's member
        self._state: PopulationState[Any] | None = None  # None until the first round is closed
        self._reports: dict[str, tuple[float, float]] = {}  # of this round: trial id to score and time
        self._gone: set[str] = set()  # ids of trials that have ended
        self._scores: tuple[tuple[float, ...], ...] = ()  # of the rounds closed
        self._journal: Journal | None = None  # that this experiment is restored from

    def set_search_properties(self, metric: str | None, mode: str | None, **spec: Any) -> bool:
        """Take the metric and the mode of `TuneConfig`; False if they were given to the scheduler already."""
        if (self._metric and metric) or (self._mode and mode):
            return False
        self._metric, self._mode = self._metric or metric, self._mode or mode
        return True

    def on_trial_add(self, tune_controller: TuneController, trial: Trial) -> None:
        """Take a trial in: a new one, one that is tried again, or one of a restored experiment."""
        if self._metric is None or self._mode is None:
            raise InputError("a metric and a mode are needed: give them to the scheduler or to TuneConfig")
        self._gone.discard(trial.trial_id)
        if trial.is_finished():
            self._gone.add(trial.trial_id)
        if trial.trial_id in self._members:
            self._put_back(trial)
            return
        if not self._members and (journal := read_journal(trial)) is not None:
            self._restore(journal)
            self._put_back(trial)
            return
        rng = np.random.default_rng([self._seed, len(self._members)])
        (drawn,) = self._space.sample(1, rng)
        trial.set_config({**drawn, **trial.config})
        self._space.validate(self._searched(trial), source=f"trial {trial.trial_id}")
        self._members.append(trial.trial_id)

    def on_trial_error(self, tune_controller: TuneController, trial: Trial) -> None:
        """Let a trial go; Tune adds it again if it is to be tried again."""
        self._leave(trial)

    def on_trial_complete(
        self, tune_controller: TuneController, trial: Trial, result: dict[str, Any]
    ) -> None:
        """Let a trial go."""
        self._leave(trial)

    def on_trial_remove(self, tune_controller: TuneController, trial: Trial) -> None:
        """Let a trial go."""
        self._leave(trial)

    def on_trial_result(self, tune_controller: TuneController, trial: Trial, result: dict[str, Any]) -> str:
        """Note a trial's score, and pause the trial when it is where the round ends."""
        score, time = self._read(trial, result, self._metric), self._read(trial, result, self._time_attr)
        if time < self._target:
            return str(TrialScheduler.CONTINUE)
        sign = 1.0 if self._mode == "max" else -1.0
        self._reports[trial.trial_id] = (sign * score, time)
        return str(TrialScheduler.PAUSE)

    def choose_trial_to_run(self, tune_controller: TuneController) -> Trial | None:
        """Close the round if everybody has arrived; return a trial that may go on."""
        trials: dict[str, Trial] = {trial.trial_id: trial for trial in tune_controller.get_trials()}
        present = [trial_id for trial_id in self._members if trial_id not in self._gone]
        have_arrived = all(id_ in self._reports and trials[id_].status == Trial.PAUSED for id_ in present)
        if present and have_arrived and tune_controller.search_alg.is_finished():
            self._close_round(trials, present)
        for trial_id in present:
            if trial_id not in self._reports and trials[trial_id].status in (Trial.PENDING, Trial.PAUSED):
                return trials[trial_id]
        return None

    def debug_string(self) -> str:
        """Return a line for Tune's progress display."""
        return f"BGPBTScheduler ({self._strategy_name}): {len(self._scores)} rounds"

    def _read(self, trial: Trial, result: dict[str, Any], name: str | None) -> float:
        if name not in result:
            raise InputError(f"trial {trial.trial_id} reported no {name!r}; it has {', '.join(result)}")
        return float(result[name])

    def _leave(self, trial: Trial) -> None:
        self._gone.add(trial.trial_id)
        self._reports.pop(trial.trial_id, None)

    def _close_round(self, trials: Mapping[str, Trial], present: list[str]) -> None:
        """Give every trial the configuration and the checkpoint that the strategy wants it to go on with."""
        for trial_id in present:
            if trials[trial_id].latest_checkpoint_result is None:
                raise InputError(
                    f"trial {trial_id} has no checkpoint to go on from; report one with every result, "
                    f"or implement save_checkpoint and load_checkpoint"
                )
        members = [trials[trial_id] for trial_id in present]
        self._scores = (*self._scores, tuple(self._reports[trial_id][0] for trial_id in present))
        orders: tuple[Order, ...] | None = None
        if len(members) > 1:  # one alone has nobody to learn from
            strategy = _strategy(self._strategy_name, self._space, len(members), self._quantile_fraction)
            orders = self._advance(strategy, members)
        standings = [
            _next_standing(member, None if orders is None else orders[slot], members)
            for slot, member in enumerate(members)
        ]
        latest = max(time for _, time in self._reports.values())
        while self._target <= latest:
            self._target += self._interval
        self._members, self._reports = present, {}
        self._journal = Journal(
            state=encode(self._state), target=self._target, standings=tuple(standings), scores=self._scores
        )
        write_journal(members[0], self._journal)
        for member in members:
            self._put_back(member)

    def _advance(self, strategy: Population[Any], members: list[Trial]) -> tuple[Order, ...] | None:
        configurations = [self._searched(member) for member in members]
        state = self._state or strategy.start(self._seed)[0]
        gone = {slot for slot, trial_id in enumerate(self._members) if trial_id in self._gone}
        state = _with_members(state, gone if self._state is not None else set(), configurations)
        assert state.plan is not None
        outcomes = [
            Outcome(
                round=order.round,
                member=order.member,
                checkpoint=Checkpoint(str(order.member)),
                score=self._reports[member.trial_id][0],
                steps=order.steps,
            )
            for order, member in zip(state.plan.orders, members, strict=True)
        ]
        self._state, plan = strategy.advance(state, outcomes)
        return None if plan is None else plan.orders

    def _searched(self, trial: Trial) -> Configuration:
        names = (*self._space.names, *self._space.constants)
        return {name: trial.config[name] for name in names}

    def _restore(self, journal: Journal) -> None:
        self._journal = journal
        self._members = [standing.trial_id for standing in journal.standings]
        self._target, self._scores = journal.target, journal.scores
        if json.loads(journal.state) is not None:
            strategy = _strategy(
                self._strategy_name, self._space, len(self._members), self._quantile_fraction
            )
            self._state = decode(strategy.state_type, journal.state)

    def _put_back(self, trial: Trial) -> None:
        """Put a trial to where it begins the round under way."""
        standings = () if self._journal is None else self._journal.standings
        for standing in standings:
            if standing.trial_id == trial.trial_id and not trial.is_finished():
                put_back(trial, standing)


def _space(bounds: Mapping[str, Any], mutations: Mapping[str, Any]) -> Space:
    from ray import tune

    if not bounds and not mutations:
        raise InputError("hyperparam_bounds or hyperparam_mutations must name what is searched")
    domains: dict[str, Any] = {}
    for name, bound in bounds.items():
        is_pair = isinstance(bound, list | tuple)
        if is_pair and len(bound) != 2:
            raise InputError(f"hyperparam_bounds: {name} = {bound!r} must be [low, high] or a domain of Tune")
        domains[name] = tune.uniform(*bound) if is_pair else bound
    for name, mutation in mutations.items():
        domains[name] = tune.choice(mutation) if isinstance(mutation, list | tuple) else mutation
    return from_ray_tune(domains)


def _strategy(name: str, space: Space, population: int, quantile_fraction: float) -> Population[Any]:
    """Return the strategy for so many trials; as in Ray, the number replaced is rounded up."""
    replaced = min(math.ceil(quantile_fraction * population), population // 2)
    settings = PopulationSettings(
        t_ready=1,
        max_timesteps=MOST_ROUNDS,
        population=population,
        initial=population,
        quantile_fraction=replaced / population,
    )
    return make_strategy(name, space=space, settings=settings)


def _with_members(
    state: PopulationState[Any], gone: set[int], configurations: list[Configuration]
) -> PopulationState[Any]:
    """Return a state without the members that are gone, the others' configurations as they really are."""
    assert state.plan is not None
    kept = [order for order in state.plan.orders if order.member not in gone]
    orders = tuple(
        replace(order, member=slot, configuration=configuration)
        for slot, (order, configuration) in enumerate(zip(kept, configurations, strict=True))
    )
    descents = tuple(descent for slot, descent in enumerate(state.descents) if slot not in gone)
    return replace(state, plan=Plan(round=state.plan.round, orders=orders), descents=descents)


def _next_standing(trial: Trial, order: Order | None, members: list[Trial]) -> Standing:
    if order is None:
        return standing_of(trial, trial, dict(trial.config))
    donor = members[int(order.start.checkpoint)] if isinstance(order.start, From) else None
    base = trial if donor is None else donor
    return standing_of(trial, donor, {**base.config, **order.configuration})
