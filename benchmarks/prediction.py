"""How well the surrogate predicts: on recorded runs, the rates of improvement of the round that comes next.

    python benchmarks/prediction.py runs/study-cpu [--every 3] [--json]

For each round of each run the model is fitted to all rounds before it and asked for the members of that one.
`correlation` is Spearman's, of expected and real rates of the members of a round; guessing gets 0. `loss` is
the negative log predictive density of the real rates, in Gaussian ranks, per member: less is better. Both are
means over rounds, with their standard errors.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from scipy.stats import spearmanr
from threadpoolctl import threadpool_limits
from tyro.conf import FlagCreatePairsOff, Positional

from bgpbt.arrays import Floats
from bgpbt.records import From, Trained
from bgpbt.runs import assemble, settings_of
from bgpbt.space import Space
from bgpbt.storage import is_run, open_run
from bgpbt.surrogate import Observation, SuggestRequest, SurrogateSettings
from bgpbt.surrogate.coordinates import coordinates_of
from bgpbt.surrogate.copula import gaussian_ranks
from bgpbt.surrogate.gp import predict
from bgpbt.surrogate.model import Model, model_of, points_of

VARIANTS: Mapping[str, SurrogateSettings] = {
    "default": SurrogateSettings(),
    "noise prior 0.1": SurrogateSettings(noise_prior=0.1),
    "noise prior 0.01": SurrogateSettings(noise_prior=0.01),
    "one lengthscale": SurrogateSettings(lengthscales="shared"),
    "fixed lengthscales": SurrogateSettings(fit_lengthscales=False),
}


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Compare variants of the surrogate on recorded runs."""

    directory: Positional[Path]
    """Directory of runs, such as that of a study."""
    every: int = 3
    """Rounds between two that are predicted."""
    json: Annotated[bool, FlagCreatePairsOff] = False
    """Print one JSON object instead of a table."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """How one variant predicts the runs of one task."""

    task: str
    variant: str
    rounds: int
    correlation: float
    correlation_error: float
    loss: float
    loss_error: float


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A run as the surrogate sees it."""

    task: str
    space: Space
    rounds: tuple[tuple[Observation, ...], ...]


def main(arguments: Arguments) -> None:
    """Predict and print."""
    runs = [recorded(path) for path in sorted(arguments.directory.iterdir()) if is_run(path)]
    rows = []
    with threadpool_limits(1):
        for task in sorted({run.task for run in runs}):
            of_task = [run for run in runs if run.task == task]
            rows += [row_of(task, of_task, name, arguments.every) for name in VARIANTS]
    if arguments.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
        return
    print(f"{'':34} {'variant':20} {'correlation':>16} {'loss':>16} rounds")
    for row in rows:
        print(
            f"{row.task:34} {row.variant:20} {row.correlation:8.3f} +- {row.correlation_error:.3f} "
            f"{row.loss:8.3f} +- {row.loss_error:.3f} {row.rounds}"
        )


def recorded(path: Path) -> Recorded:
    """Read a run; students are left out, since they learn from somebody."""
    run = open_run(path)
    settings = settings_of(run)
    with run.open_history(read_only=True) as history:
        trained = [pair for pair in history.trained() if pair[0].generation == 0]
    space = assemble(settings).space
    return Recorded(task=settings.environment, space=space, rounds=observed(trained))


def observed(trained: Sequence[Trained]) -> tuple[tuple[Observation, ...], ...]:
    """Return what each round tells a strategy; fresh weights count as the worst score of their round."""
    scores = {outcome.checkpoint: outcome.score for _, outcome in trained if outcome.checkpoint}
    rounds = []
    for number in sorted({order.round for order, _ in trained}):
        members = [pair for pair in trained if pair[0].round == number]
        worst = min((o.score for _, o in members if math.isfinite(o.score)), default=math.nan)
        rounds.append(
            tuple(
                _observation(pair, scores[pair[0].start.checkpoint])
                if isinstance(pair[0].start, From)
                else _observation(pair, worst)
                for pair in members
                if pair[1].steps and math.isfinite(pair[1].score)
            )
        )
    return tuple(rounds)


def _observation(pair: Trained, score_before: float) -> Observation:
    order, outcome = pair
    return Observation(
        configuration=order.configuration,
        score_before=score_before,
        time=float(order.round),
        improvement_rate=(outcome.score - score_before) / outcome.steps,
    )


def row_of(task: str, runs: Sequence[Recorded], variant: str, every: int) -> Row:
    """Predict rounds 2, 2 + every, ... of some runs."""
    pairs = [
        predicted(run, number, VARIANTS[variant])
        for run in runs
        for number in range(2, len(run.rounds), every)
    ]
    correlation_k, loss_k = np.array(pairs).T
    return Row(
        task=task,
        variant=variant,
        rounds=len(pairs),
        correlation=float(correlation_k.mean()),
        correlation_error=_error(correlation_k),
        loss=float(loss_k.mean()),
        loss_error=_error(loss_k),
    )


def predicted(run: Recorded, number: int, settings: SurrogateSettings) -> tuple[float, float]:
    """Return the rank correlation and the loss of the prediction of a round."""
    past = [observation for before in run.rounds[:number] for observation in before]
    coming = run.rounds[number]
    request = SuggestRequest(
        centre=coming[0].configuration, score_before=coming[0].score_before, time=float(number)
    )
    model = model_of(coordinates_of(run.space), past, request, settings, np.random.default_rng(0))
    mean_m, variance_m = _prediction(model, coming)
    rate_n = np.array([observation.improvement_rate for observation in past])
    rate_m = np.array([observation.improvement_rate for observation in coming])
    order_n = np.argsort(rate_n)
    real_m = np.interp(rate_m, rate_n[order_n], gaussian_ranks(rate_n)[order_n])
    loss_m = 0.5 * np.log(2.0 * np.pi * variance_m) + 0.5 * (real_m - mean_m) ** 2 / variance_m
    varies = np.ptp(mean_m) > 0 and np.ptp(rate_m) > 0
    return float(spearmanr(mean_m, rate_m).statistic) if varies else 0.0, float(loss_m.mean())


def _prediction(model: Model, coming: Sequence[Observation]) -> tuple[Floats, Floats]:
    points = points_of(model.coordinates, model.scale, coming, [observation.time for observation in coming])
    mean_m, variance_m = predict(model.posterior, points)
    return mean_m, variance_m + model.posterior.hyperparameters.noise_variance


def _error(value_k: Floats) -> float:
    return float(np.std(value_k, ddof=1) / np.sqrt(value_k.size)) if value_k.size > 1 else math.nan


if __name__ == "__main__":
    main(tyro.cli(Arguments))
