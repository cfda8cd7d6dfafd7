import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from bgpbt.agents.networks.architecture import Architecture, Architectures
from bgpbt.agents.ppo.distillation import TeacherOutput, no_coefficients
from tests.agents.networks.test_padding import agent, transitions, updated

SMALL = Architecture(depth=1, width=4)


def test_without_a_teacher_nothing_is_taken_of_what_one_would_say() -> None:
    member = agent(Architectures(policy=SMALL, value=SMALL), 0)
    alone = transitions(0)._replace(teacher_coefficients=no_coefficients())
    logits_il, value_i = alone.teacher_output()
    silent = alone._replace(teacher_output=Partial(TeacherOutput, logits_il * jnp.nan, value_i * jnp.inf))
    (first, terms), (second, silent_terms) = (updated(member, data) for data in (alone, silent))
    assert terms.teacher_kl == terms.teacher_value_error == 0.0
    jax.tree.map(np.testing.assert_array_equal, (first, terms), (second, silent_terms))
