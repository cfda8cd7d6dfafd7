import os
import signal
from pathlib import Path
from typing import Any

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


@pytest.hookimpl(tryfirst=True)  # before any fixture starts a process, which inherits what is set here
def pytest_runtest_setup() -> None:
    """Have Ctrl-C mean the same in every test.

    A shell that puts the tests into the background has them ignore it, and so do the processes they start;
    Ray Tune takes it over, and never gives it back.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the tests of a file, which share fixtures, on one worker of pytest-xdist, and all tests of Ray.

    Two clusters at the same time would take each other's processes for their own. Marks for groups do not do
    it: pytest-xdist 3.8 finds none with pytest 9.2, and says nothing.
    """
    from xdist.scheduler import LoadFileScheduling

    class ByFile(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file: str = super()._split_scope(nodeid)
            return "ray" if "/ray/" in file else file

    return ByFile(config, log)
