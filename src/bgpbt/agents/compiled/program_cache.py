"""Compiled programs and the memory they work in, made when they are first asked for and kept."""

import threading
from collections.abc import Callable, Hashable
from typing import TypeVar

from bgpbt.agents.compiled.programs import (
    Evaluate,
    Programs,
    compile_evaluation,
    compile_programs,
    compile_starts,
    member_shape,
)
from bgpbt.agents.networks.architecture import Architecture, Architectures
from bgpbt.agents.networks.member import Member
from bgpbt.agents.ppo.buffers import BufferPool
from bgpbt.agents.ppo.learner import Learner
from bgpbt.xla import CompilationCounter

__all__ = ["ProgramCache"]

MOST_KEPT = 24
"""Pairs of architectures whose programs are kept, those last used: as many as the paper's students.

On a CPU the programs of a pair take about 1,200 mappings of memory, and Linux gives a process 65,530.
"""

Key = TypeVar("Key", bound=Hashable)
Program = TypeVar("Program")


class ProgramCache:
    """The programs of all architectures that a run meets. Safe to use from several threads.

    Two threads that want the same program do not compile it twice. `buffers` is the memory that training
    works in; `compilations` counts what is compiled in this process from now on.
    """

    def __init__(self, learner: Learner, *, evaluation_episodes: int) -> None:
        self.compilations = CompilationCounter()
        self.learner = learner
        self.buffers = BufferPool(learner.environment, learner.longest_rollout)
        self._evaluation_episodes = evaluation_episodes
        self._lock = threading.Lock()
        self._draw_starts = compile_starts(learner)
        self._shapes: dict[Architectures, Member] = {}
        self._programs: dict[tuple[Architectures, Architectures], Programs] = {}
        self._evaluations: dict[Architecture, Evaluate] = {}

    def programs(self, architectures: Architectures, padded_to: Architectures) -> Programs:
        """Return what trains and scores these agents, under teachers that fit into `padded_to`."""

        def compiled() -> Programs:
            return compile_programs(self.learner, architectures, padded_to, self._draw_starts, evaluate)

        with self._lock:
            evaluate = self._evaluation(architectures.policy)
            return _cached(self._programs, (architectures, padded_to), compiled)

    def member_shape(self, architectures: Architectures) -> Member:
        """Return the shapes and types of a member with these networks."""
        with self._lock:
            if architectures not in self._shapes:
                self._shapes[architectures] = member_shape(self.learner, architectures)
            return self._shapes[architectures]

    def _evaluation(self, policy: Architecture) -> Evaluate:
        def compiled() -> Evaluate:
            return compile_evaluation(self.learner, policy, episodes=self._evaluation_episodes)

        return _cached(self._evaluations, policy, compiled)


def _cached(programs: dict[Key, Program], key: Key, compiled: Callable[[], Program]) -> Program:
    """Return a program, the last used of which are kept."""
    programs[key] = programs.pop(key) if key in programs else compiled()
    if len(programs) > MOST_KEPT:
        del programs[next(iter(programs))]
    return programs[key]
