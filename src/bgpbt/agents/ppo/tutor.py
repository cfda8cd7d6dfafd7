"""What teaches one student through one order."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bgpbt.agents.networks.architecture import Architectures
from bgpbt.agents.networks.member import Member
from bgpbt.agents.ppo.distillation import DistillationSettings, TeacherWeights, Tuition, teacher_of
from bgpbt.records import Distil

__all__ = ["Tutor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tutor:
    """A teacher, the weight of whose word falls as the student gets on."""

    member: Member  # on the host
    architectures: Architectures  # of the teacher
    start: Distil
    settings: DistillationSettings

    def weights(self, steps: int) -> TeacherWeights:
        """Return what the next lesson counts when the student has done `steps` steps of the order."""
        weight = self.settings.weight((self.start.first_step + steps) / self.start.total_steps)
        is_taught: Any = np.ones((), bool)
        kl: Any = np.float32(weight * self.settings.kl_coefficient)
        value: Any = np.float32(weight * self.settings.value_coefficient)
        return TeacherWeights(is_taught, kl, value)

    def at(self, steps: int, room: Architectures) -> Tuition:
        """Return the tuition of the next iteration, when the student has done `steps` steps of the order.

        The teacher's networks are padded to `room`.
        """
        return Tuition(teacher_of(self.member, self.architectures, room), self.weights(steps))
