"""What was measured of the engine, and the tables that show it."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["HEADER", "Row", "Share", "line", "markdown"]


@dataclass(frozen=True, kw_only=True)
class Share:
    """How much of a limit is reached."""

    rate: float  # per second, median
    limit: float  # per second, median
    share: float  # median over repeats
    lowest: float
    highest: float


@dataclass(frozen=True, kw_only=True)
class Row:
    """What was measured of one environment and size of networks."""

    environment: str
    size: str
    engine: str  # one, parallel, stacked
    members: int  # trained at the same time
    rollout: Share  # environment steps
    evaluation: Share  # environment steps
    learner: Share  # GFLOP
    training: Share  # environment steps
    round: Share  # rounds
    round_is: str  # measured, or computed from one member's parts
    peak_memory_mb: float  # of one member's training and evaluation
    compilations: int
    compilation_s: float
    seconds: dict[str, list[float]]  # per step, GFLOP or round, of all repeats
    acting: Share | None = None  # a rollout, beside raw environments and the policy's network together
    beside_brax: Share | None = None  # a rollout, beside raw environments as Brax and XLA have them
    beside_plain_products: Share | None = None  # the learner, beside products as XLA computes them by itself


HEADER = (
    f"{'environment':12}{'size':6}{'engine':>11}|{'rollout':>14}{'raw':>6}{'+net':>5}{'Brax':>6}"
    f"|{'evaluate':>14}{'raw':>6}|{'learner':>14}{'bare':>6}{'XLA':>5}"
    f"|{'train':>13}|{'round':>13}|{'memory':>8}|{'compiled':>14}\n"
    f"{'':29}|{'k steps/s':>20}{'':11}|{'k steps/s':>20}|{'GFLOP/s':>20}{'':5}"
    f"|{'k steps/s':>13}|{'s':>13}|{'MB':>8}|{'programs, s':>14}"
)


def line(row: Row) -> str:
    """Return one line of the table.

    Beside shares of the limits stand those of raw environments and the policy network together, of Brax's own
    raw environments, and of products as XLA computes them by itself.
    """

    def part(share: Share, unit: float) -> str:
        return f"{share.rate / unit:8.4g} {share.share:4.0%} {share.limit / unit:6.4g}"

    def alone(share: Share | None) -> str:
        return "" if share is None else f"{share.share:.0%}"

    return (
        f"{row.environment:12}{row.size:6}{row.engine:>9}{row.members:2}"
        f"|{part(row.rollout, 1e3)}{alone(row.acting):>5}{alone(row.beside_brax):>6}"
        f"|{part(row.evaluation, 1e3)}"
        f"|{part(row.learner, 1)}{alone(row.beside_plain_products):>5}"
        f"|{row.training.rate / 1e3:8.4g} {row.training.share:4.0%}"
        f"|{1 / row.round.rate:8.4g} {row.round.share:4.0%}|{row.peak_memory_mb:8.0f}"
        f"|{row.compilations:7d} {row.compilation_s:6.1f}"
    )


def markdown(rows: Sequence[Row]) -> str:
    """Return the table as Markdown; in brackets the share of the limit, then those of others."""

    def part(share: Share, unit: float, *others: Share | None) -> str:
        shares = [f"{each.share:.0%}" for each in (share, *others) if each is not None]
        return f"{float(f'{share.rate / unit:.3g}'):,g} ({', '.join(shares)})"

    titles = (
        "task",
        "networks",
        "members at a time",
        "rollout, k steps/s",
        "evaluation, k steps/s",
        "learner, GFLOP/s",
        "training, k steps/s",
        "round, s",
        "memory, MB",
        "compilation, s",
    )
    lines = [titles, ("---",) * len(titles)]
    for row in rows:
        is_measured = row.round_is == "measured"
        lines.append(
            (
                f"`{row.environment}`",
                row.size,
                str(row.members),
                part(row.rollout, 1e3, row.acting, row.beside_brax),
                part(row.evaluation, 1e3),
                part(row.learner, 1, row.beside_plain_products),
                part(row.training, 1e3),
                f"{1 / row.round.rate:.3g} ({row.round.share:.0%})" if is_measured else "",
                f"{row.peak_memory_mb:.0f}",
                f"{row.compilation_s:.0f}",
            )
        )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
