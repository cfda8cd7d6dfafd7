"""`python -m bgpbt` is the `bgpbt` command."""

import sys

from bgpbt.cli import main

sys.exit(main())
