import re
from pathlib import Path

import jax
import numpy as np
import numpy.typing as npt
import pytest
from safetensors import safe_open

from bgpbt.analysis import best_member
from bgpbt.errors import BgpbtError, InputError
from bgpbt.policies import TrainedPolicy, best_policy, read_policy, write_policy
from bgpbt.storage import RunDirectory


@pytest.fixture(scope="module")
def written(policy: TrainedPolicy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("written") / "policy.safetensors"
    write_policy(policy, path)
    return path


def by_hand(
    arrays: dict[str, npt.NDArray[np.float32]], observation: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """The mean action in NumPy from the arrays of the file, as docs/policies.md describes them."""
    count, mean, squares = (
        arrays[f"normaliser.{name}"].astype(np.float64)
        for name in ("observation_count", "mean_o", "squares_o")
    )
    x = np.clip((observation - mean) / np.maximum(np.sqrt(squares / count), 1e-6), -5.0, 5.0)
    depth = sum(name.endswith(".kernel") for name in arrays) - 1
    for layer in range(depth):
        x = x @ arrays[f"parameters.{layer}.kernel"] + arrays[f"parameters.{layer}.bias"]
        x = x / (1.0 + np.exp(-x))
    logits = x @ arrays[f"parameters.{depth}.kernel"] + arrays[f"parameters.{depth}.bias"]
    return np.tanh(logits[: logits.size // 2])


def test_the_example_of_the_page_runs_to_its_end(
    policy: TrainedPolicy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = Path(__file__).parents[2] / "docs" / "policies.md"
    (example,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    write_policy(policy, "ant-bgpbt-hpo-seed0.safetensors")  # of reacher, which never ends an episode itself
    exec(example, {})
    episode, mean = (float(line) for line in capsys.readouterr().out.splitlines())
    assert episode < 0.0  # reacher's rewards are negative distances and costs
    assert mean < 0.0


def test_a_path_may_be_a_text(policy: TrainedPolicy, tmp_path: Path) -> None:
    write_policy(policy, f"{tmp_path}/policy.safetensors")
    assert read_policy(f"{tmp_path}/policy.safetensors").description == policy.description
    with pytest.raises(BgpbtError, match="File name too long"):
        read_policy("x" * 300)


def test_a_policy_comes_back_from_its_file(policy: TrainedPolicy, written: Path) -> None:
    again = read_policy(written)
    assert again.description == policy.description
    for first, second in zip(jax.tree.leaves(again.weights), jax.tree.leaves(policy.weights), strict=True):
        np.testing.assert_array_equal(first, second)


def test_equal_policies_are_equal_files(run: RunDirectory, written: Path, tmp_path: Path) -> None:
    write_policy(best_policy(run), tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == written.read_bytes()


def test_the_description_says_where_the_policy_comes_from(run: RunDirectory, policy: TrainedPolicy) -> None:
    with run.open_history(read_only=True) as history:
        best = best_member(history.trained())
    assert best is not None
    description = policy.description
    assert (description.round, description.member) == (best.order.round, best.order.member)
    assert description.score == best.outcome.score
    assert description.checkpoint == best.outcome.checkpoint
    assert description.configuration == best.configuration
    assert description.versions["jax"] == jax.__version__
    assert (description.environment, description.seed, description.strategy) == ("reacher", 3, "pbt")


def test_any_reader_of_safetensors_can_act_with_the_file(policy: TrainedPolicy, written: Path) -> None:
    with safe_open(written, framework="numpy") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        assert file.metadata()["format"] == "bgpbt-policy"
    observation = np.random.default_rng(0).normal(size=11).astype(np.float32)
    np.testing.assert_allclose(policy.act(observation), by_hand(arrays, observation), rtol=1e-4)


def test_one_observation_acts_as_it_does_in_a_batch(policy: TrainedPolicy) -> None:
    observation_bo = np.random.default_rng(1).normal(size=(3, 11))
    action_ba = policy.act(observation_bo)
    assert action_ba.shape == (3, 2)
    assert policy.act(observation_bo[1]).shape == (2,)
    np.testing.assert_allclose(policy.act(observation_bo[1]), action_ba[1], rtol=1e-5)


def test_sampled_actions_spread_around_the_mean_and_repeat_with_their_key(policy: TrainedPolicy) -> None:
    observation_bo = np.zeros((4_000, 11))
    sampled_ba = policy.act(observation_bo, jax.random.key(0))
    np.testing.assert_array_equal(sampled_ba, policy.act(observation_bo, jax.random.key(0)))
    assert np.any(sampled_ba != policy.act(observation_bo, jax.random.key(1)))
    median_a = np.median(sampled_ba, axis=0)  # tanh keeps the median
    np.testing.assert_allclose(median_a, policy.act(observation_bo[0]), atol=0.05)


def test_an_observation_of_another_length_is_refused(policy: TrainedPolicy) -> None:
    with pytest.raises(InputError, match=r"observations of length 11, got \(10,\)"):
        policy.act(np.zeros(10))


def test_every_changed_byte_is_noticed(written: Path, tmp_path: Path) -> None:
    content = written.read_bytes()
    damaged = tmp_path / "damaged.safetensors"
    for position in range(0, len(content), 17):
        damaged.write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])
        with pytest.raises(BgpbtError, match=r"damaged\.safetensors"):
            read_policy(damaged)


def test_what_is_no_policy_is_named(run: RunDirectory, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_policy(tmp_path / "missing.safetensors")
    (tmp_path / "text.safetensors").write_text("hello", encoding="utf-8")
    with pytest.raises(InputError, match="is not a policy"):
        read_policy(tmp_path / "text.safetensors")
    checkpoint = next((run.path / "checkpoints").glob("*.safetensors"))
    with pytest.raises(InputError, match="another safetensors file; write one with bgpbt policy RUN"):
        read_policy(checkpoint)
