"""The commands in README and documentation, and how each is carried out in a test.

Commands run as they are written wherever that takes seconds. What would take hours is made small by flags
that are added at the end, where the last one counts; the rules say what is changed, and why.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").rglob("*.md")),
)

_FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_PROGRAMS = ("bgpbt ", "python ", "python3 ", "make ", "pip ", "source ", "ray ", "bash ", "cat ")
_INLINE = re.compile(r"`(python3? [\w./]+\.py[^`]*|make \w+)`")

_SMALL_AGENT = (
    "-ps 4 -ni 4 -qf 0.25 -tr 2_000 -mt 4_000 --num-envs 32 --num-minibatches 1 --policy 1 8 --value 1 8 "
    "--episode-length 20 --eval-episodes 4 --test-episodes 4 -exist overwrite"
)
_SMALL_TOY = "-ps 4 -ni 4 -qf 0.25 -tr 10 -mt 40 -sd toys -exist overwrite"


@dataclass(frozen=True)
class Command:
    """One line of a page."""

    page: Path
    line: str

    @property
    def name(self) -> str:
        """What a test is called."""
        return f"{self.page.relative_to(ROOT)}: {self.line}"


@dataclass(frozen=True)
class Rule:
    """How commands of one kind are carried out."""

    pattern: str  # of the whole line
    changed: Callable[[str], str] = lambda line: line
    how: str = "run"  # or "make", "extras", "help", "watch", "refused", "nothing"


def _with(flags: str) -> Callable[[str], str]:
    return lambda line: f"{line} {flags}"


def _on_a_toy(toy: str, flags: str = "") -> Callable[[str], str]:
    """Take a toy instead of an environment: ant compiles for half a minute, each architecture for another."""
    return lambda line: f"{re.sub(r'-e [a-z]+', f'-e toy:{toy}', line)} {_SMALL_TOY} {flags}"


def _without_cluster(line: str) -> str:
    """Let Ray start on this machine; that there is a cluster to join is tested in tests/ray."""
    return line.replace(" --address auto", "").replace("cpu=2", "cpu=1")


RULES = (
    Rule(r"make \w+", how="make"),  # what it would run is looked at: it creates an environment of its own
    Rule(r"pip install .*", how="extras"),  # the same; that the extras exist is checked
    Rule(r"source \.venv/bin/activate", how="nothing"),  # changes a shell
    Rule(r"python3 main\.py", _with("--help")),
    Rule(r"python benchmarks/.*", how="help"),  # minutes to hours; their flags are checked
    Rule(r"(python3 main\.py|bgpbt train) .*-sm both.*", _on_a_toy("shapes", "-td 20 -de 20 -md 1")),
    Rule(r"bgpbt train .*--executor ray.*", lambda line: _without_cluster(_on_a_toy("mixed")(line))),
    Rule(r"bgpbt resume .*--executor ray.*", _without_cluster),
    Rule(r"bgpbt resume .*--max-timesteps 3M", lambda line: line.replace("3M", "6_000")),
    Rule(r"(python3 main\.py|bgpbt train) .*-e ant.*", _on_a_toy("mixed")),
    Rule(r"bgpbt train -e toy:.*", _with(_SMALL_TOY)),
    # Whether or not there is PyTorch; tests/cli/test_gymnasium.py trains where it is.
    Rule(r"bgpbt train -e gymnasium:.*", _with("--seed -1"), how="refused"),
    Rule(r"bgpbt train .*", _with(_SMALL_AGENT)),
    Rule(r"bgpbt study .*--dry-run"),
    Rule(r"bgpbt study .*--scale smoke", _with("--only 'mixed/*' --jobs 1")),
    Rule(r"bgpbt watch .*", how="watch"),
    Rule(r"bgpbt render .*", _with("--seconds 0.2")),
    Rule(r"bgpbt evaluate .*", _with("--episodes 8")),
    Rule(
        r"bgpbt pin (\S+) 12 1 (.*)", lambda line: line.replace(" 12 1 ", " 3 1 ")
    ),  # the last, once it is extended
    Rule(r"bgpbt import-policy .*", how="refused"),  # needs PyTorch and a file of 2022; see tests/policies
    Rule(r"bgpbt (resume|list|export|policy|schedule|replay|report|figures|compare|doctor|gc|envs)( .*)?"),
    Rule(r"cat \w+\.json"),
)


def commands(page: Path) -> Iterator[Command]:
    """Return the commands of a page, in sequence."""
    text = page.read_text(encoding="utf-8")
    for _, language, block in _FENCE.findall(text):
        if language not in ("", "console", "bash", "sh"):
            continue
        for line in block.splitlines():
            if language == "console" and not line.strip().startswith("$ "):
                continue  # what the command prints
            bare = re.sub(r"\s{2,}#.*", "", line.strip().removeprefix("$ ")).strip()
            if bare.startswith(_PROGRAMS):
                yield Command(page, bare)
    for inline in _INLINE.findall(_FENCE.sub("", text)):
        yield Command(page, inline)


def rule_of(command: Command) -> Rule | None:
    """Return the first rule for a command, if there is one."""
    return next((rule for rule in RULES if re.fullmatch(rule.pattern, command.line)), None)
