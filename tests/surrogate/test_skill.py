"""Skill is about configurations: what follows from context or time is none."""

import numpy as np
import pytest

from bgpbt.arrays import Floats
from bgpbt.surrogate.copula import gaussian_ranks
from bgpbt.surrogate.fit import fit
from bgpbt.surrogate.gp import posterior
from bgpbt.surrogate.kernels import Points
from bgpbt.surrogate.parameters import Layout, from_theta
from bgpbt.surrogate.skill import skill_of

LAYOUT = Layout((0, 1, 2), 1)  # two inputs and the context; a category


def _skill(target_n: Floats, points: Points) -> float:
    y_n = gaussian_ranks(target_n)
    theta_p = fit(points, y_n, LAYOUT, np.random.default_rng(0))
    return skill_of(posterior(points, y_n, from_theta(theta_p, LAYOUT)), y_n, LAYOUT)


def _points(seed: int) -> Points:
    random = np.random.default_rng(seed)
    return Points(
        features_nd=random.random((60, 3)),
        categories_nc=random.integers(0, 2, (60, 1)),
        time_n=np.repeat(np.arange(10.0), 6),
    )


@pytest.mark.parametrize("seed", range(3))
def test_what_configurations_say_is_skill(seed: int) -> None:
    points = _points(seed)
    x_nd = points.features_nd
    assert _skill(np.sin(3.0 * x_nd[:, 0]) + x_nd[:, 1], points) > 0.9
    assert _skill(x_nd[:, 1] + 2.0 * points.categories_nc[:, 0], points) > 0.9


@pytest.mark.parametrize("seed", range(3))
def test_what_context_and_time_say_is_none(seed: int) -> None:
    points = _points(seed)
    noise_n = 0.1 * np.random.default_rng(seed).normal(size=60)
    assert _skill(-3.0 * points.features_nd[:, 2] + noise_n, points) < 0.3
    assert _skill(-points.time_n + noise_n, points) < 0.3


@pytest.mark.parametrize("seed", range(3))
def test_noise_leaves_none(seed: int) -> None:
    assert abs(_skill(np.random.default_rng(seed + 10).normal(size=60), _points(seed))) < 0.3


def test_half_of_what_context_leaves_open_is_a_skill_of_a_half() -> None:
    """Two inputs of equal weight, one of which the model is not shown; 3 seeds, so within 0.15."""
    skills = []
    for seed in range(3):
        points = _points(seed)
        hidden_n = np.random.default_rng(seed + 20).random(60)
        skills.append(_skill(points.features_nd[:, 0] + hidden_n + 3.0 * points.features_nd[:, 2], points))
    assert np.mean(skills) == pytest.approx(0.5, abs=0.15)
