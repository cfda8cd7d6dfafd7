"""The schedule of a run's best member as a file that people read and `bgpbt replay` trains along."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from bgpbt.analysis.lineage import BestMember, Makers, best_member
from bgpbt.encoding import decode, encode, json_text
from bgpbt.errors import DamagedRunError, InputError
from bgpbt.records import Checkpoint, Distil, Grow, ShrinkPerturb, Trained
from bgpbt.storage import RunDirectory
from bgpbt.storage.files import write_durably
from bgpbt.strategies.replay import Schedule, Stretch
from bgpbt.text_files import read_text
from bgpbt.yaml_text import YAMLError, read_yaml, write_yaml

__all__ = [
    "FORMAT",
    "ScheduleFile",
    "best_of_run",
    "read_schedule",
    "schedule_of",
    "write_schedule",
]

FORMAT = "bgpbt schedule"
FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleFile:
    """A schedule, and the settings of the run that found it."""

    settings: Mapping[str, Any]  # plain values
    schedule: Schedule


def best_of_run(run: RunDirectory) -> tuple[BestMember, Sequence[Trained]]:
    """Return the best member of a run, and all that was trained in it; the run may be under way.

    Raises:
        InputError: no member of it has a score and a checkpoint.
        BgpbtError: the history is damaged or cannot be read.
    """
    with run.open_history(read_only=True) as history:
        trained = history.trained()
    best = best_member(trained)
    if best is None:
        raise InputError(f"{run.path}: no member of it could be scored yet")
    return best, trained


def schedule_of(member: Trained, trained: Sequence[Trained]) -> Schedule:
    """Return the schedule of a member: its ancestry, with that of every teacher.

    Args:
        member: such as `BestMember.trained`.
        trained: every order of the run that has an outcome.

    Raises:
        DamagedRunError: the history lacks an order that the ancestry needs.
    """
    makers = Makers(trained)
    stretches: list[Stretch] = []
    places: dict[tuple[int, int], int] = {}  # round and member to index of its stretch

    def place(pair: Trained) -> int:
        key = (pair.order.round, pair.order.member)
        if key not in places:
            made = {wanted: place(_maker(makers, wanted, pair)) for wanted in pair.order.start.reads}
            places[key] = len(stretches)
            stretches.append(_stretch(pair, made))
        return places[key]

    place(member)
    return Schedule(stretches=tuple(stretches))


def write_schedule(path: Path | str, file: ScheduleFile, *, as_json: bool = False) -> None:
    """Write a schedule as YAML, or as JSON.

    Raises:
        StorageError: the file cannot be written.
    """
    content = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "settings": dict(file.settings),
        "stretches": [_plain(stretch) for stretch in json.loads(encode(file.schedule))["stretches"]],
    }
    text = f"{json_text(content, indent=2)}\n" if as_json else write_yaml(content)
    write_durably(Path(path), text.encode())


def read_schedule(path: Path | str) -> ScheduleFile:
    """Read a schedule: JSON where the file's name ends so, YAML otherwise.

    Raises:
        InputError: the file cannot be read, or is not a schedule.
    """
    text = read_text(path)
    try:
        content = json.loads(text) if Path(path).suffix.lower() == ".json" else read_yaml(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{path} is not JSON: {error}") from error
    except YAMLError as error:
        raise InputError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f"{path} is not a schedule; write one with bgpbt schedule RUN")
    if content.get("format_version") != FORMAT_VERSION:
        raise InputError(
            f"{path}: format {content.get('format_version')}; this bgpbt reads format {FORMAT_VERSION}"
        )
    try:
        stretches = [_with_score(stretch) for stretch in content["stretches"]]
        schedule = decode(Schedule, json.dumps({"stretches": stretches}))
    except Exception as error:  # the converter raises groups of whatever went wrong inside
        raise InputError(f"{path}: {_complaint(error)}") from error
    return ScheduleFile(settings=content["settings"], schedule=schedule)


def _complaint(error: BaseException) -> str:
    """Return what is wrong with a schedule."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return (
        f"{error}" if isinstance(error, InputError) else "a stretch lacks a field or has one of another kind"
    )


def _with_score(stretch: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stretch whose score is a number, where JSON proper has null for what is not known."""
    return {**stretch, "score": math.nan if stretch["score"] is None else stretch["score"]}


def _plain(stretch: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stretch in the sequence of its fields, those left out that are as by default."""
    return {item.name: stretch[item.name] for item in fields(Stretch) if stretch[item.name] != item.default}


def _maker(makers: Makers, wanted: Checkpoint, reader: Trained) -> Trained:
    """Return the order that made what another one reads."""
    maker = makers.of(wanted, before=reader.order.round)
    if maker is None:
        raise DamagedRunError(f"no order in the history made checkpoint {wanted}")
    return maker


def _stretch(pair: Trained, places: Mapping[Checkpoint, int]) -> Stretch:
    order, outcome = pair
    if outcome.checkpoint is None:
        raise DamagedRunError(f"member {order.member} of round {order.round + 1} left no checkpoint")
    start = order.start
    lesson = start if isinstance(start, Distil) else None
    return Stretch(
        parent=None if start.weights is None else places[start.weights],
        teacher=None if lesson is None else places[lesson.teacher],
        is_grown=isinstance(start, Grow),
        keep=start.keep if isinstance(start, ShrinkPerturb) else None,
        fresh=start.fresh if isinstance(start, ShrinkPerturb) else 0.0,
        rung=0 if lesson is None else lesson.rung,
        distilled=0 if lesson is None else lesson.first_step,
        distillation=0 if lesson is None else lesson.total_steps,
        round=order.round,
        member=order.member,
        generation=order.generation,
        purpose=order.purpose,
        first_step=order.first_step,
        steps=order.steps,
        seed=order.seed,
        score=outcome.score,
        checkpoint=outcome.checkpoint,
        configuration=order.configuration,
    )
