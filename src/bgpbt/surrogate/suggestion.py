"""The next configuration of a member. It is always legal, and asking for it never raises.

Wan et al. (2022), section 3.1 and algorithm 2: fit the model, then maximise its upper bound inside the trust
region; or a function drawn from it, where it knows little. Where the model cannot be used the configuration
is random, within the same rules, and says why.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bgpbt.arrays import Floats
from bgpbt.records import Configuration, Value
from bgpbt.space import Space
from bgpbt.streams import stream
from bgpbt.surrogate.acquisition import UpperBound, maximise_bound
from bgpbt.surrogate.blas import one_blas_thread
from bgpbt.surrogate.candidate_set import CandidateSet, candidate_set_around, draw
from bgpbt.surrogate.coordinates import Coordinates, coordinates_of
from bgpbt.surrogate.forecast import Forecast
from bgpbt.surrogate.model import Model, TooLittleDataError, model_of
from bgpbt.surrogate.parameters import from_theta
from bgpbt.surrogate.requests import Observation, Suggestion, SuggestRequest
from bgpbt.surrogate.settings import SurrogateSettings
from bgpbt.surrogate.thompson import maximise_draw
from bgpbt.surrogate.trust_region import TrustRegion, box, hamming_radius

__all__ = ["Address", "restart_centre", "suggest"]

Address = int | Sequence[int]
"""Where a stream of random numbers begins: whole numbers from 0, such as (seed, round, member)."""

FALLBACK_DRAWS = 64  # random points of the region that are tried
SKILL_OF_A_BOUND = 0.5  # above it a model knows more about configurations than it does not
LAST_DRAWS = 512  # random points of the space that are tried then


def suggest(
    space: Space,
    observations: Sequence[Observation],
    request: SuggestRequest,
    region: TrustRegion | None,
    settings: SurrogateSettings,
    seed: Address,
) -> Suggestion:
    """Return the configuration that the model expects most of, inside the trust region, or anywhere if None.

    `observations` are oldest first; those whose rate is not finite are left out. Equal arguments give equal
    suggestions. A suggestion differs from every pending configuration, unless many draws find no other.
    """
    task = _Task(space=space, request=request, region=region, settings=settings)
    return _guarded(task, observations, _stream(seed, "suggest"))


def restart_centre(
    space: Space,
    best_points: Sequence[Observation],
    settings: SurrogateSettings,
    seed: Address,
    *,
    frozen: Mapping[str, Value] | None = None,
) -> Suggestion:
    """Return the centre of a new trust region: where an auxiliary global model's upper bound is highest.

    `best_points` are the best points of the earlier restarts, oldest first, and `frozen` the values of inputs
    that must not change. The context and time are those of the newest. Wan et al. (2022), theorem 3.1.
    """
    newest = best_points[-1] if best_points else None
    request = SuggestRequest(
        centre={**(newest.configuration if newest else space.default()), **(frozen or {})},
        score_before=newest.score_before if newest else 0.0,
        time=newest.time if newest else 0.0,
        frozen=tuple(frozen or ()),
    )
    by_bound = settings if settings.acquisition == "sign" else replace(settings, acquisition="converged")
    task = _Task(space=space, request=request, region=None, settings=by_bound)
    rng = _stream(seed, "restart")
    if settings.restart == "random":
        return _random(task, rng, "restarts are set to be random")
    return _guarded(task, best_points, rng)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """What is asked for."""

    space: Space
    request: SuggestRequest
    region: TrustRegion | None  # None: the whole space
    settings: SurrogateSettings


def _guarded(task: _Task, observations: Sequence[Observation], rng: np.random.Generator) -> Suggestion:
    """Return the model's suggestion or, whatever goes wrong, a random one with the reason."""
    try:
        with one_blas_thread(), np.errstate(all="ignore"):
            return _from_model(task, observations, rng)
    except TooLittleDataError as error:
        reason = str(error)
    except Exception as error:  # a run of days must not end here; the history shows the reason
        reason = f"the model failed: {type(error).__name__}: {error}"
    return _random(task, rng, reason)


def _from_model(task: _Task, observations: Sequence[Observation], rng: np.random.Generator) -> Suggestion:
    if not math.isfinite(task.request.time):
        raise TooLittleDataError(f"the time of the coming round is {task.request.time}")
    coordinates = coordinates_of(task.space)
    model = model_of(coordinates, observations, task.request, task.settings, rng)
    lengthscale_d = model.posterior.hyperparameters.lengthscale_d[: coordinates.ordered.size]
    forecast = Forecast(
        model=model.posterior,
        coordinates=coordinates,
        context=float(model.scale([task.request.score_before])[0]),
        time=task.request.time,
    )
    candidate_set = _candidate_set(task, coordinates, lengthscale_d)
    if _draws(task.settings, model):
        x_nd, value_n = maximise_draw(forecast, candidate_set, task.settings, rng)
    else:
        bound = UpperBound(forecast=forecast, beta=task.settings.ucb_beta)
        x_nd, value_n = maximise_bound(bound, candidate_set, task.settings, rng)
    for x_d, value in zip(x_nd, value_n, strict=True):
        configuration = _decoded(task, x_d)
        if _is_new(task, configuration):
            figures = {"acquisition": float(value), **_figures(model, task)}
            return Suggestion(configuration=configuration, figures=figures, fit=tuple(model.theta_p.tolist()))
    raise TooLittleDataError("every configuration in reach is forbidden or already running")


