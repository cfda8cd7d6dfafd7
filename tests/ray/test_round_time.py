import itertools

import numpy as np
import pytest

from bgpbt.errors import InputError
from bgpbt.ray.round_time import Cluster, predicted_seconds, simulated_seconds


def simulated_mean(cluster: Cluster) -> float:
    return float(np.mean([simulated_seconds(cluster, np.random.default_rng(seed)) for seed in range(10)]))


def test_the_prediction_is_near_the_simulation_up_to_a_thousand_members() -> None:
    members, workers, variations = (8, 24, 100, 300, 1000), (1, 8, 50, 250, 1000), (0.0, 0.1, 0.3)
    errors = []
    for m, w, v, size, commit in itertools.product(
        members, workers, variations, (1e5, 1e7, 1e8, 1e9), (0.005, 0.05)
    ):
        if w <= m:
            cluster = Cluster(
                members=m,
                workers=w,
                member_seconds=60.0,
                variation=v,
                checkpoint_bytes=size,
                commit_seconds=commit,
                plan_seconds=1.0,
            )
            errors.append(predicted_seconds(cluster) / simulated_mean(cluster) - 1.0)
    assert len(errors) > 200
    assert max(np.abs(errors)) < 0.2
    assert np.mean(np.abs(errors)) < 0.03


def test_without_scatter_and_traffic_it_is_turns_times_training() -> None:
    cluster = Cluster(members=10, workers=4, member_seconds=7.0, plan_seconds=2.0)
    assert predicted_seconds(cluster) == pytest.approx(3 * 7.0 + 2.0)
    assert simulated_mean(cluster) == pytest.approx(3 * 7.0 + 2.0)


def test_a_round_bound_by_its_driver_takes_as_long_as_its_checkpoints() -> None:
    cluster = Cluster(members=1000, workers=1000, member_seconds=1.0, checkpoint_bytes=1e9)
    assert predicted_seconds(cluster) == pytest.approx(2000.0)
    assert simulated_mean(cluster) == pytest.approx(2000.0, rel=0.01)


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(InputError, match="members = 0"):
        Cluster(members=0, workers=1, member_seconds=1.0)
    with pytest.raises(InputError, match="0 or more"):
        Cluster(members=1, workers=1, member_seconds=-1.0)
