"""Search spaces: any ConfigSpace, as arrays in the unit cube and back.

What reads or makes a ConfigSpace is imported when it is first used, since ConfigSpace loads scipy.stats, and
that takes most of a second.
"""

from typing import TYPE_CHECKING

from bgpbt.arrays import Floats
from bgpbt.lazy import exports
from bgpbt.space.inputs import LOG_COMPLEMENT
from bgpbt.space.space import Space

if TYPE_CHECKING:
    from bgpbt.space.architectures import ARCHITECTURE_INPUTS, split, with_architectures
    from bgpbt.space.conversions import from_optuna, from_ray_tune
    from bgpbt.space.files import read_space, space_from_json, space_from_yaml, space_to_json, space_to_yaml
    from bgpbt.space.ppo import ppo_space
    from bgpbt.space.ranges import Range, from_ranges
    from bgpbt.space.region import AROUND_SHARE, around, is_part_of
    from bgpbt.space.sb3 import sb3_ppo_space

__all__ = [
    "ARCHITECTURE_INPUTS",
    "AROUND_SHARE",
    "LOG_COMPLEMENT",
    "Floats",
    "Range",
    "Space",
    "around",
    "from_optuna",
    "from_ranges",
    "from_ray_tune",
    "is_part_of",
    "ppo_space",
    "read_space",
    "sb3_ppo_space",
    "space_from_json",
    "space_from_yaml",
    "space_to_json",
    "space_to_yaml",
    "split",
    "with_architectures",
]

_MODULE_OF = {
    "ARCHITECTURE_INPUTS": "architectures",
    "AROUND_SHARE": "region",
    "Range": "ranges",
    "around": "region",
    "from_optuna": "conversions",
    "from_ranges": "ranges",
    "from_ray_tune": "conversions",
    "is_part_of": "region",
    "ppo_space": "ppo",
    "read_space": "files",
    "sb3_ppo_space": "sb3",
    "space_from_json": "files",
    "space_from_yaml": "files",
    "space_to_json": "files",
    "space_to_yaml": "files",
    "split": "architectures",
    "with_architectures": "architectures",
}


__getattr__ = exports(__name__, _MODULE_OF)
