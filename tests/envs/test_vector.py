import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bgpbt.envs import State, many
from bgpbt.envs.vector import StartStates, VectorEnvironment, VectorState
from bgpbt.errors import InputError
from tests.envs import reference
from tests.envs.countdown import Countdown


def run(
    environment: VectorEnvironment, starts: StartStates, steps: int, first: VectorState | None = None
) -> VectorState:
    """States (time, environments) under random actions."""
    shape = (steps, environment.count, environment.environment.action_size)
    action_tba = jax.random.uniform(jax.random.PRNGKey(11), shape, minval=-1.0, maxval=1.0)

    def step(state: VectorState, action_ba: jax.Array) -> tuple[VectorState, VectorState]:
        following = environment.step(state, starts, action_ba)
        return following, following

    begin = environment.reset(starts) if first is None else first
    states: VectorState = jax.jit(lambda begin: jax.lax.scan(step, begin, action_tba)[1])(begin)
    return states


@pytest.mark.parametrize(
    ("episode_length", "terminated", "truncated"),
    [
        (2, [0, 0, 0, 0, 0, 0], [0, 1, 0, 1, 0, 1]),  # the limit comes first
        (3, [0, 0, 1, 0, 0, 1], [0, 0, 0, 0, 0, 0]),  # an end in the last step is the task's own
        (4, [0, 0, 1, 0, 0, 1], [0, 0, 0, 0, 0, 0]),
    ],
)
def test_a_time_limit_is_told_apart_from_termination(
    episode_length: int, terminated: list[int], truncated: list[int]
) -> None:
    environment = VectorEnvironment(environment=Countdown(3, 3), count=2, episode_length=episode_length)
    states = run(environment, environment.starts(jax.random.PRNGKey(0)), steps=6)
    np.testing.assert_array_equal(states.terminated, np.tile(np.array(terminated, bool)[:, None], 2))
    np.testing.assert_array_equal(states.truncated, np.tile(np.array(truncated, bool)[:, None], 2))


def test_every_episode_is_followed_by_a_start_of_the_same_environment() -> None:
    """Against a simulation in plain Python, with lifetimes on both sides of the time limit."""
    count, limit, steps = 32, 5, 40
    environment = VectorEnvironment(environment=Countdown(1, 9), count=count, episode_length=limit)
    starts = environment.starts(jax.random.PRNGKey(4))
    states = run(environment, starts, steps)
    lifetimes = np.asarray(starts.physics.lifetime)
    assert set(lifetimes) >= {1, 4, 5, 6}
    for b, lifetime in enumerate(lifetimes):
        age = 0
        for t in range(steps):
            age += 1
            ended, cut = age == lifetime, age == limit and age != lifetime
            age = 0 if ended or cut else age
            assert bool(states.terminated[t, b]) is bool(ended)
            assert bool(states.truncated[t, b]) is bool(cut)
            assert states.episode_step[t, b] == age
            assert states.physics.age[t, b] == age
            assert states.observation[t, b].tolist() == [lifetime, age]


def test_the_reward_of_a_last_step_is_not_lost_in_the_reset() -> None:
    environment = VectorEnvironment(environment=Countdown(1, 4), count=8, episode_length=3)
    starts = environment.starts(jax.random.PRNGKey(2))
    action_ba = jnp.arange(8.0)[:, None] / 8
    state = environment.step(environment.reset(starts), starts, action_ba)
    assert bool(state.terminated.any())
    np.testing.assert_array_equal(state.reward, action_ba[:, 0])


def test_new_start_states_concern_later_episodes_alone() -> None:
    environment = VectorEnvironment(environment=Countdown(3, 3), count=4)
    old = environment.starts(jax.random.PRNGKey(0))
    new = old._replace(physics=old.physics._replace(lifetime=jnp.full(4, 2)), observation=old.observation + 9)
    state = environment.step(environment.reset(old), old, jnp.zeros((4, 1)))
    later = run(environment, new, steps=4, first=state)
    np.testing.assert_array_equal(later.terminated[:, 0], [False, True, False, True])
    np.testing.assert_array_equal(later.observation[1, 0], new.observation[0])


def test_start_states_differ_between_environments_and_keys() -> None:
    environment = VectorEnvironment(environment=reference.environment("reacher"), count=8)
    one = environment.starts(jax.random.PRNGKey(0)).observation
    other = environment.starts(jax.random.PRNGKey(1)).observation
    assert len(np.unique(np.concatenate([one, other]), axis=0)) == 16
    np.testing.assert_array_equal(one, environment.starts(jax.random.PRNGKey(0)).observation)


