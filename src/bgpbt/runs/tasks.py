"""What the members of a run are trained on: a toy, an environment with our PPO, or with Stable-Baselines3's.

A `Task` is checked as a whole before anything is touched. A `ReadyTask` has the trainer, and says what that
takes and what it can do beside training one member. What places members asks it, and need not know which it
is. JAX is imported only where an agent is to be trained.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from bgpbt import checks, envs
from bgpbt import space as spaces
from bgpbt.contracts import Checkpoints, Trainer
from bgpbt.errors import InputError, naming_extra
from bgpbt.execution import StackTrainer
from bgpbt.outcomes import EpisodeReturns
from bgpbt.records import Checkpoint, Order
from bgpbt.runs.gymnasium_task import GYMNASIUM_PREFIX, ReadyGymnasium, gymnasium_trainer
from bgpbt.runs.memory_budget import available_memory, device_memory
from bgpbt.runs.settings import ExperimentSettings, derived_seed
from bgpbt.space import Space
from bgpbt.toys import Toy, make_toy, toy_names

if TYPE_CHECKING:
    from bgpbt.agents import MemoryNeed, PPOSettings, PPOTrainer
    from bgpbt.trainers.sb3 import SB3Trainer

__all__ = ["TOY_PREFIX", "Progress", "ReadyTask", "Task", "brings_its_space", "space_of", "task_of"]

TOY_PREFIX = "toy:"

Progress = Callable[[Order, int], None]
"""Told of an order and the environment steps it has been trained for."""


class ReadyTask(Protocol):
    """A task with its trainer."""

    @property
    def trainer(self) -> Trainer:
        """Trains one member."""
        ...

    @property
    def device(self) -> str:
        """What members are trained on, for people."""
        ...

    @property
    def compiles(self) -> bool:
        """Whether the first orders wait for a compiler."""
        ...

    @property
    def fills_one_core(self) -> bool:
        """Whether a member keeps a core of its own busy, so that several train at a time on several cores."""
        ...

    @property
    def devices(self) -> int:
        """How many devices share a stack."""
        ...

    @property
    def is_faster_stacked(self) -> bool:
        """Whether members are best trained in one program here."""
        ...

    def memory(self) -> int | None:
        """Return the bytes that members in training may take; None where nothing limits or says them."""
        ...

    def memory_need(self, *, stacked: bool) -> "MemoryNeed | None":
        """Return what one member takes; None: nothing to speak of."""
        ...

    def stack(self) -> StackTrainer | None:
        """Return what trains members in one program; None: they have no networks to stack."""
        ...

    def test_returns(
        self, checkpoint: Checkpoint, checkpoints: Checkpoints, *, episodes: int, seed: int
    ) -> EpisodeReturns | None:
        """Score a member on start states of its own; None where there is no luck in a score."""
        ...


class Task(Protocol):
    """A task that has been checked."""

    @property
    def space(self) -> Space:
        """What is searched."""
        ...

    def ready(self, on_progress: Progress | None, like: ReadyTask | None) -> ReadyTask:
        """Make the trainer.

        Args:
            on_progress: told of every iteration.
            like: a task whose compiled programs are used again, where they fit.
        """
        ...


def task_of(settings: ExperimentSettings, *, is_new: bool = False) -> Task:
    """Return the task that a run's settings name; nothing is made or touched.

    Args:
        settings: of the run.
        is_new: whether the trainer must read all of the space. Runs of earlier versions may have a space
            with more in it; they can still be resumed.

    Raises:
        InputError: a setting is not allowed; the text names it.
    """
    if brings_its_space(settings.environment):
        return _toy(settings)
    if settings.environment.startswith(GYMNASIUM_PREFIX):
        space = space_of(settings)
        return _Gymnasium(gymnasium_trainer(settings, space, is_new=is_new), space)
    return _ppo(settings, is_new)


def brings_its_space(environment: str) -> bool:
    """Return whether a task has a space of its own, as toys do, and takes no other than a part of it."""
    return environment.startswith(TOY_PREFIX)


def space_of(settings: ExperimentSettings) -> Space:
    """Return the space that a run's settings name.

    Raises:
        InputError: there is no such task, or the space cannot be read.
    """
    if settings.space is not None:
        space = spaces.space_from_json(settings.space)
    elif brings_its_space(settings.environment):
        space = make_toy(settings.environment.removeprefix(TOY_PREFIX)).space
    elif settings.environment.startswith(GYMNASIUM_PREFIX):
        space = spaces.sb3_ppo_space()
    else:
        space = spaces.ppo_space()
    return spaces.with_architectures(space) if settings.is_generational else space


@dataclass(frozen=True, slots=True)
class _Toy:
    """A toy, which is its own trainer and is ready as it is."""

    trainer: Toy
    device: str = "cpu"
    compiles: bool = False
    fills_one_core: bool = False  # its steps are Python's, which threads take in turn
    devices: int = 1
    is_faster_stacked: bool = False

    @property
    def space(self) -> Space:
        return self.trainer.space

    def ready(self, on_progress: Progress | None, like: ReadyTask | None) -> ReadyTask:
        return self

    def memory(self) -> int | None:
        return None

    def memory_need(self, *, stacked: bool) -> "MemoryNeed | None":
        return None

    def stack(self) -> StackTrainer | None:
        return None

    def test_returns(
        self, checkpoint: Checkpoint, checkpoints: Checkpoints, *, episodes: int, seed: int
    ) -> EpisodeReturns | None:
        return None


@dataclass(frozen=True, slots=True)
class _Gymnasium:
    """Stable-Baselines3's PPO on a Gymnasium environment."""

    trainer: "SB3Trainer"
    space: Space

    def ready(self, on_progress: Progress | None, like: ReadyTask | None) -> ReadyTask:
        return ReadyGymnasium(replace(self.trainer, on_progress=on_progress))


