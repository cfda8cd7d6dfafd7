"""What `bgpbt train` and `main.py` take: the paper's flags, and ours for what the paper fixed.

Wan et al. (2022), README of the released code, names the short flags.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import tyro
from tyro.conf import arg

from bgpbt import space as spaces
from bgpbt.cli.placement import PlacementArguments
from bgpbt.cli.population import PopulationArguments
from bgpbt.cli.repeats import name_of, runs_directory, seeds_of
from bgpbt.cli.steps import Steps
from bgpbt.errors import InputError
from bgpbt.records import Value
from bgpbt.runs import GYMNASIUM_PREFIX, ExperimentSettings, with_start
from bgpbt.strategies import GenerationSettings, strategy_names
from bgpbt.yaml_text import YAMLError, read_yaml

__all__ = ["TrainArguments"]

Given = TypeVar("Given")


@dataclass(frozen=True, kw_only=True)
class TrainArguments(PopulationArguments, PlacementArguments):
    """Train a population while an optimiser rewrites the hyperparameters of its weakest members."""

    env: Annotated[str, arg(aliases=["-e", "--env-name"])]
    """Task: `reacher` and the paper's other six, `brax:NAME` for newer Brax, `toy:NAME` without any
    reinforcement learning; `bgpbt envs` lists them. `gymnasium:CartPole-v1` and its like are trained by
    Stable-Baselines3's PPO."""
    optimizer: Annotated[str, arg(aliases=["-o"])] = "bgpbt"
    """Strategy: bgpbt, pbt, pb2, pb2-mix, mf-pbt, gpbt, ipbt, successive-halving, random or
    no-mutation."""
    alg_name: Annotated[Literal["ppo"], arg(aliases=["-a"])] = "ppo"
    """How a member learns, as in the paper's code; there is one way."""
    search_mode: Annotated[Literal["hpo", "both"], arg(aliases=["-sm"])] = "hpo"
    """Search hyperparameters (hpo), or architectures too (both)."""
    pop_size: Annotated[int, arg(aliases=["-ps"])] = 8
    """Members of the population."""
    n_init: Annotated[int | None, arg(aliases=["-ni"])] = None
    """Random configurations in the first round, of which the best become the population; 24 without it, and
    `pop_size` in `--population-schedule parallel`."""
    t_ready: Annotated[Steps | None, arg(aliases=["-tr"])] = None
    """Environment steps of a member between two decisions; 1M without it, 20,000 with gymnasium."""
    t_ready_end: Annotated[Steps | None, arg(aliases=["-te"])] = None
    """What `t_ready` becomes by the end, linearly in steps done; without it, it stays."""
    max_timesteps: Annotated[Steps | None, arg(aliases=["-mt"])] = None
    """Environment steps of a member in all; 150M without it, 400,000 with gymnasium."""
    budget: Steps | None = None
    """Environment steps of all members together, initial design and distillation included: the run ends
    before it would take more."""
    quantile_fraction: Annotated[float, arg(aliases=["-qf"])] = 0.125
    """Share of the population that is replaced, and share that is copied, in each round."""
    seed: tuple[int, ...] = (0,)
    """Seed of everything random in the run; several train one run after another."""
    num_repeats: Annotated[int | str, arg(aliases=["-n"], metavar="COUNT|NAME")] = 1
    """A number: runs to do one after another, with seeds `seed`, `seed` + 1, ... A text: the experiment's
    name, as in the paper's code."""
    exp_name: str | None = None
    """The experiment's name: its runs go to `save_dir`/NAME."""
    max_parallel: Annotated[int | None, arg(aliases=["-mp"])] = None
    """Members trained at the same time, at most; without it as many as there are cores, or as Ray's cluster
    holds. Results do not depend on it."""
    exist: Annotated[Literal["overwrite", "resume"] | None, arg(aliases=["-exist", "--existing-policy"])] = (
        None
    )
    """resume: start, continue or skip each run, as needed, and lengthen it where `max_timesteps` was raised.
    overwrite: train anew. Without it, a run that is there is not touched."""
    save_dir: Annotated[Path, arg(aliases=["-sd"])] = Path("runs")
    """Directory that holds the run's directory."""
    verbose: Annotated[bool, tyro.conf.FlagCreatePairsOff, arg(aliases=["-v"])] = False
    """Print a line for every member, not only for every round."""

    dry_run: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print settings, rounds and steps, and the time where a run in `save_dir` tells it; train nothing."""
    config: Path | None = None
    """TOML or YAML file with any of these flags, by their long or short names: `pop_size = 8`. A flag that is
    typed as well counts before the file's."""

    option: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """One of the strategy's own switches or numbers, as `NAME=VALUE`; may be given several times. A wrong
    name lists them."""
    space: Path | None = None
    """ConfigSpace file (JSON or YAML) to search instead of the task's own, by default the paper's."""
    start: tuple[str, ...] = ()
    """Configurations that the initial design begins with: files (JSON, YAML, CSV), runs (what the best member
    was trained with, newest first), or `default`. They fill at most half of it, or all."""
    around: str | None = None
    """Search a region around the first configuration of a file or run, instead of the whole space."""
    around_share: float | None = None
    """Share of each range that the region keeps, on the scale it is searched on; 0.25 without it."""
    num_envs: int | None = None
    """Copies of the environment that a member steps together; 2048 without it, 8 with gymnasium."""
    num_minibatches: int | None = None
    """Minibatches in a PPO iteration; 32 without it."""
    episode_length: int | None = None
    """Environment steps until an episode is truncated; 1000 without it."""
    eval_episodes: int | None = None
    """Episodes behind every score, from the same start states for all members; 256 without it, 20 with
    gymnasium."""
    test_episodes: int | None = None
    """Episodes behind the final return, from start states that selection never saw; 1024 without it, 100 with
    gymnasium."""
    policy: tuple[int, int] | None = None
    """Depth and width of the policy network; 4 32 without it, 2 64 with gymnasium."""
    value: tuple[int, int] | None = None
    """Depth and width of the value network; 5 256 without it, 2 64 with gymnasium."""

    t_distillation: Annotated[Steps | None, arg(aliases=["-td"])] = None
    """Environment steps that a student is distilled for (search mode both); 30M without it."""
    distill_every: Annotated[Steps | None, arg(aliases=["-de"])] = None
    """Environment steps of a generation at most (search mode both); 40M without it."""
    max_distillation: Annotated[int | None, arg(aliases=["-md"])] = None
    """New generations at most (search mode both); 2 without it."""
    patience: int | None = None
    """Rounds without a new best until a new generation begins (search mode both); 20 without it."""
    arch_policy: Literal["random", "search"] | None = None
    """How architectures are proposed (search mode both): by the optimiser, or random as a control."""
    inherit: Literal["distil", "grow"] | None = None
    """How a student comes to know what its teacher does (search mode both): by distillation, or by growth
    where its networks can hold the teacher's."""
    kl_coefficient: float = 5.0
    """Weight of the teacher's policy in distillation (search mode both)."""
    value_coefficient: float = 0.0
    """Weight of the teacher's value function in distillation (search mode both)."""
    preset: Literal["paper"] | None = None
    """Take what the paper used for this environment wherever a flag is not given: longer rounds and one new
    generation for humanoid and hopper."""

    _generation_flags: tyro.conf.Suppress[tuple[str, ...]] = field(
        default=("t_distillation", "distill_every", "patience", "arch_policy", "inherit")
    )

    _ppo_flags: tyro.conf.Suppress[tuple[str, ...]] = field(default=("num_minibatches", "episode_length"))

    def runs(self) -> dict[Path, ExperimentSettings]:
        """Return the settings of every run asked for, by the directory it goes to.

        Raises:
            InputError: a value is not allowed.
        """
        seeds = seeds_of(self.seed, self.num_repeats)
        directory = runs_directory(self.save_dir, name_of(self.num_repeats, self.exp_name))
        return {directory / self._run_name(seed): self.settings(seed) for seed in seeds}

    def settings(self, seed: int) -> ExperimentSettings:
        """Return the settings of the run with this seed.

        Raises:
            InputError: a value is not allowed.
        """
        self._check()
        preset = PRESETS["paper" if self.preset else "default"](self.env)
        is_parallel = self.population_schedule == "parallel"
        settings = ExperimentSettings(
            environment=self.env,
            strategy=self.optimizer,
            seed=seed,
            population=self.pop_size,
            initial=_either(self.n_init, self.pop_size if is_parallel else 24),
            quantile_fraction=self.quantile_fraction,
            t_ready=_either(self.t_ready, preset.t_ready),
            t_ready_end=_either(self.t_ready_end, preset.t_ready_end),
            max_timesteps=_either(self.max_timesteps, preset.max_timesteps),
            budget=self.budget,
            environments=_either(self.num_envs, preset.environments),
            minibatches=_either(self.num_minibatches, preset.minibatches),
            episode_length=_either(self.episode_length, preset.episode_length),
            evaluation_episodes=_either(self.eval_episodes, preset.evaluation_episodes),
            test_episodes=_either(self.test_episodes, preset.test_episodes),
            policy=_either(self.policy, preset.policy),
            value=_either(self.value, preset.value),
            space=None if self.space is None else _read_space(self.space),
            search_mode=self.search_mode,
            generations=self._generations(preset),
            kl_coefficient=self.kl_coefficient,
            value_coefficient=self.value_coefficient,
            options=_read_options(self.option),
        )
        scheduled = self.with_population(settings, is_paper=self.preset == "paper")
        return with_start(scheduled, self.start, self.around, self.around_share)

    def _generations(self, preset: "Preset") -> GenerationSettings:
        defaults = GenerationSettings()
        return GenerationSettings(
            t_distillation=_either(self.t_distillation, preset.t_distillation),
            distill_every=_either(self.distill_every, preset.distill_every),
            max_distillation=_either(self.max_distillation, preset.max_distillation),
            patience=_either(self.patience, defaults.patience),
            architectures=_either(self.arch_policy, defaults.architectures),
            inherit=_either(self.inherit, defaults.inherit),
        )

    def _run_name(self, seed: int) -> str:
        task = self.env.replace(":", "-").replace("/", "-")
        return f"{task}-{self.optimizer}-{self.search_mode}-seed{seed}"

    def notes(self) -> list[str]:
        """Return what is to be said of flags that change nothing."""
        inert = {}
        if self.search_mode == "hpo":
            inert.update(dict.fromkeys(self._generation_flags, "search_mode = hpo"))
        if self.env.startswith(GYMNASIUM_PREFIX):
            inert.update(dict.fromkeys(self._ppo_flags, f"env = {self.env}"))
        given = {name: getattr(self, name) for name in inert}
        return [
            f"{name} = {value} changes nothing with {inert[name]}"
            for name, value in given.items()
            if value is not None
        ]

    def _check(self) -> None:
        if self.optimizer not in strategy_names():
            raise InputError(
                f"optimizer = {self.optimizer}: there is no such strategy; "
                f"there are {', '.join(strategy_names())}"
            )
        if self.max_distillation and self.search_mode != "both":
            raise InputError(
                f"max_distillation = {self.max_distillation} needs search_mode = both; "
                f"in hpo there are no generations"
            )
        if self.around is None and self.around_share is not None:
            raise InputError(f"around_share = {self.around_share} needs --around, the region that it sizes")
        self.check_placement()
        if self.max_parallel is not None and self.max_parallel < 1:
            raise InputError(f"max_parallel = {self.max_parallel} must be 1 or more")


