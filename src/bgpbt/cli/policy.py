"""`bgpbt policy` and `bgpbt evaluate`: the best policy as a file, and the score of such a file."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from tyro.conf import arg

from bgpbt.encoding import json_text
from bgpbt.errors import naming_extra
from bgpbt.storage import open_run
from bgpbt.storage.files import write_durably

if TYPE_CHECKING:
    from bgpbt.policies import PolicyScore, TrainedPolicy

__all__ = [
    "EvaluateArguments",
    "ImportArguments",
    "PolicyArguments",
    "evaluate_policy",
    "import_policy",
    "policy_of",
    "take_policy",
]


@dataclass(frozen=True, kw_only=True)
class PolicyArguments:
    """Write a run's best policy as one safetensors file, with all that is needed to act with it."""

    run: tyro.conf.Positional[Path]
    """The run's directory; the run may be under way."""
    output: Annotated[Path | None, arg(aliases=["-o"])] = None
    """File to write; without it, the run's name with .safetensors in the current directory."""


@dataclass(frozen=True, kw_only=True)
class EvaluateArguments:
    """Score a policy on start states of its own: mean return, standard error and quantiles."""

    policy: tyro.conf.Positional[Path]
    """A policy's file, or a run's directory, whose best policy is taken."""
    seeds: list[int] = field(default_factory=lambda: [0])
    """Seeds of start states and action noise."""
    episodes: Annotated[int, arg(aliases=["-n"])] = 256
    """Episodes for each seed."""
    output: Annotated[Path | None, arg(aliases=["-o"])] = None
    """JSON file to write: the same, and the return of every episode."""


@dataclass(frozen=True, kw_only=True)
class ImportArguments:
    """Write a policy that the paper's authors published (a .pt file) as a policy of ours."""

    file: tyro.conf.Positional[Path]
    """The published file, such as reacher_seed3_Agent5.pt."""
    env: Annotated[str | None, arg(aliases=["-e"])] = None
    """Its task; without it, the file's name up to the first underscore."""
    output: Annotated[Path | None, arg(aliases=["-o"])] = None
    """File to write; without it, the file's name with .safetensors in the current directory."""


def import_policy(arguments: ImportArguments) -> int:
    """Convert a published policy; return the exit status.

    Raises:
        BgpbtError: PyTorch is not installed, the file is not such a policy, or none can be written.
    """
    with naming_extra("brax"):
        from bgpbt.policies import read_legacy_policy, write_policy
    output = arguments.output or Path(f"{arguments.file.stem}.safetensors")
    policy = read_legacy_policy(arguments.file, arguments.env)
    write_policy(policy, output)
    shape = policy.description.architecture
    print(
        f"{output}: {policy.description.environment}, policy of {shape.depth} x {shape.width}, "
        f"{policy.description.steps:,} observations; score it with bgpbt evaluate"
    )
    return 0


def take_policy(arguments: PolicyArguments) -> int:
    """Write the best policy of a run; return the exit status.

    Raises:
        BgpbtError: the run has none, or a file cannot be read or written.
    """
    run = open_run(arguments.run)
    with naming_extra("brax"):
        from bgpbt.policies import best_policy, write_policy
    output = arguments.output or Path(f"{arguments.run.resolve().name}.safetensors")
    policy = best_policy(run)
    write_policy(policy, output)
    description = policy.description
    origin = f"member {description.member} of round {(description.round or 0) + 1}"
    print(f"{output}: {origin}, {description.steps:,} steps, return in selection {description.score:.6g}")
    return 0


def evaluate_policy(arguments: EvaluateArguments) -> int:
    """Score a policy and print what came of it; return the exit status.

    Raises:
        BgpbtError: there is no policy, or a number is not allowed.
    """
    policy = policy_of(arguments.policy)
    from bgpbt.policies import score_policy

    scores = score_policy(policy, seeds=arguments.seeds, episodes=arguments.episodes)
    _print_scores(policy, arguments.seeds, scores)
    if arguments.output is not None:
        record = {
            "policy": str(arguments.policy),
            "description": asdict(policy.description),
            "seeds": [
                {"seed": seed} | _record(score) for seed, score in zip(arguments.seeds, scores, strict=True)
            ],
            "all": _record(_together(scores)),
        }
        write_durably(arguments.output, f"{json_text(record, indent=2)}\n".encode())
    return 0


def policy_of(path: Path) -> "TrainedPolicy":
    """Return the policy in a file, or the best one of the run in a directory.

    Raises:
        BgpbtError: there is none.
    """
    run = open_run(path) if path.is_dir() else None
    with naming_extra("brax"):
        from bgpbt.agents import enable_persistent_cache
        from bgpbt.policies import best_policy, read_policy
    enable_persistent_cache()
    return read_policy(path) if run is None else best_policy(run)


def _print_scores(policy: "TrainedPolicy", seeds: list[int], scores: "list[PolicyScore]") -> None:
    from bgpbt.policies import QUANTILES

    description = policy.description
    print(f"return on {description.environment}, episodes of up to {description.episode_length} steps")
    rows = [(str(seed), score) for seed, score in zip(seeds, scores, strict=True)]
    if len(scores) > 1:
        rows.append(("all", _together(scores)))
    width = max(len(name) for name, _ in rows)
    quantiles = [f"{100 * quantile:.0f}%" for quantile in QUANTILES]
    _print_row(["seed".rjust(width), "episodes", "mean", "s.e.", *quantiles])
    for name, score in rows:
        figures = (score.mean, score.standard_error, *score.quantiles.values())
        cells = [f"{figure:.5g}" for figure in figures]
        _print_row([name.rjust(max(width, 4)), f"{score.return_n.size}", *cells])


def _print_row(cells: list[str]) -> None:
    print("  ".join([cells[0], *(cell.rjust(8) for cell in cells[1:])]))


def _together(scores: "list[PolicyScore]") -> "PolicyScore":
    import numpy as np

    from bgpbt.policies import PolicyScore

    return PolicyScore(return_n=np.concatenate([score.return_n for score in scores]))


def _record(score: "PolicyScore") -> dict[str, Any]:
    return {
        "mean": score.mean,
        "standard_error": score.standard_error,
        "quantiles": {f"{quantile:g}": value for quantile, value in score.quantiles.items()},
        "returns": score.return_n.tolist(),
    }
