"""Whether a run that is killed and gone on with is the run that nobody killed.

    python benchmarks/kill.py [--kills 50] [--strategy bgpbt] [--rounds 12] [--seed 0]
                              [--generations]

A run in a process of its own is killed (SIGKILL) at an instant drawn uniformly from the time that it takes
undisturbed, its start included, and gone on with in another process. Plans, outcomes, the strategy's state
and every checkpoint must be those of the undisturbed run, byte for byte; of all that is stored only the
seconds may differ. Members are made to take a few milliseconds, so that kills fall into training, into
commits and into the strategy alike. The exit status is 1 if a single run differs.
"""

import argparse
import multiprocessing
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, replace
from multiprocessing.context import ForkServerContext
from pathlib import Path

from bgpbt.contracts import Checkpoints, Trainer
from bgpbt.encoding import encode
from bgpbt.execution import LocalExecutor, run_loop
from bgpbt.records import Order, Outcome
from bgpbt.runs import ExperimentSettings, assemble
from bgpbt.storage import create_run, is_run, open_run
from bgpbt.strategies import GenerationSettings

ROUND_STEPS = 10
MEMBER_S = 0.004  # about what the commit of its outcome takes


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """All that a run has stored, but for the seconds."""

    plans: tuple[str, ...]
    outcomes: tuple[str, ...]
    state: str
    checkpoints: dict[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slowed:
    """A trainer that takes its time."""

    trainer: Trainer

    def train(self, order: Order, checkpoints: Checkpoints) -> Outcome:
        """Carry out an order, a little later."""
        time.sleep(MEMBER_S)
        return self.trainer.train(order, checkpoints)


def main() -> int:
    """Kill, go on, compare."""
    arguments = _arguments()
    settings = ExperimentSettings(
        environment="toy:shapes" if arguments.generations else "toy:mixed",
        strategy=arguments.strategy,
        seed=arguments.seed,
        population=4,
        initial=6,
        quantile_fraction=0.25,
        t_ready=ROUND_STEPS,
        max_timesteps=ROUND_STEPS * arguments.rounds,
        environments=1,  # from here on nothing that a toy has
        minibatches=1,
        episode_length=1,
        evaluation_episodes=1,
        test_episodes=1,
        policy=(1, 1),
        value=(1, 1),
        search_mode="both" if arguments.generations else "hpo",
        generations=GenerationSettings(t_distillation=24, distill_every=50, max_distillation=1),
    )
    # Children of a server that has imported everything start in milliseconds, and have no threads to lose.
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["bgpbt.execution", "bgpbt.strategies.bgpbt", "bgpbt.surrogate"])
    with tempfile.TemporaryDirectory(prefix="bgpbt-kill-") as scratch:
        _finish(processes, settings, Path(scratch) / "first" / "run")  # the server's start is not the run's
        took = _finish(processes, settings, Path(scratch) / "undisturbed" / "run")
        expected = content(settings, Path(scratch) / "undisturbed" / "run")
        print(f"undisturbed: {len(expected.outcomes)} outcomes in {took:.2f} s")
        instants = random.Random(arguments.seed)
        places: Counter[str] = Counter()
        equal = 0
        for number in range(arguments.kills):
            run = Path(scratch) / f"killed-{number}" / "run"
            places[_kill(processes, settings, run, instants, took)] += 1
            _finish(processes, settings, run)
            equal += content(settings, run) == expected
    for place, count in sorted(places.items()):
        print(f"killed {place}: {count}")
    print(f"{equal} of {arguments.kills} equal")
    return 0 if equal == arguments.kills else 1


def go_on(settings: ExperimentSettings, path: Path) -> None:
    """Start the run in a directory, or go on with it to its end."""
    experiment = assemble(settings)
    run = open_run(path) if is_run(path) else create_run(path, {}, seed=settings.seed)
    executor = LocalExecutor(Slowed(trainer=experiment.trainer), run.checkpoints, max_parallel=2)
    with run.locked(), run.open_history() as history:
        run_loop(experiment.strategy, executor, history, run.checkpoints, settings.seed)


def content(settings: ExperimentSettings, path: Path) -> Content:
    """Return what a run has stored; opening it checks all of it."""
    run = open_run(path)
    with run.open_history(read_only=True) as history:
        position = history.position(assemble(settings).strategy.state_type)
        return Content(
            plans=tuple(encode(plan) for plan in history.plans()),
            outcomes=tuple(encode(replace(outcome, seconds=0.0)) for outcome in history.outcomes()),
            state="" if position is None else encode(position.state),
            checkpoints={file.name: file.read_bytes() for file in run.checkpoints.directory.iterdir()},
        )


def _finish(processes: ForkServerContext, settings: ExperimentSettings, path: Path) -> float:
    """Go on with a run to its end and return the seconds that it took."""
    began = time.perf_counter()
    process = processes.Process(target=go_on, args=(settings, path))
    process.start()
    process.join()
    if process.exitcode != 0:
        raise SystemExit(f"{path}: going on with the run failed with exit status {process.exitcode}")
    return time.perf_counter() - began


def _kill(
    processes: ForkServerContext,
    settings: ExperimentSettings,
    path: Path,
    instants: random.Random,
    took: float,
) -> str:
    """Kill a new run at a random instant and return where it stood; one that was faster is done again."""
    while True:
        process = processes.Process(target=go_on, args=(settings, path))
        process.start()
        process.join(instants.uniform(0.0, took))
        process.kill()
        process.join()
        if process.exitcode == -signal.SIGKILL:
            return _standing(path)
        shutil.rmtree(path)


def _standing(path: Path) -> str:
    if not is_run(path):
        return "before the run was there"
    with open_run(path).open_history(read_only=True) as history:
        plans = history.plans()
        if not plans:
            return "before the first round"
        done = len(history.outcomes(plans[-1].round))
    return (
        f"with a round's {'outcomes all' if done == len(plans[-1].orders) else 'outcomes partly'} committed"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--strategy", default="bgpbt")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--generations", action="store_true", help="search architectures too, and distil")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
