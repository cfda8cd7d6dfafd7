"""How many members of a run train at the same time where nobody says so."""

from dataclasses import replace

import pytest

from bgpbt import envs
from bgpbt.agents import PPOTrainer
from bgpbt.errors import InputError
from bgpbt.runs import Experiment, assemble, check_fits, placement
from bgpbt.runs.placement import members_at_a_time
from tests.envs.countdown import Countdown
from tests.execution.test_compilations import settings

CORES = 5


@pytest.fixture(autouse=True)
def cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placement, "cores", lambda: CORES)


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    envs.register("countdown", lambda: Countdown(3, 9))
    return assemble(settings())


def need(experiment: Experiment) -> int:
    assert isinstance(experiment.trainer, PPOTrainer)
    return experiment.trainer.memory_need.total


def test_a_member_trains_on_each_core(experiment: Experiment) -> None:
    assert members_at_a_time(experiment, None, 1000 * need(experiment)) == CORES


@pytest.mark.parametrize("fitting", [1, 2, CORES - 1])
def test_as_many_train_as_fit_into_memory(experiment: Experiment, fitting: int) -> None:
    budget = (fitting + 1) * need(experiment) - 1
    assert members_at_a_time(experiment, None, budget) == fitting
    check_fits(experiment, stack="off", max_parallel=None, memory_budget=budget)


def test_a_run_of_which_no_member_fits_is_refused(experiment: Experiment) -> None:
    with pytest.raises(InputError, match="a member needs"):
        check_fits(experiment, stack="off", max_parallel=None, memory_budget=need(experiment) - 1)


def test_what_is_asked_for_is_what_is_done_but_for_cores(experiment: Experiment) -> None:
    assert [members_at_a_time(experiment, n, 1) for n in (1, CORES, CORES + 1)] == [1, CORES, CORES]


def test_members_of_a_toy_take_turns() -> None:
    toy = replace(settings(), environment="toy:plain", space=None, search_mode="hpo")
    assert members_at_a_time(assemble(toy), None, None) == 1
