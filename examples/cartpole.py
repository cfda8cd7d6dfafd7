"""Tune our PPO on the CartPole of gymnax while it learns to balance the pole.

    pip install 'bgpbt[gymnax]'
    python examples/cartpole.py

The highest return is 500: the pole stands for the whole episode. It takes a minute, a first start longer,
since it compiles.
"""

import argparse
from pathlib import Path

from bgpbt.agents import Architecture, Architectures, PPOSettings, PPOTrainer, enable_persistent_cache
from bgpbt.runs import Options, optimise
from bgpbt.space import ppo_space
from bgpbt.strategies import PopulationSettings


def main() -> None:
    """Train the population and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--path", type=Path, default=Path("runs/cartpole"), help="directory of the run")
    parser.add_argument("--steps", type=int, default=200_000, help="environment steps of each member")
    arguments = parser.parse_args()
    enable_persistent_cache()
    space = ppo_space()
    trainer = PPOTrainer(
        PPOSettings(
            environment="gymnax:CartPole-v1",
            environments=64,
            minibatches=4,
            episode_length=500,
            evaluation_episodes=32,
            evaluation_seed=1,
            architectures=Architectures(
                policy=Architecture(depth=2, width=32), value=Architecture(depth=2, width=64)
            ),
        ),
        space,
    )
    settings = PopulationSettings(
        t_ready=20_000, max_timesteps=arguments.steps, population=4, initial=8, quantile_fraction=0.25
    )
    finished = optimise(trainer, space, settings, arguments.path, options=Options(max_parallel=2))
    best = finished.best
    if best is None:
        raise SystemExit(f"every member failed: {finished.failures}")
    print(f"mean return: {best.outcome.score:.1f} of 500 after {best.total_steps} steps")


if __name__ == "__main__":
    main()
