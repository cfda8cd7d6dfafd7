"""What BG-PBT asks of the surrogate, and what it makes of the answers."""

import itertools
import math
import re
from typing import Any

import numpy as np
import pytest

from bgpbt.records import Checkpoint, From, Order, Outcome, ProposalSource
from bgpbt.strategies import PopulationSettings, make_strategy
from bgpbt.strategies.bgpbt import BayesianExplore, BayesianMemory
from bgpbt.strategies.rules import ClosedRound, Member
from bgpbt.surrogate import SurrogateSettings, suggest
from bgpbt.toys import HORIZON, MemoryCheckpoints, make_toy
from tests.strategies.runs import Round, Train, checkpoint_of, continuous_space, mixed_space, outcome_of, play

EIGHT = PopulationSettings(quantile_fraction=0.25, t_ready=10, max_timesteps=120)  # two losers a round

MODEL, FALLBACK = ProposalSource.MODEL, ProposalSource.FALLBACK


def rounds_of(train: Train, settings: PopulationSettings = EIGHT, **options: Any) -> list[Round]:
    strategy = make_strategy("bgpbt", space=continuous_space(), settings=settings, **options)
    return list(play(strategy, train))


def improving(order: Order) -> Outcome:
    """Improve from round to round, with differences among members."""
    noise = float(np.random.default_rng([order.round, order.member]).random())
    return outcome_of(order, score=order.round + noise)


def memory_of(played: Round) -> BayesianMemory:
    memory = played.state.memory
    assert isinstance(memory, BayesianMemory)
    return memory


def explored(played: Round) -> list[Order]:
    return [order for order in played.plan.orders if order.proposal.source in (MODEL, FALLBACK)]


def test_all_members_of_all_rounds_are_data_up_to_the_newest() -> None:
    rounds = rounds_of(improving, surrogate=SurrogateSettings(most_points=40))
    numbers = [len(memory_of(played).observations) for played in rounds]
    assert numbers[:7] == [0, 24, 32, 40, 24, 32, 40]  # whole rounds: 24 at first, then 8 each
    assert set(numbers[7:]) == {40}
    assert {observation.time for observation in memory_of(rounds[2]).observations} == {0.0, 1.0}


def test_the_losers_get_the_model_s_configurations_and_the_others_keep_theirs() -> None:
    rounds = rounds_of(improving)
    for before, after in itertools.pairwise(rounds[1:]):
        assert [order.proposal.source for order in explored(after)] == [MODEL, MODEL]
        scores = [outcome.score for outcome in before.outcomes]
        for order in after.plan.orders:
            is_loser = sorted(scores).index(scores[order.member]) < 2
            assert (order.proposal.source is MODEL) == is_loser


