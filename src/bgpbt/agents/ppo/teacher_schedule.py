"""What teaches one student through one order."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bgpbt.agents.networks.architecture import Architectures
from bgpbt.agents.networks.member import Member
from bgpbt.agents.ppo.distillation import DistillationSettings, TeacherCoefficients, TeacherInput, teacher_of
from bgpbt.records import Distil

__all__ = ["TeacherSchedule"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TeacherSchedule:
    """A teacher whose loss coefficients fall as the student trains."""

    member: Member  # on the host
    architectures: Architectures  # of the teacher
    start: Distil
    settings: DistillationSettings

    def weights(self, steps: int) -> TeacherCoefficients:
        """Return the next iteration's loss coefficients, after `steps` steps of the order."""
        weight = self.settings.weight((self.start.first_step + steps) / self.start.total_steps)
        is_taught: Any = np.ones((), bool)
        kl: Any = np.float32(weight * self.settings.kl_coefficient)
        value: Any = np.float32(weight * self.settings.value_coefficient)
        return TeacherCoefficients(is_taught, kl, value)

    def at(self, steps: int, padded_to: Architectures) -> TeacherInput:
        """Return the teacher and its coefficients for the next iteration, after `steps` steps of the order.

        The teacher's networks are padded to `padded_to`.
        """
        return TeacherInput(teacher_of(self.member, self.architectures, padded_to), self.weights(steps))
