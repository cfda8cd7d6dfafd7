"""Tune a classifier of scikit-learn's handwritten digits while it is trained: floats, an integer, categories.

    pip install bgpbt scikit-learn
    python examples/digits.py

One step is one pass over the training images. It takes half a minute, and a second start only prints.
"""

import argparse
import pickle
from pathlib import Path

import numpy as np
from ConfigSpace import Categorical, ConfigurationSpace, Float, Integer
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split

from bgpbt.runs import Options, optimise
from bgpbt.space import Space
from bgpbt.strategies import PopulationSettings
from bgpbt.trainers import BytesTrainer, Job, Result

images, labels = load_digits(return_X_y=True)
train_images, valid_images, train_labels, valid_labels = train_test_split(
    images / 16.0, labels, test_size=0.4, random_state=0, stratify=labels
)


def search_space() -> Space:
    """Return what is searched; all of it may change while a model is trained."""
    space = ConfigurationSpace()
    space.add(
        Float("learning_rate", (1e-4, 1.0), log=True),
        Float("alpha", (1e-6, 1e-1), log=True),  # strength of the regularisation
        Integer("shift", (0, 2)),  # pixels by which training images are moved at most
        Categorical("loss", ["hinge", "log_loss", "modified_huber"]),
        Categorical("penalty", ["l1", "l2"]),
    )
    return Space.from_configspace(space)


def train(job: Job, weights: bytes | None) -> tuple[bytes, Result]:
    """Train one classifier for `job.steps` passes and score it on images it was not trained on."""
    model = SGDClassifier(learning_rate="constant") if weights is None else pickle.loads(weights)
    rng = np.random.default_rng(job.seed)
    model.set_params(
        eta0=job.configuration["learning_rate"],
        alpha=job.configuration["alpha"],
        loss=job.configuration["loss"],
        penalty=job.configuration["penalty"],
        random_state=int(rng.integers(2**31)),
    )
    for _ in range(job.steps):
        moved = shifted(train_images, int(job.configuration["shift"]), rng)
        model.partial_fit(moved, train_labels, classes=np.arange(10))
    figures = {"training_accuracy": float(model.score(train_images, train_labels))}
    return pickle.dumps(model), Result(score=float(model.score(valid_images, valid_labels)), figures=figures)


def shifted(image_nd: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Move each image of 8 by 8 pixels by up to `most` pixels along both axes."""
    image_nyx = image_nd.reshape(-1, 8, 8)
    moves_n2 = rng.integers(-most, most + 1, size=(len(image_nyx), 2))
    moved = [np.roll(image, move, axis=(0, 1)) for image, move in zip(image_nyx, moves_n2, strict=True)]
    return np.stack(moved).reshape(image_nd.shape)


def main() -> None:
    """Train the population and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--path", type=Path, default=Path("runs/digits"), help="directory of the run")
    parser.add_argument("--strategy", default="bgpbt")
    parser.add_argument("--passes", type=int, default=20, help="over the training images, for each member")
    arguments = parser.parse_args()
    settings = PopulationSettings(
        t_ready=2, max_timesteps=arguments.passes, population=6, initial=12, quantile_fraction=0.25
    )
    finished = optimise(
        BytesTrainer(train),
        search_space(),
        settings,
        arguments.path,
        options=Options(strategy=arguments.strategy, max_parallel=2),
    )
    best = finished.best
    if best is None:
        raise SystemExit(f"every member failed: {finished.failures}")
    print(f"accuracy on validation images: {best.outcome.score:.4f} after {best.total_steps} passes")
    for order, outcome in best.ancestry:
        print(
            f"  passes {order.first_step} to {order.first_step + outcome.steps}: {dict(order.configuration)}"
        )


if __name__ == "__main__":
    main()