def test_requests_name_the_donor_the_coming_round_and_all_that_is_pending(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def recording(*arguments: Any) -> Any:
        suggestion = suggest(*arguments)
        asked.append((arguments, suggestion))
        return suggestion

    monkeypatch.setattr("bgpbt.strategies.bgpbt.suggest", recording)
    rounds = rounds_of(improving, PopulationSettings(quantile_fraction=0.25, t_ready=10, max_timesteps=30))
    assert len(asked) == 4
    for index, (arguments, _) in enumerate(asked[2:]):
        request = arguments[2]
        clone = explored(rounds[2])[index]
        parent = rounds[1].plan.orders[clone.proposal.parent or 0]
        assert request.centre == parent.configuration
        assert request.score_before == rounds[1].outcomes[parent.member].score
        assert request.time == 2.0
        assert request.warm_start != ()
        going_on = [o.configuration for o in rounds[2].plan.orders if o not in explored(rounds[2])]
        earlier = [asked[2][1].configuration] if index == 1 else []
        assert [point.configuration for point in request.pending] == going_on + earlier
    assert asked[0][0][-1] != asked[1][0][-1]  # each suggestion has a seed of its own


def test_a_round_led_by_a_new_configuration_of_the_model_s_is_a_success_and_any_other_a_failure() -> None:
    def train(order: Order) -> Outcome:
        leads = order.proposal.source is MODEL and order.round in (2, 3)
        return outcome_of(order, score=10.0 * order.round + (9.0 if leads else -0.5 * order.member))

    counts = [(memory_of(r).region.successes, memory_of(r).region.failures) for r in rounds_of(train)]
    assert counts[0] == counts[1] == (0, 0)  # nothing of the model's was tried in the initial design
    assert counts[2] == (0, 1)
    assert counts[3:6] == [(1, 0), (2, 0), (0, 1)]


@pytest.mark.parametrize(("success", "counts"), [("proposal", (0, 1)), ("lineage", (2, 0))])
def test_a_configuration_that_was_new_once_succeeds_by_lineage_alone(
    success: str, counts: tuple[int, int]
) -> None:
    def train(order: Order) -> Outcome:
        score = 10.0 * order.round - 0.1 * order.member
        if order.round == 1:  # two members lose, and what the model makes of them leads from then on
            score -= 5.0 if order.member < 2 else 0.0
        return outcome_of(order, score=score)

    surrogate = SurrogateSettings(success=success)
    rounds = rounds_of(train, surrogate=surrogate)
    assert [order.member for order in explored(rounds[2])] == [0, 1]
    after_2, after_3 = (memory_of(rounds[index]).region for index in (3, 4))  # both are led by slot 0
    assert (after_2.successes, after_2.failures) == (1, 0)
    assert (after_3.successes, after_3.failures) == counts


@pytest.mark.parametrize(("source", "failures"), [(MODEL, 0), (FALLBACK, 1), (ProposalSource.RANDOM, 1)])
def test_a_random_configuration_is_not_the_model_s_success(source: ProposalSource, failures: int) -> None:
    members = tuple(
        Member(
            slot=slot,
            configuration={"x": 0.5, "y": 0.1},
            source=source if slot == 1 else MODEL,
            checkpoint=Checkpoint(f"{slot}"),
            steps=20,
            trained=10,
            score=9.0 if slot == 1 else 0.0,
            score_before=0.0,
        )
        for slot in range(3)
    )
    closed = ClosedRound(seed=0, round=1, target=200, members=members, kept=members, best=members[1])
    explore = BayesianExplore(space=continuous_space(), surrogate=SurrogateSettings(success="lineage"))
    memory, _ = explore.explore(explore.begin(), closed, ())
    assert (memory.region.successes, memory.region.failures) == (1 - failures, failures)


def always_the_first(order: Order) -> Outcome:
    """Let slot 0 lead for ever, which the model had no part in."""
    noise = float(np.random.default_rng([order.round, order.member]).random())
    return outcome_of(order, score=order.round + (5.0 if order.member == 0 else noise))


IMPATIENT = SurrogateSettings(failures_to_shrink=1, initial_length=0.4, minimum_length=0.15)
"""0.4, 0.27, 0.18, restart: at the third failure."""


def test_a_restart_drops_the_data_keeps_the_best_point_and_moves_the_centre() -> None:
    rounds = rounds_of(always_the_first, surrogate=IMPATIENT)
    memories = [memory_of(played) for played in rounds]
    assert [memory.region.restarts for memory in memories[:6]] == [0, 0, 0, 0, 1, 1]
    before, after = memories[3], memories[4]
    assert len(before.observations) == 24 + 8 + 8
    assert (after.observations, after.fit) == ((), ())
    assert len(after.best_points) == 1
    rates = [o.improvement_rate for o in before.observations if math.isfinite(o.improvement_rate)]
    assert after.best_points[0].improvement_rate >= max(rates)
    assert all("restart 1" in order.proposal.note for order in explored(rounds[4]))
    configurations = [str(order.configuration) for order in rounds[4].plan.orders]
    assert len(set(configurations)) == len(configurations)  # the second loser's is not the centre again
    assert {o.time for o in memories[5].observations} == {4.0}
    assert len(memories[-1].best_points) == memories[-1].region.restarts >= 2


def test_a_proposal_says_how_far_to_trust_its_model() -> None:
    notes = [order.proposal.note for played in rounds_of(improving) for order in explored(played)]
    assert all(re.fullmatch(r"(region|restart) [\d.]+, model skill -?\d+\.\d\d", note) for note in notes)


def test_a_proposal_keeps_the_figures_of_its_model() -> None:
    for played in rounds_of(improving):
        for order in explored(played):
            figures = order.proposal.figures
            assert figures["region.length"] == memory_of(played).region.length
            assert f"skill {figures['model.skill']:.2f}" in order.proposal.note
            assert figures["model.lengthscale.score_before"] > 0.0


def test_a_random_configuration_says_why() -> None:
    rounds = rounds_of(lambda order: outcome_of(order, score=1.0))
    fallbacks = [o for r in rounds for o in r.plan.orders if o.proposal.source is FALLBACK]
    assert fallbacks
    assert all(len(order.proposal.note) > 15 for order in fallbacks)


def test_with_backtrack_clones_come_from_the_best_of_all_rounds() -> None:
    def train(order: Order) -> Outcome:
        return outcome_of(order, score=9.0 if (order.round, order.member) == (1, 3) else -float(order.member))

    rounds = rounds_of(train, backtrack=True)
    best = From(checkpoint=checkpoint_of(rounds[1].plan.orders[3]))
    for played in rounds[3:]:
        clones = explored(played)
        assert len(clones) == 2
        assert all(clone.start == best and clone.first_step == 20 for clone in clones)
        assert all(clone.steps == EIGHT.targets[played.plan.round] - 20 for clone in clones)


def test_on_the_mixed_toy_it_beats_random_search_for_each_of_three_seeds() -> None:
    toy, settings = make_toy("mixed"), PopulationSettings(t_ready=20, max_timesteps=HORIZON)
    quick = SurrogateSettings(candidates=128, starts=8, fit_starts=1, most_points=60)

    def reached(name: str, seed: int, **options: Any) -> float:
        strategy, checkpoints = (
            make_strategy(name, space=toy.space, settings=settings, **options),
            MemoryCheckpoints(),
        )
        rounds = list(play(strategy, lambda order: toy.train(order, checkpoints), seed))
        return max(outcome.score for outcome in rounds[-1].outcomes)

    for seed in range(3):
        assert reached("bgpbt", seed, surrogate=quick) > reached("random", seed)


def test_every_kind_of_input_is_proposed_legally() -> None:
    strategy = make_strategy("bgpbt", space=mixed_space(), settings=EIGHT)
    rounds = list(play(strategy, improving))
    proposals = [order for played in rounds for order in explored(played)]
    assert len(proposals) == 22
    for order in proposals:
        strategy.space.validate(order.configuration, source="proposal")
