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
        ({"t_ready_end": 0}, "t_ready_end = 0 must be a whole number, 1 or more"),
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


@given(t_ready=st.integers(1, 10**9), more=st.integers(0, 2000), end=st.none() | st.integers(1, 10**9))
def test_the_rounds_end_exactly_at_the_budget(t_ready: int, more: int, end: int | None) -> None:
    settings = PopulationSettings(t_ready=t_ready, t_ready_end=end, max_timesteps=t_ready + more)
    targets = settings.targets
    lengths = [after - before for before, after in zip([0, *targets], targets, strict=False)]
    assert targets[-1] == t_ready + more
    assert len(targets) == settings.rounds
    assert all(length > 0 for length in lengths)
    if end is None:
        assert all(length == t_ready for length in lengths[:-1])
        assert lengths[-1] <= t_ready


def test_the_length_of_a_round_falls_linearly_in_steps_done() -> None:
    settings = PopulationSettings(t_ready=5_000_000, t_ready_end=1_000_000, max_timesteps=150_000_000)
    assert settings.next_target(0) == 5_000_000
    assert settings.next_target(75_000_000) == 78_000_000
    assert settings.next_target(149_500_000) == 150_000_000
    lengths = [b - a for a, b in zip(settings.targets, settings.targets[1:], strict=False)][:-1]
    assert lengths == sorted(lengths, reverse=True)
    assert min(lengths) > 1_000_000


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
