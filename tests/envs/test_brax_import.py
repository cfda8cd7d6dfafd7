import subprocess
import sys
from pathlib import Path

import pytest

from bgpbt.envs.brax_import import import_brax, without_noise
from bgpbt.errors import InputError


def test_making_an_environment_prints_nothing(tmp_path: Path) -> None:
    # In a process of its own, since noise comes with the first import alone. Halfcheetah makes MuJoCo warn.
    program = "from bgpbt import envs; envs.make('reacher'); envs.make('brax:halfcheetah')"
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []  # MuJoCo would leave a file of warnings


def test_all_but_the_known_noise_is_let_through(capsys: pytest.CaptureFixture[str]) -> None:
    with without_noise():
        sys.stdout.write("Failed to import warp: No module named 'warp'\n")
        sys.stdout.write("Failed to import something else\n")
        sys.stderr.write("See the migration guide at https://gymnasium.farama.org/x\n")
        sys.stderr.write("no GPU was found\n")
    assert capsys.readouterr() == ("Failed to import something else\n", "no GPU was found\n")


def test_what_was_printed_before_an_error_is_not_lost(capsys: pytest.CaptureFixture[str]) -> None:
    @without_noise()
    def fail() -> None:
        sys.stderr.write("about to fail\n")
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        fail()
    assert capsys.readouterr().err == "about to fail\n"


def test_a_release_without_the_module_is_named() -> None:
    with pytest.raises(InputError, match=r"needs brax 0\.12\.0, and brax\.v9\.envs is not there: run"):
        import_brax("brax.v9.envs")


def test_an_import_that_fails_inside_keeps_its_own_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "needs_a_friend.py").write_text("import a_friend_that_is_missing\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="a_friend_that_is_missing"):
        import_brax("needs_a_friend")
