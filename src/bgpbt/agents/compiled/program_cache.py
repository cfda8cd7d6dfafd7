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
)
from bgpbt.agents.networks.architecture import Architecture, Architectures
from bgpbt.agents.ppo.buffers import BufferPool
from bgpbt.agents.ppo.learner import Learner

__all__ = ["Workshop"]

MOST_KEPT = 24
"""Pairs of architectures whose programs are kept, those last used: as many as the paper's students.

On a CPU the programs of a pair take about 1,200 mappings of memory, and Linux gives a process 65,530.
"""

Key = TypeVar("Key", bound=Hashable)
Program = TypeVar("Program")


class Workshop:
    """The programs of all architectures that a run meets. Safe to use from several threads.

    Two threads that want the same program do not compile it twice.
    """

    def __init__(self, learner: Learner, *, evaluation_episodes: int) -> None:
        self.buffers = BufferPool(learner.environment, learner.longest_rollout)
        self._learner = learner
        self._evaluation_episodes = evaluation_episodes
        self._lock = threading.Lock()
        self._draw_starts = compile_starts(learner)
        self._programs: dict[tuple[Architectures, Architectures], Programs] = {}
        self._evaluations: dict[Architecture, Evaluate] = {}

    def programs(self, architectures: Architectures, room: Architectures) -> Programs:
        """Return what trains and scores these agents, under teachers that fit into `room`."""

        def compiled() -> Programs:
            return compile_programs(self._learner, architectures, room, self._draw_starts, evaluate)

        with self._lock:
            evaluate = self._evaluation(architectures.policy)
            return _kept(self._programs, (architectures, room), compiled)

    def _evaluation(self, policy: Architecture) -> Evaluate:
        def compiled() -> Evaluate:
            return compile_evaluation(self._learner, policy, episodes=self._evaluation_episodes)

        return _kept(self._evaluations, policy, compiled)


def _kept(programs: dict[Key, Program], key: Key, compiled: Callable[[], Program]) -> Program:
    """Return a program, the last used of which are kept."""
    programs[key] = programs.pop(key) if key in programs else compiled()
    if len(programs) > MOST_KEPT:
        del programs[next(iter(programs))]
    return programs[key]
