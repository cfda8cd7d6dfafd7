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
    ],
)
def test_a_function_that_is_not_there_is_named(name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        envs.make(name)
