"""How strategies do where schedules matter: a small network on scikit-learn's digits, with a mixed space.

    python benchmarks/supervised.py [--seeds 12] [--first-seed 0] [--rounds 25] [--contender race pbt ...]

No download. A fifth of the training labels is wrong, so a good run lowers its learning rate and stops to
fit in time. The score of selection is the mean log likelihood of 400 images, that of the report is of 397
others. All runs of a seed train equally many examples, and share their initial design: contenders are
compared in pairs. A finished run is a line of the output file, and is not done again.
"""

import json
import multiprocessing
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import tyro
from ConfigSpace import Categorical, ConfigurationSpace, Float, OrdinalHyperparameter
from sklearn.datasets import load_digits
from tyro.conf import arg

from bgpbt.analysis.statistics import paired_difference, paired_improvement
from bgpbt.contracts import Checkpoints
from bgpbt.records import Configuration, From, Order, Outcome, Plan
from bgpbt.space import Space
from bgpbt.strategies import (
    PopulationRung,
    PopulationSettings,
    make_strategy,
    settings_for,
    with_schedule,
)
from bgpbt.toys import MemoryCheckpoints

Floats = npt.NDArray[np.float64]
Arrays = dict[str, Floats]

EXAMPLES = 4096  # of a member in one round
HIDDEN = 48
WRONG = 0.2  # share of the training labels

_LATE = {
    "rungs": (PopulationRung(members=8, share=0.3), PopulationRung(members=4, share=0.5)),
    "copy_after": 0.5,
}
_WIDE = {"rungs": (PopulationRung(members=8, share=0.3, rounds=4),), "copy_after": 0.1}


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A strategy with its options and the schedule of its population."""

    strategy: str
    options: Mapping[str, Any] = field(default_factory=dict)
    is_race: bool = False  # the schedule that `bgpbt train` takes
    schedule: Mapping[str, Any] = field(default_factory=dict)


CONTENDERS: Mapping[str, Contender] = {
    "random": Contender(strategy="random"),
    "no-mutation": Contender(strategy="no-mutation"),
    "pbt": Contender(strategy="pbt"),
    "pb2": Contender(strategy="pb2"),
    "mf-pbt": Contender(strategy="mf-pbt"),
    "bgpbt": Contender(strategy="bgpbt"),
    "successive-halving": Contender(strategy="successive-halving"),
    "race": Contender(strategy="bgpbt", is_race=True),
    "race-pbt": Contender(strategy="pbt", is_race=True),
    "race-pb2": Contender(strategy="pb2", is_race=True),
    "late-pbt": Contender(strategy="pbt", schedule=_LATE),
    "late-pb2": Contender(strategy="pb2", schedule=_LATE),
    "late-bgpbt": Contender(strategy="bgpbt", schedule=_LATE),
    "late-bgpbt-keep": Contender(strategy="bgpbt", options={"keep_donor": 0.5}, schedule=_LATE),
    "wide-pbt": Contender(strategy="pbt", schedule=_WIDE),
    "wide-bgpbt": Contender(strategy="bgpbt", schedule=_WIDE),
    "wide-bgpbt-keep": Contender(strategy="bgpbt", options={"keep_donor": 0.5}, schedule=_WIDE),
    "agree5-bgpbt": Contender(strategy="bgpbt", schedule={**_LATE, "agreement": 0.5}),
    "agree9-bgpbt": Contender(strategy="bgpbt", schedule={**_LATE, "agreement": 0.9}),
}


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Compare strategies on a supervised task."""

    seeds: Annotated[int, arg(aliases=["-n"])] = 12
    """Runs of each contender."""
    first_seed: int = 0
    """Seed of the first run."""
    rounds: int = 25
    """Rounds that the budget pays a population of eight."""
    contender: tuple[str, ...] = ("race", "pbt", "pb2", "bgpbt", "successive-halving", "random")
    """Which contenders; the first is what the others are compared with."""
    output: Annotated[Path, arg(aliases=["-o"])] = Path("runs/supervised.jsonl")
    """One line for each finished run."""
    jobs: int = 2
    """Runs at a time."""


def main(arguments: Arguments) -> None:
    """Do what is not done yet, and print."""
    wanted = [
        (name, seed, arguments.rounds)
        for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds)
        for name in arguments.contender
    ]
    done = read(arguments.output)
    missing = [key for key in wanted if key not in done]
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    with multiprocessing.get_context("spawn").Pool(arguments.jobs) as pool:
        for count, line in enumerate(pool.imap_unordered(run, missing), start=1):
            with arguments.output.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
            print(
                f"{line['contender']} seed {line['seed']}: {line['test']:.4f}  |  {count} of {len(missing)}"
            )
    report(read(arguments.output), arguments)