def _draws(settings: SurrogateSettings, model: Model) -> bool:
    """Return whether to draw a function of the model instead of trusting its upper bound."""
    is_unsure = settings.acquisition == "adaptive" and model.skill < SKILL_OF_A_BOUND
    return is_unsure or settings.acquisition == "thompson"


def _random(task: _Task, rng: np.random.Generator, reason: str) -> Suggestion:
    """Return a random configuration of the region, or of the space if the region has no new one."""
    try:
        coordinates = coordinates_of(task.space)
        candidate_set = _candidate_set(task, coordinates, np.ones(coordinates.ordered.size))
        drawn: Iterable[Configuration] = (
            _decoded(task, x_d) for x_d in draw(candidate_set, FALLBACK_DRAWS, rng)
        )
        new = next((configuration for configuration in drawn if _is_new(task, configuration)), None)
        if new is not None:
            return Suggestion(configuration=new, reason=reason)
        reason = f"{reason}; nothing new in reach"
    except Exception as error:  # such as a centre that is not of this space
        reason = f"{reason}; no random point of the region: {type(error).__name__}: {error}"
    return Suggestion(configuration=_anywhere(task, rng), reason=reason)


def _anywhere(task: _Task, rng: np.random.Generator) -> Configuration:
    """Return a random configuration with the frozen values; new if that takes few draws, legal always."""
    sampled = [_with_frozen(task, drawn) for drawn in task.space.sample(LAST_DRAWS, rng)]
    legal = [drawn for drawn in sampled if task.space.is_legal(drawn)]
    if not legal and task.space.is_legal(task.request.centre):
        return dict(task.request.centre)
    new = [drawn for drawn in legal if _is_new(task, drawn)]
    return [*new, *legal, *task.space.sample(1, rng)][0]


def _candidate_set(task: _Task, coordinates: Coordinates, lengthscale_d: Floats) -> CandidateSet:
    request, region = task.request, task.region
    centre_d = coordinates.completed(request.centre)
    categories = coordinates.categorical.size
    if region is None:
        whole = (np.zeros(coordinates.ordered.size), np.ones(coordinates.ordered.size))
        return candidate_set_around(coordinates, centre_d, whole, categories, request.frozen)
    active_d = task.space.encode([request.centre])[0]
    bounds = box(active_d[coordinates.ordered], lengthscale_d, region.length)
    radius = hamming_radius(region, categories, task.settings)
    return candidate_set_around(coordinates, centre_d, bounds, radius, request.frozen)


def _decoded(task: _Task, x_d: Floats) -> Configuration:
    return _with_frozen(task, task.space.decode(x_d[None])[0])


def _with_frozen(task: _Task, configuration: Configuration) -> Configuration:
    """Return a configuration with the frozen values themselves, which no rounding may change."""
    centre = task.request.centre
    kept = {name: centre[name] for name in task.request.frozen if name in configuration and name in centre}
    return {**configuration, **kept}


def _is_new(task: _Task, configuration: Configuration) -> bool:
    """Return whether a configuration is legal and not running."""
    is_running = any(dict(point.configuration) == dict(configuration) for point in task.request.pending)
    return not is_running and task.space.is_legal(configuration)


def _figures(model: Model, task: _Task) -> dict[str, float]:
    """Return what the history keeps of the model."""
    hyper = from_theta(model.theta_p, model.layout)
    names = [task.space.names[column] for column in model.coordinates.ordered]
    changed = [task.space.names[column] for column in model.coordinates.categorical]
    return {
        "data": float(model.data),
        "skill": model.skill,
        "mixing": hyper.mixing,
        "forgetting": hyper.forgetting,
        "signal_variance": hyper.signal_variance,
        "noise_variance": hyper.noise_variance,
        "lengthscale.score_before": float(hyper.lengthscale_d[-1]),
        **{f"lengthscale.{name}": float(x) for name, x in zip(names, hyper.lengthscale_d, strict=False)},
        **{f"overlap.{name}": float(x) for name, x in zip(changed, hyper.overlap_c, strict=True)},
    }


def _stream(seed: Address, purpose: str) -> np.random.Generator:
    return stream(*([seed] if isinstance(seed, int) else seed), purpose)
