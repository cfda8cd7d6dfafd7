"""What a run says of where it began, and what is said when it is continued elsewhere."""

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bgpbt.storage import changed_conditions, create_run, examine, moved_note, open_run
from bgpbt.storage import conditions as module


def test_a_run_says_on_how_many_cores_it_began(tmp_path: Path) -> None:
    run = create_run(tmp_path / "run", {}, seed=0)
    assert run.description.cores == len(os.sched_getaffinity(0))
    assert open_run(run.path).description == run.description
    assert changed_conditions(run.description) == ()
    assert moved_note(run.path, run.description) is None


def test_all_that_decides_the_bytes_is_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    began = create_run(tmp_path / "run", {}, seed=0, device="NVIDIA H100").description
    now = len(os.sched_getaffinity(0))
    moved = replace(
        began,
        cores=77,
        machine="Linux riscv64",
        python="3.9.1",
        versions={"numpy": "1.0", **{name: text for name, text in began.versions.items() if name == "bgpbt"}},
    )
    changed = changed_conditions(moved, device="cpu")
    assert changed[:3] == (
        f"cores: 77 then, {now} now",
        f"machine: Linux riscv64 then, {began.machine} now",
        "device: NVIDIA H100 then, cpu now",
    )
    assert f"numpy: 1.0 then, {np.__version__} now" in changed
    assert any(text.startswith("scipy: none then, ") for text in changed)
    assert not any(text.startswith("bgpbt: ") for text in changed)
    monkeypatch.setattr(module, "cores", lambda: 3)
    note = moved_note(tmp_path / "run", began)
    assert note is not None
    assert note.endswith(f"cores: {began.cores} then, 3 now")
    assert "\n" not in note


def test_a_run_of_the_first_format_is_intact_and_its_cores_are_not_known(tmp_path: Path) -> None:
    run = create_run(tmp_path / "run", {"nothing": None}, seed=0)
    path = run.path / "run.json"
    fields = json.loads(path.read_text(encoding="utf-8"))
    del fields["digest"], fields["cores"]
    fields["format_version"] = 1
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))  # as the first version made its digest
    digest = hashlib.sha256(text.encode()).hexdigest()
    path.write_text(json.dumps({**fields, "digest": digest}), encoding="utf-8")
    description = open_run(run.path).description
    assert description.cores is None
    assert description.configuration == {"nothing": None}
    assert changed_conditions(description) == ()
    assert examine(run.path).is_intact
