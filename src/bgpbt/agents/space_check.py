"""Whether PPO reads every input of a space, and can take every value that the space can propose."""

from collections.abc import Mapping

from bgpbt.agents.ppo.hyperparameters import RULES
from bgpbt.space import ARCHITECTURE_INPUTS, Space
from bgpbt.space.names import FLAGS
from bgpbt.space.rules import TRUTH, Rule, Truth, check_inputs

__all__ = ["check_space"]

_SIZES: Mapping[str, Rule] = {
    "depth": Rule(low=1, high=100, is_whole=True),
    "log2_width": Rule(low=0, high=16, is_whole=True),
}
"""What an architecture input can be, by the end of its name; whether to normalise is true or false."""

_ALLOWED: Mapping[str, Rule | Truth] = {
    **RULES,
    **{name: _SIZES.get(name.split("_", 1)[1], TRUTH) for name in ARCHITECTURE_INPUTS},
}
"""All that PPO reads of a configuration."""


def check_space(space: Space, *, source: str = "space") -> None:
    """Check that PPO reads every input, and can take every value.

    Raises:
        InputError: it does not; the text begins with `source`, and has the name that was probably meant.
    """
    check_inputs(space, _ALLOWED, reader="PPO", flags=FLAGS, source=source)
