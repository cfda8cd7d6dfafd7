from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bgpbt.agents import (
    Architecture,
    Architectures,
    DistillationSettings,
    PPOTrainer,
)
from bgpbt.agents.networks import perceptron
from bgpbt.agents.networks.member import initialise_agent
from bgpbt.agents.networks.normaliser import normalise
from bgpbt.agents.networks.squashed_normal import Box
from bgpbt.agents.ppo.buffers import blank_buffers
from bgpbt.agents.ppo.distillation import no_teacher, teacher_of
from bgpbt.agents.ppo.minibatch import _separated, recorded
from bgpbt.errors import InputError
from bgpbt.records import Configuration, Distil, Fresh, Order, Proposal, ProposalSource, Purpose, Start
from bgpbt.toys import MemoryCheckpoints
from tests.agents.conftest import SETTINGS, small_space

SMALL: Configuration = {"batch_size": 16, "unroll_length": 4, "policy_depth": 2, "policy_log2_width": 3}
TEACHER: Configuration = {"batch_size": 16, "unroll_length": 4, "update_epochs": 2}


def order(configuration: Configuration, start: Start, *, steps: int, seed: int = 1, member: int = 0) -> Order:
    return Order(
        round=0,
        member=member,
        purpose=Purpose.DISTIL if isinstance(start, Distil) else Purpose.TRAIN,
        start=start,
        configuration=configuration,
        first_step=0,
        steps=steps,
        seed=seed,
        proposal=Proposal(source=ProposalSource.DEFAULT),
    )


@pytest.mark.parametrize("seed", range(4))
def test_the_divergence_agrees_with_sampling_from_the_teacher(seed: int) -> None:
    # Fails by chance once in 1.7 million times (5 standard errors).
    teacher_l, student_l = np.random.default_rng(seed).normal(size=(2, 4)).astype(np.float32)
    teacher, student = (
        Box(actuators=2).from_logits(jnp.tile(jnp.asarray(logits), (100_000, 1)))
        for logits in (teacher_l, student_l)
    )
    sample_ba = teacher.sample(jax.random.PRNGKey(seed))
    ratio_b = np.asarray(teacher.log_prob(sample_ba) - student.log_prob(sample_ba), np.float64)
    exact = float(teacher.kl_divergence(student)[0])
    assert abs(ratio_b.mean() - exact) < 5.0 * ratio_b.std() / np.sqrt(ratio_b.size) + 1e-3
    assert float(teacher.kl_divergence(teacher)[0]) == pytest.approx(0.0)


def test_the_weight_of_the_teacher_falls_linearly_and_stays() -> None:
    settings = DistillationSettings()
    assert settings.weight(0.0) == 1.0
    assert settings.weight(0.4) == pytest.approx(0.525)
    assert [settings.weight(done) for done in (0.8, 0.9, 1.0)] == pytest.approx([0.05] * 3)


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(InputError, match=r"ramp_fraction = 0.0 must be above 0"):
        DistillationSettings(ramp_fraction=0.0)
    with pytest.raises(InputError, match=r"kl_coefficient = -1.0 must be finite, 0 or more"):
        DistillationSettings(kl_coefficient=-1.0)


def test_a_student_stays_near_its_teacher_and_takes_over_its_normaliser(trainer: PPOTrainer) -> None:
    checkpoints = MemoryCheckpoints()
    taught = trainer.train(order(TEACHER, Fresh(), steps=4_000), checkpoints)
    assert taught.checkpoint is not None
    start = Distil(teacher=taught.checkpoint, total_steps=20_000)
    first = trainer.train(order(SMALL, start, steps=1_024), checkpoints)
    assert first.checkpoint is not None
    arrays, metadata = checkpoints.load(first.checkpoint)
    assert arrays["parameters.policy.1.kernel"].shape == (8, 8)
    teacher_arrays, _ = checkpoints.load(taught.checkpoint)
    seen = teacher_arrays["normaliser.observation_count"] + first.steps
    assert arrays["normaliser.observation_count"] == seen
    following = Distil(
        teacher=taught.checkpoint,
        student=first.checkpoint,
        rung=1,
        first_step=first.steps,
        total_steps=20_000,
    )
    second = trainer.train(order(SMALL, following, steps=12_000, seed=2), checkpoints)
    # The same student under a teacher whose word counts nothing.
    unheard = PPOTrainer(
        replace(SETTINGS, distillation=DistillationSettings(kl_coefficient=0.0)), small_space()
    ).train(order(SMALL, following, steps=12_000, seed=2), checkpoints)
    assert second.figures["teacher_kl"] < 0.3 * unheard.figures["teacher_kl"]
    assert metadata["environment"] == SETTINGS.environment


