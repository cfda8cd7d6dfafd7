import re
from pathlib import Path
from typing import Any

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_the_readme_run(
    example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(example, names)
    if "finished" in names:
        assert names["finished"].failures == {}
    else:
        assert names["plan"] is None  # the run came to its end


def test_there_is_an_example() -> None:
    assert EXAMPLES


def test_files_and_benchmarks_that_the_readme_names_are_there() -> None:
    root = Path(__file__).parents[1]
    named = re.findall(r"\]\(([^)h][^)]*)\)", README) + re.findall(r"python (benchmarks/\w+\.py)", README)
    assert len(named) > 5
    assert [name for name in named if not (root / name.partition("#")[0]).exists()] == []
