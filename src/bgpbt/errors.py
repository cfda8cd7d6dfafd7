"""What a user can do wrong, as exceptions whose text is the whole message.

The command line prints such an error as one line and exits with status 2. After an `InputError` nothing has
been touched; after the others, a run keeps all that was committed.
"""

import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = [
    "BgpbtError",
    "ClusterLostError",
    "DamagedRunError",
    "InputError",
    "NotInSpaceError",
    "RoundFailedError",
    "naming_extra",
    "one_line",
    "reason_of",
    "shown",
    "storable",
]

_MOST_SHOWN = 80  # characters of a value in a message
_PACKAGE = Path(__file__).parent
_LIBRARIES = (sysconfig.get_path("stdlib"), "site-packages", "<frozen ")
"""Parts of the names of files that a user did not write."""


class BgpbtError(Exception):
    """Base of every error this package raises on purpose."""


class InputError(BgpbtError, ValueError):
    """A value given by the user is not allowed; the text names the field, the value and the rule."""


class NotInSpaceError(InputError):
    """A configuration is not in its space. The text names inputs of the space, which are no settings."""


class DamagedRunError(BgpbtError):
    """Stored data are missing or do not match their hash; the text names the file."""


class RoundFailedError(BgpbtError):
    """Every member of a round failed. The run is not over: the next start trains that round again."""


class ClusterLostError(BgpbtError):
    """The cluster that trains the members is gone. What was committed is kept, and the run can be resumed."""


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


def one_line(error: BaseException) -> str:
    """Return an error as one line that any database takes, whatever its class does."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # of a user's own class
        text = "its text cannot be made"
    return storable(f"{type(error).__name__}: {text}")


def reason_of(error: BaseException) -> str:
    """Return an error as one line, with the end of its traceback as far as that lies outside this package.

    Two places at most: the last in a user's own file, and the one that raised, if that is in a library.
    """
    places = [
        (frame.f_code.co_filename, line, frame.f_code.co_name)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if not Path(frame.f_code.co_filename).is_relative_to(_PACKAGE)
    ]
    own = [place for place in places if not any(part in place[0] for part in _LIBRARIES)]
    ends = list(dict.fromkeys([*own[-1:], *places[-1:]]))
    if not ends:
        return one_line(error)
    text = ", ".join(f"{name}:{line} in {function}" for name, line, function in ends)
    return storable(f"{one_line(error)} ({text})")


def storable(text: str) -> str:
    """Return a text that any database takes: lone surrogates, as in a path that is not UTF-8, become `?`."""
    return text.encode(errors="replace").decode()


def shown(value: object) -> str:
    """Return a value as a message shows it: in one line, cut where it is long."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # of a user's own class, or of an integer with thousands of digits
        text = f"a value of type {type(value).__name__}"
    return storable(text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 4]} ...")