@pytest.mark.parametrize("width", [4, 32, 48, 64])
def test_a_teacher_in_a_larger_room_says_what_it_says_in_its_own(trainer: PPOTrainer, width: int) -> None:
    teacher = Architectures(
        policy=Architecture(depth=2, width=width, spectral_norm=True),
        value=Architecture(depth=3, width=width),
    )
    padded_to = Architectures(policy=Architecture(depth=4, width=128), value=Architecture(depth=3, width=64))
    environment, rng = trainer.environment, np.random.default_rng(0)
    member = initialise_agent(rng, teacher, environment, environment.starts(jax.random.PRNGKey(1)))
    experience, stale = jax.tree.map(
        lambda array: jnp.asarray(rng.normal(size=array.shape), array.dtype),
        blank_buffers(environment, 3),
    )
    untaught = no_teacher(padded_to, environment.environment)
    weights = untaught.weights._replace(is_taught=jnp.asarray(True))
    teacher_input = untaught._replace(teacher=teacher_of(member, teacher, padded_to), weights=weights)
    seen_tbo = normalise(member.normaliser, experience.observation_tbo[:2])
    logits_tbl = perceptron.apply(member.parameters.policy, member.spectral.policy, seen_tbo)
    value_tb1 = perceptron.apply(member.parameters.value, (), seen_tbo)
    actions = trainer.learner.actions
    said = jnp.concatenate([logits_tbl, value_tb1], axis=-1)
    for given, expected in ((teacher_input, said), (untaught, stale.teacher_tbk[:2])):
        records = recorded(actions, experience, given, jnp.int32(2), jax.random.PRNGKey(2), stale).records
        np.testing.assert_allclose(records.teacher_tbk[:2], expected, rtol=1e-4, atol=1e-5)
        columns = _separated(actions, records.step_tbk[:2].reshape(-1, records.step_tbk.shape[-1]))
        np.testing.assert_array_equal(columns.reward, experience.reward_tb[:2].ravel())
        beyond = jax.tree.map(lambda array: array[2], (records, stale))
        jax.tree.map(np.testing.assert_array_equal, *beyond)


def test_equal_distillations_give_equal_bytes(trainer: PPOTrainer) -> None:
    checkpoints = MemoryCheckpoints()
    taught = trainer.train(order(TEACHER, Fresh(), steps=1_000), checkpoints)
    assert taught.checkpoint is not None
    start = Distil(teacher=taught.checkpoint, total_steps=2_000)
    twins = [trainer.train(order(SMALL, start, steps=2_000), checkpoints) for _ in range(2)]
    assert twins[0].checkpoint == twins[1].checkpoint
    # A student has a learning rate and epochs of its own, whatever is configured.
    used = {name: value for name, value in twins[0].figures.items() if name.startswith("trained.")}
    assert used == {"trained.learning_rate": 3e-4, "trained.update_epochs": 16.0}
    assert not [name for name in taught.figures if name.startswith("trained.")]


def test_without_a_teacher_nothing_of_it_is_reported(trainer: PPOTrainer) -> None:
    outcome = trainer.train(order(TEACHER, Fresh(), steps=1_000), MemoryCheckpoints())
    assert not [name for name in outcome.figures if name.startswith("teacher_")]
