"""What decides the bytes of a run beside its settings and its seed, and whether it is different here.

On another number of cores, on another processor or with another version, sums of floats are rounded
differently. The members trained then are as good as others, but they are others.
"""

from pathlib import Path

from bgpbt.storage.machine import cores, machine, python, versions
from bgpbt.storage.run_directory import RunDescription

__all__ = ["changed_conditions", "moved_note"]

_NOT_INSTALLED = "none"


def changed_conditions(description: RunDescription, *, device: str | None = None) -> tuple[str, ...]:
    """Return what is different here from where a run began, such as `cores: 2 then, 1 now`.

    Args:
        description: of the run.
        device: what members are trained on here; None: not compared.
    """
    then = {
        "cores": description.cores,
        "machine": description.machine,
        "device": description.device,
        "Python": description.python,
        **description.versions,
    }
    now = {
        "cores": None if description.cores is None else cores(),
        "machine": machine(),
        "device": description.device if device is None else device,
        "Python": python(),
        **versions(),
    }
    return tuple(
        f"{name}: {then.get(name, _NOT_INSTALLED)} then, {now.get(name, _NOT_INSTALLED)} now"
        for name in {**then, **now}
        if then.get(name) != now.get(name)
    )


def moved_note(path: Path, description: RunDescription, *, device: str | None = None) -> str | None:
    """Return one line for a run that is continued under other conditions than it began; None: under the same.

    Args:
        path: of the run.
        description: of the run.
        device: what members are trained on here; None: not compared.
    """
    changed = changed_conditions(description, device=device)
    if not changed:
        return None
    return f"{path} began under other conditions, so results here may differ from there: {'; '.join(changed)}"
