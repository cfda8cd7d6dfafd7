"""Every command in README and documentation does what it says."""

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bgpbt.cli import main
from tests.docs.commands import PAGES, ROOT, Command, commands, rule_of
from tests.viewing.serving import serving

ALL = [command for page in PAGES for command in commands(page)]
BAD_INPUT = 2
WITH_GENERATIONS = ("resume-and-replay.md", "watch.md")
REACHER = (
    "train -e reacher --population-schedule paper -ps 4 -ni 4 -qf 0.25 -tr 2_000 -mt 4_000 --num-envs 32 "
    "--num-minibatches 1 --policy 1 8 --value 1 8 --episode-length 20 --eval-episodes 4 --test-episodes 4"
)
SHAPES = "train -e toy:shapes -sm both -ps 4 -ni 4 -qf 0.25 -tr 10 -mt 80 -td 20 -de 20 -md 1"


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs that pages speak of. Ant's are others under its name: ant takes a minute to compile."""
    pytest.importorskip("brax")
    runs = tmp_path_factory.mktemp("trained")
    assert main([*REACHER.split(), "-sd", str(runs)]) == 0
    assert main([*SHAPES.split(), "-sd", str(runs)]) == 0
    shutil.copytree(runs / "reacher-bgpbt-hpo-seed0", runs / "ant-bgpbt-hpo-seed0")
    (runs / "toy-shapes-bgpbt-both-seed0").rename(runs / "reacher-bgpbt-both-seed0")
    shutil.copytree(runs / "reacher-bgpbt-both-seed0", runs / "ant-bgpbt-both-seed0")
    return runs


@pytest.fixture(scope="session")
def desks(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Path]:
    """For each page a directory in which its commands are carried out one after the other."""
    made = {}
    for page in PAGES:
        desk = tmp_path_factory.mktemp(page.stem)
        shutil.copytree(trained, desk / "runs")
        if page.name not in WITH_GENERATIONS:  # on another task: nothing to compare with the others
            for run in (desk / "runs").glob("*-both-*"):
                shutil.rmtree(run)
        for name in ("benchmarks", "examples", "main.py"):
            (desk / name).symlink_to(ROOT / name)
        for name in ("reacher_seed3_Agent5", "ant-bgpbt-hpo-seed0"):
            run = desk / "runs" / "ant-bgpbt-hpo-seed0"
            assert main(["policy", str(run), "-o", str(desk / f"{name}.safetensors")]) == 0
        references = {"ant": {"low": -60, "high": 8000}}
        (desk / "references.json").write_text(json.dumps(references), encoding="utf-8")
        shown = re.findall(r'```\w+ title="([\w.-]+)"\n(.*?)```', page.read_text("utf-8"), re.DOTALL)
        for name, content in shown:
            (desk / name).write_text(content, encoding="utf-8")  # a file that the page shows
        for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL):
            if "write_text(space_to_yaml" in block:  # a space that the next command reads
                exec(block.replace('Path("', f'Path("{desk}/'), {})
        made[page] = desk
    return made


@pytest.fixture
def desk(request: pytest.FixtureRequest, desks: dict[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    directory: Path = desks[request.getfixturevalue("command").page]
    monkeypatch.chdir(directory)
    return directory


def test_there_are_commands_on_the_pages() -> None:
    assert len(ALL) > 50
    assert {command.page.name for command in ALL} >= {"README.md", "quickstart.md", "ray.md", "policies.md"}


@pytest.mark.timeout(400)
@pytest.mark.parametrize("command", ALL, ids=lambda command: command.name)
def test_a_command_does_what_it_says(command: Command, desk: Path) -> None:
    rule = rule_of(command)
    assert rule is not None, "no rule says how to carry this out: add one to tests/docs/commands.py"
    line = rule.changed(command.line)
    match rule.how:
        case "make":
            made = subprocess.run(["make", "-n", line.split()[1]], cwd=ROOT, capture_output=True, check=False)
            assert made.returncode == 0, made.stderr
        case "extras":
            assert set(_extras(line)) <= set(_project()["optional-dependencies"])
        case "help":
            _check_flags(shlex.split(line))
        case "watch":
            with serving(*map(Path, shlex.split(line)[2:])) as served:
                assert httpx.get(served.address).status_code == 200
        case "refused":
            assert main(shlex.split(line)[1:]) == BAD_INPUT
        case "run":
            assert _status(line) == 0


def _status(line: str) -> int:
    program, *arguments = shlex.split(line)
    if program == "bgpbt":
        return main(arguments)
    if program == "python3":
        program = sys.executable
    return subprocess.run([program, *arguments], check=False, capture_output=True).returncode


def _check_flags(words: list[str]) -> None:
    """Check that a benchmark starts and knows the flags that the page gives it."""
    shown = subprocess.run([sys.executable, words[1], "--help"], capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    for flag in (word for word in words[2:] if word.startswith("--")):
        assert flag in shown.stdout


def _extras(line: str) -> Iterator[str]:
    for listed in re.findall(r"\[([\w,]+)\]", line):
        yield from listed.split(",")


def _project() -> dict[str, dict[str, list[str]]]:
    project: dict[str, dict[str, list[str]]] = tomllib.loads(
        (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    )["project"]
    return project
