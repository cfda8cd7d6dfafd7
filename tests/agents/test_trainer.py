from dataclasses import replace

import numpy as np
import pytest

from bgpbt.agents import PPOTrainer
from bgpbt.agents.ppo.hyperparameters import hyperparameters_of
from bgpbt.errors import DamagedRunError, InputError
from bgpbt.execution import LocalExecutor
from bgpbt.records import (
    Configuration,
    Fresh,
    From,
    Grow,
    Order,
    Outcome,
    Proposal,
    ProposalSource,
    Purpose,
    Start,
)
from bgpbt.toys import MemoryCheckpoints
from tests.agents.conftest import ARCHITECTURES, SETTINGS, same_arrays, small_space


def order(
    configuration: Configuration | None = None,
    *,
    start: Start | None = None,
    steps: int = 1000,
    seed: int = 3,
) -> Order:
    return Order(
        round=0,
        member=0,
        purpose=Purpose.TRAIN,
        start=start or Fresh(),
        configuration={**small_space().default(), **(configuration or {})},
        first_step=0,
        steps=steps,
        seed=seed,
        proposal=Proposal(source=ProposalSource.DEFAULT),
    )


def trained(
    trainer: PPOTrainer, order: Order, checkpoints: MemoryCheckpoints
) -> tuple[Outcome, dict[str, np.ndarray]]:
    outcome = trainer.train(order, checkpoints)
    assert outcome.checkpoint is not None, outcome.failure
    return outcome, checkpoints.load(outcome.checkpoint)[0]


@pytest.mark.parametrize(
    "configuration",
    [
        {"batch_size": 8, "unroll_length": 2},
        {"batch_size": 32, "unroll_length": 6},
        {"batch_size": 16, "unroll_length": 5},
    ],
)
@pytest.mark.parametrize("steps", [192, 1000, 1919])
def test_training_takes_whole_unrolls_and_misses_less_than_one(
    trainer: PPOTrainer, configuration: Configuration, steps: int
) -> None:
    one_unroll = 32 * int(configuration["unroll_length"])
    outcome = trainer.train(order(configuration, steps=steps), MemoryCheckpoints())
    assert outcome.steps % one_unroll == 0
    assert 0 <= steps - outcome.steps < one_unroll


def test_progress_is_told_after_every_iteration() -> None:
    told: list[int] = []
    trainer = PPOTrainer(SETTINGS, small_space(), on_progress=lambda _, steps: told.append(steps))
    trainer.train(order({"batch_size": 16, "unroll_length": 4}, steps=1000), MemoryCheckpoints())
    # 16 x 4 sequences are 2 unrolls of 32 environments, 256 steps; what is left of 1000 is cut to 1 unroll.
    assert told == [256, 512, 768, 896]


def test_orders_side_by_side_give_the_bytes_that_they_give_alone(trainer: PPOTrainer) -> None:
    orders = [
        replace(order({"batch_size": 8 << member % 3}, steps=2000, seed=member), member=member)
        for member in range(6)
    ]
    alone, beside = MemoryCheckpoints(), MemoryCheckpoints()
    checkpoints = {o.member: trainer.train(o, alone).checkpoint for o in orders}
    assert len(set(checkpoints.values())) == len(orders)
    assert {o.member: o.checkpoint for o in LocalExecutor(trainer, beside, 3).run(orders)} == checkpoints


def test_equal_orders_give_equal_bytes(trainer: PPOTrainer) -> None:
    checkpoints = MemoryCheckpoints()
    first, _ = trained(trainer, order(), checkpoints)
    second, _ = trained(trainer, order(), checkpoints)
    assert replace(first, seconds=0.0) == replace(second, seconds=0.0)
    other, _ = trained(trainer, order(seed=4), checkpoints)
    assert other.checkpoint != first.checkpoint


