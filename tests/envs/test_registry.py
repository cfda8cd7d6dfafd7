import importlib
import subprocess
import sys

import pytest

from bgpbt import envs
from bgpbt.envs import registry
from bgpbt.errors import InputError


def test_every_name_is_listed_once_and_passes_the_check() -> None:
    listed = envs.names()
    assert len(set(listed)) == len(listed)
    assert listed[:7] == ("ant", "fetch", "halfcheetah", "hopper", "humanoid", "reacher", "ur5e")
    for name in listed:
        envs.check_name(name)
    envs.check_name("brax:reacher/spring")


def test_the_names_of_the_newer_brax_exist_there() -> None:
    from bgpbt.envs.brax_import import import_brax

    theirs = set(import_brax("brax.envs")._envs)
    assert set(registry.BRAX_NAMES) == theirs - {"fast", "swimmer"}  # fast is a stand-in for tests


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("reecher", r"'reecher' is not known; did you mean reacher"),
        ("Hopper", r"'Hopper' is not known; did you mean hopper"),
        ("brax:antt", r"did you mean brax:ant"),
        ("brax:", r"'brax:' is not known"),
        ("", r"'' is not known; there are ant, fetch"),
        ("zzzz", r"there are ant, fetch"),
        ("reacher/spring", r"'reacher/spring' is not known; did you mean reacher"),
        ("brax:reacher/", r"must be one of generalized, positional, spring"),
        ("brax:reacher/spin", r"must be one of generalized, positional, spring"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(name: str, message: str) -> None:
    for function in (envs.check_name, envs.make):
        with pytest.raises(InputError, match=message) as caught:
            function(name)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("missing", ["brax", "jax"])
def test_a_missing_package_is_named_with_the_command_that_installs_it(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(registry, "find_spec", lambda name: None if name == missing else real(name))
    with pytest.raises(InputError, match=rf"'reacher' needs {missing}, .*`pip install bgpbt\[brax\]`"):
        envs.make("reacher")


def test_listing_names_imports_neither_jax_nor_brax() -> None:
    program = (
        "import sys; from bgpbt import envs; envs.names(); envs.check_name('reacher'); "
        "sys.exit(bool({'jax', 'brax'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
