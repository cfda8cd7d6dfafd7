"""What teaches one student through one order."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bgpbt.agents.architecture import Architectures
from bgpbt.agents.distillation import DistillationSettings, Lesson, Teacher
from bgpbt.agents.programs import Teach
from bgpbt.agents.rollout import Experience
from bgpbt.records import Distil

__all__ = ["Tutor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tutor:
    """A teacher, the weight of whose word falls as the student gets on."""

    teach: Teach
    teacher: Teacher
    architectures: Architectures  # of the teacher
    blank: Lesson
    start: Distil
    settings: DistillationSettings
    unroll_length: int

    def weights(self, steps: int) -> dict[str, Any]:
        """Return what the next lesson counts when the student has done `steps` steps of the order."""
        weight = self.settings.weight((self.start.first_step + steps) / self.start.total_steps)
        return {
            "kl_weight": np.float32(weight * self.settings.kl_coefficient),
            "value_weight": np.float32(weight * self.settings.value_coefficient),
        }

    def at(self, steps: int, unrolls: int) -> Callable[[Experience], Lesson]:
        """Return the lesson on the next rollout, when the student has done `steps` steps of the order."""
        blank = self.blank._replace(**self.weights(steps))
        length = np.int32(unrolls * self.unroll_length)
        return lambda experience: self.teach(self.teacher, experience, length, blank)
