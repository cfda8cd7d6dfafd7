"""What a student is told by its teacher.

Wan et al. (2022), section 3.2: the student rolls out its own policy and minimises
L_PPO + alpha (c_pi KL(teacher || student) + c_v (V_student - V_teacher)^2), alpha falling linearly over most
of the distillation. The teacher looks at the student's observations through its own normaliser.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np

from bgpbt import checks
from bgpbt.agents.networks import normaliser, perceptron
from bgpbt.agents.networks.action_space import space_of
from bgpbt.agents.networks.architecture import Architecture, Architectures
from bgpbt.agents.networks.member import Member
from bgpbt.agents.networks.padding import pad
from bgpbt.envs.protocol import Environment

__all__ = [
    "DistillationSettings",
    "Teacher",
    "TeacherCoefficients",
    "TeacherInput",
    "TeacherNetwork",
    "TeacherOutput",
    "no_coefficients",
    "no_teacher",
    "teach",
    "teacher_of",
]

SMALLEST_NORM = 1e-12  # keeps a kernel of zeros finite
SMALLEST_WIDTH = 32  # units; a narrower matrix product hardly costs less


@dataclass(frozen=True, slots=True, kw_only=True)
class DistillationSettings:
    """How students learn; defaults, but for the epochs, are those of Wan et al. (2022)'s released code.

    More epochs cost no environment steps: with 16 a student of 2 x 32 reached its teacher of 3 x 256 on
    reacher after 200k steps, with the released code's 4 not after 500k.

    Raises:
        InputError: a number is outside its range.
    """

    kl_coefficient: float = 5.0  # c_pi
    value_coefficient: float = 0.0  # c_v; 0.5 in the released code's signature, never passed on
    final_weight: float = 0.05  # of alpha, which begins at 1
    ramp_fraction: float = 0.8  # of the distillation, over which alpha falls
    learning_rate: float = 3e-4
    update_epochs: int = 16  # 4 in the released code

    def __post_init__(self) -> None:
        for name in ("kl_coefficient", "value_coefficient", "final_weight"):
            value = getattr(self, name)
            checks.require(0.0 <= value < float("inf"), name, value, "finite, 0 or more")
        is_share = 0.0 < self.ramp_fraction <= 1.0
        checks.require(is_share, "ramp_fraction", self.ramp_fraction, "above 0 and at most 1")

    @property
    def hyperparameters(self) -> dict[str, float]:
        """What students are trained with, whatever their configurations say."""
        return {"learning_rate": self.learning_rate, "update_epochs": self.update_epochs}

    def weight(self, done: float) -> float:
        """Return alpha when a share `done` in [0, 1] of the whole distillation is over."""
        fallen = min(done / self.ramp_fraction, 1.0)
        return 1.0 - (1.0 - self.final_weight) * fallen


class TeacherNetwork(NamedTuple):
    """A network padded to the size of a larger one, normalised kernels divided by their norms."""

    parameters: perceptron.Parameters
    depth: jax.Array  # hidden layers that are real; the others are passed over
    width: jax.Array  # units of a hidden layer that are real; the others are 0


class Teacher(NamedTuple):
    """A member as its students see it."""

    policy: TeacherNetwork
    value: TeacherNetwork
    normaliser: normaliser.Normaliser


class TeacherCoefficients(NamedTuple):
    """How much a teacher's word counts."""

    is_taught: jax.Array  # bool; False where there is no teacher
    kl: jax.Array  # alpha c_pi; 0 where there is no teacher
    value: jax.Array  # alpha c_v; likewise


class TeacherInput(NamedTuple):
    """A teacher, padded so that one program serves all, and the coefficients of its loss."""

    teacher: Teacher  # its networks padded; zeros where there is none
    weights: TeacherCoefficients


class TeacherOutput(NamedTuple):
    """What a teacher says of some steps."""

    logits_il: jax.Array  # (steps, outputs of its policy network)
    value_i: jax.Array


def no_coefficients() -> TeacherCoefficients:
    """Return the coefficients without a teacher."""
    nothing: Any = np.float32(0.0)
    return TeacherCoefficients(is_taught=cast(jax.Array, np.zeros((), bool)), kl=nothing, value=nothing)


