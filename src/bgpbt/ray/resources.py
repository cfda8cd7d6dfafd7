"""What one member occupies on a cluster while it trains."""

from collections.abc import Mapping
from dataclasses import dataclass

from bgpbt.errors import InputError

__all__ = ["MemberResources"]

_SLACK = 1e-6  # Ray counts in ten-thousandths, so four quarters of a GPU fit although sums are inexact


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberResources:
    """Processor cores and GPUs that one member occupies; a fraction of a GPU shares it.

    Raises:
        InputError: one is negative, or both are 0.
    """

    cpus: float = 1.0
    gpus: float = 0.0

    def __post_init__(self) -> None:
        if self.cpus < 0 or self.gpus < 0 or self.cpus + self.gpus == 0:
            raise InputError(f"a member needs some of cpu={self.cpus:g} or gpu={self.gpus:g}, none negative")

    @classmethod
    def parse(cls, text: str) -> "MemberResources":
        """Read `cpu=2,gpu=0.5`; what is left out is 0.

        Raises:
            InputError: it cannot be read.
        """
        amounts = {"cpu": 0.0, "gpu": 0.0}
        for part in text.split(","):
            name, _, amount = part.partition("=")
            try:
                if name.strip() not in amounts:
                    raise ValueError
                amounts[name.strip()] = float(amount)
            except ValueError:
                raise InputError(
                    f"resources per member {text!r}: {part.strip()!r} cannot be read; write cpu=1,gpu=0.5"
                ) from None
        return cls(cpus=amounts["cpu"], gpus=amounts["gpu"])

    def fitting(self, node: Mapping[str, float]) -> int:
        """Return how many members a machine with these resources holds at a time."""
        counts = []
        if self.cpus > 0:
            counts.append((node.get("CPU", 0.0) + _SLACK) // self.cpus)
        if self.gpus > 0:
            counts.append((node.get("GPU", 0.0) + _SLACK) // self.gpus)
        return int(min(counts))

    def __str__(self) -> str:
        return f"cpu={self.cpus:g},gpu={self.gpus:g}"
