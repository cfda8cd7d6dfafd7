"""What a user can do wrong, as exceptions whose text is the whole message.

The command line prints such an error as one line and exits with status 2. After an `InputError` nothing has
been touched; after the others, a run keeps all that was committed.
"""

__all__ = ["BgpbtError", "DamagedRunError", "InputError", "one_line", "shown", "storable"]

_MOST_SHOWN = 80  # characters of a value in a message


class BgpbtError(Exception):
    """Base of every error this package raises on purpose."""


class InputError(BgpbtError, ValueError):
    """A value given by the user is not allowed; the text names the field, the value and the rule."""


class DamagedRunError(BgpbtError):
    """Stored data are missing or do not match their hash; the text names the file."""


def one_line(error: BaseException) -> str:
    """Return an error as one line that any database takes, whatever its class does."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # of a user's own class
        text = "its text cannot be made"
    return storable(f"{type(error).__name__}: {text}")


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
