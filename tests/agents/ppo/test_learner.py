from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bgpbt.agents import Architecture, Architectures
from bgpbt.agents.compiled.programs import Programs, compile_evaluation, compile_programs, compile_starts
from bgpbt.agents.networks import perceptron
from bgpbt.agents.networks.action_space import space_of
from bgpbt.agents.networks.member import Member, initialise_agent
from bgpbt.agents.networks.normaliser import fresh
from bgpbt.agents.ppo.buffers import BufferPool, Buffers, blank_buffers
from bgpbt.agents.ppo.distillation import no_coefficients, no_teacher
from bgpbt.agents.ppo.hyperparameters import Hyperparameters, hyperparameters_of
from bgpbt.agents.ppo.learner import Learner, _cheapest, _share, _shuffled, iteration_of
from bgpbt.agents.ppo.loss import LossTerms, ppo_loss
from bgpbt.agents.ppo.minibatch import Minibatch, SliceSize, Steps, recorded
from bgpbt.agents.ppo.rollout import Experience, Extent, collect, empty
from bgpbt.agents.seeds import SeedWords, Stream, seed_words, stream_key
from bgpbt.envs.vector import VectorEnvironment
from tests.envs.countdown import Countdown

ENVIRONMENTS = 6
LONGEST = 12
VECTOR = VectorEnvironment(environment=Countdown(3, 9), count=ENVIRONMENTS, episode_length=7)
ACTIONS = space_of(VECTOR.environment)
ARCHITECTURES = Architectures(
    policy=Architecture(depth=1, width=8, spectral_norm=True), value=Architecture(depth=2, width=8)
)


