"""One run as one JSON document: what the page draws.

A document has a head (what the run is), rows (one for each order that has an outcome) and a summary. Rows
refer to each other by round and member, so they can be sent in parts: a page that lost its connection gets
the rows since the round it saw last. Everything is a pure function of what `bgpbt.storage` returns.
"""

import json
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

from bgpbt import space as spaces
from bgpbt.analysis import cuts, steps_by_purpose
from bgpbt.analysis.lineage import Generation, Makers, best_of, failures, generations
from bgpbt.encoding import without_unknown
from bgpbt.errors import InputError
from bgpbt.records import TRAINED_PREFIX, Checkpoint, Distil, Outcome, ProposalSource, Purpose, Trained, Value
from bgpbt.runs import ExperimentSettings, is_of_own_trainer, settings_if_ours, space_of
from bgpbt.space import Space
from bgpbt.space.inputs import Categorical, Continuous, Ordered
from bgpbt.storage import RunDescription

__all__ = ["ROW_FIELDS", "Json", "head", "hyperparameter_names", "rows", "summary"]

Json = dict[str, Any]
Key = tuple[int, int]  # round and member

PURPOSES = tuple(purpose.value for purpose in Purpose)
STARTS = ("fresh", "from", "distil", "grow", "shrinkperturb")
SOURCES = tuple(source.value for source in ProposalSource)

_MOST_REASONS = 5  # why members failed, the most frequent first

LOG_STEP = 1.05  # a first step between levels so much longer than the mean one is that of a log scale

ROW_FIELDS = (
    "round",
    "member",
    "generation",
    "purpose",  # index in the head's `purposes`
    "start",  # index in the head's `starts`
    "first_step",  # environment steps that the starting weights had been trained for
    "steps",  # environment steps trained in this round
    "evaluation_steps",
    "score",  # null: not a number
    "seconds",
    "source",  # of the configuration, index in the head's `sources`
    "parent",  # member of the previous round whose weights were taken over, if another's
    "weights",  # [round, member] that made the weights it starts from; null: new weights
    "teacher",  # [round, member] that a student learns from
    "rung",
    "configuration",  # values in the sequence of the head's `hyperparameters`; null: as in `weights`
    "note",
    "failure",
    "trained",  # hyperparameter -> value that was trained with instead of the configured; null: none
)
"""What stands where in a row."""


def head(description: RunDescription, *, name: str, trained: Sequence[Trained]) -> Json:
    """Return what does not change while a run goes on, unless a new hyperparameter appears."""
    settings = settings_if_ours(description)
    configuration = description.configuration
    return {
        "name": name,
        "task": str(configuration.get("environment", "")),
        "strategy": str(configuration.get("strategy", "")),
        "is_of_own_trainer": is_of_own_trainer(configuration),
        "seed": description.seed,
        "device": description.device,
        "machine": description.machine,
        "cores": description.cores,
        "created": description.created,
        "versions": dict(description.versions),
        "settings": {key: without_unknown(value) for key, value in configuration.items() if key != "space"},
        "rounds": None if settings is None else settings.rounds,
        "expected_steps": None if settings is None else _expected_steps(settings),
        "hyperparameters": _hyperparameters(_space_of(description), trained),
        "purposes": PURPOSES,
        "starts": STARTS,
        "sources": SOURCES,
        "fields": ROW_FIELDS,
    }


def hyperparameter_names(document_head: Json) -> list[str]:
    """Return the names in the sequence of a row's configuration."""
    return [hyperparameter["name"] for hyperparameter in document_head["hyperparameters"]]


def rows(trained: Sequence[Trained], names: Sequence[str], *, first_round: int = 0) -> list[list[Any]]:
    """Return the rows from a round on, by round and member; `trained` is the whole history so far."""
    makers = Makers(trained)
    return [_row(pair, names, makers) for pair in trained if pair.order.round >= first_round]


def summary(trained: Sequence[Trained], *, orders_of_round: int, finished: bool, state: object) -> Json:
    """Return what changes with every outcome.

    Args:
        trained: every order that has an outcome.
        orders_of_round: orders of the newest round, those without outcome included.
        finished: whether the strategy plans no further round.
        state: of the strategy, as plain values; a trust region in it is shown.
    """
    best = best_of(trained)
    newest = max((order.round for order, _ in trained), default=0)
    done = sum(order.round == newest for order, _ in trained)
    recent = [outcome for order, outcome in trained if order.round >= newest - 2]
    seconds = sum(outcome.seconds for outcome in recent)
    return {
        "best": None if best is None else _key(best),
        "steps": steps_by_purpose(trained),
        "failed": sum(outcome.failure is not None for _, outcome in trained),
        "reasons": failures(trained).most_common(_MOST_REASONS),
        "round": newest,
        "done": done,
        "orders": max(orders_of_round, done),
        "finished": finished,
        "member_speed": sum(outcome.steps for outcome in recent) / seconds if seconds > 0 else None,
        "region": _region(state),
        "regions": _regions(trained),
        "cuts": [
            [cut.round, cut.before, cut.after, cut.reason]
            for cut in cuts(
                [pair for pair in trained if pair.order.round < newest or done >= orders_of_round]
            )
        ],
        "generations": [_generation(generation) for generation in generations(trained)],
    }


