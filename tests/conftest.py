import os
import signal
from pathlib import Path

# Compiled programs are kept from one run of the tests to the next. JAX reads these when it is imported, so
# they are set here and not in a fixture; tests that need no JAX then need not import it.
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bgpbt" / "xla-tests"
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(_CACHE))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.5")

import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402

# A first example compiles, and a loaded machine is slow: neither says anything about the code under test.
settings.register_profile("bgpbt", deadline=None)
settings.load_profile("bgpbt")

# A shell that puts the tests into the background has them ignore Ctrl-C, and so do the processes they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in this hook, too
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a file, which share fixtures, on one worker of pytest-xdist, and all tests of Ray.

    Two clusters at the same time would take each other's processes for their own.
    """
    for item in items:
        folder, file = item.path.parent.name, item.path.name
        item.add_marker(pytest.mark.xdist_group("ray" if folder == "ray" else f"{folder}/{file}"))