def learner(*slice_steps: int) -> Learner:
    return Learner(
        environment=VECTOR,
        longest_rollout=LONGEST,
        most_sequences=36,
        slice_sizes=tuple(SliceSize(steps, max(1, steps // 3)) for steps in slice_steps),
    )


@cache
def programs(*slice_steps: int) -> Programs:
    made_of = learner(*slice_steps)
    evaluate = compile_evaluation(made_of, ARCHITECTURES.policy, episodes=64)
    return compile_programs(made_of, ARCHITECTURES, ARCHITECTURES, compile_starts(made_of), evaluate)


def new_member(seed: int = 1) -> tuple[Member, object]:
    words = seed_words(seed)
    starts = programs(40).draw_starts(words)
    return programs(40).initialise(words, starts), starts


def numbered_steps() -> Steps:
    """Steps whose observations are their own index in time-first order."""
    index_tb = jnp.arange((LONGEST + 1) * ENVIRONMENTS, dtype=jnp.float32).reshape(LONGEST + 1, ENVIRONMENTS)
    steps_tb = jnp.zeros((LONGEST, ENVIRONMENTS))
    experience = Experience(
        observation_tbo=index_tb[..., None],
        action_tbk=steps_tb[..., None],
        log_prob_tb=steps_tb,
        reward_tb=index_tb[:-1],
        terminated_tb=steps_tb.astype(bool),
        truncated_tb=steps_tb.astype(bool),
    )
    teacher_input = no_teacher(ARCHITECTURES, VECTOR.environment)
    blank = blank_buffers(VECTOR, LONGEST).records
    return recorded(ACTIONS, experience, teacher_input, jnp.int32(LONGEST), jax.random.PRNGKey(1), blank)


@pytest.mark.parametrize(
    ("unroll_length", "unrolls", "batch_size", "slice_size"),
    [
        (3, 4, 4, SliceSize(8, 2)),
        (3, 4, 4, SliceSize(64, 21)),
        (2, 5, 7, SliceSize(9, 2)),
        (1, 12, 72, SliceSize(50, 50)),
        (6, 2, 5, SliceSize(7, 3)),
    ],
)
def test_minibatches_hold_every_step_once_in_whole_sequences(
    unroll_length: int, unrolls: int, batch_size: int, slice_size: SliceSize
) -> None:
    sequences = unrolls * ENVIRONMENTS
    minibatches = -(-sequences // batch_size)
    first_row_s = learner(8)._first_rows(
        _shuffled(jax.random.PRNGKey(0), jnp.int32(sequences), 72), jnp.int32(unroll_length)
    )
    seen: list[float] = []
    for index in range(minibatches):
        first, size = _share(jnp.int32(sequences), jnp.int32(minibatches), jnp.int32(index))
        assert 0 < size <= batch_size
        minibatch = Minibatch(
            actions=ACTIONS,
            steps=numbered_steps(),
            # Indices are far beyond the clip, so the statistics shrink them into [-5, 5].
            normaliser=fresh(1)._replace(observation_count=jnp.float32(1.0), squares_o=jnp.full(1, 100.0**2)),
            first_row_s=first_row_s,
            first=first,
            size=size,
            unroll_length=jnp.int32(unroll_length),
            teacher_coefficients=no_coefficients(),
        )
        total_weight = 0.0
        for slice_index in range(int(minibatch.slices(slice_size))):
            taken = minibatch.take(jnp.int32(slice_index), slice_size)
            is_step_i = np.asarray(taken.rewards.is_step_i)
            index_i = np.rint(np.asarray(taken.observation_io)[:, 0] * 100.0)
            seen += index_i[is_step_i].tolist()
            # A step's successor in time is the next row, in the same environment, or its sequence's last.
            is_last_i = np.asarray(taken.rewards.is_last_i)
            last_s = np.rint(np.asarray(taken.last_observation_so)[:, 0] * 100.0)
            inner_i = np.flatnonzero(is_step_i & ~is_last_i)
            np.testing.assert_array_equal(index_i[inner_i + 1], index_i[inner_i] + ENVIRONMENTS)
            ends_i = np.flatnonzero(is_step_i & is_last_i)
            assert len(ends_i) * unroll_length == is_step_i.sum()
            follower_i = last_s[np.asarray(taken.rewards.sequence_i)[ends_i]]
            np.testing.assert_array_equal(follower_i, index_i[ends_i] + ENVIRONMENTS)
            np.testing.assert_array_equal(np.asarray(taken.rewards.reward_i)[is_step_i], index_i[is_step_i])
            total_weight += float(taken.weight) * is_step_i.sum()
        assert total_weight == pytest.approx(1.0)
    assert sorted(seen) == list(range(unroll_length * sequences))


def test_every_permutation_is_as_likely() -> None:
    # Chi-squared over the 24 orders of 4 sequences, at an error rate of one in a million.
    order_ns = jax.vmap(lambda key: _shuffled(key, jnp.int32(4), 9))(
        jax.random.split(jax.random.PRNGKey(0), 24_000)
    )
    np.testing.assert_array_equal(order_ns[:, 4:], np.tile(np.arange(4, 9), (24_000, 1)))
    _, count_p = np.unique(np.asarray(order_ns[:, :4]), axis=0, return_counts=True)
    assert len(count_p) == 24
    assert np.sum((count_p - 1000.0) ** 2 / 1000.0) < 78.0


def test_the_slice_size_with_the_least_padding_is_taken() -> None:
    def choice(size: int, unroll_length: int) -> int:
        nothing = jnp.zeros(())
        minibatch = Minibatch(
            actions=ACTIONS,
            steps=numbered_steps(),
            normaliser=fresh(1),
            first_row_s=nothing,
            first=nothing,
            size=jnp.int32(size),
            unroll_length=jnp.int32(unroll_length),
            teacher_coefficients=no_coefficients(),
        )
        return int(_cheapest(minibatch, [SliceSize(steps, steps // 5) for steps in (320, 1280, 5120)]))

    assert [choice(64, 5), choice(256, 5), choice(1024, 5)] == [0, 1, 2]
    assert choice(1024, 15) == 1  # the large one would be taken four times, the fourth for one sequence
    assert choice(1020, 15) == 2
    assert choice(1, 500) == 1  # a slice that is shorter than a sequence cannot take it


CONFIGURATION = {
    "batch_size": 6,
    "unroll_length": 3,
    "update_epochs": 3,
    "entropy_cost": 0.03,
    "learning_rate": 1e-2,
}


def new_buffers() -> Buffers:
    return BufferPool(VECTOR, LONGEST).take()


def iterate(
    slice_steps: tuple[int, ...], unrolls: int = 4, buffers: Buffers | None = None
) -> tuple[Member, LossTerms]:
    member, starts = new_member()
    member, _, terms = programs(*slice_steps).iterate(
        member,
        starts,  # type: ignore[arg-type]
        new_buffers() if buffers is None else buffers,
        hyperparameters_of(CONFIGURATION),
        iteration_of(seed_words(5), 0, unrolls),
    )
    return member, terms


@pytest.mark.parametrize("slice_steps", [(40,), (3,), (10,), (8, 24)])
@pytest.mark.parametrize("unrolls", [1, 3])
def test_what_is_stale_is_not_looked_at(slice_steps: tuple[int, ...], unrolls: int) -> None:
    """Whoever used the buffers before may have come to numbers that are none."""
    stale = jax.tree.map(
        lambda leaf: np.full_like(leaf, leaf.dtype == bool or np.nan), blank_buffers(VECTOR, LONGEST)
    )
    after_another, after_nobody = (
        iterate(slice_steps, unrolls, buffers) for buffers in (stale, new_buffers())
    )
    jax.tree.map(np.testing.assert_array_equal, after_another, after_nobody)


def test_buffers_are_used_again() -> None:
    pool = BufferPool(VECTOR, LONGEST)
    first, second = pool.take(), pool.take()
    assert first is not second
    pool.give_back(first)
    assert pool.take() is first


def test_an_update_does_not_depend_on_the_slices_it_is_computed_in() -> None:
    whole, whole_terms = iterate((40,))
    for slice_steps in [(3,), (10,), (8, 24)]:
        sliced, sliced_terms = iterate(slice_steps)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=2e-5), sliced, whole)
        for name in LossTerms._fields:
            expected = getattr(whole_terms, name)
            np.testing.assert_allclose(getattr(sliced_terms, name), expected, rtol=1e-3, atol=1e-5)


def test_an_iteration_agrees_with_plain_ppo() -> None:
    """The same data, order and losses, but Adam and the loops written out by hand on exact shapes."""
    member, starts = new_member()
    hyperparameters = hyperparameters_of(CONFIGURATION)
    expected = plain_ppo(member, starts, hyperparameters, unrolls=4, seed=seed_words(5))
    actual, _ = iterate((40,))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=5e-5), actual.parameters, expected)


def plain_ppo(
    member: Member, starts: object, hyperparameters: Hyperparameters, *, unrolls: int, seed: SeedWords
) -> object:
    rollout_key, learning_key = (
        stream_key(jnp.asarray(seed), stream, jnp.int32(0)) for stream in (Stream.COLLECT, Stream.LEARN)
    )
    unroll_length = int(hyperparameters.unroll_length)
    steps = unrolls * unroll_length
    _, experience = collect(
        VECTOR,
        member.policy,
        (member.environments, starts),  # type: ignore[arg-type]
        empty(VECTOR, steps),
        extent=Extent(jnp.int32(steps)),
        key=rollout_key,
    )
    observation_no = np.asarray(experience.observation_tbo[:steps]).reshape(-1, 2)
    normaliser = fresh(2)._replace(
        observation_count=jnp.float32(len(observation_no)),
        mean_o=jnp.asarray(observation_no.mean(0)),
        squares_o=jnp.asarray(observation_no.var(0) * len(observation_no)),
    )
    parameters, spectral = member.parameters, member.spectral
    first_moment = jax.tree.map(jnp.zeros_like, parameters)
    second_moment = jax.tree.map(jnp.zeros_like, parameters)
    sequences = unrolls * ENVIRONMENTS
    minibatches = -(-sequences // int(hyperparameters.batch_size))
    updates = 0
    order_key, noise_key = jax.random.split(learning_key)
    teacher_input = no_teacher(ARCHITECTURES, VECTOR.environment)
    blank = blank_buffers(VECTOR, steps).records
    data = recorded(ACTIONS, experience, teacher_input, jnp.int32(steps), noise_key, blank)
    for epoch in range(int(hyperparameters.update_epochs)):
        first_row_s = learner(40)._first_rows(
            _shuffled(jax.random.fold_in(order_key, epoch), jnp.int32(sequences), 36),
            jnp.int32(unroll_length),
        )
        for index in range(minibatches):
            first, size = _share(jnp.int32(sequences), jnp.int32(minibatches), jnp.int32(index))
            minibatch = Minibatch(
                actions=ACTIONS,
                steps=data,
                normaliser=normaliser,
                first_row_s=first_row_s,
                first=first,
                size=size,
                unroll_length=jnp.int32(unroll_length),
                teacher_coefficients=teacher_input.weights,
            )
            exact = SliceSize(int(size) * unroll_length, int(size))
            gradient, _ = jax.grad(partial(ppo_loss, ACTIONS), has_aux=True)(
                parameters, spectral, minibatch.take(jnp.int32(0), exact), hyperparameters
            )
            updates += 1
            first_moment = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first_moment, gradient)
            second_moment = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g**2, second_moment, gradient)
            parameters = jax.tree.map(
                lambda p, m, v, n=updates: (
                    p
                    - hyperparameters.learning_rate
                    * (m / (1 - 0.9**n))
                    / (jnp.sqrt(v / (1 - 0.999**n)) + 1e-8)
                ),
                parameters,
                first_moment,
                second_moment,
            )
            spectral = spectral._replace(policy=perceptron.spectral_step(parameters.policy, spectral.policy))
    return parameters


def test_it_learns_a_task_whose_best_return_is_known() -> None:
    # The action is the reward and lies in (-1, 1): the best mean return is the mean episode length.
    member, starts = new_member(2)
    best = float(np.mean(np.minimum(np.arange(3, 10), 7)))
    configuration = {
        "batch_size": 9,
        "unroll_length": 3,
        "learning_rate": 1e-2,
        "entropy_cost": 0.0,
        "discount": 0.9,
    }
    before, _ = programs(40).evaluate(member.policy, seed_words(1))
    buffers = new_buffers()
    for iteration in range(60):
        member, buffers, _ = programs(40).iterate(
            member,
            starts,  # type: ignore[arg-type]
            buffers,
            hyperparameters_of(configuration),
            iteration_of(seed_words(2), iteration, 4),
        )
    after, _ = programs(40).evaluate(member.policy, seed_words(1))
    assert np.mean(before) < 0.5 * best
    assert np.mean(after) > 0.9 * best


def test_evaluation_stops_counting_at_the_end_of_an_episode() -> None:
    member, _ = new_member()
    return_n, steps = programs(40).evaluate(member.policy, seed_words(1))
    assert return_n.shape == (64,)
    assert np.all(np.abs(return_n) < 7.0)
    assert steps == 7


def test_a_new_member_has_seen_nothing() -> None:
    member, _ = new_member()
    assert member.normaliser.observation_count == 0
    assert member.optimiser.count == 0
    assert isinstance(member, Member)
    assert initialise_agent.__doc__


def test_the_halves_of_an_iteration_are_the_whole() -> None:
    member, starts = new_member()
    numbers = (hyperparameters_of(CONFIGURATION), iteration_of(seed_words(5), 0, 4))
    member, buffers = programs(40).collect(member, starts, new_buffers(), *numbers)
    member, _, terms = programs(40).learn(member, buffers, programs(40).no_teacher, *numbers)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), (member, terms), iterate((40,)))
