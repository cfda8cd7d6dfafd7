from pathlib import Path

import numpy as np
import pytest
from ConfigSpace import (
    CategoricalHyperparameter,
    ConfigurationSpace,
    Constant,
    EqualsCondition,
    Float,
    OrdinalHyperparameter,
)
from hypothesis import given

from bgpbt.errors import InputError
from bgpbt.space import (
    Space,
    ppo_space,
    read_space,
    space_from_json,
    space_from_yaml,
    space_to_json,
    space_to_yaml,
)
from tests.space.spaces import spaces


@given(spaces())
def test_json_and_yaml_bring_back_the_same_space(space: Space) -> None:
    for again in (space_from_json(space_to_json(space)), space_from_yaml(space_to_yaml(space))):
        assert again.inputs == space.inputs
        assert again.constants == space.constants
        assert again.default() == space.default()
        samples = [one.sample(5, np.random.default_rng(1)) for one in (again, space)]
        assert samples[0] == samples[1]  # conditions and forbidden clauses too
        assert space_to_json(again) == space_to_json(space)


@pytest.mark.parametrize(
    ("name", "text"), [("s.json", space_to_json(ppo_space())), ("s.yaml", space_to_yaml(ppo_space()))]
)
def test_files_are_read_by_their_ending(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert read_space(tmp_path / name).inputs == ppo_space().inputs


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("s.json", b"{", "is not JSON: "),
        ("s.yaml", b"a: [", "is not YAML: "),
        ("s.json", b"[1]", "it has no list of hyperparameters"),
        ("s.yml", b"", "it has no list of hyperparameters"),
        ("s.json", b'{"hyperparameters": 3}', "hyperparameters must be a list, or a mapping of names"),
        ("s.json", b'{"hyperparameters": [{"type": "warp", "name": "x"}]}', "is no valid ConfigSpace file: "),
        ("s.json", b"\xff\xfe\x00", "cannot be read as UTF-8: "),
        ("s.toml", b"", r"must end in \.json, \.yaml or \.yml"),
    ],
)
def test_a_bad_file_gives_one_line_that_names_it(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_space(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.json: No such file or directory"):
        read_space(tmp_path / "nothing.json")


def test_numpy_scalars_are_written_as_the_values_they_stand_for() -> None:
    given = ConfigurationSpace()
    kind = CategoricalHyperparameter("kind", [np.int64(1), np.int64(2)], default_value=np.int64(2))
    rate = Float("rate", (0.0, 1.0))
    given.add(kind, rate, OrdinalHyperparameter("level", list(np.array([0.5, 1.5], np.float32))))
    given.add(CategoricalHyperparameter("flag", list(np.array([True, False]))), Constant("c", np.int64(3)))
    given.add(EqualsCondition(rate, kind, np.int64(1)))
    space = Space.from_configspace(given)
    back = space_from_json(space_to_json(space))
    drawn, drawn_back = (s.sample(20, np.random.default_rng(0)) for s in (space, back))
    assert drawn == drawn_back
    types = {type(value) for configuration in drawn for value in configuration.values()}
    assert types == {int, float, bool}