def test_a_clone_starts_from_all_that_its_parent_was(trainer: PPOTrainer) -> None:
    checkpoints = MemoryCheckpoints()
    parent, parent_arrays = trained(trainer, order(), checkpoints)
    start = From(checkpoint=parent.checkpoint)  # type: ignore[arg-type]
    # Too few steps for an unroll: the clone is scored as it starts.
    clone, clone_arrays = trained(trainer, order(start=start, steps=1, seed=9), checkpoints)
    assert clone.steps == 0
    assert same_arrays(parent_arrays, clone_arrays)
    assert clone.checkpoint == parent.checkpoint
    assert clone.score == parent.score


def test_environments_optimiser_and_normaliser_go_on(trainer: PPOTrainer) -> None:
    checkpoints = MemoryCheckpoints()
    configuration = {"batch_size": 8, "unroll_length": 4, "update_epochs": 1}
    parent, before = trained(trainer, order(configuration, steps=128), checkpoints)
    start = From(checkpoint=parent.checkpoint)  # type: ignore[arg-type]
    _, after = trained(trainer, order(configuration, start=start, steps=128), checkpoints)
    np.testing.assert_array_equal(before["environments.episode_step"], 4)
    np.testing.assert_array_equal(after["environments.episode_step"], 8)
    assert after["normaliser.observation_count"] == 2 * before["normaliser.observation_count"] == 2 * 128
    assert after["optimiser.count"] == 2 * before["optimiser.count"] == 2 * 4


def test_no_configuration_is_compiled_anew() -> None:
    def compilations(configurations: list[Configuration]) -> int:
        trainer = PPOTrainer(SETTINGS, small_space())
        checkpoints = MemoryCheckpoints()
        outcome = trainer.train(order(configurations[0]), checkpoints)
        for configuration in configurations[1:]:
            start = From(checkpoint=outcome.checkpoint)  # type: ignore[arg-type]
            outcome = trainer.train(order(configuration, start=start), checkpoints)
        assert outcome.checkpoint is not None
        trainer.evaluate(outcome.checkpoint, checkpoints, episodes=20, seed=1)
        return trainer.compilations

    configurations = small_space().sample(20, np.random.default_rng(0))
    assert len({tuple(sorted(c.items())) for c in configurations}) > 15
    assert compilations(configurations) == compilations(configurations[:2])


def test_a_prepared_order_compiles_nothing() -> None:
    trainer, checkpoints = PPOTrainer(SETTINGS, small_space()), MemoryCheckpoints()
    for configuration in small_space().sample(3, np.random.default_rng(0)):
        prepared = order(configuration)
        trainer.prepare(prepared)
        compiled = trainer.compilations
        assert trainer.train(prepared, checkpoints).failure is None
        assert trainer.compilations == compiled > 0


def test_scores_are_repeatable_and_need_not_be_whole_batches(trainer: PPOTrainer) -> None:
    checkpoints = MemoryCheckpoints()
    outcome, _ = trained(trainer, order(), checkpoints)
    assert outcome.checkpoint is not None
    same = trainer.evaluate(outcome.checkpoint, checkpoints, episodes=8, seed=SETTINGS.evaluation_seed)
    assert same.mean == outcome.score
    many = trainer.evaluate(outcome.checkpoint, checkpoints, episodes=20, seed=1)
    assert many.return_n.shape == (20,)
    assert len(np.unique(many.return_n)) == 20  # no episode is counted twice
    assert many.steps == 3 * 8 * SETTINGS.episode_length


def test_a_member_that_diverges_fails_and_leaves_no_checkpoint(trainer: PPOTrainer) -> None:
    outcome = trainer.train(order({"learning_rate": 1e30}), MemoryCheckpoints())
    assert outcome.checkpoint is None
    assert np.isnan(outcome.score)
    assert outcome.failure is not None


def test_an_exception_from_progress_ends_the_training() -> None:
    class Stop(Exception):  # noqa: N818
        pass

    def stop(*_: object) -> None:
        raise Stop

    with pytest.raises(Stop):
        PPOTrainer(SETTINGS, small_space(), on_progress=stop).train(order(), MemoryCheckpoints())


