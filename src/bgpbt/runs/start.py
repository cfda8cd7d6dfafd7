"""What a run begins with: configurations of a user's, and the region around one that is searched."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from bgpbt import space as spaces
from bgpbt.analysis.lineage import Makers
from bgpbt.runs.configuration_files import Given, read_configurations, without_repeats
from bgpbt.runs.schedule_file import best_of_run
from bgpbt.runs.settings import ExperimentSettings
from bgpbt.runs.tasks import brings_its_space, space_of
from bgpbt.space import Space
from bgpbt.space.names import FLAGS, likely_name
from bgpbt.storage import open_run
from bgpbt.strategies import start_remarks

__all__ = ["DEFAULT", "given_in", "remarks_of", "with_start"]

DEFAULT = "default"
"""Stands for the space's own default values, where a file or a run may stand."""

Likely = Callable[[str], str | None]


def with_start(
    settings: ExperimentSettings, start: Sequence[str], centre: str | None = None, share: float | None = None
) -> ExperimentSettings:
    """Return settings of a run that begins with given configurations, in a region spaces.around one of them.

    Args:
        settings: of the run, without either.
        start: files, directories of runs, or `default`: configurations for the initial design, in sequence.
        centre: where the configuration stands that the region surrounds; None: the whole space is searched.
        share: of each range that the region keeps, from 0.01 to 1; None: a quarter.

    Raises:
        InputError: a source cannot be read, or holds what is not in the space; the text names file and row.
        BgpbtError: a run among them is damaged.
    """
    if not start and centre is None:
        return settings
    space = space_of(settings)
    likely = _likely_name(settings, space)
    if centre is not None:
        first, *_ = given_in(centre, space, likely)
        space = spaces.around(
            space, first.values, spaces.AROUND_SHARE if share is None else share, source=first.where
        )
        settings = replace(settings, space=spaces.space_to_json(space))
    given = [item for source in start for item in given_in(source, space, likely)]
    return replace(settings, start=tuple(item.values for item in given))


def given_in(source: str, space: Space, likely: Likely | None = None) -> list[Given]:
    """Return the configurations of a source, the first to begin with; each may name some inputs only.

    Args:
        source: a file of configurations, a file that `bgpbt schedule` wrote, the directory of a run (the
            configurations of its best member's lineage, newest first), or `default`.
        space: that they have to be in.
        likely: from an unknown name to the one that was probably meant.

    Raises:
        InputError: it cannot be read, holds none, or holds what is not in the space; the text says where.
        BgpbtError: the run is damaged.
    """
    if source == DEFAULT:
        found = [Given(where=DEFAULT, values=space.default())]
    elif Path(source).is_dir():
        found = _lineage(Path(source))
    else:
        found = read_configurations(Path(source), space)
    for item in found:
        space.completed(item.values, source=item.where, likely=likely)
    return found


def remarks_of(settings: ExperimentSettings) -> tuple[str, ...]:
    """Return lines for people: what of the given configurations is not used or left to defaults.

    Raises:
        InputError: a setting is not allowed.
    """
    if not settings.start:
        return ()
    return start_remarks(space_of(settings), settings.start, settings.population_settings.initial)


def _lineage(path: Path) -> list[Given]:
    """Return the configurations of a run's best member and its ancestors, newest first, each once."""
    best, trained = best_of_run(open_run(path))
    line = Makers(trained).ancestry_and_teachers(best.trained)
    return without_repeats(
        Given(
            where=f"{path}: member {order.member} of round {order.round + 1}",
            values=order.configuration,
        )
        for order, _ in reversed(line)
    )


def _likely_name(settings: ExperimentSettings, space: Space) -> Likely | None:
    """Return what knows the names that other libraries have for the inputs of PPO, and for flags of ours."""
    if brings_its_space(settings.environment):
        return None
    allowed = (*space.configuration_space, *FLAGS)
    return lambda name: likely_name(name, allowed)
