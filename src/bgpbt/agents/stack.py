"""A population trained together in one program: members stacked, networks padded to the largest.

What an accelerator wants: one large program instead of many small ones. Every member has hyperparameters,
random numbers and steps of its own; who has nothing to do in an iteration stands still. Several devices share
the members of a stack. The results are those of `PPOTrainer`, but for the order of sums in floating point.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bgpbt.agents.networks.member import Member
from bgpbt.agents.networks.padding import pad_member, unpad_member
from bgpbt.agents.orders import Begun, Training
from bgpbt.agents.ppo.buffers import blank_buffers
from bgpbt.agents.ppo.distillation import TeacherInput, no_coefficients, no_teacher
from bgpbt.agents.ppo.evaluation import EpisodeReturns, episode_returns
from bgpbt.agents.ppo.hyperparameters import Hyperparameters
from bgpbt.agents.ppo.learner import Iteration, Learner
from bgpbt.agents.ppo.loss import LossTerms
from bgpbt.agents.seeds import Stream, seed_words, stream_key
from bgpbt.agents.trainer import PPOTrainer
from bgpbt.contracts import Checkpoints
from bgpbt.envs.vector import StartStates
from bgpbt.records import Order, Outcome
from bgpbt.xla import jit

__all__ = ["StackedTrainer", "local_devices"]

Tree = Any
"""A tree of arrays whose first axis is the member's."""


class StackedTrainer:
    """Trains several members at once.

    Args:
        trainer: its settings, environment and order desk are used.
        devices: share the members; as many are used as divide a stack evenly.
    """

    def __init__(self, trainer: PPOTrainer, devices: Sequence[jax.Device] | None = None) -> None:
        self._settings = trainer.settings
        self._desk = trainer.desk
        self._devices = tuple(devices or jax.devices()[:1])
        self._learner = trainer.stacked_learner
        self._functions: dict[int, _Functions] = {}

    def train(self, orders: Sequence[Order], checkpoints: Checkpoints) -> list[Outcome]:
        """Carry out orders together; return their outcomes in the same sequence.

        Raises:
            InputError: a configuration does not fit this trainer.
            DamagedRunError: a checkpoint to start from is damaged or of another environment.
        """
        began = time.perf_counter()
        begun = [self._desk.begin(order, checkpoints) for order in orders]
        functions = self._functions_of(len(orders))
        padded_to = self._desk.padded_to(begun)
        members = [pad_member(one.member, one.architectures, padded_to) for one in begun]
        stack = functions.place(_stacked(members))
        stack, steps, losses = self._learn(begun, stack, functions)
        returns = self._evaluate(stack, functions)
        seconds = (time.perf_counter() - began) / len(orders)
        members = _unstacked(stack, len(orders))
        return [
            self._desk.conclude(
                one,
                unpad_member(members[index], one.architectures),
                returns[index],
                Training(steps=steps[index], losses=losses[index], seconds=seconds),
                checkpoints,
            )
            for index, one in enumerate(begun)
        ]

    def _learn(
        self, begun: Sequence[Begun], stack: Tree, functions: "_Functions"
    ) -> tuple[Tree, list[int], list[list[LossTerms]]]:
        starts = functions.place(_stacked([one.starts for one in begun]))
        hyperparameters = functions.place(_stacked([one.hyperparameters for one in begun]))
        seeds = functions.place(np.stack([seed_words(one.order.seed) for one in begun]))
        teacher_input = functions.place(_stacked(self._teacher_inputs(begun)))
        steps, losses = [0] * len(begun), [list[LossTerms]() for _ in begun]
        iteration = 0
        while any(unrolls := self._unrolls(begun, steps)):
            lengths = [
                count * int(one.hyperparameters.unroll_length)
                for count, one in zip(unrolls, begun, strict=True)
            ]
            stack, terms = functions.train(
                stack,
                starts,
                teacher_input._replace(weights=functions.place(_weights(begun, steps))),
                hyperparameters,
                Iteration(
                    seed=seeds,
                    number=jnp.int32(iteration),
                    unrolls=functions.place(np.array(unrolls, np.int32)),
                    most_steps=jnp.int32(max(lengths)),
                ),
            )
            terms = jax.device_get(terms)
            for index, (one, count) in enumerate(zip(begun, unrolls, strict=True)):
                if count:
                    steps[index] += self._desk.steps_of(one.hyperparameters, count)
                    losses[index].append(LossTerms(*(term[index] for term in terms)))
                    self._desk.report(one.order, steps[index])
            iteration += 1
        return stack, steps, losses

    def _teacher_inputs(self, begun: Sequence[Begun]) -> list[TeacherInput]:
        """Return what each member is taught, all teachers padded to one size."""
        padded_to = self._desk.padded_to(begun)
        untaught = no_teacher(padded_to, self._learner.environment.environment)
        return [untaught if one.schedule is None else one.schedule.at(0, padded_to) for one in begun]

    def _unrolls(self, begun: Sequence[Begun], steps: Sequence[int]) -> list[int]:
        return [
            self._desk.next_unrolls(one.hyperparameters, one.order.steps - done)
            for one, done in zip(begun, steps, strict=True)
        ]

    def _evaluate(self, stack: Member, functions: "_Functions") -> list[EpisodeReturns]:
        seed, episodes = seed_words(self._settings.evaluation_seed), self._settings.evaluation_episodes
        return_mn, steps_m = jax.device_get(functions.evaluate(stack.policy, seed))
        return [
            EpisodeReturns(return_n=return_n.astype(np.float64), steps=int(t) * episodes)
            for return_n, t in zip(return_mn, steps_m, strict=True)
        ]

    def _functions_of(self, members: int) -> "_Functions":
        if members not in self._functions:
            devices = max(d for d in range(1, len(self._devices) + 1) if members % d == 0)
            self._functions[members] = _Functions(
                learner=self._learner,
                evaluation_episodes=self._settings.evaluation_episodes,
                sharding=_sharding(self._devices[:devices]),
            )
        return self._functions[members]


