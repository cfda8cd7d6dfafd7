"""A training program that knows nothing of bgpbt: it reads files and writes files, in any language you like.

It fits a line to noisy points by gradient descent. The directory it is given as its argument holds

    order.json     {"configuration": {"learning_rate": ...}, "first_step": ..., "steps": ..., "seed": ...}
    start/         the weights to go on from, if it does not begin
    checkpoint/    where it writes its weights

and it writes outcome.json: {"score": ...}, higher is better.
"""

import json
import random
import sys
from pathlib import Path

POINTS = [(x / 10, 3.0 * x / 10 - 1.0) for x in range(-10, 11)]


def main(directory: Path) -> None:
    """Train for the steps of the order and say how well it went."""
    order = json.loads((directory / "order.json").read_text())
    start = directory / "start" / "weights.json"
    slope, offset = json.loads(start.read_text()) if start.exists() else (0.0, 0.0)
    learning_rate, batch = order["configuration"]["learning_rate"], order["configuration"]["batch"]
    rng = random.Random(order["seed"])
    for _ in range(order["steps"]):
        for x, y in rng.sample(POINTS, batch):
            error = slope * x + offset - y + rng.gauss(0.0, 0.5)
            slope, offset = slope - learning_rate * error * x, offset - learning_rate * error
    loss = sum((slope * x + offset - y) ** 2 for x, y in POINTS) / len(POINTS)
    (directory / "checkpoint" / "weights.json").write_text(json.dumps([slope, offset]))
    (directory / "outcome.json").write_text(json.dumps({"score": -loss}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
