import subprocess
import sys

import pytest

PROGRAM = """
import sys
import {modules}
loaded = {{name.partition(".")[0] for name in sys.modules}}
print(sorted(loaded & {{"jax", "jaxlib", "brax", "optax", "flax", "torch", "ConfigSpace", "scipy"}}))
"""


@pytest.mark.parametrize("modules", ["bgpbt.strategies", "bgpbt.surrogate", "bgpbt.toys", "bgpbt.runs"])
def test_what_takes_long_is_imported_when_it_is_used(modules: str) -> None:
    program = PROGRAM.format(modules=modules)
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "[]"
