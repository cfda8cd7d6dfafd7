"""Every strategy, on a toy, through loop and storage: resumed after every round, and with few checkpoints."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bgpbt.analysis import best_member
from bgpbt.contracts import Strategy
from bgpbt.encoding import encode
from bgpbt.execution import Event, LocalExecutor, RoundPlanned, run_loop
from bgpbt.records import Purpose
from bgpbt.storage import RunDirectory, create_run, open_run
from bgpbt.strategies import PopulationSettings, make_strategy, strategy_names, with_schedule
from bgpbt.toys import make_toy

TOY = make_toy("mixed")
POPULATION, INITIAL, ROUNDS = 4, 6, 6
RACE = " after a race"


def strategy(name: str) -> Strategy[Any]:
    settings = PopulationSettings(
        population=POPULATION,
        initial=INITIAL,
        quantile_fraction=0.25,
        t_ready=10,
        max_timesteps=10 * ROUNDS,
    )
    if name.endswith(RACE):
        return make_strategy(
            name.removesuffix(RACE), space=TOY.space, settings=with_schedule(settings, "race")
        )
    options = {"first_round": 0.05} if name == "ipbt" else {}  # 3 steps at first, with time for restarts
    return make_strategy(name, space=TOY.space, settings=settings, **options)


class NextRound(Exception):  # noqa: N818
    """The second round of a session begins."""


def go_on(run: RunDirectory, name: str, *, rounds_per_session: int | None = None) -> bool:
    """Go on with a run, for some rounds; return whether it is over."""
    begun = 0

    def observe(event: Event) -> None:
        nonlocal begun
        if isinstance(event, RoundPlanned):
            most = INITIAL if name == "successive-halving" or name.endswith(RACE) else POPULATION
            iterations = event.plan.orders[0].generation + 1  # of each its best is kept
            most *= 2 if iterations > 1 else 1  # a restart trains twice the members
            assert len(run.checkpoints.stored()) <= most + iterations
            begun += 1
            if rounds_per_session is not None and begun > rounds_per_session:
                raise NextRound

    with run.locked(), run.open_history() as history:
        executor = LocalExecutor(TOY, run.checkpoints, 2)
        try:
            run_loop(strategy(name), executor, history, run.checkpoints, 3, observer=observe)
        except NextRound:
            return False
    return True


def content(run: RunDirectory) -> list[str]:
    with run.open_history(read_only=True) as history:
        outcomes = [encode(replace(outcome, seconds=0.0)) for outcome in history.outcomes()]
        return [encode(plan) for plan in history.plans()] + outcomes


@pytest.mark.parametrize("name", [*strategy_names(), f"bgpbt{RACE}", f"pbt{RACE}", f"mf-pbt{RACE}"])
def test_a_run_interrupted_after_every_round_is_the_same_run(tmp_path: Path, name: str) -> None:
    whole = create_run(tmp_path / "whole", {"strategy": name}, seed=3)
    assert go_on(whole, name)
    create_run(tmp_path / "parts", {"strategy": name}, seed=3)
    sessions = 1
    while not go_on(open_run(tmp_path / "parts"), name, rounds_per_session=1):
        sessions += 1
    assert sessions >= ROUNDS
    assert content(open_run(tmp_path / "parts")) == content(whole)
    with whole.open_history(read_only=True) as history:
        best = best_member(history.trained())
    assert best is not None
    first = best.ancestry[0].order
    assert first.purpose is Purpose.INITIAL or (name == "ipbt" and first.generation > 0)  # of a restart
    assert sum(outcome.steps for _, outcome in best.ancestry) == best.total_steps - first.first_step
