"""Stable-Baselines3's agents learn, continue and are scored as orders say."""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ConfigSpace import ConfigurationSpace, Float, Integer

pytest.importorskip("stable_baselines3", reason="pip install 'bgpbt[sb3]'")
pytest.importorskip("gymnasium")

from bgpbt.errors import InputError
from bgpbt.records import (
    Checkpoint,
    Configuration,
    Distil,
    Fresh,
    From,
    Order,
    Outcome,
    Proposal,
    ProposalSource,
    Purpose,
    Start,
)
from bgpbt.space import Space, sb3_ppo_space
from bgpbt.toys import MemoryCheckpoints
from bgpbt.trainers import TrainerError
from bgpbt.trainers.sb3 import SB3Trainer
from tests.trainers.sb3.right_choice import CHOICES, EPISODE, SEEDS, RightChoice

TRAINER = SB3Trainer(
    environment=RightChoice, environments=2, evaluation_episodes=6, evaluation_seed=2**40 + 7
)
CONFIGURATION: Configuration = {"learning_rate": 1e-2, "n_steps": 50, "batch_size": 50, "n_epochs": 4}


def order(
    start: Start, configuration: Configuration = CONFIGURATION, *, steps: int = 1000, seed: int = 2**62 + 5
) -> Order:
    return Order(
        round=0,
        member=0,
        purpose=Purpose.TRAIN,
        start=start,
        configuration=configuration,
        first_step=0,
        steps=steps,
        seed=seed,
        proposal=Proposal(source=ProposalSource.DEFAULT),
    )


Skilled = tuple[Checkpoint, Outcome]


@pytest.fixture(scope="module")
def checkpoints() -> MemoryCheckpoints:
    return MemoryCheckpoints()


@pytest.fixture(scope="module")
def skilled(checkpoints: MemoryCheckpoints) -> Skilled:
    """A member that has learnt the task."""
    outcome = TRAINER.train(order(Fresh()), checkpoints)
    assert outcome.checkpoint is not None
    return outcome.checkpoint, outcome


def test_it_learns_which_choice_is_paid(skilled: Skilled) -> None:
    outcome = skilled[1]
    assert outcome.score > 0.9 * EPISODE  # a guess has a third of it
    assert outcome.steps == 1000
    assert outcome.evaluation_steps == 6 * EPISODE
    assert EPISODE / CHOICES < outcome.figures["training_return"] < outcome.score


def test_the_same_order_gives_the_same_bytes_and_leaves_global_generators_alone(
    checkpoints: MemoryCheckpoints, skilled: Skilled
) -> None:
    np.random.seed(1)  # noqa: NPY002
    again = TRAINER.train(order(Fresh()), checkpoints)
    drawn = np.random.random()  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    assert drawn == np.random.random()  # noqa: NPY002
    assert replace(again, seconds=0.0) == replace(skilled[1], seconds=0.0)
    continued = order(From(checkpoint=skilled[0]), seed=3)
    first, second = (TRAINER.train(continued, checkpoints) for _ in range(2))
    assert first.checkpoint == second.checkpoint != skilled[0]
    other = TRAINER.train(replace(continued, seed=4), checkpoints)
    assert other.checkpoint != first.checkpoint


def test_training_and_evaluation_begin_with_seeds_of_their_own() -> None:
    SEEDS.clear()
    TRAINER.train(order(Fresh(), steps=100), MemoryCheckpoints())
    trained, scored = (2**62 + 5) % 2**31, (2**40 + 7) % 2**31
    assert [seed for seed in SEEDS if seed is not None] == [trained, trained + 1, scored, scored + 1]


def test_a_member_is_scored_on_other_start_states_too(
    checkpoints: MemoryCheckpoints, skilled: Skilled
) -> None:
    same = TRAINER.evaluate(skilled[0], checkpoints, episodes=6, seed=TRAINER.evaluation_seed)
    assert same.mean == skilled[1].score
    returns = TRAINER.evaluate(skilled[0], checkpoints, episodes=20, seed=5)
    assert returns.return_n.shape == (20,)
    assert returns.mean > 0.9 * EPISODE
    model = TRAINER.model(skilled[0], checkpoints)
    choices, _ = model.predict(np.eye(CHOICES, dtype=np.float32), deterministic=True)
    assert choices.tolist() == list(range(CHOICES))


