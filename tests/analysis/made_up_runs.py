"""Runs whose scores are said, for statistics and figures."""

from collections.abc import Sequence

from bgpbt.analysis.collection import RunRecord
from bgpbt.records import Fresh, From, Order, Outcome, Proposal, ProposalSource, Purpose, Trained


def record(scores: Sequence[Sequence[float]], **changes: object) -> RunRecord:
    """A run whose member m of round r has `scores[r][m]` and goes on from itself."""
    trained = [
        Trained(
            Order(
                round=r,
                member=m,
                purpose=Purpose.TRAIN,
                start=Fresh() if r == 0 else From(checkpoint=f"{r - 1}-{m}"),  # type: ignore[arg-type]
                configuration={"rate": 10.0 ** -(m + 1), "kind": "a", "flag": bool(m)},
                first_step=100 * r,
                steps=100,
                seed=0,
                proposal=Proposal(source=ProposalSource.RANDOM),
            ),
            Outcome(round=r, member=m, checkpoint=f"{r}-{m}", score=score, steps=100),  # type: ignore[arg-type]
        )
        for r, round_scores in enumerate(scores)
        for m, score in enumerate(round_scores)
    ]
    named: dict[str, object] = {"name": "made-up", "task": "made up", "strategy": "none", "seed": 0}
    return RunRecord(trained=tuple(trained), **(named | changes))  # type: ignore[arg-type]
