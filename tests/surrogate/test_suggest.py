import itertools
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgpbt.records import Configuration, Value
from bgpbt.space import Space
from bgpbt.surrogate import (
    Observation,
    PendingPoint,
    Suggestion,
    SuggestRequest,
    SurrogateSettings,
    newest_rounds,
    restart_centre,
    start_region,
    suggest,
)
from tests.surrogate.problems import SPACES

DEFAULTS = SurrogateSettings()
# Small numbers of starts keep the many calls of the property tests short; they change no rule.
QUICK = SurrogateSettings(candidates=32, starts=4, fit_starts=1)
MIXED = SPACES["mixed"]


def _observations(space: Space, n: int, seed: int = 0) -> tuple[Observation, ...]:
    rng = np.random.default_rng([seed, n])
    return tuple(
        Observation(
            configuration=configuration,
            score_before=float(i // 8 + rng.normal()),
            time=float(i // 8),
            improvement_rate=float(rng.normal() - 3.0 * np.nansum((x_d - 0.6) ** 2)),
        )
        for i, (configuration, x_d) in enumerate(_encoded(space, n, rng))
    )


def _encoded(space: Space, n: int, rng: np.random.Generator) -> Any:
    configurations = space.sample(n, rng)
    return zip(configurations, space.encode(configurations), strict=True)


def _request(space: Space, **changes: Any) -> SuggestRequest:
    return replace(SuggestRequest(centre=space.default(), score_before=1.0, time=6.0), **changes)


def _ask(
    settings: SurrogateSettings = DEFAULTS, space: Space = MIXED, seed: int = 0, n: int = 40, **changes: Any
) -> Suggestion:
    region = start_region(settings)
    return suggest(space, _observations(space, n), _request(space, **changes), region, settings, seed)


def _pending(configurations: list[Configuration]) -> tuple[PendingPoint, ...]:
    return tuple(PendingPoint(configuration=c, score_before=1.0) for c in configurations)


@pytest.mark.parametrize("acquisition", ["adaptive", "converged", "sign", "thompson"])
@pytest.mark.parametrize("name", ["mixed", "discrete", "continuous"])
def test_the_model_is_used_and_its_figures_are_kept(name: str, acquisition: str) -> None:
    suggestion = _ask(replace(DEFAULTS, acquisition=acquisition), space=SPACES[name])
    assert suggestion.reason is None
    assert SPACES[name].is_legal(suggestion.configuration)
    assert suggestion.figures["data"] == 40.0
    assert all(np.isfinite(value) for value in suggestion.figures.values())
    expected = {"mixed": "overlap.optimizer", "discrete": "overlap.a", "continuous": "lengthscale.x"}
    assert suggestion.figures[expected[name]] > 0.0


def test_equal_arguments_give_equal_suggestions_and_seeds_differ() -> None:
    assert _ask(seed=3) == _ask(seed=3)
    few = SurrogateSettings(candidates=1, starts=1)
    assert len({json.dumps(dict(_ask(few, seed=s).configuration)) for s in range(4)}) > 1


def test_a_warm_start_is_taken_and_a_foreign_one_ignored() -> None:
    once = replace(QUICK, fit_starts=1)
    cold = _ask(once)
    warm = _ask(once, warm_start=cold.fit)
    np.testing.assert_allclose(warm.fit, cold.fit, atol=0.05)
    assert _ask(once, warm_start=(1.0, 2.0)).fit == cold.fit
    assert _ask(once, warm_start=(float("nan"),) * len(cold.fit)).fit == cold.fit


@pytest.mark.parametrize(
    ("rates", "reason"),
    [
        ([], "the model needs 2 observations, there are 0"),
        ([1.0], "the model needs 2 observations, there are 1"),
        ([1.0, float("nan"), float("inf")], "the model needs 2 observations, there are 1"),
        ([2.0] * 9, "all 9 observations improved at the same rate"),
    ],
)
def test_what_teaches_nothing_gives_a_random_point_with_the_reason(rates: list[float], reason: str) -> None:
    base = _observations(MIXED, len(rates))
    observations = [replace(o, improvement_rate=rate) for o, rate in zip(base, rates, strict=True)]
    suggestion = suggest(MIXED, observations, _request(MIXED), start_region(DEFAULTS), DEFAULTS, 0)
    assert suggestion.reason == reason
    assert MIXED.is_legal(suggestion.configuration)


def test_a_failing_model_is_told_and_survived() -> None:
    foreign = Observation(configuration={"batch": 5}, score_before=0.0, time=0.0, improvement_rate=1.0)
    observations = (*_observations(MIXED, 3), foreign)
    suggestion = suggest(MIXED, observations, _request(MIXED), start_region(DEFAULTS), DEFAULTS, 0)
    assert suggestion.reason is not None
    assert suggestion.reason.startswith("the model failed: InputError")
    assert MIXED.is_legal(suggestion.configuration)


def test_a_centre_of_another_space_is_told_and_survived() -> None:
    suggestion = _ask(centre={"batch": 5}, frozen=("batch", "unknown"))
    assert suggestion.reason is not None
    assert MIXED.is_legal(suggestion.configuration)


@pytest.mark.parametrize("n", [0, 40])
def test_no_running_configuration_is_proposed_until_none_is_left(n: int) -> None:
    space = SPACES["discrete"]
    every = space.decode(np.array(list(itertools.product(*space.levels_d))))
    for left in (every[:1], every[7:8]):
        running = _pending([c for c in every if c not in left])
        assert _ask(space=space, n=n, pending=running).configuration == left[0]
    nothing_left = _ask(space=space, n=n, pending=_pending(every))
    assert nothing_left.reason is not None
    assert "nothing new" in nothing_left.reason


def test_the_only_configuration_is_proposed_when_there_is_one() -> None:
    space = SPACES["one point"]
    assert _ask(space=space).configuration == {"a": "only", "b": 7}
    running = _ask(space=space, pending=_pending([space.default()]))
    assert running.configuration == {"a": "only", "b": 7}
    assert running.reason is not None


@pytest.mark.parametrize("n", [0, 40])
@pytest.mark.parametrize("frozen", [("rate",), ("optimizer", "batch"), MIXED.names])
def test_frozen_inputs_keep_the_centres_value_to_the_bit(n: int, frozen: tuple[str, ...]) -> None:
    for seed, centre in enumerate(MIXED.sample(5, np.random.default_rng(n))):
        proposed = _ask(QUICK, n=n, seed=seed, centre=centre, frozen=frozen).configuration
        for name in frozen:
            if name in centre and name in proposed:
                assert proposed[name] == centre[name]


@pytest.mark.parametrize("n", [0, 40])
def test_proposals_stay_in_the_trust_region(n: int) -> None:
    space, region = SPACES["continuous"], replace(start_region(DEFAULTS), length=0.2)
    shared = replace(DEFAULTS, lengthscales="shared")  # then no side is longer than another
    centre = {"x": 0.0, "y": 1.0}
    for seed in range(5):
        request = _request(space, centre=centre)
        proposed = suggest(space, _observations(space, n), request, region, shared, seed).configuration
        distance_d = np.abs(space.encode([proposed]) - space.encode([centre]))
        assert distance_d.max() <= 0.1 + 1e-9


class TestSwitches:
    def test_fixed_lengthscales_stay_where_the_released_code_had_them(self) -> None:
        fixed = _lengthscales(_ask(replace(DEFAULTS, fit_lengthscales=False)).figures)
        np.testing.assert_allclose(fixed, 1.8)
        assert np.abs(_lengthscales(_ask().figures) - 1.8).max() > 0.1

    def test_shared_lengthscales_are_one(self) -> None:
        shared = _lengthscales(_ask(replace(DEFAULTS, lengthscales="shared")).figures)
        assert np.ptp(shared) == 0.0
        assert np.ptp(_lengthscales(_ask().figures)) > 0.0

    def test_without_pending_points_they_do_not_move_the_proposal_away(self) -> None:
        first = _ask().configuration
        near = {**first, "rate": float(first["rate"]) * 1.0001}
        blind = replace(DEFAULTS, pending="none")
        assert _ask(blind, pending=_pending([near])).configuration == _ask(blind).configuration
        with_pending = _ask(pending=_pending([near]))
        assert with_pending.figures["acquisition"] < _ask().figures["acquisition"]

    def test_without_the_categorical_region_more_categories_may_change(self) -> None:
        def most_changes(settings: SurrogateSettings) -> int:
            region = replace(start_region(settings), categorical_length=0.1)
            centre = MIXED.default()
            proposed = [
                suggest(MIXED, (), _request(MIXED), region, settings, s).configuration for s in range(30)
            ]
            names = ("optimizer", "nesterov", "only")
            return max(sum(c[name] != centre[name] for name in names) for c in proposed)

        assert most_changes(DEFAULTS) == 1
        assert most_changes(replace(DEFAULTS, categorical_region=False)) == 2

    def test_the_converged_search_finds_no_less_than_sign_steps(self) -> None:
        space = SPACES["continuous"]
        converged = _ask(replace(DEFAULTS, acquisition="converged"), space=space).figures["acquisition"]
        stepped = _ask(replace(DEFAULTS, acquisition="sign"), space=space).figures["acquisition"]
        assert converged > stepped

    def test_a_bound_is_climbed_only_where_the_model_has_skill(self) -> None:
        space = SPACES["continuous"]
        centre = space.default()

        def proposals(settings: SurrogateSettings, noise: float) -> list[Suggestion]:
            rng = np.random.default_rng(7)
            observations = [
                Observation(
                    configuration=configuration,
                    score_before=0.0,
                    time=0.0,
                    improvement_rate=float(-np.sum((x_d - 0.5) ** 2) + noise * rng.normal()),
                )
                for configuration, x_d in _encoded(space, 40, rng)
            ]
            request = SuggestRequest(centre=centre, score_before=0.0, time=1.0)
            region = start_region(settings)
            return [suggest(space, observations, request, region, settings, seed) for seed in range(3)]

        for noise, alike in ((0.0, "converged"), (10.0, "thompson")):
            adaptive = proposals(DEFAULTS, noise)
            assert adaptive == proposals(replace(DEFAULTS, acquisition=alike), noise)
            assert (adaptive[0].figures["skill"] > 0.5) == (alike == "converged")

    def test_restarts_climb_the_bound_however_little_is_known(self) -> None:
        best = _observations(MIXED, 6)
        climbing, drawing = (replace(DEFAULTS, acquisition=name) for name in ("converged", "thompson"))
        assert restart_centre(MIXED, best, DEFAULTS, 0) == restart_centre(MIXED, best, climbing, 0)
        assert restart_centre(MIXED, best, drawing, 0) == restart_centre(MIXED, best, climbing, 0)

    def test_random_restarts_say_so(self) -> None:
        best = _observations(MIXED, 6)
        assert restart_centre(MIXED, best, DEFAULTS, 0).reason is None
        by_chance = restart_centre(MIXED, best, replace(DEFAULTS, restart="random"), 0)
        assert by_chance.reason == "restarts are set to be random"


def _lengthscales(figures: Mapping[str, float]) -> Any:
    return np.array([value for name, value in figures.items() if name.startswith("lengthscale.")])


class TestRestartCentre:
    def test_it_goes_where_the_earlier_restarts_were_best(self) -> None:
        space = SPACES["continuous"]
        axis = np.linspace(0.0, 1.0, 7)
        x_nd = np.array(list(itertools.product(axis, axis)))
        best = [
            Observation(
                configuration=c, score_before=0.0, time=0.0, improvement_rate=-float(np.hypot(*(x_d - 0.3)))
            )
            for c, x_d in zip(space.decode(x_nd), x_nd, strict=True)
        ]
        centre = restart_centre(space, best, DEFAULTS, 0)
        np.testing.assert_allclose(space.encode([centre.configuration])[0], 0.3, atol=0.12)

    def test_frozen_values_are_kept(self) -> None:
        frozen: dict[str, Value] = {"batch": 64, "optimizer": "sgd"}
        for best in ((), _observations(MIXED, 5)):
            centre = restart_centre(MIXED, best, DEFAULTS, 0, frozen=frozen).configuration
            assert frozen.items() <= dict(centre).items()
            assert MIXED.is_legal(centre)


NUMBERS = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([0.0, 1.0, float("nan"), float("inf"), -float("inf"), 1e308, -1e308, 5e-324]),
)
TIMES = st.one_of(st.integers(0, 10**9).map(float), NUMBERS)


@settings(max_examples=120)
@given(data=st.data(), name=st.sampled_from(sorted(SPACES)), seed=st.integers(0, 2**63 - 1))
def test_whatever_a_run_produces_the_proposal_is_legal(data: st.DataObject, name: str, seed: int) -> None:
    space = SPACES[name]
    sampled = space.sample(
        data.draw(st.integers(1, 6)), np.random.default_rng(seed)
    )  # few, so many duplicates
    members = st.tuples(st.sampled_from(sampled), NUMBERS, TIMES, NUMBERS)
    observations = [
        Observation(configuration=c, score_before=before, time=time, improvement_rate=rate)
        for c, before, time, rate in data.draw(st.lists(members, max_size=14))
    ]
    request = SuggestRequest(
        centre=data.draw(st.sampled_from(sampled)),
        score_before=data.draw(NUMBERS),
        time=data.draw(TIMES),
        pending=_pending(data.draw(st.lists(st.sampled_from(sampled), max_size=8))),
        frozen=tuple(data.draw(st.lists(st.sampled_from(space.names), max_size=2))),
    )
    suggestion = suggest(space, observations, request, start_region(QUICK), QUICK, seed)
    assert space.is_legal(suggestion.configuration)
    is_running = any(dict(p.configuration) == suggestion.configuration for p in request.pending)
    assert not is_running or suggestion.reason is not None
    assert suggestion.reason is None or not suggestion.reason.startswith("the model failed")
    assert space.is_legal(restart_centre(space, observations, QUICK, seed).configuration)


@pytest.mark.parametrize("kind", ["distinct", "duplicates", "two values"])
def test_five_hundred_points_are_cut_to_the_newest(kind: str) -> None:
    observations = _observations(MIXED, 500)
    if kind == "duplicates":
        observations = tuple(replace(o, configuration=MIXED.default()) for o in observations)
    if kind == "two values":
        observations = tuple(replace(o, improvement_rate=float(i % 2)) for i, o in enumerate(observations))
    suggestion = suggest(MIXED, observations, _request(MIXED), start_region(QUICK), QUICK, 0)
    assert suggestion.reason is None
    newest = observations[-196:]  # the last round of 4 and 24 of 8; one more would be beyond 200
    assert QUICK.most_points == 200
    assert suggestion.figures["data"] == 196
    assert suggestion == suggest(MIXED, newest, _request(MIXED), start_region(QUICK), QUICK, 0)


def test_a_large_round_is_never_cut_so_its_best_member_is_seen() -> None:
    """Rounds of 300 are beyond the cap: three are kept, whole, low slots included."""
    observations = tuple(
        Observation(configuration={}, score_before=0.0, time=float(i // 300), improvement_rate=float(-i))
        for i in range(1500)
    )
    assert newest_rounds(observations, 200) == observations[600:]
