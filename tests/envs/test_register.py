import sys
from pathlib import Path

import pytest

from bgpbt import envs
from bgpbt.envs import registry
from bgpbt.errors import InputError
from tests.envs.countdown import Countdown


def make_countdown() -> Countdown:
    return Countdown(3, 5)


@pytest.fixture(autouse=True)
def _own_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_REGISTERED", {})


def test_a_registered_environment_has_a_name_like_any_other() -> None:
    envs.register("countdown", make_countdown)
    envs.check_name("countdown")
    assert envs.names()[-1] == "countdown"
    assert isinstance(envs.make("countdown"), Countdown)


@pytest.mark.parametrize("name", ["", "a:b", "a/b", "reacher"])
def test_a_name_that_is_taken_or_strange_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"cannot be called|already"):
        envs.register(name, make_countdown)


def test_an_importable_function_needs_no_registration() -> None:
    name = "python:tests.envs.test_register:make_countdown"
    envs.check_name(name)
    assert isinstance(envs.make(name), Countdown)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("python:no.such.module:make", "no module 'no'"),
        ("python:tests.envs.test_register:nothing", "nothing"),
        (
            "python:os:getcwd",
            r"getcwd\(\) returned '/.*', which is no environment: it lacks name, observation_",
        ),
        ("python:os:sep", "cannot be made: TypeError: 'str' object is not callable"),
        ("python:math:sqrt", "cannot be made: TypeError: "),
    ],
)
def test_a_function_that_is_not_there_is_named(name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        envs.make(name)


def test_a_module_in_the_working_directory_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "from tests.envs.countdown import Countdown\ndef make():\n    return Countdown(3, 5)\n"
    (tmp_path / "an_environment_of_mine.py").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path not in ("", ".")])
    assert isinstance(envs.make("python:an_environment_of_mine:make"), Countdown)
