"""An agent with choices goes through all that one with actuators does."""

from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import numpy.typing as npt
import pytest

from bgpbt.agents import Architecture, Architectures, PPOSettings, PPOTrainer
from bgpbt.agents.networks.architecture import architectures_of
from bgpbt.agents.networks.member import restore
from bgpbt.agents.ppo.evaluation import EpisodeReturns
from bgpbt.agents.stack import StackedTrainer
from bgpbt.errors import InputError
from bgpbt.policies import PolicyDescription, TrainedPolicy, read_policy, score_policy, write_policy
from bgpbt.records import (
    Checkpoint,
    Configuration,
    Distil,
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
from tests.agents.conftest import SETTINGS, small_space
from tests.agents.test_stack import check_equal
from tests.envs.right_choice import CHOICES

ENVIRONMENT = "python:tests.envs.right_choice:RightChoice"
EPISODE = SETTINGS.episode_length  # steps, and the best return
CONFIGURATION: Configuration = {
    **{"batch_size": 16, "unroll_length": 4, "update_epochs": 4},
    **{"learning_rate": 3e-3, "entropy_cost": 0.0, "discount": 0.5},
}
SMALL: Configuration = {**CONFIGURATION, "policy_depth": 1, "policy_log2_width": 3}
LARGE: Configuration = {**CONFIGURATION, "policy_depth": 2, "policy_log2_width": 5}

Skilled = tuple[Checkpoint, Outcome]


@pytest.fixture(scope="module")
def trainer() -> PPOTrainer:
    return PPOTrainer(replace(SETTINGS, environment=ENVIRONMENT), small_space())


@pytest.fixture(scope="module")
def checkpoints() -> MemoryCheckpoints:
    return MemoryCheckpoints()


@pytest.fixture(scope="module")
def skilled(trainer: PPOTrainer, checkpoints: MemoryCheckpoints) -> Skilled:
    """A member that has learnt the task."""
    outcome = trainer.train(order(CONFIGURATION, Fresh(), steps=20_000), checkpoints)
    assert outcome.checkpoint is not None
    return outcome.checkpoint, outcome


def order(configuration: Configuration, start: Start, *, steps: int) -> Order:
    return Order(
        round=0,
        member=0,
        purpose=Purpose.DISTIL if isinstance(start, Distil) else Purpose.TRAIN,
        start=start,
        configuration=configuration,
        first_step=0,
        steps=steps,
        seed=1,
        proposal=Proposal(source=ProposalSource.DEFAULT),
    )


def evaluated(trainer: PPOTrainer, outcome: Outcome, checkpoints: MemoryCheckpoints) -> EpisodeReturns:
    assert outcome.checkpoint is not None, outcome.failure
    return trainer.evaluate(outcome.checkpoint, checkpoints, episodes=8, seed=5)


def test_a_new_policy_is_nearly_uniform(trainer: PPOTrainer, checkpoints: MemoryCheckpoints) -> None:
    still: Configuration = {**CONFIGURATION, "learning_rate": 0.0}
    outcome = trainer.train(order(still, Fresh(), steps=1_000), checkpoints)
    # Logits of a hundredth of the usual size, about 0.01 apart, cost the entropy of order 1e-4 nats.
    assert np.log(CHOICES) - 1e-3 < outcome.figures["entropy"] <= np.log(CHOICES) + 1e-6


def test_it_learns_which_choice_is_paid(skilled: Skilled) -> None:
    # Whoever guesses has a third of the best return.
    assert skilled[1].score > 0.9 * EPISODE
    assert skilled[1].figures["entropy"] < np.log(CHOICES)


def test_members_together_are_members_one_after_the_other(
    trainer: PPOTrainer, checkpoints: MemoryCheckpoints, skilled: Skilled
) -> None:
    taught = Distil(teacher=skilled[0], total_steps=5_000)
    check_equal(StackedTrainer(trainer), trainer, [Fresh(), taught, taught, Fresh()], checkpoints)


def test_a_student_comes_to_choose_as_its_teacher_does(
    trainer: PPOTrainer, checkpoints: MemoryCheckpoints, skilled: Skilled
) -> None:
    teacher_output = Distil(teacher=skilled[0], total_steps=5_000)
    begun, taught = (
        trainer.train(order(SMALL, teacher_output, steps=steps), checkpoints) for steps in (1_000, 5_000)
    )
    assert taught.score > 0.8 * EPISODE  # a third of it at random
    assert 0.0 < taught.figures["teacher_kl"] < 0.8 * begun.figures["teacher_kl"]


def test_a_grown_agent_chooses_as_before(
    trainer: PPOTrainer, checkpoints: MemoryCheckpoints, skilled: Skilled
) -> None:
    grown = trainer.train(order(LARGE, Grow(parent=skilled[0]), steps=1), checkpoints)  # less than one unroll
    before, after = (evaluated(trainer, outcome, checkpoints).return_n for outcome in (skilled[1], grown))
    np.testing.assert_allclose(after, before, atol=1.0)  # rounding may decide on a draw


def policy_of(trainer: PPOTrainer, checkpoints: MemoryCheckpoints, skilled: Skilled) -> TrainedPolicy:
    architectures = architectures_of(CONFIGURATION, SETTINGS.architectures)
    description = PolicyDescription(
        environment=ENVIRONMENT,
        observation_size=CHOICES,
        action_size=CHOICES,
        action_distribution=trainer.learner.actions.name,
        architecture=architectures.policy,
        episode_length=EPISODE,
        evaluation_episodes=8,
        score=skilled[1].score,
    )
    shape = trainer.programs(architectures).member_shape
    member = restore(shape, checkpoints.load(skilled[0])[0], source="it")
    return TrainedPolicy(description=description, weights=member.policy)


def choices_by_hand(policy: TrainedPolicy, observation_bo: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """The likeliest choices in NumPy, as docs/policies.md describes them."""
    statistics = policy.weights.normaliser
    deviation_o = np.sqrt(np.asarray(statistics.squares_o) / np.asarray(statistics.observation_count))
    x = np.clip((observation_bo - np.asarray(statistics.mean_o)) / deviation_o, -5.0, 5.0)
    *hidden, output = jax.tree.map(np.asarray, policy.weights.parameters)
    for layer in hidden:
        x = x @ layer["kernel"] + layer["bias"]
        x = x / (1.0 + np.exp(-x))
    return np.argmax(x @ output["kernel"] + output["bias"], axis=1)


def test_a_policy_file_acts_with_choices(
    trainer: PPOTrainer, checkpoints: MemoryCheckpoints, skilled: Skilled, tmp_path: Path
) -> None:
    write_policy(policy_of(trainer, checkpoints, skilled), tmp_path / "policy.safetensors")
    policy = read_policy(tmp_path / "policy.safetensors")
    assert policy.description.action_distribution == "categorical"
    observation_bo = np.random.default_rng(0).uniform(size=(200, CHOICES))
    choice_b = policy.act(observation_bo)
    np.testing.assert_array_equal(choice_b, choices_by_hand(policy, observation_bo))
    assert choice_b.dtype == np.int32
    assert policy.act(observation_bo[0]).shape == ()
    sampled_b = policy.act(observation_bo, jax.random.PRNGKey(0))
    assert set(np.unique(sampled_b)) <= set(range(CHOICES))
    assert not np.array_equal(sampled_b, choice_b)
    assert score_policy(policy, seeds=[0], episodes=8)[0].mean > 0.9 * EPISODE


def test_a_policy_of_other_actions_is_refused(
    trainer: PPOTrainer, checkpoints: MemoryCheckpoints, skilled: Skilled
) -> None:
    policy = policy_of(trainer, checkpoints, skilled)
    old = replace(policy.description, action_distribution="tanh_normal")
    with pytest.raises(InputError, match=r"Box\(actuators=3\), but python:.* takes Discrete\(choices=3\)"):
        score_policy(replace(policy, description=old), seeds=[0], episodes=8)


def test_a_member_from_before_there_were_choices_is_refused(
    trainer: PPOTrainer, checkpoints: MemoryCheckpoints, skilled: Skilled
) -> None:
    arrays, metadata = checkpoints.load(skilled[0])
    without = {name: text for name, text in metadata.items() if name != "action_distribution"}
    old = checkpoints.save(arrays, without)
    with pytest.raises(InputError, match=r"acts with the distribution 'tanh_normal'.*start a new run"):
        trainer.train(order(CONFIGURATION, From(checkpoint=old), steps=1_000), checkpoints)


def test_it_learns_to_balance_a_pole() -> None:
    pytest.importorskip("gymnax")
    settings = PPOSettings(
        environment="gymnax:CartPole-v1",
        environments=32,
        minibatches=4,
        episode_length=200,
        evaluation_episodes=32,
        architectures=Architectures(
            policy=Architecture(depth=1, width=32), value=Architecture(depth=1, width=32)
        ),
    )
    configuration: Configuration = {
        **{"batch_size": 32, "unroll_length": 6, "update_epochs": 4},
        **{"learning_rate": 3e-3, "entropy_cost": 0.0, "discount": 0.98, "reward_scaling": 0.1},
    }
    outcome = PPOTrainer(settings, small_space()).train(
        order(configuration, Fresh(), steps=60_000), MemoryCheckpoints()
    )
    assert outcome.score > 150.0  # of 200; at random 22