def test_going_on_from_a_saved_state_is_the_same_as_never_having_stopped() -> None:
    environment = VectorEnvironment(environment=reference.environment("ur5e"), count=4, episode_length=7)
    starts = environment.starts(jax.random.PRNGKey(3))
    first = jax.tree.map(lambda leaf: leaf[-1], run(environment, starts, steps=10))
    saved = jax.tree.map(np.asarray, first)
    assert all(type(leaf) is np.ndarray and leaf.dtype.kind in "fiub" for leaf in jax.tree.leaves(saved))
    on, again = (run(environment, starts, steps=10, first=state) for state in (first, saved))
    for expected, found in zip(jax.tree.leaves(on), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_reacher_is_cut_by_the_time_limit_and_never_terminates() -> None:
    environment = VectorEnvironment(environment=reference.environment("reacher"), count=4, episode_length=5)
    starts = environment.starts(jax.random.PRNGKey(3))
    states = run(environment, starts, steps=12)
    assert not np.asarray(states.terminated).any()
    np.testing.assert_array_equal(np.asarray(states.truncated)[:, 0].nonzero()[0], [4, 9])
    np.testing.assert_array_equal(states.observation[4], starts.observation)
    np.testing.assert_array_equal(states.observation[9], starts.observation)


def test_hopper_falls_and_starts_again_while_others_go_on() -> None:
    environment = VectorEnvironment(environment=reference.environment("hopper"), count=32)
    starts = environment.starts(jax.random.PRNGKey(3))
    states = run(environment, starts, steps=60)
    terminated_tb = np.asarray(states.terminated)
    assert not np.asarray(states.truncated).any()
    assert 0 < terminated_tb.sum() < terminated_tb.size / 2
    start_tbo = np.broadcast_to(np.asarray(starts.observation), states.observation.shape)
    np.testing.assert_array_equal(np.asarray(states.observation)[terminated_tb], start_tbo[terminated_tb])
    assert (np.asarray(states.episode_step)[terminated_tb] == 0).all()
    assert (np.asarray(states.episode_step)[~terminated_tb] > 0).all()


def test_wrapping_changes_nothing_about_a_step() -> None:
    plain = reference.environment("reacher")
    environment = VectorEnvironment(environment=plain, count=4)
    starts = environment.starts(jax.random.PRNGKey(3))
    vector = environment.reset(starts)
    action_ba = jnp.linspace(-1.0, 1.0, 8).reshape(4, 2)
    running = many.running(plain, vector.physics)
    alone = many.step(plain, State(running, vector.observation, vector.reward, vector.terminated), action_ba)
    together = environment.step(vector, starts, action_ba)
    np.testing.assert_array_equal(together.observation, alone.observation)
    np.testing.assert_array_equal(together.reward, alone.reward)


@pytest.mark.parametrize(("count", "episode_length"), [(0, 10), (-1, 10), (1, 0)])
def test_sizes_below_one_are_refused(count: int, episode_length: int) -> None:
    with pytest.raises(InputError, match=r" = (0|-1) must be 1 or more"):
        VectorEnvironment(environment=Countdown(1, 1), count=count, episode_length=episode_length)


class CountdownOfTwo(Countdown):
    """With clocks for two hands, so that physics have an axis beside the batch."""

    def __init__(self, *, batch_last: bool) -> None:
        super().__init__(1, 9)
        self.batch_last = batch_last

    def reset(self, key: jax.Array) -> State:
        state = super().reset(key)
        return state._replace(
            physics=jax.tree.map(lambda clock: jnp.stack([clock, 2 * clock]), state.physics)
        )

    def step(self, state: State, action: jax.Array) -> State:
        first = state._replace(physics=jax.tree.map(lambda clock: clock[0], state.physics))
        after = super().step(first, action)
        hands = jax.tree.map(
            lambda clock, hand: jnp.stack([hand, clock[1] + 1]), state.physics, after.physics
        )
        return after._replace(physics=hands)


def test_episodes_are_the_same_where_the_batch_is_last() -> None:
    states = []
    for batch_last in (False, True):
        environment = CountdownOfTwo(batch_last=batch_last)
        vector = VectorEnvironment(environment=environment, count=7, episode_length=5)
        starts = vector.starts(jax.random.PRNGKey(4))
        assert jax.tree.map(jnp.shape, starts) == jax.tree.map(
            jnp.shape, vector.at_rest(vector.running(starts))
        )
        running = jax.tree.leaves(vector.running(starts).physics)
        assert all(clock.shape == ((2, 7) if batch_last else (7, 2)) for clock in running)
        states.append(run(vector, starts, steps=20))
    jax.tree.map(np.testing.assert_array_equal, *states)
