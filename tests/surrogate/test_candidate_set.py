import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bgpbt.surrogate.candidate_set import CandidateSet, candidate_set_around, draw, neighbours
from bgpbt.surrogate.coordinates import Coordinates, coordinates_of
from bgpbt.surrogate.trust_region import box
from tests.surrogate.problems import SPACES, mixed_space

SPACE = mixed_space()


def _candidate_set(seed: int, radius: int, frozen: tuple[str, ...] = ()) -> tuple[Coordinates, CandidateSet]:
    coordinates = coordinates_of(SPACE)
    centre_d = coordinates.completed(SPACE.sample(1, np.random.default_rng(seed))[0])
    ordered = coordinates.ordered
    return coordinates, candidate_set_around(
        coordinates, centre_d, box(centre_d[ordered], np.ones(ordered.size), 0.3), radius, frozen
    )


@given(seed=st.integers(0, 10**6), radius=st.integers(0, 4))
def test_points_and_their_neighbours_keep_box_levels_and_radius(seed: int, radius: int) -> None:
    coordinates, candidate_set = _candidate_set(seed, radius, frozen=("epochs",))
    x_nd = draw(candidate_set, 50, np.random.default_rng(seed))
    moved_knd, is_allowed_kn = neighbours(candidate_set, x_nd)
    for points_nd in (x_nd, moved_knd[is_allowed_kn]):
        assert (points_nd >= np.minimum(candidate_set.lower_d, 0.0)).all()
        floats = candidate_set.continuous
        assert (points_nd[:, floats] >= candidate_set.lower_d[floats]).all()
        assert (points_nd[:, floats] <= candidate_set.upper_d[floats]).all()
        frozen = SPACE.names.index("epochs")
        assert (points_nd[:, frozen] == candidate_set.centre_d[frozen]).all()
        for column, levels in candidate_set.levels.items():
            assert np.isin(points_nd[:, column], levels).all()
        categories = coordinates.categorical
        changes_n = (points_nd[:, categories] != candidate_set.centre_d[categories]).sum(axis=1)
        assert changes_n.max(initial=0) <= radius


def test_a_coarse_grid_can_always_move_by_one_level() -> None:
    _, candidate_set = _candidate_set(0, 1)
    column = SPACE.names.index("batch")  # four levels, 1/3 apart; the box reaches 0.15
    index = round(3 * float(candidate_set.centre_d[column]))
    expected = {max(index - 1, 0), index, min(index + 1, 3)}
    assert {round(3 * level) for level in candidate_set.levels[column]} == expected


def test_moves_are_single_and_real() -> None:
    _, candidate_set = _candidate_set(3, 4)
    x_nd = draw(candidate_set, 5, np.random.default_rng(0))
    moved_knd, is_allowed_kn = neighbours(candidate_set, x_nd)
    changes_kn = (moved_knd != x_nd).sum(axis=2)
    assert (changes_kn[is_allowed_kn] == 1).all()


def test_one_choice_inputs_leave_nothing_to_move() -> None:
    coordinates = coordinates_of(SPACES["one point"])
    centre_d = coordinates.completed(SPACES["one point"].default())
    candidate_set = candidate_set_around(coordinates, centre_d, (np.zeros(1), np.ones(1)), 1, ())
    assert neighbours(candidate_set, draw(candidate_set, 3, np.random.default_rng(0)))[0].shape == (0, 3, 2)