def read(path: Path) -> dict[tuple[str, int, int], float]:
    """Return the finished runs' test scores by contender, seed and rounds."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {(row["contender"], row["seed"], row["rounds"]): row["test"] for row in map(json.loads, lines)}


def report(done: Mapping[tuple[str, int, int], float], arguments: Arguments) -> None:
    """Print each contender's mean, and how it stands against the first, seed by seed."""
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    score = {
        name: np.array([done[name, seed, arguments.rounds] for seed in seeds]) for name in arguments.contender
    }
    first = score[arguments.contender[0]]
    print(
        f"\n{arguments.rounds} rounds of 8, seeds {seeds.start} to {seeds.stop - 1}; "
        "mean log likelihood of the test images"
    )
    print(f"{'':22} {'mean':>8}   better than {arguments.contender[0]}       mean difference")
    for name, score_n in sorted(score.items(), key=lambda item: -item[1].mean()):
        chance, gain = paired_improvement([score_n], [first]), paired_difference([score_n], [first])
        print(
            f"{name:22} {score_n.mean():8.4f}   {chance.value:.2f} [{chance.low:.2f}, {chance.high:.2f}]"
            f"      {gain.value:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}]"
        )


def run(key: tuple[str, int, int]) -> dict[str, Any]:
    """Train with one contender and seed until the budget is spent; return what the best member reached."""
    name, seed, rounds = key
    contender = CONTENDERS[name]
    budget = rounds * 8 * EXAMPLES
    settings = PopulationSettings(
        t_ready=EXAMPLES,
        max_timesteps=rounds * EXAMPLES,
        population=8,
        initial=16,
        quantile_fraction=0.25,
        budget=budget,
        **contender.schedule,
    )
    if contender.is_race:
        settings = with_schedule(settings, "race")
    trainer, checkpoints = DigitsTrainer(), MemoryCheckpoints()
    strategy = make_strategy(
        contender.strategy,
        space=SPACE,
        settings=settings_for(contender.strategy, settings),
        **contender.options,
    )
    plan: Plan | None
    state, plan = strategy.start(seed)
    outcomes: list[Outcome] = []
    while plan is not None:
        round_outcomes = [trainer.train(order, checkpoints) for order in plan.orders]
        outcomes += round_outcomes
        state, plan = strategy.advance(state, round_outcomes)
    spent = sum(outcome.steps for outcome in outcomes)
    assert spent <= budget
    best = max(outcomes, key=lambda outcome: outcome.score)
    assert best.checkpoint is not None
    weights, _ = checkpoints.load(best.checkpoint)
    test = log_likelihood(weights, images().test, images().test_labels)
    return {
        "contender": name,
        "seed": seed,
        "rounds": rounds,
        "test": test,
        "score": best.score,
        "steps": spent,
    }


@dataclass(frozen=True, kw_only=True)
class Images:
    """The digits, in a fixed division."""

    train: Floats  # (1000, 64)
    train_labels: npt.NDArray[np.int64]
    validation: Floats
    validation_labels: npt.NDArray[np.int64]
    test: Floats
    test_labels: npt.NDArray[np.int64]


@cache
def images() -> Images:
    """Return the digits, pixels from 0 to 1, some training labels replaced by random ones."""
    pixel_nf, label_n = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    order_n = rng.permutation(len(label_n))
    pixel_nf, label_n = pixel_nf[order_n] / 16.0, label_n[order_n].astype(np.int64)
    train_labels = label_n[:1000].copy()
    wrong_n = rng.random(1000) < WRONG
    train_labels[wrong_n] = rng.integers(10, size=int(wrong_n.sum()))
    return Images(
        train=pixel_nf[:1000],
        train_labels=train_labels,
        validation=pixel_nf[1000:1400],
        validation_labels=label_n[1000:1400],
        test=pixel_nf[1400:],
        test_labels=label_n[1400:],
    )


def _space() -> Space:
    space = ConfigurationSpace()
    space.add(
        Categorical("optimizer", ["sgd", "adam", "rmsprop"]),
        Float("learning_rate", (1e-4, 1.0), log=True),
        Float("momentum", (0.0, 0.99)),
        Float("weight_decay", (1e-6, 1e-1), log=True),
        Float("dropout", (0.0, 0.7)),
        Float("input_noise", (0.0, 0.5)),
        OrdinalHyperparameter("batch_size", [16, 32, 64, 128, 256]),
    )
    return Space.from_configspace(space)


SPACE = _space()


