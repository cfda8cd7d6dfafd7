import numpy as np
import pytest

from bgpbt.records import Configuration, ProposalSource
from bgpbt.space import split, with_architectures
from bgpbt.strategies.architecture_search import Evidence, evidence_of, merits, propose_architectures
from bgpbt.surrogate import SurrogateSettings
from tests.strategies.runs import continuous_space

_, ARCHITECTURES = split(with_architectures(continuous_space()))
SMALL, MIDDLE, LARGE = ({"policy_depth": depth} for depth in (1, 2, 3))


def test_standings_are_relative_to_the_round_and_the_worst_stand_for_failures() -> None:
    evidence = evidence_of(0, [SMALL, MIDDLE, LARGE, LARGE], [0.0, 3.0, 6.0, float("nan")])
    score_m = np.array([0.0, 3.0, 6.0, 0.0])
    standing_m = (score_m - score_m.mean()) / score_m.std()
    assert [item.standing for item in evidence] == pytest.approx(
        [standing_m[0], standing_m[1], standing_m[2:].mean()]
    )
    assert evidence_of(0, [SMALL], [float("nan")]) == ()
    assert evidence_of(0, [SMALL, LARGE], [1.0, 1.0])[0].standing == 0.0


def test_merits_are_comparable_although_the_worst_leave_and_scores_grow() -> None:
    """Truth: merits 0, 1, 2. SMALL leaves after the first round, so the others stand lower from then on."""
    evidence = [
        Evidence(architecture=architecture, round=0, standing=merit)
        for architecture, merit in ((SMALL, -1.0), (MIDDLE, 0.0), (LARGE, 1.0))
    ]
    evidence += [
        Evidence(architecture=architecture, round=r, standing=standing)
        for r in range(1, 40)
        for architecture, standing in ((MIDDLE, -0.5), (LARGE, 0.5))
    ]
    ranked = merits(evidence)
    assert [architecture for architecture, _ in ranked] == [LARGE, MIDDLE, SMALL]


def test_merits_solve_the_additive_model_where_it_holds_exactly() -> None:
    random = np.random.default_rng(0)
    truth_a, level_r = random.normal(size=6), random.normal(size=200)
    shapes: list[Configuration] = [
        {"policy_depth": 1 + a % 5, "policy_log2_width": 5 + a // 5} for a in range(6)
    ]
    evidence = [
        Evidence(architecture=shapes[a], round=r, standing=truth_a[a] + level_r[r])
        for r in range(200)
        for a in random.choice(6, 4, replace=False)
    ]
    found = {str(architecture): merit for architecture, merit in merits(evidence)}
    found_a = np.array([found[str(dict(sorted(shape.items())))] for shape in shapes])
    assert found_a == pytest.approx(truth_a - truth_a.mean(), abs=0.03)  # the prior pulls by 1 part in 130


def test_the_model_finds_the_architecture_that_scores_best() -> None:
    """Merit falls with the distance from one shape; 24 random ones are known."""

    def merit(shape: Configuration) -> float:
        return -abs(int(shape["policy_depth"]) - 3) - abs(int(shape["policy_log2_width"]) - 6)

    known = ARCHITECTURES.sample(24, np.random.default_rng(1))
    evidence = evidence_of(0, known, [merit(shape) for shape in known])
    proposals = propose_architectures(ARCHITECTURES, evidence, 24, SurrogateSettings(), (0, 0))
    by_source = {
        source: [merit(p.architecture) for p in proposals if p.source is source]
        for source in (ProposalSource.MODEL, ProposalSource.RANDOM)
    }
    assert len(by_source[ProposalSource.MODEL]) == 12
    assert np.mean(by_source[ProposalSource.MODEL]) > np.mean(by_source[ProposalSource.RANDOM]) + 0.5
    assert max(by_source[ProposalSource.MODEL]) == 0


def test_more_proposals_than_architectures_repeat_some() -> None:
    from ConfigSpace import ConfigurationSpace, Integer

    from bgpbt.space import Space

    described = ConfigurationSpace()
    described.add(Integer("policy_depth", (1, 2)))
    space = Space.from_configspace(described)
    evidence = evidence_of(0, [SMALL, MIDDLE], [0.0, 1.0])
    proposals = propose_architectures(space, evidence, 8, SurrogateSettings(), (0, 0))
    assert len(proposals) == 8
    assert {p.architecture["policy_depth"] for p in proposals} == {1, 2}
