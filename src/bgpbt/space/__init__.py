"""Search spaces: any ConfigSpace, as arrays in the unit cube and back."""

from bgpbt.space.conversions import from_optuna, from_ray_tune
from bgpbt.space.files import read_space, space_from_json, space_from_yaml, space_to_json, space_to_yaml
from bgpbt.space.inputs import LOG_COMPLEMENT
from bgpbt.space.ppo import ppo_space
from bgpbt.space.space import Floats, Space

__all__ = [
    "LOG_COMPLEMENT",
    "Floats",
    "Space",
    "from_optuna",
    "from_ray_tune",
    "ppo_space",
    "read_space",
    "space_from_json",
    "space_from_yaml",
    "space_to_json",
    "space_to_yaml",
]
