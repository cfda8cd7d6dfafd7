"""Compiled programs, made when they are first asked for and kept."""

import threading
from collections.abc import Callable, Hashable
from typing import TypeVar

from bgpbt.agents.architecture import Architectures
from bgpbt.agents.learner import Learner
from bgpbt.agents.member import Member
from bgpbt.agents.programs import (
    Programs,
    SeedWords,
    Teach,
    compile_growth,
    compile_programs,
    compile_starts,
    compile_teacher,
)

__all__ = ["Workshop"]

Key = TypeVar("Key", bound=Hashable)
Program = TypeVar("Program")


class Workshop:
    """The programs of all architectures that a run meets. Safe to use from several threads.

    One is compiled at a time: two threads that want the same do not compile it twice.
    """

    def __init__(self, learner: Learner, *, evaluation_episodes: int) -> None:
        self._learner = learner
        self._evaluation_episodes = evaluation_episodes
        self._lock = threading.Lock()
        self._draw_starts = compile_starts(learner)
        self._programs: dict[Architectures, Programs] = {}
        self._teaching: dict[Architectures, Teach] = {}
        self._growing: dict[tuple[Architectures, Architectures], Callable[[Member, SeedWords], Member]] = {}

    def programs(self, architectures: Architectures) -> Programs:
        """Return what trains and scores agents of these architectures."""
        return self._kept(
            self._programs,
            architectures,
            lambda: compile_programs(
                self._learner,
                architectures,
                self._draw_starts,
                evaluation_episodes=self._evaluation_episodes,
            ),
        )

    def teaching(self, architectures: Architectures) -> Teach:
        """Return what lets members of these architectures teach."""
        shape = self.programs(architectures).member_shape
        return self._kept(self._teaching, architectures, lambda: compile_teacher(self._learner, shape))

    def growth(self, old: Architectures, new: Architectures) -> Callable[[Member, SeedWords], Member]:
        """Return what enlarges members; growth must apply."""
        shape = self.programs(old).member_shape
        return self._kept(self._growing, (old, new), lambda: compile_growth(shape, new))

    def _kept(self, programs: dict[Key, Program], key: Key, compiled: Callable[[], Program]) -> Program:
        with self._lock:
            if key not in programs:
                programs[key] = compiled()
            return programs[key]
