"""The seven tasks of Wan et al. (2022), as brax 0.0.10 had them, on the same engine (`brax.v1`).

Later Brax releases changed physics, observations and rewards. Four tasks are still the same there; the other
three are written anew, from what they observed and rewarded then, over `brax.v1`'s bodies and joints.
"""

from bgpbt.envs.paper.tasks import make_paper

__all__ = ["make_paper"]