@dataclass(frozen=True, kw_only=True)
class Preset:
    """What a flag is where it is not given."""

    t_ready: int = 1_000_000
    t_ready_end: int | None = None
    max_timesteps: int = 150_000_000
    environments: int = 2048
    minibatches: int = 32
    episode_length: int = 1000
    evaluation_episodes: int = 256
    test_episodes: int = 1024
    policy: tuple[int, int] = (4, 32)
    value: tuple[int, int] = (5, 256)
    t_distillation: int = 30_000_000
    distill_every: int = 40_000_000
    max_distillation: int = 2


def _default(environment: str) -> Preset:
    """Return our settings for an environment; Gymnasium's are stepped one by one, in Python."""
    if environment.startswith(GYMNASIUM_PREFIX):
        return Preset(
            t_ready=20_000,
            max_timesteps=400_000,
            environments=8,
            evaluation_episodes=20,
            test_episodes=100,
            policy=(2, 64),
            value=(2, 64),
        )
    return Preset()


def _paper(environment: str) -> Preset:
    """Return the settings of Wan et al. (2022), appendix, for an environment."""
    if environment in ("humanoid", "hopper"):
        return Preset(
            t_ready=5_000_000,
            t_ready_end=1_000_000,
            t_distillation=40_000_000,
            distill_every=60_000_000,
            max_distillation=1,
        )
    return _default(environment)


PRESETS: Mapping[str, Callable[[str], Preset]] = {"default": _default, "paper": _paper}


def _either(given: Given | None, otherwise: Given) -> Given:
    return otherwise if given is None else given


def _read_space(path: Path) -> str:
    """Return the space of a file in the one form that is kept with the run."""
    return spaces.space_to_json(spaces.read_space(path))


def _read_options(texts: Sequence[str]) -> dict[str, Value]:
    options: dict[str, Value] = {}
    for text in texts:
        name, equals, written = text.partition("=")
        try:
            value = read_yaml(written)
        except YAMLError:
            value = None
        if not name or not equals or not isinstance(value, bool | int | float | str):
            raise InputError(f"option = {text!r} must be NAME=VALUE, such as backtrack=true")
        options[name] = value
    return options
