"""A run of N steps extended to 2N is the run of 2N, bit for bit, or is refused."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from bgpbt.errors import InputError
from bgpbt.execution import Event, Observer, OutcomeCommitted
from bgpbt.records import Trained
from bgpbt.runs import Options, optimise
from bgpbt.storage import open_run
from bgpbt.strategies import PopulationRung, PopulationSettings
from bgpbt.toys import make_toy

MIXED, PLAIN = make_toy("mixed"), make_toy("plain")
SHORT = PopulationSettings(t_ready=10, max_timesteps=40, population=4, initial=6, quantile_fraction=0.25)


class InterruptedRunError(Exception):
    """Stands for Ctrl-C."""


def without_times(trained: Sequence[Trained]) -> list[Trained]:
    return [Trained(order, replace(outcome, seconds=0.0)) for order, outcome in trained]


def interrupting(after: int | None) -> Observer:
    """Return what interrupts a run after so many outcomes."""
    seen = 0

    def observe(event: Event) -> None:
        nonlocal seen
        seen += isinstance(event, OutcomeCommitted)
        if seen == after:
            raise InterruptedRunError

    return observe


@settings(max_examples=8, phases=[Phase.explicit, Phase.reuse, Phase.generate], deadline=None)
@given(
    strategy=st.sampled_from(["bgpbt", "pbt", "pb2", "random", "no-mutation"]),
    seed=st.integers(0, 2**31),
    rounds=st.integers(1, 4),
    more=st.integers(1, 25),
    interrupted_after=st.none() | st.integers(1, 9),
)
def test_an_extended_run_is_the_longer_run_and_keeps_what_was_done(
    strategy: str,
    seed: int,
    rounds: int,
    more: int,
    interrupted_after: int | None,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    desk = tmp_path_factory.mktemp("extension")
    options = Options(strategy=strategy, seed=seed)
    before = replace(SHORT, max_timesteps=10 * rounds)
    after = replace(SHORT, max_timesteps=10 * rounds + more)
    interrupted = replace(options, observer=interrupting(interrupted_after))
    with suppress(InterruptedRunError):
        optimise(MIXED, MIXED.space, before, desk / "run", options=interrupted)
    with open_run(desk / "run").open_history(read_only=True) as history:
        done = history.trained()
    extended = optimise(MIXED, MIXED.space, after, desk / "run", options=options)
    whole = optimise(MIXED, MIXED.space, after, desk / "whole", options=options)
    assert extended.trained[: len(done)] == tuple(done)  # to the second
    assert without_times(extended.trained) == without_times(whole.trained)
    assert len(whole.trained) > 6 + 4 * (rounds - 1)
    assert extended.run.checkpoints.stored() == whole.run.checkpoints.stored()
    (change,) = extended.run.description.changes
    assert (change.setting, change.before, change.after) == ("max_timesteps", 10 * rounds, 10 * rounds + more)
    assert change.step == 10 * (change.round + 1)
    if interrupted_after is None:
        assert change.round == rounds - 1


REFUSED = {
    "lowered": ("pbt", SHORT, 30, "max_timesteps = 30 is less than the 40 of the run that is there"),
    "t_ready_end": ("pbt", replace(SHORT, t_ready_end=5), 80, "t_ready_end makes the length of its rounds"),
    "cut": ("pbt", replace(SHORT, max_timesteps=35), 80, "last round was cut to end at 35 steps"),
    "copy_after": (
        "pbt",
        replace(SHORT, copy_after=0.5),
        80,
        "members leave or copying begins at shares of the whole",
    ),
    "rungs": (
        "pbt",
        replace(SHORT, rungs=(PopulationRung(members=2, share=0.5),)),
        80,
        "members leave or copying begins at shares of the whole run",
    ),
    "halving": (
        "successive-halving",
        SHORT,
        80,
        "members leave or copying begins at shares of the whole run",
    ),
    "bandit": ("pb2-mix", SHORT, 80, "does in round 2 what depends on the length of the run"),
    "frequencies": (
        "mf-pbt",
        replace(SHORT, population=8, initial=8, max_timesteps=160),
        800,
        "what depends on the length of the run",
    ),
    "ipbt": (
        "ipbt",
        replace(SHORT, max_timesteps=400),
        800,
        "does in round 1 what depends on the length of the run",
    ),
    "budget": ("pbt", replace(SHORT, budget=100), 80, "does not lengthen .*run, which its budget ended"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_change_the_past_is_refused_and_left_as_it_is(name: str, tmp_path: Path) -> None:
    strategy, before, max_timesteps, message = REFUSED[name]
    options = Options(strategy=strategy)
    optimise(MIXED, MIXED.space, before, tmp_path / "run", options=options)
    description = (tmp_path / "run" / "run.json").read_bytes()
    after = replace(before, max_timesteps=max_timesteps)
    with pytest.raises(InputError, match=message) as refused:
        optimise(MIXED, MIXED.space, after, tmp_path / "run", options=options)
    assert "\n" not in str(refused.value)
    assert (tmp_path / "run" / "run.json").read_bytes() == description
    optimise(MIXED, MIXED.space, before, tmp_path / "run", options=options)


def test_only_the_length_may_change(tmp_path: Path) -> None:
    optimise(PLAIN, PLAIN.space, SHORT, tmp_path / "run")
    with pytest.raises(InputError, match="holds a run with another settings"):
        optimise(PLAIN, PLAIN.space, replace(SHORT, max_timesteps=80, population=5), tmp_path / "run")
    longer = replace(SHORT, max_timesteps=80)
    with pytest.raises(InputError, match="holds a run with another seed"):
        optimise(PLAIN, PLAIN.space, longer, tmp_path / "run", options=Options(seed=1))


def test_without_categories_the_bandit_of_pb2_mix_has_nothing_to_change(tmp_path: Path) -> None:
    options, longer = Options(strategy="pb2-mix"), replace(SHORT, max_timesteps=80)
    optimise(PLAIN, PLAIN.space, SHORT, tmp_path / "run", options=options)
    extended = optimise(PLAIN, PLAIN.space, longer, tmp_path / "run", options=options)
    whole = optimise(PLAIN, PLAIN.space, longer, tmp_path / "whole", options=options)
    assert without_times(extended.trained) == without_times(whole.trained)


def test_a_run_that_was_never_changed_is_stored_as_before(tmp_path: Path) -> None:
    optimise(PLAIN, PLAIN.space, SHORT, tmp_path / "run")
    stored = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert stored["format_version"] == 2
    assert "changes" not in stored
    optimise(PLAIN, PLAIN.space, replace(SHORT, max_timesteps=50), tmp_path / "run")
    optimise(PLAIN, PLAIN.space, replace(SHORT, max_timesteps=60), tmp_path / "run")
    stored = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert stored["format_version"] == 3
    assert [(change["round"], change["step"]) for change in stored["changes"]] == [(3, 40), (4, 50)]
