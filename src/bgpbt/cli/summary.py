"""What a finished run says of itself."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from bgpbt.analysis import BestMember, Cut, best_member, cuts, first_copy, generations, steps_by_purpose
from bgpbt.contracts import Checkpoints
from bgpbt.records import Configuration, Trained
from bgpbt.runs import Experiment, returns_on_test_seeds

__all__ = ["print_summary"]


def print_summary(
    console: Console,
    experiment: Experiment,
    trained: Sequence[Trained],
    checkpoints: Checkpoints,
) -> None:
    """Print the best member, its return on start states that selection never saw, and where steps went."""
    table = Table(title="Summary", title_justify="left", show_header=False)
    table.add_column(style="bold")
    table.add_column()
    best = best_member(trained)
    if best is None:
        table.add_row("best member", "none: every member failed")
    else:
        _add_best(table, experiment, best, checkpoints)
    left = cuts(trained) if experiment.settings.population_settings.rungs else ()
    if left:
        table.add_row("race", _race(trained, left))
    schedule = experiment.settings.replayed
    if schedule is not None and not experiment.settings.reseed:
        made = [outcome.checkpoint for _, outcome in trained]
        equal = sum(stretch.checkpoint == own for stretch, own in zip(schedule.stretches, made, strict=False))
        table.add_row("stretches repeated to the byte", f"{equal} of {len(schedule.stretches)}")
    for purpose, steps in steps_by_purpose(trained).items():
        table.add_row(f"environment steps: {purpose}", f"{steps:,}")
    failed = [outcome for _, outcome in trained if outcome.failure is not None]
    if failed:
        table.add_row("failed members", f"{len(failed)}, last: {failed[-1].failure}")
    compilations = getattr(experiment.trainer, "compilations", None)
    if compilations is not None:
        table.add_row("compilations", f"{compilations}")
    console.print(table)
    if experiment.settings.is_generational:
        console.print(_generations(trained))


def _race(trained: Sequence[Trained], left: Sequence[Cut]) -> str:
    """Return what the race did: `16 members, 8 from round 4 (31% of the steps), first copy in round 6`."""
    members = max(order.member for order, _ in trained if order.round == 0) + 1
    sizes = [f"{cut.after} from round {cut.round + 1} ({cut.share:.0%} of the steps)" for cut in left]
    copied = first_copy(trained)
    copy = "no copy" if copied is None else f"first copy in round {copied + 1}"
    return ", ".join([f"{members} members", *sizes, copy])


def _generations(trained: Sequence[Trained]) -> Table:
    """Return what each generation was: how it began, and the architecture and return of its best member."""
    table = Table(title="Generations", title_justify="left")
    for column in ("generation", "rounds", "students", "their steps", "best return", "its networks"):
        table.add_column(column)
    for generation in generations(trained):
        score, architecture = "-", "-"
        if generation.best is not None:
            order, outcome = generation.best
            score = f"{outcome.score:.6g}"
            architecture = "\n".join(_network(order.configuration, name) for name in ("policy", "value"))
        table.add_row(
            f"{generation.number + 1}",
            f"{generation.first_round + 1} to {generation.last_round + 1}",
            f"{generation.students or '-'}",
            f"{generation.distillation_steps:,}",
            score,
            architecture,
        )
    return table


def _network(configuration: Configuration, network: str) -> str:
    """Return what a configuration says of a network, such as `policy 2 x 64, spectral norm`."""
    depth, log2_width = (configuration.get(f"{network}_{part}") for part in ("depth", "log2_width"))
    width = None if log2_width is None else 2 ** int(log2_width)
    shape = " x ".join("as given" if size is None else f"{size}" for size in (depth, width))
    norm = ", spectral norm" if configuration.get(f"{network}_spectral_norm") else ""
    return f"{network} {shape}{norm}"


def _add_best(table: Table, experiment: Experiment, best: BestMember, checkpoints: Checkpoints) -> None:
    order, outcome = best.order, best.outcome
    table.add_row(
        "best member", f"{order.member} of round {order.round + 1}, after {best.total_steps:,} steps"
    )
    table.add_row("its return in selection", f"{outcome.score:.6g}")
    returns = returns_on_test_seeds(experiment, best, checkpoints)
    if returns is not None:
        tested = f"{returns.mean:.6g} +- {returns.standard_error:.2g} ({returns.return_n.size} episodes)"
        table.add_row("its return on test seeds", tested)
    for name, value in best.configuration.items():
        table.add_row(f"  {name}", f"{value:.4g}" if isinstance(value, float) else f"{value}")
