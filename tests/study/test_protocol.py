from pathlib import Path

import pytest

from bgpbt.errors import InputError
from bgpbt.study import plan_study, read_protocol
from tests.study.protocols import OURS


def changed(path: Path, before: str, after: str) -> Path:
    text = OURS.read_text(encoding="utf-8")
    assert before in text
    for name in ("study_space.yaml", "study_architecture_space.yaml"):
        (path / name).write_bytes((OURS.parent / name).read_bytes())
    (path / "protocol.toml").write_text(text.replace(before, after, 1), encoding="utf-8")
    return path / "protocol.toml"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('baseline = "bgpbt"', "baseline = ", "is no TOML"),
        ("seeds = 2", 'seeds = "two"', "invalid value for type, expected int"),
        ("seeds = 2", "sedes = 2", "extra fields found \\(sedes\\)"),
        ("seeds = 2", "seeds = 0", "scale smoke: seeds = 0 must be 1 or more"),
        ('contenders = ["random", "pbt", "bgpbt"]', 'contenders = ["rnadom"]', "names contender 'rnadom'"),
        ('ablation_tasks = ["pendulum"', 'ablation_tasks = ["pandulum"', "names task 'pandulum'"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, before: str, after: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as refusal:
        read_protocol(changed(tmp_path, before, after))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("population = 4", "popluation = 4", "pendulum/random: .*popluation"),
        (
            "budget = 20_000",
            "budget = 2_000",
            "pendulum/random: budget = 2000 is less than",
        ),
        ('space = "study_space.yaml"', 'space = "nowhere.yaml"', "nowhere.yaml"),
    ],
)
def test_a_setting_that_no_run_has_is_named(tmp_path: Path, before: str, after: str, said: str) -> None:
    protocol = read_protocol(changed(tmp_path, before, after))
    with pytest.raises(InputError, match=said):
        plan_study(protocol, "smoke")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.toml: No such file"):
        read_protocol(tmp_path / "nothing.toml")


def test_a_scale_that_is_not_there() -> None:
    with pytest.raises(
        InputError, match="scale = 'tpu': there is no such scale; there are smoke, cpu, race, gpu"
    ):
        read_protocol(OURS).scale("tpu")
