import subprocess
import sys

import pytest

PROGRAM = """
import sys
import {modules}
loaded = {{name.partition(".")[0] for name in sys.modules}}
print(sorted(loaded & {{"jax", "jaxlib", "brax", "optax", "flax", "torch", "ConfigSpace"}}))
"""


@pytest.mark.parametrize(
    ("modules", "heavy"), [("bgpbt.strategies", "[]"), ("bgpbt.strategies, bgpbt.toys", "['ConfigSpace']")]
)
def test_strategies_load_nothing_that_takes_long_and_toys_no_learning_framework(
    modules: str, heavy: str
) -> None:
    program = PROGRAM.format(modules=modules)
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == heavy
