import numpy as np

from tests.envs import reference
from tests.envs.reference import array
from tests.envs.rollouts import random_rollout


def test_joints_start_with_uniform_noise_of_a_tenth_around_the_middle_of_their_ranges() -> None:
    middle_j = np.deg2rad(
        [
            (60.16056823730469 - 29.793806076049805) / 2,
            0.0,
            (44.97718811035156 - 22.918312072753906) / 2,
            (40.1070442199707 - 57.295780181884766) / 2,
            (49.847328186035156 - 68.75493621826172) / 2,
            0.0,
        ]
    )
    starts = reference.start_states("halfcheetah")
    angle_nj = array(starts.observation)[:, 5:11] - middle_j
    # The engine gives each body the velocity of its own joint, and not its parent's on top.
    velocity_nj = array(starts.physics.ang)[:, 1:7, 1]
    for noise_nj in (angle_nj, velocity_nj):
        assert np.abs(noise_nj).max() < 0.1 + 1e-4
        assert np.abs(noise_nj).max() > 0.0996
        np.testing.assert_allclose(noise_nj.std(axis=0), 0.1 / np.sqrt(3), rtol=0.05)


def test_it_never_terminates() -> None:
    assert not np.asarray(random_rollout("halfcheetah", count=8, steps=60).terminated).any()
