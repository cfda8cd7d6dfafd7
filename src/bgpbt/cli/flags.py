"""Refusals in the words of the command line: the flag that was typed, not the setting it sets.

The packages below know settings and name them as `t_ready = 100`. Here each becomes the flag as it stands on
the command line (`-tr 100`), or the long flag where its default is to blame (`--n-init 24`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

from bgpbt.errors import InputError

__all__ = ["FLAG_OF_SETTING", "check_paths", "in_flags", "spellings"]

FLAG_OF_SETTING: Mapping[str, str] = {
    "environment": "env",
    "strategy": "optimizer",
    "population": "pop_size",
    "initial": "n_init",
    "environments": "num_envs",
    "minibatches": "num_minibatches",
    "evaluation_episodes": "eval_episodes",
    "architectures": "arch_policy",
}
"""The flags that are called otherwise than the setting they set."""

_ADVICE = "(?:(?<=lower )|(?<=raise )|(?<=leave )|(?<=change ))"


def spellings(command: type) -> dict[str, tuple[str, ...]]:
    """Return how each flag of a command may be written, the long one first, by the name of its field."""
    hints = get_type_hints(command, include_extras=True)
    return {
        field.name: (f"--{field.name.replace('_', '-')}", *_aliases(hints[field.name]))
        for field in fields(command)
        if not field.name.startswith("_")
    }


def in_flags(message: str, command: type, arguments: Sequence[str]) -> str:
    """Return a refusal with every setting of the command replaced by its flag.

    Args:
        message: names settings as `NAME = VALUE`, or bare where the name has an underscore or advice such as
            `lower NAME` comes before it.
        command: the dataclass of the command's arguments.
        arguments: the command line.
    """
    typed = _typed(spellings(command), arguments)
    names = {name: typed[name] for name in typed}
    names |= {setting: typed[flag] for setting, flag in FLAG_OF_SETTING.items() if flag in typed}
    for name, flag in names.items():
        word = rf"(?<![\w./'\"-]){name}"
        message = re.sub(rf"^{name}: ", f"{flag}: ", message)
        message = re.sub(rf"{word} = ", f"{flag} ", message)
        message = re.sub(rf"{word} (?='|\w+ = )", f"{flag} ", message)
        bare = word if "_" in name else f"{_ADVICE}{name}"
        message = re.sub(rf"{bare}(?![\w./'\"-])", flag, message)
    return message


def check_paths(chosen: Any, arguments: Sequence[str]) -> None:
    """Refuse an empty text where a path is to stand: it would mean the current directory.

    Args:
        chosen: the command's arguments.
        arguments: the command line.

    Raises:
        InputError: a path is empty.
    """
    flags = {_canon(flag): name for name, written in spellings(type(chosen)).items() for flag in written}
    for before, argument in zip(["", *arguments], arguments, strict=False):
        flag, is_joined, value = argument.partition("=")
        if not argument:
            flag = before
        elif not (is_joined and not value and flag.startswith("-")):
            continue
        name = flags.get(_canon(flag))
        names = [field.name for field in fields(chosen)] if name is None else [name]
        if any(_is_empty(getattr(chosen, name)) for name in names):
            where = f"{flag} " if flag.startswith("-") else ""
            raise InputError(f"{where}'' is no path; write . for the current directory")


def _is_empty(value: object) -> bool:
    return value == Path() or (isinstance(value, list | tuple) and Path() in value)


def _typed(written: Mapping[str, tuple[str, ...]], arguments: Sequence[str]) -> dict[str, str]:
    """Return each flag as it was typed last, or the long one if it was not typed."""
    given = {argument.partition("=")[0] for argument in arguments if argument.startswith("-")}
    by_canon = {_canon(flag): flag for flag in sorted(given)}
    return {
        name: next((by_canon[_canon(flag)] for flag in flags if _canon(flag) in by_canon), flags[0])
        for name, flags in written.items()
    }


def _canon(flag: str) -> str:
    """Return what is the same for `--pop_size` and `--pop-size`."""
    return flag.replace("_", "-")


def _aliases(hint: Any) -> Iterator[str]:
    for part in get_args(hint)[1:]:  # of an `Annotated`
        yield from getattr(part, "aliases", None) or ()