class DigitsTrainer:
    """Trains two layers by back-propagation; weights and the optimiser's moments are the checkpoint."""

    def train(self, order: Order, checkpoints: Checkpoints) -> Outcome:
        """Train a member for `order.steps` examples and score it on the images of selection."""
        rng = np.random.default_rng(order.seed)
        state = checkpoints.load(order.start.checkpoint)[0] if isinstance(order.start, From) else fresh(rng)
        for batch_b in batches(rng, order.steps, int(order.configuration["batch_size"])):
            update(state, batch_b, order.configuration, rng)
        score = log_likelihood(state, images().validation, images().validation_labels)
        return Outcome(
            round=order.round,
            member=order.member,
            checkpoint=checkpoints.save(state, {}),
            score=score,
            steps=order.steps,
        )


def fresh(rng: np.random.Generator) -> Arrays:
    """Return new weights, He's initialisation, and moments of zero."""
    state = {
        "w1": rng.normal(0.0, np.sqrt(2.0 / 64), (64, HIDDEN)),
        "b1": np.zeros(HIDDEN),
        "w2": rng.normal(0.0, np.sqrt(2.0 / HIDDEN), (HIDDEN, 10)),
        "b2": np.zeros(10),
    }
    moments = {f"{kind}_{name}": np.zeros_like(array) for name, array in state.items() for kind in ("m", "v")}
    return {**state, **moments, "t": np.zeros(1)}


def batches(rng: np.random.Generator, examples: int, size: int) -> Iterable[npt.NDArray[np.int64]]:
    """Yield indices of training images, so many in all."""
    index_n = rng.integers(1000, size=examples)
    for first in range(0, examples, size):
        yield index_n[first : first + size]


def update(
    state: Arrays, batch_b: npt.NDArray[np.int64], configuration: Configuration, rng: np.random.Generator
) -> None:
    """Take one step of the optimiser, in place."""
    kept = 1.0 - float(configuration["dropout"])
    noise = float(configuration["input_noise"])
    x_bf = images().train[batch_b] + noise * rng.normal(size=(len(batch_b), 64))
    label_b = images().train_labels[batch_b]
    before_bh = x_bf @ state["w1"] + state["b1"]
    mask_bh = (rng.random(before_bh.shape) < kept) / kept
    hidden_bh = np.maximum(before_bh, 0.0) * mask_bh
    error_bc = softmax(hidden_bh @ state["w2"] + state["b2"])
    error_bc[np.arange(len(batch_b)), label_b] -= 1.0
    error_bc /= len(batch_b)
    back_bh = (error_bc @ state["w2"].T) * mask_bh * (before_bh > 0.0)
    decay = float(configuration["weight_decay"])
    gradient = {
        "w1": x_bf.T @ back_bh + decay * state["w1"],
        "b1": back_bh.sum(0),
        "w2": hidden_bh.T @ error_bc + decay * state["w2"],
        "b2": error_bc.sum(0),
    }
    state["t"] += 1.0
    for name, slope in gradient.items():
        _step(state, name, slope, configuration)


def _step(state: Arrays, name: str, slope: Floats, configuration: Configuration) -> None:
    rate, momentum = float(configuration["learning_rate"]), float(configuration["momentum"])
    first, second, t = state[f"m_{name}"], state[f"v_{name}"], float(state["t"][0])
    match configuration["optimizer"]:
        case "sgd":
            first *= momentum
            first += slope
            state[name] -= rate * first
        case "rmsprop":
            second *= 0.99
            second += 0.01 * slope**2
            first *= momentum
            first += slope / (np.sqrt(second) + 1e-6)
            state[name] -= rate * first
        case _:
            first += (1.0 - momentum) * (slope - first)
            second += 0.001 * (slope**2 - second)
            corrected = first / (1.0 - momentum**t) if momentum else first
            state[name] -= rate * corrected / (np.sqrt(second / (1.0 - 0.999**t)) + 1e-8)
    np.nan_to_num(state[name], copy=False, nan=0.0, posinf=1e6, neginf=-1e6)


def softmax(logit_bc: Floats) -> Floats:
    """Return probabilities along the last axis."""
    exponential_bc = np.exp(logit_bc - logit_bc.max(axis=-1, keepdims=True))
    return np.asarray(exponential_bc / exponential_bc.sum(axis=-1, keepdims=True))


def log_likelihood(state: Mapping[str, Any], image_nf: Floats, label_n: npt.NDArray[np.int64]) -> float:
    """Return the mean log probability of the labels, at least -20 for each image."""
    hidden_nh = np.maximum(image_nf @ state["w1"] + state["b1"], 0.0)
    probability_nc = softmax(hidden_nh @ state["w2"] + state["b2"])
    chosen_n = probability_nc[np.arange(len(label_n)), label_n]
    return float(np.mean(np.log(np.maximum(np.nan_to_num(chosen_n), np.exp(-20.0)))))


if __name__ == "__main__":
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    main(tyro.cli(Arguments, description=__doc__))