@dataclass(frozen=True, slots=True)
class _PPO:
    """Our agent on an environment."""

    settings: "PPOSettings"
    space: Space

    def ready(self, on_progress: Progress | None, like: ReadyTask | None) -> ReadyTask:
        from bgpbt.agents import PPOTrainer, enable_persistent_cache

        enable_persistent_cache()
        shared = None
        if isinstance(like, _ReadyPPO):
            shared = like.trainer.sharing(self.settings, self.space, on_progress=on_progress)
        return _ReadyPPO(shared or PPOTrainer(self.settings, self.space, on_progress=on_progress))


@dataclass(frozen=True, slots=True)
class _ReadyPPO:
    """Our agent on an environment, with its trainer."""

    trainer: "PPOTrainer"
    compiles: bool = True

    @property
    def device(self) -> str:
        import jax

        return str(jax.devices()[0].device_kind)

    @property
    def fills_one_core(self) -> bool:
        from bgpbt.agents import local_devices

        return str(local_devices()[0].platform) == "cpu"

    @property
    def devices(self) -> int:
        from bgpbt.agents import local_devices

        return len(local_devices())

    @property
    def is_faster_stacked(self) -> bool:
        from bgpbt.agents import local_devices

        return any(device.platform != "cpu" for device in local_devices())

    def memory(self) -> int | None:
        from bgpbt.agents import local_devices

        return device_memory(local_devices()[0]) or available_memory()

    def memory_need(self, *, stacked: bool) -> "MemoryNeed | None":
        return self.trainer.stacked_memory_need if stacked else self.trainer.memory_need

    def stack(self) -> StackTrainer | None:
        from bgpbt.agents import StackedTrainer, local_devices

        return StackedTrainer(self.trainer, local_devices())

    def test_returns(
        self, checkpoint: Checkpoint, checkpoints: Checkpoints, *, episodes: int, seed: int
    ) -> EpisodeReturns | None:
        return self.trainer.evaluate(checkpoint, checkpoints, episodes=episodes, seed=seed)


def _toy(settings: ExperimentSettings) -> _Toy:
    name = settings.environment.removeprefix(TOY_PREFIX)
    if name not in toy_names():
        raise InputError(f"environment = {settings.environment!r} is not known; toys are {_toys()}")
    toy, space = make_toy(name), space_of(settings)
    if settings.space is not None and not spaces.is_part_of(space, space_of(replace(settings, space=None))):
        raise InputError(f"{settings.environment} searches its own space or a part of it; leave space out")
    if settings.is_generational and not toy.has_architectures:
        raise InputError(
            f"search_mode = both: {settings.environment} has no architectures to search; "
            f"leave search_mode out"
        )
    return _Toy(replace(toy, space=space))


def _toys() -> str:
    return ", ".join(f"{TOY_PREFIX}{name}" for name in toy_names())


def _ppo(settings: ExperimentSettings, is_new: bool) -> _PPO:
    envs.check_name(settings.environment)
    space = space_of(settings)
    _check_architecture("policy", settings.policy)
    _check_architecture("value", settings.value)
    with naming_extra("brax"):
        from bgpbt.agents import Architecture, Architectures, DistillationSettings, PPOSettings, check_space
    if is_new:
        check_space(space)
    ppo = PPOSettings(
        environment=settings.environment,
        environments=settings.environments,
        minibatches=settings.minibatches,
        episode_length=settings.episode_length,
        evaluation_episodes=settings.evaluation_episodes,
        evaluation_seed=derived_seed(settings.seed, "evaluation"),
        architectures=Architectures(
            policy=Architecture(depth=settings.policy[0], width=settings.policy[1]),
            value=Architecture(depth=settings.value[0], width=settings.value[1]),
        ),
        distillation=DistillationSettings(
            kl_coefficient=settings.kl_coefficient, value_coefficient=settings.value_coefficient
        ),
    )
    ppo.validate(space, settings.t_ready)
    _check_rungs(settings, ppo.one_unroll(space))
    return _PPO(ppo, space)


def _check_rungs(settings: ExperimentSettings, one_unroll: int) -> None:
    """Check the rounds that `t_ready` is not the length of: those of the end, and of a distillation."""
    if settings.shortest_order >= one_unroll:
        return
    if settings.strategy == "ipbt":
        raise InputError(
            f"strategy = {settings.strategy} begins with rounds of {settings.shortest_order} steps, the "
            f"share first_round of max_timesteps = {settings.max_timesteps}, less than one unroll of all "
            f"environments ({one_unroll}); raise max_timesteps or lower environments"
        )
    name, value = "t_ready_end", settings.t_ready_end
    if settings.t_ready_end is None or settings.t_ready_end > settings.shortest_order:
        name, value = "t_distillation", settings.generations.t_distillation
    raise InputError(
        f"{name} = {value} makes rounds of {settings.shortest_order} steps, less than one unroll of all "
        f"environments ({one_unroll}); raise {name} or lower environments"
    )


def _check_architecture(network: str, depth_and_width: tuple[int, int]) -> None:
    for name, value in zip(("depth", "width"), depth_and_width, strict=True):
        checks.at_least(f"{network} = {depth_and_width}: {name}", value, 1)
