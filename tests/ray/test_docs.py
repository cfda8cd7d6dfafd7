"""The code in the documentation runs."""

import re
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"


def blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_first_trainer_of_the_page_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(blocks("own-trainer.md")[0], {"__name__": "page"})
    assert "rate" in capsys.readouterr().out


def test_the_page_on_known_settings_starts_from_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(blocks("start-from-my-settings.md")[0], names)
    first = names["finished"].trained[0].order
    assert first.configuration.items() >= names["mine"].items()
    assert first.proposal.source == "given"


def test_the_pages_of_ray_run_as_far_as_they_need_no_cluster() -> None:
    pytest.importorskip("ray.tune")
    executor, sizing, scheduler = blocks("ray.md")
    exec(executor, {})
    exec(sizing, {})
    assert "tuner = " in scheduler
    exec(scheduler.split("tuner = ")[0], {})
