"""What `bgpbt train` and `main.py` take: the paper's flags, and ours for what the paper fixed.

Wan et al. (2022), README of the released code, names the short flags.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro
from tyro.conf import arg

from bgpbt.errors import InputError
from bgpbt.execution import ExperimentSettings
from bgpbt.space import read_space, space_to_json
from bgpbt.strategies import strategy_names

__all__ = ["TrainArguments"]


@dataclass(frozen=True, kw_only=True)
class TrainArguments:
    """Train a population while an optimiser rewrites the hyperparameters of its weakest members."""

    env: Annotated[str, arg(aliases=["-e"])]
    """Task: `reacher` and the paper's other six, `brax:NAME` for newer Brax, `toy:NAME` without any
    reinforcement learning. `bgpbt envs` lists them."""
    optimizer: Annotated[str, arg(aliases=["-o"])] = "bgpbt"
    """Strategy: bgpbt, pbt, pb2, pb2-mix, mf-pbt, random or no-mutation."""
    search_mode: Annotated[Literal["hpo", "both"], arg(aliases=["-sm"])] = "hpo"
    """Search hyperparameters (hpo), or architectures too (both)."""
    pop_size: Annotated[int, arg(aliases=["-ps"])] = 8
    """Members of the population."""
    n_init: Annotated[int, arg(aliases=["-ni"])] = 24
    """Random configurations in the first round; the best become the population."""
    t_ready: Annotated[int, arg(aliases=["-tr"])] = 1_000_000
    """Environment steps of a member between two decisions."""
    max_timesteps: Annotated[int, arg(aliases=["-mt"])] = 150_000_000
    """Environment steps of a member in all."""
    quantile_fraction: Annotated[float, arg(aliases=["-qf"])] = 0.125
    """Share of the population that is replaced, and share that is copied, in each round."""
    seed: int = 0
    """Seed of everything random in the run."""
    num_repeats: Annotated[int, arg(aliases=["-n"])] = 1
    """Runs to do one after another, with seeds `seed`, `seed` + 1, ..."""
    max_parallel: Annotated[int, arg(aliases=["-mp"])] = 1
    """Members trained at the same time, at most; more than there are processors gains nothing."""
    exist: Annotated[Literal["overwrite", "resume"] | None, arg(aliases=["-exist"])] = None
    """What to do with a run that is there already; without it, nothing is touched."""
    save_dir: Annotated[Path, arg(aliases=["-sd"])] = Path("runs")
    """Directory that holds the run's directory."""
    verbose: Annotated[bool, tyro.conf.FlagCreatePairsOff, arg(aliases=["-v"])] = False
    """Print a line for every member, not only for every round."""

    space: Path | None = None
    """ConfigSpace file (JSON or YAML) to search instead of the paper's space."""
    num_envs: int = 2048
    """Copies of the environment that a member steps together."""
    num_minibatches: int = 32
    """Minibatches in a PPO iteration."""
    episode_length: int = 1000
    """Environment steps until an episode is truncated."""
    eval_episodes: int = 256
    """Episodes behind every score, from the same start states for all members."""
    test_episodes: int = 1024
    """Episodes behind the final return, from start states that selection never saw."""
    policy: tuple[int, int] = (4, 32)
    """Depth and width of the policy network."""
    value: tuple[int, int] = (5, 256)
    """Depth and width of the value network."""

    t_ready_end: Annotated[int | None, arg(aliases=["-te"])] = None
    """Length of the last rounds, reached linearly from `t_ready`. Not available yet."""
    t_distillation: Annotated[int | None, arg(aliases=["-td"])] = None
    """Environment steps of a distillation (search mode both)."""
    distill_every: Annotated[int | None, arg(aliases=["-de"])] = None
    """Environment steps of a generation at most (search mode both)."""
    max_distillation: Annotated[int | None, arg(aliases=["-md"])] = None
    """New generations at most (search mode both)."""
    patience: int | None = None
    """Rounds without a new best until a new generation begins (search mode both)."""
    arch_policy: Literal["random", "search"] | None = None
    """How architectures are proposed (search mode both)."""

    _generation_flags: tyro.conf.Suppress[tuple[str, ...]] = field(
        default=("t_distillation", "distill_every", "max_distillation", "patience", "arch_policy")
    )

    def runs(self) -> dict[Path, ExperimentSettings]:
        """Return the settings of every run asked for, by the directory it goes to.

        Raises:
            InputError: a value is not allowed, or asks for what is not there yet.
        """
        seeds = range(self.seed, self.seed + self.num_repeats)
        runs = {self.save_dir / self._run_name(seed): self.settings(seed) for seed in seeds}
        if not runs:
            raise InputError(f"num_repeats = {self.num_repeats} must be 1 or more")
        return runs

    def settings(self, seed: int) -> ExperimentSettings:
        """Return the settings of the run with this seed.

        Raises:
            InputError: a value is not allowed, or asks for what is not there yet.
        """
        self._refuse_what_is_missing()
        return ExperimentSettings(
            environment=self.env,
            strategy=self.optimizer,
            seed=seed,
            population=self.pop_size,
            initial=self.n_init,
            quantile_fraction=self.quantile_fraction,
            t_ready=self.t_ready,
            max_timesteps=self.max_timesteps,
            environments=self.num_envs,
            minibatches=self.num_minibatches,
            episode_length=self.episode_length,
            evaluation_episodes=self.eval_episodes,
            test_episodes=self.test_episodes,
            policy=self.policy,
            value=self.value,
            space=None if self.space is None else _read_space(self.space),
        )

    def _run_name(self, seed: int) -> str:
        task = self.env.replace(":", "-").replace("/", "-")
        return f"{task}-{self.optimizer}-{self.search_mode}-seed{seed}"

    def inert_flags(self) -> list[str]:
        """Return the given flags that change nothing in search mode hpo."""
        return [f"--{name}" for name in self._generation_flags if getattr(self, name) is not None]

    def _refuse_what_is_missing(self) -> None:
        if self.optimizer not in strategy_names():
            raise InputError(
                f"-o {self.optimizer}: there is no such strategy; there are {', '.join(strategy_names())}"
            )
        if self.search_mode == "both":
            raise InputError("-sm both: the search over architectures is not available yet; use -sm hpo")
        if self.t_ready_end is not None and self.t_ready_end != self.t_ready:
            raise InputError(
                f"-te {self.t_ready_end}: a schedule of t_ready is not available yet; leave -te out"
            )
        if self.max_parallel < 1:
            raise InputError(f"max_parallel = {self.max_parallel} must be 1 or more")


def _read_space(path: Path) -> str:
    """Return the space of a file in the one form that is kept with the run."""
    return space_to_json(read_space(path))
