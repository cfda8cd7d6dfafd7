"""BG-PBT where Ray Tune takes `PB2` or `PopulationBasedTraining`.

A round ends when every trial has reported once at or after the round's end and has been paused, which leaves
its checkpoint behind. Then the strategy says which trials continue as they are, and which take over another's
checkpoint with a new configuration. To the strategy a round is one step.
"""

import copy
import json
import math
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler

from bgpbt import checks
from bgpbt.encoding import decode, encode
from bgpbt.errors import InputError
from bgpbt.ray.arguments import Arguments
from bgpbt.ray.journal import Journal, entries_to_keep, put_back, read_journal, standing_of, write_journal
from bgpbt.ray.policy_files import Transition, record_transitions
from bgpbt.ray.rounds import advance, population_of
from bgpbt.ray.searched import searched_of
from bgpbt.records import Configuration, From, Order
from bgpbt.space import Space
from bgpbt.strategies.population import Population, PopulationState
from bgpbt.strategies.selection import best_first
from bgpbt.streams import stream

__all__ = ["BGPBTScheduler"]

PATIENCE_S = 60.0  # for trials of a search algorithm, while all that are there wait
FEWEST_CHECKPOINTS = 3  # to keep: a donor's may be needed after the donor has written two more


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
        hyperparam_bounds: the searched inputs by name: `[low, high]`, a domain of Tune, or a mapping where
            the configuration is nested; two integers, or an integer in `param_space`, mean integers.
        hyperparam_mutations: the searched inputs by name: a list of choices, a domain of Tune, or a mapping.
            A `bgpbt.space.Space` may stand in place of either argument, or of a mapping inside of it.
        quantile_fraction: share of the trials that is replaced in each round.
        burn_in_period: time before which no trial is copied: the first round is as long, if it is longer.
        resample_probability: that a value is drawn anew, for strategies that draw.
        perturbation_factors: of PBT's perturbation, for strategies that perturb.
        custom_explore_fn: changes the configuration of a replaced trial, after the strategy has; it gets a
            copy and returns the configuration. The strategy sees the nearest values of the space.
        log_config: whether Ray's policy files are written, for `PopulationBasedTrainingReplay`.
        require_attrs: whether every result must have `time_attr` and the metric; if not, one without is
            ignored, and a round waits for one that has both.
        synch: True; there are no other rounds.
        rungs: from rounds trained to trials left, such as {4: 8, 8: 4}: after round 4 the best 8 continue
            and the others are stopped. {}: all trials stay. With as many devices as trials, leave it out.
        burn_in_rounds: rounds in which no trial is copied, since early scores say little.
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
        hyperparam_bounds: Mapping[str, Any] | Space | None = None,
        hyperparam_mutations: Mapping[str, Any] | Space | None = None,
        quantile_fraction: float = 0.25,
        *,
        burn_in_period: float = 0.0,
        resample_probability: float | None = None,
        perturbation_factors: tuple[float, float] | None = None,
        custom_explore_fn: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
        log_config: bool = True,
        require_attrs: bool = True,
        synch: bool = True,
        rungs: Mapping[int, int] | None = None,
        burn_in_rounds: int = 0,
        strategy: str = "bgpbt",
        seed: int = 0,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        if mode is not None:
            checks.one_of("mode", mode, ("min", "max"))
        self._given = Arguments(
            time_attr=time_attr,
            perturbation_interval=perturbation_interval,
            burn_in_period=burn_in_period,
            hyperparam_bounds={} if hyperparam_bounds is None else hyperparam_bounds,
            hyperparam_mutations={} if hyperparam_mutations is None else hyperparam_mutations,
            quantile_fraction=quantile_fraction,
            resample_probability=resample_probability,
            perturbation_factors=perturbation_factors,
            custom_explore_fn=custom_explore_fn,
            log_config=log_config,
            require_attrs=require_attrs,
            synch=synch,
            rungs=dict(rungs or {}),
            burn_in_rounds=burn_in_rounds,
            strategy=strategy,
            seed=seed,
        )
        self._supports_buffered_results = False  # a result asks for a decision at once
        self._metric = metric
        self._mode = mode
        self._searched = searched_of(self._given.hyperparam_bounds, self._given.hyperparam_mutations, None)
        self._scores: tuple[tuple[float, ...], ...] = ()  # of the rounds closed
        self._population(2)  # the strategy checks its options
        # Of the time attribute, when the round under way ends.
        self._target = float(max(perturbation_interval, burn_in_period))
        self._members: list[str] = []  # trial ids, by the strategy's member
        self._state: PopulationState[Any] | None = None  # None until the first round is closed
        self._reports: dict[str, tuple[float, float]] = {}  # of this round: trial id to score and time
        self._gone: set[str] = set()  # ids of trials that have ended
        self._policy_lines: dict[str, int] = {}  # of each policy file, by the trial's id
        self._journal: Journal | None = None  # of the newest round closed
        self._warned: set[str] = set()
        self._waiting_since: float | None = None  # for trials that the search algorithm holds back

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
        if not self._members:  # the first trial's values say which inputs are integers
            self._searched = searched_of(
                self._given.hyperparam_bounds, self._given.hyperparam_mutations, trial.config
            )
            if (journal := read_journal(trial)) is not None:
                self._restore(journal)
                self._put_back(trial)
                return
        manager: Any = trial.run_metadata.checkpoint_manager
        kept = manager.checkpoint_config.num_to_keep
        if kept is not None and kept < FEWEST_CHECKPOINTS:
            self._warn(
                f"CheckpointConfig(num_to_keep={kept}) may delete a checkpoint before the trial that is to "
                f"continue from it has read it; keep {FEWEST_CHECKPOINTS} or more"
            )
        rng = stream(self._given.seed, len(self._members))
        values = self._searched.begin(trial.config, rng, source=f"trial {trial.trial_id}")
        self._configure(trial, self._searched.write(trial.config, values))
        self._members.append(trial.trial_id)

    def on_trial_error(self, tune_controller: TuneController, trial: Trial) -> None:
        """Let a trial go; Tune adds it again if it is to be tried again."""
        self._leave(trial)
        if not trial.should_recover():
            left = sum(trial_id not in self._gone for trial_id in self._members)
            self._warn(
                f"trial {trial.trial_id} has failed for good, and no trial takes its place: the population "
                f"continues with {left} trials; FailureConfig(max_failures=...) has Tune try again"
            )

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
        missing = [name for name in (self._metric, self._given.time_attr) if name not in result]
        if missing and self._given.require_attrs:
            raise InputError(
                f"trial {trial.trial_id} reported no {missing[0]!r}; it has {', '.join(result)}. "
                f"If results may lack it, write require_attrs=False"
            )
        if missing:
            return str(TrialScheduler.CONTINUE)
        score, reached = (_number(trial, result, name) for name in (self._metric, self._given.time_attr))
        if reached < self._target:
            return str(TrialScheduler.CONTINUE)
        sign = 1.0 if self._mode == "max" else -1.0
        self._reports[trial.trial_id] = (sign * score, reached)
        return str(TrialScheduler.PAUSE)

    def choose_trial_to_run(self, tune_controller: TuneController) -> Trial | None:
        """Close the round if all trials have arrived; return a trial that may continue."""
        trials: dict[str, Trial] = {trial.trial_id: trial for trial in tune_controller.get_trials()}
        present = [trial_id for trial_id in self._members if trial_id not in self._gone]
        have_arrived = all(id_ in self._reports and trials[id_].status == Trial.PAUSED for id_ in present)
        are_all_there = tune_controller.search_alg.is_finished()
        if are_all_there and sum(trial.status != Trial.ERROR for trial in trials.values()) == 1:
            self._warn(
                "BGPBTScheduler: a population of one trial has no other to learn from, so it trains untuned; "
                "raise num_samples in TuneConfig"
            )
        if present and have_arrived and are_all_there:
            present = self._stop_worst(tune_controller, trials, present)
            self._close_round(trials, present)
        elif present and have_arrived:
            self._wait_for_trials(tune_controller.search_alg, len(present))
        for trial_id in present:
            if trial_id not in self._reports and trials[trial_id].status in (Trial.PENDING, Trial.PAUSED):
                return trials[trial_id]
        return None

    def debug_string(self) -> str:
        """Return a line for Tune's progress display."""
        return f"BGPBTScheduler ({self._given.strategy}): {len(self._scores)} rounds"

    def _leave(self, trial: Trial) -> None:
        self._gone.add(trial.trial_id)
        self._reports.pop(trial.trial_id, None)

    def _warn(self, message: str) -> None:
        if message not in self._warned:
            self._warned.add(message)
            warnings.warn(message, stacklevel=3)

    def _wait_for_trials(self, search_alg: Any, present: int) -> None:
        """Let the search algorithm add trials while all others wait, but not for ever."""
        limit = max(_most_concurrent(search_alg), _most_concurrent(getattr(search_alg, "searcher", None)))
        now = time.monotonic()
        self._waiting_since = now if self._waiting_since is None else self._waiting_since
        if 0 < limit <= present or now - self._waiting_since > PATIENCE_S:
            option = f"max_concurrent_trials = {limit}" if limit else "the search algorithm"
            raise InputError(
                f"{option} holds back trials that the {present} waiting ones need to end their round; leave "
                f"max_concurrent_trials out, since trials beyond the cluster's resources take turns anyway"
            )

    def _stop_worst(
        self, tune_controller: TuneController, trials: Mapping[str, Trial], present: list[str]
    ) -> list[str]:
        """Stop the trials that a rung lets go, and return those that are left."""
        most = self._given.trials_after(len(self._scores) + 1)
        if most is None or most >= len(present):
            return present
        ranking = best_first([self._reports[trial_id][0] for trial_id in present])
        for slot in ranking[most:]:
            self._leave(trials[present[slot]])
            tune_controller.stop_trial(trials[present[slot]])
        return [present[slot] for slot in sorted(ranking[:most])]

    def _close_round(self, trials: Mapping[str, Trial], present: list[str]) -> None:
        """Give every trial the configuration and the checkpoint that the strategy wants for it."""
        for trial_id in present:
            if trials[trial_id].latest_checkpoint_result is None:
                raise InputError(
                    f"trial {trial_id} has no checkpoint to continue from; report one with every result, "
                    f"or implement save_checkpoint and load_checkpoint"
                )
        members = [trials[trial_id] for trial_id in present]
        self._scores = (*self._scores, tuple(self._reports[trial_id][0] for trial_id in present))
        # One trial alone has none to learn from.
        orders = self._advance(members) if len(members) > 1 else None
        turns = [self._turn(slot, orders, members) for slot in range(len(members))]
        if self._given.log_config:
            changes = [turn for turn in turns if turn.donor is not turn.trial or turn.before != turn.after]
            self._policy_lines = record_transitions(self._policy_lines, changes)
        kept = entries_to_keep([self._searched.write(turn.after, {}) for turn in turns])
        standings = tuple(
            standing_of(turn.trial, turn.donor, self._searched.values(turn.after), entries)
            for turn, entries in zip(turns, kept, strict=True)
        )
        latest = max(reached for _, reached in self._reports.values())
        while self._target <= latest:
            self._target += self._given.perturbation_interval
        self._members, self._reports = present, {}
        self._journal = Journal(
            state=encode(self._state),
            target=self._target,
            standings=standings,
            scores=self._scores,
            policy_lines=self._policy_lines,
        )
        write_journal(members[0], self._journal)
        for turn in turns:
            turn.trial.set_config(dict(turn.after))
            self._put_back(turn.trial)

    def _turn(self, slot: int, orders: tuple[Order, ...] | None, members: list[Trial]) -> Transition:
        """Return what a trial continues with."""
        trial = members[slot]
        if orders is None:
            return Transition(trial=trial, donor=trial, before=trial.config, after=trial.config)
        start = orders[slot].start
        donor = members[int(start.checkpoint)] if isinstance(start, From) else None
        before = trial.config if donor is None else donor.config
        after = trial.config
        if donor is not trial or orders[slot].configuration != self._told(trial):
            after = self._explored(self._searched.write(before, orders[slot].configuration))
        return Transition(trial=trial, donor=donor, before=before, after=after)

    def _explored(self, config: dict[str, Any]) -> dict[str, Any]:
        """Return a new configuration as the user's function wants it."""
        if self._given.custom_explore_fn is None:
            return config
        changed = self._given.custom_explore_fn(copy.deepcopy(config))
        if not isinstance(changed, Mapping):
            raise InputError(f"custom_explore_fn returned {changed!r}; it must return the configuration")
        self._searched.nearest(changed, source="custom_explore_fn")
        return self._searched.write(changed, self._searched.values(changed))

    def _advance(self, members: list[Trial]) -> tuple[Order, ...] | None:
        strategy = self._population(len(members))
        state = self._state or strategy.start(self._given.seed)[0]
        gone = {slot for slot, trial_id in enumerate(self._members) if trial_id in self._gone}
        self._state, orders = advance(
            strategy,
            state,
            gone=gone if self._state is not None else set(),
            configurations=[self._told(member) for member in members],
            scores=self._scores[-1],
        )
        return orders

    def _told(self, trial: Trial) -> Configuration:
        """Return a trial's values as the strategy is told them."""
        return self._searched.nearest(trial.config, source=f"trial {trial.trial_id}")

    def _population(self, trials: int) -> Population[Any]:
        return population_of(
            self._given.strategy,
            self._searched.space,
            trials=trials,
            quantile_fraction=self._given.quantile_fraction,
            may_copy=len(self._scores) > self._given.burn_in_rounds,
            options=self._given.strategy_options,
        )

    def _restore(self, journal: Journal) -> None:
        self._journal = journal
        self._members = [standing.trial_id for standing in journal.standings]
        self._target, self._scores = journal.target, journal.scores
        self._policy_lines = journal.policy_lines
        if json.loads(journal.state) is not None:
            self._state = decode(self._population(len(self._members)).state_type, journal.state)

    def _put_back(self, trial: Trial) -> None:
        """Put a trial to where it begins the round under way."""
        standings = () if self._journal is None else self._journal.standings
        for standing in standings:
            if standing.trial_id == trial.trial_id and not trial.is_finished():
                config = put_back(trial, standing)
                self._configure(trial, self._searched.write(config, standing.configuration))

    def _configure(self, trial: Trial, config: dict[str, Any]) -> None:
        """Give a trial its configuration, and Tune's tables the searched values."""
        others = {
            name: value for name, value in trial.evaluated_params.items() if name not in self._searched.paths
        }
        trial.evaluated_params = {**others, **self._searched.values(config)}
        trial.set_config(config)


def _number(trial: Trial, result: Mapping[str, Any], name: str | None) -> float:
    value = result[name]  # type: ignore[index]
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"trial {trial.trial_id} reported {name} = {value!r}, which is no number") from None


def _most_concurrent(search_alg: Any) -> int:
    """Return how many trials a search algorithm of Tune has at a time; 0: it sets no limit."""
    limit = getattr(search_alg, "max_concurrent", 0) or 0
    return int(limit) if math.isfinite(limit) else 0
