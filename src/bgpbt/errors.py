"""What a user can do wrong, as exceptions whose text is the whole message.

The command line prints such an error as one line and exits with status 2. After an `InputError` nothing has
been touched; after the others, a run keeps all that was committed.
"""

__all__ = ["BgpbtError", "DamagedRunError", "InputError"]


class BgpbtError(Exception):
    """Base of every error this package raises on purpose."""


class InputError(BgpbtError, ValueError):
    """A value given by the user is not allowed; the text names the field, the value and the rule."""


class DamagedRunError(BgpbtError):
    """Stored data are missing or do not match their hash; the text names the file."""
