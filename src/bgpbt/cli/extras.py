"""What is installed only on request: one line of advice where it is missing."""

from collections.abc import Iterator
from contextlib import contextmanager

from bgpbt.errors import InputError

__all__ = ["naming_extra"]


@contextmanager
def naming_extra(extra: str) -> Iterator[None]:
    """Turn a missing package into an InputError that names the extra it is part of.

    Raises:
        InputError: a package that is imported inside is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise InputError(f"{error.name} is not installed; run pip install 'bgpbt[{extra}]'") from error
