"""How many programs a whole run compiles, in a process that has compiled nothing before."""

import json
import logging
import subprocess
import sys
from pathlib import Path

from ConfigSpace import ConfigurationSpace, Float, Integer, OrdinalHyperparameter

from bgpbt.execution import LocalExecutor, run_loop
from bgpbt.records import Distil, Grow
from bgpbt.runs import Experiment, ExperimentSettings, assemble
from bgpbt.space import Space, space_to_json
from bgpbt.storage import create_run
from bgpbt.strategies import GenerationSettings

PER_PAIR, PER_RUN = 2, 4
ROOT = Path(__file__).parents[2]


def test_a_run_compiles_two_programs_for_each_pair_of_architectures_and_few_besides(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.execution.test_compilations", str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-3000:]
    counted = json.loads(done.stdout)
    assert counted["configurations"] >= 8
    assert counted["pairs"] >= 3
    assert counted["distilled"] >= 2
    assert counted["grown"] >= 1
    assert counted["compilations"] == counted["logged"]  # by JAX itself, whoever asked for it
    assert counted["compilations"] <= PER_PAIR * counted["pairs"] + PER_RUN


def settings() -> ExperimentSettings:
    """Two generations, the second distilled from the first or grown out of it."""
    return ExperimentSettings(
        environment="countdown",
        strategy="bgpbt",
        seed=1,
        population=3,
        initial=4,
        quantile_fraction=0.4,
        t_ready=64,
        max_timesteps=64 * 6,
        environments=8,
        minibatches=4,
        episode_length=10,
        evaluation_episodes=4,
        test_episodes=4,
        policy=(1, 4),
        value=(1, 4),
        space=space(),
        search_mode="both",
        generations=GenerationSettings(
            t_distillation=128,
            distill_every=64 * 2,
            max_distillation=1,
            architectures="random",
            inherit="grow",
        ),
    )


def space() -> str:
    """Return the space of the settings as JSON: two policies and two value networks."""
    described = ConfigurationSpace(name="small")
    described.add(
        Float("learning_rate", (1e-4, 1e-3), log=True),
        OrdinalHyperparameter("batch_size", [8, 16]),
        Integer("unroll_length", (2, 3)),
        Integer("update_epochs", (1, 4)),
        Integer("policy_depth", (1, 2)),
        Integer("value_log2_width", (2, 3)),
    )
    return space_to_json(Space.from_configspace(described))


def run(experiment: Experiment, path: Path) -> dict[str, int]:
    """Carry out a run and describe its orders."""
    directory = create_run(path, {}, seed=experiment.settings.seed)
    with directory.locked(), directory.open_history() as history:
        executor = LocalExecutor(experiment.trainer, directory.checkpoints)
        run_loop(experiment.strategy, executor, history, directory.checkpoints, experiment.settings.seed)
        orders = [order for order, _ in history.trained()]
    shapes = [{k: v for k, v in o.configuration.items() if "depth" in k or "width" in k} for o in orders]
    return {
        "configurations": len({json.dumps(order.configuration, sort_keys=True) for order in orders}),
        "pairs": len({json.dumps(shape, sort_keys=True) for shape in shapes}),
        "distilled": sum(isinstance(order.start, Distil) for order in orders),
        "grown": sum(isinstance(order.start, Grow) for order in orders),
    }


class Log(logging.Handler):
    """Counts what JAX says that it compiles."""

    def __init__(self) -> None:
        super().__init__()
        self.compilations = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.compilations += "Finished XLA compilation" in record.getMessage()


def main(path: Path) -> None:
    import jax

    from bgpbt import envs
    from tests.envs.countdown import Countdown

    log = Log()
    jax.config.update("jax_log_compiles", True)
    logger = logging.getLogger("jax")
    logger.addHandler(log)
    for name in ("jax._src.dispatch", "jax._src.compiler", "jax._src.interpreters.pxla"):
        logging.getLogger(name).setLevel(logging.WARNING)
    envs.register("countdown", lambda: Countdown(3, 9))
    experiment = assemble(settings())
    described = run(experiment, path)
    trainer = experiment.trainer
    compilations = {"compilations": getattr(trainer, "compilations"), "logged": log.compilations}  # noqa: B009
    print(json.dumps(described | compilations))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
