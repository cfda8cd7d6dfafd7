from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgpbt.errors import InputError
from bgpbt.study import Task, configuration_hash, plan_study, read_protocol
from tests.study.protocols import OURS, SETTINGS, toy_protocol, with_contenders


def test_seed_by_seed_and_ablations_only_where_they_belong() -> None:
    runs = plan_study(toy_protocol(toys=("mixed", "plain")), "toys")
    assert [run.name for run in runs[:5]] == [
        "mixed-random-seed100",
        "mixed-bgpbt-seed100",
        "mixed-backtrack-seed100",
        "plain-random-seed100",
        "plain-bgpbt-seed100",
    ]
    assert len(runs) == 10
    assert {run.seed for run in runs[5:]} == {101}


@settings(max_examples=30, deadline=None)
@given(budget=st.integers(200, 5000), contender=st.sampled_from(["random", "bgpbt", "long", "both"]))
def test_a_run_costs_its_budget_and_no_step_more(budget: int, contender: str) -> None:
    protocol = with_contenders(toy_protocol(budget, toys=("shapes",), seeds=1), contender)
    if contender == "long" and budget < 6 * 40:
        with pytest.raises(InputError, match="is less than the initial design takes"):
            plan_study(protocol, "toys")
        return
    (run,) = plan_study(protocol, "toys")
    assert run.settings.expected_steps <= budget
    if contender != "both":  # a distillation fits completely or not at all
        longer = replace(run.settings, max_timesteps=run.settings.max_timesteps + 1, budget=None)
        assert longer.expected_steps > budget


def test_patterns_choose_runs() -> None:
    protocol = toy_protocol(toys=("mixed", "plain"))
    assert {run.contender for run in plan_study(protocol, "toys", ["*/random"])} == {"random"}
    assert {run.task for run in plan_study(protocol, "toys", ["plain/*"])} == {"plain"}
    with pytest.raises(InputError, match="only = 'ant/random' fits no TASK/CONTENDER of scale toys"):
        plan_study(protocol, "toys", ["ant/random"])


def test_a_study_is_repeated_on_other_seeds() -> None:
    protocol = toy_protocol()
    here, there = (plan_study(each, "toys") for each in (protocol, protocol.from_seed("toys", 2000)))
    assert min(run.seed for run in there) == 2000
    moved = [replace(run.settings, seed=run.seed + 2000 - here[0].seed) for run in here]
    assert [run.settings for run in there] == moved
    with pytest.raises(InputError, match=r"first_seed = -1 must be 0 or more"):
        protocol.from_seed("toys", -1)


def test_what_computes_something_else_has_another_hash() -> None:
    first, second, *_ = plan_study(toy_protocol(), "toys")
    assert configuration_hash(first.settings) == configuration_hash(first.settings)
    assert configuration_hash(first.settings) != configuration_hash(second.settings)


@pytest.mark.parametrize("scale", ["smoke", "cpu", "gpu"])
def test_our_protocol_has_a_run_for_every_seed_of_every_contender(scale: str) -> None:
    protocol = read_protocol(OURS)
    chosen = protocol.scale(scale)
    runs = plan_study(protocol, scale)
    for task_name, task in chosen.tasks.items():
        for contender in chosen.contenders:
            found = [run for run in runs if (run.task, run.contender) == (task_name, contender)]
            most = protocol.contenders[contender].seeds or task.seeds or chosen.seeds
            assert len(found) == min(most, task.seeds or chosen.seeds)
            assert all(0.99 * task.budget < run.settings.expected_steps <= task.budget for run in found)
    assert len({run.name for run in runs}) == len(runs)
    assert min(run.seed for run in runs) >= 1000  # lower ones were used to build the method


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ({"t_ready": 100}, "reacher/random: t_ready = 100 is less than one unroll"),
        ({"environment": "reachr"}, "reacher/random: .*reachr"),
        ({"settings": {"environments": 600}}, "reacher/random: batch_size = 64 x minibatches"),
        ({"settings": {"policy": [0, 8]}}, "reacher/random: policy"),
    ],
)
def test_what_a_run_would_refuse_is_refused_before_the_first_begins(
    task: dict[str, Any], message: str
) -> None:
    chosen = Task(
        environment="reacher", budget=4_000_000, t_ready=100_000, low=0.0, high=1.0, steps_per_s=1.0
    )
    protocol = toy_protocol()
    settings = {**SETTINGS, "environments": 64, "minibatches": 8}
    scale = replace(
        protocol.scales["toys"],
        settings=settings,
        tasks={"reacher": replace(chosen, **task)},
        contenders=("random",),
        ablation_tasks=(),
    )
    with pytest.raises(InputError, match=message):
        plan_study(replace(protocol, scales={"toys": scale}), "toys")
