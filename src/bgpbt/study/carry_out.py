"""One run of a study: trained, or gone on with, then scored on start states that selection never saw."""

import hashlib
import json
import math
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

import bgpbt
from bgpbt.analysis import EVALUATION, BestMember, best_member, steps_by_purpose
from bgpbt.encoding import decode, encode
from bgpbt.errors import DamagedRunError, InputError, RoundFailedError
from bgpbt.execution import StopSwitch, run_loop
from bgpbt.records import Order, ProposalSource, Purpose, Trained
from bgpbt.runs import (
    Experiment,
    assemble,
    difference,
    local_executor,
    plain_settings,
    returns_on_test_seeds,
    settings_of,
)
from bgpbt.storage import RunDirectory, create_run, open_run, there_is_something
from bgpbt.storage.files import write_durably
from bgpbt.study.cores import cores_label
from bgpbt.study.plan import HASH_LENGTH, StudyRun, configuration_hash
from bgpbt.study.results import Result, RoundResult, RunResult

__all__ = ["carry_out", "finished", "source_hash"]

RESULT_FILE = "result.json"
"""Stands in a run's directory when the run is over and scored."""


def carry_out(
    run: StudyRun,
    directory: Path,
    *,
    switch: StopSwitch,
    on_steps: Callable[[int], None],
    like: Experiment | None = None,
) -> tuple[Result, Experiment]:
    """Do a run, or what is left of it; return its result, and the experiment whose programs can be reused.

    Args:
        run: what to do.
        directory: of the study; the run's own is below.
        switch: ends the run; what has been committed stays.
        on_steps: told of environment steps as they are trained, since the last call.
        like: an earlier run's experiment.

    Raises:
        StopRequested: the run was asked to end.
        BgpbtError: the directory holds a run with other settings, is damaged, or cannot be written.
    """
    told: Counter[tuple[int, int]] = Counter()  # steps by round and member

    def on_progress(order: Order, steps: int) -> None:
        on_steps(steps - told[order.round, order.member])
        told[order.round, order.member] = steps
        switch.check()

    experiment = assemble(run.settings, on_progress=on_progress, like=like)
    stored = _run_directory(directory / run.name, run, experiment.task.device)
    with stored.locked(), stored.open_history() as history:
        executor = local_executor(experiment, stored.checkpoints, switch=switch)
        with suppress(RoundFailedError):  # a result, too: what the run had come to counts
            run_loop(experiment.strategy, executor, history, stored.checkpoints, run.seed)
        result = _result(run, experiment, stored, history.trained())
    write_durably(stored.path / RESULT_FILE, encode(result).encode())
    return result, experiment


def finished(run: StudyRun, directory: Path) -> Result | None:
    """Return what came of a run, if it is over.

    Raises:
        DamagedRunError: its result cannot be read.
        InputError: it was made with other settings.
    """
    path = directory / run.name / RESULT_FILE
    if not path.exists():
        return None
    try:
        result = decode(Result, path.read_text(encoding="utf-8"))
    except Exception as error:  # the converter raises groups of whatever went wrong inside
        raise DamagedRunError(f"{path} cannot be read; remove it and the run is scored again") from error
    if result.run.configuration != configuration_hash(run.settings):
        _refuse(path.parent, difference(settings_of(open_run(path.parent)), run.settings))
    return result


@cache
def source_hash() -> str:
    """Return a hash of the program, so that results can be told from those of another version of it."""
    root = Path(bgpbt.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(f"{path.relative_to(root)}".encode() + path.read_bytes())
    return digest.hexdigest()[:HASH_LENGTH]


def _run_directory(path: Path, run: StudyRun, device: str) -> RunDirectory:
    if not there_is_something(path):
        return create_run(path, plain_settings(run.settings), seed=run.seed, device=device)
    stored = open_run(path)
    differs = difference(settings_of(stored), run.settings)
    if differs is not None:
        _refuse(path, differs)
    return stored


def _refuse(path: Path, differs: str | None) -> None:
    raise InputError(f"{path} was made with another protocol: {differs}; choose another directory")


def _result(
    run: StudyRun, experiment: Experiment, stored: RunDirectory, trained: Sequence[Trained]
) -> Result:
    best = best_member(trained)
    mean, error, episodes = _test(experiment, stored, best)
    steps = steps_by_purpose(trained)
    sources = [order.proposal.source for order, _ in trained]
    row = RunResult(
        task=run.task,
        contender=run.contender,
        seed=run.seed,
        score=mean,
        standard_error=error,
        selection_score=math.nan if best is None else best.outcome.score,
        test_episodes=episodes,
        steps=sum(outcome.steps for _, outcome in trained),
        distillation_steps=steps.get(Purpose.DISTIL.value, 0),
        evaluation_steps=steps.get(EVALUATION, 0),
        rounds=max(order.round for order, _ in trained) + 1,
        proposals=sources.count(ProposalSource.MODEL),
        fallbacks=sources.count(ProposalSource.FALLBACK),
        failed_members=sum(outcome.failure is not None for _, outcome in trained),
        seconds=sum(outcome.seconds for _, outcome in trained),
        compilations=getattr(experiment.trainer, "compilations", 0),
        configuration=configuration_hash(run.settings),
        source=source_hash(),
        versions=_versions(stored.description.versions),
        machine=f"{stored.description.machine}, cores: {cores_label(stored.description.cores)}, "
        f"Python {stored.description.python}",
    )
    return Result(run=row, rounds=_rounds(run, trained))


def _test(experiment: Experiment, stored: RunDirectory, best: BestMember | None) -> tuple[float, float, int]:
    """Return mean, standard error and number of the best member's returns on start states of the test.

    A toy has no luck in it, so its score is what it is.
    """
    if best is None:
        return math.nan, math.nan, 0
    returns = returns_on_test_seeds(experiment, best, stored.checkpoints)
    if returns is None:
        return best.outcome.score, 0.0, 0
    return returns.mean, returns.standard_error, returns.return_n.size


def _rounds(run: StudyRun, trained: Sequence[Trained]) -> tuple[RoundResult, ...]:
    rows, done = [], 0
    for number in sorted({order.round for order, _ in trained}):
        members = [one for one in trained if one.order.round == number]
        done += sum(outcome.steps for _, outcome in members)
        scores = [outcome.score for _, outcome in members if math.isfinite(outcome.score)] or [math.nan]
        rows.append(
            RoundResult(
                task=run.task,
                contender=run.contender,
                seed=run.seed,
                round=number,
                steps=done,
                best=max(scores),
                median=statistics.median(scores),
                generation=members[0].order.generation,
            )
        )
    return tuple(rows)


def _versions(versions: Mapping[str, str]) -> str:
    return json.dumps(dict(sorted(versions.items())), separators=(",", ":"))
