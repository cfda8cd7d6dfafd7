import pytest

from bgpbt.records import Configuration
from bgpbt.space.network_shapes import NetworkShape, growth_applies, shape_of


@pytest.mark.parametrize(
    ("new", "applies"),
    [
        (NetworkShape(2, 8, False), True),  # the same
        (NetworkShape(2, 9, False), True),
        (NetworkShape(3, 16, False), True),
        (NetworkShape(5, 16, False), True),
        (NetworkShape(3, 8, False), False),  # deeper, but not twice as wide
        (NetworkShape(3, 15, False), False),
        (NetworkShape(1, 16, False), False),
        (NetworkShape(2, 4, False), False),
        (NetworkShape(2, 8, True), False),
        (NetworkShape(2, 8, None), False),
    ],
)
def test_where_growth_applies(new: NetworkShape, applies: bool) -> None:
    assert growth_applies(NetworkShape(2, 8, False), new) == applies


@pytest.mark.parametrize(
    ("configuration", "shape"),
    [
        (
            {"policy_depth": 3, "policy_log2_width": 5, "policy_spectral_norm": True},
            NetworkShape(3, 32, True),
        ),
        ({"policy_depth": 3, "value_log2_width": 6}, (3, 1, None)),
        ({}, (0, 1, None)),
    ],
)
def test_a_shape_is_read_from_a_configuration(
    configuration: Configuration, shape: tuple[int, int, bool | None]
) -> None:
    assert shape_of(configuration, "policy") == shape


def test_networks_without_a_width_in_the_space_cannot_become_deeper() -> None:
    shallow, deep = (shape_of({"value_depth": depth}, "value") for depth in (1, 2))
    assert not growth_applies(shallow, deep)
    assert growth_applies(shallow, shallow)
