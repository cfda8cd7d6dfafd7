"""One episode of a policy: where every body was after every step."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from bgpbt import checks
from bgpbt.agents.seeds import seed_words
from bgpbt.envs import State
from bgpbt.policies.policy import TrainedPolicy, actions_of, environment_of
from bgpbt.policies.rendering.scene import Scene, scene_of

__all__ = ["Motion", "Placement", "move"]

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """An episode, from its start to its end or to the limit it was watched for."""

    scene: Scene
    environment: str
    position_tb3: Array  # m, of each body; the first entry is the start state
    rotation_tb4: Array  # unit quaternions, real part first
    return_t: Array  # undiscounted return up to here
    terminated: bool  # the task ended the episode; else it was watched no longer

    @property
    def seconds(self) -> float:
        """Simulated length."""
        return (len(self.return_t) - 1) * self.scene.step_s


Placement = tuple[Any, Any]


def move(policy: TrainedPolicy, *, seed: int = 0, steps: int | None = None, sampled: bool = False) -> Motion:
    """Let a policy act for one episode.

    Args:
        policy: acts.
        seed: of the start state, and of the actions if they are sampled.
        steps: control steps to watch, at most; without it, the policy's episode length.
        sampled: sample actions as in training; else they are deterministic.

    Raises:
        InputError: the environment cannot be drawn, or a number is not allowed.
    """
    environment = environment_of(policy.description)
    scene = scene_of(environment)
    length = policy.description.episode_length if steps is None else steps
    checks.at_least("steps", length, 1)
    checks.seed("seed", seed)
    start_key, action_key = jax.random.split(jnp.asarray(seed_words(seed)))
    start = environment.reset(start_key)

    def step(state: State, t: jax.Array) -> tuple[State, tuple[Placement, jax.Array, jax.Array]]:
        key = jax.random.fold_in(action_key, t) if sampled else None
        action = actions_of(policy.description.actions, policy.weights, state.observation[None], key)[0]
        following = environment.step(state, action)
        return following, (_placement(following), following.reward, following.terminated)

    _, ((position_tb3, rotation_tb4), reward_t, terminated_t) = jax.lax.scan(step, start, jnp.arange(length))
    ends = np.flatnonzero(np.asarray(terminated_t))
    stop = length if ends.size == 0 else int(ends[0]) + 1
    first_position_b3, first_rotation_b4 = _placement(start)
    return Motion(
        scene=scene,
        environment=policy.description.environment,
        position_tb3=_from_start(first_position_b3, position_tb3, stop),
        rotation_tb4=_from_start(first_rotation_b4, rotation_tb4, stop),
        return_t=np.concatenate([[0.0], np.cumsum(np.asarray(reward_t)[:stop])]).astype(np.float32),
        terminated=ends.size > 0,
    )


def _from_start(first: Any, following_t: Any, stop: int) -> Array:
    together: Array = np.concatenate([np.asarray(first)[None], np.asarray(following_t)[:stop]])
    return together.astype(np.float32)


def _placement(state: State) -> Placement:
    """Return positions (bodies, 3) and rotations (bodies, 4), those of the world first on the newer Brax."""
    bodies = getattr(state.physics, "bodies", state.physics)
    if hasattr(bodies, "pos"):
        return bodies.pos, bodies.rot
    position_b3 = jnp.concatenate([jnp.zeros((1, 3)), bodies.x.pos])
    rotation_b4 = jnp.concatenate([jnp.array([[1.0, 0.0, 0.0, 0.0]]), bodies.x.rot])
    return position_b3, rotation_b4