def test_a_continued_member_trains_with_the_order_s_hyperparameters(
    checkpoints: MemoryCheckpoints, skilled: Skilled
) -> None:
    def trained(**changes: float) -> dict[str, np.ndarray]:
        start = From(checkpoint=skilled[0])
        outcome = TRAINER.train(order(start, {**CONFIGURATION, **changes}, steps=400), checkpoints)
        assert outcome.checkpoint is not None
        return checkpoints.load(outcome.checkpoint)[0]

    before = checkpoints.load(skilled[0])[0]
    weights = [name for name in before if name.startswith("policy/")]
    still, moved = trained(learning_rate=0.0), trained()
    for name in weights:  # only a step of length 0 leaves the weights as they are
        np.testing.assert_array_equal(still[name], before[name])
    assert any((moved[name] != before[name]).any() for name in weights)
    # Adam counts its steps: epochs times minibatches of all rollouts, after those of the checkpoint.
    count = "policy.optimizer/0/step"
    assert before[count] == 1000 / 50 * 4
    assert moved[count] - before[count] == 400 / 50 * 4
    assert trained(n_epochs=1, n_steps=200, batch_size=100)[count] - before[count] == 400 / 100
    assert moved["counters/num_timesteps"] == 1400


def test_whole_rollouts_are_trained() -> None:
    outcome = TRAINER.train(order(Fresh(), steps=299), MemoryCheckpoints())
    assert outcome.steps == 200
    with pytest.raises(
        InputError, match=r"n_steps = 50 of 2 environments makes rollouts of 100 steps, but an"
    ):
        TRAINER.train(order(Fresh(), steps=99), MemoryCheckpoints())


def test_schedules_run_over_the_whole_run() -> None:
    seen: list[float] = []

    def rate(remaining: float) -> float:
        seen.append(remaining)
        return 1e-3

    trainer = replace(TRAINER, arguments={"learning_rate": rate}, total_steps=400)
    stored = MemoryCheckpoints()
    configuration: Configuration = {"n_steps": 50}
    first = trainer.train(order(Fresh(), configuration, steps=200), stored)
    assert first.checkpoint is not None
    assert seen[-1] == 0.5
    seen.clear()
    trainer.train(order(From(checkpoint=first.checkpoint), configuration, steps=200), stored)
    assert list(dict.fromkeys(seen)) == [1.0, 0.25, 0.0]  # the first is of the constructor


def test_progress_is_told_in_steps_of_the_order() -> None:
    told: list[int] = []
    trainer = replace(TRAINER, on_progress=lambda _, steps: told.append(steps))
    stored = MemoryCheckpoints()
    quick: Configuration = {"n_steps": 500, "n_epochs": 1, "batch_size": 500}
    first = trainer.train(order(Fresh(), quick, steps=2000), stored)
    assert told == [1000, 2000]
    assert first.checkpoint is not None
    trainer.train(order(From(checkpoint=first.checkpoint), quick, steps=1000), stored)
    assert told == [1000, 2000, 1000]


def test_a_checkpoint_of_another_kind_is_refused(checkpoints: MemoryCheckpoints, skilled: Skilled) -> None:
    start = From(checkpoint=skilled[0])
    with pytest.raises(TrainerError, match=r"is of .*PPO.*, not of .*A2C"):
        replace(TRAINER, algorithm="A2C").train(order(start, {}), checkpoints)
    wide = replace(TRAINER, arguments={"policy_kwargs": {"net_arch": [8]}})
    with pytest.raises(TrainerError, match="of an agent with other networks"):
        wide.train(order(start), checkpoints)
    with pytest.raises(TrainerError, match="trained without normalisation"):
        replace(TRAINER, normalise=True).train(order(start), checkpoints)
    with pytest.raises(InputError, match="nothing can be distilled, grown"):
        TRAINER.train(order(Distil(teacher=skilled[0], total_steps=10)), checkpoints)


