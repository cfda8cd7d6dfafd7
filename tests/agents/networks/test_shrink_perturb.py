"""Weights that are shrunk and perturbed: the formula element by element, and what stays as it was."""

from typing import Any

import jax
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgpbt.agents import Architecture, PPOTrainer, networks
from bgpbt.agents.networks.member import ActorCritic, Member, SpectralVectors, arrays_of, optimiser_at_rest
from bgpbt.agents.networks.shrink_perturb import shrunk_and_perturbed
from bgpbt.errors import InputError
from bgpbt.records import Checkpoint, From, ShrinkPerturb
from bgpbt.toys import MemoryCheckpoints
from tests.agents.test_trainer import order, trained

Arrays = dict[str, npt.NDArray[Any]]

ARCHITECTURE = Architecture(depth=2, width=4, spectral_norm=True)
shares = st.floats(0.0, 1.0)


def named(tree: Any) -> Arrays:
    return dict(arrays_of(tree))


def member(seed: int, moment: float) -> Member:
    """A member with biases that are not zero, and no environment."""
    random = np.random.default_rng(seed)
    policy, policy_spectral = networks.initialise(random, ARCHITECTURE, 3, 2)
    value, value_spectral = networks.initialise(random, ARCHITECTURE, 3, 1)
    parameters = jax.tree.map(
        lambda leaf: np.asarray(leaf + random.normal(size=leaf.shape), np.float32), ActorCritic(policy, value)
    )
    rest = optimiser_at_rest(parameters)
    nothing: Any = np.float32(seed)
    return Member(
        parameters=parameters,
        spectral=SpectralVectors(policy_spectral, value_spectral),
        optimiser=rest._replace(mu=jax.tree.map(lambda leaf: leaf + np.float32(moment), rest.mu)),
        normaliser=nothing,
        environments=nothing,
    )


@given(seed=st.integers(0, 2**31), keep=shares, fresh=shares)
@settings(max_examples=60, deadline=None)
def test_every_weight_is_the_sum_of_its_shares(seed: int, keep: float, fresh: float) -> None:
    old, new = member(seed, 0.5), member(seed + 1, 0.25)
    blended = shrunk_and_perturbed(old, new, keep=keep, fresh=fresh)
    old_arrays, new_arrays, arrays = (named(one.parameters) for one in (old, new, blended))
    assert arrays.keys() == old_arrays.keys()
    for name, array in arrays.items():
        assert array.dtype == np.float32
        exact = keep * old_arrays[name].astype(np.float64) + fresh * new_arrays[name].astype(np.float64)
        # Two roundings of the shares, two of the products and one of the sum, each of 2^-24.
        scale = keep * np.abs(old_arrays[name]) + fresh * np.abs(new_arrays[name])
        assert np.all(np.abs(array - exact) <= 5 * 2.0**-24 * scale + 1e-38)
    assert all(not np.any(leaf) for leaf in jax.tree.leaves(blended.optimiser))
    assert blended.spectral is old.spectral
    assert (blended.normaliser, blended.environments) == (old.normaliser, old.environments)


@given(seed=st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_all_of_the_old_weights_are_their_bytes(seed: int) -> None:
    old = member(seed, 0.5)
    old.parameters.policy[0]["bias"][0] = np.float32(-0.0)
    blended = shrunk_and_perturbed(old, member(seed + 1, 0.25), keep=1.0, fresh=0.0)
    arrays = named(blended.parameters)
    assert all(array.tobytes() == arrays[name].tobytes() for name, array in named(old.parameters).items())


def test_the_trainer_starts_from_shrunk_weights_and_keeps_what_it_has_seen(trainer: PPOTrainer) -> None:
    checkpoints = MemoryCheckpoints()
    outcome, old = trained(trainer, order(), checkpoints)
    assert outcome.checkpoint is not None
    start = ShrinkPerturb(checkpoint=outcome.checkpoint, keep=0.2, fresh=0.1)
    begun = named(trainer.desk.begin(order(start=start, seed=4), checkpoints).member)
    fresh = named(trainer.desk.begin(order(seed=4), checkpoints).member)
    for name, array in begun.items():
        kind = name.partition(".")[0]
        if kind == "parameters":
            np.testing.assert_allclose(array, 0.2 * old[name] + 0.1 * fresh[name], rtol=1e-6, atol=1e-9)
        elif kind == "optimiser":
            assert not np.any(array)
        else:
            assert array.tobytes() == old[name].tobytes()
    whole = ShrinkPerturb(checkpoint=outcome.checkpoint, keep=1.0, fresh=0.0)
    as_before = named(
        trainer.desk.begin(order(start=From(checkpoint=outcome.checkpoint)), checkpoints).member
    )
    for name, array in named(trainer.desk.begin(order(start=whole, seed=4), checkpoints).member).items():
        assert name.startswith("optimiser") or array.tobytes() == as_before[name].tobytes()
    again, _ = trained(trainer, order(start=start, seed=4), checkpoints)
    assert again.checkpoint == trained(trainer, order(start=start, seed=4), checkpoints)[0].checkpoint


@pytest.mark.parametrize("shares", [{"keep": -0.1}, {"fresh": 1.5}, {"keep": float("nan")}])
def test_a_share_that_is_none_is_named(shares: dict[str, float]) -> None:
    ((name, value),) = shares.items()
    with pytest.raises(InputError, match=f"{name} = {value} must be a share of the weights, from 0 to 1"):
        ShrinkPerturb(checkpoint=Checkpoint("0" * 64), **shares)
