"""What a command imports before it does anything: nothing that takes long."""

import subprocess
import sys

import pytest

SLOW = ("ConfigSpace", "scipy", "jax", "brax", "matplotlib", "ray", "torch", "sklearn", "pandas")


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["train", "--help"], ["study", "--help"]])
def test_help_imports_nothing_slow(arguments: list[str]) -> None:
    program = (
        "import sys\n"
        "from bgpbt.cli import main\n"
        "try:\n"
        f"    main({arguments!r})\n"
        "except SystemExit:\n"
        "    pass\n"
        f"print([name for name in {SLOW!r} if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "[]"
