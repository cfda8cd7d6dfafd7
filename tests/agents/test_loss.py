import jax
import jax.numpy as jnp
import numpy as np

from bgpbt.agents.architecture import Architecture, Architectures
from tests.agents.test_padding import agent, transitions, updated

SMALL = Architecture(depth=1, width=4)


def test_without_a_teacher_nothing_is_taken_of_what_one_would_say() -> None:
    member = agent(Architectures(policy=SMALL, value=SMALL), 0)
    nothing = jnp.zeros(())
    alone = transitions(0)._replace(is_taught=jnp.asarray(False), kl_weight=nothing, value_weight=nothing)
    silent = alone._replace(
        teacher_logits_il=alone.teacher_logits_il * jnp.nan, teacher_value_i=alone.teacher_value_i * jnp.inf
    )
    (first, terms), (second, silent_terms) = (updated(member, data) for data in (alone, silent))
    assert terms.teacher_kl == terms.teacher_value_error == 0.0
    jax.tree.map(np.testing.assert_array_equal, (first, terms), (second, silent_terms))
