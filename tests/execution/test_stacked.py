"""Stacks of orders: all come back, in chunks, and a stack that fails is done one by one."""

from collections.abc import Sequence

import pytest

from bgpbt.contracts import Checkpoints
from bgpbt.errors import DamagedRunError, InputError
from bgpbt.execution import StackedExecutor, StopRequested, StopSwitch
from bgpbt.records import Order, Outcome
from bgpbt.strategies import PopulationSettings, make_strategy
from bgpbt.toys import MemoryCheckpoints, make_toy

TOY = make_toy("mixed")
SETTINGS = PopulationSettings(population=4, initial=7, quantile_fraction=0.25, t_ready=10, max_timesteps=20)


class Stack:
    """Trains toys one after the other and remembers how many it was given."""

    def __init__(self, error: Exception | None = None) -> None:
        self.sizes: list[int] = []
        self.error = error

    def train(self, orders: Sequence[Order], checkpoints: Checkpoints) -> list[Outcome]:
        self.sizes.append(len(orders))
        if self.error is not None:
            raise self.error
        return [TOY.train(order, checkpoints) for order in orders]


class Failing:
    def train(self, order: Order, checkpoints: Checkpoints) -> Outcome:
        if order.member == 2:
            raise ValueError("member 2 is ill")
        return TOY.train(order, checkpoints)


def orders() -> tuple[Order, ...]:
    _, plan = make_strategy("bgpbt", space=TOY.space, settings=SETTINGS).start(0)
    return plan.orders


def test_orders_are_carried_out_in_stacks_with_the_outcomes_they_have_alone() -> None:
    stack, checkpoints = Stack(), MemoryCheckpoints()
    outcomes = list(StackedExecutor(stack, TOY, checkpoints, 3).run(orders()))
    assert stack.sizes == [3, 3, 1]
    assert outcomes == [TOY.train(order, checkpoints) for order in orders()]


def test_a_stack_that_fails_is_done_one_by_one_and_the_member_at_fault_is_named() -> None:
    executor = StackedExecutor(Stack(ValueError("somebody is ill")), Failing(), MemoryCheckpoints(), 7)
    failures = {outcome.member: outcome.failure for outcome in executor.run(orders()) if outcome.failure}
    assert failures.keys() == {2}
    assert str(failures[2]).startswith("ValueError: member 2 is ill (")


def test_what_others_would_meet_too_ends_the_run() -> None:
    executor = StackedExecutor(Stack(DamagedRunError("lost")), TOY, MemoryCheckpoints(), 7)
    with pytest.raises(DamagedRunError, match="lost"):
        list(executor.run(orders()))


def test_a_run_is_ended_between_stacks() -> None:
    switch, stack = StopSwitch(), Stack()
    running = StackedExecutor(stack, TOY, MemoryCheckpoints(), 2, switch=switch).run(orders())
    next(running)
    switch.stop()
    next(running)
    with pytest.raises(StopRequested):
        next(running)
    assert stack.sizes == [2]


def test_an_empty_stack_is_refused() -> None:
    with pytest.raises(InputError, match="max_parallel = 0 must be 1 or more"):
        StackedExecutor(Stack(), TOY, MemoryCheckpoints(), 0)
