"""Ray: populations on many machines, and our strategies as a scheduler of Ray Tune.

Needs `pip install 'bgpbt[ray]'`.
"""

import importlib
from typing import TYPE_CHECKING

from bgpbt.errors import InputError

if TYPE_CHECKING:
    from bgpbt.ray.executor import RayExecutor, check_address
    from bgpbt.ray.resources import MemberResources
    from bgpbt.ray.scheduler import BGPBTScheduler

__all__ = ["BGPBTScheduler", "MemberResources", "RayExecutor", "check_address"]

_MODULE_OF = {
    "BGPBTScheduler": "scheduler",
    "check_address": "executor",
    "MemberResources": "resources",
    "RayExecutor": "executor",
}


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise InputError("ray is not installed; run pip install 'bgpbt[ray]'") from error
