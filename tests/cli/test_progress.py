"""What a run says while it goes on, on a clock of the test's own."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from bgpbt.cli.progress import SILENCE_S, RunProgress
from bgpbt.execution import OutcomeCommitted, RoundPlanned
from bgpbt.records import Fresh, Order, Outcome, Plan, Proposal, ProposalSource, Purpose
from tests.viewing.toy_runs import toy_settings

STEPS = 100


def order(member: int) -> Order:
    return Order(
        round=0,
        member=member,
        purpose=Purpose.TRAIN,
        start=Fresh(),
        configuration={},
        first_step=0,
        steps=STEPS,
        seed=0,
        proposal=Proposal(source=ProposalSource.RANDOM),
    )


PLAN = Plan(round=0, orders=tuple(order(member) for member in range(4)))


class Followed:
    """A run's progress, its clock and what it has said."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._text = io.StringIO()
        settings = toy_settings(population=4, initial=4, t_ready=STEPS, max_timesteps=5 * STEPS)
        console = Console(file=self._text, width=200)
        self.progress = RunProgress(console, settings, verbose=False, clock=lambda: self.seconds)
        self.progress.observe(RoundPlanned(plan=PLAN, done=()))

    @property
    def lines(self) -> list[str]:
        return self._text.getvalue().splitlines()

    def commit(self, member: int) -> None:
        outcome = Outcome(round=0, member=member, checkpoint=None, score=1.0, steps=STEPS)
        self.progress.observe(OutcomeCommitted(order=order(member), outcome=replace(outcome)))


def test_the_time_left_does_not_count_compilation() -> None:
    run = Followed()
    run.seconds = 60.0  # of compilation, with the first ten steps at its end
    run.progress.trained(PLAN.orders[0], 10)
    run.seconds = 69.0
    for member in range(4):
        run.commit(member)
    # 390 steps in 9 seconds; of 2,000 steps 1,600 are left.
    assert run.lines[-1].endswith(f"|  {390 / 9:,.0f} steps/s, {1600 / (390 / 9):.0f} s left")


def test_a_long_round_is_not_silent() -> None:
    run = Followed()
    run.progress.trained(PLAN.orders[0], 10)
    run.commit(0)
    assert run.lines == []
    run.seconds = SILENCE_S
    run.progress.trained(PLAN.orders[1], 50)
    (line,) = run.lines
    assert line.startswith("round 1/5  1 of 4 members trained  |  ")
    run.seconds += SILENCE_S - 1
    run.progress.trained(PLAN.orders[1], 60)
    assert len(run.lines) == 1


@pytest.mark.parametrize("seconds", [0.0, 5.0])
def test_a_speed_that_is_not_known_is_not_told(seconds: float) -> None:
    run = Followed()
    run.seconds = seconds
    for member in range(4):
        run.commit(member)
    assert run.lines[-1].endswith("|  speed not known yet")