@dataclass(frozen=True, slots=True)
class _Functions:
    """The programs of a stack; JAX compiles them anew for another size of the padded networks."""

    learner: Learner
    evaluation_episodes: int
    sharding: jax.sharding.NamedSharding
    train: Callable[..., tuple[Tree, Tree]] = field(init=False)
    evaluate: Callable[..., tuple[Tree, Tree]] = field(init=False)

    def __post_init__(self) -> None:
        each, shared = self.sharding.spec, jax.sharding.PartitionSpec()
        set_field = object.__setattr__  # the dataclass is frozen
        specs = [each] * 4 + [_of_iteration(each, shared)]
        set_field(self, "train", self._program(self._train, specs, consume=(0,)))
        set_field(self, "evaluate", self._program(self._evaluate, [each, shared]))

    def _program(
        self, function: Callable[..., Any], specs: Sequence[Any], consume: tuple[int, ...] = ()
    ) -> Callable[..., Any]:
        """Return a function that each device computes for its own members.

        Were the loops over all members, the devices would have to agree in every step on whether to go on.
        """
        each = jax.shard_map(
            function,
            mesh=self.sharding.mesh,
            in_specs=tuple(specs),
            out_specs=self.sharding.spec,
            check_vma=False,
        )
        return jit(each, consume=consume)

    def place(self, tree: Tree) -> Tree:
        """Give every device its members."""
        return jax.device_put(tree, self.sharding)

    def _train(
        self, stack: Tree, starts: Tree, teacher_input: Tree, hyperparameters: Tree, iteration: Iteration
    ) -> tuple[Tree, Tree]:
        def one(
            member: Member,
            starts: StartStates,
            teacher_input: TeacherInput,
            hyperparameters: Hyperparameters,
            iteration: Iteration,
        ) -> tuple[Member, LossTerms]:
            buffers = blank_buffers(self.learner.environment, self.learner.longest_rollout)
            member, _, terms = self.learner.train(
                member, starts, buffers, teacher_input, hyperparameters, iteration
            )
            return member, terms

        each = jax.vmap(one, in_axes=(0, 0, 0, 0, _of_iteration(0, None)))
        trained: tuple[Tree, Tree] = each(stack, starts, teacher_input, hyperparameters, iteration)
        return trained

    def _evaluate(self, policies: Tree, seed: jax.Array) -> tuple[Tree, Tree]:
        vector = self.learner.environment

        def one(policy: Any) -> tuple[jax.Array, jax.Array]:
            return episode_returns(
                vector.environment,
                policy,
                stream_key(seed, Stream.EVALUATE),
                episodes=self.evaluation_episodes,
                episode_length=vector.episode_length,
            )

        returns: tuple[Tree, Tree] = jax.vmap(one)(policies)
        return returns


def local_devices() -> list[jax.Device]:
    """Return the devices of this process, of the kind that JAX prefers."""
    return jax.local_devices()


def _weights(begun: Sequence[Begun], steps: Sequence[int]) -> Tree:
    """Return what each member's teacher counts by now."""
    return _stacked(
        [
            no_coefficients() if one.schedule is None else one.schedule.weights(done)
            for one, done in zip(begun, steps, strict=True)
        ]
    )


def _of_iteration(own: Any, shared: Any) -> Any:
    """Return `own` for what each member has of its own in an iteration, and `shared` for the rest."""
    return Iteration(seed=own, number=shared, unrolls=own, most_steps=shared)


def _sharding(devices: Sequence[jax.Device]) -> jax.sharding.NamedSharding:
    mesh = jax.sharding.Mesh(np.array(devices), ("members",))
    return jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("members"))


def _stacked(trees: Sequence[Any]) -> Tree:
    return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)  # JAX's would be a program for each shape


def _unstacked(stack: Tree, count: int) -> list[Member]:
    on_host = jax.device_get(stack)
    return [jax.tree.map(lambda leaf, index=index: leaf[index], on_host) for index in range(count)]
