"""Search spaces as JSON or YAML, in ConfigSpace's own form or one that other tools have."""

import json
from pathlib import Path

from ConfigSpace import ConfigurationSpace

from bgpbt.errors import InputError
from bgpbt.space.forms import current_form
from bgpbt.space.inputs import native
from bgpbt.space.space import Space
from bgpbt.text_files import read_text, without_mark
from bgpbt.yaml_text import YAMLError, read_yaml, write_yaml

__all__ = ["read_space", "space_from_json", "space_from_yaml", "space_to_json", "space_to_yaml"]


def space_to_json(space: Space) -> str:
    """Return the space as JSON text, constants, conditions and forbidden clauses included."""
    # ConfigSpace keeps NumPy's scalars as they were given: choices, levels, constants, values of conditions.
    return json.dumps(space.configuration_space.to_serialized_dict(), sort_keys=True, default=native)


def space_to_yaml(space: Space) -> str:
    """Return the space as YAML text, with the same content as its JSON."""
    return write_yaml(json.loads(space_to_json(space)), width=80, sort_keys=True)


def space_from_json(text: str, *, source: str = "space") -> Space:
    """Return the space that a JSON text describes, in a form of ConfigSpace or of Hydra's sweepers.

    Raises:
        InputError: the text is no JSON or describes no space; the message begins with `source`.
    """
    try:
        return _space_of(json.loads(without_mark(text)), source)
    except json.JSONDecodeError as error:
        raise InputError(f"{source} is not JSON: {error}") from error


def space_from_yaml(text: str, *, source: str = "space") -> Space:
    """Return the space that a YAML text describes, in a form of ConfigSpace or of Hydra's sweepers.

    Raises:
        InputError: the text is no YAML or describes no space; the message begins with `source`.
    """
    try:
        return _space_of(read_yaml(text), source)
    except YAMLError as error:
        raise InputError(f"{source} is not YAML: {' '.join(str(error).split())}") from error


def read_space(path: Path | str) -> Space:
    """Return the space in a `.json`, `.yaml` or `.yml` file.

    Raises:
        InputError: the file cannot be read or describes no space; the text names the file.
    """
    path = Path(path)
    try:
        text = read_text(path)
    except InputError as error:
        raise InputError(f"space file {error}") from error
    if path.suffix == ".json":
        return space_from_json(text, source=str(path))
    if path.suffix not in (".yaml", ".yml"):
        raise InputError(f"space file {path} must end in .json, .yaml or .yml")
    return space_from_yaml(text, source=str(path))


def _space_of(described: object, source: str) -> Space:
    if not isinstance(described, dict) or "hyperparameters" not in described:
        raise InputError(f"{source} is no ConfigSpace file: it has no list of hyperparameters")
    try:
        return Space.from_configspace(ConfigurationSpace.from_serialized_dict(current_form(described)))
    except InputError as error:
        raise InputError(f"{source}: {error}") from error
    except Exception as error:  # ConfigSpace raises many kinds on what it cannot read
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{source} is no valid ConfigSpace file: {reason}") from error
