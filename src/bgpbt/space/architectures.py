"""The shapes of the networks as a named part of the space: Wan et al. (2022), section 4."""

from collections.abc import Collection, Mapping
from typing import Any

from ConfigSpace import Categorical, ConfigurationSpace, Integer

from bgpbt.errors import InputError
from bgpbt.space.network_shapes import NETWORKS
from bgpbt.space.space import Space

__all__ = ["ARCHITECTURE_INPUTS", "names_in", "split", "with_architectures"]

ARCHITECTURE_INPUTS = tuple(
    f"{network}_{part}" for network in NETWORKS for part in ("depth", "log2_width", "spectral_norm")
)
"""Names of the inputs that decide the shapes of the policy and the value network."""


def with_architectures(space: Space) -> Space:
    """Return the space with depth 1 to 5, width 32 to 256 and spectral normalisation of both networks.

    A space that has some of these inputs already is returned as it is, so that a user can search fewer, or in
    other ranges.
    """
    if set(ARCHITECTURE_INPUTS) & set(space.configuration_space):
        return space
    described = ConfigurationSpace.from_serialized_dict(space.configuration_space.to_serialized_dict())
    for network in NETWORKS:
        described.add(
            Integer(f"{network}_depth", (1, 5), default=4),
            Integer(f"{network}_log2_width", (5, 8), default=5),
            Categorical(f"{network}_spectral_norm", [False, True], default=False),
        )
    return Space.from_configspace(described)


def split(space: Space) -> tuple[Space, Space]:
    """Return the space without its architecture inputs, and that of the architecture inputs alone.

    Forbidden clauses that name inputs of both parts are in neither.

    Raises:
        InputError: there is nothing but architecture inputs, or none, or a condition ties the parts together.
    """
    described = space.configuration_space.to_serialized_dict()
    names = set(space.configuration_space)
    return _part(described, names - set(ARCHITECTURE_INPUTS)), _part(
        described, names & set(ARCHITECTURE_INPUTS)
    )


def _part(described: Mapping[str, Any], names: Collection[str]) -> Space:
    conditions = []
    for condition in described["conditions"]:
        named = names_in(condition)
        if named <= set(names):
            conditions.append(condition)
        elif named & set(names):
            raise InputError(
                f"a condition ties {' and '.join(sorted(named))} together; "
                f"architectures are searched apart from other inputs"
            )
    part = {
        **described,
        "hyperparameters": [h for h in described["hyperparameters"] if h["name"] in names],
        "conditions": conditions,
        "forbiddens": [clause for clause in described["forbiddens"] if names_in(clause) <= set(names)],
    }
    return Space.from_configspace(ConfigurationSpace.from_serialized_dict(part))


def names_in(clause: Mapping[str, Any]) -> set[str]:
    """Return the inputs that a condition or a forbidden clause names, in ConfigSpace's serialised form."""
    names = {str(clause[key]) for key in ("name", "child", "parent", "left", "right") if key in clause}
    for part in (*clause.get("conditions", ()), *clause.get("clauses", ())):
        names |= names_in(part)
    return names