def _row(pair: Trained, names: Sequence[str], makers: Makers) -> list[Any]:
    order, outcome = pair
    start = order.start

    def maker(checkpoint: Checkpoint | None) -> Trained | None:
        return None if checkpoint is None else makers.of(checkpoint, before=order.round)

    parent = maker(start.weights)
    teacher = maker(start.teacher) if isinstance(start, Distil) else None
    inherited = parent is not None and parent.order.configuration == order.configuration
    return [
        order.round,
        order.member,
        order.generation,
        PURPOSES.index(order.purpose.value),
        STARTS.index(type(start).__name__.lower()),
        order.first_step,
        outcome.steps,
        outcome.evaluation_steps,
        without_unknown(outcome.score),
        round(outcome.seconds, 3),
        SOURCES.index(order.proposal.source.value),
        order.proposal.parent,
        None if parent is None else _key(parent),
        None if teacher is None else _key(teacher),
        start.rung if isinstance(start, Distil) else None,
        None if inherited else [without_unknown(order.configuration.get(name)) for name in names],
        order.proposal.note,
        outcome.failure,
        _trained_with(outcome),
    ]


def _trained_with(outcome: Outcome) -> Json | None:
    return {
        name.removeprefix(TRAINED_PREFIX): without_unknown(value)
        for name, value in outcome.figures.items()
        if name.startswith(TRAINED_PREFIX)
    } or None


def _key(pair: Trained) -> Key:
    return pair.order.round, pair.order.member


def _generation(generation: Generation) -> Json:
    return {
        "number": generation.number,
        "first_round": generation.first_round,
        "last_round": generation.last_round,
        "students": generation.students,
        "distillation_steps": generation.distillation_steps,
        "best": None if generation.best is None else _key(generation.best),
    }


def _regions(trained: Sequence[Trained]) -> list[tuple[int, float, int | None]]:
    """Return round and side of the trust region for every round whose proposals have one.

    Where it has restarted for that round the number of restarts follows, else None.
    """
    said = {
        order.round: (figures["region.length"], int(figures["region.restarts"]))
        for order, _ in trained
        if "region.length" in (figures := order.proposal.figures)
    }
    regions: list[tuple[int, float, int | None]] = []
    restarts_before = 0
    for round_index in sorted(said):
        length, restarts = said[round_index]
        regions.append((round_index, length, restarts if restarts > restarts_before else None))
        restarts_before = restarts
    return regions


def _region(state: object) -> Json | None:
    """Return the trust region in a strategy's state, wherever in it that is; None if there is none."""
    if not isinstance(state, Mapping):
        return None
    region = state.get("region")
    if isinstance(region, Mapping) and "length" in region:
        return {str(name): without_unknown(value) for name, value in region.items()}
    found = (_region(part) for part in state.values())
    return next((region for region in found if region is not None), None)


@lru_cache(maxsize=16)  # it plans all rounds of a run with generations
def _expected_steps(settings: ExperimentSettings) -> int:
    return settings.expected_steps


def _space_of(description: RunDescription) -> Space | None:
    """Return the space of a run; None where it is not known here."""
    settings = settings_if_ours(description)
    if settings is not None:
        return _space(settings)
    space = description.configuration.get("space")  # of one's own trainer, as ConfigSpace writes it
    if not isinstance(space, Mapping):
        return None
    try:
        return spaces.space_from_json(json.dumps(space))
    except (InputError, KeyError, ValueError):
        return None


@lru_cache(maxsize=16)
def _space(settings: ExperimentSettings) -> Space | None:
    try:
        return space_of(settings)
    except (InputError, KeyError, ValueError):
        return None


def _hyperparameters(space: Space | None, trained: Sequence[Trained]) -> list[Json]:
    """Return name and scale of every hyperparameter: those of the space, then others in use, by name."""
    known = [] if space is None else [_scale(item) for item in space.inputs]
    names = {item["name"] for item in known}
    tried: dict[str, set[Value]] = {}
    for order, _ in trained:
        for name, value in order.configuration.items():
            if name not in names:
                tried.setdefault(name, set()).add(value)
    return known + [_guess(name, tried[name]) for name in sorted(tried)]


def _scale(item: Continuous | Ordered | Categorical) -> Json:
    if isinstance(item, Continuous):
        return {"name": item.name, "scale": item.transform, "low": item.low, "high": item.high}
    if isinstance(item, Categorical):
        return {"name": item.name, "scale": "choice", "choices": list(item.choices)}
    levels = [level for level in item.levels if not isinstance(level, bool | str)]
    if len(levels) < max(len(item.levels), 2):
        return {"name": item.name, "scale": "choice", "choices": list(item.levels)}
    steps = {second - first for first, second in pairwise(levels)}
    scale: Json = {"name": item.name, "scale": "linear", "low": levels[0], "high": levels[-1]}
    if len(steps) > 1 and _are_spread_evenly(item.coordinates):  # such as 64, 128, 256
        scale["levels"] = levels
    # Steps of equal size become smaller and smaller on a log scale.
    first_step = item.coordinates[1] - item.coordinates[0]
    if levels[0] > 0 and ("levels" in scale or first_step > LOG_STEP / (len(levels) - 1)):
        scale["scale"] = "log"
    return scale


def _are_spread_evenly(coordinates: Sequence[float]) -> bool:
    """Return whether levels are searched as if they were equally far apart, whatever they are."""
    steps = [second - first for first, second in pairwise(coordinates)]
    return math.isclose(min(steps), max(steps), rel_tol=1e-6)


def _guess(name: str, tried: set[Value]) -> Json:
    """Return a scale for what the space does not tell, from the values that were tried."""
    numbers = [value for value in tried if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) < len(tried):
        return {"name": name, "scale": "choice", "choices": sorted(tried, key=str)}
    low, high = min(numbers), max(numbers)
    is_log = low > 0 and high >= 100 * low
    return {"name": name, "scale": "log" if is_log else "linear", "low": low, "high": high}
