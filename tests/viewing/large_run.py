"""A run as large as anybody's, its history made up but written as a real one is."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from bgpbt.encoding import encode
from bgpbt.records import (
    Checkpoint,
    Configuration,
    Distil,
    Fresh,
    From,
    Order,
    Outcome,
    Plan,
    Proposal,
    ProposalSource,
    Purpose,
)
from bgpbt.runs import ExperimentSettings
from bgpbt.space import ppo_space, with_architectures
from bgpbt.storage import RunDirectory, create_run
from tests.viewing.toy_runs import toy_settings

STEPS = 1_000_000  # of a member in a round
REPLACED = 3  # members of 24 whose weights are taken over in each round


def large_settings(members: int, rounds: int) -> ExperimentSettings:
    """Return the settings that a run of this size would have."""
    settings = toy_settings("toy:plain", search_mode="both")
    return replace(
        settings,
        environment="ant",
        population=members,
        initial=members,
        t_ready=STEPS,
        max_timesteps=rounds * STEPS,
    )


class LargeRun:
    """Writes rounds of a made-up run, one after the other."""

    def __init__(self, path: Path, *, members: int, rounds: int, generations: int) -> None:
        settings = large_settings(members, rounds * generations)
        self.run: RunDirectory = create_run(path, json.loads(encode(settings)), seed=0)
        self.members, self.rounds = members, rounds
        self.space = with_architectures(ppo_space())
        self.random = np.random.default_rng(0)
        self.configurations: list[Configuration] = []
        self.scores: list[float] = []
        self.round = 0

    def write(self, count: int, *, is_end: bool = False) -> None:
        """Write so many rounds, and that it is over if it is."""
        with self.run.open_history() as history:
            # What is measured is the page; the disk need not be waited for 10,000 times.
            history._connection.execute("PRAGMA synchronous = OFF")
            for _ in range(count):
                plan = self._plan()
                history.open_round(self._state(), plan)
                self.scores = [self._score(order) for order in plan.orders]
                for order, score in zip(plan.orders, self.scores, strict=True):
                    history.commit_outcome(self._outcome(order, score))
                self.round += 1
            if is_end:
                history.open_round(self._state(), None)

    def _plan(self) -> Plan:
        in_generation = self.round % self.rounds
        if in_generation == 0:
            self.configurations = self.space.sample(self.members, self.random)
            orders = [self._first(member) for member in range(self.members)]
        else:
            orders = self._later()
        return Plan(round=self.round, orders=tuple(orders))

    def _first(self, member: int) -> Order:
        generation = self.round // self.rounds
        teacher = Checkpoint(_digest(self.round - 1, member % REPLACED))
        return Order(
            round=self.round,
            member=member,
            purpose=Purpose.DISTIL if generation else Purpose.INITIAL,
            start=Distil(teacher=teacher, total_steps=STEPS) if generation else Fresh(),
            configuration=self.configurations[member],
            first_step=self.round * STEPS,
            steps=STEPS,
            seed=member,
            proposal=Proposal(source=ProposalSource.RANDOM, note="random hyperparameters"),
            generation=generation,
        )

    def _later(self) -> list[Order]:
        by_score = np.argsort(self.scores)
        donors = dict(zip(by_score[:REPLACED], by_score[::-1][:REPLACED], strict=True))
        for member in donors:
            (self.configurations[member],) = self.space.sample(1, self.random)
        return [
            Order(
                round=self.round,
                member=member,
                purpose=Purpose.TRAIN,
                start=From(checkpoint=Checkpoint(_digest(self.round - 1, int(donors.get(member, member))))),
                configuration=self.configurations[member],
                first_step=self.round * STEPS,
                steps=STEPS,
                seed=member,
                proposal=Proposal(
                    source=ProposalSource.MODEL if member in donors else ProposalSource.INHERITED,
                    parent=int(donors[member]) if member in donors else None,
                    figures=self._figures() if member in donors else {},
                ),
                generation=self.round // self.rounds,
            )
            for member in range(self.members)
        ]

    def _figures(self) -> dict[str, float]:
        return {"region.length": self._state()["region"]["length"], "region.restarts": 0.0}

    def _score(self, order: Order) -> float:
        return float(6000 * (1 - math.exp(-self.round / 200)) + self.random.normal(0, 200))

    def _outcome(self, order: Order, score: float) -> Outcome:
        return Outcome(
            round=order.round,
            member=order.member,
            checkpoint=Checkpoint(_digest(order.round, order.member)),
            score=score,
            steps=STEPS,
            seconds=20.0 + self.random.random(),
        )

    def _state(self) -> Mapping[str, Mapping[str, float]]:
        return {"region": {"length": 0.4 * 1.5 ** (self.round % 4 - 2), "restarts": self.round // 40}}


def _digest(round_index: int, member: int) -> str:
    return hashlib.sha256(f"{round_index}/{member}".encode()).hexdigest()
