"""Tune a training loop in PyTorch: learning rate, momentum, batch size and optimiser, while it trains.

    pip install bgpbt torch
    python examples/torch_loop.py

One step is one pass over a noisy spiral of two arms. Weights go through a directory; the optimiser's
moments begin anew in every round.
"""

import argparse
from pathlib import Path

import torch
from ConfigSpace import Categorical, ConfigurationSpace, Float, Integer

from bgpbt.runs import Options, optimise
from bgpbt.space import Space
from bgpbt.strategies import PopulationSettings
from bgpbt.trainers import DirectoryTrainer, Job, Result

torch.set_num_threads(1)  # members train side by side


def spiral(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return points (n, 2) and the arm (n,) that each is on."""
    generator = torch.Generator().manual_seed(seed)
    arm = torch.randint(2, (count,), generator=generator)
    radius = torch.rand(count, generator=generator)
    angle = 6.0 * radius + torch.pi * arm
    point = radius[:, None] * torch.stack([angle.cos(), angle.sin()], dim=1)
    return point + 0.03 * torch.randn(count, 2, generator=generator), arm


def train(job: Job, start: Path | None, directory: Path) -> Result:
    """Train one network for `job.steps` passes and score it on points it was not trained on."""
    chosen = job.configuration
    torch.manual_seed(job.seed)
    network = torch.nn.Sequential(
        torch.nn.Linear(2, 32),
        torch.nn.Tanh(),
        torch.nn.Linear(32, 32),
        torch.nn.Tanh(),
        torch.nn.Linear(32, 2),
    )
    if start is not None:
        network.load_state_dict(torch.load(start / "network.pt", weights_only=True))
    if chosen["optimizer"] == "sgd":
        optimizer = torch.optim.SGD(
            network.parameters(), lr=chosen["learning_rate"], momentum=chosen["momentum"]
        )
    else:
        optimizer = torch.optim.Adam(
            network.parameters(), lr=chosen["learning_rate"], betas=(chosen["momentum"], 0.999)
        )
    point, arm = spiral(1000, seed=0)
    for _ in range(job.steps):
        for batch in torch.randperm(len(point)).split(chosen["batch"]):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(point[batch]), arm[batch]).backward()
            optimizer.step()
    torch.save(network.state_dict(), directory / "network.pt")
    unseen, truth = spiral(2000, seed=1)
    with torch.no_grad():
        loss = torch.nn.functional.cross_entropy(network(unseen), truth)
        accuracy = (network(unseen).argmax(dim=1) == truth).float().mean()
    return Result(score=-float(loss), figures={"accuracy": float(accuracy)})


def main() -> None:
    """Train the population and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--path", type=Path, default=Path("runs/torch"), help="directory of the run")
    parser.add_argument("--passes", type=int, default=30, help="over the points, for each member")
    arguments = parser.parse_args()
    space = ConfigurationSpace()
    space.add(
        Float("learning_rate", (1e-4, 1.0), log=True),
        Float("momentum", (0.5, 0.99)),
        Integer("batch", (8, 256), log=True),
        Categorical("optimizer", ["adam", "sgd"]),
    )
    finished = optimise(
        DirectoryTrainer(train),
        Space.from_configspace(space),
        PopulationSettings(
            t_ready=3, max_timesteps=arguments.passes, population=4, initial=8, quantile_fraction=0.25
        ),
        arguments.path,
        options=Options(max_parallel=2),
    )
    best = finished.best
    if best is None:
        raise SystemExit(f"every member failed: {finished.failures}")
    print(
        f"accuracy on unseen points: {best.outcome.figures['accuracy']:.4f} after {best.total_steps} passes"
    )
    for order, outcome in best.ancestry:
        print(
            f"  passes {order.first_step} to {order.first_step + outcome.steps}: {dict(order.configuration)}"
        )


if __name__ == "__main__":
    main()