def test_what_all_members_have_in_common_stays_as_it_was() -> None:
    arguments = {"policy_kwargs": {"net_arch": [8]}}
    trainer = replace(TRAINER, algorithm="A2C", arguments=arguments)  # which adds its optimiser's class
    trainer.train(order(Fresh(), {}, steps=100), MemoryCheckpoints())
    assert arguments == {"policy_kwargs": {"net_arch": [8]}}


def test_it_can_be_sent_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(TRAINER)) == TRAINER


def space(name: str, *, whole: bool = False) -> Space:
    described = ConfigurationSpace()
    described.add(Integer(name, (1, 9)) if whole else Float(name, (0.1, 0.9)))
    return Space.from_configspace(described)


def test_the_space_of_ppo_is_read_whole() -> None:
    TRAINER.check_space(sb3_ppo_space())


@pytest.mark.parametrize(
    ("algorithm", "name", "message"),
    [
        (
            "PPO",
            "discount",
            r"PPO does not read discount \(did you mean gamma\?\); it reads learning_rate, n_s",
        ),
        ("PPO", "lr", r"PPO does not read lr \(did you mean learning_rate\?\)"),
        ("PPO", "clip_epsilon", r"PPO does not read clip_epsilon \(did you mean clip_range\?\)"),
        ("PPO", "tau", "PPO does not read tau; it reads"),
        ("A2C", "n_epochs", "A2C does not read n_epochs; it reads"),
        ("SAC", "polyak", r"SAC does not read polyak \(did you mean tau\?\)"),
        ("DQN", "replay_size", r"DQN does not read replay_size \(did you mean buffer_size\?\)"),
        ("PPO", "seed", "PPO does not read seed; it reads"),
        ("PPO", "n_steps", "n_steps is a float; it must be an integer"),
    ],
)
def test_a_space_that_an_algorithm_does_not_read_is_refused(algorithm: str, name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(TRAINER, algorithm=algorithm).check_space(space(name))


def test_values_are_checked_in_spaces_and_in_orders() -> None:
    with pytest.raises(InputError, match="batch_size = 1 must be a whole number, 2 or more"):
        TRAINER.check_space(space("batch_size", whole=True))
    with pytest.raises(InputError, match=r"gamma = 1.5 must be a number from 0 to 1"):
        TRAINER.train(order(Fresh(), {"gamma": 1.5}), MemoryCheckpoints())
    with pytest.raises(InputError, match=r"PPO takes no discount \(did you mean gamma\?\)"):
        TRAINER.train(order(Fresh(), {"discount": 0.9}), MemoryCheckpoints())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"algorithm": "PP0"}, "algorithm = 'PP0' must be one of PPO, A2C, SAC, TD3, DQN"),
        ({"environments": 0}, "environments = 0 must be 1 or more"),
        ({"evaluation_episodes": 0}, "evaluation_episodes = 0 must be 1 or more"),
        ({"evaluation_seed": -1}, "evaluation_seed = -1 must be 0 or more"),
        ({"arguments": {"seed": 3}}, "arguments: seed is given by the trainer itself; leave it out"),
        ({"arguments": {"gama": 0.9}}, r"arguments: PPO takes no gama \(did you mean gamma\?\)"),
        (
            {"algorithm": "TD3", "arguments": {"train_freq": (1, "episode")}},
            r"arguments: train_freq = \(1, 'episode'\) must count steps",
        ),
    ],
)
def test_an_argument_that_is_not_allowed_is_named(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        SB3Trainer(**{"environment": RightChoice, **arguments})  # type: ignore[arg-type]


def test_the_code_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[3] / "docs" / "stable-baselines3.md").read_text(encoding="utf-8")
    code = page.split("```python\n")[1].split("```")[0]
    assert len([line for line in code.splitlines() if line and not line.startswith("from ")]) <= 15
    small = {"20_000": "4_096", "100_000": "8_192", "population=4": "population=2", "initial=8": "initial=2"}
    small |= {
        "quantile_fraction=0.25": "quantile_fraction=0.5",
        "evaluation_episodes=20": "evaluation_episodes=2",
    }
    for long, short in small.items():
        assert long in code
        code = code.replace(long, short)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(code, names)
    from stable_baselines3 import PPO

    assert PPO.load("cartpole.zip").num_timesteps in (4096, 8192)
