"""From the name of one of the paper's tasks to the task."""

from collections.abc import Callable

from bgpbt.envs.brax_import import import_brax_v1
from bgpbt.envs.brax_task import BraxTask
from bgpbt.envs.paper.halfcheetah import halfcheetah
from bgpbt.envs.paper.hopper import hopper
from bgpbt.envs.paper.humanoid import humanoid
from bgpbt.envs.paper.vectorised import vectorise
from bgpbt.envs.protocol import Environment

__all__ = ["make_paper"]

_WRITTEN_ANEW: dict[str, Callable[[], Environment]] = {
    "halfcheetah": halfcheetah,
    "hopper": hopper,
    "humanoid": humanoid,
}


def make_paper(name: str) -> Environment:
    """Make ant, fetch, reacher or ur5e as `brax.v1` has them, or one of the tasks written anew."""
    if name in _WRITTEN_ANEW:
        return _WRITTEN_ANEW[name]()
    envs = import_brax_v1("brax.v1.envs")
    task = envs.get_environment(name, legacy_spring=True)  # the dynamics of 2022
    vectorise(task.sys)
    return BraxTask(name, task, state_type=envs.State, bodies_field="qp", batch_last=True)
