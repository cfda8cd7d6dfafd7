"""`bgpbt train --config FILE`: flags from a TOML or YAML file; those that are typed come after them."""

import difflib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bgpbt.cli.flags import spellings
from bgpbt.errors import InputError, shown
from bgpbt.text_files import read_text
from bgpbt.yaml_text import YAMLError, read_yaml

__all__ = ["with_config"]

FLAG = "--config"
_LIKELY = 0.6  # of difflib's similarity, from 0 to 1; its own default


def with_config(arguments: Sequence[str], command: type) -> list[str]:
    """Return the arguments of a command with those of its configuration file before them.

    Of a flag that is in the file and on the command line, the one typed counts.

    Args:
        arguments: what was typed after the command's name.
        command: the dataclass of its arguments.

    Raises:
        InputError: the file cannot be read, or has a name or a value that the command does not take.
    """
    path = _path_in(arguments)
    if path is None:
        return list(arguments)
    return [*_flags(path, _content(path), spellings(command)), *arguments]


def _path_in(arguments: Sequence[str]) -> Path | None:
    for place, argument in enumerate(arguments):
        flag, is_joined, value = argument.partition("=")
        if flag == FLAG and (is_joined or place + 1 < len(arguments)):
            return Path(value if is_joined else arguments[place + 1])
    return None


def _content(path: Path) -> Mapping[str, Any]:
    text = read_text(path)
    try:
        content = tomllib.loads(text) if path.suffix == ".toml" else read_yaml(text)
    except (tomllib.TOMLDecodeError, YAMLError) as error:
        raise InputError(f"{path}: {' '.join(str(error).split())}") from error
    if not isinstance(content, Mapping):
        raise InputError(f"{path} must hold names of flags with their values, such as pop_size: 8")
    return content


def _flags(path: Path, content: Mapping[str, Any], written: Mapping[str, Sequence[str]]) -> Iterator[str]:
    by_name = {flag.lstrip("-").replace("-", "_"): flags[0] for flags in written.values() for flag in flags}
    by_name.pop(FLAG.lstrip("-"), None)  # a file names no other file
    for name, value in content.items():
        key = str(name).replace("-", "_")
        if key not in by_name:
            likely = difflib.get_close_matches(key, by_name, n=1, cutoff=_LIKELY)
            advice = f"did you mean {likely[0]}" if likely else f"there are {', '.join(sorted(written))}"
            raise InputError(f"{path}: there is no flag {shown(name)}; {advice}")
        yield from _words(f"{path}: {name}", by_name[key], value)


def _words(where: str, flag: str, value: object) -> Iterator[str]:
    """Return a flag and its value as they would be typed."""
    if isinstance(value, Mapping):  # `option: {backtrack: true}`
        for name, part in value.items():
            yield from (flag, f"{name}={_word(where, part)}")
    elif isinstance(value, bool) or value is None:
        if value:
            yield flag
    elif isinstance(value, list) and flag == "--option":
        for part in value:
            yield from (flag, _word(where, part))
    elif isinstance(value, list):
        yield from (flag, *(_word(where, part) for part in value))
    else:
        yield from (flag, _word(where, value))


def _word(where: str, value: object) -> str:
    if isinstance(value, bool):
        return f"{value}".lower()
    if isinstance(value, str | int | float):
        return f"{value}"
    raise InputError(f"{where} = {shown(value)} must be a number, a text, true, false or a list of these")
