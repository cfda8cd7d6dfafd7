import pytest
from ConfigSpace import Categorical, ConfigurationSpace, EqualsCondition, Float, Integer

from bgpbt.errors import InputError
from bgpbt.space import ARCHITECTURE_INPUTS, Space, ppo_space, split, with_architectures


def test_the_paper_s_architectures_join_the_space() -> None:
    joined = with_architectures(ppo_space())
    assert set(joined.names) == set(ppo_space().names) | set(ARCHITECTURE_INPUTS)
    sizes = dict(zip(joined.names, joined.number_of_levels_d, strict=True))
    assert (sizes["policy_depth"], sizes["value_log2_width"], sizes["value_spectral_norm"]) == (5, 4, 2)


def test_a_space_with_architecture_inputs_of_its_own_keeps_them() -> None:
    described = ConfigurationSpace()
    described.add(Float("x", (0.0, 1.0)), Integer("policy_depth", (2, 3)))
    own = Space.from_configspace(described)
    assert with_architectures(own) is own


def test_splitting_gives_back_what_was_joined() -> None:
    hyperparameters, architectures = split(with_architectures(ppo_space()))
    assert hyperparameters.configuration_space == ppo_space().configuration_space
    assert set(architectures.names) == set(ARCHITECTURE_INPUTS)


def test_conditions_within_a_part_are_kept_and_those_between_parts_refused() -> None:
    described = ConfigurationSpace()
    described.add(Categorical("kind", ["a", "b"]), Float("x", (0.0, 1.0)), Integer("policy_depth", (1, 3)))
    described.add(EqualsCondition(described["x"], described["kind"], "a"))
    hyperparameters, _ = split(Space.from_configspace(described))
    assert [condition.child.name for condition in hyperparameters.configuration_space.conditions] == ["x"]
    described.add(EqualsCondition(described["policy_depth"], described["kind"], "b"))
    with pytest.raises(InputError, match="a condition ties kind and policy_depth together"):
        split(Space.from_configspace(described))
