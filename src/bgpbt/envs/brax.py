"""The tasks of the newer Brax (`brax.envs`), on any of its engines."""

from bgpbt.envs.brax_import import import_brax
from bgpbt.envs.brax_task import BraxTask
from bgpbt.envs.protocol import Environment

__all__ = ["make_brax"]


def make_brax(task: str, backend: str, *, name: str) -> Environment:
    """Make a task of `brax.envs` by its name there, on one of its engines."""
    envs = import_brax("brax.envs")
    return BraxTask(
        name,
        envs.get_environment(task, backend=backend),
        state_type=envs.State,
        bodies_field="pipeline_state",
    )
