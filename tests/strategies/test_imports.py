import subprocess
import sys

PROGRAM = """
import sys
import bgpbt.strategies, bgpbt.toys
loaded = {name.partition(".")[0] for name in sys.modules}
print(sorted(loaded & {"jax", "jaxlib", "brax", "optax", "flax", "torch"}))
"""


def test_strategies_and_toys_load_no_learning_framework() -> None:
    finished = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "[]"
