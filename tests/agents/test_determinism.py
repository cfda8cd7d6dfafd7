"""The same training gives the same bytes, again and again."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# On one core, where a study pins its runs, XLA's library for large arrays gave one of two results, by chance.
TRAIN = """
import os
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

import hashlib
import jax
import numpy as np
from bgpbt.agents import Architecture, Architectures, PPOSettings, PPOTrainer
from bgpbt.agents.ppo.buffers import BufferPool
from bgpbt.agents.ppo.hyperparameters import DEFAULTS, hyperparameters_of
from bgpbt.agents.ppo.learner import iteration_of
from bgpbt.agents.seeds import seed_words
from bgpbt.space import ppo_space

architectures = Architectures(policy=Architecture(depth=2, width=32), value=Architecture(depth=2, width=64))
settings = PPOSettings(
    environment="ur5e", environments=128, minibatches=8, episode_length=250, architectures=architectures
)
trainer = PPOTrainer(settings, ppo_space())
programs = trainer.programs(architectures)
buffers = BufferPool(trainer.environment, trainer.learner.longest_rollout).take()
hyperparameters = hyperparameters_of({**DEFAULTS, "batch_size": 128, "unroll_length": 10})
starts = programs.draw_starts(seed_words(0))
for _ in range(REPEATS):
    member = programs.initialise(seed_words(0), starts)
    iteration = iteration_of(seed_words(0), 0, settings.unrolls_per_iteration(128))
    member, buffers, _ = programs.iterate(member, starts, buffers, hyperparameters, iteration)
    digest = hashlib.sha256()
    for leaf in jax.tree.leaves(member):
        digest.update(np.asarray(leaf).tobytes())
    print(digest.hexdigest())
"""
REPEATS = 60


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system pins no process to a core")
def test_a_member_that_is_trained_again_on_one_core_is_the_same_to_the_byte() -> None:
    command = [sys.executable, "-c", TRAIN.replace("REPEATS", str(REPEATS))]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    digests = done.stdout.split()
    assert (len(digests), len(set(digests))) == (REPEATS, 1)
