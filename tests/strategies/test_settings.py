from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgpbt.errors import InputError
from bgpbt.strategies import PopulationSettings


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"t_ready": 0}, "t_ready = 0 must be a whole number, 1 or more"),
        ({"max_timesteps": -5}, "max_timesteps = -5 must be"),
        ({"population": 0}, "population = 0 must be"),
        ({"population": True}, "population = True must be"),
        ({"initial": 2.5}, "initial = 2.5 must be"),
        ({"t_ready": 2000}, "t_ready = 2000 must be at most max_timesteps = 1000"),
        ({"initial": 7}, "initial = 7 must be at least population = 8"),
        ({"quantile_fraction": 0.0}, "quantile_fraction = 0.0 must be above 0"),
        ({"quantile_fraction": 0.51}, "quantile_fraction = 0.51 must be above 0 and at most 0.5"),
        ({"quantile_fraction": float("nan")}, "quantile_fraction = nan must be"),
        ({"quantile_fraction": 0.1}, "quantile_fraction = 0.1 of population = 8 is 0.8 members"),
    ],
)
def test_what_is_not_allowed_is_named_with_its_value(changes: dict[str, Any], message: str) -> None:
    allowed: dict[str, Any] = {"t_ready": 100, "max_timesteps": 1000}
    PopulationSettings(**allowed)
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        PopulationSettings(**(allowed | changes))


@given(t_ready=st.integers(1, 10**9), more=st.integers(0, 10**6))
def test_the_rounds_end_exactly_at_the_budget(t_ready: int, more: int) -> None:
    settings = PopulationSettings(t_ready=t_ready, max_timesteps=t_ready + more)
    lengths = [settings.target(0)]
    if settings.rounds <= 1000:
        targets = [settings.target(r) for r in range(settings.rounds)]
        lengths = [after - before for before, after in zip([0, *targets], targets, strict=False)]
        assert all(length == t_ready for length in lengths[:-1])
    assert settings.target(settings.rounds - 1) == t_ready + more
    assert all(0 < length <= t_ready for length in lengths)


@pytest.mark.parametrize(
    ("population", "fraction", "replaced"), [(8, 0.125, 1), (30, 0.1, 3), (24, 0.25, 6), (100, 0.29, 29)]
)
def test_the_number_replaced_is_the_fraction_rounded_down(
    population: int, fraction: float, replaced: int
) -> None:
    settings = PopulationSettings(
        population=population, initial=100, quantile_fraction=fraction, t_ready=1, max_timesteps=1
    )
    assert settings.replaced == replaced