def teacher_of(member: Member, architectures: Architectures, padded_to: Architectures) -> Teacher:
    """Return what students need of a member, padded.

    Raises:
        InputError: its networks do not fit into `padded_to`.
    """
    parameters, spectral = member.parameters, member.spectral
    return Teacher(
        policy=_padded((parameters.policy, spectral.policy), architectures.policy, padded_to.policy),
        value=_padded((parameters.value, spectral.value), architectures.value, padded_to.value),
        normaliser=member.normaliser,
    )


def no_teacher(padded_to: Architectures, environment: Environment) -> TeacherInput:
    """Return the input of an agent without a teacher, for programs whose teachers are padded to this size."""
    rng, observations = np.random.default_rng(0), environment.observation_size
    policy = perceptron.initialise(rng, padded_to.policy, observations, space_of(environment).outputs)
    value = perceptron.initialise(rng, padded_to.value, observations, 1)
    teacher = Teacher(
        policy=_padded(policy, padded_to.policy, padded_to.policy),
        value=_padded(value, padded_to.value, padded_to.value),
        normaliser=normaliser.fresh(observations),
    )
    return TeacherInput(teacher=jax.tree.map(np.zeros_like, teacher), weights=no_coefficients())


def teach(teacher: Teacher, observation_io: jax.Array) -> TeacherOutput:
    """Return what a teacher says of observations."""
    normalised_io = normaliser.normalise(teacher.normaliser, observation_io)
    return TeacherOutput(_apply(teacher.policy, normalised_io), _apply(teacher.value, normalised_io)[:, 0])


def _padded(
    network: tuple[perceptron.Parameters, perceptron.Spectral], shape: Architecture, padded_to: Architecture
) -> TeacherNetwork:
    parameters, _ = pad((_divided(*network), ()), shape, padded_to)
    depth: Any = np.int32(shape.depth)
    width: Any = np.int32(shape.width)
    return TeacherNetwork(parameters=parameters, depth=depth, width=width)


def _divided(parameters: perceptron.Parameters, spectral: perceptron.Spectral) -> perceptron.Parameters:
    """Divide hidden kernels by the norms that `perceptron.apply` would divide by, on the host.

    Miyato et al. (2018), eq. 19; the right vector is that to which the power iteration steps from `spectral`.
    """
    if isinstance(spectral, perceptron.PaddedSpectral) or not spectral:
        return parameters
    *hidden_layers, output_layer = jax.tree.map(np.asarray, parameters)
    for layer, vector_o in zip(hidden_layers, spectral, strict=True):
        left_i = layer["kernel"] @ np.asarray(vector_o)
        left_i /= np.maximum(np.linalg.norm(left_i), SMALLEST_NORM)
        norm = np.maximum(np.linalg.norm(left_i @ layer["kernel"]), SMALLEST_NORM)
        layer["kernel"] = layer["kernel"] / norm.astype(np.float32)
    return (*hidden_layers, output_layer)


def _apply(network: TeacherNetwork, input_bi: jax.Array) -> jax.Array:
    """Return the outputs of a network: (batch, inputs) -> (batch, outputs).

    A small teacher costs little though it is padded to a large size: padding units are left out by halves of
    the width, and layers that are passed over are not computed.
    """
    widths = [network.parameters[0]["bias"].shape[0]]
    while widths[-1] >= 2 * SMALLEST_WIDTH:
        widths.append(widths[-1] // 2)

    def at(width: int) -> Callable[[jax.Array], jax.Array]:
        def apply(input_bi: jax.Array) -> jax.Array:
            *hidden_layers, output_layer = network.parameters
            activation_bh = _layer(hidden_layers[0], input_bi, width)
            for index, layer in enumerate(hidden_layers[1:], start=1):
                activation_bh = jax.lax.cond(
                    index < network.depth,
                    partial(_layer, layer, width=width),
                    lambda activation_bh: activation_bh,
                    activation_bh,
                )
            return activation_bh @ output_layer["kernel"][:width] + output_layer["bias"]

        return apply

    narrowest_that_fits = jnp.sum(jnp.array(widths[1:], jnp.int32) >= network.width)
    return jax.lax.switch(narrowest_that_fits, [at(width) for width in widths], input_bi)


def _layer(layer: dict[str, jax.Array], input_bi: jax.Array, width: int) -> jax.Array:
    kernel_ih = layer["kernel"][: input_bi.shape[1], :width]
    return jax.nn.silu(input_bi @ kernel_ih + layer["bias"][:width])
