"""A run's settings as the plain values that are stored with it, and back."""

import json
from collections.abc import Mapping
from typing import Any

from bgpbt.encoding import decode, encode
from bgpbt.errors import DamagedRunError, InputError
from bgpbt.runs.settings import ExperimentSettings
from bgpbt.storage import RunDescription, RunDirectory

__all__ = ["is_of_own_trainer", "plain_settings", "settings_from", "settings_if_ours", "settings_of"]


def settings_of(run: RunDirectory) -> ExperimentSettings:
    """Return the settings a run was started with.

    Raises:
        InputError: the run was made with a trainer of the user's.
        DamagedRunError: they are not those of this program.
    """
    if is_of_own_trainer(run.description.configuration):
        raise InputError(
            f"{run.path} was made with a trainer of your own, which only its script knows; run that again"
        )
    try:
        return settings_from(run.description.configuration, source=f"{run.path / 'run.json'}")
    except InputError as error:
        raise DamagedRunError(f"{error}") from error


def is_of_own_trainer(plain: Mapping[str, Any]) -> bool:
    """Return whether settings are those that `optimise` stores: of a run whose task is no setting."""
    return "settings" in plain and "environment" not in plain


def settings_if_ours(description: RunDescription) -> ExperimentSettings | None:
    """Return the settings of a run that `bgpbt train` made; None if something else made it."""
    try:
        return settings_from(description.configuration, source="run.json")
    except InputError:
        return None


def plain_settings(settings: ExperimentSettings) -> dict[str, Any]:
    """Return settings as plain values, which JSON and YAML can hold."""
    plain: dict[str, Any] = json.loads(encode(settings))
    return plain


def settings_from(plain: Mapping[str, Any], *, source: str) -> ExperimentSettings:
    """Return the settings that `plain_settings` gave.

    Raises:
        InputError: they are not those of this program; the text begins with `source`.
    """
    try:
        return decode(ExperimentSettings, json.dumps(plain))
    except Exception as error:  # the converter raises groups of whatever went wrong inside
        raise InputError(f"{source}: the configuration cannot be read") from error