def test_a_checkpoint_of_another_task_or_shape_is_refused(trainer: PPOTrainer) -> None:
    checkpoints = MemoryCheckpoints()
    outcome, arrays = trained(trainer, order(), checkpoints)
    assert outcome.checkpoint is not None
    metadata = checkpoints.load(outcome.checkpoint)[1]
    stranger = checkpoints.save(arrays, metadata | {"environment": "ant"})
    with pytest.raises(DamagedRunError, match="is of environment 'ant', this run is of 'reacher'"):
        trainer.train(order(start=From(checkpoint=stranger)), checkpoints)
    cut = checkpoints.save(arrays | {"parameters.policy.0.bias": np.zeros(3, np.float32)}, metadata)
    with pytest.raises(DamagedRunError, match=r"parameters.policy.0.bias is float32\[3\], expected"):
        trainer.train(order(start=From(checkpoint=cut)), checkpoints)


def test_settings_that_do_not_fit_are_refused() -> None:
    space = small_space()
    with pytest.raises(
        InputError, match=r"batch_size = 8 x minibatches = 4 is 32 sequences, which environments = 33 does"
    ):
        replace(SETTINGS, environments=33).validate(space, t_ready=1000)
    with pytest.raises(InputError, match=r"t_ready = 100 is less than one unroll .* = 192"):
        SETTINGS.validate(space, t_ready=100)
    with pytest.raises(InputError, match="minibatches = 0 must be 1 or more"):
        replace(SETTINGS, minibatches=0)
    with pytest.raises(InputError, match="did you mean reacher"):
        replace(SETTINGS, environment="reachr")
    SETTINGS.validate(space, t_ready=192)


def test_a_configuration_beyond_the_space_is_refused(trainer: PPOTrainer) -> None:
    with pytest.raises(InputError, match="unroll_length = 7 is above 6, the largest in the space"):
        trainer.train(order({"unroll_length": 7}), MemoryCheckpoints())
    with pytest.raises(InputError, match=r"update_epochs = 2\.5 must be a whole number"):
        hyperparameters_of({"update_epochs": 2.5})
    with pytest.raises(InputError, match="gae_lambda = 'high' is not a number"):
        hyperparameters_of({"gae_lambda": "high"})


def test_the_architecture_comes_from_the_configuration(trainer: PPOTrainer) -> None:
    checkpoints = MemoryCheckpoints()
    configuration = {"policy_depth": 2, "policy_log2_width": 3, "policy_spectral_norm": True}
    outcome, arrays = trained(trainer, order(configuration), checkpoints)
    assert arrays["parameters.policy.1.kernel"].shape == (8, 8)
    assert arrays["spectral.policy.1"].shape == (8,)
    assert arrays["parameters.value.0.kernel"].shape == (11, ARCHITECTURES.value.width)
    with pytest.raises(InputError, match="but the configuration names"):
        trainer.train(order(start=From(checkpoint=outcome.checkpoint)), checkpoints)  # type: ignore[arg-type]


def test_a_grown_member_scores_as_its_parent_and_goes_on(trainer: PPOTrainer) -> None:
    checkpoints = MemoryCheckpoints()
    parent, parent_arrays = trained(trainer, order(), checkpoints)
    assert parent.checkpoint is not None
    larger: Configuration = {
        "policy_depth": 2,
        "policy_log2_width": 5,
        "value_depth": 3,
        "value_log2_width": 5,
    }
    grown, arrays = trained(
        trainer, order(larger, start=Grow(parent=parent.checkpoint), steps=1), checkpoints
    )
    assert grown.score == pytest.approx(parent.score, rel=1e-3)
    assert arrays["parameters.policy.1.kernel"].shape == (32, 32)
    assert arrays["normaliser.observation_count"] == parent_arrays["normaliser.observation_count"]
    start = From(checkpoint=grown.checkpoint)  # type: ignore[arg-type]
    assert trained(trainer, order(larger, start=start), checkpoints)[0].steps > 0
    with pytest.raises(InputError, match="the policy network cannot grow from 2 x 32 to 1 x 16"):
        trainer.train(order(start=Grow(parent=grown.checkpoint)), checkpoints)  # type: ignore[arg-type]
