"""Which runs one command asks for: their seeds, and the directory that holds them."""

from collections.abc import Sequence
from pathlib import Path

from bgpbt.errors import InputError

__all__ = ["name_of", "runs_directory", "seeds_of"]


def seeds_of(seeds: Sequence[int], num_repeats: int | str) -> tuple[int, ...]:
    """Return the seeds of the runs, in their sequence.

    Raises:
        InputError: there is none, one is given twice, or seeds are both listed and counted.
    """
    if not seeds:
        raise InputError("seed = needs one seed or several, such as 0 1 2")
    if len(set(seeds)) < len(seeds):
        raise InputError(f"seed = {' '.join(map(str, seeds))} names a seed twice")
    if isinstance(num_repeats, str):  # the experiment's name
        return tuple(seeds)
    if num_repeats < 1:
        raise InputError(f"num_repeats = {num_repeats} must be 1 or more, or the experiment's name")
    if len(seeds) > 1 and num_repeats > 1:
        raise InputError(
            f"num_repeats = {num_repeats} counts seeds up from one, and seed = {' '.join(map(str, seeds))} "
            f"lists them; leave num_repeats out"
        )
    return tuple(seeds) if num_repeats == 1 else tuple(range(seeds[0], seeds[0] + num_repeats))


def name_of(num_repeats: int | str, exp_name: str | None) -> str | None:
    """Return the experiment's name, which `-n` and `--exp-name` both take.

    Raises:
        InputError: it is no name of a directory, or two are given.
    """
    name = num_repeats if isinstance(num_repeats, str) else None
    if name is not None and exp_name is not None:
        raise InputError(f"num_repeats = {name} and exp_name = {exp_name} both name the experiment")
    flag, name = ("exp_name", exp_name) if name is None else ("num_repeats", name)
    if name is not None and (not name or "/" in name or name.startswith((".", "-")) or "\0" in name):
        raise InputError(f"{flag} = {name!r} must be the name of a directory, without a slash or a first dot")
    return name


def runs_directory(save_dir: Path, name: str | None) -> Path:
    """Return the directory that holds the runs.

    Raises:
        InputError: a file is there.
    """
    if save_dir.exists() and not save_dir.is_dir():
        raise InputError(f"save_dir = {save_dir} is there and is not a directory")
    return save_dir if name is None else save_dir / name
