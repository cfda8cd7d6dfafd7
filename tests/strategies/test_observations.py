import math

from bgpbt.records import Checkpoint, ProposalSource
from bgpbt.strategies.observations import observations_of, pending_points
from bgpbt.strategies.rules import ClosedRound, Member
from bgpbt.strategies.truncation_rule import Clone


def member(slot: int, *, score: float, score_before: float = math.nan, trained: int = 10) -> Member:
    return Member(
        slot=slot,
        configuration={"x": 0.1 * slot},
        source=ProposalSource.RANDOM,
        checkpoint=Checkpoint(f"{slot}"),
        steps=1000 + trained,
        trained=trained,
        score=score,
        score_before=score_before,
    )


def closed(*members: Member) -> ClosedRound:
    return ClosedRound(seed=0, round=3, target=400, members=members, kept=members, best=None)


def test_the_rate_is_the_change_of_score_for_each_step_trained() -> None:
    (observation,) = observations_of(closed(member(2, score=7.0, score_before=5.0, trained=4)))
    assert observation.improvement_rate == 0.5
    assert observation.score_before == 5.0
    assert observation.time == 3.0
    assert observation.configuration == {"x": 0.2}


def test_fresh_members_are_compared_with_the_worst_of_them() -> None:
    members = (member(0, score=-3.0), member(1, score=5.0), member(2, score=math.nan), member(3, score=1.0))
    rates = [o.improvement_rate for o in observations_of(closed(*members))]
    assert rates[:2] == [0.0, 0.8]
    assert math.isnan(rates[2])
    assert rates[3] == 0.4


def test_a_fresh_member_alone_has_no_rate() -> None:
    members = (member(0, score=2.0), member(1, score=2.0, score_before=1.0))
    rates = [o.improvement_rate for o in observations_of(closed(*members))]
    assert math.isnan(rates[0])
    assert rates[1] == 0.1


def test_a_member_that_trained_nothing_has_no_rate() -> None:
    (observation,) = observations_of(closed(member(0, score=2.0, score_before=1.0, trained=0)))
    assert math.isnan(observation.improvement_rate)


def test_those_go_on_that_are_neither_replaced_nor_lost() -> None:
    members = (member(0, score=2.0), member(1, score=1.0), member(2, score=math.nan))
    pending = pending_points(closed(*members), [Clone(slot=1, donor=members[0])])
    assert [(p.configuration, p.score_before) for p in pending] == [({"x": 0.0}, 2.0)]
